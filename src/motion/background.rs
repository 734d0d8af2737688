//! What each cell looks like when nothing happens, learnt.
//!
//! Owns the running background, the noise of each cell, and the decision which cells differ. Pure: it counts looks, and
//! knows no time.

/// Least difference of luma that counts, in levels of 0..=255. Compression alone moves a quiet cell by one or two.
const DIFFERENCE_MIN: f32 = 5.0;

/// A difference counts beyond so many times a cell's mean step from look to look: some 4.5 standard deviations of
/// Gaussian noise.
const NOISES: f32 = 4.0;

/// What a cell's threshold gains when it begins to differ, and what it loses a look; so a swaying branch, which begins
/// anew with each gust, falls silent, and a path where somebody passes now and then does not.
const FLICKER_GAIN: f32 = 1.0;
const FLICKER_MAX: f32 = 10.0;
const FLICKER_KEPT: f32 = 1.0 - 1.0 / 300.0;

/// Share of a difference that the background follows in a look.
const FOLLOW: f32 = 1.0 / 24.0;

/// The same for the noise, once settled.
const LEARN: f32 = 1.0 / 64.0;

/// Looks within which noise is learnt faster.
const YOUNG_LOOKS: u32 = 48;

/// Noise of a cell of which nothing is known, in levels.
const NOISE_UNKNOWN: f32 = 1.5;

/// A shift of all cells that is more than the sun or the camera's exposure do between two looks, in levels.
const SHIFT_MAX: f32 = 12.0;

/// How long the background behind something that was absorbed is remembered, in times that it took to absorb it.
const FORMER_KEPT: u32 = 40;

/// Share of cells that differ from which on it is the whole picture that changed.
const WHOLE_SHARE: f32 = 0.6;

/// The background of one camera.
#[derive(Debug, Default)]
pub(super) struct Background {
    cells: Vec<Cell>,
    /// Looks since it began.
    looks: u32,
    /// Differences of all cells in quarters of a level, to find the middle one.
    histogram: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// Luma when nothing happens.
    base: f32,
    /// What was there before something was absorbed (not a number where nothing was): if that goes away again, nothing has
    /// moved.
    former: f32,
    /// Looks for which `former` is still worth remembering.
    former_left: u32,
    /// At the look before.
    last: f32,
    /// Mean step from look to look.
    noise: f32,
    /// Raised threshold of a cell that begins to differ again and again.
    flicker: f32,
    /// Looks in a row in which it differed.
    age: u32,
}

impl Cell {
    fn of(luma: f32) -> Self {
        Self {
            base: luma,
            former: f32::NAN,
            former_left: 0,
            last: luma,
            noise: NOISE_UNKNOWN,
            flicker: 0.0,
            age: 0,
        }
    }

    /// Takes the present for the background, and keeps what it knows of noise.
    fn rebase(&mut self, luma: f32) {
        *self = Self { noise: self.noise, flicker: self.flicker, ..Self::of(luma) };
    }

    /// How far it lies beyond what is usual: above 1 it differs.
    fn look(&mut self, luma: f32, shift: f32, learn: f32, absorb_after: u32) -> f32 {
        let step = (luma - self.last - shift).abs();
        self.last = luma;
        self.base += shift;
        self.former += shift;
        self.former_left = self.former_left.saturating_sub(1);
        // Cut off, so that one who passes does not count as noise.
        self.noise += (step.min(2.0 * self.noise + 0.25) - self.noise) * learn;
        self.flicker *= FLICKER_KEPT;
        let threshold = DIFFERENCE_MIN.max(NOISES * self.noise) + self.flicker + shift.abs() / 2.0;
        let excess = (luma - self.base).abs() / threshold;
        if excess <= 1.0 {
            self.base += (luma - self.base) * FOLLOW;
            self.age = 0;
            return excess;
        }
        if self.former_left > 0 && (luma - self.former).abs() <= threshold {
            std::mem::swap(&mut self.base, &mut self.former);
            self.age = 0;
            return 0.0;
        }
        if self.age == 0 {
            self.flicker = (self.flicker + FLICKER_GAIN).min(FLICKER_MAX);
        }
        self.age += 1;
        let steady = step <= threshold / 2.0;
        if (steady && self.age >= absorb_after) || self.age >= absorb_after.saturating_mul(3) {
            self.former = self.base;
            self.former_left = FORMER_KEPT.saturating_mul(absorb_after);
            self.base = luma;
            self.age = 0;
            return 0.0;
        }
        excess
    }
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Difference {
    /// The first look: there is nothing to compare with.
    None,
    /// So large a share of the cells that are looked at.
    Share(f32),
    /// Everything at once; the background is the present now.
    Whole,
}

impl Background {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.looks = 0;
    }

    /// Compares `luma`, cell by cell, and learns. `excess` becomes each cell's difference in thresholds (above 1: it
    /// differs), and 0 where `masked`. Cells that differ steadily for `absorb_after` looks become background.
    pub(super) fn look(
        &mut self,
        luma: &[f32],
        masked: &[bool],
        absorb_after: u32,
        excess: &mut Vec<f32>,
    ) -> Difference {
        excess.clear();
        if self.cells.len() != luma.len() {
            self.cells.clear();
            self.cells.extend(luma.iter().map(|luma| Cell::of(*luma)));
            self.looks = 1;
            excess.resize(luma.len(), 0.0);
            return Difference::None;
        }
        self.looks = self.looks.saturating_add(1);
        let seen = masked.iter().filter(|masked| !**masked).count().max(1);
        let shift = self.middle_difference(luma, masked, seen);
        if shift.abs() > SHIFT_MAX {
            return self.whole(luma, excess);
        }
        let learn = if self.looks < YOUNG_LOOKS { 1.0 / self.looks.clamp(8, 64) as f32 } else { LEARN };
        let mut differing = 0usize;
        for ((cell, luma), masked) in self.cells.iter_mut().zip(luma).zip(masked) {
            let beyond = if *masked { 0.0 } else { cell.look(*luma, shift, learn, absorb_after) };
            differing += usize::from(beyond > 1.0);
            excess.push(beyond);
        }
        let share = differing as f32 / seen as f32;
        if share > WHOLE_SHARE { self.whole(luma, excess) } else { Difference::Share(share) }
    }

    fn whole(&mut self, luma: &[f32], excess: &mut Vec<f32>) -> Difference {
        for (cell, luma) in self.cells.iter_mut().zip(luma) {
            cell.rebase(*luma);
        }
        excess.clear();
        excess.resize(luma.len(), 0.0);
        Difference::Whole
    }

    /// The median difference, to a quarter of a level: what the light does to all cells alike.
    fn middle_difference(&mut self, luma: &[f32], masked: &[bool], seen: usize) -> f32 {
        const STEPS: f32 = 4.0;
        const ZERO: i32 = 1024;
        self.histogram.clear();
        self.histogram.resize(2 * ZERO as usize, 0);
        for ((cell, luma), masked) in self.cells.iter().zip(luma).zip(masked) {
            if !masked {
                let bin = ((luma - cell.base) * STEPS).round() as i32 + ZERO;
                self.histogram[bin.clamp(0, 2 * ZERO - 1) as usize] += 1;
            }
        }
        let mut below = 0usize;
        for (bin, count) in self.histogram.iter().enumerate() {
            below += *count as usize;
            if 2 * below >= seen {
                return (bin as i32 - ZERO) as f32 / STEPS;
            }
        }
        0.0
    }
}
