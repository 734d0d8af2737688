//! Full frame or crops, by the size that things turn out to have in a camera's picture.
//!
//! Pure, one a camera. Measured (models/MODEL-CARD.md): people of 32 or more network pixels are found by one call on the whole picture;
//! smaller ones are not (39 % where they had 80 of 1440 rows), and crops around motion find them (94 %). So the plan
//! learns the size of what moves, by how far down the picture it stands, since what is farther away is smaller; it sends a crop
//! after motion that the whole picture did not explain, and goes back to the whole picture where things are large.
//!
//! Nothing here counts seconds: a plan is asked for at the camera's detection rate.

use super::{Detection, View, detector::CROPS_MAX};
use crate::{
    config::ViewPolicy,
    geometry::{PixelRect, Size, UnitBox},
    motion::Motion,
    track::Track,
};

/// Without motion, the whole picture is looked at once in so many plans (5 s at 5 frames a second), for what
/// moves too slowly to be seen moving.
pub const HEARTBEAT_PLANS: u32 = 25;
/// Somebody who has stood still for [`HEARTBEAT_PLANS`] is looked at once in so many plans.
pub const STANDING_PLANS: u32 = 5;
/// Smallest side of a crop, in pixels of the picture.
const CROP_SIDE_PX_MIN: f32 = 320.0;
/// Side of a crop over the larger side of what it is made for.
const CROP_MARGIN: f32 = 1.2;
/// A crop of so much of the picture is no better than the picture.
const CROP_SHARE_MAX: f32 = 0.6;
/// Below this size in network pixels of a full view, things are worth a crop …
const SMALL_BELOW_PX: f32 = 32.0;
/// … until they are larger than this.
const LARGE_ABOVE_PX: f32 = 40.0;
/// Things seen before a size is believed.
const BELIEVED_FROM: u32 = 3;
/// Weight of the newest thing in a band's mean size.
const NEWEST_WEIGHT: f32 = 0.15;
/// Sureness from which on a detection teaches.
const TEACHES_FROM: f32 = 0.35;
/// Plans between crops sent after unexplained motion, while they find something; doubled each time that they do not …
const PROBE_PLANS_MIN: u32 = 5;
/// … up to this.
const PROBE_PLANS_MAX: u32 = 320;
/// Bands of the picture, from top to bottom.
const BANDS: usize = 6;

/// Plans how one camera's frames are looked at.
#[derive(Debug, Clone)]
pub struct ViewPlan {
    policy: ViewPolicy,
    input_side_px: f32,
    bands: [Band; BANDS],
    /// Plans since something moved.
    quiet: u32,
    /// Plans since a look.
    since_look: u32,
    /// Plans since a look at the whole picture.
    since_whole: u32,
    /// Where the next round begins, when there is more to look at than four crops hold.
    turn: usize,
    probe: Probe,
}

/// How large things are that stand in one band of the picture.
#[derive(Debug, Clone, Copy, Default)]
struct Band {
    /// Larger side in network pixels of a full view: the mean, on a logarithmic scale.
    log_px: f32,
    seen: u32,
    small: bool,
}

/// A crop after motion that the whole picture did not explain.
#[derive(Debug, Clone, Copy)]
struct Probe {
    /// Where unexplained motion was last.
    wanted: Option<UnitBox>,
    /// Where the last crop went, until its result is in.
    sent: Option<UnitBox>,
    /// Plans between two.
    every: u32,
    /// Plans until the next.
    wait: u32,
}

impl ViewPlan {
    /// A plan for a camera about which nothing is known. `input_side_px` is the network's.
    pub fn new(policy: ViewPolicy, input_side_px: u32) -> Self {
        let probe = Probe { wanted: None, sent: None, every: PROBE_PLANS_MIN, wait: 0 };
        Self {
            policy,
            input_side_px: input_side_px as f32,
            bands: [Band::default(); BANDS],
            quiet: 0,
            // The first frame is looked at.
            since_look: HEARTBEAT_PLANS,
            since_whole: HEARTBEAT_PLANS,
            turn: 0,
            probe,
        }
    }

