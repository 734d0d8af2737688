//! The audit log over HTTP: pages of it, the newest first, and some of it by chance.
//!
//! Owns the question and how entries are spelt. The log is read, and held against its hashes, by a thread that may block; it is locked for the moment in
//! which its length is looked at.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        answer::{Answer, Pairs, Refusal, fresh},
        parameters::{BadQuestion, Parameters, in_order},
    },
    Access,
    draw::Draw,
};
use crate::{
    evidence::{Action, Entry, Extent},
    id::CameraId,
    time::Wall,
};

/// Entries on a page, at most, and where nothing else is asked for.
const PAGE_MAX: usize = 500;
const PAGE_USUAL: usize = 100;
/// Entries of a draw, at most.
const DRAW_MAX: usize = 100;
/// Results that are told of an entry; how many there are is told of all.
const RESULTS_MAX: usize = 50;
/// What is drawn: that somebody has seen people, or was given recordings of them.
const DRAWN: [Action; 3] = [Action::Search, Action::View, Action::Export];

/// Which entries. An empty list fits any.
#[derive(Debug, Default)]
struct Question {
    from: Option<Wall>,
    to: Option<Wall>,
    /// In the name or the unit.
    who: Option<String>,
    actions: Vec<String>,
    case: Option<String>,
    camera: Option<CameraId>,
    /// Older than this one.
    after: Option<u64>,
    limit: usize,
    draw: Option<usize>,
}

