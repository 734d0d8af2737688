//! What buttons and sensors say.
//!
//! Owns the reading of their payloads. A device is cheap, and often set up by hand: whoever presses a button is helped whatever its payload looks like. What
//! cannot be read is left out, and a press without any payload is a press. Reading never panics.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    alert::Earnest,
    time::{Now, Wall},
};

/// Longest name, note and id, in characters; the rest is left out.
const WHO_LEN_MAX: usize = 64;
const NOTE_LEN_MAX: usize = 500;
const ID_LEN_MAX: usize = 64;
/// A device's time is believed when it is so long ago at most, and no more than so far ahead.
const AGO_MAX: Duration = Duration::from_secs(24 * 3600);
const AHEAD_MAX: Duration = Duration::from_secs(60);

/// A word of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonWord {
    /// Somebody calls for help.
    Pressed(Press),
    /// It is there, and nobody pressed it.
    Alive,
}

/// A press.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Press {
    /// Who pressed it, in one line.
    pub who: Option<String>,
    /// What he says, in one line.
    pub note: Option<String>,
    /// Whether it is meant, where it says so.
    pub earnest: Option<Earnest>,
    /// When, by the device.
    pub at: Option<Wall>,
    /// The same id twice is the same press.
    pub id: Option<String>,
}

/// A word of a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SensorWord {
    /// It spoke.
    Alarm(Report),
    /// What it told is over.
    Clear(Report),
    /// It is there.
    Alive,
}

/// What came with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// When, by the device.
    pub at: Option<Wall>,
    /// The same id twice is the same word.
    pub id: Option<String>,
}

impl ButtonWord {
    /// Reads a payload. `rest`: what stands below the button's own topic. `None` where nobody can have meant anything by that topic.
    pub fn read(rest: Option<&str>, payload: &[u8]) -> Option<Self> {
        match rest {
            Some("alive") => return Some(Self::Alive),
            Some(_) => return None,
            None => {}
        }
        let Some(said) = object(payload) else {
            let is_alive = text(payload).as_deref() == Some("alive");
            return Some(if is_alive { Self::Alive } else { Self::Pressed(Press::default()) });
        };
        if is_alive(&said) {
            return Some(Self::Alive);
        }
        let earnest = said.get("drill").and_then(Value::as_bool);
        Some(Self::Pressed(Press {
            who: line(&said, "who", WHO_LEN_MAX),
            note: line(&said, "note", NOTE_LEN_MAX),
            earnest: earnest.map(|drill| if drill { Earnest::Drill } else { Earnest::Real }),
            at: time(&said),
            id: line(&said, "id", ID_LEN_MAX),
        }))
    }
}

impl SensorWord {
    /// Reads a payload, as [`ButtonWord::read`]. A state that is not known is an alarm.
    pub fn read(rest: Option<&str>, payload: &[u8]) -> Option<Self> {
        match rest {
            Some("alive") => return Some(Self::Alive),
            Some(_) => return None,
            None => {}
        }
        let Some(said) = object(payload) else {
            return Some(Self::of(text(payload).as_deref(), Report::default()));
        };
        if is_alive(&said) {
            return Some(Self::Alive);
        }
        let report = Report { at: time(&said), id: line(&said, "id", ID_LEN_MAX) };
        Some(Self::of(said.get("state").and_then(Value::as_str), report))
    }

    fn of(state: Option<&str>, report: Report) -> Self {
        match state.map(str::trim) {
            Some("closed" | "clear") => Self::Clear(report),
            Some("alive") => Self::Alive,
            _ => Self::Alarm(report),
        }
    }
}

/// The device's time where it can be right, else ours.
pub(super) fn believed(now: Now, at: Option<Wall>) -> Wall {
    let oldest = Wall::from_unix_us(now.wall.unix_us().saturating_sub(AGO_MAX.as_micros() as i64));
    at.filter(|at| (oldest..=now.wall.after(AHEAD_MAX)).contains(at)).map_or(now.wall, |at| at.min(now.wall))
}

fn object(payload: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(said)) => Some(said),
        _ => None,
    }
}

/// A payload that is a word, in quotes or without.
fn text(payload: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(payload).ok()?;
    Some(text.trim().trim_matches('"').to_lowercase())
}

