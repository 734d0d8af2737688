//! `cunkou verify` as investigators call it: what it prints, and with which code it ends.

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
    time::Wall,
};
use serde_json::Value;

const NOW: Wall = Wall::from_unix_ms(1_773_100_000_000);
const BEGIN: Wall = Wall::from_unix_ms(1_773_079_445_123);

/// A station with one segment of two fragments; three packs of it, and the public keys.
fn packs(root: &Path) -> (Vec<PathBuf>, PathBuf) {
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
    let mut evidence = Evidence::open(&root.join("data"), &order.station.id, NOW).expect("opens");
    let open = |segment: &Segment| File::open(root.join(&segment.path));
    let packs = (0..3).map(|_| evidence.export(NOW, &order, &open).expect("exports").path).collect();
    let keyring = root.join("trusted.json");
    fs::write(&keyring, evidence.keyring().expect("there").to_bytes()).expect("writes");
    (packs, keyring)
}

fn verify(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cunkou")).arg("verify").args(arguments).output().expect("it runs")
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
