//! What is sent to the broker next, and what its answers mean.
//!
//! Owns the order of sending: promised messages from the outbox first to last, a window of them in flight, struck out only when the broker
//! has acknowledged them; in between, at a stated share, the latest words on things ([`live`]) and answers to those who asked ([`answers`]).
//! Pure: it is told the time and what happened ([`Event`]), and says what to do ([`Action`]). Sockets, timers and the store belong to
//! [`super::connection`].
//!
//! ```text
//!      Tick                Connected
//! Away ─────▶ Connecting ───────────▶ Up ─Stop─▶ draining ─▶ closing ─▶ parting ─▶ Over
//!  │ ▲             │ Ended            │ Ended, silence
//!  │ └─────────────┴──────────────────┘
//!  └ Stop ─▶ Over (as from Connecting)
//! ```
//!
//! Decisions, each of which somebody will ask about:
//! - **A refusal for a reason that may pass** (not authorised, quota exceeded, unspecified) keeps the message and holds back its topic:
//!   one message of it is tried again, 1 s to 60 s apart, and the others of that topic follow once it is taken. Other topics go on, so
//!   that one wrong line in the broker's access list does not silence the village. The log says so once a minute (ERROR).
//! - **What no broker could take** (an invalid topic, larger than the broker's largest packet) is set aside: kept on record, told (ERROR), and passed over.
//! - **A message over which the broker breaks the connection** is found by sending one at a time; after [`SUSPECT_TRIES`] times alone it is set
//!   aside as well. A connection that is merely lost never counts.
//! - **Order**: first deliveries of one topic keep the order of promises (save where a broker refuses one of it for now and takes the
//!   next, while both are in flight). After a connection was lost, all that was not
//!   acknowledged is sent again from the first, with the same bytes.

mod answers;
mod backoff;
mod events;
mod flight;
mod live;
mod refusals;
mod shelf;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

pub use events::{Action, Event, Limits, Presence, packet_len};
pub use words::{Ending, Notice, Verdict};

use self::{
    answers::Answers,
    backoff::Backoff,
    flight::{Flight, Flown},
    live::Live,
    refusals::Refusals,
    shelf::Shelf,
};
use crate::{id::Mint, store::Seq, time::Mono};

/// Publishes in flight, at most; the broker may allow fewer.
pub const WINDOW_MAX: u16 = 32;
/// Messages read from the outbox at once.
pub const READ_MAX: usize = 64;
/// A publish that is not acknowledged for so long means that the connection is dead.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(20);
/// How often one message, sent alone, may end the connection before it is set aside.
pub const SUSPECT_TRIES: u32 = 3;
/// A connection that lived for so long was a good one: the next wait is the shortest.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// Promised messages between two live ones where both wait.
const PROMISED_BETWEEN_LIVE: u32 = 3;
/// The order of sending, for one broker.
#[derive(Debug)]
pub struct Courier {
    link: Link,
    shelf: Shelf,
    live: Live,
    answers: Answers,
    refusals: Refusals,
    suspect: Option<Suspect>,
    /// `None`: nothing is said of this daemon there.
    presence: Option<Presence>,
    backoff: Backoff,
}

#[derive(Debug)]
enum Link {
    Away { retry_at: Mono },
    Connecting,
    Up(Up),
    Over,
}

#[derive(Debug)]
struct Up {
    since: Mono,
    limits: Limits,
    flight: Flight,
    promised_since_live: u32,
    /// The last thing that was sent is an answer: something else comes first.
    answered: bool,
    has_delivered: bool,
    leaving: Leaving,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Not at all.
    No,
    /// Sending what can be sent.
    Draining { until: Mono, end: Mono },
    /// Sending nothing more; waiting for room to say the last word.
    Closing { end: Mono },
    /// The last word is on its way.
    Parting { end: Mono },
}

/// The message that seems to end the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Suspect {
    seq: Seq,
    /// How often it did so while it was alone.
    alone: u32,
}

impl Up {
    fn is_closing(&self) -> bool {
        matches!(self.leaving, Leaving::Closing { .. } | Leaving::Parting { .. })
    }
}

impl Courier {
    /// Not connected; the first `Tick` connects. Without a `presence` nothing is sent but what is promised, and the good-bye is the disconnection.
    pub fn new(presence: Option<Presence>, mint: Mint) -> Self {
        Self {
            link: Link::Away { retry_at: Mono::ZERO },
            shelf: Shelf::default(),
            live: Live::default(),
            answers: Answers::default(),
            refusals: Refusals::default(),
            suspect: None,
            presence,
            backoff: Backoff::new(mint),
        }
    }

