//! A clerk over a simulated disk, in virtual time: what is told when, whatever comes in between.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    alert::{
        Earnest, Judged, Kind, Object, Severity,
        life::{Actor, Command, Reason, State, Verb},
    },
    config::{self, Canned, Name},
    detect::Class,
    geometry::UnitBox,
    id::TrackId,
    mqtt::payload::{AnswerData, AnswerResult},
    store::{Message, Outbox, SimDisk, SimLedger},
    time::Trust,
};

const START: Wall = Wall::from_unix_ms(1_773_079_445_123);

const STATION: &str = r#"
[station]
id = "home"
name = "Home"
time_zone = "Asia/Shanghai"
[broker]
kind = "embedded"
[recording]
keep_days_max = 40
[village.v]
name = "V"
[entry_point.e]
village = "v"
name = "E"
[entry_point.f]
village = "v"
name = "F"
[camera.c0]
entry_point = "e"
name = "C0"
main = "rtsp://127.0.0.1/0"
[camera.c1]
entry_point = "e"
name = "C1"
main = "rtsp://127.0.0.1/1"
[camera.c2]
entry_point = "f"
name = "C2"
main = "rtsp://127.0.0.1/2"
[post.gate]
name = "Gate"
[post.patrol]
name = "Patrol"
[route.all]
tell = [["gate"], ["patrol"]]
[rule.r]
kind = "zone-enter"
name = "R"
severity = "warning"
classes = ["person"]
"#;

/// A station's clerk, what it keeps, and what it has said.
struct Station {
    config: Config,
    disk: SimDisk,
    outbox: Outbox<SimLedger>,
    clerk: Clerk,
    mint: Mint,
    now: Wall,
    said: Vec<Message>,
    alerts: BTreeMap<AlertId, Occurrence>,
}

impl Station {
    fn new() -> Self {
        let config = config::parse(STATION, "test", Path::new("."), &Canned::default())
            .unwrap_or_else(|problems| panic!("the station is valid: {problems}"));
        let disk = SimDisk::new();
        let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
        let clerk = clerk(&config, 1);
        let (mint, said, alerts) = (Mint::seeded(2), Vec::new(), BTreeMap::new());
        Self { config, disk, outbox, clerk, mint, now: START, said, alerts }
    }

    fn promise(&mut self, draft: Draft) -> Vec<Message> {
        self.outbox.promise(draft.writes, &draft.messages).expect("the disk works");
        self.clerk.settled();
        self.said.extend_from_slice(&draft.messages);
        draft.messages
    }

    fn record(&self, id: AlertId) -> Option<Record> {
        let stored = || read_record(&self.outbox.ledger().get(&record_key(id)).expect("reads")?);
        self.clerk.known(id).cloned().or_else(stored)
    }

    fn stands(&self, id: AlertId) -> State {
        self.record(id).expect("it is on record").life.state()
    }

    fn raise(&mut self, camera: usize, kind: Kind, severity: Severity) -> AlertId {
        let id = self.mint.alert(self.now);
        let camera = Arc::clone(&self.config.cameras[camera]);
        let name = Name { zh: "事".into(), en: "something".into() };
        let object = Object {
            class: Class::Person,
            confidence: 0.9,
            bbox: UnitBox::new(0.1, 0.1, 0.2, 0.3),
            track: TrackId(1),
        };
        let judged = match kind.is_of_equipment() {
            true => Judged::State,
            false => Judged::Rule { id: "r".parse().expect("an id"), version: "0123456789ab".into() },
        };
        let objects = if kind.is_of_equipment() { Vec::new() } else { vec![object] };
        let what = Occurrence {
            id,
            kind,
            severity,
            camera,
            others: Vec::new(),
            judged,
            direction: None,
            occurred_at: self.now,
            ended_at: None,
            objects,
            earnest: Earnest::Real,
            explain: name,
        };
        self.happen(Change::Raised, what.clone());
        self.alerts.insert(id, what);
        id
    }

    fn warn(&mut self, camera: usize) -> AlertId {
        self.raise(camera, Kind::ZoneEnter, Severity::Warning)
    }

