//! Whoever hears what comes in over MQTT, and passes it on.
//!
//! Owns the way from a message to whom it is for, and the way back for its answer: commands go to the office, posts that come and go to the clerk's duty
//! list, buttons and sensors to those who know devices, what neighbours say to those who know neighbours. What follows from it is theirs. A message is
//! acknowledged when they say so; a command, once its effect is durable or it was refused.

use std::time::Duration;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::abroad::Commands;
use crate::{
    alert::life::{Command, NotDone, Verb},
    config::Station,
    duty::Presence,
    id::{AlertId, Mint, PostId, StationId},
    metrics::{Metrics, OfMatter},
    mqtt::{
        ear::{Ack, Age, Answer, Heard, Letter, Matter, Reply},
        payload::{AnswerData, CONTENT_TYPE, CommandData, Letterhead, UnreadData},
    },
    store::Message,
    time::Clock,
};

/// Commands that are with the office or with a neighbour, at most; then what comes waits at the broker.
const GIVEN_MAX: usize = 64;
/// Messages that wait for those who know devices, or neighbours, at most; then all that is heard waits.
const PASSED_ON_MAX: usize = 256;
/// Of these, kept free of what wants no acknowledgement.
const PASSED_ON_ACKED: usize = 160;
/// How long an answer is of use.
const ANSWER_EXPIRY: Duration = Duration::from_secs(30);
/// How often it is told that messages are void.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Where what is heard goes, but for commands.
#[derive(Debug)]
pub(super) struct Listeners {
    /// Posts that come and go.
    pub(super) presence: mpsc::Sender<(PostId, Presence)>,
    /// [`Matter::Button`] and [`Matter::Sensor`].
    pub(super) devices: mpsc::Sender<Heard>,
    /// [`Matter::FromNeighbour`].
    pub(super) neighbours: mpsc::Sender<Heard>,
}

/// A way to those who know devices, or neighbours. Where the other end is dropped, what is for them is void, and counted.
pub(super) fn listener() -> (mpsc::Sender<Heard>, mpsc::Receiver<Heard>) {
    mpsc::channel(PASSED_ON_MAX)
}

/// Hears, and passes on.
pub(super) struct Hearer {
    commands: Commands,
    listeners: Listeners,
    answers: mpsc::Sender<Answer>,
    metrics: Metrics,
    clock: Clock,
    station: StationId,
    letterhead: Letterhead,
    mint: Mint,
    void: Void,
}

/// What is owed for a message whose answer is known.
struct Answered {
    alert: AlertId,
    answer: AnswerData,
    reply: Option<Reply>,
    ack: Ack,
}

impl Hearer {
    /// Of a station.
    pub(super) fn new(
        station: &Station,
        commands: Commands,
        listeners: Listeners,
        answers: mpsc::Sender<Answer>,
        metrics: Metrics,
        clock: Clock,
    ) -> Self {
        Self {
            commands,
            listeners,
            answers,
            metrics,
            clock,
            station: station.id.clone(),
            letterhead: Letterhead::of(&station.id, &station.node),
            mint: Mint::from_os(),
            void: Void::default(),
        }
    }

