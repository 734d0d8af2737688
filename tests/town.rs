//! The product as its users meet it: the real program, from outside.
//!
//! Real are the program itself, its cameras (ours, over RTSP), decoders, the shipped model, mosquitto and a subscriber. Nothing here looks inside:
//! what is asked is asked over MQTT, HTTP, the terminal and exit codes. Needs what `make test` sets up; a test without its broker says so and is
//! skipped.

#[path = "town/access.rs"]
mod access;
#[path = "town/board.rs"]
mod board;
#[path = "town/broker.rs"]
mod broker;
#[path = "town/commands.rs"]
mod commands;
#[path = "town/demo.rs"]
mod demo;
#[path = "town/devices.rs"]
mod devices;
#[path = "town/equipment.rs"]
mod equipment;
#[path = "record/film.rs"]
mod film;
#[path = "town/full.rs"]
mod full;
#[path = "town/http.rs"]
mod http;
#[path = "town/kills.rs"]
mod kills;
#[path = "town/live.rs"]
mod live;
#[path = "town/outage.rs"]
mod outage;
#[path = "town/page.rs"]
mod page;
#[path = "town/payload.rs"]
mod payload;
#[path = "town/program.rs"]
mod program;
#[path = "town/recordings.rs"]
mod recordings;
#[path = "town/replay.rs"]
mod replay;
#[path = "town/station.rs"]
mod station;
#[path = "town/words.rs"]
mod words;
#[path = "town/zones.rs"]
mod zones;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Generous: only a test that fails waits for so long.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often others are asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Asks until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
        thread::sleep(ASK_EVERY);
    }
}

/// A file of the repository.
fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// What set-up fetched; says how to get it where it is missing.
fn set_up(path: &str) -> String {
    let path = repository(path);
    assert!(Path::new(&path).exists(), "{path} is not there: run `make test`, which sets it up");
    path
}

/// What the detector needs, unless the environment names another library.
fn need_model() {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        set_up(".cache/onnxruntime/libonnxruntime.so");
    }
    set_up(".cache/footage/vtest.mp4");
}
