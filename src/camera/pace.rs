//! How fast a fleet of cameras is connected to.
//!
//! A power cut brings hundreds of cameras back at once. Their switches, and this machine, are to meet an even stream of openings and not
//! a wall of them. Owns who may open a stream when. When a camera is tried at all is for [`super::Backoff`], how long an opening may take for [`Limits`].
//!
//! [`Limits`]: super::Limits

use std::{
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};

/// How many streams may be opened at once, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Openings that may be under way at a time.
    pub under_way_max: usize,
    /// Openings that may begin in a second, at even distances.
    pub begun_per_s_max: NonZeroU32,
    /// An opening counts as under way for so long at most: a camera that has not answered by then costs nobody anything. Without this, cameras
    /// without power (12 s each until they are given up) would hold all turns, and those that are back would wait minutes for theirs.
    pub counts_for: Duration,
}

impl Default for Rhythm {
    /// 32 at a time, 200 a second: 778 cameras begin within 4 s, and 32 a second where none of them answers.
    fn default() -> Self {
        const BEGUN_PER_S: NonZeroU32 = NonZeroU32::new(200).expect("200 is not 0");
        Self { under_way_max: 32, begun_per_s_max: BEGUN_PER_S, counts_for: Duration::from_secs(1) }
    }
}

/// The pace of a fleet. Clones share it: one for all cameras of a process.
///
/// Turns are given in the order in which they were asked for, whichever camera asks.
#[derive(Debug, Clone)]
pub struct Pace {
    counts_for: Duration,
    /// A permit for each opening that may be under way; fair.
    turns: Arc<Semaphore>,
    /// Guards when the next opening may begin. Held for a sum.
    beat: Arc<Mutex<Beat>>,
}

impl Pace {
    /// A pace of its own.
    pub fn new(rhythm: Rhythm) -> Self {
        let permits = rhythm.under_way_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            counts_for: rhythm.counts_for,
            turns: Arc::new(Semaphore::new(permits)),
            beat: Arc::new(Mutex::new(Beat::new(rhythm.begun_per_s_max))),
        }
    }

    /// Waits for a turn, then does `opening`; the turn ends with it. Cancel-safe: whoever does not wait any more holds nobody up.
    pub(super) async fn paced<T>(&self, opening: impl Future<Output = T>) -> T {
        let turn = self.turns.acquire().await.expect("nobody closes this semaphore");
        let begins = self.beat.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if let Some(at) = begins {
            sleep_until(at).await;
        }
        let mut opening = pin!(opening);
        match timeout(self.counts_for, &mut opening).await {
            Ok(opened) => opened,
            Err(_) => {
                drop(turn);
                opening.await
            }
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(Rhythm::default())
    }
}

/// Even distances between beginnings.
#[derive(Debug)]
struct Beat {
    every: Duration,
    /// The first instant that nobody has taken.
    free_at: Option<Instant>,
}

impl Beat {
    fn new(per_s: NonZeroU32) -> Self {
        Self { every: Duration::from_secs(1) / per_s.get(), free_at: None }
    }

