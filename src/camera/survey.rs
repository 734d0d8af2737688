//! How a camera is set, found out by listening to it for some seconds.
//!
//! Owns the measuring: rates, key frames, sizes, order and clock of one stream, without decoding anything. Whether that is good or bad, and
//! what it costs, is for [`super::Finding`].

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{AccessUnit, Codec, Ending, Limits, Pace, Source, StreamEvent, StreamInfo};
use crate::{
    config::{Camera, StreamRole},
    time::{Clock, MediaTime},
};

/// A stream is known well enough after this time, where it has shown [`GOPS_ENOUGH`] by then.
const ENOUGH: Duration = Duration::from_secs(4);
/// Whole groups of pictures that tell how far apart key frames are, and whether always.
const GOPS_ENOUGH: usize = 2;
/// Access units that are looked at: a minute at 60 a second.
const UNITS_MAX: usize = 3_600;
/// Pictures between key frames whose sizes say something of their spread.
const DELTAS_MIN: usize = 20;

/// What a stream showed.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Codec and size.
    pub info: StreamInfo,
    /// Its first key frame, for whoever wants to see whether it can be decoded.
    pub key: AccessUnit,
    /// How long it was listened to, by its own time.
    pub lasted: Duration,
    /// Access units a second; `None` after less than two.
    pub fps: Option<f32>,
    /// Kilobits (1000 bits) a second, over whole groups of pictures where there were any; `None` where `fps` is.
    pub kbps: Option<f32>,
    /// How far apart key frames are.
    pub gop: Gop,
    /// Share of the bytes that key frames have, 0..=1.
    pub key_share: f32,
    /// How much the sizes of pictures between key frames vary: their deviation by their mean. `None` where too few were seen.
    pub spread: Option<f32>,
    /// Share of the bytes that are padding (filler NAL units), 0..=1.
    pub padding_share: f32,
    /// Pictures that came out of their order (B frames).
    pub reordered: u32,
    /// RTP packets that were lost.
    pub packets_lost: u32,
    /// Camera clock minus arrival clock in milliseconds, where the camera tells.
    pub clock_skew_ms: Option<i64>,
}

/// How far apart key frames are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gop {
    /// Every picture is one.
    EveryPicture,
    /// So far, by the stream's own time.
    Every {
        /// The shortest distance.
        shortest: Duration,
        /// The longest, the one that had begun included.
        longest: Duration,
    },
    /// One was seen, and none in the time after it.
    LongerThan(Duration),
}

/// Listens to a stream until it is known well enough, for `length` at most (but longer for its first key frame, within
/// [`Limits::keyframe`]); with a `length` of zero, until its first key frame. Connects within the fleet's `pace`, and closes.
pub async fn survey(
    camera: &Arc<Camera>,
    role: StreamRole,
    limits: Limits,
    pace: &Pace,
    length: Duration,
) -> Result<Survey, Ending> {
    let mut source = Source::connect(camera, role, limits, Clock::start(), pace);
    let outcome = listen(&mut source, &limits, length).await;
    source.close().await;
    outcome
}

async fn listen(source: &mut Source, limits: &Limits, length: Duration) -> Result<Survey, Ending> {
    let info = match source.next().await {
        StreamEvent::Playing(info) | StreamEvent::Changed(info) => info,
        StreamEvent::Ended(ending) => return Err(ending),
        StreamEvent::Unit(_) | StreamEvent::Audio(_) => unreachable!("a unit comes after Playing"),
    };
    let (mut tally, began) = (Tally::new(info), Instant::now());
    loop {
        let patience = if tally.key.is_some() { length } else { limits.keyframe };
        match timeout_at(began + patience, source.next()).await {
            Ok(StreamEvent::Playing(info) | StreamEvent::Changed(info)) => tally.info = info,
            Ok(StreamEvent::Unit(unit)) => tally.take(unit),
            Ok(StreamEvent::Audio(_)) => {}
            Ok(StreamEvent::Ended(ending)) => return Err(ending),
            Err(_) if tally.key.is_none() => return Err(Ending::NoKeyframe(limits.keyframe)),
            Err(_) => {}
        }
        let is_over = tally.key.is_some() && began.elapsed() >= length;
        if (is_over || tally.is_enough())
            && let Some(survey) = tally.survey()
        {
            return Ok(survey);
        }
    }
}

/// What was heard so far. Pure.
#[derive(Debug)]
struct Tally {
    info: StreamInfo,
    key: Option<AccessUnit>,
    /// Since the first key frame, that one included.
    seen: Vec<Seen>,
    newest: MediaTime,
    reordered: u32,
    packets_lost: u32,
    clock_skew_ms: Option<i64>,
}

/// What is remembered of an access unit.
#[derive(Debug, Clone, Copy)]
struct Seen {
    is_key: bool,
    media: MediaTime,
    bytes: usize,
    padding: usize,
}

