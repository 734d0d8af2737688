//! The watchman: when the state of our own cameras is worth an alert, and when that is over.
//!
//! ```text
//! Health ─▶ Standing ── offline for `offline_after` ──▶ camera-offline ─┐
//!              │        many of them at once        ──▶ one for all     ├─ well for `well_after`, or out of service ─▶ ended
//!              └─────── degraded for `degraded_after` ▶ camera-degraded ┘
//! ```
//! Owns the hysteresis, which losses are one, and what is said of them. How a camera is, is told by `camera`; who is told of an alert, and how it is kept, is
//! for others. Pure: it is told the time. A camera is in one open alert at most.

mod losses;
mod sentence;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::tz::TimeZone;

use crate::{
    alert::{Change, Earnest, Judged, Kind, Occurrence, Ongoing, Severity},
    camera::{Health, Reason, State},
    config::{Camera, Config, Equipment, Name},
    id::{AlertId, CameraId, Mint},
    time::{Mono, Now, Wall},
};

/// An alert is updated so often at most.
const UPDATE_EVERY: Duration = Duration::from_secs(10);
/// An alert of many is over once no more than so many are still away: these have alerts of their own from then on.
const REST_MAX: usize = 2;

/// What the watchman says: to be told in this order.
pub type Told = Vec<(Change, Occurrence)>;

/// Watches the states of all cameras.
#[derive(Debug)]
pub struct Watchman {
    terms: Equipment,
    time_zone: TimeZone,
    mint: Mint,
    /// In the order of the configuration; other parts name them by their place here.
    cameras: Vec<Watched>,
    places: BTreeMap<CameraId, usize>,
    /// Bounded by the cameras: each is in one at most.
    open: BTreeMap<AlertId, Open>,
}

#[derive(Debug)]
struct Watched {
    camera: Arc<Camera>,
    village: Name,
    standing: Standing,
    /// Since when it is well, degraded or offline, for whatever reasons.
    since: Now,
    /// In which alert it is.
    told: Option<AlertId>,
    /// Since when what was told is not so any more.
    proof: Option<Now>,
}

/// How a camera is, as far as it concerns an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It was not tried yet.
    Unknown,
    /// What it sends is of use.
    Well,
    /// It streams, and what it sends is of no use.
    Degraded(BTreeSet<Reason>),
    /// It does not stream.
    Offline(Reason),
    /// Out of service on purpose.
    Maintenance,
}

