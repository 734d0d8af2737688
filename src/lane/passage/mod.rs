//! From tracks to passages: one visitor before one camera, from the first look to the last.
//!
//! ```text
//!            a track is born        all tracks ended, and nobody can turn out to go on for them
//! (nobody) ────────────────▶ open ────────────────────────────────────────────────────────────▶ passed, if it is worth it
//!                          ▲  │ │ ▲
//!     goes on as another ──┘  │ └─┘ ten minutes: a piece of it is passed, and it goes on
//!                             └──▶ sight was lost: passed as it is
//! ```
//! Worth it is who raised or joined an alert, and what moved and was surely seen in three looks. What stands there and never moved is forgotten as
//! it goes. Pure: it is told the time. Which track goes on where another broke off is the rules' judgement (`rules::Rules::successions`).

mod ground;
mod light;
#[cfg(test)]
pub(crate) mod tests;

use std::{sync::Arc, time::Duration};

use self::{
    ground::{Map, Way},
    light::LightMeter,
};
use crate::{
    alert::{Change, Kind},
    clip::{Clip, Light},
    config::{Camera, Direction, EntryPoint},
    decode::Picture,
    detect::{Class, Detection, SureFrom},
    geometry::UnitBox,
    id::{AlertId, CameraId, ClipId, LineId, Mint, TrackId, ZoneId},
    record::seen::{End, Leg, Look, Part, Passed, Sight},
    rules::{SETTLED_AFTER, Verdict},
    time::{Mono, Now, Wall},
    track::Track,
};

/// Who stays for longer is told of in pieces: a crash costs so much at most.
pub const PIECE_MAX: Duration = Duration::from_secs(600);
/// Looks in a piece, at most.
pub const LOOKS_MAX: usize = 8192;
/// Looks in which what raised nothing has to be surely seen.
const SURE_LOOKS_MIN: u32 = 3;
/// What was seen of a thing before it began to move is kept from so long before.
const UNMOVED_KEPT: Duration = Duration::from_secs(10);
/// Boxes that overlap by as much are of a thing that stands.
const STANDS: f32 = 0.5;

/// A passage, or a piece of one, as its camera's lane knows it. See [`Clip`] for what its members mean.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is documented where `Clip` and `Passed` declare it")]
pub struct Passage {
    pub id: ClipId,
    pub camera: CameraId,
    pub from: Wall,
    pub to: Wall,
    pub class: Class,
    pub confidence: f32,
    pub zones: Vec<ZoneId>,
    pub lines: Vec<LineId>,
    pub direction: Option<Direction>,
    pub kinds: Vec<Kind>,
    pub alerts: Vec<AlertId>,
    pub light: Light,
    pub part: Part,
    pub path: Vec<Leg>,
}

impl Passage {
    /// With where its camera stands: all that is kept of it.
    pub fn at(self, camera: &Camera, place: &EntryPoint) -> Passed {
        let clip = Clip {
            id: self.id,
            camera: self.camera,
            entry_point: camera.entry_point.clone(),
            village: place.village.clone(),
            level: place.level,
            from: self.from,
            to: self.to,
            class: self.class,
            confidence: self.confidence,
            zones: self.zones,
            lines: self.lines,
            direction: self.direction,
            kinds: self.kinds,
            alerts: self.alerts,
            light: self.light,
        };
        Passed { clip, part: self.part, path: self.path }
    }
}

/// What the rules made of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Judgement<'a> {
    /// When the frame arrived.
    pub now: Now,
    /// All live tracks.
    pub tracks: &'a [Track],
    /// Which track goes on where which other broke off: (the other, it).
    pub successions: &'a [(TrackId, TrackId)],
    /// What the rules said of this frame.
    pub verdicts: &'a [Verdict],
}

/// The passages of one camera.
#[derive(Debug)]
pub struct Passages {
    camera: CameraId,
    map: Map,
    sure_from: SureFrom,
    meter: LightMeter,
    light: Light,
    mint: Mint,
    open: Vec<Open>,
    /// Of the newest frame, in whole milliseconds; never goes back.
    newest: Wall,
}

/// A visitor who is here, or may come back.
#[derive(Debug)]
struct Open {
    /// Tracks that it has, or had in this piece.
    legs: Vec<Following>,
    /// Begin of this piece.
    since: Mono,
    /// Pieces that were passed.
    pieces: u32,
    moved: bool,
    sure_looks: u32,
    class: Class,
    /// Of this piece.
    alerts: Vec<(AlertId, Kind)>,
    /// Of all pieces.
    told: Vec<AlertId>,
    /// Looks by day and by night.
    lit: (u32, u32),
    way: Way,
}

/// A track of a visitor.
#[derive(Debug)]
struct Following {
    track: TrackId,
    looks: Vec<Look>,
    /// [`Track::looks`] as of its newest frame.
    counted: u32,
    ended: Option<(Mono, Wall)>,
}

impl Passages {
    /// Those of `camera`, none yet. `sure_from` is the model's.
    pub fn new(camera: &Arc<Camera>, sure_from: SureFrom, mint: Mint) -> Self {
        Self {
            camera: camera.id.clone(),
            map: Map::of(camera),
            sure_from,
            meter: LightMeter::default(),
            light: Light::Day,
            mint,
            open: Vec::new(),
            newest: Wall::from_unix_ms(i64::MIN / 1000),
        }
    }