    /// Hears until `stop`; then waits for the answers to what was given to the office. What was not heard by then is heard after the next start.
    pub(super) async fn run(mut self, mut heard: mpsc::Receiver<Heard>, stop: CancellationToken) {
        let mut given: FuturesUnordered<BoxFuture<'static, Answered>> = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // First, so that commands reach the office in the order in which they came.
                Some(answered) = given.next() => self.answer(answered).await,
                next = heard.recv(), if given.len() < GIVEN_MAX => match next {
                    Some(next) => tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        order = self.hear(next) => given.extend(order),
                    },
                    None => break,
                },
            }
        }
        drop(heard);
        while let Some(answered) = given.next().await {
            self.answer(answered).await;
        }
    }

    /// Passes a message on. What the office has to answer is returned.
    async fn hear(&mut self, heard: Heard) -> Option<BoxFuture<'static, Answered>> {
        self.metrics.heard.get_or_create(&OfMatter { matter: heard.matter.as_str() }).inc();
        match heard.matter {
            Matter::Command { alert, verb } => {
                return self.command(alert, verb, heard.letter, heard.ack).await;
            }
            Matter::Post(post) => match Presence::read(&heard.letter.payload) {
                Some(presence) => {
                    // The office outlives us, but for a panic; and a post says it again.
                    let _ = self.listeners.presence.send((post, presence)).await;
                    heard.ack.give();
                }
                None => {
                    let why =
                        format!("{}: a post is `online` or `offline`", heard.letter.topic.escape_debug());
                    self.void(why, heard.letter.reply, heard.ack).await;
                }
            },
            Matter::Button { .. } | Matter::Sensor { .. } => self.pass_on(|l| &l.devices, heard).await,
            Matter::FromNeighbour { .. } => self.pass_on(|l| &l.neighbours, heard).await,
            Matter::Unreadable { why } => self.void(why, heard.letter.reply, heard.ack).await,
        }
        None
    }

    async fn command(
        &mut self,
        alert: AlertId,
        verb: Verb,
        letter: Letter,
        ack: Ack,
    ) -> Option<BoxFuture<'static, Answered>> {
        let data = match CommandData::read(&letter.payload, None) {
            Ok(data) => data,
            Err(why) => {
                let why = format!("{}: {why}", letter.topic.escape_debug());
                self.void(why, letter.reply, ack).await;
                return None;
            }
        };
        let (reply, commands) = (letter.reply, self.commands.clone());
        let answered = async move {
            let answer = commands.give(alert, verb, data, letter.age).await;
            Answered { alert, answer, reply, ack }
        };
        Some(answered.boxed())
    }

    async fn answer(&mut self, answered: Answered) {
        let Answered { alert, answer, reply, ack } = answered;
        ack.give();
        if let Some(reply) = reply {
            self.say(reply, &alert.to_string(), answer).await;
        }
    }

    /// What is for nobody, or for nobody who is there.
    async fn void(&mut self, why: String, reply: Option<Reply>, ack: Ack) {
        self.void.tell(&why);
        ack.give();
        if let Some(reply) = reply {
            self.say(reply, "unreadable", UnreadData::new(why)).await;
        }
    }

    async fn say<D: serde::Serialize>(&mut self, reply: Reply, subject: &str, data: D) {
        if !reply.is_allowed {
            let why = format!(
                "an answer is wanted on {}, and goes nowhere but below cunkou/v1/{}/answer/",
                reply.topic.chars().take(100).flat_map(char::escape_debug).collect::<String>(),
                self.station
            );
            return self.void.tell(&why);
        }
        let now = self.clock.now().wall;
        let id = self.mint.event(now);
        let kind = "cunkou.command.answer.v1";
        let envelope = self.letterhead.envelope(id, now, kind, subject, "command-answer:1.0", data);
        let message = Message {
            topic: reply.topic,
            payload: envelope.to_bytes().into(),
            content_type: CONTENT_TYPE.to_owned(),
            retain: false,
            expiry: Some(ANSWER_EXPIRY),
        };
        // The courier outlives us.
        let _ = self.answers.send(Answer { message, correlation: reply.correlation }).await;
    }

    async fn pass_on(&mut self, to: fn(&Listeners) -> &mpsc::Sender<Heard>, heard: Heard) {
        let to = to(&self.listeners);
        if !heard.ack.is_owed() && to.capacity() <= PASSED_ON_ACKED && !to.is_closed() {
            self.metrics.unheard.inc();
            return self.void.tell(&format!("{}: too many of them wait", heard.letter.topic.escape_debug()));
        }
        if let Err(mpsc::error::SendError(heard)) = to.send(heard).await {
            self.metrics.unheard.inc();
            let why = format!("{}: this station has no use for it", heard.letter.topic.escape_debug());
            self.void(why, heard.letter.reply, heard.ack).await;
        }
    }
}

/// A command from our own people: a neighbour's come over another way, on which it is known whose they are.
pub(super) fn own(
    mut data: CommandData,
    alert: AlertId,
    verb: Verb,
    station: &StationId,
) -> Result<Command, NotDone> {
    if let Some(other) = data.actor.station.take().filter(|other| other != station) {
        return Err(NotDone::Forbidden(format!(
            "this is station {station}: who acts for {other} says so there"
        )));
    }
    data.command(alert, verb)
}

/// A command that may have waited has to say when it was said.
pub(super) fn in_time(command: Command, age: Age) -> Result<Command, NotDone> {
    if command.at.is_none() && age == Age::MayHaveWaited {
        let why = "it may have waited while the station was away, and does not say when it was said: say it again, with `at`";
        return Err(NotDone::Expired(why.to_owned()));
    }
    Ok(command)
}

/// What is told of messages that are void.
#[derive(Debug, Default)]
pub(super) struct Void {
    told_at: Option<Instant>,
    untold: u64,
}

impl Void {
    /// Tells it now and then, and how many were not told.
    pub(super) fn tell(&mut self, why: &str) {
        if self.told_at.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            self.untold += 1;
            return;
        }
        self.told_at = Some(Instant::now());
        let others = std::mem::take(&mut self.untold);
        tracing::warn!(others, "a message from the broker is void: {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = "01KKS9XZ4BXW3E2R1T0Y9V8K7J";
    const ID: &str = "01KKS9XZ4BYQ0G5C6R7M8N9P0Q";

    fn data(station: Option<&str>, at: Option<&str>) -> CommandData {
        let mut text = format!(r#"{{"id":"{ID}","actor":{{"who":"Li","unit":"patrol"}}}}"#);
        if let Some(station) = station {
            text = text.replace(r#""unit""#, &format!(r#""station":"{station}","unit""#));
        }
        if let Some(at) = at {
            text = text.replace(r#""actor""#, &format!(r#""at":"{at}","actor""#));
        }
        CommandData::read(text.as_bytes(), None).expect("readable")
    }

    fn heard_at_home(data: CommandData) -> Result<Command, NotDone> {
        own(data, ALERT.parse().expect("an id"), Verb::Claim, &"willow".parse().expect("an id"))
    }

    #[test]
    fn nobody_here_speaks_for_another_station() {
        assert!(matches!(heard_at_home(data(Some("riverside"), None)), Err(NotDone::Forbidden(_))));
        for own in [None, Some("willow")] {
            assert_eq!(heard_at_home(data(own, None)).expect("ours").actor.station, None);
        }
    }

    #[test]
    fn what_may_be_old_says_when_it_was_said() {
        let said = |at, age| in_time(heard_at_home(data(None, at)).expect("ours"), age);
        assert!(said(None, Age::Fresh).is_ok());
        assert!(matches!(said(None, Age::MayHaveWaited), Err(NotDone::Expired(_))));
        // Whether that is too long ago is for the office to say.
        assert!(said(Some("2026-03-09T18:04:05Z"), Age::MayHaveWaited).is_ok());
    }
}
