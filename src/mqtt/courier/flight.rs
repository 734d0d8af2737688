//! What was sent and is not acknowledged.
//!
//! Owns the pairing of answers with publishes. The client library gives packet ids out in turn, 1 to the window, and says them in the
//! order of publishing; so the window slides: it spans from the oldest publish that is not acknowledged to the newest, and an id
//! is never given out while it is in use, even where a broker acknowledges out of order.

use std::collections::VecDeque;

use crate::{store::Seq, time::Mono};

/// What a publish was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flown {
    /// From the outbox.
    Promised(Seq),
    /// A live word, in this revision.
    Live(u64),
    /// An answer.
    Answer,
    /// The last word.
    Parting,
}

#[derive(Debug)]
pub(super) struct Flight {
    window: u16,
    /// In the order of publishing.
    publishes: VecDeque<Publish>,
    /// How many of them, from the front, have a packet id.
    sent: usize,
}

#[derive(Debug)]
struct Publish {
    flown: Flown,
    topic: String,
    at: Mono,
    pkid: Option<u16>,
    is_acked: bool,
}

impl Flight {
    pub(super) fn new(window: u16) -> Self {
        Self { window, publishes: VecDeque::with_capacity(window.into()), sent: 0 }
    }

    pub(super) fn window(&self) -> usize {
        self.window.into()
    }

    pub(super) fn has_room(&self) -> bool {
        self.publishes.len() < self.window()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.publishes.is_empty()
    }

    /// Whether exactly one publish is in flight.
    pub(super) fn is_alone(&self) -> bool {
        self.publishes.len() == 1
    }

    pub(super) fn push(&mut self, now: Mono, flown: Flown, topic: &str) {
        assert!(self.has_room(), "the window was asked for before");
        self.publishes.push_back(Publish {
            flown,
            topic: topic.to_owned(),
            at: now,
            pkid: None,
            is_acked: false,
        });
    }

    /// The next publish went out under this packet id.
    pub(super) fn sent(&mut self, pkid: u16) {
        if let Some(publish) = self.publishes.get_mut(self.sent) {
            publish.pkid = Some(pkid);
            self.sent += 1;
        }
    }

    /// The broker answered: what was it, and on which topic?
    pub(super) fn acked(&mut self, pkid: u16) -> Option<(Flown, String)> {
        let publish = self.publishes.iter_mut().find(|p| p.pkid == Some(pkid) && !p.is_acked)?;
        publish.is_acked = true;
        let answered = (publish.flown, publish.topic.clone());
        while self.publishes.front().is_some_and(|p| p.is_acked) {
            self.publishes.pop_front();
            self.sent -= 1;
        }
        Some(answered)
    }

    fn waiting(&self) -> impl Iterator<Item = &Publish> {
        self.publishes.iter().filter(|p| !p.is_acked)
    }

    /// When the oldest publish that is not acknowledged was handed out.
    pub(super) fn oldest(&self) -> Option<Mono> {
        self.publishes.front().map(|p| p.at)
    }

    pub(super) fn carries(&self, seq: Seq) -> bool {
        self.waiting().any(|p| p.flown == Flown::Promised(seq))
    }

    pub(super) fn first_promised(&self) -> Option<Seq> {
        self.waiting().find_map(|p| match p.flown {
            Flown::Promised(seq) => Some(seq),
            _ => None,
        })
    }

    pub(super) fn first_live(&self) -> Option<&str> {
        self.waiting().find(|p| matches!(p.flown, Flown::Live(_))).map(|p| p.topic.as_str())
    }

    pub(super) fn live(&self) -> usize {
        self.waiting().filter(|p| matches!(p.flown, Flown::Live(_))).count()
    }

    pub(super) fn answers(&self) -> usize {
        self.waiting().filter(|p| p.flown == Flown::Answer).count()
    }
}
