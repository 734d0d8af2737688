//! A camera's recording beside its lane.
//!
//! ```text
//! recorded stream = analysed stream:  Source ─▶ lane's task ─▶ Deck        one connection, nothing in between
//! else:                               lane's task ─Wishes─▶ task ─▶ Deck   a connection of its own
//! ```
//! Owns the second connection, and how the wishes of a lane, and of others, reach whoever records. What is recorded is the recorder's.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    camera::{AccessUnit, Backoff, Ending, Limits, Pace, Sound, Source, StreamEvent},
    config::{Camera, StreamRole},
    id::{AlertId, Mint},
    metrics::CameraMetrics,
    record::{Deck, Event, Recorder, live::Feed},
    time::{Clock, Mono},
};

/// Wishes that a recorder which is busy finds when it looks again; older ones are lost to it.
const WISHES_MAX: usize = 64;
/// How often a recorder looks at its clock.
const TICK: Duration = Duration::from_secs(1);
/// A camera whose connection broke with sound is asked for pictures alone for so long.
const DEAF_FOR: Duration = Duration::from_secs(3600);

/// What a lane, or somebody else, wants to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// An alert was raised: from its pre-roll on.
    Raised(AlertId),
    /// It is over: until its post-roll's end.
    Over(AlertId),
}

impl From<Wish> for Event {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Raised(alert) => Self::Raised(alert),
            Wish::Over(alert) => Self::Over(alert),
        }
    }
}

/// The newest wishes of one who wishes, numbered from 0 on.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Number of the first one that is kept.
    first: u64,
    kept: VecDeque<Wish>,
}

impl Wishes {
    /// One more.
    pub fn push(&mut self, wish: Wish) {
        self.kept.push_back(wish);
        if self.kept.len() > WISHES_MAX {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// Those from number `next` on, as far as they are kept, and the number behind them.
    fn since(&self, next: u64) -> (Vec<Wish>, u64) {
        let known = next.saturating_sub(self.first) as usize;
        (self.kept.iter().skip(known).copied().collect(), self.first + self.kept.len() as u64)
    }
}

/// Wishes as whoever records hears them: each once.
pub struct Heard {
    wishes: watch::Receiver<Wishes>,
    /// The first one that was not heard.
    next: u64,
}

impl Heard {
    /// From the first one on.
    pub fn new(wishes: watch::Receiver<Wishes>) -> Self {
        Self { wishes, next: 0 }
    }

    /// The next wishes. Cancel safe; pending for ever once nobody is left who could wish.
    async fn next(&mut self) -> Vec<Wish> {
        if self.wishes.changed().await.is_err() {
            return std::future::pending().await;
        }
        let (new, behind) = self.wishes.borrow_and_update().since(self.next);
        self.next = behind;
        new
    }
}

/// Who records what a lane's camera sends.
pub enum Filming {
    /// The lane's task, from its own connection. Also one that has nothing to record, and says so.
    Here {
        /// The recorder.
        deck: Box<Deck>,
        /// What others than the lane want.
        others: Heard,
    },
    /// [`record`], which hears of wishes.
    Elsewhere(watch::Sender<Wishes>),
}

impl Filming {
    /// Whether the stream that is recorded is the one that is analysed, so that one connection is enough.
    pub fn shares(camera: &Camera) -> bool {
        let same = camera.url(camera.record.role) == camera.url(camera.analyse);
        same || !Recorder::wants_stream(camera)
    }

    /// What the lane's connection says.
    pub(super) fn hear(&mut self, event: &StreamEvent) {
        let Self::Here { deck, .. } = self else { return };
        if let Some(event) = heard(event) {
            deck.apply(event);
        }
    }

    /// What is kept of the lane's stream from the newest key frame on, up to the last picture.
    pub(super) fn group(&self) -> Vec<AccessUnit> {
        match self {
            Self::Here { deck, .. } => deck.group(),
            Self::Elsewhere(_) => Vec::new(),
        }
    }

    /// A second or so has passed.
    pub(super) fn tick(&mut self) {
        if let Self::Here { deck, .. } = self {
            deck.apply(Event::Tick);
        }
    }

    /// The lane wants something.
    pub(super) fn wish(&mut self, wish: Wish) {
        match self {
            Self::Here { deck, .. } => deck.apply(wish.into()),
            Self::Elsewhere(wishes) => wishes.send_modify(|wishes| wishes.push(wish)),
        }
    }

    /// Gives the recorder its turn. Cancel safe; pending for ever where there is nothing to wait for.
    pub(super) async fn turn(&mut self) {
        match self {
            Self::Here { deck, others } => tokio::select! {
                biased;
                wishes = others.next() => wishes.into_iter().for_each(|wish| deck.apply(wish.into())),
                () = deck.turn(), if deck.is_busy() => {}
            },
            Self::Elsewhere(_) => std::future::pending().await,
        }
    }

    /// Returns once all of the recording is on the disk and told.
    pub(super) async fn finish(self) {
        if let Self::Here { deck, .. } = self {
            deck.finish().await;
        }
    }
}

/// Whether a camera is asked for its sound.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    deaf_until: Option<Mono>,
}

impl Hearing {
    /// What the next connection is to bring.
    pub(super) fn sound(&self, camera: &Camera, role: StreamRole, now: Mono) -> Sound {
        let records = Recorder::wants_stream(camera) && camera.url(role) == camera.url(camera.record.role);
        let is_deaf = self.deaf_until.is_some_and(|until| now < until);
        if records && camera.record.audio && !is_deaf { Sound::Wanted } else { Sound::Unwanted }
    }

