//! `[rule.ID]` → a [`Rule`] on each of its cameras.
//!
//! Owns which cameras a rule applies to, what its condition refers to there, and its version. What the keys may be is for
//! [`super::keys`]; judging by rules, for `crate::rules`.

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use super::{
    Camera, Condition, Direction, Hours, Rule, duty,
    problem::suggestion,
    read::{Reader, name, named, refers, seconds, slug, words},
    tree::{Placed, Table, joined},
};
use crate::{detect::Class, id::HoursId};

/// Confidence that a look must have by default: the model card's thresholds.
const CONFIDENCE_PERSON: f32 = 0.45;
const CONFIDENCE_OTHER: f32 = 0.40;

/// Confidence that a look must have where a rule does not say so, by whether it is also about people.
pub fn confidence_usual(has_person: bool) -> f32 {
    if has_person { CONFIDENCE_PERSON } else { CONFIDENCE_OTHER }
}

/// Rules of one camera at most.
pub const RULES_MAX: usize = 64;

/// Gives each rule to its cameras, in the order of the file.
pub(super) fn rules(
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    cameras: &mut [(String, Camera)],
    reader: &mut Reader<'_, '_>,
) {
    let index: BTreeMap<String, usize> =
        cameras.iter().enumerate().map(|(i, (id, _))| (id.clone(), i)).collect();
    for (id, table) in file.map("rule") {
        let selected = selected(table, file, reader);
        for (camera_id, camera) in &selected {
            has(table, "zone", camera_id, camera, reader);
            has(table, "line", camera_id, camera, reader);
        }
        let Some(rule) = rule(id, table, file, hours, reader) else { continue };
        for (camera_id, _) in &selected {
            let Some(camera) = index.get(*camera_id).map(|&i| &mut cameras[i].1) else { continue };
            if camera.rules.len() >= RULES_MAX {
                let what = format!("[{}] is one rule too many for camera {camera_id}", table.path);
                let why = format!("a camera has at most {RULES_MAX}");
                reader.report.wrong(id.at, what, why, "name fewer cameras, or remove a rule");
                continue;
            }
            let mut rule = rule.clone();
            rule.version = version(&rule, camera);
            camera.rules.push(Arc::new(rule));
        }
    }
}

/// The cameras of a rule with their tables, in the order of the file, each once.
fn selected<'f>(rule: &Table, file: &'f Table, reader: &mut Reader<'_, '_>) -> Vec<(&'f str, &'f Table)> {
    let mut named = |key, noun| {
        named(rule.get(key).unwrap_or_default(), &joined(&rule.path, key), noun, file, reader.report)
    };
    let cameras = named("cameras", "camera");
    let entry_points = named("entry_points", "entry_point");
    let villages = named("villages", "village");
    let everywhere = !(rule.has("cameras") || rule.has("entry_points") || rule.has("villages"));
    let by_place = !(entry_points.is_empty() && villages.is_empty());
    let village_of = |entry_point: &str| {
        let (_, table) = file.map("entry_point").iter().find(|(id, _)| id.it == entry_point)?;
        table.get::<&str>("village")
    };
    let stands_there = |camera: &Table| {
        camera.get::<&str>("entry_point").is_some_and(|entry_point| {
            entry_points.contains(&entry_point)
                || village_of(entry_point).is_some_and(|v| villages.contains(&v))
        })
    };
    let chosen: Vec<_> = file
        .map("camera")
        .iter()
        .map(|(id, table)| (id.it.as_str(), table))
        .filter(|(id, camera)| everywhere || cameras.contains(id) || (by_place && stands_there(camera)))
        .collect();
    if chosen.is_empty() && reader.report.is_clean() {
        let why = "none of the entry points or villages that it names has a camera";
        reader.report.wrong(
            rule.at,
            format!("[{}] applies to no camera", rule.path),
            why,
            "name others, or remove the rule",
        );
    }
    chosen
}

/// Whether a camera has the zone or line that a rule names; says so where it has not.
fn has(rule: &Table, noun: &'static str, camera_id: &str, camera: &Table, reader: &mut Reader<'_, '_>) {
    let Some(id) = rule.placed::<&str>(noun) else { return };
    let declared = camera.map(noun);
    if declared.iter().any(|(known, _)| known.it == id.it) {
        return;
    }
    let known: Vec<&str> = declared.iter().map(|(id, _)| id.it.as_str()).collect();
    let mend = if known.is_empty() {
        format!("add [camera.{camera_id}.{noun}.{}], or list other cameras", id.it)
    } else {
        suggestion(id.it, &known)
    };
    reader.report.wrong(
        id.at,
        format!("`{}` is \"{}\"", joined(&rule.path, noun), id.it),
        format!("the rule applies to camera {camera_id}, which has no such {noun}"),
        mend,
    );
}

