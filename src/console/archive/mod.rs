//! What was recorded, over HTTP: `/api/v1/…` (`docs/ref/openapi.json`).
//!
//! Owns the paths, who may ask for what, and that it is written down. Whoever searches, sees or exports people says who he is, what for, and
//! for which case; without that nothing is shown. Time lines, gaps and holds show nobody and need no purpose.

mod film;
mod records;

use std::{sync::Arc, time::Duration};

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

use super::parameters::BadQuestion;
use crate::{
    archive::{Archive, HoldError},
    id::{CameraId, HoldId},
    store::Refused,
    time::Clock,
};
use records::{Gaps, HoldData, HoldWanted, ReleaseWanted, Timeline};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the archive's pages answer from.
#[derive(Clone)]
pub struct Rooms {
    /// What is recorded.
    pub archive: Archive,
    /// Days of reviews, and hours of questions.
    pub time_zone: TimeZone,
    /// The machine's clock.
    pub clock: Clock,
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
pub(super) fn router(rooms: Rooms) -> Router {
    Router::new()
        .route("/api/v1/cameras/{camera}/timeline", get(timeline))
        .route("/api/v1/gaps", get(gaps))
        .route("/api/v1/holds", get(holds).post(hold))
        .route("/api/v1/holds/{hold}/release", post(release))
        .with_state(Arc::new(rooms))
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

async fn timeline(
    State(rooms): State<Arc<Rooms>>,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let (from, to) = records::ask_timeline(&pairs)?;
    let now = rooms.clock.now().wall;
    let line = in_time(rooms.archive.catalog().coverage(&camera, from, to, now)).await?;
    Ok(fresh(Timeline::new(camera, &line)))
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
    let made = in_time(rooms.archive.hold(wanted.into())).await?;
    Ok((StatusCode::CREATED, fresh(rooms.hold(made))).into_response())
}

async fn release(
    State(rooms): State<Arc<Rooms>>,
    Path(hold): Path<HoldId>,
    Json(ReleaseWanted { by, why }): Json<ReleaseWanted>,
) -> Answer<Response> {
    let released = in_time(rooms.archive.release(hold, by, why)).await?;
    Ok(fresh(rooms.hold(released)))
}

impl Rooms {
    fn hold(&self, hold: crate::archive::Hold) -> HoldData {
        let today = self.time_zone.to_datetime(self.clock.now().wall.timestamp()).date();
        HoldData::new(hold, today)
    }
}
