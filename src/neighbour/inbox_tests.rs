//! What comes from neighbours: judged, bounded, and the same whatever is lost, repeated or mixed up.

use proptest::prelude::*;

use super::*;
use crate::{
    config::{self, Canned},
    id::Mint,
    store::{SimDisk, SimLedger},
};

const NOW: Wall = Wall::from_unix_ms(1_773_057_600_000);
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

fn config(until: &str) -> Config {
    let mut text = "[station]\nid = \"riverside\"\n[village.v]\n[entry_point.e]\nvillage = \"v\"\n[camera.c]\nentry_point = \"e\"\nmain = \"rtsp://10.0.0.1/1\"\n".to_owned();
    for id in ["willow", "hill"] {
        text.push_str(&format!(
            "[neighbour.{id}]\nhost = \"127.0.0.1\"\nagreement = {{ until = \"{until}\" }}\n"
        ));
    }
    config::parse(&text, "f", std::path::Path::new(""), &Canned::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn station(id: &str) -> StationId {
    id.parse().expect("an id")
}

fn alert(nth: u64) -> AlertId {
    AlertId(ulid::Ulid::from_parts(NOW.unix_ms() as u64 + nth, nth.into()))
}

/// Bytes and topic of an event (`state` none) or a state of an alert of willow's.
fn said(nth: u64, rev: u64, occurred_at: Wall, state: Option<&str>) -> (String, Vec<u8>) {
    let id = alert(nth);
    let event = EventId(ulid::Ulid::from_parts(NOW.unix_ms() as u64, u128::from(nth << 8 | rev)));
    let kind = match (state, rev) {
        (Some(_), _) => "state",
        (None, 1) => "raised",
        (None, _) => "updated",
    };
    let topic = match state {
        Some(_) => format!("alert-state/{id}"),
        None => "alert/warning/zone-enter/gate".to_owned(),
    };
    let value = serde_json::json!({
        "specversion": "1.0", "id": event, "source": "/stations/willow/node/main", "type": format!("cunkou.alert.{kind}.v1"),
        "subject": id, "time": occurred_at.to_string(), "datacontenttype": "application/json",
        "dataschema": "urn:cunkou:schema:alert:1.0", "cunkourev": rev, "cunkouhops": 1,
        "data": {
            "alert_id": id, "kind": "zone-enter", "severity": "warning", "state": state.unwrap_or("raised"),
            "camera": { "id": "gate", "name": { "zh": "门", "en": "Gate" }, "village": "v", "level": "line", "direction": null },
            "occurred_at": occurred_at.to_string(), "ended_at": null, "respond_by": occurred_at.to_string(),
            "rule": { "id": "r", "version": "000000000000" }, "objects": [], "clip": null,
            "snapshot": { "url": "javascript:alert(1)", "sha256": "", "boxed_url": "https://x/", "boxed_sha256": "" },
            "explain": { "zh": "有人", "en": "Somebody" }, "home": "hill",
        },
    });
    (topic, serde_json::to_vec(&value).expect("JSON"))
}

/// An inbox and its disk, as the daemon joins them.
struct Desk {
    inbox: Inbox,
    ledger: SimLedger,
    disk: SimDisk,
    until: &'static str,
}

impl Desk {
    fn new(until: &'static str) -> Self {
        let disk = SimDisk::new();
        let ledger = SimLedger::open(&disk);
        let (inbox, stale) = Inbox::open(&config(until), &ledger, KEPT).expect("readable");
        assert_eq!(stale, []);
        Self { inbox, ledger, disk, until }
    }

    fn restart(&mut self) {
        self.disk.crash();
        self.ledger = SimLedger::open(&self.disk);
        self.inbox = Inbox::open(&config(self.until), &self.ledger, KEPT).expect("readable").0;
    }

    fn hear(&mut self, from: &str, topic: &str, payload: &[u8]) -> Option<Taken> {
        let from = station(from);
        let arrived = read(&from, topic, payload)?.ok()?;
        let key = foreign::event_key(&from, &arrived.source, arrived.event);
        let is_known = self.ledger.get(&key).expect("readable").is_some();
        let record = if is_known { OnRecord::Event } else { OnRecord::Nothing };
        let taken = self.inbox.take(NOW, &from, arrived, record)?;
        self.ledger.commit(taken.writes.clone()).expect("writable");
        Some(taken)
    }

    fn result(&mut self, from: &str, (topic, payload): &(String, Vec<u8>)) -> Option<ReceiptResult> {
        self.hear(from, topic, payload).map(|taken| taken.receipt.result)
    }

    fn records(&self) -> Vec<Foreign> {
        let pairs = self.ledger.range(&Space::Foreign.from(), &Space::Foreign.to(), 9999).expect("readable");
        pairs.iter().filter_map(|(_, value)| foreign::read(value)).collect()
    }
}

#[test]
fn what_is_new_is_kept_shown_and_receipted_and_a_repeat_has_no_effect() {
    let mut desk = Desk::new("2999-12-31");
    let (topic, payload) = said(1, 1, NOW, None);
    let taken = desk.hear("willow", &topic, &payload).expect("heard");
    assert_eq!(taken.receipt.result, ReceiptResult::Kept);
    let shown = taken.shown.expect("it is news");
    assert_eq!((shown.news, shown.data.home), (News::New, Some(station("willow"))));
    // Nothing that a page could be made to load or follow.
    assert_eq!(shown.data.snapshot, None);
    desk.restart();
    let again = desk.hear("willow", &topic, &payload).expect("heard");
    assert_eq!((again.receipt.result, again.writes, again.shown), (ReceiptResult::Repeat, vec![], None));
    let (topic, payload) = said(1, 4, NOW, Some("claimed"));
    assert_eq!(
        desk.hear("willow", &topic, &payload).and_then(|it| it.shown).expect("shown").news,
        News::Change
    );
    // An older one that was overtaken.
    let old = desk.hear("willow", "alert/warning/zone-enter/gate", &said(1, 2, NOW, None).1).expect("heard");
    assert_eq!((old.receipt.result, old.writes, old.shown), (ReceiptResult::Kept, vec![], None));
    assert_eq!(desk.records().iter().map(|it| it.rev).collect::<Vec<_>>(), [4]);
}

#[test]
fn nothing_is_kept_of_strangers_forgers_and_what_is_too_late() {
    let mut desk = Desk::new("2999-12-31");
    let first = said(1, 1, NOW, None);
    // Its source names another station than the topic.
    assert_eq!(desk.result("hill", &first), None);
    assert_eq!(desk.result("stranger", &first), None);
    let swapped =
        String::from_utf8(first.1.clone()).expect("text").replace("/stations/willow/", "/stations/stranger/");
    assert_eq!(desk.result("stranger", &(first.0.clone(), swapped.into_bytes())), None);
    let hops =
        String::from_utf8(first.1.clone()).expect("text").replace("\"cunkouhops\":1", "\"cunkouhops\":5");
    assert_eq!(desk.result("willow", &(first.0.clone(), hops.into_bytes())), Some(ReceiptResult::Refused));
    let elsewhere = ("alert/critical/zone-enter/gate".to_owned(), first.1.clone());
    assert_eq!(desk.result("willow", &elsewhere), None);
    let long_ago = Wall::from_unix_ms(NOW.unix_ms() - 901_000);
    assert_eq!(desk.result("willow", &said(2, 1, long_ago, None)), Some(ReceiptResult::Refused));
    assert_eq!(desk.records(), []);
    // Its state is kept all the same, and is no news.
    let (topic, payload) = said(2, 2, long_ago, Some("expired"));
    assert_eq!(
        desk.hear("willow", &topic, &payload).and_then(|it| it.shown).expect("shown").news,
        News::Change
    );
    // Another station cannot take an alert over; nor can anybody one of ours.
    let theirs = String::from_utf8(said(2, 9, NOW, Some("resolved")).1)
        .expect("text")
        .replace("/stations/willow/", "/stations/hill/");
    let topic = format!("alert-state/{}", alert(2));
    assert_eq!(desk.result("hill", &(topic.clone(), theirs.into_bytes())), Some(ReceiptResult::Refused));
    let arrived = read(&station("willow"), &first.0, &first.1).expect("an alert").expect("readable");
    let taken = desk.inbox.take(NOW, &station("willow"), arrived, OnRecord::OwnAlert).expect("heard");
    assert_eq!((taken.receipt.result, taken.writes), (ReceiptResult::Refused, vec![]));

    let mut over = Desk::new("2026-01-01");
    assert_eq!(over.result("willow", &first), Some(ReceiptResult::Refused));
    assert_eq!(over.records(), []);
}

#[test]
fn what_is_open_is_bounded_and_what_is_old_goes() {
    let mut desk = Desk::new("2999-12-31");
    for nth in 0..OPEN_MAX as u64 {
        let known = Known { rev: 1, heard_at: NOW, len: 100, is_closed: false };
        desk.inbox.peers.get_mut(&station("willow")).expect("a neighbour").set(alert(nth), known);
    }
    assert_eq!(desk.result("willow", &said(900_000, 1, NOW, None)), Some(ReceiptResult::Refused));
    assert_eq!(desk.result("willow", &said(7, 2, NOW, Some("resolved"))), Some(ReceiptResult::Kept));
    assert_eq!(desk.result("willow", &said(900_000, 1, NOW, None)), Some(ReceiptResult::Kept));
    // Bytes: the oldest closed one goes for it.
    let peer = desk.inbox.peers.get_mut(&station("willow")).expect("a neighbour");
    peer.set(alert(3), Known { rev: 1, heard_at: NOW, len: LEN_MAX, is_closed: true });
    let (topic, payload) = said(900_001, 1, NOW, None);
    desk.inbox.peers.get_mut(&station("willow")).expect("a neighbour").open = 10;
    let taken = desk.hear("willow", &topic, &payload).expect("heard");
    assert_eq!(taken.receipt.result, ReceiptResult::Kept);
    assert!(taken.writes.contains(&Write::Delete(foreign::key(&station("willow"), alert(3)))));
    // After its time, all is forgotten.
    let mut desk = Desk::new("2999-12-31");
    desk.result("willow", &said(1, 1, NOW, None));
    let (from, to) = foreign::all_events(&station("willow"));
    let events = desk.ledger.range(&from, &to, 9).expect("readable");
    assert_eq!(events.len(), 1);
    assert_eq!(desk.inbox.sweep(NOW.after(EVENT_KEPT / 2), vec![(station("willow"), events.clone())]), []);
    let writes = desk.inbox.sweep(NOW.after(KEPT), vec![(station("willow"), events)]);
    desk.ledger.commit(writes).expect("writable");
    let all = desk.ledger.range(&Space::Foreign.from(), &Space::Foreign.to(), 9).expect("readable");
    assert_eq!(all, []);
    assert_eq!(desk.inbox.peers[&station("willow")].known.len(), 0);
}

#[test]
fn what_strangers_left_behind_is_deleted_at_start() {
    let mut desk = Desk::new("2999-12-31");
    let mut mint = Mint::seeded(1);
    let stray = foreign::put_event(&station("valley"), "/stations/valley/node/n", mint.event(NOW), NOW);
    desk.ledger.commit(vec![stray.clone()]).expect("writable");
    desk.result("willow", &said(1, 1, NOW, None));
    let (inbox, stale) = Inbox::open(&config("2999-12-31"), &desk.ledger, KEPT).expect("readable");
    let Write::Put(key, _) = stray else { panic!("put") };
    assert_eq!(stale, [Write::Delete(key)]);
    assert_eq!(inbox.peers[&station("willow")].known.len(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300), rest in "(alert|alert-state)?/.{0,40}") {
        let _ = read(&station("willow"), &rest, &bytes);
        let _ = (foreign::read(&bytes), foreign::read_event(&bytes));
        let (mut inbox, _) = Inbox::open(&config("2999-12-31"), &SimLedger::open(&SimDisk::new()), KEPT).expect("readable");
        inbox.recall(&bytes, &bytes);
    }

    #[test]
    fn damaged_messages_are_others_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), from in "(willow|hill|stranger)") {
        let (topic, mut payload) = said(1, 1, NOW, None);
        let at = at.index(payload.len());
        if cut { payload.truncate(at) } else { payload[at] = byte }
        let mut desk = Desk::new("2999-12-31");
        let taken = desk.hear(&from, &topic, &payload);
        if from != "willow" {
            prop_assert!(taken.is_none() && desk.records().is_empty());
        }
    }

    #[test]
    fn lost_repeated_and_mixed_up_messages_lead_to_the_same(order in prop::collection::vec((0u64..4, 1u64..6), 0..60), kills in prop::collection::vec(any::<bool>(), 60)) {
        let words = |nth, rev| match rev {
            1 | 2 => said(nth, rev, NOW, None),
            3 => said(nth, rev, NOW, Some("claimed")),
            4 => said(nth, rev, NOW, Some("raised")),
            _ => said(nth, rev, NOW, Some("resolved")),
        };
        let mut desk = Desk::new("2999-12-31");
        let mut shown: BTreeMap<AlertId, u64> = BTreeMap::new();
        let mut news = BTreeMap::new();
        for ((nth, rev), is_killed) in order.iter().zip(&kills) {
            let (topic, payload) = words(*nth, *rev);
            if let Some(it) = desk.hear("willow", &topic, &payload).expect("heard").shown {
                let before = shown.insert(it.data.alert_id, it.rev);
                prop_assert!(before < Some(it.rev), "never an older one");
                *news.entry(it.data.alert_id).or_insert(0) += u32::from(it.news == News::New);
            }
            if *is_killed {
                desk.restart();
            }
        }
        prop_assert!(news.values().all(|times| *times <= 1));
        // What was lost is sent again, in order, until it is receipted.
        for nth in 0..4 {
            for rev in 1..6 {
                prop_assert!(desk.result("willow", &words(nth, rev)) != Some(ReceiptResult::Refused));
            }
        }
        let mut straight = Desk::new("2999-12-31");
        for nth in 0..4 {
            for rev in 1..6 {
                straight.result("willow", &words(nth, rev));
            }
        }
        prop_assert_eq!(desk.records(), straight.records());
        prop_assert_eq!(&desk.inbox.peers[&station("willow")].known, &straight.inbox.peers[&station("willow")].known);
    }
}
