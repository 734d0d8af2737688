//! Buttons and sensors at work: their words come in over MQTT and HTTP, and what follows is done.
//!
//! ```text
//! MQTT ─┐           ┌─ calls ──▶ teller ─┐
//!       ├─▶ Devices ┼─ alarms ─▶ teller ─┴▶ office         promised: then the word is acknowledged
//! HTTP ─┘           ├─ film ──▶ whoever records the camera
//!                   └─ hold ──▶ archive
//! ```
//! Owns the task, the order of deeds, and what is kept of devices. What a word leads to is decided by [`crate::device`]. A call for help has a teller of its own: it waits
//! for no sensor.

use std::{collections::BTreeSet, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    recordings::Films,
    teller::{Done, Errand},
};
use crate::{
    alert::{Kind, Ongoing},
    archive::{Archive, HoldError, NewHold},
    console::{DeviceRoom, NotPressed},
    device::{ButtonWord, Deed, Devices, SensorWord, Standing, Unknown},
    id::{AlertId, ButtonId, SensorId},
    lane::Wish,
    metrics::Metrics,
    mqtt::ear::{Ack, Heard, Matter},
    store::{Desk, Refused},
    time::Clock,
};

/// Words over HTTP that wait; then whoever brings them waits.
const WORDS_MAX: usize = 64;
/// How often time is looked at, and what is known of devices is kept.
const TICK: Duration = Duration::from_secs(1);
/// Keeping it may take so long; then it is tried again with the next word.
const KEEP_WITHIN: Duration = Duration::from_secs(5);
/// How often the log says who is overdue.
const OVERDUE_EVERY: Duration = Duration::from_secs(24 * 3600);
/// A hold that is refused is tried again so often, and so many times.
const HOLD_AGAIN: (Duration, u32) = (Duration::from_secs(10), 30);

/// The way to the devices' task. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct DeviceDoor(mpsc::Sender<Word>);

/// What is said, or asked, over HTTP.
#[derive(Debug)]
pub(super) enum Word {
    Button { id: ButtonId, word: ButtonWord, answer: oneshot::Sender<Pressed> },
    Standings(oneshot::Sender<Vec<Standing>>),
}

type Pressed = Result<Option<AlertId>, NotPressed>;

/// Who waits for what a word leads to.
enum Answer {
    Ack(Ack),
    Http(oneshot::Sender<Pressed>),
}

/// A way to the devices' task, and its end.
pub(super) fn door() -> (DeviceDoor, mpsc::Receiver<Word>) {
    let (sender, receiver) = mpsc::channel(WORDS_MAX);
    (DeviceDoor(sender), receiver)
}

impl DeviceRoom for DeviceDoor {
    fn press(&self, id: ButtonId, word: ButtonWord) -> BoxFuture<'_, Pressed> {
        async move {
            let (answer, answered) = oneshot::channel();
            let word = Word::Button { id, word, answer };
            self.0.send(word).await.map_err(|_| NotPressed::Stopped)?;
            answered.await.unwrap_or(Err(NotPressed::Stopped))
        }
        .boxed()
    }

    fn standings(&self) -> BoxFuture<'_, Result<Vec<Standing>, NotPressed>> {
        async move {
            let (answer, answered) = oneshot::channel();
            self.0.send(Word::Standings(answer)).await.map_err(|_| NotPressed::Stopped)?;
            answered.await.map_err(|_| NotPressed::Stopped)
        }
        .boxed()
    }
}

/// Buttons and sensors at work.
pub(super) struct Switchboard {
    pub(super) devices: Devices,
    pub(super) clock: Clock,
    /// To the office: calls for help, and what may wait.
    pub(super) calls: mpsc::Sender<Errand>,
    pub(super) alarms: mpsc::Sender<Errand>,
    pub(super) films: Films,
    pub(super) archive: Archive,
    pub(super) desk: Desk,
    pub(super) metrics: Metrics,
}

