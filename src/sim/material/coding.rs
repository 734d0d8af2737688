//! How footage is encoded: codec, rate control, groups of pictures, B-frames.
//!
//! A typed description with a short name as text (`h264-vbr512max1024-gop2s`), as scenario files and reports write it. What an
//! encoder makes of it belongs to `film`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Rate, codec_name};
use crate::camera::Codec;

/// How one sequence is encoded. As text: codec, rate control, group, and B-frames where there are any, joined by dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Coding {
    /// Its family. Motion JPEG knows [`RateControl::Quality`] alone, and each picture is a key frame.
    pub codec: Codec,
    /// How many bits a picture gets.
    pub rate_control: RateControl,
    /// Where decoding may start.
    pub gop: Gop,
    /// Pictures that refer to later ones.
    pub b_frames: BFrames,
}

/// How many bits a picture gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateControl {
    /// Constant quality: as many as it takes. Written `q24`.
    Quality {
        /// Quantizer of x264 and x265 (`crf`), 0..=51; lower is better. JPEG: 100 less its quality.
        quantizer: u8,
    },
    /// Constant quality below a ceiling, which most cameras call VBR. Written `q24max1024`.
    CappedQuality {
        /// As above.
        quantizer: u8,
        /// Ceiling over any one second, kbit/s.
        max_kbps: u32,
    },
    /// A mean that is kept over time, and a ceiling. Written `vbr512max1024`.
    Variable {
        /// Long-term mean, kbit/s.
        mean_kbps: u32,
        /// Ceiling over any two seconds, kbit/s; not below the mean.
        max_kbps: u32,
    },
    /// A mean that is kept over time, without any ceiling. Written `abr512`.
    Average {
        /// Long-term mean, kbit/s.
        kbps: u32,
    },
    /// The same rate in each second; what the picture does not need is left out. Written `cbr512`.
    Constant {
        /// kbit/s.
        kbps: u32,
    },
    /// The same rate in each second, strictly: what the picture does not need is filler. Written `cbr512fill`.
    Padded {
        /// kbit/s.
        kbps: u32,
    },
}

/// Where decoding may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gop {
    /// A key frame each so often, and nowhere else. Written `gop2s` or `gop1500ms`.
    Fixed {
        /// From key frame to key frame, ms; not zero.
        ms: u32,
    },
    /// A key frame where the scene changes, and this late at the latest. Written `scenecut10s`.
    Dynamic {
        /// Longest distance between key frames, ms; not zero.
        max_ms: u32,
    },
    /// Intra blocks wander over the picture once each so often; the first access unit alone is a key frame. Written
    /// `refresh2s`.
    IntraRefresh {
        /// One round, ms; not zero.
        ms: u32,
    },
}

/// Pictures that refer to later ones: access units then travel in another order than they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BFrames {
    /// There are none, as with most cameras.
    None,
    /// Always so many in a row, and nothing refers to them. Written `b2`.
    Flat(u8),
    /// Always so many in a row, and the middle one is referred to. Written `b2pyramid`.
    Pyramid(u8),
}

impl BFrames {
    /// How many in a row.
    pub fn count(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Flat(count) | Self::Pyramid(count) => count,
        }
    }
}

/// Longest distance between key frames that is taken, ms.
const GOP_MAX_MS: u32 = 600_000;
/// Highest rate that is taken, kbit/s.
const KBPS_MAX: u32 = 1_000_000;
/// Most B-frames in a row that both encoders know.
const B_FRAMES_MAX: u8 = 8;

impl Coding {
    /// Constant quality that keeps faces and number plates, a key frame a second, no B-frames.
    pub const fn of(codec: Codec) -> Self {
        let quantizer = match codec {
            Codec::H264 => 24,
            Codec::H265 | Codec::Mjpeg => 25,
        };
        let gop = Gop::Fixed { ms: 1_000 };
        Self { codec, rate_control: RateControl::Quality { quantizer }, gop, b_frames: BFrames::None }
    }

