//! Answers that wait to be sent.
//!
//! Owns their limit. Not promised: each is sent once, and one over which the connection is lost is gone. Who gets none asks again.

use std::{collections::VecDeque, time::Duration};

use super::Notice;
use crate::{mqtt::ear::Answer, time::Mono};

/// Answers that wait, at most; then the oldest goes.
const WAITING_MAX: usize = 256;
/// How often it is told that answers are lost.
const TELL_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: VecDeque<Answer>,
    told_at: Option<Mono>,
}

impl Answers {
    pub(super) fn push(&mut self, now: Mono, answer: Answer) -> Option<Notice> {
        self.waiting.push_back(answer);
        if self.waiting.len() <= WAITING_MAX {
            return None;
        }
        let lost = self.waiting.pop_front()?;
        self.lost(now, lost.message.topic, "too many answers wait".into())
    }

    pub(super) fn pop(&mut self) -> Option<Answer> {
        self.waiting.pop_front()
    }

    /// Whether who has more should keep them for now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX / 4
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is told of one that is lost.
    pub(super) fn lost(&mut self, now: Mono, topic: String, why: String) -> Option<Notice> {
        if self.told_at.is_some_and(|told| now.since(told) < TELL_EVERY) {
            return None;
        }
        self.told_at = Some(now);
        Some(Notice::AnswerLost { topic, why })
    }
}
