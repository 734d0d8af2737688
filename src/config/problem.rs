//! What is wrong with a configuration file, and where.
//!
//! Owns problems, the places in a text, and the search for what somebody may have meant. Knows no key of the file.

use std::fmt;

use serde::Serialize;

/// Problems that are told at most; a last one then says how many more there are.
pub const PROBLEMS_MAX: usize = 1000;

/// Everything that is wrong with a file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

/// One thing that is wrong. Never carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as it was named to us.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character of that line, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// Why it is wrong.
    pub why: String,
    /// How to mend it.
    pub mend: String,
}

impl Problem {
    /// The key or section of the file that it is about, as `camera.north-gate.zone.way.area`: that with which its words begin. Empty where it is about
    /// none, or about the file as a whole.
    pub fn key(&self) -> &str {
        let named = |open: char, close: char| {
            let (before, rest) = self.what.split_once(open)?;
            let (key, _) = rest.split_once(close)?;
            let is_key = key.chars().all(|c| c.is_alphanumeric() || ".-_ ".contains(c));
            (is_key && !key.contains("..")).then_some((before.len(), key))
        };
        [named('`', '`'), named('[', ']')].into_iter().flatten().min().map_or("", |(_, key)| key)
    }
}

/// `file:line: what, why, how to mend`, on one line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}, {}, {}", self.file, self.line, self.what, self.why, self.mend)
    }
}

/// One line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// One problem with a file as a whole.
    pub(super) fn whole(file: &str, what: String, why: String, mend: String) -> Self {
        Self(vec![Problem { file: file.to_owned(), line: 1, column: 1, what, why, mend }])
    }
}

/// Collects the problems of one text.
pub(super) struct Report<'t> {
    file: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    untold: usize,
    broken_lines: Vec<usize>,
}

impl<'t> Report<'t> {
    /// Nothing is wrong yet.
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { file, text, line_starts, problems: Vec::new(), untold: 0, broken_lines: Vec::new() }
    }

    /// The text is no TOML at byte `at`. What else is wrong in that line, and what is missing anywhere, may only follow from it, and is
    /// not told.
    pub(super) fn syntax(&mut self, at: usize, what: String, why: String, mend: String) {
        let (line, _) = self.place(at);
        if !self.broken_lines.contains(&line) {
            self.push(at, what, why, mend);
            self.broken_lines.push(line);
        }
    }

    /// What is written at byte `at` is wrong.
    pub(super) fn wrong(
        &mut self,
        at: usize,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) {
        if self.broken_lines.is_empty() || !self.broken_lines.contains(&self.place(at).0) {
            self.push(at, what.into(), why.into(), mend.into());
        }
    }

    /// Something is missing from what begins at byte `at`, or from the file.
    pub(super) fn absent(
        &mut self,
        at: usize,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) {
        if self.broken_lines.is_empty() {
            self.push(at, what.into(), why.into(), mend.into());
        }
    }

    /// Whether the text is no TOML.
    pub(super) fn is_broken(&self) -> bool {
        !self.broken_lines.is_empty()
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems in the order of the file.
    pub(super) fn into_problems(mut self) -> Problems {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        if self.untold > 0 {
            let at = self.text.len();
            let what = format!("{} more problems are not listed", self.untold);
            self.untold = 0;
            let problem = self.problem(at, what, "the list is long enough".into(), "mend those above".into());
            self.problems.push(problem);
        }
        Problems(self.problems)
    }

    fn push(&mut self, at: usize, what: String, why: String, mend: String) {
        if self.problems.len() < PROBLEMS_MAX {
            let problem = self.problem(at, what, why, mend);
            self.problems.push(problem);
        } else {
            self.untold += 1;
        }
    }

    fn problem(&self, at: usize, what: String, why: String, mend: String) -> Problem {
        let (line, column) = self.place(at);
        Problem { file: self.file.to_owned(), line, column, what, why, mend }
    }

    /// Line and character, from 1, of a byte of the text.
    fn place(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start <= at);
        let start = self.line_starts[line - 1];
        let column = self.text.as_bytes()[start..at].iter().filter(|&&b| (b as i8) >= -0x40).count();
        (line, column + 1)
    }
}

/// A text as an error may repeat it: in quotes, on one line, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const LEN_MAX: usize = 60;
    if text.chars().count() <= LEN_MAX {
        format!("{text:?}")
    } else {
        format!("{:?}…", text.chars().take(LEN_MAX).collect::<String>())
    }
}

/// Which of the `known` words somebody meant who wrote `text`: the nearest, if any is near.
pub(super) fn nearest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const NEAR_MIN: f64 = 0.5;
    const PART_OF: f64 = 0.6;
    // Distances are quadratic in length: nobody means a known word by a text of pages.
    if text.len() > 200 {
        return None;
    }
    let wanted = text.to_lowercase();
    known
        .into_iter()
        .map(|word| {
            let word_lower = word.to_lowercase();
            let part = wanted.len() >= 3 && (word_lower.contains(&wanted) || wanted.contains(&word_lower));
            let near = strsim::normalized_damerau_levenshtein(&wanted, &word_lower);
            (if part { near.max(PART_OF) } else { near }, word)
        })
        .filter(|(near, _)| *near >= NEAR_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// How to mend a word that is not among the known ones.
pub(super) fn suggestion(text: &str, known: &[&str]) -> String {
    const LISTED_MAX: usize = 24;
    match nearest(text, known.iter().copied()) {
        Some(word) => format!("did you mean \"{word}\"?"),
        None if known.is_empty() => "there is none yet".into(),
        None if known.len() > LISTED_MAX => {
            format!(
                "use one of {} and {} more",
                super::shape::quoted(&known[..LISTED_MAX]),
                known.len() - LISTED_MAX
            )
        }
        None => format!("use one of {}", super::shape::quoted(known)),
    }
}
