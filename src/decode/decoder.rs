//! One stream's decoder: access units in, frames out, whatever the units are.
//!
//! Owns the references of one stream and how it gets over what cannot be decoded. Which units are handed in, and on what
//! thread, is its user's business.

use gstreamer as gst;

use super::{
    Backend, Frame, Range, announced,
    backend::Route,
    chain::{Chain, Failure, PICTURE_SIDE_MAX},
    family::Candidate,
    raw::{Develop, Keep},
    times::{Times, UNDER_WAY_MAX},
};
use crate::{
    camera::{AccessUnit, Codec},
    geometry::Size,
};

/// Largest access unit that is looked at, in bytes: a key frame of 8192x8192 at ten times the usual rate.
pub const UNIT_BYTES_MAX: usize = 32 << 20;

/// Units after a loss, none of them a key frame, until what comes out counts as whole again. A camera with periodic
/// intra refresh sends one key frame in its life, and renews the picture within some 250 frames.
const HEALED_AFTER_UNITS: u32 = 300;

/// Failures in a row, no picture between them, until the element is made anew.
const FAILURES_MAX: u32 = 8;

/// Elements made anew in a row, no picture between them, until the fallback takes over where there is one.
const REBUILDS_MAX: u32 = 3;

/// Why there is no decoder, or no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// GStreamer itself does not start.
    #[error("GStreamer does not start: {0}; see that libgstreamer1.0-0 is installed whole")]
    Gstreamer(String),
    /// There is no decoder for a codec.
    #[error("no decoder for {codec:?} is installed: {mend}")]
    Missing {
        /// Which.
        codec: Codec,
        /// What to do.
        mend: &'static str,
    },
    /// Hardware was asked for by name and does not work.
    #[error("{family} cannot decode here: {why}; {mend}")]
    Hardware {
        /// Which.
        family: &'static str,
        /// What was tried, and what came of it.
        why: String,
        /// What to do.
        mend: &'static str,
    },
    /// A decoder that is installed does not start.
    #[error("the decoder {element} does not start: {why}")]
    Start {
        /// GStreamer's name of it.
        element: &'static str,
        /// In GStreamer's words.
        why: String,
    },
    /// The unit refers to pictures that this decoder does not have.
    #[error("a key frame is needed first")]
    NeedsKey,
    /// The unit holds nothing.
    #[error("the access unit is empty")]
    Empty,
    /// The unit is larger than [`UNIT_BYTES_MAX`].
    #[error("the access unit has {0} bytes; at most {UNIT_BYTES_MAX} are decoded")]
    UnitTooLarge(usize),
    /// The unit is of another codec than the decoder.
    #[error("the decoder is for {expected:?}, the access unit is {found:?}")]
    Codec {
        /// The decoder's.
        expected: Codec,
        /// The unit's.
        found: Codec,
    },
    /// The picture is wider or higher than [`PICTURE_SIDE_MAX`].
    #[error("the picture is {0}; at most {PICTURE_SIDE_MAX} pixels a side are decoded: use a smaller stream")]
    PictureTooLarge(Size),
    /// The decoder cannot make sense of the unit.
    #[error("the access unit cannot be decoded: {0}")]
    Undecodable(String),
    /// A picture came out, and the decoder itself says that it is damaged.
    #[error("the picture is damaged")]
    Damaged,
    /// A picture came out that is none.
    #[error("the decoder's picture cannot be used: {0}")]
    Picture(String),
    /// The decoder swallows units and gives nothing.
    #[error("no picture came of the last {0} access units")]
    Silent(usize),
}

/// Decodes one stream. Costs no thread: it works in the thread that calls it.
///
/// Once it has decoded 640x360 of H.264 it holds some 3.5 MB and four file descriptors, and more by every picture that is alive at
/// the same time; it keeps that memory for the next pictures until it is dropped. Making one takes a fraction of a
/// millisecond, so that a stream that sleeps need not keep its own.
pub struct Decoder {
    codec: Codec,
    route: Route,
    /// `None` after it broke; made anew for the next key frame.
    chain: Option<(Candidate, Chain)>,
    trust: Trust,
    times: Times,
    develop: Develop,
    /// Number of the next frame.
    frames: u64,
    /// Units since the last picture.
    silence: usize,
    /// Units since decoding began at a key frame.
    since_start: usize,
    failures: u32,
    rebuilds: u32,
}

