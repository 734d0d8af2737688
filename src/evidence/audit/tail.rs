//! The end of the log, when it is opened.

use std::path::Path;

use super::{
    super::{files::at, lines::end_of},
    AuditError, Receipt, Wrong,
    entry::Entry,
};

/// Checks the last lines of a mended file, hash by hash and link by link. `None`: it is empty.
pub(super) fn check(path: &Path) -> Result<Option<Receipt>, AuditError> {
    let (begin, bytes) = end_of(path).map_err(at(path, "read"))?;
    let changed = |what| AuditError::Changed { path: path.to_owned(), what };
    let mut lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    if begin > 0 {
        lines.next();
    }
    let mut tip: Option<Receipt> = None;
    for line in lines {
        let (entry, receipt) = Entry::read(line).map_err(|wrong| changed(wrong.into()))?;
        if tip.is_some_and(|tip| tip.seq + 1 != entry.seq || tip.hash != entry.prev) {
            return Err(changed(Wrong::Link));
        }
        tip = Some(receipt);
    }
    if tip.is_none() && !bytes.is_empty() {
        return Err(changed(Wrong::Unreadable));
    }
    Ok(tip)
}
