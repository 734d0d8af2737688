//! A recorder at work: what it says is done, and what the writer says is told to it.
//!
//! Owned by the task that reads the stream, which feeds it and gives it its turns. Owns what waits for the writer's word and for the archive; decides
//! nothing, and never waits while it is fed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use tokio::sync::{mpsc, oneshot};

use super::{Act, Event, GapCause, News, Pen, Recorder, SegmentKey, Written};
use crate::{
    camera::AccessUnit,
    config::{Camera, Recording},
    id::StationId,
    metrics::{Metrics, OfCause},
    time::{Clock, Wall},
};

/// News that wait for the archive. Gaps that last take one place each, so that it is a day of files of five minutes; then the oldest go.
const UNTOLD_MAX: usize = 256;

/// How long a stop waits for the writer and the archive: what is on the disk by then and not told is found at the next start.
const FINISH_MAX: Duration = Duration::from_secs(4);

/// One camera's recorder, its pen and its words.
pub struct Deck {
    camera: Arc<Camera>,
    recorder: Recorder,
    clock: Clock,
    pen: Option<Pen>,
    /// The file that fragments go to, and how many of them were taken.
    open: Option<(SegmentKey, usize)>,
    /// Writers' last words that are still to come: two at a time, or a few more where a disk is slow.
    words: FuturesUnordered<BoxFuture<'static, (SegmentKey, Written)>>,
    untold: VecDeque<News>,
    news: mpsc::Sender<News>,
    metrics: Metrics,
    acts: Vec<Act>,
}

/// Where recordings go, and who is told.
#[derive(Clone)]
pub struct Surroundings {
    /// The machine's clock.
    pub clock: Clock,
    /// Whose recordings.
    pub station: StationId,
    /// How they are made.
    pub recording: Recording,
    /// Who is told.
    pub news: mpsc::Sender<News>,
    /// Metrics.
    pub metrics: Metrics,
}

impl Deck {
    /// For a camera that is not connected yet; one without a pen records nothing, and says so. `start`: up to when the record is complete.
    pub fn new(camera: Arc<Camera>, pen: Option<Pen>, around: Surroundings, start: Wall) -> Self {
        let Surroundings { clock, station, recording, news, metrics } = around;
        let recorder =
            Recorder::new(Arc::clone(&camera), station, recording, metrics.clone(), clock.now(), start);
        Self {
            camera,
            recorder,
            clock,
            pen,
            open: None,
            words: FuturesUnordered::new(),
            untold: VecDeque::new(),
            news,
            metrics,
            acts: Vec::new(),
        }
    }

    /// Takes an event in, and does what follows. Does not wait.
    pub fn apply(&mut self, event: Event) {
        let now = self.clock.now();
        let (mut next, mut refused) = (Some(event), VecDeque::new());
        while let Some(event) = next.take().or_else(|| refused.pop_front()) {
            let mut acts = std::mem::take(&mut self.acts);
            self.recorder.apply(now, event, &mut acts);
            for act in acts.drain(..) {
                refused.extend(self.perform(act));
            }
            self.acts = acts;
        }
    }

    /// What of the stream is in memory from the newest key frame on, up to the last picture; nothing where that key frame is not there any more.
    pub fn group(&self) -> Vec<AccessUnit> {
        self.recorder.group()
    }

    /// Whether [`Self::turn`] has something to wait for.
    pub fn is_busy(&self) -> bool {
        !self.words.is_empty() || !self.untold.is_empty()
    }

    /// Waits until the writer or the archive has a word, and takes it in. Cancel safe. To be called while [`Self::is_busy`].
    pub async fn turn(&mut self) {
        let Self { words, untold, news, .. } = self;
        let word = tokio::select! {
            biased;
            Some(word) = words.next() => word,
            permit = news.reserve(), if !untold.is_empty() => {
                match permit {
                    Ok(permit) => permit.send(untold.pop_front().expect("there is one")),
                    // The daemon stops in disorder: what is on the disk is found at its next start.
                    Err(_) => untold.clear(),
                }
                return;
            }
            else => return,
        };
        let (key, Written { fragments, trouble }) = word;
        self.apply(Event::Written { key, fragments, trouble });
    }

    /// Ends the recording, and returns once all of it is on the disk and told, or after [`FINISH_MAX`].
    pub async fn finish(mut self) {
        self.apply(Event::Stop);
        let camera = self.camera.id.clone();
        let finish = async {
            while self.is_busy() {
                self.turn().await;
            }
        };
        if tokio::time::timeout(FINISH_MAX, finish).await.is_err() {
            tracing::warn!(%camera, "the disk or the archive takes its time: the end of its recording is put on record at the next start");
        }
    }

    /// Does one act; says where it was refused.
    fn perform(&mut self, act: Act) -> Option<Event> {
        match act {
            Act::Open { key, path, init } => {
                let pen = self.pen.as_ref()?;
                match pen.open(key, path, init) {
                    Ok(word) => {
                        self.open = Some((key, 0));
                        self.words.push(last_word(key, word).boxed());
                        None
                    }
                    Err(cause) => {
                        self.open = None;
                        Some(Event::Refused { key, taken: None, cause })
                    }
                }
            }
            Act::Append(key, bytes) => {
                let (open, taken) = self.open.as_mut().filter(|(open, _)| *open == key)?;
                match self.pen.as_ref()?.append(*open, bytes) {
                    Ok(()) => {
                        *taken += 1;
                        None
                    }
                    Err(cause) => {
                        let taken = Some(*taken);
                        // Its file is closed all the same.
                        self.open = None;
                        Some(Event::Refused { key, taken, cause })
                    }
                }
            }
            Act::Close(key) => {
                self.pen.as_ref()?.close(key);
                self.open.take_if(|(open, _)| *open == key);
                None
            }
            Act::Tell(news) => {
                self.tell(news);
                None
            }
        }
    }

    fn tell(&mut self, news: News) {
        if let News::Gap(gap) = &news {
            self.metrics.record_gaps.get_or_create(&OfCause { cause: gap.cause.as_str() }).inc();
            let same = |told: &&mut News| matches!(told, News::Gap(told) if told.from == gap.from);
            if let Some(told) = self.untold.iter_mut().find(same) {
                *told = news;
                return;
            }
        }
        if self.untold.len() == UNTOLD_MAX {
            self.untold.pop_front();
            tracing::error!(camera = %self.camera.id, "the archive takes nothing: a recording that it does not know of is found at the next start");
        }
        self.untold.push_back(news);
    }
}

/// The writer's last word. A writer that is gone without one has written what it has written: it is found at the next start.
async fn last_word(key: SegmentKey, word: oneshot::Receiver<Written>) -> (SegmentKey, Written) {
    let nothing = Written { fragments: 0, trouble: Some(GapCause::DiskFailed) };
    (key, word.await.unwrap_or(nothing))
}
