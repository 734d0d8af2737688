//! A station with five posts, and what it is told of: by tables here, by anything at all in [`any`].

mod any;
mod floods;
mod incidents;
mod routes;

use std::{path::Path, sync::Arc, time::Duration};

use super::*;
use crate::{
    alert::{Kind, Object},
    config::{self, Canned, Name},
    detect::Class,
    geometry::UnitBox,
    id::{Mint, RuleId, TrackId},
};

/// Monday, 2026-03-09, 12:00 in Shanghai.
const NOON: Wall = Wall::from_unix_ms(1_773_028_800_000);

const STATION: &str = r#"
[station]
id = "s"
time_zone = "Asia/Shanghai"
[hours.night]
spans = [{ from = "22:00", to = "05:00" }]
[hours.day]
spans = [{ from = "08:00", to = "22:00" }]
[village.east]
[village.west]
[entry_point.gate]
village = "east"
near = ["mill"]
[entry_point.mill]
village = "east"
level = "point"
near = ["bridge"]
[entry_point.bridge]
village = "west"
level = "ring"
[camera.gate-1]
entry_point = "gate"
main = "rtsp://10.0.0.1/a"
[camera.gate-2]
entry_point = "gate"
main = "rtsp://10.0.0.1/b"
[camera.mill]
entry_point = "mill"
main = "rtsp://10.0.0.1/c"
[camera.bridge]
entry_point = "bridge"
main = "rtsp://10.0.0.1/d"
[rule.visitor]
kind = "zone-enter"
classes = ["person", "bicycle", "motorcycle", "car", "bus", "truck", "dog", "horse", "sheep", "cow"]
notices_per_hour = 4
[rule.grave]
kind = "zone-enter"
severity = "critical"
notices_per_hour = 1
[rule.other]
kind = "dwell"
at_least_s = 60
notices_per_hour = 1000
[post.station]
[post.checkpoint]
presence = "mqtt"
[post.patrol]
hours = "night"
presence = "mqtt"
[post.traffic]
hours = "day"
[post.volunteers]
presence = "mqtt"
[route.by-night]
hours = "night"
levels = ["line"]
kinds = ["zone-enter"]
severities = ["warning", "critical"]
tell = [["patrol"], ["checkpoint", "station"]]
[route.bridge]
cameras = ["bridge"]
villages = ["west"]
tell = [["patrol"], ["checkpoint", "patrol"], ["volunteers", "patrol"]]
[route.gate]
entry_points = ["gate"]
tell = [["checkpoint", "traffic"], ["volunteers"], ["station"]]
"#;

fn read(text: &str) -> Config {
    config::parse(text, "f", Path::new("/base"), &Canned::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn duty() -> Duty {
    Duty::new(&read(STATION))
}

fn at(seconds: u64) -> Wall {
    NOON.after(Duration::from_secs(seconds))
}

fn slug<I: std::str::FromStr<Err: std::fmt::Debug>>(id: &str) -> I {
    id.parse().expect("an id")
}

/// What happens at a station, with ids of their own.
struct World {
    config: Config,
    mint: Mint,
}

impl World {
    fn new() -> Self {
        Self { config: read(STATION), mint: Mint::seeded(7) }
    }

    /// A warning of [rule.visitor] about one thing.
    fn seen(&mut self, now: Wall, camera: &str, class: Class) -> Occurrence {
        let camera = self.config.cameras.iter().find(|it| it.id.as_str() == camera).expect("it is there");
        Occurrence {
            id: self.mint.alert(now),
            kind: Kind::ZoneEnter,
            severity: Severity::Warning,
            camera: Arc::clone(camera),
            others: Vec::new(),
            judged: rule("visitor"),
            direction: None,
            occurred_at: now,
            ended_at: None,
            objects: vec![object(class)],
            earnest: Earnest::Real,
            explain: Name { zh: String::new(), en: String::new() },
        }
    }

    /// A button at a camera.
    fn pressed(&mut self, now: Wall, camera: &str) -> Occurrence {
        Occurrence {
            kind: Kind::PanicButton,
            severity: Severity::Critical,
            judged: Judged::Button(slug("school")),
            objects: Vec::new(),
            ..self.seen(now, camera, Class::Person)
        }
    }

    /// A sensor at a camera.
    fn spoke(&mut self, now: Wall, sensor: &str, camera: &str) -> Occurrence {
        Occurrence {
            kind: Kind::ExternalSensor,
            judged: Judged::Sensor(slug(sensor)),
            objects: Vec::new(),
            ..self.seen(now, camera, Class::Person)
        }
    }
}

fn rule(id: &str) -> Judged {
    Judged::Rule { id: slug::<RuleId>(id), version: "000000000000".into() }
}

fn object(class: Class) -> Object {
    Object { class, confidence: 0.9, bbox: UnitBox::FULL, track: TrackId(1) }
}

/// The lead of what an alert joined.
fn joined(assignment: &Assignment) -> Option<AlertId> {
    match assignment {
        Assignment::Joined { incident, lead } => {
            assert_eq!(incident.0, lead.0);
            Some(*lead)
        }
        Assignment::Lead(_) => None,
        Assignment::Flooded(_) => panic!("it floods"),
    }
}

/// What an alert of before is remembered by.
fn past(duty: &Duty, now: Wall, what: &Occurrence, assignment: &Assignment, closed: bool) -> Past {
    let lead = match assignment {
        Assignment::Joined { lead, .. } => Some(*lead),
        _ => None,
    };
    Past {
        alert: what.id,
        subject: duty.subject(now, what),
        occurred_at: what.occurred_at,
        judged: what.judged.clone(),
        earnest: what.earnest,
        lead,
        closed,
    }
}