    /// When whoever asks now may begin; `None`: now. Time that nobody used is not saved up.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        let at = self.free_at.map_or(now, |free| free.max(now));
        self.free_at = Some(at + self.every);
        (at > now).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BinaryHeap, VecDeque},
        future::{Future, pending},
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use proptest::prelude::*;
    use tokio::sync::oneshot;

    use super::*;

    fn rhythm(under_way_max: usize) -> Rhythm {
        // As fast as can be, and nothing lapses while a test runs.
        let begun_per_s_max = NonZeroU32::MAX;
        Rhythm { under_way_max, begun_per_s_max, counts_for: Duration::from_secs(3600) }
    }

    /// Whoever asks for a turn in a test: begins when polled, ends when told.
    type Asker = Pin<Box<dyn Future<Output = usize>>>;

    fn asker(pace: &Pace, number: usize) -> (Asker, oneshot::Sender<()>) {
        let (end, ended) = oneshot::channel::<()>();
        let pace = pace.clone();
        let opening = async move {
            let _ = ended.await;
            number
        };
        (Box::pin(async move { pace.paced(opening).await }), end)
    }

    fn poll(asker: &mut Asker) -> Poll<usize> {
        asker.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn turns_come_in_the_order_in_which_they_were_asked_for() {
        let pace = Pace::new(rhythm(2));
        let (mut askers, ends): (Vec<_>, Vec<_>) = (0..5).map(|number| asker(&pace, number)).unzip();
        askers.iter_mut().for_each(|asker| assert!(poll(asker).is_pending()));
        assert_eq!(pace.turns.available_permits(), 0);
        // The third gives up waiting; the first and the second end, and the fourth and fifth have their turns.
        drop(askers.remove(2));
        let mut ends = VecDeque::from(ends);
        for number in [0, 1] {
            ends.pop_front().expect("five").send(()).expect("it waits");
            assert_eq!(poll(&mut askers[number]), Poll::Ready(number));
        }
        ends.pop_front();
        assert!(poll(&mut askers[2]).is_pending() && poll(&mut askers[3]).is_pending());
        assert_eq!(pace.turns.available_permits(), 0, "both are under way");
        drop(askers);
        assert_eq!(pace.turns.available_permits(), 2, "what was cancelled holds no turn");
    }

    #[tokio::test]
    async fn a_camera_that_does_not_answer_holds_nobody_up_for_long() {
        let pace = Pace::new(Rhythm { counts_for: Duration::from_millis(1), ..rhythm(1) });
        let gone = tokio::spawn({
            let pace = pace.clone();
            async move { pace.paced(pending::<()>()).await }
        });
        // Whether its turn comes first or second, both of these have theirs.
        assert_eq!((pace.paced(async { 1 }).await, pace.paced(async { 2 }).await), (1, 2));
        gone.abort();
    }

    /// A fleet in virtual time: when each of `count` openings begins, where all ask at once and each takes as long as it is told.
    fn begun(rhythm: Rhythm, takes: &[Duration]) -> Vec<Duration> {
        let start = Instant::now();
        let (mut beat, mut under_way, mut now) =
            (Beat::new(rhythm.begun_per_s_max), BinaryHeap::new(), start);
        let mut begun = Vec::new();
        for takes in takes {
            if under_way.len() == rhythm.under_way_max {
                let std::cmp::Reverse(ends) = under_way.pop().expect("it is full");
                now = now.max(ends);
            }
            let at = beat.take(now).unwrap_or(now);
            under_way.push(std::cmp::Reverse(at + (*takes).min(rhythm.counts_for)));
            begun.push(at - start);
        }
        begun
    }

    #[test]
    fn a_town_begins_within_seconds_and_with_every_second_camera_dark_within_a_quarter_of_a_minute() {
        let ms = Duration::from_millis;
        let quick: Vec<Duration> = vec![ms(100); 778];
        let dark: Vec<Duration> = (0..778).map(|n| if n % 2 == 0 { ms(12_000) } else { ms(100) }).collect();
        for (what, takes, within) in [("all answer", quick, ms(4_000)), ("half are dark", dark, ms(15_000))] {
            let begun = begun(Rhythm::default(), &takes);
            assert!(begun.is_sorted(), "{what}");
            assert!(begun[777] < within, "{what}: the last one begins after {:?}", begun[777]);
        }
    }

    proptest! {
        #[test]
        fn no_window_has_more_beginnings_than_its_share(
            per_s in 1u32..1000,
            pauses_us in proptest::collection::vec(0u64..20_000, 1..200),
        ) {
            let mut beat = Beat::new(NonZeroU32::new(per_s).expect("from 1"));
            let mut now = Instant::now();
            let mut begun = Vec::new();
            for pause_us in pauses_us {
                now += Duration::from_micros(pause_us);
                begun.push(beat.take(now).unwrap_or(now));
            }
            let every = Duration::from_secs(1) / per_s;
            prop_assert!(begun.windows(2).all(|two| two[1] - two[0] >= every));
        }
    }
}
