//! Sums and signatures: SHA-256 and Ed25519, and how both are written.
//!
//! The one doorway to ed25519-dalek. Owns no file: where keys lie is `keys`', which keys belong to a station is `keyring`'s.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A SHA-256. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sum(pub [u8; 32]);

impl Sum {
    /// What stands in place of the sum of something that is not there.
    pub const NONE: Self = Self([0; 32]);

    /// Of bytes that are at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// A text is not what it should be: so many lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0} lower-case hex digits")]
pub struct NotHex(usize);

/// An Ed25519 public key. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The name of the key: the first 16 hex digits of the SHA-256 of its bytes.
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&Sum::of(&self.0).0[..8]);
        KeyId(id)
    }

    /// What people compare: the whole SHA-256 of its bytes, in groups of four digits.
    pub fn fingerprint(&self) -> String {
        let digits = hex(&Sum::of(&self.0).0);
        let groups: Vec<&str> =
            (0..digits.len()).step_by(4).filter_map(|at| digits.get(at..at + 4)).collect();
        groups.join(" ")
    }

    /// Whether `signature` is this key's over exactly these bytes. Weak keys and malleable signatures are not.
    pub fn has_signed(&self, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
    }
}

/// The name of a public key. Written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 8]);

/// An Ed25519 signature. Written as 128 lower-case hex digits, or as its 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub [u8; 64]);

macro_rules! in_hex {
    ($($name:ident: $len:literal;)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotHex;
            fn from_str(text: &str) -> Result<Self, NotHex> {
                unhex(text).map(Self).ok_or(NotHex(2 * $len))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotHex;
            fn try_from(text: String) -> Result<Self, NotHex> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> String {
                it.to_string()
            }
        }
    )+};
}

in_hex! {
    Sum: 32;
    PublicKey: 32;
    KeyId: 8;
    Signature: 64;
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// What signs. It shows itself to nobody, and is wiped from memory when it goes.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// The system gives none.
    pub fn make() -> Result<Self, rand::rand_core::OsError> {
        let mut seed = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(seed.as_mut())?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// As [`Self::to_text`] wrote it.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let seed = Zeroizing::new(unhex::<32>(text.strip_suffix('\n').unwrap_or(text))?);
        Some(Self(SigningKey::from_bytes(&seed)))
    }

    /// For the one file in which it lies.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(hex(self.0.as_bytes()));
        text.push('\n');
        text
    }

    /// What it signs is checked with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs exactly these bytes.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn signs_as_the_standard_says() {
        let secret =
            SecretKey::from_text("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(secret.public().to_string(), public);
        let signature = secret.sign(&[0x72]);
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signature.to_string(), expected);
        assert!(secret.public().has_signed(&[0x72], &signature));
        assert!(!secret.public().has_signed(&[0x73], &signature));
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = SecretKey::make().unwrap();
        assert_eq!(format!("{secret:?}"), format!("SecretKey(of {})", secret.public().id()));
        assert_ne!(secret.public(), SecretKey::make().unwrap().public());
    }

    #[test]
    fn names_are_the_begin_of_the_sum() {
        let key = SecretKey::make().unwrap().public();
        assert!(key.fingerprint().replace(' ', "").starts_with(&key.id().to_string()));
        assert_eq!(key.fingerprint().split(' ').count(), 16);
    }

    #[test]
    fn only_lower_case_hex_of_the_right_length_is_read() {
        let sum = Sum::of(b"x");
        assert_eq!(sum.to_string().parse(), Ok(sum));
        for bad in [String::new(), "0".repeat(63), "0".repeat(65), "A".repeat(64), "村".repeat(22)] {
            assert!(bad.parse::<Sum>().is_err(), "{bad}");
        }
    }
}
