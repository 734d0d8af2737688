//! Makes reels: footage as it is, or the empty street and one real person at a time walking on it.
//!
//! The empty street is the temporal median of the footage; a visit puts one person's own pixels back onto it, where they
//! differ from it within that person's box. `visits.json` says which people of `vtest.avi` (Debian's `opencv-doc`) walk
//! alone enough for that, and where they are in each frame. Pixel arithmetic is in `pixels`, codecs in `film`.

use std::{path::Path, sync::LazyLock};

use bytes::Bytes;
use serde::Deserialize;

use super::{
    BFrames, Coding, Cuts, Encoded, EncodedTrack, Format, Gop, Progress, Rate, VisitCut,
    encoder::{Coded, Encoder},
    film::Film,
    pixels::{CutOut, Noise, PixelBox, Planes, half_of},
};
use crate::{camera::Codec, geometry::Size, sim::SimError};

/// What the cache stamps reels with, besides their footage: change the number whenever the same footage would give
/// another reel.
pub(super) const RECIPE: &str = concat!("recipe 2\n", include_str!("../visits.json"));

/// Time of "nothing happens" before it repeats. Longer than ten seconds, so that it does not look frozen.
const STILL_NS: u64 = 12_000_000_000;
/// How long the rate control may settle, in [`Format::Fleet`].
const REST_NS: u64 = 8_000_000_000;
/// [`Format::Fleet`] shows this row of the footage at its top: 432 rows, where people walk.
const FLEET_TOP: usize = 54;
/// Every how many frames one is taken for the median, and how many at most.
const MEDIAN_STEP: usize = 13;
const MEDIAN_PICTURES: usize = 61;
/// Frames with nobody at the end of a visit, at least. None at its start: the cut is the arrival.
const TAIL_FRAMES: usize = 2;
/// A person is seen where at least so many pixels are.
const SEEN_PIXELS: usize = 40;
/// Longest footage that is taken as it is, in frames: four minutes at 25 a second.
const FILE_FRAMES_MAX: usize = 6_000;

/// One person's walk through the footage.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Walk {
    /// Who, for a person who reads the file.
    #[allow(dead_code, reason = "a label for the reader of visits.json")]
    who: String,
    /// First frame of the footage.
    from: usize,
    /// The person's box in each frame from there: left, top, right, bottom in pixels.
    boxes: Vec<PixelBox>,
    /// Boxes of other people near, by frame of the footage; their pixels are left out.
    #[serde(default)]
    others: Vec<(usize, PixelBox)>,
}

/// What the boxes in `visits.json` were measured on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Walks {
    width: u32,
    height: u32,
    frames: usize,
    walks: Vec<Walk>,
}

pub(super) static WALKS: LazyLock<Walks> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../visits.json")).expect("visits.json is part of this program")
});

