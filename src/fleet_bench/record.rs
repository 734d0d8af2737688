//! `cunkou bench record`: a whole fleet that is recorded all the time, and looked at never.
//!
//! ```text
//! simulator (a process) ─RTSP─▶ daemon (a process) ─▶ files in a folder
//!                                  └─/metrics, /proc─▶ report (here)
//! ```

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    CONNECT_MAX, CpuCores, FleetError, Folder, POLL,
    process::{Process, free_port, metrics_page, sum},
};
use crate::sim::{
    Format, Progress, Scenario, Studio,
    cli::{camera_ids, prepare_material},
};

/// After all cameras are connected, each has begun a file by then.
const WARM_UP: Duration = Duration::from_secs(5);

/// What to measure.
#[derive(Debug, Clone)]
pub struct RecordBench {
    /// How many cameras.
    pub cameras: usize,
    /// Rate of each one's stream, filled up to it, kbit/s.
    pub kbps: u32,
    /// How long, once all are recorded.
    pub length: Duration,
    /// In which folder the recordings lie meanwhile; `None`: one for temporary files.
    pub folder: Option<PathBuf>,
    /// This program.
    pub program: PathBuf,
    /// Folder of the models.
    pub models: PathBuf,
    /// Where footage comes from and encoded video goes.
    pub studio: Studio,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordReport {
    /// How many cameras there were.
    pub cameras: usize,
    /// How many were connected when the measurement began.
    pub connected: usize,
    /// The measured time, s.
    pub seconds: f64,
    /// What the streams really had, kbit/s a camera.
    pub kbps_per_camera: f64,
    /// CPU of the daemon for one stream, in per cent of a core: connection and recording.
    pub cpu_percent_per_stream: f64,
    /// CPU over the measured time.
    pub cpu_cores: CpuCores,
    /// The daemon's memory at the end of the measured time, MiB.
    pub rss_mib: f64,
    /// The most that it ever had, MiB.
    pub rss_peak_mib: f64,
    /// Bytes written to files.
    pub bytes: u64,
    /// Bytes written, of bytes of access units taken in.
    pub bytes_share: f64,
    /// Fragments written: one large write each.
    pub fragments: u64,
    /// Files closed.
    pub segments: u64,
    /// Syncs of files.
    pub fsyncs: u64,
    /// Seconds that were spent in writing and syncing.
    pub write_seconds: f64,
    /// What was refused since the disk was too slow.
    pub sheds: u64,
    /// Gaps that were told.
    pub gaps: u64,
}

/// Both processes at one moment.
struct Sample {
    at: Instant,
    daemon_cpu_s: f64,
    sim_cpu_s: f64,
    page: String,
}

/// Measures. Takes the length, and what all cameras need to connect.
///
/// # Errors
/// There is no footage, or a process cannot be started or ends by itself.
pub async fn run(
    bench: &RecordBench,
    progress: impl FnMut(Progress) + Send + 'static,
    mut say: impl FnMut(&str),
) -> Result<RecordReport, FleetError> {
    let mut scenario = Scenario::quiet(&camera_ids(bench.cameras));
    for camera in &mut scenario.cameras {
        camera.format = Format::Fleet;
        let coding = format!("h264-cbr{}fill-gop2s", bench.kbps);
        camera.coding = Some(coding.parse().map_err(std::io::Error::other)?);
    }
    drop(prepare_material(scenario.clone(), bench.studio.clone(), progress).await?);
    let folder = Folder::within(bench.folder.as_deref())?;
    let (sim, mut lines, cameras) = start_sim(bench, &scenario, &folder.0).await?;
    // Who listens to nobody lets the simulator wait.
    tokio::spawn(async move { while lines.recv().await.is_some() {} });
    let console = free_port()?;
    let config = folder.0.join("cunkou.toml");
    std::fs::write(&config, config_of(bench, &cameras, console, free_port()?))?;
    let arguments = ["run", "--config", &config.display().to_string()];
    let (daemon, _) = Process::start(&bench.program, &arguments)?;
    let mut run = Run { sim, daemon, console: SocketAddr::from((Ipv4Addr::LOCALHOST, console)) };
    say(&format!("{} cameras: connecting", bench.cameras));
    let connected = run.wait_for_cameras(bench.cameras).await?;
    sleep(WARM_UP).await;
    say(&format!("{connected} connected; recording for {:.0} s", bench.length.as_secs_f64()));
    let before = run.sample().await?;
    sleep(bench.length).await;
    let after = run.sample().await?;
    let daemon = &run.daemon;
    Ok(report(bench, connected, &before, &after, |name| daemon.memory_mib(name).unwrap_or_default()))
}

fn report(
    bench: &RecordBench,
    connected: usize,
    before: &Sample,
    after: &Sample,
    memory_mib: impl Fn(&str) -> f64,
) -> RecordReport {
    let seconds = (after.at - before.at).as_secs_f64();
    let grown = |name: &str| sum(&after.page, name) - sum(&before.page, name);
    let cores = CpuCores {
        daemon: (after.daemon_cpu_s - before.daemon_cpu_s) / seconds,
        simulator: (after.sim_cpu_s - before.sim_cpu_s) / seconds,
    };
    let (bytes, taken) = (grown("record_bytes_total"), grown("access_unit_bytes_total"));
    RecordReport {
        cameras: bench.cameras,
        connected,
        seconds,
        kbps_per_camera: taken * 0.008 / seconds / bench.cameras.max(1) as f64,
        cpu_percent_per_stream: cores.daemon * 100.0 / bench.cameras.max(1) as f64,
        cpu_cores: cores,
        rss_mib: memory_mib("VmRSS"),
        rss_peak_mib: memory_mib("VmHWM"),
        bytes: bytes as u64,
        bytes_share: bytes / taken.max(1.0),
        fragments: grown("record_fragments_total") as u64,
        segments: grown("record_segments_total") as u64,
        fsyncs: grown("record_syncs_total") as u64,
        write_seconds: grown("record_seconds_total"),
        sheds: grown("record_sheds_total") as u64,
        gaps: grown("record_gaps_total") as u64,
    }
}

async fn start_sim(
    bench: &RecordBench,
    scenario: &Scenario,
    folder: &Path,
) -> Result<(Process, mpsc::Receiver<Value>, Vec<(String, String)>), FleetError> {
    let path = folder.join("scenario.json");
    std::fs::write(&path, serde_json::to_vec(scenario).map_err(std::io::Error::other)?)?;
    let path = path.display().to_string();
    let arguments = ["sim", "--json", "--orders", "--listen", "127.0.0.1:0", "--scenario", &path];
    let (sim, mut lines) = Process::start(&bench.program, &arguments)?;
    let mut cameras = Vec::new();
    while cameras.len() < bench.cameras {
        let line = lines.recv().await.ok_or(FleetError::Ended("simulator"))?;
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        if line["type"] == "camera" {
            cameras.push((text("camera"), text("main")));
        }
    }
    Ok((sim, lines, cameras))
}

fn config_of(bench: &RecordBench, cameras: &[(String, String)], console: u16, broker: u16) -> String {
    let mut text = format!(
        "[station]\nid = \"bench\"\ntime_zone = \"UTC\"\n[paths]\ndata = \"data\"\nmodels = {models:?}\n\
         [recording]\nwhen = \"always\"\nsegment_s = 60\n[volume.bench]\npath = \"recordings\"\nkeep_free_gb = 0.05\n\
         [console]\nlisten = \"127.0.0.1:{console}\"\n[broker]\nkind = \"embedded\"\nlisten = \"127.0.0.1:{broker}\"\n\
         [village.fleet]\n[entry_point.fleet]\nvillage = \"fleet\"\n",
        models = bench.models.display().to_string(),
    );
    for (id, url) in cameras {
        // Writing to a String never fails.
        let _ =
            write!(text, "[camera.{id}]\nentry_point = \"fleet\"\nmain = \"{url}\"\nattention = \"off\"\n");
    }
    text
}

struct Run {
    sim: Process,
    daemon: Process,
    console: SocketAddr,
}

impl Run {
    async fn wait_for_cameras(&mut self, cameras: usize) -> Result<usize, FleetError> {
        let began = Instant::now();
        loop {
            if self.daemon.has_ended() {
                return Err(FleetError::Ended("daemon"));
            }
            // The page comes last.
            let page = metrics_page(self.console).await.unwrap_or_default();
            let online = sum(&page, "camera_online") as usize;
            if online >= cameras || began.elapsed() > CONNECT_MAX {
                return Ok(online);
            }
            sleep(POLL).await;
        }
    }

    async fn sample(&mut self) -> Result<Sample, FleetError> {
        if self.daemon.has_ended() {
            return Err(FleetError::Ended("daemon"));
        }
        let page = metrics_page(self.console).await?;
        Ok(Sample {
            at: Instant::now(),
            daemon_cpu_s: self.daemon.cpu_s().ok_or(FleetError::Ended("daemon"))?,
            sim_cpu_s: self.sim.cpu_s().ok_or(FleetError::Ended("simulator"))?,
            page,
        })
    }
}
