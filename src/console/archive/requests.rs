//! Clips of neighbouring stations: asked for, granted, refused, and fetched with a secret.
//!
//! Owns what has to be said for it and what is written down of it, at both stations. What is on record of requests, and the letters about them, are [`crate::neighbour::requests`]'s.
//! Nothing about a secret is logged.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Answer, Refusal, Rooms, Visitor, film, fresh, in_time,
    warrant::{Said, Warrant},
};
use crate::{
    evidence::{Action, Actor, Purpose},
    id::{AlertId, ClipId, RequestId, StationId},
    mqtt::payload::{ByData, ClipAnswerData, ClipRequestData},
    neighbour::{
        Secret, Unsent,
        requests::{Decision, Request, Verdict, Way},
    },
};

/// Longest reason, characters.
const WHY_MAX: usize = 500;

/// A request, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    alert: AlertId,
    #[serde(default)]
    who: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    case: String,
}

/// A decision, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    grant: bool,
    #[serde(default)]
    who: String,
    #[serde(default)]
    unit: String,
    why: String,
}

/// A request, as it is shown.
#[derive(Debug, Serialize)]
struct RequestData {
    way: Way,
    neighbour: StationId,
    #[serde(flatten)]
    wanted: ClipRequestData,
    asked_at: String,
    /// Null until there is one.
    answer: Option<ClipAnswerData>,
}

impl From<Request> for RequestData {
    fn from(request: Request) -> Self {
        let Request { way, neighbour, wanted, asked_at, answer } = request;
        Self { way, neighbour, wanted, asked_at: asked_at.to_string(), answer }
    }
}

impl From<Unsent> for Refusal {
    fn from(unsent: Unsent) -> Self {
        let status = match unsent {
            Unsent::Stranger(_) => StatusCode::CONFLICT,
            Unsent::TooLarge(_) => StatusCode::BAD_REQUEST,
            Unsent::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, unsent.to_string())
    }
}

pub(super) async fn list(State(rooms): State<Arc<Rooms>>) -> Answer<Response> {
    let requests = in_time(rooms.requests.list()).await?;
    Ok(fresh(requests.into_iter().map(RequestData::from).collect::<Vec<_>>()))
}

pub(super) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Json(wanted): Json<Wanted>,
) -> Answer<Response> {
    let Wanted { alert, who, unit, purpose, case } = &wanted;
    let warrant = Warrant::of(&visitor, Said { who, unit, purpose, case })?;
    let alert = *alert;
    let found = in_time(rooms.alerts.alert(alert)).await?;
    let home =
        found.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("there is no alert {alert}")))?.home;
    let home = home.ok_or_else(|| {
        let words = format!("alert {alert} is this station's own: see /api/v1/clips/{alert}");
        Refusal(StatusCode::CONFLICT, words)
    })?;
    let request_id = rooms.requests.id();
    let what = json!({ "alert": alert, "station": home });
    rooms.write_down(&warrant, Action::ClipAsked, what, vec![request_id.to_string()]).await?;
    let wanted = ClipRequestData {
        request_id,
        alert_id: alert,
        who: warrant.actor.who().to_owned(),
        unit: warrant.actor.unit().to_owned(),
        purpose: warrant.purpose.purpose().to_owned(),
        case: warrant.purpose.case().to_owned(),
    };
    let asked = in_time(rooms.requests.ask(home, wanted)).await?;
    Ok((StatusCode::CREATED, fresh(RequestData::from(asked))).into_response())
}

