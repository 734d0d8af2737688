//! Where a foot stands: in a zone or not, and on which side of a line.
//!
//! Owns the geometry that has to be robust against the jitter of boxes. It knows nothing of belief, time or alerts.

use crate::{
    geometry::{Crossing, Polygon, Segment, UnitBox, UnitPoint},
    time::Now,
};

/// Width of the picture in its heights, for margins only: they are rough, and cameras are 16:9 or 4:3.
const ASPECT: f32 = 16.0 / 9.0;

/// How far past an edge a foot has to be for that to be clear, in heights of the picture: a tenth of the thing's own height,
/// within reason.
fn margin(bbox: &UnitBox) -> f32 {
    (0.1 * bbox.h()).clamp(0.004, 0.03)
}

/// Between a point and a segment, in heights of the picture.
fn distance(p: UnitPoint, a: UnitPoint, b: UnitPoint) -> f32 {
    let (px, py) = ((p.x - a.x) * ASPECT, p.y - a.y);
    let (bx, by) = ((b.x - a.x) * ASPECT, b.y - a.y);
    let length = bx * bx + by * by;
    let along = if length > 0.0 { ((px * bx + py * by) / length).clamp(0.0, 1.0) } else { 0.0 };
    (px - along * bx).hypot(py - along * by)
}

/// A part of the picture, with an edge that has to be passed clearly.
#[derive(Debug, Clone)]
pub(crate) enum Area {
    /// All of it.
    Picture,
    /// A zone.
    Zone {
        polygon: Polygon,
        /// Margins do not grow past this, so that a narrow zone can be entered at all.
        margin_max: f32,
    },
}

impl Area {
    pub(crate) fn zone(polygon: &Polygon) -> Self {
        let corners = polygon.corners();
        let around: f32 = (0..corners.len())
            .map(|i| {
                let (a, b) = (corners[i], corners[(i + 1) % corners.len()]);
                ((b.x - a.x) * ASPECT).hypot(b.y - a.y)
            })
            .sum();
        // Area over circumference is half the width of a long strip, and a quarter of the side of a square.
        let margin_max = 0.25 * polygon.area() * ASPECT / around.max(1e-6);
        Self::Zone { polygon: polygon.clone(), margin_max }
    }

    /// Whether the foot of `bbox` is inside, for somebody who `was` inside or not: within the margin of the edge nothing changes.
    pub(crate) fn holds(&self, bbox: &UnitBox, was: Inside) -> Inside {
        let Self::Zone { polygon, margin_max } = self else { return Inside::Yes };
        // A foot on the very edge of the picture is inside of a zone that reaches there.
        let foot = bbox.foot();
        let foot = UnitPoint::new(foot.x.clamp(0.001, 0.999), foot.y.clamp(0.001, 0.999));
        let is = if polygon.contains(foot) { Inside::Yes } else { Inside::No };
        if is == was {
            return was;
        }
        let corners = polygon.corners();
        let edge = (0..corners.len())
            .map(|i| (corners[i], corners[(i + 1) % corners.len()]))
            .filter(|(a, b)| !on_border(*a, *b))
            .map(|(a, b)| distance(foot, a, b))
            .fold(f32::INFINITY, f32::min);
        if edge >= margin(bbox).min(*margin_max) { is } else { was }
    }
}

/// Whether somebody is in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    Yes,
    No,
}

/// An edge of a zone that is an edge of the picture: nobody comes in over it or leaves.
fn on_border(a: UnitPoint, b: UnitPoint) -> bool {
    const NEAR: f32 = 0.005;
    let both = |x: f32, y: f32| (x < NEAR && y < NEAR) || (x > 1.0 - NEAR && y > 1.0 - NEAR);
    both(a.x, b.x) || both(a.y, b.y)
}

/// The path of one foot with regard to one line.
///
/// ```text
///              clear of the line
/// Nowhere ───────────────────────▶ on one side ◀─┐
///                                     │          │ clear again on the same side: forget
///                                     ▼          │
///                         on the way (which way, since when) ── twice clear of the line on the other side,
///                                                               or far beyond it ──▶ crossed, on that side
/// ```
/// Only a path that goes through the line's own length counts, not one around its ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walk {
    /// The side on which it was clear of the line last.
    side: Option<Side>,
    /// Crossings to the right less those to the left since then.
    net: i32,
    /// When the first of these was.
    since: Option<Now>,
    /// Looks in which it was clear on the other side.
    beyond: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Walk {
    /// The foot goes from `from` (none at the beginning of a path) to that of `bbox`. Says which way the line was crossed, and when
    /// the first frame showed it, once that is clear.
    pub(crate) fn step(
        &mut self,
        now: Now,
        line: &Segment,
        from: Option<UnitPoint>,
        bbox: &UnitBox,
    ) -> Option<(Crossing, Now)> {
        let foot = bbox.foot();
        self.pass(now, from.and_then(|from| line.crossing(from, foot)));
        let (dx, dy) = ((line.b.x - line.a.x) * ASPECT, line.b.y - line.a.y);
        // `side` is twice an area in unit coordinates: times the aspect over the length, it is a distance.
        let off = line.side(foot) * ASPECT / dx.hypot(dy).max(1e-6);
        let clear = margin(bbox);
        if off.abs() < clear {
            return None;
        }
        let side = if off > 0.0 { Side::Right } else { Side::Left };
        let crossed = match side {
            Side::Right => self.net > 0,
            Side::Left => self.net < 0,
        };
        if self.side == Some(side) || (self.side.is_none() && !crossed) {
            *self = Self { side: Some(side), ..Self::default() };
            return None;
        }
        self.beyond += 1;
        if self.beyond < 2 && off.abs() < 4.0 * clear {
            return None;
        }
        let since = self.since.unwrap_or(now);
        *self = Self { side: Some(side), ..Self::default() };
        let way = if side == Side::Right { Crossing::LeftToRight } else { Crossing::RightToLeft };
        crossed.then_some((way, since))
    }

    fn pass(&mut self, now: Now, crossing: Option<Crossing>) {
        self.net += match crossing {
            Some(Crossing::LeftToRight) => 1,
            Some(Crossing::RightToLeft) => -1,
            None => 0,
        };
        if self.net == 0 {
            self.since = None;
        } else if crossing.is_some() {
            self.since.get_or_insert(now);
        }
    }

    /// This path goes on from an `earlier` one that ended at `from`; this one began at `to`, at the time `began`.
    pub(super) fn continue_from(
        &mut self,
        earlier: &Self,
        line: &Segment,
        from: UnitPoint,
        to: UnitPoint,
        began: Now,
    ) {
        let own = *self;
        *self = *earlier;
        self.pass(began, line.crossing(from, to));
        self.net += own.net;
        self.since = if self.net == 0 { None } else { self.since.or(own.since).or(Some(began)) };
        self.side = earlier.side.or(own.side);
        self.beyond = own.beyond;
    }
}
