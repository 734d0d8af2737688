//! Live view: a camera's stream, as it comes, to whoever watches; without decoding it.
//!
//! ```text
//! lane's task ─StreamEvent─▶ Feed ─▶ Reel (bounded, shared) ─▶ Viewer { Projector (pure) } ─▶ init, fragments, words
//!              nobody watches: one atomic load a unit          one for each who watches
//!   └──Sight──▶ Sights (the newest, where anybody wants it) ─▶ Sighted ─▶ where things are in the viewer's time
//! ```
//! Owns where a viewer begins, what is skipped for one that lags, how many there may be, and what each is told. A lane hands units over and knows
//! nothing of viewers; nobody waits for a viewer. The bytes are the muxer's ([`super::mp4`]); how they travel is the console's.

mod feeds;
mod glance;
#[cfg(test)]
mod glance_tests;
mod projector;
mod reel;
mod sights;
#[cfg(test)]
mod tests;

pub use feeds::{Feed, Feeds, NoView, Viewer};
pub use glance::{NoGlance, Pick};
pub use projector::{Heard, Opening, Shown};
pub use sights::{Followed, Sight, Sighted, Sights};
