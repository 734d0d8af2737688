//! Many boxes on one thing → one.
//!
//! Pure: non-maximum suppression by group within a view, and merging of what several views of one frame found.

use super::{Detection, description::SameAbove, outputs::Candidate, placement::Placement};
use crate::geometry::UnitBox;

/// Most candidates of one view that are compared with each other: the surest ones. It bounds the work (an all-too-eager
/// model makes thousands) and is several times what any picture holds.
const CANDIDATES_MAX: usize = 512;

/// An edge of a box this near to the edge of a crop, in network pixels, was cut by it.
const CUT_WITHIN_PX: f32 = 3.0;

/// A cut box of which this share lies in a whole one is a part of it.
const PART_FROM: f32 = 0.7;

/// What one view found, on the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) detection: Detection,
    /// Which view of the frame.
    pub(super) view: usize,
    /// The thing seems to go on beyond an edge of the view that is not an edge of the picture.
    pub(super) cut: bool,
}

/// Leaves the surest box of each thing, surest first.
pub(super) fn suppress(candidates: &mut Vec<Candidate>, same: &SameAbove) {
    if candidates.len() > CANDIDATES_MAX {
        candidates.select_nth_unstable_by(CANDIDATES_MAX, |a, b| b.confidence.total_cmp(&a.confidence));
        candidates.truncate(CANDIDATES_MAX);
    }
    candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept = 0;
    for index in 0..candidates.len() {
        let one = candidates[index];
        let group = one.class.group();
        let bbox = as_box(one.edges);
        let repeats = candidates[..kept]
            .iter()
            .any(|other| other.class.group() == group && as_box(other.edges).iou(&bbox) > same.of(group));
        if !repeats {
            candidates[kept] = one;
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

fn as_box([l, t, r, b]: [f32; 4]) -> UnitBox {
    UnitBox { l, t, r, b }
}

/// A candidate on the picture, cut to its view; `None` where nothing of it is left.
pub(super) fn on_picture(candidate: &Candidate, placement: &Placement, view: usize) -> Option<Found> {
    let [l, t, r, b] = candidate.edges;
    let content = placement.content;
    let (left, top) = (content.x as f32, content.y as f32);
    let (right, bottom) = (left + content.w as f32, top + content.h as f32);
    let edges = [l.max(left), t.max(top), r.min(right), b.min(bottom)];
    // Half a network pixel is nothing.
    if edges[2] - edges[0] < 0.5 || edges[3] - edges[1] < 0.5 {
        return None;
    }
    let (part, picture) = (placement.part, placement.picture);
    let cut = (part.x > 0 && l - left < CUT_WITHIN_PX)
        || (part.y > 0 && t - top < CUT_WITHIN_PX)
        || (part.x + part.w < picture.w && right - r < CUT_WITHIN_PX)
        || (part.y + part.h < picture.h && bottom - b < CUT_WITHIN_PX);
    let bbox = placement.to_unit(edges).clamped();
    let detection = Detection { class: candidate.class, confidence: candidate.confidence, bbox };
    Some(Found { detection, view, cut })
}

/// One detection a thing out of what all views of a frame found, surest first, at most `most`.
pub(super) fn merge(found: &mut [Found], same: &SameAbove, most: usize, out: &mut Vec<Detection>) {
    // Whole boxes first, since a part of a thing is often surer than the thing; then larger parts before smaller ones.
    let rank = |one: &Found| if one.cut { one.detection.bbox.area() } else { one.detection.confidence };
    found.sort_by(|a, b| a.cut.cmp(&b.cut).then(rank(b).total_cmp(&rank(a))));
    let mut kept = 0;
    for index in 0..found.len() {
        let one = found[index];
        // Within a view, repeats are gone already.
        let others = found[..kept].iter().filter(|other| other.view != one.view);
        if !others.into_iter().any(|other| repeats(&one, other, same)) {
            found[kept] = one;
            kept += 1;
        }
    }
    let first = out.len();
    out.extend(found[..kept].iter().map(|one| one.detection));
    out[first..].sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    out.truncate(first + most);
}

/// Whether two views' boxes are of one thing, of which `other` is the better one.
fn repeats(one: &Found, other: &Found, same: &SameAbove) -> bool {
    let group = one.detection.class.group();
    let (bbox, better) = (&one.detection.bbox, &other.detection.bbox);
    group == other.detection.class.group()
        && (bbox.iou(better) > same.of(group) || (one.cut && bbox.covered_by(better) >= PART_FROM))
}

#[cfg(test)]
#[path = "suppress_tests.rs"]
mod tests;
