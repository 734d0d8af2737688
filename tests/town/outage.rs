//! A broker that goes away and a daemon that is killed: no alert is lost, and none is told as two.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use serde_json::Value;

use crate::{
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::{checked, sha256},
    program::{Program, alerts},
    station::{Station, Street},
    until,
};

/// Visits of the street that are short.
const BLUE_JACKET: usize = 4;
const WHITE_HOOD: usize = 3;

#[test]
fn alerts_outlive_the_brokers_absence_and_a_kill_and_are_told_once_each() {
    let Some(mut broker) = Mosquitto::start() else { return };
    need_model();
    let cameras = ["north", "south"];
    let street = Street::open(&cameras);
    let station = Station::new(&street.cameras(&cameras), broker.port);
    let subscriber = Subscriber::lasting(&broker, "cunkou/v1/town/#");
    let (program, page) = Program::run(&station.file);
    let connected = || http::get(page, "/api/state").json()["broker_connected"] == true;
    until("the broker is connected", || connected().then_some(()));
    for camera in cameras {
        let topic = format!("cunkou/v1/town/camera/{camera}/health");
        subscriber.wait("a camera that is online", &topic, |health| health["data"]["state"] == "online");
    }

    street.call("north", BLUE_JACKET);
    let first = new_alert(page, &BTreeSet::new());
    wait_raised(&subscriber, &first);

    broker.stop();
    street.call("south", WHITE_HOOD);
    let second = new_alert(page, &ids(page));
    until("what waits is counted", || (waiting(page) > 0).then_some(()));
    assert!(!raised(&subscriber).contains_key(&second), "nobody can have it yet");
    broker.start_again();
    for id in ids(page) {
        wait_raised(&subscriber, &id);
    }
    until("nothing waits", || (waiting(page) == 0).then_some(()));

    broker.stop();
    street.call("north", WHITE_HOOD);
    let third = new_alert(page, &ids(page));
    let known = ids(page);
    program.kill();
    assert!(!raised(&subscriber).contains_key(&third), "nobody can have it yet");
    broker.start_again();
    let (program, page) = Program::run(&station.file);
    for id in known.union(&ids(page)) {
        wait_raised(&subscriber, id);
    }
    let (_, end) = subscriber.wait("the end of the alert that was cut off", ALERTS, |envelope| {
        envelope["subject"] == third.as_str() && envelope["type"] == "cunkou.alert.ended.v1"
    });
    let picture = http::get(page, end["data"]["snapshot"]["url"].as_str().expect("it has a picture"));
    assert_eq!(sha256(&picture.body), end["data"]["snapshot"]["sha256"].as_str().expect("hex"));

    until("nothing waits", || (waiting(page) == 0).then_some(()));
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:?}", ended.log);
    let status = "cunkou/v1/town/node/main/status";
    subscriber.wait("the good-bye", status, |envelope| envelope["data"]["status"] == "stopped");

    let mut by_key: BTreeMap<(String, String), String> = BTreeMap::new();
    for heard in subscriber.below("cunkou/") {
        let envelope = checked(&heard);
        let key = (envelope["source"].to_string(), envelope["id"].to_string());
        let first = by_key.entry(key).or_insert_with(|| heard.payload.clone());
        assert_eq!(*first, heard.payload, "a repeat has the same bytes");
    }
    let raised = raised(&subscriber);
    assert!(raised.len() >= 3, "{raised:?}");
    for (alert, events) in &raised {
        assert_eq!(events.len(), 1, "alert {alert} was raised by {events:?}");
    }
    let states: BTreeSet<String> = subscriber
        .below("cunkou/v1/town/alert-state/")
        .iter()
        .map(|heard| heard.json()["subject"].as_str().expect("checked").to_owned())
        .collect();
    assert_eq!(states, raised.into_keys().collect(), "each has a state");
}

const ALERTS: &str = "cunkou/v1/town/alert/";

fn ids(page: SocketAddr) -> BTreeSet<String> {
    alerts(page).iter().map(|alert| alert["alert_id"].as_str().expect("an id").to_owned()).collect()
}

/// Waits until the page shows an alert that is not among the known ones.
fn new_alert(page: SocketAddr, known: &BTreeSet<String>) -> String {
    until("the page shows a new alert", || ids(page).difference(known).next().cloned())
}

fn waiting(page: SocketAddr) -> u64 {
    let answer = http::get(page, "/metrics");
    let mut lines = answer.text().lines();
    let value = lines.find_map(|line| line.strip_prefix("cunkou_outbox_waiting "));
    value.and_then(|value| value.parse().ok()).expect("it is counted")
}

fn wait_raised(subscriber: &Subscriber, id: &str) {
    subscriber
        .wait(&format!("alert {id}"), ALERTS, |envelope| is_raised(envelope) && envelope["subject"] == id);
}

fn is_raised(envelope: &Value) -> bool {
    envelope["type"] == "cunkou.alert.raised.v1"
}

/// Ids of the events that raised each alert, as far as the subscriber has heard.
fn raised(subscriber: &Subscriber) -> BTreeMap<String, BTreeSet<String>> {
    let mut raised: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for envelope in subscriber.below(ALERTS).iter().map(|heard| heard.json()).filter(is_raised) {
        let text = |member: &str| envelope[member].as_str().expect("a text").to_owned();
        raised.entry(text("subject")).or_default().insert(text("id"));
    }
    raised
}