    /// A connection ended. Sound that may have been why must not cost pictures again.
    pub(super) fn ended(&mut self, sound: Sound, ending: &Ending, now: Mono) {
        let may_be_why = match ending {
            Ending::Garbage(_) | Ending::NotFound(_) | Ending::Refused(_) | Ending::Unsupported(_) => true,
            Ending::Timeout { phase, .. } => matches!(*phase, "setup" | "play"),
            Ending::Auth | Ending::NoKeyframe(_) | Ending::Closed => false,
        };
        if sound == Sound::Wanted && may_be_why {
            self.deaf_until = Some(now + DEAF_FOR);
        }
    }
}

/// What a recording's own connection needs.
pub struct Link {
    /// The machine's clock.
    pub clock: Clock,
    /// How long a camera may take for what.
    pub limits: Limits,
    /// How fast the fleet is connected to.
    pub pace: Pace,
    /// Draws the waits.
    pub mint: Mint,
    /// The camera's.
    pub metrics: CameraMetrics,
    /// For those who watch the stream.
    pub feed: Feed,
}

/// Records a stream that is not analysed, over a connection of its own, until `stop`; then until all of it is on the disk and told.
pub async fn record(
    camera: Arc<Camera>,
    mut deck: Deck,
    mut wishes: Heard,
    link: Link,
    stop: CancellationToken,
) {
    let Link { clock, limits, pace, mut mint, metrics, mut feed } = link;
    let (mut backoff, mut hearing) = (Backoff::new(), Hearing::default());
    let role = camera.record.role;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stream: Option<(Source, Sound)> = None;
    let (mut retry_at, mut began) = (Some(clock.now().mono), None);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            new = wishes.next() => new.into_iter().for_each(|wish| deck.apply(wish.into())),
            () = deck.turn(), if deck.is_busy() => {}
            event = event_of(&mut stream) => {
                let now = clock.now().mono;
                feed.hear(&event, || deck.group());
                if let Some(event) = heard(&event) {
                    deck.apply(event);
                }
                match (event, &stream) {
                    (StreamEvent::Unit(_), _) if began.is_none() => began = Some(now),
                    (StreamEvent::Ended(ending), Some((_, sound))) => {
                        hearing.ended(*sound, &ending, now);
                        if let Some(began) = began.take() {
                            backoff.streamed(now.since(began));
                        }
                        retry_at = Some(now + backoff.failed(&ending, &mut mint));
                        tracing::debug!(camera = %camera.id, %ending, "the recorded stream ended; it is tried again for ever");
                        stream = None;
                    }
                    _ => {}
                }
            }
            _ = tick.tick() => deck.apply(Event::Tick),
        }
        let now = clock.now().mono;
        if retry_at.take_if(|at| *at <= now).is_some() {
            metrics.camera_connects.inc();
            let sound = hearing.sound(&camera, role, now);
            stream = Some((Source::connect_with(sound, &camera, role, limits, clock, &pace), sound));
        }
    }
    let parting = async {
        if let Some((stream, _)) = stream {
            stream.close().await;
        }
    };
    tokio::join!(parting, deck.finish());
}

