//! One line of the audit log.
//!
//! Pure. Owns its form: a JSON object whose last member is the SHA-256 of the object without it, byte by byte as it stands there:
//!
//! ```text
//! {"seq":7,"at":…,"who":…,"unit":…,"purpose":…,"case":…,"action":…,"what":…,"results":[…],"prev":"…","hash":"…"}
//! └───────────────────────────── hash = SHA-256(these bytes, and a closing brace) ────────────┘
//! ```
//! Nothing is written anew to check it, so that no question of spelling arises.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{
    moment,
    purpose::{Actor, Purpose},
    seal::Sum,
};
use crate::time::Wall;

const HASH_MEMBER: &[u8] = b",\"hash\":\"";
/// The member, 64 digits, a quotation mark and a brace.
const HASH_LEN: usize = HASH_MEMBER.len() + 64 + 2;

/// What is written down of something that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Who did it.
    pub actor: Actor,
    /// What for.
    pub purpose: Purpose,
    /// What.
    pub action: Action,
    /// The question that was asked, the camera, the range: a JSON object.
    pub what: Value,
    /// Ids of what was found, shown or given.
    pub results: Vec<String>,
}

/// What was done. Names are on disk: never change one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Action {
    /// The index was asked.
    Search,
    /// Recordings were looked at.
    View,
    /// An export was asked for; what it gives follows as [`Self::Exported`] or [`Self::ExportFailed`].
    Export,
    /// A pack was written.
    Exported,
    /// No pack came of it.
    ExportFailed,
    /// Recordings are not deleted for the time being.
    Hold,
    /// They may be again.
    Release,
    /// Recordings were deleted.
    Delete,
    /// The station's first key was made.
    KeyMade,
    /// A new key was asked for; that it is there follows as [`Self::KeyRotated`].
    KeyRotate,
    /// A key handed over to a new one.
    KeyRotated,
    /// Somebody was refused.
    AccessRefused,
    /// The log's last line was torn by a kill, and moved aside.
    LogRepaired,
    /// A neighbouring station was asked for a clip.
    ClipAsked,
    /// A neighbouring station's request for a clip was granted or refused.
    ClipAnswered,
    /// A clip that was granted was fetched.
    ClipFetched,
    /// Somebody signed in.
    SignedIn,
    /// Somebody failed to.
    SignInFailed,
    /// Somebody signed out.
    SignedOut,
    /// An account was made.
    AccountMade,
    /// An account was changed.
    AccountChanged,
    /// An account was removed.
    AccountRemoved,
    /// What a camera is judged by was changed.
    Configured,
    /// One that this program does not know, or that has no name of its own.
    Other(String),
}

impl Action {
    const NAMED: [(Self, &'static str); 23] = [
        (Self::Search, "search"),
        (Self::View, "view"),
        (Self::Export, "export"),
        (Self::Exported, "exported"),
        (Self::ExportFailed, "export-failed"),
        (Self::Hold, "hold"),
        (Self::Release, "release"),
        (Self::Delete, "delete"),
        (Self::KeyMade, "key-made"),
        (Self::KeyRotate, "key-rotate"),
        (Self::KeyRotated, "key-rotated"),
        (Self::AccessRefused, "access-refused"),
        (Self::LogRepaired, "log-repaired"),
        (Self::ClipAsked, "clip-asked"),
        (Self::ClipAnswered, "clip-answered"),
        (Self::ClipFetched, "clip-fetched"),
        (Self::SignedIn, "signed-in"),
        (Self::SignInFailed, "sign-in-failed"),
        (Self::SignedOut, "signed-out"),
        (Self::AccountMade, "account-made"),
        (Self::AccountChanged, "account-changed"),
        (Self::AccountRemoved, "account-removed"),
        (Self::Configured, "configured"),
    ];

    /// Those with a name of their own, as written.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMED.iter().map(|(_, name)| *name)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            named => Self::NAMED.iter().find(|(action, _)| action == named).map_or("", |(_, name)| name),
        }
    }
}

impl From<String> for Action {
    fn from(name: String) -> Self {
        let named = Self::NAMED.into_iter().find(|(_, known)| *known == name);
        named.map_or(Self::Other(name), |(action, _)| action)
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.as_str().to_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without a gap.
    pub seq: u64,
    /// When, UTC.
    #[serde(with = "moment::utc")]
    pub at: Wall,
    /// Who did it.
    pub who: String,
    /// Of which unit.
    pub unit: String,
    /// What for.
    pub purpose: String,
    /// For which case.
    pub case: String,
    /// What.
    pub action: Action,
    /// See [`Act::what`].
    pub what: Value,
    /// See [`Act::results`].
    pub results: Vec<String>,
    /// The hash of the entry before; zeros in the first one.
    pub prev: Sum,
}

/// An entry's place in the chain: with it goes everything before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The entry's number.
    pub seq: u64,
    /// Its hash.
    pub hash: Sum,
}

