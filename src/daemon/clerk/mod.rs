//! The clerk: from a verdict of the rules to what is promised about it.
//!
//! Owns the record of each alert, its revision, and the deadlines that outlive a restart. Pure: [`Clerk::draft`] says what is to be written in
//! one batch; `desk` writes it. The messages of a batch are drafted here once, so that a repeat has the same bytes.
//!
//! | space | key | value |
//! |---|---|---|
//! | [`Space::Alert`] | `{id}` | [`Record`], JSON |
//! | [`Space::AlertLife`] | `open/{id}` | nothing: the alert's subject is still in view |
//! | [`Space::AlertLife`] | `due/{unix ms, 16 hex digits}/{id}/{deed}` | nothing: the deed is due then |

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    alert::{Change, Earnest, Judged, Occurrence, Severity},
    config::{Config, EntryPoint, RecordWhen},
    duty::{Duty, Presence},
    id::{AlertId, ClipId, EntryPointId, Mint, PostId, StationId},
    mqtt::{
        payload::{
            AlertData, AlertState, CONTENT_TYPE, CameraData, ClipData, ClipStatus, DeviceData, Letterhead,
            LifeData, ModelData, ObjectData, RuleData, SnapshotData,
        },
        topic::Topics,
    },
    neighbour::{Sharing, Told},
    store::{Ledger, LedgerError, Message, Space, Write},
    time::{Trust, Wall},
};

/// Somebody should have dealt with an alert by then: the station's ten-minute circle.
const RESPOND_WITHIN: Duration = Duration::from_secs(600);
/// The state of an alert stays with the broker for so long after it closed (`docs/ref/mqtt.md`).
const STATE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long deleting waits where it may be a mistake.
const FORGET_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// A clip should be on the disk so long after its post-roll; until its fate is known it is looked for again so often.
const CLIP_WITHIN: Duration = Duration::from_secs(3);
const CLIP_AGAIN: Duration = Duration::from_secs(60);
/// Records and snapshots are kept for so long: the floor of the Chinese rule.
pub const RECORD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Version of what no rule judged.
const UNVERSIONED: &str = "000000000000";

/// Alerts that were open when the daemon was killed and are ended at its start; more than its cameras can have open.
const OPEN_MAX: usize = 100_000;

/// What is kept of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Grows with each event about it.
    pub rev: u64,
    /// As it was last told.
    pub data: AlertData,
}

/// What is to be written in one batch, and what it says.
#[derive(Debug, Default)]
pub struct Draft {
    /// Keys of the ledger.
    pub writes: Vec<Write>,
    /// What is promised to subscribers.
    pub messages: Vec<Message>,
    /// The alert as it will have been told, where something is told of it.
    pub told: Option<Record>,
    /// An alert whose pictures have served their purpose.
    pub forget: Option<AlertId>,
    /// An alert whose clip should be there by now: look for it, and say what was found ([`Clerk::clip`]).
    pub clip: Option<Box<Record>>,
}

/// A deadline of an alert, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub alert: AlertId,
    deed: Deed,
    key: Vec<u8>,
}

impl Due {
    /// Where the deadlines lie that are reached by `now`, as `from..to`; earliest first.
    pub fn range(now: Wall) -> (Vec<u8>, Vec<u8>) {
        let until = format!("due/{:016x}", now.unix_ms().max(0) + 1);
        (life_key("due/"), life_key(&until))
    }

    /// Reads a key of that range.
    pub fn read(key: Vec<u8>) -> Option<Self> {
        let mut parts = std::str::from_utf8(key.get(1..)?).ok()?.split('/').skip(2);
        let alert = parts.next()?.parse().ok()?;
        let deed = parts.next()?;
        let deed = Deed::ALL.into_iter().find(|known| known.as_str() == deed)?;
        Some(Self { alert, deed, key })
    }
}

/// What is due for an alert at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Nobody dealt with it in time.
    Expire,
    /// The broker need not keep its state any longer.
    Clear,
    /// Record and pictures have served their purpose.
    Forget,
    /// Its clip should have been recorded.
    Clip,
}

impl Deed {
    const ALL: [Self; 4] = [Self::Expire, Self::Clear, Self::Forget, Self::Clip];

