//! Commands about alerts, wherever these are at home.
//!
//! Owns the way of a command to who decides: the office for an alert of this station, its home station for a neighbour's; and who waits for an answer from
//! there. Nobody here changes a neighbour's record.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{
    hearer::{in_time, own},
    orders::Orders,
};
use crate::{
    alert::life::{NotDone, Verb},
    id::{AlertId, CommandId, EventId, StationId},
    mqtt::{
        ear::Age,
        payload::{AnswerData, CommandData, Letterhead},
    },
    neighbour::{Inbox, Letter, Post},
    time::{Clock, Wall},
};

/// How long the office may take for a command; then it is answered `expired`, and may still be done.
pub(super) const DONE_WITHIN: Duration = Duration::from_secs(20);
/// How long a neighbour's answer is waited for; and for as long the command is of use.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Commands that wait for neighbours' answers, at most.
const WAITING_MAX: usize = 32;

/// Gives commands to who decides. Cheap to clone.
#[derive(Clone)]
pub(super) struct Commands(Arc<Inner>);

struct Inner {
    orders: Orders,
    post: Post,
    /// Guards the outline of what neighbours told; held for a look.
    inbox: Arc<Mutex<Inbox>>,
    station: StationId,
    letterhead: Letterhead,
    clock: Clock,
    /// Guards who waits; held for a look.
    waiting: Mutex<HashMap<CommandId, Waiting>>,
}

struct Waiting {
    home: StationId,
    alert: AlertId,
    answer: oneshot::Sender<AnswerData>,
}

impl Commands {
    pub(super) fn new(
        orders: Orders,
        post: Post,
        inbox: Arc<Mutex<Inbox>>,
        station: StationId,
        letterhead: Letterhead,
        clock: Clock,
    ) -> Self {
        let waiting = Mutex::default();
        Self(Arc::new(Inner { orders, post, inbox, station, letterhead, clock, waiting }))
    }

    /// The neighbour at which an alert is at home.
    pub(super) fn home_of(&self, alert: AlertId) -> Option<StationId> {
        self.0.inbox.lock().unwrap_or_else(PoisonError::into_inner).home_of(alert).cloned()
    }

    /// Does what somebody of this station wants done, or says why not. Returns once it is durable at the alert's home, or nobody could say so in time.
    pub(super) async fn give(&self, alert: AlertId, verb: Verb, data: CommandData, age: Age) -> AnswerData {
        let id = data.id;
        let home = self.home_of(alert);
        let at_home = if home.is_none() { age } else { Age::Fresh };
        let command = own(data.clone(), alert, verb, &self.0.station);
        match (command.and_then(|command| in_time(command, at_home)), home) {
            (Err(not_done), _) => AnswerData::refused(id, &not_done),
            (Ok(command), None) => {
                timeout(DONE_WITHIN, self.0.orders.give(command)).await.unwrap_or_else(|_| {
                    expired(id, "the station could not do it in time; say it again with the same id")
                })
            }
            (Ok(command), Some(home)) => {
                let now = self.0.clock.now().wall;
                let is_void = match command.at {
                    Some(at) => at.after(ANSWERED_WITHIN) <= now,
                    None => age == Age::MayHaveWaited,
                };
                match is_void {
                    true => expired(id, "it was said too long ago, or does not say when"),
                    false => self.send(now, home, alert, verb, data).await,
                }
            }
        }
    }

    async fn send(
        &self,
        now: Wall,
        home: StationId,
        alert: AlertId,
        verb: Verb,
        mut data: CommandData,
    ) -> AnswerData {
        let id = data.id;
        data.actor.station = Some(self.0.station.clone());
        // It was said just now, and has a term: two stations' clocks need not agree.
        data.at = None;
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            waiting.retain(|_, waits| !waits.answer.is_closed());
            if waiting.len() >= WAITING_MAX {
                return expired(id, "too many commands wait for neighbouring stations; say it again later");
            }
            waiting.insert(id, Waiting { home: home.clone(), alert, answer });
        }
        let (kind, schema) = ("cunkou.command.alert.v1", "alert-command:1.0");
        let envelope = self.0.letterhead.envelope(EventId(id.0), now, kind, alert, schema, data);
        let below = format!("command/alert/{alert}/{}", verb.as_str());
        let letter = Letter::new(below, &envelope, now.after(ANSWERED_WITHIN));
        let sent_and_answered = async {
            self.0.post.send(&home, vec![letter], Vec::new()).await.map_err(|unsent| unsent.to_string())?;
            answered.await.map_err(|_| "it was said again meanwhile".to_owned())
        };
        let in_time = timeout(ANSWERED_WITHIN, sent_and_answered).await;
        self.waiting().retain(|_, waits| !waits.answer.is_closed());
        match in_time {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => expired(id, &why),
            Err(_) => expired(
                id,
                &format!(
                    "station {home}, whose alert it is, did not answer in time; say it again with the same id"
                ),
            ),
        }
    }

    /// A neighbour has answered. Whether somebody waited for it.
    pub(super) fn answered(&self, from: &StationId, mut answer: AnswerData) -> bool {
        let mut waiting = self.waiting();
        let is_for = |waits: &Waiting| waits.home == *from;
        if !waiting.get(&answer.command).is_some_and(is_for) {
            return false;
        }
        let Some(waits) = waiting.remove(&answer.command) else { return false };
        answer.alert = answer.alert.filter(|alert| alert.alert_id == waits.alert);
        if let Some(alert) = &mut answer.alert {
            alert.home = Some(from.clone());
        }
        waits.answer.send(answer).is_ok()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<CommandId, Waiting>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn expired(id: CommandId, why: &str) -> AnswerData {
    AnswerData::refused(id, &NotDone::Expired(why.to_owned()))
}