async fn event_of(stream: &mut Option<(Source, Sound)>) -> StreamEvent {
    match stream {
        Some((stream, _)) => stream.next().await,
        None => std::future::pending().await,
    }
}

/// What of a stream concerns a recorder. Units share their bytes with whoever else has them.
fn heard(event: &StreamEvent) -> Option<Event> {
    match event {
        StreamEvent::Playing(info) | StreamEvent::Changed(info) => Some(Event::Stream(info.clone())),
        StreamEvent::Unit(unit) => Some(Event::Unit(unit.clone())),
        StreamEvent::Audio(unit) => Some(Event::Audio(unit.clone())),
        StreamEvent::Ended(_) => Some(Event::Ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Wall;

    #[test]
    fn wishes_are_heard_once_and_the_newest_are_kept() {
        let (mut wishes, mut mint) = (Wishes::default(), Mint::seeded(1));
        let alerts: Vec<AlertId> = (0..100).map(|n| mint.alert(Wall::from_unix_ms(n))).collect();
        wishes.push(Wish::Raised(alerts[0]));
        wishes.push(Wish::Over(alerts[0]));
        assert_eq!(wishes.since(0), (vec![Wish::Raised(alerts[0]), Wish::Over(alerts[0])], 2));
        assert_eq!(wishes.since(2), (Vec::new(), 2));
        alerts.iter().for_each(|alert| wishes.push(Wish::Raised(*alert)));
        let (new, next) = wishes.since(2);
        assert_eq!((new.len(), new[0], next), (64, Wish::Raised(alerts[36]), 102));
    }

    #[tokio::test]
    async fn others_than_the_lane_are_heard_and_may_leave() {
        use futures::FutureExt;
        let (wishes, heard) = watch::channel(Wishes::default());
        let (mut heard, alert) = (Heard::new(heard), Mint::seeded(1).alert(Wall::default()));
        assert_eq!(heard.next().now_or_never(), None);
        let other = wishes.clone();
        wishes.send_modify(|wishes| wishes.push(Wish::Raised(alert)));
        other.send_modify(|wishes| wishes.push(Wish::Over(alert)));
        assert_eq!(heard.next().now_or_never(), Some(vec![Wish::Raised(alert), Wish::Over(alert)]));
        assert_eq!(heard.next().now_or_never(), None);
        drop((wishes, other));
        assert_eq!(heard.next().now_or_never(), None, "nobody wishes, and nothing spins");
    }

    #[test]
    fn sound_that_may_have_broken_a_connection_is_left_out_for_a_while() {
        let mut camera = crate::testing::camera();
        camera.record.when = crate::config::RecordWhen::Always;
        camera.record.audio = true;
        let (now, mut hearing) = (Mono::ZERO, Hearing::default());
        let sound = |hearing: &Hearing, at| hearing.sound(&camera, StreamRole::Main, at);
        assert_eq!(sound(&hearing, now), Sound::Wanted);
        hearing.ended(Sound::Wanted, &Ending::Closed, now);
        assert_eq!(sound(&hearing, now), Sound::Wanted);
        hearing.ended(Sound::Wanted, &Ending::Garbage("noise".to_owned()), now);
        assert_eq!(sound(&hearing, now), Sound::Unwanted);
        assert_eq!(sound(&hearing, now + DEAF_FOR), Sound::Wanted);
        camera.record.audio = false;
        assert_eq!(Hearing::default().sound(&camera, StreamRole::Main, now), Sound::Unwanted);
    }
}
