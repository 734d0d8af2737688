//! Alerts over HTTP: which there are, and what somebody wants done with one (`docs/ref/openapi.json`).
//!
//! Owns the paths, the question for a page of alerts and how an answer becomes a status. What a command does is the office's; it is the same over MQTT.
//!
//! A page elsewhere can make a browser send a form here, but not JSON without asking first, which is refused: so a command has to say that it is JSON.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::time::timeout;

use super::parameters::{BadQuestion, Parameters, in_order};
use crate::{
    alert::{
        Kind, Severity,
        life::{NotDone, Verb},
    },
    id::{AlertId, CameraId, CommandId, Mint},
    mqtt::{
        ear::PAYLOAD_LEN_MAX,
        payload::{AlertData, AlertState, AnswerData, AnswerResult, CommandData, UnreadData},
    },
    store::Refused,
    time::{Clock, Wall},
};

/// Alerts on a page, at most, and where nothing else is asked for.
const PAGE_MAX: usize = 1000;
const PAGE_USUAL: usize = 100;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a command may take: a neighbouring station has 30 s.
const DONE_WITHIN: Duration = Duration::from_secs(35);

/// Alerts on record, and the way to whoever can change them.
pub trait Alerts: Send + Sync {
    /// The alert as it was last told.
    fn alert(&self, id: AlertId) -> BoxFuture<'_, Result<Option<AlertData>, Refused>>;
    /// Those of a camera that occurred in `from..to`, oldest first.
    fn alerts(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
    ) -> BoxFuture<'_, Result<Vec<AlertData>, Refused>>;
    /// Shows all that were raised in `from..to` to `visit`, oldest first.
    fn each<'a>(
        &'a self,
        from: Wall,
        to: Wall,
        visit: &'a mut (dyn FnMut(AlertData) + Send),
    ) -> BoxFuture<'a, Result<(), Refused>>;
    /// A page of alerts, newest first.
    fn page(&self, question: AlertQuestion) -> BoxFuture<'_, Result<AlertPage, Refused>>;
    /// Does what somebody of this station wants done, or says why not. Returns once it is durable.
    fn order(&self, alert: AlertId, verb: Verb, command: CommandData) -> BoxFuture<'_, AnswerData>;
}

/// Which alerts. An empty list fits any.
#[derive(Debug, Clone, Default)]
pub struct AlertQuestion {
    /// Where they stand.
    pub states: Vec<AlertState>,
    /// How bad.
    pub severities: Vec<Severity>,
    /// Of which kinds.
    pub kinds: Vec<Kind>,
    /// Of which cameras.
    pub cameras: Vec<CameraId>,
    /// Raised at this time or later.
    pub from: Option<Wall>,
    /// Raised before this time.
    pub to: Option<Wall>,
    /// Older than this one: the last one of the page before.
    pub after: Option<AlertId>,
    /// At most so many.
    pub limit: usize,
}

impl AlertQuestion {
    /// Whether an alert is wanted, its time aside.
    pub fn fits(&self, alert: &AlertData) -> bool {
        (self.states.is_empty() || self.states.contains(&alert.state))
            && (self.severities.is_empty() || self.severities.contains(&alert.severity))
            && (self.kinds.is_empty() || self.kinds.contains(&alert.kind))
            && (self.cameras.is_empty() || self.cameras.contains(&alert.camera.id))
    }
}

/// A page of alerts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertPage {
    /// Newest first.
    pub alerts: Vec<AlertData>,
    /// What to ask for as `after` to go on; `None` at the end.
    pub next: Option<AlertId>,
}

#[derive(Clone)]
struct Counter {
    alerts: Arc<dyn Alerts>,
    clock: Clock,
    /// Guards the mint for the moment of minting.
    mint: Arc<Mutex<Mint>>,
}

/// Every path of alerts.
pub(super) fn router(alerts: Arc<dyn Alerts>, clock: Clock) -> Router {
    let mint = Arc::new(Mutex::new(Mint::from_os()));
    Router::new()
        .route("/api/v1/alerts", get(page))
        .route("/api/v1/alerts/{alert}", get(one))
        .route("/api/v1/alerts/{alert}/{verb}", post(order))
        .layer(DefaultBodyLimit::max(PAYLOAD_LEN_MAX))
        .with_state(Counter { alerts, clock, mint })
}

async fn page(State(counter): State<Counter>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    match ask(&pairs) {
        Ok(question) => read(counter.alerts.page(question), |page| fresh(StatusCode::OK, page)).await,
        Err(bad) => (StatusCode::BAD_REQUEST, format!("{bad}\n")).into_response(),
    }
}

async fn one(State(counter): State<Counter>, Path(alert): Path<AlertId>) -> Response {
    read(counter.alerts.alert(alert), |found| match found {
        Some(alert) => fresh(StatusCode::OK, alert),
        None => (StatusCode::NOT_FOUND, "there is no such alert\n").into_response(),
    })
    .await
}

