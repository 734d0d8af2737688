//! The page and what machines ask over HTTP, with the broker inside of the program.

use std::{collections::BTreeMap, net::SocketAddr};

use serde_json::json;

use crate::{
    http::{self, Events},
    need_model,
    program::{Program, alerts},
    until,
};

#[test]
fn the_page_metrics_and_live_alerts_are_served_and_nothing_else_is() {
    need_model();
    let data = tempfile::tempdir().expect("a directory");
    let (program, page) = Program::demo(1, data.path(), None);
    let mut events = Events::listen(page, "/api/events");

    assert_eq!((http::get(page, "/healthz").status, http::get(page, "/readyz").status), (200, 200));
    let home = http::get(page, "/");
    assert_eq!(home.status, 200);
    assert!(home.headers.contains("text/html; charset=utf-8"), "{}", home.headers);
    assert!(home.text().contains("村口 Cunkou"), "{}", home.text());
    for file in home.text().split('"').filter(|text| text.starts_with('/')) {
        let answer = http::get(page, file);
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(
            answer.headers.contains("immutable"),
            file.starts_with("/assets/"),
            "{file}: {}",
            answer.headers
        );
    }

    let analysis = http::get(page, "/api/v1/analysis?camera=north-gate&from=2026-03-09T18:04:05Z&limit=5");
    assert_eq!(analysis.status, 200, "{}", analysis.text());
    assert!(analysis.json()["intervals"].is_array(), "{}", analysis.text());
    let refused = http::get(page, "/api/v1/analysis?limit=0");
    assert_eq!((refused.status, refused.text().trim()), (400, "limit=0 is no number from 1 to 1000"));

    an_account_of_each_role_is_printed(&program, page);
    let alert = events.next("alert");
    let id = alert["alert_id"].as_str().expect("an id");
    assert!(alerts(page).iter().any(|known| known["alert_id"] == id), "{id}");
    nothing_else_is_served(page, id);

    let metrics = http::get(page, "/metrics");
    assert!(metrics.headers.contains("application/openmetrics-text"), "{}", metrics.headers);
    let samples = openmetrics(metrics.text());
    let of_camera = |name: &str| samples[&format!("{name}{{camera=\"north-gate\"}}")];
    assert_eq!(of_camera("cunkou_camera_online"), 1.0);
    assert!(of_camera("cunkou_alerts_raised_total") >= 1.0);
    assert!(of_camera("cunkou_frames_detected_total") >= 1.0);
    assert!(samples["cunkou_alert_seconds_bucket{le=\"+Inf\"}"] >= 1.0);

    program.signal("TERM");
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:?}", ended.log);
    assert!(!ended.log.iter().any(|line| line.contains("ERROR")), "{:#?}", ended.log);
}

fn an_account_of_each_role_is_printed(program: &Program, page: SocketAddr) {
    for (login, role) in [
        ("operator", "operator"),
        ("maintainer", "maintainer"),
        ("investigator", "investigator"),
        ("supervisor", "supervisor"),
        ("admin", "administrator"),
    ] {
        let password = until("the passwords of this start", || {
            let words = |line: &String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let lines: Vec<Vec<String>> = program.out().iter().map(words).collect();
            lines
                .into_iter()
                .find(|words| words.len() == 2 && words[0] == login)
                .map(|words| words[1].clone())
        });
        let wanted = json!({ "login": login, "password": password });
        let session = http::ask_as(page, "POST", "/api/v1/session", &[], Some(&wanted));
        assert_eq!((session.status, &session.json()["account"]["role"]), (200, &json!(role)), "{login}");
        assert_eq!(session.json()["setup"], false);
    }
}

fn nothing_else_is_served(page: SocketAddr, alert: &str) {
    assert_eq!(http::get(page, &format!("/snapshots/{alert}.jpg")).status, 200);
    let long = format!("/snapshots/{}.jpg", "a".repeat(5000));
    let odd = [
        "/snapshots/../..",
        "/snapshots/../store/db",
        "/snapshots/..%2fstore%2fdb",
        "/snapshots/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/snapshots//etc/passwd",
        "/snapshots/",
        "/snapshots/.jpg",
        "/snapshots/..jpg",
        "/snapshots/-boxed.jpg",
        "/snapshots/%00.jpg",
        "/snapshots/no-such-picture.jpg",
        "/snapshots/01M86693Y1D2E1D8EZZP34MACM.jpg",
        &format!("/snapshots/{alert}"),
        &format!("/snapshots/{alert}.png"),
        &format!("/snapshots/{alert}.jpg/"),
        &format!("/snapshots/%20{alert}.jpg"),
        &long,
        "/api",
        "/api/state/",
        "/index.html",
        "/村口",
    ];
    for path in odd {
        assert_eq!(http::get(page, path).status, 404, "{path}");
    }
    assert_eq!(http::get(page, "/snapshots/%ff.jpg").status, 400, "this is no text");
}

/// Samples of an OpenMetrics text, by name and labels. Complains of any line that is none.
fn openmetrics(text: &str) -> BTreeMap<String, f64> {
    let is_name = |name: &str| {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        name.starts_with("cunkou_") && name.bytes().all(word)
    };
    let rest = text.strip_suffix("# EOF\n").expect("it ends with its end");
    let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
    for line in rest.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (Some(verb), Some(name), Some(words)) = (words.next(), words.next(), words.next()) else {
                panic!("{line}");
            };
            assert!(is_name(name) && !words.is_empty(), "{line}");
            match verb {
                "HELP" => {}
                "TYPE" => {
                    assert!(["counter", "gauge", "histogram"].contains(&words), "{line}");
                    assert!(families.insert(name, words).is_none(), "{name} is declared twice");
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a name and a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let (name, labels) =
            sample.split_once('{').map_or((sample, None), |(name, labels)| (name, Some(labels)));
        assert!(is_name(name), "{line}");
        let family = families.iter().rev().find(|(family, _)| name.starts_with(**family));
        let (family, kind) = family.unwrap_or_else(|| panic!("{line} is of no family"));
        let endings: &[&str] = match *kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            _ => &["_bucket", "_sum", "_count"],
        };
        assert!(endings.contains(&&name[family.len()..]), "{line} is no {kind}");
        for label in
            labels.iter().flat_map(|labels| labels.strip_suffix('}').expect("it is closed").split(','))
        {
            let (key, value) = label.split_once('=').expect("a key and a value");
            let known = ["camera", "cause", "found", "matter", "neighbour", "state", "volume", "le"];
            assert!(known.contains(&key), "{line}");
            assert!(value.len() > 2 && value.starts_with('"') && value.ends_with('"'), "{line}");
        }
        assert!(samples.insert(sample.to_owned(), value).is_none(), "{line} comes twice");
    }
    samples
}
