//! What arrives at the network: the echo models answer with the means of their input, by quadrant and channel.

use std::fs;

use cunkou::{
    decode::{Chroma, Picture, Range},
    detect::{Class, Detector, View},
    geometry::{PixelRect, Polygon, Size, UnitPoint},
};

use super::{TINY, runtime, tiny};

const SIZE: Size = Size::new(96, 96);
/// Red, green, blue of the four quarters: as in make.py.
const COLOURS: [[f32; 3]; 4] =
    [[200.0, 40.0, 60.0], [30.0, 180.0, 90.0], [50.0, 70.0, 220.0], [120.0, 120.0, 120.0]];

/// BT.601, limited range (ITU-R BT.601-7, 2.5.3).
fn yuv([r, g, b]: [f32; 3]) -> [u8; 3] {
    let y = 16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0;
    let u = 128.0 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255.0;
    let v = 128.0 + (112.0 * r - 93.786 * g - 18.214 * b) / 255.0;
    [y, u, v].map(|value| value.round() as u8)
}

/// Four coloured quarters, in any layout, with `spare` bytes between rows and none after the last.
fn quarters(chroma: Chroma, spare: usize) -> Picture {
    let plane = |w: usize, h: usize, channels: &[usize]| {
        let stride = w * channels.len() + spare;
        let mut data = vec![255u8; stride * (h - 1) + w * channels.len()];
        for y in 0..h {
            for x in 0..w {
                let sample = yuv(COLOURS[2 * usize::from(y >= h / 2) + usize::from(x >= w / 2)]);
                for (index, channel) in channels.iter().enumerate() {
                    data[y * stride + x * channels.len() + index] = sample[*channel];
                }
            }
        }
        (data, stride)
    };
    let planes = match chroma {
        Chroma::None => vec![plane(96, 96, &[0])],
        Chroma::Planar420 => vec![plane(96, 96, &[0]), plane(48, 48, &[1]), plane(48, 48, &[2])],
        Chroma::Planar422 => vec![plane(96, 96, &[0]), plane(48, 96, &[1]), plane(48, 96, &[2])],
        Chroma::Planar444 => vec![plane(96, 96, &[0]), plane(96, 96, &[1]), plane(96, 96, &[2])],
        Chroma::Interleaved420 => vec![plane(96, 96, &[0]), plane(48, 48, &[1, 2])],
    };
    Picture::from_planes(SIZE, chroma, Range::Limited, planes).expect("made to measure")
}

/// Confidences by quadrant of the network's input and channel.
fn echo(detector: &mut Detector, picture: &Picture, view: &View, masks: &[Polygon]) -> [[f32; 3]; 4] {
    let mut found = Vec::new();
    detector.detect(picture, view, masks, &mut found).expect("it answers");
    let part = match view {
        View::Crops(crops) => crops[0].to_unit(SIZE),
        View::Full | View::FullAndCrops(_) => cunkou::geometry::UnitBox::FULL,
    };
    let mut means = [[f32::NAN; 3]; 4];
    for one in &found {
        let centre = one.bbox.centre();
        let quadrant = 2 * usize::from(centre.y > part.centre().y) + usize::from(centre.x > part.centre().x);
        let channel = match one.class {
            Class::Person => 0,
            Class::Bicycle => 1,
            _ => 2,
        };
        means[quadrant][channel] = one.confidence;
    }
    means
}

fn assert_near(what: &str, found: &[[f32; 3]; 4], wanted: &[[f32; 3]; 4], tolerance: f32) {
    for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
        assert!((found - wanted).abs() <= tolerance, "{what}: {found} is not {wanted}");
    }
}

/// Of a channel of bytes: four steps of 255, for rounding and for what is smoothed across the quarters' borders.
const NEAR: f32 = 4.0 / 255.0;

