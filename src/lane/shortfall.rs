//! Where a camera is analysed less than is wanted: told in intervals worth keeping.
//!
//! Pure and small: it is told what was wanted and what became of it, and has no clock. How intervals are kept and told is not its business, nor is a
//! camera that is away: its health says so ([`Shortfall::cut`]).
//!
//! Time is cut into seconds. A frame belongs to the second in which it was wanted; outcomes are told without saying which frame they are of, and
//! belong to the oldest frame that has none. A second is judged once all of its frames have an outcome, or [`SETTLED_S`] after its end: what has
//! none by then was not analysed.
//!
//! | rule | |
//! |---|---|
//! | a second is *blind* | something was wanted in it and nothing was analysed |
//! | a spell begins | with a blind second, or where fewer than 80 % were analysed over [`WINDOW_S`] |
//! | it ends | once no second in the last [`WINDOW_S`] was blind and 90 % were analysed |
//! | in a spell | blind seconds that last for five or longer are an interval of their own (`NotAnalysed`); shorter ones are part of what is around them (`Reduced`), so that an even trickle is told as what it is |
//! | an interval | begins and ends with a second that lacks frames, and is told when it is over, after [`TOLD_S`] at the latest |
//!
//! So every blind second lies in an interval, and every second that lacks frames in any window below 80 %. Intervals never overlap. Lengths are
//! by the monotonic clock; civil time is that of the moment when an interval is told.

mod spell;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use self::spell::{Run, Second, Spell};
use crate::{
    analysis::{Cause, Interval, What},
    metrics::{Metrics, OfCamera, OfCause},
    time::{Mono, Now, Wall},
};

/// Seconds over which the share of analysed frames is taken.
const WINDOW_S: usize = 5;
/// A frame without an outcome so many seconds after its own was not analysed.
const SETTLED_S: u64 = 3;
/// An interval that goes on is told after so many seconds, and goes on as another one.
const TOLD_S: u64 = 600;
/// Seconds that wait to be judged, at most. They are judged with each tick; what comes later than this before the tick counts for the last one.
const OPEN_MAX: usize = 8;
/// Two intervals that meet are told at different times: civil time may have drifted by so much in between without having been set.
const DRIFT_MAX_US: i64 = 1_000_000;

const CAUSES: usize = Cause::ALL.len();

/// Finds out where one camera is analysed less than is wanted. See the module for the rules.
#[derive(Debug)]
pub struct Shortfall {
    /// When second 0 begins.
    origin: Mono,
    /// The number of the first second in `open`.
    first_open: u64,
    /// Seconds that are not judged yet, oldest first.
    open: VecDeque<Second>,
    /// The last seconds that were judged, oldest first.
    window: VecDeque<Judged>,
    /// Why nothing is looked at just now although something should be.
    unwatched: Option<Cause>,
    spell: Option<Spell>,
    /// Where the last interval ended: second and civil time.
    last_end: Option<(u64, Wall)>,
    tally: Tally,
}

/// What was judged since the tick before, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that were wanted.
    pub wanted: u64,
    /// Of these, frames that were analysed.
    pub analysed: u64,
    /// Seconds in which something was wanted and nothing was analysed.
    pub blind_s: u64,
    /// Frames that were not analysed, by [`Cause::index`]; a second in which nothing was looked at counts as one.
    pub missed: [u64; CAUSES],
}

impl Tally {
    /// Counts it for a camera.
    pub fn count(&self, metrics: &Metrics, of: &OfCamera) {
        let by_camera = [
            (&metrics.analysis_wanted, self.wanted),
            (&metrics.analysis_done, self.analysed),
            (&metrics.analysis_blind_seconds, self.blind_s),
        ];
        for (counter, by) in by_camera.into_iter().filter(|(_, by)| *by > 0) {
            counter.get_or_create(of).inc_by(by);
        }
        for cause in Cause::ALL {
            let by = self.missed[cause.index()];
            if by > 0 {
                metrics.analysis_missed.get_or_create(&OfCause::from(cause)).inc_by(by);
            }
        }
    }
}

