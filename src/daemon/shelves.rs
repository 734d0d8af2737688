//! What is kept beside the store: the index of clips and the station's evidence, opened at the start.
//!
//! Owns what happens where they cannot be. An index that is damaged is moved aside and made anew from the logs beside the recordings; evidence never is.

use std::{fs, path::Path};

use super::StartError;
use crate::{
    config::Config,
    index::{Index, IndexError, Librarian, LibrarianThread},
    store::{LedgerError, SledLedger},
    time::Wall,
};

/// Opens the index and starts its thread.
pub(super) fn open_index(config: &Config, now: Wall) -> Result<(Librarian, LibrarianThread), StartError> {
    let folder = config.paths.data.join("index");
    let index = match open(&folder) {
        Ok(index) => index,
        // Another process, or a disk that is full, is not mended by beginning anew.
        Err(IndexError::Ledger(error @ LedgerError::Full { .. })) => return Err(error.into()),
        Err(error) => {
            let aside = config.paths.data.join(format!("index-damaged-{}", now.unix_ms()));
            fs::rename(&folder, &aside)
                .map_err(|source| StartError::Folder { path: aside.clone(), source })?;
            tracing::error!(
                %error,
                aside = %aside.display(),
                "the index of clips cannot be opened; it was moved aside, and is made anew from the logs beside the recordings"
            );
            open(&folder)?
        }
    };
    Librarian::start(index).map_err(StartError::Thread)
}

fn open(folder: &Path) -> Result<Index<SledLedger>, IndexError> {
    Index::open(SledLedger::open(folder)?)
}