impl Switchboard {
    /// Works until `stop`. What is open then goes on with the next start.
    pub(super) async fn run(
        mut self,
        ongoing: Vec<Ongoing>,
        mut heard: mpsc::Receiver<Heard>,
        mut words: mpsc::Receiver<Word>,
        stop: CancellationToken,
    ) {
        let mut deeds = Vec::new();
        let left = self.devices.resume(self.clock.now(), ongoing, &mut deeds);
        if !left.is_empty() {
            tracing::error!(alerts = left.len(), "alerts of devices that are not configured were to go on");
        }
        self.carry_out(std::mem::take(&mut deeds), Box::new(drop)).await;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said_at = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(word) = words.recv() => self.apply(word).await,
                Some(heard) = heard.recv() => self.hear(heard).await,
                _ = tick.tick() => {
                    let now = self.clock.now();
                    let mut deeds = Vec::new();
                    self.devices.tick(now, &mut deeds);
                    self.carry_out(deeds, Box::new(drop)).await;
                    self.keep().await;
                    if said_at.is_none_or(|at| now.mono.since(at) >= OVERDUE_EVERY) {
                        said_at = Some(now.mono);
                        self.say_overdue();
                    }
                    self.count();
                }
            }
        }
        self.keep().await;
    }

    async fn apply(&mut self, word: Word) {
        match word {
            Word::Button { id, word, answer } => self.button(&id, word, Answer::Http(answer)).await,
            // Who asked may have gone.
            Word::Standings(answer) => drop(answer.send(self.devices.standings(self.clock.now()))),
        }
    }

    /// What came over MQTT is acknowledged once what follows from it is promised.
    async fn hear(&mut self, heard: Heard) {
        let Heard { matter, letter, ack } = heard;
        match matter {
            Matter::Button { button, rest } => {
                if let Some(word) = ButtonWord::read(rest.as_deref(), &letter.payload) {
                    return self.button(&button, word, Answer::Ack(ack)).await;
                }
            }
            Matter::Sensor { sensor, rest } => {
                if let Some(word) = SensorWord::read(rest.as_deref(), &letter.payload) {
                    return self.sensor(&sensor, word, ack).await;
                }
            }
            Matter::Command { .. }
            | Matter::Post(_)
            | Matter::FromNeighbour { .. }
            | Matter::Unreadable { .. } => {}
        }
        tracing::warn!(topic = %letter.topic.escape_debug(), "a message on a topic that no device has is passed over");
        ack.give();
    }

    async fn button(&mut self, id: &ButtonId, word: ButtonWord, answer: Answer) {
        let mut deeds = Vec::new();
        let alert = self.devices.button(self.clock.now(), id, word, &mut deeds);
        self.carry_out(deeds, answered(answer, alert)).await;
    }

    async fn sensor(&mut self, id: &SensorId, word: SensorWord, ack: Ack) {
        let mut deeds = Vec::new();
        let known = self.devices.sensor(self.clock.now(), id, word, &mut deeds);
        self.carry_out(deeds, answered(Answer::Ack(ack), known.map(|()| None))).await;
    }

    /// Does what follows, in order; calls `done` once what is told of it is promised.
    async fn carry_out(&mut self, deeds: Vec<Deed>, done: Done) {
        let (mut calls, mut alarms) = (Vec::new(), Vec::new());
        for deed in deeds {
            match deed {
                Deed::Film(camera, alert) => self.films.wish(&camera, Wish::Raised(alert)),
                Deed::Cut(camera, alert) => self.films.wish(&camera, Wish::Over(alert)),
                Deed::Tell(change, it) if it.kind == Kind::PanicButton => {
                    calls.push((change, *it));
                }
                Deed::Tell(change, it) => alarms.push((change, *it)),
                // Beside the alert, which waits for no hold.
                Deed::Hold(wanted) => drop(tokio::spawn(hold(self.archive.clone(), *wanted))),
            }
        }
        let (first, rest) = match (calls.is_empty(), alarms.is_empty()) {
            (true, _) => (Errand { told: alarms, done }, None),
            (false, true) => (Errand { told: calls, done }, None),
            (false, false) => {
                (Errand { told: calls, done }, Some(Errand { told: alarms, done: Box::new(drop) }))
            }
        };
        if first.told.is_empty() {
            return (first.done)(Ok(()));
        }
        let is_call = first.told.iter().any(|(_, it)| it.kind == Kind::PanicButton);
        let way = if is_call { &self.calls } else { &self.alarms };
        // An errand that nobody carries is dropped with what waits for it: nothing is acknowledged.
        let _ = way.send(first).await;
        if let Some(rest) = rest {
            let _ = self.alarms.send(rest).await;
        }
    }

    /// Keeps what has changed of what is known of devices.
    async fn keep(&mut self) {
        let writes = self.devices.writes();
        if writes.is_empty() {
            return;
        }
        match timeout(KEEP_WITHIN, self.desk.note(writes)).await {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => tracing::warn!(%refused, "when devices were last heard of is not on record"),
            Err(_) => tracing::warn!("when devices were last heard of is not on record: the store is stuck"),
        }
    }

    fn count(&self) {
        let standings = self.devices.standings(self.clock.now());
        let overdue = standings.iter().filter(|standing| standing.is_overdue).count();
        self.metrics.devices_overdue.set(i64::try_from(overdue).unwrap_or(i64::MAX));
    }

    fn say_overdue(&self) {
        let overdue: BTreeSet<String> = self
            .devices
            .standings(self.clock.now())
            .iter()
            .filter(|standing| standing.is_overdue)
            .map(|standing| standing.device.to_string())
            .collect();
        if !overdue.is_empty() {
            let devices = overdue.into_iter().collect::<Vec<_>>().join(", ");
            tracing::warn!(%devices, "not heard of for too long: are they still there?");
        }
    }
}

