//! What somebody draws, written into the text of a configuration.
//!
//! Owns which keys that changes: those that say something else than they did, and no others. Comments, order and everything else stay as they are.
//! Whether the new text is a configuration is for `config` to say. Pure.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

use super::{
    drawing::{Drawing, LineData, Point, RuleData, Side, ZoneData},
    words::{
        Style, add, by_key, change_list, change_point, is_empty, is_own, keys, number, number_of, numbers,
        points, put, same, table_mut, take_out, thin,
    },
};
use crate::{
    config::{self, Camera, Name},
    id::CameraId,
};

/// Something that is wrong with what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trouble {
    /// The key or section of the file that says so, as `camera.north-gate.zone.way.area`; empty where it is none.
    pub key: String,
    /// What is wrong, and why.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// Why a text is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotEdited {
    /// It is no TOML, or has no such camera.
    Absent(String),
    /// What is wanted cannot be written into it.
    Troubles(Vec<Trouble>),
}

/// The text with `wanted` in it, drawn on the camera that is `now` what the text says. Equal to `text` where it says that already.
///
/// # Errors
/// The camera is not in the text, or ids of rules are not the camera's to use. Everything else that may be wrong is found by reading the new text.
pub fn edit(text: &str, now: &Camera, wanted: &Drawing) -> Result<String, NotEdited> {
    let mut file: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| NotEdited::Absent(error.message().to_owned()))?;
    if file.to_string() != text {
        let why =
            "it is written in a way that would not stay as it is (such as a byte order mark at its begin)";
        return Err(NotEdited::Absent(why.to_owned()));
    }
    let troubles = troubles(&file, &now.id, wanted);
    if !troubles.is_empty() {
        return Err(NotEdited::Troubles(troubles));
    }
    let drawn = Drawing::of(now, Some(&file));
    let root = file.as_item_mut();
    let Some(camera) = table_mut(root, &["camera", now.id.as_str()]) else {
        return Err(NotEdited::Absent(format!("there is no [camera.{}]", now.id)));
    };
    edit_zones(camera, &drawn.zones, &wanted.zones);
    edit_lines(camera, &drawn.lines, &wanted.lines);
    edit_masks(camera, &drawn.masks, &wanted.masks);
    let own: Vec<&RuleData> = drawn.rules.iter().filter(|rule| rule.own).collect();
    for gone in own.iter().filter(|rule| wanted.rules.iter().all(|wanted| wanted.id != rule.id)) {
        if let Some(rules) = table_mut(root, &["rule"]) {
            take_out(rules, &gone.id);
        }
    }
    for wanted in &wanted.rules {
        let before = own.iter().find(|rule| rule.id == wanted.id);
        match table_mut(root, &["rule", &wanted.id]) {
            Some(rule) => edit_rule(rule, before.map(|before| &before.name), wanted),
            None => add_rule(root, &now.id, wanted),
        }
    }
    Ok(file.to_string())
}

/// Ids that are used twice, or by others.
fn troubles(file: &DocumentMut, camera: &CameraId, wanted: &Drawing) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let mut twice = |kind: &str, ids: Vec<&String>| {
        for (i, id) in ids.iter().enumerate() {
            if ids[..i].contains(id) {
                troubles.push(Trouble {
                    key: format!("{kind}.{id}"),
                    what: format!("[{kind}.{id}] is drawn a second time, an id may be used once"),
                    mend: "choose another id".to_owned(),
                });
            }
        }
    };
    twice(&format!("camera.{camera}.zone"), wanted.zones.iter().map(|zone| &zone.id).collect());
    twice(&format!("camera.{camera}.line"), wanted.lines.iter().map(|line| &line.id).collect());
    twice("rule", wanted.rules.iter().map(|rule| &rule.id).collect());
    let taken = keys(by_key(file.as_item(), &["rule"]));
    for rule in &wanted.rules {
        if !rule.own || (taken.contains(&rule.id) && !is_own(file, &rule.id, camera)) {
            troubles.push(Trouble {
                key: format!("rule.{}", rule.id),
                what: format!("[rule.{}] is a rule for other cameras, too, or for others alone", rule.id),
                mend: "choose another id, or change it in the file".to_owned(),
            });
        }
    }
    troubles
}

fn edit_zones(camera: &mut Item, drawn: &[ZoneData], wanted: &[ZoneData]) {
    let style = Style::of(by_key(camera, &["zone"]), Style::Inline);
    remove_absent(camera, "zone", wanted.iter().map(|zone| zone.id.as_str()));
    for zone in wanted {
        let before = drawn.iter().find(|before| before.id == zone.id);
        let Some(table) = table_mut(camera, &["zone", &zone.id]) else {
            let mut fields = named(&zone.name);
            fields.insert("area", Value::Array(points(&zone.area)));
            add(camera, "zone", &zone.id, style, fields);
            continue;
        };
        edit_name(table, before.map(|before| &before.name), &zone.name);
        if before.is_none_or(|before| !are_same(&before.area, &zone.area)) {
            edit_area(table, "area", &zone.area);
        }
    }
}

