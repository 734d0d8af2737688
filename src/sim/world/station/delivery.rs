//! The courier's errands, and what the broker would answer.
//!
//! Owns the simulated connection. What is sent when belongs to the courier.

use std::time::Duration;

use super::{NETWORK_TAKES, Stage};
use crate::{
    mqtt::courier::{self, Action},
    sim::world::{
        broker::Link,
        queue::{Happening, Queue},
    },
    store::Seq,
    time::Now,
};

impl Stage<'_> {
    pub(super) fn courier(&mut self, now: Now, event: courier::Event, queue: &mut Queue) {
        if event == courier::Event::Tick {
            self.process.courier_alarm = None;
        }
        for action in self.process.courier.apply(now.mono, event) {
            let told = |event| Happening::Courier(event);
            match action {
                Action::Connect if self.broker.link == Link::Up => {
                    self.broker.connection += 1;
                    self.process.pkid = 0;
                    let limits = courier::Limits { window: 16, packet_len_max: None };
                    self.process.window = limits.window;
                    queue.after(NETWORK_TAKES, told(courier::Event::Connected(limits)));
                }
                Action::Connect => {
                    let ending = courier::Ending::Unreachable("nobody listens".into());
                    queue.after(NETWORK_TAKES, told(courier::Event::Ended(ending)));
                }
                Action::Publish(message) => {
                    let pkid = self.process.pkid % self.process.window + 1;
                    self.process.pkid = pkid;
                    queue.after(Duration::ZERO, told(courier::Event::Sent(pkid)));
                    let connection = self.broker.connection;
                    queue.after(NETWORK_TAKES, Happening::Published { connection, pkid, message });
                }
                Action::Read { after, limit } => {
                    let read = self.process.outbox.waiting(after, limit).map_err(|error| error.to_string());
                    queue.after(Duration::ZERO, told(courier::Event::Read(read)));
                }
                Action::Strike(seqs) => {
                    self.check_strike(&seqs);
                    // A strike that a full disk does not take is made up for by a repeat.
                    let struck = self.process.outbox.strike(&seqs);
                    self.trace.note(now, if struck.is_ok() { "struck" } else { "not struck" }, &[]);
                }
                Action::SetAside { seq, why } => {
                    self.trace.note(now, "set aside", why.as_bytes());
                    self.trace.fault(format!("message {} was set aside: {why}", seq.0));
                }
                Action::HangUp => self.broker.connection += 1,
                Action::Answer(_) | Action::Part | Action::End | Action::Tell(_) => {}
            }
        }
    }

    /// What is struck out, the broker has.
    fn check_strike(&mut self, seqs: &[Seq]) {
        for seq in seqs {
            let waiting = self.process.outbox.waiting(Seq(seq.0 - 1), 1).unwrap_or_default();
            let struck = waiting.first().filter(|(first, _)| first == seq);
            if struck.is_some_and(|(_, message)| !self.broker.has(message)) {
                self.trace.fault(format!("message {} was struck out, and the broker has not got it", seq.0));
            }
        }
    }
}
