//! A signed word on how far the audit log has come: what is cut off behind it is missed.
//!
//! Pure. The log alone cannot show that its end is gone; a checkpoint, and the entry that each signed manifest names, can.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        keyring::Keyring,
        keys::Keys,
        moment,
        seal::{KeyId, Signature},
    },
    Receipt,
};
use crate::time::Wall;

/// One line of `checkpoints.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The log's last entry then.
    #[serde(flatten)]
    pub tip: Receipt,
    /// When, UTC.
    #[serde(with = "moment::utc")]
    pub at: Wall,
    /// Who signed.
    pub key: KeyId,
    /// Over [`Self::statement`].
    pub signature: Signature,
}

impl Checkpoint {
    pub(super) fn new(tip: Receipt, at: Wall, keys: &Keys) -> Self {
        let signature = keys.sign(&Self::statement(tip, at, keys.keyring()));
        Self { tip, at, key: keys.id(), signature }
    }

    /// Whether a key of the station has signed it.
    pub(super) fn is_signed(&self, keyring: &Keyring) -> bool {
        let text = Self::statement(self.tip, self.at, keyring);
        keyring.find(self.key).is_some_and(|key| key.public.has_signed(&text, &self.signature))
    }

    fn statement(tip: Receipt, at: Wall, keyring: &Keyring) -> Vec<u8> {
        let (station, at, Receipt { seq, hash }) = (keyring.station(), at.unix_us(), tip);
        format!("cunkou audit checkpoint v1\nstation {station}\nseq {seq}\nhash {hash}\nat_us {at}\n")
            .into_bytes()
    }
}