    /// Frames from key frame to key frame where that is fixed; else the most there can be (intra refresh: frames of one round).
    pub fn gop_frames(&self, rate: Rate) -> usize {
        let (Gop::Fixed { ms } | Gop::Dynamic { max_ms: ms } | Gop::IntraRefresh { ms }) = self.gop;
        let length = Duration::from_millis(ms.into()).as_nanos() as u64;
        (rate.frame_at_or_after(length) as usize).max(1)
    }
}

impl Default for Coding {
    fn default() -> Self {
        Self::of(Codec::H264)
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", codec_name(self.codec))?;
        match self.rate_control {
            RateControl::Quality { quantizer } => write!(f, "q{quantizer}-")?,
            RateControl::CappedQuality { quantizer, max_kbps } => write!(f, "q{quantizer}max{max_kbps}-")?,
            RateControl::Variable { mean_kbps, max_kbps } => write!(f, "vbr{mean_kbps}max{max_kbps}-")?,
            RateControl::Average { kbps } => write!(f, "abr{kbps}-")?,
            RateControl::Constant { kbps } => write!(f, "cbr{kbps}-")?,
            RateControl::Padded { kbps } => write!(f, "cbr{kbps}fill-")?,
        }
        let (word, ms) = match self.gop {
            Gop::Fixed { ms } => ("gop", ms),
            Gop::Dynamic { max_ms } => ("scenecut", max_ms),
            Gop::IntraRefresh { ms } => ("refresh", ms),
        };
        if ms.is_multiple_of(1_000) {
            write!(f, "{word}{}s", ms / 1_000)?;
        } else {
            write!(f, "{word}{ms}ms")?;
        }
        match self.b_frames {
            BFrames::None => Ok(()),
            BFrames::Flat(count) => write!(f, "-b{count}"),
            BFrames::Pyramid(count) => write!(f, "-b{count}pyramid"),
        }
    }
}

/// A text is no coding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no coding: write codec, rate control, group and B-frames as in h264-q24-gop1s, h264-vbr512max1024-gop2s, \
     h265-cbr512fill-gop2s, h264-q24-scenecut10s, h264-cbr512-refresh2s or h264-q24-gop2s-b2pyramid"
)]
pub struct NoCoding(String);

impl FromStr for Coding {
    type Err = NoCoding;

    fn from_str(text: &str) -> Result<Self, NoCoding> {
        parse(text).ok_or_else(|| NoCoding(text.to_owned()))
    }
}

impl TryFrom<String> for Coding {
    type Error = NoCoding;

    fn try_from(text: String) -> Result<Self, NoCoding> {
        text.parse()
    }
}

impl From<Coding> for String {
    fn from(coding: Coding) -> Self {
        coding.to_string()
    }
}

fn parse(text: &str) -> Option<Coding> {
    let mut parts = text.split('-');
    let codec = match parts.next()? {
        "h264" => Codec::H264,
        "h265" => Codec::H265,
        "mjpeg" => Codec::Mjpeg,
        _ => return None,
    };
    let rate_control = parse_rate_control(parts.next()?)?;
    let gop = parse_gop(parts.next()?)?;
    let b_frames = match parts.next() {
        None => BFrames::None,
        Some(part) => {
            let part = part.strip_prefix('b')?;
            let count = part.strip_suffix("pyramid").unwrap_or(part);
            let count = count.parse().ok().filter(|count| (1..=B_FRAMES_MAX).contains(count))?;
            if part.ends_with("pyramid") { BFrames::Pyramid(count) } else { BFrames::Flat(count) }
        }
    };
    let plain =
        matches!((rate_control, b_frames), (RateControl::Quality { quantizer: ..=99 }, BFrames::None));
    let possible = codec != Codec::Mjpeg || plain;
    (parts.next().is_none() && possible).then_some(Coding { codec, rate_control, gop, b_frames })
}

