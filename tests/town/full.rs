//! Disks that run full under a daemon at work, and get room again: what is missing is explained, what was promised is kept, and it goes on by itself.
//!
//! The disk is a small file system in memory that nobody but the daemon sees. Where the kernel lets nobody but root make one, the tests say so and are
//! skipped.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    broker::{Heard, Mosquitto, Subscriber},
    http, need_model,
    program::{Program, metric},
    station::{Station, Street},
    until,
};

const BLUE_JACKET: usize = 4;
const WHITE_HOOD: usize = 3;
const ASKED: &str = "who=Li&unit=station&purpose=a+tricycle+was+stolen&case=2026-0312";
const EVER: &str = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
/// Written at once.
const STEP: usize = 1 << 20;

/// A small disk at a folder, for whoever is in its room. It is gone with it.
struct Room {
    child: Child,
    folder: PathBuf,
}

impl Room {
    /// `None`, and a word, where it cannot be made.
    fn open(folder: &Path, mib: u32) -> Option<Self> {
        fs::create_dir_all(folder).expect("writable");
        let mount = format!("mount -t tmpfs -o size={mib}m,mode=700 none \"$0\" && echo there && exec cat");
        let child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: unshare is not installed");
            return None;
        };
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
        let room = Self { child, folder: folder.to_owned() };
        if read.is_err() || line.trim() != "there" {
            eprintln!(
                "skipped: this machine lets nobody but root mount a disk of his own (unshare --user --mount)"
            );
            return None;
        }
        Some(room)
    }

    /// Starts `cunkou` in it.
    fn start(&self, args: &[&str]) -> Program {
        let target = self.child.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target", &target]);
        // The room has a working directory of its own.
        command.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(env!("CARGO_MANIFEST_DIR"));
        command.arg(env!("CARGO_BIN_EXE_cunkou")).args(args);
        Program::launch(command)
    }

    fn run(&self, station: &Station) -> (Program, SocketAddr) {
        let program = self.start(&["run", "--config", &station.file.display().to_string()]);
        program.seen_below(Path::new(&format!("/proc/{}/root", self.child.id()))).at_work()
    }

    /// The file that takes up the room, as it is seen from outside.
    fn ballast(&self) -> PathBuf {
        let seen = format!("/proc/{}/root{}", self.child.id(), self.folder.display());
        Path::new(&seen).join("ballast")
    }

    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("it is writable");
        let step = vec![0u8; STEP];
        while ballast.write_all(&step).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it is full of it");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn station(street: &Street, broker: &Mosquitto) -> Station {
    let station = Station::new(&street.cameras(&["gate"]), broker.port);
    station.change(
        "[village.upper]",
        "[recording]\nwhen = \"always\"\nsegment_s = 10\npost_roll_s = 2\n[volume.disk]\npath = \"recordings\"\nkeep_free_gb = 0.05\n[village.upper]",
    );
    station
}

/// Waits until the camera is there and recorded.
fn is_recorded(page: SocketAddr) {
    until("it is at work", || (http::get(page, "/readyz").status == 200).then_some(()));
    until("a recording is on record", || {
        (metric(page, "cunkou_segments_recorded_total") > 0.0).then_some(())
    });
}

fn causes(page: SocketAddr) -> Vec<String> {
    let line = http::get(page, &format!("/api/v1/cameras/gate/timeline?{EVER}")).json();
    let stretches = line["stretches"].as_array().cloned().unwrap_or_default();
    let word = |it: &Value| it["cause"].as_str().or(it["what"].as_str()).unwrap_or("").to_owned();
    stretches.iter().map(word).skip_while(|word| word == "missing").collect()
}

/// Alerts of which a subscriber has heard.
fn heard(subscriber: &Subscriber) -> BTreeSet<String> {
    let told = subscriber.below("cunkou/v1/town/alert/");
    let id = |it: &Heard| it.json()["data"]["alert_id"].as_str().expect("an id").to_owned();
    told.iter().map(id).collect()
}

/// The next alert of which a subscriber hears.
fn is_delivered(subscriber: &Subscriber, known: &BTreeSet<String>) -> String {
    until("an alert is delivered", || heard(subscriber).difference(known).next().cloned())
}

fn clip_of(page: SocketAddr, alert: &str) -> Value {
    let state = http::get(page, "/api/state").json();
    let mut alerts = state["alerts"].as_array().cloned().unwrap_or_default().into_iter();
    alerts.find(|it| it["alert_id"] == alert).map_or(Value::Null, |it| it["clip"]["status"].clone())
}

