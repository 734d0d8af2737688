//! What is shared, by the agreement, and what is not.

use super::*;
use crate::{
    alert::Kind,
    config::{self, Canned},
    mqtt::payload::Envelope,
    store::{SimDisk, SimLedger},
};

/// 2026-03-09 is a Monday; 20:00 in Shanghai.
const NOW: Wall = Wall::from_unix_ms(1_773_057_600_000);

const STATION: &str = r#"
[console]
address = "https://willow.example/page/"
[station]
id = "willow"
time_zone = "Asia/Shanghai"
[hours.night]
spans = [{ from = "22:00", to = "05:00" }]
[village.east]
[village.west]
[entry_point.gate]
village = "east"
[entry_point.bridge]
village = "west"
[camera.gate-1]
entry_point = "gate"
main = "rtsp://10.0.0.1/1"
[camera.bridge-1]
entry_point = "bridge"
main = "rtsp://10.0.0.2/1"
"#;

fn config(neighbours: &[(&str, &str)]) -> Config {
    let mut text = STATION.to_owned();
    for (id, agreement) in neighbours {
        text.push_str(&format!(
            "[neighbour.{id}]\nhost = \"127.0.0.1\"\n[neighbour.{id}.agreement]\n{agreement}\n"
        ));
    }
    config::parse(&text, "f", std::path::Path::new(""), &Canned::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn open(config: &Config, ledger: &SimLedger) -> (Sharing, Vec<Write>) {
    Sharing::open(config, ledger, NOW, Mint::seeded(3), Metrics::new()).expect("readable")
}

fn sharing(agreement: &str) -> Sharing {
    open(&config(&[("riverside", agreement)]), &SimLedger::open(&SimDisk::new())).0
}

fn station(id: &str) -> StationId {
    id.parse().expect("an id")
}

/// An alert as it stands when it is raised, `nth` of the day.
fn alert(nth: u64) -> AlertData {
    let id = AlertId(ulid::Ulid::from_parts(NOW.unix_ms() as u64, nth.into()));
    let value = serde_json::json!({
        "alert_id": id, "kind": "zone-enter", "severity": "warning", "state": "raised",
        "camera": { "id": "gate-1", "name": { "zh": "门", "en": "Gate" }, "village": "east", "level": "line", "direction": null },
        "occurred_at": NOW.to_string(), "ended_at": null, "respond_by": NOW.to_string(),
        "rule": { "id": "r", "version": "000000000000" }, "objects": [], "snapshot": { "url": "/snapshots/x.jpg", "sha256": "00", "boxed_url": "/snapshots/x-boxed.jpg", "boxed_sha256": "00" },
        "clip": { "id": id, "status": "ready", "url": "/clips/x", "sha256": "00" },
        "explain": { "zh": "有人", "en": "Somebody" },
    });
    serde_json::from_value(value).expect("an alert")
}

const RAISED: Tidings = Tidings::Event(Change::Raised);

fn is_shared(sharing: &mut Sharing, now: Wall, data: &AlertData) -> bool {
    !sharing.share(now, RAISED, 1, data).is_empty()
}

/// The entries among writes: to whom, what, and the message.
fn entries(writes: &[Write]) -> Vec<(StationId, Head, Message)> {
    let read = |write: &Write| match write {
        Write::Put(key, value) if value.len() > 1 => Some((
            entry::neighbour_of(key).expect("of a neighbour"),
            entry::read_head(value).expect("an entry"),
            entry::read_message(value).expect("a message"),
        )),
        _ => None,
    };
    writes.iter().filter_map(read).collect()
}

#[test]
fn what_the_agreement_names_is_shared_and_nothing_else() {
    let until = "until = \"2026-12-31\"";
    let with = |more: &str| format!("{until}\n{more}");
    type Make = fn(&mut AlertData);
    let cases: [(&str, String, Make, bool); 17] = [
        ("an ordinary one", until.into(), |_| (), true),
        ("the last day", "until = \"2026-03-09\"".into(), |_| (), true),
        ("the day after", "until = \"2026-03-08\"".into(), |_| (), false),
        ("too harmless", until.into(), |a| a.severity = Severity::Info, false),
        ("harmless, agreed", with("severity_min = \"info\""), |a| a.severity = Severity::Info, true),
        ("not bad enough", with("severity_min = \"major\""), |_| (), false),
        ("bad enough", with("severity_min = \"major\""), |a| a.severity = Severity::Critical, true),
        ("another kind", with("kinds = [\"dwell\"]"), |_| (), false),
        ("that kind", with("kinds = [\"dwell\", \"zone-enter\"]"), |_| (), true),
        ("our own equipment", until.into(), |a| a.kind = Kind::CameraOffline, false),
        (
            "our own equipment, agreed",
            with("kinds = [\"camera-offline\"]"),
            |a| a.kind = Kind::CameraOffline,
            true,
        ),
        ("another village", with("villages = [\"west\"]"), |_| (), false),
        ("that entry point", with("villages = [\"west\"]\nentry_points = [\"gate\"]"), |_| (), true),
        ("another entry point", with("entry_points = [\"bridge\"]"), |_| (), false),
        ("another hour", with("hours = \"night\""), |_| (), false),
        ("an exercise", until.into(), |a| a.drill = true, false),
        ("an exercise, agreed", with("drills = true"), |a| a.drill = true, true),
    ];
    for (case, agreement, make, expected) in cases {
        let mut data = alert(1);
        make(&mut data);
        assert_eq!(is_shared(&mut sharing(&agreement), NOW, &data), expected, "{case}");
    }
    let night = NOW.after(Duration::from_secs(3 * 3600));
    let mut data = alert(1);
    data.occurred_at = night.to_string();
    assert!(is_shared(&mut sharing(&with("hours = \"night\"")), night, &data));
    assert!(!is_shared(&mut sharing(until), night, &alert(1)), "it is void already");
}

#[test]
fn an_hour_has_so_many_alerts_and_any_number_of_critical_ones() {
    let mut sharing = sharing("until = \"2026-12-31\"\nper_hour = 3");
    let shared = (0..6).filter(|nth| is_shared(&mut sharing, NOW, &alert(*nth))).count();
    assert_eq!(shared, 3);
    let mut critical = alert(10);
    critical.severity = Severity::Critical;
    assert!(is_shared(&mut sharing, NOW, &critical));
    let id = station("riverside");
    assert_eq!(sharing.metrics.neighbour_withheld.get_or_create(&(&id).into()).get(), 3);
    let later = NOW.after(Duration::from_secs(3600));
    let mut data = alert(11);
    data.occurred_at = later.to_string();
    assert!(is_shared(&mut sharing, later, &data));
}

#[test]
fn everybody_gets_the_same_event_on_a_topic_of_his_own() {
    let agreement = "until = \"2026-12-31\"";
    let config = config(&[("riverside", agreement), ("hill", agreement)]);
    let (mut sharing, _) = open(&config, &SimLedger::open(&SimDisk::new()));
    let data = alert(1);
    let entries = entries(&sharing.share(NOW, RAISED, 1, &data));
    let topics: Vec<_> =
        entries.iter().map(|(to, _, message)| (to.as_str(), message.topic.as_str())).collect();
    assert_eq!(
        topics,
        [
            ("riverside", "cunkou/v1/riverside/in/willow/alert/warning/zone-enter/gate-1"),
            ("hill", "cunkou/v1/hill/in/willow/alert/warning/zone-enter/gate-1"),
        ]
    );
    assert_eq!(entries[0].2.payload, entries[1].2.payload);
    let envelope: Envelope<AlertData> = serde_json::from_slice(&entries[0].2.payload).expect("ours");
    assert_eq!((envelope.hops, envelope.rev), (1, Some(1)));
    assert_eq!(envelope.id.0, data.alert_id.0, "the first word bears the alert's id");
    assert_eq!(envelope.data.clip.and_then(|clip| clip.url), None);
    let boxed = envelope.data.snapshot.map(|snapshot| snapshot.boxed_url);
    assert_eq!(boxed.as_deref(), Some("https://willow.example/page/snapshots/x-boxed.jpg"));
    assert_eq!(entries[0].1.void_at, NOW.after(Duration::from_secs(600)));
}

#[test]
fn what_becomes_of_an_alert_is_told_to_who_has_it() {
    let config = config(&[
        ("riverside", "until = \"2026-12-31\""),
        ("hill", "until = \"2026-12-31\"\nvillages = [\"west\"]"),
    ]);
    let (mut sharing, _) = open(&config, &SimLedger::open(&SimDisk::new()));
    let data = alert(1);
    assert!(sharing.share(NOW, Tidings::State, 1, &data).is_empty(), "nobody has it yet");
    sharing.share(NOW, RAISED, 1, &data);
    assert!(sharing.shared_with(data.alert_id, &station("riverside")));
    assert!(!sharing.shared_with(data.alert_id, &station("hill")));
    let told = |sharing: &mut Sharing, at: Wall, told| {
        let entries = entries(&sharing.share(at, told, 2, &data));
        entries.into_iter().map(|(to, head, _)| (to.to_string(), head.what)).collect::<Vec<_>>()
    };
    let only = |what| vec![("riverside".to_owned(), what)];
    let ended = Tidings::Event(Change::Ended);
    assert_eq!(told(&mut sharing, NOW, Tidings::State), only(What::State(data.alert_id)));
    assert_eq!(told(&mut sharing, NOW, ended), only(What::Event(data.alert_id)));
    let late = NOW.after(Duration::from_secs(600));
    assert_eq!(told(&mut sharing, late, ended), only(What::State(data.alert_id)), "too old to be an event");
    let next_year = NOW.after(Duration::from_secs(365 * 24 * 3600));
    assert_eq!(told(&mut sharing, next_year, Tidings::State), [], "the agreement is over");
    let forgotten = entry::forget_shared(&station("riverside"), data.alert_id);
    assert_eq!(sharing.over(data.alert_id), [forgotten]);
    assert!(!sharing.shared_with(data.alert_id, &station("riverside")));
    assert_eq!(told(&mut sharing, NOW, Tidings::State), []);
}

#[test]
fn after_a_restart_all_is_as_it_was_and_strangers_are_forgotten() {
    let disk = SimDisk::new();
    let mut ledger = SimLedger::open(&disk);
    let agreement = "until = \"2026-12-31\"\nper_hour = 3";
    let both = config(&[("riverside", agreement), ("hill", agreement)]);
    let (mut before, stale) = open(&both, &ledger);
    assert_eq!(stale, []);
    for nth in 0..2 {
        ledger.commit(before.share(NOW, RAISED, 1, &alert(nth))).expect("works");
    }
    let one = config(&[("riverside", agreement)]);
    let (mut after, stale) = open(&one, &ledger);
    assert_eq!(stale.len(), 4, "two entries, two records");
    ledger.commit(stale).expect("works");
    assert_eq!(open(&one, &ledger).1, []);
    assert!(after.shared_with(alert(1).alert_id, &station("riverside")));
    let next = after.share(NOW, RAISED, 1, &alert(2));
    let Write::Put(key, _) = &next[0] else { panic!("an entry first") };
    assert_eq!(entry::number_of(key), Some(3), "behind what waits");
    assert!(!is_shared(&mut after, NOW, &alert(3)), "the hour goes on");
}