async fn order(
    State(counter): State<Counter>,
    Path((alert, verb)): Path<(AlertId, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(verb) = Verb::ALL.into_iter().find(|known| known.as_str() == verb) else {
        return (StatusCode::NOT_FOUND, "there is no such verb\n").into_response();
    };
    if !is_json(&headers) {
        let words = "send it as content-type: application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    }
    let id = counter.command();
    let command = match CommandData::read(&body, Some(id)) {
        Ok(command) => command,
        Err(why) => return fresh(StatusCode::BAD_REQUEST, UnreadData::new(why)),
    };
    let id = command.id;
    let answer = timeout(DONE_WITHIN, counter.alerts.order(alert, verb, command)).await;
    let answer = answer.unwrap_or_else(|_| {
        let why = "the station could not do it in time; say it again with the same id";
        AnswerData::refused(id, &NotDone::Expired(why.to_owned()))
    });
    let status = match answer.result {
        AnswerResult::Ok => StatusCode::OK,
        AnswerResult::Conflict => StatusCode::CONFLICT,
        AnswerResult::Forbidden => StatusCode::FORBIDDEN,
        AnswerResult::Invalid => StatusCode::BAD_REQUEST,
        AnswerResult::Expired => StatusCode::GONE,
    };
    fresh(status, answer)
}

impl Counter {
    fn command(&self) -> CommandId {
        self.mint.lock().unwrap_or_else(PoisonError::into_inner).command(self.clock.now().wall)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/cloudevents+json"].iter().any(|json| media.eq_ignore_ascii_case(json))
}

/// The store's thread reads in between of its writes: an answer may wait for it.
async fn read<T>(answer: BoxFuture<'_, Result<T, Refused>>, show: impl FnOnce(T) -> Response) -> Response {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => show(answer),
        Ok(Err(refused)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{refused}\n")).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store takes too long\n").into_response(),
    }
}

fn fresh<T: Serialize>(status: StatusCode, answer: T) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// What `state` may be asked for: a state, or all that are open or closed.
const STATES: [(&str, &[AlertState]); 9] = [
    ("open", &[AlertState::Raised, AlertState::Acknowledged, AlertState::Escalated, AlertState::Claimed]),
    ("closed", &[AlertState::Resolved, AlertState::Dismissed, AlertState::Expired]),
    ("raised", &[AlertState::Raised]),
    ("acknowledged", &[AlertState::Acknowledged]),
    ("escalated", &[AlertState::Escalated]),
    ("claimed", &[AlertState::Claimed]),
    ("resolved", &[AlertState::Resolved]),
    ("dismissed", &[AlertState::Dismissed]),
    ("expired", &[AlertState::Expired]),
];

fn ask(pairs: &[(String, String)]) -> Result<AlertQuestion, BadQuestion> {
    let mut parameters = Parameters::new(pairs);
    let states = parameters.words("state", &STATES, |(word, _)| word)?;
    let question = AlertQuestion {
        states: states.into_iter().flat_map(|(_, states)| states.iter().copied()).collect(),
        severities: parameters.words("severity", &Severity::ALL, Severity::as_str)?,
        kinds: parameters.words("kind", &Kind::ALL, Kind::as_str)?,
        cameras: parameters.values("camera")?,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        after: parameters.value("after")?,
        limit: parameters.number("limit", 1, PAGE_MAX)?.unwrap_or(PAGE_USUAL),
    };
    parameters.finish()?;
    in_order(question.from, question.to)?;
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<AlertQuestion, String> {
        let owned: Vec<_> = pairs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        ask(&owned).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_question_for_alerts_is_read_or_refused_in_words() {
        let question = asked(&[("state", "open"), ("severity", "critical,major"), ("camera", "a")]);
        let question = question.expect("well asked");
        assert_eq!((question.states.len(), question.severities.len(), question.limit), (4, 2, PAGE_USUAL));
        assert!(question.states.iter().all(|state| !state.is_closed()));
        let closed = asked(&[("state", "closed")]).expect("well asked").states;
        assert!(closed.iter().all(|state| state.is_closed()) && closed.len() == 3);
        for (pair, word) in [
            (("state", "ended"), "none of open, closed, raised"),
            (("severity", "bad"), "none of info"),
            (("kind", "rain"), "none of line-cross"),
            (("after", "nine"), "after=nine"),
            (("limit", "0"), "from 1 to 1000"),
            (("sort", "up"), "use state, severity"),
        ] {
            let refused = asked(&[pair]).expect_err(word);
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn a_form_of_another_page_is_no_command() {
        let says = |media: &str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, media.parse().expect("a value"))]))
        };
        assert!(says("application/json") && says("Application/JSON; charset=utf-8"));
        for form in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain; application/json",
        ] {
            assert!(!says(form), "{form}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
