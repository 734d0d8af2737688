//! A session: who has signed in, since when, what for.
//!
//! Pure. Owns when a session is over, and the token that opens it: 256 random bits, of which the hash alone is ever kept.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{evidence::Purpose, id::Login, time::Wall};

/// A session lasts so long at most: a shift is eight hours.
pub const LASTS_MAX: Duration = Duration::from_secs(12 * 3600);
/// And so long without a request.
pub const IDLE_MAX: Duration = Duration::from_secs(3600);

/// A session, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub login: Login,
    /// When he signed in.
    pub began: Wall,
    /// When he last asked for something.
    pub seen: Wall,
    /// What he looks at recordings for: purpose and case, as he said.
    purpose: Option<(String, String)>,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It has lasted long enough.
    Old,
    /// Nobody has asked for anything.
    Idle,
}

impl Session {
    /// One that begins.
    pub fn begin(login: Login, now: Wall) -> Self {
        Self { login, began: now, seen: now, purpose: None }
    }

    /// Whether it is over by `now`. A clock that was set back ends none.
    pub fn over(&self, now: Wall) -> Option<Over> {
        let is_past = |since: Wall, max: Duration| now.us_since(since) >= max.as_micros() as i64;
        match () {
            () if is_past(self.began, LASTS_MAX) => Some(Over::Old),
            () if is_past(self.seen, IDLE_MAX) => Some(Over::Idle),
            () => None,
        }
    }

    /// What he looks at recordings for, where he has said it.
    pub fn purpose(&self) -> Option<Purpose> {
        let (purpose, case) = self.purpose.as_ref()?;
        Purpose::new(purpose, case).ok()
    }

    /// From now on he looks at recordings for this, or for nothing.
    pub fn set_purpose(&mut self, purpose: Option<&Purpose>) {
        self.purpose = purpose.map(|it| (it.purpose().to_owned(), it.case().to_owned()));
    }
}

/// What opens a session, or a door of the machine's own: 256 random bits. Never logged or kept.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Self, rand::rand_core::OsError> {
        let mut bytes = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// For tests and simulations, from a generator of theirs.
    pub fn draw(from: &mut impl RngCore) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        from.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// For a cookie: 43 characters of `A-Za-z0-9-_`.
    pub fn spell(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// For a file: 64 hexadecimal digits.
    pub fn spell_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads either spelling.
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        match text.len() {
            43 => {
                let read = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
                bytes.copy_from_slice(&read);
            }
            64 if text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
                    *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
                }
            }
            _ => return None,
        }
        Some(Self(bytes))
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(*self.0).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(token)")
    }
}

/// The SHA-256 of a token: what is looked up, so that how long it takes says nothing about any token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn a_session_ends_after_a_shift_and_after_an_hour_of_silence() {
        let at =
            |minutes: u64| Wall::from_unix_ms(1_773_079_445_123).after(Duration::from_secs(60 * minutes));
        let session =
            |seen| Session { seen: at(seen), ..Session::begin("li".parse().expect("a login"), at(0)) };
        for (seen, now, over) in [
            (0, 0, None),
            (0, 59, None),
            (0, 60, Some(Over::Idle)),
            (30, 89, None),
            (30, 90, Some(Over::Idle)),
            (700, 719, None),
            (719, 720, Some(Over::Old)),
            (0, 2000, Some(Over::Old)),
            (700, 600, None),
        ] {
            assert_eq!(session(seen).over(at(now)), over, "seen {seen}, now {now}");
        }
    }

    #[test]
    fn a_purpose_holds_until_it_is_taken_back() {
        let mut session = Session::begin("li".parse().expect("a login"), Wall::from_unix_ms(1));
        assert_eq!(session.purpose(), None);
        let purpose = Purpose::new("寻找走失老人", "A-1").expect("it says something");
        session.set_purpose(Some(&purpose));
        assert_eq!(session.purpose(), Some(purpose));
        session.set_purpose(None);
        assert_eq!(session.purpose(), None);
    }

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_spelt(seed in any::<u64>()) {
            let token = Token::draw(&mut SmallRng::seed_from_u64(seed));
            for text in [token.spell(), token.spell_hex()] {
                prop_assert_eq!(Token::read(&text).map(|it| it.hash()), Some(token.hash()));
            }
            prop_assert_eq!(format!("{token:?}"), "(token)");
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,70}|[A-Za-z0-9_-]{43}|[0-9a-fé]{60,64}") {
            let _ = Token::read(&text);
        }
    }
}
