//! By what light a camera sees.
//!
//! Owns the judgement of one picture. An infrared picture is grey: its chroma lies at 128, give or take the noise of its coding. What is in colour
//! and very dark is night, too. Costs some 12 000 samples, once a second at most.

use std::time::Duration;

use crate::{
    clip::Light,
    decode::{Chroma, Picture, Plane},
    time::Mono,
};

/// How often a picture is judged; light does not change faster than a camera switches.
const EVERY: Duration = Duration::from_secs(1);
/// Mean distance of chroma from grey below which a picture is grey. Infrared pictures have 0 to 1, overcast days 3 and more.
const GREY: f32 = 1.5;
/// Mean luma (0..=255) below which it is dark, whatever the colour.
const DARK: f32 = 40.0;
/// Samples across and down a plane.
const ACROSS: usize = 64;

/// Judges the pictures of one camera now and then.
#[derive(Debug, Default)]
pub(super) struct LightMeter {
    at: Option<Mono>,
}

impl LightMeter {
    /// By what light this picture was taken; `None` where the last judgement is still fresh.
    pub(super) fn look(&mut self, now: Mono, picture: &Picture) -> Option<Light> {
        if self.at.is_some_and(|at| now.since(at) < EVERY) {
            return None;
        }
        self.at = Some(now);
        Some(light_of(picture))
    }
}

fn light_of(picture: &Picture) -> Light {
    let is_grey = picture.chroma() != Chroma::None && {
        let planes = (1..picture.plane_count()).map(|index| {
            // Pairs of U and V lie side by side: twice the samples.
            let of_sample = if picture.chroma() == Chroma::Interleaved420 { 2 } else { 1 };
            mean(&picture.plane(index), of_sample, |byte| (f32::from(byte) - 128.0).abs())
        });
        planes.fold(0.0, f32::max) < GREY
    };
    let is_dark = mean(&picture.luma(), 1, f32::from) < DARK;
    if is_grey || is_dark { Light::Night } else { Light::Day }
}

/// Mean of `value` over samples of a plane, `of_sample` bytes each.
fn mean(plane: &Plane<'_>, of_sample: usize, value: impl Fn(u8) -> f32) -> f32 {
    let step = |len: usize| (len / ACROSS).max(1);
    let (mut sum, mut count) = (0.0, 0u32);
    for row in (0..plane.rows).step_by(step(plane.rows)) {
        let row = &plane.data[row * plane.stride..][..plane.width * of_sample];
        for sample in row.chunks_exact(of_sample).step_by(step(plane.width)) {
            sum += sample.iter().map(|byte| value(*byte)).sum::<f32>();
            count += of_sample as u32;
        }
    }
    sum / count.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Range, geometry::Size};

    fn picture(luma: u8, u: u8, v: u8) -> [Picture; 2] {
        let size = Size::new(320, 180);
        let planar = vec![(vec![luma; 320 * 180], 320), (vec![u; 160 * 90], 160), (vec![v; 160 * 90], 160)];
        let pairs = [u, v].repeat(160 * 90);
        let nv12 = vec![(vec![luma; 320 * 180], 320), (pairs, 320)];
        [(Chroma::Planar420, planar), (Chroma::Interleaved420, nv12)].map(|(chroma, planes)| {
            Picture::from_planes(size, chroma, Range::Limited, planes).expect("made to measure")
        })
    }

    #[test]
    fn what_is_grey_or_dark_is_night() {
        let table = [
            ((120, 128, 128), Light::Night),
            ((120, 127, 129), Light::Night),
            ((120, 120, 134), Light::Day),
            ((120, 128, 140), Light::Day),
            ((25, 120, 140), Light::Night),
        ];
        for ((luma, u, v), light) in table {
            for picture in picture(luma, u, v) {
                assert_eq!(light_of(&picture), light, "{luma} {u} {v} {:?}", picture.chroma());
            }
        }
        assert_eq!(light_of(&Picture::grey(Size::new(64, 36), 100)), Light::Day, "it has no colour to lack");
        assert_eq!(light_of(&Picture::grey(Size::new(1, 1), 20)), Light::Night);
    }

    #[test]
    fn a_picture_is_judged_once_a_second() {
        let mut meter = LightMeter::default();
        let judged = (0..20).filter(|n| {
            let now = Mono::from_start(Duration::from_millis(n * 200));
            meter.look(now, &Picture::grey(Size::new(4, 4), 100)).is_some()
        });
        assert_eq!(judged.count(), 4);
    }
}
