//! `cunkou replay` over recorded files: its lines, and whom it notices when.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
};

use cunkou::{camera::Codec, detect::Class, id::AlertId, sim::Source};
use serde_json::Value;

use crate::{need_model, program::cunkou, set_up, station::material};

/// Milliseconds from frame to frame of the street.
const FRAME_MS: u64 = 100;

fn replay(video: &str) -> Vec<Value> {
    let ended = cunkou(&["replay", video, "--json"]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let lines = ended.out.iter();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

fn number(line: &Value, member: &str) -> u64 {
    line[member].as_u64().unwrap_or_else(|| panic!("{member} of {line}"))
}

/// Checks a line against the contract.
fn check(line: &Value) {
    let is_class = |value: &Value| Class::ALL.iter().any(|class| value == class.as_str());
    let is_id = |value: &Value| value.as_str().is_some_and(|id| id.parse::<AlertId>().is_ok());
    let is_share = |value: &Value| value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share));
    let is_box = |value: &Value| {
        let edges: Vec<i64> = value.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        edges.len() == 4 && edges[0] <= edges[2] && edges[1] <= edges[3]
    };
    let good = match line["type"].as_str().expect("each line has a type") {
        "detection" => {
            line["t_ms"].is_u64()
                && line["frame"].is_u64()
                && (line["track"].is_u64() || line["track"].is_null())
                && is_class(&line["class"])
                && is_share(&line["confidence"])
                && is_box(&line["box"])
        }
        "alert" => {
            line["kind"] == "zone-enter"
                && line["severity"] == "warning"
                && line["track"].is_u64()
                && is_id(&line["alert"])
                && is_class(&line["class"])
                && is_share(&line["confidence"])
                && number(line, "began_ms") <= number(line, "t_ms")
        }
        "alert_end" => {
            line["t_ms"].is_u64()
                && line["track"].is_u64()
                && is_id(&line["alert"])
                && line["kind"] == "zone-enter"
        }
        "summary" => line["wall_s"].as_f64().is_some_and(|seconds| seconds > 0.0),
        _ => false,
    };
    assert!(good, "{line}");
}

#[test]
fn the_street_is_told_in_lines_of_the_contract() {
    need_model();
    let lines = replay(&set_up(".cache/footage/vtest.mp4"));
    lines.iter().for_each(check);
    let times: Vec<u64> = lines.iter().filter_map(|line| line["t_ms"].as_u64()).collect();
    assert!(times.is_sorted(), "in the order of the film");

    let alerts = of_type(&lines, "alert");
    assert!((18..=28).contains(&alerts.len()), "{} alerts", alerts.len());
    assert!(alerts.iter().all(|alert| alert["class"] == "person"), "{alerts:#?}");
    // By the alert's id: a visitor whom somebody hid for a moment may go on under another track.
    let mut open = BTreeSet::new();
    for line in &lines {
        let id = line["alert"].as_str();
        match line["type"].as_str() {
            Some("alert") => assert!(open.insert(id), "{line} began before"),
            Some("alert_end") => assert!(open.remove(&id), "{line} never began"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "the film's end ends all: {open:?}");

    let [summary] = of_type(&lines, "summary")[..] else { panic!("one summary") };
    assert_eq!(lines.last(), Some(summary));
    assert_eq!(number(summary, "alerts"), alerts.len() as u64);
    assert_eq!((number(summary, "frames"), number(summary, "decoded")), (795, 795));
    let frames: BTreeMap<u64, u64> = of_type(&lines, "detection")
        .into_iter()
        .map(|line| (number(line, "frame"), number(line, "t_ms")))
        .collect();
    let inferred = number(summary, "inferred");
    assert!(frames.len() as u64 <= inferred && inferred <= 795, "{} of {inferred}", frames.len());
    for (frame, t_ms) in frames {
        assert!(t_ms.abs_diff(frame * FRAME_MS) <= 1, "frame {frame} at {t_ms} ms");
    }
}

#[test]
fn each_single_visitor_is_noticed_within_a_second_and_nobody_in_between() {
    need_model();
    let material = material();
    let reel = material.reel(&Source::Street, Codec::H264).expect("it was prepared");
    let cuts = &reel.cuts;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("visits.h264");
    let mut film = fs::File::create(&path).expect("writable");
    let (mut frames, mut visits) = (0, Vec::new());
    let mut show = |units: std::ops::Range<usize>| {
        let from = frames;
        for unit in &reel.main.units[units] {
            film.write_all(&unit.data).expect("writable");
            frames += 1;
        }
        from
    };
    show(cuts.still.clone());
    for visit in &cuts.visits {
        let from = show(visit.units.clone());
        visits.push((from * FRAME_MS, (from + visit.shows_until as u64) * FRAME_MS));
        show(cuts.still.clone());
    }
    drop(film);

    let lines = replay(&path.display().to_string());
    lines.iter().for_each(check);
    assert_eq!(number(lines.last().expect("a summary"), "frames"), frames);
    let alerts = of_type(&lines, "alert");
    let told: Vec<(u64, u64)> =
        alerts.iter().map(|alert| (number(alert, "began_ms"), number(alert, "t_ms"))).collect();
    assert_eq!(alerts.len(), visits.len(), "began and told {told:?} for {visits:?}");
    for (alert, (from, until)) in alerts.iter().zip(&visits) {
        let began = number(alert, "began_ms");
        assert!((*from..from + 1000).contains(&began), "{alert} for {from}..{until}");
        assert!((*from..*until).contains(&number(alert, "t_ms")), "{alert} for {from}..{until}");
        assert_eq!(alert["class"], "person", "{alert}");
    }
}
