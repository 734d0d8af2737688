//! What a file says of a track before its first sample: sample entries, and codec strings of them.
//!
//! Owns `avc1`, `hvc1`, `jpeg`, `mp4a`, `ulaw` and `alaw`. They are built from what the stream itself carries: a key picture's parameter sets,
//! a JPEG's header, an AudioSpecificConfig.

use super::{
    VIDEO_TIMESCALE,
    boxes::{Boxes, HEADER_LEN, Kind},
    codecs,
    nals::{self, Role},
    parameters::{self, Sps},
};
use crate::{camera::Codec, geometry::Size};

/// A video track. Two are equal where one decoder, once set up, plays both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoTrack {
    codec: Codec,
    size: Size,
    /// Parameter sets that the sample entry holds, and samples need not.
    sets: Vec<Vec<u8>>,
    entry: Vec<u8>,
}

/// An audio track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrack {
    rate_hz: u32,
    entry: Vec<u8>,
}

/// The two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// μ-law (PCMU).
    Mu,
    /// A-law (PCMA).
    A,
}

/// Why there is no track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTrack {
    /// A parameter set is missing in front of the key picture.
    #[error("the key picture comes without its {0}; wait for one that has it")]
    Missing(&'static str),
    /// It says nothing sensible.
    #[error("the {0} of the stream cannot be understood; set the camera to another profile or codec")]
    Unreadable(&'static str),
}

impl VideoTrack {
    /// From a key picture as [`crate::camera::AccessUnit::data`] has it.
    ///
    /// # Errors
    /// A parameter set is missing, or the size of the picture cannot be had.
    pub fn of_key(codec: Codec, data: &[u8]) -> Result<Self, NoTrack> {
        if codec == Codec::Mjpeg {
            let size = parameters::jpeg(data).ok_or(NoTrack::Unreadable("JPEG header"))?;
            return Ok(Self {
                codec,
                size,
                sets: Vec::new(),
                entry: video_entry(b"jpeg", size, None, |_| {}),
            });
        }
        let mut sets = Sets::default();
        for unit in nals::units(data) {
            let list = match nals::role(codec, unit[0]) {
                Role::Vps => &mut sets.vps,
                Role::Sps => &mut sets.sps,
                Role::Pps => &mut sets.pps,
                Role::Delimiter | Role::Sample => continue,
            };
            if !list.contains(&unit) && list.len() < 16 && unit.len() <= usize::from(u16::MAX) {
                list.push(unit);
            }
        }
        let first = *sets.sps.first().ok_or(NoTrack::Missing("SPS"))?;
        sets.pps.first().ok_or(NoTrack::Missing("PPS"))?;
        let (sps, entry) = if codec == Codec::H264 {
            let sps = parameters::h264(first).ok_or(NoTrack::Unreadable("SPS"))?;
            let entry = video_entry(b"avc1", sps.size, sps.pixel, |it| avc_config(&sets, &sps, it));
            (sps, entry)
        } else {
            sets.vps.first().ok_or(NoTrack::Missing("VPS"))?;
            let sps = parameters::h265(first).ok_or(NoTrack::Unreadable("SPS"))?;
            let profile = profile_tier_level(first).ok_or(NoTrack::Unreadable("SPS"))?;
            let entry =
                video_entry(b"hvc1", sps.size, sps.pixel, |it| hevc_config(&sets, &sps, &profile, it));
            (sps, entry)
        };
        let sets = [sets.vps, sets.sps, sets.pps].concat().into_iter().map(<[u8]>::to_vec).collect();
        Ok(Self { codec, size: sps.size, sets, entry })
    }

    /// Its coding.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Of its pictures, as they are shown.
    pub fn size(&self) -> Size {
        self.size
    }

    /// RFC 6381 (`avc1.64001e`); `None` for MJPEG, which no browser plays.
    pub fn codec_string(&self) -> Option<String> {
        codecs::of_entry(&self.entry)
    }

    pub(super) fn sets(&self) -> &[Vec<u8>] {
        &self.sets
    }

    pub(super) fn described(&self) -> Described {
        Described { media: Media::Video(self.size), timescale: VIDEO_TIMESCALE, entry: self.entry.clone() }
    }
}

impl AudioTrack {
    /// AAC, by its AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
    ///
    /// # Errors
    /// It names no sampling rate below 65536 Hz, or no number of channels.
    pub fn aac(config: &[u8]) -> Result<Self, NoTrack> {
        let (rate_hz, channels) = aac_config(config).ok_or(NoTrack::Unreadable("AudioSpecificConfig"))?;
        let entry = audio_entry(b"mp4a", rate_hz, channels, |it| {
            it.full(b"esds", 0, 0, |it| elementary_stream(config, it));
        });
        Ok(Self { rate_hz, entry })
    }

    /// G.711: 8000 Hz, one channel.
    pub fn g711(law: Law) -> Self {
        let kind = match law {
            Law::Mu => b"ulaw",
            Law::A => b"alaw",
        };
        Self { rate_hz: 8000, entry: audio_entry(kind, 8000, 1, |_| {}) }
    }

    /// Samples a second.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub(super) fn described(&self) -> Described {
        Described { media: Media::Audio, timescale: self.rate_hz, entry: self.entry.clone() }
    }
}

/// A track, as the head of a file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) media: Media,
    /// Ticks a second.
    pub(super) timescale: u32,
    /// The sample entry, a whole box.
    pub(super) entry: Vec<u8>,
}

/// What a track holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// Pictures of a size.
    Video(Size),
    /// Sound.
    Audio,
}

