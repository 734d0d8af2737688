//! What is shown for a clip that was granted.
//!
//! Owns its spelling, its randomness and its hash. It is never written anywhere but in the one address that the neighbour is sent, and has no `Debug`.

use rand::TryRngCore;
use sha2::{Digest, Sha256};

/// A secret that is good for one clip: 128 bits.
pub struct Secret([u8; 16]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> Result<Self, rand::rand_core::OsError> {
        let mut bytes = [0; 16];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads one as [`Self::spell`] writes it.
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|it| Self(it.to_be_bytes()))
    }

    /// For an address.
    pub fn spell(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// What is kept of it: its SHA-256.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_is_spelt() {
        let secret = Secret::new().expect("randomness");
        assert_eq!(Secret::read(&secret.spell()).map(|it| it.0), Some(secret.0));
        assert_ne!(Secret::new().expect("randomness").0, secret.0);
        for bad in
            ["", "00", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33), "+0000000000000000000000000000000"]
        {
            assert!(Secret::read(bad).is_none(), "{bad}");
        }
    }
}
