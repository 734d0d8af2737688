//! A scripted world: tracks that come, go, flicker and change their numbers, before the rules of one camera.

use std::{collections::BTreeMap, time::Duration};

use jiff::{civil, tz::TimeZone};

use crate::{
    alert::Severity,
    config::{
        AttentionPolicy, Condition, Direction, Hours, HoursSpan, Line, Name, RecordPolicy, Rule, StreamRole,
        Transport, ViewPolicy, Zone,
    },
    detect::Class,
    geometry::{Polygon, Segment, UnitBox, UnitPoint},
    time::{Mono, Wall},
};

use super::*;

pub(crate) fn name() -> Name {
    Name { zh: "村口".into(), en: "gate".into() }
}

pub(crate) fn rule(when: Condition) -> Rule {
    Rule {
        id: "rule".parse().expect("an id"),
        version: "000000000000".into(),
        name: name(),
        severity: Severity::Warning,
        when,
        classes: vec![Class::Person, Class::Motorcycle],
        height_min: 0.1,
        confidence_min: 0.5,
        frames_needed: 3,
        frames_window: 5,
        hours: None,
        cooldown: Duration::ZERO,
        notices_per_hour: 20,
    }
}

pub(crate) fn enters_zone() -> Rule {
    rule(Condition::ZoneEnter { zone: Some("yard".parse().expect("an id")) })
}

pub(crate) fn in_view() -> Rule {
    rule(Condition::ZoneEnter { zone: None })
}

pub(crate) fn crosses(direction: Option<Direction>) -> Rule {
    rule(Condition::LineCross { line: "gate".parse().expect("an id"), direction })
}

/// A yard in the right half of the picture; a line from the top to the middle, whose inside is the right of the picture.
pub(crate) fn camera(rules: Vec<Rule>) -> Arc<Camera> {
    let corner = |x: f32, y: f32| UnitPoint::new(x, y);
    let yard = Polygon::new(vec![corner(0.5, 0.2), corner(1.0, 0.2), corner(1.0, 1.0), corner(0.5, 1.0)]);
    let gate = Segment::new(corner(0.5, 0.9), corner(0.5, 0.3));
    Arc::new(Camera {
        id: "gate-1".parse().expect("an id"),
        name: name(),
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: "rtsp://127.0.0.1/main".parse().expect("a URL"),
        sub: None,
        credentials: None,
        transport: Transport::Tcp,
        analyse: StreamRole::Main,
        attention: AttentionPolicy::Always,
        look_every: Duration::from_secs(10),
        record: RecordPolicy::off(),
        detect_fps: 5.0,
        view: ViewPolicy::Full,
        masks: vec![],
        zones: BTreeMap::from([(
            "yard".parse().expect("an id"),
            Zone { name: name(), area: yard.expect("a polygon") },
        )]),
        lines: BTreeMap::from([("gate".parse().expect("an id"), Line { name: name(), segment: gate })]),
        rules: rules.into_iter().map(Arc::new).collect(),
    })
}

/// 2026-03-09 12:00 in UTC.
pub(crate) const NOON: i64 = 1_773_057_600_000;

/// Tracks by script, five looks a second unless told otherwise.
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) start: i64,
    pub(crate) ms: u64,
    pub(crate) every_ms: u64,
    pub(crate) tracks: Vec<Track>,
    pub(crate) said: Vec<(u64, Verdict)>,
}

/// Where a track's foot is in a look: number, left to right, top to bottom.
pub(crate) type Feet<'a> = &'a [(u64, f32, f32)];