pub(super) async fn answer(
    State(rooms): State<Arc<Rooms>>,
    Path(id): Path<RequestId>,
    visitor: Visitor,
    Json(decided): Json<Decided>,
) -> Answer<Response> {
    let Decided { grant, who, unit, why } = decided;
    let actor = visitor.actor(&who, &unit)?;
    let by = ByData { who: actor.who().to_owned(), unit: actor.unit().to_owned() };
    if why.chars().count() > WHY_MAX {
        return Err(Refusal(StatusCode::BAD_REQUEST, format!("why is longer than {WHY_MAX} characters")));
    }
    let request = in_time(rooms.requests.one(id)).await?;
    let request = request.ok_or_else(|| {
        Refusal(StatusCode::NOT_FOUND, format!("no neighbouring station has asked for a clip as {id}"))
    })?;
    let answered = || Refusal(StatusCode::CONFLICT, "it was answered already".to_owned());
    if request.answer.is_some() {
        return Err(answered());
    }
    let wanted = &request.wanted;
    // What for is the other station's to say; that it was looked at is ours.
    let warrant = Warrant { actor, purpose: Purpose::of_record(&wanted.purpose, Some(&wanted.case))? };
    let verdict = match grant {
        true => rooms.granted(wanted.alert_id).await?,
        false => Verdict::Refused,
    };
    let what = json!({
        "alert": wanted.alert_id, "station": request.neighbour, "for": { "who": wanted.who, "unit": wanted.unit },
        "grant": grant, "why": why,
    });
    rooms.write_down(&warrant, Action::ClipAnswered, what, vec![id.to_string()]).await?;
    let is_unreachable = matches!(verdict, Verdict::Granted { at: None, .. });
    let words = "this station has no address for neighbours: ask there how to get the film";
    let why = match (why.trim(), is_unreachable) {
        ("", false) => None,
        ("", true) => Some(words.to_owned()),
        (why, false) => Some(why.to_owned()),
        (why, true) => Some(format!("{why} ({words})")),
    };
    let decision = Decision { by, why, verdict };
    let done = in_time(rooms.requests.answer(&request.neighbour, id, decision)).await?;
    Ok(fresh(RequestData::from(done.ok_or_else(answered)?)))
}

/// One clip, with the secret that is good for it.
pub(super) async fn shared(
    State(rooms): State<Arc<Rooms>>,
    Path(secret): Path<String>,
    asked: HeaderMap,
) -> Answer<Response> {
    let nothing = || Refusal(StatusCode::NOT_FOUND, "there is nothing here, or not any more".to_owned());
    let secret = Secret::read(&secret).ok_or_else(nothing)?;
    let grant = in_time(rooms.requests.grant(&secret)).await?.ok_or_else(nothing)?;
    let found = in_time(rooms.archive.catalog().film(&grant.camera, grant.from, grant.to)).await?;
    let wanted = &grant.request;
    let warrant = Warrant {
        actor: Actor::new(&wanted.who, &wanted.unit)?,
        purpose: Purpose::of_record(&wanted.purpose, Some(&wanted.case))?,
    };
    let what = json!({
        "camera": grant.camera, "from": grant.from.to_string(), "to": grant.to.to_string(), "station": grant.neighbour,
    });
    rooms.write_down(&warrant, Action::ClipFetched, what, vec![wanted.request_id.to_string()]).await?;
    let name = format!("{}-{}", grant.camera, wanted.alert_id);
    Ok(film::respond(found, &name, &asked))
}

impl Rooms {
    /// The film of an alert, as it is granted.
    async fn granted(&self, alert: AlertId) -> Answer<Verdict> {
        let scene = self.scene(ClipId(alert.0)).await?;
        let film = in_time(self.archive.catalog().film(&scene.camera, scene.from, scene.to)).await?;
        let broken = |why: String| Refusal(StatusCode::INTERNAL_SERVER_ERROR, why);
        let hash = tokio::task::spawn_blocking(move || film.sha256()).await;
        let hash =
            hash.map_err(|panic| broken(panic.to_string()))?.map_err(|error| broken(error.to_string()))?;
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let at = match &self.config.console.address {
            Some(address) => {
                let secret = Secret::new().map_err(|error| broken(error.to_string()))?;
                Some((secret, address.as_str().to_owned()))
            }
            None => None,
        };
        Ok(Verdict::Granted { at, camera: scene.camera, from: scene.from, to: scene.to, sha256 })
    }
}