/// What is done once all of it is promised, or was refused.
fn answered(answer: Answer, outcome: Result<Option<AlertId>, Unknown>) -> Done {
    match (answer, outcome) {
        (Answer::Ack(ack), Ok(_)) => Box::new(move |promised| match promised {
            // Dropped: it comes again.
            Err(Refused::Stopped | Refused::Busy) => {}
            Ok(()) | Err(_) => ack.give(),
        }),
        (Answer::Ack(ack), Err(unknown)) => Box::new(move |_| {
            tracing::warn!(%unknown, "a word of a device is passed over");
            ack.give();
        }),
        (Answer::Http(answer), outcome) => Box::new(move |promised| {
            let told = outcome.map_err(|Unknown(device)| NotPressed::Unknown(device));
            // Who asked may have gone.
            let _ = answer.send(promised.map_err(NotPressed::NotKept).and(told));
        }),
    }
}

/// Holds what is recorded of a call, once: after a restart it may be held already.
async fn hold(archive: Archive, wanted: NewHold) {
    for _ in 0..HOLD_AGAIN.1 {
        let made = async {
            let holds = archive.catalog().holds().await?;
            let is_there = |hold: &crate::archive::Hold| {
                (&hold.what.camera, &hold.what.reason) == (&wanted.camera, &wanted.reason)
                    && hold.what.from <= wanted.from
                    && hold.what.to >= wanted.to
            };
            if !holds.iter().any(is_there) {
                archive.hold(wanted.clone()).await?;
            }
            Ok::<(), HoldError>(())
        };
        match made.await {
            Ok(()) => return,
            Err(error @ (HoldError::Stopped | HoldError::Invalid { .. } | HoldError::TooMany(_))) => {
                tracing::error!(camera = %wanted.camera, reason = %wanted.reason, %error, "what a call recorded is not held: do it by hand");
                return;
            }
            Err(error) => {
                tracing::warn!(camera = %wanted.camera, %error, "what a call recorded is not held yet; it is tried again");
            }
        }
        tokio::time::sleep(HOLD_AGAIN.0).await;
    }
}
