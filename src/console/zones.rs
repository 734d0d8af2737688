//! Zones by mouse, over HTTP: what is drawn on a camera, what it would have raised, and saving it.
//!
//! Owns the paths, and how their answers are spelt (`docs/ref/openapi.json`). What a drawing means, and how it comes into force, is decided elsewhere.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Guarded, Visitor};
use crate::{
    account::Permission::Configure,
    alert::Kind,
    config::Direction,
    detect::Class,
    evidence::{Actor, Refusal},
    id::{AlertId, CameraId, RuleId},
    zones::{Drawing, LineData, Point, RuleData, Trouble, ZoneData},
};

/// Hours over which something is tried, at most, and where nothing else is asked for.
const SINCE_MAX_H: u32 = 168;
const SINCE_USUAL_H: u32 = 24;
/// Who draws, where a program of this machine does not say it.
const LOCAL: &str = "local";

/// Where cameras are drawn on.
pub trait ZoneRoom: Send + Sync {
    /// What is drawn on a camera.
    fn show(self: Arc<Self>, camera: CameraId) -> BoxFuture<'static, Result<ZonesPage, NotDrawn>>;
    /// What the file would be, and what the rules would have raised for so long before now. Changes nothing.
    fn try_out(
        self: Arc<Self>,
        camera: CameraId,
        draft: Draft,
        since: Duration,
    ) -> BoxFuture<'static, Result<Trial, NotDrawn>>;
    /// Writes it into the file, and judges by it. Goes on where nobody waits for it any more.
    fn save(
        self: Arc<Self>,
        camera: CameraId,
        draft: Draft,
        by: Actor,
    ) -> BoxFuture<'static, Result<Saved, NotDrawn>>;
}

/// What somebody wants to be drawn, on which text.
#[derive(Debug)]
pub struct Draft {
    /// SHA-256 of the text that he read, in hex.
    pub base: String,
    /// What he wants; rules are the camera's own.
    pub drawing: Drawing,
}

/// What is drawn on a camera.
#[derive(Debug, Serialize)]
pub struct ZonesPage {
    /// SHA-256 of the file's text, in hex: who changes it says on which.
    pub base: String,
    /// Whether it can be saved.
    pub writable: bool,
    /// Why it cannot.
    pub why: Option<String>,
    /// Which camera.
    pub camera: CameraId,
    /// What is drawn.
    #[serde(flatten)]
    pub drawing: Drawing,
    /// Hours that rules may name.
    pub hours: Vec<String>,
}

/// What a draft would lead to.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// What is wrong with it; then there is nothing else.
    pub problems: Vec<Trouble>,
    /// How the file would change, as a unified diff; empty where it would not.
    pub diff: Option<String>,
    /// What would have been raised.
    pub shadow: Option<Shadow>,
}

/// What would have been raised, and what was.
#[derive(Debug, Serialize)]
pub struct Shadow {
    /// Since when.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Passages that were judged.
    pub read: u64,
    /// Alerts that would be raised.
    pub would_raise: u64,
    /// Alerts that were.
    pub raised: u64,
    /// Of each rule, also of those that raise nothing.
    pub by_rule: Vec<OfRule>,
    /// Each of them, newest first.
    pub moments: Vec<Moment>,
    /// Whether there is more: older moments, or older passages that were not judged.
    pub truncated: bool,
}

/// How often a rule raises.
#[derive(Debug, Serialize)]
pub struct OfRule {
    /// Which.
    pub rule: RuleId,
    /// Raised then, and would be raised.
    pub both: u64,
    /// Raised then alone.
    pub only_then: u64,
    /// Would be raised, and was not.
    pub only_now: u64,
}

/// An alert that was raised, or would be.
#[derive(Debug, Serialize)]
pub struct Moment {
    /// When it occurred.
    pub at: String,
    /// By which rule.
    pub rule: RuleId,
    /// What kind.
    pub kind: Kind,
    /// Of what.
    pub class: Class,
    /// Which way, for what crosses a line.
    pub direction: Option<Direction>,
    /// The alert that was raised then.
    pub alert: Option<AlertId>,
    /// `both`, `only-then` or `only-now`.
    pub outcome: &'static str,
}

/// What was saved.
#[derive(Debug, Serialize)]
pub struct Saved {
    /// SHA-256 of the file's text now, in hex.
    pub base: String,
    /// Whether the camera is judged by it.
    pub applied: bool,
    /// Why it is not yet.
    pub why: Option<String>,
}

