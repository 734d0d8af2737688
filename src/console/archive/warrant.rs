//! Who asks and what for, and what is written down of it before anything is shown.
//!
//! Owns the four parameters, and how often a view is written down: playing asks for a film many times over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use serde_json::Value;

use super::{super::parameters::Parameters, Answer, Refusal, Rooms};
use crate::{
    evidence::{self, Act, Action, Actor, Evidence, EvidenceError, Purpose},
    time::Mono,
};

/// The same view by the same person for the same case is one, for so long.
const VIEW: Duration = Duration::from_secs(600);
/// Views that are remembered; then all are forgotten, and written down anew.
const VIEWS_MAX: usize = 10_000;

/// Who asks, and what for.
#[derive(Debug, Clone)]
pub(super) struct Warrant {
    pub(super) actor: Actor,
    pub(super) purpose: Purpose,
}

impl From<evidence::Refusal> for Refusal {
    fn from(refusal: evidence::Refusal) -> Self {
        Self(StatusCode::FORBIDDEN, refusal.words().to_string())
    }
}

impl Warrant {
    /// `who`, `unit`, `purpose` and `case`, all of which have to be there.
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Answer<Self> {
        let mut text = |name| Ok::<_, Refusal>(parameters.text(name)?.unwrap_or_default());
        let (who, unit, purpose, case) = (text("who")?, text("unit")?, text("purpose")?, text("case")?);
        Ok(Self { actor: Actor::new(who, unit)?, purpose: Purpose::new(purpose, case)? })
    }

    fn act(&self, action: Action, what: Value, results: Vec<String>) -> Act {
        Act { actor: self.actor.clone(), purpose: self.purpose.clone(), action, what, results }
    }
}

/// Views that were written down lately.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<String, Mono>>);

impl Views {
    /// Whether this one has to be written down.
    fn is_new(&self, view: String, now: Mono) -> bool {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= VIEWS_MAX {
            views.clear();
        }
        views.insert(view, now).is_none_or(|before| now.since(before) >= VIEW)
    }

    fn forget(&self, view: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(view);
    }
}

impl Rooms {
    /// Opens the evidence, where that was not done yet. To be called where blocking is allowed.
    pub(super) fn open_evidence(&self) -> impl FnOnce() -> Result<Evidence, EvidenceError> + Send + 'static {
        let (place, config, now) =
            (Arc::clone(&self.evidence), Arc::clone(&self.config), self.clock.now().wall);
        move || match place.get() {
            Some(open) => Ok(open.clone()),
            None => {
                let open = Evidence::open(&config.paths.data, &config.station.id, now)?;
                Ok(place.get_or_init(|| open).clone())
            }
        }
    }

    /// Writes down what is about to be shown. What cannot be written down is not shown.
    pub(super) async fn write_down(
        &self,
        warrant: &Warrant,
        action: Action,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        let (open, now) = (self.open_evidence(), self.clock.now().wall);
        let act = warrant.act(action, what, results);
        let write = move || Ok::<_, EvidenceError>(open()?.record(now, &act)?);
        let written = tokio::task::spawn_blocking(write).await;
        match written {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit log cannot be written: nothing is shown to anybody");
                Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
            }
            Err(panic) => Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string())),
        }
    }

    /// As [`Self::write_down`], for a view: once in a while.
    pub(super) async fn write_view(
        &self,
        warrant: &Warrant,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        let (actor, purpose) = (&warrant.actor, &warrant.purpose);
        let view = format!("{actor:?} {purpose:?} {what}");
        if !self.views.is_new(view.clone(), self.clock.now().mono) {
            return Ok(());
        }
        let written = self.write_down(warrant, Action::View, what, results).await;
        if written.is_err() {
            self.views.forget(&view);
        }
        written
    }
}
