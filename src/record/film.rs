//! A segment while it is being made: samples go in, fragments come out.
//!
//! Owns where a fragment ends and what is on record of it. The bytes are the muxer's ([`super::mp4`]), the times are the line's.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    Fragment, Sample, Segment,
    mp4::{AudioTrack, Facts, FragmentBytes, Law, Muxer, NoTrack, NotTaken, VideoTrack},
    recorder::SegmentKey,
};
use crate::{
    camera::{AccessUnit, AudioCoding},
    config::StreamRole,
    id::{CameraId, StationId, VolumeId},
    time::{MediaTime, Wall},
};

/// A fragment ends with a key frame that comes so long after its begin, or later: streams of key frames alone are written in pieces all the same.
const LENGTH_MIN: Duration = Duration::from_millis(500);
/// A fragment is no longer: so much is lost at most when the power goes.
const LENGTH_MAX: Duration = Duration::from_secs(2);
/// A fragment is no larger, unless one picture is.
const BYTES_MAX: usize = 256 << 10;
/// How long a picture shows where there was none before it.
const PICTURE_USUAL: Duration = Duration::from_millis(40);
/// How long a last picture shows at most.
const PICTURE_MAX: Duration = Duration::from_secs(2);

/// Where and when.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) key: SegmentKey,
    pub(super) station: StationId,
    pub(super) camera: CameraId,
    pub(super) audio: Option<AudioCoding>,
    pub(super) from: Wall,
    /// When it is to end.
    pub(super) ends: Wall,
}

/// A segment that is being made.
#[derive(Debug)]
pub(super) struct Film {
    facts: Closed,
    ends: Wall,
    muxer: Muxer,
    /// When the fragment under way began.
    began: Wall,
    /// When the last picture came, and how long it shows as far as is known.
    last: Wall,
    usual: Duration,
}

/// A segment that is closed here, and what there is of it.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) key: SegmentKey,
    pub(super) from: Wall,
    pub(super) to: Wall,
    role: StreamRole,
    path: PathBuf,
    bytes: u64,
    init_len: u32,
    init_sha256: [u8; 32],
    fragments: Vec<Fragment>,
    skew_ms: Option<i64>,
}

impl Film {
    /// Begins with a key frame, which is not yet in it. Gives the initialisation part, too.
    ///
    /// # Errors
    /// The picture cannot be put into a file.
    pub(super) fn begin(scene: Scene, unit: &AccessUnit) -> Result<(Self, Bytes), NoTrack> {
        let Scene { key, station, camera, audio, from, ends } = scene;
        let video = VideoTrack::of_key(unit.codec, &unit.data)?;
        // Sound that cannot be understood must not cost the picture.
        let audio = audio.and_then(|coding| match coding {
            AudioCoding::Aac { config } => AudioTrack::aac(&config).ok(),
            AudioCoding::Ulaw => Some(AudioTrack::g711(Law::Mu)),
            AudioCoding::Alaw => Some(AudioTrack::g711(Law::A)),
        });
        let skew_ms = unit.camera_clock.map(|clock| clock.us_since(unit.arrived.wall) / 1000);
        let path = path_of(&camera, from, unit.role);
        let facts = Facts { station, camera, role: unit.role, from, skew_ms };
        let (muxer, init) = Muxer::new(video, audio, &facts);
        let init = Bytes::from(init);
        let facts = Closed {
            key,
            from,
            to: from,
            role: unit.role,
            path,
            bytes: init.len() as u64,
            init_len: init.len() as u32,
            init_sha256: Sha256::digest(&init).into(),
            fragments: Vec::new(),
            skew_ms,
        };
        let film = Self { facts, ends, muxer, began: from, last: from, usual: PICTURE_USUAL };
        Ok((film, init))
    }

    /// Its name between us and the writer.
    pub(super) fn key(&self) -> SegmentKey {
        self.facts.key
    }

    /// Below the volume's folder.
    pub(super) fn path(&self) -> &PathBuf {
        &self.facts.path
    }

    /// When its first picture came.
    pub(super) fn from(&self) -> Wall {
        self.facts.from
    }

    /// When it is to end, at the next key frame.
    pub(super) fn ends(&self) -> Wall {
        self.ends
    }

