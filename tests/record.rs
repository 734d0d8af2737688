//! Recordings over real parts: simulated cameras, a daemon that is killed, and files that play to their last fragment.

#[path = "record/film.rs"]
mod film;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use tempfile::TempDir;

/// How long a test waits for what must happen: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(120);
const CAMERAS: usize = 2;

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cunkou"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("RUST_LOG", "error,rumqttd=off");
    command
}

/// A camera's id, and the URLs of its two streams.
type Streams = [String; 3];

/// Simulated cameras. They end with their stdin.
fn cameras() -> (Process, Vec<Streams>) {
    let mut command = program();
    command.args(["sim", "--json", "--orders", "--listen", "127.0.0.1:0", "--cameras", &CAMERAS.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut urls = Vec::new();
    while urls.len() < CAMERAS {
        let line = lines.next().expect("the simulator runs").expect("text");
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        if line["type"] == "camera" {
            urls.push(["camera", "main", "sub"].map(text));
        }
    }
    // A simulator that nobody listens to would wait.
    std::thread::spawn(move || lines.for_each(drop));
    (Process(child), urls)
}

struct Station {
    folder: TempDir,
    console: u16,
}

impl Station {
    /// Each camera's main stream is recorded; of the first one that is the analysed one, of the others it is a connection of its own.
    fn new(cameras: &[Streams]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = || {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
            bound.expect("a free port").port()
        };
        let (console, broker) = (port(), port());
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let mut config = format!(
            "[station]\nid = \"test\"\ntime_zone = \"UTC\"\n[paths]\ndata = \"data\"\nmodels = {:?}\n\
             [recording]\nwhen = \"always\"\nsegment_s = 10\n[volume.disk]\npath = \"recordings\"\nkeep_free_gb = 0.05\n\
             [console]\nlisten = \"127.0.0.1:{console}\"\n[broker]\nkind = \"embedded\"\nlisten = \"127.0.0.1:{broker}\"\n\
             [village.v]\n[entry_point.e]\nvillage = \"v\"\n",
            models.display().to_string()
        );
        for (number, [id, main, sub]) in cameras.iter().enumerate() {
            config +=
                &format!("[camera.{id}]\nentry_point = \"e\"\nmain = \"{main}\"\nattention = \"off\"\n");
            if number > 0 {
                config += &format!("sub = \"{sub}\"\nanalyse = \"sub\"\nrecord_stream = \"main\"\n");
            }
        }
        fs::write(folder.path().join("cunkou.toml"), config).expect("writable");
        Self { folder, console }
    }

    fn start(&self) -> Process {
        let config = self.folder.path().join("cunkou.toml");
        Process(program().args(["run", "--config"]).arg(config).spawn().expect("it starts"))
    }

    /// A metric, summed over its labels; 0 while nobody answers.
    fn metric(&self, name: &str) -> f64 {
        let mut page = String::new();
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.console)) {
            let _ =
                stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_string(&mut page);
        }
        let of = |line: &str| line.strip_prefix(name)?.split_whitespace().next_back()?.parse::<f64>().ok();
        page.lines().filter_map(of).sum()
    }

    fn wait_for(&self, name: &str, at_least: f64) {
        let began = Instant::now();
        while self.metric(name) < at_least {
            assert!(began.elapsed() < PATIENCE, "{name} does not reach {at_least}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What `check --store --deep` says where it finds nothing wrong.
    fn check(&self) -> String {
        let config = self.folder.path().join("cunkou.toml");
        let checked = program().args(["check", "--store", "--deep", "--config"]).arg(config).output();
        let checked = checked.expect("it runs");
        let said = [checked.stdout, checked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(checked.status.success(), "{}", said.concat());
        said.concat()
    }

    fn files(&self) -> Vec<PathBuf> {
        film::files(&self.folder.path().join("recordings"))
    }
}

/// Kills a daemon at random moments, then looks at all files that are left.
fn kill_often(times: usize, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let (_simulator, urls) = cameras();
    let station = Station::new(&urls);
    for _ in 0..times {
        let mut daemon = station.start();
        station.wait_for("cunkou_record_fragments_total", CAMERAS as f64);
        std::thread::sleep(Duration::from_millis(random.random_range(0..5_000)));
        daemon.0.kill().expect("it runs");
        daemon.0.wait().expect("it was killed");
    }
    let files = station.files();
    let fragments: usize = files.iter().map(|path| film::play(path).0).sum();
    for [id, ..] in &urls {
        let of = files.iter().filter(|path| path.display().to_string().contains(&format!("/{id}/"))).count();
        assert!(of > 0, "{id} in {files:?}");
    }
    assert!(files.len() >= times && fragments >= times * CAMERAS, "{fragments} in {files:?}");

    // What the last kill has left is told, and is not wrong. The next start puts it on record; then everything agrees, and each second is explained.
    let left = station.check();
    assert!(left.contains("left  ") && left.contains("left by a kill"), "{left}");
    let mut daemon = station.start();
    station.wait_for("cunkou_segments_recorded_total", files.len() as f64);
    stop(&mut daemon);
    assert!(!station.check().contains("left"));
}

fn stop(daemon: &mut Process) {
    let pid = rustix::process::Pid::from_child(&daemon.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let status = daemon.0.wait().expect("it ends");
    assert!(status.success(), "{status}");
}

#[test]
fn what_a_killed_daemon_has_recorded_plays_to_its_last_fragment() {
    kill_often(3, 1);
}

#[test]
fn a_daemon_that_is_stopped_closes_its_files() {
    let (_simulator, urls) = cameras();
    let station = Station::new(&urls);
    let mut daemon = station.start();
    // At least one file each was closed by the clock.
    station.wait_for("cunkou_record_segments_total", CAMERAS as f64);
    station.wait_for("cunkou_record_gaps_total", 1.0);
    assert_eq!(station.metric("cunkou_record_stuck"), 0.0);
    stop(&mut daemon);
    let files = station.files();
    assert!(
        files.len() >= 2 * CAMERAS && files.iter().all(|it| it.display().to_string().ends_with("-main.mp4")),
        "{files:?}"
    );
    for path in files {
        let (fragments, behind) = film::play(&path);
        assert!(
            fragments > 0 && behind == 0,
            "{}: {fragments} fragments, {behind} bytes behind",
            path.display()
        );
    }
}
