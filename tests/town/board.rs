//! What the console's board, map and time line are drawn from: cameras and their pictures, what is followed, what was recorded and what passed.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    broker::free_port,
    http::{self, Answer, Events},
    live, need_model,
    program::Program,
    recordings::conforms,
    station::{Station, Street},
    until,
};

const ASKED: &str = "who=Li&unit=station&purpose=on+duty&case=duty";
const VISIT: usize = 4;

fn camera(page: SocketAddr) -> Value {
    let cameras = http::get(page, "/api/v1/cameras").json();
    conforms("cameras", &cameras);
    cameras["cameras"][0].clone()
}

fn is(page: SocketAddr, state: &str) {
    until(state, || (camera(page)["health"]["state"] == state).then_some(()));
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let mut lines = answer.headers.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("{name} in {}", answer.headers)).1
}

fn picture(page: SocketAddr, width: &str) -> Answer {
    http::get(page, &format!("/api/v1/cameras/gate/picture.jpg?{ASKED}&width={width}"))
}

/// Width and height of a JPEG, and the luma of its corner.
fn seen(jpeg: &[u8]) -> (u32, u32, u8) {
    let image = image::load_from_memory(jpeg).expect("a picture").to_luma8();
    (image.width(), image.height(), image.get_pixel(2, 2).0[0])
}

#[test]
fn the_board_shows_what_cameras_see_and_what_one_that_is_lost_has_last_seen() {
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), free_port());
    station.change("[camera.gate]\n", "[camera.gate]\nmasks = [[[0, 0], [0.3, 0], [0.3, 0.3], [0, 0.3]]]\n");
    station.change("[village.upper]", "[village.upper]\nlocation = { lat = 30.4, lon = 103.5 }");
    let (program, page) = Program::run(&station.file);
    is(page, "online");
    let row = camera(page);
    assert_eq!((&row["watchable"], &row["analysed"]), (&serde_json::json!(["main"]), &"main".into()));
    let status = http::get(page, "/api/v1/status").json();
    conforms("status", &status);
    assert_eq!((&status["cameras"]["online"], &status["cameras"]["declared"]), (&1.into(), &1.into()));
    assert!(status["volumes"][0]["free"].as_u64().is_some_and(|free| free > 0), "{status}");
    let map = http::get(page, "/api/v1/perimeter").json();
    conforms("perimeter", &map);
    assert_eq!(map["villages"][0]["location"]["lat"], 30.4);
    conforms("state", &http::get(page, "/api/state").json());

    // Nothing without a purpose, nothing of nobody, and no width that there is not.
    assert_eq!(http::get(page, "/api/v1/cameras/gate/picture.jpg").status, 403);
    assert_eq!(http::get(page, &format!("/api/v1/cameras/none/picture.jpg?{ASKED}")).status, 404);
    assert_eq!(picture(page, "5000").status, 400);
    for (width, expected) in [("320", 256), ("640", 384), ("full", 768)] {
        let answer = picture(page, width);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (wide, high, corner) = seen(&answer.body);
        assert_eq!((wide, high), (expected, expected * 3 / 4), "{width}");
        assert!(corner < 16, "the mask is black: {corner}");
        assert_eq!(header(&answer, "content-type"), "image/jpeg");
    }
    let (first, again) = (picture(page, "320"), picture(page, "320"));
    assert_eq!(header(&first, "etag"), header(&again, "etag"));
    let taken = until("one is kept", || camera(page)["picture_at"].as_str().map(str::to_owned));
    assert!(taken.as_str() >= header(&first, "x-picture-at"), "{taken}");
    until("one is on the disk", || {
        let mut files = std::fs::read_dir(station.path("data/pictures")).ok()?.flatten();
        files.any(|file| file.path().extension().is_some_and(|it| it == "jpg")).then_some(())
    });

    street.unplug("gate");
    is(page, "offline");
    let last = until("it shows what it saw last", || {
        let answer = picture(page, "640");
        let known = picture(page, "640");
        (answer.status == 200 && header(&known, "etag") == header(&answer, "etag")).then_some(answer)
    });
    program.kill();
    let (program, page) = Program::run(&station.file);
    let kept = picture(page, "320");
    assert_eq!(kept.status, 200, "{}", kept.text());
    assert!(header(&kept, "x-picture-at") <= header(&last, "x-picture-at"));
    assert!(camera(page)["picture_at"].is_string());
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
    let audit = std::fs::read_dir(station.path("data/audit")).expect("there is an audit log");
    let audit: String =
        audit.map(|it| std::fs::read_to_string(it.expect("readable").path()).unwrap_or_default()).collect();
    assert!((1..=2).contains(&audit.matches("\"shown\":\"picture\"").count()), "{audit}");
}

