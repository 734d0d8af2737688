//! Cunkou (村口, "the entrance of the village"): a video-alerting daemon.
//!
//! ```text
//! camera ─AccessUnit─▶ gate ─Look─▶ decode ─Frame─▶ motion ─Region─▶ detect ─Detection─▶ track ─▶ rules ─Alert─▶ store ─▶ mqtt
//!                                                                                                                └─▶ console
//! ```
//!
//! One camera is one [`lane`]: a task that owns all of that camera's state. ARCHITECTURE.md has the map, and what each floor
//! may know of the others.

pub mod analysis;
pub mod clip;
pub mod geometry;
pub mod id;
pub mod markup;
pub mod metrics;
pub mod time;

#[cfg(test)]
mod testing;

pub mod config;
pub mod flow;

pub mod alert;
pub mod camera;
pub mod decode;
pub mod detect;
pub mod duty;
pub mod gate;
pub mod motion;
pub mod record;
pub mod rules;
pub mod track;
pub mod watchman;
pub mod zones;

pub mod account;
pub mod archive;
pub mod console;
pub mod device;
pub mod evidence;
pub mod index;
pub mod mqtt;
pub mod neighbour;
pub mod report;
pub mod store;

pub mod daemon;
pub mod fleet_bench;
pub mod lane;
pub mod shadow;
pub mod sim;
pub mod trial;
