//! Requests for clips, over a simulated disk.

use std::path::Path;

use super::*;
use crate::{
    config::{self, Canned},
    id::AlertId,
    metrics::Metrics,
    store::{DeskThread, Outbox, SimDisk, SimLedger},
};

const STATION: &str = "[station]\nid = \"willow\"\n[village.v]\n[entry_point.e]\nvillage = \"v\"\n[camera.gate]\nentry_point = \"e\"\nmain = \"rtsp://10.0.0.1/1\"\n[neighbour.riverside]\nhost = \"127.0.0.1\"\nagreement = { until = \"2999-12-31\" }\n";

fn riverside() -> StationId {
    "riverside".parse().expect("an id")
}

async fn open() -> (Arc<Requests>, Desk, DeskThread) {
    let config =
        config::parse(STATION, "f", Path::new(""), &Canned::default()).unwrap_or_else(|e| panic!("{e}"));
    let outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    let post = Post::open(desk.clone(), &config).await.expect("readable");
    let letterhead = Letterhead::of(&config.station.id, &config.station.node);
    (Requests::new(desk.clone(), post, letterhead, Clock::start()), desk, thread)
}

fn wanted(nth: u128) -> ClipRequestData {
    let text = |it: &str| it.to_owned();
    ClipRequestData {
        request_id: RequestId(ulid::Ulid::from_parts(1_773_057_600_000, nth)),
        alert_id: AlertId(ulid::Ulid::from_parts(1_773_057_600_000, 7)),
        who: text("Li"),
        unit: text("patrol"),
        purpose: text("a lost child"),
        case: text("2026-0312"),
    }
}

fn granted(at: Option<(Secret, String)>) -> Decision {
    let (camera, from) = ("gate".parse().expect("an id"), Wall::from_unix_ms(1_773_057_600_000));
    let verdict = Verdict::Granted { at, camera, from, to: from.after(GRANTED_FOR), sha256: "00".repeat(32) };
    Decision { by: ByData { who: "Wang".into(), unit: "station".into() }, why: None, verdict }
}

async fn letters(desk: &Desk) -> usize {
    desk.range(Space::PeerOut.from(), Space::PeerOut.to(), 999).await.expect("readable").len()
}

#[tokio::test]
async fn a_grant_is_good_for_its_secret_alone_and_the_secret_is_nowhere_on_record() {
    let (requests, desk, _thread) = open().await;
    let request = wanted(1);
    requests.receive(&riverside(), request.clone(), true).await.expect("kept");
    requests.receive(&riverside(), request.clone(), true).await.expect("kept");
    assert_eq!(requests.list().await.expect("readable").len(), 1, "a repeat is none");
    let secret = Secret::new().expect("randomness");
    let spelt = secret.spell();
    let at = Some((Secret::read(&spelt).expect("as spelt"), "https://willow.example/".to_owned()));
    let done = requests
        .answer(&riverside(), request.request_id, granted(at))
        .await
        .expect("promised")
        .expect("first");
    assert_eq!(done.answer.expect("answered").url, None);
    let grant = requests.grant(&secret).await.expect("readable").expect("good");
    assert_eq!((grant.request, grant.neighbour), (request.clone(), riverside()));
    assert_eq!(requests.grant(&Secret::new().expect("randomness")).await.expect("readable"), None);
    let again = requests.answer(&riverside(), request.request_id, granted(None)).await.expect("readable");
    assert_eq!(again, None, "once");
    assert_eq!(letters(&desk).await, 1);
    let kept = desk.range(Space::ClipRequest.from(), Space::ClipRequest.to(), 99).await.expect("readable");
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|it| it == part);
    for (key, value) in kept {
        assert!(!has(&key, spelt.as_bytes()) && !has(&value, spelt.as_bytes()));
    }
}

#[tokio::test]
async fn what_was_not_shared_and_what_floods_is_refused() {
    let (requests, desk, _thread) = open().await;
    requests.receive(&riverside(), wanted(1), false).await.expect("answered");
    assert_eq!((requests.list().await.expect("readable").len(), letters(&desk).await), (0, 1));
    for nth in 0..=OPEN_MAX as u128 {
        requests.receive(&riverside(), wanted(nth + 10), true).await.expect("answered");
    }
    assert_eq!((requests.list().await.expect("readable").len(), letters(&desk).await), (OPEN_MAX, 2));
}

#[tokio::test]
async fn an_answer_is_kept_once_and_from_who_was_asked() {
    let (requests, _desk, _thread) = open().await;
    let asked = requests.ask(riverside(), wanted(1)).await.expect("promised");
    let answer = ClipAnswerData {
        url: Some("javascript:x".into()),
        ..refusal(asked.wanted.request_id, None, Some("no".into()))
    };
    let hill = "hill".parse().expect("an id");
    assert!(!requests.answered(&hill, answer.clone()).await.expect("readable"));
    assert!(requests.answered(&riverside(), answer.clone()).await.expect("kept"));
    let late = ClipAnswerData { why: None, ..answer };
    assert!(requests.answered(&riverside(), late).await.expect("kept"));
    let kept = requests.list().await.expect("readable").remove(0).answer.expect("answered");
    assert_eq!((kept.why.as_deref(), kept.url), (Some("no"), None));
    assert_eq!(requests.over(GRANTED_FOR).await.expect("readable"), []);
    assert_eq!(requests.over(Duration::ZERO).await.expect("readable").len(), 1);
}
