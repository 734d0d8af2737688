//! What each stage of the line costs, on real shapes: one JSON object a bench on stdout, progress on stderr.
//!
//! `cargo bench --bench line -- NAME…` runs those whose names begin so; `QUICK=1` takes fewer samples, to see that they work.
//! The stages are in the order of the line; what is measured, and how it counts, belongs to `measure`.

mod cameras;
mod decide;
#[path = "../../tests/detect/footage.rs"]
mod footage;
mod idle;
mod ingest;
mod look;
mod measure;
mod pixels;
mod promise;
mod recorded;

use std::process::ExitCode;

use measure::Bencher;

#[global_allocator]
static ALLOCATOR: measure::Counting = measure::Counting;

/// A bench that cannot run says why.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The benches of one stage.
type Stage = (&'static str, fn(&mut Bencher) -> Outcome);

/// Every bench that there is, in the order of the line.
const STAGES: [Stage; 10] = [
    ("ingest", ingest::run),
    ("idle", idle::run),
    ("decode", pixels::decode),
    ("cameras", cameras::run),
    ("motion", pixels::motion),
    ("detect", look::run),
    ("track", decide::track),
    ("rules", decide::rules),
    ("lane", decide::lane),
    ("promise", promise::run),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let is_wanted = |stage: &str| wanted.is_empty() || wanted.iter().any(|name| stage.starts_with(name));
    let mut bencher = Bencher::new();
    let mut code = ExitCode::SUCCESS;
    for (stage, run) in STAGES.iter().filter(|(stage, _)| is_wanted(stage)) {
        eprintln!("bench: {stage}");
        if let Err(error) = run(&mut bencher) {
            eprintln!("bench: {stage}: {error}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
