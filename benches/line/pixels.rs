//! Decoding, motion and the alert's picture.

use cunkou::{
    alert::snapshot,
    camera::{AccessUnit, Codec},
    config::{Hardware, StreamRole},
    decode::{Backend, Decoder, Picture},
    geometry::UnitBox,
    motion::{Motion, MotionDetector},
    sim::{Source, material::Track},
    time::{MediaTime, Now},
};
use serde_json::json;

use super::{
    Outcome, footage,
    measure::{Bencher, allocations, round},
    recorded,
};

/// Whole groups of pictures of the village street, main and sub stream: a sample is a unit, so that p95 shows key frames.
pub(crate) fn decode(bencher: &mut Bencher) -> Outcome {
    let backend = Backend::choose(Hardware::Off)?;
    let material = recorded::street()?;
    let reel = material.reel(&Source::Street, Codec::H264).ok_or("the street is not there")?;
    for (name, role) in [("decode.frame.main", StreamRole::Main), ("decode.frame.sub", StreamRole::Sub)] {
        let track = reel.track(role);
        let visit = reel.cuts.visits.first().ok_or("nobody comes")?;
        let units = units(track, role, visit.units.start..visit.units.end);
        let mut decoder = Decoder::new(&backend, track.codec)?;
        let (mut taken, mut frames, mut decoded) = (Vec::new(), Vec::new(), 0);
        let allocated = allocations();
        for unit in units.iter().cycle().take(bencher.of(1200, 120)) {
            let start = std::time::Instant::now();
            decoder.decode(unit, &mut frames)?;
            taken.push(start.elapsed());
            decoded += frames.len();
            frames.clear();
        }
        let allocated = (allocations() - allocated) as f64 / taken.len() as f64;
        let more = json!({
            "picture": track.size.to_string(),
            "fps": (1e9 / track.rate.ns_at(1) as f64).round(),
            "bytes_per_unit": units.iter().map(|unit| unit.data.len()).sum::<usize>() / units.len(),
            "frames": decoded,
            "allocations": round(allocated),
        });
        bencher.tell(name, taken.clone(), taken.len(), more);
    }
    Ok(())
}

/// The access units of a range, as a source would hand them over.
pub(crate) fn units(track: &Track, role: StreamRole, range: std::ops::Range<usize>) -> Vec<AccessUnit> {
    track.units[range]
        .iter()
        .enumerate()
        .map(|(index, unit)| AccessUnit {
            role,
            codec: track.codec,
            data: unit.data.clone(),
            is_key: unit.is_key,
            media: MediaTime::from_ms((track.rate.ns_at(index as u64) / 1_000_000) as i64),
            camera_clock: None,
            arrived: Now::default(),
            packets_lost: 0,
        })
        .collect()
}

/// Consecutive frames of vtest; and the picture of an alert about what it shows.
pub(crate) fn motion(bencher: &mut Bencher) -> Outcome {
    let Some(frames) = footage::vtest(1) else { return Ok(()) };
    let pictures: Vec<Picture> = frames.take(64).map(|(_, picture)| picture).collect();
    // There and back again, so that the film has no cut.
    let mut film = (0..pictures.len()).chain((1..pictures.len() - 1).rev()).cycle();
    let (mut detector, mut motion) = (MotionDetector::new(), Motion::default());
    bencher.measure("motion.look", 400, 4, || {
        detector.look(&pictures[film.next().expect("for ever")], &mut motion);
    });
    let boxes = [(UnitBox::new(0.4, 0.3, 0.5, 0.7), "person"), (UnitBox::new(0.8, 0.1, 0.95, 0.2), "car")];
    for (name, boxes) in [("snapshot.plain", &boxes[..0]), ("snapshot.boxed", &boxes[..])] {
        bencher.measure(name, 100, 1, || {
            let jpeg = snapshot::encode(&pictures[0], &[], boxes, 85).expect("a picture of vtest");
            assert!(jpeg.len() > 10_000, "a picture of vtest is no grey one");
        });
    }
    Ok(())
}