    /// How to look at the newest frame, of which `motion` and the `tracks` so far are known. `None`: nothing is worth a call.
    ///
    /// Looked at are frames with motion or with a track that has ever moved; of a scene in which everything stands still,
    /// one in [`STANDING_PLANS`] or [`HEARTBEAT_PLANS`].
    pub fn plan(&mut self, frame: Size, motion: &Motion, tracks: &[Track]) -> Option<View> {
        let mut aims: Vec<UnitBox> = motion.regions.iter().filter_map(usable).collect();
        self.quiet = if aims.is_empty() { self.quiet.saturating_add(1) } else { 0 };
        aims.extend(tracks.iter().filter(|track| track.moved).filter_map(|track| usable(&track.bbox)));
        let every = match (self.quiet, aims.is_empty()) {
            (_, true) => HEARTBEAT_PLANS,
            (quiet, false) if quiet > HEARTBEAT_PLANS => STANDING_PLANS,
            (_, false) => 1,
        };
        self.since_look = self.since_look.saturating_add(1);
        self.since_whole = self.since_whole.saturating_add(1);
        self.probe.wait = self.probe.wait.saturating_sub(1);
        if self.since_look < every {
            return None;
        }
        self.since_look = 0;
        let view = self.view(frame, &aims);
        if !matches!(view, View::Crops(_)) {
            self.since_whole = 0;
        }
        Some(view)
    }

    /// The next plan is a look, whatever has moved: much time has passed since the last one, and only a look can tell who is still there.
    pub fn hasten(&mut self) {
        self.since_look = HEARTBEAT_PLANS;
    }

    fn view(&mut self, frame: Size, aims: &[UnitBox]) -> View {
        match self.policy {
            ViewPolicy::Full => View::Full,
            ViewPolicy::Crops => {
                let crops = self.crops(frame, aims);
                if crops.is_empty() { View::Full } else { View::Crops(crops) }
            }
            ViewPolicy::Auto => {
                let (mut small, large): (Vec<UnitBox>, Vec<UnitBox>) =
                    aims.iter().partition(|aim| self.band(aim).is_some_and(|band| band.small));
                let mut whole = !large.is_empty() || self.since_whole >= HEARTBEAT_PLANS;
                if self.probe.wait == 0
                    && let Some(wanted) = self.probe.wanted.take()
                {
                    self.probe.sent = Some(wanted);
                    self.probe.wait = self.probe.every;
                    small.insert(0, wanted);
                    self.turn = 0;
                    whole = true;
                }
                match self.crops(frame, &small) {
                    crops if crops.is_empty() => View::Full,
                    crops if whole => View::FullAndCrops(crops),
                    crops => View::Crops(crops),
                }
            }
        }
    }

    /// Teaches what a look found. `motion` is that of the same frame.
    pub fn learn(&mut self, frame: Size, view: &View, detections: &[Detection], motion: &Motion) {
        if let Some(sent) = self.probe.sent.take() {
            let fruitful = detections.iter().any(|one| explains(&one.bbox, &sent));
            if fruitful {
                self.probe.every = PROBE_PLANS_MIN;
            } else {
                self.probe.every = (2 * self.probe.every).min(PROBE_PLANS_MAX);
                self.probe.wait = self.probe.every;
            }
        }
        // What stands still (a parked car) says nothing of the size of visitors.
        let moving =
            |one: &&Detection| motion.regions.iter().any(|region| one.bbox.intersection(region).is_some());
        for one in detections.iter().filter(|one| one.confidence >= TEACHES_FROM).filter(moving) {
            let px = self.full_view_px(frame, &one.bbox);
            self.bands[band_of(&one.bbox)].add(px);
        }
        if !matches!(view, View::Crops(_)) {
            let unexplained = |region: &&UnitBox| {
                region.area() < CROP_SHARE_MAX
                    && usable(region).is_some()
                    && !detections.iter().any(|one| explains(&one.bbox, region))
            };
            self.probe.wanted = motion.regions.iter().find(unexplained).copied();
        }
    }

