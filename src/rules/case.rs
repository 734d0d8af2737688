//! One visitor before one rule: what has been seen, whether it is believed, and whether it has happened.
//!
//! Owns the states between "a detection" and "this deserves an alert". Alerts themselves belong to [`super::watch`].

use std::time::Duration;

use super::area::{Area, Inside, Walk};
use crate::{
    config::{Condition, Direction, Rule},
    geometry::{Crossing, Segment},
    id::{AlertId, TrackId},
    time::{Mono, Now},
    track::Track,
};

/// What was seen of a thing before it was known to move counts from so long before.
const UNMOVED_COUNTS: Duration = Duration::from_secs(3);
/// Outside of a zone for so long, or so long after it crossed a line, what happened is over; until then it is the same event.
pub(super) const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// This long after a visitor's track ended, what happened is over; until then another track may go on for it.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(2);

/// N of the last M looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Belief {
    bits: u32,
    /// When the first of these looks was.
    first: Option<Now>,
}

impl Belief {
    fn look(&mut self, now: Now, counts: Counts, rule: &Rule) {
        let mask = u32::MAX >> (32 - rule.frames_window.clamp(1, 32));
        self.bits = ((self.bits << 1) | u32::from(counts == Counts::Yes)) & mask;
        if self.bits == 0 {
            self.first = None;
        } else {
            self.first.get_or_insert(now);
        }
    }

    fn holds(&self, rule: &Rule) -> bool {
        self.bits.count_ones() >= rule.frames_needed.max(1)
    }

    fn continue_from(&mut self, earlier: &Self, looks: u32) {
        self.bits |= earlier.bits.checked_shl(looks).unwrap_or(0);
        self.first = earlier.first.or(self.first);
    }
}

/// Whether a look speaks for the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Yes,
    No,
}

/// Where a rule looks.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    Area(Area),
    Line(Segment),
}

/// How far it has come.
///
/// ```text
///            believed inside, and moved                 clear of the zone
/// Unproven ──────────────────────────────▶ Inside ◀──────────────────────▶ Outside
///     ▲                                                    clearly back      │
///     └──────────────────────────────────────────────────────10 s────────────┘
/// ```
/// Lines have no such state: a [`Walk`] says when they are crossed.
#[derive(Debug, Clone, Copy)]
enum Stay {
    Unproven,
    Inside { began: Now, told: Told },
    Outside { began: Now, since: Mono, left: Belief, told: Told },
}

/// Whether this stay has led to what the rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
}

/// Something happened that the rule asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Due {
    /// The arrival of the first frame that shows it.
    pub(super) at: Now,
    pub(super) direction: Option<Direction>,
}

/// One visitor before one rule.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) track: TrackId,
    belief: Belief,
    looks: u32,
    inside: Inside,
    stay: Stay,
    walk: Walk,
    /// What happened and has not become an alert yet.
    pub(super) due: Option<Due>,
    /// The alert that it became.
    pub(super) alert: Option<AlertId>,
    /// Until when what happened was going on, whether seen or not.
    shown: Mono,
    /// When it was last seen to go on.
    pub(super) seen: Now,
    /// When its track ended.
    pub(super) gone: Option<Mono>,
}

impl Case {
    pub(super) fn new(now: Now, track: TrackId) -> Self {
        Self {
            track,
            belief: Belief::default(),
            looks: 0,
            inside: Inside::No,
            stay: Stay::Unproven,
            walk: Walk::default(),
            due: None,
            alert: None,
            shown: now.mono,
            seen: now,
            gone: None,
        }
    }

    /// The zone, the line or the rule was changed under it. Its alert goes on by what is seen from here on; without one it is forgotten, since what was seen
    /// was measured by something else.
    pub(super) fn redrawn(self) -> Option<Self> {
        self.alert.is_some().then(|| Self { walk: Walk::default(), due: None, ..self })
    }

    /// Whether an alert about it may be raised: it is believed, and it is something that moves.
    pub(super) fn is_credible(&self, rule: &Rule, track: &Track) -> bool {
        track.moved && (!matches!(self.stay, Stay::Unproven) || self.belief.holds(rule))
    }

    /// Takes in a frame. `in_hours`: whether the rule applies now.
    pub(super) fn observe(
        &mut self,
        now: Now,
        rule: &Rule,
        scope: &Scope,
        sight: &super::path::Sight<'_>,
        in_hours: InHours,
    ) {
        if sight.looked {
            self.looks = self.looks.saturating_add(1);
            match scope {
                Scope::Area(area) => self.look_at_area(now, rule, area, sight.track),
                Scope::Line(line) => self.look_at_line(now, rule, line, sight),
            }
        }
        self.stay_on(now, rule, in_hours);
    }

