//! What becomes due in an alert's life, when, and what then follows.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Changed, Life, State, ToldWhy,
    value::{Closed, Tell},
};
use crate::{
    alert::{Kind, Severity},
    time::Wall,
};

/// Not acknowledged for so long: who was told is told again.
pub(super) const REMIND_AFTER: Duration = Duration::from_secs(60);
/// Not claimed for so long: the next tier is told.
pub(super) const ESCALATE_AFTER: Duration = Duration::from_secs(180);
/// The station's ten-minute circle: somebody should be on the way by then.
const RESPOND_WITHIN: Duration = Duration::from_secs(600);
/// A claim holds for so long, unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(600);

/// What may become due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// The ten minutes are over with nobody on the way. Before [`Deadline::Expire`], of those that are due at once.
    Breach,
    /// More are to be told.
    Escalate,
    /// Nobody dealt with it in time.
    Expire,
    /// Who goes has not said again that he goes.
    Lapse,
    /// Who was told is to be told again.
    Remind,
}

impl Deadline {
    /// All of them, in the order in which those are reached that are due at once.
    pub const ALL: [Self; 5] = [Self::Breach, Self::Escalate, Self::Expire, Self::Lapse, Self::Remind];

    /// As in keys of the ledger; they sort as the deadlines do.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breach => "breach",
            Self::Escalate => "escalate",
            Self::Expire => "expire",
            Self::Lapse => "lapse",
            Self::Remind => "remind",
        }
    }
}

/// How an alert is pursued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pursuit {
    /// For itself.
    Lead,
    /// With the alert that leads its incident.
    Joined,
    /// Its rule floods: it is told in summaries.
    Flooded,
}

/// After what time what becomes due; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who was told is told again.
    pub(super) remind: Option<Duration>,
    /// The next tier is told.
    pub(super) escalate: Option<Duration>,
    /// It is a breach.
    pub(super) respond: Option<Duration>,
    /// It expires.
    pub(super) expire: Option<Duration>,
}

impl Terms {
    /// Those of an alert.
    pub fn of(kind: Kind, severity: Severity, pursuit: Pursuit) -> Self {
        let is_pressed = pursuit == Pursuit::Lead && severity != Severity::Info;
        let is_breached =
            pursuit != Pursuit::Flooded && severity != Severity::Info && !kind.is_of_equipment();
        Self {
            remind: is_pressed.then_some(REMIND_AFTER),
            escalate: is_pressed.then_some(ESCALATE_AFTER),
            respond: is_breached.then_some(RESPOND_WITHIN),
            expire: (!kind.is_of_equipment()).then(|| expiry(severity)),
        }
    }
}

/// The ledger's keys know milliseconds.
fn is_reached(at: Wall, now: Wall) -> bool {
    at.unix_ms() <= now.unix_ms()
}

/// How long an alert may go unanswered before it expires, and how long a broker may hold it for an absent subscriber.
pub const fn expiry(severity: Severity) -> Duration {
    match severity {
        Severity::Info | Severity::Warning | Severity::Major => Duration::from_secs(600),
        Severity::Critical => Duration::from_secs(3600),
    }
}

impl Life {
    /// Until when somebody should be on the way.
    pub fn respond_by(&self) -> Wall {
        self.raised_at.after(RESPOND_WITHIN)
    }

    /// What is due when. Where it is kept for the time when nobody looks is the caller's; what is not here any more has no effect.
    pub fn dues(&self) -> &BTreeMap<Deadline, Wall> {
        &self.dues
    }

    /// The first of what is due by now: whoever does something with an alert does this before, so that nothing depends on when somebody looks.
    pub fn overdue(&self, now: Wall) -> Option<Deadline> {
        let due = self.dues.iter().filter(|(_, at)| is_reached(**at, now));
        due.min_by_key(|(deadline, at)| (at.unix_ms(), **deadline)).map(|(deadline, _)| *deadline)
    }

    /// What follows from a deadline. Nothing where it does not apply any more, or not yet: reaching it twice is reaching it once. `tell` says who is told at
    /// a tier, or at the next one that has somebody.
    pub fn reach(&mut self, now: Wall, deadline: Deadline, tell: Tell<'_>) -> Option<Changed> {
        let at = *self.dues.get(&deadline)?;
        if !is_reached(at, now) {
            return None;
        }
        self.dues.remove(&deadline);
        match deadline {
            Deadline::Breach => {
                self.breached_at = Some(at);
                Some(Changed::default())
            }
            Deadline::Expire => {
                self.close(State::Expired, Closed { at: now, by: None, reason: None, note: None });
                Some(Changed::default())
            }
            Deadline::Lapse => Some(self.let_go(now, tell)),
            // The same posts, whether or not they are there just now: it is they who have not answered.
            Deadline::Remind => {
                let telling = self.told.back()?.telling();
                Some(self.tell(now, ToldWhy::Again, telling))
            }
            Deadline::Escalate => {
                let telling = tell(self.next_tier())?;
                self.state = State::Escalated;
                let changed = self.tell(now, ToldWhy::Escalated, telling);
                self.press(now);
                Some(changed)
            }
        }
    }

    /// Sets what becomes due once it is raised, at first or again.
    pub(super) fn set_out(&mut self, now: Wall) {
        self.dues.clear();
        self.press(now);
        let is_ahead = now < self.respond_by() && self.breached_at.is_none();
        if self.terms.respond.is_some() && is_ahead {
            self.dues.insert(Deadline::Breach, self.respond_by());
        }
        if let Some(expire) = self.terms.expire {
            self.dues.insert(Deadline::Expire, now.after(expire));
        }
    }

    /// Sets when those are told again who were told now, and when the next ones are.
    pub(super) fn press(&mut self, now: Wall) {
        let remind = self.terms.remind.filter(|_| self.seen.is_none());
        self.dues.extend(remind.map(|after| (Deadline::Remind, now.after(after))));
        self.dues.extend(self.terms.escalate.map(|after| (Deadline::Escalate, now.after(after))));
    }

    /// Nobody goes any more.
    pub(super) fn let_go(&mut self, now: Wall, tell: Tell<'_>) -> Changed {
        self.state = State::Raised;
        self.claim = None;
        self.seen = None;
        self.set_out(now);
        match tell(self.tier).filter(|_| self.terms.escalate.is_some()) {
            Some(telling) => self.tell(now, ToldWhy::Lapsed, telling),
            None => Changed::default(),
        }
    }
}
