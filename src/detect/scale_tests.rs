//! Scaling and colour, for every layout, part and mask.

use proptest::prelude::*;

use super::*;
use crate::{
    detect::{Fit, description::Element},
    geometry::UnitPoint,
};

const NETWORK: Size = Size::new(40, 24);

fn scaler(fit: Fit) -> Scaler {
    Scaler::new(Input {
        name: String::new(),
        size: NETWORK,
        layout: Layout::Nhwc,
        element: Element::U8,
        colour: Colour::Rgb,
        fit,
        pad: 114,
        multiply: [1.0; 3],
        add: [0.0; 3],
        target_size: None,
    })
}

/// An even picture of any layout.
fn even(size: Size, chroma: Chroma, [y, u, v]: [u8; 3]) -> Picture {
    let (w, h) = (size.w as usize, size.h as usize);
    let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
    let plane = |value: u8, w: usize, h: usize| (vec![value; w * h], w);
    let pairs = [u, v].repeat(half_w * half_h);
    let planes = match chroma {
        Chroma::None => vec![plane(y, w, h)],
        Chroma::Planar420 => vec![plane(y, w, h), plane(u, half_w, half_h), plane(v, half_w, half_h)],
        Chroma::Planar422 => vec![plane(y, w, h), plane(u, half_w, h), plane(v, half_w, h)],
        Chroma::Planar444 => vec![plane(y, w, h), plane(u, w, h), plane(v, w, h)],
        Chroma::Interleaved420 => vec![plane(y, w, h), (pairs, 2 * half_w)],
    };
    Picture::from_planes(size, chroma, Range::Limited, planes).expect("made to measure")
}

fn filled(scaler: &mut Scaler, picture: &Picture, part: PixelRect, masks: &[Polygon]) -> Vec<u8> {
    let mut tensor = vec![0; 3 * (NETWORK.w * NETWORK.h) as usize];
    let placement = Placement::new(picture.size(), part, NETWORK, scaler.input.fit).expect("inside");
    scaler.content = None;
    scaler.fill(picture, &placement, masks, onnx::Input::U8(&mut tensor)).expect("it scales");
    tensor
}

/// Red 200, green 40, blue 60 in BT.601, limited range.
const RED: [u8; 3] = [93, 113, 197];

#[test]
fn what_is_not_picture_is_padding() {
    let part = PixelRect::whole(Size::new(64, 64));
    let pictures =
        [Chroma::Planar420, Chroma::Interleaved420].map(|chroma| even(Size::new(64, 64), chroma, RED));
    let mut scaler = scaler(Fit::LetterboxCentred);
    let tensors = pictures.map(|picture| filled(&mut scaler, &picture, part, &[]));
    assert_eq!(tensors[0], tensors[1]);
    let grey = filled(&mut scaler, &even(Size::new(64, 64), Chroma::None, RED), part, &[]);
    let shown = grey.chunks_exact(3).filter(|pixel| *pixel != [114; 3]).count();
    assert_eq!(shown, 24 * 24, "every pixel of a grey picture");
    let [tensor, _] = tensors;
    for (index, pixel) in tensor.chunks_exact(3).enumerate() {
        let column = index % 40;
        if (8..32).contains(&column) {
            let near = pixel.iter().zip([200i16, 40, 60]).all(|(a, b)| (i16::from(*a) - b).abs() <= 3);
            assert!(near, "{pixel:?} at {column}");
        } else {
            assert_eq!(pixel, [114; 3], "at {column}");
        }
    }
}

#[test]
fn no_pixel_that_a_mask_touches_shows_through() {
    let picture = even(Size::new(80, 48), Chroma::Planar420, RED);
    let triangle = [(0.1, 0.1), (0.9, 0.45), (0.3, 0.93)].map(|(x, y)| UnitPoint::new(x, y));
    let mask = Polygon::new(triangle.to_vec()).expect("a polygon");
    let tensor = filled(
        &mut scaler(Fit::Stretch),
        &picture,
        PixelRect::whole(picture.size()),
        std::slice::from_ref(&mask),
    );
    let mut masked = 0;
    for (index, pixel) in tensor.chunks_exact(3).enumerate() {
        let (column, row) = ((index % 40) as f32, (index / 40) as f32);
        let inside = (1..10).flat_map(|y| (1..10).map(move |x| (x, y))).any(|(x, y)| {
            let (x, y) = (column + x as f32 / 10.0, row + y as f32 / 10.0);
            mask.contains(UnitPoint::new(x / 40.0, y / 24.0))
        });
        masked += usize::from(pixel == [114; 3]);
        assert!(!inside || pixel == [114; 3], "{pixel:?} shows at {column}, {row}");
    }
    let share = masked as f32 / 960.0;
    assert!((share - mask.area()).abs() < 0.08, "{share} of the picture is masked, {} asked", mask.area());
}

proptest! {
    /// Any part of a picture of any size and layout fills the tensor: an even picture stays even.
    #[test]
    fn any_part_can_be_scaled(
        (w, h) in (1u32..90, 1u32..90),
        (l, t, r, b) in (0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0),
        chroma in prop::sample::select(vec![
            Chroma::None, Chroma::Planar420, Chroma::Planar422, Chroma::Planar444, Chroma::Interleaved420,
        ]),
        fit in prop::sample::select(vec![Fit::Stretch, Fit::LetterboxCentred, Fit::LetterboxTopLeft]),
    ) {
        let size = Size::new(w, h);
        let (x, y) = ((l.min(r) * w as f32) as u32, (t.min(b) * h as f32) as u32);
        let part = PixelRect {
            x,
            y,
            w: ((l.max(r) * w as f32).ceil() as u32 - x).max(1),
            h: ((t.max(b) * h as f32).ceil() as u32 - y).max(1),
        };
        let wanted: [i16; 3] = if chroma == Chroma::None { [90; 3] } else { [200, 40, 60] };
        let tensor = filled(&mut scaler(fit), &even(size, chroma, RED), part, &[]);
        for pixel in tensor.chunks_exact(3) {
            let near = pixel.iter().zip(wanted).all(|(a, b)| (i16::from(*a) - b).abs() <= 3);
            prop_assert!(near || pixel == [114; 3], "{:?}", pixel);
        }
    }
}
