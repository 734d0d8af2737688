//! Coordinate frames and the shapes in them.
//!
//! A *unit* coordinate is a share of the picture (0 at the left or top edge, 1 at the right or bottom one); a *pixel*
//! coordinate counts pixels of one stated picture. They are different types. Nothing here knows
//! what a zone or a box means.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width in pixels.
    pub w: u32,
    /// Height in pixels.
    pub h: u32,
}

impl Size {
    /// A size.
    pub const fn new(w: u32, h: u32) -> Self {
        Self { w, h }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.w, self.h)
    }
}

/// A point in shares of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UnitPoint {
    /// 0 left, 1 right.
    pub x: f32,
    /// 0 top, 1 bottom.
    pub y: f32,
}

impl UnitPoint {
    /// A point.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
}

/// A box in shares of the picture, `l <= r` and `t <= b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitBox {
    /// Left edge.
    pub l: f32,
    /// Top edge.
    pub t: f32,
    /// Right edge.
    pub r: f32,
    /// Bottom edge.
    pub b: f32,
}

impl UnitBox {
    /// The whole picture.
    pub const FULL: Self = Self { l: 0.0, t: 0.0, r: 1.0, b: 1.0 };

    /// A box from its edges, in any order.
    pub fn new(l: f32, t: f32, r: f32, b: f32) -> Self {
        Self { l: l.min(r), t: t.min(b), r: l.max(r), b: t.max(b) }
    }

    /// Width as a share of the picture's width.
    pub fn w(&self) -> f32 {
        self.r - self.l
    }

    /// Height as a share of the picture's height.
    pub fn h(&self) -> f32 {
        self.b - self.t
    }

    /// Area as a share of the picture.
    pub fn area(&self) -> f32 {
        self.w() * self.h()
    }

    /// Its centre.
    pub fn centre(&self) -> UnitPoint {
        UnitPoint::new((self.l + self.r) / 2.0, (self.t + self.b) / 2.0)
    }

    /// Where it stands: the middle of the bottom edge. Zones and lines are judged by it, since it
    /// lies on the ground.
    pub fn foot(&self) -> UnitPoint {
        UnitPoint::new((self.l + self.r) / 2.0, self.b)
    }

    /// What both cover, if anything.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (l, t) = (self.l.max(other.l), self.t.max(other.t));
        let (r, b) = (self.r.min(other.r), self.b.min(other.b));
        (l < r && t < b).then_some(Self { l, t, r, b })
    }

    /// The smallest box around both.
    pub fn union(&self, other: &Self) -> Self {
        Self {
            l: self.l.min(other.l),
            t: self.t.min(other.t),
            r: self.r.max(other.r),
            b: self.b.max(other.b),
        }
    }

    /// Intersection over union, 0..=1.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other).map_or(0.0, |i| i.area());
        let all = self.area() + other.area() - shared;
        if all > 0.0 { shared / all } else { 0.0 }
    }

    /// Share of `self` that `other` covers, 0..=1.
    pub fn covered_by(&self, other: &Self) -> f32 {
        let own = self.area();
        if own > 0.0 { self.intersection(other).map_or(0.0, |i| i.area()) / own } else { 0.0 }
    }

    /// Cut to the picture.
    pub fn clamped(&self) -> Self {
        Self {
            l: self.l.clamp(0.0, 1.0),
            t: self.t.clamp(0.0, 1.0),
            r: self.r.clamp(0.0, 1.0),
            b: self.b.clamp(0.0, 1.0),
        }
    }

    /// Grown by a share of its own size on every side (not cut to the picture).
    pub fn grown(&self, share: f32) -> Self {
        let (dx, dy) = (self.w() * share, self.h() * share);
        Self { l: self.l - dx, t: self.t - dy, r: self.r + dx, b: self.b + dy }
    }

    /// In pixels of a picture of `size`.
    pub fn to_pixels(&self, size: Size) -> PixelBox {
        let (w, h) = (size.w as f32, size.h as f32);
        PixelBox { l: self.l * w, t: self.t * h, r: self.r * w, b: self.b * h }
    }
}

/// A box in pixels of one stated picture; edges may lie between pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelBox {
    /// Left edge, pixels.
    pub l: f32,
    /// Top edge, pixels.
    pub t: f32,
    /// Right edge, pixels.
    pub r: f32,
    /// Bottom edge, pixels.
    pub b: f32,
}