    fn end(&mut self, id: AlertId) -> Vec<Message> {
        let mut what = self.alerts[&id].clone();
        what.ended_at = Some(self.now);
        self.happen(Change::Ended, what)
    }

    fn happen(&mut self, change: Change, what: Occurrence) -> Vec<Message> {
        let mut assigned = self.clerk.assign(self.now, change, &what);
        if let Some(lead) = assigned.as_ref().and_then(Assigned::wants) {
            let lead = self.record(lead);
            assigned = assigned.map(|assigned| assigned.with(lead));
        }
        let draft = self.clerk.draft(self.now, change, &what, None, assigned);
        self.promise(draft.unwrap_or_default())
    }

    fn command(&mut self, alert: AlertId, verb: Verb, who: &str, unit: &str) -> Command {
        let actor = Actor { who: who.into(), unit: unit.into(), station: None };
        let reason = (verb == Verb::Dismiss).then_some(Reason::Harmless);
        let note = (verb == Verb::Annotate).then(|| "a remark".to_owned());
        let id = self.mint.command(self.now);
        Command { id, alert, verb, actor, if_rev: None, reason, note, at: None }
    }

    fn give(&mut self, command: Command) -> (AnswerData, Vec<Message>) {
        let folder = self.record(command.alert).map(|record| {
            let (from, to) = member_range(command.alert);
            let keys = self.outbox.ledger().range(&from, &to, 100).expect("reads");
            let ids = keys.iter().filter_map(|(key, _)| member(key));
            let members =
                if record.leads() { ids.filter_map(|id| self.record(id)).collect() } else { Vec::new() };
            Folder { record, members }
        });
        let (answer, draft) = self.clerk.obey(self.now, command, folder);
        (answer, self.promise(draft))
    }

    fn say(&mut self, alert: AlertId, verb: Verb, who: &str, unit: &str) -> AnswerResult {
        let command = self.command(alert, verb, who, unit);
        self.give(command).0.result
    }

    /// Reaches what is due until then, each at its time.
    fn wait(&mut self, s: u64) {
        let to = self.now.after(Duration::from_secs(s));
        let (from, until) = Due::range(to);
        while let Some((key, _)) = self.outbox.ledger().range(&from, &until, 1).expect("reads").pop() {
            let text = String::from_utf8(key[1..].to_vec()).expect("our key");
            let at = i64::from_str_radix(&text[4..20], 16).expect("our key");
            self.now = self.now.max(Wall::from_unix_ms(at));
            self.reach(key);
        }
        self.now = to;
    }

    fn reach(&mut self, key: Vec<u8>) {
        let due = Due::read(key).expect("a deadline");
        let record = self.record(due.alert);
        let draft = self.clerk.reach(self.now, due, record, Trust::Believed);
        if let Some(record) = draft.clip.clone() {
            self.promise(draft);
            let found = self.clerk.clip(self.now, *record, ClipStatus::Gap, None);
            self.promise(found);
        } else {
            self.promise(draft);
        }
    }

    fn restart(&mut self) {
        self.disk.crash();
        self.outbox = Outbox::open(SimLedger::open(&self.disk)).expect("opens");
        self.clerk = clerk(&self.config, self.now.unix_us() as u64);
        for draft in self.clerk.recover(self.now, self.outbox.ledger()).expect("reads") {
            self.promise(draft);
        }
    }

    /// What posts were told of an alert: when, who, what for, at which tier.
    fn notices(&self, id: AlertId) -> Vec<(i64, String, String, u64)> {
        let notices = self.said.iter().filter(|message| message.topic.ends_with("/notice")).map(json);
        let of_it = notices.filter(|notice| notice["subject"] == id.to_string());
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        of_it
            .map(|notice| {
                let at: jiff::Timestamp = text(&notice["time"]).parse().expect("a time");
                let s = (at.as_millisecond() - START.unix_ms()) / 1000;
                let data = &notice["data"];
                (s, text(&data["post"]), text(&data["why"]), data["tier"].as_u64().expect("a number"))
            })
            .collect()
    }
}