fn edit_lines(camera: &mut Item, drawn: &[LineData], wanted: &[LineData]) {
    let style = Style::of(by_key(camera, &["line"]), Style::Inline);
    remove_absent(camera, "line", wanted.iter().map(|line| line.id.as_str()));
    for line in wanted {
        let before = drawn.iter().find(|before| before.id == line.id);
        let Some(table) = table_mut(camera, &["line", &line.id]) else {
            let mut fields = named(&line.name);
            fields.insert("a", Value::Array(numbers(&line.a)));
            fields.insert("b", Value::Array(numbers(&line.b)));
            fields.insert("inside", side(line.inside).into());
            add(camera, "line", &line.id, style, fields);
            continue;
        };
        edit_name(table, before.map(|before| &before.name), &line.name);
        let (a, b, inside) = before.map_or((line.a, line.b, line.inside), |before| nearest(before, line));
        for (key, point) in [("a", a), ("b", b)] {
            match table.as_table_like_mut().and_then(|table| table.get_mut(key)).and_then(Item::as_value_mut)
            {
                Some(value) => change_point(value, &point),
                None => put(table, key, numbers(&point)),
            }
        }
        if before.is_none_or(|before| before.inside != inside) {
            put(table, "inside", side(inside));
        }
    }
}

/// A line can be written in two ways: the one that changes less of how it is written.
fn nearest(before: &LineData, wanted: &LineData) -> (Point, Point, Side) {
    let other = match wanted.inside {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    };
    let [as_is, turned] = [(wanted.a, wanted.b, wanted.inside), (wanted.b, wanted.a, other)];
    let changes = |(a, b, inside): &(Point, Point, Side)| {
        let ends = [(before.a, a), (before.b, b)];
        ends.iter().filter(|(was, is)| !are_same(&[*was], &[**is])).count()
            + usize::from(before.inside != *inside)
    };
    if changes(&turned) < changes(&as_is) { turned } else { as_is }
}

fn edit_masks(camera: &mut Item, drawn: &[Vec<Point>], wanted: &[Vec<Point>]) {
    let is_same = drawn.len() == wanted.len() && drawn.iter().zip(wanted).all(|(a, b)| are_same(a, b));
    if is_same {
        return;
    }
    if wanted.is_empty() {
        take_out(camera, "masks");
        return;
    }
    let list =
        camera.as_table_like_mut().and_then(|camera| camera.get_mut("masks")).and_then(Item::as_array_mut);
    let Some(list) = list else {
        let masks: Array = wanted.iter().map(|mask| Value::Array(points(mask))).collect();
        put(camera, "masks", masks);
        return;
    };
    thin(list, wanted.len(), |mask| {
        let corners =
            mask.as_array().and_then(|corners| corners.iter().map(point_of).collect::<Option<Vec<_>>>());
        corners.is_some_and(|corners| wanted.iter().all(|wanted| !are_same(wanted, &corners)))
    });
    change_list(list, wanted, |mask| Value::Array(points(mask)), |value, mask| change_area(value, mask));
}

fn edit_area(table: &mut Item, key: &str, wanted: &[Point]) {
    match table.as_table_like_mut().and_then(|table| table.get_mut(key)).and_then(Item::as_value_mut) {
        Some(value) => change_area(value, wanted),
        None => put(table, key, points(wanted)),
    }
}

fn change_area(value: &mut Value, wanted: &[Point]) {
    match value.as_array_mut() {
        Some(list) => change_list(list, wanted, |point| Value::Array(numbers(point)), change_point),
        None => *value = Value::Array(points(wanted)),
    }
}

fn edit_rule(rule: &mut Item, before: Option<&Name>, wanted: &RuleData) {
    edit_text(rule, "kind", Some(&wanted.kind), None);
    edit_name(rule, before, &wanted.name);
    edit_text(rule, "severity", Some(&wanted.severity), Some("warning"));
    for (key, text) in [
        ("zone", &wanted.zone),
        ("line", &wanted.line),
        ("direction", &wanted.direction),
        ("allowed", &wanted.allowed),
        ("hours", &wanted.hours),
    ] {
        edit_text(rule, key, text.as_deref(), None);
    }
    edit_number(rule, "at_least_s", wanted.at_least_s, None);
    edit_classes(rule, &wanted.classes);
    edit_number(rule, "height_min", wanted.height_min, Some(0.0));
    let has_person = wanted.classes.iter().any(|class| class == "person");
    edit_number(
        rule,
        "confidence_min",
        wanted.confidence_min,
        Some(config::confidence_usual(has_person).into()),
    );
}

