//! Zones by mouse: drawn over HTTP while the demo runs, in force at once, and there after a kill.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::{
    http, need_model,
    program::{Program, alerts, cunkou, metric},
    recordings::conforms,
    until,
};

const PATH: &str = "/api/v1/cameras/north-gate/zones";

fn shown(page: SocketAddr, camera: &str) -> Value {
    let answer = http::get(page, &format!("/api/v1/cameras/{camera}/zones"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = answer.json();
    conforms("zones", &shown);
    shown
}

/// What is drawn, as a page would send it back.
fn draft(page: SocketAddr, camera: &str) -> Value {
    let shown = shown(page, camera);
    let own: Vec<&Value> =
        shown["rules"].as_array().expect("a list").iter().filter(|rule| rule["own"] == true).collect();
    json!({
        "base": shown["base"], "zones": shown["zones"], "lines": shown["lines"], "masks": shown["masks"], "rules": own,
    })
}

fn push(draft: &mut Value, list: &str, thing: Value) {
    draft[list].as_array_mut().expect("a list").push(thing);
}

fn confirmed(draft: &Value) -> Value {
    let mut draft = draft.clone();
    draft["confirm"] = json!(true);
    draft["who"] = json!("王建国");
    draft["unit"] = json!("柳庄派出所");
    draft
}

/// What `north-gate` raised by the rule that is drawn.
fn by_drawn_rule(page: SocketAddr) -> Option<Value> {
    alerts(page)
        .into_iter()
        .find(|alert| alert["rule"]["id"] == "drawn" && alert["camera"]["id"] == "north-gate")
}

fn history(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("config-history")).into_iter().flatten();
    entries.map(|entry| fs::read_to_string(entry.expect("reads").path()).expect("a text")).collect()
}

#[test]
fn a_zone_that_is_drawn_raises_at_once_and_after_a_kill_and_no_other_camera_is_disturbed() {
    need_model();
    let data = tempfile::tempdir().expect("a directory");
    let (program, page) = Program::demo(2, data.path(), None);
    let file = data.path().join("cunkou.toml");
    let before = fs::read_to_string(&file).expect("the demo has written it");
    until("both cameras", || (metric(page, "cunkou_camera_online") == 2.0).then_some(()));
    // There is a passage to be tried on, and an alert of a rule that stays.
    until("an alert", || {
        alerts(page).into_iter().find(|alert| alert["rule"]["id"] == "person-at-north-gate")
    });
    let connects = metric(page, "cunkou_camera_connects_total");

    let mut draft = draft(page, "north-gate");
    refused_as_it_should_be(page, &draft);
    let area = json!([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
    push(&mut draft, "zones", json!({ "id": "all", "name": { "zh": "全景", "en": "All" }, "area": area }));
    push(
        &mut draft,
        "rules",
        json!({
            "id": "drawn", "kind": "zone-enter", "severity": "info", "name": { "zh": "画", "en": "Drawn" },
            "zone": "all", "classes": ["person"],
        }),
    );
    let tried = http::post(page, &format!("{PATH}/try"), "application/json", &draft).json();
    conforms("zones_draft", &draft);
    conforms("zones_trial", &tried);
    assert_eq!(tried["problems"], json!([]));
    let diff = tried["diff"].as_str().expect("a diff");
    assert!(diff.contains("+zone.all = { name = \"All\", name_zh = \"全景\", area = [[0.0, 0.0]"), "{diff}");
    assert!(diff.contains("+[rule.drawn]"), "{diff}");
    let of_rule = |rule: &str| {
        let rules = tried["shadow"]["by_rule"].as_array().expect("a list").iter();
        rules.clone().find(|of| of["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {tried:#}")).clone()
    };
    assert_eq!(of_rule("drawn")["only_then"], 0, "it did not exist then");
    assert!(of_rule("person-at-north-gate").is_object());
    assert_eq!(fs::read_to_string(&file).expect("reads"), before, "trying changes nothing");

    let saved = http::put(page, PATH, &confirmed(&draft));
    assert_eq!(saved.status, 200, "{}", saved.text());
    let saved = saved.json();
    conforms("zones_wanted", &confirmed(&draft));
    conforms("zones_saved", &saved);
    assert_eq!((&saved["applied"], &saved["why"]), (&json!(true), &Value::Null), "{saved:#}");
    assert_eq!(shown(page, "north-gate")["base"], saved["base"]);
    let stale = http::put(page, PATH, &confirmed(&draft));
    assert_eq!(stale.status, 409, "{}", stale.text());

    let alert = until("an alert of the rule that was drawn", || by_drawn_rule(page));
    assert_eq!(alert["kind"], "zone-enter", "{alert:#}");
    assert_eq!(metric(page, "cunkou_camera_connects_total"), connects, "no stream was connected to anew");
    assert_eq!(metric(page, "cunkou_camera_online"), 2.0);

    let after = fs::read_to_string(&file).expect("reads");
    for line in before.lines() {
        assert!(after.contains(line), "{line} is gone: {after}");
    }
    assert_eq!(history(data.path()), [before], "what it was is kept");
    program.kill();
    let log = cunkou(&["audit", "--config", &file.display().to_string(), "--json", "--action", "configured"]);
    assert_eq!(log.code, Some(0), "{:?}", log.log);
    let told =
        log.out.iter().find(|line| line.contains("configured")).unwrap_or_else(|| panic!("{:?}", log.out));
    assert!(told.contains("王建国") && told.contains("north-gate"), "{told}");

    // One camera more than the file has: it is shown, and cannot be drawn on.
    let (program, page) = Program::demo(5, data.path(), None);
    let again = shown(page, "north-gate");
    assert_eq!(again["base"], saved["base"]);
    assert!(again["zones"].as_array().expect("a list").iter().any(|zone| zone["id"] == "all"), "{again:#}");
    let known = alert["alert_id"].as_str().map(str::to_owned);
    let is_new = |alert: &Value| alert["alert_id"].as_str().map(str::to_owned) > known;
    until("an alert of it after the next start", || by_drawn_rule(page).filter(is_new));
    let like_it = shown(page, "north-gate-2");
    assert_eq!(like_it["writable"], false);
    assert!(like_it["why"].as_str().is_some_and(|why| why.contains("north-gate-2")), "{like_it:#}");
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}

/// What is not confirmed, makes no sense or is of no camera is refused, and changes nothing.
fn refused_as_it_should_be(page: SocketAddr, draft: &Value) {
    let unconfirmed = http::put(page, PATH, draft);
    assert_eq!(unconfirmed.status, 400, "{}", unconfirmed.text());
    let mut crossed = draft.clone();
    let area = json!([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    push(&mut crossed, "zones", json!({ "id": "knot", "name": { "zh": "结", "en": "Knot" }, "area": area }));
    let refused = http::put(page, PATH, &confirmed(&crossed));
    assert_eq!(refused.status, 422, "{}", refused.text());
    let refused = refused.json();
    conforms("zones_problems", &refused);
    let problem = &refused["problems"][0];
    assert_eq!(problem["key"], "camera.north-gate.zone.knot.area", "{problem:#}");
    let tried = http::post(page, &format!("{PATH}/try"), "application/json", &crossed).json();
    assert_eq!(
        (&tried["problems"][0], &tried["diff"], &tried["shadow"]),
        (problem, &Value::Null, &Value::Null)
    );
    let nowhere = http::put(page, "/api/v1/cameras/no-such/zones", &confirmed(draft));
    assert_eq!(nowhere.status, 404, "{}", nowhere.text());
    let mut more = confirmed(draft);
    more["speed"] = json!(1);
    assert_eq!(http::put(page, PATH, &more).status, 400);
    let same = http::put(page, PATH, &confirmed(draft));
    assert_eq!((same.status, &same.json()["base"]), (200, &draft["base"]), "{}", same.text());
}