fn clerk(config: &Config, seed: u64) -> Clerk {
    let model = ModelData { name: "none".into(), sha256: "0".repeat(64) };
    Clerk::new(config, model, Mint::seeded(seed))
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap_or_default()
}

#[test]
fn posts_are_told_tier_by_tier_until_somebody_goes_also_after_a_restart() {
    let run = |restarts: bool| {
        let mut station = Station::new();
        let id = station.warn(0);
        station.end(id);
        for _ in 0..40 {
            station.wait(5);
            if restarts {
                station.restart();
            }
        }
        assert_eq!(station.say(id, Verb::Claim, "li", "patrol"), AnswerResult::Ok);
        station.wait(5000);
        (station.notices(id), station.record(id).expect("on record").data)
    };
    let (notices, data) = run(false);
    let told = |s, post: &str, why: &str, tier| (s, post.to_owned(), why.to_owned(), tier);
    let expected = [
        told(0, "gate", "first", 0),
        told(60, "gate", "again", 0),
        told(180, "patrol", "escalated", 1),
        told(800, "patrol", "lapsed", 1),
        told(860, "patrol", "again", 1),
    ];
    assert_eq!(notices, expected);
    assert_eq!(data.life.told.len(), expected.len());
    assert_eq!((data.state, data.life.breached_at), (State::Expired, None));
    assert_eq!(
        data.life.closed.map(|closed| closed.at),
        Some(START.after(Duration::from_secs(1400)).to_string())
    );
    assert_eq!(run(true).0, expected);
}

#[test]
fn what_is_done_with_the_alert_that_leads_is_done_with_all_of_its_incident_in_one_batch() {
    let mut station = Station::new();
    let lead = station.warn(0);
    station.wait(5);
    let member = station.warn(1);
    station.restart();
    assert_eq!(station.notices(member), []);
    for id in [lead, member] {
        let incident = station.record(id).expect("on record").data.incident.expect("an incident");
        assert_eq!((incident.id, incident.lead), (IncidentId(lead.0), lead));
    }
    let last = station.said.iter().rev().find(|message| message.topic.contains("/alert/")).map(json);
    assert_eq!(last.expect("told")["cunkouincident"], lead.to_string());

    let claim = station.command(lead, Verb::Claim, "li", "patrol");
    let (answer, messages) = station.give(claim);
    assert_eq!((answer.result, messages.len()), (AnswerResult::Ok, 2), "one batch");
    let late = station.warn(1);
    for id in [lead, member, late] {
        let life = station.record(id).expect("on record").life;
        assert_eq!(life.claim().map(|claim| claim.by.who.as_str()), Some("li"), "{id}");
    }
    assert_eq!(station.say(member, Verb::Resolve, "wu", "patrol"), AnswerResult::Ok);
    assert_eq!(station.say(lead, Verb::Release, "li", "patrol"), AnswerResult::Ok);
    assert_eq!(
        [lead, member, late].map(|id| station.stands(id)),
        [State::Raised, State::Resolved, State::Raised]
    );
    assert_eq!(station.notices(late), []);
    assert_eq!(station.say(lead, Verb::Dismiss, "li", "patrol"), AnswerResult::Ok);
    assert_eq!([lead, late].map(|id| station.stands(id)), [State::Dismissed, State::Dismissed]);
    let next = station.warn(1);
    assert_eq!(station.record(next).expect("on record").data.incident, None, "nothing joins what is closed");
}

