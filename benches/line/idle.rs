//! What a camera costs that is only listened to: processor time, allocations and resident memory.
//!
//! The cameras are a process of their own (`cunkou sim`), so that neither their memory nor their time is counted. Each stream is read by a task
//! of its own, as a lane does it, and nothing is done with what it says.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use cunkou::{
    camera::{Limits, Pace, Source, StreamEvent},
    config::{Camera, StreamRole},
    id::CameraId,
    metrics::{Metrics, OfCamera},
    time::Clock,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    Outcome,
    ingest::busy,
    measure::{Bencher, allocations, round},
    recorded,
};

/// How long the readers have to find their size before it is measured.
const SETTLED_AFTER: Duration = Duration::from_secs(4);

/// What a bench may need, or why it cannot have it.
type Failable<T> = Result<T, Box<dyn std::error::Error>>;

/// What the readers have counted, all together.
#[derive(Default)]
struct Counts {
    playing: AtomicU64,
    units: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
}

pub(crate) fn run(bencher: &mut Bencher) -> Outcome {
    let (few, many) = bencher.of((100, 300), (5, 15));
    let length = bencher.of(Duration::from_secs(10), Duration::from_secs(2));
    let (cameras, _village) = village(many)?;
    let reading = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    reading.block_on(async {
        let (counts, mut readers) = (Arc::new(Counts::default()), JoinSet::new());
        let bytes_few = connect(&cameras[..few], &counts, &mut readers).await?;
        let began = Instant::now();
        let bytes_many = connect(&cameras[few..], &counts, &mut readers).await?;
        let connected = began.elapsed().saturating_sub(SETTLED_AFTER);
        let (units, bytes, allocated, start) =
            (counts.units.load(Relaxed), counts.bytes.load(Relaxed), allocations(), busy());
        tokio::time::sleep(length).await;
        let took = busy().saturating_sub(start);
        let units = counts.units.load(Relaxed) - units;
        let lost = counts.lost.load(Relaxed);
        if units == 0 || lost > 0 {
            return Err(format!("{units} units were read, {lost} packets and streams lost").into());
        }
        let more = json!({
            "cameras": many,
            "bytes_per_unit": (counts.bytes.load(Relaxed) - bytes) / units,
            "allocations": round((allocations() - allocated) as f64 / units as f64),
            "core_per_mille_each": round(took.as_secs_f64() / length.as_secs_f64() / many as f64 * 1000.0),
            "resident_kib_each": bytes_many.saturating_sub(bytes_few) / 1024 / (many - few) as u64,
            "connected_ms": connected.as_millis() as u64,
        });
        bencher.tell("idle.unit", vec![took / units.max(1) as u32], units as usize, more);
        Ok(())
    })
}

/// Counting what a lane counts of an access unit, in a fleet of 778: looked up by camera each time, and once for all.
pub(crate) fn count(bencher: &mut Bencher) -> Outcome {
    let metrics = Metrics::new();
    let ids: Vec<CameraId> = (0..778).map(|n| format!("c{n}").parse()).collect::<Result<_, _>>()?;
    let own: Vec<_> = ids.iter().map(|id| metrics.of(id)).collect();
    let labels: Vec<OfCamera> = ids.iter().map(OfCamera::from).collect();
    let mut turn = (0..ids.len()).cycle();
    bencher.measure("count.looked-up", 200, 100, || {
        let of = &labels[turn.next().expect("for ever")];
        metrics.access_units.get_or_create(of).inc();
        metrics.access_unit_bytes.get_or_create(of).inc_by(1000);
    });
    bencher.measure("count.own", 200, 100, || {
        let of = &own[turn.next().expect("for ever")];
        of.access_units.inc();
        of.access_unit_bytes.inc_by(1000);
    });
    Ok(())
}

/// A process that plays so many cameras, and the cameras that read their sub streams. The process ends when it is dropped.
fn village(count: usize) -> Failable<(Vec<Arc<Camera>>, Village)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cunkou"))
        .args(["sim", "--json", "--listen", "127.0.0.1:0", "--cameras", &count.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().ok_or("no output")?;
    let village = Village(child);
    let mut lines = BufReader::new(out).lines();
    let sample = recorded::camera(&recorded::demo());
    let mut cameras = Vec::with_capacity(count);
    for line in lines.by_ref().take(count) {
        let told: Value = serde_json::from_str(&line?)?;
        let mut camera = (*sample).clone();
        camera.id = told["camera"].as_str().ok_or("no id")?.parse()?;
        camera.main = told["sub"].as_str().ok_or("no address")?.parse()?;
        (camera.credentials, camera.sub) = (None, None);
        cameras.push(Arc::new(camera));
    }
    // What happens there is nobody's business here, but it must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((cameras, village))
}

struct Village(Child);

impl Drop for Village {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects to cameras and waits until all play and have settled; how much memory is resident then, in bytes.
async fn connect(cameras: &[Arc<Camera>], counts: &Arc<Counts>, readers: &mut JoinSet<()>) -> Failable<u64> {
    let (pace, clock) = (Pace::default(), Clock::start());
    for camera in cameras {
        let source = Source::connect(camera, StreamRole::Main, Limits::default(), clock, &pace);
        readers.spawn(read(source, Arc::clone(counts)));
    }
    let wanted = readers.len() as u64;
    while counts.playing.load(Relaxed) < wanted {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if counts.lost.load(Relaxed) > 0 {
            return Err("a camera could not be connected to".into());
        }
    }
    tokio::time::sleep(SETTLED_AFTER).await;
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = pages.split(' ').nth(1).ok_or("statm has no resident size")?.parse()?;
    Ok(pages * 4096)
}

async fn read(mut source: Source, counts: Arc<Counts>) {
    loop {
        match source.next().await {
            StreamEvent::Unit(unit) => {
                counts.units.fetch_add(1, Relaxed);
                counts.bytes.fetch_add(unit.data.len() as u64, Relaxed);
                counts.lost.fetch_add(unit.packets_lost.into(), Relaxed);
            }
            StreamEvent::Playing(_) => {
                counts.playing.fetch_add(1, Relaxed);
            }
            StreamEvent::Changed(_) | StreamEvent::Audio(_) => {}
            StreamEvent::Ended(ending) => {
                eprintln!("bench: a stream ended: {ending}");
                counts.lost.fetch_add(1, Relaxed);
                return;
            }
        }
    }
}
