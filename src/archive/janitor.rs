//! The janitor: looks at the volumes, and has deleted what retention says.
//!
//! Owns when it is looked, and what the operator and the writer are told. What goes is decided in `retention`, how full a volume is in `pressure`;
//! how it goes is `deleting`'s. It works within the archivist's task, so that a hold that was answered holds.

use std::{collections::BTreeMap, io, path::Path, sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking};

use super::{
    Archivist, Catalog, Pressure,
    days::{self, Old},
    deleting::{Hindered, carry_out},
    hold::Hold,
    keys,
    pressure::{self, Help},
    retention::{Ages, More, Outcome, Rules, Shelf, Wanted, plan},
};
use crate::{
    config::{Config, Volume},
    id::VolumeId,
    metrics::OfVolume,
    store::{Refused, Write},
    time::{Mono, Now, Trust, Wall},
};

/// How often what is too old is looked for.
const AGE_EVERY: Duration = Duration::from_secs(300);
/// How often folders of days are looked at in which nothing may be left.
const DAYS_EVERY: Duration = Duration::from_secs(3600);
/// Segments of a camera that a plan sees, at most.
const SEEN_MAX: usize = 32;
/// Segments that are deleted at once.
const DELETED_AT_ONCE: usize = 64;
/// Plans of a volume in one look; the next one goes on.
const PLANS_MAX: usize = 8;
/// How often the log repeats that nothing may be deleted.
const TELL_EVERY: Duration = Duration::from_secs(600);
/// How long deletions stay on record, counted from the begin of what was deleted.
const DELETIONS_KEPT: Duration = Duration::from_secs(180 * 24 * 3600);

/// The janitor's own state.
#[derive(Debug, Default)]
pub(super) struct Janitor {
    rules: Rules,
    volumes: Vec<Ward>,
    trust: Option<watch::Receiver<Trust>>,
    /// When civil time was believed last.
    believed: Now,
    ages_at: Option<Mono>,
    days_at: Option<Mono>,
}

#[derive(Debug)]
struct Ward {
    volume: Arc<Volume>,
    pressure: watch::Sender<Pressure>,
    told_at: Option<Mono>,
}

type Pressures = BTreeMap<VolumeId, watch::Receiver<Pressure>>;

impl Janitor {
    /// Until the clock is believed, age is measured from the newest recording: it was not made in the future.
    pub(super) async fn new(
        catalog: &Catalog,
        config: &Config,
        now: Now,
        trust: watch::Receiver<Trust>,
    ) -> Result<(Self, Pressures), Refused> {
        let mut newest = None;
        for camera in catalog.cameras().await? {
            let last = catalog.segment_before(&camera, now.wall).await?;
            newest = newest.max(last.map(|segment| segment.to.min(now.wall)));
        }
        let believed = Now { wall: newest.unwrap_or(now.wall), ..now };
        let volumes = config.volumes.iter().map(|volume| Ward {
            volume: Arc::clone(volume),
            pressure: watch::Sender::new(Pressure::Fine),
            told_at: None,
        });
        let volumes: Vec<Ward> = volumes.collect();
        let pressures =
            volumes.iter().map(|ward| (ward.volume.id.clone(), ward.pressure.subscribe())).collect();
        let janitor = Self {
            rules: Rules::new(config),
            volumes,
            trust: Some(trust),
            believed,
            ages_at: None,
            days_at: None,
        };
        Ok((janitor, pressures))
    }

    /// Looks at every volume once.
    pub(super) async fn sweep(&mut self, archivist: &mut Archivist) {
        let now = archivist.clock.now();
        let Some((wall, mut ages)) = self.age_clock(now) else { return };
        let is_due = |last: Option<Mono>, every| last.is_none_or(|last| now.mono.since(last) >= every);
        if ages == Ages::Count && is_due(self.ages_at, AGE_EVERY) {
            self.ages_at = Some(now.mono);
        } else {
            ages = Ages::Ignored;
        }
        for place in 0..self.volumes.len() {
            let volume = Arc::clone(&self.volumes[place].volume);
            match look(archivist, &self.rules, &volume, wall, ages).await {
                Ok((room, help)) => self.tell(archivist, place, now.mono, room, help),
                Err(hindered) => {
                    tracing::warn!(volume = %volume.id, %hindered, "a volume could not be looked after; the next look does it");
                }
            }
        }
        if self.trusts() && is_due(self.days_at, DAYS_EVERY) {
            self.days_at = Some(now.mono);
            self.tidy(archivist, wall).await;
        }
    }

    /// What age is measured from, and whether anything goes for its age; `None` where no time is known.
    fn age_clock(&mut self, now: Now) -> Option<(Wall, Ages)> {
        match self.trust.as_ref().map(|trust| *trust.borrow())? {
            Trust::Lost => None,
            Trust::Believed => {
                self.believed = now;
                Some((now.wall, Ages::Count))
            }
            Trust::Doubted => {
                let since = self.believed.wall.after(now.mono.since(self.believed.mono));
                Some((since.min(now.wall), Ages::Ignored))
            }
        }
    }

    fn trusts(&self) -> bool {
        self.trust.as_ref().is_some_and(|trust| *trust.borrow() == Trust::Believed)
    }

