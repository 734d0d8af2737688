//! Whether the fleet is analysed as is wanted, for the log.
//!
//! Owns when the operator is told, and what: one line for all cameras together, never one a camera. Pure: it is told the time and what was counted.

use std::{fmt, time::Duration};

use crate::{analysis::Cause, time::Mono};

/// At most one line in so long.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// All must have been well for so long before it is said.
const WELL_FOR: Duration = Duration::from_secs(60);

/// What was counted of one camera since the daemon started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Frames that were wanted.
    pub(super) wanted: u64,
    /// Of these, frames that were analysed.
    pub(super) done: u64,
    /// Seconds in which something was wanted and nothing was analysed.
    pub(super) blind_s: u64,
}

/// What was missed by the whole fleet since the daemon started, by [`Cause::index`].
pub(super) type Missed = [u64; Cause::ALL.len()];

/// Something to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum News {
    /// Analysis falls behind, or far more cameras suffer than were told.
    Behind(Behind),
    /// Every camera is analysed as is wanted, again.
    Well {
        /// How long it was not so.
        after: Duration,
    },
}

/// How far analysis is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Behind {
    /// Cameras of which too few frames are analysed.
    pub(super) cameras: usize,
    /// Frames a second that are analysed of each of these, on average.
    pub(super) analysed_fps: f64,
    /// Frames a second that were wanted of each of these, on average; 0 where only looks are late.
    pub(super) wanted_fps: f64,
    /// What costs the most frames.
    pub(super) cause: Cause,
}

/// "analysed 2.1 of 5 frames a second on 12 cameras: the detector is behind"
impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cameras, plural) = (self.cameras, if self.cameras == 1 { "" } else { "s" });
        let tenths = |fps: f64| (fps * 10.0).round() / 10.0;
        if self.wanted_fps > 0.0 {
            let (analysed, wanted) = (tenths(self.analysed_fps), tenths(self.wanted_fps));
            write!(f, "analysed {analysed} of {wanted} frames a second on {cameras} camera{plural}: ")?;
        } else {
            write!(f, "nothing was analysed for a time on {cameras} camera{plural}: ")?;
        }
        f.write_str(match self.cause {
            Cause::DecodersBehind => "the decoders are behind",
            Cause::DetectorBehind => "the detector is behind",
            Cause::StoreStuck => "alerts wait for the store",
            Cause::DetectorFailed => "the detector fails",
            Cause::NoPicture => "nothing in the stream can be decoded",
            Cause::LookLate => "looks come later than was promised",
        })
    }
}

/// Watches the counts of all cameras.
#[derive(Debug)]
pub(super) struct FleetWatch {
    looked_at: Mono,
    counts: Vec<Counts>,
    missed: Missed,
    /// Cameras that were behind at the last look.
    behind: usize,
    state: State,
    said_at: Option<Mono>,
}

#[derive(Debug)]
enum State {
    Well,
    Behind { since: Mono, well_since: Option<Mono>, told_cameras: usize },
}

impl FleetWatch {
    /// From the start on, at which all counts are zero.
    pub(super) fn new(now: Mono) -> Self {
        Self {
            looked_at: now,
            counts: Vec::new(),
            missed: Missed::default(),
            behind: 0,
            state: State::Well,
            said_at: None,
        }
    }

    /// Looks at the counts, every few seconds; always of the same cameras in the same order.
    pub(super) fn look(&mut self, now: Mono, counts: Vec<Counts>, missed: Missed) -> Option<News> {
        let behind = self.compare(now, &counts, &missed);
        self.behind = behind.as_ref().map_or(0, |behind| behind.cameras);
        (self.looked_at, self.counts, self.missed) = (now, counts, missed);
        let may_speak = self.said_at.is_none_or(|said| now.since(said) >= TELL_EVERY);
        let news = match (&mut self.state, behind) {
            (State::Well, Some(behind)) if may_speak => {
                self.state = State::Behind { since: now, well_since: None, told_cameras: behind.cameras };
                News::Behind(behind)
            }
            (State::Behind { well_since, told_cameras, .. }, Some(behind)) => {
                *well_since = None;
                if !may_speak || behind.cameras < told_cameras.saturating_mul(2) {
                    return None;
                }
                *told_cameras = behind.cameras;
                News::Behind(behind)
            }
            (State::Behind { since, well_since, .. }, None) => {
                let well_since = *well_since.get_or_insert(now);
                if !may_speak || now.since(well_since) < WELL_FOR {
                    return None;
                }
                let after = well_since.since(*since);
                self.state = State::Well;
                News::Well { after }
            }
            (State::Well, _) => return None,
        };
        self.said_at = Some(now);
        Some(news)
    }

