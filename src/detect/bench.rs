//! What the product's own pool costs over the bare session.
//!
//! Owns the measuring, not the arguments or the printing. Both sides are measured in turns on the same machine, the same number of
//! threads and the same pictures, and medians are compared, so that whatever else the machine does hits both.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{DetectError, Detector, Job, Model, Runtime, View, error::provider_name, start_pool};
use crate::{
    config::{AttentionPolicy, Camera, Name, Provider, RecordPolicy, StreamRole, Transport, ViewPolicy},
    decode::{Frame, Picture},
    flow::Pool,
    geometry::PixelRect,
    id::CameraId,
    metrics::Metrics,
    time::{MediaTime, Mono, Now},
};

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The library.
    pub runtime: &'a Runtime,
    /// The model.
    pub model: &'a Model,
    /// What runs it.
    pub provider: Provider,
    /// Threads, a session each, on both sides.
    pub threads: NonZeroUsize,
    /// Frames that the pool is fed with, in turn. Not empty.
    pub pictures: &'a [Picture],
    /// How often each side is measured.
    pub rounds: NonZeroUsize,
    /// Calls a thread and round.
    pub calls: NonZeroUsize,
}

/// What came out. All are medians over the rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The model's id.
    pub model: String,
    /// What ran it.
    pub provider: &'static str,
    /// Threads on both sides.
    pub threads: usize,
    /// Size of the pictures, as `768x576`.
    pub picture: String,
    /// Calls a second of the sessions alone, on tensors that were filled before.
    pub raw_fps: f64,
    /// Frames a second through the pool: waiting in turn, scaling, the call, reading the outputs, answering.
    pub pool_fps: f64,
    /// `pool_fps / raw_fps`.
    pub efficiency: f64,
    /// One thread, alone.
    #[serde(flatten)]
    pub stages: Stages,
    /// Calls of each side in all.
    pub calls: usize,
}

/// What the stages of a look take on one thread, while nothing else is measured: medians.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stages {
    /// Milliseconds to scale a picture into the tensor.
    pub prepare_ms: f64,
    /// Milliseconds of the call.
    pub call_ms: f64,
    /// Milliseconds to make detections of the outputs.
    pub read_ms: f64,
}

/// Measures.
///
/// # Errors
/// As [`Detector::open`] and [`Detector::detect`].
///
/// # Panics
/// Where there is no picture.
pub fn run(bench: &Bench<'_>) -> Result<Report, DetectError> {
    let Bench { runtime, model, provider, threads, pictures, .. } = *bench;
    assert!(!pictures.is_empty(), "a bench has pictures");
    let mut bare: Vec<Detector> =
        (0..threads.get()).map(|_| Detector::open(runtime, model, provider)).collect::<Result<_, _>>()?;
    for detector in &mut bare {
        detector.prepare(&pictures[0], PixelRect::whole(pictures[0].size()), &[])?;
    }
    let pool = start_pool(runtime, model, provider, threads, Metrics::new())?;
    let stages = stages(&mut bare[0], bench)?;
    let (mut raw, mut pooled) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds.get() {
        // Who goes first changes, so that a machine that slows down is unfair to nobody.
        if round % 2 == 0 {
            raw.push(raw_fps(&mut bare, bench)?);
            pooled.push(pool_fps(&pool, bench)?);
        } else {
            pooled.push(pool_fps(&pool, bench)?);
            raw.push(raw_fps(&mut bare, bench)?);
        }
    }
    pool.stop();
    let (raw_fps, pool_fps) = (median(raw), median(pooled));
    Ok(Report {
        model: model.name().to_owned(),
        provider: provider_name(provider),
        threads: threads.get(),
        picture: pictures[0].size().to_string(),
        raw_fps,
        pool_fps,
        efficiency: pool_fps / raw_fps,
        stages,
        calls: bench.rounds.get() * bench.calls.get() * threads.get(),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures the stages of [`Bench::calls`] looks on the whole picture.
///
/// # Errors
/// As [`Detector::detect`].
pub fn stages(detector: &mut Detector, bench: &Bench<'_>) -> Result<Stages, DetectError> {
    let mut spent: [Vec<f64>; 3] = Default::default();
    for picture in bench.pictures.iter().cycle().take(bench.calls.get()) {
        for (spent, stage) in spent.iter_mut().zip(detector.timed(picture)?) {
            spent.push(1000.0 * stage.as_secs_f64());
        }
    }
    let [prepare_ms, call_ms, read_ms] = spent.map(median);
    Ok(Stages { prepare_ms, call_ms, read_ms })
}

fn raw_fps(bare: &mut [Detector], bench: &Bench<'_>) -> Result<f64, DetectError> {
    let calls = bench.calls.get();
    let count = bare.len() * calls;
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = bare
            .iter_mut()
            .map(|detector| scope.spawn(move || (0..calls).try_for_each(|_| detector.call())))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a call returns its errors and does not panic"))
    })?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn pool_fps(pool: &Pool<CameraId, Job>, bench: &Bench<'_>) -> Result<f64, DetectError> {
    let threads = bench.threads.get();
    let count = threads * bench.calls.get();
    // As many cameras as keep every thread busy, and others waiting.
    let cameras: Vec<Arc<Camera>> = (0..4 * threads).map(camera).collect();
    let (to, from) = mpsc::channel();
    let put = |number: usize, camera: &Arc<Camera>| {
        let frame = Frame {
            number: number as u64,
            media: MediaTime::default(),
            arrived: Now::default(),
            camera_clock: None,
            picture: bench.pictures[number % bench.pictures.len()].clone(),
        };
        let (to, again) = (to.clone(), Arc::clone(camera));
        // The receiver is gone only once enough has been counted.
        let done = Box::new(move |detected: super::Detected| drop(to.send((again, detected.result))));
        let job = Job { camera: Arc::clone(camera), frame, view: View::Full, done };
        pool.slots().put(camera.id.clone(), Mono::ZERO, job);
    };
    let begun = Instant::now();
    let mut sent = 0;
    for camera in cameras.iter().take(count) {
        put(sent, camera);
        sent += 1;
    }
    for _ in 0..count {
        let (camera, result) = from.recv().expect("this function holds a sender");
        result?;
        if sent < count {
            put(sent, &camera);
            sent += 1;
        }
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn camera(index: usize) -> Arc<Camera> {
    let id = format!("bench-{index}");
    Arc::new(Camera {
        name: Name { zh: id.clone(), en: id.clone() },
        id: id.parse().expect("it is a slug"),
        entry_point: "bench".parse().expect("it is a slug"),
        maintenance: false,
        main: "rtsp://127.0.0.1/".parse().expect("it is a URL"),
        sub: None,
        credentials: None,
        transport: Transport::Tcp,
        analyse: StreamRole::Main,
        attention: AttentionPolicy::Always,
        look_every: Duration::from_secs(10),
        record: RecordPolicy::off(),
        detect_fps: 25.0,
        view: ViewPolicy::Full,
        masks: Vec::new(),
        zones: BTreeMap::new(),
        lines: BTreeMap::new(),
        rules: Vec::new(),
    })
}