    fn look_at_area(&mut self, now: Now, rule: &Rule, area: &Area, track: &Track) {
        if track.confidence.is_some() {
            self.inside = area.holds(&track.bbox, self.inside);
        }
        let seen_inside = self.inside == Inside::Yes && track.confidence.is_some();
        let counts = counts(rule, track);
        let (inside, outside) = match self.inside {
            Inside::Yes => (counts, Counts::No),
            Inside::No => (Counts::No, counts),
        };
        match &mut self.stay {
            Stay::Unproven => {
                self.belief.look(now, inside, rule);
                let Some(mut began) = self.belief.first else { return };
                if !track.moved && now.mono.since(began.mono) > UNMOVED_COUNTS {
                    began = now;
                    self.belief.first = Some(now);
                }
                if track.moved && self.belief.holds(rule) {
                    self.stay = Stay::Inside { began, told: Told::No };
                    if matches!(rule.when, Condition::ZoneEnter { .. }) {
                        self.tell(Due { at: began, direction: None });
                    }
                    self.seen = now;
                }
            }
            Stay::Inside { began, told } if self.inside == Inside::No => {
                let mut left = Belief::default();
                left.look(now, outside, rule);
                self.stay = Stay::Outside { began: *began, since: now.mono, left, told: *told };
                self.tell_left(now, rule, track);
            }
            Stay::Outside { began, told, .. } if seen_inside => {
                // Out for less than the time in which it settles: the same stay.
                self.stay = Stay::Inside { began: *began, told: *told };
                self.seen = now;
            }
            Stay::Outside { left, .. } => {
                left.look(now, outside, rule);
                self.tell_left(now, rule, track);
            }
            Stay::Inside { .. } => {
                if seen_inside {
                    self.seen = now;
                }
            }
        }
    }

    /// Out of the zone, believed to be, and still in view: that is what `zone-leave` asks for.
    fn tell_left(&mut self, now: Now, rule: &Rule, track: &Track) {
        let Stay::Outside { left, told: Told::No, .. } = self.stay else { return };
        let Some(first) = left.first else { return };
        if matches!(rule.when, Condition::ZoneLeave { .. }) && left.holds(rule) && track.moved {
            self.tell(Due { at: first, direction: None });
            self.shown = now.mono;
            self.seen = now;
        }
    }

    fn look_at_line(&mut self, now: Now, rule: &Rule, line: &Segment, sight: &super::path::Sight<'_>) {
        let track = sight.track;
        self.belief.look(now, counts(rule, track), rule);
        if track.confidence.is_none() {
            return;
        }
        let Some((crossing, at)) = self.walk.step(now, line, sight.from, &track.bbox) else { return };
        let direction = match crossing {
            Crossing::LeftToRight => Direction::In,
            Crossing::RightToLeft => Direction::Out,
        };
        let wanted = match &rule.when {
            Condition::LineCross { direction: wanted, .. } => wanted.is_none_or(|wanted| wanted == direction),
            Condition::WrongWay { allowed, .. } => *allowed != direction,
            Condition::ZoneEnter { .. } | Condition::ZoneLeave { .. } | Condition::Dwell { .. } => false,
        };
        if wanted {
            self.due = Some(Due { at, direction: Some(direction) });
            self.shown = now.mono;
            self.seen = now;
        }
    }

    /// What lasts: a stay goes on while its track lives, whether it was detected in this frame or not.
    fn stay_on(&mut self, now: Now, rule: &Rule, in_hours: InHours) {
        match &mut self.stay {
            Stay::Unproven => {}
            Stay::Inside { began, told } => {
                if let Condition::Dwell { at_least, .. } = rule.when {
                    if in_hours == InHours::No && *told == Told::No {
                        *began = now;
                    }
                    if *told == Told::No && now.mono.since(began.mono) >= at_least {
                        self.tell(Due { at: now, direction: None });
                    }
                }
                if !matches!(rule.when, Condition::ZoneLeave { .. }) {
                    self.shown = now.mono;
                }
            }
            Stay::Outside { since, .. } => {
                if now.mono.since(*since) >= SETTLED_AFTER {
                    self.stay = Stay::Unproven;
                    self.belief = Belief::default();
                    self.due = None;
                }
            }
        }
    }

    fn tell(&mut self, due: Due) {
        self.due = Some(due);
        match &mut self.stay {
            Stay::Inside { told, .. } | Stay::Outside { told, .. } => *told = Told::Yes,
            Stay::Unproven => {}
        }
    }

    /// What happened is told of now: it goes on from here.
    pub(super) fn show(&mut self, now: Now) {
        self.shown = now.mono;
    }

    /// Whether what happened is over: the visitor has gone, or has been elsewhere for a time.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.is_gone(now) || now.mono.since(self.shown) >= SETTLED_AFTER
    }

    /// Whether the visitor has gone for good.
    pub(super) fn is_gone(&self, now: Now) -> bool {
        self.gone.is_some_and(|at| now.mono.since(at) >= GONE_AFTER)
    }

    /// The visitor of the `earlier` case is the one of this case, whose track goes on where the other broke off.
    pub(super) fn continue_from(
        &mut self,
        earlier: &Self,
        scope: &Scope,
        succession: &super::path::Succession,
    ) {
        if let Scope::Line(line) = scope {
            let s = succession;
            self.walk.continue_from(&earlier.walk, line, s.old_foot, s.new_foot, s.new_born);
        }
        if matches!(self.stay, Stay::Unproven) {
            self.belief.continue_from(&earlier.belief, self.looks);
            self.stay = earlier.stay;
            self.due = earlier.due.or(self.due);
            self.shown = self.shown.max(earlier.shown);
            self.seen = if self.seen.mono >= earlier.seen.mono { self.seen } else { earlier.seen };
        }
        self.alert = earlier.alert;
        if self.alert.is_some() {
            self.due = None;
        }
    }
}

/// Whether the rule applies now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InHours {
    Yes,
    No,
}

/// Whether a look at this track speaks for the rule.
fn counts(rule: &Rule, track: &Track) -> Counts {
    let sure = track.confidence.is_some_and(|confidence| confidence >= rule.confidence_min);
    if sure && track.bbox.h() >= rule.height_min && rule.classes.contains(&track.class) {
        Counts::Yes
    } else {
        Counts::No
    }
}
