//! What a run came to: nothing lost, nothing invented, a broken camera changed nothing for the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    broker::{Broker, Delivered, read},
    script::{Script, Visit},
};
use crate::{
    store::Message,
    time::{Mono, Now},
};

/// Whoever walks in is in the zone, confirmed and promised within this time after the end of the visit at the latest.
const LATEST: Duration = Duration::from_secs(4);
/// A visit so close to a fault may go unseen, or be seen twice: tracks outlive a lost stream by 15 s, retries take up to a minute.
const EXCUSED: Duration = Duration::from_secs(75);
/// Whoever has left is not in view for longer than this.
const ENDS_WITHIN: Duration = Duration::from_secs(12);
/// A camera that is gone is noticed within 10 s, and its alerts end 15 s later.
const GONE_ENDS_WITHIN: Duration = Duration::from_secs(30);

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// SHA-256 of everything that happened, hex: the same for the same plan.
    pub trace: String,
    /// Things that happened.
    pub happenings: u64,
    /// People who walked past a camera.
    pub visits: usize,
    /// Visits during which, or shortly before or after which, something that matters to them was broken.
    pub visits_excused: usize,
    /// Alerts promised.
    pub alerts: usize,
    /// Commands that changed an alert.
    pub commands: usize,
    /// Messages promised.
    pub promised: usize,
    /// Messages that the broker was given, repeats included.
    pub received: u64,
    /// Everything that should not have happened.
    pub faults_found: Vec<String>,
}

/// A batch that was promised.
#[derive(Debug)]
pub(super) struct Ledgered {
    pub(super) at: Mono,
    /// At which camera it raised an alert, if it did.
    pub(super) raised: Option<usize>,
    pub(super) messages: Vec<Message>,
}

/// Everything that happened, as a hash.
#[derive(Default)]
pub(super) struct Trace {
    hash: Sha256,
    happenings: u64,
    faults: Vec<String>,
}

impl Trace {
    pub(super) fn note(&mut self, now: Now, what: &str, bytes: &[u8]) {
        self.happenings += 1;
        self.hash.update(format!("{:?} {} {what} ", now.mono, now.wall.unix_us()));
        self.hash.update(bytes);
    }

    pub(super) fn fault(&mut self, what: String) {
        self.faults.push(what);
    }
}

/// Compares what happened with what should have.
pub(super) fn report(
    script: &Script,
    cameras: usize,
    promised: &[Ledgered],
    broker: &Broker,
    (waiting, commands): (u64, usize),
    trace: Trace,
) -> Report {
    let Trace { hash, happenings, mut faults } = trace;
    faults.extend_from_slice(broker.faults());
    if waiting > 0 {
        faults.push(format!("{waiting} messages still wait in the outbox"));
    }
    delivery(promised, broker, &mut faults);
    let lives = lives(promised, &mut faults);
    let (visits, visits_excused) = sight(script, cameras, promised, &lives, &mut faults);
    Report {
        trace: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        happenings,
        visits,
        visits_excused,
        alerts: promised.iter().filter(|batch| batch.raised.is_some()).count(),
        commands,
        promised: promised.iter().map(|batch| batch.messages.len()).sum(),
        received: broker.received,
        faults_found: faults,
    }
}

/// What was promised was delivered, with its bytes, in its order; and nothing else.
fn delivery(promised: &[Ledgered], broker: &Broker, faults: &mut Vec<String>) {
    let mut by_topic: BTreeMap<&str, Vec<Delivered>> = BTreeMap::new();
    for message in promised.iter().flat_map(|batch| &batch.messages) {
        match read(message) {
            Some(delivered) => by_topic.entry(&message.topic).or_default().push(delivered),
            None if message.payload.is_empty() => {}
            None => faults.push(format!("a promise cannot be read on {}", message.topic)),
        }
    }
    let topics: BTreeSet<&str> =
        by_topic.keys().copied().chain(broker.delivered().keys().map(String::as_str)).collect();
    for topic in topics {
        let promised = by_topic.get(topic).map_or(&[][..], Vec::as_slice);
        let delivered = broker.delivered().get(topic).map_or(&[][..], Vec::as_slice);
        if promised != delivered {
            let (promised, delivered) = (ids(promised), ids(delivered));
            faults.push(format!("on {topic} was promised {promised:?} and came {delivered:?}"));
        }
    }
    let mut revs: BTreeMap<&str, u64> = BTreeMap::new();
    let states = broker.delivered().iter().filter(|(topic, _)| topic.contains("/alert-state/"));
    for delivered in states.flat_map(|(_, delivered)| delivered) {
        let last = revs.insert(&delivered.subject, delivered.rev).unwrap_or(0);
        if delivered.rev != last + 1 {
            faults
                .push(format!("alert {} went from revision {last} to {}", delivered.subject, delivered.rev));
        }
    }
}