/// A page of entries.
#[derive(Debug, Serialize)]
struct Page {
    entries: Vec<EntryData>,
    /// What to ask for as `after` to go on; null at the end, and of a draw.
    next: Option<u64>,
    /// Whether the log is as it was written, to its end.
    whole: bool,
    /// What is wrong where it is not; entries behind that place are not shown.
    fault: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryData {
    seq: u64,
    at: String,
    who: String,
    unit: String,
    purpose: String,
    case: String,
    action: String,
    what: Value,
    results: Vec<String>,
    results_count: usize,
}

impl From<&Entry> for EntryData {
    fn from(entry: &Entry) -> Self {
        let Entry { seq, at, who, unit, purpose, case, action, what, results, prev: _ } = entry;
        Self {
            seq: *seq,
            at: at.to_string(),
            who: who.clone(),
            unit: unit.clone(),
            purpose: purpose.clone(),
            case: case.clone(),
            action: action.to_string(),
            what: what.clone(),
            results: results.iter().take(RESULTS_MAX).cloned().collect(),
            results_count: results.len(),
        }
    }
}

pub(super) async fn show(State(access): State<Arc<Access>>, Query(pairs): Pairs) -> Answer<Response> {
    let question = ask(&pairs, &access.config.station.time_zone)?;
    let broken = |why: String| Refusal(StatusCode::SERVICE_UNAVAILABLE, why);
    let (open, folder) = (access.journal.opener(), access.config.paths.data.join("audit"));
    let read = tokio::task::spawn_blocking(move || {
        let evidence = open().map_err(|error| error.to_string())?;
        // The keyring after the log: a key that is made meanwhile has signed nothing of it.
        let extent = Extent::of(&folder).map_err(|error| error.to_string())?;
        let keyring = evidence.keyring().map_err(|error| error.to_string())?;
        let mut reading = Reading::new(&question);
        let walked = extent.walk(&keyring, &[], |entry, _| reading.see(entry));
        Ok::<_, String>(reading.page(walked.err().map(|fault| fault.to_string())))
    });
    Ok(fresh(read.await.map_err(|panic| broken(panic.to_string()))?.map_err(broken)?))
}

fn ask(pairs: &[(String, String)], zone: &jiff::tz::TimeZone) -> Result<Question, BadQuestion> {
    let mut parameters = Parameters::new(pairs);
    let names: Vec<&'static str> = Action::names().collect();
    let question = Question {
        from: parameters.moment("from", zone)?,
        to: parameters.moment_after("to", zone)?,
        who: parameters.text("who")?.map(str::to_owned),
        actions: parameters.words("action", &names, |name| name)?.into_iter().map(str::to_owned).collect(),
        case: parameters.text("case")?.map(str::to_owned),
        camera: parameters.value("camera")?,
        after: parameters.number("after", 1, u64::MAX)?,
        limit: parameters.number("limit", 1, PAGE_MAX)?.unwrap_or(PAGE_USUAL),
        draw: parameters.number("draw", 1, DRAW_MAX)?,
    };
    parameters.finish()?;
    in_order(question.from, question.to)?;
    Ok(question)
}

impl Question {
    fn fits(&self, entry: &Entry) -> bool {
        let is_by = |who: &String| entry.who.contains(who) || entry.unit.contains(who);
        self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
            && self.who.as_ref().is_none_or(is_by)
            && self.case.as_ref().is_none_or(|case| entry.case == *case)
            && (self.actions.is_empty() || self.actions.iter().any(|name| entry.action.as_str() == name))
            && self.camera.as_ref().is_none_or(|camera| is_about(&entry.what, camera))
            && self.after.is_none_or(|after| entry.seq < after)
            && (self.draw.is_none() || is_drawn(entry))
    }
}

/// Thumbnails and sheets come by the dozen with what was found, and the search stands there itself: a draw would be of little else.
fn is_drawn(entry: &Entry) -> bool {
    let is_of_a_search = matches!(entry.what["shown"].as_str(), Some("thumbnail" | "sheet"));
    DRAWN.contains(&entry.action) && !is_of_a_search
}

/// Whether an entry names this camera: as what it is about, or in the question that was asked.
fn is_about(what: &Value, camera: &CameraId) -> bool {
    let in_question = || {
        let pairs = what["question"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut values = pairs.iter().filter(|pair| pair[0] == "camera").filter_map(|pair| pair[1].as_str());
        values.any(|text| text.split(',').any(|one| one.trim() == camera.as_str()))
    };
    what["camera"] == camera.as_str() || in_question()
}

/// A log that is read from its begin: what fits of it, in a bounded space.
struct Reading<'q> {
    question: &'q Question,
    chance: StdRng,
    drawn: Option<Draw<EntryData>>,
    /// The newest that fit, oldest first, and one more.
    newest: VecDeque<EntryData>,
}

impl<'q> Reading<'q> {
    fn new(question: &'q Question) -> Self {
        let drawn = question.draw.map(Draw::new);
        Self { question, chance: StdRng::from_os_rng(), drawn, newest: VecDeque::new() }
    }

    fn see(&mut self, entry: &Entry) {
        if !self.question.fits(entry) {
            return;
        }
        if let Some(drawn) = &mut self.drawn {
            return drawn.offer(&mut self.chance, || EntryData::from(entry));
        }
        self.newest.push_back(EntryData::from(entry));
        if self.newest.len() > self.question.limit + 1 {
            self.newest.pop_front();
        }
    }