#[test]
fn a_repeat_is_answered_as_the_first_was_and_changes_nothing() {
    let mut station = Station::new();
    let id = station.warn(0);
    let claim = station.command(id, Verb::Claim, "li", "patrol");
    let late = station.command(id, Verb::Claim, "wu", "gate");
    let (first, _) = station.give(claim.clone());
    let (refused, _) = station.give(late.clone());
    assert_eq!((first.result, first.rev), (AnswerResult::Ok, Some(2)));
    assert_eq!((refused.result, refused.rev), (AnswerResult::Conflict, Some(2)));
    assert!(refused.why.as_deref().is_some_and(|why| why.contains("li (patrol)")), "{refused:?}");
    assert_eq!(refused.alert.map(|alert| alert.state), Some(State::Claimed), "the state that holds");
    assert_eq!(station.say(id, Verb::Release, "li", "patrol"), AnswerResult::Ok);
    for command in [&late, &claim] {
        let (again, messages) = station.give(command.clone());
        let first = if command.id == claim.id { AnswerResult::Ok } else { AnswerResult::Conflict };
        assert_eq!((again.result, messages.len()), (first, 0));
    }
    station.restart();
    let (again, messages) = station.give(claim);
    assert_eq!((again.result, again.rev, messages.len()), (AnswerResult::Ok, Some(2), 0));
    assert_eq!(station.stands(id), State::Raised);
}

#[test]
fn what_is_due_comes_before_a_command_whenever_somebody_looks() {
    let mut station = Station::new();
    let id = station.warn(0);
    station.now = START.after(Duration::from_millis(600_400));
    let claim = station.command(id, Verb::Claim, "li", "patrol");
    let (answer, messages) = station.give(claim);
    assert_eq!(answer.result, AnswerResult::Conflict);
    let data = answer.alert.expect("it is shown");
    assert_eq!(data.state, State::Expired);
    assert_eq!(data.life.breached_at.as_deref(), Some(data.respond_by.as_str()));
    let revs: Vec<Value> =
        messages.iter().filter(|m| m.retain).map(|m| json(m)["cunkourev"].clone()).collect();
    assert_eq!(revs, [2, 3, 4, 5]);
}

#[test]
fn who_is_of_another_station_may_answer_what_was_shared_with_it_and_sees_nothing_else() {
    let mut station = Station::new();
    let id = station.warn(0);
    let mut ack = station.command(id, Verb::Ack, "li", "patrol");
    ack.actor.station = Some("south".parse().expect("an id"));
    let (answer, _) = station.give(ack.clone());
    assert_eq!((answer.result, answer.alert, answer.rev), (AnswerResult::Forbidden, None, None));
    ack.actor.station = Some("home".parse().expect("an id"));
    ack.id = station.mint.command(station.now);
    assert_eq!(station.give(ack).0.result, AnswerResult::Ok, "its own people may say so");
    let nobodys = AlertId(ulid::Ulid::from_parts(1, 1));
    assert_eq!(station.say(nobodys, Verb::Ack, "li", "patrol"), AnswerResult::Invalid);
}

#[test]
fn recovery_closes_what_our_own_equipment_tells_and_time_does_not() {
    let mut station = Station::new();
    let id = station.raise(0, Kind::CameraOffline, Severity::Warning);
    station.wait(4000);
    let data = station.record(id).expect("on record").data;
    assert_eq!((data.state, data.life.breached_at, data.rule.model), (State::Escalated, None, None));
    let messages = station.end(id);
    assert!(messages.iter().all(|message| json(message)["data"]["state"] == "resolved"));
    let closed = station.record(id).expect("on record").data.life.closed.expect("closed");
    assert_eq!((closed.by, closed.note.as_deref()), (None, Some("recovered")));
    let cut_off = station.raise(0, Kind::CameraOffline, Severity::Warning);
    station.restart();
    assert_eq!(station.stands(cut_off), State::Resolved);
}

#[test]
fn the_broker_forgets_a_day_after_both_ends_and_the_record_goes_when_recordings_do() {
    let mut station = Station::new();
    let id = station.warn(0);
    assert_eq!(station.say(id, Verb::Resolve, "li", "patrol"), AnswerResult::Ok);
    station.wait(3600);
    station.end(id);
    let cleared = |station: &Station| station.said.iter().filter(|m| m.payload.is_empty()).count();
    station.wait(24 * 3600 - 1);
    assert_eq!(cleared(&station), 0, "it is a day since it was closed, not since it was over");
    station.wait(1);
    assert_eq!(cleared(&station), 1);
    let remark = station.command(id, Verb::Annotate, "li", "patrol");
    let (answer, messages) = station.give(remark);
    assert_eq!((answer.result, messages.len()), (AnswerResult::Ok, 0), "on record, and told to no broker");
    station.wait(39 * 24 * 3600 - 3601 - 24 * 3600);
    assert!(station.record(id).is_some());
    station.wait(24 * 3600 + 3601);
    assert!(station.record(id).is_none());
    let left = station.outbox.ledger().range(&Space::AlertLife.from(), &Space::AlertLife.to(), 10);
    assert_eq!(left.expect("reads"), [], "nothing is left behind");
}