    fn as_str(self) -> &'static str {
        match self {
            Self::Expire => "expire",
            Self::Clear => "clear",
            Self::Forget => "forget",
            Self::Clip => "clip",
        }
    }
}

/// Drafts what is promised about alerts.
pub struct Clerk {
    mint: Mint,
    topics: Topics,
    letterhead: Letterhead,
    entry_points: BTreeMap<EntryPointId, EntryPoint>,
    model: ModelData,
    duty: Duty,
    /// What neighbours are told; `None` where there are none.
    sharing: Option<Sharing>,
    /// From the end of an alert to its clip.
    clip_after: Duration,
    /// Alerts whose subject is in view; bounded by the lanes' tracks.
    open: BTreeMap<AlertId, Record>,
}

impl Clerk {
    /// A clerk for a station whose detector is `model`.
    pub fn new(config: &Config, model: ModelData, mint: Mint) -> Self {
        let station = &config.station;
        Self {
            mint,
            topics: Topics::of(&station.id),
            letterhead: Letterhead::of(&station.id, &station.node),
            entry_points: config.entry_points.clone(),
            model,
            duty: Duty::new(config),
            sharing: None,
            clip_after: config.recording.post_roll + CLIP_WITHIN,
            open: BTreeMap::new(),
        }
    }

    /// With neighbours, who are told in the same batches. Before anything is drafted.
    pub fn sharing(self, sharing: Sharing) -> Self {
        Self { sharing: Some(sharing), ..self }
    }

    /// Whether a neighbouring station was sent an alert: then its people may answer it.
    pub fn shared_with(&self, alert: AlertId, station: &StationId) -> bool {
        self.sharing.as_ref().is_some_and(|sharing| sharing.shared_with(alert, station))
    }

    /// Drafts what a happening leads to. One about an alert that is not open (it ended, or was never raised) leads to nothing.
    pub fn draft(
        &mut self,
        now: Wall,
        change: Change,
        alert: &Occurrence,
        snapshot: Option<SnapshotData>,
    ) -> Option<Draft> {
        let known = self.open.get(&alert.id);
        let record = match (change, known) {
            (Change::Raised, None) => {
                let clip = pending_clip(alert);
                Record { rev: 1, data: self.data(alert, AlertState::Raised, snapshot, clip) }
            }
            (Change::Updated | Change::Ended, Some(known)) => {
                let (state, rev, clip) = (known.data.state, known.rev + 1, known.data.clip.clone());
                let snapshot = snapshot.or_else(|| known.data.snapshot.clone());
                Record { rev, data: self.data(alert, state, snapshot, clip) }
            }
            (Change::Raised, Some(_)) | (Change::Updated | Change::Ended, None) => return None,
        };
        let state = record.data.state;
        let mut writes = vec![put_record(&record)];
        match change {
            Change::Raised => {
                writes.push(Write::Put(open_key(alert.id), Vec::new()));
                writes.push(due(now.after(expiry(alert.severity)), alert.id, Deed::Expire));
                writes.push(due(now.after(RECORD_KEPT), alert.id, Deed::Forget));
                self.open.insert(alert.id, record.clone());
            }
            Change::Updated => {
                self.open.insert(alert.id, record.clone());
            }
            Change::Ended => {
                writes.push(Write::Delete(open_key(alert.id)));
                if state == AlertState::Expired {
                    writes.push(due(now.after(STATE_KEPT), alert.id, Deed::Clear));
                }
                writes.push(due(now.after(self.clip_after), alert.id, Deed::Clip));
                self.open.remove(&alert.id);
            }
        }
        writes.extend(self.share(now, Told::Event(change), &record));
        let messages = vec![self.event(now, change, &record), self.state(now, &record)];
        Some(Draft { writes, messages, told: Some(record), ..Draft::default() })
    }