    /// The camera's zones and lines are these now: who is here is measured by them from the begin of this piece on.
    pub fn redraw(&mut self, camera: &Camera) {
        self.map = Map::of(camera);
        for open in &mut self.open {
            open.way = Way::new(&self.map);
        }
    }

    /// A frame's picture, before it is judged: looked at for its light where anything is followed, once a second at most.
    pub fn see(&mut self, now: Mono, picture: &Picture) {
        if !self.open.is_empty() {
            self.light = self.meter.look(now, picture).unwrap_or(self.light);
        }
    }

    /// The rules have judged a frame. Passages that are over, and pieces of those that go on, are appended to `out`.
    pub fn judged(&mut self, judgement: Judgement<'_>, out: &mut Vec<Passage>) {
        let Judgement { now, tracks, successions, verdicts } = judgement;
        self.newest = self.newest.max(Wall::from_unix_ms(now.wall.unix_ms()));
        for track in tracks {
            self.follow(now, track);
        }
        let ended = (now.mono, self.newest);
        for leg in self.open.iter_mut().flat_map(|open| &mut open.legs) {
            if leg.ended.is_none() && !tracks.iter().any(|track| track.id == leg.track) {
                leg.ended = Some(ended);
            }
        }
        for (old, new) in successions {
            self.join(*old, *new);
        }
        for Verdict { alert, .. } in verdicts.iter().filter(|verdict| verdict.change != Change::Ended) {
            for object in &alert.objects {
                self.raised(object.track, alert.id, alert.rule.when.kind());
            }
        }
        let open = std::mem::take(&mut self.open);
        for mut visitor in open {
            if visitor.is_over(now.mono) {
                out.extend(self.pass(visitor, None));
                continue;
            }
            if visitor.is_long(now.mono) {
                out.extend(self.cut(&mut visitor, now.mono));
            }
            self.open.push(visitor);
        }
    }

    /// Nothing can be seen any more: every passage is over.
    pub fn lose_sight(&mut self, out: &mut Vec<Passage>) {
        for visitor in std::mem::take(&mut self.open) {
            out.extend(self.pass(visitor, Some(End::SightLost(self.newest))));
        }
    }