impl PixelBox {
    /// In shares of a picture of `size`.
    pub fn to_unit(&self, size: Size) -> UnitBox {
        let (w, h) = (size.w.max(1) as f32, size.h.max(1) as f32);
        UnitBox { l: self.l / w, t: self.t / h, r: self.r / w, b: self.b / h }
    }
}

/// A rectangle of whole pixels of one stated picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelRect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns.
    pub w: u32,
    /// Rows.
    pub h: u32,
}

impl PixelRect {
    /// The whole of a picture.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, w: size.w, h: size.h }
    }

    /// In shares of a picture of `size`.
    pub fn to_unit(&self, size: Size) -> UnitBox {
        PixelBox {
            l: self.x as f32,
            t: self.y as f32,
            r: (self.x + self.w) as f32,
            b: (self.y + self.h) as f32,
        }
        .to_unit(size)
    }
}

/// A simple polygon of at least three corners, in shares of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon(Vec<UnitPoint>);

/// Why a list of points is not a polygon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPolygon {
    /// Fewer than three corners.
    #[error("a polygon has at least three corners, this one has {0}")]
    Corners(usize),
    /// A corner lies outside of 0..=1, or is not a number.
    #[error("corner {0} lies outside of the picture: coordinates go from 0 to 1")]
    Outside(usize),
    /// It covers nothing.
    #[error("the corners lie on one line, so that the polygon covers nothing")]
    Flat,
    /// Two edges cross.
    #[error("edge {0} crosses edge {1}: list the corners in order around the area")]
    Crossing(usize, usize),
}

impl Polygon {
    /// A polygon from its corners, in order, without repeating the first.
    pub fn new(corners: Vec<UnitPoint>) -> Result<Self, NotAPolygon> {
        let n = corners.len();
        if n < 3 {
            return Err(NotAPolygon::Corners(n));
        }
        if let Some(i) =
            corners.iter().position(|p| !((0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y)))
        {
            return Err(NotAPolygon::Outside(i + 1));
        }
        for i in 0..n {
            for j in i + 2..n {
                if i == 0 && j == n - 1 {
                    continue;
                }
                let (a, b) = (Segment::new(corners[i], corners[i + 1]), (corners[j], corners[(j + 1) % n]));
                if a.crossing(b.0, b.1).is_some() {
                    return Err(NotAPolygon::Crossing(i + 1, j + 1));
                }
            }
        }
        let polygon = Self(corners);
        if polygon.area() < 1e-6 { Err(NotAPolygon::Flat) } else { Ok(polygon) }
    }

    /// Its corners.
    pub fn corners(&self) -> &[UnitPoint] {
        &self.0
    }

    fn edges(&self) -> impl Iterator<Item = (UnitPoint, UnitPoint)> + '_ {
        (0..self.0.len()).map(|i| (self.0[i], self.0[(i + 1) % self.0.len()]))
    }

    /// Area as a share of the picture.
    pub fn area(&self) -> f32 {
        self.edges().map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f32>().abs() / 2.0
    }

    /// Whether a point lies inside (even-odd rule).
    pub fn contains(&self, p: UnitPoint) -> bool {
        self.edges().fold(false, |inside, (a, b)| {
            let spans = (a.y > p.y) != (b.y > p.y);
            inside ^ (spans && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x)
        })
    }

    /// The spans `[from, to)` in x that row `y` of the polygon covers, appended to `spans`.
    pub fn row_spans(&self, y: f32, spans: &mut Vec<(f32, f32)>) {
        let mut xs: Vec<f32> = self
            .edges()
            .filter(|(a, b)| (a.y > y) != (b.y > y))
            .map(|(a, b)| (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x)
            .collect();
        xs.sort_by(f32::total_cmp);
        spans.extend(xs.chunks_exact(2).map(|pair| (pair[0], pair[1])));
    }
}

/// From which side a segment was crossed, for somebody who stands at `a` and looks to `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// From the left of a→b to its right (in the picture, y pointing down).
    LeftToRight,
    /// From the right of a→b to its left.
    RightToLeft,
}

/// A directed line segment, in shares of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Start.
    pub a: UnitPoint,
    /// End.
    pub b: UnitPoint,
}