    /// When the next `Tick` is due.
    pub fn wake_at(&self) -> Option<Mono> {
        match &self.link {
            Link::Away { retry_at } => Some(*retry_at),
            Link::Connecting | Link::Over => None,
            Link::Up(up) => {
                let leave = match up.leaving {
                    Leaving::No => None,
                    Leaving::Draining { until, .. } => Some(until),
                    Leaving::Closing { end } | Leaving::Parting { end } => Some(end),
                };
                let silence = up.flight.oldest().map(|sent| sent + ACK_TIMEOUT);
                [self.shelf.retry_at(), leave, silence, self.refusals.retry_at()].into_iter().flatten().min()
            }
        }
    }

    /// Whether answers are taken now. While the broker is away they are, and the oldest are lost: nobody waits for a broker.
    pub fn takes_answers(&self) -> bool {
        !matches!(self.link, Link::Up(_)) || !self.answers.is_full()
    }

    /// Whether nothing is on its way to the broker.
    pub fn is_idle(&self) -> bool {
        match &self.link {
            Link::Up(up) => up.flight.is_empty(),
            _ => true,
        }
    }

    /// Takes in what happened, and says what to do.
    pub fn apply(&mut self, now: Mono, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Tick => self.tick(now, &mut out),
            Event::Connected(limits) => self.connected(now, limits, &mut out),
            Event::Ended(ending) => self.ended(now, ending, &mut out),
            Event::Sent(pkid) => {
                if let Link::Up(up) = &mut self.link {
                    up.flight.sent(pkid);
                }
            }
            Event::Acked(pkid, verdict) => self.acked(now, pkid, verdict, &mut out),
            Event::Read(answer) => self.shelf.take(now, answer),
            Event::Woken => self.shelf.woken(),
            Event::Withdrawn(seqs) => {
                self.suspect = self.suspect.filter(|suspect| !seqs.contains(&suspect.seq));
                seqs.into_iter().for_each(|seq| self.shelf.done_with(seq));
            }
            Event::Words(presence) => self.presence = Some(*presence),
            Event::Live(message) => {
                if let Err(full) = self.live.set(message) {
                    out.push(Action::Tell(full));
                }
            }
            Event::Answer(answer) => {
                let lost = self.answers.push(now, answer);
                out.extend(lost.map(Action::Tell));
            }
            Event::Stop(grace) => self.stop(now, grace, &mut out),
        }
        self.send(now, &mut out);
        self.read_on(&mut out);
        self.leave(now, &mut out);
        out
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Action>) {
        match &mut self.link {
            Link::Away { retry_at } if *retry_at <= now => {
                self.link = Link::Connecting;
                out.push(Action::Connect);
            }
            Link::Up(up) => {
                if up.flight.oldest().is_some_and(|sent| now.since(sent) >= ACK_TIMEOUT) {
                    out.push(Action::HangUp);
                    return self.ended(now, Ending::Silent, out);
                }
                self.shelf.tick(now);
                if self.refusals.try_again(now) {
                    self.shelf.begin_again();
                }
            }
            _ => {}
        }
    }

    fn connected(&mut self, now: Mono, limits: Limits, out: &mut Vec<Action>) {
        let Link::Connecting = self.link else { return };
        out.push(Action::Tell(Notice::Connected));
        self.backoff.connected();
        self.link = Link::Up(Up {
            since: now,
            limits,
            flight: Flight::new(limits.window.clamp(1, WINDOW_MAX)),
            promised_since_live: 0,
            answered: true,
            has_delivered: false,
            leaving: Leaving::No,
        });
        if let Some(presence) = &self.presence {
            self.live.tell_all(presence.online.clone());
        }
    }

    fn ended(&mut self, now: Mono, ending: Ending, out: &mut Vec<Action>) {
        let over = match std::mem::replace(&mut self.link, Link::Over) {
            Link::Up(up) => {
                if let Ending::Blames(why) = &ending {
                    self.suspect_of(&up.flight, why, out);
                }
                if up.has_delivered || now.since(up.since) >= GOOD_AFTER {
                    self.backoff.reset();
                }
                up.leaving != Leaving::No
            }
            Link::Connecting => false,
            // It was given up before it ended.
            Link::Away { retry_at } => return self.link = Link::Away { retry_at },
            Link::Over => return,
        };
        self.refusals.interrupted();
        self.shelf.begin_again();
        if over {
            out.push(Action::End);
            return;
        }
        if self.backoff.is_time_to_tell(now) {
            out.push(Action::Tell(Notice::Away(ending)));
        }
        self.link = Link::Away { retry_at: now + self.backoff.next_wait() };
    }

    /// The broker broke the connection over a packet. Which one? From now on one at a time.
    fn suspect_of(&mut self, flight: &Flight, why: &str, out: &mut Vec<Action>) {
        if let (true, Some(topic)) = (flight.is_alone(), flight.first_live()) {
            self.live.forget(topic);
        }
        let Some(seq) = flight.first_promised() else { return };
        let before = self.suspect.filter(|suspect| suspect.seq == seq).map_or(0, |suspect| suspect.alone);
        let alone = before + u32::from(flight.is_alone());
        if alone >= SUSPECT_TRIES {
            let why = format!("each time that it is sent, the broker ends the connection: {why}");
            self.pass_over(seq, why, out);
            self.suspect = None;
        } else {
            self.suspect = Some(Suspect { seq, alone });
        }
    }

    fn pass_over(&self, seq: Seq, why: String, out: &mut Vec<Action>) {
        out.push(Action::Tell(Notice::PassedOver { seq, why: why.clone() }));
        out.push(Action::SetAside { seq, why });
    }

    fn acked(&mut self, now: Mono, pkid: u16, verdict: Verdict, out: &mut Vec<Action>) {
        let Link::Up(up) = &mut self.link else { return };
        let Some((flown, topic)) = up.flight.acked(pkid) else { return };
        up.has_delivered |= verdict == Verdict::Taken;
        if matches!(flown, Flown::Promised(seq) if self.suspect.is_some_and(|suspect| suspect.seq == seq)) {
            self.suspect = None;
        }
        match (flown, verdict) {
            (Flown::Promised(seq), Verdict::Taken) => {
                self.shelf.done_with(seq);
                if self.refusals.taken(&topic) {
                    out.push(Action::Tell(Notice::TakenAgain { topic }));
                    self.shelf.begin_again();
                }
                out.push(Action::Strike(vec![seq]));
            }
            (Flown::Promised(seq), Verdict::Never(why)) => {
                self.shelf.done_with(seq);
                if self.refusals.taken(&topic) {
                    self.shelf.begin_again();
                }
                self.pass_over(seq, format!("the broker refuses it: {why}"), out);
            }
            (Flown::Promised(_), Verdict::NotNow(why)) => {
                if let Some(notice) = self.refusals.refused(now, topic, why) {
                    out.push(Action::Tell(notice));
                }
            }
            (Flown::Live(revision), Verdict::Taken) => self.live.taken(&topic, revision),
            (Flown::Live(revision), Verdict::Never(why) | Verdict::NotNow(why)) => {
                self.live.taken(&topic, revision);
                out.push(Action::Tell(Notice::LiveRefused { topic, why }));
            }
            (Flown::Answer, Verdict::Taken) => {}
            (Flown::Answer, Verdict::Never(why) | Verdict::NotNow(why)) => {
                let lost = self.answers.lost(now, topic, why);
                out.extend(lost.map(Action::Tell));
            }
            (Flown::Parting, _) => {
                out.push(Action::Part);
                out.push(Action::End);
                self.link = Link::Over;
            }
        }
    }

    /// Asks for more before the stock is used up.
    fn read_on(&mut self, out: &mut Vec<Action>) {
        let Link::Up(up) = &self.link else { return };
        if !up.is_closing()
            && let Some(after) = self.shelf.ask()
        {
            out.push(Action::Read { after, limit: READ_MAX });
        }
    }

    /// Fills the window.
    fn send(&mut self, now: Mono, out: &mut Vec<Action>) {
        loop {
            let Link::Up(up) = &mut self.link else { return };
            let room = if self.suspect.is_some() { up.flight.is_empty() } else { up.flight.has_room() };
            if !room || up.is_closing() {
                return;
            }
            // Live words and answers may each take a quarter of the window, so that alerts read a moment later still find room.
            let quarter = (up.flight.window() / 4).max(1);
            let answer_may = !self.answers.is_empty() && up.flight.answers() < quarter;
            if answer_may && !std::mem::replace(&mut up.answered, answer_may) {
                self.send_answer(now, out);
                continue;
            }
            up.answered = false;
            let live_may = self.live.is_waiting() && up.flight.live() < quarter;
            let live_first = live_may && up.promised_since_live >= PROMISED_BETWEEN_LIVE;
            if live_first || !self.send_promised(now, out) {
                match (live_may, answer_may) {
                    (true, _) => self.send_live(now, out),
                    (false, true) => self.send_answer(now, out),
                    (false, false) => return,
                }
            }
        }
    }

    fn send_answer(&mut self, now: Mono, out: &mut Vec<Action>) {
        let (Link::Up(up), Some(answer)) = (&mut self.link, self.answers.pop()) else { return };
        let topic = &answer.message.topic;
        let correlation = answer.correlation.as_ref().map_or(0, |data| 3 + data.len());
        if let Some(why) = up.limits.refusal(&answer.message, correlation) {
            let lost = self.answers.lost(now, topic.clone(), why);
            return out.extend(lost.map(Action::Tell));
        }
        up.flight.push(now, Flown::Answer, topic);
        out.push(Action::Answer(answer));
    }

    /// Sends the next of the stock that may go. False where there is none.
    fn send_promised(&mut self, now: Mono, out: &mut Vec<Action>) -> bool {
        while let Some((seq, message)) = self.shelf.next() {
            let Link::Up(up) = &mut self.link else { return false };
            if up.flight.carries(seq) {
                self.refusals.goes(&message.topic);
                continue;
            }
            if !self.refusals.may_go(&message.topic) {
                continue;
            }
            if let Some(why) = up.limits.refusal(&message, 0) {
                self.shelf.done_with(seq);
                self.suspect = self.suspect.filter(|suspect| suspect.seq != seq);
                self.pass_over(seq, why, out);
                continue;
            }
            self.refusals.goes(&message.topic);
            up.promised_since_live = up.promised_since_live.saturating_add(1);
            up.flight.push(now, Flown::Promised(seq), &message.topic);
            out.push(Action::Publish(message));
            return true;
        }
        false
    }

    fn send_live(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Link::Up(up) = &mut self.link else { return };
        up.promised_since_live = 0;
        let Some((revision, message)) = self.live.next() else { return };
        if let Some(why) = up.limits.refusal(&message, 0) {
            self.live.taken(&message.topic, revision);
            out.push(Action::Tell(Notice::LiveRefused { topic: message.topic, why }));
            return;
        }
        up.flight.push(now, Flown::Live(revision), &message.topic);
        out.push(Action::Publish(message));
    }

    fn stop(&mut self, now: Mono, grace: Duration, out: &mut Vec<Action>) {
        match &mut self.link {
            Link::Away { .. } | Link::Connecting => self.give_up(out),
            Link::Up(up) if up.leaving == Leaving::No => {
                up.leaving = Leaving::Draining { until: now + grace.mul_f64(0.75), end: now + grace };
            }
            Link::Up(_) | Link::Over => {}
        }
    }

    /// On the way out: drained, then the last word, then the end.
    fn leave(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Link::Up(up) = &mut self.link else { return };
        if let Leaving::Draining { until, end } = up.leaving {
            let is_drained =
                self.shelf.is_bare() && up.flight.first_promised().is_none() && self.answers.is_empty();
            if is_drained || now >= until {
                up.leaving = Leaving::Closing { end };
            }
        }
        match (up.leaving, &self.presence) {
            (Leaving::Closing { end }, Some(presence)) if up.flight.has_room() => {
                let stopped = presence.stopped.clone();
                up.flight.push(now, Flown::Parting, &stopped.topic);
                up.leaving = Leaving::Parting { end };
                out.push(Action::Publish(stopped));
            }
            (Leaving::Closing { .. }, None) => {
                out.extend([Action::Part, Action::End]);
                self.link = Link::Over;
            }
            (Leaving::Closing { end } | Leaving::Parting { end }, _) if now >= end => self.give_up(out),
            _ => {}
        }
    }

    /// The last word could not be said: let the will say that we are gone.
    fn give_up(&mut self, out: &mut Vec<Action>) {
        out.extend([Action::HangUp, Action::End]);
        self.link = Link::Over;
    }
}
