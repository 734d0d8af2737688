//! What is made of what is seen: view plan, tracks, rules and passages of one camera, in that order.
//!
//! The lane and `cunkou replay` share it, so that a recorded file is judged exactly as a live camera is.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    passage::{Judgement, Passage, Passages},
    track_clock::TrackClock,
};
use crate::{
    config::Camera,
    decode::Frame,
    detect::{Detection, Facts, SureFrom, View, ViewPlan},
    gate::Judged,
    geometry::UnitBox,
    id::Mint,
    motion::Motion,
    rules::{Rules, Verdict},
    time::{MediaTime, Mono},
    track::{Track, Tracker},
};

/// What was first seen so long ago is new.
const YOUNG: Duration = Duration::from_secs(1);

/// Frames that are so far apart are of a camera that sleeps in between.
const LONG: Duration = Duration::from_secs(1);

/// View plan, tracks, rules and passages of one camera.
pub struct Watch {
    plan: ViewPlan,
    tracker: Tracker,
    sure_from: SureFrom,
    shape: Shape,
    rules: Rules,
    passages: Passages,
    /// Those that are over and have not been taken.
    passed: Vec<Passage>,
    clock: TrackClock,
    /// Something was first seen a moment ago, where something moves. What stands there and is recognised now and then is not new.
    young: bool,
    /// Time in the stream and arrival of the newest frame that was judged.
    looked: Option<(MediaTime, Mono)>,
    /// The time of the newest frame.
    newest: Option<Mono>,
    /// Frames that the detector has, oldest first: the one that it works on, the one that waits in the slot, and answers that are on their way.
    out: VecDeque<Looking>,
}

/// Whether the tracker was made for the camera's picture.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    Known,
}

/// A frame that the detector has.
struct Looking {
    number: u64,
    at: Mono,
    motion: Motion,
}

impl Watch {
    /// A watch that has seen nothing. `facts` are of the model that looks.
    pub fn new(camera: Arc<Camera>, facts: Facts, mint: Mint) -> Self {
        Self {
            plan: ViewPlan::new(camera.view, facts.input_side_px),
            tracker: Tracker::default(),
            sure_from: facts.sure_from,
            shape: Shape::Unknown,
            // A mint of their own: what ids alerts have does not depend on who passed.
            passages: Passages::new(&camera, facts.sure_from, mint.clone().split()),
            passed: Vec::new(),
            rules: Rules::new(camera, mint),
            clock: TrackClock::default(),
            young: false,
            looked: None,
            newest: None,
            out: VecDeque::with_capacity(4),
        }
    }

    /// The camera is drawn anew: what is seen from here on is judged by its zones, lines and rules as they are now. Tracks go on.
    pub(super) fn redraw(&mut self, camera: &Arc<Camera>, verdicts: &mut Vec<Verdict>) {
        self.rules.redraw(camera, verdicts);
        self.passages.redraw(camera);
    }

    /// A frame was decoded: how the detector should look at it, if at all. Where it should not, the tracks have been carried on to
    /// this frame's time, and the rules may have something to say.
    pub fn glimpse(&mut self, frame: &Frame, motion: Motion, verdicts: &mut Vec<Verdict>) -> Option<View> {
        if self.shape == Shape::Unknown {
            self.shape = Shape::Known;
            self.tracker = Tracker::new(frame.picture.size()).sure_from(self.sure_from);
        }
        let at = self.clock.time(frame);
        let passed = self.newest.replace(at).map_or(Duration::ZERO, |before| at.since(before));
        if passed >= LONG && self.tracker.tracks().iter().any(|track| track.moved) {
            self.plan.hasten();
        }
        let view = self.plan.plan(frame.picture.size(), &motion, self.tracker.tracks());
        if view.is_some() {
            self.out.push_back(Looking { number: frame.number, at, motion });
        } else if self.out.is_empty() {
            self.tracker.skip(at, &motion);
            self.young = false;
            self.judge(frame, verdicts);
        }
        view
    }

