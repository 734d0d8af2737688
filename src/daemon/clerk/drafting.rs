//! How a record changes, and what is told of it.
//!
//! Owns the one way ([`Clerk::put`]) in which a record gets its next revision, with its deadlines and its messages, in one batch.

use bytes::Bytes;
use serde::Serialize;

use super::{
    Clerk, Record, STATE_KEPT,
    due::{self, Deed},
    record::member_key,
};
use crate::{
    alert::{
        self, Earnest, Judged, Occurrence,
        life::{Changed, State, Told, expiry},
    },
    duty::Summary,
    id::AlertId,
    mqtt::payload::{
        AlertData, CONTENT_TYPE, CameraData, ClipData, DeviceData, LifeData, NoticeData, ObjectData,
        RuleData, SnapshotData, SummaryData,
    },
    neighbour::Tidings,
    store::{Message, Write},
    time::Wall,
};

/// What is to be written in one batch, and what it says.
#[derive(Debug, Default)]
pub struct Draft {
    /// Keys of the ledger.
    pub writes: Vec<Write>,
    /// What is promised to subscribers.
    pub messages: Vec<Message>,
    /// Alerts as they will have been told, in the order in which they change.
    pub told: Vec<Step>,
    /// An alert whose pictures have served their purpose.
    pub forget: Option<AlertId>,
    /// An alert whose clip should be there by now: look for it, and say what was found ([`Clerk::clip`]).
    pub clip: Option<Box<Record>>,
}

/// A revision of an alert.
#[derive(Debug, Clone)]
pub struct Step {
    /// The alert as it is then.
    pub record: Record,
    /// Where it stands now, where it stood elsewhere before.
    pub entered: Option<State>,
    /// Whether it has become a breach by it.
    pub breach: Breach,
}

/// Whether an alert has become a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Now.
    Now,
    /// Not, or earlier.
    None,
}

/// What changes a record.
pub(super) struct Change<'a> {
    /// As it was; `None`: it is new.
    before: Option<&'a Record>,
    /// The event that subscribers of `alert/…` are told; what is done about it is told on `alert-state/…` alone.
    event: Option<alert::Change>,
    /// Which posts are told.
    told: Option<Told>,
    /// For what else that stands.
    summary: Option<Summary>,
}

impl<'a> Change<'a> {
    /// Something is done about it, or due.
    pub(super) fn of_life(before: &'a Record, changed: Changed) -> Self {
        Self { before: Some(before), event: None, told: changed.told, summary: None }
    }

    /// Something happens.
    pub(super) fn event(before: Option<&'a Record>, event: alert::Change) -> Self {
        Self { before, event: Some(event), told: None, summary: None }
    }

    /// Posts are told with it.
    pub(super) fn telling(self, told: Option<Told>, summary: Option<Summary>) -> Self {
        Self { told, summary, ..self }
    }
}

impl Clerk {
    /// The one way in which a record changes. `after` is what it becomes, but for its revision and what follows from its life. Gives it back.
    pub(super) fn put(
        &mut self,
        now: Wall,
        change: Change<'_>,
        mut after: Record,
        draft: &mut Draft,
    ) -> Record {
        let Change { before, event, told, summary } = change;
        let id = after.data.alert_id;
        after.rev = before.map_or(1, |before| before.rev.saturating_add(1));
        after.data.state = after.life.state();
        after.data.life = LifeData::from(&after.life);
        draft.writes.extend(self.share(now, event, &mut after));
        draft.writes.push(after.put());
        draft.writes.extend(due::changes(before, &after));
        if after.over_at().is_some() && before.is_some_and(|before| before.over_at().is_none()) {
            draft.writes.push(due::set(now.after(STATE_KEPT), id, Deed::Clear));
        }
        let was = before.map(|before| before.life.state());
        let entered = Some(after.life.state()).filter(|state| Some(*state) != was);
        if entered.is_some_and(State::is_closed) {
            self.duty.closed(id);
            draft.writes.extend(after.lead().map(|lead| Write::Delete(member_key(lead, id))));
        }
        draft.messages.extend(event.map(|event| self.event(now, event, &after)));
        // What the broker was to forget by now, it is not told again.
        if !after.is_over_since(now, STATE_KEPT) {
            let state = self.state(now, &after);
            draft.messages.push(state);
        }
        if let Some(told) = told {
            let notices = told.posts.iter().map(|post| (post, &told, summary.as_ref()));
            draft.messages.extend(notices.map(|notice| self.notice(now, notice, &after)));
        }
        let had = before.and_then(|before| before.life.breached_at());
        let is_new = had.is_none() && after.life.breached_at().is_some();
        let breach = if is_new { Breach::Now } else { Breach::None };
        draft.told.push(Step { record: after.clone(), entered, breach });
        self.known.insert(id, after.clone());
        after
    }

    /// What neighbours are told of it. Who was sent a new alert is on its record: they may have a say in it.
    fn share(&mut self, now: Wall, event: Option<alert::Change>, after: &mut Record) -> Vec<Write> {
        let Some(sharing) = &mut self.sharing else { return Vec::new() };
        let tidings = event.map_or(Tidings::State, Tidings::Event);
        let writes = sharing.share(now, tidings, after.rev, &after.data);
        if event == Some(alert::Change::Raised) {
            sharing.stations(after.data.alert_id).for_each(|station| after.life.share(station.clone()));
        }
        writes
    }

