//! Buttons and sensors, over HTTP: pressing a button, and who has not been heard of.
//!
//! Owns the two paths and how their answers are spelt (`docs/ref/openapi.json`). What a press leads to is decided elsewhere.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::time::timeout;

use super::{Console, answer::fresh, visitor::Visitor};
use crate::{
    alert::Earnest,
    config::Name,
    device::{ButtonWord, Device, Standing},
    id::{AlertId, ButtonId},
    store::Refused,
};

/// How long the store may take to promise a call.
const PROMISE_WITHIN: Duration = Duration::from_secs(10);

/// Buttons and sensors.
pub trait DeviceRoom: Send + Sync {
    /// A button spoke. Returns once the alert is promised: which, or `None` where it was a sign of life or a repeat.
    fn press(&self, id: ButtonId, word: ButtonWord) -> BoxFuture<'_, Result<Option<AlertId>, NotPressed>>;
    /// How all of them are.
    fn standings(&self) -> BoxFuture<'_, Result<Vec<Standing>, NotPressed>>;
}

/// Why a press, or a question, leads to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotPressed {
    /// There is no such device.
    #[error("there is no {0} in the configuration")]
    Unknown(Device),
    /// It is not promised: press again.
    #[error("the call is not on record: {0}; press again")]
    NotKept(Refused),
    /// The daemon is stopping.
    #[error("the station is stopping; press again")]
    Stopped,
}

impl IntoResponse for NotPressed {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NotKept(_) | Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{self}\n")).into_response()
    }
}

#[derive(Debug, Serialize)]
struct Pressed {
    /// The alert of the call; `null` where nothing new follows.
    alert: Option<AlertId>,
}

/// A device, as it is listed.
#[derive(Debug, Serialize)]
struct DeviceData {
    kind: &'static str,
    id: String,
    name: Name,
    last_seen: Option<String>,
    overdue: bool,
    drill: bool,
}

impl From<Standing> for DeviceData {
    fn from(standing: Standing) -> Self {
        Self {
            kind: standing.device.kind(),
            id: standing.device.id().to_owned(),
            name: standing.name,
            last_seen: standing.seen.map(|at| at.to_string()),
            overdue: standing.is_overdue,
            drill: standing.earnest == Earnest::Drill,
        }
    }
}

/// A button has no account, and nobody is kept from calling for help by what the body looks like. A page of somebody else's presses none: that is refused for every
/// path ([`super::guard`]).
pub(super) async fn press(State(console): State<Console>, Path(id): Path<String>, body: Bytes) -> Response {
    let Ok(id) = id.parse::<ButtonId>() else {
        return (StatusCode::NOT_FOUND, "that is no id of a button\n").into_response();
    };
    let word = ButtonWord::read(None, &body).expect("a button's own address is one");
    match timeout(PROMISE_WITHIN, console.devices.press(id, word)).await {
        Ok(Ok(alert)) => fresh(Pressed { alert }),
        Ok(Err(why)) => why.into_response(),
        Err(_) => {
            let why = "the store takes too long; the call is told as soon as it can be\n";
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}

pub(super) async fn list(State(console): State<Console>, visitor: Visitor) -> Response {
    match timeout(PROMISE_WITHIN, console.devices.standings()).await {
        Ok(Ok(standings)) => {
            let seen = standings.into_iter().filter(|it| console.access.sees_device(&visitor, &it.device));
            fresh(seen.map(DeviceData::from).collect::<Vec<DeviceData>>())
        }
        Ok(Err(why)) => why.into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "it takes too long\n").into_response(),
    }
}
