//! Commands that came in, read. Any bytes are one or none.
//!
//! Owns which spellings are taken: the facts alone, or as the data of an envelope.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AnswerResult, CommandData};
use crate::{alert::life::Actor, id::CommandId};

/// Longest part of a reader's complaint that is passed on, characters.
const WHY_MAX: usize = 200;

/// What cannot be read, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(String);

/// Why somebody is answered whose command could not be read: it has no id to name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnreadData {
    /// Always `invalid`.
    pub result: AnswerResult,
    /// Why, for a person.
    pub why: String,
}

impl UnreadData {
    /// For somebody who is told why.
    pub fn new(why: impl ToString) -> Self {
        Self { result: AnswerResult::Invalid, why: why.to_string() }
    }
}

impl CommandData {
    /// Reads a command: bare, or as `data` of an envelope, whose `id` and `time` then stand for its own where it has none. `id` is taken where neither has one.
    pub fn read(bytes: &[u8], id: Option<CommandId>) -> Result<Self, Unread> {
        Self::read_of(bytes, id, None)
    }

    /// As [`Self::read`]; where it is proven who wants it, that stands for whatever it says itself.
    pub fn read_of(bytes: &[u8], id: Option<CommandId>, actor: Option<&Actor>) -> Result<Self, Unread> {
        let mut members = object(bytes)?;
        let mut data = match envelope_data(&mut members)? {
            None => members,
            Some(mut data) => {
                for (own, of_envelope) in [("id", "id"), ("at", "time")] {
                    if let Some(value) = members.remove(of_envelope) {
                        data.entry(own).or_insert(value);
                    }
                }
                data
            }
        };
        if let Some(id) = id {
            data.entry("id").or_insert_with(|| Value::String(id.to_string()));
        }
        if let Some(actor) = actor {
            data.insert("actor".to_owned(), serde_json::to_value(actor).map_err(|why| unread(&why))?);
        }
        serde_json::from_value(Value::Object(data)).map_err(|why| unread(&why))
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Unread> {
    serde_json::from_slice(bytes).map_err(|why| unread(&why))
}

/// The data, where it is an envelope.
fn envelope_data(members: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, Unread> {
    if !members.contains_key("specversion") {
        return Ok(None);
    }
    match members.remove("data") {
        Some(Value::Object(data)) => Ok(Some(data)),
        _ => Err(Unread("`data` of the envelope is missing, or is no object".to_owned())),
    }
}

fn unread(why: &serde_json::Error) -> Unread {
    Unread(why.to_string().chars().take(WHY_MAX).flat_map(char::escape_debug).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "01KKS9XZ4BYQ0G5C6R7M8N9P0Q";
    const BARE: &str =
        r#"{"id":"01KKS9XZ4BYQ0G5C6R7M8N9P0Q","actor":{"who":"Li","unit":"patrol"},"if_rev":2,"more":1}"#;

    fn id() -> CommandId {
        ID.parse().expect("an id")
    }

    #[test]
    fn a_command_is_read_bare_or_in_an_envelope() {
        let bare = CommandData::read(BARE.as_bytes(), None).expect("readable");
        assert_eq!((bare.id, bare.if_rev, bare.at.as_deref()), (id(), Some(2), None));
        let envelope = format!(
            r#"{{"specversion":"1.0","id":"{ID}","time":"2026-03-09T18:04:05Z","data":{{"actor":{{"who":"Li","unit":"patrol"}}}}}}"#
        );
        let read = CommandData::read(envelope.as_bytes(), None).expect("readable");
        assert_eq!((read.id, read.at.as_deref()), (id(), Some("2026-03-09T18:04:05Z")));
        let own = envelope.replace(
            r#""data":{"#,
            r#""data":{"id":"01KKS9XZ4BXW3E2R1T0Y9V8K7J","at":"2026-03-09T18:00:00Z","#,
        );
        let read = CommandData::read(own.as_bytes(), None).expect("readable");
        assert_eq!(
            (read.id.to_string().as_str(), read.at.as_deref()),
            ("01KKS9XZ4BXW3E2R1T0Y9V8K7J", Some("2026-03-09T18:00:00Z"))
        );
    }

    #[test]
    fn an_id_is_given_where_one_may_be_absent() {
        let nameless = br#"{"actor":{"who":"Li","unit":"patrol"}}"#;
        assert_eq!(CommandData::read(nameless, Some(id())).expect("readable").id, id());
        let why = CommandData::read(nameless, None).expect_err("no id").to_string();
        assert!(why.contains("id"), "{why}");
        let other: CommandId = "01KKS9XZ4BXW3E2R1T0Y9V8K7J".parse().expect("an id");
        assert_eq!(
            CommandData::read(BARE.as_bytes(), Some(other)).expect("readable").id,
            id(),
            "its own comes first"
        );
    }

    #[test]
    fn who_is_proven_stands_for_whatever_is_said() {
        let actor = Actor { who: "Wu".into(), unit: "traffic".into(), station: None };
        for text in [BARE, r#"{"actor":7}"#, "{}", r#"{"specversion":"1.0","data":{"actor":{"who":"Li"}}}"#] {
            let read = CommandData::read_of(text.as_bytes(), Some(id()), Some(&actor)).expect(text);
            assert_eq!(read.actor, actor, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_command_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = CommandData::read(&bytes, None);
        }

        #[test]
        fn a_damaged_command_is_another_one_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = BARE.as_bytes().to_vec();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            if let Err(why) = CommandData::read(&bytes, None) {
                prop_assert!(why.to_string().chars().all(|c| !c.is_control()));
            }
        }
    }
}
