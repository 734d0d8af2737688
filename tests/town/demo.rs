//! The demo, watched by somebody with a broker of their own.

use serde_json::Value;

use crate::{
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::{checked, sha256},
    program::Program,
    until,
};

const RAISED: &str = "cunkou.alert.raised.v1";

#[test]
fn an_alert_arrives_with_its_picture_and_a_latecomer_finds_how_things_are() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let data = tempfile::tempdir().expect("a directory");
    let subscriber = Subscriber::start(&broker, "cunkou/v1/demo/#");
    let (program, page) = Program::demo(2, data.path(), Some(broker.port));

    let (raised, envelope) =
        subscriber.wait("an alert", "cunkou/v1/demo/alert/", |envelope| envelope["type"] == RAISED);
    let alert = &envelope["data"];
    let text = |pointer: &str| alert.pointer(pointer).and_then(|it| it.as_str()).expect("checked").to_owned();
    checked(&raised);
    assert!(!raised.retained, "an alert that was retained would be told again for ever");
    let camera = text("/camera/id");
    let topic = format!("cunkou/v1/demo/alert/{}/{}/{camera}", text("/severity"), text("/kind"));
    assert_eq!(raised.topic, topic);
    assert_eq!(envelope["source"], "/stations/demo/node/main");

    for (url, hash) in
        [("/snapshot/url", "/snapshot/sha256"), ("/snapshot/boxed_url", "/snapshot/boxed_sha256")]
    {
        let picture = http::get(page, &text(url));
        assert_eq!(picture.status, 200, "{}", text(url));
        assert!(picture.headers.contains("image/jpeg"), "{}", picture.headers);
        assert_eq!(&picture.body[..3], [0xff, 0xd8, 0xff], "it is a JPEG");
        assert_eq!(sha256(&picture.body), text(hash), "{}", text(url));
    }
    assert_ne!(text("/snapshot/sha256"), text("/snapshot/boxed_sha256"), "boxes are drawn");

    let late = Subscriber::start(&broker, "cunkou/v1/demo/#");
    let state_topic = format!("cunkou/v1/demo/alert-state/{}", text("/alert_id"));
    let (state, _) = late.wait("the alert's state", &state_topic, |_| true);
    assert!(state.retained);
    assert_eq!(checked(&state)["data"]["alert_id"], alert["alert_id"]);
    for camera in ["north-gate", "south-gate"] {
        let topic = format!("cunkou/v1/demo/camera/{camera}/health");
        late.wait("a camera that is online", &topic, |health| health["data"]["state"] == "online");
        assert!(late.below(&topic)[0].retained, "{camera}");
    }
    let status_topic = "cunkou/v1/demo/node/main/status";
    let (status, envelope) = late.wait("the node's status", status_topic, |_| true);
    assert!(status.retained && envelope["data"]["status"] == "online", "{status:?}");
    let events = late.below("cunkou/v1/demo/alert/");
    assert!(events.iter().all(|event| !event.retained), "events are not retained: {events:?}");

    program.signal("TERM");
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:?}", ended.log);
    late.wait("the good-bye", status_topic, |envelope| envelope["data"]["status"] == "stopped");
    let latest = Subscriber::start(&broker, status_topic);
    let (status, envelope) = latest.wait("the node's status", status_topic, |_| true);
    assert!(status.retained && envelope["data"]["status"] == "stopped", "{status:?}");
    for heard in subscriber.below("cunkou/") {
        checked(&heard);
    }
}

#[test]
fn a_camera_that_is_unplugged_is_told_and_the_other_goes_on() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let data = tempfile::tempdir().expect("a directory");
    let subscriber = Subscriber::start(&broker, "cunkou/v1/demo/#");
    let (mut program, _) = Program::demo(2, data.path(), Some(broker.port));
    let health = |camera: &str| format!("cunkou/v1/demo/camera/{camera}/health");
    let (north, south) = (health("north-gate"), health("south-gate"));
    let online = |topic: &str| {
        subscriber.wait("a camera that is online", topic, |health| health["data"]["state"] == "online").1
    };
    let (there, other_there) = (online(&north), online(&south));
    let later = |health: &Value, than: &Value| health["time"].as_str() > than["time"].as_str();

    program.type_line("stop north-gate");
    until("an answer", || program.out().iter().any(|line| line == "stop north-gate: done").then_some(()));
    let (heard, gone) = subscriber.wait("a camera that is offline", &north, |health| {
        health["data"]["state"] == "offline" && later(health, &there)
    });
    checked(&heard);
    assert!(gone["data"]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{gone:#}");
    assert!(gone["data"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{gone:#}");
    let late = Subscriber::start(&broker, &north);
    let (retained, envelope) = late.wait("what is retained", &north, |_| true);
    assert!(retained.retained && envelope["data"]["state"] == "offline", "{retained:?}");

    let goes_on = |alert: &Value| {
        alert["type"] == RAISED
            && alert["data"]["camera"]["id"] == "south-gate"
            && alert["data"]["occurred_at"].as_str() > gone["time"].as_str()
    };
    subscriber.wait("an alert of the other camera", "cunkou/v1/demo/alert/", goes_on);
    for health in subscriber.below(&south).iter().map(|heard| heard.json()) {
        assert!(!later(&health, &other_there) || health["data"]["state"] != "offline", "{health:#}");
    }

    program.type_line("start north-gate");
    let came_back = |health: &Value| health["data"]["state"] == "online" && later(health, &gone);
    subscriber.wait("the camera is back", &north, came_back);
    late.wait("the camera is back", &north, came_back);
    program.type_line("stop south-gat");
    until("a word about a name that nobody has", || {
        program.out().iter().any(|line| line.contains("no camera south-gat")).then_some(())
    });
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}
