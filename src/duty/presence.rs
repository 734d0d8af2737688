//! What a post's client and its will say: `post/{post}/status`, retained.
//!
//! Owns the reading of that payload. Topic and subscription are `mqtt`'s.

use serde::Deserialize;

/// Longest payload that is looked at, in bytes.
pub const PRESENCE_LEN_MAX: usize = 1024;

/// Whether a post can be reached, as its own client and will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is there.
    Online,
    /// It is gone.
    Offline,
}

impl Presence {
    /// Reads a payload: `online` or `offline` as plain text, or a JSON object with such a `status`, of which other members are ignored. White space
    /// around it means nothing. An empty payload is a retained message that was cleared: the post is gone. `None`: it is neither.
    pub fn read(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Told {
            status: Presence,
        }
        if payload.len() > PRESENCE_LEN_MAX {
            return None;
        }
        match payload.trim_ascii() {
            b"online" => Some(Self::Online),
            b"offline" | b"" => Some(Self::Offline),
            json => serde_json::from_slice::<Told>(json).ok().map(|told| told.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_read_as_text_and_as_json() {
        for (payload, presence) in [
            ("online", Some(Presence::Online)),
            (" offline\r\n", Some(Presence::Offline)),
            ("", Some(Presence::Offline)),
            (r#"{"status":"online"}"#, Some(Presence::Online)),
            (r#" { "since": 3, "status" : "offline" } "#, Some(Presence::Offline)),
            (r#"{"status":"away"}"#, None),
            (r#"{"state":"online"}"#, None),
            (r#""online""#, None),
            ("ONLINE", None),
            ("online offline", None),
        ] {
            assert_eq!(Presence::read(payload.as_bytes()), presence, "{payload}");
        }
        let padded = format!("online{}", " ".repeat(PRESENCE_LEN_MAX));
        assert_eq!(Presence::read(padded.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            mut bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                Just(br#"{"status":"online","more":[1,{"a":null}]}"#.to_vec()),
            ],
            at in any::<prop::sample::Index>(),
            flip in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            Presence::read(&bytes);
        }
    }
}