    fn of(&mut self, track: TrackId) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.legs.iter().any(|leg| leg.track == track))
    }

    fn follow(&mut self, now: Now, track: &Track) {
        let (at, light) = (self.newest, self.light);
        let sure = track.confidence.is_some_and(|confidence| {
            self.sure_from.admits(&Detection { class: track.class, confidence, bbox: track.bbox })
        });
        if self.of(track.id).is_none() {
            self.open.push(Open::new(now.mono, track, Way::new(&self.map)));
        }
        let open = self.of(track.id).expect("it was opened where it was not");
        let is_followed = open.is_followed();
        let leg = open.legs.iter_mut().find(|leg| leg.track == track.id).expect("by which it was found");
        if track.looks == leg.counted {
            return;
        }
        leg.counted = track.looks;
        let seen =
            track.confidence.map(|confidence| Sight { bbox: track.bbox, confidence, class: track.class });
        leg.looks.push(Look { at, seen, moved: track.moved });
        if !is_followed {
            open.since = now.mono;
            let old = |look: &Look| at.us_since(look.at) > UNMOVED_KEPT.as_micros() as i64;
            let count = leg.looks.iter().take_while(|look| old(look)).count();
            leg.looks.drain(..count);
        }
        open.class = track.class;
        open.moved |= track.moved;
        open.sure_looks += u32::from(sure);
        match light {
            Light::Day => open.lit.0 += 1,
            Light::Night => open.lit.1 += 1,
        }
    }

    fn join(&mut self, old: TrackId, new: TrackId) {
        let has = |open: &Open, track| open.legs.iter().any(|leg: &Following| leg.track == track);
        let Some(from) = self.open.iter().position(|open| has(open, new)) else { return };
        if has(&self.open[from], old) || !self.open.iter().any(|open| has(open, old)) {
            return;
        }
        let later = self.open.remove(from);
        let open = self.of(old).expect("it is there, and is not the one that was taken out");
        open.legs.extend(later.legs);
        open.since = open.since.min(later.since);
        open.moved |= later.moved;
        open.sure_looks += later.sure_looks;
        open.class = later.class;
        for (alert, kind) in later.alerts {
            if !open.told.contains(&alert) {
                open.told.push(alert);
                open.alerts.push((alert, kind));
            }
        }
        open.lit = (open.lit.0 + later.lit.0, open.lit.1 + later.lit.1);
    }

    fn raised(&mut self, track: TrackId, alert: AlertId, kind: Kind) {
        let Some(open) = self.of(track) else { return };
        // What a piece that was passed already tells of is not told again.
        if !open.told.contains(&alert) {
            open.told.push(alert);
            open.alerts.push((alert, kind));
        }
    }

    /// What is known so far of somebody who stays.
    fn cut(&mut self, open: &mut Open, now: Mono) -> Option<Passage> {
        let legs = open
            .legs
            .iter_mut()
            .map(|leg| Leg {
                track: leg.track,
                looks: std::mem::take(&mut leg.looks),
                end: leg.ended.map_or(End::Open, |(_, at)| End::Gone(at)),
            })
            .collect();
        let part = if open.pieces == 0 { Part::First } else { Part::Further };
        let passage = self.passage(open, legs, part);
        open.legs.retain(|leg| leg.ended.is_none());
        open.since = now;
        open.alerts.clear();
        open.lit = (0, 0);
        open.pieces += u32::from(passage.is_some());
        passage
    }

    /// Somebody has gone. `end` is that of tracks that have not ended by themselves.
    fn pass(&mut self, mut open: Open, end: Option<End>) -> Option<Passage> {
        let newest = self.newest;
        let end = |leg: &Following| match leg.ended {
            Some((_, at)) => End::Gone(at),
            None => end.unwrap_or(End::Gone(newest)),
        };
        let legs = open.legs.iter_mut().map(|leg| {
            let end = end(leg);
            Leg { track: leg.track, looks: std::mem::take(&mut leg.looks), end }
        });
        let legs = legs.collect();
        let part = if open.pieces == 0 { Part::Whole } else { Part::Further };
        self.passage(&mut open, legs, part)
    }

    /// `None` where it is not worth it.
    fn passage(&mut self, open: &mut Open, path: Vec<Leg>, part: Part) -> Option<Passage> {
        if !open.is_credible() {
            return None;
        }
        let looks = path.iter().flat_map(|leg| &leg.looks);
        let mut seen: Vec<(Wall, Sight)> =
            looks.filter_map(|look| look.seen.map(|sight| (look.at, sight))).collect();
        seen.sort_by_key(|(at, _)| *at);
        let mut votes = [0u32; Class::ALL.len()];
        for (at, sight) in &seen {
            votes[sight.class as usize] += 1;
            let since = Duration::from_micros(at.us_since(Wall::default()).max(0) as u64);
            let now = Now { mono: Mono::from_start(since), wall: *at };
            open.way.follow(&self.map, now, &sight.bbox);
        }
        let been = open.way.take();
        let (from, to) = match (seen.first(), seen.last()) {
            (Some((from, _)), Some((to, _))) => (*from, *to),
            _ => (self.newest, self.newest),
        };
        // Of as many votes, the first of the list.
        let most = Class::ALL.into_iter().rev().max_by_key(|class| votes[*class as usize]);
        let class = most.filter(|class| votes[*class as usize] > 0).unwrap_or(open.class);
        let mut kinds: Vec<Kind> = Vec::new();
        for (_, kind) in &open.alerts {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        let is_idle = part == Part::Further && open.alerts.is_empty() && stands(&seen);
        Some(Passage {
            id: self.mint.clip(from),
            camera: self.camera.clone(),
            from,
            to,
            class,
            confidence: seen.iter().map(|(_, sight)| sight.confidence).fold(0.0, f32::max),
            zones: been.zones.into_iter().collect(),
            lines: been.lines,
            direction: been.direction,
            kinds,
            alerts: open.alerts.iter().map(|(alert, _)| *alert).collect(),
            light: if open.lit.1 > open.lit.0 { Light::Night } else { Light::Day },
            part: if is_idle { Part::Idle } else { part },
            path,
        })
    }
}

/// Whether it was in one place all the time.
fn stands(seen: &[(Wall, Sight)]) -> bool {
    let place: Option<UnitBox> = seen.first().map(|(_, sight)| sight.bbox);
    place.is_none_or(|place| seen.iter().all(|(_, sight)| sight.bbox.iou(&place) >= STANDS))
}

impl Open {
    fn new(now: Mono, track: &Track, way: Way) -> Self {
        Self {
            legs: vec![Following { track: track.id, looks: Vec::new(), counted: 0, ended: None }],
            since: now,
            pieces: 0,
            moved: false,
            sure_looks: 0,
            class: track.class,
            alerts: Vec::new(),
            told: Vec::new(),
            lit: (0, 0),
            way,
        }
    }

    /// Whether it is more than something that stands there.
    fn is_followed(&self) -> bool {
        self.moved || !self.told.is_empty()
    }

    fn is_credible(&self) -> bool {
        !self.told.is_empty() || (self.moved && self.sure_looks >= SURE_LOOKS_MIN)
    }

    /// Whether nobody can turn out to go on for it.
    fn is_over(&self, now: Mono) -> bool {
        self.legs.iter().all(|leg| leg.ended.is_some_and(|(at, _)| now.since(at) >= SETTLED_AFTER))
    }

    /// Whether a piece of it is due. Who may be gone is waited for.
    fn is_long(&self, now: Mono) -> bool {
        let looks: usize = self.legs.iter().map(|leg| leg.looks.len()).sum();
        let is_here = self.legs.iter().any(|leg| leg.ended.is_none());
        is_here && self.is_followed() && (now.since(self.since) >= PIECE_MAX || looks >= LOOKS_MAX)
    }
}
