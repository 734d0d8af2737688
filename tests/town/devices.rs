//! Buttons and sensors, from outside: told, recorded from before the press on, held, and marked where they are an exercise.

use serde_json::{Value, json};

use crate::{
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::checked,
    program::Program,
    station::{Station, Street},
    until,
};

const JSON: &str = "application/json";
const ALERTS: &str = "cunkou/v1/town/alert/";

fn raised(told: &Value, device: &str) -> bool {
    told["type"] == "cunkou.alert.raised.v1" && told["data"]["device"]["id"] == device
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no time"))
}

#[test]
fn a_button_calls_records_and_holds_and_a_drill_is_marked() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), broker.port);
    station.change("entry_point = \"gate\"\nmain", "entry_point = \"gate\"\nattention = \"off\"\nmain");
    station.change(
        "[village.upper]",
        "[recording]\npre_roll_s = 3\npost_roll_s = 1\n[button.school]\ncameras = [\"gate\"]\nlasts_s = 4\n[button.far]\ncameras = [\"gate\"]\n\
        [sensor.door]\nkind = \"door\"\ncameras = [\"gate\"]\n[village.upper]",
    );
    let subscriber = Subscriber::start(&broker, "cunkou/v1/town/#");
    let (program, page) = Program::run(&station.file);
    until("the camera is recorded, as far as there is cause", || {
        let (from, to) = ("2020-01-01T00:00:00Z", jiff::Timestamp::now());
        let line = http::get(page, &format!("/api/v1/cameras/gate/timeline?from={from}&to={to}")).json();
        let stretches = line["stretches"].as_array().cloned().unwrap_or_default();
        let quiet = stretches.iter().find(|stretch| stretch["cause"] == "quiet")?;
        (time(&quiet["to"]).duration_since(time(&quiet["from"])).as_secs() >= 4).then_some(())
    });

    broker.publish("cunkou/v1/town/button/school", r#"{"who": "Wang", "note": "two men", "id": "m-1"}"#);
    let (call, _) = subscriber.wait("the call", ALERTS, |told| raised(told, "school"));
    assert_eq!(call.topic, "cunkou/v1/town/alert/critical/panic-button/gate");
    let call = checked(&call);
    assert_eq!(call["data"]["device"], json!({ "kind": "button", "id": "school" }));
    assert!(call["data"].get("drill").is_none_or(|drill| drill == false));
    let words = call["data"]["explain"]["zh"].as_str().expect("words");
    assert!(words.contains("一键报警") && words.contains("Wang"), "{words}");
    // The same message, and the same press.
    broker.publish("cunkou/v1/town/button/school", r#"{"id": "m-1"}"#);
    broker.publish("cunkou/v1/town/button/school", "");
    subscriber.wait("the second press", ALERTS, |told| {
        let words = told["data"]["explain"]["en"].as_str().unwrap_or_default();
        told["type"] == "cunkou.alert.updated.v1" && words.contains("pressed 2 times")
    });

    let hold = until("what it records is held", || {
        let holds = http::get(page, "/api/v1/holds").json();
        let of = |hold: &&Value| hold["owner"] == "button school";
        holds.as_array().into_iter().flatten().find(of).cloned()
    });
    let occurred = time(&call["data"]["occurred_at"]);
    assert!(time(&hold["from"]) < occurred && occurred < time(&hold["to"]));
    let id = call["subject"].as_str().expect("an id");
    assert!(hold["reason"].as_str().expect("a reason").contains(id));

    let clip = until("its clip is there", || {
        let state = http::get(page, "/api/state").json();
        let mut alerts = state["alerts"].as_array().into_iter().flatten();
        alerts.find(|alert| alert["alert_id"] == id && alert["clip"]["status"] == "ready").cloned()
    });
    assert_eq!(clip["clip"]["id"], id);
    let (from, to) = ("2020-01-01T00:00:00Z", jiff::Timestamp::now());
    let line = http::get(page, &format!("/api/v1/cameras/gate/timeline?from={from}&to={to}")).json();
    let mut stretches = line["stretches"].as_array().into_iter().flatten();
    let film = stretches.find(|stretch| stretch["what"] == "recorded").expect("it is recorded");
    let before = occurred.duration_since(time(&film["from"])).as_millis();
    assert!((1_500..30_000).contains(&before), "recorded from {before} ms before the press on");
    assert!(time(&film["to"]) > occurred, "{film}");

    let pressed = http::post(page, "/api/v1/buttons/far", JSON, &json!({ "drill": true }));
    assert_eq!(pressed.status, 200, "{}", pressed.text());
    let (drill, _) = subscriber.wait("the drill", ALERTS, |told| raised(told, "far"));
    let drill = checked(&drill);
    assert_eq!(drill["data"]["drill"], true);
    assert_eq!(drill["subject"], pressed.json()["alert"]);
    assert_eq!(http::post(page, "/api/v1/buttons/nobody", JSON, &Value::Null).status, 404);
    assert_eq!(
        http::post(page, "/api/v1/buttons/far", JSON, &json!({ "alive": true })).json(),
        json!({ "alert": null })
    );

    broker.publish("cunkou/v1/town/sensor/door", "open");
    let (door, _) = subscriber.wait("the sensor", ALERTS, |told| raised(told, "door"));
    assert_eq!(door.topic, "cunkou/v1/town/alert/warning/external-sensor/gate");
    checked(&door);
    broker.publish("cunkou/v1/town/sensor/door", r#"{"state": "closed"}"#);
    subscriber.wait("its end", ALERTS, |told| {
        told["type"] == "cunkou.alert.ended.v1" && told["data"]["device"]["id"] == "door"
    });

    let devices = http::get(page, "/api/v1/devices").json();
    let devices = devices.as_array().expect("a list");
    let ids: Vec<&str> = devices.iter().filter_map(|device| device["id"].as_str()).collect();
    assert_eq!(ids, ["far", "school", "door"]);
    assert!(devices.iter().all(|device| device["overdue"] == false && !device["last_seen"].is_null()));
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}
