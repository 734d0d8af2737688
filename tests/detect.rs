//! The detector against values that were computed without it: see `tests/models/`.

#[path = "detect/bench.rs"]
mod bench;
#[path = "detect/families.rs"]
mod families;
#[path = "detect/footage.rs"]
mod footage;
#[path = "detect/nanodet.rs"]
mod nanodet;
#[path = "detect/pixels.rs"]
mod pixels;
#[path = "detect/pool.rs"]
mod pool;
#[path = "detect/refusals.rs"]
mod refusals;

use std::path::Path;

use cunkou::{
    config::Provider,
    detect::{Detector, Model, Runtime},
};

/// Where the tiny models are.
const TINY: &str = "tests/models";

/// The runtime, where set-up has put it.
fn runtime() -> Option<Runtime> {
    match Runtime::load(None) {
        Ok(runtime) => Some(runtime),
        Err(err) => {
            eprintln!("SKIPPED: {err}");
            None
        }
    }
}

/// One of the tiny models.
fn tiny(runtime: &Runtime, name: &str) -> Detector {
    let model = Model::load(Path::new(TINY), &name.parse().expect("an id")).expect("it loads");
    Detector::open(runtime, &model, Provider::Cpu).expect("it opens")
}
