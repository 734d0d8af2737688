//! What commands do with an alert, and who may give them.

use std::time::Duration;

use super::{
    Actor, Changed, Command, Deadline, Life, NotDone, Reason, State, ToldWhy, Verb,
    deadlines::LEASE,
    value::{Claim, Closed, Done, Note, Tell, keep},
};
use crate::time::Wall;

/// A command is void so long after it was said.
const VOID_AFTER: Duration = Duration::from_secs(30);
/// Longest name of a person or unit, and longest remark, in characters.
const NAME_LEN_MAX: usize = 64;
const NOTE_LEN_MAX: usize = 500;

/// What a command came to, where it was not refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Obeyed {
    /// It had an effect: the alert has the next revision by it.
    Changed(Changed),
    /// It is so already, and stays as it is.
    Idle,
    /// It was done before.
    Repeated {
        /// The revision that the alert had by it.
        rev: u64,
    },
}

impl Life {
    /// Does what is wanted with the alert that has revision `rev`, or says why not; then nothing has changed. `tell` as for [`Life::reach`].
    pub fn obey(
        &mut self,
        now: Wall,
        rev: u64,
        command: &Command,
        tell: Tell<'_>,
    ) -> Result<Obeyed, NotDone> {
        if let Some((_, rev)) = self.remembered.iter().find(|(id, _)| *id == command.id) {
            return Ok(Obeyed::Repeated { rev: *rev });
        }
        self.may(now, rev, command)?;
        let actor = &command.actor;
        let changed = match command.verb {
            Verb::Ack => self.acknowledge(now, actor),
            Verb::Claim => Some(self.promise_to_go(now, actor)?),
            Verb::Release => {
                self.held_by(actor)?;
                if self.claim.is_none() {
                    return Err(NotDone::Conflict("nobody has claimed it".to_owned()));
                }
                Some(self.let_go(now, tell))
            }
            Verb::Escalate => Some(self.tell_more(now, tell)),
            Verb::Resolve | Verb::Dismiss => {
                self.held_by(actor)?;
                let state = if command.verb == Verb::Resolve { State::Resolved } else { State::Dismissed };
                let (by, note) = (Some(actor.clone()), command.note.clone());
                self.close(state, Closed { at: now, by, reason: command.reason, note });
                Some(Changed::default())
            }
            Verb::Annotate => Some(Changed::default()),
        };
        let is_said = !matches!(command.verb, Verb::Resolve | Verb::Dismiss);
        let note = command.note.clone().filter(|_| is_said);
        let changed = match (changed, &note) {
            (None, None) => return Ok(Obeyed::Idle),
            (changed, _) => changed.unwrap_or_default(),
        };
        if let Some(text) = note {
            keep(&mut self.notes, Note { at: now, by: actor.clone(), text });
        }
        keep(&mut self.remembered, (command.id, rev + 1));
        Ok(Obeyed::Changed(changed))
    }

    /// What holds for every command.
    fn may(&self, now: Wall, rev: u64, command: &Command) -> Result<(), NotDone> {
        well_formed(command)?;
        if command.at.is_some_and(|at| at.after(VOID_AFTER) < now) {
            let s = VOID_AFTER.as_secs();
            return Err(NotDone::Expired(format!(
                "it was said more than {s} seconds ago; say it again with another id"
            )));
        }
        if let Some(station) = command.actor.station.as_ref().filter(|station| !self.is_shared(station)) {
            return Err(NotDone::Forbidden(format!("this alert was not shared with station {station}")));
        }
        if let Some(wanted) = command.if_rev.filter(|wanted| *wanted != rev) {
            return Err(NotDone::Conflict(format!("it has revision {rev} by now, and not {wanted}")));
        }
        if self.state.is_closed() && command.verb != Verb::Annotate {
            return Err(NotDone::Conflict(format!("it is closed: {}", self.state.as_str())));
        }
        Ok(())
    }

    fn acknowledge(&mut self, now: Wall, by: &Actor) -> Option<Changed> {
        if self.seen.is_some() || self.claim.is_some() {
            return None;
        }
        self.seen = Some(now);
        self.acknowledged.get_or_insert_with(|| Done { at: now, by: by.clone() });
        self.dues.remove(&Deadline::Remind);
        // Who was told more has not been told less.
        if self.state == State::Raised {
            self.state = State::Acknowledged;
        }
        Some(Changed::default())
    }

    fn promise_to_go(&mut self, now: Wall, by: &Actor) -> Result<Changed, NotDone> {
        let since = match &self.claim {
            Some(claim) if claim.by != *by => return Err(NotDone::Conflict(claimed(claim))),
            Some(claim) => claim.since,
            None => now,
        };
        let until = now.after(LEASE);
        self.state = State::Claimed;
        self.claim = Some(Claim { since, by: by.clone(), until });
        self.first_claimed.get_or_insert_with(|| Done { at: now, by: by.clone() });
        self.dues.clear();
        self.dues.insert(Deadline::Lapse, until);
        Ok(Changed::default())
    }

    /// Somebody who goes may want more to come: it stays claimed.
    fn tell_more(&mut self, now: Wall, tell: Tell<'_>) -> Changed {
        // Where all were told, those of the highest tier are told again.
        let telling = tell(self.next_tier()).or_else(|| tell(self.tier));
        let changed = telling.map(|telling| self.tell(now, ToldWhy::Escalated, telling));
        if self.claim.is_none() {
            self.state = State::Escalated;
            self.press(now);
        }
        changed.unwrap_or_default()
    }

    /// While it is claimed, it is the holder's, and his unit's.
    fn held_by(&self, actor: &Actor) -> Result<(), NotDone> {
        match &self.claim {
            Some(claim) if claim.by.unit != actor.unit || claim.by.station != actor.station => {
                Err(NotDone::Forbidden(claimed(claim)))
            }
            _ => Ok(()),
        }
    }
}

fn claimed(claim: &Claim) -> String {
    let Actor { who, unit, station } = &claim.by;
    let of = station.as_ref().map(|station| format!(" of station {station}")).unwrap_or_default();
    format!("{who} ({unit}{of}) has claimed it, until {}", claim.until)
}

fn well_formed(command: &Command) -> Result<(), NotDone> {
    let invalid = |what: &str| Err(NotDone::Invalid(what.to_owned()));
    let is_name = |text: &str| {
        (1..=NAME_LEN_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if !is_name(&command.actor.who) || !is_name(&command.actor.unit) {
        return invalid("`actor` needs `who` and `unit`, each of 1 to 64 characters in one line");
    }
    let note = command.note.as_deref();
    let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    let is_note = |note: &str| {
        !note.trim().is_empty() && note.chars().count() <= NOTE_LEN_MAX && !note.chars().any(is_odd)
    };
    if note.is_some_and(|note| !is_note(note)) {
        return invalid("`note` has 1 to 500 characters, and no control characters but line breaks");
    }
    match (command.verb, command.reason) {
        (Verb::Dismiss, None) => invalid("`dismiss` needs a `reason`"),
        (Verb::Dismiss, Some(Reason::Other)) if note.is_none() => {
            invalid("the reason `other` needs a `note` that says what")
        }
        (Verb::Dismiss, _) => Ok(()),
        (_, Some(_)) => invalid("only `dismiss` has a `reason`"),
        (Verb::Annotate, None) if note.is_none() => invalid("`annotate` needs a `note`"),
        (_, None) => Ok(()),
    }
}
