//! The lane's task: waits for what happens, and does what the lane says.
//!
//! Owns everything of a camera that can wait: its connection, its eye, what is on its way to the clerk. Nothing here decides.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    core::{Act, Event, Filing, Lane},
    eye::{Eye, EyeJob, Seen},
    filming::{Filming, Hearing},
    passage::Passage,
};
use crate::{
    alert::Change,
    analysis::Interval,
    camera::{Health, Limits, Pace, Sound, Source, StreamEvent},
    config::Camera,
    decode::Backend,
    detect,
    flow::Slots,
    gate::{Grant, Share},
    id::{CameraId, Mint},
    metrics::Metrics,
    record::{
        live::{Feed, Followed, Sight, Sights},
        seen::Raised,
    },
    time::{Clock, MediaTime, Mono},
    track::Track,
    zones::Seat,
};

/// Answers of the pools that may wait for a lane: more than it can have asked for. A pool's thread that finds no room waits until the
/// lane has taken one out, and a lane never waits for a pool.
const ANSWERS_MAX: usize = 8;

/// How long a camera may take to answer to TEARDOWN at a stop.
const PARTING_MAX: Duration = Duration::from_secs(2);

/// What a lane's task reaches outside of itself.
#[derive(Clone)]
pub struct Surroundings {
    /// The machine's clock.
    pub clock: Clock,
    /// How long a camera may take for what.
    pub limits: Limits,
    /// How fast the fleet is connected to: one for all lanes.
    pub pace: Pace,
    /// Which decoders there are.
    pub backend: Backend,
    /// The decoding pool.
    pub eyes: Arc<Slots<CameraId, EyeJob>>,
    /// The detecting pool.
    pub detector: Arc<Slots<CameraId, detect::Job>>,
    /// What there is to know of the model.
    pub facts: detect::Facts,
    /// Who makes verdicts durable, and calls the second half when one is.
    pub clerk: mpsc::Sender<(Filing, Filed)>,
    /// Who is told how cameras are.
    pub health: mpsc::Sender<Health>,
    /// Who is told that somebody has come before a camera.
    pub nudges: mpsc::Sender<CameraId>,
    /// Who keeps on record where too little was analysed.
    pub intervals: mpsc::Sender<(CameraId, Interval)>,
    /// Who keeps what passed and what was raised.
    pub seen: mpsc::Sender<Told>,
    /// Metrics.
    pub metrics: Metrics,
}

/// What a lane is told while it runs; the newest word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// What it is granted of the fleet's attention.
    pub grant: Grant,
    /// How often another camera of its entry point has seen somebody come.
    pub nudges: u64,
}

/// What a lane tells of what was seen.
#[derive(Debug)]
pub enum Told {
    /// What follows was judged by the camera as it is drawn now.
    Redrawn(Arc<Camera>),
    /// Somebody has passed.
    Passed(Box<Passage>),
    /// An alert was raised.
    Raised(Box<Raised>),
}

/// Called once a verdict is durable.
pub type Filed = Box<dyn FnOnce() + Send>;

/// What comes back to a lane from its pools.
enum Answer {
    Seen(Box<Eye>, Seen),
    Detected(detect::Detected),
}

/// Runs a camera's lane until `stop`, then until everything that it promised to tell is with the clerk. Who records the stream and who watches it
/// hear what it says.
pub async fn run(
    mut seat: Seat,
    mint: Mint,
    share: Share,
    words: watch::Receiver<Word>,
    (filming, feed, sights): (Filming, Feed, Sights),
    around: Surroundings,
    stop: CancellationToken,
) {
    let now = around.clock.now();
    let camera = seat.look();
    let metrics = around.metrics.clone();
    let heard = Word { grant: share.grant, nudges: 0 };
    let lane = Lane::new(Arc::clone(&camera), around.facts, &around.limits, share, mint, metrics, now);
    let eye = Box::new(Eye::new(Arc::clone(&camera), around.backend.clone(), around.metrics.clone()));
    let (answer, answers) = mpsc::channel(ANSWERS_MAX);
    Task {
        camera,
        seat,
        lane,
        around,
        filming,
        feed,
        sights,
        shown: None,
        hearing: Hearing::default(),
        sound: Sound::Unwanted,
        stream: None,
        parting: None,
        eye: Some(eye),
        cut_eye: false,
        redraw_eye: false,
        answer,
        answers,
        filed: Arc::new(Semaphore::new(0)),
        unfiled: VecDeque::new(),
        untold: None,
        words,
        heard,
        acts: Vec::new(),
    }
    .run(stop)
    .await;
}

