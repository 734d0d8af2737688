//! Scripts of seconds, by hand and by chance.

use std::ops::Range;

use proptest::prelude::*;

use super::*;

/// What happens in one second: frames wanted and analysed; the others are skipped for a cause.
#[derive(Debug, Clone, Copy)]
struct Beat {
    wanted: u16,
    analysed: u16,
    cause: Cause,
    /// Nothing is looked at although something should be.
    is_unwatched: bool,
    /// Civil time is set ahead or back by so much at its begin.
    step_s: i64,
}

const fn beat(wanted: u16, analysed: u16, cause: Cause) -> Beat {
    Beat { wanted, analysed, cause, is_unwatched: false, step_s: 0 }
}

/// Civil time of monotonic zero.
const EPOCH: Wall = Wall::from_unix_ms(1_773_079_440_000);

fn at(ms: u64, stepped_s: i64) -> Now {
    let by = Duration::from_millis(ms);
    let wall = Wall::from_unix_us(EPOCH.after(by).unix_us() + stepped_s * 1_000_000);
    Now { mono: Mono::from_start(by), wall }
}

/// Plays a script, with a tick a little after each second; gives out what was told, and the sum of the tallies.
fn play(script: &[Beat]) -> (Vec<Interval>, Tally) {
    let (mut shortfall, mut out) = (Shortfall::new(at(0, 0)), Vec::new());
    let (mut ms, mut stepped_s, mut sum) = (0, 0, Tally::default());
    for beat in script {
        stepped_s += beat.step_s;
        match beat.is_unwatched {
            true => shortfall.not_watching(at(ms, stepped_s), beat.cause),
            false => shortfall.watching(at(ms, stepped_s)),
        }
        for n in 0..beat.wanted {
            shortfall.wanted(at(ms + 10 + u64::from(n), stepped_s));
            match n < beat.analysed {
                true => shortfall.analysed(),
                false => shortfall.skipped(1, beat.cause),
            }
        }
        ms += 1000;
        add(&mut sum, shortfall.tick(at(ms, stepped_s), Cause::DetectorBehind, &mut out));
    }
    add(&mut sum, shortfall.stop(at(ms, stepped_s), &mut out));
    (out, sum)
}

fn add(sum: &mut Tally, more: Tally) {
    sum.wanted += more.wanted;
    sum.analysed += more.analysed;
    sum.blind_s += more.blind_s;
    sum.missed.iter_mut().zip(more.missed).for_each(|(sum, more)| *sum += more);
}

/// An interval in seconds since the start, where civil time was not set.
fn seconds(interval: &Interval) -> Range<usize> {
    let second = |wall: Wall| {
        let us = wall.us_since(EPOCH);
        assert_eq!(us % 1_000_000, 0, "intervals are whole seconds here");
        (us / 1_000_000) as usize
    };
    second(interval.from)..second(interval.to)
}

fn tell(intervals: &[Interval]) -> Vec<String> {
    let what = |interval: &Interval| match interval.what {
        What::NotAnalysed => "none".to_owned(),
        What::Reduced { analysed_fps, wanted_fps } => format!("{analysed_fps:.1} of {wanted_fps:.1}"),
    };
    let text = |interval: &Interval| {
        format!("{:?} {} {}", seconds(interval), what(interval), interval.cause.as_str())
    };
    intervals.iter().map(text).collect()
}

#[test]
fn scripts_are_told_as_the_rules_say() {
    use Cause::{DecodersBehind, DetectorBehind, LookLate, NoPicture};
    let well = beat(5, 5, DetectorBehind);
    let nearly = beat(5, 4, DetectorBehind);
    let slow = beat(5, 2, DetectorBehind);
    let blind = beat(5, 0, DecodersBehind);
    let idle = beat(0, 0, DetectorBehind);
    let late = Beat { is_unwatched: true, ..beat(0, 0, LookLate) };
    let times = |n: usize, beat: Beat| vec![beat; n];
    let cases: [(&str, Vec<Beat>, &[&str]); 12] = [
        ("all is well", times(1000, well), &[]),
        ("nothing is wanted", times(1000, idle), &[]),
        ("80 % is enough", times(1000, nearly), &[]),
        (
            "one blind second",
            [times(20, well), times(1, blind), times(20, well)].concat(),
            &["20..21 none decoders-behind"],
        ),
        (
            "a frame missing here and there belongs to no interval",
            [times(20, well), times(1, nearly), times(20, well)].concat(),
            &[],
        ),
        (
            "slow for a while",
            [times(20, well), times(30, slow), times(20, well)].concat(),
            &["20..50 2.0 of 5.0 detector-behind"],
        ),
        (
            "blind in the midst of slow",
            [times(20, slow), times(6, blind), times(20, slow)].concat(),
            &[
                "0..20 2.0 of 5.0 detector-behind",
                "20..26 none decoders-behind",
                "26..46 2.0 of 5.0 detector-behind",
            ],
        ),
        (
            "a trickle is told as what it is",
            [times(3, blind), times(1, slow)].concat().repeat(10),
            &["0..40 0.5 of 5.0 decoders-behind"],
        ),
        (
            "hysteresis: between 80 and 90 % goes on",
            [times(5, slow), [nearly, nearly, well].repeat(20), times(20, well)].concat(),
            &["0..64 4.1 of 5.0 detector-behind"],
        ),
        (
            "looks that are late",
            [times(10, idle), times(7, late), times(10, idle)].concat(),
            &["10..17 none look-late"],
        ),
        (
            "no picture, until the daemon stops",
            [times(3, well), times(7, beat(5, 0, NoPicture))].concat(),
            &["3..10 none no-picture"],
        ),
        (
            "for a long time",
            times(1500, slow),
            &[
                "0..600 2.0 of 5.0 detector-behind",
                "600..1200 2.0 of 5.0 detector-behind",
                "1200..1500 2.0 of 5.0 detector-behind",
            ],
        ),
    ];
    for (name, script, expected) in cases {
        assert_eq!(tell(&play(&script).0), expected, "{name}");
    }
}

