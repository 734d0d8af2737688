//! One stream: connect, read, retry.
//!
//! Owns the way from a camera's URL to [`AccessUnit`]s and the health of the stream. Knows nothing of
//! pixels: what is inside of an access unit is for `decode`.
//!
//! A lane makes a [`Source`] for each attempt, tells [`Vitals`] what comes of it, and asks [`Backoff`] when to make
//! the next one.

mod backoff;
mod clock;
mod finding;
mod health;
mod limits;
mod nal;
mod pace;
mod rates;
mod rtsp;
mod sign;
mod source;
mod survey;
mod vitals;

pub use backoff::Backoff;
pub use finding::{Advice, Finding};
pub use health::{Health, Reason, State, Stream, Watched};
pub use limits::Limits;
pub use pace::{Pace, Rhythm};
pub use source::Source;
pub use survey::{Gop, Survey, survey};
pub use vitals::Vitals;

pub(crate) use nal::starts as nal_starts;

use std::time::Duration;

use bytes::Bytes;

use crate::{
    config::StreamRole,
    geometry::Size,
    time::{MediaTime, Now, Wall},
};

/// How a stream is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
    /// Motion JPEG (RFC 2435).
    Mjpeg,
}

/// What is known of a stream before its first access unit, and again when its parameters change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its coding.
    pub codec: Codec,
    /// Its picture, where the parameter sets say so.
    pub size: Option<Size>,
    /// RFC 6381 codec string, where there is one (`avc1.64001e`).
    pub rfc6381: Option<String>,
    /// Its sound, where that is wanted and the camera sends one that can be recorded.
    pub audio: Option<AudioCoding>,
}

/// Whether a connection is to bring the camera's sound, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Where the camera has one that can be recorded.
    Wanted,
    /// Pictures alone.
    Unwanted,
}

/// How sound is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioCoding {
    /// AAC.
    Aac {
        /// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
        config: Bytes,
    },
    /// G.711 μ-law, 8000 Hz, one channel.
    Ulaw,
    /// G.711 A-law, 8000 Hz, one channel.
    Alaw,
}

/// A frame of sound, as it left the camera.
#[derive(Debug, Clone)]
pub struct AudioUnit {
    /// AAC: one raw frame, without ADTS. G.711: a byte a sample.
    pub data: Bytes,
    /// When it is heard, in the time of the pictures ([`AccessUnit::media`]).
    pub media: MediaTime,
    /// How many samples of one channel it has.
    pub samples: u32,
    /// When its last packet arrived, by the clock of this machine.
    pub arrived: Now,
}

/// One coded picture, as it left the camera.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// Which stream.
    pub role: StreamRole,
    /// Its coding.
    pub codec: Codec,
    /// H.264 and H.265: Annex B, parameter sets in front of each random access point. MJPEG: one JFIF picture.
    pub data: Bytes,
    /// Decoding may start here (IDR, CRA, BLA, any JPEG).
    pub is_key: bool,
    /// The stream's own time; restarts at 0 with each connection, and increases within it. (Only pictures that a
    /// camera sends out of their order, B frames, step back, by less than 2 s.)
    pub media: MediaTime,
    /// The camera's clock (from RTCP sender reports), where it tells.
    pub camera_clock: Option<Wall>,
    /// When its last packet arrived, by the clock of this machine.
    pub arrived: Now,
    /// RTP packets known to be lost since the access unit before.
    pub packets_lost: u32,
}

/// What a stream has to say.
#[derive(Debug)]
pub enum StreamEvent {
    /// Playing; access units follow.
    Playing(StreamInfo),
    /// The parameter sets changed in mid-stream; sent before the unit that uses them.
    Changed(StreamInfo),
    /// An access unit.
    Unit(AccessUnit),
    /// A frame of sound; where it was asked for.
    Audio(AudioUnit),
    /// It is over. No event follows; connect anew.
    Ended(Ending),
}

/// Why a stream ended, or never began. Never carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// 401 or 403: wrong or missing user name or password.
    #[error("the camera refuses the user name or password")]
    Auth,
    /// Nobody listens, no route, or the name does not resolve.
    #[error("cannot connect: {0}")]
    Refused(String),
    /// Silence for longer than the limit.
    #[error("no answer to {phase} for {after:?}")]
    Timeout {
        /// connect, describe, setup, play, media or keepalive.
        phase: &'static str,
        /// How long.
        after: Duration,
    },
    /// No random access point for longer than the limit.
    #[error("no key frame for {0:?}")]
    NoKeyframe(Duration),
    /// The camera closed the connection, or ended the stream.
    #[error("the camera closed the stream")]
    Closed,
    /// It said something that cannot be understood.
    #[error("the camera's answer cannot be understood: {0}")]
    Garbage(String),
    /// 404 and other refusals of this URL.
    #[error("the camera has no such stream: {0}")]
    NotFound(String),
    /// A codec that we do not decode, or no video at all.
    #[error("no stream that can be decoded: {0}")]
    Unsupported(String),
}
