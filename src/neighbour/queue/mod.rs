//! What is sent to one neighbour next, what is sent again, and what is over.
//!
//! Owns the order within each alert, receipts, repeats, expiry and the replacing of states. Pure: it is told the time and what happened, and says what to write
//! ([`Outcome`]). Connections, windows and back-off are the courier's (`mqtt::courier`), which takes *sendings* from here as it takes messages from
//! the outbox; reading and writing the ledger is the link's.
//!
//! ```text
//!            may go                 the broker has it            30 s … 10 min
//! entry ───▶ Waiting ──────▶ Going ────────────────▶ Resting ──────────────▶ Going (the same bytes)
//!                              │ letter: gone          │
//!        void, replaced ◀──────┴── receipt: gone ◀─────┘
//! ```
//!
//! - **One at a time of each alert**: the next entry about an alert goes when the receipt for the one before has come. So what a neighbour gets about an alert
//!   is in order, whatever is lost on the way; alerts do not wait for each other.
//! - **Nothing about an alert that the neighbour does not have**: all that follows waits until the receipt for the first word has come ([`Shared::Kept`]), also when
//!   that first word is void by now: its receipt may be late.
//! - **Each entry has an end**: what is void is struck, whether it waits, goes or rests.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::entry::{self, Head, Lane, Place, Shared, What};
use crate::{
    id::{AlertId, EventId, StationId},
    store::{Seq, Write},
    time::{Mono, Now, Wall},
};

/// Without a receipt for so long, it is sent again; twice as long each time, up to the second. Begins anew when the neighbour speaks after it was silent for the first.
const AGAIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

const FIRST: Place = Place { lane: Lane::Events, number: 0 };

/// The queue of one neighbour.
#[derive(Debug)]
pub struct Queue {
    to: StationId,
    entries: BTreeMap<Place, Entry>,
    /// Alerts about which something waits.
    lines: BTreeMap<AlertId, Line>,
    events: BTreeMap<EventId, Place>,
    /// What is going, in the order of sending.
    going: BTreeMap<Seq, Place>,
    /// When what rests is sent again.
    again: BTreeSet<(Mono, Place)>,
    /// When what is there is void.
    void: BTreeSet<(Wall, Place)>,
    /// The number that the last sending had.
    last: Seq,
    /// When the neighbour's last receipt came.
    heard_at: Option<Mono>,
    /// Up to which number each lane was taken in.
    taken: BTreeMap<Lane, u64>,
}

#[derive(Debug)]
struct Entry {
    head: Head,
    state: State,
    /// How often the broker has acknowledged it.
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Behind others of its alert, or for the receipt of the alert's first word.
    Waiting,
    /// To the broker, under this number.
    Going(Seq),
    /// The broker has it, the receipt is awaited.
    Resting(Mono),
}

/// What waits about one alert, in order.
#[derive(Debug)]
struct Line {
    shared: Shared,
    places: VecDeque<Place>,
}

/// What the neighbour says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It has it, now or since before.
    Kept,
    /// It does not want it.
    Refused,
}

/// What follows from something that happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is to be written.
    pub writes: Vec<Write>,
    /// Whether there is more to send.
    pub is_more: bool,
    /// These sendings are not to be made any more.
    pub withdrawn: Vec<Seq>,
    /// A receipt for what is not there: where that is on record as promised, the neighbour has it after all ([`Queue::kept_late`]).
    pub late: Option<AlertId>,
    /// Receipts that struck something.
    pub delivered: u64,
    /// Entries that were void before a receipt came.
    pub expired: u64,
    /// Entries that the neighbour, or every broker, refuses.
    pub refused: u64,
}

impl Queue {
    /// Empty: what waits is read from the ledger and taken in ([`Self::take`]).
    pub fn new(to: StationId) -> Self {
        Self {
            to,
            entries: BTreeMap::new(),
            lines: BTreeMap::new(),
            events: BTreeMap::new(),
            going: BTreeMap::new(),
            again: BTreeSet::new(),
            void: BTreeSet::new(),
            last: Seq(0),
            heard_at: None,
            taken: BTreeMap::new(),
        }
    }

    /// Up to which number a lane was taken in: what lies behind is to be read.
    pub fn taken(&self, lane: Lane) -> u64 {
        self.taken.get(&lane).copied().unwrap_or(0)
    }