/// The village street: still scene and visits.
pub(super) fn compose(
    footage: &Path,
    format: Format,
    coding: &Coding,
    progress: &mut dyn FnMut(Progress),
) -> Result<Encoded, SimError> {
    let walks = &*WALKS;
    let (empty, own_rate) = empty_street(footage, walks, progress)?;
    let rate = format.rate().unwrap_or(own_rate);
    let gop = coding.gop_frames(rate);
    let mut camera = Camera::new(coding, format, format.size().unwrap_or(empty.size()), rate)?;

    let cut_outs = cut_out_people(footage, walks, &empty, progress)?;
    let still_len = (rate.frame_at_or_after(STILL_NS) as usize).next_multiple_of(gop);
    // What the rate control does until it has settled, and after somebody has left, belongs to no cut.
    let rest = match format {
        Format::Village => 0,
        Format::Fleet => (rate.frame_at_or_after(REST_NS) as usize).next_multiple_of(gop),
    };
    let visit_frames: usize = cut_outs.iter().map(|walk| walk.len() + rest + gop).sum();
    let total = (rest + still_len + visit_frames) as f32;
    let mut noise = Noise::seeded(0x5eed);
    let (mut scene, mut framed) = (empty.clone(), Planes::default());
    let mut shot = 0;
    let mut shoot = |camera: &mut Camera, person: Option<&CutOut>| {
        scene.clone_from(&empty);
        noise.add(&mut scene);
        if let Some(person) = person {
            person.put(&mut scene);
        }
        progress(Progress { step: "encoding the street", done: 0.3 + 0.7 * (shot as f32 / total).min(1.0) });
        shot += 1;
        match format {
            Format::Village => camera.shoot(&scene),
            Format::Fleet => {
                scene.five_sixths_into(FLEET_TOP, &mut framed);
                camera.shoot(&framed)
            }
        }
    };
    for _ in 0..rest + still_len {
        shoot(&mut camera, None)?;
    }
    let mut visits = Vec::new();
    let mut from = rest + still_len;
    for (number, walk) in cut_outs.iter().enumerate() {
        for _ in 0..rest {
            shoot(&mut camera, None)?;
        }
        from += rest;
        // Frames of the empty street in front of the visitor: in each visit another place of the group.
        let lead = match format {
            Format::Village => 0,
            Format::Fleet => gop * (2 * number + 1) / (2 * cut_outs.len()),
        };
        let length = (lead + walk.len() + TAIL_FRAMES).next_multiple_of(gop);
        for frame in 0..length {
            let person = frame.checked_sub(lead).and_then(|frame| walk.get(frame)?.as_ref());
            shoot(&mut camera, person)?;
        }
        let shows_from = lead + half_in_the_picture(walk);
        let units = from..from + length;
        visits.push(VisitCut { units, seen_from: lead, shows_from, shows_until: lead + walk.len() });
        from += length;
    }
    camera.finish(Cuts { gop, whole: 0..0, still: rest..rest + still_len, visits })
}

/// The first frame in which the person covers at least half of the median count of pixels.
fn half_in_the_picture(walk: &[Option<CutOut>]) -> usize {
    let covered: Vec<usize> = walk.iter().map(|c| c.as_ref().map_or(0, CutOut::visible)).collect();
    let mut sorted = covered.clone();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    covered.iter().position(|&pixels| 2 * pixels >= median).unwrap_or(0)
}