struct Task {
    camera: Arc<Camera>,
    /// Where it is heard that the camera was drawn anew.
    seat: Seat,
    lane: Lane,
    around: Surroundings,
    filming: Filming,
    feed: Feed,
    sights: Sights,
    /// The newest picture that viewers were told of.
    shown: Option<(MediaTime, Mono)>,
    hearing: Hearing,
    /// What the stream was asked for.
    sound: Sound,
    stream: Option<Source>,
    /// The stream on its way out, at a stop.
    parting: Option<JoinHandle<()>>,
    /// Here, or on a decoding thread.
    eye: Option<Box<Eye>>,
    /// The stream broke off while the eye was away.
    cut_eye: bool,
    /// The camera was drawn anew while the eye was away.
    redraw_eye: bool,
    answer: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
    /// A permit for each verdict that the clerk has made durable.
    filed: Arc<Semaphore>,
    /// Bounded by the lane, which sheds detection while too many are on their way.
    unfiled: VecDeque<Filing>,
    /// The newest word on the camera's health, where the one before has not been taken yet.
    untold: Option<Health>,
    words: watch::Receiver<Word>,
    /// The last word that the lane was told.
    heard: Word,
    acts: Vec<Act>,
}

impl Task {
    async fn run(mut self, stop: CancellationToken) {
        while self.lane.deadline().is_some() || (self.lane.is_filing() && !self.around.clerk.is_closed()) {
            if let Some(event) = self.select(&stop).await {
                // The camera is told to stop at once, beside what is still to be filed.
                if matches!(event, Event::Stop) {
                    self.parting = self.stream.take().map(|stream| tokio::spawn(stream.close()));
                }
                self.apply(event);
            }
        }
        let Self { parting, filming, around, .. } = self;
        // The clerk's office closes once the last lane has let go of it, not once the last camera has.
        drop(around);
        let part = async {
            if let Some(parting) = parting {
                // A camera that does not answer to TEARDOWN has had its time; a panic in there is retina's and costs nothing now.
                let _ = tokio::time::timeout(PARTING_MAX, parting).await;
            }
        };
        tokio::join!(part, filming.finish());
    }

    /// Waits for the next event; changes nothing but what carries no decision (a verdict handed over, an eye put back). Cancel safe.
    async fn select(&mut self, stop: &CancellationToken) -> Option<Event> {
        let running = self.lane.deadline().is_some();
        let Surroundings { clock, clerk, health, .. } = &self.around;
        let deadline = sleep_until(clock, self.lane.deadline());
        tokio::select! {
            biased;
            () = stop.cancelled(), if running => Some(Event::Stop),
            Some(answer) = self.answers.recv() => Some(match answer {
                Answer::Detected(detected) => {
                    let found = detected.result.map_err(|error| error.to_string());
                    Event::Detected { frame: detected.frame, view: detected.view, found }
                }
                Answer::Seen(eye, seen) => {
                    let redrawn = std::mem::take(&mut self.redraw_eye).then(|| Arc::clone(&self.camera));
                    put_back(&mut self.eye, eye, &mut self.cut_eye, redrawn);
                    Event::Seen(seen)
                }
            }),
            Ok(permit) = self.filed.acquire() => {
                permit.forget();
                Some(Event::Filed)
            }
            Ok(permit) = clerk.reserve(), if !self.unfiled.is_empty() => {
                if let Some(filing) = self.unfiled.pop_front() {
                    permit.send((filing, filed(&self.filed)));
                }
                None
            }
            Ok(permit) = health.reserve(), if self.untold.is_some() => {
                if let Some(health) = self.untold.take() {
                    permit.send(health);
                }
                None
            }
            Ok(()) = self.words.changed(), if running => {
                let word = *self.words.borrow_and_update();
                let before = std::mem::replace(&mut self.heard, word);
                // Where both changed, the nudge is passed over: it is a hint.
                if word.grant != before.grant {
                    Some(Event::Granted(word.grant))
                } else {
                    Some(Event::Nudged)
                }
            }
            camera = self.seat.redrawn(), if running => Some(Event::Redrawn(camera)),
            () = self.filming.turn() => None,
            event = next(&mut self.stream), if running => Some(Event::Stream(event)),
            () = deadline, if running => Some(Event::Tick),
        }
    }

    fn apply(&mut self, event: Event) {
        let now = self.around.clock.now();
        match &event {
            Event::Stream(event) => {
                let group = || {
                    let kept = self.filming.group();
                    if kept.is_empty() { self.lane.group() } else { kept }
                };
                self.feed.hear(event, group);
                self.filming.hear(event);
            }
            Event::Tick => self.filming.tick(),
            _ => {}
        }
        let may_have_looked = matches!(event, Event::Seen(_) | Event::Detected { .. });
        if let Event::Stream(StreamEvent::Ended(ending)) = &event {
            self.hearing.ended(self.sound, ending, now.mono);
            self.stream = None;
        }
        let mut acts = std::mem::take(&mut self.acts);
        self.lane.apply(now, event, &mut acts);
        if may_have_looked && self.sights.are_wanted() {
            self.show();
        }
        let mut overwritten = Vec::new();
        for act in acts.drain(..) {
            overwritten.extend(self.perform(act));
        }
        for number in overwritten {
            self.lane.apply(now, Event::Overwritten { number }, &mut acts);
        }
        debug_assert!(acts.is_empty(), "nothing follows from an overwritten frame");
        self.acts = acts;
    }