    fn page(self, fault: Option<String>) -> Page {
        let mut entries = match self.drawn {
            Some(drawn) => drawn.drawn(),
            None => self.newest.into(),
        };
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        let has_more = self.question.draw.is_none() && entries.len() > self.question.limit;
        entries.truncate(if has_more { self.question.limit } else { entries.len() });
        let next = entries.last().map(|entry| entry.seq).filter(|_| has_more);
        Page { entries, next, whole: fault.is_none(), fault }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::Sum;

    fn entry(seq: u64, action: &str, who: &str, what: Value) -> Entry {
        Entry {
            seq,
            at: Wall::from_unix_ms(1_773_079_445_123 + seq as i64 * 1000),
            who: who.into(),
            unit: "柳庄派出所".into(),
            purpose: "寻人".into(),
            case: format!("A-{}", seq % 2),
            action: action.to_owned().into(),
            what,
            results: (0..seq).map(|n| n.to_string()).collect(),
            prev: Sum::NONE,
        }
    }

    fn log() -> Vec<Entry> {
        (1..=100)
            .map(|seq| match seq % 4 {
                0 => {
                    entry(seq, "search", "王", json!({ "question": [["camera", "a, b"], ["class", "car"]] }))
                }
                1 => entry(seq, "view", "李", json!({ "camera": "a" })),
                2 => entry(seq, "signed-in", "李", json!({ "login": "li" })),
                _ => entry(seq, "hold", "王", json!({ "camera": "b" })),
            })
            .collect()
    }

    #[test]
    fn what_a_search_brings_along_is_not_drawn() {
        let is_drawn = |action: &str, what| is_drawn(&entry(1, action, "李", what));
        assert!(is_drawn("view", json!({ "camera": "a", "shown": "live" })) && is_drawn("search", json!({})));
        assert!(
            !is_drawn("view", json!({ "camera": "a", "shown": "thumbnail" })) && !is_drawn("hold", json!({}))
        );
    }

    fn page(pairs: &[(&str, &str)]) -> Page {
        let pairs: Vec<_> = pairs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        let question = ask(&pairs, &jiff::tz::TimeZone::UTC).expect("well asked");
        let mut reading = Reading::new(&question);
        log().iter().for_each(|entry| reading.see(entry));
        reading.page(None)
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn pages_come_newest_first_and_meet_without_a_gap() {
        let (mut after, mut all) = (None::<u64>, Vec::new());
        loop {
            let text = after.map(|after| after.to_string());
            let mut pairs = vec![("who", "李"), ("limit", "7")];
            pairs.extend(text.as_deref().map(|text| ("after", text)));
            let page = page(&pairs);
            assert!(page.entries.len() <= 7 && page.whole);
            all.extend(numbers(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<u64> = (1..=100).rev().filter(|seq| matches!(seq % 4, 1 | 2)).collect();
        assert_eq!(all, expected);
        assert_eq!(page(&[("limit", "100")]).next, None, "all of them, and no more");
        assert_eq!(page(&[("limit", "99")]).next, Some(2));
    }

    #[test]
    fn each_filter_holds() {
        assert_eq!(numbers(&page(&[("camera", "b"), ("limit", "3")])), [100, 99, 96]);
        assert_eq!(numbers(&page(&[("camera", "a"), ("limit", "3")])), [100, 97, 96]);
        assert_eq!(numbers(&page(&[("case", "A-1"), ("limit", "2")])), [99, 97]);
        assert_eq!(numbers(&page(&[("action", "signed-in,hold"), ("limit", "3")])), [99, 98, 95]);
        assert_eq!(numbers(&page(&[("to", "2026-03-09T18:04:08Z")])), [2, 1]);
        let last = page(&[("limit", "1")]).entries.remove(0);
        assert_eq!((last.results.len(), last.results_count), (RESULTS_MAX, 100));
    }

    #[test]
    fn a_draw_is_of_what_shows_people_alone() {
        let drawn = page(&[("draw", "20")]);
        assert_eq!((drawn.entries.len(), drawn.next), (20, None));
        assert!(drawn.entries.iter().all(|entry| ["search", "view"].contains(&&*entry.action)));
        assert!(numbers(&drawn).is_sorted_by(|a, b| a > b));
        assert_eq!(page(&[("draw", "100"), ("who", "王")]).entries.len(), 25);
    }

    #[test]
    fn bad_questions_are_refused_in_words() {
        for ((name, text), word) in [
            (("action", "peek"), "none of search"),
            (("draw", "101"), "from 1 to 100"),
            (("after", "x"), "after=x"),
            (("purpose", "x"), "cannot be asked"),
        ] {
            let refused =
                ask(&[(name.to_owned(), text.to_owned())], &jiff::tz::TimeZone::UTC).expect_err(word);
            assert!(refused.to_string().contains(word), "{refused}");
        }
    }
}
