//! Who asks, and what for: nothing is searched, seen or exported without it.
//!
//! Owns the limits of these texts and the words of a refusal. Whether somebody may do something belongs to accounts, not here.

use super::Words;

/// Longest purpose, name, unit and case reference, in characters.
pub const PURPOSE_CHARS_MAX: usize = 200;
/// See [`PURPOSE_CHARS_MAX`].
pub const CASE_CHARS_MAX: usize = 64;
/// See [`PURPOSE_CHARS_MAX`].
pub const NAME_CHARS_MAX: usize = 64;

/// What something is done for. Both parts are there, of a sensible length, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    purpose: String,
    case: String,
}

/// Who does something: a person's or an account's name, and the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    who: String,
    unit: String,
}

/// Which of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What for.
    Purpose,
    /// The case's reference.
    Case,
    /// Who.
    Who,
    /// Of which unit.
    Unit,
}

/// Why a purpose or an actor is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub enum Refusal {
    /// The purpose is not given.
    PurposeMissing,
    /// The case reference is not given.
    CaseMissing,
    /// Who it is, is not given.
    WhoMissing,
    /// The unit is not given.
    UnitMissing,
    /// It says nothing: fewer than two letters or digits.
    TooShort(Part),
    /// It is longer than it may be.
    TooLong(Part),
    /// It has a line break, or another character that is not seen or changes how others are seen.
    Character(Part),
}

impl Part {
    fn words(self) -> Words {
        match self {
            Self::Purpose => Words::new("用途", "the purpose"),
            Self::Case => Words::new("案件编号", "the case reference"),
            Self::Who => Words::new("操作人", "who does it"),
            Self::Unit => Words::new("单位", "the unit"),
        }
    }

    fn chars_max(self) -> usize {
        match self {
            Self::Purpose => PURPOSE_CHARS_MAX,
            Self::Case => CASE_CHARS_MAX,
            Self::Who | Self::Unit => NAME_CHARS_MAX,
        }
    }

    fn missing(self) -> Refusal {
        match self {
            Self::Purpose => Refusal::PurposeMissing,
            Self::Case => Refusal::CaseMissing,
            Self::Who => Refusal::WhoMissing,
            Self::Unit => Refusal::UnitMissing,
        }
    }

    fn read(self, text: &str) -> Result<String, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Err(self.missing());
        }
        if text.chars().count() > self.chars_max() {
            return Err(Refusal::TooLong(self));
        }
        if text.chars().any(is_unseen) {
            return Err(Refusal::Character(self));
        }
        // A name may be one character; a reason that is a dot or a single letter is none.
        let says = text.chars().filter(|c| c.is_alphanumeric()).count();
        if says < if matches!(self, Self::Purpose | Self::Case) { 2 } else { 1 } {
            return Err(Refusal::TooShort(self));
        }
        Ok(text.to_owned())
    }
}

/// Control characters, line and paragraph separators, zero-width characters and those that turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl Refusal {
    /// In both languages: what is wrong, and what to do.
    pub fn words(self) -> Words {
        let missing = |part: Part, example: &str| {
            let Words { zh, en } = part.words();
            Words {
                zh: format!("缺少{zh}：查看和导出录像须写明用途和案件编号（如：{example}）"),
                en: format!(
                    "{en} is missing: whoever looks at or exports recordings says what for and for which case (such as: {example})"
                ),
            }
        };
        match self {
            Self::PurposeMissing => missing(Part::Purpose, "寻找走失老人"),
            Self::CaseMissing => missing(Part::Case, "朝公受案字〔2026〕123号"),
            Self::WhoMissing => missing(Part::Who, "王建国"),
            Self::UnitMissing => missing(Part::Unit, "柳庄派出所"),
            Self::TooShort(part) => {
                let Words { zh, en } = part.words();
                Words {
                    zh: format!("{zh}太短，请写清楚"), en: format!("{en} is too short to say anything")
                }
            }
            Self::TooLong(part) => {
                let (Words { zh, en }, max) = (part.words(), part.chars_max());
                Words {
                    zh: format!("{zh}最多 {max} 个字"),
                    en: format!("{en} has more than {max} characters"),
                }
            }
            Self::Character(part) => {
                let Words { zh, en } = part.words();
                Words {
                    zh: format!("{zh}含有换行或看不见的字符，请重新输入"),
                    en: format!("{en} has a line break or a character that is not seen: type it anew"),
                }
            }
        }
    }
}

impl Purpose {
    /// Checks both texts; spaces around them go.
    pub fn new(purpose: &str, case: &str) -> Result<Self, Refusal> {
        Ok(Self { purpose: Part::Purpose.read(purpose)?, case: Part::Case.read(case)? })
    }

    /// What the daemon does by itself, for the station's own work and no case.
    pub fn of_the_station(purpose: &str) -> Self {
        Self { purpose: purpose.to_owned(), case: "-".to_owned() }
    }

    /// For what shows nobody, and so needs no case: keeping recordings, and letting go of them.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn of_record(purpose: &str, case: Option<&str>) -> Result<Self, Refusal> {
        let purpose = Part::Purpose.read(purpose)?;
        let case = case.map_or(Ok("-".to_owned()), |case| Part::Case.read(case))?;
        Ok(Self { purpose, case })
    }

    /// What for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The case's reference.
    pub fn case(&self) -> &str {
        &self.case
    }
}

impl Actor {
    /// Checks both texts; spaces around them go.
    pub fn new(who: &str, unit: &str) -> Result<Self, Refusal> {
        Ok(Self { who: Part::Who.read(who)?, unit: Part::Unit.read(unit)? })
    }

    /// The daemon itself.
    pub fn daemon() -> Self {
        Self { who: "cunkou".to_owned(), unit: "-".to_owned() }
    }

    /// The name.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// The unit.
    pub fn unit(&self) -> &str {
        &self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purpose_and_case_are_both_needed() {
        let long = "长".repeat(201);
        let case = "朝公受案字〔2026〕123号";
        for (purpose, case, expected) in [
            ("", case, Refusal::PurposeMissing),
            (" \t", case, Refusal::PurposeMissing),
            ("寻找走失老人", "", Refusal::CaseMissing),
            ("..", case, Refusal::TooShort(Part::Purpose)),
            ("寻找走失老人", "--1", Refusal::TooShort(Part::Case)),
            (&long, case, Refusal::TooLong(Part::Purpose)),
            ("寻找\n走失老人", case, Refusal::Character(Part::Purpose)),
            ("looking\u{202e}for", case, Refusal::Character(Part::Purpose)),
        ] {
            assert_eq!(Purpose::new(purpose, case), Err(expected), "{purpose} {case}");
            let words = expected.words();
            assert!(!words.zh.is_empty() && expected.to_string().contains(&words.en));
        }
        let good = Purpose::new(" 寻人 ", case).unwrap();
        assert_eq!((good.purpose(), good.case()), ("寻人", case));
        assert!(Purpose::new(&"长".repeat(200), case).is_ok());
    }

    #[test]
    fn somebody_has_a_name_and_a_unit() {
        assert_eq!(Actor::new("", "柳庄派出所"), Err(Refusal::WhoMissing));
        assert_eq!(Actor::new("王建国", " "), Err(Refusal::UnitMissing));
        assert_eq!(Actor::new(&"x".repeat(65), "a"), Err(Refusal::TooLong(Part::Who)));
        assert!(Actor::new("王建国", "柳庄派出所").is_ok());
    }
}
