//! The times of a stream: RTP timestamps to media time, and to the camera's civil time.
//!
//! Pure. Knows what a camera's counters and sender reports claim, and how far they are believed. How far the
//! camera's clock is from ours is for [`super::Vitals`].

use std::time::Duration;

use crate::time::{MediaTime, Mono, Now, Wall};

/// A forward jump of RTP timestamps beyond what passed here that is not believed.
const JUMP_FORWARD_MAX: Duration = Duration::from_secs(10);
/// A step back that is not believed. Smaller ones are reordered pictures (B frames).
const STEP_BACK_MAX: Duration = Duration::from_secs(2);
/// Two sender reports that differ by more do not speak of the same clock.
const REPORTS_DIFFER_MAX_US: i64 = 2_000_000;
/// A sender report says nothing of timestamps farther from its own.
const REPORT_REACH: Duration = Duration::from_secs(120);
/// Seconds from 1900 to 1970.
const UNIX_EPOCH_NTP_S: u64 = 2_208_988_800;
/// When NTP's second era begins (2036-02-07), in Unix seconds.
const ERA_1_UNIX_S: i64 = (1 << 32) - UNIX_EPOCH_NTP_S as i64;

/// What one connection's RTP timestamps mean. Restarts with each connection.
#[derive(Debug)]
pub(super) struct StreamClock {
    rate_hz: u32,
    base: Option<Base>,
    report: Option<Report>,
    /// A report that contradicts `report`; believed once another agrees with it.
    doubted: Option<Report>,
}

/// Where media time is counted from, and the access unit before.
#[derive(Debug, Clone, Copy)]
struct Base {
    ticks: i64,
    media: MediaTime,
    last_ticks: i64,
    last_media: MediaTime,
    last_arrived: Mono,
}

/// The camera said: at RTP timestamp `ticks` my clock showed `wall`.
#[derive(Debug, Clone, Copy)]
struct Report {
    ticks: i64,
    wall: Wall,
}

impl StreamClock {
    /// Of a stream whose RTP timestamps (unwrapped) count at `rate_hz`.
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz, base: None, report: None, doubted: None }
    }

    /// The media time of an access unit: 0 at the first one.
    ///
    /// A camera whose RTP timestamps jump (its own clock was set) gets the time that passed here instead, and its
    /// sender reports are forgotten: they spoke of the old count.
    pub(super) fn media(&mut self, ticks: i64, arrived: Mono) -> MediaTime {
        let (base_ticks, base_media) = match self.base {
            None => (ticks, MediaTime::default()),
            Some(base) => {
                let passed = arrived.since(base.last_arrived);
                let step_us = self.us_between(base.last_ticks, ticks);
                let far_us = micros(passed).saturating_add(micros(JUMP_FORWARD_MAX));
                if step_us > far_us || step_us < -micros(STEP_BACK_MAX) {
                    self.report = None;
                    self.doubted = None;
                    (ticks, plus(base.last_media, passed))
                } else {
                    (base.ticks, base.media)
                }
            }
        };
        let counted = MediaTime::from_ticks(ticks.saturating_sub(base_ticks), self.rate_hz);
        let media = MediaTime { ticks_90k: base_media.ticks_90k.saturating_add(counted.ticks_90k) };
        self.base = Some(Base {
            ticks: base_ticks,
            media: base_media,
            last_ticks: ticks,
            last_media: media,
            last_arrived: arrived,
        });
        media
    }

    /// Takes in a sender report (RFC 3550 section 6.4.1): RTP timestamp, and NTP time in 32.32 seconds since 1900.
    ///
    /// A report without a usable time (zero, or counted from 1900 by a camera that has no clock) is ignored. One
    /// that contradicts those before is believed only when the next one agrees with it.
    pub(super) fn report(&mut self, ticks: i64, ntp: u64, ours: Wall) {
        let Some(wall) = wall_of_ntp(ntp, ours) else { return };
        let agrees = |old: Report| {
            let counted_us = self.us_between(old.ticks, ticks);
            counted_us.saturating_sub(wall.us_since(old.wall)).saturating_abs() <= REPORTS_DIFFER_MAX_US
        };
        let believed = self.report.is_none_or(agrees) || self.doubted.is_some_and(agrees);
        let new = Some(Report { ticks, wall });
        (self.report, self.doubted) = if believed { (new, None) } else { (self.report, new) };
    }

    /// What the camera's clock showed at an RTP timestamp, where its reports say so.
    pub(super) fn camera_clock(&self, ticks: i64) -> Option<Wall> {
        let report = self.report?;
        let offset_us = self.us_between(report.ticks, ticks);
        (offset_us.saturating_abs() <= micros(REPORT_REACH))
            .then(|| Wall::from_unix_us(report.wall.unix_us().saturating_add(offset_us)))
    }

    fn us_between(&self, from: i64, to: i64) -> i64 {
        let us = (i128::from(to) - i128::from(from)) * 1_000_000 / i128::from(self.rate_hz.max(1));
        us.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// Sound that is farther from where the camera's clock has it is moved there.
const SOUND_OFF_MAX_90K: i64 = 90 * 300;

/// What the RTP timestamps of a connection's sound mean, in the time of its pictures.
///
/// Both streams count for themselves. Where the camera's sender reports say how the two belong together, they are believed; else what arrives together
/// belongs together.
#[derive(Debug)]
pub(super) struct SoundClock {
    own: StreamClock,
    /// Time of pictures minus time of sound, ticks of 1/90000 s.
    offset: Option<i64>,
    picture: Option<(MediaTime, Mono, Option<Wall>)>,
}

impl SoundClock {
    /// Of sound whose RTP timestamps (unwrapped) count at `rate_hz`.
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { own: StreamClock::new(rate_hz), offset: None, picture: None }
    }

    /// A sender report of the sound: see [`StreamClock::report`].
    pub(super) fn report(&mut self, ticks: i64, ntp: u64, ours: Wall) {
        self.own.report(ticks, ntp, ours);
    }

    /// A picture came.
    pub(super) fn picture(&mut self, media: MediaTime, arrived: Mono, camera_clock: Option<Wall>) {
        self.picture = Some((media, arrived, camera_clock));
    }

    /// When a frame of sound is heard, in the time of the pictures; `None` before the first picture.
    pub(super) fn media(&mut self, ticks: i64, arrived: Now) -> Option<MediaTime> {
        let own = self.own.media(ticks, arrived.mono);
        let (picture, shown, clock) = self.picture?;
        let by_clock =
            self.own.camera_clock(ticks).zip(clock).map(|(sound, picture)| sound.us_since(picture));
        let since_us = by_clock.unwrap_or(micros(arrived.mono.since(shown)));
        let since = MediaTime::from_ticks(since_us, 1_000_000).ticks_90k;
        let found = picture.ticks_90k.saturating_add(since).saturating_sub(own.ticks_90k);
        let is_off = |offset: i64| by_clock.is_some() && found.abs_diff(offset) > SOUND_OFF_MAX_90K as u64;
        if self.offset.is_none_or(is_off) {
            self.offset = Some(found);
        }
        Some(MediaTime { ticks_90k: own.ticks_90k.saturating_add(self.offset?) })
    }
}

