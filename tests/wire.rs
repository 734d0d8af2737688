//! Every payload that the daemon writes, against the schemas that it ships; and the reference pages, against what they describe.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

use cunkou::{
    alert::{Alert, Change, Object, life::Verb},
    analysis::{Cause, Interval, What},
    camera::{Health, Reason, State, Stream, Watched},
    config::{self, Config, Direction},
    console::{AnalysisPage, IntervalData},
    daemon::{
        Trust,
        clerk::{Clerk, Draft, Due, Folder, Record, read_record, record_range},
    },
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, Mint, TrackId},
    metrics::Metrics,
    mqtt::{
        payload::{
            AlertData, AnswerData, ClipAnswerData, ClipRequestData, ClipStatus, CommandData, Envelope,
            HealthData, ModelData, NodeData, NoticeData, ReceiptData, SnapshotData, UnreadData,
        },
        wire::Writer,
    },
    rules::Verdict,
    store::{Ledger, Message, Outbox, Page, SimDisk, SimLedger},
    time::Wall,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn demo() -> Config {
    config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &config::Machine)
        .expect("the demo is valid")
}

fn schema(name: &str) -> Value {
    let path = format!("{}/docs/ref/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("a schema is JSON")
}

fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema is valid");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Checks a message's envelope and data, and gives the envelope back.
fn checked(message: &Message) -> Value {
    assert_eq!(message.content_type, "application/cloudevents+json");
    checked_payload(&message.payload)
}

fn checked_payload(payload: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(payload).expect("a payload is JSON");
    let none: Vec<String> = Vec::new();
    assert_eq!(complaints(&schema("envelope"), &value), none, "{value:#}");
    let name = value["dataschema"].as_str().expect("checked above");
    let name =
        name.strip_prefix("urn:cunkou:schema:").and_then(|name| name.strip_suffix(":1.0")).expect("our name");
    assert_eq!(complaints(&schema(name), &value["data"]), none, "{value:#}");
    value
}

fn clerk(config: &Config) -> Clerk {
    let model = ModelData { name: "nanodet-g-416-int8".into(), sha256: "0".repeat(64) };
    Clerk::new(config, model, Mint::seeded(1))
}

fn verdict(config: &Config, id: AlertId, rule: &str, change: Change, at: Wall) -> Verdict {
    let camera = config.cameras.iter().find(|camera| camera.rules.iter().any(|r| r.id.as_str() == rule));
    let camera = Arc::clone(camera.expect("the demo has that rule"));
    let rule = Arc::clone(camera.rules.iter().find(|r| r.id.as_str() == rule).expect("as above"));
    let objects = vec![Object {
        class: Class::Person,
        confidence: 0.876_543,
        bbox: UnitBox::new(-0.01, 0.2, 0.3, 1.02),
        track: TrackId(3),
    }];
    let ended_at = (change == Change::Ended).then_some(at);
    Verdict {
        change,
        alert: Alert { id, camera, rule, direction: Some(Direction::In), occurred_at: at, ended_at, objects },
    }
}

fn draft(clerk: &mut Clerk, at: Wall, verdict: &Verdict, picture: Option<SnapshotData>) -> Option<Draft> {
    let occurrence = verdict.alert.occurrence(&jiff::tz::TimeZone::UTC);
    let assigned = clerk.assign(at, verdict.change, &occurrence);
    clerk.draft(at, verdict.change, &occurrence, picture, assigned)
}

fn snapshot() -> SnapshotData {
    SnapshotData {
        url: "/snapshots/a.jpg".into(),
        sha256: "1".repeat(64),
        boxed_url: "/snapshots/a-boxed.jpg".into(),
        boxed_sha256: "2".repeat(64),
    }
}

fn promise(outbox: &mut Outbox<SimLedger>, draft: Draft) -> Vec<Message> {
    outbox.promise(draft.writes, &draft.messages).expect("the disk works");
    draft.messages
}

#[test]
fn every_rule_of_the_demo_writes_valid_alerts_from_raised_to_ended() {
    let config = demo();
    let mut clerk = clerk(&config);
    let mut mint = Mint::seeded(2);
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let rules: BTreeSet<String> =
        config.cameras.iter().flat_map(|camera| &camera.rules).map(|rule| rule.id.to_string()).collect();
    assert!(rules.len() >= 3, "{rules:?}");
    for rule in &rules {
        let id = mint.alert(at);
        for (rev, (change, picture)) in
            [(Change::Raised, Some(snapshot())), (Change::Updated, None), (Change::Ended, None)]
                .into_iter()
                .enumerate()
        {
            let verdict = verdict(&config, id, rule, change, at);
            let draft = draft(&mut clerk, at, &verdict, picture).expect("something is promised");
            let [event, state, notices @ ..] = &draft.messages[..] else { panic!("an event and a state") };
            let (event_value, state_value) = (checked(event), checked(state));
            assert_eq!(notices.is_empty(), change != Change::Raised, "somebody is told once");
            for notice in notices {
                let value = checked(notice);
                let mut alert = event_value["data"].clone();
                alert["life"]["told"] = json!([]);
                assert_eq!(value["data"]["alert"], alert);
                let post = value["data"]["post"].as_str().expect("checked");
                assert_eq!(notice.topic, format!("cunkou/v1/demo/post/{post}/notice"));
                assert!(!notice.retain && notice.expiry == event.expiry);
                assert_eq!(complaints(&schema("alert"), &value["data"]["alert"]), Vec::<String>::new());
            }
            assert_eq!(event_value["cunkourev"], json!(rev + 1));
            assert_eq!(event_value["data"], state_value["data"]);
            assert_eq!(
                event_value["data"]["snapshot"]["sha256"],
                json!("1".repeat(64)),
                "kept through the updates"
            );
            assert_eq!(event_value["data"]["objects"][0]["box"], json!([0.0, 0.2, 0.3, 1.0]));
            assert_eq!(event_value["data"]["objects"][0]["confidence"], json!(0.877));
            assert!(!event.retain && state.retain);
            assert_eq!(state.topic, format!("cunkou/v1/demo/alert-state/{id}"));
            let severity = event_value["data"]["severity"].as_str().expect("checked");
            let kind = event_value["data"]["kind"].as_str().expect("checked");
            let camera = &verdict.alert.camera.id;
            assert_eq!(event.topic, format!("cunkou/v1/demo/alert/{severity}/{kind}/{camera}"));
        }
        assert!(
            draft(&mut clerk, at, &verdict(&config, id, rule, Change::Updated, at), None).is_none(),
            "it is over"
        );
    }
}

#[test]
fn an_alert_expires_is_cleared_and_forgotten_at_its_times_also_after_a_restart() {
    let config = demo();
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let mut clerk_1 = clerk(&config);
    let raised_at = Wall::from_unix_ms(1_773_079_445_123);
    let id = Mint::seeded(3).alert(raised_at);
    let raised = verdict(&config, id, "person-at-north-gate", Change::Raised, raised_at);
    promise(&mut outbox, draft(&mut clerk_1, raised_at, &raised, None).expect("raised"));

    // Killed, and started again: the alert's subject is no longer followed.
    disk.crash();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let mut clerk_2 = clerk(&config);
    let restarted_at = raised_at.after(Duration::from_secs(30));
    let drafts = clerk_2.recover(restarted_at, outbox.ledger()).expect("reads");
    assert_eq!(drafts.len(), 1);
    for draft in drafts {
        let messages = promise(&mut outbox, draft);
        assert_eq!(checked(&messages[0])["type"], "cunkou.alert.ended.v1");
        assert_eq!(checked(&messages[1])["data"]["ended_at"], json!(restarted_at.to_string()));
    }
    assert!(clerk_2.recover(restarted_at, outbox.ledger()).expect("reads").is_empty(), "once");

    let mut log = Vec::new();
    for hours in 0..=(91 * 24) {
        let now = raised_at.after(Duration::from_secs(hours * 3600));
        while let Some((due, record)) = reached(now, outbox.ledger()) {
            let draft = clerk_2.reach(now, due, record, Trust::Believed);
            let forgotten = draft.forget == Some(id);
            let sought = draft.clip.clone();
            let messages = promise(&mut outbox, draft);
            if let Some(record) = sought {
                let gap = clerk_2.clip(now, *record, ClipStatus::Gap, None);
                let told = checked(&promise(&mut outbox, gap)[0]);
                log.push((hours, format!("clip {}", told["data"]["clip"]["status"])));
                continue;
            }
            let what = match &messages[..] {
                [] if forgotten => "forgotten".to_owned(),
                // Its clip is known by now.
                [] => continue,
                [message] if message.payload.is_empty() => format!("cleared, retain {}", message.retain),
                [state, notices @ ..] => {
                    let told = notices.iter().map(|notice| checked(notice)["data"]["why"].to_string());
                    let state = checked(state)["data"]["state"].as_str().expect("checked").to_owned();
                    [state].into_iter().chain(told).collect::<Vec<_>>().join(" ")
                }
            };
            log.push((hours, what));
        }
    }
    let expected = [
        (1, "clip \"gap\""),
        (1, "raised \"again\""),
        (1, "escalated \"escalated\""),
        (1, "escalated"),
        (1, "expired"),
        (25, "cleared, retain true"),
        (90 * 24, "forgotten"),
    ];
    assert_eq!(log, expected.map(|(hours, what)| (hours, what.to_owned())));
    let (from, to) = record_range(id);
    assert!(outbox.ledger().range(&from, &to, 1).expect("reads").is_empty());
}

#[test]
fn a_clip_that_is_found_days_later_is_not_told_to_a_broker_that_has_forgotten_the_alert() {
    let config = demo();
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let mut clerk = clerk(&config);
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let id = Mint::seeded(3).alert(at);
    for change in [Change::Raised, Change::Ended] {
        let said = verdict(&config, id, "person-at-north-gate", change, at);
        promise(&mut outbox, draft(&mut clerk, at, &said, None).expect("it is told"));
    }
    let now = at.after(Duration::from_secs(700));
    let mut sought = None;
    while let Some((due, record)) = reached(now, outbox.ledger()) {
        let draft = clerk.reach(now, due, record, Trust::Believed);
        sought = sought.or(draft.clip.clone());
        promise(&mut outbox, draft);
    }
    let id = sought.expect("its clip is sought").data.alert_id;
    let (from, to) = record_range(id);
    let (_, record) = outbox.ledger().range(&from, &to, 1).expect("reads").remove(0);
    let record = read_record(&record).expect("it is read");
    for (hours, messages) in [(1, 1), (48, 0)] {
        let now = at.after(Duration::from_secs(hours * 3600));
        let draft = clerk.clip(now, record.clone(), ClipStatus::Gap, None);
        assert_eq!((draft.messages.len(), draft.writes.len()), (messages, 1), "after {hours} h");
    }
}

/// The first deadline that is reached by now, and the record of its alert.
fn reached(now: Wall, ledger: &SimLedger) -> Option<(Due, Option<Record>)> {
    let (from, to) = Due::range(now);
    let key = ledger.range(&from, &to, 1).expect("reads").pop()?.0;
    let due = Due::read(key).expect("a deadline");
    let (from, to) = record_range(due.alert);
    let record = ledger.range(&from, &to, 1).expect("reads");
    Some((due, record.first().and_then(|(_, value)| read_record(value))))
}

#[test]
fn health_and_status_are_valid() {
    let config = demo();
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let mut writer = Writer::new(&config.station, at, Mint::seeded(4));
    let camera = config.cameras[0].id.clone();
    let offline = Health {
        camera: camera.clone(),
        state: State::Offline,
        reasons: [Reason::Auth, Reason::Timeout].into(),
        detail: Some("no answer to describe for 10s".into()),
        since: at,
        fps: 0.0,
        kbps: 0.0,
        last_frame: None,
        clock_skew_ms: None,
        attention: None,
    };
    let online = Health {
        state: State::Online,
        reasons: BTreeSet::new(),
        detail: None,
        fps: 9.96,
        last_frame: Some(at),
        clock_skew_ms: Some(-12),
        attention: Some(Watched::Always),
        ..offline.clone()
    };
    let every = Duration::from_millis(6_200);
    let sparse = Watched::Sparse { every, stream: Stream::SaysLittle };
    let asleep = Health { attention: Some(sparse), ..online.clone() };
    let off = Health { attention: Some(Watched::Off), ..online.clone() };
    for health in [offline, online, asleep, off] {
        let message = writer.health(at, &HealthData::from(&health));
        assert_eq!(message.topic, format!("cunkou/v1/demo/camera/{camera}/health"));
        assert!(message.retain);
        checked(&message);
    }
    for (message, status) in
        [(writer.online(at), "online"), (writer.stopped(at), "stopped"), (writer.will(at), "offline")]
    {
        assert_eq!(message.topic, format!("cunkou/v1/demo/node/{}/status", config.station.node));
        assert!(message.retain);
        assert_eq!(checked(&message)["data"]["status"], status);
    }
}

#[test]
fn pages_of_too_little_analysis_are_valid() {
    let from = Wall::from_unix_ms(1_773_079_445_123);
    let reduced = What::Reduced { analysed_fps: 2.1, wanted_fps: 5.0 };
    for (what, cause) in
        [reduced, What::NotAnalysed].into_iter().flat_map(|what| Cause::ALL.map(|cause| (what, cause)))
    {
        let camera = demo().cameras[0].id.clone();
        let interval = Interval { from, to: from.after(Duration::from_secs(5)), what, cause };
        let place = format!("1773079445123.{camera}").parse().expect("a place");
        for next in [None, Some(place)] {
            let page = AnalysisPage::from(Page { intervals: vec![(camera.clone(), interval)], next });
            let value = serde_json::to_value(&page).expect("JSON");
            assert_eq!(complaints(&schema("analysis"), &value), Vec::<String>::new(), "{value:#}");
        }
    }
}

#[test]
fn the_example_of_analysis_is_valid_and_as_we_write_it() {
    let text = page("http.md");
    let section = all_between(&text, "## `/api/v1/analysis`", "\n## ")[0];
    let example: Value =
        serde_json::from_str(all_between(section, "```json\n", "```")[0]).expect("an example is JSON");
    assert_eq!(complaints(&schema("analysis"), &example), Vec::<String>::new());
    let camera = |name: &str| name.parse().expect("an id");
    let reduced = Interval {
        from: Wall::from_unix_ms(1_773_079_445_123),
        to: Wall::from_unix_ms(1_773_079_572_123),
        what: What::Reduced { analysed_fps: 2.1, wanted_fps: 5.0 },
        cause: Cause::DetectorBehind,
    };
    let blind = Interval {
        from: Wall::from_unix_ms(1_773_079_804_001),
        to: Wall::from_unix_ms(1_773_079_809_001),
        what: What::NotAnalysed,
        cause: Cause::DecodersBehind,
    };
    let written = AnalysisPage {
        intervals: [(camera("north-gate"), reduced), (camera("south-gate"), blind)]
            .iter()
            .map(IntervalData::from)
            .collect(),
        next: Some("1773079804001.south-gate".into()),
    };
    assert_eq!(serde_json::to_value(&written).expect("JSON"), example);
    for (pointer, bad) in
        [("/intervals/0/what", json!("slow")), ("/intervals/1/analysed_fps", json!(1)), ("/next", json!("x"))]
    {
        let mut value = example.clone();
        *value.pointer_mut(pointer).expect("there") = bad;
        assert!(!complaints(&schema("analysis"), &value).is_empty(), "{pointer}");
    }
}

#[test]
fn the_asyncapi_document_names_every_topic_and_every_schema() {
    let path = format!("{}/docs/ref/asyncapi.json", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("there")).expect("JSON");
    let channels = document["channels"].as_object().expect("channels");
    let addresses: BTreeSet<&str> =
        channels.values().filter_map(|channel| channel["address"].as_str()).collect();
    let written = [
        "cunkou/v1/{station}/alert/{severity}/{kind}/{camera}",
        "cunkou/v1/{station}/alert-state/{alert_id}",
        "cunkou/v1/{station}/post/{post}/notice",
        "cunkou/v1/{station}/command/alert/{alert_id}/{verb}",
        "cunkou/v1/{station}/answer/{to}",
        "cunkou/v1/{station}/camera/{camera}/health",
        "cunkou/v1/{station}/node/{node}/status",
        "cunkou/v1/{station}/button/{button}",
        "cunkou/v1/{station}/sensor/{sensor}",
        "cunkou/v1/{station}/post/{post}/status",
        "cunkou/v1/{to}/in/{station}/alert/{severity}/{kind}/{camera}",
        "cunkou/v1/{to}/in/{station}/alert-state/{alert_id}",
        "cunkou/v1/{station}/in/{from}/receipt/{event_id}",
        "cunkou/v1/{station}/in/{from}/command/alert/{alert_id}/{verb}",
        "cunkou/v1/{station}/in/{from}/answer/{command_id}",
        "cunkou/v1/{station}/in/{from}/clip-request/{request_id}",
        "cunkou/v1/{station}/in/{from}/clip-answer/{request_id}",
    ];
    assert_eq!(addresses, written.into_iter().collect());
    let text = document.to_string();
    for name in [
        "envelope",
        "alert",
        "notice",
        "alert-command",
        "command-answer",
        "receipt",
        "clip-request",
        "clip-answer",
        "camera-health",
        "node-status",
    ] {
        assert!(text.contains(&format!("schemas/{name}.json")), "{name}");
        schema(name);
    }
}

#[test]
fn the_schemas_refuse_what_is_no_alert() {
    let config = demo();
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let raised = verdict(&config, Mint::seeded(5).alert(at), "person-at-north-gate", Change::Raised, at);
    let draft = draft(&mut clerk(&config), at, &raised, None).expect("raised");
    let good = checked(&draft.messages[0])["data"].clone();
    for (pointer, bad) in [
        ("/severity", json!("terrible")),
        ("/kind", json!("face-match")),
        ("/objects", json!([])),
        ("/objects/0/class", json!("face")),
        ("/objects/0/box", json!([0, 0, 2, 1])),
        ("/occurred_at", json!("yesterday")),
        ("/rule/version", json!("latest")),
        ("/alert_id", json!("not-a-ulid")),
    ] {
        let mut value = good.clone();
        *value.pointer_mut(pointer).expect("there") = bad;
        assert!(!complaints(&schema("alert"), &value).is_empty(), "{pointer}");
    }
}

fn page(name: &str) -> String {
    let path = format!("{}/docs/ref/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between two marks in a text.
fn all_between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).filter_map(|rest| rest.split(to).next()).collect()
}

#[test]
fn the_examples_of_the_mqtt_reference_are_valid_and_as_we_write_them() {
    let text = page("mqtt.md");
    let mut schemas = BTreeSet::new();
    for example in all_between(&text, "```json\n", "```") {
        let value = checked_payload(example.as_bytes());
        let name = value["dataschema"].as_str().expect("checked").to_owned();
        // Members that we do not write would be lost on the way through our own types.
        let again = match name.as_str() {
            "urn:cunkou:schema:alert:1.0" => rewritten::<AlertData>(example),
            "urn:cunkou:schema:receipt:1.0" => rewritten::<ReceiptData>(example),
            "urn:cunkou:schema:clip-request:1.0" => rewritten::<ClipRequestData>(example),
            "urn:cunkou:schema:clip-answer:1.0" => rewritten::<ClipAnswerData>(example),
            "urn:cunkou:schema:notice:1.0" => {
                let alert = &value["data"]["alert"];
                assert_eq!(complaints(&schema("alert"), alert), Vec::<String>::new());
                rewritten::<NoticeData>(example)
            }
            "urn:cunkou:schema:command-answer:1.0" => rewritten::<AnswerData>(example),
            "urn:cunkou:schema:camera-health:1.0" => rewritten::<HealthData>(example),
            _ => rewritten::<NodeData>(example),
        };
        assert_eq!(again, value);
        assert!(text.contains(&format!("`{}`", value["type"].as_str().expect("checked"))), "{value:#}");
        schemas.insert(name);
    }
    assert_eq!(schemas.len(), 8, "an example of each: {schemas:?}");
    let command = all_between(&text, "```\n{", "\n```")[0];
    let command: Value = serde_json::from_str(&format!("{{{command}")).expect("an example is JSON");
    assert_eq!(complaints(&schema("alert-command"), &command), Vec::<String>::new());
    let read: CommandData = serde_json::from_value(command.clone()).expect("it is read");
    assert_eq!(serde_json::to_value(&read).expect("JSON"), command);
    let unread = serde_json::to_value(UnreadData::new("no JSON")).expect("JSON");
    assert_eq!(complaints(&schema("command-answer"), &unread), Vec::<String>::new());
}

#[test]
fn what_people_do_with_an_alert_is_valid_on_the_wire_at_each_step() {
    let config = demo();
    let mut clerk = clerk(&config);
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let mut mint = Mint::seeded(6);
    let id = mint.alert(at);
    let raised = verdict(&config, id, "person-at-north-gate", Change::Raised, at);
    let promised = draft(&mut clerk, at, &raised, None).expect("raised");
    let mut record = promised.told[0].record.clone();
    let mut seen = BTreeSet::new();
    for (s, verb, text) in [
        (5, Verb::Ack, json!({})),
        (6, Verb::Annotate, json!({ "note": "on the bridge" })),
        (7, Verb::Escalate, json!({})),
        (8, Verb::Claim, json!({ "if_rev": 4 })),
        (9, Verb::Claim, json!({ "actor": { "who": "wu", "unit": "traffic" } })),
        (10, Verb::Release, json!({})),
        (11, Verb::Dismiss, json!({ "reason": "other", "note": "a scarecrow" })),
    ] {
        let now = at.after(Duration::from_secs(s));
        let mut body = json!({ "id": mint.command(now), "actor": { "who": "li", "unit": "patrol" } });
        body.as_object_mut().expect("an object").extend(text.as_object().expect("an object").clone());
        assert_eq!(complaints(&schema("alert-command"), &body), Vec::<String>::new());
        let command: CommandData = serde_json::from_value(body).expect("it is read");
        let command = command.command(id, verb).expect("it makes sense");
        let folder = Folder { record: record.clone(), members: Vec::new() };
        let (answer, draft) = clerk.obey(now, command, Some(folder));
        let value = serde_json::to_value(&answer).expect("JSON");
        assert_eq!(complaints(&schema("command-answer"), &value), Vec::<String>::new(), "{value:#}");
        assert_eq!(complaints(&schema("alert"), &value["alert"]), Vec::<String>::new(), "{value:#}");
        for message in &draft.messages {
            checked(message);
        }
        if let Some(step) = draft.told.last() {
            record = step.record.clone();
        }
        seen.insert((value["result"].to_string(), value["alert"]["state"].to_string()));
    }
    let seen: Vec<(&str, &str)> =
        seen.iter().map(|(a, b)| (a.trim_matches('"'), b.trim_matches('"'))).collect();
    let expected = [
        ("conflict", "claimed"),
        ("ok", "acknowledged"),
        ("ok", "claimed"),
        ("ok", "dismissed"),
        ("ok", "escalated"),
        ("ok", "raised"),
    ];
    assert_eq!(seen, expected);
}

fn rewritten<D: Serialize + DeserializeOwned>(example: &str) -> Value {
    let read: Envelope<D> = serde_json::from_str(example).expect("an example is read");
    serde_json::from_slice(&read.to_bytes()).expect("what we write is JSON")
}

#[test]
fn the_http_reference_names_every_metric_and_no_other() {
    let text = page("http.md");
    for (name, what) in Metrics::ALL {
        let line = text.lines().find(|line| {
            line.starts_with(&format!("| `cunkou_{name}` |"))
                || line.starts_with(&format!("| `cunkou_{name}_total` |"))
        });
        let line = line.unwrap_or_else(|| panic!("cunkou_{name} is not on the page"));
        assert!(line.ends_with(&format!("| {} |", what.trim())), "{line}");
    }
    assert_eq!(text.matches("| `cunkou_").count(), Metrics::ALL.len());
}

#[test]
fn the_openapi_document_names_every_path_and_no_other() {
    let document: Value = serde_json::from_str(&page("openapi.json")).expect("JSON");
    let members = |value: &Value| -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let documented: BTreeMap<String, BTreeSet<String>> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .map(|(path, methods)| (path.clone(), members(methods)))
        .collect();
    let sources = [
        include_str!("../src/console/mod.rs"),
        include_str!("../src/console/alerts.rs"),
        include_str!("../src/console/cameras.rs"),
        include_str!("../src/console/archive/mod.rs"),
    ];
    let mut routed = BTreeMap::new();
    for route in sources.iter().flat_map(|source| source.split(".route(").skip(1)) {
        let path = route.split('"').nth(1).expect("a path").to_owned();
        let handlers = route.split(".route(").next().expect("the rest").split(".with_state").next();
        let handlers = handlers.expect("the rest");
        let methods = ["get", "post"].into_iter().filter(|method| handlers.contains(&format!("{method}(")));
        routed.insert(path, methods.map(str::to_owned).collect());
    }
    assert_eq!(documented, routed);
}

#[test]
fn the_command_reference_names_every_option_and_no_other() {
    let text = page("cli.md");
    let help = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cunkou"));
        let output = command.args(arguments).arg("--help").output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let mut documented = BTreeSet::new();
    for section in all_between(&text, "\n## `cunkou ", "\n## ") {
        let name = section.split('`').next().expect("a heading").replace(" VIDEO…", "");
        let arguments: Vec<&str> = name.split(' ').collect();
        documented.insert(arguments[0].to_owned());
        let of_help = options(&help(&arguments).replace("--log-json", ""));
        let of_page: BTreeSet<String> = section
            .lines()
            .filter(|line| line.starts_with("| `--"))
            .flat_map(|line| options(&line[..30.min(line.len())]))
            .collect();
        assert_eq!(of_page, of_help, "cunkou {name}");
    }
    let commands = help(&[]);
    let commands = all_between(&commands, "Commands:\n", "\n\n")[0].lines();
    let commands: BTreeSet<String> =
        commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(
        documented,
        commands.into_iter().filter(|name| !matches!(name.as_str(), "help" | "")).collect()
    );
}

/// The long options in a text, `--help` aside.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    let options = words.filter(|word| word.starts_with("--") && word.len() > 2 && *word != "--help");
    options.map(str::to_owned).collect()
}

