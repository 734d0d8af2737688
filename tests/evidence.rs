//! `cunkou verify` as investigators call it, `cunkou audit` and `cunkou keys` as stations do: what they print, and with which code they end.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use cunkou::{
    config::{self, StreamRole},
    evidence::{
        Actor, Evidence, Order, Purpose, Sum,
        manifest::{CameraFacts, MANIFEST, StationFacts},
    },
    record::{Fragment, Segment},
    time::{Clock, Wall},
};
use serde_json::Value;

const NOW: Wall = Wall::from_unix_ms(1_773_100_000_000);
const BEGIN: Wall = Wall::from_unix_ms(1_773_079_445_123);

/// A station with one segment of two fragments; three packs of it, and the public keys.
fn packs(root: &Path) -> (Vec<PathBuf>, PathBuf) {
    let (mut evidence, order) = station(root);
    let packs = (0..3).map(|_| pack(root, &mut evidence, &order, NOW)).collect();
    let keyring = root.join("trusted.json");
    fs::write(&keyring, evidence.keyring().expect("there").to_bytes()).expect("writes");
    (packs, keyring)
}

/// One more.
fn pack(root: &Path, evidence: &mut Evidence, order: &Order, now: Wall) -> PathBuf {
    let open = |segment: &Segment| File::open(root.join(&segment.path));
    evidence.export(now, order, &open).expect("exports").path
}

/// A station with one segment of two fragments, its data in `root/data`.
fn station(root: &Path) -> (Evidence, Order) {
    let parts: Vec<Vec<u8>> = (0..3u8).map(|n| vec![n; 1000]).collect();
    fs::write(root.join("segment.mp4"), parts.concat()).expect("writes");
    let fragment = |n: usize| Fragment {
        offset: 1000 * n as u64,
        len: 1000,
        from: BEGIN.after(Duration::from_secs(2 * n as u64)),
        length: Duration::from_secs(2),
        is_key: true,
        sha256: Sum::of(&parts[n]).0,
    };
    let config = config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &config::Machine)
        .expect("the demo is valid");
    let camera = config.cameras.first().expect("the demo has cameras");
    let entry_point = &config.entry_points[&camera.entry_point];
    let order = Order {
        actor: Actor::new("王建国", "柳庄派出所").expect("good"),
        purpose: Purpose::new("寻找走失老人", "A-1").expect("good"),
        station: StationFacts::of(&config.station),
        time_zone: config.station.time_zone.clone(),
        camera: CameraFacts::of(camera, entry_point, &config.villages[&entry_point.village]),
        from: BEGIN,
        to: BEGIN.after(Duration::from_secs(10)),
        segments: vec![Segment {
            camera: camera.id.clone(),
            role: StreamRole::Main,
            volume: "disk".parse().expect("an id"),
            path: "segment.mp4".into(),
            from: BEGIN,
            to: BEGIN.after(Duration::from_secs(6)),
            bytes: 3000,
            init_len: 1000,
            init_sha256: Sum::of(&parts[0]).0,
            fragments: vec![fragment(1), fragment(2)],
            skew_ms: None,
        }],
        gaps: Vec::new(),
        alerts: Vec::new(),
        passages: Vec::new(),
        model: None,
        rules: Vec::new(),
        into: root.join("out"),
    };
    let evidence = Evidence::open(&root.join("data"), &order.station.id, NOW).expect("opens");
    (evidence, order)
}

fn verify(arguments: &[&Path]) -> Output {
    cunkou(&["verify"], arguments)
}

fn cunkou(command: &[&str], arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cunkou")).args(command).args(arguments).output().expect("it runs")
}

