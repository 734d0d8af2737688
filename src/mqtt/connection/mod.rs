//! The one connection to the broker.
//!
//! Owns the task that runs the [`Courier`]: it waits in one place, for the broker, the store, live words, answers, the time and the stop, and does what the
//! courier says. rumqttc is named in [`line`], [`owed`] and [`subscriber`] alone, rustls in [`tls`] alone. What is sent, and in which order, is the courier's;
//! what a message that came in is, the [`Ear`](super::ear::Ear)'s.
//!
//! Each connection has a client of its own, so that the library's own queue of what to send again (which it cannot tell us about) is always
//! empty: what is sent again comes from the outbox. The session is resumed. It outlives the daemon for an hour, so that what somebody says meanwhile waits at the
//! broker, and what was not acknowledged when the daemon was killed comes again: a message is acknowledged when whoever it is for says that what
//! follows from it is durable. It has to live longer than the delay of the will in any case: in MQTT 5 a will is sent when its delay **or the
//! session** ends, whichever is first (section 3.1.3.2.2), so that a session that ended with the connection would make the delay nothing, and one that lives on
//! leaves it as it is.

mod line;
mod owed;
mod stock;
mod subscriber;
mod tls;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::owed::Hearing;
pub use self::stock::{News, Stock};
pub use self::subscriber::{Overheard, Subscriber, Unheard};
use self::{
    line::{Line, Said},
    stock::OutboxStock,
};
use super::{
    courier::{Action, Courier, Ending, Event, Presence},
    ear::{Answer, listening::Listening},
    wire::Writer,
};
use crate::{
    config::{ExternalBroker, Station},
    id::Mint,
    metrics::{ConnectionMetrics, Metrics},
    store::{Desk, Message},
    time::{Clock, Mono, Wall},
};

/// How long the broker waits before it tells others that we are gone: short outages are not news.
pub const WILL_DELAY: Duration = Duration::from_secs(5);
/// How long the last acknowledgements may take to reach the store, once all else is over.
const LAST_ERRANDS: Duration = Duration::from_secs(2);
/// How long a connection may take, unless somebody says otherwise.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an orderly disconnect may take.
const PARTING: Duration = Duration::from_secs(1);

/// Where to connect, and as whom.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The broker.
    pub broker: ExternalBroker,
    /// MQTT client id: the same after each start, and nobody else's.
    pub client_id: String,
    /// What is said of this daemon.
    pub words: Words,
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long an ordered stop may go on sending.
    pub stop_grace: Duration,
}

/// What is said of this daemon on one connection: each time events of their own, since who drops repeats would not hear the second `online` otherwise.
#[derive(Clone)]
pub struct Words(Option<Write>);

type Write = Arc<dyn Fn(Wall) -> (Message, Presence) + Send + Sync>;

impl Words {
    /// Words written by `write`, which is told the time: what the broker says of us, [`WILL_DELAY`] after we are gone without a word, and what we
    /// say of ourselves.
    pub fn new(write: impl Fn(Wall) -> (Message, Presence) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(write)))
    }

    /// Nothing is said, and there is no will: at a broker that is not ours.
    pub fn none() -> Self {
        Self(None)
    }

    fn at(&self, now: Wall) -> Option<(Message, Presence)> {
        self.0.as_ref().map(|write| write(now))
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words")
    }
}

impl ConnectionSettings {
    /// A station's daemon that started then, with the usual patience.
    pub fn new(station: &Station, broker: ExternalBroker, started_at: Wall, mint: Mint) -> Self {
        // Guards the writer's mint for the moment of writing; nothing panics in there.
        let writer = Mutex::new(Writer::new(station, started_at, mint));
        let words = Words::new(move |now| {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let presence = Presence { online: writer.online(now), stopped: writer.stopped(now) };
            (writer.will(now), presence)
        });
        Self {
            broker,
            client_id: format!("cunkou-{}-{}", station.id, station.node),
            words,
            connect_timeout: CONNECT_MAX,
            stop_grace: station.stop_grace / 2,
        }
    }

