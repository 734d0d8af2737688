//! Finds what was recorded around an alert, once it should be there.
//!
//! Owns the range and the file's hash. What is then told of it is the clerk's.

use tokio::{sync::mpsc, task::spawn_blocking};

use super::{clerk::Record, office::FoundClip};
use crate::{
    archive::{Catalog, FILM_MAX, NoFilm},
    config::Recording,
};

/// Looks for clips.
pub(super) struct ClipFinder {
    /// What is recorded.
    pub(super) catalog: Catalog,
    /// Pre-roll and post-roll.
    pub(super) recording: Recording,
    /// Who is told.
    pub(super) found: mpsc::Sender<FoundClip>,
}

impl ClipFinder {
    /// Works until nobody asks any more.
    pub(super) async fn run(self, mut sought: mpsc::Receiver<Box<Record>>) {
        while let Some(record) = sought.recv().await {
            let (alert, camera) = (record.data.alert_id, record.data.camera.id.clone());
            let Some((from, to)) = record.data.span() else { continue };
            // One that went on for very long is shown from its begin on.
            let (from, to) = self.recording.around(from, to.min(from.after(FILM_MAX / 2)));
            let file = match self.catalog.film(&camera, from, to).await {
                Ok(film) => match spawn_blocking(move || film.sha256()).await {
                    Ok(Ok(sha256)) => {
                        let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                        Some((format!("/api/v1/clips/{alert}/video.mp4"), sha256))
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%alert, %camera, %error, "an alert's recording cannot be read; it is tried again");
                        continue;
                    }
                    Err(panic) => {
                        tracing::error!(%alert, %camera, %panic, "an alert's recording cannot be read; it is tried again");
                        continue;
                    }
                },
                Err(NoFilm::Nothing { .. } | NoFilm::TooLong) => None,
                Err(error) => {
                    tracing::warn!(%alert, %camera, %error, "an alert's recording cannot be looked for; it is tried again");
                    continue;
                }
            };
            if self.found.send(FoundClip { alert, file }).await.is_err() {
                return;
            }
        }
    }
}