#[test]
fn a_rule_that_floods_is_told_of_in_summaries() {
    let mut station = Station::new();
    let mut ids = Vec::new();
    for _ in 0..25 {
        // Far enough apart to be an incident each.
        station.wait(50);
        let id = station.warn(0);
        station.end(id);
        ids.push(id);
    }
    let summary = station.notices(ids[20]);
    assert_eq!(summary.iter().map(|notice| notice.2.as_str()).collect::<Vec<_>>(), ["summary"]);
    assert_eq!(station.notices(ids[21]), []);
    let told = station.said.iter().map(json).find(|told| told["data"]["why"] == "summary");
    assert_eq!(told.expect("told")["data"]["summary"]["alerts"], 1);
}

#[test]
fn an_alert_that_is_told_to_all_posts_of_a_large_station_fits_into_a_batch() {
    let mut text = STATION.split("[post.gate]").next().expect("its begin").to_owned();
    for post in 0..256 {
        text.push_str(&format!("[post.a-post-with-a-rather-long-name-{post}]\nname = \"P\"\n"));
    }
    text.push_str("[rule.r]\nkind = \"zone-enter\"\nname = \"R\"\nclasses = [\"person\"]\n");
    let config = config::parse(&text, "test", Path::new("."), &Canned::default());
    let config = config.unwrap_or_else(|problems| panic!("the station is valid: {problems}"));
    let clerk = clerk(&config, 1);
    let mut station = Station { config, clerk, ..Station::new() };
    let id = station.warn(0);
    let note = Some("字".repeat(500));
    for _ in 0..40 {
        let remark = station.command(id, Verb::Escalate, "li", "patrol");
        let (answer, messages) = station.give(Command { note: note.clone(), ..remark });
        assert_eq!((answer.result, messages.len()), (AnswerResult::Ok, 257));
        let len: usize = messages.iter().map(|message| message.payload.len()).sum();
        let record = serde_json::to_vec(&station.record(id).expect("on record")).expect("JSON").len();
        assert!(record < crate::store::VALUE_LEN_MAX, "{record}");
        assert!(len + record < crate::store::BATCH_LEN_MAX / 2, "{len}");
    }
}

/// A record as it was written before lives were on record.
const OLD: &str = r#"{"rev":2,"data":{"alert_id":"01KKS9XZ4BXW3E2R1T0Y9V8K7J","kind":"zone-enter","severity":"warning","state":"raised",
    "camera":{"id":"c0","name":{"zh":"北门","en":"North gate"},"village":"v","level":"line","direction":null},
    "occurred_at":"2026-03-09T18:04:04.912Z","ended_at":"2026-03-09T18:04:14.912Z","respond_by":"2026-03-09T18:14:04.912Z",
    "rule":{"id":"r","version":"3f9a1c0b7d52","model":{"name":"m","sha256":"00"}},
    "objects":[{"class":"person","confidence":0.877,"box":[0.412,0.2,0.498,0.61],"track":3}],"snapshot":null,"clip":null,
    "explain":{"zh":"北门","en":"North gate"}}}"#;

