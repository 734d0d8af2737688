//! The pictures of alerts on disk.
//!
//! Owns making and keeping them, and that they are on the disk before anything promises them. When they go is the clerk's.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use crate::{
    alert::{Change, snapshot},
    geometry::UnitBox,
    id::AlertId,
    lane::Filing,
    mqtt::payload::SnapshotData,
};

/// JPEG quality of a snapshot: a 768x576 picture takes some 80 kB.
const QUALITY: u8 = 85;

/// The picture of a new alert, plain and with boxes. An alert whose picture cannot be kept goes out without one.
pub(super) fn picture(
    folder: PathBuf,
    filing: &Filing,
) -> impl Future<Output = Option<SnapshotData>> + use<> {
    let alert = &filing.verdict.alert;
    let frame = filing.frame.clone().filter(|_| filing.verdict.change == Change::Raised);
    let (id, camera) = (alert.id, Arc::clone(&alert.camera));
    let boxes: Vec<(UnitBox, &'static str)> =
        alert.objects.iter().map(|object| (object.bbox, object.class.as_str())).collect();
    async move {
        let frame = frame?;
        let made = spawn_blocking(move || {
            let plain = snapshot::encode(&frame.picture, &camera.masks, &[], QUALITY)?;
            let boxed = snapshot::encode(&frame.picture, &camera.masks, &boxes, QUALITY)?;
            keep(&folder, id, &plain, &boxed)
        });
        match made.await {
            Ok(Ok(picture)) => Some(picture),
            Ok(Err(error)) => {
                tracing::error!(alert = %id, %error, "the alert's picture could not be kept; the alert goes out without it");
                None
            }
            Err(panic) => {
                tracing::error!(alert = %id, %panic, "the alert's picture could not be made; the alert goes out without it");
                None
            }
        }
    }
}

/// Removes the pictures of an alert that have served their purpose.
pub(super) async fn forget(folder: &Path, alert: AlertId) {
    for name in [plain_name(alert), boxed_name(alert)] {
        match tokio::fs::remove_file(folder.join(&name)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%name, %error, "a picture that has served its purpose could not be removed");
            }
            _ => {}
        }
    }
}

/// Why a picture is not kept.
#[derive(Debug, thiserror::Error)]
enum NoPicture {
    #[error(transparent)]
    Encode(#[from] snapshot::SnapshotError),
    #[error("{path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

fn plain_name(id: AlertId) -> String {
    format!("{id}.jpg")
}

fn boxed_name(id: AlertId) -> String {
    format!("{id}-boxed.jpg")
}

fn keep(folder: &Path, id: AlertId, plain: &[u8], boxed: &[u8]) -> Result<SnapshotData, NoPicture> {
    let (plain_name, boxed_name) = (plain_name(id), boxed_name(id));
    for (name, jpeg) in [(&plain_name, plain), (&boxed_name, boxed)] {
        let path = folder.join(name);
        write_durably(&path, jpeg).map_err(|source| NoPicture::Write { path, source })?;
    }
    let names = File::open(folder).and_then(|folder| folder.sync_all());
    names.map_err(|source| NoPicture::Write { path: folder.to_owned(), source })?;
    Ok(SnapshotData {
        url: format!("/snapshots/{plain_name}"),
        sha256: sha256_hex(plain),
        boxed_url: format!("/snapshots/{boxed_name}"),
        boxed_sha256: sha256_hex(boxed),
    })
}

/// The promise names the picture's hash, so the picture is on the disk before the promise is.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
