//! Clips and questions of all sorts, and what a question means, clip by clip.

use std::collections::BTreeMap;

use jiff::{
    civil::{Time, Weekday, time},
    tz::TimeZone,
};
use proptest::{prelude::*, sample::select};

use super::super::*;
use crate::{
    alert::Kind,
    clip::Light,
    config::{Direction, Level},
    detect::Class,
    id::AlertId,
    time::Wall,
};

/// So small that a few dozen clips have everything: shelves of several runs, and a head.
pub(super) const SMALL: Measures = Measures { shelf_rows: 8, run_rows: 3, catalogues_len: 4000 };
/// 2026-03-27T20:00Z; two days later the clocks of Europe change.
pub(super) const BEGIN_MS: i64 = 1_774_641_600_000;

pub(super) fn slug<T: std::str::FromStr>(text: String) -> T {
    text.parse().ok().expect("a slug")
}

/// A clip from numbers: time in steps of a quarter of an hour, and chance.
pub(super) fn clip(quarter: u64, n: u64) -> Clip {
    let from_us = (BEGIN_MS + quarter as i64 * 900_000) * 1000 + (n % 7) as i64 * 130;
    let from = Wall::from_unix_us(from_us);
    let id = ClipId(ulid::Ulid::from_parts(from.unix_ms() as u64, u128::from(n)));
    let camera = n % 5;
    let kinds = [Kind::LineCross, Kind::Dwell, Kind::PanicButton];
    let some = |count: u64| (0..count).map(|i| (n / 3 + i) % 4);
    Clip {
        id,
        camera: slug(format!("cam-{camera}")),
        entry_point: slug(format!("gate-{}", camera / 2)),
        // A camera that was moved.
        village: slug(format!("village-{}", if quarter > 150 { 9 } else { camera % 2 })),
        level: [Level::Ring, Level::Block, Level::Line, Level::Point][(camera % 4) as usize],
        from,
        to: Wall::from_unix_us(from_us + (n % 100) as i64 * 77_777),
        class: Class::ALL[(n * 7 % 13).min(9) as usize],
        confidence: (n % 101) as f32 / 100.0,
        zones: some(n % 3).map(|zone| slug(format!("zone-{zone}"))).collect(),
        lines: some(n % 2).map(|line| slug(format!("line-{line}"))).collect(),
        direction: [None, Some(Direction::In), Some(Direction::Out)][(n % 3) as usize],
        kinds: kinds.into_iter().take((n % 4) as usize).rev().collect(),
        alerts: (0..n % 3).map(|i| AlertId(ulid::Ulid::from_parts(i, u128::from(n)))).collect(),
        light: if n % 5 < 2 { Light::Night } else { Light::Day },
    }
}

pub(super) fn any_clip() -> impl Strategy<Value = Clip> {
    // Many begin in the same millisecond, some long after the others.
    let quarter = prop_oneof![8 => 0u64..300, 2 => 100u64..104, 1 => 5000u64..5300];
    (quarter, 0u64..500).prop_map(|(quarter, n)| clip(quarter, n))
}

pub(super) fn list<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 2 => proptest::collection::vec(select(of), 1..3)]
}

pub(super) fn slugs<T: std::str::FromStr + Clone + std::fmt::Debug + 'static>(
    stem: &str,
    count: u64,
) -> impl Strategy<Value = Vec<T>> + use<T> {
    list((0..count).map(|n| slug(format!("{stem}-{n}"))).collect())
}

pub(super) fn any_question() -> impl Strategy<Value = Question> {
    let wall =
        || proptest::option::of((-10i64..320).prop_map(|q| Wall::from_unix_ms(BEGIN_MS + q * 900_000)));
    let half = |n: i8| time(n / 2, n % 2 * 30, 0, 0);
    let times = list(
        (0..40).map(|n: i8| (half(n), half((i16::from(n) * 7 % 48) as i8))).collect::<Vec<(Time, Time)>>(),
    );
    let days = list((0..7).filter_map(|n| Weekday::from_monday_zero_offset(n).ok()).collect());
    let zone = select(vec!["UTC", "Asia/Shanghai", "Europe/Berlin"]);
    let when = (wall(), wall(), times, days, zone);
    let place = (
        slugs("cam", 6),
        slugs("gate", 4),
        slugs("village", 10),
        list(vec![Level::Ring, Level::Block, Level::Line, Level::Point]),
        slugs("zone", 5),
        slugs("line", 5),
    );
    let what = (
        list(Class::ALL.to_vec()),
        list(vec![Direction::In, Direction::Out]),
        list(vec![Kind::LineCross, Kind::Dwell, Kind::PanicButton, Kind::Crowd]),
        list(vec![Light::Day, Light::Night]),
        prop_oneof![2 => Just(0.0f32), 1 => (0u8..105).prop_map(|n| f32::from(n) / 100.0)],
    );
    let how = (any::<bool>(), 1usize..12);
    (when, place, what, how).prop_map(|(when, place, what, (is_newest, limit))| {
        let (from, to, times_of_day, days, zone) = when;
        let (cameras, entry_points, villages, levels, zones, lines) = place;
        let (classes, directions, kinds, lights, confidence_min) = what;
        Question {
            from,
            to,
            times_of_day,
            days,
            time_zone: TimeZone::get(zone).expect("bundled"),
            cameras,
            entry_points,
            villages,
            levels,
            zones,
            lines,
            classes,
            directions,
            kinds,
            lights,
            confidence_min,
            order: if is_newest { Order::Newest } else { Order::Oldest },
            after: None,
            limit,
        }
    })
}

/// What a question means, clip by clip.
pub(super) fn is_asked_for(question: &Question, clip: &Clip) -> bool {
    fn any<T: PartialEq>(wanted: &[T], has: &[T]) -> bool {
        wanted.is_empty() || wanted.iter().any(|one| has.contains(one))
    }
    let at = clip.id.began_at();
    let clock = question.time_zone.to_datetime(at.timestamp());
    let on = |day: Weekday| any(&question.days, &[day]);
    let reads = |&(from, to): &(Time, Time)| {
        let (now, today) = (clock.time(), clock.weekday());
        if from < to {
            on(today) && from <= now && now < to
        } else {
            (on(today) && from <= now) || (on(today.previous()) && now < to)
        }
    };
    let by_clock = match question.times_of_day.as_slice() {
        [] => on(clock.weekday()),
        times => times.iter().any(reads),
    };
    by_clock
        && question.from.is_none_or(|from| at >= from)
        && question.to.is_none_or(|to| at < to)
        && any(&question.cameras, std::slice::from_ref(&clip.camera))
        && any(&question.entry_points, std::slice::from_ref(&clip.entry_point))
        && any(&question.villages, std::slice::from_ref(&clip.village))
        && any(&question.levels, &[clip.level])
        && any(&question.zones, &clip.zones)
        && any(&question.lines, &clip.lines)
        && any(&question.classes, &[clip.class])
        && any(&question.directions, clip.direction.as_slice())
        && any(&question.kinds, &clip.kinds)
        && any(&question.lights, &[clip.light])
        && (clip.confidence * 100.0).round() >= (question.confidence_min * 100.0).round()
}

pub(super) type Model = BTreeMap<ClipId, Clip>;

pub(super) fn asked_for(question: &Question, model: &Model) -> Vec<Clip> {
    let mut all: Vec<Clip> = model.values().filter(|clip| is_asked_for(question, clip)).cloned().collect();
    if question.order == Order::Newest {
        all.reverse();
    }
    all
}
