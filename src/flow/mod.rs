//! Every way in which data may wait.
//!
//! | edge | waits in | when full |
//! |---|---|---|
//! | lane → decode | the lane itself, byte-budgeted; one job a camera is out at a time | skip to the next key frame, count |
//! | decode → detect | [`Slots`] | overwrite the camera's older frame, count |
//! | lane → clerk | a bounded channel | the lane sheds detection and keeps reading |
//! | outbox → broker | the store | waits, durably |
//! | anything → viewer | a bounded broadcast | the viewer is told to resynchronise |
//!
//! Owns the mechanisms that are ours ([`Slots`], [`Pool`]); plain bounded channels are tokio's.

mod pool;
mod slots;

pub use pool::Pool;
pub use slots::{Slots, Taken};