impl Tally {
    fn new(info: StreamInfo) -> Self {
        Self {
            info,
            key: None,
            seen: Vec::new(),
            newest: MediaTime::default(),
            reordered: 0,
            packets_lost: 0,
            clock_skew_ms: None,
        }
    }

    fn take(&mut self, unit: AccessUnit) {
        if let Some(clock) = unit.camera_clock {
            self.clock_skew_ms = Some(clock.us_since(unit.arrived.wall) / 1000);
        }
        self.packets_lost = self.packets_lost.saturating_add(unit.packets_lost);
        if (self.key.is_none() && !unit.is_key) || self.seen.len() >= UNITS_MAX {
            return;
        }
        if !self.seen.is_empty() && unit.media < self.newest {
            self.reordered += 1;
        }
        self.newest = self.newest.max(unit.media);
        self.seen.push(Seen {
            is_key: unit.is_key,
            media: unit.media,
            bytes: unit.data.len(),
            padding: padding(unit.codec, &unit.data),
        });
        self.key.get_or_insert(unit);
    }

    fn is_enough(&self) -> bool {
        let Some(first) = self.seen.first() else { return false };
        let keys = self.seen.iter().filter(|seen| seen.is_key).count();
        self.seen.len() >= UNITS_MAX || (keys > GOPS_ENOUGH && self.newest.since(first.media) >= ENOUGH)
    }

    /// `None` before the first key frame.
    fn survey(&self) -> Option<Survey> {
        let key = self.key.clone()?;
        let lasted = self.newest.since(self.seen.first()?.media);
        let sum = |of: fn(&Seen) -> usize| self.seen.iter().map(of).sum::<usize>() as f32;
        let bytes = sum(|seen| seen.bytes).max(1.0);
        let fps = (self.seen.len() > 1 && !lasted.is_zero())
            .then(|| (self.seen.len() - 1) as f32 / lasted.as_secs_f32());
        Some(Survey {
            info: self.info.clone(),
            key,
            lasted,
            fps,
            kbps: fps.map(|fps| self.kbps(fps)),
            gop: self.gop(),
            key_share: sum(|seen| if seen.is_key { seen.bytes } else { 0 }) / bytes,
            spread: self.spread(),
            padding_share: sum(|seen| seen.padding) / bytes,
            reordered: self.reordered,
            packets_lost: self.packets_lost,
            clock_skew_ms: self.clock_skew_ms,
        })
    }

    /// Over whole groups of pictures: half of one, with its large key frame, says too much.
    fn kbps(&self, fps: f32) -> f32 {
        let last_key = self.seen.iter().rposition(|seen| seen.is_key).unwrap_or(0);
        let whole = if last_key > 0 { &self.seen[..last_key] } else { &self.seen };
        let bits = whole.iter().map(|seen| seen.bytes * 8).sum::<usize>() as f32;
        bits / 1000.0 * fps / whole.len() as f32
    }

    fn gop(&self) -> Gop {
        let keys: Vec<MediaTime> =
            self.seen.iter().filter(|seen| seen.is_key).map(|seen| seen.media).collect();
        let running = keys.last().map_or(Duration::ZERO, |last| self.newest.since(*last));
        let between = keys.windows(2).map(|two| two[1].since(two[0]));
        match (between.clone().min(), between.max()) {
            _ if keys.len() == self.seen.len() && keys.len() > 1 => Gop::EveryPicture,
            (Some(shortest), Some(longest)) => Gop::Every { shortest, longest: longest.max(running) },
            _ => Gop::LongerThan(running),
        }
    }

    fn spread(&self) -> Option<f32> {
        let deltas = self.seen.iter().filter(|seen| !seen.is_key);
        let sizes: Vec<f32> = deltas.map(|seen| (seen.bytes - seen.padding) as f32).collect();
        if sizes.len() < DELTAS_MIN {
            return None;
        }
        let mean = sizes.iter().sum::<f32>() / sizes.len() as f32;
        let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f32>() / sizes.len() as f32;
        Some(variance.sqrt() / mean.max(1.0))
    }
}