/// Each walk's person, frame by frame, from the first frame to the last one in which the person is seen.
pub(super) fn cut_out_people(
    footage: &Path,
    walks: &Walks,
    empty: &Planes,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Vec<Option<CutOut>>>, SimError> {
    let mut film = Film::open(footage)?;
    let mut cut_outs: Vec<Vec<_>> = walks.walks.iter().map(|_| Vec::new()).collect();
    let last = walks.walks.iter().map(|walk| walk.from + walk.boxes.len()).max().unwrap_or(0);
    for number in 0..last {
        let Some((picture, _)) = film.next()? else { return Err(not_the_footage(footage, walks)) };
        for (walk, found) in walks.walks.iter().zip(&mut cut_outs) {
            let Some(person) = number.checked_sub(walk.from).and_then(|n| walk.boxes.get(n)) else {
                continue;
            };
            let near: Vec<PixelBox> =
                walk.others.iter().filter(|(frame, _)| *frame == number).map(|(_, other)| *other).collect();
            found.push(CutOut::take(picture, empty, *person, &near));
        }
        progress(Progress { step: "cutting out visitors", done: 0.15 + 0.15 * number as f32 / last as f32 });
    }
    for found in &mut cut_outs {
        let seen = |c: &Option<CutOut>| c.as_ref().is_some_and(|c| c.visible() >= SEEN_PIXELS);
        found.truncate(found.iter().rposition(seen).map_or(0, |last| last + 1));
        found.drain(..found.iter().position(seen).unwrap_or(0));
    }
    Ok(cut_outs)
}

/// Footage as it is.
pub(super) fn transcode(
    footage: &Path,
    format: Format,
    coding: &Coding,
    progress: &mut dyn FnMut(Progress),
) -> Result<Encoded, SimError> {
    let mut film = Film::open_as(footage, format.size(), format.rate())?;
    let mut camera = None;
    let mut frames = 0;
    let mut gop = 1;
    while frames < FILE_FRAMES_MAX {
        let Some((picture, rate)) = film.next()? else { break };
        let camera = match &mut camera {
            Some(camera) => camera,
            None => {
                gop = coding.gop_frames(rate);
                camera.insert(Camera::new(coding, format, picture.size(), rate)?)
            }
        };
        if camera.size != picture.size() {
            let why = "the picture changes its size in mid-film".to_owned();
            return Err(SimError::Footage { path: footage.to_owned(), why });
        }
        camera.shoot(picture)?;
        frames += 1;
        progress(Progress { step: "encoding footage", done: frames as f32 / FILE_FRAMES_MAX as f32 });
    }
    let no_picture = || SimError::Footage { path: footage.to_owned(), why: "it holds no picture".into() };
    camera.ok_or_else(no_picture)?.finish(Cuts { gop, whole: 0..frames, still: 0..0, visits: Vec::new() })
}

/// The temporal median of the footage, and its frame rate.
pub(super) fn empty_street(
    footage: &Path,
    walks: &Walks,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Planes, Rate), SimError> {
    let mut film = Film::open(footage)?;
    let mut pictures = Vec::new();
    let mut rate = None;
    for number in 0..walks.frames {
        let Some((picture, r)) = film.next()? else { return Err(not_the_footage(footage, walks)) };
        if picture.size() != Size::new(walks.width, walks.height) {
            return Err(not_the_footage(footage, walks));
        }
        rate = Some(r);
        if number % MEDIAN_STEP == 0 && pictures.len() < MEDIAN_PICTURES {
            pictures.push(picture.clone());
        }
        progress(Progress {
            step: "looking for the empty street",
            done: 0.15 * number as f32 / walks.frames as f32,
        });
    }
    let rate = rate.ok_or_else(|| not_the_footage(footage, walks))?;
    Ok((Planes::median(&pictures), rate))
}

fn not_the_footage(footage: &Path, walks: &Walks) -> SimError {
    let (frames, width, height) = (walks.frames, walks.width, walks.height);
    SimError::Footage {
        path: footage.to_owned(),
        why: format!("it is not vtest.avi of opencv-doc ({frames} frames of {width}x{height})"),
    }
}

/// Encodes one sequence in all sizes that its format has.
struct Camera {
    codec: Codec,
    size: Size,
    rate: Rate,
    main: Encoder,
    /// And the picture that it gets.
    sub: Option<(Encoder, Planes)>,
}

impl Camera {
    fn new(coding: &Coding, format: Format, size: Size, rate: Rate) -> Result<Self, SimError> {
        let grid = matches!(coding.gop, Gop::Fixed { .. }) && coding.b_frames == BFrames::None;
        if !grid {
            let why = format!("{coding}: a camera that cuts needs key frames on a grid, and no B-frames");
            return Err(SimError::Encoder { why });
        }
        let main = Encoder::new(coding, size, rate)?;
        let sub = match format {
            Format::Village => Some((Encoder::new(coding, half_of(size), rate)?, Planes::default())),
            Format::Fleet => None,
        };
        Ok(Self { codec: coding.codec, size, rate, main, sub })
    }

    fn shoot(&mut self, picture: &Planes) -> Result<(), SimError> {
        if let Some((sub, half)) = &mut self.sub {
            picture.halve_into(half);
            sub.push(half)?;
        }
        self.main.push(picture)
    }

    fn finish(self, cuts: Cuts) -> Result<Encoded, SimError> {
        let main = EncodedTrack { size: self.size, units: in_order(self.main.finish()?) };
        let sub = match self.sub {
            Some((sub, half)) => Some(EncodedTrack { size: half.size(), units: in_order(sub.finish()?) }),
            None => None,
        };
        let end = cuts.visits.last().map_or(cuts.still.end.max(cuts.whole.end), |visit| visit.units.end);
        assert_eq!(end, main.units.len(), "every picture that was shot belongs to a cut");
        let starts =
            [cuts.whole.start, cuts.still.start].into_iter().chain(cuts.visits.iter().map(|v| v.units.start));
        for start in starts {
            for track in [Some(&main), sub.as_ref()].into_iter().flatten() {
                if !track.units.get(start).is_some_and(|(_, is_key)| *is_key) {
                    return Err(SimError::Encoder { why: format!("access unit {start} is no key frame") });
                }
            }
        }
        Ok(Encoded { codec: self.codec, rate: self.rate, cuts, main, sub })
    }
}

/// Without B-frames access units are shown in the order in which they are decoded.
fn in_order(units: Vec<Coded>) -> Vec<(Bytes, bool)> {
    units.into_iter().map(|unit| (unit.data, unit.is_key)).collect()
}