#[derive(Default)]
struct Sets<'a> {
    vps: Vec<&'a [u8]>,
    sps: Vec<&'a [u8]>,
    pps: Vec<&'a [u8]>,
}

/// A `VisualSampleEntry` (ISO/IEC 14496-12, 12.1.3).
fn video_entry(
    kind: &Kind,
    size: Size,
    pixel: Option<(u16, u16)>,
    config: impl FnOnce(&mut Boxes),
) -> Vec<u8> {
    let mut boxes = Boxes::default();
    boxes.boxed(kind, |it| {
        it.zeros(6).u16(1).zeros(16).u16(size.w as u16).u16(size.h as u16);
        // 72 dpi, one frame a sample, no name, 24 bits of colour.
        it.u32(72 << 16).u32(72 << 16).u32(0).u16(1).zeros(32).u16(24).u16(0xffff);
        config(it);
        if let Some((w, h)) = pixel {
            it.boxed(b"pasp", |it| {
                it.u32(w.into()).u32(h.into());
            });
        }
    });
    boxes.0
}

/// An `AudioSampleEntry` (ISO/IEC 14496-12, 12.2.3).
fn audio_entry(kind: &Kind, rate_hz: u32, channels: u16, config: impl FnOnce(&mut Boxes)) -> Vec<u8> {
    let mut boxes = Boxes::default();
    boxes.boxed(kind, |it| {
        it.zeros(6).u16(1).zeros(8).u16(channels).u16(16).u32(0).u32(rate_hz << 16);
        config(it);
    });
    boxes.0
}

/// `avcC` (ISO/IEC 14496-15, 5.3.3.1).
fn avc_config(sets: &Sets<'_>, sps: &Sps, to: &mut Boxes) {
    to.boxed(b"avcC", |it| {
        let first = sets.sps[0];
        // An SPS that could be read has its profile, constraints and level.
        it.u8(1).bytes(&first[1..4]).u8(0xff).u8(0xe0 | sets.sps.len() as u8);
        sets.sps.iter().for_each(|set| _ = it.u16(set.len() as u16).bytes(set));
        it.u8(sets.pps.len() as u8);
        sets.pps.iter().for_each(|set| _ = it.u16(set.len() as u16).bytes(set));
        if !matches!(first[1], 66 | 77 | 88) {
            let (luma, chroma) = sps.depth_minus8;
            it.u8(0xfc | sps.chroma).u8(0xf8 | luma).u8(0xf8 | chroma).u8(0);
        }
    });
}

/// `hvcC` (ISO/IEC 14496-15, 8.3.3.1). All parameter sets are in it.
fn hevc_config(sets: &Sets<'_>, sps: &Sps, profile: &[u8; 12], to: &mut Boxes) {
    to.boxed(b"hvcC", |it| {
        let (luma, chroma) = sps.depth_minus8;
        let (layers, is_nested) = sps.layers;
        it.u8(1).bytes(profile).u16(0xf000).u8(0xfc).u8(0xfc | sps.chroma).u8(0xf8 | luma).u8(0xf8 | chroma);
        // No average frame rate; lengths have four bytes.
        it.u16(0).u8(layers << 3 | u8::from(is_nested) << 2 | 3).u8(3);
        for (kind, list) in [(32, &sets.vps), (33, &sets.sps), (34, &sets.pps)] {
            it.u8(0x80 | kind).u16(list.len() as u16);
            list.iter().for_each(|set| _ = it.u16(set.len() as u16).bytes(set));
        }
    });
}

/// The general part of `profile_tier_level` in an H.265 SPS: whole bytes, once emulation prevention is taken out.
fn profile_tier_level(sps: &[u8]) -> Option<[u8; 12]> {
    let head = sps.get(..sps.len().min(64))?;
    let mut plain = Vec::with_capacity(head.len());
    for &byte in head {
        if !(byte == 3 && plain.ends_with(&[0, 0])) {
            plain.push(byte);
        }
    }
    plain.get(3..)?.first_chunk().copied()
}

/// Sampling rate and number of channels.
fn aac_config(config: &[u8]) -> Option<(u32, u16)> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ];
    let head = config.iter().chain(&[0; 8]).take(8).fold(0u64, |all, &byte| all << 8 | u64::from(byte));
    let take = |at: u32, count: u32| (head << at) >> (64 - count);
    if !(2..=64).contains(&config.len()) || take(0, 5) == 31 {
        return None;
    }
    let (rate_hz, channels) = match take(5, 4) {
        15 => (take(9, 24) as u32, take(33, 4)),
        index => (*RATES.get(index as usize)?, take(9, 4)),
    };
    let channels = match channels {
        count @ 1..=6 => count as u16,
        7 => 8,
        _ => return None,
    };
    (1..=u32::from(u16::MAX)).contains(&rate_hz).then_some((rate_hz, channels))
}

/// An `ES_Descriptor` (ISO/IEC 14496-1, 7.2.6.5) around an AudioSpecificConfig of at most 64 bytes.
fn elementary_stream(config: &[u8], to: &mut Boxes) {
    let len = config.len() as u8;
    to.u8(3).u8(len + 23).u16(0).u8(0);
    // MPEG-4 audio, an audio stream; sizes and rates unknown.
    to.u8(4).u8(len + 15).u8(0x40).u8(0x15).zeros(3).u32(0).u32(0);
    to.u8(5).u8(len).bytes(config);
    to.u8(6).u8(1).u8(2);
}

/// Bytes of a sample entry in front of its boxes: video, audio.
pub(super) const ENTRY_FIELDS: (usize, usize) = (HEADER_LEN + 78, HEADER_LEN + 28);