/// What is the same of a rule on all of its cameras; its version is still to be made.
fn rule(
    id: &Placed<String>,
    table: &Table,
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    reader: &mut Reader<'_, '_>,
) -> Option<Rule> {
    let (needed, window) = (table.placed::<i64>("frames_needed"), table.placed::<i64>("frames_window"));
    if let (Some(needed), Some(window)) = (&needed, &window)
        && needed.it > window.it
    {
        reader.report.wrong(
            if table.has("frames_needed") { needed.at } else { window.at },
            format!("[{}] needs {} frames of {}", table.path, needed.it, window.it),
            "that many of so few never count",
            format!("write frames_needed = {} or less, or a larger frames_window", window.it),
        );
    }
    let applies = table.placed::<&str>("hours");
    if let Some(applies) = &applies {
        refers(applies, &joined(&table.path, "hours"), "hours", file.map("hours"), reader.report);
    }
    let mut classes: Vec<Class> = words(table, "classes", reader.report);
    classes.sort_unstable();
    let usual = file.get::<&Table>("notice").and_then(duty::per_hour);
    let default = confidence_usual(classes.contains(&Class::Person));
    Some(Rule {
        id: slug(&id.it),
        version: String::new(),
        name: name(&id.it, table),
        severity: table.choice("severity")?,
        when: condition(table)?,
        classes,
        height_min: table.get::<f64>("height_min")? as f32,
        confidence_min: table.get::<f64>("confidence_min").map_or(default, |c| c as f32),
        frames_needed: u32::try_from(needed?.it).expect("its range was checked"),
        frames_window: u32::try_from(window?.it).expect("its range was checked"),
        hours: match applies {
            Some(id) => Some(Arc::clone(hours.get(&slug::<HoursId>(id.it))?)),
            None => None,
        },
        cooldown: seconds(table.get("cooldown_s")?),
        notices_per_hour: duty::per_hour(table).or(usual)?,
    })
}

fn condition(table: &Table) -> Option<Condition> {
    let zone = table.get::<&str>("zone").map(slug);
    let line = table.get::<&str>("line").map(slug);
    Some(match table.get::<&str>("kind")? {
        "zone-enter" => Condition::ZoneEnter { zone },
        "zone-leave" => Condition::ZoneLeave { zone: zone? },
        "dwell" => {
            Condition::Dwell { zone, at_least: Duration::from_secs_f64(table.get::<f64>("at_least_s")?) }
        }
        "line-cross" => {
            Condition::LineCross { line: line?, direction: table.choice::<Direction>("direction") }
        }
        _ => Condition::WrongWay { line: line?, allowed: table.choice("allowed")? },
    })
}

/// The first 12 hex digits of SHA-256 over what a rule means on a camera: two rules of one version judge alike. Names mean nothing here;
/// the corners of its zone and its hours do.
fn version(rule: &Rule, camera: &Camera) -> String {
    let mut hex = String::with_capacity(12);
    for byte in &Sha256::digest(meaning(rule, camera).as_bytes())[..6] {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    hex
}

/// The text that is hashed. Its form is part of the version: change it and every version changes.
fn meaning(rule: &Rule, camera: &Camera) -> String {
    let area = |zone: &Option<_>| match zone {
        Some(zone) => camera.zones.get(zone).map(|zone| points(zone.area.corners())).unwrap_or_default(),
        None => "picture".to_owned(),
    };
    let segment = |line| {
        camera.lines.get(line).map(|line| points(&[line.segment.a, line.segment.b])).unwrap_or_default()
    };
    let when = match &rule.when {
        Condition::ZoneEnter { zone } => area(zone),
        Condition::ZoneLeave { zone } => area(&Some(zone.clone())),
        Condition::Dwell { zone, at_least } => format!("{} for {} ms", area(zone), at_least.as_millis()),
        Condition::LineCross { line, direction } => format!("{} {direction:?}", segment(line)),
        Condition::WrongWay { line, allowed } => format!("{} {allowed:?}", segment(line)),
    };
    let hours = rule.hours.as_ref().map_or("always".to_owned(), |hours| {
        let mut text = hours.time_zone.iana_name().unwrap_or("?").to_owned();
        for span in &hours.spans {
            let days: Vec<_> = span.days.iter().map(|day| day.to_monday_zero_offset().to_string()).collect();
            write!(text, "; {} {}-{}", days.join(","), span.from, span.to)
                .expect("writing to a String cannot fail");
        }
        text
    });
    let classes: Vec<_> = rule.classes.iter().map(|class| class.as_str()).collect();
    format!(
        "rule 1\nid {}\nkind {}\nwhen {when}\nseverity {}\nclasses {}\nheight {}\nconfidence {}\nframes {}/{}\nhours {hours}\ncooldown {} s\n",
        rule.id,
        rule.when.kind().as_str(),
        rule.severity.as_str(),
        classes.join(","),
        rule.height_min,
        rule.confidence_min,
        rule.frames_needed,
        rule.frames_window,
        rule.cooldown.as_secs(),
    )
}

fn points(points: &[crate::geometry::UnitPoint]) -> String {
    points.iter().map(|p| format!("{},{}", p.x, p.y)).collect::<Vec<_>>().join(" ")
}
