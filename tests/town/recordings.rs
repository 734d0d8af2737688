//! What was recorded: found, shown, exported, proven; and all of it there after a kill.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use cunkou::decode::file::Reader;
use serde_json::{Value, json};

use crate::{
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::sha256,
    program::{Program, command},
    station::{Station, Street},
    until,
};

const BLUE_JACKET: usize = 4;
const WARRANT: [&str; 8] =
    ["--who", "Li", "--unit", "station", "--purpose", "a tricycle was stolen", "--case", "2026-0312"];
const ASKED: &str = "who=Li&unit=station&purpose=a+tricycle+was+stolen&case=2026-0312";

fn cunkou(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program is built")
}

/// Asks the daemon from the command line.
fn asked(page: SocketAddr, command: &str, arguments: &[&str]) -> Output {
    let at = format!("http://{page}");
    cunkou(&[&[command, "--at", &at], arguments].concat())
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The newest alert, once its clip is there.
fn alert_with_clip(page: SocketAddr) -> Value {
    until("an alert whose clip is there", || {
        let state = http::get(page, "/api/state").json();
        let mut alerts = state["alerts"].as_array().into_iter().flatten();
        alerts.find(|alert| alert["clip"]["status"] == "ready").cloned()
    })
}

/// Says what of an answer is not as the OpenAPI document describes it.
pub(crate) fn conforms(schema: &str, answer: &Value) {
    let text = include_str!("../../docs/ref/openapi.json");
    let document: Value = serde_json::from_str(text).expect("JSON");
    let root = json!({
        "$ref": format!("#/components/schemas/{schema}"),
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&root).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{schema}: {wrong:?} in {answer:#}");
}

fn frames(path: &Path) -> usize {
    let frames = Reader::open(path).expect("a video").map(|frame| frame.map(drop));
    frames.collect::<Result<Vec<_>, _>>().expect("every frame can be decoded").len()
}

fn store_agrees(station: &Station) -> bool {
    let config = station.file.display().to_string();
    let output = cunkou(&["check", "--store", "--deep", "--config", &config]);
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.success()
}

#[test]
fn what_was_recorded_is_found_shown_exported_and_proven_also_after_a_kill() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), broker.port);
    station.change("[village.upper]", "[recording]\npost_roll_s = 2\n[village.upper]");
    // A neighbour whose daemon is the test.
    let Some(theirs) = Mosquitto::start() else { return };
    let neighbour = format!(
        "[neighbour.riverside]\nhost = \"127.0.0.1\"\nport = {}\nagreement = {{ until = \"2999-12-31\" }}\n[village.upper]",
        theirs.port
    );
    station.change("[village.upper]", &neighbour);
    station.change("[console]", "[console]\naddress = \"https://town.example/\"");
    let at_neighbour = Subscriber::start(&theirs, "cunkou/v1/riverside/in/town/#");
    let (program, page) = Program::run(&station.file);
    until("the camera is online", || {
        let state = http::get(page, "/api/state").json();
        let mut cameras = state["cameras"].as_object().into_iter().flatten();
        cameras.all(|(_, camera)| camera["health"]["state"] == "online").then_some(())
    });
    street.call("gate", BLUE_JACKET);
    let alert = alert_with_clip(page);
    let id = alert["alert_id"].as_str().expect("an id").to_owned();
    assert_eq!(alert["clip"]["id"], alert["alert_id"]);

    nothing_is_shown_without_a_purpose(page, &id);
    let clips = until("the passage is indexed", || {
        let found = lines(&asked(page, "query", &[&WARRANT[..], &["--class", "person", "--json"]].concat()));
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(clips.len(), 1, "{clips:?}");
    conforms("clip", &clips[0]);
    conforms("clips", &http::get(page, &format!("/api/v1/clips?{ASKED}")).json());
    assert_eq!((&clips[0]["camera"], &clips[0]["alerts"][0]), (&"gate".into(), &alert["alert_id"]));
    let others = asked(page, "query", &[&WARRANT[..], &["--class", "horse", "--json"]].concat());
    assert_eq!(lines(&others).len(), 0);

    a_film_is_whole_and_has_ranges(page, &alert, &station);
    a_pack_proves_itself(page, &id, &station);
    for picture in ["thumbnail.jpg", "sheet.jpg"] {
        let answer = http::get(page, &format!("/api/v1/clips/{id}/{picture}?{ASKED}"));
        assert_eq!((answer.status, &answer.body[..3]), (200, &[0xff, 0xd8, 0xff][..]), "{picture}");
    }

    what_was_shown_is_written_down(&station, &id, &clips[0]);
    a_new_key_signs_what_comes_after(page, &id, &station);
    a_clip_is_granted_to_a_neighbour(page, &alert, &broker, &at_neighbour, &station);
    a_hold_is_made_and_let_go(page);
    street.call("gate", BLUE_JACKET);
    until("the next alert", || {
        let state = http::get(page, "/api/state").json();
        (state["alerts"].as_array().map_or(0, Vec::len) == 2).then_some(())
    });
    program.kill();
    let (program, page) = Program::run(&station.file);
    until("the clip of whom the kill cut off", || {
        let state = http::get(page, "/api/state").json();
        let alerts = state["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().all(|alert| alert["clip"]["status"] == "ready").then_some(())
    });
    let again = lines(&asked(page, "query", &[&WARRANT[..], &["--order", "oldest", "--json"]].concat()));
    assert_eq!(again[0], clips[0], "what was in the index is in it");
    the_time_line_has_no_hole(page);
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
    assert!(store_agrees(&station));
    an_audit_log_that_was_changed_stops_no_alert(&station);
}

fn nothing_is_shown_without_a_purpose(page: SocketAddr, id: &str) {
    let video = format!("/api/v1/clips/{id}/video.mp4");
    for (question, word) in [
        ("", "操作人"),
        ("?who=Li&unit=s", "用途"),
        ("?who=Li&unit=s&purpose=theft", "案件编号"),
        ("?who=Li&unit=s&purpose=.&case=2026-1", "用途"),
    ] {
        for path in [&video, "/api/v1/clips"] {
            let refused = http::get(page, &format!("{path}{question}"));
            assert_eq!(refused.status, 403, "{path}{question}: {}", refused.text());
            assert!(refused.text().contains(word), "{}", refused.text());
        }
    }
}

fn a_film_is_whole_and_has_ranges(page: SocketAddr, alert: &Value, station: &Station) {
    let path = format!("{}?{ASKED}", alert["clip"]["url"].as_str().expect("it is ready"));
    let film = http::get(page, &path);
    assert_eq!(film.status, 200);
    assert_eq!(sha256(&film.body), alert["clip"]["sha256"].as_str().expect("it is ready"));
    let saved = station.path("film.mp4");
    fs::write(&saved, &film.body).expect("writable");
    assert!(frames(&saved) > 50, "ten seconds of ten frames, and what was before and after");
    for (range, from, to) in [("bytes=0-99", 0, 100), ("bytes=5000-70000", 5000, 70_001)] {
        let part = http::get_range(page, &path, range);
        assert_eq!(part.status, 206);
        assert_eq!(part.body, film.body[from..to], "{range}");
    }
    assert_eq!(http::get_range(page, &path, "bytes=900000000-").status, 416);
    let fetched = station.path("fetched.mp4");
    let out = fetched.display().to_string();
    let id = alert["alert_id"].as_str().expect("an id");
    let done = asked(page, "clip", &[&WARRANT[..], &[id, "--out", &out]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(fs::read(&fetched).expect("it was written"), film.body);
    let again = asked(page, "clip", &[&WARRANT[..], &[id, "--out", &out]].concat());
    assert_eq!(again.status.code(), Some(2), "a file that is there is left alone");
}

fn a_clip_is_granted_to_a_neighbour(
    page: SocketAddr,
    alert: &Value,
    broker: &Mosquitto,
    at_neighbour: &Subscriber,
    station: &Station,
) {
    let ask = |request: &str, alert: &Value| {
        let envelope = json!({
            "specversion": "1.0", "id": request, "source": "/stations/riverside/node/main", "type": "cunkou.clip.request.v1",
            "subject": request, "time": "2026-03-09T18:12:31Z", "datacontenttype": "application/json",
            "dataschema": "urn:cunkou:schema:clip-request:1.0", "cunkouhops": 0,
            "data": { "request_id": request, "alert_id": alert, "who": "Zhao", "unit": "patrol", "purpose": "a lost child", "case": "2026-7" },
        });
        let topic = format!("cunkou/v1/town/in/riverside/clip-request/{request}");
        let mut publish = Command::new("mosquitto_pub");
        publish.args(["-V", "5", "-h", "127.0.0.1", "-p", &broker.port.to_string(), "-q", "1", "-t", &topic]);
        assert!(publish.args(["-m", &envelope.to_string()]).status().expect("it was there").success());
    };
    let answer = |request: &str| {
        let topic = format!("cunkou/v1/riverside/in/town/clip-answer/{request}");
        at_neighbour.wait("the answer", &topic, |_| true).1["data"].clone()
    };
    // Of what was not shared nobody is asked.
    let (other, request) = ("01KKSAF2V0D2M5R8T1W4Z7C0E4", "01KKSAF2V0D2M5R8T1W4Z7C0E3");
    ask(other, &json!("01KKS9XZ4BXW3E2R1T0Y9V8K7J"));
    assert_eq!((&answer(other)["result"], answer(other).get("by")), (&json!("refused"), None));
    ask(request, &alert["alert_id"]);
    let list = until("the request", || {
        let list = http::get(page, "/api/v1/clip-requests").json();
        (!list.as_array().expect("a list").is_empty()).then_some(list)
    });
    conforms("clip_request", &list[0]);
    let why = ["--who", "Wang", "--unit", "station", "--why", "as agreed"];
    let done = asked(page, "requests", &[]);
    assert_eq!(done.status.code(), Some(2), "what is to be done is missing");
    let at = format!("http://{page}");
    let done = cunkou(&[&["requests", "answer", "--at", &at, request, "--grant"], &why[..]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let granted = answer(request);
    assert_eq!((&granted["result"], &granted["by"]["who"]), (&json!("granted"), &json!("Wang")));
    assert_eq!(granted["sha256"], alert["clip"]["sha256"]);
    let path =
        granted["url"].as_str().expect("there is one").strip_prefix("https://town.example").expect("ours");
    let film = http::get(page, path);
    assert_eq!(
        (film.status, sha256(&film.body).as_str()),
        (200, alert["clip"]["sha256"].as_str().expect("ready"))
    );
    let part = http::get_range(page, path, "bytes=100-199");
    assert_eq!((part.status, &part.body[..]), (206, &film.body[100..200]));
    let secret = path.split('/').nth(4).expect("a secret");
    let other = path.replace(secret, &secret.chars().rev().collect::<String>());
    assert_eq!(http::get(page, &other).status, 404);
    let listed = http::get(page, "/api/v1/clip-requests");
    conforms("clip_request", &listed.json()[0]);
    assert!(!listed.text().contains(secret), "who has asked has it, and nobody else");
    let audit = fs::read_dir(station.path("data/audit"))
        .expect("a log")
        .map(|file| fs::read_to_string(file.expect("a file").path()).unwrap_or_default());
    let audit = audit.collect::<String>();
    assert!(audit.contains("clip-answered") && audit.matches("clip-fetched").count() == 2, "{audit}");
    assert!(!audit.contains(secret));
}

fn a_pack_proves_itself(page: SocketAddr, id: &str, station: &Station) {
    let folder = station.path("packs");
    fs::create_dir(&folder).expect("writable");
    let out = folder.display().to_string();
    let made = lines(&asked(page, "export", &[&WARRANT[..], &[id, "--out", &out, "--json"]].concat()));
    conforms("pack", &made[0]);
    let pack = folder.join(made[0]["name"].as_str().expect("a name"));
    let verify = || cunkou(&["verify", &pack.display().to_string()]);
    let whole = verify();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stdout));
    let clip = pack.join("clip.mp4");
    let mut bytes = fs::read(&clip).expect("a pack has its video");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&clip, &bytes).expect("writable");
    assert_eq!(verify().status.code(), Some(1), "a flipped bit is seen");
}

/// A daemon at work signs with the new key from the next pack on.
fn a_new_key_signs_what_comes_after(page: SocketAddr, id: &str, station: &Station) {
    let config = station.file.display().to_string();
    let rotated = cunkou(&[&["keys", "rotate", "--config", &config][..], &WARRANT].concat());
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let new = String::from_utf8(rotated.stdout).expect("UTF-8").trim().to_owned();
    let out = station.path("packs").display().to_string();
    let made = lines(&asked(page, "export", &[&WARRANT[..], &[id, "--out", &out, "--json"]].concat()));
    assert_eq!((&made[0]["key"], &made[0]["no"]), (&new.as_str().into(), &2.into()));
    let pack = station.path("packs").join(made[0]["name"].as_str().expect("a name"));
    assert!(cunkou(&["verify", &pack.display().to_string()]).status.success());
    let log = lines(&cunkou(&["audit", "--config", &config, "--json"]));
    assert_eq!(log.last().expect("a verdict")["whole"], true, "{log:?}");
}

/// Each search with what it found, each view once, nothing that was refused; and where it cannot be written down, nothing is shown.
fn what_was_shown_is_written_down(station: &Station, id: &str, clip: &Value) {
    let logs = audit_logs(station);
    let text: String = logs.iter().map(|path| fs::read_to_string(path).expect("text")).collect();
    let entries: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |action: &str| -> Vec<&Value> { entries.iter().filter(|it| it["action"] == action).collect() };
    assert!(of("search").iter().any(|it| it["results"] == json!([clip["id"]])), "{entries:?}");
    let shown = |what: &str| {
        let is = |it: &&&Value| it["what"]["shown"] == what && it["results"] == json!([id]);
        of("view").iter().filter(is).count()
    };
    assert_eq!(shown("video"), 1, "a player asks many times: {entries:?}");
    assert_eq!(of("exported").len(), 1);
    let known = entries.iter().filter(|it| it["action"] != "key-made" && it["seq"].is_u64());
    for entry in known {
        assert_eq!((&entry["who"], &entry["case"]), (&"Li".into(), &"2026-0312".into()), "{entry}");
    }
}

/// Nothing is shown to anybody then; the daemon works.
fn an_audit_log_that_was_changed_stops_no_alert(station: &Station) {
    let log = audit_logs(station).pop().expect("there is an audit log");
    let text = fs::read_to_string(&log).expect("text");
    let at = text.rfind("\"who\":\"").expect("entries say who") + 7;
    fs::write(&log, [&text[..at], "x", &text[at + 1..]].concat()).expect("writable");
    let (program, page) = Program::run(&station.file);
    until("it is at work", || (http::get(page, "/readyz").status == 200).then_some(()));
    let refused = http::get(page, &format!("/api/v1/clips?{ASKED}"));
    assert_eq!(refused.status, 503, "{}", refused.text());
    fs::write(&log, &text).expect("writable");
    let mended = http::get(page, &format!("/api/v1/clips?{ASKED}"));
    assert_eq!(mended.status, 200, "{}", mended.text());
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}

fn audit_logs(station: &Station) -> Vec<PathBuf> {
    let entries = fs::read_dir(station.path("data/audit")).expect("there is an audit log");
    let mut logs: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    logs.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("20")));
    logs.sort();
    logs
}

fn a_hold_is_made_and_let_go(page: SocketAddr) {
    let range = ["--from", "2026-01-01T00:00:00Z", "--to", "2126-01-01T00:00:00Z"];
    let words = ["--owner", "Li", "--unit", "station", "--reason", "theft", "--review", "2026-06-01"];
    let at = format!("http://{page}");
    let made = cunkou(&[&["hold", "add", "--at", &at, "--camera", "gate"], &range[..], &words[..]].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let id = String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned();
    let held = lines(&cunkou(&["hold", "list", "--at", &at, "--json"]));
    conforms("hold", &held[0]);
    assert_eq!((&held[0]["id"], &held[0]["released"]), (&id.as_str().into(), &Value::Null));
    let release = ["--by", "Wang", "--unit", "station", "--why", "closed"];
    let gone = cunkou(&[&["hold", "release", &id, "--at", &at], &release[..]].concat());
    assert!(gone.status.success(), "{}", String::from_utf8_lossy(&gone.stderr));
    let held = lines(&cunkou(&["hold", "list", "--at", &at, "--json"]));
    assert_eq!(held[0]["released"]["by"], "Wang");
}

fn the_time_line_has_no_hole(page: SocketAddr) {
    let range = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
    let line = http::get(page, &format!("/api/v1/cameras/gate/timeline?{range}")).json();
    conforms("timeline", &line);
    conforms("gaps", &http::get(page, &format!("/api/v1/gaps?{range}")).json());
    let stretches = line["stretches"].as_array().expect("a time line");
    let words: Vec<&str> =
        stretches.iter().map(|it| it["cause"].as_str().or(it["what"].as_str()).expect("a word")).collect();
    assert!(stretches.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]), "{stretches:?}");
    for word in ["recorded", "stopped"] {
        assert!(words.contains(&word), "{word} in {words:?}");
    }
    // Before the station began nobody knows; after it everything is explained.
    assert!(!words[1..].contains(&"missing"), "{words:?}");
}
