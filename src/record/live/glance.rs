//! One look at a stream: its newest key picture, and which streams there are to be looked at.
//!
//! Owns that it costs nothing while nobody asks: whoever asks sits down before the reel for as long as it takes, as a viewer does, and so is
//! given what is in memory. He takes no viewer's seat, and is not counted as one; how many may ask at once is for whoever lets them.

use super::{
    feeds::{Feeds, NoView},
    reel::Standing,
};
use crate::{camera::AccessUnit, config::StreamRole, id::CameraId};

/// Which stream of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The one with the most pixels.
    Best,
    /// The one with the fewest.
    Smallest,
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoGlance {
    /// It cannot be watched.
    #[error(transparent)]
    NoView(#[from] NoView),
    /// It is not there, and why.
    #[error("{0}")]
    Away(String),
}

impl Feeds {
    /// A camera's newest key picture: the one in memory where there is one, else the next that comes. Waits for it without limit, or until the stream
    /// ends. Cancel safe.
    ///
    /// # Errors
    /// See [`NoGlance`].
    pub async fn newest_key(&self, camera: &CameraId, pick: Pick) -> Result<AccessUnit, NoGlance> {
        let streams = self.streams(camera)?;
        let stream = match pick {
            Pick::Best => streams.first(),
            Pick::Smallest => streams.last(),
        };
        let stream = stream.ok_or_else(|| NoView::OutOfService(camera.clone()))?;
        let mut reel = stream.reel.subscribe();
        loop {
            {
                let reel = reel.borrow_and_update();
                match (reel.newest_key(), reel.begin().0) {
                    (Some(unit), _) => return Ok(unit.clone()),
                    (None, Standing::Away(why)) => return Err(NoGlance::Away(why)),
                    (None, Standing::Playing(_)) => {}
                }
            }
            if reel.changed().await.is_err() {
                return Err(NoGlance::Away("the station is stopping".to_owned()));
            }
        }
    }

    /// Which streams of a camera can be watched, the best one first. A stream that has two names is there by its first.
    pub fn watchable(&self, camera: &CameraId) -> Vec<StreamRole> {
        self.streams(camera)
            .map_or_else(|_| Vec::new(), |streams| streams.iter().map(|stream| stream.roles[0]).collect())
    }
}
