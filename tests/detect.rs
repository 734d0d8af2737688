//! The detector against values that were computed without it: see `tests/models/`.

#[path = "detect/footage.rs"]
mod footage;
#[path = "detect/nanodet.rs"]
mod nanodet;

use cunkou::detect::Runtime;

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