#[test]
fn a_record_from_before_lives_is_read_answered_and_expires_at_its_old_deadline() {
    let old = read_record(OLD.as_bytes()).expect("it is read");
    let id = old.data.alert_id;
    let mut station = Station::new();
    station.now = id.raised_at().after(Duration::from_secs(100));
    let expires = id.raised_at().after(Duration::from_millis(600_300));
    let key = life_key(&format!("due/{:016x}/{id}/expire", expires.unix_ms()));
    let writes = vec![Write::Put(record_key(id), OLD.as_bytes().to_vec()), Write::Put(key, Vec::new())];
    station.outbox.promise(writes, &[]).expect("the disk works");
    assert_eq!(station.say(id, Verb::Ack, "li", "patrol"), AnswerResult::Ok);
    station.wait(500);
    assert_eq!(station.stands(id), State::Acknowledged);
    station.wait(1);
    let record = station.record(id).expect("on record");
    assert_eq!((record.rev, record.data.state, record.life.breached_at()), (4, State::Expired, None));
    let closed = read_record(OLD.replace("\"raised\"", "\"expired\"").as_bytes()).expect("it is read");
    assert!(closed.life.closed().is_some() && closed.life.dues().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Raise(usize),
    End(prop::sample::Index),
    Wait(u64),
    Say(prop::sample::Index, Verb, u8, u8),
    Repeat(prop::sample::Index),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = any::<prop::sample::Index>;
    let step = prop_oneof![
        3 => (0..3usize).prop_map(Step::Raise),
        2 => any().prop_map(Step::End),
        3 => (0..200u64).prop_map(Step::Wait),
        6 => (any(), prop::sample::select(&Verb::ALL[..]), 0..2u8, 0..2u8).prop_map(|(a, b, c, d)| Step::Say(a, b, c, d)),
        1 => any().prop_map(Step::Repeat),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_each_state_follows_the_one_before(steps in steps()) {
        let mut station = Station::new();
        let mut ids = vec![station.warn(0)];
        let mut said: Vec<(Command, AnswerResult)> = Vec::new();
        for step in steps {
            match step {
                Step::Raise(camera) => ids.push(station.warn(camera)),
                Step::End(which) => {
                    station.end(ids[which.index(ids.len())]);
                }
                Step::Wait(s) => station.wait(s),
                Step::Say(which, verb, who, unit) => {
                    let id = ids[which.index(ids.len())];
                    let command = station.command(id, verb, &format!("p{who}"), &format!("u{unit}"));
                    let (answer, _) = station.give(command.clone());
                    said.push((command, answer.result));
                }
                Step::Repeat(which) if !said.is_empty() => {
                    let (command, first) = said[which.index(said.len())].clone();
                    let (again, messages) = station.give(command);
                    prop_assert_eq!(again.result, first);
                    prop_assert_eq!(messages.len(), 0);
                }
                Step::Repeat(_) => {}
                Step::Restart => {
                    station.restart();
                    // What had no effect is judged anew after a restart.
                    said.retain(|(command, _)| {
                        let record = station.record(command.alert).expect("on record");
                        record.life.remembers(command.id)
                    });
                }
            }
        }
        station.restart();
        let mut revs: BTreeMap<String, u64> = BTreeMap::new();
        let mut closed: BTreeMap<String, Value> = BTreeMap::new();
        for state in station.said.iter().filter(|message| message.retain).map(json) {
            let (subject, rev) = (state["subject"].to_string(), state["cunkourev"].as_u64().expect("a number"));
            let last = revs.insert(subject.clone(), rev).unwrap_or(0);
            prop_assert_eq!(rev, last + 1, "{}", state);
            let end = &state["data"]["life"]["closed"];
            if let Some(was) = closed.get(&subject) {
                prop_assert_eq!(end, was, "closed stays closed");
            } else if !end.is_null() {
                closed.insert(subject, end.clone());
            }
            let is_claimed = state["data"]["state"] == "claimed";
            prop_assert_eq!(is_claimed, !state["data"]["life"]["claim"].is_null());
        }
        for id in ids {
            let record = station.record(id).expect("on record");
            prop_assert_eq!(revs.get(&format!("\"{id}\"")), Some(&record.rev));
            // What the record says to be due stands in the ledger, unless nobody was left to be told.
            for (deadline, at) in record.life.dues().iter().filter(|(_, at)| **at > station.now) {
                let key = life_key(&format!("due/{:016x}/{id}/{}", at.unix_ms(), deadline.as_str()));
                prop_assert!(station.outbox.ledger().get(&key).expect("reads").is_some(), "{deadline:?}");
            }
        }
    }
}