/// Each alert is raised, updated and ended once, in this order; each event comes with its state, which says the same. Gives back when
/// each alert ended, by the promise that raised it.
fn lives(promised: &[Ledgered], faults: &mut Vec<String>) -> BTreeMap<Mono, Mono> {
    let mut lives: BTreeMap<String, Vec<(String, Mono)>> = BTreeMap::new();
    let mut answering = Answering::default();
    for batch in promised {
        let values: Vec<Value> = batch
            .messages
            .iter()
            .filter(|message| !message.payload.is_empty())
            .filter_map(|message| serde_json::from_slice(&message.payload).ok())
            .collect();
        let is = |value: &Value, kind: &str| value["type"] == kind;
        let states: Vec<&Value> = values.iter().filter(|value| is(value, "cunkou.alert.state.v1")).collect();
        let events: Vec<&Value> = values
            .iter()
            .filter(|value| !is(value, "cunkou.alert.state.v1") && !is(value, "cunkou.alert.notice.v1"))
            .collect();
        let goes_with = |event: &Value, state: &Value| {
            ["subject", "cunkourev", "data"].iter().all(|member| event[member] == state[member])
        };
        if !events.iter().all(|event| states.iter().any(|state| goes_with(event, state))) {
            faults.push(format!("at {:?} an event has no state: {values:?}", batch.at));
        }
        for state in states {
            answering.follow(state, faults);
        }
        for event in events {
            let subject = event["subject"].to_string();
            lives.entry(subject).or_default().push((event["type"].to_string(), batch.at));
        }
    }
    let mut ends = BTreeMap::new();
    for (alert, life) in lives {
        let is = |(kind, _): &(String, Mono), what| kind.contains(what);
        let [first, between @ .., last] = &life[..] else {
            faults.push(format!("alert {alert} has not ended: {life:?}"));
            continue;
        };
        ends.insert(first.1, last.1);
        if !is(first, "raised") || !is(last, "ended") || !between.iter().all(|event| is(event, "updated")) {
            faults.push(format!("alert {alert} was no life: {life:?}"));
        }
    }
    ends
}

/// Alerts as they were last promised, by id.
#[derive(Default)]
struct Answering(BTreeMap<String, Value>);

impl Answering {
    /// Revisions grow by one, one at a time goes, closed stays closed, and a breach is dated to the second.
    fn follow(&mut self, state: &Value, faults: &mut Vec<String>) {
        let subject = state["subject"].to_string();
        let was = self.0.insert(subject.clone(), state.clone()).unwrap_or_default();
        let life = |value: &Value, member: &str| value["data"]["life"][member].clone();
        let mut fault = |what: &str| faults.push(format!("alert {subject} {what}: {was} became {state}"));
        if state["cunkourev"].as_u64() != Some(was["cunkourev"].as_u64().unwrap_or(0) + 1) {
            fault("skipped a revision");
        }
        let (claim, had) = (life(state, "claim"), life(&was, "claim"));
        if claim.is_null() == (state["data"]["state"] == "claimed") {
            fault("is claimed by nobody, or is not and somebody goes");
        }
        if !had.is_null() && !claim.is_null() && had["by"] != claim["by"] {
            fault("went from hand to hand");
        }
        let closed = life(&was, "closed");
        if !closed.is_null()
            && (closed != life(state, "closed") || was["data"]["state"] != state["data"]["state"])
        {
            fault("was closed and went on");
        }
        let breached = life(state, "breached_at");
        if !breached.is_null() && breached != state["data"]["respond_by"] {
            fault("has a breach at another time than it was due");
        }
    }
}

fn ids(delivered: &[Delivered]) -> Vec<&str> {
    delivered.iter().map(|delivered| delivered.id.as_str()).collect()
}

/// One visit, one alert; no visit, no alert.
fn sight(
    script: &Script,
    cameras: usize,
    promised: &[Ledgered],
    ends: &BTreeMap<Mono, Mono>,
    faults: &mut Vec<String>,
) -> (usize, usize) {
    let (mut visits, mut excused) = (0, 0);
    for camera in 0..cameras {
        let alerts: Vec<Mono> =
            promised.iter().filter(|batch| batch.raised == Some(camera)).map(|batch| batch.at).collect();
        for visit in script.visits(camera) {
            visits += 1;
            let of_it: Vec<Mono> = alerts.iter().copied().filter(|at| is_of(visit, *at)).collect();
            let seen = of_it.len();
            if script.is_troubled(camera, visit.from - EXCUSED, visit.to + EXCUSED) {
                excused += 1;
            } else if seen != 1 {
                faults.push(format!("the visit to camera {camera} at {:?} raised {seen} alerts", visit.from));
            } else if let Some(ended) = of_it.first().and_then(|at| ends.get(at))
                && *ended > visit.to + ENDS_WITHIN
            {
                let lasted = ended.since(visit.to);
                faults.push(format!(
                    "the alert of camera {camera} at {:?} ended {lasted:?} after its visitor left",
                    visit.from
                ));
            }
        }
        for at in alerts {
            if let Some(ended) = ends.get(&at)
                && let Some(lost) = outlived(script, camera, at, *ended)
            {
                faults.push(format!(
                    "camera {camera} was gone at {lost:?}, and its alert of {at:?} ended at {ended:?} only"
                ));
            }
            let of_a_visit = script.visits(camera).iter().any(|visit| is_of(visit, at));
            if !of_a_visit && !script.is_troubled(camera, at - EXCUSED, at) {
                faults.push(format!("camera {camera} raised an alert at {at:?}, when nobody was there"));
            }
        }
    }
    (visits, excused)
}

/// When the camera was lost for so long that an alert of `raised..ended` should have ended with it, and did not.
fn outlived(script: &Script, camera: usize, raised: Mono, ended: Mono) -> Option<Mono> {
    let lost = script.gone(camera).find(|(from, to)| {
        let over = *from + GONE_ENDS_WITHIN;
        raised < *from && ended > over && over < *to && !script.station_is_troubled(*from - EXCUSED, over)
    });
    lost.map(|(from, _)| from)
}

fn is_of(visit: &Visit, at: Mono) -> bool {
    (visit.from..visit.to + LATEST).contains(&at)
}
