//! What was recorded, over HTTP: `/api/v1/…` (`docs/ref/openapi.json`).
//!
//! Owns the paths, and that what is asked is written down. Whoever searches, sees or exports people says what for, and for which case; without that nothing is
//! shown. The film of an alert that is open, or was a day ago, is its own purpose. Time lines, gaps and holds show nobody and need no purpose.

mod alert_clip;
mod clips;
mod export;
mod film;
mod live;
mod picture;
mod playback;
mod records;
mod report;
mod requests;
pub(super) mod still;
mod timeline;
mod video;
mod warrant;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    access::Access,
    alerts::Alerts,
    answer::{Answer, Pairs, Refusal, fresh, in_time, seen},
    gallery::Gallery,
    guarded::{Guarded, Needs},
    visitor::Visitor,
};
use crate::{
    account::Permission,
    archive::{Archive, HoldError, NoFilm},
    config::Config,
    decode::Backend,
    evidence::{Action, Purpose},
    id::HoldId,
    index::{Librarian, Unanswered},
    mqtt::payload::ModelData,
    neighbour::requests::Requests,
    record::live::{Feeds, NoView},
    store::Desk,
    time::Clock,
    zones::Cameras,
};
use records::{Gaps, HoldData, HoldWanted, ReleaseWanted};
use serde_json::json;
use warrant::Warrant;

/// What the archive's pages answer from.
pub struct Rooms {
    /// What is recorded.
    pub(super) archive: Archive,
    /// What passed.
    pub(super) index: Librarian,
    /// Where too little was analysed.
    pub(super) desk: Desk,
    /// Who may in, and what is written down of those who ask.
    pub(super) access: Arc<Access>,
    /// What was told.
    pub(super) alerts: Arc<dyn Alerts>,
    /// Clips that are asked of neighbours, and that neighbours ask for.
    pub(super) requests: Arc<Requests>,
    /// The station.
    pub(super) config: Arc<Config>,
    /// Its cameras as they are drawn now.
    pub(super) drawn: Arc<Cameras>,
    /// The model that looks.
    pub(super) model: ModelData,
    /// What decodes still pictures.
    pub(super) backend: Backend,
    /// The machine's clock.
    pub(super) clock: Clock,
    /// What is seen just now.
    pub(super) live: Live,
}

/// Live view.
pub struct Live {
    /// What can be watched.
    pub feeds: Feeds,
    /// Pictures of cameras.
    pub gallery: Arc<Gallery>,
    /// Ends everybody's watching.
    pub stop: CancellationToken,
    /// Everybody who watches over a WebSocket, until he has had his last word.
    pub viewers: TaskTracker,
}

impl Rooms {
    /// The rooms of a station.
    #[allow(clippy::too_many_arguments, reason = "each is a room of its own")]
    pub fn new(
        archive: Archive,
        index: Librarian,
        desk: Desk,
        access: Arc<Access>,
        alerts: Arc<dyn Alerts>,
        requests: Arc<Requests>,
        config: Arc<Config>,
        drawn: Arc<Cameras>,
        model: ModelData,
        backend: Backend,
        clock: Clock,
        live: Live,
    ) -> Self {
        Self { archive, index, desk, access, alerts, requests, config, drawn, model, backend, clock, live }
    }

    fn time_zone(&self) -> &TimeZone {
        &self.config.station.time_zone
    }
}

impl From<Unanswered> for Refusal {
    fn from(unanswered: Unanswered) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, unanswered.to_string())
    }
}

impl From<NoFilm> for Refusal {
    fn from(none: NoFilm) -> Self {
        let status = match none {
            NoFilm::Nothing { .. } => StatusCode::NOT_FOUND,
            NoFilm::TooLong => StatusCode::BAD_REQUEST,
            NoFilm::NotPlayable { .. } => StatusCode::CONFLICT,
            NoFilm::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            NoFilm::Unreadable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, none.to_string())
    }
}

