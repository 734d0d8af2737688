//! Synthetic scenes: noise, a block that comes, moves and stops, light that drifts and that is switched.

use super::*;
use crate::{
    decode::{Chroma, Range},
    geometry::Size,
};

/// A textured scene with sensor noise, made anew at each look.
struct Scene {
    size: Size,
    dice: u64,
    /// Many draws from a normal distribution; each row of a picture begins at another.
    normal: Vec<f32>,
    /// Standard deviation of the noise of a pixel, in levels.
    noise: f32,
    /// Added to every pixel.
    light: f32,
    /// Added to the right edge, and less and less of it to the left.
    slant: f32,
    /// Whether the camera looks elsewhere, where it is as bright on the whole.
    turned: bool,
    /// Columns, rows, width, height, contrast.
    block: Option<(u32, u32, u32, u32, f32)>,
}

impl Scene {
    fn new(noise: f32) -> Self {
        let size = Size::new(384, 216);
        let mut scene =
            Self { size, dice: 7, normal: vec![], noise, light: 0.0, slant: 0.0, turned: false, block: None };
        for _ in 0..20_011 {
            // Nearly normal: the sum of four uniform bytes.
            let sum: u32 = scene.roll().to_le_bytes().into_iter().map(u32::from).sum();
            scene.normal.push((sum as f32 - 510.0) / 147.8);
        }
        scene
    }

    fn roll(&mut self) -> u32 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 32) as u32
    }

    fn picture(&mut self) -> Picture {
        let (w, h) = (self.size.w, self.size.h);
        let mut plane = Vec::with_capacity((w * h) as usize);
        for y in 0..h {
            let from = self.roll() as usize % (self.normal.len() - w as usize);
            let noise = &self.normal[from..];
            for x in 0..w {
                let tile = if (x / 40 + y / 40) % 2 == 0 { 40.0 } else { 0.0 };
                let inside = self
                    .block
                    .filter(|(l, t, bw, bh, _)| (*l..l + bw).contains(&x) && (*t..t + bh).contains(&y));
                let block = inside.map_or(0.0, |(.., contrast)| contrast);
                let elsewhere = [30.0, -30.0, 30.0, -30.0, 0.0][(x / 40 + y / 40 * 3) as usize % 5];
                let turned = if self.turned { elsewhere } else { 0.0 };
                let light = self.light + self.slant * x as f32 / w as f32;
                let ground = 70.0 + tile + x as f32 / 16.0 + turned;
                plane.push((ground + light + block + self.noise * noise[x as usize]) as u8);
            }
        }
        Picture::from_planes(self.size, Chroma::None, Range::Limited, vec![(plane, w as usize)])
            .expect("fits")
    }

    fn block_box(&self) -> UnitBox {
        let (l, t, w, h, _) = self.block.expect("a block is there");
        crate::geometry::PixelRect { x: l, y: t, w, h }.to_unit(self.size)
    }
}

struct Watch {
    detector: MotionDetector,
    motion: Motion,
}

impl Watch {
    /// A detector that has seen a quiet scene for long enough to know its noise.
    fn settled(scene: &mut Scene, looks: u32) -> Self {
        let mut watch = Self { detector: MotionDetector::new(), motion: Motion::default() };
        for _ in 0..looks {
            watch.look(scene);
        }
        watch
    }

    fn look(&mut self, scene: &mut Scene) -> &Motion {
        self.detector.look(&scene.picture(), &mut self.motion);
        &self.motion
    }
}

#[test]
fn noise_alone_is_no_motion() {
    for noise in [0.0, 2.0, 8.0, 20.0] {
        let mut scene = Scene::new(noise);
        let mut watch = Watch::settled(&mut scene, 60);
        for look in 0..100 {
            let motion = watch.look(&mut scene);
            assert_eq!(motion.regions, [], "noise {noise}, look {look}: {motion:?}");
            assert_eq!(motion.repeats, noise == 0.0, "noise {noise}");
        }
    }
}

#[test]
fn noise_that_grows_at_nightfall_is_learnt() {
    let mut scene = Scene::new(2.0);
    let mut watch = Watch::settled(&mut scene, 60);
    scene.noise = 24.0;
    for _ in 0..200 {
        watch.look(&mut scene);
    }
    let noisy = (0..100).filter(|_| !watch.look(&mut scene).regions.is_empty()).count();
    assert!(noisy <= 1, "{noisy} of 100 looks");
}

#[test]
fn a_small_mover_is_found_at_once_and_covered() {
    for (noise, contrast) in [(0.0, 25.0), (2.0, 25.0), (8.0, 25.0), (8.0, -25.0)] {
        let mut scene = Scene::new(noise);
        let mut watch = Watch::settled(&mut scene, 60);
        // From where it lies badly on the cells, too.
        for step in 0..40u32 {
            scene.block = Some((83 + 5 * step, 71 + step, 16, 40, contrast));
            let motion = watch.look(&mut scene).clone();
            let thing = scene.block_box();
            let covered = motion.regions.iter().map(|region| thing.covered_by(region)).fold(0.0, f32::max);
            assert!(
                covered > 0.999,
                "noise {noise}, contrast {contrast}, step {step}: {covered} by {motion:?}"
            );
            let region = motion.regions.iter().find(|region| thing.covered_by(region) > 0.999).expect("one");
            assert!(region.area() < 8.0 * thing.area(), "{region:?} is near its size");
            assert!(motion.changed_share < 0.02, "{motion:?}");
        }
        scene.block = None;
        watch.look(&mut scene);
        assert_eq!(watch.look(&mut scene).regions, [], "nothing stays behind: noise {noise}");
    }
}

