//! What is drawn on a camera's picture, as it travels: in answers, and in what somebody wants.
//!
//! Owns the words and how a drawing is read from a configuration. Whether it makes sense is for `config` to say, once it is written.

use serde::{Deserialize, Serialize};
use toml_edit::DocumentMut;

use super::words::{by_key, is_own};
use crate::{
    config::{Camera, Condition, Name, Rule},
    geometry::{Segment, UnitPoint},
    id::CameraId,
};

/// A point, `[x, y]` in shares of the picture: 0 left or top, 1 right or bottom.
pub type Point = [f64; 2];

/// All that is drawn on a camera's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawing {
    /// Areas that rules name.
    pub zones: Vec<ZoneData>,
    /// Lines that rules name.
    pub lines: Vec<LineData>,
    /// Corners of areas that are never looked at.
    pub masks: Vec<Vec<Point>>,
    /// What is worth an alert here: all rules in an answer, the camera's own in what is wanted.
    pub rules: Vec<RuleData>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneData {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: Name,
    /// Its corners in order around it.
    pub area: Vec<Point>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineData {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: Name,
    /// Where it begins.
    pub a: Point,
    /// Where it ends.
    pub b: Point,
    /// Which side is inside, for somebody who stands at `a` and looks to `b`.
    pub inside: Side,
}

/// A side of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// A rule. What of it is not here stays as it is in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleData {
    /// Its id.
    pub id: String,
    /// What raises it.
    pub kind: String,
    /// How bad it is.
    pub severity: String,
    /// For people.
    pub name: Name,
    /// The zone, for kinds that have one.
    #[serde(default)]
    pub zone: Option<String>,
    /// The line, for kinds that have one.
    #[serde(default)]
    pub line: Option<String>,
    /// Which way across it; both without.
    #[serde(default)]
    pub direction: Option<String>,
    /// The way that is allowed.
    #[serde(default)]
    pub allowed: Option<String>,
    /// Of what.
    pub classes: Vec<String>,
    /// In which hours; always without.
    #[serde(default)]
    pub hours: Option<String>,
    /// For how long, seconds.
    #[serde(default)]
    pub at_least_s: Option<f64>,
    /// Smallest height, as a share of the picture's; the default without.
    #[serde(default)]
    pub height_min: Option<f64>,
    /// Smallest confidence of a look that counts; the default without.
    #[serde(default)]
    pub confidence_min: Option<f64>,
    /// Whether it names this camera and no other, and may be changed with it.
    #[serde(default = "own")]
    pub own: bool,
}

fn own() -> bool {
    true
}

impl Drawing {
    /// What is drawn on `camera`, which `file` declares: lines as they are written there, and which rules are its own. Without a file, nothing is.
    pub fn of(camera: &Camera, file: Option<&DocumentMut>) -> Self {
        let zones = camera.zones.iter().map(|(id, zone)| ZoneData {
            id: id.to_string(),
            name: zone.name.clone(),
            area: points(zone.area.corners()),
        });
        let lines = camera.lines.iter().map(|(id, line)| {
            let is_left = file.is_some_and(|file| is_left(file, &camera.id, id.as_str()));
            let (a, b, inside) = written(&line.segment, if is_left { Side::Left } else { Side::Right });
            LineData { id: id.to_string(), name: line.name.clone(), a, b, inside }
        });
        let rules = camera.rules.iter().map(|rule| {
            let own = file.is_some_and(|file| is_own(file, rule.id.as_str(), &camera.id));
            RuleData::of(rule, own)
        });
        Self {
            zones: zones.collect(),
            lines: lines.collect(),
            masks: camera.masks.iter().map(|mask| points(mask.corners())).collect(),
            rules: rules.collect(),
        }
    }
}

impl RuleData {
    fn of(rule: &Rule, own: bool) -> Self {
        let mut data = Self {
            id: rule.id.to_string(),
            kind: rule.when.kind().as_str().to_owned(),
            severity: rule.severity.as_str().to_owned(),
            name: rule.name.clone(),
            zone: None,
            line: None,
            direction: None,
            allowed: None,
            classes: rule.classes.iter().map(|class| class.as_str().to_owned()).collect(),
            hours: rule.hours.as_ref().map(|hours| hours.id.to_string()),
            at_least_s: None,
            height_min: Some(share(rule.height_min)),
            confidence_min: Some(share(rule.confidence_min)),
            own,
        };
        match &rule.when {
            Condition::ZoneEnter { zone } => data.zone = zone.as_ref().map(ToString::to_string),
            Condition::ZoneLeave { zone } => data.zone = Some(zone.to_string()),
            Condition::Dwell { zone, at_least } => {
                data.zone = zone.as_ref().map(ToString::to_string);
                data.at_least_s = Some(at_least.as_secs_f64());
            }
            Condition::LineCross { line, direction } => {
                data.line = Some(line.to_string());
                data.direction = direction.map(|direction| direction.as_str().to_owned());
            }
            Condition::WrongWay { line, allowed } => {
                data.line = Some(line.to_string());
                data.allowed = Some(allowed.as_str().to_owned());
            }
        }
        data
    }
}

/// Whether a line is written with its inside to the left.
fn is_left(file: &DocumentMut, camera: &CameraId, line: &str) -> bool {
    let written = by_key(file.as_item(), &["camera", camera.as_str(), "line", line, "inside"]);
    written.and_then(|inside| inside.as_str()) == Some("left")
}

/// A line whose inside is to the right of a→b, written with its inside on a side.
fn written(segment: &Segment, inside: Side) -> (Point, Point, Side) {
    let (a, b) = (point(segment.a), point(segment.b));
    match inside {
        Side::Right => (a, b, inside),
        Side::Left => (b, a, inside),
    }
}

fn points(points: &[UnitPoint]) -> Vec<Point> {
    points.iter().copied().map(point).collect()
}

fn point(point: UnitPoint) -> Point {
    [share(point.x), share(point.y)]
}

/// The number as somebody would write it: 0.1, and not what is nearest to it in binary.
pub(super) fn share(number: f32) -> f64 {
    number.to_string().parse().expect("a number as it is written is a number")
}