/// Bytes of filler NAL units (H.264 type 12, H.265 type 38) in an access unit: what an encoder that keeps a rate strictly pads with.
fn padding(codec: Codec, data: &[u8]) -> usize {
    const START: [u8; 3] = [0, 0, 1];
    let is_filler = |header: u8| match codec {
        Codec::H264 => header & 0x1f == 12,
        Codec::H265 => (header >> 1) & 0x3f == 38,
        Codec::Mjpeg => false,
    };
    if codec == Codec::Mjpeg {
        return 0;
    }
    let (mut padding, mut rest) = (0, data);
    while let Some(at) = rest.windows(START.len()).position(|three| three == START) {
        rest = &rest[at + START.len()..];
        if rest.first().copied().is_some_and(is_filler) {
            let next = rest.windows(START.len()).position(|three| three == START);
            padding += next.unwrap_or(rest.len());
        }
    }
    padding
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::time::{Now, Wall};

    fn info() -> StreamInfo {
        StreamInfo { codec: Codec::H264, size: None, rfc6381: None, audio: None }
    }

    fn unit(media_ms: i64, is_key: bool, bytes: usize) -> AccessUnit {
        AccessUnit {
            role: StreamRole::Sub,
            codec: Codec::H264,
            data: Bytes::from(vec![0xff; bytes]),
            is_key,
            media: MediaTime::from_ms(media_ms),
            camera_clock: None,
            arrived: Now::default(),
            packets_lost: 0,
        }
    }

    /// A stream of 10 pictures a second, with a key frame of 9000 bytes where `is_key` says so and pictures of 1000 bytes elsewhere.
    fn heard(pictures: i64, is_key: impl Fn(i64) -> bool) -> Survey {
        let mut tally = Tally::new(info());
        for number in 0..pictures {
            let is_key = is_key(number);
            tally.take(unit(number * 100, is_key, if is_key { 9000 } else { 1000 }));
        }
        tally.survey().expect("it begins with a key frame")
    }

    #[test]
    fn key_frames_are_as_far_apart_as_they_come() {
        let ms = Duration::from_millis;
        type Case = (&'static str, i64, fn(i64) -> bool, Gop);
        let cases: &[Case] = &[
            ("each second", 30, |n| n % 10 == 0, Gop::Every { shortest: ms(1000), longest: ms(1000) }),
            ("each picture", 30, |_| true, Gop::EveryPicture),
            ("one alone", 30, |n| n == 0, Gop::LongerThan(ms(2900))),
            (
                "a smart codec",
                60,
                |n| [0, 10, 50].contains(&n),
                Gop::Every { shortest: ms(1000), longest: ms(4000) },
            ),
            (
                "the next one is overdue",
                60,
                |n| [0, 10].contains(&n),
                Gop::Every { shortest: ms(1000), longest: ms(4900) },
            ),
        ];
        for (what, pictures, is_key, expected) in cases {
            assert_eq!(heard(*pictures, is_key).gop, *expected, "{what}");
        }
    }

    #[test]
    fn rates_are_those_of_whole_groups() {
        // 2.4 groups: their 18 kB a second are not the 3 kB more of the third key frame.
        let survey = heard(24, |n| n % 10 == 0);
        assert_eq!(survey.fps, Some(10.0));
        assert_eq!(survey.kbps, Some(144.0));
        assert!((survey.key_share - 27.0 / 48.0).abs() < 1e-6, "{}", survey.key_share);
        assert_eq!(survey.spread, Some(0.0), "all deltas are alike");
        let survey = heard(1, |_| true);
        assert_eq!((survey.fps, survey.kbps, survey.spread), (None, None, None), "one picture has no rate");
    }

    #[test]
    fn a_stream_is_known_after_two_groups_and_some_seconds() {
        let mut tally = Tally::new(info());
        let enough_at_ms = (0..).step_by(100).find(|&ms| {
            tally.take(unit(ms, ms % 1000 == 0, 100));
            tally.is_enough()
        });
        assert_eq!(enough_at_ms, Some(4000));
        assert!(Tally::new(info()).survey().is_none(), "nothing was heard");
        let mut tally = Tally::new(info());
        tally.take(unit(0, false, 100));
        assert!(tally.survey().is_none(), "no key frame yet");
    }

    #[test]
    fn padding_order_and_clock_are_seen() {
        let filler =
            |kind: u8| [vec![0, 0, 1, 0x41, 7, 7, 0, 0, 1, kind], vec![0xff; 89], vec![0x80]].concat();
        for (what, codec, data, expected) in [
            ("H.264", Codec::H264, filler(12), 91),
            ("H.265", Codec::H265, filler(38 << 1), 91),
            ("none", Codec::H264, filler(0x41), 0),
            ("before another unit", Codec::H264, [filler(12), vec![0, 0, 1, 0x41, 9]].concat(), 91),
            ("no H.26x", Codec::Mjpeg, filler(12), 0),
            ("nothing", Codec::H264, vec![0, 0, 1], 0),
        ] {
            assert_eq!(padding(codec, &data), expected, "{what}");
        }
        let mut tally = Tally::new(info());
        for (ms, is_key) in [(0, true), (120, false), (40, false), (80, false), (240, false)] {
            tally.take(AccessUnit { camera_clock: Some(Wall::from_unix_ms(-7000)), ..unit(ms, is_key, 10) });
        }
        let survey = tally.survey().expect("a key frame");
        assert_eq!((survey.reordered, survey.clock_skew_ms), (2, Some(-7000)));
        assert_eq!(survey.lasted, Duration::from_millis(240));
    }
}
