//! The time line of a camera: what is recorded, what is not and why, with nothing left out.
//!
//! Owns the rule by which recordings and gaps become one list that tiles a range. Pure. Where it all lies, and who asks, belongs to others.

use std::time::Duration;

use crate::{record::GapCause, time::Wall};

/// A hole that is shorter is none: segments begin when a picture arrives, and pictures do not arrive by the clock.
pub const SLACK: Duration = Duration::from_secs(1);

/// A stretch of a time line: `from..to`, not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub to: Wall,
    /// What is there.
    pub what: What,
}

/// What there is of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A recording.
    Recorded,
    /// None, and why.
    Gap(GapCause),
    /// Nobody knows yet: what is recorded just now is told when its file is closed. Only ever the last stretch, and never from [`cover`].
    Open,
}

/// Tiles `from..to`: each moment is in one stretch, in order, and neighbours differ. A recording is believed before a gap, and of gaps the one that began
/// earlier; where they began together, the longer one. What nobody explains is [`GapCause::Missing`], unless it is shorter than
/// [`SLACK`]: then it goes to the stretch before it.
///
/// `recorded` and `gaps` are `(begin, end)` in any order; what is empty or outside is passed over.
pub fn cover(
    from: Wall,
    to: Wall,
    recorded: &[(Wall, Wall)],
    gaps: &[(Wall, Wall, GapCause)],
) -> Vec<Stretch> {
    let mut taken: Vec<Stretch> = Vec::new();
    let recorded = recorded.iter().map(|&(from, to)| Stretch { from, to, what: What::Recorded });
    fill(&mut taken, sorted(recorded, from, to));
    let gaps = gaps.iter().map(|&(from, to, cause)| Stretch { from, to, what: What::Gap(cause) });
    fill(&mut taken, sorted(gaps, from, to));
    let mut line: Vec<Stretch> = Vec::with_capacity(taken.len());
    let mut at = from;
    for stretch in taken {
        if stretch.from > at {
            explain_nothing(&mut line, at, stretch.from);
        }
        push(&mut line, stretch);
        at = stretch.to;
    }
    if at < to {
        explain_nothing(&mut line, at, to);
    }
    line
}

fn sorted(stretches: impl Iterator<Item = Stretch>, from: Wall, to: Wall) -> Vec<Stretch> {
    let mut inside: Vec<Stretch> = stretches
        .map(|s| Stretch { from: s.from.max(from), to: s.to.min(to), what: s.what })
        .filter(|s| s.from < s.to)
        .collect();
    inside.sort_by_key(|s| (s.from, std::cmp::Reverse(s.to)));
    inside
}

/// Puts `more`, which is sorted by begin, where `taken` (sorted, without overlap) leaves room; the earlier ones of it first.
fn fill(taken: &mut Vec<Stretch>, more: Vec<Stretch>) {
    let before = std::mem::take(taken);
    let mut before = before.into_iter().peekable();
    // Up to here everything is decided.
    let mut done: Option<Wall> = None;
    for mut stretch in more {
        loop {
            stretch.from = done.map_or(stretch.from, |done| done.max(stretch.from));
            if stretch.from >= stretch.to {
                break;
            }
            match before.peek() {
                // It comes first, or lies over the begin: it goes in, and what is left of ours is behind it.
                Some(own) if own.from <= stretch.from => {
                    done = done.max(Some(own.to));
                    taken.push(*own);
                    before.next();
                }
                Some(own) if own.from < stretch.to => {
                    let at = own.from;
                    taken.push(Stretch { to: at, ..stretch });
                    done = Some(at);
                }
                _ => {
                    taken.push(stretch);
                    done = Some(stretch.to);
                }
            }
        }
    }
    taken.extend(before);
}

fn explain_nothing(line: &mut Vec<Stretch>, from: Wall, to: Wall) {
    match line.last_mut() {
        Some(last) if to.us_since(from) < SLACK.as_micros() as i64 => last.to = to,
        _ => push(line, Stretch { from, to, what: What::Gap(GapCause::Missing) }),
    }
}

