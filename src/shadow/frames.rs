//! From kept paths back to frames, and from these to what the rules say.
//!
//! Owns time: a frame for each moment at which anything was looked at, and frames without a look in between for as long as anything may still follow
//! from what was seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    alert::{Change, Kind},
    config::{Camera, Direction},
    detect::Class,
    geometry::UnitBox,
    id::{Mint, RuleId, TrackId},
    record::seen::{End, Look, Raised, Record},
    rules::{Rules, Verdict},
    time::{Mono, Now, Wall},
    track::Track,
};

/// Time between frames that nobody looked at: near to what cameras send.
const TICK: Duration = Duration::from_millis(200);
/// So long after the last track ended, nothing follows from it any more but silence.
const SETTLED: Duration = Duration::from_secs(15);

/// What one run of the daemon kept of a camera.
#[derive(Debug, Default)]
pub(super) struct Run {
    tracks: BTreeMap<TrackId, Kept>,
    pub(super) raised: Vec<Raised>,
}

/// What was kept of a track.
#[derive(Debug, Default)]
struct Kept {
    looks: Vec<Look>,
    end: Option<End>,
}

/// An alert that would be raised.
#[derive(Debug)]
pub(super) struct Would {
    pub(super) at: Wall,
    pub(super) rule: RuleId,
    pub(super) kind: Kind,
    pub(super) class: Class,
    pub(super) direction: Option<Direction>,
    pub(super) tracks: Vec<TrackId>,
}

impl Run {
    /// Track ids mean something within one run alone.
    pub(super) fn all(records: impl IntoIterator<Item = Record>) -> Vec<Self> {
        let (mut runs, mut began) = (vec![Self::default()], None);
        for record in records {
            let run = runs.last_mut().expect("there is one from the start");
            match record {
                Record::InForce(in_force) => {
                    if began.replace(in_force.run).is_some_and(|before| before != in_force.run) {
                        runs.push(Self::default());
                    }
                }
                Record::Raised(raised) => run.raised.push(raised),
                Record::Passed(passed) => {
                    for leg in passed.path {
                        let kept = run.tracks.entry(leg.track).or_default();
                        kept.looks.extend(leg.looks);
                        if leg.end != End::Open {
                            kept.end = Some(leg.end);
                        }
                    }
                }
            }
        }
        for kept in runs.iter_mut().flat_map(|run| run.tracks.values_mut()) {
            kept.looks.sort_by_key(|look| look.at);
            // Before it was seen, nobody knows where it was.
            let unseen = kept.looks.iter().take_while(|look| look.seen.is_none()).count();
            kept.looks.drain(..unseen);
        }
        runs
    }

    /// What the rules of `camera` say of it.
    pub(super) fn judge(&self, camera: &Arc<Camera>) -> Vec<Would> {
        let mut looks: Vec<(Wall, TrackId, Look)> = Vec::new();
        let mut ends = BTreeMap::new();
        for (track, kept) in &self.tracks {
            looks.extend(kept.looks.iter().map(|look| (look.at, *track, *look)));
            if let Some(last) = kept.looks.last() {
                // Of what has no end, the daemon was killed meanwhile.
                ends.insert(*track, kept.end.unwrap_or(End::Gone(last.at.after(TICK))));
            }
        }
        looks.sort_by_key(|(at, track, _)| (*at, *track));
        let Some((first, ..)) = looks.first() else { return Vec::new() };
        let mut stage = Stage::new(camera, *first, ends);
        let mut rest = looks.as_slice();
        while let Some((at, ..)) = rest.first() {
            // Two frames of a burst may have come in the same millisecond.
            let mut had = BTreeSet::new();
            let count = rest.iter().take_while(|(t, track, _)| t == at && had.insert(*track)).count();
            let (frame, later) = rest.split_at(count);
            stage.pass_until(Some(*at));
            stage.frame(*at, frame);
            rest = later;
        }
        stage.pass_until(None);
        stage.would
    }
}

/// One camera before its rules.
struct Stage {
    rules: Rules,
    start: Wall,
    now: Wall,
    ends: BTreeMap<TrackId, End>,
    live: Vec<Track>,
    /// When anything was last there.
    busy: Wall,
    verdicts: Vec<Verdict>,
    would: Vec<Would>,
}

