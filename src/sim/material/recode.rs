//! A whole video file, encoded anew in a given way: what a bench looks at instead of a stream.
//!
//! Knows no scene and no cut: reels, which simulated cameras play, belong to `studio`.

use std::{path::Path, time::Duration};

use bytes::Bytes;

use super::{
    Coding, Progress, Rate,
    encoder::Encoder,
    film::Film,
    pixels::{Noise, Planes},
};
use crate::{geometry::Size, sim::SimError};

/// Longest film that is taken, in frames: an hour at 25 a second.
const FRAMES_MAX: usize = 90_000;

/// What becomes of a film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recoding {
    /// How it is encoded.
    pub coding: Coding,
    /// Its picture, whatever the film's shape; `None`: the film's own. Rounded down to even numbers.
    pub size: Option<Size>,
    /// Its frame rate: frames are left out or repeated; `None`: the film's own.
    pub rate: Option<Rate>,
    /// What a sensor adds at night.
    pub noise: Option<NightNoise>,
}

/// Gaussian noise on luma, fresh for each frame, the same again from the same seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NightNoise {
    /// Standard deviation in steps of 1/255, 0..=30. Sensors at night have 4 to 10.
    pub sigma: f32,
    /// Draws it.
    pub seed: u64,
}

/// An encoded film.
#[derive(Debug, Clone)]
pub struct EncodedFilm {
    /// Its picture.
    pub size: Size,
    /// Its frame rate.
    pub rate: Rate,
    /// All access units, in the order in which they are decoded.
    pub units: Vec<FilmUnit>,
}

/// One access unit of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmUnit {
    /// Annex B with parameter sets in front of each key frame, or a JFIF picture.
    pub data: Bytes,
    /// Decoding may start here.
    pub is_key: bool,
    /// Which frame of the film it is (after [`Recoding::rate`]), in the order in which they are shown.
    pub frame: u64,
    /// When that frame is shown, from the film's start.
    pub at: Duration,
}

/// Encodes a video file from start to end. Blocks, for as long as that takes (some hundred frames a second at 640x360);
/// `progress` is told of each frame, as a share of the longest film that is taken.
///
/// # Errors
/// The file is not there or holds no video ([`SimError::NoFootage`], [`SimError::Footage`]), changes its size, or is longer than
/// an hour; the encoder is missing or refuses ([`SimError::Encoder`]).
pub fn encode_film(
    path: &Path,
    recoding: &Recoding,
    progress: &mut dyn FnMut(Progress),
) -> Result<EncodedFilm, SimError> {
    let failed = |why: &str| SimError::Footage { path: path.to_owned(), why: why.to_owned() };
    let size = recoding.size.map(|size| Size::new(size.w & !1, size.h & !1));
    let mut film = Film::open_as(path, size, recoding.rate)?;
    let mut noise = recoding.noise.map(|noise| Noise::on_luma(noise.seed, noise.sigma));
    let mut noisy = Planes::default();
    let mut encoder = None;
    let mut frames = 0;
    while let Some((picture, rate)) = film.next()? {
        if frames == FRAMES_MAX {
            return Err(failed("it is longer than 90000 frames"));
        }
        let (encoder, size, _) = match &mut encoder {
            Some(encoder) => encoder,
            None => {
                encoder.insert((Encoder::new(&recoding.coding, picture.size(), rate)?, picture.size(), rate))
            }
        };
        if *size != picture.size() {
            return Err(failed("the picture changes its size in mid-film"));
        }
        match &mut noise {
            Some(noise) => {
                noisy.clone_from(picture);
                noise.add(&mut noisy);
                encoder.push(&noisy)?;
            }
            None => encoder.push(picture)?,
        }
        frames += 1;
        progress(Progress { step: "encoding a film", done: frames as f32 / FRAMES_MAX as f32 });
    }
    let (encoder, size, rate) = encoder.ok_or_else(|| failed("it holds no picture"))?;
    let units = encoder
        .finish()?
        .into_iter()
        .map(|unit| FilmUnit {
            data: unit.data,
            is_key: unit.is_key,
            frame: unit.picture,
            at: Duration::from_nanos(rate.ns_at(unit.picture)),
        })
        .collect();
    Ok(EncodedFilm { size, rate, units })
}

#[cfg(test)]
mod tests {
    use std::{ops::RangeInclusive, path::PathBuf};

    use gstreamer::prelude::*;

    use super::*;

    const SIZE: Size = Size::new(322, 182);

    /// A ball in front of noise, four seconds of it.
    fn ball(folder: &Path) -> PathBuf {
        gstreamer::init().unwrap();
        let path = folder.join("ball.mkv");
        let make = format!(
            "videotestsrc pattern=ball num-buffers=40 ! video/x-raw,width=640,height=360,framerate=10/1 ! x264enc \
             tune=zerolatency quantizer=1 pass=quant ! matroskamux ! filesink location={}",
            path.display()
        );
        let pipeline = gstreamer::parse::launch(&make).unwrap();
        pipeline.set_state(gstreamer::State::Playing).unwrap();
        let wanted = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
        let told =
            pipeline.bus().unwrap().timed_pop_filtered(gstreamer::ClockTime::from_seconds(60), &wanted);
        assert!(matches!(told.unwrap().view(), gstreamer::MessageView::Eos(_)));
        pipeline.set_state(gstreamer::State::Null).unwrap();
        path
    }