impl From<NoView> for Refusal {
    fn from(none: NoView) -> Self {
        let status = match none {
            NoView::Unknown(_) => StatusCode::NOT_FOUND,
            NoView::NotRead { .. } | NoView::OutOfService(_) => StatusCode::CONFLICT,
            NoView::Full { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        Self(status, none.to_string())
    }
}

impl From<HoldError> for Refusal {
    fn from(error: HoldError) -> Self {
        let status = match error {
            HoldError::Invalid { .. } => StatusCode::BAD_REQUEST,
            HoldError::Unknown(_) => StatusCode::NOT_FOUND,
            HoldError::Released(_) | HoldError::TooMany(_) => StatusCode::CONFLICT,
            HoldError::NotKept(_) | HoldError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}

/// Every path of the archive.
pub(super) fn routes() -> Guarded<Arc<Rooms>> {
    use Permission::{Alerts, Approve, Export, Health, Live, Playback, Search};
    let whole = Needs::Whole;
    Guarded::new()
        .get("/api/v1/alerts/{alert}/video.mp4", Alerts, alert_clip::video)
        .get("/api/v1/alerts/{alert}/playback.mp4", Alerts, alert_clip::playback)
        .get("/api/v1/clips", Search, video::find)
        .get("/api/v1/clips/{clip}", Search, video::clip)
        .get("/api/v1/clips/{clip}/video.mp4", Export, video::of_clip)
        .get("/api/v1/clips/{clip}/playback.mp4", Playback, playback::of_clip)
        .get("/api/v1/clips/{clip}/thumbnail.jpg", Search, video::thumbnail)
        .get("/api/v1/clips/{clip}/sheet.jpg", Search, video::sheet)
        .get("/api/v1/cameras/{camera}/video.mp4", Export, video::of_camera)
        .get("/api/v1/cameras/{camera}/playback.mp4", Playback, playback::of_camera)
        .get("/api/v1/cameras/{camera}/live", Live, live::socket)
        .get("/api/v1/cameras/{camera}/live.mp4", Live, live::stream)
        .post("/api/v1/exports", Export, export::make)
        .get("/api/v1/exports/{pack}/{file}", Export, export::file)
        .get("/api/v1/cameras/{camera}/timeline", Health, timeline::show)
        .get("/api/v1/cameras/{camera}/picture.jpg", Live, picture::newest)
        .get("/api/v1/cameras/{camera}/still.jpg", Playback, picture::moment)
        .get("/api/v1/gaps", Health, gaps)
        .get("/api/v1/holds", Health, holds)
        .post("/api/v1/holds", Export, hold)
        .post("/api/v1/holds/{hold}/release", Export, release)
        .get("/api/v1/report", whole(Health), report::data)
        .get("/report", whole(Health), report::page)
        .get("/api/v1/clip-requests", whole(Search), requests::list)
        .post("/api/v1/clip-requests", whole(Search), requests::ask)
        .post("/api/v1/clip-requests/{request}/answer", whole(Approve), requests::answer)
        .get("/api/v1/shared/{secret}/video.mp4", Needs::Nothing, requests::shared)
}

async fn gaps(State(rooms): State<Arc<Rooms>>, visitor: Visitor, Query(pairs): Pairs) -> Answer<Response> {
    let mut question = records::ask_gaps(&pairs)?;
    if let Some(cameras) = visitor.sight().narrow(std::mem::take(&mut question.cameras)) {
        if cameras.is_empty() {
            return Ok(fresh(Gaps::default()));
        }
        question.cameras = cameras;
    }
    let now = rooms.clock.now().wall;
    Ok(fresh(Gaps::from(in_time(rooms.archive.catalog().gaps(&question, now)).await?)))
}

async fn holds(State(rooms): State<Arc<Rooms>>, visitor: Visitor) -> Answer<Response> {
    let mut holds = in_time(rooms.archive.catalog().holds()).await?;
    holds.retain(|hold| visitor.may_see(&hold.what.camera));
    Ok(fresh(holds.into_iter().map(|hold| rooms.hold(hold)).collect::<Vec<_>>()))
}

async fn hold(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Json(mut wanted): Json<HoldWanted>,
) -> Answer<Response> {
    seen(&visitor, &wanted.camera)?;
    let warrant = Warrant {
        actor: visitor.actor(&wanted.owner, &wanted.unit)?,
        purpose: Purpose::of_record(&wanted.reason, wanted.case.as_deref())?,
    };
    wanted.owner = warrant.actor.who().to_owned();
    let what =
        json!({ "camera": wanted.camera, "from": wanted.from.to_string(), "to": wanted.to.to_string() });
    let made = in_time(rooms.archive.hold(wanted.into())).await?;
    rooms.write_down(&warrant, Action::Hold, what, vec![made.id.to_string()]).await?;
    Ok((StatusCode::CREATED, fresh(rooms.hold(made))).into_response())
}

async fn release(
    State(rooms): State<Arc<Rooms>>,
    Path(hold): Path<HoldId>,
    visitor: Visitor,
    Json(ReleaseWanted { by, unit, why }): Json<ReleaseWanted>,
) -> Answer<Response> {
    if !visitor.sight().is_everything() {
        let holds = in_time(rooms.archive.catalog().holds()).await?;
        let known = holds.iter().find(|known| known.id == hold);
        known.filter(|known| visitor.may_see(&known.what.camera)).ok_or(HoldError::Unknown(hold))?;
    }
    let warrant = Warrant { actor: visitor.actor(&by, &unit)?, purpose: Purpose::of_record(&why, None)? };
    // Written down first: once it is released, it may be deleted.
    rooms.write_down(&warrant, Action::Release, json!({ "hold": hold }), vec![hold.to_string()]).await?;
    let by = warrant.actor.who().to_owned();
    let released = in_time(rooms.archive.release(hold, by, why)).await?;
    Ok(fresh(rooms.hold(released)))
}

impl Rooms {
    fn hold(&self, hold: crate::archive::Hold) -> HoldData {
        let today = self.time_zone().to_datetime(self.clock.now().wall.timestamp()).date();
        HoldData::new(hold, today)
    }
}
