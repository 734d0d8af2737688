//! Taking access units in: simulated cameras over loopback, read by the product's own source.
//!
//! The reading thread's processor time is counted, and nobody else's: the cameras have a thread of their own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cunkou::{
    camera::{Limits, Pace, Source, StreamEvent},
    config::{Camera, StreamRole},
    id::CameraId,
    sim::{Scenario, Village},
    time::Clock,
};
use futures::future::join_all;
use serde_json::json;

use super::{
    Outcome,
    measure::{Bencher, allocations, round},
    recorded,
};

/// What a window of reading took.
struct Window {
    units: u64,
    lost: u64,
    bytes: u64,
    busy: Duration,
    allocated: u64,
}

pub(crate) fn run(bencher: &mut Bencher) -> Outcome {
    let cameras = bencher.of(100, 10);
    let (windows, length) = bencher.of((8, Duration::from_secs(2)), (2, Duration::from_secs(1)));
    let material = Arc::new(recorded::street()?);
    let names: Vec<CameraId> =
        (0..cameras).map(|index| format!("c{index}").parse()).collect::<Result<_, _>>()?;
    let scenario = Scenario::village(&names, 1, Duration::from_secs(120), &material.visit_lengths());
    let clock = Clock::start();
    let serving = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let village = serving.block_on(Village::start("127.0.0.1:0".parse()?, material, scenario, clock))?;
    let sample = recorded::camera(&recorded::demo());
    let camera = |id: &CameraId| -> Result<Arc<Camera>, url::ParseError> {
        let mut camera = (*sample).clone();
        camera.id = id.clone();
        camera.main = village.url(id, StreamRole::Main).parse()?;
        (camera.credentials, camera.sub) = (None, None);
        Ok(Arc::new(camera))
    };
    let cameras: Vec<Arc<Camera>> = names.iter().map(camera).collect::<Result<_, _>>()?;

    let reading = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let taken: Vec<Window> = reading.block_on(async {
        let pace = Pace::default();
        let mut sources: Vec<Source> = cameras
            .iter()
            .map(|camera| Source::connect(camera, StreamRole::Main, Limits::default(), clock, &pace))
            .collect();
        // Connecting is not measured.
        join_all(sources.iter_mut().map(read_one)).await;
        let mut taken = Vec::new();
        for _ in 0..windows {
            taken.push(window(&mut sources, length).await);
        }
        taken
    });
    let totals = serving.block_on(village.stop());
    let sum = |of: fn(&Window) -> u64| taken.iter().map(of).sum::<u64>();
    let (units, lost) = (sum(|w| w.units), sum(|w| w.lost));
    if lost + totals.units_skipped > 0 || units == 0 {
        return Err(format!(
            "{units} units were read, {lost} packets lost, {} units skipped",
            totals.units_skipped
        )
        .into());
    }
    let each = taken.iter().map(|window| window.busy / window.units.max(1) as u32).collect();
    let busy: Duration = taken.iter().map(|window| window.busy).sum();
    let more = json!({
        "cameras": names.len(),
        "units_per_core_s": (units as f64 / busy.as_secs_f64()).round(),
        "bytes_per_unit": sum(|w| w.bytes) / units,
        "units_lost": 0,
        "allocations_with_cameras": round(sum(|w| w.allocated) as f64 / units as f64),
    });
    bencher.tell("ingest.unit", each, units as usize, more);
    Ok(())
}

async fn read_one(source: &mut Source) {
    while !matches!(source.next().await, StreamEvent::Unit(_) | StreamEvent::Ended(_)) {}
}

async fn window(sources: &mut [Source], length: Duration) -> Window {
    let until = tokio::time::Instant::from_std(Instant::now() + length);
    let (before, allocated) = (busy(), allocations());
    let read = sources.iter_mut().map(async |source| {
        let (mut units, mut lost, mut bytes) = (0, 0, 0);
        while let Ok(event) = tokio::time::timeout_at(until, source.next()).await {
            match event {
                StreamEvent::Unit(unit) => {
                    units += 1;
                    lost += u64::from(unit.packets_lost);
                    bytes += unit.data.len() as u64;
                }
                StreamEvent::Ended(ending) => {
                    eprintln!("bench: a stream ended: {ending}");
                    lost += 1;
                    break;
                }
                StreamEvent::Playing(_) | StreamEvent::Changed(_) | StreamEvent::Audio(_) => {}
            }
        }
        (units, lost, bytes)
    });
    let read = join_all(read).await;
    let sum = |of: fn(&(u64, u64, u64)) -> u64| read.iter().map(of).sum();
    Window {
        units: sum(|r| r.0),
        lost: sum(|r| r.1),
        bytes: sum(|r| r.2),
        busy: busy().saturating_sub(before),
        allocated: allocations() - allocated,
    }
}

/// Processor time of this thread (Linux; `man 5 proc`, schedstat).
pub(super) fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ns.expect("the kernel tells a thread's processor time"))
}