    /// A station's daemon at a neighbouring station's broker.
    pub fn at_neighbour(station: &Station, broker: ExternalBroker) -> Self {
        Self {
            broker,
            client_id: format!("cunkou-{}-{}", station.id, station.node),
            words: Words::none(),
            connect_timeout: CONNECT_MAX,
            stop_grace: station.stop_grace / 2,
        }
    }
}

/// What goes between the daemon and the broker besides what is promised.
#[derive(Debug)]
pub struct Ways {
    /// The latest words on things.
    pub live: mpsc::Receiver<Message>,
    /// Answers to those who asked.
    pub answers: mpsc::Receiver<Answer>,
    /// Who hears what comes in; `None`: nothing is subscribed to.
    pub hearing: Option<Hearing>,
}

/// Empties the outbox into the broker until `stop`, then says good-bye; hears what comes in meanwhile. Returns within the grace of the settings and some 3 s.
///
/// Not cancel safe: dropping it is a kill (the will is sent, and acknowledged messages may be sent once more).
pub async fn deliver(
    settings: ConnectionSettings,
    desk: Desk,
    ways: Ways,
    metrics: Metrics,
    clock: Clock,
    stop: CancellationToken,
) {
    let counts = metrics.of_broker();
    let stock = Box::new(OutboxStock::of(desk));
    let run = Run::new(settings, stock, counts, metrics, clock);
    let run = Run { live: Some(ways.live), answers: Some(ways.answers), hearing: ways.hearing, ..run };
    run.until(stop).await;
}

/// Empties another stock than the outbox into its broker until `stop`, and hears nothing there. As [`deliver`] in all else.
pub async fn deliver_from(
    settings: ConnectionSettings,
    stock: Box<dyn Stock>,
    counts: ConnectionMetrics,
    metrics: Metrics,
    clock: Clock,
    stop: CancellationToken,
) {
    Run::new(settings, stock, counts, metrics, clock).until(stop).await;
}

/// Connects, says nothing and disconnects: whether the broker is there and lets us in.
pub async fn probe(settings: &ConnectionSettings) -> Result<(), Ending> {
    let mut line = Line::probing(settings)?;
    loop {
        match line.next().await {
            Said::Courier(Event::Connected(_)) => line.part(),
            Said::Courier(Event::Ended(ending)) => return Err(ending),
            Said::Parted => return Ok(()),
            Said::Courier(_) | Said::Subscribed(..) | Said::Unheard => {}
        }
    }
}

struct Run {
    settings: ConnectionSettings,
    stock: Box<dyn Stock>,
    counts: ConnectionMetrics,
    metrics: Metrics,
    clock: Clock,
    courier: Courier,
    line: Option<Line>,
    /// What the stock is to be asked, in order: a read must see the strikes before it.
    errands: VecDeque<Action>,
    /// The one that is under way.
    errand: Option<BoxFuture<'static, Option<Event>>>,
    /// `None` once nobody can send any more.
    live: Option<mpsc::Receiver<Message>>,
    /// `None` once nobody answers any more.
    answers: Option<mpsc::Receiver<Answer>>,
    hearing: Option<Hearing>,
    listening: Listening,
    /// Whether the stock has news still.
    has_news: bool,
}

/// What a round of doing leads to.
enum Then {
    GoOn,
    Part,
    End,
}

impl Run {
    fn new(
        settings: ConnectionSettings,
        stock: Box<dyn Stock>,
        counts: ConnectionMetrics,
        metrics: Metrics,
        clock: Clock,
    ) -> Self {
        let presence = settings.words.at(clock.now().wall).map(|(_, presence)| presence);
        Self {
            settings,
            stock,
            counts,
            metrics,
            clock,
            courier: Courier::new(presence, Mint::from_os()),
            line: None,
            errands: VecDeque::new(),
            errand: None,
            live: None,
            answers: None,
            hearing: None,
            listening: Listening::default(),
            has_news: true,
        }
    }