/// `cunkou audit` of the station in `root`: its exit code, and the lines of its stdout.
fn audit(root: &Path, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let data = root.join("data");
    let output = cunkou(&[&["audit", "--json"], arguments].concat(), &["--data".as_ref(), &data]);
    let (code, text) = code_and_text(&output);
    (code, text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn code_and_text(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn whole_packs_and_what_the_signature_does_not_say() {
    let root = tempfile::tempdir().expect("a folder");
    let (packs, keyring) = packs(root.path());
    let (code, text) = code_and_text(&verify(&[&packs[0], &packs[1], &packs[2]]));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("完整 WHOLE").count(), 3);
    assert!(text.contains("须由您核对指纹") && text.contains("for you to compare"), "{text}");
    let (code, text) = code_and_text(&verify(&["--keyring".as_ref(), &keyring, &packs[0]]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the key is in the keyring that you gave") && !text.contains("for you to compare"));
}

#[test]
fn what_is_wrong_is_named_for_people_and_for_machines() {
    let root = tempfile::tempdir().expect("a folder");
    let (packs, _) = packs(root.path());
    let (code, text) = code_and_text(&verify(&[&packs[0], &packs[2]]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("between no. 1 and no. 3, no. 2 of camera north-gate is missing"), "{text}");

    let clip = packs[1].join("clip.mp4");
    let mut bytes = fs::read(&clip).expect("reads");
    bytes[2500] ^= 1;
    fs::write(&clip, bytes).expect("writes");
    let (code, text) = code_and_text(&verify(&["--json".as_ref(), &packs[1], &packs[2]]));
    assert_eq!(code, Some(1), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(types, ["pack", "fault", "pack", "summary"]);
    assert_eq!((&lines[0]["whole"], &lines[2]["whole"]), (&Value::Bool(false), &Value::Bool(true)));
    let fault = &lines[1];
    assert_eq!((&fault["code"], &fault["file"]), (&"fragment-changed".into(), &"clip.mp4".into()));
    assert_eq!((&fault["fragment"], &fault["from"]), (&2.into(), &"2026-03-09T18:04:09.123000Z".into()));
}

#[test]
fn a_pack_does_not_write_to_the_terminal_what_it_likes() {
    let root = tempfile::tempdir().expect("a folder");
    let (packs, _) = packs(root.path());
    fs::write(packs[0].join("x\u{1b}[2J\r\n\u{202e}"), "").expect("writes");
    let (code, text) = code_and_text(&verify(&[&packs[0]]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("x\u{fffd}[2J") && !text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
}

#[test]
fn what_is_no_pack_is_wrong_input() {
    let root = tempfile::tempdir().expect("a folder");
    let (packs, _) = packs(root.path());
    for path in [root.path(), &root.path().join("nothing"), &packs[0].join(MANIFEST)] {
        assert_eq!(verify(&[path]).status.code(), Some(2), "{}", path.display());
        assert_eq!(verify(&[&packs[0], path]).status.code(), Some(2), "{}", path.display());
    }
    assert_eq!(verify(&["--keyring".as_ref(), &packs[0].join("clip.mp4"), &packs[0]]).status.code(), Some(2));
    assert_eq!(verify(&[]).status.code(), Some(2));
}

const WARRANT: [&str; 8] =
    ["--who", "Li", "--unit", "station", "--purpose", "the old key was seen", "--case", "IT-2026-7"];

#[test]
fn the_audit_log_is_shown_as_it_is_asked_for() {
    let root = tempfile::tempdir().expect("a folder");
    packs(root.path());
    let (code, lines) = audit(root.path(), &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    let (log, entries) = lines.split_last().expect("lines");
    let actions: Vec<&str> = entries.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(actions, ["key-made", "export", "exported", "export", "exported", "export", "exported"]);
    assert_eq!((&log["whole"], &log["entries"], &log["checkpoints"]), (&true.into(), &7.into(), &3.into()));
    assert_eq!(log["hash"], entries[6]["hash"]);
    let seqs = |arguments: &[&str]| -> Vec<u64> {
        let (code, lines) = audit(root.path(), arguments);
        assert_eq!(code, Some(0), "{lines:?}");
        lines.iter().filter_map(|line| line["seq"].as_u64()).collect()
    };
    assert_eq!(seqs(&["--action", "exported,key-made"]), [1, 3, 5, 7]);
    assert_eq!(seqs(&["--who", "王", "--case", "A-1", "--action", "export"]), [2, 4, 6]);
    assert_eq!(seqs(&["--who", "柳庄", "--to", "2026-03-08"]), [0u64; 0]);
    assert_eq!(seqs(&["--from", "2026-03-09T23:46:41Z"]), [0u64; 0]);
    assert_eq!(seqs(&["--from", "2026-03-09T23:46:40Z"]).len(), 7);
    let people = cunkou(&["audit"], &["--data".as_ref(), &root.path().join("data")]);
    let (_, text) = code_and_text(&people);
    assert!(text.contains("王建国, 柳庄派出所  寻找走失老人  A-1"), "{text}");
    assert_eq!(text.lines().count(), 7);
    for bad in [&["--from", "yesterday"][..], &["--action", "look"]] {
        assert_eq!(audit(root.path(), bad).0, Some(2), "{bad:?}");
    }
    assert_eq!(audit(&root.path().join("elsewhere"), &[]).0, Some(2));
}

#[test]
fn an_audit_log_that_was_changed_says_where() {
    let root = tempfile::tempdir().expect("a folder");
    packs(root.path());
    let (code, lines) = audit(root.path(), &["--check"]);
    assert_eq!((code, lines.len()), (Some(0), 1), "{lines:?}");
    let file =
        fs::read_dir(root.path().join("data/audit")).expect("there").map(|it| it.expect("there").path());
    let file = file.into_iter().find(|path| path.ends_with("2026-03.jsonl")).expect("the log of March");
    let text = fs::read_to_string(&file).expect("text");
    let mut written: Vec<&str> = text.lines().collect();
    let changed = written[3].replace("A-1", "A-2");
    written[3] = &changed;
    fs::write(&file, written.join("\n") + "\n").expect("writes");
    for check in [&["--check"][..], &[]] {
        let (code, lines) = audit(root.path(), check);
        let log = lines.last().expect("a verdict");
        assert_eq!((code, &log["whole"], &log["after"]), (Some(1), &false.into(), &3.into()), "{lines:?}");
        assert_eq!((&log["file"], &log["line"]), (&"2026-03.jsonl".into(), &4.into()));
        assert_eq!(lines.len(), if check.is_empty() { 4 } else { 1 }, "what was good before it is shown");
    }
    let people = cunkou(&["audit", "--check"], &["--data".as_ref(), &root.path().join("data")]);
    let said = String::from_utf8_lossy(&people.stderr).into_owned();
    assert!(said.contains("entry 3") && said.contains("the entry was changed"), "{said}");
    // An end that was cut off is missed, since what came of an export is signed.
    fs::write(&file, text.lines().take(6).collect::<Vec<_>>().join("\n") + "\n").expect("writes");
    let (code, lines) = audit(root.path(), &["--check"]);
    assert_eq!((code, &lines[0]["after"]), (Some(1), &6.into()), "{lines:?}");
}

#[test]
fn a_key_is_changed_beside_a_daemon_and_old_packs_stay_whole() {
    let root = tempfile::tempdir().expect("a folder");
    let data = root.path().join("data");
    // As in a daemon: opened once, and used before and after.
    let (mut evidence, order) = station(root.path());
    let before = pack(root.path(), &mut evidence, &order, NOW);
    let trusted = root.path().join("trusted.json");
    fs::write(&trusted, evidence.keyring().expect("there").to_bytes()).expect("writes");

    let keys = || {
        let (code, text) = code_and_text(&cunkou(&["keys", "--json"], &["--data".as_ref(), &data]));
        assert_eq!(code, Some(0), "{text}");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    assert_eq!(keys().len(), 1);
    let rotated = cunkou(&[&["keys", "rotate"][..], &WARRANT].concat(), &["--data".as_ref(), &data]);
    let said = String::from_utf8_lossy(&rotated.stderr).into_owned();
    assert!(rotated.status.success(), "{said}");
    let new = code_and_text(&rotated).1.trim().to_owned();
    let listed = keys();
    assert_eq!((listed.len(), &listed[0]["until"]), (2, &listed[1]["from"]), "{listed:?}");
    assert_eq!((&listed[1]["key"], &listed[1]["until"]), (&new.as_str().into(), &Value::Null));
    assert!(said.contains(listed[1]["fingerprint"].as_str().expect("text")), "{said}");

    // A key signs nothing of the time before it.
    let after = pack(root.path(), &mut evidence, &order, Clock::start().now().wall);
    let verified = verify(&["--json".as_ref(), "--keyring".as_ref(), &trusted, &before, &after]);
    let (code, text) = code_and_text(&verified);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["signed_by"], &lines[1]["signed_by"]), (&listed[0]["key"], &listed[1]["key"]));
    assert_eq!(
        (&lines[1]["standing"], &lines[1]["handed_over_by"]),
        (&"handed-over".into(), &listed[0]["key"])
    );

    let (code, lines) = audit(root.path(), &["--who", "Li"]);
    let actions: Vec<&str> = lines.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!((code, &actions[..]), (Some(0), &["key-rotate", "key-rotated"][..]), "{lines:?}");
    assert_eq!((&lines[1]["what"]["new"], &lines[1]["case"]), (&new.into(), &"IT-2026-7".into()));
    let secrets = fs::read_dir(data.join("keys")).expect("there").map(|it| it.expect("there").path());
    assert_eq!(secrets.filter(|path| path.extension().is_some_and(|end| end == "secret")).count(), 1);
}

#[test]
fn no_key_is_changed_without_a_reason_or_where_there_is_none() {
    let root = tempfile::tempdir().expect("a folder");
    let (evidence, _) = station(root.path());
    let data = root.path().join("data");
    let before = evidence.keyring().expect("there");
    let rotate = |arguments: &[&str], data: &Path| {
        cunkou(&[&["keys", "rotate"], arguments].concat(), &["--data".as_ref(), data]).status.code()
    };
    assert_eq!(rotate(&WARRANT[..6], &data), Some(2), "without a case");
    let blank = [&WARRANT[..5], &[" "], &WARRANT[6..]].concat();
    assert_eq!(rotate(&blank, &data), Some(2), "without a purpose");
    assert_eq!(rotate(&WARRANT, &root.path().join("elsewhere")), Some(2));
    assert!(!root.path().join("elsewhere").exists());
    // What cannot be written down is not done.
    let log = fs::read_dir(data.join("audit")).expect("there").map(|it| it.expect("there").path());
    let log = log.into_iter().find(|path| path.ends_with("2026-03.jsonl")).expect("the log of March");
    fs::write(&log, "{}\n").expect("writes");
    assert_eq!(rotate(&WARRANT, &data), Some(1));
    assert_eq!(evidence.keyring().expect("there"), before);
}
