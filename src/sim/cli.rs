//! `cunkou sim`: simulated cameras alone, for any client.
//!
//! Arguments are parsed elsewhere; this is what they do.

use std::{io::Write, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::{broadcast::error::RecvError, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Material, Progress, Scenario, SimError, Studio, Village};
use crate::{config::StreamRole, id::CameraId, time::Clock};

/// After this, the village's visits come again.
const ROUND: Duration = Duration::from_secs(3600);

/// What to simulate.
#[derive(Debug, Clone)]
pub struct SimArgs {
    /// How many cameras, where no scenario says so.
    pub cameras: usize,
    /// A scenario file; without one, people come and go.
    pub scenario: Option<PathBuf>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Draws the visits, where no scenario says them.
    pub seed: u64,
    /// JSON lines on stdout.
    pub json: bool,
    /// Takes orders on stdin, and ends with it.
    pub orders: bool,
    /// Where footage comes from and encoded video goes.
    pub studio: Studio,
}

/// The ids `gate-1` to `gate-N`.
pub fn camera_ids(count: usize) -> Vec<CameraId> {
    (1..=count)
        .map(|n| format!("gate-{n}").parse().expect("letters, a dash and a number are an id"))
        .collect()
}

/// Loads or makes all that the cameras of a scenario show, in a thread of its own. Cancel-safe: a thread that nobody waits for keeps
/// what it has made, or ends with the process.
pub async fn prepare_material(
    scenario: Scenario,
    studio: Studio,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Arc<Material>, SimError> {
    let (made, prepared) = oneshot::channel();
    let work = move || {
        let material = Material::prepare_for(&scenario, &studio, &mut progress);
        // Nobody may be waiting any more, which is fine.
        let _ = made.send(material.map(Arc::new));
    };
    // Not one of tokio's blocking threads: the runtime would wait for it when somebody stops the program meanwhile.
    std::thread::Builder::new().name("sim-studio".into()).spawn(work)?;
    prepared.await.map_err(std::io::Error::other)?
}

/// A scenario and its material: the one that was written down, or a village of so many cameras where people come and go.
pub async fn prepare(
    args: &SimArgs,
    progress: impl FnMut(Progress) + Send + 'static,
) -> Result<(Arc<Material>, Scenario), SimError> {
    let ids = camera_ids(args.cameras);
    let written = args.scenario.as_deref().map(Scenario::read).transpose()?;
    let cast = written.clone().unwrap_or_else(|| Scenario::quiet(&ids));
    let material = prepare_material(cast, args.studio.clone(), progress).await?;
    let drawn = || Scenario::village(&ids, args.seed, ROUND, &material.visit_lengths());
    let scenario = written.unwrap_or_else(drawn);
    Ok((material, scenario))
}

/// Tells on stderr how far the preparation is, each ten per cent.
pub fn tell_progress() -> impl FnMut(Progress) + Send + 'static {
    let mut told = None;
    move |progress: Progress| {
        let percent = (progress.done * 100.0) as u32 / 10 * 10;
        if told.replace((progress.step, percent)) != Some((progress.step, percent)) {
            eprintln!("{} … {percent} %", progress.step);
        }
    }
}

/// Serves until told to stop; prints the cameras' URLs, and what happens as it happens.
pub async fn run_cli(args: SimArgs, stop: CancellationToken) -> Result<(), SimError> {
    let (material, scenario) = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        prepared = prepare(&args, tell_progress()) => prepared?,
    };
    let cameras = scenario.cameras.clone();
    let village = Village::start(args.listen, material, scenario, Clock::start()).await?;
    for camera in &cameras {
        let [main, sub] = [StreamRole::Main, StreamRole::Sub].map(|role| village.url(&camera.id, role));
        if args.json {
            print(&json!({ "type": "camera", "camera": camera.id.as_str(), "main": main, "sub": sub }))?;
        } else {
            print(&format_args!("{main}  {sub}"))?;
        }
    }
    let mut diary = village.follow_diary();
    let mut orders = args.orders.then(read_orders).transpose()?;
    loop {
        let entry = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            entry = diary.recv() => entry,
            line = ordered(&mut orders) => match line {
                Some(line) => {
                    obey(&village, &line).await?;
                    continue;
                }
                // Who gave orders has gone.
                None => break,
            },
        };
        match entry {
            Ok(entry) if args.json => print(&entry.to_json())?,
            Ok(entry) => print(&entry)?,
            Err(RecvError::Lagged(missed)) => eprintln!("{missed} events were not printed: too many at once"),
            Err(RecvError::Closed) => break,
        }
    }
    village.stop().await;
    Ok(())
}

/// Orders that wait, at most; who gives more waits.
const ORDERS_MAX: usize = 64;

/// Lines of stdin. Their thread ends with stdin, or with the process.
fn read_orders() -> Result<mpsc::Receiver<String>, SimError> {
    let (to, from) = mpsc::channel(ORDERS_MAX);
    let read = move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if to.blocking_send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("sim-orders".into()).spawn(read)?;
    Ok(from)
}

async fn ordered(orders: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match orders {
        Some(orders) => orders.recv().await,
        None => std::future::pending().await,
    }
}

/// `show CAMERA VISIT`, `hush`, or `totals`.
async fn obey(village: &Village, line: &str) -> Result<(), SimError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [] => {}
        ["hush"] => village.hush().await,
        ["totals"] => {
            let mut totals = json!(village.totals());
            totals["type"] = "totals".into();
            print(&totals)?;
        }
        ["show", camera, visit] => {
            let shown = match (camera.parse(), visit.parse()) {
                (Ok(camera), Ok(visit)) => village.show_visit(&camera, visit).await.unwrap_or(false),
                _ => false,
            };
            if !shown {
                eprintln!("nobody can come: {line}");
            }
        }
        _ => eprintln!("no such order: {line} (show CAMERA VISIT, hush, totals)"),
    }
    Ok(())
}

fn print(line: &dyn std::fmt::Display) -> Result<(), SimError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
