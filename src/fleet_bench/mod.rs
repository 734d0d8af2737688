//! `cunkou bench fleet`: a whole fleet, measured from camera to subscriber.
//!
//! ```text
//! simulator (a process) ─RTSP─▶ daemon (a process) ─MQTT─▶ subscriber (here)
//!         └────────────── diary ───────────────────────────▶ judge (here)
//! ```
//! [`record`] measures the same fleet while it is recorded. Owns the order of a run. Who comes when is drawn in [`plan`], and judged in [`judge`]; neither knows a process.

mod judge;
mod plan;
mod process;
pub mod record;

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    config::RecordWhen,
    mqtt::{Subscriber, Unheard},
    sim::{
        Format, Progress, Scenario, SimError, Studio, Totals,
        cli::{camera_ids, prepare_material},
    },
    time::Clock,
};
use process::{Process, free_port, metrics_page, sum};

pub use judge::{Judgement, Quantiles, Told, Visit, judge};
pub use plan::{Call, calls, events_for};

/// Visits under way at any time, where nobody says how many there are.
const UNDER_WAY: usize = 12;
/// What the daemon may take until it has learnt the empty streets: so long, and so much more for each camera, since each is shown to the detector once.
const WARM_UP: Duration = Duration::from_secs(6);
const WARM_UP_EACH: Duration = Duration::from_millis(25);
/// How long all cameras may take to connect.
const CONNECT_MAX: Duration = Duration::from_secs(120);
/// How long the last visitors may stay after the measured time, and the last units may be on their way.
const STRAGGLERS_MAX: Duration = Duration::from_secs(60);
const LAST_UNITS_MAX: Duration = Duration::from_secs(10);
/// An alert may come so long after the visitor has left.
const LAST_ALERTS: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(250);

/// How the fleet's cameras code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// A mean of 512 kbit/s, at most 1024.
    Vbr,
    /// 512 kbit/s at any time, with filler.
    Cbr,
    /// Constant quality that has about 512 kbit/s of the empty street.
    Quality,
    /// One after the other.
    Mixed,
}