    async fn until(mut self, stop: CancellationToken) {
        let mut is_stopping = false;
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    Event::Stop(self.settings.stop_grace)
                }
                event = self.wait() => event,
            };
            match self.apply(event) {
                Then::GoOn => {}
                Then::Part => {
                    self.part().await;
                    break;
                }
                Then::End => break,
            }
        }
        self.line = None;
        self.counts.connected.set(0);
        if timeout(LAST_ERRANDS, self.finish_errands()).await.is_err() {
            tracing::warn!(
                "the store did not take the last acknowledgements in time; these alerts are sent once more after the start"
            );
        }
    }

    /// Waits for whatever happens first, and changes nothing but what it takes out. Cancel safe.
    async fn wait(&mut self) -> Event {
        // A subscription takes a packet id: not while publishes are in flight.
        let try_at = self.listening.try_at().filter(|_| self.courier.is_idle());
        let wake_at = [self.courier.wake_at(), try_at].into_iter().flatten().min();
        let wake_at = wake_at.map(|at| self.clock.instant(at));
        loop {
            if self.errand.is_none() {
                self.errand = self.errands.pop_front().and_then(|action| self.start_errand(action));
            }
            tokio::select! {
                biased;
                said = said(&mut self.line) => match said {
                    Said::Courier(event) => return event,
                    Said::Subscribed(asked, answers) => {
                        let word = self.listening.answered(self.clock.now().mono, &asked, &answers);
                        self.metrics.broker_deaf.set(self.listening.refused() as i64);
                        if let Some(word) = word {
                            word.log();
                        }
                        return Event::Tick;
                    }
                    Said::Unheard => {
                        self.metrics.unheard.inc();
                    }
                    Said::Parted => {}
                },
                answer = done(&mut self.errand) => {
                    self.errand = None;
                    if let Some(event) = answer {
                        return event;
                    }
                }
                news = self.stock.news(), if self.has_news => match news {
                    Some(News::More) => return Event::Woken,
                    Some(News::Withdrawn(seqs)) => return Event::Withdrawn(seqs),
                    None => self.has_news = false,
                },
                answer = received(&mut self.answers), if self.courier.takes_answers() => match answer {
                    Some(answer) => return Event::Answer(answer),
                    None => self.answers = None,
                },
                message = received(&mut self.live) => match message {
                    Some(message) => return Event::Live(message),
                    None => self.live = None,
                },
                () = wait_until(wake_at) => return Event::Tick,
            }
        }
    }

    fn now(&self) -> Mono {
        self.clock.now().mono
    }

    /// Lets the courier decide, and does what it says.
    fn apply(&mut self, event: Event) -> Then {
        self.listen_again();
        let mut events = VecDeque::from([event]);
        let mut then = Then::GoOn;
        while let Some(event) = events.pop_front() {
            self.count(&event);
            for action in self.courier.apply(self.now(), event) {
                match action {
                    Action::Connect => {
                        let (will, presence) = self.settings.words.at(self.clock.now().wall).unzip();
                        events.extend(presence.map(|presence| Event::Words(Box::new(presence))));
                        match Line::open(&self.settings, will.as_ref(), self.hearing.clone()) {
                            Ok(line) => self.line = Some(line),
                            Err(ending) => events.push_back(Event::Ended(ending)),
                        }
                    }
                    Action::Publish(message) => {
                        let published = self.line.as_mut().map(|line| line.publish(message));
                        events.extend(self.broken_off(published));
                    }
                    Action::Answer(answer) => {
                        let published = self.line.as_mut().map(|line| line.answer(answer));
                        events.extend(self.broken_off(published));
                    }
                    Action::Read { .. } | Action::Strike(_) | Action::SetAside { .. } => {
                        self.queue_errand(action)
                    }
                    Action::HangUp => self.hang_up(),
                    Action::Part => then = Then::Part,
                    Action::End if matches!(then, Then::GoOn) => then = Then::End,
                    Action::End => {}
                    Action::Tell(notice) => notice.log(),
                }
            }
        }
        then
    }

    fn broken_off(&mut self, handed_out: Option<Result<(), Ending>>) -> Option<Event> {
        let ending = handed_out?.err()?;
        self.line = None;
        Some(Event::Ended(ending))
    }

    /// Asks once more for what the broker refused to let us hear.
    fn listen_again(&mut self) {
        let now = self.now();
        let Some(line) = self.line.as_mut().filter(|_| self.courier.is_idle()) else { return };
        if let Err(ending) = line.subscribe(self.listening.try_again(now)) {
            tracing::debug!(%ending, "not asked again on this connection");
        }
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Connected(_) => {
                self.counts.connected.set(1);
            }
            Event::Ended(_) => {
                self.line = None;
                self.listening.interrupted();
                self.counts.connected.set(0);
                self.counts.failures.inc();
            }
            _ => {}
        }
    }

    fn hang_up(&mut self) {
        self.listening.interrupted();
        if self.line.take().is_some() {
            self.counts.connected.set(0);
            self.counts.failures.inc();
        }
    }

    /// Strikes that follow each other go together.
    fn queue_errand(&mut self, action: Action) {
        if let Action::Strike(seqs) = &action {
            self.counts.acknowledged.inc_by(seqs.len() as u64);
        }
        match (self.errands.back_mut(), action) {
            (Some(Action::Strike(before)), Action::Strike(seqs)) => before.extend(seqs),
            (_, action) => self.errands.push_back(action),
        }
    }

    fn start_errand(&self, action: Action) -> Option<BoxFuture<'static, Option<Event>>> {
        match action {
            Action::Read { after, limit } => {
                let answer = self.stock.waiting(after, limit);
                Some(Box::pin(async move { Some(Event::Read(answer.await)) }))
            }
            Action::Strike(seqs) => {
                let struck = self.stock.strike(seqs);
                Some(Box::pin(async move {
                    struck.await;
                    None
                }))
            }
            Action::SetAside { seq, why } => {
                let set_aside = self.stock.set_aside(seq, why);
                Some(Box::pin(async move {
                    set_aside.await;
                    None
                }))
            }
            _ => None,
        }
    }

    async fn part(&mut self) {
        let Some(line) = &mut self.line else { return };
        line.part();
        let parted = timeout(PARTING, async {
            loop {
                if let Said::Parted | Said::Courier(Event::Ended(_)) = line.next().await {
                    return;
                }
            }
        });
        match parted.await {
            Ok(()) => tracing::info!("disconnected from the broker"),
            Err(_) => {
                tracing::warn!("the broker was not told good-bye in time, and will say that we are offline")
            }
        }
    }

    async fn finish_errands(&mut self) {
        loop {
            if let Some(errand) = self.errand.take() {
                errand.await;
            }
            match self.errands.pop_front() {
                Some(Action::Read { .. }) => {}
                Some(action) => self.errand = self.start_errand(action),
                None => return,
            }
        }
    }
}

// What is not there never comes.

async fn said(line: &mut Option<Line>) -> Said {
    match line {
        Some(line) => line.next().await,
        None => std::future::pending().await,
    }
}

async fn done(errand: &mut Option<BoxFuture<'static, Option<Event>>>) -> Option<Event> {
    match errand {
        Some(errand) => errand.await,
        None => std::future::pending().await,
    }
}

async fn received<T>(from: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match from {
        Some(from) => from.recv().await,
        None => std::future::pending().await,
    }
}

async fn wait_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => sleep_until(Instant::from_std(at)).await,
        None => std::future::pending().await,
    }
}