    fn encode(path: &Path, coding: &str, sigma: f32) -> EncodedFilm {
        let noise = (sigma > 0.0).then_some(NightNoise { sigma, seed: 7 });
        let rate = Some(Rate { frames: 15, seconds: 1 });
        let recoding = Recoding { coding: coding.parse().unwrap(), size: Some(SIZE), rate, noise };
        encode_film(path, &recoding, &mut |_| ()).unwrap()
    }

    /// kbit/s over the last two seconds: the first second fills the encoder's bucket.
    fn kbps(film: &EncodedFilm) -> usize {
        let bytes: usize = film.units.iter().filter(|u| u.at.as_secs() >= 2).map(|u| u.data.len()).sum();
        let seconds = film.units.iter().map(|u| u.at.as_secs_f64()).fold(0.0, f64::max) - 2.0;
        (bytes as f64 * 0.008 / seconds) as usize
    }

    #[test]
    fn a_film_is_encoded_in_each_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = ball(folder.path());
        let no_limit: RangeInclusive<usize> = 1..=100_000;
        for (coding, keys, noise, rate_kbps) in [
            ("h264-q24-gop1s", &[0, 15, 30, 45][..], 0.0, no_limit.clone()),
            ("h264-q24max100-gop2s", &[0, 30], 4.0, 1..=120),
            ("h264-vbr100max200-gop2s", &[0, 30], 4.0, 60..=180),
            ("h264-abr100-gop2s", &[0, 30], 4.0, 60..=180),
            ("h264-cbr100-gop2s", &[0, 30], 4.0, 60..=130),
            ("h264-cbr400fill-gop2s", &[0, 30], 0.0, 370..=430),
            ("h264-q24-scenecut10s", &[0], 0.0, no_limit.clone()),
            ("h264-q24-refresh1s", &[0], 0.0, no_limit.clone()),
            ("h264-q24-gop2s-b2", &[0, 30], 0.0, no_limit.clone()),
            ("h264-q24-gop2s-b2pyramid", &[0, 30], 0.0, no_limit.clone()),
            ("h265-q25-gop2s", &[0, 30], 0.0, no_limit.clone()),
            ("h265-q25-gop2s-b2", &[0, 30], 0.0, no_limit.clone()),
            ("h265-vbr100max200-gop2s", &[0, 30], 4.0, 50..=200),
            ("h265-cbr100-gop2s", &[0, 30], 4.0, 50..=130),
            ("h265-cbr400fill-gop2s", &[0, 30], 0.0, 300..=460),
            ("h265-q25-refresh1s", &[0], 0.0, no_limit.clone()),
            ("mjpeg-q25-gop1s", &[0, 1, 2], 0.0, no_limit),
        ] {
            let film = encode(&path, coding, noise);
            assert_eq!((film.size, film.rate), (SIZE, Rate { frames: 15, seconds: 1 }), "{coding}");
            // videorate may add a frame at the end.
            assert!((58..=61).contains(&film.units.len()), "{coding}: {}", film.units.len());
            let found: Vec<u64> = film.units.iter().filter(|u| u.is_key).map(|u| u.frame).collect();
            assert_eq!(&found[..keys.len()], keys, "{coding}");
            let all = if coding.starts_with("mjpeg") { film.units.len() } else { keys.len() };
            assert_eq!(found.len(), all, "{coding}: {found:?}");
            let mut frames: Vec<u64> = film.units.iter().map(|unit| unit.frame).collect();
            assert_eq!(frames.is_sorted(), !coding.contains("-b2"), "{coding}: {frames:?}");
            frames.sort_unstable();
            assert_eq!(frames, (0..film.units.len() as u64).collect::<Vec<_>>(), "{coding}");
            assert!(rate_kbps.contains(&kbps(&film)), "{coding}: {} kbit/s", kbps(&film));
        }
    }

    #[test]
    fn noise_is_drawn_from_its_seed_and_costs_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = ball(folder.path());
        let [quiet, night, again] = [0.0, 6.0, 6.0].map(|sigma| encode(&path, "h264-q24-gop1s", sigma));
        assert_eq!(night.units, again.units);
        assert!(kbps(&night) > 2 * kbps(&quiet), "{} {}", kbps(&night), kbps(&quiet));
    }

    #[test]
    fn films_that_cannot_be_encoded_are_said_so() {
        let recoding = Recoding { coding: Coding::default(), size: None, rate: None, noise: None };
        let missing = encode_film(Path::new("/nowhere/x.mp4"), &recoding, &mut |_| ());
        assert!(matches!(missing, Err(SimError::NoFootage { .. })));
    }
}