    /// How many cameras were behind at the last look.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    /// How far analysis is behind since the last look, where it is.
    fn compare(&self, now: Mono, counts: &[Counts], missed: &Missed) -> Option<Behind> {
        let before = |place: usize| self.counts.get(place).copied().unwrap_or_default();
        let (mut cameras, mut wanted, mut done) = (0, 0, 0);
        for (place, count) in counts.iter().enumerate() {
            let before = before(place);
            let new = Counts {
                wanted: count.wanted.saturating_sub(before.wanted),
                done: count.done.saturating_sub(before.done),
                blind_s: count.blind_s.saturating_sub(before.blind_s),
            };
            if new.blind_s > 0 || new.done * 5 < new.wanted * 4 {
                cameras += 1;
                wanted += new.wanted;
                done += new.done;
            }
        }
        let seconds = now.since(self.looked_at).as_secs_f64();
        if cameras == 0 || seconds <= 0.0 {
            return None;
        }
        let mut new_missed = *missed;
        new_missed.iter_mut().zip(self.missed).for_each(|(new, before)| *new = new.saturating_sub(before));
        let each = |frames: u64| frames as f64 / seconds / cameras as f64;
        Some(Behind {
            cameras,
            analysed_fps: each(done),
            wanted_fps: each(wanted),
            cause: Cause::main(&new_missed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One look each 10 s: how many of 100 cameras suffer (2 of 5 frames a second, or blind), and what is said.
    fn said(looks: &[(usize, usize)]) -> Vec<(usize, String)> {
        let mut watch = FleetWatch::new(Mono::ZERO);
        let (mut counts, mut missed, mut said) =
            (vec![Counts::default(); 100], Missed::default(), Vec::new());
        for (look, &(slow, late)) in looks.iter().enumerate() {
            for (n, count) in counts.iter_mut().enumerate() {
                if (50..50 + late).contains(&n) {
                    count.blind_s += 3;
                    missed[Cause::LookLate.index()] += 3;
                } else if n < 50 {
                    count.wanted += 50;
                    count.done += if n < slow { 20 } else { 50 };
                    missed[Cause::DetectorBehind.index()] += if n < slow { 30 } else { 0 };
                }
            }
            let now = Mono::from_start(Duration::from_secs(10 * (look as u64 + 1)));
            said.extend(watch.look(now, counts.clone(), missed).map(|news| match news {
                News::Behind(behind) => (look, behind.to_string()),
                News::Well { after } => (look, format!("well after {} s", after.as_secs())),
            }));
        }
        said
    }

    #[test]
    fn the_operator_is_told_once_and_at_most_once_a_minute() {
        let slow = |cameras| {
            let plural = if cameras == 1 { "" } else { "s" };
            format!("analysed 2 of 5 frames a second on {cameras} camera{plural}: the detector is behind")
        };
        let well = |s| format!("well after {s} s");
        let looks = |parts: &[(usize, (usize, usize))]| -> Vec<(usize, usize)> {
            parts.iter().flat_map(|&(times, look)| std::iter::repeat_n(look, times)).collect()
        };
        let cases = [
            (looks(&[(100, (0, 0))]), vec![]),
            (looks(&[(3, (0, 0)), (50, (12, 0)), (20, (0, 0))]), vec![(3, slow(12)), (59, well(500))]),
            // It flickers.
            (looks(&[(2, (1, 0)), (1, (0, 0))]).repeat(10), vec![(0, slow(1))]),
            // It becomes much worse at once, and is told after a minute.
            (looks(&[(1, (3, 0)), (20, (40, 0))]), vec![(0, slow(3)), (6, slow(40))]),
            (
                looks(&[(1, (0, 7)), (9, (0, 0))]),
                vec![
                    (
                        0,
                        "nothing was analysed for a time on 7 cameras: looks come later than was promised"
                            .into(),
                    ),
                    (7, well(10)),
                ],
            ),
        ];
        for (looks, expected) in cases {
            assert_eq!(said(&looks), expected);
        }
    }
}