    fn tell(&mut self, archivist: &Archivist, place: usize, now: Mono, room: i64, help: Help) {
        let Ward { volume, pressure, told_at } = &mut self.volumes[place];
        let (before, headroom) = (*pressure.borrow(), pressure::headroom(volume));
        let after = pressure::after(before, room, headroom, help);
        let of = OfVolume::from(&volume.id);
        archivist.metrics.volume_room_bytes.get_or_create(&of).set(room);
        let level = match after {
            Pressure::Fine => 0,
            Pressure::Short => 1,
            Pressure::Full { below } => i64::from(below),
        };
        archivist.metrics.volume_pressure.get_or_create(&of).set(level);
        let id = &volume.id;
        match after {
            Pressure::Full { below } if after != before => {
                tracing::error!(volume = %id, room, "nothing of the volume may be deleted, and it is full: cameras with a record_priority below {below} are not recorded; add disk space, or keep less");
            }
            Pressure::Short if matches!(before, Pressure::Full { .. }) => {
                tracing::info!(volume = %id, room, "the volume has room again: every camera is recorded");
            }
            _ => {}
        }
        let is_silent = told_at.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if help == Help::None && after != Pressure::Fine && after == before && is_silent {
            *told_at = Some(now);
            tracing::error!(volume = %id, room, "the volume is short of room, and all that is left is within its floor or held: recording will stop; add disk space, or keep less");
        }
        pressure.send_if_modified(|held| std::mem::replace(held, after) != after);
    }

    /// Removes what lies beside recordings of days that have served their purpose, and what is on record of old deletions.
    async fn tidy(&self, archivist: &Archivist, now: Wall) {
        for ward in &self.volumes {
            let (folder, old) = (ward.volume.path.clone(), self.old(now, &archivist.holds));
            match spawn_blocking(move || days::tidy(&folder, &old)).await {
                Ok(0) | Err(_) => {}
                Ok(count) => {
                    tracing::info!(volume = %ward.volume.id, days = count, "what lay beside recordings that have served their purpose is deleted");
                }
            }
        }
        let before = Wall::from_unix_us(now.unix_us().saturating_sub(DELETIONS_KEPT.as_micros() as i64));
        if let Err(refused) = forget_deletions(archivist, before).await {
            tracing::debug!(%refused, "old deletions stay on record until the next look");
        }
    }

    fn old(&self, now: Wall, holds: &[Hold]) -> Old {
        Old { now, rules: self.rules.clone(), holds: holds.to_vec() }
    }
}

/// Deletes what may and has to go; says what room there is then, and whether more could be made.
async fn look(
    archivist: &mut Archivist,
    rules: &Rules,
    volume: &Volume,
    now: Wall,
    ages: Ages,
) -> Result<(i64, Help), Hindered> {
    for _ in 0..PLANS_MAX {
        let room = room(archivist, volume).await?;
        let bytes = pressure::needed(room, pressure::headroom(volume));
        if bytes == 0 && ages == Ages::Ignored {
            return Ok((room, Help::Some));
        }
        let shelves = shelves(&archivist.catalog, &volume.id, &archivist.holds).await?;
        let wanted = Wanted { now, ages, bytes, count_max: DELETED_AT_ONCE };
        let plan = plan(&shelves, rules, &archivist.holds, wanted);
        let outcome = plan.outcome;
        carry_out(archivist, volume, plan.deletions).await?;
        match outcome {
            Outcome::Again => {}
            Outcome::Enough => return Ok((self::room(archivist, volume).await?, Help::Some)),
            Outcome::Lacking(_) => return Ok((self::room(archivist, volume).await?, Help::None)),
        }
    }
    Ok((room(archivist, volume).await?, Help::Some))
}

async fn room(archivist: &Archivist, volume: &Volume) -> Result<i64, Hindered> {
    // The writer makes the folder when it first records there.
    let path = volume.path.ancestors().find(|path| path.exists()).unwrap_or(Path::new(".")).to_owned();
    let free = spawn_blocking(move || rustix::fs::statvfs(&path)).await.map_err(io::Error::other);
    let free = free
        .and_then(|stat| Ok(stat?))
        .map_err(|source| Hindered::Disk { path: volume.path.clone(), source })?;
    let used = archivist.tallies.get(&volume.id).map_or(0, |tally| tally.bytes);
    Ok(pressure::room(volume, free.f_bavail.saturating_mul(free.f_frsize), used))
}

/// The oldest of each camera that are not held.
async fn shelves(catalog: &Catalog, volume: &VolumeId, holds: &[Hold]) -> Result<Vec<Shelf>, Refused> {
    let mut shelves = Vec::new();
    for camera in catalog.cameras_on(volume).await? {
        let mut shelf = Shelf { segments: Vec::new(), more: More::Yes };
        let mut from = Wall::from_unix_us(i64::MIN);
        while shelf.segments.len() < SEEN_MAX && shelf.more == More::Yes {
            let seen = catalog.shelf(volume, &camera, from, SEEN_MAX).await?;
            if seen.len() < SEEN_MAX {
                shelf.more = More::No;
            }
            for segment in seen {
                let next = Wall::from_unix_us(segment.from.unix_us().saturating_add(1));
                // All that begin within a hold are held.
                let held = holds.iter().filter(|h| h.protects(&segment.camera, segment.from, segment.to));
                let past = held.map(|hold| hold.what.to).max();
                from = from.max(past.map_or(next, |to| to.max(next)));
                if past.is_none() {
                    shelf.segments.push(segment);
                }
            }
        }
        shelves.push(shelf);
    }
    Ok(shelves)
}

/// Removes deletions of what began before `before`.
async fn forget_deletions(archivist: &Archivist, before: Wall) -> Result<(), Refused> {
    for camera in archivist.catalog.cameras().await? {
        let mut range = keys::deletions_of(&camera, Wall::from_unix_us(i64::MIN), before);
        let old = archivist.catalog.step(&mut range).await?;
        if !old.is_empty() {
            archivist.put(old.into_iter().map(|(key, _)| Write::Delete(key)).collect()).await?;
        }
    }
    Ok(())
}
