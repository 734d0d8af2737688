//! Which public keys are a station's: each handed over to by the one before.
//!
//! Pure. Owns the form of `keyring.json`, which goes into each pack, and the rules by which a keyring is believed. It holds no secret. That the
//! first key is the station's cannot be seen from the keyring: it is compared once, by people, or known from a keyring that one already trusts.

use serde::{Deserialize, Serialize};

use super::{
    moment,
    seal::{KeyId, PublicKey, SecretKey, Signature},
};
use crate::{id::StationId, time::Wall};

/// Name and version of the form.
const FORMAT: &str = "cunkou.keyring";
const VERSION: u32 = 1;
/// Largest keyring, in bytes: some four thousand keys.
pub const KEYRING_LEN_MAX: u64 = 2 * 1024 * 1024;

/// A station's public keys, oldest first; checked, and never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    station: StationId,
    keys: Vec<Key>,
}

/// One public key, and when it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name.
    pub id: KeyId,
    /// It.
    pub public: PublicKey,
    /// When it was made.
    #[serde(with = "moment::utc")]
    pub from: Wall,
    /// When the next one was made; `None`: it is in use.
    #[serde(with = "moment::utc_or_null")]
    pub until: Option<Wall>,
    /// Its own signature over its statement: whoever made the entry had the secret.
    pub own: Signature,
    /// The signature over the same of the key before; none of the first.
    pub by_previous: Option<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    version: u32,
    station: StationId,
    keys: Vec<Key>,
}

/// Why a keyring is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringWrong {
    /// It cannot be read.
    #[error("it is no keyring: {0}")]
    Unreadable(String),
    /// A newer program wrote it.
    #[error("its form has version {0}, and this program reads version {VERSION}: take a newer program")]
    Version(u32),
    /// It has no key.
    #[error("it has no key")]
    Empty,
    /// A key's name is not that of its bytes.
    #[error("key no. {0}: its id is not that of its bytes")]
    Id(usize),
    /// Times do not follow each other.
    #[error("key no. {0}: its times do not follow those of the key before")]
    Times(usize),
    /// Its own signature is wrong.
    #[error("key no. {0}: it has not signed itself")]
    Own(usize),
    /// The key before has not signed it.
    #[error("key no. {0}: the key before has not handed over to it")]
    HandOver(usize),
}

/// How far a key is known to whoever checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is in the trusted keyring.
    Trusted,
    /// The last key of the trusted keyring has handed over to it, maybe over others.
    HandedOver {
        /// That last key.
        from: KeyId,
    },
    /// It is not, and nobody has.
    Stranger,
}

impl Keyring {
    /// The keyring of a station with one key.
    pub(super) fn new(station: StationId, secret: &SecretKey, from: Wall) -> Self {
        let own = secret.sign(&statement(&station, 1, &secret.public(), from, None));
        let key = Key {
            id: secret.public().id(),
            public: secret.public(),
            from,
            until: None,
            own,
            by_previous: None,
        };
        Self { station, keys: vec![key] }
    }

    /// Hands over from `old`, which must be the current key, to `new`. Where the clock was set back, `new` begins when `old` did.
    pub(super) fn hand_over(&mut self, old: &SecretKey, new: &SecretKey, at: Wall) {
        let from = at.max(self.current().from);
        let text =
            statement(&self.station, self.keys.len() + 1, &new.public(), from, Some(self.current().id));
        if let Some(last) = self.keys.last_mut() {
            last.until = Some(from);
        }
        self.keys.push(Key {
            id: new.public().id(),
            public: new.public(),
            from,
            until: None,
            own: new.sign(&text),
            by_previous: Some(old.sign(&text)),
        });
    }

