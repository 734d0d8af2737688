//! Payloads: what is written on the wire.
//!
//! Owns the JSON of every payload, and nothing else knows its spelling. The schemas in `docs/ref/schemas/` describe it, and tests hold the two
//! together. Readers ignore members that they do not know; members are added, never given another meaning.

mod asked;
mod life;
mod neighbour;
mod notice;
mod order;

pub use asked::{Unread, UnreadData};
pub use life::{
    ClaimData, ClosedData, DeviceData, DoneData, IncidentData, LifeData, NoteData, PassedOverData, ToldData,
    ToldWhy,
};
pub use neighbour::{ByData, ClipAnswerData, ClipAnswerResult, ClipRequestData, ReceiptData, ReceiptResult};
pub use notice::{NoticeData, SummaryData};
pub use order::{AnswerData, AnswerResult, CommandData};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use crate::alert::life::State as AlertState;

use crate::{
    alert::{Kind, Severity},
    camera::{Health, Reason, State as CameraState, Stream, Watched},
    config::{Direction, Level, Name},
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, CameraId, EventId, NodeId, RuleId, StationId, TrackId, VillageId},
    time::Wall,
};

/// Media type of every payload.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The envelope: CloudEvents 1.0 in structured JSON.
///
/// (`source`, `id`) is the idempotency key: delivery is at least once, and a repeat has the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<D> {
    /// Always `1.0`.
    pub specversion: String,
    /// Of this event.
    pub id: EventId,
    /// `/stations/{station}/node/{node}`.
    pub source: String,
    /// What happened: `cunkou.alert.raised.v1`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about: an alert's id, a camera's, a node's.
    pub subject: String,
    /// When the event was written, RFC 3339 in UTC.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Which schema the data follows.
    pub dataschema: String,
    /// Revision of the subject; grows with each event about it. One writer.
    #[serde(rename = "cunkourev", skip_serializing_if = "Option::is_none", default)]
    pub rev: Option<u64>,
    /// Incident to which the subject belongs.
    #[serde(rename = "cunkouincident", skip_serializing_if = "Option::is_none", default)]
    pub incident: Option<String>,
    /// Event that led to this one.
    #[serde(rename = "cunkoucause", skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<EventId>,
    /// Stations that it has passed through.
    #[serde(rename = "cunkouhops")]
    pub hops: u32,
    /// The facts.
    pub data: D,
}

/// Writes envelopes in one daemon's name.
#[derive(Debug, Clone)]
pub struct Letterhead {
    source: String,
}

impl Letterhead {
    /// A daemon's.
    pub fn of(station: &StationId, node: &NodeId) -> Self {
        Self { source: format!("/stations/{station}/node/{node}") }
    }

    /// An envelope around `data`. `schema` is the schema's name and version, `alert:1.0`.
    pub fn envelope<D>(
        &self,
        id: EventId,
        at: Wall,
        kind: &str,
        subject: impl ToString,
        schema: &str,
        data: D,
    ) -> Envelope<D> {
        Envelope {
            specversion: "1.0".to_owned(),
            id,
            source: self.source.clone(),
            kind: kind.to_owned(),
            subject: subject.to_string(),
            time: at.to_string(),
            datacontenttype: "application/json".to_owned(),
            dataschema: format!("urn:cunkou:schema:{schema}"),
            rev: None,
            incident: None,
            cause: None,
            hops: 0,
            data,
        }
    }
}

impl<D: Serialize> Envelope<D> {
    /// Its bytes.
    ///
    /// # Panics
    /// Never for the payloads of this module: they hold no map with keys that JSON lacks.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("payloads are plain structs of texts, numbers and lists")
    }
}

/// An alert: the data of `alert/…` and `alert-state/…` alike. There is no member for a face, a name or any trait of a person, and there never
/// will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertData {
    /// For its whole life.
    pub alert_id: AlertId,
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// Where it happened.
    pub camera: CameraData,
    /// When it began, RFC 3339 in UTC: the arrival of the first frame that shows it.
    pub occurred_at: String,
    /// When what it is about was over; null while it goes on.
    pub ended_at: Option<String>,
    /// Until when somebody should have dealt with it.
    pub respond_by: String,
    /// Which rule, and by which model.
    pub rule: RuleData,
    /// What it is about.
    pub objects: Vec<ObjectData>,
    /// The picture; null where it could not be kept.
    pub snapshot: Option<SnapshotData>,
    /// The clip; null where nothing is recorded.
    pub clip: Option<ClipData>,
    /// One sentence.
    pub explain: Name,
    /// Further cameras that it concerns; absent where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cameras: Vec<CameraId>,
    /// The button or sensor that raised it; absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceData>,
    /// Whether it is an exercise; absent where it is not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drill: bool,
    /// Which incident it belongs to, where that is led by another alert or has more than one; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentData>,
    /// What was done about it.
    #[serde(default)]
    pub life: LifeData,
    /// The neighbouring station whose alert it is; absent where it is this station's own, and always on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<StationId>,
    /// Its revision: grows with each change. Over HTTP alone; on the wire the envelope has it, and in the store the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
}

