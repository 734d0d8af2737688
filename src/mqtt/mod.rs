//! The wire to the station and its neighbours: topics, payloads, delivery, the embedded broker.
//!
//! Owns what is written on the wire and the one connection to the broker. What is promised lies in the `store`'s outbox; this
//! module empties it, in order, and strikes out what the broker has acknowledged.

mod connection;
pub mod courier;
pub mod ear;
pub mod embedded;
pub mod payload;
pub mod topic;
pub mod wire;

pub use connection::{
    ConnectionSettings, Hearing, News, Overheard, Stock, Subscriber, Unheard, WILL_DELAY, Ways, Words,
    deliver, deliver_from, probe,
};
