//! Shares out the fleet's attention while it runs, and says where it went.
//!
//! Owns the asking and the telling: reads what each camera costs, hands that to the [`Budget`], and tells lanes what they are granted from now on. Passes on to
//! the other cameras of an entry point that somebody has come there. What is just belongs to the budget.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    config::Config,
    gate::{Account, Budget, Cause, Grant, Outcome, Reading, Share},
    id::{CameraId, EntryPointId},
    lane::Word,
    metrics::{Metrics, OfLook},
};

/// How often costs are read and attention is shared out.
const SHARE_EVERY: Duration = Duration::from_secs(5);
/// How often the log says where it went.
const TELL_EVERY: Duration = Duration::from_secs(600);
/// An entry point of more cameras than this is a whole place: that somebody came to one of them says little of the others.
const NEIGHBOURS_MAX: usize = 8;

/// Shares out attention.
pub(super) struct Steward {
    budget: Budget,
    wards: Vec<Ward>,
    /// Where each camera stands in `wards`.
    places: BTreeMap<CameraId, usize>,
    entry_points: BTreeMap<EntryPointId, Vec<usize>>,
    metrics: Metrics,
    told: Instant,
}

/// A camera that is watched over.
struct Ward {
    entry_point: EntryPointId,
    account: Arc<Account>,
    read: Reading,
    words: watch::Sender<Word>,
}

impl Steward {
    /// For the cameras of a configuration. Gives each one's share and the words that it will hear, in their order.
    pub(super) fn new(config: &Config, metrics: Metrics) -> (Self, Vec<(Share, watch::Receiver<Word>)>) {
        let budget = Budget::new(&config.cameras, config.attention.cores);
        let (mut wards, mut shares) = (Vec::new(), Vec::new());
        let (mut places, mut entry_points) = (BTreeMap::new(), BTreeMap::<_, Vec<usize>>::new());
        for (place, (camera, grant)) in config.cameras.iter().zip(budget.granted()).enumerate() {
            let account = Arc::<Account>::default();
            let (words, heard) = watch::channel(Word { grant, nudges: 0 });
            shares.push((Share { grant, account: Arc::clone(&account) }, heard));
            places.insert(camera.id.clone(), place);
            let entry_point = camera.entry_point.clone();
            entry_points.entry(entry_point.clone()).or_default().push(place);
            wards.push(Ward { entry_point, account, read: Reading::default(), words });
        }
        let steward = Self { budget, wards, places, entry_points, metrics, told: Instant::now() };
        tracing::info!("{}", steward.in_words());
        (steward, shares)
    }

    /// Runs until the last lane has let go of the other end of `nudges`.
    pub(super) async fn run(mut self, mut nudges: mpsc::Receiver<CameraId>) {
        let mut turn = interval_at(Instant::now() + SHARE_EVERY, SHARE_EVERY);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                biased;
                nudge = nudges.recv() => match nudge {
                    Some(camera) => self.nudge(&camera),
                    None => return,
                },
                at = turn.tick() => {
                    self.share(at - last);
                    last = at;
                }
            }
        }
    }

    fn share(&mut self, ago: Duration) {
        let mut claims = Vec::with_capacity(self.wards.len());
        for ward in &mut self.wards {
            claims.push(ward.account.claim(&ward.read, ago));
            ward.read = ward.account.read();
        }
        for (place, grant) in self.budget.share(&claims) {
            self.wards[place].words.send_modify(|word| word.grant = grant);
        }
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            tracing::info!("{}", self.in_words());
        }
    }

    /// Somebody came before this camera: the others of its entry point look, too.
    fn nudge(&self, camera: &CameraId) {
        let Some(&from) = self.places.get(camera) else { return };
        let beside = &self.entry_points[&self.wards[from].entry_point];
        if beside.len() > NEIGHBOURS_MAX {
            return;
        }
        for &place in beside.iter().filter(|&&place| place != from) {
            self.wards[place].words.send_modify(|word| word.nudges += 1);
        }
    }

    /// How attention is shared out, and what was spent so far.
    fn in_words(&self) -> String {
        let (mut always, mut off, mut every) = (0, 0, Vec::new());
        for grant in self.budget.granted() {
            match grant {
                Grant::Always => always += 1,
                Grant::Off => off += 1,
                Grant::Sparse { every: each } => every.push(each),
            }
        }
        every.sort_unstable();
        let mut words = format!("attention: {always} cameras are watched all the time");
        if let (Some(least), Some(most)) = (every.first(), every.last()) {
            words += &format!(
                ", {} when their streams give cause and every {:.1} to {:.1} s",
                every.len(),
                least.as_secs_f32(),
                most.as_secs_f32()
            );
        }
        if off > 0 {
            words += &format!(", {off} not at all");
        }
        let poor = self.wards.iter().filter(|ward| ward.account.is_poor()).count();
        if poor > 0 {
            words += &format!("; the streams of {poor} say little of what moves");
        }
        words += &format!("; {} awake", self.metrics.cameras_awake.get());
        for cause in Cause::ALL {
            let spent_s = self.metrics.decode_seconds.get_or_create(&cause.into()).get();
            if spent_s > 0.0 {
                words += &format!("; {}: {spent_s:.0} s of decoding", cause.as_str());
                for outcome in [Outcome::Thing, Outcome::Moved, Outcome::Nothing] {
                    let of = OfLook { cause: cause.as_str(), found: outcome.as_str() };
                    words +=
                        &format!(", {} {}", self.metrics.looks.get_or_create(&of).get(), outcome.as_str());
                }
            }
        }
        words
    }
}
