//! What people would do with alerts, and the office's deadlines.
//!
//! Owns the simulated people: they answer what they have been told of, at the same time as others, twice, and once more where the process was killed before
//! they had an answer. What follows is the clerk's.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Stage, Waiting};
use crate::{
    alert::life::{Actor, Command, Reason, Verb},
    daemon::clerk::{Due, Folder, Record, member, member_range, read_record, record_range},
    duty::MEMBERS_MAX,
    id::{AlertId, CommandId, Mint},
    mqtt::payload::{AnswerResult, ClipStatus},
    sim::world::queue::{Happening, Queue},
    store::Ledger,
    time::{Now, Trust, Wall},
};

/// How often the office looks for deadlines, and how many it reaches then.
pub(super) const SWEEP_EVERY: Duration = Duration::from_secs(1);
const SWEEP_MAX: usize = 256;
/// The last deadlines are looked for so long before the end, so that what follows from them is not on its way then.
const QUIET: Duration = Duration::from_secs(5);
/// Alerts that people look at: the newest ones.
const LOOKED_AT: usize = 12;
/// Shares of wishes that two have at once, and that somebody says twice.
const TWO_AT_ONCE: f64 = 0.25;
const TWICE: f64 = 0.15;
/// Those who answer: two of one unit, and one of another.
const PEOPLE: [(&str, &str); 3] = [("li", "gate"), ("wu", "gate"), ("he", "patrol")];

/// Somebody waits for an answer; what it will say was done, and at which revision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(pub(super) Option<(CommandId, u64)>);

/// Everybody who answers alerts.
pub(super) struct People {
    dice: Mint,
    /// Alerts that were promised, oldest first.
    known: VecDeque<AlertId>,
    /// What was said and has no answer yet, first to last.
    asked: VecDeque<Command>,
    last: Option<Command>,
    /// Revisions that commands led to.
    effects: BTreeMap<CommandId, u64>,
    /// Deadlines are reached within a second from then on: the office was kept from them before.
    hindered: Wall,
}

impl People {
    pub(super) fn new(seed: u64, now: Now) -> Self {
        Self {
            dice: Mint::seeded(seed ^ 0x9e07_1e00),
            known: VecDeque::new(),
            asked: VecDeque::new(),
            last: None,
            effects: BTreeMap::new(),
            hindered: now.wall,
        }
    }

    /// They are told of an alert.
    pub(super) fn told(&mut self, alert: AlertId) {
        self.known.push_back(alert);
        if self.known.len() > LOOKED_AT {
            self.known.pop_front();
        }
    }

    /// The office could not look for deadlines until now.
    pub(super) fn hindered(&mut self, now: Wall) {
        self.hindered = now;
    }

    /// The first who asked has an answer.
    pub(super) fn answered(&mut self) {
        self.asked.pop_front();
    }

    /// Commands that changed an alert.
    pub(super) fn effects(&self) -> usize {
        self.effects.len()
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = (self.dice.unit() * of.len() as f64) as usize;
        &of[index.min(of.len() - 1)]
    }

    fn wish(&mut self, now: Wall, alert: AlertId, verb: Verb) -> Command {
        let (who, unit) = *self.one_of(&PEOPLE);
        let actor = Actor { who: who.to_owned(), unit: unit.to_owned(), station: None };
        let at = (self.dice.unit() < 0.5).then_some(now);
        let reason = (verb == Verb::Dismiss).then_some(Reason::Harmless);
        let note = (verb == Verb::Annotate).then(|| "seen".to_owned());
        Command { id: self.dice.command(now), alert, verb, actor, if_rev: None, reason, note, at }
    }
}

