//! Where a part of a picture lies in the network's input, and the way back.
//!
//! Pure arithmetic between three frames of reference: pixels of the picture, pixels of the network's
//! input, and shares of the picture.

use crate::geometry::{PixelRect, Size, UnitBox};

/// How a part of a picture is fitted into the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Ratio kept, padding on both sides.
    LetterboxCentred,
    /// Ratio kept, padding to the right and below.
    LetterboxTopLeft,
    /// Ratio not kept, no padding.
    Stretch,
}

/// A part of a picture in the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The picture's size.
    pub picture: Size,
    /// The part of it, in its pixels.
    pub part: PixelRect,
    /// Where the part lies, in pixels of the network's input. The rest is padding.
    pub content: PixelRect,
}

impl Placement {
    /// Fits `part` of a `picture` into a network's input of `network` pixels. `None` where the part is empty or leaves the
    /// picture.
    pub fn new(picture: Size, part: PixelRect, network: Size, fit: Fit) -> Option<Self> {
        let inside =
            |from: u32, len: u32, all: u32| len > 0 && from.checked_add(len).is_some_and(|to| to <= all);
        if !inside(part.x, part.w, picture.w) || !inside(part.y, part.h, picture.h) {
            return None;
        }
        let content = match fit {
            Fit::Stretch => PixelRect::whole(network),
            Fit::LetterboxCentred | Fit::LetterboxTopLeft => {
                let (w, h) = (f64::from(part.w), f64::from(part.h));
                let scale = (f64::from(network.w) / w).min(f64::from(network.h) / h);
                let side = |len: f64, most: u32| ((len * scale).round() as u32).clamp(1, most);
                let (w, h) = (side(w, network.w), side(h, network.h));
                let (x, y) = match fit {
                    Fit::LetterboxCentred => ((network.w - w) / 2, (network.h - h) / 2),
                    Fit::LetterboxTopLeft | Fit::Stretch => (0, 0),
                };
                PixelRect { x, y, w, h }
            }
        };
        Some(Self { picture, part, content })
    }

    /// Network pixels a pixel of the picture, across and down.
    pub fn scale(&self) -> (f32, f32) {
        (self.content.w as f32 / self.part.w as f32, self.content.h as f32 / self.part.h as f32)
    }

    /// A box in network pixels (left, top, right, bottom), as shares of the whole picture. Not cut to anything.
    pub fn to_unit(&self, [l, t, r, b]: [f32; 4]) -> UnitBox {
        let (sx, sy) = self.scale();
        let x = |v: f32| (self.part.x as f32 + (v - self.content.x as f32) / sx) / self.picture.w as f32;
        let y = |v: f32| (self.part.y as f32 + (v - self.content.y as f32) / sy) / self.picture.h as f32;
        UnitBox::new(x(l), y(t), x(r), y(b))
    }

    /// Column of the network's input at `x`, a share of the picture.
    pub fn column(&self, x: f32) -> f32 {
        self.content.x as f32 + (x * self.picture.w as f32 - self.part.x as f32) * self.scale().0
    }

    /// Share of the picture at row `y` of the network's input.
    pub fn row_to_unit(&self, y: f32) -> f32 {
        (self.part.y as f32 + (y - self.content.y as f32) / self.scale().1) / self.picture.h as f32
    }

    /// Row of the network's input at `y`, a share of the picture.
    pub fn row(&self, y: f32) -> f32 {
        self.content.y as f32 + (y * self.picture.h as f32 - self.part.y as f32) * self.scale().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Size = Size::new(416, 416);

    #[test]
    fn a_wide_picture_is_padded_above_and_below() {
        let picture = Size::new(768, 576);
        for (fit, content) in [
            (Fit::LetterboxCentred, PixelRect { x: 0, y: 52, w: 416, h: 312 }),
            (Fit::LetterboxTopLeft, PixelRect { x: 0, y: 0, w: 416, h: 312 }),
            (Fit::Stretch, PixelRect { x: 0, y: 0, w: 416, h: 416 }),
        ] {
            let placed = Placement::new(picture, PixelRect::whole(picture), NETWORK, fit).expect("fits");
            assert_eq!(placed.content, content, "{fit:?}");
        }
    }

    #[test]
    fn the_way_there_and_back_is_the_same() {
        let picture = Size::new(1920, 1080);
        let part = PixelRect { x: 301, y: 77, w: 333, h: 517 };
        for fit in [Fit::LetterboxCentred, Fit::LetterboxTopLeft, Fit::Stretch] {
            let placed = Placement::new(picture, part, NETWORK, fit).expect("fits");
            let unit = part.to_unit(picture);
            let network =
                [placed.column(unit.l), placed.row(unit.t), placed.column(unit.r), placed.row(unit.b)];
            let content = placed.content;
            let expected = [content.x, content.y, content.x + content.w, content.y + content.h];
            for (a, b) in network.iter().zip(expected) {
                assert!((a - b as f32).abs() < 1e-2, "{fit:?}: {network:?} is not {expected:?}");
            }
            let back = placed.to_unit(network);
            for (a, b) in [(back.l, unit.l), (back.t, unit.t), (back.r, unit.r), (back.b, unit.b)] {
                assert!((a - b).abs() < 1e-5, "{fit:?}: {back:?} is not {unit:?}");
            }
        }
    }

    #[test]
    fn parts_that_leave_the_picture_are_refused() {
        let picture = Size::new(100, 50);
        for part in [
            PixelRect { x: 0, y: 0, w: 0, h: 10 },
            PixelRect { x: 90, y: 0, w: 11, h: 10 },
            PixelRect { x: 0, y: u32::MAX, w: 1, h: 2 },
        ] {
            assert_eq!(Placement::new(picture, part, NETWORK, Fit::Stretch), None, "{part:?}");
        }
        let thread = PixelRect { x: 0, y: 0, w: 100, h: 1 };
        assert!(Placement::new(picture, thread, Size::new(8, 8), Fit::LetterboxCentred).is_some());
    }
}