impl Standing {
    fn of(health: &Health) -> Self {
        match health.state {
            State::Online => Self::Well,
            State::Maintenance => Self::Maintenance,
            State::Offline => match health.reasons.first() {
                Some(reason) => Self::Offline(*reason),
                // Not tried yet: at a start, a fleet waits for its turns.
                None => Self::Unknown,
            },
            State::Degraded => {
                let reasons: BTreeSet<Reason> =
                    health.reasons.iter().copied().filter(|reason| degrades(*reason)).collect();
                if reasons.is_empty() { Self::Well } else { Self::Degraded(reasons) }
            }
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Whether a stream is of no use for this reason. What somebody may have done to a camera (covered, moved, blurred) and what the night does is not told here.
fn degrades(reason: Reason) -> bool {
    matches!(reason, Reason::Frozen | Reason::FpsLow | Reason::Undecodable | Reason::NoKeyframe)
}

/// An open alert.
#[derive(Debug)]
struct Open {
    what: What,
    severity: Severity,
    occurred_at: Wall,
    /// All that it ever concerned; those that are still away know it ([`Watched::told`]).
    members: Vec<usize>,
    said: Name,
    said_at: Mono,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Offline,
    Degraded,
    /// When each was lost, as far as this daemon has seen it.
    Many(Vec<Mono>),
}

impl What {
    fn kind(&self) -> Kind {
        match self {
            Self::Offline | Self::Many(_) => Kind::CameraOffline,
            Self::Degraded => Kind::CameraDegraded,
        }
    }

    /// Whether a camera that is like this speaks against it.
    fn is_over(&self, standing: &Standing) -> bool {
        match standing {
            Standing::Well | Standing::Maintenance => true,
            Standing::Degraded(_) => *self != Self::Degraded,
            Standing::Offline(_) | Standing::Unknown => false,
        }
    }
}

/// Why an alert ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What it told of is well again.
    Recovered,
    /// It was taken out of service.
    Maintenance,
    /// It became worse: another alert tells of it.
    Lost,
    /// Most are back; so many are not, and have alerts of their own.
    MostAreBack(usize),
}

impl Watchman {
    /// A watchman who has heard of no camera yet.
    pub fn new(config: &Config, mint: Mint, now: Now) -> Self {
        let village = |camera: &Camera| {
            let entry_point = config.entry_points.get(&camera.entry_point);
            let village = entry_point.and_then(|point| config.villages.get(&point.village));
            village.expect("the configuration was checked: each camera is in a village").name.clone()
        };
        let cameras: Vec<Watched> = config
            .cameras
            .iter()
            .map(|camera| Watched {
                camera: Arc::clone(camera),
                village: village(camera),
                standing: Standing::Unknown,
                since: now,
                told: None,
                proof: None,
            })
            .collect();
        let places = cameras.iter().enumerate().map(|(place, of)| (of.camera.id.clone(), place)).collect();
        Self {
            terms: config.equipment,
            time_zone: config.station.time_zone.clone(),
            mint,
            cameras,
            places,
            open: BTreeMap::new(),
        }
    }

    /// Whether an alert of this kind goes on over a restart: it is handed to [`Self::resume`] then.
    pub fn follows(kind: Kind) -> bool {
        matches!(kind, Kind::CameraOffline | Kind::CameraDegraded)
    }

    /// Takes up what was open when the daemon stopped. Once, before anything is heard. What concerns nobody any more is ended.
    pub fn resume(&mut self, now: Now, ongoing: Vec<Ongoing>, told: &mut Told) {
        for Ongoing { id, kind, severity, cameras, occurred_at, explain, .. } in ongoing {
            let members: Vec<usize> =
                cameras.iter().filter_map(|camera| self.places.get(camera).copied()).collect();
            let what = match kind {
                Kind::CameraDegraded => What::Degraded,
                _ if cameras.len() > 1 => What::Many(Vec::new()),
                _ => What::Offline,
            };
            if members.is_empty() {
                continue;
            }
            let open = Open { what, severity, occurred_at, said: explain, said_at: now.mono, members };
            let free: Vec<usize> =
                open.members.iter().copied().filter(|place| self.cameras[*place].told.is_none()).collect();
            for place in &free {
                self.cameras[*place].told = Some(id);
            }
            self.open.insert(id, open);
            if free.is_empty() {
                self.end(id, now.wall, End::Recovered, told);
            }
        }
    }

    /// A word on a camera's health came.
    pub fn hear(&mut self, now: Now, health: &Health, told: &mut Told) {
        // What was reached before this word is told first.
        self.tick(now, told);
        let Some(&place) = self.places.get(&health.camera) else { return };
        let standing = Standing::of(health);
        let watched = &mut self.cameras[place];
        if !watched.standing.is_like(&standing) {
            watched.since = now;
        }
        watched.standing = standing;
        let open = watched.told.and_then(|id| self.open.get(&id));
        match open {
            Some(open) if open.what.is_over(&watched.standing) => {
                watched.proof.get_or_insert(now);
            }
            _ => watched.proof = None,
        }
        self.tick(now, told);
    }

    /// Time passed: to be called once a second or so.
    pub fn tick(&mut self, now: Now, told: &mut Told) {
        for place in 0..self.cameras.len() {
            self.prove(now, place, told);
        }
        for place in 0..self.cameras.len() {
            let Watched { standing, since, told: is_told, .. } = &self.cameras[place];
            let lasted = now.mono.since(since.mono);
            if matches!(standing, Standing::Degraded(_))
                && is_told.is_none()
                && lasted >= self.terms.degraded_after
            {
                self.raise(now, What::Degraded, vec![place], told);
            }
        }
        self.tell_losses(now, told);
        self.disband(now, told);
        self.update(now, told);
    }

    /// Lets a camera go of its alert that has been well for long enough.
    fn prove(&mut self, now: Now, place: usize, told: &mut Told) {
        let watched = &self.cameras[place];
        let (Some(id), Some(proof)) = (watched.told, watched.proof) else { return };
        let end = match watched.standing {
            Standing::Maintenance => End::Maintenance,
            _ if now.mono.since(proof.mono) >= self.terms.well_after => End::Recovered,
            _ => return,
        };
        self.cameras[place].told = None;
        self.cameras[place].proof = None;
        if self.away(id).next().is_none() {
            self.end(id, proof.wall, end, told);
        }
    }

    /// Ends alerts of many of whom only a few are left: these have alerts of their own.
    fn disband(&mut self, now: Now, told: &mut Told) {
        let many: Vec<AlertId> = self
            .open
            .iter()
            .filter(|(_, open)| matches!(open.what, What::Many(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in many {
            let rest: Vec<usize> = self.away(id).collect();
            let members = self.open.get(&id).map_or(0, |open| open.members.len());
            let is_lost = |place: &usize| matches!(self.cameras[*place].standing, Standing::Offline(_));
            if rest.len() == members || rest.len() > REST_MAX || !rest.iter().all(is_lost) {
                continue;
            }
            for place in &rest {
                self.cameras[*place].told = None;
            }
            self.end(id, now.wall, End::MostAreBack(rest.len()), told);
            for place in rest {
                self.raise(now, What::Offline, vec![place], told);
            }
        }
    }

    /// Says what has changed of what is open.
    fn update(&mut self, now: Now, told: &mut Told) {
        let ids: Vec<AlertId> = self.open.keys().copied().collect();
        for id in ids {
            let open = self.open.get(&id).expect("its id was read a line before");
            if now.mono.since(open.said_at) < UPDATE_EVERY {
                continue;
            }
            let Some(sentence) = self.sentence(id, open) else { continue };
            if sentence != open.said {
                self.say(now, id, sentence);
                told.push((Change::Updated, self.occurrence(id, None)));
            }
        }
    }

    fn say(&mut self, now: Now, id: AlertId, sentence: Name) {
        if let Some(open) = self.open.get_mut(&id) {
            (open.said, open.said_at) = (sentence, now.mono);
        }
    }

    /// Raises an alert of these cameras, which are in none; in the order of the configuration.
    fn raise(&mut self, now: Now, what: What, mut members: Vec<usize>, told: &mut Told) {
        members.sort_unstable();
        let severity = match what {
            What::Offline => self.terms.offline_severity,
            What::Degraded => self.terms.degraded_severity,
            What::Many(_) => self.terms.many_severity,
        };
        let began = members.iter().map(|place| self.cameras[*place].since.wall).min();
        let id = self.mint.alert(now.wall);
        for place in &members {
            let watched = &mut self.cameras[*place];
            assert!(watched.told.is_none(), "a camera is in one alert at a time");
            watched.told = Some(id);
            watched.proof = None;
        }
        let said = Name { zh: String::new(), en: String::new() };
        let occurred_at = began.unwrap_or(now.wall);
        self.open.insert(id, Open { what, severity, occurred_at, members, said, said_at: now.mono });
        let sentence = self.open.get(&id).and_then(|open| self.sentence(id, open));
        self.say(now, id, sentence.expect("it is as it is told"));
        told.push((Change::Raised, self.occurrence(id, None)));
    }

    /// Ends an alert in which nobody is any more.
    fn end(&mut self, id: AlertId, at: Wall, end: End, told: &mut Told) {
        let Some(open) = self.open.get(&id) else { return };
        let at = at.max(open.occurred_at);
        let said = self.parting(open, at, end);
        if let Some(open) = self.open.get_mut(&id) {
            open.said = said;
        }
        told.push((Change::Ended, self.occurrence(id, Some(at))));
        self.open.remove(&id);
    }

    /// Members of an alert that are not back.
    fn away(&self, id: AlertId) -> impl Iterator<Item = usize> + '_ {
        let members = self.open.get(&id).map_or(&[][..], |open| &open.members);
        members.iter().copied().filter(move |place| self.cameras[*place].told == Some(id))
    }

    fn occurrence(&self, id: AlertId, ended_at: Option<Wall>) -> Occurrence {
        let open = self.open.get(&id).expect("whoever asks has just opened or found it");
        let mut cameras = open.members.iter().map(|place| &self.cameras[*place].camera);
        Occurrence {
            id,
            kind: open.what.kind(),
            severity: open.severity,
            camera: Arc::clone(cameras.next().expect("an alert concerns somebody")),
            others: cameras.map(|camera| camera.id.clone()).collect(),
            judged: Judged::State,
            direction: None,
            occurred_at: open.occurred_at,
            ended_at,
            objects: Vec::new(),
            earnest: Earnest::Real,
            explain: open.said.clone(),
        }
    }
}
