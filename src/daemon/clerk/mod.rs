//! The clerk: from what happens, what people want and what is due to what is promised about an alert.
//!
//! Owns the record of each alert, its revision, and the deadlines that outlive a restart. Pure: each call says what is to be written in one
//! batch ([`Draft`]); `desk` writes it. The messages of a batch are drafted here once, so that a repeat has the same bytes. What may be done with an alert is
//! `alert::life`'s; who is told, `duty`'s.
//!
//! | space | key | value |
//! |---|---|---|
//! | [`Space::Alert`] | `{id}` | [`Record`], JSON |
//! | [`Space::AlertLife`] | `open/{id}` | nothing: the alert's subject is still in view |
//! | [`Space::AlertLife`] | `due/{unix ms, 16 hex digits}/{id}/{deed}` | nothing: the deed is due then |
//! | [`Space::AlertLife`] | `incident/{lead}/{id}` | nothing: the alert joined that one, and is open |

mod commands;
mod drafting;
mod due;
mod ongoing;
mod record;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use self::{
    commands::Answered,
    drafting::Change as Changing,
    due::Deed,
    ongoing::Followed,
    record::{id_of_open, life_key, member_key, open_key, record_key},
};
pub use self::{
    commands::Folder,
    drafting::{Breach, Draft, Step},
    due::Due,
    record::{Record, member, member_range, newest, read_record, record_key_at, record_range},
};
use crate::{
    alert::{
        Change, Occurrence, Ongoing,
        life::{Life, Pursuit, Terms, ToldWhy},
    },
    config::{Camera, Config, EntryPoint, RecordWhen},
    duty::{Assignment, Duty, Flooded, Pairing, Presence},
    id::{AlertId, ClipId, EntryPointId, IncidentId, Mint, PostId, StationId},
    mqtt::{
        payload::{ClipData, ClipStatus, IncidentData, Letterhead, ModelData, SnapshotData},
        topic::Topics,
    },
    neighbour::Sharing,
    store::{Ledger, LedgerError, Space, Write},
    time::Wall,
};

/// The state of an alert stays with the broker for so long after it was over and closed (`docs/ref/mqtt.md`).
const STATE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// A clip should be on the disk so long after its post-roll.
const CLIP_WITHIN: Duration = Duration::from_secs(3);
/// Records and snapshots are kept for so long at least: the floor of the Chinese rule.
const KEPT_MIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Alerts that were open when the daemon was killed and are ended at its start; more than its cameras can have open.
const OPEN_MAX: usize = 100_000;
/// Alerts of the last hour that weigh on what comes after a start; and that hour.
const RECALLED_MAX: usize = 20_000;
const RECALLED_FOR: Duration = Duration::from_secs(3600);

/// For how long records and snapshots are kept: as long as recordings may be, so that these find their alerts.
pub fn kept(config: &Config) -> Duration {
    config.recording.keep_max.max(KEPT_MIN)
}

/// Drafts what is promised about alerts.
pub struct Clerk {
    mint: Mint,
    station: StationId,
    topics: Topics,
    letterhead: Letterhead,
    entry_points: BTreeMap<EntryPointId, EntryPoint>,
    model: ModelData,
    duty: Duty,
    followed: Followed,
    /// What neighbours are told; `None` where there are none.
    sharing: Option<Sharing>,
    kept: Duration,
    /// From the end of an alert to its clip.
    clip_after: Duration,
    /// Alerts whose subject is in view, bounded by the lanes' tracks; and those that were changed by what is not promised yet.
    known: BTreeMap<AlertId, Record>,
    answered: Answered,
}

/// What becomes of a new alert, and what has to be known for it.
#[derive(Debug)]
pub struct Assigned {
    assignment: Assignment,
    lead: Option<Record>,
}

impl Clerk {
    /// A clerk for a station whose detector is `model`.
    pub fn new(config: &Config, model: ModelData, mint: Mint) -> Self {
        let station = &config.station;
        Self {
            mint,
            station: station.id.clone(),
            topics: Topics::of(&station.id),
            letterhead: Letterhead::of(&station.id, &station.node),
            entry_points: config.entry_points.clone(),
            model,
            duty: duty(config),
            followed: Followed::new(config),
            sharing: None,
            kept: kept(config),
            clip_after: config.recording.post_roll + CLIP_WITHIN,
            known: BTreeMap::new(),
            answered: Answered::default(),
        }
    }

    /// With neighbours, who are told in the same batches. Before anything is drafted.
    pub fn sharing(self, sharing: Sharing) -> Self {
        Self { sharing: Some(sharing), ..self }
    }

    /// A camera is drawn anew: alerts of its rules are counted by these from here on.
    pub fn redraw(&mut self, camera: Arc<Camera>) {
        self.duty.redraw(camera);
    }