#[test]
fn pixels_arrive_in_the_declared_layout_order_and_range() {
    let Some(runtime) = runtime() else { return };
    let text = fs::read_to_string(format!("{TINY}/families.json")).expect("committed beside");
    let file: serde_json::Value = serde_json::from_str(&text).expect("made by make.py");
    for model in file["echoes"].as_array().expect("a list") {
        let name = model["model"].as_str().expect("a name");
        let wanted: [[f32; 3]; 4] = serde_json::from_value(model["confidences"].clone()).expect("numbers");
        let mut detector = tiny(&runtime, name);
        let tolerance = if name.contains("u8") { NEAR } else { 0.007 };
        // Twice, since the second call finds the buffers of the first.
        for _ in 0..2 {
            let found = echo(&mut detector, &quarters(Chroma::Planar420, 0), &View::Full, &[]);
            assert_near(name, &found, &wanted, tolerance);
        }
    }
}

#[test]
fn every_layout_of_planes_gives_the_same_pixels() {
    let Some(runtime) = runtime() else { return };
    let mut detector = tiny(&runtime, "echo-nhwc-u8-rgb");
    let wanted = COLOURS.map(|colour| colour.map(|value| value / 255.0));
    let grey = COLOURS.map(|colour| [(f32::from(yuv(colour)[0]) - 16.0) / 219.0; 3]);
    for chroma in
        [Chroma::Planar420, Chroma::Planar422, Chroma::Planar444, Chroma::Interleaved420, Chroma::None]
    {
        for spare in [0, 1, 32] {
            let found = echo(&mut detector, &quarters(chroma, spare), &View::Full, &[]);
            let wanted = if chroma == Chroma::None { &grey } else { &wanted };
            assert_near(&format!("{chroma:?} with {spare} spare bytes"), &found, wanted, NEAR);
        }
    }
}

#[test]
fn a_crop_shows_its_part_of_the_picture_alone() {
    let Some(runtime) = runtime() else { return };
    let mut detector = tiny(&runtime, "echo-nhwc-u8-rgb");
    let picture = quarters(Chroma::Planar420, 16);
    // Well inside of a quarter, at odd places, so that chroma lies between samples.
    for (quarter, (x, y)) in [(5, 7), (53, 7), (5, 55), (53, 55)].into_iter().enumerate() {
        let view = View::Crops(vec![PixelRect { x, y, w: 37, h: 33 }]);
        let found = echo(&mut detector, &picture, &view, &[]);
        let wanted = [COLOURS[quarter].map(|value| value / 255.0); 4];
        assert_near(&format!("quarter {quarter}"), &found, &wanted, NEAR);
    }
}

#[test]
fn masks_are_burnt_in_for_full_views_and_crops_alike() {
    let Some(runtime) = runtime() else { return };
    let picture = quarters(Chroma::Planar420, 0);
    let corner = |x: f32, y: f32| UnitPoint::new(x, y);
    let upper_left =
        Polygon::new(vec![corner(0.0, 0.0), corner(0.5, 0.0), corner(0.5, 0.5), corner(0.0, 0.5)])
            .expect("a polygon");
    let masks = [upper_left];
    let padding = [114.0 / 255.0; 3];
    for name in ["echo-nhwc-u8-rgb", "echo-nchw-u8-bgr"] {
        let mut detector = tiny(&runtime, name);
        let plain = echo(&mut detector, &picture, &View::Full, &[]);
        let masked = echo(&mut detector, &picture, &View::Full, &masks);
        assert_near(name, &masked, &[padding, plain[1], plain[2], plain[3]], NEAR);
        // A crop of the middle: a quarter of each quarter.
        let middle = View::Crops(vec![PixelRect { x: 24, y: 24, w: 48, h: 48 }]);
        let masked = echo(&mut detector, &picture, &middle, &masks);
        assert_near(name, &masked, &[padding, plain[1], plain[2], plain[3]], NEAR);
        let after = echo(&mut detector, &picture, &View::Full, &[]);
        assert_near(name, &after, &plain, 0.0);
    }
}
