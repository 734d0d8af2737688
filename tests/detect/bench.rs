//! The bench measures what it says.

use std::{num::NonZeroUsize, path::Path};

use cunkou::{
    config::Provider,
    detect::{
        Model,
        bench::{Bench, run},
    },
};

use super::{footage, runtime};

fn setting(name: &str, default: usize) -> NonZeroUsize {
    let value = std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    NonZeroUsize::new(value).expect("not zero")
}

/// `CUNKOU_BENCH_ROUNDS=15 CUNKOU_BENCH_CALLS=40 cargo test --test detect bench -- --nocapture` measures in earnest.
#[test]
fn the_bench_reports_both_sides() {
    let (Some(runtime), Some(frames)) = (runtime(), footage::vtest(50)) else { return };
    let pictures: Vec<_> = frames.map(|(_, picture)| picture).collect();
    let model = Model::load(Path::new("models"), &"nanodet-g-416-int8".parse().expect("an id"))
        .expect("the shipped model loads");
    let bench = Bench {
        runtime: &runtime,
        model: &model,
        provider: Provider::Cpu,
        threads: setting("CUNKOU_BENCH_THREADS", 1),
        pictures: &pictures,
        rounds: setting("CUNKOU_BENCH_ROUNDS", 2),
        calls: setting("CUNKOU_BENCH_CALLS", 3),
    };
    let report = run(&bench).expect("it measures");
    let json = serde_json::to_value(&report).expect("it is plain");
    eprintln!("{json}");
    for key in ["raw_fps", "pool_fps", "efficiency", "prepare_ms", "call_ms", "read_ms"] {
        assert!(json[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {json}");
    }
    assert_eq!(json["model"], "nanodet-g-416-int8");
    assert_eq!(json["picture"], "768x576");
    assert!((report.efficiency - report.pool_fps / report.raw_fps).abs() < 1e-9);
    assert_eq!(report.calls, bench.rounds.get() * bench.calls.get() * bench.threads.get());
}
