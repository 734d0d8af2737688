//! Where single pictures are decoded for those who ask, one at a time.
//!
//! Owns that it disturbs nobody: one thread of the runtime's for blocking work is busy with it at most, so many wait, and who comes then is sent away.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::super::archive::still::{self, NoStill};
use crate::{camera::AccessUnit, decode::Backend, geometry::Polygon};

/// Pictures that wait, or are being decoded.
const WAITING_MAX: usize = 32;

/// A darkroom.
pub(super) struct Darkroom {
    backend: Backend,
    places: Arc<Semaphore>,
    lamp: Arc<Semaphore>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Undeveloped {
    /// Too many wait.
    #[error("{WAITING_MAX} pictures wait to be decoded already; ask again in a second")]
    Busy,
    /// It cannot be made.
    #[error(transparent)]
    Bad(#[from] NoStill),
    /// The decoder panicked: a bug.
    #[error("decoding a picture failed: {0}")]
    Broken(String),
}

impl Darkroom {
    pub(super) fn new(backend: Backend) -> Self {
        let [places, lamp] = [WAITING_MAX, 1].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { backend, places, lamp }
    }

    /// A key picture as JPEG, at most `width` pixels wide, with masks burnt in.
    pub(super) async fn develop(
        &self,
        unit: AccessUnit,
        masks: Arc<[Polygon]>,
        width: u32,
    ) -> Result<Bytes, Undeveloped> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Undeveloped::Busy)?;
        let lamp = Arc::clone(&self.lamp).acquire_owned().await;
        let backend = self.backend.clone();
        // The thread holds place and lamp: who asked may be gone before it is done.
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, lamp);
            still::picture(&backend, &unit, &masks, width)
        });
        match done.await {
            Ok(made) => Ok(made?.into()),
            Err(panic) => Err(Undeveloped::Broken(panic.to_string())),
        }
    }
}
