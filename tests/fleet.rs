//! A whole station in virtual time: an hour in seconds, faults included.

use std::time::Duration;

use cunkou::{
    gate::Grant,
    sim::world::{Plan, run},
};

/// Looked at when streams give cause, and every few seconds: what 778 cameras on one machine have.
const SPARSE: Grant = Grant::Sparse { every: Duration::from_secs(6) };

#[test]
fn an_hour_of_ten_cameras_loses_nothing_invents_nothing_and_repeats_itself() {
    let plan = Plan { seed: 20_260_309, cameras: 10, lasts: Duration::from_secs(3600), grant: Grant::Always };
    let report = run(&plan);
    println!("{report:#?}");
    assert_eq!(report.faults_found, Vec::<String>::new());
    assert!(report.visits > 200, "{report:?}");
    assert!(report.visits_excused < report.visits * 2 / 3, "faults leave something to be judged: {report:?}");
    assert!(report.commands > 50, "people answer: {report:?}");
    assert!(report.received > report.promised as u64, "a lost connection leads to repeats: {report:?}");
    assert_eq!(run(&plan), report, "one seed, one trace");
}

#[test]
fn an_hour_of_cameras_that_sleep_misses_nobody() {
    let lasts = Duration::from_secs(3600);
    let plan = Plan { seed: 20_261_124, cameras: 10, lasts, grant: SPARSE };
    let report = run(&plan);
    println!("{report:#?}");
    assert_eq!(report.faults_found, Vec::<String>::new());
    assert!(report.visits > 200, "{report:?}");
    assert_eq!(run(&plan), report, "one seed, one trace");
}

#[test]
fn other_seeds_hold_too_and_give_other_traces() {
    let reports = [1, 2, 3, 4]
        .map(|seed| run(&Plan { seed, cameras: 3, lasts: Duration::from_secs(1200), grant: Grant::Always }));
    for report in &reports {
        assert_eq!(report.faults_found, Vec::<String>::new(), "{report:?}");
    }
    assert_ne!(reports[0].trace, reports[1].trace);
}

/// Runs as many seeds as `CUNKOU_SOAK_SEEDS` says; 3 without it. `make soak` asks for hundreds.
#[test]
fn soak_many_seeds() {
    let asked = std::env::var("CUNKOU_SOAK_SEEDS").ok();
    let seeds: u64 = asked.map_or(3, |text| text.parse().expect("CUNKOU_SOAK_SEEDS is a number of seeds"));
    let mut failed = Vec::new();
    for seed in 1000..1000 + seeds {
        let grant = if seed.is_multiple_of(2) { Grant::Always } else { SPARSE };
        let plan = Plan { seed, cameras: 3, lasts: Duration::from_secs(1200), grant };
        for fault in run(&plan).faults_found {
            println!("seed {seed}: {fault}");
            failed.push((seed, fault));
        }
        if (seed - 999).is_multiple_of(50) {
            println!("{} of {seeds} seeds, {} faults found", seed - 999, failed.len());
        }
    }
    assert!(
        failed.is_empty(),
        "repeat a seed by `run(&Plan {{ seed, cameras: 3, lasts: 20 min }})`: {failed:#?}"
    );
}