    /// The alert is history: for the broker, and for neighbours.
    pub(super) fn clear(&mut self, id: AlertId, draft: &mut Draft) {
        draft.messages.push(self.cleared(id));
        draft.writes.extend(self.forget_shared(id));
    }

    /// Neighbours are told no more of it.
    pub(super) fn forget_shared(&mut self, id: AlertId) -> Vec<Write> {
        self.sharing.as_mut().map(|sharing| sharing.over(id)).unwrap_or_default()
    }

    /// An alert's data as of now; what is done about it is [`Clerk::put`]'s.
    pub(super) fn data(
        &self,
        what: &Occurrence,
        life: &alert::life::Life,
        snapshot: Option<SnapshotData>,
        clip: Option<ClipData>,
    ) -> AlertData {
        let camera = &what.camera;
        let entry_point = self.entry_points.get(&camera.entry_point);
        let entry_point = entry_point.expect("the configuration was checked: a camera's entry point exists");
        AlertData {
            alert_id: what.id,
            kind: what.kind,
            severity: what.severity,
            state: life.state(),
            camera: CameraData {
                id: camera.id.clone(),
                name: camera.name.clone(),
                village: entry_point.village.clone(),
                level: entry_point.level,
                direction: what.direction,
            },
            occurred_at: what.occurred_at.to_string(),
            ended_at: what.ended_at.map(|at| at.to_string()),
            respond_by: life.respond_by().to_string(),
            rule: self.rule(what),
            objects: what
                .objects
                .iter()
                .map(|object| ObjectData::new(object.class, object.confidence, object.bbox, object.track))
                .collect(),
            snapshot,
            clip,
            explain: what.explain.clone(),
            cameras: what.others.clone(),
            device: match &what.judged {
                Judged::Rule { .. } | Judged::State => None,
                Judged::Button(id) => Some(DeviceData::Button(id.clone())),
                Judged::Sensor(id) => Some(DeviceData::Sensor(id.clone())),
            },
            drill: what.earnest == Earnest::Drill,
            incident: None,
            life: LifeData::default(),
            home: None,
            rev: None,
        }
    }

    /// By what it was judged. What no rule judged bears the name of what did, and a version that never changes.
    fn rule(&self, what: &Occurrence) -> RuleData {
        let named = |id: &str| id.parse().expect("an id of another kind, and every kind of alert, is an id");
        let unversioned = |id| RuleData { id, version: super::record::UNVERSIONED.to_owned(), model: None };
        match &what.judged {
            Judged::Rule { id, version } => {
                RuleData { id: id.clone(), version: version.clone(), model: Some(self.model.clone()) }
            }
            Judged::State => unversioned(named(what.kind.as_str())),
            Judged::Button(id) => unversioned(named(id.as_str())),
            Judged::Sensor(id) => unversioned(named(id.as_str())),
        }
    }

    fn event(&mut self, now: Wall, change: alert::Change, record: &Record) -> Message {
        let data = &record.data;
        let kind = match change {
            alert::Change::Raised => "cunkou.alert.raised.v1",
            alert::Change::Updated => "cunkou.alert.updated.v1",
            alert::Change::Ended => "cunkou.alert.ended.v1",
        };
        Message {
            topic: self.topics.alert(data.severity, data.kind, &data.camera.id),
            payload: self.envelope(now, kind, "alert:1.0", record, data),
            content_type: CONTENT_TYPE.to_owned(),
            retain: false,
            expiry: Some(expiry(data.severity)),
        }
    }

    fn state(&mut self, now: Wall, record: &Record) -> Message {
        let data = &record.data;
        Message {
            topic: self.topics.alert_state(data.alert_id),
            payload: self.envelope(now, "cunkou.alert.state.v1", "alert:1.0", record, data),
            content_type: CONTENT_TYPE.to_owned(),
            retain: true,
            expiry: None,
        }
    }

    fn notice(
        &mut self,
        now: Wall,
        (post, told, summary): (&crate::id::PostId, &Told, Option<&Summary>),
        record: &Record,
    ) -> Message {
        // Each of many posts need not be told who else was, nor all that was ever said.
        let notes = record.data.life.notes.last().cloned().into_iter().collect();
        let life = LifeData { told: Vec::new(), notes, ..record.data.life.clone() };
        let data = NoticeData {
            post: post.clone(),
            why: told.why,
            tier: told.tier,
            alert: AlertData { life, ..record.data.clone() },
            summary: summary
                .map(|summary| SummaryData { alerts: summary.alerts, since: summary.since.to_string() }),
        };
        Message {
            topic: self.topics.post_notice(post),
            payload: self.envelope(now, "cunkou.alert.notice.v1", "notice:1.0", record, &data),
            content_type: CONTENT_TYPE.to_owned(),
            retain: false,
            expiry: Some(expiry(record.data.severity)),
        }
    }

    /// Removes the broker's retained state of an alert.
    fn cleared(&self, id: AlertId) -> Message {
        Message {
            topic: self.topics.alert_state(id),
            payload: Bytes::new(),
            content_type: CONTENT_TYPE.to_owned(),
            retain: true,
            expiry: None,
        }
    }

    fn envelope<D: Serialize>(
        &mut self,
        now: Wall,
        kind: &str,
        schema: &str,
        record: &Record,
        data: &D,
    ) -> Bytes {
        let id = self.mint.event(now);
        let mut envelope = self.letterhead.envelope(id, now, kind, record.data.alert_id, schema, data);
        envelope.rev = Some(record.rev);
        envelope.incident = record.data.incident.as_ref().map(|incident| incident.id.to_string());
        envelope.to_bytes().into()
    }
}
