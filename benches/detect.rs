//! What the stages of a look cost, by model, on frames of vtest: a JSON line each.

#[path = "../tests/detect/footage.rs"]
mod footage;

use std::{num::NonZeroUsize, path::Path, process::ExitCode};

use cunkou::{
    config::Provider,
    detect::{
        DetectError, Detector, Model, Runtime,
        bench::{Bench, stages},
    },
};

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), DetectError> {
    let Some(frames) = footage::vtest(16) else { return Ok(()) };
    let pictures: Vec<_> = frames.map(|(_, picture)| picture).collect();
    let runtime = Runtime::load(None)?;
    let models = Path::new("models");
    for id in Model::list(models)? {
        let model = Model::load(models, &id)?;
        let bench = Bench {
            runtime: &runtime,
            model: &model,
            provider: Provider::Cpu,
            threads: NonZeroUsize::MIN,
            pictures: &pictures,
            rounds: NonZeroUsize::MIN,
            calls: NonZeroUsize::new(200).expect("it is not zero"),
        };
        let mut detector = Detector::open(&runtime, &model, bench.provider)?;
        let stages = serde_json::to_value(stages(&mut detector, &bench)?).expect("it is plain");
        let picture = pictures[0].size().to_string();
        println!(
            "{}",
            serde_json::json!({ "bench": "detect", "model": id, "picture": picture, "stages": stages })
        );
    }
    Ok(())
}