    /// The detector has answered for a frame. Answers come in the order of the frames.
    pub fn detected(
        &mut self,
        frame: &Frame,
        view: &View,
        detections: &[Detection],
        verdicts: &mut Vec<Verdict>,
    ) {
        let Some(looking) = self.forget(frame.number) else {
            // Sight was lost while the detector worked.
            return;
        };
        let Looking { at, motion, .. } = &looking;
        let size = frame.picture.size();
        self.plan.learn(size, view, detections, &looking.motion);
        match view {
            View::Full | View::FullAndCrops(_) => {
                self.tracker.update(looking.at, detections, &looking.motion);
            }
            // What lies outside of the crops was not looked at, so that its absence says nothing.
            View::Crops(rects) => {
                let parts: Vec<UnitBox> = rects.iter().map(|rect| rect.to_unit(size)).collect();
                self.tracker.update_within(looking.at, &parts, detections, &looking.motion);
            }
        }
        let stirs =
            |track: &Track| motion.regions.iter().any(|region| region.intersection(&track.bbox).is_some());
        let is_new = |track: &Track| at.since(track.born) < YOUNG && track.confidence.is_some();
        self.young = self.tracker.tracks().iter().any(|track| is_new(track) && stirs(track));
        self.judge(frame, verdicts);
    }

    /// The detector will not answer for a frame: a newer one took its place, or it failed. As if it had never been shown.
    pub(super) fn unseen(&mut self, number: u64) {
        self.forget(number);
    }

    fn forget(&mut self, number: u64) -> Option<Looking> {
        let index = self.out.iter().position(|looking| looking.number == number)?;
        self.out.remove(index)
    }

    /// The stream broke off. Tracks wait a while for it to come back; see [`Watch::lose_sight`].
    pub(super) fn cut(&mut self) {
        self.clock.cut();
    }

    /// The camera was gone for too long: every track and alert of it ends.
    pub fn lose_sight(&mut self, verdicts: &mut Vec<Verdict>) {
        self.out.clear();
        self.tracker.clear();
        self.rules.end_all(verdicts);
        self.passages.lose_sight(&mut self.passed);
    }

    /// Frames for which the detector's answer is still expected.
    pub(super) fn frames_out(&self) -> usize {
        self.out.len()
    }

    /// What the tracks ask of the camera's attention.
    pub(super) fn judged(&self) -> Judged {
        let tracks = self.tracker.tracks();
        Judged {
            live: self.tracker.follows(),
            young: self.young,
            thing: tracks.iter().any(|track| track.moved),
            raised: false,
        }
    }

    /// Shows the tracks as of the newest frame.
    pub fn tracks(&self) -> &[Track] {
        self.tracker.tracks()
    }

    /// Of which frame the tracks are: its time in the stream, and its arrival.
    pub(super) fn looked(&self) -> Option<(MediaTime, Mono)> {
        self.looked
    }

    /// Shows those that are in view.
    pub(super) fn in_view(&self) -> impl Iterator<Item = &Track> {
        self.tracker.in_view()
    }

    /// Takes the passages that are over, and the pieces of those that go on.
    pub fn passed(&mut self) -> std::vec::Drain<'_, Passage> {
        self.passed.drain(..)
    }

    fn judge(&mut self, frame: &Frame, verdicts: &mut Vec<Verdict>) {
        let (now, before) = (frame.arrived, verdicts.len());
        self.looked = Some((frame.media, now.mono));
        let tracks = self.tracker.tracks();
        self.rules.update(now, tracks, self.tracker.ended(), verdicts);
        self.passages.see(now.mono, &frame.picture);
        let successions: Vec<_> = self.rules.successions().collect();
        let verdicts = &verdicts[before..];
        let judgement = Judgement { now, tracks, successions: &successions, verdicts };
        self.passages.judged(judgement, &mut self.passed);
    }
}
