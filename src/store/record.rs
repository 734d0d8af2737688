//! How a message lies on disk.
//!
//! Owns the layout, and nothing else. All integers are big-endian:
//!
//! ```text
//! version u8 = 1 │ flags u8 │ [expiry: seconds u64, nanoseconds u32] │ topic: length u16, UTF-8 │ media type: length u16, UTF-8 │ body
//! ```
//!
//! Flags: 1 retain, 2 expiry present; others must be 0. The body goes to the end. Reading never panics, whatever the bytes.

use std::time::Duration;

use bytes::Bytes;

use super::{LedgerError, MESSAGE_LEN_MAX, Message};

const VERSION: u8 = 1;
const RETAIN: u8 = 1;
const EXPIRY: u8 = 2;

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMessage {
    /// Written by a newer program, or never by ours.
    #[error(
        "its layout has version {0}, and this program reads version {VERSION}: was it written by a newer one?"
    )]
    Version(u8),
    /// It ends too early, or says of itself what cannot be.
    #[error("its {0} cannot be read")]
    Malformed(&'static str),
}

/// Message → bytes. The topic and the media type must fit MQTT's 65535 bytes, and the whole [`MESSAGE_LEN_MAX`].
pub fn encode_message(message: &Message) -> Result<Vec<u8>, LedgerError> {
    let (topic, media) = (message.topic.as_bytes(), message.content_type.as_bytes());
    let mut out = Vec::with_capacity(18 + topic.len() + media.len() + message.payload.len());
    let flags = if message.retain { RETAIN } else { 0 } | if message.expiry.is_some() { EXPIRY } else { 0 };
    out.extend_from_slice(&[VERSION, flags]);
    if let Some(expiry) = message.expiry {
        out.extend_from_slice(&expiry.as_secs().to_be_bytes());
        out.extend_from_slice(&expiry.subsec_nanos().to_be_bytes());
    }
    for (what, text) in [("a topic", topic), ("a media type", media)] {
        let len = u16::try_from(text.len()).map_err(|_| LedgerError::TooLarge {
            what,
            len: text.len(),
            max: u16::MAX.into(),
        })?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(text);
    }
    out.extend_from_slice(&message.payload);
    if out.len() > MESSAGE_LEN_MAX {
        return Err(LedgerError::TooLarge { what: "a message", len: out.len(), max: MESSAGE_LEN_MAX });
    }
    Ok(out)
}

/// Bytes → message.
pub fn decode_message(bytes: &[u8]) -> Result<Message, NotAMessage> {
    let mut rest = Rest(bytes);
    let [version] = rest.take("version")?;
    if version != VERSION {
        return Err(NotAMessage::Version(version));
    }
    let [flags] = rest.take("flags")?;
    if flags & !(RETAIN | EXPIRY) != 0 {
        return Err(NotAMessage::Malformed("flags"));
    }
    let expiry = if flags & EXPIRY != 0 {
        let seconds = u64::from_be_bytes(rest.take("expiry")?);
        let nanos = u32::from_be_bytes(rest.take("expiry")?);
        if nanos >= 1_000_000_000 {
            return Err(NotAMessage::Malformed("expiry"));
        }
        Some(Duration::new(seconds, nanos))
    } else {
        None
    };
    let topic = rest.text("topic")?;
    let content_type = rest.text("media type")?;
    let payload = Bytes::copy_from_slice(rest.0);
    Ok(Message { topic, payload, content_type, retain: flags & RETAIN != 0, expiry })
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], NotAMessage> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(NotAMessage::Malformed(what))?;
        self.0 = tail;
        Ok(*head)
    }

    fn text(&mut self, what: &'static str) -> Result<String, NotAMessage> {
        let len = usize::from(u16::from_be_bytes(self.take(what)?));
        let (head, tail) = self.0.split_at_checked(len).ok_or(NotAMessage::Malformed(what))?;
        self.0 = tail;
        String::from_utf8(head.to_vec()).map_err(|_| NotAMessage::Malformed(what))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any message that MQTT could carry.
    fn any_message() -> impl Strategy<Value = Message> {
        let expiry =
            proptest::option::of((any::<u64>(), 0u32..1_000_000_000).prop_map(|(s, n)| Duration::new(s, n)));
        (".{0,60}", proptest::collection::vec(any::<u8>(), 0..300), ".{0,30}", any::<bool>(), expiry)
            .prop_map(|(topic, payload, content_type, retain, expiry)| Message {
                topic,
                payload: payload.into(),
                content_type,
                retain,
                expiry,
            })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(message in any_message()) {
            let bytes = encode_message(&message).expect("short enough");
            prop_assert_eq!(decode_message(&bytes), Ok(message));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), valid in any::<bool>()) {
            if valid && bytes.len() >= 2 {
                bytes[0] = VERSION;
                bytes[1] &= RETAIN | EXPIRY;
            }
            if let Ok(message) = decode_message(&bytes) {
                prop_assert_eq!(encode_message(&message).expect("it was this long"), bytes);
            }
        }

        #[test]
        fn what_is_cut_off_in_its_head_is_refused(message in any_message(), share in 0.0..1.0f64) {
            let bytes = encode_message(&message).expect("short enough");
            let head = bytes.len() - message.payload.len();
            let cut = (head as f64 * share) as usize;
            prop_assert!(decode_message(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn the_layout_is_what_is_on_the_disks_of_others() {
        let message = Message {
            topic: "t/1".into(),
            payload: Bytes::from_static(b"{}"),
            content_type: "a/b".into(),
            retain: true,
            expiry: Some(Duration::from_secs(600)),
        };
        let bytes = b"\x01\x03\0\0\0\0\0\0\x02\x58\0\0\0\0\0\x03t/1\0\x03a/b{}";
        assert_eq!(encode_message(&message).expect("short"), bytes);
        assert_eq!(decode_message(bytes), Ok(message));
        assert_eq!(decode_message(b"\x02\0\0\0\0\0"), Err(NotAMessage::Version(2)));
    }
}