impl Mix {
    fn codings(self) -> &'static [&'static str] {
        const VBR: &str = "h264-vbr512max1024-gop2s";
        const CBR: &str = "h264-cbr512fill-gop2s";
        const QUALITY: &str = "h264-q19-gop2s";
        match self {
            Self::Vbr => &[VBR],
            Self::Cbr => &[CBR],
            Self::Quality => &[QUALITY],
            Self::Mixed => &[VBR, CBR, QUALITY],
        }
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct FleetBench {
    /// How many cameras.
    pub cameras: usize,
    /// How long, once all are connected.
    pub length: Duration,
    /// Visitors begin to come within this time.
    pub within: Duration,
    /// How many come; `None`: so many that twelve are under way at any time.
    pub events: Option<usize>,
    /// Draws who comes where and when.
    pub seed: u64,
    /// How the cameras code.
    pub mix: Mix,
    /// What the daemon records.
    pub record: RecordWhen,
    /// This program.
    pub program: PathBuf,
    /// Folder of the models.
    pub models: PathBuf,
    /// Where footage comes from and encoded video goes.
    pub studio: Studio,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The simulator's material.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// Files, processes, ports.
    #[error("cannot measure the fleet: {0}")]
    Io(#[from] std::io::Error),
    /// One of the two processes ended.
    #[error("the {0} ended by itself; what it said is above")]
    Ended(&'static str),
    /// The daemon's broker cannot be heard.
    #[error(transparent)]
    Unheard(#[from] Unheard),
}

/// CPU of both processes, in cores.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct CpuCores {
    /// The daemon's, its broker's and its page's included.
    pub daemon: f64,
    /// The simulator's.
    pub simulator: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetReport {
    /// How many cameras there were.
    pub cameras: usize,
    /// How many were connected when the visitors began to come.
    pub connected: usize,
    /// Access units that the cameras had for the daemon, from the first connection to the end.
    pub access_units_expected: u64,
    /// Those that the daemon has not taken in.
    pub access_units_lost: i64,
    /// Bytes recorded, from the start to the end.
    pub bytes_recorded: u64,
    /// Visitors who came.
    pub events: usize,
    /// What became of them.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// The daemon's memory at the end of the measured time, MiB.
    pub rss_mib: f64,
    /// The most that it ever had, MiB.
    pub rss_peak_mib: f64,
    /// From the daemon's start to all cameras connected, s.
    pub startup_s: f64,
    /// CPU over the measured time.
    pub cpu_cores: CpuCores,
    /// The measured time, s.
    pub seconds: f64,
    /// Mean of the visits under way over the measured time.
    pub events_under_way: f64,
    /// Alerts of other kinds than those that visitors raise.
    pub alerts_other: usize,
    /// Frames decoded of access units taken in, over the measured time.
    pub decoded_share: f64,
    /// Frames that the detector looked at, a second.
    pub detected_per_s: f64,
    /// Mean rate of the streams, kbit/s a camera, over the measured time.
    pub kbps_per_camera: f64,
    /// How far the civil clock has moved against the monotonic one, ms: latencies are wrong by so much at most.
    pub clock_drift_ms: f64,
    /// The seed.
    pub seed: u64,
}

/// Measures. Takes the length, what all cameras need to connect, and half a minute for the last visitors.
///
/// # Errors
/// There is no footage, or a process cannot be started or ends by itself.
pub async fn run(
    bench: &FleetBench,
    progress: impl FnMut(Progress) + Send + 'static,
    mut say: impl FnMut(&str),
) -> Result<FleetReport, FleetError> {
    let scenario = scenario_of(bench);
    let material = prepare_material(scenario.clone(), bench.studio.clone(), progress).await?;
    let (lengths, seen) = (material.visit_lengths(), material.seen_lengths());
    drop(material);
    let folder = Folder::new()?;
    let mut run = Run::start(bench, &scenario, &folder).await?;
    say(&format!("{} cameras: connecting", bench.cameras));
    let (connected, startup) = run.wait_for_cameras(bench.cameras).await?;
    say(&format!("{connected} connected after {:.1} s; learning the empty streets", startup.as_secs_f64()));
    run.listen_until(Instant::now() + WARM_UP + WARM_UP_EACH * bench.cameras as u32).await?;

    let events = bench.events.unwrap_or_else(|| events_for(UNDER_WAY, bench.within, &seen));
    let calls = calls(bench.cameras, events, bench.within, &lengths, bench.seed);
    say(&format!("{} visitors in {:.0} s", calls.len(), bench.length.as_secs_f64()));
    let before = run.sample().await?;
    let start = Instant::now();
    for call in &calls {
        run.listen_until(start + call.at).await?;
        run.sim.say(&format!("show {} {}", scenario.cameras[call.camera].id, call.visit))?;
    }
    run.listen_until(start + bench.length).await?;
    let after = run.sample().await?;
    say("waiting for the last visitors");
    run.wait_for_stragglers(calls.len()).await?;
    let (expected, received) = run.last_units().await?;
    let recorded = sum(&run.page().await?, "record_bytes_total");
    let visits = run.visits();
    let judgement = judge(&visits, &run.alerts);
    judgement.wrong.iter().for_each(|wrong| say(wrong));
    let seconds = (after.at - before.at).as_secs_f64();
    let units = after.units - before.units;
    Ok(FleetReport {
        cameras: bench.cameras,
        connected,
        access_units_expected: expected,
        access_units_lost: expected as i64 - received as i64,
        bytes_recorded: recorded as u64,
        events: calls.len(),
        judgement,
        rss_mib: after.rss_mib,
        rss_peak_mib: after.rss_peak_mib,
        startup_s: startup.as_secs_f64(),
        cpu_cores: CpuCores {
            daemon: (after.daemon_cpu_s - before.daemon_cpu_s) / seconds,
            simulator: (after.sim_cpu_s - before.sim_cpu_s) / seconds,
        },
        seconds,
        events_under_way: under_way(&visits, before.wall_us, after.wall_us),
        alerts_other: run.other_alerts,
        decoded_share: (after.decoded - before.decoded) / units.max(1.0),
        detected_per_s: (after.detected - before.detected) / seconds,
        kbps_per_camera: (after.bytes - before.bytes) * 0.008 / seconds / bench.cameras.max(1) as f64,
        clock_drift_ms: run.clock_drift_ms(),
        seed: bench.seed,
    })
}

fn scenario_of(bench: &FleetBench) -> Scenario {
    let mut scenario = Scenario::quiet(&camera_ids(bench.cameras));
    scenario.seed = bench.seed;
    for (camera, coding) in scenario.cameras.iter_mut().zip(bench.mix.codings().iter().cycle()) {
        camera.format = Format::Fleet;
        camera.coding = Some(coding.parse().expect("the codings above are written well"));
    }
    scenario
}

fn under_way(visits: &[Visit], from_us: i64, until_us: i64) -> f64 {
    let inside = |visit: &Visit| (visit.left_us.min(until_us) - visit.seen_us.max(from_us)).max(0);
    visits.iter().map(inside).sum::<i64>() as f64 / (until_us - from_us).max(1) as f64
}

/// The rules by which `replay` judges persons, over a whole fleet.
fn config_of(bench: &FleetBench, cameras: &[(String, String)], console: u16, broker: u16) -> String {
    let mut text = format!(
        "[station]\nid = \"bench\"\ntime_zone = \"UTC\"\n[paths]\ndata = \"data\"\nmodels = {models:?}\n\
         [recording]\nwhen = \"{record}\"\n\
         [console]\nlisten = \"127.0.0.1:{console}\"\n[broker]\nkind = \"embedded\"\nlisten = \"127.0.0.1:{broker}\"\n\
         [village.fleet]\n[entry_point.fleet]\nvillage = \"fleet\"\n\
         [rule.person-in-view]\nkind = \"zone-enter\"\nentry_points = [\"fleet\"]\nclasses = [\"person\"]\n",
        record = match bench.record {
            RecordWhen::Always => "always",
            RecordWhen::Alerts => "alerts",
            RecordWhen::Off => "off",
        },
        models = bench.models.display().to_string(),
    );
    for (id, url) in cameras {
        // Writing to a String never fails.
        let _ = write!(text, "[camera.{id}]\nentry_point = \"fleet\"\nmain = \"{url}\"\n");
    }
    text
}

/// A folder of our own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        Self::within(None)
    }

    /// In that folder; else in the one for temporary files.
    fn within(parent: Option<&std::path::Path>) -> std::io::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, std::path::Path::to_owned);
        let path = parent.join(format!("cunkou-bench-{}-{}", std::process::id(), free_port()?));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in a folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Both processes at one moment.
struct Sample {
    at: Instant,
    wall_us: i64,
    daemon_cpu_s: f64,
    sim_cpu_s: f64,
    rss_mib: f64,
    rss_peak_mib: f64,
    units: f64,
    bytes: f64,
    decoded: f64,
    detected: f64,
}

struct Run {
    sim: Process,
    sim_lines: mpsc::Receiver<Value>,
    daemon: Process,
    console: SocketAddr,
    started: Instant,
    heard: mpsc::Receiver<Told>,
    clock: Clock,
    offset_us: i64,
    diary: Vec<Value>,
    totals: Option<Totals>,
    alerts: Vec<Told>,
    other_alerts: usize,
}

impl Run {
    async fn start(bench: &FleetBench, scenario: &Scenario, folder: &Folder) -> Result<Self, FleetError> {
        let scenario_path = folder.0.join("scenario.json");
        std::fs::write(&scenario_path, serde_json::to_vec(scenario).map_err(std::io::Error::other)?)?;
        let path = scenario_path.display().to_string();
        let arguments = ["sim", "--json", "--orders", "--listen", "127.0.0.1:0", "--scenario", &path];
        let (sim, mut sim_lines) = Process::start(&bench.program, &arguments)?;
        let mut cameras = Vec::new();
        while cameras.len() < bench.cameras {
            let line = sim_lines.recv().await.ok_or(FleetError::Ended("simulator"))?;
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            if line["type"] == "camera" {
                cameras.push((text("camera"), text("main")));
            }
        }
        let (console, broker) = (free_port()?, free_port()?);
        let config = folder.0.join("cunkou.toml");
        std::fs::write(&config, config_of(bench, &cameras, console, broker))?;
        let started = Instant::now();
        let arguments = ["run", "--config", &config.display().to_string()];
        let (mut daemon, _) = Process::start(&bench.program, &arguments)?;
        let mut subscriber = loop {
            match Subscriber::open("127.0.0.1", broker, "bench", "cunkou/v1/bench/alert/#").await {
                Ok(subscriber) => break subscriber,
                Err(error) if started.elapsed() > CONNECT_MAX => return Err(error.into()),
                Err(_) if daemon.has_ended() => return Err(FleetError::Ended("daemon")),
                Err(_) => tokio::time::sleep(POLL / 5).await,
            }
        };
        let clock = Clock::start();
        let (to, heard) = mpsc::channel(1_024);
        // Ends with the connection, or when nobody listens any more.
        tokio::spawn(async move {
            let mut known = std::collections::HashSet::new();
            while let Ok(message) = subscriber.next().await {
                let at_us = clock.now().wall.unix_us();
                let Ok(event) = serde_json::from_slice::<Value>(&message.payload) else { continue };
                let subject = event["subject"].as_str().unwrap_or_default().to_owned();
                if event["type"] != "cunkou.alert.raised.v1" || !known.insert(subject) {
                    continue;
                }
                let is_visitor = event["data"]["kind"] == "zone-enter";
                let camera = if is_visitor { event["data"]["camera"]["id"].as_str() } else { None };
                let told = Told {
                    camera: camera.unwrap_or_default().to_owned(),
                    at_us,
                    alert: event["data"]["alert_id"].as_str().unwrap_or_default().to_owned(),
                    about: format!("{} {}", event["data"]["objects"], event["data"]["direction"]),
                };
                if to.send(told).await.is_err() {
                    return;
                }
            }
        });
        let console = SocketAddr::from((Ipv4Addr::LOCALHOST, console));
        let mut run = Self {
            sim,
            sim_lines,
            daemon,
            console,
            started,
            heard,
            clock,
            offset_us: 0,
            diary: Vec::new(),
            totals: None,
            alerts: Vec::new(),
            other_alerts: 0,
        };
        run.offset_us = run.offset_us();
        Ok(run)
    }

    fn offset_us(&self) -> i64 {
        let now = self.clock.now();
        now.wall.unix_us() - now.mono.since_start().as_micros() as i64
    }

    fn clock_drift_ms(&self) -> f64 {
        (self.offset_us() - self.offset_us).abs() as f64 / 1e3
    }

    /// Takes in what is told until then.
    async fn listen_until(&mut self, until: Instant) -> Result<(), FleetError> {
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return Ok(()),
                told = self.heard.recv() => match told {
                    Some(told) if told.camera.is_empty() => self.other_alerts += 1,
                    Some(told) => self.alerts.push(told),
                    None => return Err(FleetError::Ended("daemon")),
                },
                line = self.sim_lines.recv() => {
                    let line = line.ok_or(FleetError::Ended("simulator"))?;
                    if line["type"] == "totals" {
                        self.totals = serde_json::from_value(line).ok();
                    } else {
                        self.diary.push(line);
                    }
                }
            }
        }
    }

    async fn page(&mut self) -> Result<String, FleetError> {
        if self.daemon.has_ended() {
            return Err(FleetError::Ended("daemon"));
        }
        Ok(metrics_page(self.console).await?)
    }

    /// How many cameras were connected, and how long after the daemon's start all were.
    async fn wait_for_cameras(&mut self, cameras: usize) -> Result<(usize, Duration), FleetError> {
        loop {
            let page = self.page().await.or_else(|error| match error {
                // The page comes last.
                FleetError::Io(_) => Ok(String::new()),
                other => Err(other),
            })?;
            let (online, elapsed) = (sum(&page, "camera_online") as usize, self.started.elapsed());
            if online >= cameras || elapsed > CONNECT_MAX {
                return Ok((online, elapsed));
            }
            self.listen_until(Instant::now() + POLL).await?;
        }
    }

    async fn sample(&mut self) -> Result<Sample, FleetError> {
        let page = self.page().await?;
        Ok(Sample {
            at: Instant::now(),
            wall_us: self.clock.now().wall.unix_us(),
            daemon_cpu_s: self.daemon.cpu_s().ok_or(FleetError::Ended("daemon"))?,
            sim_cpu_s: self.sim.cpu_s().ok_or(FleetError::Ended("simulator"))?,
            rss_mib: self.daemon.memory_mib("VmRSS").unwrap_or_default(),
            rss_peak_mib: self.daemon.memory_mib("VmHWM").unwrap_or_default(),
            units: sum(&page, "access_units_total"),
            bytes: sum(&page, "access_unit_bytes_total"),
            decoded: sum(&page, "frames_decoded_total"),
            detected: sum(&page, "frames_detected_total"),
        })
    }

    async fn wait_for_stragglers(&mut self, events: usize) -> Result<(), FleetError> {
        let limit = Instant::now() + STRAGGLERS_MAX;
        while self.visits().iter().filter(|visit| visit.left_us < i64::MAX).count() < events
            && Instant::now() < limit
        {
            self.listen_until(Instant::now() + POLL).await?;
        }
        self.listen_until(Instant::now() + LAST_ALERTS).await
    }

    /// Cameras fall silent; then all that they offered arrives, or never does. Gives what was offered, and what was taken in.
    async fn last_units(&mut self) -> Result<(u64, u64), FleetError> {
        self.sim.say("hush")?;
        let limit = Instant::now() + LAST_UNITS_MAX;
        loop {
            self.totals = None;
            self.sim.say("totals")?;
            self.listen_until(Instant::now() + 2 * POLL).await?;
            let received = sum(&self.page().await?, "access_units_total") as u64;
            let offered = self.totals.map(|totals| totals.units_offered);
            match offered {
                Some(offered) if offered <= received || Instant::now() > limit => {
                    return Ok((offered, received));
                }
                None if Instant::now() > limit => return Err(FleetError::Ended("simulator")),
                _ => {}
            }
        }
    }

    /// Those who came, as the diary has it. Who has not left yet leaves at the end of time.
    fn visits(&self) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        for entry in &self.diary {
            let camera = entry["camera"].as_str().unwrap_or_default();
            let at_us = entry["at_unix_us"].as_i64().unwrap_or_default();
            let last = visits.iter_mut().rev().find(|visit| visit.camera == camera);
            match (entry["type"].as_str(), last) {
                (Some("enters"), _) => visits.push(Visit {
                    camera: camera.to_owned(),
                    seen_us: at_us,
                    shows_us: at_us,
                    left_us: i64::MAX,
                }),
                (Some("shows"), Some(visit)) => visit.shows_us = at_us,
                (Some("leaves"), Some(visit)) => visit.left_us = at_us,
                _ => {}
            }
        }
        visits
    }
}
