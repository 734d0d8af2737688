//! The simulated village: RTSP cameras that play real footage, and a diary of what they really showed.
//!
//! ```text
//! footage ─studio─▶ Material ─┐
//!                  Scenario ──┴▶ camera (a task each) ─access units─▶ connection (a task each) ─RTP─▶ any client
//!                                   └▶ diary
//! ```
//!
//! Owns everything on the camera's side of the wire, which knows nothing of the daemon: whatever plays RTSP can watch. [`world`] is another thing: a whole
//! station, lanes and clerk and courier included, in virtual time.

pub mod annexb;
pub mod auth;
mod camera;
pub mod cli;
mod connection;
pub mod diary;
mod jpeg;
pub mod material;
pub mod rtp;
pub mod rtsp;
pub mod scenario;
mod sdp;
pub mod timeline;
mod village;
pub mod world;

use std::path::PathBuf;

pub use diary::{DiaryEntry, What};
pub use material::{Coding, Format, Material, Progress, Reel, Studio};
pub use scenario::{Event, EventKind, Fault, Scenario, SimCamera, Source};
pub use village::{Totals, Village};

/// Why there is no village.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The footage is not there.
    #[error(
        "no footage for the simulated village (looked for {looked}): `apt-get install opencv-doc` brings it, or name a \
         video file of your own"
    )]
    NoFootage {
        /// Where it was looked for.
        looked: String,
    },
    /// The footage cannot be used.
    #[error("cannot use {} as footage: {why}", path.display())]
    Footage {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The video cannot be encoded.
    #[error(
        "cannot encode the simulated village (are GStreamer's plugins-good, -bad, -ugly and libav there?): {why}"
    )]
    Encoder {
        /// Why.
        why: String,
    },
    /// The cache cannot be written.
    #[error("cannot keep encoded video in {}: {source}", path.display())]
    Cache {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A scenario file cannot be read.
    #[error("scenario {}: {why}", path.display())]
    ScenarioFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// A scenario makes no sense.
    #[error("the scenario is wrong: {}", wrong.join("; "))]
    Scenario {
        /// Everything that is.
        wrong: Vec<String>,
    },
    /// The address is taken, or is not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A camera that does not exist.
    #[error("the simulated village has no camera {0}")]
    NoCamera(crate::id::CameraId),
    /// The output, or a thread, failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