fn parse_rate_control(part: &str) -> Option<RateControl> {
    let kbps = |digits: &str| digits.parse().ok().filter(|kbps| (1..=KBPS_MAX).contains(kbps));
    if let Some(rest) = part.strip_prefix("vbr") {
        let (mean, max) = rest.split_once("max")?;
        let (mean_kbps, max_kbps) = (kbps(mean)?, kbps(max)?);
        return (mean_kbps <= max_kbps).then_some(RateControl::Variable { mean_kbps, max_kbps });
    }
    if let Some(rest) = part.strip_prefix("abr") {
        return Some(RateControl::Average { kbps: kbps(rest)? });
    }
    if let Some(rest) = part.strip_prefix("cbr") {
        return Some(match rest.strip_suffix("fill") {
            Some(rest) => RateControl::Padded { kbps: kbps(rest)? },
            None => RateControl::Constant { kbps: kbps(rest)? },
        });
    }
    let rest = part.strip_prefix('q')?;
    let quantizer = |digits: &str| digits.parse().ok().filter(|quantizer| (0..=99).contains(quantizer));
    Some(match rest.split_once("max") {
        Some((digits, max)) => {
            RateControl::CappedQuality { quantizer: quantizer(digits)?, max_kbps: kbps(max)? }
        }
        None => RateControl::Quality { quantizer: quantizer(rest)? },
    })
}

fn parse_gop(part: &str) -> Option<Gop> {
    let words = ["gop", "scenecut", "refresh"];
    let (word, rest) = words.iter().find_map(|&word| Some((word, part.strip_prefix(word)?)))?;
    let ms = match rest.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => rest.strip_suffix('s')?.parse::<u32>().ok()?.checked_mul(1_000),
    };
    let ms = ms.filter(|ms| (1..=GOP_MAX_MS).contains(ms))?;
    Some(match word {
        "gop" => Gop::Fixed { ms },
        "scenecut" => Gop::Dynamic { max_ms: ms },
        _ => Gop::IntraRefresh { ms },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_survives_being_written_down() {
        for text in [
            "h264-q24-gop1s",
            "h265-q25-gop1500ms",
            "mjpeg-q25-gop1s",
            "h264-q24max1024-gop2s",
            "h264-vbr512max1024-gop10s",
            "h265-abr512-scenecut10s",
            "h264-cbr512-refresh2s",
            "h264-cbr512fill-gop2s-b2",
            "h264-q24-gop2s-b2pyramid",
        ] {
            let coding: Coding = text.parse().unwrap();
            assert_eq!(coding.to_string(), text);
            let written = serde_json::to_string(&coding).unwrap();
            assert_eq!(written, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Coding>(&written).unwrap(), coding);
        }
        assert_eq!(Coding::default().to_string(), "h264-q24-gop1s");
        assert_eq!(Coding::of(Codec::H265).to_string(), "h265-q25-gop1s");
        assert_eq!(Coding::of(Codec::Mjpeg).to_string(), "mjpeg-q25-gop1s");
    }

    #[test]
    fn what_is_no_coding_is_said_so() {
        for text in [
            "",
            "h264",
            "vp8-q24-gop1s",
            "h264-q24",
            "h264-q-gop1s",
            "h264-q100-gop1s",
            "h264-q24-gop0s",
            "h264-q24-gop1",
            "h264-q24-gop601s",
            "h264-q24-gop4294968s",
            "h264-vbr512-gop1s",
            "h264-vbr512max500-gop1s",
            "h264-cbr0-gop1s",
            "h264-cbr512filler-gop1s",
            "h264-q24-gop1s-b0",
            "h264-q24-gop1s-b9",
            "h264-q24-gop1s-b2-b2",
            "mjpeg-cbr512-gop1s",
            "mjpeg-q25-gop1s-b2",
        ] {
            let told = text.parse::<Coding>().unwrap_err().to_string();
            assert!(told.contains(&format!("\"{text}\"")) && told.contains("h264-q24-gop1s"), "{told}");
        }
    }

    #[test]
    fn groups_are_counted_in_frames() {
        let frames = |text: &str, frames, seconds| {
            text.parse::<Coding>().unwrap().gop_frames(Rate { frames, seconds })
        };
        assert_eq!(frames("h264-q24-gop2s", 15, 1), 30);
        assert_eq!(frames("h264-q24-gop1s", 30_000, 1_001), 30);
        assert_eq!(frames("h264-q24-scenecut10s", 10, 1), 100);
        assert_eq!(frames("h264-q24-gop1ms", 10, 1), 1);
    }
}
