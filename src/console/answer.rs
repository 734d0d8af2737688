//! Answers over HTTP, and refusals: a status, and words for a person.
//!
//! Owns their form. Which refusal is which status is said beside what is refused.

use std::time::Duration;

use axum::{
    Json,
    extract::Query,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::time::timeout;

use super::{parameters::BadQuestion, visitor::Visitor};
use crate::{
    evidence,
    id::{AlertId, CameraId},
    store::Refused,
};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The parameters of an address.
pub(super) type Pairs = Query<Vec<(String, String)>>;

/// Why there is no answer, as a status and words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

pub(super) type Answer<T> = Result<T, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, [(header::CACHE_CONTROL, "no-store")], format!("{}\n", self.1)).into_response()
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

impl From<evidence::Refusal> for Refusal {
    fn from(refusal: evidence::Refusal) -> Self {
        Self(StatusCode::FORBIDDEN, refusal.words().to_string())
    }
}

/// An answer that holds for the moment.
pub(super) fn fresh<T: Serialize>(answer: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The store's thread reads in between of its writes: an answer may wait for it.
pub(super) async fn in_time<T, E>(answer: impl Future<Output = Result<T, E>>) -> Answer<T>
where
    Refusal: From<E>,
{
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "the store takes too long".to_owned())),
    }
}

/// Lets pass who may see this camera; for everybody else there is none.
pub(super) fn seen(visitor: &Visitor, camera: &CameraId) -> Answer<()> {
    match visitor.may_see(camera) {
        true => Ok(()),
        false => Err(Refusal(StatusCode::NOT_FOUND, format!("there is no camera {camera}"))),
    }
}

/// That there is no such alert, or none for him.
pub(super) fn no_alert(alert: AlertId) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("there is no alert {alert}"))
}
