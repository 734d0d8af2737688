//! What may be deleted, and what is deleted first.
//!
//! Owns the rules of retention. Pure: it is shown what lies on a volume, and says what goes. Whether civil time is believed, what a disk has, and
//! deleting itself belong to the janitor.
//!
//! What is older than its ceiling has served its purpose and goes. Where a volume is short of room, what is beyond its floor goes, the oldest
//! first, whichever camera it is of. What is within its floor never goes, and what is held never does.

use std::{cmp::Reverse, collections::BTreeMap, collections::BinaryHeap, time::Duration};

use super::{head::OnShelf, hold::Hold};
use crate::{config::Config, id::CameraId, time::Wall};

/// How long recordings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So long whatever happens.
    pub min: Duration,
    /// No longer than this, unless held.
    pub max: Duration,
}

impl Keep {
    /// For ever.
    const EVER: Self = Self { min: Duration::MAX, max: Duration::MAX };
}

impl Default for Keep {
    fn default() -> Self {
        Self::EVER
    }
}

/// How long each camera's recordings are kept: for ever, until somebody says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    usual: Keep,
    cameras: BTreeMap<CameraId, Keep>,
}

impl Rules {
    /// As configured. A camera that is not configured any more is kept as one that says nothing of its own.
    pub fn new(config: &Config) -> Self {
        let keep = |min, max| Keep { min, max };
        let cameras = config
            .cameras
            .iter()
            .map(|camera| (camera.id.clone(), keep(camera.record.keep_min, camera.record.keep_max)));
        Self { usual: keep(config.recording.keep_min, config.recording.keep_max), cameras: cameras.collect() }
    }

    /// How long a camera's recordings are kept.
    pub fn of(&self, camera: &CameraId) -> Keep {
        self.cameras.get(camera).copied().unwrap_or(self.usual)
    }
}

/// By which rule something is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// It was older than its ceiling.
    Age,
    /// It was beyond its floor, the oldest of its volume, and the volume was short of room.
    Space,
}

impl Rule {
    /// As written in answers and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Space => "space",
        }
    }
}

/// The oldest of one camera on one volume that is not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shelf {
    /// Oldest first.
    pub(super) segments: Vec<OnShelf>,
    /// Whether there is more behind them.
    pub(super) more: More,
}

/// Whether a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    No,
    Yes,
}

/// What is wanted of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What age is measured from.
    pub(super) now: Wall,
    /// Whether anything goes for its age alone.
    pub(super) ages: Ages,
    /// Bytes that have to become free.
    pub(super) bytes: u64,
    /// Deletions in one plan, at most.
    pub(super) count_max: usize,
}

/// Whether anything is deleted for its age alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ages {
    Count,
    Ignored,
}

/// What goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// In this order.
    pub(super) deletions: Vec<(OnShelf, Rule)>,
    /// Whether that is enough.
    pub(super) outcome: Outcome,
}

/// Whether a plan does what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It does.
    Enough,
    /// Carry it out, look again, and plan again.
    Again,
    /// All that may go goes, and these bytes are missing.
    Lacking(u64),
}

/// Plans for one volume. Deletes for want of room stop where a camera's list ends and goes on unseen, so that the order by age holds over all
/// cameras.
pub(super) fn plan(shelves: &[Shelf], rules: &Rules, holds: &[Hold], wanted: Wanted) -> Plan {
    let mut next: BinaryHeap<Reverse<(Wall, usize, usize)>> = shelves
        .iter()
        .enumerate()
        .filter_map(|(shelf, it)| Some(Reverse((it.segments.first()?.from, shelf, 0))))
        .collect();
    let (mut deletions, mut freed, mut is_blocked) = (Vec::new(), 0u64, false);
    while let Some(Reverse((_, shelf, place))) = next.pop() {
        if deletions.len() == wanted.count_max {
            return Plan { deletions, outcome: Outcome::Again };
        }
        let Shelf { segments, more } = &shelves[shelf];
        let segment = &segments[place];
        let age = age(segment, wanted.now);
        let keep = rules.of(&segment.camera);
        let rule = if age < keep.min || is_held(holds, segment) {
            None
        } else if age >= keep.max && wanted.ages == Ages::Count {
            Some(Rule::Age)
        } else {
            (freed < wanted.bytes && !is_blocked).then_some(Rule::Space)
        };
        if let Some(rule) = rule {
            freed = freed.saturating_add(segment.bytes);
            deletions.push((segment.clone(), rule));
        }
        match segments.get(place + 1) {
            Some(behind) => next.push(Reverse((behind.from, shelf, place + 1))),
            None => is_blocked |= *more == More::Yes && rule.is_some(),
        }
    }
    let outcome = match wanted.bytes.saturating_sub(freed) {
        _ if is_blocked => Outcome::Again,
        0 => Outcome::Enough,
        lacking => Outcome::Lacking(lacking),
    };
    Plan { deletions, outcome }
}