    /// A post came, or went.
    pub fn presence(&mut self, post: PostId, presence: Presence) {
        self.duty.presence(post, presence);
    }

    /// What becomes of a new alert; once each, before it is drafted. `None`: it is not new.
    pub fn assign(&mut self, now: Wall, change: Change, what: &Occurrence) -> Option<Assigned> {
        let is_new = change == Change::Raised && !self.known.contains_key(&what.id);
        is_new.then(|| Assigned { assignment: self.duty.raised(now, what), lead: None })
    }

    /// Drafts what a happening leads to; `assigned` is what [`Clerk::assign`] said of it. One about an alert that is not in view (it ended, or was never
    /// raised) leads to nothing.
    pub fn draft(
        &mut self,
        now: Wall,
        change: Change,
        what: &Occurrence,
        snapshot: Option<SnapshotData>,
        assigned: Option<Assigned>,
    ) -> Option<Draft> {
        let known = self.known.get(&what.id).filter(|known| known.data.ended_at.is_none()).cloned();
        match (change, known, assigned) {
            (Change::Raised, None, Some(assigned)) => Some(self.raise(now, what, snapshot, assigned)),
            (Change::Updated | Change::Ended, Some(known), _) => {
                Some(self.go_on(now, change, what, known, snapshot))
            }
            _ => None,
        }
    }

    fn raise(
        &mut self,
        now: Wall,
        what: &Occurrence,
        snapshot: Option<SnapshotData>,
        assigned: Assigned,
    ) -> Draft {
        let Assigned { assignment, lead } = assigned;
        let pursuit = match &assignment {
            Assignment::Lead(_) => Pursuit::Lead,
            Assignment::Joined { .. } => Pursuit::Joined,
            Assignment::Flooded(_) => Pursuit::Flooded,
        };
        let mut draft = Draft::default();
        let mut life = Life::begin(now, Terms::of(what.kind, what.severity, pursuit));
        let mut data = self.data(what, &life, snapshot, pending_clip(what));
        let (told, summary) = match assignment {
            Assignment::Lead(telling) => {
                (telling.and_then(|telling| life.tell(now, ToldWhy::First, telling).told), None)
            }
            Assignment::Flooded(Flooded::Nothing) => (None, None),
            Assignment::Flooded(Flooded::Until(at)) => {
                draft.writes.push(due::set(at, what.id, Deed::Summary));
                (None, None)
            }
            Assignment::Flooded(Flooded::Summary(summary)) => {
                let telling = summary.telling.clone();
                let told = telling.and_then(|telling| life.tell(now, ToldWhy::Summary, telling).told);
                (told, Some(summary))
            }
            Assignment::Joined { incident, lead: id } => {
                data.incident = Some(IncidentData { id: incident, lead: id });
                draft.writes.push(Write::Put(member_key(id, what.id), Vec::new()));
                if let Some(lead) = lead {
                    life.follow(now, &lead.life);
                    self.be_joined(now, incident, lead, &mut draft);
                }
                (None, None)
            }
        };
        draft.writes.push(Write::Put(open_key(what.id), Vec::new()));
        draft.writes.push(due::set(now.after(self.kept), what.id, Deed::Forget));
        let change = Changing::event(None, Change::Raised).telling(told, summary);
        self.put(now, change, Record { rev: 0, data, life }, &mut draft);
        draft
    }

    /// The first that joins makes an alert an incident.
    fn be_joined(&mut self, now: Wall, incident: IncidentId, lead: Record, draft: &mut Draft) {
        if lead.data.incident.is_none() {
            let mut after = lead.clone();
            after.data.incident = Some(IncidentData { id: incident, lead: lead.data.alert_id });
            self.put(now, Changing::of_life(&lead, Default::default()), after, draft);
        }
    }

    fn go_on(
        &mut self,
        now: Wall,
        change: Change,
        what: &Occurrence,
        known: Record,
        snapshot: Option<SnapshotData>,
    ) -> Draft {
        let mut draft = Draft::default();
        let snapshot = snapshot.or_else(|| known.data.snapshot.clone());
        let mut life = known.life.clone();
        let mut data = self.data(what, &life, snapshot, known.data.clip.clone());
        data.incident.clone_from(&known.data.incident);
        if change == Change::Ended {
            if what.kind.is_of_equipment() {
                let _ = life.settle(now, "recovered");
            }
            draft.writes.push(Write::Delete(open_key(what.id)));
            draft.writes.push(due::set(now.after(self.clip_after), what.id, Deed::Clip));
        }
        let change = Changing::event(Some(&known), change);
        self.put(now, change, Record { rev: known.rev, data, life }, &mut draft);
        draft
    }