    /// When its last picture came.
    pub(super) fn last(&self) -> Wall {
        self.last
    }

    /// When its last picture will have been shown, if none comes behind it.
    pub(super) fn shown_until(&self) -> Wall {
        self.last.after(self.usual)
    }

    /// Takes the next sample; hands out the fragment before it, where that ends.
    ///
    /// # Errors
    /// The picture does not belong into this file. It is left out.
    pub(super) fn push(
        &mut self,
        at: Wall,
        sample: &Sample,
        append: impl FnMut(SegmentKey, Bytes),
    ) -> Result<(), NotTaken> {
        match sample {
            Sample::Picture(unit) => {
                if self.is_due(unit) {
                    self.cut(Some(unit.media), append);
                    self.began = at;
                }
                self.muxer.push_video(unit)?;
                let passed_us = at.us_since(self.last);
                if passed_us > 0 {
                    self.usual = Duration::from_micros(passed_us.unsigned_abs()).min(PICTURE_MAX);
                }
                self.last = at;
            }
            Sample::Sound(unit) => {
                // A file without a track for it, or a fragment that is full: there is no sound then.
                let _ = self.muxer.push_audio(&unit.data, unit.media, unit.samples);
            }
        }
        Ok(())
    }

    /// Ends it; it is shown up to `to`.
    pub(super) fn end(mut self, to: Wall, append: impl FnMut(SegmentKey, Bytes)) -> Closed {
        self.cut(None, append);
        self.facts.to = to;
        self.facts
    }

    /// The writer has its first `fragments`, and takes no more.
    pub(super) fn given_up(mut self, fragments: usize) -> Closed {
        self.facts.to = self.began;
        self.facts.cut(fragments);
        self.facts
    }

    fn is_due(&self, unit: &AccessUnit) -> bool {
        let (length, bytes) = (self.muxer.length(), self.muxer.bytes());
        let is_group = unit.is_key && length >= LENGTH_MIN;
        bytes > 0 && (is_group || length >= LENGTH_MAX || bytes + unit.data.len() > BYTES_MAX)
    }

    fn cut(&mut self, next: Option<MediaTime>, mut append: impl FnMut(SegmentKey, Bytes)) {
        let Some(FragmentBytes { bytes, is_key, length, .. }) = self.muxer.cut(next) else { return };
        self.facts.fragments.push(Fragment {
            offset: self.facts.bytes,
            len: bytes.len() as u32,
            from: self.began,
            length,
            is_key,
            sha256: Sha256::digest(&bytes).into(),
        });
        self.facts.bytes += bytes.len() as u64;
        append(self.facts.key, bytes);
    }
}

impl Closed {
    /// Whether nothing of it is there.
    pub(super) fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// Forgets all but its first `fragments`.
    pub(super) fn cut(&mut self, fragments: usize) {
        let Some(first) = self.fragments.get(fragments) else { return };
        (self.to, self.bytes) = (first.from, first.offset);
        self.fragments.truncate(fragments);
    }

    /// As it is told; `None` where there is nothing of it.
    pub(super) fn into_segment(self, camera: &CameraId, volume: &VolumeId) -> Option<Segment> {
        (!self.fragments.is_empty()).then(|| Segment {
            camera: camera.clone(),
            role: self.role,
            volume: volume.clone(),
            path: self.path,
            from: self.from,
            to: self.to,
            bytes: self.bytes,
            init_len: self.init_len,
            init_sha256: self.init_sha256,
            fragments: self.fragments,
            skew_ms: self.skew_ms,
        })
    }
}

/// `{camera}/{YYYY-MM-DD}/{HHMMSS.mmm}Z-{main|sub}.mp4`, in UTC.
fn path_of(camera: &CameraId, from: Wall, role: StreamRole) -> PathBuf {
    let at = jiff::tz::TimeZone::UTC.to_datetime(from.timestamp());
    let role = role.as_str();
    let ms = from.unix_ms().rem_euclid(1000);
    [
        camera.as_str(),
        &at.strftime("%Y-%m-%d").to_string(),
        &format!("{}.{ms:03}Z-{role}.mp4", at.strftime("%H%M%S")),
    ]
    .iter()
    .collect()
}