/// Passages that can be found.
fn clips(page: SocketAddr) -> usize {
    let answer = http::get(page, &format!("/api/v1/clips?{ASKED}"));
    match answer.status {
        200 => answer.json()["clips"].as_array().map_or(0, Vec::len),
        _ => 0,
    }
}

/// All that is on the disk agrees, and nothing waits for the next start.
fn ends_well(room: &Room, program: Program, station: &Station) {
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let config = station.file.display().to_string();
    let checked = room.start(&["check", "--store", "--deep", "--json", "--config", &config]).ended();
    assert_eq!(checked.code, Some(0), "{:#?}", checked.out);
}

#[test]
fn a_volume_that_is_full_is_a_gap_and_stops_no_alert() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let street = Street::open(&["gate"]);
    let station = station(&street, &broker);
    let Some(room) = Room::open(&station.path("recordings"), 160) else { return };
    let subscriber = Subscriber::start(&broker, "cunkou/v1/town/#");
    let (program, page) = room.run(&station);
    is_recorded(page);

    room.fill();
    until("the alarm", || (metric(page, "cunkou_record_stuck") > 0.0).then_some(()));
    until("the gap is on record", || causes(page).contains(&"disk-full".to_owned()).then_some(()));
    assert!(
        program.log().iter().any(|line| line.contains("ERROR") && line.contains("disk")),
        "{:?}",
        program.log()
    );
    assert_eq!(http::get(page, "/readyz").status, 200, "alerts are kept");
    street.call("gate", BLUE_JACKET);
    let first = is_delivered(&subscriber, &BTreeSet::new());

    room.make_room();
    until("it records again", || {
        let causes = causes(page);
        let full = causes.iter().position(|cause| cause == "disk-full")?;
        (causes[full..].contains(&"recorded".to_owned())).then_some(())
    });
    assert_eq!(metric(page, "cunkou_record_stuck"), 0.0);
    // Whoever passed while nothing could be written.
    until("the passage is found", || (clips(page) == 1).then_some(()));
    until("what became of its clip is told", || (clip_of(page, &first) != "pending").then_some(()));
    street.call("gate", WHITE_HOOD);
    let second = is_delivered(&subscriber, &BTreeSet::from([first]));
    until("the next clip is there", || (clip_of(page, &second) == "ready").then_some(()));
    let causes = causes(page);
    assert!(!causes.contains(&"missing".to_owned()), "{causes:?}");
    ends_well(&room, program, &station);
}

#[test]
fn alerts_wait_for_a_store_that_is_full_and_are_told_once_there_is_room() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let street = Street::open(&["gate"]);
    let station = station(&street, &broker);
    let Some(room) = Room::open(&station.path("data"), 96) else { return };
    let subscriber = Subscriber::start(&broker, "cunkou/v1/town/#");
    let (program, page) = room.run(&station);
    is_recorded(page);
    street.call("gate", BLUE_JACKET);
    let first = BTreeSet::from([is_delivered(&subscriber, &BTreeSet::new())]);
    until("the passage is found", || (clips(page) == 1).then_some(()));

    room.fill();
    street.call("gate", WHITE_HOOD);
    until("the alarm", || (http::get(page, "/readyz").status == 503).then_some(()));
    let state = http::get(page, "/api/state").json();
    assert!(state["store_trouble"].is_string(), "{state:#}");
    assert_eq!(metric(page, "cunkou_store_stuck"), 1.0);
    assert!(
        program.log().iter().any(|line| line.contains("ERROR") && line.contains("full")),
        "{:?}",
        program.log()
    );
    // A few entries may still fit into the last block of the audit log.
    until("what cannot be written down is not shown", || {
        (http::get(page, &format!("/api/v1/clips?{ASKED}")).status == 503).then_some(())
    });
    // Recordings lie elsewhere, and go on.
    let bytes = metric(page, "cunkou_record_bytes_total");
    until("it goes on recording", || (metric(page, "cunkou_record_bytes_total") > bytes + 1e5).then_some(()));
    assert_eq!(heard(&subscriber), first, "nobody can have heard of the second one");

    room.make_room();
    is_delivered(&subscriber, &first);
    until("it is well", || (http::get(page, "/readyz").status == 200).then_some(()));
    assert!(http::get(page, "/api/state").json()["store_trouble"].is_null());
    until("both passages are found", || (clips(page) == 2).then_some(()));
    assert_eq!(heard(&subscriber).len(), 2, "each is told once");
    let recorded = metric(page, "cunkou_segments_recorded_total");
    until("it records", || (metric(page, "cunkou_segments_recorded_total") > recorded).then_some(()));
    let causes = causes(page);
    assert!(!causes.contains(&"missing".to_owned()), "{causes:?}");
    ends_well(&room, program, &station);
}