impl Shortfall {
    /// Nothing is wanted yet.
    pub fn new(now: Now) -> Self {
        Self {
            origin: now.mono,
            first_open: 0,
            open: VecDeque::with_capacity(OPEN_MAX),
            window: VecDeque::with_capacity(WINDOW_S + 1),
            unwatched: None,
            spell: None,
            last_end: None,
            tally: Tally::default(),
        }
    }

    /// A frame was due for analysis. Tell of it when it comes in, not when it is decoded; one of [`Self::analysed`] and [`Self::skipped`] follows.
    pub fn wanted(&mut self, now: Now) {
        let second = self.second(now.mono);
        second.wanted = second.wanted.saturating_add(1);
    }

    /// A frame that was wanted was analysed, whatever was found.
    pub fn analysed(&mut self) {
        if let Some(second) = self.open.iter_mut().find(|second| second.undecided() > 0) {
            second.analysed += 1;
        }
    }

    /// `count` frames that were wanted will not be analysed.
    pub fn skipped(&mut self, count: u32, cause: Cause) {
        let mut left = u16::try_from(count).unwrap_or(u16::MAX);
        for second in &mut self.open {
            let here = left.min(second.undecided());
            second.missed[cause.index()] += here;
            left -= here;
        }
    }

    /// From now on nothing is looked at although something should be: a promised look is late, say. May be said again and again.
    pub fn not_watching(&mut self, now: Now, cause: Cause) {
        if self.unwatched != Some(cause) {
            self.catch_up(now.mono);
            self.second(now.mono).unwatched = Some(cause);
            self.unwatched = Some(cause);
        }
    }

    /// What should be looked at is looked at again; ends [`Self::not_watching`], and changes nothing where there was none.
    pub fn watching(&mut self, now: Now) {
        if self.unwatched.is_some() {
            self.catch_up(now.mono);
            self.unwatched = None;
        }
    }

    /// The stream broke off: nothing is wanted, and frames without an outcome are forgotten.
    pub fn cut(&mut self, now: Now) {
        self.watching(now);
        for second in &mut self.open {
            second.wanted -= second.undecided();
        }
    }

    /// Judges what can be judged; intervals that are worth keeping are appended to `out`. Once a second.
    ///
    /// `held_by` is why frames have no outcome yet, where they have none: which pool the camera waits for.
    pub fn tick(&mut self, now: Now, held_by: Cause, out: &mut Vec<Interval>) -> Tally {
        let current = self.number(now.mono);
        while self.first_open < current {
            let is_settled = current - self.first_open > SETTLED_S;
            let undecided = self.open.front().map_or(0, Second::undecided);
            if undecided > 0 && !is_settled {
                break;
            }
            let mut second = self.open.pop_front().unwrap_or_else(|| Second::new(self.unwatched));
            second.missed[held_by.index()] += undecided;
            self.judge(second, now, out);
        }
        std::mem::take(&mut self.tally)
    }

    /// The daemon stops: what is open is told. Frames without an outcome are forgotten.
    pub fn stop(&mut self, now: Now, out: &mut Vec<Interval>) -> Tally {
        // The second that is under way counts, where it has begun.
        let until = self.number(now.mono + Duration::from_nanos(999_999_999));
        let unwatched = self.unwatched;
        self.cut(now);
        while self.first_open < until {
            let second = self.open.pop_front().unwrap_or_else(|| Second::new(unwatched));
            self.judge(second, now, out);
        }
        if let Some(mut spell) = self.spell.take() {
            spell.close(|run| emit(self.origin, &mut self.last_end, &run, now, out));
        }
        std::mem::take(&mut self.tally)
    }

