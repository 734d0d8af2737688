//! Cut-outs and noise, pixel by pixel.

use super::*;

const SIZE: Size = Size::new(64, 48);

fn grey(level: u8) -> Planes {
    let mut planes = Planes::new(SIZE);
    planes.data.fill(level);
    planes
}

/// A grey street with a bright rectangle on it, in luma only.
fn with(person: PixelBox) -> Planes {
    let mut planes = grey(100);
    for y in person[1].max(0)..person[3].min(48) {
        for x in person[0].max(0)..person[2].min(64) {
            planes.data[(y * 64 + x) as usize] = 200;
        }
    }
    planes
}

fn luma(planes: &Planes, x: usize, y: usize) -> u8 {
    planes.plane(0)[y * 64 + x]
}

#[test]
fn the_median_forgets_who_passed() {
    let pictures: Vec<Planes> = (0..5).map(|n| with([n * 12, 10, n * 12 + 8, 30])).collect();
    assert_eq!(Planes::median(&pictures), grey(100));
}

#[test]
fn halving_takes_the_mean_of_four() {
    let mut planes = grey(0);
    planes.data[0] = 40;
    planes.data[65] = 43;
    let mut half = Planes::default();
    planes.halve_into(&mut half);
    assert_eq!((half.size(), half.plane(0)[0], half.plane(0)[1]), (Size::new(32, 24), 21, 0));
    assert_eq!(half_of(Size::new(322, 242)), Size::new(160, 120));
}

#[test]
fn noise_is_fresh_repeatable_and_about_as_strong_as_stated() {
    let noisy = |noise: &mut Noise| {
        let mut planes = grey(100);
        noise.add(&mut planes);
        planes
    };
    let (mut one, mut two) = (Noise::seeded(1), Noise::seeded(1));
    let first = noisy(&mut one);
    assert_eq!(first, noisy(&mut two));
    assert_ne!(first, noisy(&mut one));
    let luma = first.plane(0);
    let square = |&value: &u8| (f32::from(value) - 100.0).powi(2);
    let sigma = (luma.iter().map(square).sum::<f32>() / luma.len() as f32).sqrt();
    assert!((sigma - NOISE_SIGMA).abs() < 0.15, "{sigma}");
}

#[test]
fn a_cut_out_carries_the_person_and_nothing_else() {
    let person = [20, 10, 30, 34];
    let stranger = [50, 10, 56, 34];
    let mut picture = with(person);
    for (to, from) in picture.data.iter_mut().zip(&with(stranger).data) {
        *to = (*to).max(*from);
    }
    let cut_out = CutOut::take(&picture, &grey(100), person, &[]).unwrap();
    let mut scene = grey(100);
    cut_out.put(&mut scene);
    assert_eq!(luma(&scene, 25, 20), 200);
    assert_eq!((luma(&scene, 52, 20), luma(&scene, 5, 20), luma(&scene, 25, 46)), (100, 100, 100));
    assert!((240..580).contains(&cut_out.visible()), "{}", cut_out.visible());
}

#[test]
fn others_who_are_near_are_left_out() {
    let (person, other) = ([20, 10, 30, 34], [28, 10, 40, 34]);
    let mut picture = with(person);
    for (to, from) in picture.data.iter_mut().zip(&with(other).data) {
        *to = (*to).max(*from);
    }
    let cut_out = CutOut::take(&picture, &grey(100), person, &[other]).unwrap();
    let mut scene = grey(100);
    cut_out.put(&mut scene);
    assert_eq!((luma(&scene, 24, 20), luma(&scene, 31, 20), luma(&scene, 36, 20)), (200, 100, 100));
}

#[test]
fn who_is_outside_of_the_picture_has_no_pixels() {
    for person in [[-20, 0, 0, 20], [64, 0, 80, 20], [0, 48, 10, 60], [0, -30, 10, 0], [10, 10, 10, 10]] {
        let cut_out = CutOut::take(&with(person), &grey(100), person, &[]);
        assert_eq!(cut_out.map_or(0, |c| c.visible()), 0, "{person:?}");
    }
    // Half of the person is enough.
    let entering = [58, 10, 74, 34];
    assert!(CutOut::take(&with(entering), &grey(100), entering, &[]).unwrap().visible() > 100);
}
