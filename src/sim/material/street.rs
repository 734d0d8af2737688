//! The empty street and its visitors as one film, encoded in any way: what the gate is tried on.
//!
//! Between visits nobody is there, and they begin anywhere in a group of pictures. Reels, which cameras can cut, belong to `studio`.

use std::{ops::Range, path::Path, time::Duration};

use super::{
    EncodedFilm, FilmUnit, Progress, Rate, Recoding, Studio,
    encoder::Encoder,
    film, find_footage,
    pixels::{CutOut, Noise, Planes},
    studio::{WALKS, cut_out_people, empty_street},
};
use crate::sim::SimError;

/// Nobody comes at first, so that a camera can learn its quiet; and between visits.
const FIRST_PAUSE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(9);
/// Each pause is longer than the one before by so many frames: no two visits begin at the same place in a group.
const STAGGER_FRAMES: usize = 3;

/// How visitors differ from those of the footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guise {
    /// So many times smaller: as if farther away.
    pub smaller: usize,
    /// So many times slower.
    pub slower: usize,
}

impl Guise {
    /// As they came.
    pub const OWN: Self = Self { smaller: 1, slower: 1 };
}

/// The street, its visitors cut out.
pub struct Street {
    empty: Planes,
    rate: Rate,
    visitors: Vec<Vec<Option<CutOut>>>,
}

impl Street {
    /// Finds the footage and cuts out the first `visits_max` visitors. Takes some seconds.
    ///
    /// # Errors
    /// The footage is not there, or is not what its visits were measured on.
    pub fn open(cache: &Path, visits_max: usize) -> Result<Self, SimError> {
        let found = find_footage(&Studio { cache: cache.to_owned(), footage: None })?;
        let footage = film::unpack(&found, cache)?;
        let progress: &mut dyn FnMut(Progress) = &mut |_| ();
        let (empty, rate) = empty_street(&footage, &WALKS, progress)?;
        let mut visitors = cut_out_people(&footage, &WALKS, &empty, progress)?;
        visitors.truncate(visits_max);
        Ok(Self { empty, rate, visitors })
    }

    /// The film, and when its visits are. Of a recoding, what encodes and what the night adds; size and rate are the street's own.
    ///
    /// # Errors
    /// The encoder is missing or refuses.
    pub fn film(
        &self,
        recoding: &Recoding,
        guise: Guise,
    ) -> Result<(EncodedFilm, Vec<Range<Duration>>), SimError> {
        let mut encoder = Encoder::new(&recoding.coding, self.empty.size(), self.rate)?;
        let mut day = Noise::seeded(0x5eed);
        let mut night = recoding.noise.map(|noise| Noise::on_luma(noise.seed, noise.sigma));
        let mut scene = self.empty.clone();
        let mut shot = 0;
        let mut shoot = |person: Option<&CutOut>| -> Result<u64, SimError> {
            scene.clone_from(&self.empty);
            day.add(&mut scene);
            if let Some(person) = person {
                person.put(&mut scene);
            }
            if let Some(night) = &mut night {
                night.add(&mut scene);
            }
            encoder.push(&scene)?;
            shot += 1;
            Ok(shot)
        };
        let frames = |pause: Duration| self.rate.frame_at_or_after(pause.as_nanos() as u64) as usize;
        let mut visits = Vec::new();
        let mut now = 0;
        for (number, visitor) in self.visitors.iter().enumerate() {
            let pause = frames(if number == 0 { FIRST_PAUSE } else { PAUSE }) + STAGGER_FRAMES * (number + 2);
            for _ in 0..pause {
                now = shoot(None)?;
            }
            let from = now;
            for person in visitor {
                let person = person.as_ref().map(|person| person.shrunk(guise.smaller));
                for _ in 0..guise.slower.max(1) {
                    now = shoot(person.as_ref())?;
                }
            }
            let at = |frame| Duration::from_nanos(self.rate.ns_at(frame));
            visits.push(at(from)..at(now));
        }
        for _ in 0..frames(PAUSE) {
            shoot(None)?;
        }
        let units = encoder
            .finish()?
            .into_iter()
            .map(|unit| FilmUnit {
                data: unit.data,
                is_key: unit.is_key,
                frame: unit.picture,
                at: Duration::from_nanos(self.rate.ns_at(unit.picture)),
            })
            .collect();
        Ok((EncodedFilm { size: self.empty.size(), rate: self.rate, units }, visits))
    }
}
