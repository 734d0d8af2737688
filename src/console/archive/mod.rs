//! What was recorded, over HTTP: `/api/v1/…` (`docs/ref/openapi.json`).
//!
//! Owns the paths, who may ask for what, and that it is written down. Whoever searches, sees or exports people says who he is, what for, and
//! for which case; without that nothing is shown. Time lines, gaps and holds show nobody and need no purpose.

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

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{alerts::Alerts, gallery::Gallery, parameters::BadQuestion};
use crate::{
    archive::{Archive, HoldError, NoFilm},
    config::Config,
    decode::Backend,
    evidence::{Action, Actor, Evidence, Purpose},
    id::HoldId,
    index::{Librarian, Unanswered},
    mqtt::payload::ModelData,
    neighbour::requests::Requests,
    record::live::{Feeds, NoView},
    store::{Desk, Refused},
    time::Clock,
};
use records::{Gaps, HoldData, HoldWanted, ReleaseWanted};
use serde_json::json;
use warrant::Warrant;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the archive's pages answer from.
pub struct Rooms {
    /// What is recorded.
    pub(super) archive: Archive,
    /// What passed.
    pub(super) index: Librarian,
    /// Where too little was analysed.
    pub(super) desk: Desk,
    /// What is written down of those who ask. Where it could not be opened, it is tried again for whoever asks.
    pub(super) evidence: Arc<OnceLock<Evidence>>,
    /// What was told.
    pub(super) alerts: Arc<dyn Alerts>,
    /// Clips that are asked of neighbours, and that neighbours ask for.
    pub(super) requests: Arc<Requests>,
    /// The station.
    pub(super) config: Arc<Config>,
    /// The model that looks.
    pub(super) model: ModelData,
    /// What decodes still pictures.
    pub(super) backend: Backend,
    /// The machine's clock.
    pub(super) clock: Clock,
    /// What is seen just now.
    pub(super) live: Live,
    views: warrant::Views,
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
        evidence: Option<Evidence>,
        alerts: Arc<dyn Alerts>,
        requests: Arc<Requests>,
        config: Arc<Config>,
        model: ModelData,
        backend: Backend,
        clock: Clock,
        live: Live,
    ) -> Self {
        let views = warrant::Views::default();
        let evidence = Arc::new(evidence.map_or_else(OnceLock::new, OnceLock::from));
        Self { archive, index, desk, evidence, alerts, requests, config, model, backend, clock, live, views }
    }

    fn time_zone(&self) -> &TimeZone {
        &self.config.station.time_zone
    }
}

/// The parameters of an address.
type Pairs = Query<Vec<(String, String)>>;

/// Why there is no answer, as a status and words.
#[derive(Debug)]
struct Refusal(StatusCode, String);

type Answer<T> = Result<T, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}

impl From<BadQuestion> for Refusal {
    fn from(bad: BadQuestion) -> Self {
        Self(StatusCode::BAD_REQUEST, bad.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, refused.to_string())
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
pub(super) fn router(rooms: Arc<Rooms>) -> Router {
    Router::new()
        .route("/api/v1/clips", get(video::find))
        .route("/api/v1/clips/{clip}", get(video::clip))
        .route("/api/v1/clips/{clip}/video.mp4", get(video::of_clip))
        .route("/api/v1/clips/{clip}/playback.mp4", get(playback::of_clip))
        .route("/api/v1/clips/{clip}/thumbnail.jpg", get(video::thumbnail))
        .route("/api/v1/clips/{clip}/sheet.jpg", get(video::sheet))
        .route("/api/v1/cameras/{camera}/video.mp4", get(video::of_camera))
        .route("/api/v1/cameras/{camera}/playback.mp4", get(playback::of_camera))
        .route("/api/v1/cameras/{camera}/live", get(live::socket))
        .route("/api/v1/cameras/{camera}/live.mp4", get(live::stream))
        .route("/api/v1/exports", post(export::make))
        .route("/api/v1/exports/{pack}/{file}", get(export::file))
        .route("/api/v1/cameras/{camera}/timeline", get(timeline::show))
        .route("/api/v1/cameras/{camera}/picture.jpg", get(picture::newest))
        .route("/api/v1/cameras/{camera}/still.jpg", get(picture::moment))
        .route("/api/v1/gaps", get(gaps))
        .route("/api/v1/holds", get(holds).post(hold))
        .route("/api/v1/holds/{hold}/release", post(release))
        .route("/api/v1/report", get(report::data))
        .route("/report", get(report::page))
        .route("/api/v1/clip-requests", get(requests::list).post(requests::ask))
        .route("/api/v1/clip-requests/{request}/answer", post(requests::answer))
        .route("/api/v1/shared/{secret}/video.mp4", get(requests::shared))
        .with_state(rooms)
}

fn fresh<T: Serialize>(answer: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The store's thread reads in between of its writes: an answer may wait for it.
async fn in_time<T, E>(answer: impl Future<Output = Result<T, E>>) -> Answer<T>
where
    Refusal: From<E>,
{
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "the store takes too long".to_owned())),
    }
}

async fn gaps(State(rooms): State<Arc<Rooms>>, Query(pairs): Pairs) -> Answer<Response> {
    let question = records::ask_gaps(&pairs)?;
    let now = rooms.clock.now().wall;
    Ok(fresh(Gaps::from(in_time(rooms.archive.catalog().gaps(&question, now)).await?)))
}

async fn holds(State(rooms): State<Arc<Rooms>>) -> Answer<Response> {
    let holds = in_time(rooms.archive.catalog().holds()).await?;
    Ok(fresh(holds.into_iter().map(|hold| rooms.hold(hold)).collect::<Vec<_>>()))
}

async fn hold(State(rooms): State<Arc<Rooms>>, Json(wanted): Json<HoldWanted>) -> Answer<Response> {
    let warrant = Warrant {
        actor: Actor::new(&wanted.owner, &wanted.unit)?,
        purpose: Purpose::of_record(&wanted.reason, wanted.case.as_deref())?,
    };
    let what =
        json!({ "camera": wanted.camera, "from": wanted.from.to_string(), "to": wanted.to.to_string() });
    let made = in_time(rooms.archive.hold(wanted.into())).await?;
    rooms.write_down(&warrant, Action::Hold, what, vec![made.id.to_string()]).await?;
    Ok((StatusCode::CREATED, fresh(rooms.hold(made))).into_response())
}

async fn release(
    State(rooms): State<Arc<Rooms>>,
    Path(hold): Path<HoldId>,
    Json(ReleaseWanted { by, unit, why }): Json<ReleaseWanted>,
) -> Answer<Response> {
    let warrant = Warrant { actor: Actor::new(&by, &unit)?, purpose: Purpose::of_record(&why, None)? };
    // Written down first: once it is released, it may be deleted.
    rooms.write_down(&warrant, Action::Release, json!({ "hold": hold }), vec![hold.to_string()]).await?;
    let released = in_time(rooms.archive.release(hold, by, why)).await?;
    Ok(fresh(rooms.hold(released)))
}

impl Rooms {
    fn hold(&self, hold: crate::archive::Hold) -> HoldData {
        let today = self.time_zone().to_datetime(self.clock.now().wall.timestamp()).date();
        HoldData::new(hold, today)
    }
}
