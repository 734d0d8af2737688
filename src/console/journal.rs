//! What is written down of those who ask, before they are answered.
//!
//! Owns the way to the station's evidence, and how often the same view is written down: playing asks for a film many times over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use serde_json::Value;

use super::answer::{Answer, Refusal};
use crate::{
    config::Config,
    evidence::{Act, Action, Actor, Evidence, EvidenceError, Purpose},
    time::{Clock, Mono},
};

/// The same view by the same person for the same case is one, for so long.
const VIEW: Duration = Duration::from_secs(600);
/// Views that are remembered; then all are forgotten, and written down anew.
const VIEWS_MAX: usize = 10_000;

/// The way to the audit log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Where it could not be opened, it is tried again for whoever asks.
    evidence: Arc<OnceLock<Evidence>>,
    config: Arc<Config>,
    clock: Clock,
    /// What was written down lately. Guards the map, for a moment.
    views: Arc<Mutex<HashMap<String, Mono>>>,
}

impl Journal {
    /// The station's; `evidence` where it is open already.
    pub fn new(evidence: Option<Evidence>, config: Arc<Config>, clock: Clock) -> Self {
        let evidence = Arc::new(evidence.map_or_else(OnceLock::new, OnceLock::from));
        Self { evidence, config, clock, views: Arc::default() }
    }

    /// Opens the evidence, where that was not done yet. To be called where blocking is allowed.
    pub(crate) fn opener(&self) -> impl FnOnce() -> Result<Evidence, EvidenceError> + Send + 'static {
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

    /// Writes down what is about to be done. What cannot be written down is not done, and nothing is shown.
    pub(super) async fn write_down(
        &self,
        actor: &Actor,
        purpose: &Purpose,
        action: Action,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        let (open, now) = (self.opener(), self.clock.now().wall);
        let act = Act { actor: actor.clone(), purpose: purpose.clone(), action, what, results };
        let write = move || Ok::<_, EvidenceError>(open()?.record(now, &act)?);
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit log cannot be written: nothing is shown to anybody");
                Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
            }
            Err(panic) => Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string())),
        }
    }

    /// As [`Self::write_down`], once in a while where the same comes again and again.
    pub(super) async fn write_once(
        &self,
        actor: &Actor,
        purpose: &Purpose,
        action: Action,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        let view = format!("{actor:?} {purpose:?} {action} {what}");
        if !self.is_new(view.clone()) {
            return Ok(());
        }
        let written = self.write_down(actor, purpose, action, what, results).await;
        if written.is_err() {
            self.views.lock().unwrap_or_else(PoisonError::into_inner).remove(&view);
        }
        written
    }

    fn is_new(&self, view: String) -> bool {
        let now = self.clock.now().mono;
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= VIEWS_MAX {
            views.clear();
        }
        views.insert(view, now).is_none_or(|before| now.since(before) >= VIEW)
    }
}
