//! Passwords: what is a good one, and what is kept of it.
//!
//! Owns Argon2id and its figures, and that at most two passwords are worked on at once: each takes 19 MiB and a core. A login that nobody has takes as long
//! as one with a wrong password. A password is wiped from memory when it is dropped, is never logged, and is kept nowhere.

use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash as Phc,
};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::id::Login;

/// Memory in KiB, passes, lanes: the figures of OWASP's Password Storage Cheat Sheet.
const FIGURES: (u32, u32, u32) = (19_456, 2, 1);
/// What a password of nobody is held against: of the same figures.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Shortest and longest password, in characters.
pub const CHARS: std::ops::RangeInclusive<usize> = 12..=256;
/// Passwords that are worked on at once.
const AT_ONCE: usize = 2;
/// Passwords that are worked on or wait; further ones are refused.
const WAITING_MAX: usize = 32;

/// A password, as somebody typed it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// As it was typed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it may become one of `login`.
    pub fn check(&self, login: &Login) -> Result<(), BadPassword> {
        let (count, text) = (self.0.chars().count(), self.0.to_lowercase());
        let kinds = text.chars().collect::<std::collections::BTreeSet<char>>().len();
        match () {
            () if count < *CHARS.start() => Err(BadPassword::Short),
            () if count > *CHARS.end() => Err(BadPassword::Long),
            () if kinds < 4 || text.replace(login.as_str(), "").chars().count() < 6 => {
                Err(BadPassword::Plain)
            }
            () => Ok(()),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(password)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::new)
    }
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short.
    #[error("密码至少 12 个字符 · a password has 12 characters at least")]
    Short,
    /// Too long.
    #[error("密码最多 256 个字符 · a password has 256 characters at most")]
    Long,
    /// It can be guessed.
    #[error("密码太简单 · this password is easily guessed: use several words that do not belong together")]
    Plain,
}

/// What is kept of a password: a PHC string with its own salt and figures.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash of a password)")
    }
}

/// Why a password was not worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unhashed {
    /// Too many sign in at once.
    #[error("登录人数过多，请稍候 · too many sign in at once: wait a moment")]
    Busy,
    /// It cannot be done.
    #[error("passwords cannot be worked on: {0}")]
    Failed(String),
}

/// Works on passwords, a few at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), room: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl Hasher {
    /// What is to be kept of a password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Unhashed> {
        self.work(move || {
            let mut salt = [0; 16];
            OsRng.try_fill_bytes(&mut salt).map_err(failed)?;
            let hash: Phc =
                argon2()?.hash_password_with_salt(password.0.as_bytes(), &salt).map_err(failed)?;
            Ok(PasswordHash(hash.to_string()))
        })
        .await
    }

    /// Whether it is the password of which `hash` was kept; of nobody it is none, which takes as long.
    pub async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<Verdict, Unhashed> {
        self.work(move || {
            let kept = hash.as_ref().map_or(NOBODYS, |hash| hash.0.as_str());
            let kept = Phc::new(kept).map_err(failed)?;
            let is_right = argon2()?.verify_password(password.0.as_bytes(), &kept).is_ok();
            Ok(if is_right && hash.is_some() { Verdict::Right } else { Verdict::Wrong })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Unhashed> + Send + 'static,
    ) -> Result<T, Unhashed> {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Unhashed::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(failed)?;
        // The permits go with the work: who leaves in the meantime makes no room for another.
        let worked = tokio::task::spawn_blocking(move || {
            let _held = (room, turn);
            work()
        });
        worked.await.map_err(failed)?
    }
}

/// What came of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one.
    Right,
    /// It is not, or there is none.
    Wrong,
}

fn argon2() -> Result<Argon2<'static>, Unhashed> {
    let (memory, passes, lanes) = FIGURES;
    let params = Params::new(memory, passes, lanes, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(why: impl fmt::Display) -> Unhashed {
    Unhashed::Failed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn bad_passwords_are_refused() {
        let login: Login = "li-wei".parse().expect("a login");
        for (text, expected) in [
            ("elevenchars", Err(BadPassword::Short)),
            ("", Err(BadPassword::Short)),
            ("aaaaaaaaaaaaaaaa", Err(BadPassword::Plain)),
            ("li-weili-weili-wei", Err(BadPassword::Plain)),
            ("LI-WEI LI-WEI", Err(BadPassword::Plain)),
            ("村口的大槐树下有三只猫咪", Ok(())),
            ("correct horse battery", Ok(())),
            ("abcd-efgh-jkmn", Ok(())),
        ] {
            assert_eq!(password(text).check(&login), expected, "{text}");
        }
        assert_eq!(password(&"ab cd".repeat(60)).check(&login), Err(BadPassword::Long));
        assert_eq!(format!("{:?}", password("secret")), "(password)");
    }

    #[tokio::test]
    async fn a_password_opens_its_own_account_alone() {
        let hasher = Hasher::default();
        let hash = hasher.hash(password("correct horse battery")).await.expect("it is hashed");
        let other = hasher.hash(password("correct horse battery")).await.expect("it is hashed");
        assert_ne!(hash, other, "each has a salt of its own");
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_eq!(format!("{hash:?}"), "(hash of a password)");
        for (typed, kept, expected) in [
            ("correct horse battery", Some(hash.clone()), Verdict::Right),
            ("correct horse batterY", Some(hash.clone()), Verdict::Wrong),
            ("correct horse battery", None, Verdict::Wrong),
        ] {
            assert_eq!(hasher.verify(password(typed), kept).await, Ok(expected), "{typed}");
        }
        let broken = PasswordHash("$argon2id$".to_owned());
        assert!(matches!(hasher.verify(password("x"), Some(broken)).await, Err(Unhashed::Failed(_))));
    }

    #[tokio::test]
    async fn who_comes_when_many_wait_is_refused() {
        let hasher = Hasher { room: Arc::new(Semaphore::new(0)), ..Hasher::default() };
        assert_eq!(hasher.verify(password("x"), None).await, Err(Unhashed::Busy));
    }
}
