//! What is wrong with the way a camera is set: what was found, what it costs, how to mend it.
//!
//! Pure. Judges a [`Survey`]; nothing here keeps a camera from being watched. The limits follow from what was measured
//! (`docs/cameras.md`, which says the same at length).

mod words;

use serde::Serialize;

use super::{Codec, Gop, Survey};
use crate::{
    config::{Camera, Name, StreamRole},
    geometry::Size,
};

/// Most pixels of a picture that is analysed: 704x576. The detector sees some 416 pixels a side, whatever it is given.
const PIXELS_MAX: u64 = 704 * 576;
/// Fewest rows: below, a person of a seventh of the picture's height has fewer than 35.
const ROWS_MIN: u32 = 240;
/// Most pictures a second.
const FPS_MAX: f32 = 20.5;
/// How far below the camera's `detect_fps` a stream may stay.
const FPS_SLACK: f32 = 0.5;
/// Most bits a pixel: 1 Mbit/s of 640x360 at 15 a second has 0.3.
const BITS_PER_PIXEL_MAX: f32 = 0.31;
/// A rate that is not worth a word, whatever the picture, in kbit/s.
const RATE_SMALL_KBPS: f32 = 640.0;
/// Shortest and longest distance of key frames in seconds.
const GOP_S: (f32, f32) = (0.8, 4.5);
/// Longest distance by the shortest, where they are even.
const GOP_RATIO_MAX: f32 = 1.5;
/// Most padding that is none, a share of the bytes.
const PADDING_MAX: f32 = 0.03;
/// A clock that is wrong by more makes the camera count as degraded (`docs/ref/mqtt.md`).
const SKEW_S_MAX: f32 = 5.0;

/// Something that is set badly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The main stream is analysed, it is large, and the camera is given without a sub stream.
    NoSub {
        /// The main stream's picture.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The main stream is analysed and large, though there is a sub stream.
    MainAnalysed {
        /// The main stream's picture.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The sub stream is larger than is of use.
    PictureLarge {
        /// Its picture.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The picture is too small to see people in.
    PictureSmall {
        /// Its picture.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// More pictures a second than are of use.
    FpsHigh {
        /// How many.
        fps: f32,
    },
    /// Fewer pictures a second than the configuration wants to look at.
    FpsLow {
        /// How many.
        fps: f32,
        /// `detect_fps`.
        wanted: f32,
    },
    /// More bits than the picture is worth.
    RateHigh {
        /// How many, in 1000 a second.
        kbps: f32,
    },
    /// Key frames are far apart.
    GopLong {
        /// At least so many seconds.
        seconds: f32,
    },
    /// Key frames are too many.
    GopShort {
        /// A key frame in so many seconds.
        seconds: f32,
    },
    /// Every picture is a key frame (H.264 or H.265).
    KeysOnly,
    /// Key frames come at uneven distances: a smart codec, or key frames on demand.
    GopUneven {
        /// Seconds.
        shortest: f32,
        /// Seconds.
        longest: f32,
    },
    /// The rate is kept constant by padding.
    Padded {
        /// Share of the bytes, 0..=1.
        share: f32,
    },
    /// Pictures are sent out of their order (B frames).
    Reordered {
        /// How many were seen.
        pictures: u32,
    },
    /// Coded in H.265.
    H265,
    /// Coded in MJPEG.
    Mjpeg {
        /// 1000 bits a second.
        kbps: f32,
    },
    /// The camera's clock is wrong.
    Clock {
        /// Seconds that it is ahead; negative: behind.
        skew_s: f32,
    },
    /// Packets were lost on the way.
    Lossy {
        /// How many.
        packets: u32,
    },
}

/// A finding in words for people, in both languages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// What was found.
    pub what: Name,
    /// What it costs.
    pub cost: Name,
    /// How to mend it.
    pub mend: Name,
}

impl Finding {
    /// All that is set badly in a camera's analysed stream, the dearest first. Of the other stream nothing is wanted here but that it plays: it
    /// is not decoded.
    pub fn of(survey: &Survey, camera: &Camera, role: StreamRole) -> Vec<Self> {
        if role != camera.analyse {
            return Vec::new();
        }
        let picture = survey.info.size.and_then(|size| picture(size, camera, role));
        let clock_s = survey.clock_skew_ms.map_or(0.0, |ms| ms as f32 / 1000.0);
        let lost = survey.packets_lost;
        [
            picture,
            codec(survey),
            key_frames(survey),
            frame_rate(survey, camera),
            bit_rate(survey),
            (survey.padding_share > PADDING_MAX).then_some(Self::Padded { share: survey.padding_share }),
            (survey.reordered > 0).then_some(Self::Reordered { pictures: survey.reordered }),
            (clock_s.abs() > SKEW_S_MAX).then_some(Self::Clock { skew_s: clock_s }),
            (lost > 0).then_some(Self::Lossy { packets: lost }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// In words.
    pub fn advice(&self) -> Advice {
        Advice { what: words::what(self), cost: words::cost(self), mend: words::mend(self) }
    }
}

fn picture(size: Size, camera: &Camera, role: StreamRole) -> Option<Finding> {
    let Size { w: width, h: height } = size;
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Some(match (role, &camera.sub) {
            (StreamRole::Sub, _) => Finding::PictureLarge { width, height },
            (StreamRole::Main, Some(_)) => Finding::MainAnalysed { width, height },
            (StreamRole::Main, None) => Finding::NoSub { width, height },
        });
    }
    (height < ROWS_MIN).then_some(Finding::PictureSmall { width, height })
}

fn codec(survey: &Survey) -> Option<Finding> {
    match survey.info.codec {
        Codec::H264 => None,
        Codec::H265 => Some(Finding::H265),
        Codec::Mjpeg => Some(Finding::Mjpeg { kbps: survey.kbps.unwrap_or_default() }),
    }
}

fn key_frames(survey: &Survey) -> Option<Finding> {
    if survey.info.codec == Codec::Mjpeg {
        return None;
    }
    match survey.gop {
        Gop::EveryPicture => Some(Finding::KeysOnly),
        Gop::LongerThan(seen) => {
            let seconds = seen.as_secs_f32();
            (seconds > GOP_S.1).then_some(Finding::GopLong { seconds })
        }
        Gop::Every { shortest, longest } => {
            let (shortest, longest) = (shortest.as_secs_f32(), longest.as_secs_f32());
            if longest > shortest * GOP_RATIO_MAX {
                Some(Finding::GopUneven { shortest, longest })
            } else if longest > GOP_S.1 {
                Some(Finding::GopLong { seconds: longest })
            } else {
                (longest < GOP_S.0).then_some(Finding::GopShort { seconds: longest })
            }
        }
    }
}

fn frame_rate(survey: &Survey, camera: &Camera) -> Option<Finding> {
    let fps = survey.fps?;
    if fps > FPS_MAX {
        return Some(Finding::FpsHigh { fps });
    }
    let wanted = camera.detect_fps;
    (fps < wanted - FPS_SLACK).then_some(Finding::FpsLow { fps, wanted })
}

fn bit_rate(survey: &Survey) -> Option<Finding> {
    let (kbps, fps, size) = (survey.kbps?, survey.fps?, survey.info.size?);
    let pixels = size.w as f32 * size.h as f32 * fps;
    let is_high = kbps > RATE_SMALL_KBPS && kbps * 1000.0 > BITS_PER_PIXEL_MAX * pixels;
    (is_high && survey.info.codec != Codec::Mjpeg).then_some(Finding::RateHigh { kbps })
}

#[cfg(test)]
mod tests;
