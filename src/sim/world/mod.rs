//! A whole station in virtual time: real lanes, clerk, outbox and courier; simulated cameras, decoders, detector, disk, broker and clock.
//!
//! ```text
//!  script (seed) ─▶ queue of happenings ─▶ world ─apply─▶ lanes ─acts─▶ world ─▶ clerk ─▶ outbox ─▶ courier ─▶ broker
//!                        ▲                                                │                                  │
//!                        └────────────────── later happenings ◀───────────┴──────────────────────────────────┘
//! ```
//!
//! One seed gives one trace, to the last bit. Faults are drawn at random by the script: cameras that go away or stall, networks that lose packets,
//! stream times that jump, a broker that is away, a disk that is full, fails or is slow, slow decoders and detectors, a killed process, a clock that is set. People answer
//! alerts in the meantime, two at once and the same twice. [`Report::faults_found`] says what was lost, invented or delivered twice with other bytes. Nothing
//! here waits, and nothing asks the machine for the time.

mod broker;
mod check;
mod queue;
mod script;
mod station;

use std::time::Duration;

pub use check::Report;
pub use script::{CameraFault, Script, StationFault, Visit};

use queue::{Happening, Queue};
use station::{FrameSlots, Stage};

use crate::gate::Grant;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many cameras.
    pub cameras: usize,
    /// For how long; a minute without faults follows, for what is on its way.
    pub lasts: Duration,
    /// What each camera has of the fleet's attention.
    pub grant: Grant,
}

/// Runs a plan to its end.
pub fn run(plan: &Plan) -> Report {
    let script = Script::draw(plan);
    let mut queue = Queue::new(script.starts_at());
    for (at, fault) in script.station_faults() {
        queue.at(at, Happening::Fault(fault));
    }
    for at in script.people() {
        queue.at(at, Happening::Person);
    }
    let slots = FrameSlots::new();
    let mut stage = Stage::new(plan, &script, &slots, &mut queue);
    let end = script.ends_at();
    while let Some((now, happening)) = queue.next_until(end) {
        stage.happen(now, happening, &mut queue);
    }
    stage.into_report(queue.now())
}