/// Whether somebody holds it.
pub(super) fn is_held(holds: &[Hold], segment: &OnShelf) -> bool {
    holds.iter().any(|hold| hold.protects(&segment.camera, segment.from, segment.to))
}

/// How long ago its last picture was shown; nothing for what seems to be of the future.
fn age(segment: &OnShelf, now: Wall) -> Duration {
    Duration::from_micros(u64::try_from(now.us_since(segment.to)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::{archive::NewHold, config::StreamRole, id::Mint};

    const NOW_H: i64 = 1000;

    fn at(h: i64) -> Wall {
        Wall::from_unix_ms(h * 3_600_000)
    }

    fn hours(h: u64) -> Duration {
        Duration::from_secs(h * 3600)
    }

    fn camera(n: usize) -> CameraId {
        format!("c{n}").parse().expect("an id")
    }

    fn rules(keeps: &[(u64, u64)]) -> Rules {
        let keep = |&(min, max): &(u64, u64)| Keep { min: hours(min), max: hours(max) };
        let cameras = keeps.iter().enumerate().map(|(n, each)| (camera(n), keep(each))).collect();
        Rules { usual: keep(&(100, 200)), cameras }
    }

    fn segment(n: usize, from: i64, bytes: u64) -> OnShelf {
        OnShelf { camera: camera(n), role: StreamRole::Main, from: at(from), to: at(from + 1), bytes }
    }

    fn held(n: usize, from: i64, to: i64) -> Hold {
        let (owner, reason) = ("o".to_owned(), "r".to_owned());
        let what = NewHold {
            camera: camera(n),
            from: at(from),
            to: at(to),
            owner,
            reason,
            case: None,
            review: date(2026, 1, 1),
        };
        Hold { id: Mint::seeded(1).hold(at(0)), made_at: at(0), what, release: None }
    }

    fn wanted(bytes: u64, ages: Ages) -> Wanted {
        Wanted { now: at(NOW_H), ages, bytes, count_max: 1000 }
    }

    fn words(plan: &Plan) -> String {
        let each = plan
            .deletions
            .iter()
            .map(|(s, rule)| format!("{}@{} {}", s.camera, s.from.unix_ms() / 3_600_000, rule.as_str()));
        format!("{} | {:?}", each.collect::<Vec<_>>().join(", "), plan.outcome)
    }

    #[test]
    fn the_oldest_beyond_its_floor_goes_first() {
        // Ages of a and b in hours: 300, 150, 50 and 250, 120, 20.
        let a = [700, 850, 950].map(|from| segment(0, from - 1, 10)).to_vec();
        let b = [750, 880, 980].map(|from| segment(1, from - 1, 10)).to_vec();
        let rules = rules(&[(100, 280), (60, 1000)]);
        for (more, holds, bytes, ages, expected) in [
            (More::No, vec![], 0, Ages::Count, "c0@699 age | Enough"),
            (More::No, vec![], 0, Ages::Ignored, " | Enough"),
            (More::No, vec![], 15, Ages::Count, "c0@699 age, c1@749 space | Enough"),
            (More::No, vec![], 25, Ages::Ignored, "c0@699 space, c1@749 space, c0@849 space | Enough"),
            (
                More::No,
                vec![],
                99,
                Ages::Count,
                "c0@699 age, c1@749 space, c0@849 space, c1@879 space | Lacking(59)",
            ),
            (
                More::Yes,
                vec![],
                99,
                Ages::Count,
                "c0@699 age, c1@749 space, c0@849 space, c1@879 space | Lacking(59)",
            ),
            (
                More::No,
                vec![held(0, 600, 700), held(1, 800, 9000)],
                15,
                Ages::Count,
                "c1@749 space, c0@849 space | Enough",
            ),
        ] {
            let shelves = [&a, &b].map(|segments| Shelf { segments: segments.clone(), more });
            assert_eq!(words(&plan(&shelves, &rules, &holds, wanted(bytes, ages))), expected);
        }
    }

    #[test]
    fn what_is_not_seen_yet_may_be_older_than_what_is_seen() {
        let shelves = [
            Shelf { segments: vec![segment(0, 100, 10)], more: More::Yes },
            Shelf { segments: vec![segment(1, 200, 10)], more: More::No },
        ];
        let rules = rules(&[(1, 5000), (1, 5000)]);
        assert_eq!(words(&plan(&shelves, &rules, &[], wanted(20, Ages::Count))), "c0@100 space | Again");
        let few = Wanted { count_max: 1, ..wanted(20, Ages::Count) };
        assert_eq!(words(&plan(&shelves[1..], &rules, &[], few)), "c1@200 space | Lacking(10)");
        assert_eq!(words(&plan(&shelves, &rules, &[], few)), "c0@100 space | Again");
    }

    #[test]
    fn what_seems_to_be_of_the_future_is_young_and_who_is_unknown_is_kept_as_usual() {
        let shelf = |n, from| [Shelf { segments: vec![segment(n, from, 10)], more: More::No }];
        let rules = rules(&[(1, 2)]);
        let outcome = |shelves: &[Shelf]| words(&plan(shelves, &rules, &[], wanted(5, Ages::Count)));
        assert_eq!(outcome(&shelf(0, NOW_H + 50)), " | Lacking(5)");
        assert_eq!(outcome(&shelf(9, NOW_H - 100)), " | Lacking(5)");
        assert_eq!(outcome(&shelf(9, NOW_H - 101)), "c9@899 space | Enough");
        assert_eq!(outcome(&shelf(9, NOW_H - 201)), "c9@799 age | Enough");
    }

    fn any_shelves() -> impl Strategy<Value = Vec<Shelf>> {
        let list = proptest::collection::vec((1i64..40, 1u64..50), 0..12);
        proptest::collection::vec(list, 1..5).prop_map(|lists| {
            let shelf = |(n, list): (usize, Vec<(i64, u64)>)| {
                let mut from = 700;
                let segments = list.into_iter().map(|(step, bytes)| {
                    from += step;
                    segment(n, from, bytes)
                });
                Shelf { segments: segments.collect(), more: More::No }
            };
            lists.into_iter().enumerate().map(shelf).collect()
        })
    }

    proptest! {
        #[test]
        fn nothing_within_its_floor_or_held_goes_and_enough_goes_where_it_can(
            shelves in any_shelves(),
            keeps in proptest::collection::vec((1u64..200, 0u64..200), 4),
            holds in proptest::collection::vec((0usize..5, 690i64..1010, 1i64..60), 0..4),
            bytes in 0u64..600,
            ages in prop_oneof![Just(Ages::Count), Just(Ages::Ignored)],
        ) {
            let keeps: Vec<_> = keeps.into_iter().map(|(min, more)| (min, min + more)).collect();
            let rules = rules(&keeps);
            let holds: Vec<_> = holds.into_iter().map(|(n, from, len)| held(n, from, from + len)).collect();
            let plan = plan(&shelves, &rules, &holds, wanted(bytes, ages));
            let age = |s: &OnShelf| at(NOW_H).us_since(s.to).max(0) as u128;
            let may_go = |s: &OnShelf| {
                let touched = holds.iter().any(|h| h.what.camera == s.camera && s.from < h.what.to && h.what.from < s.to);
                age(s) >= rules.of(&s.camera).min.as_micros() && !touched
            };
            let all: Vec<&OnShelf> = shelves.iter().flat_map(|shelf| &shelf.segments).collect();
            for (segment, rule) in &plan.deletions {
                prop_assert!(may_go(segment));
                let is_old = age(segment) >= rules.of(&segment.camera).max.as_micros();
                prop_assert_eq!(*rule == Rule::Age, is_old && ages == Ages::Count);
            }
            // Whatever has served its purpose is gone.
            let gone = |s: &OnShelf| plan.deletions.iter().any(|(gone, _)| gone == s);
            for segment in &all {
                if ages == Ages::Count && may_go(segment) && age(segment) >= rules.of(&segment.camera).max.as_micros() {
                    prop_assert!(gone(segment));
                }
            }
            // Enough, if it can; and no more for want of room than it takes.
            let freed: u64 = plan.deletions.iter().map(|(s, _)| s.bytes).sum();
            let possible: u64 = all.iter().filter(|s| may_go(s)).map(|s| s.bytes).sum();
            prop_assert_eq!(freed >= bytes, possible >= bytes);
            let lacking = bytes.saturating_sub(freed);
            prop_assert_eq!(plan.outcome, if lacking == 0 { Outcome::Enough } else { Outcome::Lacking(lacking) });
            let newest = plan.deletions.iter().filter(|(_, rule)| *rule == Rule::Space).map(|(s, _)| s).max_by_key(|s| s.from);
            if let Some(newest) = newest {
                // Oldest first: what is older and may go is gone as well.
                prop_assert!(all.iter().filter(|s| s.from < newest.from && may_go(s)).all(|s| gone(s)));
                let before: u64 = plan.deletions.iter().take_while(|(s, _)| s != newest).map(|(s, _)| s.bytes).sum();
                prop_assert!(before < bytes);
            }
        }
    }
}