    /// Reads and checks a keyring.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyringWrong> {
        let unreadable = |why: serde_json::Error| KeyringWrong::Unreadable(why.to_string());
        let written: Written = serde_json::from_slice(bytes).map_err(unreadable)?;
        if written.format != FORMAT {
            return Err(KeyringWrong::Unreadable(format!("its format is not {FORMAT}")));
        }
        if written.version != VERSION {
            return Err(KeyringWrong::Version(written.version));
        }
        let Written { station, keys, .. } = written;
        if keys.is_empty() {
            return Err(KeyringWrong::Empty);
        }
        let mut previous: Option<&Key> = None;
        for (key, no) in keys.iter().zip(1..) {
            if key.id != key.public.id() {
                return Err(KeyringWrong::Id(no));
            }
            let is_last = no == keys.len();
            let follows = previous.is_none_or(|previous| previous.until == Some(key.from));
            if !follows || key.until.is_none() != is_last || key.until.is_some_and(|until| until < key.from) {
                return Err(KeyringWrong::Times(no));
            }
            let text = statement(&station, no, &key.public, key.from, previous.map(|key| key.id));
            if !key.public.has_signed(&text, &key.own) {
                return Err(KeyringWrong::Own(no));
            }
            let is_handed_over = match (previous, &key.by_previous) {
                (None, None) => true,
                (Some(previous), Some(signature)) => previous.public.has_signed(&text, signature),
                _ => false,
            };
            if !is_handed_over {
                return Err(KeyringWrong::HandOver(no));
            }
            previous = Some(key);
        }
        Ok(Self { station, keys })
    }

    /// As it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (station, keys) = (self.station.clone(), self.keys.clone());
        let written = Written { format: FORMAT.to_owned(), version: VERSION, station, keys };
        let mut bytes = serde_json::to_vec_pretty(&written).expect("texts and numbers are always JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Whose it is.
    pub fn station(&self) -> &StationId {
        &self.station
    }

    /// Its keys, oldest first.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that signs now.
    pub fn current(&self) -> &Key {
        self.keys.last().expect("a keyring is never empty")
    }

    /// The key with this name.
    pub fn find(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    fn has(&self, key: &PublicKey) -> bool {
        self.keys.iter().any(|ours| ours.public == *key)
    }

    /// How far a key of this keyring is known to somebody who trusts `trusted`. Keys are compared, not their names, which are short.
    pub fn standing(&self, key: &PublicKey, trusted: &Self) -> Standing {
        if trusted.has(key) {
            return Standing::Trusted;
        }
        let goes_on = self.station == trusted.station
            && self.keys.len() > trusted.keys.len()
            && self.keys.iter().zip(&trusted.keys).all(|(ours, theirs)| ours.public == theirs.public);
        if goes_on && self.has(key) {
            Standing::HandedOver { from: trusted.current().id }
        } else {
            Standing::Stranger
        }
    }
}

/// What is signed when a key is made.
fn statement(station: &StationId, no: usize, key: &PublicKey, from: Wall, after: Option<KeyId>) -> Vec<u8> {
    let (from, after) = (from.unix_us(), after.map_or("-".to_owned(), |id| id.to_string()));
    format!("cunkou key v1\nstation {station}\nno {no}\npublic {key}\nfrom_us {from}\nafter {after}\n")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn three() -> (Keyring, Vec<SecretKey>) {
        let secrets: Vec<SecretKey> = (0..3).map(|_| SecretKey::make().unwrap()).collect();
        let at = |s: i64| Wall::from_unix_ms(s * 1000);
        let mut keyring = Keyring::new("demo".parse().unwrap(), &secrets[0], at(100));
        keyring.hand_over(&secrets[0], &secrets[1], at(200));
        keyring.hand_over(&secrets[1], &secrets[2], at(150));
        (keyring, secrets)
    }

    #[test]
    fn is_read_as_it_was_written() {
        let (keyring, secrets) = three();
        assert_eq!(Keyring::read(&keyring.to_bytes()), Ok(keyring.clone()));
        assert_eq!(keyring.current().id, secrets[2].public().id());
        assert_eq!(keyring.current().from, Wall::from_unix_ms(200_000), "the clock was set back");
    }

    #[test]
    fn each_thing_that_is_wrong_is_named() {
        let (good, _) = three();
        let (stranger, second) = (SecretKey::make().unwrap(), good.keys[1].id);
        let damaged = |damage: &dyn Fn(&mut Keyring)| {
            let mut keyring = good.clone();
            damage(&mut keyring);
            Keyring::read(&keyring.to_bytes())
        };
        assert_eq!(damaged(&|k| k.keys.clear()), Err(KeyringWrong::Empty));
        assert_eq!(damaged(&|k| k.keys[1].public = stranger.public()), Err(KeyringWrong::Id(2)));
        assert_eq!(damaged(&|k| k.keys.retain(|key| key.id != second)), Err(KeyringWrong::Own(2)));
        assert_eq!(damaged(&|k| k.keys.swap(0, 1)), Err(KeyringWrong::Own(1)));
        assert_eq!(damaged(&|k| k.keys[2].until = Some(Wall::default())), Err(KeyringWrong::Times(3)));
        assert_eq!(damaged(&|k| k.keys[1].by_previous = None), Err(KeyringWrong::HandOver(2)));
        assert_eq!(damaged(&|k| k.keys[1].by_previous = Some(k.keys[1].own)), Err(KeyringWrong::HandOver(2)));
        assert_eq!(damaged(&|k| k.station = "other".parse().unwrap()), Err(KeyringWrong::Own(1)));
        // Somebody hands over to himself.
        let taken_over = damaged(&|k| k.hand_over(&stranger, &stranger, Wall::from_unix_ms(300_000)));
        assert_eq!(taken_over, Err(KeyringWrong::HandOver(4)));
    }

    #[test]
    fn a_newer_key_is_known_by_the_hand_over_and_a_strangers_is_not() {
        let (full, secrets) = three();
        let trusted = Keyring::new("demo".parse().unwrap(), &secrets[0], Wall::from_unix_ms(100_000));
        let newest = &full.current().public;
        assert_eq!(full.standing(newest, &full), Standing::Trusted);
        let from = secrets[0].public().id();
        assert_eq!(full.standing(newest, &trusted), Standing::HandedOver { from });
        let (other, _) = three();
        assert_eq!(other.standing(&other.current().public, &trusted), Standing::Stranger);
        assert_eq!(other.standing(&other.current().public, &full), Standing::Stranger);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_flip_makes_another_keyring(at in 0usize..4000, bit in 0u8..8, cut in any::<bool>()) {
            let (good, _) = three();
            let mut bytes = good.to_bytes();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            if let Ok(read) = Keyring::read(&bytes) {
                prop_assert_eq!(read, good);
            }
        }
    }
}
