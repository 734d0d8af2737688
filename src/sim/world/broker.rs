//! The simulated broker, and the subscriber who writes everything down.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::store::Message;

/// A broker that can be away, and what it was given.
#[derive(Debug, Default)]
pub(super) struct Broker {
    /// Whether it takes connections.
    pub(super) link: Link,
    /// Counts connections that it took.
    pub(super) connection: u32,
    /// First deliveries by topic, in order.
    delivered: BTreeMap<String, Vec<Delivered>>,
    faults: Vec<String>,
    /// Messages in all, repeats included.
    pub(super) received: u64,
}

/// Whether a broker takes connections.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// It does.
    #[default]
    Up,
    /// It is away.
    Down,
}

/// A message as it came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Its event id.
    pub(super) id: String,
    /// Its bytes.
    pub(super) payload: Vec<u8>,
    /// Revision of its subject.
    pub(super) rev: u64,
    /// Its subject.
    pub(super) subject: String,
}

impl Broker {
    /// Takes a message and writes it down.
    pub(super) fn take(&mut self, message: &Message) {
        self.received += 1;
        if message.payload.is_empty() || !is_of_alerts(&message.topic) {
            return;
        }
        let Some(delivered) = read(message) else {
            self.faults.push(format!("a payload cannot be read on {}", message.topic));
            return;
        };
        let known = self.delivered.entry(message.topic.clone()).or_default();
        match known.iter().find(|known| known.id == delivered.id) {
            Some(first) if first.payload != delivered.payload => {
                self.faults.push(format!("event {} was repeated with other bytes", delivered.id));
            }
            Some(_) => {}
            None => known.push(delivered),
        }
    }

    /// Whether it was given this message about an alert; what is of no alert, it always has.
    pub(super) fn has(&self, message: &Message) -> bool {
        if message.payload.is_empty() || !is_of_alerts(&message.topic) {
            return true;
        }
        let delivered = self.delivered.get(&message.topic).into_iter().flatten();
        delivered.rev().any(|delivered| delivered.payload == message.payload)
    }

    /// First deliveries of one topic's family, by topic.
    pub(super) fn delivered(&self) -> &BTreeMap<String, Vec<Delivered>> {
        &self.delivered
    }

    /// What should not have happened.
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }
}

/// Events, states and notices.
fn is_of_alerts(topic: &str) -> bool {
    topic.contains("/alert") || topic.ends_with("/notice")
}

/// What a subscriber reads in an alert's message.
pub(super) fn read(message: &Message) -> Option<Delivered> {
    let value: Value = serde_json::from_slice(&message.payload).ok()?;
    Some(Delivered {
        id: value["id"].as_str()?.to_owned(),
        payload: message.payload.to_vec(),
        rev: value["cunkourev"].as_u64()?,
        subject: value["subject"].as_str()?.to_owned(),
    })
}