#[test]
fn what_stops_stays_for_long_and_is_absorbed_at_last() {
    let mut scene = Scene::new(4.0);
    let mut watch = Watch::settled(&mut scene, 60);
    scene.block = Some((200, 100, 32, 80, 30.0));
    for look in 1..ABSORB_AFTER_LOOKS {
        assert!(!watch.look(&mut scene).regions.is_empty(), "gone after {look} looks");
    }
    for _ in 0..60 {
        watch.look(&mut scene);
    }
    assert_eq!(watch.look(&mut scene).regions, [], "absorbed");
    // What was behind it is no news.
    scene.block = None;
    for _ in 0..3 {
        watch.look(&mut scene);
    }
    assert_eq!(watch.look(&mut scene).regions, [], "no ghost stays where it stood");
    scene.block = Some((200, 100, 16, 40, 60.0));
    assert_eq!(watch.look(&mut scene).regions.len(), 1, "and whatever comes next is seen");
}

#[test]
fn light_that_drifts_is_followed() {
    let mut scene = Scene::new(3.0);
    let mut watch = Watch::settled(&mut scene, 60);
    // 60 levels in half a minute of ten looks a second, up and down again, and the sun comes from the right.
    for look in 0..600 {
        scene.light += if look < 300 { 0.2 } else { -0.2 };
        scene.slant += if look < 300 { 0.1 } else { -0.1 };
        let motion = watch.look(&mut scene);
        assert_eq!(motion.regions, [], "look {look}: {motion:?}");
    }
    scene.block = Some((300, 120, 16, 40, 25.0));
    assert_eq!(watch.look(&mut scene).regions.len(), 1, "and whatever comes is seen");
}

#[test]
fn a_switch_of_lights_is_one_event() {
    let mut scene = Scene::new(3.0);
    let mut watch = Watch::settled(&mut scene, 60);
    scene.light = 70.0;
    let motion = watch.look(&mut scene);
    assert_eq!((motion.regions.as_slice(), motion.changed_share), ([UnitBox::FULL].as_slice(), 1.0));
    for look in 0..20 {
        assert_eq!(watch.look(&mut scene).regions, [], "look {look} after the switch");
    }
}

#[test]
fn a_camera_that_is_turned_is_one_event() {
    let mut scene = Scene::new(3.0);
    let mut watch = Watch::settled(&mut scene, 60);
    scene.turned = true;
    assert_eq!(watch.look(&mut scene).regions, [UnitBox::FULL]);
    assert_eq!(watch.look(&mut scene).regions, []);
}

#[test]
fn a_branch_that_sways_falls_silent_and_a_passer_by_does_not() {
    let mut scene = Scene::new(3.0);
    let mut watch = Watch::settled(&mut scene, 60);
    let mut swaying = vec![];
    for look in 0..1200u32 {
        // Three seconds a swing at ten looks a second, contrast 14.
        let out = (look as f32 * std::f32::consts::TAU / 30.0).sin() > 0.3;
        scene.block = out.then_some((280, 40, 48, 48, 14.0));
        swaying.push(!watch.look(&mut scene).regions.is_empty());
    }
    let busy = |looks: &[bool]| looks.iter().filter(|moved| **moved).count();
    assert!(busy(&swaying[..100]) > 20, "it is seen at first");
    assert!(busy(&swaying[900..]) < 30, "{} of 300 looks at last", busy(&swaying[900..]));
    scene.block = Some((290, 50, 16, 40, 40.0));
    assert_eq!(watch.look(&mut scene).regions.len(), 1, "somebody in front of it is seen");
}

#[test]
fn masks_hide_what_is_under_them_and_nothing_else() {
    let corner = |x, y| UnitPoint::new(x, y);
    let mask = Polygon::new(vec![corner(0.0, 0.0), corner(0.5, 0.0), corner(0.5, 1.0), corner(0.0, 1.0)])
        .expect("a half");
    let mut scene = Scene::new(2.0);
    let mut watch = Watch { detector: MotionDetector::new().masked(&[mask]), motion: Motion::default() };
    for _ in 0..30 {
        watch.look(&mut scene);
    }
    scene.block = Some((60, 60, 60, 60, 50.0));
    assert_eq!(watch.look(&mut scene).regions, []);
    scene.block = Some((300, 60, 60, 60, 50.0));
    let motion = watch.look(&mut scene);
    assert_eq!(motion.regions.len(), 1);
    assert!(motion.changed_share > 2.0 * 60.0 * 60.0 / (384.0 * 216.0) * 0.8, "a share of what is looked at");
}

#[test]
fn another_size_is_another_beginning() {
    let mut scene = Scene::new(2.0);
    let mut watch = Watch::settled(&mut scene, 10);
    scene.size = Size::new(320, 200);
    assert_eq!(watch.look(&mut scene).regions, []);
    scene.block = Some((100, 50, 30, 60, 50.0));
    assert_eq!(watch.look(&mut scene).regions.len(), 1);
    scene.size = Size::new(3, 2);
    scene.block = None;
    watch.look(&mut scene);
    assert_eq!(watch.look(&mut scene).regions, [], "even a picture smaller than a cell");
}

#[test]
fn black_and_covered_pictures_show_in_the_numbers() {
    let mut watch = Watch { detector: MotionDetector::new(), motion: Motion::default() };
    watch.detector.look(&Picture::grey(Size::new(640, 360), 17), &mut watch.motion);
    assert_eq!((watch.motion.luma_mean, watch.motion.luma_deviation), (17.0, 0.0));
    assert!(!watch.motion.repeats, "the first repeats nothing");
    watch.detector.look(&Picture::grey(Size::new(640, 360), 17), &mut watch.motion);
    assert!(watch.motion.repeats);
}