    /// Shows viewers what is followed, where another picture was looked at.
    fn show(&mut self) {
        let looked = self.lane.looked();
        if looked == self.shown {
            return;
        }
        self.shown = looked;
        let Some((media, arrived)) = looked else { return };
        // What never moved is no visitor: a parked car has no box.
        let followed = self.lane.in_view().filter(|track| track.moved).map(followed).collect();
        self.sights.show(Sight { role: self.camera.analyse, media, arrived, followed });
    }

    /// Does one act; says which frame it overwrote, if any.
    fn perform(&mut self, act: Act) -> Option<u64> {
        match act {
            Act::Connect => self.connect(),
            Act::CutEye => match &mut self.eye {
                Some(eye) => eye.cut(),
                None => self.cut_eye = true,
            },
            Act::Look(look) => {
                let due = look.due;
                let eye = self.eye.take().expect("the lane has one job out at a time");
                let answer = self.answer.clone();
                let done = Box::new(move |eye, seen| send(&answer, Answer::Seen(eye, seen)));
                self.around.eyes.put(self.camera.id.clone(), due, EyeJob { eye, look, done });
            }
            Act::Detect(frame, view, due) => {
                let answer = self.answer.clone();
                let done = Box::new(move |detected| send(&answer, Answer::Detected(detected)));
                let job = detect::Job { camera: Arc::clone(&self.camera), frame, view, done };
                let overwritten = self.around.detector.put(self.camera.id.clone(), due, job);
                return overwritten.map(|job| job.frame.number);
            }
            Act::File(filing) => {
                if filing.verdict.change == Change::Raised {
                    self.keep(Told::Raised(Box::new(Raised::of(&filing.verdict.alert))));
                }
                self.unfiled.push_back(*filing);
            }
            Act::Passed(passage) => self.keep(Told::Passed(passage)),
            Act::Tell(health) => self.untold = Some(health),
            Act::Record(interval) => {
                if self.around.intervals.try_send((self.camera.id.clone(), interval)).is_err() {
                    self.around.metrics.analysis_intervals_lost.inc();
                }
            }
            Act::Film(wish) => self.filming.wish(wish),
            Act::Redraw(camera) => self.redraw(camera),
            // A hint: where so many are on their way that there is no room, everybody looks anyway.
            Act::Nudge => drop(self.around.nudges.try_send(self.camera.id.clone())),
        }
        None
    }

    fn redraw(&mut self, camera: Arc<Camera>) {
        self.camera = Arc::clone(&camera);
        match &mut self.eye {
            Some(eye) => eye.redraw(Arc::clone(&camera)),
            None => self.redraw_eye = true,
        }
        self.keep(Told::Redrawn(Arc::clone(&camera)));
        tracing::info!(camera = %camera.id, rules = camera.rules.len(), "the camera is judged by what is drawn now");
        self.seat.take_on(camera);
    }

    /// No lane waits for what is kept of what was seen.
    fn keep(&self, told: Told) {
        if self.around.seen.try_send(told).is_err() {
            self.around.metrics.seen_lost.inc();
        }
    }

    fn connect(&mut self) {
        // The old session's teardown is awaited by the new one: both belong to the camera's session group.
        let Surroundings { limits, clock, pace, .. } = &self.around;
        let (camera, role) = (&self.camera, self.camera.analyse);
        self.sound = self.hearing.sound(camera, role, clock.now().mono);
        self.stream = Some(Source::connect_with(self.sound, camera, role, *limits, *clock, pace));
    }
}

fn followed(track: &Track) -> Followed {
    Followed {
        track: track.id,
        class: track.class,
        confidence: track.confidence.unwrap_or(track.confidence_best),
        bbox: track.bbox,
    }
}

/// Puts an eye back that was on a decoding thread.
fn put_back(place: &mut Option<Box<Eye>>, mut eye: Box<Eye>, cut: &mut bool, redrawn: Option<Arc<Camera>>) {
    if std::mem::take(cut) {
        eye.cut();
    }
    if let Some(camera) = redrawn {
        eye.redraw(camera);
    }
    *place = Some(eye);
}

async fn next(stream: &mut Option<Source>) -> StreamEvent {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(clock: &Clock, at: Option<Mono>) {
    match at {
        Some(at) => tokio::time::sleep_until(clock.instant(at).into()).await,
        None => std::future::pending().await,
    }
}

/// Tells a lane that a verdict is durable; never waits.
fn filed(count: &Arc<Semaphore>) -> Filed {
    let count = Arc::clone(count);
    Box::new(move || count.add_permits(1))
}

/// Answers a lane from a thread of a pool. A lane that is gone needs no answer.
fn send(lane: &mpsc::Sender<Answer>, answer: Answer) {
    let _ = lane.blocking_send(answer);
}
