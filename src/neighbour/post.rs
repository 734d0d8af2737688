//! What is answered to neighbours, and asked of them.
//!
//! Owns the order of these letters: receipts, answers, commands, requests. They lie in the ledger like alerts, and go when the neighbour's broker has them: one that is lost
//! is made again by the repeat that it answers. What they say is their writers'.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use tokio::sync::Mutex;

use super::entry::{self, Head, Lane, Place, What};
use crate::{
    config::Config,
    id::{EventId, StationId},
    mqtt::{
        payload::{CONTENT_TYPE, Envelope},
        topic::Topics,
    },
    store::{Desk, Message, Refused, Write},
    time::Wall,
};

/// Something to say to a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    below: String,
    event: EventId,
    payload: Vec<u8>,
    void_at: Wall,
}

impl Letter {
    /// A letter on a topic below `in/{our id}/` at the neighbour: `receipt/{event_id}`, `answer/{command_id}`. It is never sent from `void_at` on.
    pub fn new<D: Serialize>(below: String, envelope: &Envelope<D>, void_at: Wall) -> Self {
        Self { below, event: envelope.id, payload: envelope.to_bytes(), void_at }
    }
}

#[cfg(test)]
impl Letter {
    pub(super) fn into_parts(self) -> (String, Vec<u8>) {
        (self.below, self.payload)
    }
}

/// Why a letter is not promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// Not a neighbour of this station.
    #[error("{0} is no neighbour of this station: add [neighbour.{0}] to the configuration")]
    Stranger(StationId),
    /// It is larger than the store takes.
    #[error("{0}")]
    TooLarge(String),
    /// The store.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The way to neighbours for whoever answers them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Post {
    desk: Desk,
    mailboxes: Arc<BTreeMap<StationId, Mailbox>>,
}

#[derive(Debug)]
struct Mailbox {
    topics: Topics,
    /// The number of the last letter. Held until the letter is promised, so that numbers become durable in their order.
    last: Mutex<u64>,
}

impl Post {
    /// Finds the order again. One for the process: clone it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(desk: Desk, config: &Config) -> Result<Self, Refused> {
        let mut mailboxes = BTreeMap::new();
        for neighbour in &config.neighbours {
            let (from, to) = entry::behind(&neighbour.id, Lane::Post, 0);
            let last = desk.last(from, to).await?.and_then(|(key, _)| entry::number_of(&key)).unwrap_or(0);
            let topics = Topics::at_neighbour(&neighbour.id, &config.station.id);
            mailboxes.insert(neighbour.id.clone(), Mailbox { topics, last: Mutex::new(last) });
        }
        Ok(Self { desk, mailboxes: Arc::new(mailboxes) })
    }

    /// Returns once these letters to a neighbour, and the caller's own `writes`, are promised: durable, all or nothing. What it keeps of a neighbour's event and the
    /// receipt for it go in one call.
    ///
    /// # Errors
    /// Nothing is promised.
    pub async fn send(&self, to: &StationId, letters: Vec<Letter>, writes: Vec<Write>) -> Result<(), Unsent> {
        let mailbox = self.mailboxes.get(to).ok_or_else(|| Unsent::Stranger(to.clone()))?;
        let mut writes = writes;
        let mut last = mailbox.last.lock().await;
        let mut number = *last;
        for letter in letters {
            number += 1;
            let message = Message {
                topic: mailbox.topics.below(&letter.below),
                payload: letter.payload.into(),
                content_type: CONTENT_TYPE.to_owned(),
                retain: false,
                expiry: None,
            };
            let head = Head { what: What::Letter, event: letter.event, void_at: letter.void_at };
            let place = Place { lane: Lane::Post, number };
            let put = entry::put(to, place, &head, &message).map_err(|e| Unsent::TooLarge(e.to_string()))?;
            writes.push(put);
        }
        // Where the caller goes away meanwhile, the numbers are used all the same.
        *last = number;
        self.desk.promise(writes, Vec::new()).await?;
        Ok(())
    }
}