/// What the references are worth.
///
/// ```text
/// NeedsKey ──key──▶ Whole ──a unit fails──▶ Damaged ──key, or 300 units──▶ Whole
///     ▲───── the key fails, reset, drain, or the element breaks ─────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// There are none: only a key frame is of use.
    NeedsKey,
    /// All there.
    Whole,
    /// One is missing: units are decoded, and what comes out is withheld.
    Damaged { units: u32 },
}

impl Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// The backend has none for this codec, or it does not start.
    pub fn new(backend: &Backend, codec: Codec) -> Result<Self, DecodeError> {
        let route = backend.route(codec);
        let first = route.first.ok_or_else(|| backend.missing(codec))?;
        let mut decoder = Self {
            codec,
            route,
            chain: None,
            trust: Trust::NeedsKey,
            times: Times::new(),
            develop: Develop::default(),
            frames: 0,
            silence: 0,
            since_start: 0,
            failures: 0,
            rebuilds: 0,
        };
        match (first.start(codec), route.fallback) {
            (Ok(chain), _) => decoder.chain = Some((first, chain)),
            (Err(e), None) => return Err(e),
            (Err(e), Some(_)) => decoder.fall_back(&e)?,
        }
        Ok(decoder)
    }

    /// Numbers its frames from `number` on instead of 0, where it goes on with what an earlier decoder of the camera began.
    pub fn counting_from(mut self, number: u64) -> Self {
        self.frames = number;
        self
    }

    /// Decodes one access unit and appends the frames that come of it, in the order of display: none yet where the stream
    /// reorders, or several. Each carries the times of the unit that it came from.
    ///
    /// # Errors
    /// This unit is lost, and decoding goes on at the next key frame; frames of earlier units may have been appended
    /// nevertheless. [`DecodeError::NeedsKey`] and [`DecodeError::Damaged`] only repeat that it waits for one.
    pub fn decode(&mut self, unit: &AccessUnit, out: &mut Vec<Frame>) -> Result<(), DecodeError> {
        self.admit(unit)?;
        if unit.is_key {
            self.start_afresh()?;
        }
        let (candidate, chain) = self.chain.as_ref().ok_or(DecodeError::NeedsKey)?;
        let keep = candidate.keep;
        let pts = self.times.enter(unit);
        let pushed = chain.push(buffer(unit, pts));
        self.silence += 1;
        self.since_start += 1;
        let collected = self.collect(keep, out);
        if let Err(failure) = pushed {
            return Err(self.fail(unit, failure));
        }
        if self.silence > UNDER_WAY_MAX {
            let units = self.silence;
            self.rebuild_at_next_key();
            return Err(DecodeError::Silent(units));
        }
        collected
    }

    /// Gives out what is held back, at the end of a stream. The next unit has to be a key frame.
    pub fn drain(&mut self, out: &mut Vec<Frame>) {
        if let Some((candidate, chain)) = &self.chain {
            let keep = candidate.keep;
            chain.finish();
            if let Err(e) = self.collect(keep, out) {
                tracing::debug!("the last pictures of a stream: {e}");
            }
        }
        self.reset();
    }

    /// Forgets every reference and what is held back. The next unit has to be a key frame.
    pub fn reset(&mut self) {
        if let Some((_, chain)) = &self.chain {
            chain.flush();
        }
        self.times.clear();
        self.silence = 0;
        self.trust = Trust::NeedsKey;
    }

    fn admit(&mut self, unit: &AccessUnit) -> Result<(), DecodeError> {
        if unit.codec != self.codec {
            return Err(DecodeError::Codec { expected: self.codec, found: unit.codec });
        }
        if unit.data.is_empty() {
            return Err(DecodeError::Empty);
        }
        if unit.data.len() > UNIT_BYTES_MAX {
            return Err(DecodeError::UnitTooLarge(unit.data.len()));
        }
        let too_large = |size: &Size| size.w > PICTURE_SIDE_MAX || size.h > PICTURE_SIDE_MAX;
        if let Some(size) = announced::size(self.codec, &unit.data).filter(too_large) {
            // Nothing of it comes near the decoder, which would set memory aside first.
            self.rebuild_at_next_key();
            return Err(DecodeError::PictureTooLarge(size));
        }
        if self.trust == Trust::NeedsKey && !unit.is_key { Err(DecodeError::NeedsKey) } else { Ok(()) }
    }

    /// At a key frame: leaves damage behind, and makes a broken element anew.
    fn start_afresh(&mut self) -> Result<(), DecodeError> {
        if self.trust != Trust::Whole {
            self.reset();
            self.since_start = 0;
        }
        if self.chain.is_none() {
            self.rebuild()?;
        }
        self.trust = Trust::Whole;
        Ok(())
    }

    /// Takes what came out of the element.
    fn collect(&mut self, keep: Keep, out: &mut Vec<Frame>) -> Result<(), DecodeError> {
        let mut result = Ok(());
        while let Some(raw) = self.chain.as_ref().and_then(|(_, chain)| chain.take()) {
            self.silence = 0;
            let Some(stamp) = self.times.leave(raw.buffer.pts().map(gst::ClockTime::nseconds)) else {
                continue;
            };
            if raw.buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
                // Leading pictures of an open group are expected to be so where decoding has just begun.
                if self.since_start > UNDER_WAY_MAX {
                    result = Err(DecodeError::Damaged);
                }
                continue;
            }
            self.failures = 0;
            self.rebuilds = 0;
            if let Trust::Damaged { .. } = self.trust {
                result = Err(DecodeError::Damaged);
                continue;
            }
            let unmarked = if self.codec == Codec::Mjpeg { Range::Full } else { Range::Limited };
            match self.develop.picture(raw.buffer, &raw.info, unmarked, keep) {
                Ok(picture) => {
                    out.push(Frame {
                        number: self.frames,
                        media: stamp.media,
                        arrived: stamp.arrived,
                        camera_clock: stamp.camera_clock,
                        picture,
                    });
                    self.frames += 1;
                }
                Err(e) => result = Err(DecodeError::Picture(e.to_string())),
            }
        }
        if let Trust::Damaged { units } = &mut self.trust {
            *units += 1;
            if *units >= HEALED_AFTER_UNITS {
                self.trust = Trust::Whole;
            }
        }
        result
    }

    fn fail(&mut self, unit: &AccessUnit, failure: Failure) -> DecodeError {
        self.failures += 1;
        match failure {
            Failure::TooLarge(size) => {
                self.rebuild_at_next_key();
                DecodeError::PictureTooLarge(size)
            }
            Failure::Undecodable(why) => {
                if self.failures >= FAILURES_MAX {
                    self.rebuild_at_next_key();
                } else if unit.is_key {
                    self.reset();
                } else {
                    self.trust = Trust::Damaged { units: 0 };
                }
                DecodeError::Undecodable(why)
            }
        }
    }

    fn rebuild_at_next_key(&mut self) {
        self.chain = None;
        self.failures = 0;
        self.reset();
    }

    fn rebuild(&mut self) -> Result<(), DecodeError> {
        self.rebuilds += 1;
        let first = self.route.first.expect("a decoder is made with one");
        match first.start(self.codec) {
            Ok(chain) if self.rebuilds <= REBUILDS_MAX || self.route.fallback.is_none() => {
                self.chain = Some((first, chain));
                Ok(())
            }
            Ok(_) => {
                let why = format!("made anew {REBUILDS_MAX} times, and no picture came");
                self.fall_back(&DecodeError::Undecodable(why))
            }
            Err(e) => self.fall_back(&e),
        }
    }

    /// Goes on with the second choice, for good.
    fn fall_back(&mut self, why: &DecodeError) -> Result<(), DecodeError> {
        let second = self.route.fallback.take().ok_or_else(|| why.clone())?;
        tracing::warn!("a stream is decoded by {} instead: {why}", second.element);
        self.route.first = Some(second);
        self.chain = Some((second, second.start(self.codec)?));
        self.rebuilds = 0;
        Ok(())
    }
}

fn buffer(unit: &AccessUnit, pts_ns: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(unit.data.clone());
    let fields = buffer.get_mut().expect("nobody else has a buffer that was just made");
    fields.set_pts(gst::ClockTime::from_nseconds(pts_ns));
    if !unit.is_key {
        fields.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}