/// Why nothing is shown, tried or saved.
#[derive(Debug, thiserror::Error)]
pub enum NotDrawn {
    /// There is no such camera.
    #[error("there is no camera {0} in the configuration")]
    Unknown(CameraId),
    /// Somebody else has changed the file.
    #[error(
        "the configuration was changed meanwhile: who reads the zones anew sees how it is now, and can draw on that"
    )]
    Stale,
    /// What was sent is no draft, or is not confirmed.
    #[error("{0}")]
    Form(String),
    /// Who draws says nothing of himself.
    #[error("{}", .0.words())]
    Nobody(Refusal),
    /// It makes no sense.
    #[error("what is drawn makes no sense")]
    Problems(Vec<Trouble>),
    /// It cannot be saved, whatever it is.
    #[error("{0}")]
    Locked(String),
    /// Too much is asked for at once.
    #[error("another trial goes on: ask again")]
    Busy,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

impl IntoResponse for NotDrawn {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Stale => StatusCode::CONFLICT,
            Self::Form(_) => StatusCode::BAD_REQUEST,
            Self::Nobody(_) => StatusCode::FORBIDDEN,
            Self::Problems(problems) => {
                return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "problems": problems })))
                    .into_response();
            }
            Self::Locked(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// A draft as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    base: String,
    zones: Vec<ZoneData>,
    lines: Vec<LineData>,
    masks: Vec<Vec<Point>>,
    rules: Vec<RuleData>,
    #[serde(default)]
    since_h: Option<u32>,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    who: Option<String>,
    #[serde(default)]
    unit: Option<String>,
}

impl Wanted {
    fn draft(self) -> Draft {
        let Self { base, zones, lines, masks, rules, .. } = self;
        Draft { base, drawing: Drawing { zones, lines, masks, rules } }
    }
}

/// The paths.
pub(super) fn routes() -> Guarded<Arc<dyn ZoneRoom>> {
    Guarded::new()
        .get("/api/v1/cameras/{camera}/zones", Configure, show)
        .put("/api/v1/cameras/{camera}/zones", Configure, save)
        .post("/api/v1/cameras/{camera}/zones/try", Configure, try_out)
}

type Room = State<Arc<dyn ZoneRoom>>;
type Body = Result<Json<Wanted>, JsonRejection>;

/// What is outside of somebody's scope does not exist.
fn seen(visitor: &Visitor, camera: CameraId) -> Result<CameraId, NotDrawn> {
    if visitor.may_see(&camera) { Ok(camera) } else { Err(NotDrawn::Unknown(camera)) }
}

async fn show(
    State(room): Room,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
) -> Result<Response, NotDrawn> {
    let camera = seen(&visitor, camera)?;
    Ok(fresh(room.show(camera).await?))
}

async fn try_out(
    State(room): Room,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    body: Body,
) -> Result<Response, NotDrawn> {
    let camera = seen(&visitor, camera)?;
    let wanted = read(body)?;
    let hours = wanted.since_h.unwrap_or(SINCE_USUAL_H);
    if !(1..=SINCE_MAX_H).contains(&hours) {
        return Err(NotDrawn::Form(format!("since_h={hours} is no number from 1 to {SINCE_MAX_H}")));
    }
    let since = Duration::from_secs(u64::from(hours) * 3600);
    Ok(fresh(room.try_out(camera, wanted.draft(), since).await?))
}

async fn save(
    State(room): Room,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    body: Body,
) -> Result<Response, NotDrawn> {
    let camera = seen(&visitor, camera)?;
    let wanted = read(body)?;
    if !wanted.confirm {
        let why = "nothing is saved without \"confirm\": true; try it first, and look at what would change";
        return Err(NotDrawn::Form(why.to_owned()));
    }
    let (who, unit) = (wanted.who.as_deref().unwrap_or(LOCAL), wanted.unit.as_deref().unwrap_or(LOCAL));
    let by = visitor.actor(who, unit).map_err(NotDrawn::Nobody)?;
    Ok(fresh(room.save(camera, wanted.draft(), by).await?))
}

fn read(body: Body) -> Result<Wanted, NotDrawn> {
    let Json(wanted) = body.map_err(|rejection| NotDrawn::Form(rejection.body_text()))?;
    Ok(wanted)
}

fn fresh<T: Serialize>(answer: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
