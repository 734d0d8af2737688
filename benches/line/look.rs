//! The stages of a look, by model, on frames of vtest: scaling and normalising, the call, making detections of the outputs.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use cunkou::{
    config::Provider,
    detect::{
        Detector, Model, Runtime,
        bench::{Bench, stages},
    },
};
use serde_json::json;

use super::{Outcome, footage, measure::Bencher};

pub(crate) fn run(bencher: &mut Bencher) -> Outcome {
    let Some(frames) = footage::vtest(16) else { return Ok(()) };
    let pictures: Vec<_> = frames.map(|(_, picture)| picture).collect();
    let runtime = Runtime::load(None)?;
    let models = Path::new("models");
    let rounds = bencher.of(7, 2);
    for id in Model::list(models)? {
        let model = Model::load(models, &id)?;
        let bench = Bench {
            runtime: &runtime,
            model: &model,
            provider: Provider::Cpu,
            threads: NonZeroUsize::MIN,
            pictures: &pictures,
            rounds: NonZeroUsize::MIN,
            calls: NonZeroUsize::new(bencher.of(50, 10)).expect("it is not zero"),
        };
        let mut detector = Detector::open(&runtime, &model, bench.provider)?;
        let taken: Vec<_> = (0..rounds).map(|_| stages(&mut detector, &bench)).collect::<Result<_, _>>()?;
        let picture = pictures[0].size().to_string();
        for (stage, of) in [
            ("prepare", (|taken| taken.prepare_ms) as fn(&cunkou::detect::bench::Stages) -> f64),
            ("call", |taken| taken.call_ms),
            ("read", |taken| taken.read_ms),
        ] {
            let each = taken.iter().map(|taken| Duration::from_secs_f64(of(taken) / 1000.0)).collect();
            let more = json!({ "model": id.to_string(), "picture": picture });
            bencher.tell(&format!("detect.{stage}"), each, rounds * bench.calls.get(), more);
        }
    }
    Ok(())
}
