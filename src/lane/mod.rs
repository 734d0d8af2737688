//! One camera's straight line.
//!
//! ```text
//!             ┌──────────────────────────── Lane::apply(now, event) ───────────────────────────┐
//!  stream ───▶│ vitals · attention ─▶ (decode pool: Eye) ─▶ watch ─▶ (detect pool) ─▶ watch ─▶ acts │──▶ clerk
//!             └────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`Lane`] is pure: it is told the time and what happened, and says what is to be done. `task` waits for events and does what was
//! said; a simulated fleet does the same in virtual time (`sim::world`). Owns the order of a camera's stages and nothing of their insides.

mod core;
mod eye;
mod filming;
pub mod passage;
mod replay;
mod shortfall;
mod task;
#[cfg(test)]
mod tests;
mod track_clock;
mod watch;

pub use self::{
    core::{Act, Event, Filing, Lane},
    eye::{Eye, EyeJob, Glimpse, Seen},
    filming::{Filming, Heard, Link, Wish, Wishes, record},
    replay::{Counts, Replay, Replayed, is_due},
    shortfall::{Shortfall, Tally},
    task::{Filed, Surroundings, Told, Word, run},
    watch::Watch,
};
