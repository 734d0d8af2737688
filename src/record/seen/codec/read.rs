//! Reading what [`super`] has written.
//!
//! Owns the way from bytes to records, whatever the bytes.

use std::str::FromStr;

use ulid::Ulid;

use super::{
    Before, CLASS, DIRECTIONS, KINDS, LEVELS, LIGHTS, MOVED, Malformed, NONE, PARTS, SEEN, STEPS, SURE_STEPS,
};
use crate::{
    clip::Clip,
    config::Direction,
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, ClipId, TrackId},
    record::seen::{End, InForce, Leg, Look, Passed, Raised, RuleInForce, Sight},
    time::Wall,
};

/// What has not been read yet.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Malformed(what))?;
        self.0 = tail;
        Ok(*head)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.take::<1>(what).map(|[byte]| byte)
    }

    fn n(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed(what))
    }

    fn z(&mut self, what: &'static str) -> Result<i64, Malformed> {
        let value = self.n(what)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The length of a list: each item takes a byte at least.
    fn len(&mut self, what: &'static str) -> Result<usize, Malformed> {
        let len = usize::try_from(self.n(what)?).map_err(|_| Malformed(what))?;
        if len <= self.0.len() { Ok(len) } else { Err(Malformed(what)) }
    }

    fn list<T>(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let len = self.len(what)?;
        (0..len).map(|_| item(self)).collect()
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let len = self.len(what)?;
        let (head, tail) = self.0.split_at_checked(len).ok_or(Malformed(what))?;
        self.0 = tail;
        std::str::from_utf8(head).map_err(|_| Malformed(what))
    }

    fn id<T: FromStr>(&mut self, what: &'static str) -> Result<T, Malformed> {
        self.text(what)?.parse().map_err(|_| Malformed(what))
    }

    fn time(&mut self, what: &'static str) -> Result<Wall, Malformed> {
        self.take(what).map(i64::from_be_bytes).map(Wall::from_unix_ms)
    }

    fn since(&mut self, from: Wall, what: &'static str) -> Result<Wall, Malformed> {
        let ms = self.z(what)?;
        Ok(Wall::from_unix_ms(from.unix_ms().saturating_add(ms)))
    }

    fn ulid(&mut self, what: &'static str) -> Result<Ulid, Malformed> {
        self.take(what).map(u128::from_be_bytes).map(Ulid)
    }

    fn word<T: Copy>(&mut self, list: &[T], what: &'static str) -> Result<T, Malformed> {
        list.get(usize::from(self.byte(what)?)).copied().ok_or(Malformed(what))
    }

    fn direction(&mut self) -> Result<Option<Direction>, Malformed> {
        match self.byte("direction")? {
            NONE => Ok(None),
            place => DIRECTIONS.get(usize::from(place)).map(|it| Some(*it)).ok_or(Malformed("direction")),
        }
    }

    pub(super) fn in_force(&mut self) -> Result<InForce, Malformed> {
        Ok(InForce {
            run: self.time("run")?,
            camera: self.id("camera")?,
            model: self.text("model")?.to_owned(),
            model_sha256: self.text("model")?.to_owned(),
            rules: self.list("rules", |rest| {
                Ok(RuleInForce {
                    id: rest.id("rule")?,
                    version: rest.text("version")?.to_owned(),
                    kind: rest.word(&KINDS, "kind")?,
                })
            })?,
        })
    }

    pub(super) fn raised(&mut self) -> Result<Raised, Malformed> {
        Ok(Raised {
            alert: AlertId(self.ulid("alert")?),
            camera: self.id("camera")?,
            rule: self.id("rule")?,
            version: self.text("version")?.to_owned(),
            kind: self.word(&KINDS, "kind")?,
            direction: self.direction()?,
            at: self.time("time")?,
            class: self.word(&Class::ALL, "class")?,
            tracks: self.list("tracks", |rest| rest.n("track").map(TrackId))?,
        })
    }

    pub(super) fn passed(&mut self) -> Result<Passed, Malformed> {
        let id = ClipId(self.ulid("clip")?);
        let (camera, entry_point) = (self.id("camera")?, self.id("entry point")?);
        let (village, level) = (self.id("village")?, self.word(&LEVELS, "level")?);
        let from = self.time("begin")?;
        let clip = Clip {
            id,
            camera,
            entry_point,
            village,
            level,
            from,
            to: self.since(from, "end")?,
            class: self.word(&Class::ALL, "class")?,
            confidence: self.take("confidence").map(f32::from_be_bytes)?,
            zones: self.list("zones", |rest| rest.id("zone"))?,
            lines: self.list("lines", |rest| rest.id("line"))?,
            direction: self.direction()?,
            kinds: self.list("kinds", |rest| rest.word(&KINDS, "kind"))?,
            alerts: self.list("alerts", |rest| rest.ulid("alert").map(AlertId))?,
            light: self.word(&LIGHTS, "light")?,
        };
        if !(0.0..=1.0).contains(&clip.confidence) {
            return Err(Malformed("confidence"));
        }
        let part = self.word(&PARTS, "part")?;
        let path = self.list("legs", |rest| rest.leg(from))?;
        Ok(Passed { clip, part, path })
    }

    fn leg(&mut self, from: Wall) -> Result<Leg, Malformed> {
        let track = TrackId(self.n("track")?);
        let end = match self.byte("end")? {
            0 => End::Open,
            1 => End::Gone(self.since(from, "end")?),
            2 => End::SightLost(self.since(from, "end")?),
            _ => return Err(Malformed("end")),
        };
        let mut before = Before::new(from.unix_ms());
        let looks = self.list("looks", |rest| rest.look(&mut before))?;
        Ok(Leg { track, looks, end })
    }

    fn look(&mut self, before: &mut Before) -> Result<Look, Malformed> {
        let flags = self.byte("look")?;
        if flags & !(SEEN | CLASS | MOVED) != 0 {
            return Err(Malformed("look"));
        }
        before.step = before.step.wrapping_add(self.z("time")?);
        before.ms = before.ms.wrapping_add(before.step);
        if flags & CLASS != 0 {
            before.class = Some(self.word(&Class::ALL, "class")?);
        }
        let seen = if flags & SEEN != 0 {
            let confidence = f32::from(self.byte("confidence")?) / SURE_STEPS;
            for edge in &mut before.edges {
                *edge = edge.wrapping_add(self.z("box")?);
            }
            if before.edges.iter().any(|edge| !(0..=STEPS as i64).contains(edge)) || confidence > 1.0 {
                return Err(Malformed("box"));
            }
            let [l, t, r, b] = before.edges.map(|edge| edge as f32 / STEPS);
            let class = before.class.ok_or(Malformed("class"))?;
            Some(Sight { bbox: UnitBox::new(l, t, r, b), confidence, class })
        } else {
            None
        };
        Ok(Look { at: Wall::from_unix_ms(before.ms), seen, moved: flags & MOVED != 0 })
    }
}