    /// What was in view when the daemon was last killed is no longer followed: drafts the ends of those alerts. Once, at start, before any verdict.
    pub fn recover(&mut self, now: Wall, ledger: &dyn Ledger) -> Result<Vec<Draft>, LedgerError> {
        let mut drafts = Vec::new();
        let (from, to) = (life_key("open/"), life_key("open0"));
        for (key, _) in ledger.range(&from, &to, OPEN_MAX)? {
            let mut draft = Draft { writes: vec![Write::Delete(key.clone())], ..Draft::default() };
            let record = match id_of_open(&key) {
                Some(id) => ledger.get(&record_key(id))?.and_then(|value| read_record(&value)),
                None => None,
            };
            if let Some(mut record) = record {
                record.rev += 1;
                record.data.ended_at = Some(now.to_string());
                record.data.explain.zh.push_str("（系统重启，跟踪中断）");
                record.data.explain.en.push_str(" (no longer followed: the system was restarted)");
                draft.messages = vec![self.event(now, Change::Ended, &record), self.state(now, &record)];
                draft.writes.push(put_record(&record));
                draft.writes.extend(self.share(now, Told::Event(Change::Ended), &record));
                if record.data.state == AlertState::Expired {
                    draft.writes.push(due(now.after(STATE_KEPT), record.data.alert_id, Deed::Clear));
                }
                draft.writes.push(due(now.after(self.clip_after), record.data.alert_id, Deed::Clip));
                draft.told = Some(record);
            }
            drafts.push(draft);
        }
        Ok(drafts)
    }

    /// Drafts the news that an alert's clip is there, or never will be. `record` is the alert's newest; one that has no clip, or of which this was said
    /// already, leads to nothing.
    pub fn clip(
        &mut self,
        now: Wall,
        mut record: Record,
        status: ClipStatus,
        file: Option<(String, String)>,
    ) -> Draft {
        let Some(clip) = record.data.clip.as_mut().filter(|clip| clip.status != status) else {
            return Draft::default();
        };
        clip.status = status;
        (clip.url, clip.sha256) = file.unzip();
        record.rev += 1;
        if let Some(open) = self.open.get_mut(&record.data.alert_id) {
            *open = record.clone();
        }
        // On `alert` nothing follows the end; and what the broker was to forget by now, it is not told again.
        let is_cleared = is_over_since(&record, now, STATE_KEPT);
        let messages = if is_cleared { Vec::new() } else { vec![self.state(now, &record)] };
        let mut writes = vec![put_record(&record)];
        writes.extend(self.share(now, Told::State, &record));
        Draft { writes, messages, told: Some(record), ..Draft::default() }
    }

    /// A post came, or went.
    pub fn presence(&mut self, post: PostId, presence: Presence) {
        self.duty.presence(post, presence);
    }

    /// The record of an alert that is in view.
    pub fn open(&self, id: AlertId) -> Option<&Record> {
        self.open.get(&id)
    }

    /// Drafts what follows from a deadline that was reached. `record` is the alert's, if there still is one; `trust` is how far the time is believed.
    pub fn reach(&mut self, now: Wall, due: Due, record: Option<Record>, trust: Trust) -> Draft {
        let mut draft = Draft { writes: vec![Write::Delete(due.key)], ..Draft::default() };
        match record {
            Some(record) => self.deed(now, due.deed, record, trust, &mut draft),
            // The record is gone, the broker's retained state may not be.
            None if due.deed == Deed::Clear => self.clear(due.alert, &mut draft),
            None => {}
        }
        draft
    }

    fn deed(&mut self, now: Wall, deed: Deed, mut record: Record, trust: Trust, draft: &mut Draft) {
        let id = record.data.alert_id;
        match deed {
            Deed::Expire => {
                record.rev += 1;
                record.data.state = AlertState::Expired;
                if let Some(open) = self.open.get_mut(&id) {
                    *open = record.clone();
                }
                draft.writes.push(put_record(&record));
                draft.writes.push(due(now.after(STATE_KEPT), id, Deed::Clear));
                draft.writes.extend(self.share(now, Told::State, &record));
                draft.messages.push(self.state(now, &record));
                draft.told = Some(record);
            }
            // What goes on, or was over less than that ago, is not history yet; its end has set another deadline.
            Deed::Clip if record.data.clip.as_ref().is_none_or(|clip| clip.status != ClipStatus::Pending) => {
            }
            Deed::Clip => {
                // Until it was said, it is asked for again: after a kill, too.
                draft.writes.push(due(now.after(CLIP_AGAIN), id, Deed::Clip));
                draft.clip = Some(Box::new(record));
            }
            Deed::Clear if !is_over_since(&record, now, STATE_KEPT) => {}
            Deed::Clear => self.clear(id, draft),
            // The clock may be wrong, or was when the deadline was set; and what was over a moment ago is nothing to delete yet.
            Deed::Forget if trust != Trust::Believed || !is_over_since(&record, now, STATE_KEPT) => {
                draft.writes.push(due(now.after(FORGET_AGAIN), id, Deed::Forget));
            }
            Deed::Forget => {
                draft.writes.push(Write::Delete(record_key(id)));
                draft.writes.push(Write::Delete(open_key(id)));
                draft.writes.extend(self.forget_shared(id));
                draft.forget = Some(id);
                self.open.remove(&id);
            }
        }
    }