#[test]
fn an_answer_that_takes_its_time_is_no_shortfall_and_one_that_never_comes_is() {
    // Frames wanted at 5 fps, each analysed so much later; in the end the detector hangs for 10 s.
    for delay_ms in [0, 150, 900, 2400] {
        let (mut shortfall, mut out) = (Shortfall::new(at(0, 0)), Vec::new());
        let mut sum = Tally::default();
        for ms in (0..50_000).step_by(50) {
            if ms % 200 == 0 {
                shortfall.wanted(at(ms, 0));
            }
            if ms % 200 == delay_ms % 200 && ms >= delay_ms && !(30_000..40_000).contains(&ms) {
                shortfall.analysed();
            }
            if ms % 1000 == 0 {
                add(&mut sum, shortfall.tick(at(ms, 0), Cause::DetectorBehind, &mut out));
            }
        }
        add(&mut sum, shortfall.stop(at(50_000, 0), &mut out));
        let (first, last) = (out.first().expect("told"), out.last().expect("told"));
        let (start, end) = (seconds(first).start, seconds(last).end);
        assert!((27..=30).contains(&start) && (36..=40).contains(&end), "{delay_ms} ms: {:?}", tell(&out));
        assert!(out.windows(2).all(|pair| pair[0].to == pair[1].from), "{delay_ms} ms: {:?}", tell(&out));
        assert!(out.iter().all(|interval| interval.cause == Cause::DetectorBehind));
        assert!(sum.wanted > 230 && sum.analysed + 60 > sum.wanted, "{delay_ms} ms: {sum:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_leaves_nothing_behind() {
    let (mut shortfall, mut out) = (Shortfall::new(at(0, 0)), Vec::new());
    (0..5).for_each(|n| shortfall.wanted(at(100 * n, 0)));
    shortfall.not_watching(at(900, 0), Cause::LookLate);
    shortfall.cut(at(950, 0));
    for second in 1..20 {
        let _ = shortfall.tick(at(second * 1000, 0), Cause::DetectorBehind, &mut out);
    }
    // The second in which a look was late is told; the minutes without a stream are not.
    assert_eq!(tell(&out), ["0..1 none look-late"]);
}

#[test]
fn a_lane_that_was_held_up_tells_the_same_a_little_later() {
    let (mut shortfall, mut out) = (Shortfall::new(at(0, 0)), Vec::new());
    shortfall.not_watching(at(1000, 0), Cause::LookLate);
    let _ = shortfall.tick(at(3_600_000, 0), Cause::DetectorBehind, &mut out);
    shortfall.watching(at(3_600_000, 0));
    let _ = shortfall.stop(at(3_610_000, 0), &mut out);
    let covered: usize = out.iter().map(|interval| seconds(interval).len()).sum();
    assert_eq!((out.len(), covered), (6, 3599));
}

#[test]
fn it_is_small() {
    let heap = OPEN_MAX * size_of::<Second>() + (WINDOW_S + 1) * size_of::<Judged>();
    assert!(size_of::<Shortfall>() + heap <= 1024, "{} + {heap} bytes", size_of::<Shortfall>());
}

fn any_beat() -> impl Strategy<Value = Beat> {
    let cause = proptest::sample::select(&Cause::ALL[..]);
    let share = prop_oneof![3 => Just(1.0), 1 => Just(0.0), 2 => 0.0..=1.0f64];
    (0u16..8, share, cause, proptest::bool::weighted(0.1)).prop_map(|(wanted, share, cause, is_unwatched)| {
        let analysed = (f64::from(wanted) * share).round() as u16;
        Beat { is_unwatched, ..beat(wanted, analysed, cause) }
    })
}

/// Seconds that are alike for a while, as troubles are.
fn any_script() -> impl Strategy<Value = Vec<Beat>> {
    let stretch = (any_beat(), prop_oneof![4 => 1usize..4, 2 => 4usize..30, 1 => 500usize..700]);
    proptest::collection::vec(stretch.prop_map(|(beat, len)| vec![beat; len]), 1..25)
        .prop_map(|stretches| stretches.concat())
}

fn is_blind(beat: &Beat) -> bool {
    (beat.wanted > 0 || beat.is_unwatched) && beat.analysed == 0
}

fn is_short(beat: &Beat) -> bool {
    is_blind(beat) || beat.analysed < beat.wanted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_went_missing_is_covered_once_and_nothing_else_is_told(script in any_script()) {
        let (out, sum) = play(&script);
        let told: Vec<Range<usize>> = out.iter().map(seconds).collect();
        prop_assert!(told.windows(2).all(|pair| pair[0].end <= pair[1].start), "they overlap: {:?}", told);
        prop_assert!(told.iter().all(|range| range.len() <= TOLD_S as usize), "told in time: {:?}", told);
        let covered = |second: usize| told.iter().any(|range| range.contains(&second));
        for (second, beat) in script.iter().enumerate().filter(|(_, beat)| is_blind(beat)) {
            prop_assert!(covered(second), "{second} was blind: {beat:?}");
        }
        for (first, window) in script.windows(WINDOW_S).enumerate() {
            let sum = |count: fn(&Beat) -> u16| window.iter().map(|beat| u32::from(count(beat))).sum::<u32>();
            if sum(|beat| beat.analysed) * 5 < sum(|beat| beat.wanted) * 4 {
                for (second, _) in (first..).zip(window).filter(|(_, beat)| is_short(beat)) {
                    prop_assert!(covered(second), "{second} lacks frames in a bad window");
                }
            }
        }
        for (range, interval) in told.iter().zip(&out) {
            let beats = &script[range.clone()];
            prop_assert!(beats.first().is_some_and(is_short) && beats.last().is_some_and(is_short));
            let per_second = |count: fn(&Beat) -> u16| {
                beats.iter().map(|beat| f32::from(count(beat))).sum::<f32>() / beats.len() as f32
            };
            match interval.what {
                What::NotAnalysed => prop_assert!(beats.iter().all(|beat| beat.analysed == 0)),
                What::Reduced { analysed_fps, wanted_fps } => {
                    prop_assert!(analysed_fps > 0.0);
                    prop_assert!((analysed_fps - per_second(|beat| beat.analysed)).abs() < 1e-3);
                    prop_assert!((wanted_fps - per_second(|beat| beat.wanted)).abs() < 1e-3);
                }
            }
            prop_assert!(beats.iter().any(|beat| is_short(beat) && beat.cause == interval.cause));
        }
        let count = |count: fn(&Beat) -> u16| script.iter().map(|beat| u64::from(count(beat))).sum::<u64>();
        prop_assert_eq!((sum.wanted, sum.analysed), (count(|beat| beat.wanted), count(|beat| beat.analysed)));
        prop_assert_eq!(sum.blind_s as usize, script.iter().filter(|beat| is_blind(beat)).count());
    }

    #[test]
    fn a_clock_that_is_set_changes_no_length(mut script in any_script(), steps in proptest::collection::vec((any::<proptest::sample::Index>(), -100_000i64..100_000), 0..4)) {
        let (plain, _) = play(&script);
        for (place, step_s) in steps {
            let place = place.index(script.len());
            script[place].step_s = step_s;
        }
        let (stepped, _) = play(&script);
        let lengths = |intervals: &[Interval]| -> Vec<(i64, What, Cause)> {
            intervals.iter().map(|i| (i.to.us_since(i.from), i.what, i.cause)).collect()
        };
        prop_assert_eq!(lengths(&plain), lengths(&stepped));
    }

    /// Whatever is called in whatever order, nothing panics and nothing overlaps.
    #[test]
    fn any_calls_are_survived(calls in proptest::collection::vec((0u64..2500, 0u8..9, proptest::sample::select(&Cause::ALL[..])), 0..300)) {
        let (mut shortfall, mut out, mut ms) = (Shortfall::new(at(0, 0)), Vec::new(), 0);
        for (after_ms, call, cause) in calls {
            ms += after_ms;
            let now = at(ms, 0);
            match call {
                0..=2 => shortfall.wanted(now),
                3 => shortfall.analysed(),
                4 => shortfall.skipped(after_ms as u32 % 7, cause),
                5 => shortfall.not_watching(now, cause),
                6 => shortfall.watching(now),
                7 => shortfall.cut(now),
                _ => drop(shortfall.tick(now, cause, &mut out)),
            }
        }
        let end = at(ms, 0);
        let _ = shortfall.stop(end, &mut out);
        prop_assert!(out.windows(2).all(|pair| pair[0].to <= pair[1].from), "{:?}", out);
        prop_assert!(out.iter().all(|interval| interval.from < interval.to || interval.to == end.wall), "{:?}", out);
        prop_assert!(out.iter().all(|interval| interval.to <= end.wall), "{:?}", out);
    }
}