/// The camera of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraData {
    /// Its id.
    pub id: CameraId,
    /// For people.
    pub name: Name,
    /// Its village.
    pub village: VillageId,
    /// How its entry point closes the perimeter.
    pub level: Level,
    /// Which way, for what crossed a line.
    pub direction: Option<Direction>,
}

/// The rule of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleData {
    /// Its id.
    pub id: RuleId,
    /// Changes whenever the rule does.
    pub version: String,
    /// What saw it; absent where no model did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelData>,
}

/// The model of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelData {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, hex.
    pub sha256: String,
}

/// A thing that an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectData {
    /// What.
    pub class: Class,
    /// How sure, 0..=1.
    #[serde(deserialize_with = "finite")]
    pub confidence: f32,
    /// Left, top, right, bottom as shares of the picture, 0..=1.
    #[serde(rename = "box", deserialize_with = "all_finite")]
    pub bbox: [f32; 4],
    /// Its number in its camera.
    pub track: TrackId,
}

/// Boxes are written to a ten-thousandth of the picture, confidences to a thousandth: the rest is noise.
impl ObjectData {
    /// As on the wire.
    pub fn new(class: Class, confidence: f32, bbox: UnitBox, track: TrackId) -> Self {
        let round = |value: f32, steps: f32| (value * steps).round() / steps;
        let bbox = bbox.clamped();
        let bbox = [bbox.l, bbox.t, bbox.r, bbox.b].map(|edge| round(edge, 10_000.0));
        Self { class, confidence: round(confidence, 1000.0), bbox, track }
    }
}

/// The picture of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotData {
    /// Where it can be fetched (JPEG), below the console's address.
    pub url: String,
    /// Of the file, hex.
    pub sha256: String,
    /// The same with boxes drawn.
    pub boxed_url: String,
    /// Of that file, hex.
    pub boxed_sha256: String,
}

impl AlertData {
    /// From when to when what it is about was seen; to its begin as long as it goes on.
    pub fn span(&self) -> Option<(Wall, Wall)> {
        let at =
            |text: &str| Some(Wall::from_unix_us(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()));
        let occurred = at(&self.occurred_at)?;
        Some((occurred, self.ended_at.as_deref().and_then(at).unwrap_or(occurred)))
    }
}

/// The clip of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipData {
    /// Its id.
    pub id: crate::id::ClipId,
    /// How far it is.
    pub status: ClipStatus,
    /// Where it can be fetched, once it is ready.
    pub url: Option<String>,
    /// Of the file, hex, once it is ready.
    pub sha256: Option<String>,
}

/// How far a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClipStatus {
    /// Being recorded.
    Pending,
    /// To be fetched.
    Ready,
    /// Could not be recorded.
    Gap,
}

/// How a camera is: the data of `camera/{camera}/health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthData {
    /// Which.
    pub camera: CameraId,
    /// How.
    pub state: CameraState,
    /// Why; empty when online.
    pub reasons: Vec<Reason>,
    /// One sentence for a person.
    pub detail: Option<String>,
    /// Since when it is so.
    pub since: String,
    /// Pictures a second.
    #[serde(deserialize_with = "finite")]
    pub fps: f32,
    /// Kilobits a second.
    #[serde(deserialize_with = "finite")]
    pub kbps: f32,
    /// When the last picture arrived.
    pub last_frame: Option<String>,
    /// Camera clock minus arrival clock, milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// How it is watched; absent while it is out of service, and from older daemons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<AttentionData>,
}

/// How a camera is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionData {
    /// How.
    pub mode: AttentionMode,
    /// About how often it is looked at without cause, seconds; where it is not watched all the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_every_s: Option<f64>,
    /// What its stream says of what moves, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
}