    /// The alert is history: for the broker, and for neighbours.
    fn clear(&mut self, id: AlertId, draft: &mut Draft) {
        draft.messages.push(self.cleared(id));
        draft.writes.extend(self.forget_shared(id));
    }

    fn forget_shared(&mut self, id: AlertId) -> Vec<Write> {
        self.sharing.as_mut().map(|sharing| sharing.over(id)).unwrap_or_default()
    }

    fn share(&mut self, now: Wall, told: Told, record: &Record) -> Vec<Write> {
        let shared = self.sharing.as_mut().map(|sharing| sharing.share(now, told, record.rev, &record.data));
        shared.unwrap_or_default()
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

    fn data(
        &self,
        alert: &Occurrence,
        state: AlertState,
        snapshot: Option<SnapshotData>,
        clip: Option<ClipData>,
    ) -> AlertData {
        let camera = &alert.camera;
        let entry_point = self.entry_points.get(&camera.entry_point);
        let entry_point = entry_point.expect("the configuration was checked: a camera's entry point exists");
        AlertData {
            alert_id: alert.id,
            kind: alert.kind,
            severity: alert.severity,
            state,
            camera: CameraData {
                id: camera.id.clone(),
                name: camera.name.clone(),
                village: entry_point.village.clone(),
                level: entry_point.level,
                direction: alert.direction,
            },
            occurred_at: alert.occurred_at.to_string(),
            ended_at: alert.ended_at.map(|at| at.to_string()),
            respond_by: alert.occurred_at.after(RESPOND_WITHIN).to_string(),
            rule: self.rule(alert),
            objects: alert
                .objects
                .iter()
                .map(|object| ObjectData::new(object.class, object.confidence, object.bbox, object.track))
                .collect(),
            snapshot,
            clip,
            explain: alert.explain.clone(),
            cameras: alert.others.clone(),
            device: match &alert.judged {
                Judged::Rule { .. } | Judged::State => None,
                Judged::Button(id) => Some(DeviceData::Button(id.clone())),
                Judged::Sensor(id) => Some(DeviceData::Sensor(id.clone())),
            },
            drill: alert.earnest == Earnest::Drill,
            incident: None,
            life: LifeData::default(),
        }
    }

    /// By what it was judged. What no rule judged bears the name of what did, and a version that never changes.
    fn rule(&self, alert: &Occurrence) -> RuleData {
        let named = |id: &str| id.parse().expect("an id of another kind, and every kind of alert, is an id");
        let unversioned = |id| RuleData { id, version: UNVERSIONED.to_owned(), model: None };
        match &alert.judged {
            Judged::Rule { id, version } => {
                RuleData { id: id.clone(), version: version.clone(), model: Some(self.model.clone()) }
            }
            Judged::State => unversioned(named(alert.kind.as_str())),
            Judged::Button(id) => unversioned(named(id.as_str())),
            Judged::Sensor(id) => unversioned(named(id.as_str())),
        }
    }

    fn event(&mut self, now: Wall, change: Change, record: &Record) -> Message {
        let data = &record.data;
        let kind = match change {
            Change::Raised => "cunkou.alert.raised.v1",
            Change::Updated => "cunkou.alert.updated.v1",
            Change::Ended => "cunkou.alert.ended.v1",
        };
        Message {
            topic: self.topics.alert(data.severity, data.kind, &data.camera.id),
            payload: self.envelope(now, kind, record),
            content_type: CONTENT_TYPE.to_owned(),
            retain: false,
            expiry: Some(expiry(data.severity)),
        }
    }

    fn state(&mut self, now: Wall, record: &Record) -> Message {
        Message {
            topic: self.topics.alert_state(record.data.alert_id),
            payload: self.envelope(now, "cunkou.alert.state.v1", record),
            content_type: CONTENT_TYPE.to_owned(),
            retain: true,
            expiry: None,
        }
    }

    fn envelope(&mut self, now: Wall, kind: &str, record: &Record) -> Bytes {
        let (id, data) = (self.mint.event(now), &record.data);
        let mut envelope = self.letterhead.envelope(id, now, kind, data.alert_id, "alert:1.0", data);
        envelope.rev = Some(record.rev);
        envelope.to_bytes().into()
    }
}

/// The clip of an alert bears the alert's id: it is what its camera recorded around it. What goes on for days, and may have no picture, has none.
fn pending_clip(alert: &Occurrence) -> Option<ClipData> {
    let is_recorded = alert.camera.record.when != RecordWhen::Off && !alert.kind.is_of_equipment();
    is_recorded.then_some(ClipData {
        id: ClipId(alert.id.0),
        status: ClipStatus::Pending,
        url: None,
        sha256: None,
    })
}

/// How long a broker may hold an alert for an absent subscriber, and how long it may go unanswered before it expires (`docs/ref/mqtt.md`).
fn expiry(severity: Severity) -> Duration {
    match severity {
        Severity::Info | Severity::Warning | Severity::Major => Duration::from_secs(600),
        Severity::Critical => Duration::from_secs(3600),
    }
}

/// Where an alert's record lies, as `from..to`.
pub fn record_range(id: AlertId) -> (Vec<u8>, Vec<u8>) {
    let from = record_key(id);
    let mut to = from.clone();
    to.push(0);
    (from, to)
}

/// Where the records of alerts begin that were raised at `at` or later.
pub fn record_key_at(at: Wall) -> Vec<u8> {
    record_key(AlertId(ulid::Ulid::from_parts(u64::try_from(at.unix_ms()).unwrap_or(0), 0)))
}

/// Reads a record. One that cannot be read is told (ERROR) and left alone.
pub fn read_record(value: &[u8]) -> Option<Record> {
    serde_json::from_slice(value)
        .inspect_err(|error| tracing::error!(%error, "an alert's record cannot be read; it is left alone"))
        .ok()
}

/// The newest records, newest first, for the page.
pub fn newest(ledger: &dyn Ledger, limit: usize) -> Result<Vec<Record>, LedgerError> {
    let mut records = Vec::new();
    let (from, mut to) = (Space::Alert.from(), Space::Alert.to());
    while records.len() < limit {
        let Some((key, value)) = ledger.last(&from, &to)? else { break };
        records.extend(read_record(&value));
        to = key;
    }
    Ok(records)
}

/// Whether what an alert is about was over for so long.
fn is_over_since(record: &Record, now: Wall, time: Duration) -> bool {
    let ended = record.data.ended_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    ended.is_some_and(|ended| Wall::from_unix_us(ended.as_microsecond()).after(time) <= now)
}

fn record_key(id: AlertId) -> Vec<u8> {
    Space::Alert.key(id.to_string().as_bytes())
}

fn life_key(rest: &str) -> Vec<u8> {
    Space::AlertLife.key(rest.as_bytes())
}

fn open_key(id: AlertId) -> Vec<u8> {
    life_key(&format!("open/{id}"))
}

fn id_of_open(key: &[u8]) -> Option<AlertId> {
    std::str::from_utf8(key.get(1..)?).ok()?.strip_prefix("open/")?.parse().ok()
}

fn due(at: Wall, id: AlertId, deed: Deed) -> Write {
    let key = format!("due/{:016x}/{id}/{}", at.unix_ms().max(0), deed.as_str());
    Write::Put(life_key(&key), Vec::new())
}

fn put_record(record: &Record) -> Write {
    let value = serde_json::to_vec(record).expect("a record is a plain struct of texts, numbers and lists");
    Write::Put(record_key(record.data.alert_id), value)
}