/// What a clerk does about the deadlines that are reached at `now`: the states told, `cleared`, `forgotten`.
fn deeds(clerk: &mut Clerk, outbox: &mut Outbox<SimLedger>, now: Wall, trust: Trust) -> Vec<String> {
    let mut told = Vec::new();
    while let Some((due, record)) = reached(now, outbox.ledger()) {
        let draft = clerk.reach(now, due, record, trust);
        told.extend(draft.forget.map(|_| "forgotten".to_owned()));
        for message in promise(outbox, draft).into_iter().filter(|message| message.retain) {
            told.push(match message.payload.is_empty() {
                true => "cleared".to_owned(),
                false => checked(&message)["data"]["state"].as_str().expect("checked").to_owned(),
            });
        }
    }
    told
}

#[test]
fn what_is_still_in_view_is_neither_cleared_nor_forgotten() {
    let config = demo();
    let mut outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
    let mut clerk = clerk(&config);
    let raised_at = Wall::from_unix_ms(1_773_079_445_123);
    let after = |hours: u64| raised_at.after(Duration::from_secs(hours * 3600));
    let id = Mint::seeded(6).alert(raised_at);
    let verdict_at = |change, at| verdict(&config, id, "person-at-north-gate", change, at);
    let raised = draft(&mut clerk, raised_at, &verdict_at(Change::Raised, raised_at), None).expect("raised");
    promise(&mut outbox, raised);

    let deeds_of_an_hour = deeds(&mut clerk, &mut outbox, after(1), Trust::Believed);
    assert_eq!(deeds_of_an_hour, ["raised", "escalated", "escalated", "expired"]);
    assert!(deeds(&mut clerk, &mut outbox, after(26), Trust::Believed).is_empty(), "it goes on");
    assert!(deeds(&mut clerk, &mut outbox, after(91 * 24), Trust::Believed).is_empty(), "it still goes on");
    let ended =
        draft(&mut clerk, after(92 * 24), &verdict_at(Change::Ended, after(92 * 24)), None).expect("ended");
    promise(&mut outbox, ended);
    assert!(deeds(&mut clerk, &mut outbox, after(92 * 24), Trust::Believed).is_empty(), "over a moment ago");
    assert_eq!(deeds(&mut clerk, &mut outbox, after(93 * 24), Trust::Believed), ["cleared", "forgotten"]);

    // A deadline that outlives its record still takes the state away.
    let due = Due::read([&Due::range(raised_at).0[..], format!("{:016x}/{id}/clear", 1).as_bytes()].concat());
    let draft = clerk.reach(after(94 * 24), due.expect("a deadline"), None, Trust::Believed);
    assert!(matches!(&draft.messages[..], [message] if message.payload.is_empty() && message.retain));
}

#[test]
fn a_clock_that_is_doubted_deletes_nothing() {
    let config = demo();
    let mut outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
    let mut clerk = clerk(&config);
    let at = Wall::from_unix_ms(1_773_079_445_123);
    let id = Mint::seeded(7).alert(at);
    for change in [Change::Raised, Change::Ended] {
        let draft = draft(&mut clerk, at, &verdict(&config, id, "person-at-north-gate", change, at), None);
        promise(&mut outbox, draft.expect("something is promised"));
    }
    let (from, to) = record_range(id);
    let far = at.after(Duration::from_secs(70 * 365 * 24 * 3600));
    let told = deeds(&mut clerk, &mut outbox, far, Trust::Doubted);
    assert!(!told.contains(&"forgotten".to_owned()), "{told:?}");
    assert_eq!(outbox.ledger().range(&from, &to, 1).expect("reads").len(), 1, "the record is kept");
    let day_after = far.after(Duration::from_secs(25 * 3600));
    let told = deeds(&mut clerk, &mut outbox, day_after, Trust::Believed);
    assert!(told.contains(&"forgotten".to_owned()), "{told:?}");
}