impl Segment {
    /// A segment.
    pub const fn new(a: UnitPoint, b: UnitPoint) -> Self {
        Self { a, b }
    }

    /// Twice the signed area of the triangle a, b, p: positive where p lies to the right of a→b as seen in the picture
    /// (y pointing down), negative to the left.
    pub fn side(&self, p: UnitPoint) -> f32 {
        (self.b.x - self.a.x) * (p.y - self.a.y) - (self.b.y - self.a.y) * (p.x - self.a.x)
    }

    /// Whether the step from `p` to `q` crosses the segment, and in which direction. A point on the line counts as on
    /// its left, so that no path crosses twice by touching.
    pub fn crossing(&self, p: UnitPoint, q: UnitPoint) -> Option<Crossing> {
        let (from, to) = (self.side(p), self.side(q));
        let step = Segment::new(p, q);
        let (ends_a, ends_b) = (step.side(self.a), step.side(self.b));
        let within = (ends_a <= 0.0 && ends_b >= 0.0) || (ends_a >= 0.0 && ends_b <= 0.0);
        if !within {
            None
        } else if from <= 0.0 && to > 0.0 {
            Some(Crossing::LeftToRight)
        } else if from > 0.0 && to <= 0.0 {
            Some(Crossing::RightToLeft)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(x: f32, y: f32) -> UnitPoint {
        UnitPoint::new(x, y)
    }

    #[test]
    fn polygons_refuse_what_covers_nothing() {
        assert_eq!(Polygon::new(vec![p(0.0, 0.0), p(1.0, 1.0)]), Err(NotAPolygon::Corners(2)));
        assert_eq!(Polygon::new(vec![p(0.0, 0.0), p(0.5, 0.5), p(1.0, 1.0)]), Err(NotAPolygon::Flat));
        assert_eq!(Polygon::new(vec![p(0.0, 0.0), p(0.5, 0.5), p(1.0, 1.1)]), Err(NotAPolygon::Outside(3)));
        assert_eq!(
            Polygon::new(vec![p(0.0, 0.0), p(f32::NAN, 0.5), p(1.0, 1.0)]),
            Err(NotAPolygon::Outside(2))
        );
        let bow_tie = vec![p(0.0, 0.0), p(1.0, 1.0), p(1.0, 0.0), p(0.0, 1.0)];
        assert_eq!(Polygon::new(bow_tie), Err(NotAPolygon::Crossing(1, 3)));
    }

    #[test]
    fn a_concave_polygon_has_two_spans_in_a_row() {
        let u = Polygon::new(vec![
            p(0.0, 0.0),
            p(0.2, 0.0),
            p(0.2, 0.8),
            p(0.8, 0.8),
            p(0.8, 0.0),
            p(1.0, 0.0),
            p(1.0, 1.0),
            p(0.0, 1.0),
        ])
        .unwrap();
        let mut spans = Vec::new();
        u.row_spans(0.5, &mut spans);
        assert_eq!(spans, [(0.0, 0.2), (0.8, 1.0)]);
        assert!(u.contains(p(0.1, 0.5)) && !u.contains(p(0.5, 0.5)) && u.contains(p(0.5, 0.9)));
    }

    #[test]
    fn crossing_knows_its_direction() {
        // A line from left to right; "down" in the picture is its right-hand side.
        let line = Segment::new(p(0.0, 0.5), p(1.0, 0.5));
        assert_eq!(line.crossing(p(0.5, 0.4), p(0.5, 0.6)), Some(Crossing::LeftToRight));
        assert_eq!(line.crossing(p(0.5, 0.6), p(0.5, 0.4)), Some(Crossing::RightToLeft));
        assert_eq!(line.crossing(p(0.5, 0.1), p(0.5, 0.4)), None);
        let short = Segment::new(p(0.0, 0.5), p(0.2, 0.5));
        assert_eq!(short.crossing(p(0.5, 0.4), p(0.5, 0.6)), None);
    }

    #[test]
    fn iou_of_known_boxes() {
        let a = UnitBox::new(0.0, 0.0, 0.2, 0.2);
        let b = UnitBox::new(0.1, 0.0, 0.3, 0.2);
        assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(a.iou(&UnitBox::new(0.5, 0.5, 0.6, 0.6)), 0.0);
        assert!((a.covered_by(&b) - 0.5).abs() < 1e-6);
    }
}