impl Stage {
    fn new(camera: &Arc<Camera>, start: Wall, ends: BTreeMap<TrackId, End>) -> Self {
        Self {
            rules: Rules::new(Arc::clone(camera), Mint::seeded(0)),
            start,
            now: start,
            ends,
            live: Vec::new(),
            busy: start,
            verdicts: Vec::new(),
            would: Vec::new(),
        }
    }

    /// Time passes without a look, until shortly before `next`, or until nothing follows any more.
    fn pass_until(&mut self, next: Option<Wall>) {
        let tick_us = TICK.as_micros() as i64;
        loop {
            let at = self.now.after(TICK);
            let is_settled = self.live.is_empty() && at.us_since(self.busy) > SETTLED.as_micros() as i64;
            if is_settled || next.is_some_and(|next| next.us_since(at) < tick_us / 2) {
                return;
            }
            self.frame(at, &[]);
        }
    }

    fn frame(&mut self, at: Wall, looks: &[(Wall, TrackId, Look)]) {
        self.now = self.now.max(at);
        let now = Now { mono: self.mono(self.now), wall: self.now };
        self.lose_sight(at);
        let mut ended = Vec::new();
        let ends = &self.ends;
        self.live.retain(|track| {
            let is_gone = matches!(ends.get(&track.id), Some(End::Gone(end)) if *end <= at);
            // What is seen is there, whatever was kept of its end.
            let is_there = !is_gone || looks.iter().any(|(_, id, _)| *id == track.id);
            if !is_there {
                ended.push(track.id);
            }
            is_there
        });
        for track in &mut self.live {
            track.confidence = None;
        }
        for (_, id, look) in looks {
            see(&mut self.live, now.mono, *id, look);
        }
        if !self.live.is_empty() {
            self.busy = self.now;
        }
        self.rules.update(now, &self.live, &ended, &mut self.verdicts);
        self.collect();
    }

    /// Where sight was lost before `at`, everything that was seen is over.
    fn lose_sight(&mut self, at: Wall) {
        let is_lost =
            |track: &Track| matches!(self.ends.get(&track.id), Some(End::SightLost(end)) if *end < at);
        if self.live.iter().any(is_lost) {
            self.live.retain(|track| !is_lost(track));
            self.rules.end_all(&mut self.verdicts);
            self.collect();
        }
    }

    fn collect(&mut self) {
        for Verdict { change, alert } in self.verdicts.drain(..) {
            if change != Change::Raised {
                continue;
            }
            self.would.push(Would {
                at: alert.occurred_at,
                rule: alert.rule.id.clone(),
                kind: alert.rule.when.kind(),
                class: alert.objects.first().map_or(Class::Person, |object| object.class),
                direction: alert.direction,
                tracks: alert.objects.iter().map(|object| object.track).collect(),
            });
        }
    }

    fn mono(&self, at: Wall) -> Mono {
        Mono::from_start(Duration::from_micros(at.us_since(self.start).max(0) as u64))
    }
}

/// A look at a track, in order of birth among the live ones.
fn see(live: &mut Vec<Track>, now: Mono, id: TrackId, look: &Look) {
    let i = match live.binary_search_by_key(&id, |track| track.id) {
        Ok(i) => i,
        Err(i) => {
            let Some(sight) = look.seen else { return };
            live.insert(
                i,
                Track {
                    id,
                    class: sight.class,
                    bbox: UnitBox::FULL,
                    confidence: None,
                    confidence_best: 0.0,
                    looks: 0,
                    hits: 0,
                    born: now,
                    seen: now,
                    moved: false,
                },
            );
            i
        }
    };
    let track = &mut live[i];
    track.looks = track.looks.saturating_add(1);
    track.moved = look.moved;
    if let Some(sight) = look.seen {
        track.class = sight.class;
        track.bbox = sight.bbox;
        track.confidence = Some(sight.confidence);
        track.confidence_best = track.confidence_best.max(sight.confidence);
        track.hits = track.hits.saturating_add(1);
        track.seen = now;
    }
}