    /// What was in view when the daemon was last killed is no longer followed: drafts the ends of those alerts. What goes on all the same is in
    /// view again ([`Self::ongoing`]). Takes in what was raised in the hour before. Once, at start, before anything else.
    pub fn recover(&mut self, now: Wall, ledger: &dyn Ledger) -> Result<Vec<Draft>, LedgerError> {
        let since = Wall::from_unix_ms(now.unix_ms().saturating_sub(RECALLED_FOR.as_millis() as i64));
        for (_, value) in ledger.range(&record_key_at(since), &Space::Alert.to(), RECALLED_MAX)? {
            if let Some(record) = read_record(&value) {
                self.duty.recall(&record.past(&self.duty));
            }
        }
        let mut drafts = Vec::new();
        let (from, to) = (life_key("open/"), life_key("open0"));
        for (key, _) in ledger.range(&from, &to, OPEN_MAX)? {
            let record = match id_of_open(&key) {
                Some(id) => ledger.get(&record_key(id))?.and_then(|value| read_record(&value)),
                None => None,
            };
            if let Some(record) =
                record.as_ref().filter(|record| self.followed.ongoing(&record.data).is_some())
            {
                self.known.insert(record.data.alert_id, record.clone());
                continue;
            }
            let mut draft = Draft { writes: vec![Write::Delete(key)], ..Draft::default() };
            if let Some(record) = record {
                self.cut_off(now, record, &mut draft);
            }
            drafts.push(draft);
        }
        Ok(drafts)
    }

    /// What was in view when the daemon stopped and goes on: for who told it to take it up.
    pub fn ongoing(&self) -> Vec<Ongoing> {
        self.known.values().filter_map(|record| self.followed.ongoing(&record.data)).collect()
    }

    fn cut_off(&mut self, now: Wall, record: Record, draft: &mut Draft) {
        let mut after = record.clone();
        after.data.ended_at = Some(now.to_string());
        after.data.explain.zh.push_str("（系统重启，跟踪中断）");
        after.data.explain.en.push_str(" (no longer followed: the system was restarted)");
        // The camera is not configured any more.
        if record.data.kind.is_of_equipment() {
            let _ = after.life.settle(now, "restarted");
        }
        draft.writes.push(due::set(now.after(self.clip_after), record.data.alert_id, Deed::Clip));
        self.put(now, Changing::event(Some(&record), Change::Ended), after, draft);
    }

    /// Drafts the news that an alert's clip is there, or never will be. `record` is the alert's newest; one that has no clip, or of which this was said
    /// already, leads to nothing.
    pub fn clip(
        &mut self,
        now: Wall,
        record: Record,
        status: ClipStatus,
        file: Option<(String, String)>,
    ) -> Draft {
        let (mut draft, mut after) = (Draft::default(), record.clone());
        if let Some(clip) = after.data.clip.as_mut().filter(|clip| clip.status != status) {
            clip.status = status;
            (clip.url, clip.sha256) = file.unzip();
            // On `alert` nothing follows the end.
            self.put(now, Changing::of_life(&record, Default::default()), after, &mut draft);
        }
        draft
    }

    /// The record of an alert that is in view, or was changed by what is not promised yet: what is in the ledger may be older.
    pub fn known(&self, id: AlertId) -> Option<&Record> {
        self.known.get(&id)
    }

    /// Everything that was drafted is promised, or never will be: the ledger knows best of all that is out of view.
    pub fn settled(&mut self) {
        self.known.retain(|_, record| record.data.ended_at.is_none());
    }
}

impl Assigned {
    /// Whose record has to be there for it ([`Assigned::with`]): that of the alert which it joins.
    pub fn wants(&self) -> Option<AlertId> {
        match &self.assignment {
            Assignment::Joined { lead, .. } => Some(*lead),
            Assignment::Lead(_) | Assignment::Flooded(_) => None,
        }
    }

    /// With that record; where there is none, it joins all the same.
    pub fn with(self, lead: Option<Record>) -> Self {
        Self { lead, ..self }
    }
}

/// Who is told of what; sensors go with what their cameras see.
fn duty(config: &Config) -> Duty {
    let mut duty = Duty::new(config);
    for (id, sensor) in &config.sensors {
        duty.pair(id.clone(), Pairing { cameras: sensor.cameras.clone(), within: sensor.pair });
    }
    duty
}

/// The clip of an alert bears the alert's id: it is what its camera recorded around it. What goes on for days, and may have no picture, has none.
fn pending_clip(what: &Occurrence) -> Option<ClipData> {
    let is_recorded = what.camera.record.when != RecordWhen::Off && !what.kind.is_of_equipment();
    is_recorded.then_some(ClipData {
        id: ClipId(what.id.0),
        status: ClipStatus::Pending,
        url: None,
        sha256: None,
    })
}