impl Receipt {
    /// What stands before the first entry.
    pub(super) const START: Self = Self { seq: 0, hash: Sum::NONE };
}

/// Why a line is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineWrong {
    /// It has not the form of one.
    Unreadable,
    /// Its hash is not that of its bytes.
    Hash,
}

impl Entry {
    /// The entry that follows `tip`.
    pub(super) fn after(tip: Receipt, at: Wall, act: &Act) -> Self {
        Self {
            seq: tip.seq + 1,
            at,
            who: act.actor.who().to_owned(),
            unit: act.actor.unit().to_owned(),
            purpose: act.purpose.purpose().to_owned(),
            case: act.purpose.case().to_owned(),
            action: act.action.clone(),
            what: act.what.clone(),
            results: act.results.clone(),
            prev: tip.hash,
        }
    }

    /// The line, with its end, and the entry's place in the chain.
    pub(super) fn to_line(&self) -> (Vec<u8>, Receipt) {
        let mut line = serde_json::to_vec(self).expect("texts, numbers and JSON are always JSON");
        let hash = Sum::of(&line);
        line.pop();
        line.extend_from_slice(HASH_MEMBER);
        line.extend_from_slice(format!("{hash}\"}}\n").as_bytes());
        (line, Receipt { seq: self.seq, hash })
    }

    /// Reads a line, without its end, and checks its hash.
    pub(super) fn read(line: &[u8]) -> Result<(Self, Receipt), LineWrong> {
        let split = line.len().checked_sub(HASH_LEN).and_then(|at| line.split_at_checked(at));
        let (body, end) = split.ok_or(LineWrong::Unreadable)?;
        let digits = end.strip_prefix(HASH_MEMBER).and_then(|end| end.strip_suffix(b"\"}"));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let hash: Sum = digits.and_then(|digits| digits.parse().ok()).ok_or(LineWrong::Unreadable)?;
        let body = [body, b"}"].concat();
        if Sum::of(&body) != hash {
            return Err(LineWrong::Hash);
        }
        let entry: Self = serde_json::from_slice(&body).map_err(|_| LineWrong::Unreadable)?;
        let seq = entry.seq;
        Ok((entry, Receipt { seq, hash }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry() -> Entry {
        let act = Act {
            actor: Actor::new("王建国", "柳庄派出所").unwrap(),
            purpose: Purpose::new("寻找\"走失\"老人", "A-1").unwrap(),
            action: Action::Search,
            what: json!({ "camera": "north-gate", "confidence": 0.1 + 0.2, "text": "a\nb" }),
            results: vec!["01J".into()],
        };
        Entry::after(Receipt::START, Wall::from_unix_ms(1_773_079_445_123), &act)
    }

    #[test]
    fn a_line_can_be_checked_with_common_tools() {
        let (line, receipt) = entry().to_line();
        let text = String::from_utf8(line).unwrap();
        let (body, _) = text.split_once(",\"hash\":\"").unwrap();
        assert_eq!(Sum::of(format!("{body}}}").as_bytes()), receipt.hash);
        assert_eq!(text.matches('\n').count(), 1, "one line, whatever is in it");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["hash"], json!(receipt.hash));
        assert_eq!(Entry::read(text.trim_end().as_bytes()), Ok((entry(), receipt)));
    }

    #[test]
    fn actions_are_read_as_they_are_written() {
        for (action, name) in Action::NAMED {
            assert_eq!(Action::from(name.to_owned()), action);
            assert_eq!(action.as_str(), name);
        }
        assert_eq!(Action::from("x".to_owned()).as_str(), "x");
    }

    proptest! {
        #[test]
        fn a_line_that_was_touched_is_no_entry(at in 0usize..2000, bit in 0u8..8, cut in any::<bool>()) {
            let (mut line, _) = entry().to_line();
            line.pop();
            let at = at % line.len();
            if cut { line.truncate(at) } else { line[at] ^= 1 << bit }
            prop_assert!(Entry::read(&line).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Entry::read(&bytes).is_err());
        }
    }
}