fn is_alive(said: &Map<String, Value>) -> bool {
    said.get("alive").and_then(Value::as_bool) == Some(true)
}

fn line(said: &Map<String, Value>, name: &str, len_max: usize) -> Option<String> {
    let text = match said.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(len_max).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// RFC 3339, or milliseconds since 1970.
fn time(said: &Map<String, Value>) -> Option<Wall> {
    match said.get("at")? {
        Value::String(text) => {
            let at: jiff::Timestamp = text.parse().ok()?;
            Some(Wall::from_unix_us(at.as_microsecond()))
        }
        Value::Number(number) => number.as_i64().map(Wall::from_unix_ms),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pressed(press: Press) -> Option<ButtonWord> {
        Some(ButtonWord::Pressed(press))
    }

    #[test]
    fn a_press_is_a_press_whatever_it_comes_with() {
        let plain = Press::default;
        let full = Press {
            who: Some("Wang".into()),
            note: Some("two men".into()),
            earnest: Some(Earnest::Drill),
            at: Some(Wall::from_unix_ms(1_773_079_445_123)),
            id: Some("7".into()),
        };
        let said = br#"{"who":"Wang","note":"two\nmen","drill":true,"at":"2026-03-09T18:04:05.123Z","id":7}"#;
        assert_eq!(ButtonWord::read(None, said), pressed(full));
        for payload in ["", "1", "pressed", "{", "[]", "null", "{}", r#"{"alive":false,"who":3.5e400}"#] {
            assert_eq!(ButtonWord::read(None, payload.as_bytes()), pressed(plain()), "{payload}");
        }
        assert_eq!(ButtonWord::read(None, &[0xff, 0xfe]), pressed(plain()));
        let real = Press { earnest: Some(Earnest::Real), ..plain() };
        assert_eq!(ButtonWord::read(None, br#"{"drill":false,"at":"yesterday"}"#), pressed(real));
        for (rest, payload) in [(Some("alive"), ""), (None, r#"{"alive":true}"#), (None, "alive")] {
            assert_eq!(ButtonWord::read(rest, payload.as_bytes()), Some(ButtonWord::Alive));
        }
        assert_eq!(ButtonWord::read(Some("battery"), b""), None);
    }

    #[test]
    fn a_sensor_says_that_it_is_over_or_it_is_not() {
        let report = Report::default;
        for payload in ["closed", "\"clear\"", r#"{"state":"closed"}"#, "Closed\n"] {
            assert_eq!(SensorWord::read(None, payload.as_bytes()), Some(SensorWord::Clear(report())));
        }
        for payload in ["", "open", "alarm", "{}", r#"{"state":"tamper"}"#, "7"] {
            assert_eq!(SensorWord::read(None, payload.as_bytes()), Some(SensorWord::Alarm(report())));
        }
        assert_eq!(SensorWord::read(Some("alive"), b""), Some(SensorWord::Alive));
        assert_eq!(SensorWord::read(Some("x"), b"open"), None);
    }

    #[test]
    fn a_time_that_cannot_be_right_is_ours() {
        let now = Now::default().after(Duration::from_secs(10 * 86_400));
        let ago = |s: i64| Some(Wall::from_unix_us(now.wall.unix_us() - s * 1_000_000));
        assert_eq!(believed(now, ago(3600)), ago(3600).expect("it is"));
        for at in [None, ago(2 * 86_400), ago(-120), ago(-30)] {
            assert_eq!(believed(now, at), now.wall);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_texts_are_short(payload: Vec<u8>, who: String, note in ".{0,900}", at: i64) {
            let _ = (ButtonWord::read(None, &payload), SensorWord::read(None, &payload));
            let said = serde_json::json!({ "who": who, "note": note, "at": at, "state": note }).to_string();
            let Some(ButtonWord::Pressed(press)) = ButtonWord::read(None, said.as_bytes()) else {
                return Err(TestCaseError::fail("no press"));
            };
            prop_assert!(press.who.is_none_or(|who| who.chars().count() <= 64 && !who.contains(char::is_control)));
            prop_assert!(press.note.is_none_or(|note| note.chars().count() <= 500));
            let _ = believed(Now::default(), press.at);
            let _ = SensorWord::read(None, said.as_bytes());
        }
    }
}