    /// Whether what is on record of an alert has to be read with an entry about it.
    pub fn asks_for(&self, head: &Head) -> Option<AlertId> {
        match head.what {
            What::Raised(_) | What::Letter => None,
            What::Event(alert) | What::State(alert) => {
                Some(alert).filter(|alert| !self.lines.contains_key(alert))
            }
        }
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When [`Self::tick`] is due.
    pub fn wake_at(&self, now: Now) -> Option<Mono> {
        let void = self.void.first().map(|(at, _)| {
            now.mono + Duration::from_micros(u64::try_from(at.us_since(now.wall)).unwrap_or(0))
        });
        let again = self.again.first().map(|(at, _)| *at);
        void.into_iter().chain(again).min()
    }

    /// What goes behind a sending, in order, at most `limit`: its number, where its message lies, and until when it may go.
    pub fn going(&self, after: Seq, limit: usize) -> Vec<(Seq, Place, Wall)> {
        let behind = self.going.range(Seq(after.0.saturating_add(1))..).take(limit);
        behind.map(|(seq, place)| (*seq, *place, self.entries[place].head.void_at)).collect()
    }

    /// An entry was read from the ledger, in the order of its lane; `shared` is what is on record of its alert where [`Self::asks_for`] asked.
    pub fn take(&mut self, now: Now, place: Place, head: Head, shared: Option<Shared>) -> Outcome {
        let mut out = Outcome::default();
        self.taken.insert(place.lane, place.number);
        self.entries.insert(place, Entry { head, state: State::Waiting, tries: 0 });
        self.events.insert(head.event, place);
        self.void.insert((head.void_at, place));
        match head.what {
            What::Letter => self.send(place, &mut out),
            What::Raised(alert) | What::Event(alert) | What::State(alert) => {
                let shared = match head.what {
                    What::Raised(_) => Some(Shared::Promised),
                    _ => shared,
                };
                if let Some(shared) = shared {
                    self.lines.entry(alert).or_insert(Line { shared, places: VecDeque::new() });
                }
                match self.lines.get(&alert) {
                    Some(_) => self.line_up(alert, place, &mut out),
                    // The neighbour has refused it: there is nothing to add.
                    None => self.strike(place, &mut out),
                }
            }
        }
        out.expired += self.strike_void(now, &mut out);
        out
    }

    /// An entry that cannot be read: it is struck.
    pub fn unreadable(&mut self, place: Place) -> Outcome {
        self.taken.insert(place.lane, place.number);
        let mut out = Outcome { refused: 1, ..Outcome::default() };
        match self.entries.contains_key(&place) {
            true => self.strike(place, &mut out),
            false => out.writes.push(Write::Delete(entry::key(&self.to, place))),
        }
        out
    }

    /// The broker has acknowledged these sendings.
    pub fn acked(&mut self, now: Now, seqs: &[Seq]) -> Outcome {
        let mut out = Outcome::default();
        for seq in seqs {
            let Some(place) = self.going.remove(seq) else { continue };
            let entry = self.entries.get_mut(&place).expect("what goes is there");
            if entry.head.what == What::Letter {
                entry.state = State::Waiting;
                out.delivered += 1;
                self.strike(place, &mut out);
                continue;
            }
            let wait = AGAIN.0.saturating_mul(1 << entry.tries.min(16)).min(AGAIN.1);
            entry.tries = entry.tries.saturating_add(1);
            entry.state = State::Resting(now.mono + wait);
            self.again.insert((now.mono + wait, place));
        }
        out
    }

    /// No broker will ever take this sending.
    pub fn refused(&mut self, seq: Seq) -> Outcome {
        let mut out = Outcome::default();
        if let Some(&place) = self.going.get(&seq) {
            out.refused = 1;
            self.strike(place, &mut out);
            out.withdrawn.clear();
        }
        out
    }

    /// The neighbour has answered to an event.
    pub fn receipt(&mut self, now: Now, event: EventId, said: Said) -> Outcome {
        let mut out = Outcome::default();
        if self.heard_at.replace(now.mono).is_none_or(|before| now.mono.since(before) >= AGAIN.0) {
            self.hurry(now);
        }
        let Some(&place) = self.events.get(&event).filter(|place| place.lane == Lane::Events) else {
            // The first word about an alert bears the alert's id.
            out.late = (said == Said::Kept).then_some(AlertId(event.0));
            return out;
        };
        let what = self.entries[&place].head.what;
        match (said, what) {
            (Said::Kept, What::Raised(alert)) => {
                out.delivered = 1;
                self.strike(place, &mut out);
                self.kept(alert, &mut out);
            }
            (Said::Kept, _) => {
                out.delivered = 1;
                self.strike(place, &mut out);
            }
            (Said::Refused, What::Raised(alert)) => {
                let line = self.lines.get(&alert).map(|line| line.places.clone()).unwrap_or_default();
                out.refused = line.len() as u64;
                for place in line.into_iter().rev() {
                    self.strike(place, &mut out);
                }
                out.writes.push(entry::forget_shared(&self.to, alert));
            }
            (Said::Refused, _) => {
                out.refused = 1;
                self.strike(place, &mut out);
            }
        }
        out
    }

    /// A late receipt was for an alert that is on record as promised.
    pub fn kept_late(&mut self, alert: AlertId) -> Outcome {
        let mut out = Outcome::default();
        self.kept(alert, &mut out);
        out
    }

    /// Time passed.
    pub fn tick(&mut self, now: Now) -> Outcome {
        let mut out = Outcome::default();
        out.expired += self.strike_void(now, &mut out);
        while let Some(&(at, place)) = self.again.first().filter(|(at, _)| *at <= now.mono) {
            self.again.remove(&(at, place));
            self.send(place, &mut out);
        }
        out
    }

    /// The neighbour is there again: what it did not get while it was away need not wait for long.
    fn hurry(&mut self, now: Now) {
        let soon = now.mono + AGAIN.0;
        for (_, place) in self.again.split_off(&(soon, FIRST)) {
            let entry = self.entries.get_mut(&place).expect("what rests is there");
            entry.tries = 1;
            entry.state = State::Resting(soon);
            self.again.insert((soon, place));
        }
    }

    /// Puts an entry behind the others of its alert. A state takes the place of one that has not got there yet.
    fn line_up(&mut self, alert: AlertId, place: Place, out: &mut Outcome) {
        let is_state = matches!(self.entries[&place].head.what, What::State(_));
        let last = self.lines.get(&alert).and_then(|line| line.places.back().copied());
        self.line(alert).places.push_back(place);
        match last {
            Some(last) if is_state && matches!(self.entries[&last].head.what, What::State(_)) => {
                self.strike(last, out);
            }
            _ => self.advance(alert, out),
        }
    }

    fn line(&mut self, alert: AlertId) -> &mut Line {
        self.lines.get_mut(&alert).expect("the caller has looked")
    }

    fn kept(&mut self, alert: AlertId, out: &mut Outcome) {
        out.writes.push(entry::put_shared(&self.to, alert, Shared::Kept));
        if let Some(line) = self.lines.get_mut(&alert) {
            line.shared = Shared::Kept;
            self.advance(alert, out);
        }
    }

    /// Lets the first of an alert's line go, if it may.
    fn advance(&mut self, alert: AlertId, out: &mut Outcome) {
        let Some(line) = self.lines.get(&alert) else { return };
        let Some(&first) = line.places.front() else {
            self.lines.remove(&alert);
            return;
        };
        let entry = &self.entries[&first];
        let may_go = line.shared == Shared::Kept || matches!(entry.head.what, What::Raised(_));
        if entry.state == State::Waiting && may_go {
            self.send(first, out);
        }
    }

    fn send(&mut self, place: Place, out: &mut Outcome) {
        self.last = Seq(self.last.0 + 1);
        self.going.insert(self.last, place);
        self.entries.get_mut(&place).expect("what is sent is there").state = State::Going(self.last);
        out.is_more = true;
    }

    /// It is over with this entry, whatever became of it.
    fn strike(&mut self, place: Place, out: &mut Outcome) {
        let Some(entry) = self.entries.remove(&place) else { return };
        self.events.remove(&entry.head.event);
        self.void.remove(&(entry.head.void_at, place));
        match entry.state {
            State::Waiting => {}
            State::Resting(at) => {
                self.again.remove(&(at, place));
            }
            State::Going(seq) => {
                self.going.remove(&seq);
                out.withdrawn.push(seq);
            }
        }
        out.writes.push(Write::Delete(entry::key(&self.to, place)));
        if let Some(alert) = entry.head.what.alert()
            && let Some(line) = self.lines.get_mut(&alert)
        {
            line.places.retain(|other| *other != place);
            self.advance(alert, out);
        }
    }

    fn strike_void(&mut self, now: Now, out: &mut Outcome) -> u64 {
        let mut expired = 0;
        while let Some(&(_, place)) = self.void.first().filter(|(at, _)| *at <= now.wall) {
            self.strike(place, out);
            expired += 1;
        }
        expired
    }
}