    /// Larger side of a box, in network pixels of a view of the whole picture.
    fn full_view_px(&self, frame: Size, bbox: &UnitBox) -> f32 {
        larger_side_px(frame, bbox) * self.input_side_px / frame.w.max(frame.h).max(1) as f32
    }

    /// What is known of the size of things where a box stands: of its own band, else of the nearest one.
    fn band(&self, bbox: &UnitBox) -> Option<&Band> {
        let own = band_of(bbox);
        let known = self.bands.iter().enumerate().filter(|(_, band)| band.seen >= BELIEVED_FROM);
        known.min_by_key(|(index, _)| index.abs_diff(own)).map(|(_, band)| band)
    }

    /// At most four squares that hold the aims, inside the frame. Empty where one of them would be most of the picture. What
    /// they do not hold comes first the next time.
    fn crops(&mut self, frame: Size, aims: &[UnitBox]) -> Vec<PixelRect> {
        let mut crops: Vec<PixelRect> = Vec::new();
        let start = self.turn;
        self.turn = 0;
        for step in 0..aims.len() {
            let index = (start + step) % aims.len();
            let aim = aims[index];
            if crops.iter().any(|crop| holds(&crop.to_unit(frame), &aim)) {
                continue;
            }
            if crops.len() == CROPS_MAX {
                self.turn = index;
                break;
            }
            let side = (larger_side_px(frame, &aim) * CROP_MARGIN).max(CROP_SIDE_PX_MIN);
            // Neighbours that fit in come along.
            let around = aims.iter().fold(aim, |around, other| {
                let both = around.union(other);
                if larger_side_px(frame, &both) * CROP_MARGIN <= side { both } else { around }
            });
            let crop = square(frame, &around, side);
            if crop.to_unit(frame).area() > CROP_SHARE_MAX {
                return Vec::new();
            }
            crops.push(crop);
        }
        crops
    }
}

impl Band {
    fn add(&mut self, px: f32) {
        let log_px = px.max(1.0).ln();
        self.log_px =
            if self.seen == 0 { log_px } else { self.log_px + NEWEST_WEIGHT * (log_px - self.log_px) };
        self.seen = self.seen.saturating_add(1);
        let limit = if self.small { LARGE_ABOVE_PX } else { SMALL_BELOW_PX };
        self.small = self.log_px < limit.ln();
    }
}

/// The band in which a box stands.
fn band_of(bbox: &UnitBox) -> usize {
    ((bbox.b.clamp(0.0, 1.0) * BANDS as f32) as usize).min(BANDS - 1)
}

/// A box that has a size, cut to the picture.
fn usable(bbox: &UnitBox) -> Option<UnitBox> {
    let cut = bbox.clamped();
    (cut.w() > 0.0 && cut.h() > 0.0).then_some(cut)
}

fn larger_side_px(frame: Size, bbox: &UnitBox) -> f32 {
    (bbox.w() * frame.w as f32).max(bbox.h() * frame.h as f32)
}

fn holds(outer: &UnitBox, inner: &UnitBox) -> bool {
    outer.l <= inner.l && outer.t <= inner.t && outer.r >= inner.r && outer.b >= inner.b
}

/// Whether a detection accounts for a region that moved: they share a fifth of the smaller one.
fn explains(bbox: &UnitBox, region: &UnitBox) -> bool {
    region.covered_by(bbox) >= 0.2 || bbox.covered_by(region) >= 0.2
}

/// A square of `side` pixels around the centre of a box, shifted inside the frame, and cut where the frame is smaller.
fn square(frame: Size, around: &UnitBox, side: f32) -> PixelRect {
    let side = side.ceil() as u32;
    let (w, h) = (side.clamp(1, frame.w.max(1)), side.clamp(1, frame.h.max(1)));
    let centre = around.centre();
    let from = |centre: f32, all: u32, len: u32| {
        let from = centre * all as f32 - len as f32 / 2.0;
        (from.round().max(0.0) as u32).min(all.saturating_sub(len))
    };
    PixelRect { x: from(centre.x, frame.w, w), y: from(centre.y, frame.h, h), w, h }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
