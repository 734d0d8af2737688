//! How long a camera is waited for, and how much it may send at once.
//!
//! Owns the numbers and why they are so. When to try again belongs to [`super::Backoff`].

use std::time::Duration;

/// The limits of one stream. Every wait of [`super::Source`] ends by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a bare TCP connection may take when `describe` stayed without an answer: tells a host that is gone
    /// (nobody answers to connect) from one that accepts and says nothing.
    pub connect: Duration,
    /// Name, TCP connection and DESCRIBE together, both rounds of an authentication included.
    pub describe: Duration,
    /// SETUP.
    pub setup: Duration,
    /// PLAY.
    pub play: Duration,
    /// Longest time between two complete access units while playing. RTCP and keepalive answers do not count: a
    /// camera whose encoder hangs may keep those up for ever. retina holds an unfinished access unit in memory
    /// without a limit of its own, so this one also bounds that: a link's rate times this time.
    pub silence: Duration,
    /// Longest time without a key frame that is normal. Smart codecs stretch a GOP to 10 s and more.
    pub keyframe: Duration,
    /// How long the TEARDOWN of a session before may take, at [`super::Source::close`] and before connecting
    /// anew. retina gives a server 5 s on the connection at hand.
    pub teardown: Duration,
    /// Largest access unit in bytes; a larger one ends the stream. A key frame of a 4K camera at its best quality has
    /// some 2 MiB.
    pub unit_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            describe: Duration::from_secs(10),
            setup: Duration::from_secs(10),
            play: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            keyframe: Duration::from_secs(30),
            teardown: Duration::from_secs(6),
            unit_bytes_max: 8 << 20,
        }
    }
}