fn add_rule(root: &mut Item, camera: &CameraId, wanted: &RuleData) {
    let mut fields = InlineTable::new();
    fields.insert("kind", wanted.kind.as_str().into());
    for (key, value) in named(&wanted.name) {
        fields.insert(key, value);
    }
    fields.insert("severity", wanted.severity.as_str().into());
    fields.insert("cameras", Value::Array([camera.as_str()].into_iter().collect()));
    for (key, text) in [
        ("zone", &wanted.zone),
        ("line", &wanted.line),
        ("direction", &wanted.direction),
        ("allowed", &wanted.allowed),
    ] {
        if let Some(text) = text {
            fields.insert(key, text.as_str().into());
        }
    }
    if let Some(seconds) = wanted.at_least_s {
        fields.insert("at_least_s", number(seconds));
    }
    fields.insert("classes", Value::Array(wanted.classes.iter().map(String::as_str).collect()));
    if let Some(hours) = &wanted.hours {
        fields.insert("hours", hours.as_str().into());
    }
    if let Some(height) = wanted.height_min.filter(|height| *height != 0.0) {
        fields.insert("height_min", number(height));
    }
    if let Some(confidence) = wanted.confidence_min {
        fields.insert("confidence_min", number(confidence));
    }
    let style = Style::of(by_key(root, &["rule"]), Style::Header);
    add(root, "rule", &wanted.id, style, fields);
}

/// Takes out what is not wanted any more, and the table of its kind where nothing is left in it.
fn remove_absent<'w>(camera: &mut Item, kind: &str, wanted: impl Iterator<Item = &'w str>) {
    let wanted: Vec<&str> = wanted.collect();
    let Some(tables) = table_mut(camera, &[kind]) else { return };
    for gone in keys(Some(tables)).iter().filter(|id| !wanted.contains(&id.as_str())) {
        take_out(tables, gone);
    }
    if wanted.is_empty() && is_empty(Some(tables)) {
        take_out(camera, kind);
    }
}

/// A name for both languages is written once.
fn edit_name(table: &mut Item, before: Option<&Name>, wanted: &Name) {
    if before == Some(wanted) {
        return;
    }
    let (zh, en) = (Some(wanted.zh.as_str()), Some(wanted.en.as_str()));
    edit_text(table, "name", en.filter(|en| !en.is_empty()), None);
    edit_text(table, "name_zh", zh.filter(|zh| !zh.is_empty() && Some(*zh) != en), None);
}

fn named(name: &Name) -> InlineTable {
    let mut table = Item::Value(Value::InlineTable(InlineTable::new()));
    edit_name(&mut table, None, name);
    table.as_inline_table().cloned().unwrap_or_default()
}

/// `usual` is what it means where it is not written.
fn edit_text(table: &mut Item, key: &str, wanted: Option<&str>, usual: Option<&str>) {
    let written = by_key(table, &[key]);
    match (written, wanted) {
        (Some(_), None) => take_out(table, key),
        (None, wanted) if wanted == usual => {}
        (Some(there), Some(text)) if there.as_str() == Some(text) => {}
        (_, Some(text)) => put(table, key, text),
        (None, None) => {}
    }
}

fn edit_number(table: &mut Item, key: &str, wanted: Option<f64>, usual: Option<f64>) {
    let written = by_key(table, &[key]);
    let Some(wanted) = wanted else {
        if written.is_some() {
            take_out(table, key);
        }
        return;
    };
    let there = match written {
        Some(there) => there.as_value().and_then(number_of),
        None => usual,
    };
    if there.is_none_or(|there| !same(there, wanted)) {
        put(table, key, number(wanted));
    }
}

fn edit_classes(rule: &mut Item, wanted: &[String]) {
    const USUAL: [&str; 6] = ["person", "bicycle", "motorcycle", "car", "bus", "truck"];
    let written = by_key(rule, &["classes"]).and_then(Item::as_array);
    let mut there: Vec<&str> = match written {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => USUAL.to_vec(),
    };
    let mut classes: Vec<&str> = wanted.iter().map(String::as_str).collect();
    there.sort_unstable();
    classes.sort_unstable();
    if there != classes {
        put(rule, "classes", wanted.iter().map(String::as_str).collect::<Array>());
    }
}

/// Whether two rings of corners are the same ones. One may have its first corner again at its end.
fn are_same(a: &[Point], b: &[Point]) -> bool {
    let (a, b) = (open(a), open(b));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a[0], b[0]) && same(a[1], b[1]))
}

fn open(ring: &[Point]) -> &[Point] {
    match ring {
        [first, .., last] if ring.len() > 3 && first == last => &ring[..ring.len() - 1],
        _ => ring,
    }
}

fn point_of(value: &Value) -> Option<Point> {
    let list = value.as_array()?;
    match (list.get(0).and_then(number_of), list.get(1).and_then(number_of)) {
        (Some(x), Some(y)) if list.len() == 2 => Some([x, y]),
        _ => None,
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}
