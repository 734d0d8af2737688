//! Topics that the broker refuses for now.
//!
//! Owns which topics are held back, and when one message of each is tried again.

use std::{collections::BTreeMap, time::Duration};

use super::Notice;
use crate::time::Mono;

/// Topics that are held back, at most. A refusal of one more is retried at the pace of reading.
const TOPICS_MAX: usize = 1024;
/// First and longest wait before a topic is tried again.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
const TELL_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<String, Refusal>);

#[derive(Debug)]
struct Refusal {
    state: State,
    attempts: u32,
    tell_at: Mono,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of it goes.
    Held { until: Mono },
    /// The next of it may go, alone.
    Due,
    /// One of it is on its way.
    Trying,
}

impl Refusals {
    /// The broker refused a message of this topic. A notice where it is time for one.
    pub(super) fn refused(&mut self, now: Mono, topic: String, why: String) -> Option<Notice> {
        if self.0.len() >= TOPICS_MAX && !self.0.contains_key(&topic) {
            return None;
        }
        let refusal =
            self.0.entry(topic.clone()).or_insert(Refusal { state: State::Due, attempts: 0, tell_at: now });
        // Others of it that were in flight at the first refusal come back refused as well: that is one attempt.
        if !matches!(refusal.state, State::Held { .. }) {
            let wait = WAIT.0.saturating_mul(1 << refusal.attempts.min(16)).min(WAIT.1);
            refusal.attempts += 1;
            refusal.state = State::Held { until: now + wait };
        }
        (refusal.tell_at <= now).then(|| {
            refusal.tell_at = now + TELL_EVERY;
            Notice::HeldBack { topic, why }
        })
    }

    /// The broker took one of this topic. Whether it was held back: then the others of it may go.
    pub(super) fn taken(&mut self, topic: &str) -> bool {
        self.0.remove(topic).is_some()
    }

    /// Whether a message of this topic may be sent now.
    pub(super) fn may_go(&self, topic: &str) -> bool {
        self.0.get(topic).is_none_or(|refusal| refusal.state == State::Due)
    }

    /// A message of this topic is sent.
    pub(super) fn goes(&mut self, topic: &str) {
        if let Some(refusal) = self.0.get_mut(topic) {
            refusal.state = State::Trying;
        }
    }

    /// The connection was lost: what was on its way is to be tried again.
    pub(super) fn interrupted(&mut self) {
        for refusal in self.0.values_mut() {
            if refusal.state == State::Trying {
                refusal.state = State::Due;
            }
        }
    }

    pub(super) fn retry_at(&self) -> Option<Mono> {
        self.0
            .values()
            .filter_map(|refusal| match refusal.state {
                State::Held { until } => Some(until),
                _ => None,
            })
            .min()
    }

    /// Lets each topic whose time has come try again. Whether there is one.
    pub(super) fn try_again(&mut self, now: Mono) -> bool {
        let mut any = false;
        for refusal in self.0.values_mut() {
            if matches!(refusal.state, State::Held { until } if until <= now) {
                refusal.state = State::Due;
                any = true;
            }
        }
        any
    }
}
