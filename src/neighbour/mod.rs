//! Neighbouring stations: what is shared with them, and how it gets there.
//!
//! Owns agreements, the queue of what waits for each neighbour, the connection into its broker, and what is kept of their alerts. What an alert is and what becomes of it is the
//! clerk's (`daemon`), the connection itself `mqtt`'s. `docs/design/neighbours.md` says why it is so.
//!
//! ```text
//! clerk ─ Sharing ─ writes in the clerk's own batch ─▶ store ─▶ Queue (its task) ─▶ courier ─▶ the neighbour's broker
//!                              Post (receipts, answers) ─▶ store ─▶ │ ◀── receipts: Link::receipt
//! ear ─ daemon::neighbours ─ Inbox ─ writes, and the receipt, in one batch ─▶ store; then the page
//! ```

pub mod agreement;
pub mod entry;
pub mod foreign;
pub mod inbox;
pub mod link;
pub mod post;
pub mod queue;
pub mod receipt;
pub mod requests;
mod secret;
pub mod sharing;

pub use inbox::Inbox;
pub use link::{Links, Running};
pub use post::{Letter, Post, Unsent};
pub use secret::Secret;
pub use sharing::{Sharing, Tidings};
