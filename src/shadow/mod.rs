//! Other rules, tried over what was seen.
//!
//! ```text
//! seen log ─Record─▶ runs ─Look─▶ frames, as the tracker gave them ─▶ rules::Rules, the new ones ─▶ what they would raise ─┐
//!              └──────────────────────── what was raised ────────────────────────────────────────────────────────────────┴▶ Tried
//! ```
//! Owns the way back from kept paths to frames, and the comparison. The judgement is that of the very same `rules`. What was not kept cannot be
//! judged: where a camera was not looked at, what was less sure than the tracker's threshold, what never moved, and who raised nothing and was surely
//! seen in fewer than three looks. Pure, but for [`Log`], which reads what was kept.

mod frames;
mod log;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::AddAssign, sync::Arc, time::Duration};

pub use self::log::{Log, LogError};

use self::frames::{Run, Would};
use crate::{
    alert::Kind,
    config::{Camera, Direction},
    detect::Class,
    id::{AlertId, RuleId},
    record::seen::{Raised, Record},
    time::Wall,
};

/// An alert of the same rule and of a same track within this time is the same one.
const SAME_TRACK_WITHIN: Duration = Duration::from_secs(600);
/// An alert of the same rule within this time is taken for the same one, where its tracks do not tell.
const SAME_WITHIN: Duration = Duration::from_secs(10);

/// An alert that was raised then, would be raised now, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// When it occurred.
    pub at: Wall,
    /// By which rule.
    pub rule: RuleId,
    /// What kind.
    pub kind: Kind,
    /// Of what.
    pub class: Class,
    /// Which way, for what crosses a line.
    pub direction: Option<Direction>,
    /// The alert that was raised then.
    pub alert: Option<AlertId>,
    /// When, where by the rules that are tried, or by those of then.
    pub outcome: Outcome,
}

/// By whom an alert is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was raised, and would be.
    Both,
    /// It was raised, and would not be.
    OnlyThen,
    /// It was not raised, and would be.
    OnlyNow,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Raised then, and would be raised.
    pub both: u64,
    /// Raised then alone.
    pub only_then: u64,
    /// Would be raised, and was not.
    pub only_now: u64,
}

impl Tally {
    /// By rule.
    pub fn of(tried: &[Tried]) -> BTreeMap<RuleId, Self> {
        let mut tallies: BTreeMap<RuleId, Self> = BTreeMap::new();
        for one in tried {
            *tallies.entry(one.rule.clone()).or_default() += one.outcome;
        }
        tallies
    }

    /// Raised then.
    pub fn raised_then(&self) -> u64 {
        self.both + self.only_then
    }

    /// Would be raised.
    pub fn would_raise(&self) -> u64 {
        self.both + self.only_now
    }
}

impl AddAssign<Outcome> for Tally {
    fn add_assign(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Both => self.both += 1,
            Outcome::OnlyThen => self.only_then += 1,
            Outcome::OnlyNow => self.only_now += 1,
        }
    }
}

/// Tries the rules of `camera` over what was kept of it, in the order in which it was kept. Says what was raised or would be, from `since` on, in
/// order of time; what came before is judged for what follows from it.
pub fn replay(camera: &Arc<Camera>, records: impl IntoIterator<Item = Record>, since: Wall) -> Vec<Tried> {
    let mut tried = Vec::new();
    for run in Run::all(records) {
        let would = run.judge(camera);
        compare(would, run.raised, &mut tried);
    }
    tried.retain(|one: &Tried| one.at >= since);
    tried.sort_by_key(|one| one.at);
    tried
}

/// What was raised of the same tracks by the same rule is the same alert; then what was raised at about the same time.
fn compare(mut would: Vec<Would>, raised: Vec<Raised>, tried: &mut Vec<Tried>) {
    let same_tracks = |would: &Would, raised: &Raised| {
        raised.tracks.iter().any(|track| would.tracks.contains(track))
            && near(would.at, raised.at, SAME_TRACK_WITHIN)
    };
    let same_time = |would: &Would, raised: &Raised| near(would.at, raised.at, SAME_WITHIN);
    let mut left = Vec::new();
    for raised in raised {
        match closest(&would, &raised, same_tracks) {
            Some(i) => tried.push(both(&would.remove(i), &raised)),
            None => left.push(raised),
        }
    }
    for raised in left {
        tried.push(match closest(&would, &raised, same_time) {
            Some(i) => both(&would.remove(i), &raised),
            None => Tried {
                at: raised.at,
                rule: raised.rule,
                kind: raised.kind,
                class: raised.class,
                direction: raised.direction,
                alert: Some(raised.alert),
                outcome: Outcome::OnlyThen,
            },
        });
    }
    tried.extend(would.into_iter().map(|would| Tried {
        at: would.at,
        rule: would.rule,
        kind: would.kind,
        class: would.class,
        direction: would.direction,
        alert: None,
        outcome: Outcome::OnlyNow,
    }));
}

fn near(a: Wall, b: Wall, within: Duration) -> bool {
    u128::from(a.us_since(b).unsigned_abs()) <= within.as_micros()
}

fn closest(would: &[Would], raised: &Raised, is_same: impl Fn(&Would, &Raised) -> bool) -> Option<usize> {
    let of_rule = would.iter().enumerate().filter(|(_, one)| one.rule == raised.rule && is_same(one, raised));
    of_rule.min_by_key(|(_, one)| one.at.us_since(raised.at).abs()).map(|(i, _)| i)
}

fn both(would: &Would, raised: &Raised) -> Tried {
    Tried {
        at: would.at,
        rule: would.rule.clone(),
        kind: would.kind,
        class: would.class,
        direction: would.direction,
        alert: Some(raised.alert),
        outcome: Outcome::Both,
    }
}