    /// The next second is settled.
    fn judge(&mut self, second: Second, now: Now, out: &mut Vec<Interval>) {
        let number = self.first_open;
        self.first_open += 1;
        self.tally.add(&second);
        if self.window.len() == WINDOW_S {
            self.window.pop_front();
        }
        self.window.push_back(Judged { number, second, is_told: false });
        let mut spell = match self.spell.take() {
            Some(spell) => spell,
            None if self.is_short() => Spell::default(),
            None => return,
        };
        for judged in self.window.iter_mut().filter(|judged| !judged.is_told) {
            judged.is_told = true;
            let told = spell.add(judged.number, &judged.second);
            for run in told.into_iter().flatten() {
                emit(self.origin, &mut self.last_end, &run, now, out);
            }
        }
        if self.is_well() {
            spell.close(|run| emit(self.origin, &mut self.last_end, &run, now, out));
        } else {
            if spell.begin().is_some_and(|begin| number + 1 - begin >= TOLD_S) {
                spell.close(|run| emit(self.origin, &mut self.last_end, &run, now, out));
            }
            self.spell = Some(spell);
        }
    }

    /// Whether a spell begins.
    fn is_short(&self) -> bool {
        let (wanted, analysed) = self.share();
        let lacks = |judged: &Judged| !judged.is_told && judged.second.is_short();
        self.window.back().is_some_and(|judged| judged.second.is_blind())
            || (analysed * 5 < wanted * 4 && self.window.iter().any(lacks))
    }

    /// Whether a spell ends.
    fn is_well(&self) -> bool {
        let (wanted, analysed) = self.share();
        analysed * 10 >= wanted * 9 && !self.window.iter().any(|judged| judged.second.is_blind())
    }

    /// Wanted and analysed frames over the window.
    fn share(&self) -> (u32, u32) {
        self.window.iter().fold((0, 0), |(wanted, analysed), Judged { second, .. }| {
            (wanted + u32::from(second.wanted), analysed + u32::from(second.analysed))
        })
    }

    fn number(&self, at: Mono) -> u64 {
        at.since(self.origin).as_secs()
    }

    /// Opens the seconds that began before `at`: they are as things were until now.
    fn catch_up(&mut self, at: Mono) {
        let first_begins = self.origin + Duration::from_secs(self.first_open);
        while self.open.len() < OPEN_MAX && first_begins + Duration::from_secs(self.open.len() as u64) < at {
            self.open.push_back(Second::new(self.unwatched));
        }
    }

    /// The second of `at`. What lies before the open ones, and what lies too far behind them, counts for the nearest.
    fn second(&mut self, at: Mono) -> &mut Second {
        let place = self.number(at).saturating_sub(self.first_open);
        let place = usize::try_from(place).unwrap_or(OPEN_MAX).min(OPEN_MAX - 1);
        while self.open.len() <= place {
            self.open.push_back(Second::new(self.unwatched));
        }
        &mut self.open[place]
    }
}

/// Tells of a run as an interval.
fn emit(origin: Mono, last_end: &mut Option<(u64, Wall)>, run: &Run, now: Now, out: &mut Vec<Interval>) {
    let wall = |second: u64| {
        let back = now.mono.since(origin + Duration::from_secs(second));
        Wall::from_unix_us(
            now.wall.unix_us().saturating_sub(i64::try_from(back.as_micros()).unwrap_or(i64::MAX)),
        )
    };
    let mut from = wall(run.from);
    if let Some((second, end)) = *last_end
        && second == run.from
        && end.us_since(from).abs() < DRIFT_MAX_US
    {
        from = end;
    }
    // At a stop the last second is not over.
    let to = wall(run.to);
    *last_end = Some((run.to, to));
    let seconds = (run.to - run.from).max(1) as f32;
    let what = match run.analysed {
        0 => What::NotAnalysed,
        analysed => {
            What::Reduced { analysed_fps: analysed as f32 / seconds, wanted_fps: run.wanted as f32 / seconds }
        }
    };
    out.push(Interval { from, to, what, cause: Cause::main(&run.missed) });
}

impl Tally {
    fn add(&mut self, second: &Second) {
        self.wanted += u64::from(second.wanted);
        self.analysed += u64::from(second.analysed);
        self.blind_s += u64::from(second.is_blind());
        for cause in Cause::ALL {
            self.missed[cause.index()] += second.missing(cause);
        }
    }
}

/// A second that was judged.
#[derive(Debug)]
struct Judged {
    number: u64,
    second: Second,
    /// It was part of a spell.
    is_told: bool,
}