impl Stage<'_> {
    /// Somebody does something about an alert.
    pub(super) fn person(&mut self, now: Now, queue: &mut Queue) {
        let people = &mut self.people;
        let known: Vec<AlertId> = people.known.iter().copied().collect();
        if known.is_empty() {
            return;
        }
        let alert = *people.one_of(&known);
        let verb = *people.one_of(&[
            Verb::Claim,
            Verb::Ack,
            Verb::Claim,
            Verb::Release,
            Verb::Escalate,
            Verb::Resolve,
            Verb::Dismiss,
            Verb::Annotate,
        ]);
        let again = people.last.clone().filter(|_| people.dice.unit() < TWICE);
        let wish = again.unwrap_or_else(|| people.wish(now.wall, alert, verb));
        people.last = Some(wish.clone());
        people.asked.push_back(wish);
        if people.dice.unit() < TWO_AT_ONCE {
            let wish = people.wish(now.wall, alert, verb);
            people.asked.push_back(wish);
        }
        self.attend(now, queue);
    }

    /// The office takes what people want, one after the other, when all that it has drafted is promised.
    pub(super) fn attend(&mut self, now: Now, queue: &mut Queue) {
        while self.process.unpromised.is_empty()
            && let Some(command) = self.people.asked.front().cloned()
        {
            let folder = self.folder(command.alert);
            let (answer, draft) = self.process.clerk.obey(now.wall, command.clone(), folder);
            self.trace.note(
                now,
                "asked",
                format!("{:?} {:?} {:?}", command.verb, answer.result, answer.rev).as_bytes(),
            );
            let is_done = self.record(command.alert).is_some_and(|record| record.life.remembers(command.id));
            let effect = answer.rev.filter(|_| is_done && answer.result == AnswerResult::Ok);
            let effect = effect.map(|rev| (command.id, rev));
            if draft.writes.is_empty() && draft.messages.is_empty() {
                self.done(effect);
                self.people.answered();
            } else {
                let waiting = Waiting { asked: Some(Asked(effect)), ..Waiting::of(draft) };
                self.process.unpromised.push_back(waiting);
                queue.after(Duration::ZERO, Happening::Promise);
            }
        }
    }

    /// What a command did is on the disk: once.
    pub(super) fn done(&mut self, effect: Option<(CommandId, u64)>) {
        if let Some((id, rev)) = effect {
            let before = *self.people.effects.entry(id).or_insert(rev);
            if before != rev {
                self.trace.fault(format!("{id} was done at revision {before} and again at {rev}"));
            }
        }
    }

    /// The office does what is due.
    pub(super) fn sweep(&mut self, now: Now, queue: &mut Queue) {
        if now.mono + QUIET > self.script.ends_at() {
            return;
        }
        queue.after(SWEEP_EVERY, Happening::Sweep);
        if !self.process.unpromised.is_empty() {
            self.people.hindered(now.wall);
            return;
        }
        let (from, to) = Due::range(now.wall);
        let reached = self.process.outbox.ledger().range(&from, &to, SWEEP_MAX);
        for (key, _) in reached.expect("a simulated disk can be read") {
            self.check_in_time(&key, now.wall);
            let Some(due) = Due::read(key.clone()) else {
                self.trace.fault(format!("{key:?} is no deadline"));
                continue;
            };
            let record = self.record(due.alert);
            let draft = self.process.clerk.reach(now.wall, due, record, Trust::Believed);
            let sought = draft.clip.clone();
            self.process.unpromised.push_back(Waiting::of(draft));
            if let Some(record) = sought {
                let gap = self.process.clerk.clip(now.wall, *record, ClipStatus::Gap, None);
                self.process.unpromised.push_back(Waiting::of(gap));
            }
        }
        if !self.process.unpromised.is_empty() {
            self.trace.note(now, "due", &[]);
            queue.after(Duration::ZERO, Happening::Promise);
        }
    }

    /// A deadline is reached within a second, whatever happened in between.
    fn check_in_time(&mut self, key: &[u8], now: Wall) {
        let hex = std::str::from_utf8(&key[1..]).ok().and_then(|text| text.get(4..20));
        let due = hex.and_then(|hex| i64::from_str_radix(hex, 16).ok()).map(Wall::from_unix_ms);
        let late_us = due.map_or(i64::MAX, |due| now.us_since(due.max(self.people.hindered)));
        if late_us > SWEEP_EVERY.as_micros() as i64 + 1000 {
            self.trace.fault(format!("{} was reached {late_us} us late", String::from_utf8_lossy(&key[1..])));
        }
    }

    /// Nothing is left that was due.
    pub(super) fn check_dues(&mut self, now: Wall) {
        let over = (QUIET + 2 * SWEEP_EVERY).as_micros() as i64;
        let (from, to) = Due::range(Wall::from_unix_us(now.unix_us() - over));
        let left = self.process.outbox.ledger().range(&from, &to, 10).expect("a simulated disk can be read");
        if !left.is_empty() && self.process.unpromised.is_empty() {
            self.trace.fault(format!("{} deadlines were never reached", left.len()));
        }
    }

    /// An alert as it stands.
    pub(super) fn record(&self, id: AlertId) -> Option<Record> {
        let stored = || {
            let (from, to) = record_range(id);
            let found =
                self.process.outbox.ledger().range(&from, &to, 1).expect("a simulated disk can be read");
            found.first().and_then(|(_, value)| read_record(value))
        };
        self.process.clerk.known(id).cloned().or_else(stored)
    }

    fn folder(&self, id: AlertId) -> Option<Folder> {
        let record = self.record(id)?;
        let (from, to) = member_range(id);
        let limit = if record.leads() { MEMBERS_MAX } else { 0 };
        let listed =
            self.process.outbox.ledger().range(&from, &to, limit).expect("a simulated disk can be read");
        let members = listed.iter().filter_map(|(key, _)| self.record(member(key)?)).collect();
        Some(Folder { record, members })
    }
}