/// How much of a camera's stream is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionMode {
    /// All of it.
    Always,
    /// What there is cause for, and a key frame now and then.
    Sparse,
    /// Nothing.
    Off,
}

impl From<Watched> for AttentionData {
    fn from(watched: Watched) -> Self {
        let (mode, look_every_s, stream) = match watched {
            Watched::Always => (AttentionMode::Always, None, None),
            Watched::Sparse { every, stream } => {
                (AttentionMode::Sparse, Some((every.as_secs_f64() * 10.0).round() / 10.0), Some(stream))
            }
            Watched::Off => (AttentionMode::Off, None, None),
        };
        Self { mode, look_every_s, stream }
    }
}

impl From<&Health> for HealthData {
    fn from(health: &Health) -> Self {
        Self {
            camera: health.camera.clone(),
            state: health.state,
            reasons: health.reasons.iter().copied().collect(),
            detail: health.detail.clone(),
            since: health.since.to_string(),
            fps: (health.fps * 10.0).round() / 10.0,
            kbps: health.kbps.round(),
            last_frame: health.last_frame.map(|at| at.to_string()),
            clock_skew_ms: health.clock_skew_ms,
            attention: health.attention.map(AttentionData::from),
        }
    }
}

/// Whether a daemon is there: the data of `node/{node}/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeData {
    /// Which.
    pub node: NodeId,
    /// How.
    pub status: NodeStatus,
    /// The daemon's version.
    pub version: String,
    /// When it started.
    pub started_at: String,
}

/// How a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeStatus {
    /// At work.
    Online,
    /// Stopped on purpose.
    Stopped,
    /// Gone without a word: the broker says so in its name.
    Offline,
}

fn is_false(it: &bool) -> bool {
    !it
}

/// JSON can hold numbers that are infinite as `f32`, and that could not be written again.
fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let value = f32::deserialize(from)?;
    if value.is_finite() { Ok(value) } else { Err(D::Error::custom("a number is too large")) }
}

/// As [`finite`], for a box.
fn all_finite<'de, D: Deserializer<'de>>(from: D) -> Result<[f32; 4], D::Error> {
    let edges = <[f32; 4]>::deserialize(from)?;
    if edges.iter().all(|edge| edge.is_finite()) {
        Ok(edges)
    } else {
        Err(D::Error::custom("a number is too large"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    use super::*;

    /// What is read can be written, and then says the same.
    fn survives<D: Serialize + DeserializeOwned>(bytes: &[u8]) {
        let Ok(read) = serde_json::from_slice::<Envelope<D>>(bytes) else { return };
        let again: Envelope<D> = serde_json::from_slice(&read.to_bytes()).expect("what we write, we read");
        assert_eq!(again.to_bytes(), read.to_bytes());
    }

    fn all_survive(bytes: &[u8]) {
        survives::<AlertData>(bytes);
        survives::<HealthData>(bytes);
        survives::<NodeData>(bytes);
    }

    const HEALTH: &str = r#"{"specversion":"1.0","id":"01KKS9XZ4BYQ0G5C6R7M8N9P0R","source":"/stations/demo/node/main","type":"t",
        "subject":"gate","time":"2026-03-09T18:04:05.201Z","datacontenttype":"application/json","dataschema":"s","cunkouhops":0,
        "data":{"camera":"gate","state":"offline","reasons":["timeout"],"detail":null,"since":"2026-03-09T18:03:40Z","fps":9.9,
        "kbps":512.0,"last_frame":null,"clock_skew_ms":-12}}"#;

    #[test]
    fn a_number_that_could_not_be_written_again_is_refused() {
        assert!(serde_json::from_str::<Envelope<HealthData>>(HEALTH).is_ok());
        let large = HEALTH.replace("9.9", "1e39");
        assert!(serde_json::from_str::<Envelope<HealthData>>(&large).is_err());
        let object = r#"{"class":"person","confidence":0.5,"box":[0,0,1,1e39],"track":1}"#;
        assert!(serde_json::from_str::<ObjectData>(object).is_err());
        assert!(serde_json::from_str::<ObjectData>(&object.replace("1e39", "1")).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_payload_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            all_survive(&bytes);
        }

        #[test]
        fn a_damaged_payload_is_another_one_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = HEALTH.as_bytes().to_vec();
            let at = at.index(bytes.len());
            if cut {
                bytes.remove(at);
            } else {
                bytes[at] = byte;
            }
            all_survive(&bytes);
        }
    }
}
