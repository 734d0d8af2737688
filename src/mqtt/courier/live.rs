//! The latest word on each thing: camera health, node status.
//!
//! Owns what was last said on each topic and whether this connection's broker knows it. Not promised: only the latest counts, and all of
//! it is said again on each connection, since the broker may have forgotten it or heard our will.

use std::collections::{BTreeMap, VecDeque};

use super::Notice;
use crate::store::Message;

/// Topics of live words, at most.
const TOPICS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Live {
    words: BTreeMap<String, Word>,
    /// Topics whose word is not yet sent, each once.
    waiting: VecDeque<String>,
    revision: u64,
}

#[derive(Debug)]
struct Word {
    message: Message,
    /// Grows with each change, so that an answer to an older word is not taken for one to the newer.
    revision: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Sent,
    Known,
}

impl Live {
    /// A new latest word.
    pub(super) fn set(&mut self, message: Message) -> Result<(), Notice> {
        if self.words.len() >= TOPICS_MAX && !self.words.contains_key(&message.topic) {
            return Err(Notice::LiveFull { topic: message.topic });
        }
        self.revision += 1;
        let revision = self.revision;
        let topic = message.topic.clone();
        let word = Word { message, revision, state: State::Waiting };
        let before = self.words.insert(topic.clone(), word);
        if before.is_none_or(|before| before.state != State::Waiting) {
            self.waiting.push_back(topic);
        }
        Ok(())
    }

    /// A new connection: everything is to be said again, `first` first.
    pub(super) fn tell_all(&mut self, first: Message) {
        let topic = first.topic.clone();
        self.waiting.clear();
        for word in self.words.values_mut() {
            word.state = State::Known;
        }
        // There is always room for our own status.
        self.words.remove(&topic);
        if self.words.len() >= TOPICS_MAX {
            self.words.pop_last();
        }
        self.revision += 1;
        self.words
            .insert(topic.clone(), Word { message: first, revision: self.revision, state: State::Waiting });
        self.waiting.push_back(topic.clone());
        for (other, word) in &mut self.words {
            if *other != topic {
                word.state = State::Waiting;
                self.waiting.push_back(other.clone());
            }
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next word to send, with its revision.
    pub(super) fn next(&mut self) -> Option<(u64, Message)> {
        while let Some(topic) = self.waiting.pop_front() {
            if let Some(word) = self.words.get_mut(&topic) {
                word.state = State::Sent;
                return Some((word.revision, word.message.clone()));
            }
        }
        None
    }

    /// The broker answered to a word; it needs not be said again.
    pub(super) fn taken(&mut self, topic: &str, revision: u64) {
        if let Some(word) = self.words.get_mut(topic)
            && word.revision == revision
            && word.state == State::Sent
        {
            word.state = State::Known;
        }
    }

    /// The broker breaks the connection over this one: not again until it changes.
    pub(super) fn forget(&mut self, topic: &str) {
        self.words.remove(topic);
        self.waiting.retain(|waiting| waiting != topic);
    }
}