/// Civil time of an NTP timestamp (RFC 5905 section 6): `None` before 1970, which is how cameras say that they have no clock.
/// The era is the one that our own clock is in.
fn wall_of_ntp(ntp: u64, ours: Wall) -> Option<Wall> {
    let seconds_1900 = ntp >> 32;
    let fraction_us = ((ntp & 0xffff_ffff) * 1_000_000) >> 32;
    let seconds = if seconds_1900 >= UNIX_EPOCH_NTP_S {
        (seconds_1900 - UNIX_EPOCH_NTP_S) as i64
    } else if ours.unix_us() >= ERA_1_UNIX_S * 1_000_000 {
        ERA_1_UNIX_S + seconds_1900 as i64
    } else {
        return None;
    };
    Some(Wall::from_unix_us(seconds * 1_000_000 + fraction_us as i64))
}

fn plus(media: MediaTime, by: Duration) -> MediaTime {
    let ticks = MediaTime::from_ticks(micros(by), 1_000_000).ticks_90k;
    MediaTime { ticks_90k: media.ticks_90k.saturating_add(ticks) }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: Wall = Wall::from_unix_ms(1_790_000_000_000);

    fn ntp_of(wall: Wall) -> u64 {
        let us = wall.unix_us() as u64;
        ((us / 1_000_000 + UNIX_EPOCH_NTP_S) << 32) | (((us % 1_000_000) << 32) / 1_000_000)
    }

    fn at_ms(ms: u64) -> Mono {
        Mono::from_start(Duration::from_millis(ms))
    }

    #[test]
    fn media_time_starts_at_zero_and_counts_at_its_rate() {
        let mut clock = StreamClock::new(48_000);
        let times: Vec<i64> = [(5_000_000, 0), (5_004_800, 90), (5_009_600, 210)]
            .map(|(t, ms)| clock.media(t, at_ms(ms)).ms())
            .to_vec();
        assert_eq!(times, [0, 100, 200]);
    }

    #[test]
    fn a_jump_of_the_cameras_count_is_bridged_by_the_time_that_passed_here() {
        // (RTP timestamp in ms, arrival in ms) → media in ms
        type Case = (&'static str, &'static [(i64, u64)], &'static [i64]);
        let cases: &[Case] = &[
            ("reordered pictures", &[(0, 0), (120, 40), (40, 80), (80, 120)], &[0, 120, 40, 80]),
            ("a burst after a stall of ours", &[(0, 0), (40, 8000), (8000, 8001)], &[0, 40, 8000]),
            ("a day forward", &[(0, 0), (86_400_000, 40), (86_400_040, 80)], &[0, 40, 80]),
            ("a minute back", &[(60_000, 0), (60_040, 40), (10, 80), (50, 120)], &[0, 40, 80, 120]),
        ];
        for (what, units, expected) in cases {
            let mut clock = StreamClock::new(90_000);
            let media: Vec<i64> =
                units.iter().map(|&(ms, at)| clock.media(ms * 90, at_ms(at)).ms()).collect();
            assert_eq!(media, *expected, "{what}");
        }
    }

    #[test]
    fn sound_lies_where_the_camera_says_or_where_it_arrives() {
        let now = |ms: u64| Now { mono: at_ms(ms), wall: OURS };
        let mut sound = SoundClock::new(8000);
        assert_eq!(sound.media(70_000, now(0)), None, "nothing to go by");
        sound.picture(MediaTime::from_ms(400), at_ms(400), None);
        assert_eq!(sound.media(73_280, now(410)).map(MediaTime::ms), Some(410));
        assert_eq!(
            sound.media(73_440, now(460)).map(MediaTime::ms),
            Some(430),
            "by its own count from there"
        );
        // The camera says that sound arrives two seconds after it was heard.
        sound.report(73_440, ntp_of(OURS), OURS);
        sound.picture(MediaTime::from_ms(500), at_ms(500), Some(OURS.after(Duration::from_secs(2))));
        assert_eq!(sound.media(73_600, now(510)).map(MediaTime::ms), Some(-1480));
    }

    #[test]
    fn sender_reports_give_each_unit_the_cameras_clock() {
        let mut clock = StreamClock::new(90_000);
        assert_eq!(clock.camera_clock(0), None);
        clock.report(900_000, ntp_of(OURS), OURS);
        assert_eq!(clock.camera_clock(900_000).map(Wall::unix_ms), Some(OURS.unix_ms()));
        assert_eq!(clock.camera_clock(900_000 - 9_000).map(Wall::unix_ms), Some(OURS.unix_ms() - 100));
        assert_eq!(clock.camera_clock(900_000 + 200 * 90_000), None, "no report for minutes");
    }

    #[test]
    fn reports_without_a_clock_are_ignored() {
        for (what, ntp, ours, expected) in [
            ("zero", 0, OURS, None),
            ("counted from 1900", 3600 << 32, OURS, None),
            ("1970: a clock without a battery", (UNIX_EPOCH_NTP_S + 7) << 32, OURS, Some(7)),
            ("after 2036", 10 << 32, Wall::from_unix_ms(ERA_1_UNIX_S * 1000), Some(ERA_1_UNIX_S + 10)),
        ] {
            let mut clock = StreamClock::new(90_000);
            clock.report(0, ntp, ours);
            assert_eq!(clock.camera_clock(0).map(|wall| wall.unix_ms() / 1000), expected, "{what}");
        }
    }

    #[test]
    fn one_report_that_jumps_is_doubted_and_two_are_believed() {
        let mut clock = StreamClock::new(90_000);
        let later = |s: i64| Wall::from_unix_ms(OURS.unix_ms() + s * 1000);
        let shown = |clock: &StreamClock| clock.camera_clock(0).map(|wall| wall.us_since(OURS) / 1_000_000);
        clock.report(0, ntp_of(OURS), OURS);
        clock.report(5 * 90_000, ntp_of(later(3605)), OURS);
        assert_eq!(shown(&clock), Some(0), "one that jumps");
        clock.report(10 * 90_000, ntp_of(later(10)), OURS);
        clock.report(15 * 90_000, ntp_of(later(3615)), OURS);
        assert_eq!(shown(&clock), Some(0), "doubt does not outlast a good report");
        clock.report(20 * 90_000, ntp_of(later(3620)), OURS);
        assert_eq!(shown(&clock), Some(3600), "the camera's clock was set");
    }

    #[test]
    fn a_jump_of_the_count_forgets_its_reports() {
        let mut clock = StreamClock::new(90_000);
        clock.media(0, at_ms(0));
        clock.report(0, ntp_of(OURS), OURS);
        clock.media(-90_000 * 60, at_ms(40));
        assert_eq!(clock.camera_clock(-90_000 * 60), None);
    }

    proptest! {
        #[test]
        fn any_numbers_give_times(
            rate in any::<u32>(),
            steps in proptest::collection::vec((any::<i64>(), any::<u64>(), any::<u64>(), any::<i64>()), 0..20),
        ) {
            let mut clock = StreamClock::new(rate);
            for (ticks, ntp, at, ours) in steps {
                clock.report(ticks, ntp, Wall::from_unix_us(ours));
                clock.media(ticks, Mono::from_start(Duration::from_nanos(at)));
                clock.camera_clock(ticks);
            }
        }

        #[test]
        fn media_time_never_runs_from_the_time_that_passes_here(
            steps in proptest::collection::vec((any::<u32>(), 0u64..200), 1..50),
        ) {
            let mut clock = StreamClock::new(90_000);
            let mut at = 0;
            let mut before = clock.media(0, at_ms(0)).ms();
            for (ticks, passed) in steps {
                at += passed;
                let media = clock.media(i64::from(ticks), at_ms(at)).ms();
                prop_assert!((-2_001..=10_201).contains(&(media - before)), "{before} to {media}");
                before = media;
            }
        }
    }
}