impl World {
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            rules: Rules::new(camera(vec![rule]), Mint::seeded(1)),
            start: NOON,
            ms: 0,
            every_ms: 200,
            tracks: vec![],
            said: vec![],
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            mono: Mono::from_start(Duration::from_millis(self.ms)),
            wall: Wall::from_unix_ms(self.start + self.ms as i64),
        }
    }

    pub(crate) fn say(&mut self, ended: &[TrackId]) {
        let mut out = vec![];
        self.rules.update(self.now(), &self.tracks, ended, &mut out);
        self.said.extend(out.into_iter().map(|verdict| (self.ms, verdict)));
        self.ms += self.every_ms;
    }

    /// One look, in which `feet` are seen and other tracks coast.
    pub(crate) fn look(&mut self, feet: Feet<'_>) {
        let at = self.now().mono;
        for track in &mut self.tracks {
            track.looks += 1;
            track.confidence = None;
        }
        for &(id, x, y) in feet {
            // On the grid of the log of what was seen: over a log of it the rules see the same.
            let [l, t, r, b] =
                [x - 0.03, y - 0.2, x + 0.03, y].map(|edge: f32| (edge * 4096.0).round() / 4096.0);
            let bbox = UnitBox::new(l, t, r, b);
            match self.tracks.iter_mut().find(|track| track.id.0 == id) {
                Some(track) => {
                    track.hits += 1;
                    (track.bbox, track.seen, track.confidence) = (bbox, at, Some(0.8));
                }
                None => self.tracks.push(Track {
                    id: TrackId(id),
                    class: Class::Person,
                    bbox,
                    confidence: Some(0.8),
                    confidence_best: 0.8,
                    looks: 1,
                    hits: 1,
                    born: at,
                    seen: at,
                    moved: true,
                }),
            }
        }
        self.say(&[]);
    }

    /// Looks for so many seconds.
    pub(crate) fn looks(&mut self, seconds: f32, feet: Feet<'_>) {
        for _ in 0..(seconds * 1000.0) as u64 / self.every_ms {
            self.look(feet);
        }
    }

    /// A track goes from one place to another in so many seconds.
    pub(crate) fn walk(&mut self, seconds: f32, id: u64, from: (f32, f32), to: (f32, f32)) {
        let steps = ((seconds * 1000.0) as u64 / self.every_ms).max(1);
        for step in 1..=steps {
            let share = step as f32 / steps as f32;
            self.look(&[(id, from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)]);
        }
    }

    /// A track ends.
    pub(crate) fn end(&mut self, id: u64) {
        self.tracks.retain(|track| track.id.0 != id);
        for track in &mut self.tracks {
            track.looks += 1;
            track.confidence = None;
        }
        self.say(&[TrackId(id)]);
    }

    /// A frame that nobody looked at.
    pub(crate) fn skip(&mut self) {
        for track in &mut self.tracks {
            track.confidence = None;
        }
        self.say(&[]);
    }

    pub(crate) fn changes(&self, change: Change) -> Vec<&Verdict> {
        self.said.iter().filter(|(_, v)| v.change == change).map(|(_, v)| v).collect()
    }

    /// When alerts were raised and when they occurred, in ms of the script.
    pub(crate) fn raised(&self) -> Vec<(u64, i64)> {
        self.said
            .iter()
            .filter(|(_, v)| v.change == Change::Raised)
            .map(|(ms, v)| (*ms, v.alert.occurred_at.unix_ms() - self.start))
            .collect()
    }

    /// When they ended, in ms of the script: told, and dated.
    pub(crate) fn ended(&self) -> Vec<(u64, i64)> {
        let dated = |v: &Verdict| v.alert.ended_at.expect("an end has a time").unix_ms() - self.start;
        self.said.iter().filter(|(_, v)| v.change == Change::Ended).map(|(ms, v)| (*ms, dated(v))).collect()
    }
}

pub(crate) const OUTSIDE: (f32, f32) = (0.3, 0.6);
pub(crate) const INSIDE: (f32, f32) = (0.7, 0.6);

/// Hours on every day in a time zone.
pub(crate) fn hours(zone: &str, from: (i8, i8), to: (i8, i8)) -> Hours {
    let time = |(hour, minute)| civil::time(hour, minute, 0, 0);
    Hours {
        id: "night".parse().expect("an id"),
        time_zone: TimeZone::get(zone).expect("a time zone"),
        spans: vec![HoursSpan {
            days: (0..7).map(|d| civil::Weekday::from_monday_zero_offset(d).expect("a day")).collect(),
            from: time(from),
            to: time(to),
        }],
    }
}
