//! What neighbours' people want done with alerts of this station.
//!
//! Owns whose they are: the station is the one whose topic it is, whatever they say. What may be done is the office's; who was not sent an alert
//! learns nothing of it, nor whether there is one.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::timeout;

use super::{Errand, Neighbours, said};
use crate::{
    alert::life::{NotDone, Verb},
    daemon::{abroad::DONE_WITHIN, hearer::in_time},
    id::{AlertId, StationId},
    mqtt::{
        ear::{Ack, Letter as Incoming},
        payload::{AnswerData, CommandData},
    },
    neighbour::{Letter, Unsent, entry},
};

/// How long an answer is of use.
const ANSWER_VOID_AFTER: Duration = Duration::from_secs(60);

impl Neighbours {
    /// A command on `command/{rest}`. What comes back is done once the answer is promised.
    pub(super) async fn visitor(
        &mut self,
        from: &StationId,
        rest: &str,
        letter: Incoming,
        ack: Ack,
    ) -> Result<Option<Errand>, Unsent> {
        let read = read(rest)
            .and_then(|(alert, verb)| Ok((alert, verb, said::<CommandData>(from, &letter.payload)?)));
        let (alert, verb, mut data) = match read {
            Ok(read) => read,
            Err(why) => {
                self.void.tell(&format!("{}: {why}", letter.topic.escape_debug()));
                ack.give();
                return Ok(None);
            }
        };
        let id = data.id;
        data.actor.station = Some(from.clone());
        let shared = entry::shared_key(from, alert);
        let end = shared.iter().copied().chain([0]).collect();
        let is_shared = !self.desk.range(shared, end, 1).await?.is_empty();
        let command = match is_shared {
            true => data.command(alert, verb).and_then(|command| in_time(command, letter.age)),
            false => Err(NotDone::Forbidden(
                "no such alert was shared with your station, or it is over".to_owned(),
            )),
        };
        let event = self.mint.event(self.clock.now().wall);
        let (orders, post, letterhead) = (self.orders.clone(), self.post.clone(), self.letterhead.clone());
        let (clock, from) = (self.clock, from.clone());
        let errand = async move {
            let mut answer = match command {
                Ok(command) => timeout(DONE_WITHIN, orders.give(command)).await.unwrap_or_else(|_| {
                    let why = "the station could not do it in time; say it again with the same id";
                    AnswerData::refused(id, &NotDone::Expired(why.to_owned()))
                }),
                Err(not_done) => AnswerData::refused(id, &not_done),
            };
            if let Some(alert) = &mut answer.alert {
                // Its picture came with the alert; a recording is asked for.
                alert.snapshot = None;
                if let Some(clip) = &mut alert.clip {
                    clip.url = None;
                }
            }
            let now = clock.now().wall;
            let kind = "cunkou.command.answer.v1";
            let envelope = letterhead.envelope(event, now, kind, alert, "command-answer:1.0", answer);
            let letter = Letter::new(format!("answer/{id}"), &envelope, now.after(ANSWER_VOID_AFTER));
            match post.send(&from, vec![letter], Vec::new()).await {
                Ok(()) => ack.give(),
                // Not acknowledged, it comes again, and is known by its id.
                Err(unsent) => tracing::warn!(neighbour = %from, %unsent, "an answer could not be promised"),
            }
        };
        Ok(Some(errand.boxed()))
    }
}

/// Reads `alert/{alert}/{verb}`.
fn read(rest: &str) -> Result<(AlertId, Verb), String> {
    let mut levels = rest.split('/');
    let (Some("alert"), Some(alert), Some(verb), None) =
        (levels.next(), levels.next(), levels.next(), levels.next())
    else {
        return Err("it is not command/alert/{alert}/{verb}".to_owned());
    };
    let alert = alert.parse().map_err(|_| "it names no alert".to_owned())?;
    let verb = Verb::ALL.into_iter().find(|known| known.as_str() == verb).ok_or("there is no such verb")?;
    Ok((alert, verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_from_its_topic() {
        let id = "01KKS9XZ4BXW3E2R1T0Y9V8K7J";
        assert_eq!(read(&format!("alert/{id}/claim")), Ok((id.parse().expect("an id"), Verb::Claim)));
        for bad in ["alert", "alert/x/claim", "post/x/claim"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("alert/{id}/delete")).is_err());
        assert!(read(&format!("alert/{id}/claim/more")).is_err());
    }
}
