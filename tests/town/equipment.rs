//! Cameras that go away and come back: told with why, once, and closed with how long it was.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::checked,
    program::Program,
    station::{Station, Street},
    until,
};

const MANY: [&str; 12] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11"];

/// Whether so many cameras stream, well or not.
fn are_there(page: SocketAddr, wanted: usize) -> Option<()> {
    let state = http::get(page, "/api/state").json();
    let cameras = state["cameras"].as_array().into_iter().flatten();
    let there =
        cameras.filter(|camera| ["online", "degraded"].iter().any(|is| camera["health"]["state"] == *is));
    (there.count() == wanted).then_some(())
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn a_camera_that_is_gone_is_told_once_and_twelve_at_once_are_one() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let all = [&["alone"][..], &MANY].concat();
    let street = Street::open(&all);
    let cameras = street.cameras(&all);
    let station = Station::new(&cameras, broker.port);
    station.change("entry_point = \"gate\"\nmain", "entry_point = \"gate\"\nattention = \"off\"\nmain");
    station.change(
        "[village.upper]",
        "[equipment]\noffline_s = 3\nmany_within_s = 3\nwell_s = 2\n[village.upper]",
    );
    let subscriber = Subscriber::start(&broker, "cunkou/v1/town/#");
    let (program, page) = Program::run(&station.file);
    until("all cameras are there", || are_there(page, 13));
    assert!(subscriber.below("cunkou/v1/town/alert/").is_empty(), "who connects is not lost");

    street.unplug("alone");
    let topic = "cunkou/v1/town/alert/warning/camera-offline/alone";
    let (raised, _) = subscriber.wait("the loss", topic, |told| told["type"] == "cunkou.alert.raised.v1");
    let raised = checked(&raised);
    let words = raised["data"]["explain"]["en"].as_str().expect("words").to_owned();
    assert!(words.starts_with("alone: offline since ") && words.contains("hangs up"), "{words}");
    assert_eq!(raised["data"]["clip"], Value::Null);

    // Also over a restart: it goes on, and is not told again.
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
    let (program, page) = Program::run(&station.file);
    until("the others are there", || are_there(page, 12));

    MANY.iter().for_each(|camera| street.unplug(camera));
    let topic = "cunkou/v1/town/alert/major/camera-offline/c0";
    let (loss, _) =
        subscriber.wait("one loss for all", topic, |told| told["type"] == "cunkou.alert.raised.v1");
    let loss = checked(&loss);
    assert_eq!(texts(&loss["data"]["cameras"]), MANY[1..]);
    let words = loss["data"]["explain"]["en"].as_str().expect("words");
    assert!(words.starts_with("12 cameras of upper at once"), "{words}");

    let told = subscriber.below("cunkou/v1/town/alert/");
    let all_raised = told.iter().map(checked).filter(|told| told["type"] == "cunkou.alert.raised.v1");
    assert_eq!(all_raised.count(), 2, "{told:#?}");

    // The last ones to come back may yet be alerts of their own.
    all.iter().for_each(|camera| street.plug_in(camera));
    for raised in [&raised, &loss] {
        let below = "cunkou/v1/town/alert/";
        let (_, ended) = subscriber.wait("the end of a loss", below, |told| {
            told["type"] == "cunkou.alert.ended.v1" && told["subject"] == raised["subject"]
        });
        let words = ended["data"]["explain"]["en"].as_str().expect("words");
        assert!(words.contains(" after ") && words.contains(" offline (since "), "{words}");
        assert_ne!(ended["data"]["ended_at"], Value::Null);
    }
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}