#[test]
fn who_comes_has_a_box_while_he_is_there_and_is_on_the_time_line_after() {
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), free_port());
    station.change("[village.upper]", "[recording]\nsegment_s = 10\npost_roll_s = 2\n[village.upper]");
    station.change("[camera.gate]\n", "[camera.gate]\nrecord = \"always\"\n");
    let (program, page) = Program::run(&station.file);
    is(page, "online");
    let mut socket = live::watch(page, &format!("{ASKED}&boxes=1")).expect("a seat");
    let refused = http::get(page, &format!("/api/v1/cameras/gate/live.mp4?{ASKED}&boxes=1"));
    assert_eq!(refused.status, 400, "a player has no use for boxes");
    live::word(&mut socket, "init");
    let mut events = Events::listen(page, "/api/events");
    street.call("gate", VISIT);
    let mut at_s = 0.0;
    let boxes = loop {
        let boxes = live::word(&mut socket, "boxes");
        conforms("liveMessage", &boxes);
        let at = boxes["at_s"].as_f64().expect("a number");
        assert!(at >= at_s, "{at} after {at_s}");
        at_s = at;
        if boxes["objects"][0]["class"] == "person" {
            break boxes;
        }
    };
    assert!(boxes["objects"][0]["confidence"].as_f64().is_some_and(|it| it > 0.2), "{boxes}");
    assert!(boxes.to_string().len() < 500, "numbers have few digits: {boxes}");
    let nobody = |boxes: &Value| boxes["objects"].as_array().is_some_and(Vec::is_empty);
    let is_gone = (0..1000).any(|_| nobody(&live::word(&mut socket, "boxes")));
    assert!(is_gone, "who has left has no box any more");
    drop(socket);

    // Every change of the alert is told with the whole of it, and its revision grows.
    let mut rev = 0;
    let id = loop {
        let data = events.next("alert");
        conforms("event", &serde_json::json!({ "event": "alert", "data": data }));
        let next = data["rev"].as_u64().expect("a revision");
        assert!(next > rev, "{next} after {rev}");
        rev = next;
        if data["clip"]["status"] == "ready" {
            break data["alert_id"].as_str().expect("an id").to_owned();
        }
    };
    let open = http::get(page, "/api/v1/alerts?state=open&limit=1000").json();
    conforms("alerts", &open);
    assert_eq!(
        (&open["alerts"][0]["alert_id"], &open["alerts"][0]["rev"]),
        (&id.as_str().into(), &rev.into())
    );

    the_time_line_tells_it(page, &id);
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}

fn the_time_line_tells_it(page: SocketAddr, id: &str) {
    let alert = http::get(page, &format!("/api/v1/alerts/{id}")).json();
    let occurred: jiff::Timestamp =
        alert["occurred_at"].as_str().and_then(|it| it.parse().ok()).expect("a time");
    let hours = |hours: i64| occurred + jiff::SignedDuration::from_hours(hours);
    let line = |from: jiff::Timestamp, to: jiff::Timestamp, more: &str| {
        http::get(page, &format!("/api/v1/cameras/gate/timeline?from={from}&to={to}{more}"))
    };
    let all = "&with=recordings,alerts,passages,analysis";
    assert_eq!(line(hours(-20), hours(6), all).status, 400, "too long");
    let plain = line(hours(-20), hours(6), "").json();
    conforms("timeline", &plain);
    assert!(plain.get("alerts").is_none() && plain.get("more").is_none(), "{plain}");
    let told = until("the passage and a whole file", || {
        let told = line(hours(-1), hours(1), &format!("{all}&{ASKED}")).json();
        let is_there = |list: &str| told[list].as_array().is_some_and(|list| !list.is_empty());
        (is_there("passages") && is_there("recordings")).then_some(told)
    });
    conforms("timeline", &told);
    assert_eq!((&told["alerts"][0]["id"], &told["recordings"][0]["stream"]), (&id.into(), &"main".into()));
    assert_eq!(
        (&told["passages"][0]["alerts"][0], &told["passages"][0]["class"]),
        (&id.into(), &"person".into())
    );
    assert_eq!((&told["passages_withheld"], &told["more"]), (&Value::Null, &serde_json::json!([])));
    let withheld = line(hours(-1), hours(1), all).json();
    conforms("timeline", &withheld);
    assert!(withheld["passages"].is_null() && withheld["alerts"][0]["id"] == id, "{withheld}");
    assert!(withheld["passages_withheld"].as_str().is_some_and(|why| why.contains("操作人")), "{withheld}");

    // Scrubbing: the key picture at or before a moment.
    let still = |at: jiff::Timestamp, more: &str| {
        http::get(page, &format!("/api/v1/cameras/gate/still.jpg?at={at}{more}"))
    };
    let shown = still(occurred, &format!("&{ASKED}&width=160"));
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(seen(&shown.body).0, 153);
    let taken: jiff::Timestamp = header(&shown, "x-picture-at").parse().expect("a time");
    assert!(taken <= occurred && occurred.duration_since(taken).as_secs() < 3, "{taken} for {occurred}");
    assert_eq!(still(occurred, "").status, 403);
    assert_eq!(still(hours(-1), &format!("&{ASKED}")).status, 404);
    assert_eq!(still(occurred, &format!("&{ASKED}&width=full")).status, 400);
}
