//! Alerts over HTTP: which there are, and what somebody wants done with one (`docs/ref/openapi.json`).
//!
//! Owns the paths, the question for a page of alerts and how an answer becomes a status. What a command does is the office's; it is the same over MQTT.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    answer::{Answer, Pairs, fresh, in_time, no_alert},
    guarded::Guarded,
    parameters::{BadQuestion, Parameters, in_order},
    visitor::Visitor,
};
use crate::{
    account::Permission,
    alert::{
        Kind, Severity,
        life::{Actor, NotDone, Verb},
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

/// Of which stations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// Of this one and its neighbours.
    #[default]
    Anybodys,
    /// Of this one.
    Own,
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
    /// Of which stations.
    pub whose: Whose,
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
            && (self.whose == Whose::Anybodys || alert.home.is_none())
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

/// Where questions and wishes are taken.
#[derive(Clone)]
pub(super) struct Counter {
    alerts: Arc<dyn Alerts>,
    clock: Clock,
    /// Guards the mint for the moment of minting.
    mint: Arc<Mutex<Mint>>,
}

/// Every path of alerts.
pub(super) fn routes() -> Guarded<Counter> {
    Guarded::new()
        .get("/api/v1/alerts", Permission::Alerts, page)
        .get("/api/v1/alerts/{alert}", Permission::Alerts, one)
        .post("/api/v1/alerts/{alert}/{verb}", Permission::Answer, order)
        .body_max(PAYLOAD_LEN_MAX)
}

async fn page(State(counter): State<Counter>, visitor: Visitor, Query(pairs): Pairs) -> Answer<Response> {
    let mut question = ask(&pairs)?;
    if let Some(cameras) = visitor.sight().narrow(std::mem::take(&mut question.cameras)) {
        if cameras.is_empty() {
            return Ok(fresh(AlertPage { alerts: Vec::new(), next: None }));
        }
        question.cameras = cameras;
    }
    if !visitor.sight().is_everything() {
        question.whose = Whose::Own;
    }
    let AlertPage { alerts, next } = in_time(counter.alerts.page(question)).await?;
    let alerts = alerts.into_iter().filter_map(|alert| visitor.shown(alert)).collect();
    Ok(fresh(AlertPage { alerts, next }))
}

async fn one(
    State(counter): State<Counter>,
    visitor: Visitor,
    Path(alert): Path<AlertId>,
) -> Answer<Response> {
    Ok(fresh(counter.seen(alert, &visitor).await?))
}

async fn order(
    State(counter): State<Counter>,
    Path((alert, verb)): Path<(AlertId, String)>,
    visitor: Visitor,
    body: Bytes,
) -> Answer<Response> {
    let Some(verb) = Verb::ALL.into_iter().find(|known| known.as_str() == verb) else {
        return Ok((StatusCode::NOT_FOUND, "there is no such verb\n").into_response());
    };
    if !visitor.sight().is_everything() {
        counter.seen(alert, &visitor).await?;
    }
    // Who has an account is who he is, whatever he says.
    let proven = visitor.as_person().map(|person| Actor {
        who: person.actor.who().to_owned(),
        unit: person.actor.unit().to_owned(),
        station: None,
    });
    let id = counter.command();
    let command = match CommandData::read_of(&body, Some(id), proven.as_ref()) {
        Ok(command) => command,
        Err(why) => return Ok((StatusCode::BAD_REQUEST, fresh(UnreadData::new(why))).into_response()),
    };
    let id = command.id;
    let answer = timeout(DONE_WITHIN, counter.alerts.order(alert, verb, command)).await;
    let mut answer = answer.unwrap_or_else(|_| {
        let why = "the station could not do it in time; say it again with the same id";
        AnswerData::refused(id, &NotDone::Expired(why.to_owned()))
    });
    answer.alert = answer.alert.and_then(|alert| visitor.shown(alert));
    let status = match answer.result {
        AnswerResult::Ok => StatusCode::OK,
        AnswerResult::Conflict => StatusCode::CONFLICT,
        AnswerResult::Forbidden => StatusCode::FORBIDDEN,
        AnswerResult::Invalid => StatusCode::BAD_REQUEST,
        AnswerResult::Expired => StatusCode::GONE,
    };
    Ok((status, fresh(answer)).into_response())
}

impl Counter {
    pub(super) fn new(alerts: Arc<dyn Alerts>, clock: Clock) -> Self {
        Self { alerts, clock, mint: Arc::new(Mutex::new(Mint::from_os())) }
    }

    /// An alert that exists for a visitor.
    async fn seen(&self, id: AlertId, visitor: &Visitor) -> Answer<AlertData> {
        let found = in_time(self.alerts.alert(id)).await?;
        found.and_then(|alert| visitor.shown(alert)).ok_or_else(|| no_alert(id))
    }

    fn command(&self) -> CommandId {
        self.mint.lock().unwrap_or_else(PoisonError::into_inner).command(self.clock.now().wall)
    }
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
        whose: Whose::Anybodys,
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
}