/// Appends a stretch, or makes the last one longer where it is the same.
fn push(line: &mut Vec<Stretch>, stretch: Stretch) {
    match line.last_mut() {
        Some(last) if last.what == stretch.what => last.to = stretch.to,
        _ => line.push(stretch),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: i64) -> Wall {
        Wall::from_unix_ms(s * 1000)
    }

    fn line(recorded: &[(i64, i64)], gaps: &[(i64, i64, GapCause)]) -> String {
        let recorded: Vec<_> = recorded.iter().map(|&(from, to)| (at(from), at(to))).collect();
        let gaps: Vec<_> = gaps.iter().map(|&(from, to, cause)| (at(from), at(to), cause)).collect();
        let line = cover(at(0), at(100), &recorded, &gaps);
        let words = line.iter().map(|s| {
            let what = match s.what {
                What::Recorded => "recorded",
                What::Gap(cause) => cause.as_str(),
                What::Open => "open",
            };
            format!("{what} {}", s.to.unix_ms() / 1000)
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_there_and_what_is_not_tiles_the_range() {
        use GapCause::{Deleted, Offline, Stopped};
        type Row = (&'static [(i64, i64)], &'static [(i64, i64, GapCause)], &'static str);
        let rows: [Row; 11] = [
            (&[], &[], "missing 100"),
            (&[(0, 100)], &[], "recorded 100"),
            (&[(0, 50), (50, 100)], &[], "recorded 100"),
            (&[(-10, 30), (60, 200)], &[(30, 60, Offline)], "recorded 30, offline 60, recorded 100"),
            (&[(20, 40)], &[], "missing 20, recorded 40, missing 100"),
            (&[(20, 40)], &[(0, 100, Offline)], "offline 20, recorded 40, offline 100"),
            (&[], &[(0, 30, Offline), (30, 50, Offline), (50, 100, Stopped)], "offline 50, stopped 100"),
            (&[], &[(0, 60, Offline), (30, 100, Stopped)], "offline 60, stopped 100"),
            (&[], &[(0, 60, Offline), (10, 20, Stopped)], "offline 60, missing 100"),
            (&[], &[(0, 10, Deleted), (0, 40, Offline)], "offline 40, missing 100"),
            (&[(10, 60), (20, 30)], &[(5, 5, Offline)], "missing 10, recorded 60, missing 100"),
        ];
        for (recorded, gaps, expected) in rows {
            assert_eq!(line(recorded, gaps), expected, "{recorded:?} {gaps:?}");
        }
    }

    #[test]
    fn a_hole_that_is_shorter_than_a_second_is_none() {
        let ms = Wall::from_unix_ms;
        let recorded = [(ms(0), ms(9_100)), (ms(10_000), ms(20_000))];
        let line = cover(ms(0), ms(20_999), &recorded, &[]);
        assert_eq!(line, [Stretch { from: ms(0), to: ms(20_999), what: What::Recorded }]);
        let recorded = [(ms(0), ms(9_000)), (ms(10_000), ms(20_000))];
        assert_eq!(cover(ms(0), ms(20_000), &recorded, &[]).len(), 3, "a whole second is one");
    }

    fn any_span() -> impl Strategy<Value = (Wall, Wall)> {
        (-20i64..220, 0i64..80).prop_map(|(from, len)| (at(from), at(from + len)))
    }

    proptest! {
        #[test]
        fn each_moment_is_in_one_stretch_and_says_the_truth(
            recorded in proptest::collection::vec(any_span(), 0..8),
            gaps in proptest::collection::vec((any_span(), 0usize..GapCause::ALL.len()), 0..8),
        ) {
            let gaps: Vec<_> = gaps.into_iter().map(|((from, to), cause)| (from, to, GapCause::ALL[cause])).collect();
            let (from, to) = (at(0), at(200));
            let line = cover(from, to, &recorded, &gaps);
            prop_assert_eq!(line.first().map(|s| s.from), Some(from));
            prop_assert_eq!(line.last().map(|s| s.to), Some(to));
            for pair in line.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
                prop_assert_ne!(pair[0].what, pair[1].what);
            }
            for stretch in &line {
                prop_assert!(stretch.from < stretch.to);
                for s in (stretch.from.unix_ms() / 1000)..(stretch.to.unix_ms() / 1000) {
                    let over = |from: Wall, to: Wall| from <= at(s) && at(s) < to;
                    let is_recorded = recorded.iter().any(|&(from, to)| over(from, to));
                    prop_assert_eq!(stretch.what == What::Recorded, is_recorded, "at {}", s);
                    let explained: Vec<_> = gaps.iter().filter(|&&(from, to, _)| over(from, to)).map(|gap| gap.2).collect();
                    match stretch.what {
                        What::Gap(cause) if !explained.is_empty() => prop_assert!(explained.contains(&cause)),
                        What::Gap(cause) => prop_assert_eq!(cause, GapCause::Missing),
                        What::Recorded => {}
                        What::Open => prop_assert!(false, "nobody said so"),
                    }
                }
            }
        }
    }
}
