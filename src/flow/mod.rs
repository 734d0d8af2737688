//! Every way in which data may wait.
//!
//! | edge | waits in | when full |
//! |---|---|---|
//! | lane → decode | the lane itself, byte-budgeted; one job a camera is out at a time | skip to the next key frame, count |
//! | decode → detect | [`Slots`] | overwrite the camera's older frame, count |
//! | lane → clerk | a bounded channel | the lane sheds detection and keeps reading |
//! | outbox → broker | the store | waits, durably |
//! | anything → the page | a bounded broadcast | the viewer is told to resynchronise |
//! | lane → viewer of live pictures | `record::live`'s reel, byte-budgeted, one for all viewers of a stream | the viewer skips to the newest key picture, count |
//!
//! Owns the mechanisms that are ours ([`Slots`], [`Pool`]); plain bounded channels are tokio's.

mod pool;
mod slots;

pub use pool::Pool;
pub use slots::{Slots, Taken};
