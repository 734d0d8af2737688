//! Evidence that proves itself: who asked what for, what was given, and that nothing of it was changed.
//!
//! ```text
//! Act ─▶ audit log (hash-chained, signed now and then)
//! Order ─▶ audit log ─▶ pack (manifest, signature, video untouched) ─▶ chain of the camera's packs ─▶ audit log
//!                        └──▶ verify: offline, anywhere
//! ```
//! Owns the folders `audit`, `keys` and `evidence` of the station's data. Who may do what, and where recordings lie, is for others to know; recordings
//! are read here and never changed. [`Evidence`] writes; [`check_pack`] and [`check_chains`] know nothing but packs.

mod audit;
mod chain;
mod copy;
mod files;
mod keyring;
mod keys;
mod lines;
pub mod manifest;
pub mod merkle;
mod moment;
mod pack;
mod page;
mod purpose;
mod seal;
mod select;
mod verify;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use self::audit::{AuditLog, CheckpointDue};
pub use self::{
    audit::{
        Act, Action, AuditError, Checkpoint, Entry, Extent, LogFault, Receipt, Walked, Wrong, verify_all,
    },
    chain::{ChainEntry, ChainError},
    files::FileError,
    keyring::{KEYRING_LEN_MAX, Key, Keyring, KeyringWrong, Standing},
    keys::{Keys, KeysError, Prepared},
    moment::Moment,
    pack::{Differing, ExportError, Exported, Open, Order},
    purpose::{Actor, CASE_CHARS_MAX, NAME_CHARS_MAX, PURPOSE_CHARS_MAX, Part, Purpose, Refusal},
    seal::{KeyId, NotHex, PublicKey, SecretKey, Signature, Sum},
    verify::{ChainFault, Fault, NotAPack, Place, Report, Sense, check_chains, check_pack, read_keyring},
};
use crate::{
    id::{CameraId, StationId},
    time::Wall,
};

/// A station's audit log, keys and packs. Cheap to clone; clones, and other processes, take turns. Calls wait for the disk: not for a task.
#[derive(Debug, Clone)]
pub struct Evidence {
    keys: PathBuf,
    chains: PathBuf,
    audit: PathBuf,
    log: AuditLog,
}

/// Why evidence cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Evidence {
    /// Opens what lies in `data`. At the first run the station's key is made.
    ///
    /// # Errors
    /// A file cannot be written, the keys are not whole, or the end of the audit log was changed.
    pub fn open(data: &Path, station: &StationId, now: Wall) -> Result<Self, EvidenceError> {
        let (keys, audit) = (data.join("keys"), data.join("audit"));
        let prepared = Keys::prepare(&keys, station, now)?;
        let log = AuditLog::open(&audit, now)?;
        let mut evidence = Self { keys, chains: data.join("evidence"), audit, log };
        if let Prepared::Made(key) = prepared {
            evidence.record(
                now,
                &Act {
                    actor: Actor::daemon(),
                    purpose: Purpose::of_the_station("the station's first key is made"),
                    action: Action::KeyMade,
                    what: json!({ "key": key }),
                    results: Vec::new(),
                },
            )?;
        }
        Ok(evidence)
    }

    /// Writes down what is about to be done; on disk when this returns. What could not be written down must not be done.
    pub fn record(&mut self, now: Wall, act: &Act) -> Result<Receipt, AuditError> {
        let written = self.log.append(now, act)?;
        if written.checkpoint == CheckpointDue::Yes {
            self.checkpoint(now);
        }
        Ok(written.receipt)
    }

    /// Makes a new key; the old one hands over to it and is destroyed. Waits for exports that are under way, also those of other processes.
    ///
    /// # Errors
    /// There is no new key then. Only where the last entry could not be written, there is one: the one before it says who has asked for it.
    pub fn rotate_key(&mut self, now: Wall, actor: Actor, purpose: Purpose) -> Result<KeyId, EvidenceError> {
        let asked = Act { actor, purpose, action: Action::KeyRotate, what: Value::Null, results: Vec::new() };
        let receipt = self.record(now, &asked)?;
        let (old, new) = Keys::rotate(&self.keys, now)?;
        let what = json!({ "entry": receipt.seq, "old": old, "new": new });
        self.record(now, &Act { action: Action::KeyRotated, what, ..asked })?;
        self.checkpoint(now);
        Ok(new)
    }

    /// Exports: writes it down, writes the pack, writes down what came of it, and signs the log's end. Takes as long as copying does; other
    /// clones are not held up. The pack lies in [`Order::into`].
    ///
    /// # Errors
    /// There is no pack then, and the log says why. Only where the last entry could not be written, a pack is there, and numbered.
    pub fn export(&mut self, now: Wall, order: &Order, open: Open<'_>) -> Result<Exported, ExportError> {
        let (from, to) = (order.from.to_string(), order.to.to_string());
        let asked = Act {
            actor: order.actor.clone(),
            purpose: order.purpose.clone(),
            action: Action::Export,
            what: json!({ "camera": order.camera.id, "from": from, "to": to, "into": order.into.to_string_lossy() }),
            results: Vec::new(),
        };
        let receipt = self.record(now, &asked)?;
        let exported = pack::write(order, open, &self.chains, &self.keys, receipt, now);
        let came_of_it = match &exported {
            Ok(exported) => Act {
                action: Action::Exported,
                what: json!({
                    "entry": receipt.seq, "camera": order.camera.id, "no": exported.no, "path": exported.path.to_string_lossy(),
                    "from": exported.from.to_string(), "to": exported.to.to_string(),
                    "differing": exported.differing.len(),
                }),
                results: vec![exported.manifest.to_string()],
                ..asked
            },
            Err(error) => Act {
                action: Action::ExportFailed,
                what: json!({ "entry": receipt.seq, "camera": order.camera.id, "why": error.to_string() }),
                ..asked
            },
        };
        self.record(now, &came_of_it)?;
        self.checkpoint(now);
        exported
    }

    /// Walks the whole audit log; see [`Extent::walk`]. `known` are places that manifests name.
    pub fn verify_log(&self, known: &[Receipt]) -> Result<Result<Walked, LogFault>, KeysError> {
        // The keyring after the log: a key that is made meanwhile has signed nothing of it.
        match Extent::of(&self.audit) {
            Ok(extent) => Ok(extent.walk(&self.keyring()?, known, |_, _| ())),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// The station's public keys.
    pub fn keyring(&self) -> Result<Keyring, KeysError> {
        Ok(Keys::open(&self.keys)?.keyring().clone())
    }

    /// The packs of a camera that were ever made, oldest first.
    pub fn packs(&self, camera: &CameraId) -> Result<Vec<ChainEntry>, ChainError> {
        chain::packs(&self.chains, camera)
    }

    /// Signs the log's end. Where that fails nothing is undone: the entries are there, and the next checkpoint covers them.
    fn checkpoint(&mut self, now: Wall) {
        let signed: Result<(), EvidenceError> = Keys::open(&self.keys)
            .map_err(Into::into)
            .and_then(|keys| Ok(self.log.checkpoint(now, &keys)?));
        if let Err(error) = signed {
            tracing::error!("the end of the audit log could not be signed: {error}");
        }
    }
}

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// Chinese first.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}", self.zh, self.en)
    }
}

#[cfg(test)]
mod tests;
