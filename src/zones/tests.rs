//! What is drawn is what is read again, and everything else stays.

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;

use super::*;
use crate::{
    config::{self, Camera, Canned, Config, Name},
    id::CameraId,
};

const DEMO: &str = include_str!("../../config/demo.toml");

/// One camera, written in every way that TOML has for it.
const MANY_WAYS: &str = r#"# A station.
[station]
id = "s" # its id
name = "S"
time_zone = "Asia/Shanghai"

[broker]
kind = "embedded"

[village]
v = { name = "V" }

[entry_point.e]
village = "v"
level = "line"
name = "E"

[hours.night]
spans = [{ days = "daily", from = "22:00", to = "05:00" }]

[camera.gate]
entry_point = "e"
main = "rtsp://127.0.0.1/gate"
masks = [
    # The neighbour's window.
    [[0.0, 0.0], [0.2, 0.0], [0.2, 0.2]],
    # The clock on the picture.
    [[0.8, 0.0], [1.0, 0.0], [1.0, 0.1], [0.8, 0.1]], # it changes
]

# The yard, with its ring closed.
[camera.gate.zone.yard]
name_zh = "院子"
area = [
    [0.5, 0.5], # at the gate
    [1, 0.5],
    [1.0, 1.0],
    [0.5, 0.5],
]

[camera.gate.line.road]
name = "Road"
a = [0.1, 0.9] # the kerb
b = [0.9, 0.9]
inside = "left"

[camera.inline]
entry_point = "e"
main = "rtsp://127.0.0.1/inline"
zone = { a = { area = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]] }, b = { name = "B", area = [[0.5, 0.5], [1.0, 0.5], [1.0, 1.0]] } } # both
record = "off"

# Rules.
[rule.all]
kind = "zone-enter"
name = "All"

[rule.yard]
kind = "dwell" # stays
cameras = ["gate"]
zone = "yard"
at_least_s = 20
cooldown_s = 30
# At night alone.
hours = "night"

[rule.road]
kind = "line-cross"
cameras = ["gate"]
line = "road"
classes = ["car", "person"]

# The end.
[notice]
notices_per_hour = 30
"#;

fn parse(text: &str) -> Config {
    config::parse(text, "f", Path::new("/base"), &Canned::default())
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn camera<'c>(config: &'c Config, id: &str) -> &'c Camera {
    config.cameras.iter().find(|camera| camera.id.as_str() == id).expect("it is configured")
}

fn drawn(text: &str, id: &str) -> Drawing {
    let file = text.parse().expect("it is TOML");
    Drawing::of(camera(&parse(text), id), Some(&file))
}

/// The drawing as it goes to whoever edits it, and comes back.
fn own(drawing: &Drawing) -> Drawing {
    let json = serde_json::to_string(drawing).expect("it is JSON");
    let mut drawing: Drawing = serde_json::from_str(&json).expect("it was written by us");
    drawing.rules.retain(|rule| rule.own);
    drawing
}

fn edited(text: &str, id: &str, wanted: &Drawing) -> String {
    edit(text, camera(&parse(text), id), wanted).unwrap_or_else(|why| panic!("{why:?}"))
}

/// Lines that went, and lines that came.
fn changes(before: &str, after: &str) -> Vec<String> {
    let diff = similar::TextDiff::from_lines(before, after);
    let changes = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changes.map(|change| format!("{}{}", change.tag(), change.value().trim_end())).collect()
}

#[test]
fn what_is_drawn_already_changes_nothing() {
    for text in [DEMO, MANY_WAYS] {
        for camera in &parse(text).cameras {
            let id = camera.id.as_str();
            assert_eq!(edited(text, id, &own(&drawn(text, id))), text, "{id}");
        }
    }
}

#[test]
fn numbers_are_told_as_they_are_written() {
    let json = serde_json::to_string(&drawn(DEMO, "north-gate").zones).expect("it is JSON");
    assert!(json.contains("[[0.0,0.31],[0.5,0.38]"), "{json}");
    let line = &drawn(MANY_WAYS, "gate").lines[0];
    assert_eq!((line.a, line.b, line.inside), ([0.1, 0.9], [0.9, 0.9], Side::Left));
}

#[test]
fn a_corner_that_moves_changes_its_line_and_no_other() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    wanted.zones[0].area[1][0] = 0.75;
    wanted.masks[1][1] = [0.95, 0.05];
    wanted.lines[0].b[1] = 0.8;
    let changes = changes(MANY_WAYS, &edited(MANY_WAYS, "gate", &wanted));
    assert_eq!(
        changes,
        [
            "-    [[0.8, 0.0], [1.0, 0.0], [1.0, 0.1], [0.8, 0.1]], # it changes",
            "+    [[0.8, 0.0], [0.95, 0.05], [1.0, 0.1], [0.8, 0.1]], # it changes",
            "-    [1, 0.5],",
            "+    [0.75, 0.5],",
            "-    [0.5, 0.5],",
            "-b = [0.9, 0.9]",
            "+b = [0.9, 0.8]",
        ],
        "the corner that closed the ring goes, since it says nothing"
    );
}

#[test]
fn what_is_new_is_written_like_what_is_there() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    let name = Name { zh: "门".into(), en: "Door".into() };
    let area = vec![[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]];
    wanted.zones.push(ZoneData { id: "door".into(), name: name.clone(), area: area.clone() });
    wanted.masks.push(area.clone());
    wanted.rules.push(RuleData {
        id: "door".into(),
        kind: "zone-enter".into(),
        severity: "major".into(),
        name: Name { zh: "Door".into(), en: "Door".into() },
        zone: Some("door".into()),
        line: None,
        direction: None,
        allowed: None,
        classes: vec!["person".into()],
        hours: None,
        at_least_s: None,
        height_min: Some(0.0),
        confidence_min: None,
        own: true,
    });
    let text = edited(MANY_WAYS, "gate", &wanted);
    assert_eq!(
        changes(MANY_WAYS, &text),
        [
            "+    [[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]],",
            "+[camera.gate.zone.door]",
            "+name = \"Door\"",
            "+name_zh = \"门\"",
            "+area = [[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]]",
            "+",
            "+[rule.door]",
            "+kind = \"zone-enter\"",
            "+name = \"Door\"",
            "+severity = \"major\"",
            "+cameras = [\"gate\"]",
            "+zone = \"door\"",
            "+classes = [\"person\"]",
            "+",
        ]
    );
    let rules = text.find("[rule.door]").expect("it is there");
    assert!(
        text.find("[rule.road]").expect("it is there") < rules
            && rules < text.find("# The end.").expect("it is there")
    );
    let mut wanted = own(&drawn(MANY_WAYS, "inline"));
    wanted.zones.push(ZoneData { id: "c".into(), name: name.clone(), area: area.clone() });
    wanted.lines.push(LineData {
        id: "l".into(),
        name: name.clone(),
        a: [0.0, 0.5],
        b: [1.0, 0.5],
        inside: Side::Left,
    });
    assert_eq!(
        changes(MANY_WAYS, &edited(MANY_WAYS, "inline", &wanted))[1..],
        [
            "+zone = { a = { area = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]] }, b = { name = \"B\", area = [[0.5, 0.5], [1.0, 0.5], [1.0, 1.0]] }, c = { name = \"Door\", name_zh = \"门\", area = [[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]] } } # both",
            "+line.l = { name = \"Door\", name_zh = \"门\", a = [0.0, 0.5], b = [1.0, 0.5], inside = \"left\" }",
        ]
    );
    let mut wanted = own(&drawn(DEMO, "north-gate"));
    wanted.zones.push(ZoneData { id: "door".into(), name, area });
    assert_eq!(
        changes(DEMO, &edited(DEMO, "north-gate", &wanted)),
        ["+zone.door = { name = \"Door\", name_zh = \"门\", area = [[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]] }"]
    );
}

#[test]
fn what_goes_takes_its_own_words_with_it_and_leaves_those_of_others() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    wanted.masks.remove(0);
    wanted.zones.clear();
    wanted.rules.retain(|rule| rule.id != "yard");
    let text = edited(MANY_WAYS, "gate", &wanted);
    let after = parse(&text);
    let gate = camera(&after, "gate");
    assert_eq!((gate.masks.len(), gate.zones.len(), gate.rules.len()), (1, 0, 2));
    for (words, are_there) in [
        ("neighbour's window", false),
        ("clock on the picture", true),
        ("it changes", true),
        ("at the gate", false),
        ("At night alone", false),
        ("# Rules.", true),
        ("# The end.", true),
    ] {
        assert_eq!(text.contains(words), are_there, "{words}: {text}");
    }
    let none = Drawing { zones: vec![], lines: vec![], masks: vec![], rules: vec![] };
    let text = edited(MANY_WAYS, "gate", &none);
    assert_eq!(own(&drawn(&text, "gate")), none, "{text}");
}

#[test]
fn a_rule_keeps_what_is_not_drawn_and_loses_what_its_kind_has_not() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    let yard = wanted.rules.iter_mut().find(|rule| rule.id == "yard").expect("it is there");
    yard.kind = "zone-leave".into();
    yard.at_least_s = None;
    yard.hours = None;
    yard.severity = "critical".into();
    yard.height_min = Some(0.25);
    assert_eq!(
        changes(MANY_WAYS, &edited(MANY_WAYS, "gate", &wanted)),
        [
            "-kind = \"dwell\" # stays",
            "+kind = \"zone-leave\" # stays",
            "-at_least_s = 20",
            "-# At night alone.",
            "-hours = \"night\"",
            "+severity = \"critical\"",
            "+height_min = 0.25",
        ]
    );
}

#[test]
fn a_line_that_is_turned_is_written_with_the_fewest_changes() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    // The same line, told from its other end.
    let line = &mut wanted.lines[0];
    (line.a, line.b, line.inside) = (line.b, line.a, Side::Right);
    assert_eq!(edited(MANY_WAYS, "gate", &wanted), MANY_WAYS);
    let line = &mut wanted.lines[0];
    line.inside = Side::Left;
    assert_eq!(
        changes(MANY_WAYS, &edited(MANY_WAYS, "gate", &wanted)),
        ["-inside = \"left\"", "+inside = \"right\""],
        "the village is on the other side"
    );
}

#[test]
fn rules_of_others_and_ids_that_are_used_twice_are_refused() {
    let mut wanted = own(&drawn(MANY_WAYS, "gate"));
    let mut all = wanted.rules[0].clone();
    all.id = "all".into();
    wanted.rules.push(all);
    wanted.zones.push(wanted.zones[0].clone());
    let NotEdited::Troubles(troubles) =
        edit(MANY_WAYS, camera(&parse(MANY_WAYS), "gate"), &wanted).expect_err("it is refused")
    else {
        panic!("the camera is there")
    };
    let keys: Vec<&str> = troubles.iter().map(|trouble| trouble.key.as_str()).collect();
    assert_eq!(keys, ["camera.gate.zone.yard", "rule.all"]);
}

#[test]
fn what_makes_no_sense_is_told_with_its_key() {
    let mut wanted = own(&drawn(DEMO, "north-gate"));
    wanted.zones[0].area = vec![[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
    wanted.rules[0].zone = Some("wey".into());
    wanted.rules[0].classes.clear();
    wanted.masks.push(vec![[0.0, 0.0], [1e300, 0.0], [0.0, 1.0]]);
    let text = edited(DEMO, "north-gate", &wanted);
    let problems =
        config::parse(&text, "f", Path::new("."), &Canned::default()).expect_err("it makes no sense");
    let keys: Vec<&str> = problems.0.iter().map(config::Problem::key).collect();
    assert_eq!(
        keys,
        [
            "camera.north-gate.zone.way.area",
            "camera.north-gate.masks",
            "rule.person-at-north-gate.zone",
            "rule.person-at-north-gate.classes",
        ],
        "{problems}"
    );
}

#[test]
fn a_text_that_would_not_stay_as_it_is_is_left_alone() {
    let text = format!("\u{feff}{MANY_WAYS}");
    let config = parse(MANY_WAYS);
    let wanted = own(&drawn(MANY_WAYS, "gate"));
    assert!(matches!(edit(&text, camera(&config, "gate"), &wanted), Err(NotEdited::Absent(_))));
}

fn share() -> impl Strategy<Value = f64> {
    (0..=1000u32).prop_map(|n| f64::from(n) / 1000.0)
}

/// A ring that does not cross itself: a box with one corner cut.
fn area() -> impl Strategy<Value = Vec<Point>> {
    (0..800u32, 0..800u32, 100..200u32, 100..200u32, any::<bool>()).prop_map(|(x, y, w, h, cut)| {
        let at = |n: u32| f64::from(n) / 1000.0;
        let mut ring = vec![[at(x), at(y)], [at(x + w), at(y)], [at(x + w), at(y + h)]];
        if cut {
            ring.push([at(x), at(y + h)]);
        }
        ring
    })
}

fn name() -> impl Strategy<Value = Name> {
    let text = || prop::sample::select(vec!["门", "Door", "a \"b\" # c", "x = [", "院子\\"]);
    (text(), text()).prop_map(|(zh, en)| Name { zh: zh.into(), en: en.into() })
}

fn rule(id: String, zones: Vec<String>, lines: Vec<String>) -> impl Strategy<Value = RuleData> {
    let pick = |ids: Vec<String>| prop::sample::select(ids);
    let classes = prop::sample::subsequence(vec!["person", "car", "dog"], 1..=3);
    let way = || prop::sample::select(vec!["in".to_owned(), "out".to_owned()]);
    let hours = prop::sample::select(vec![None, Some("night".to_owned())]);
    let bounds =
        (prop::option::of(share()), prop::option::of((50..=990u32).prop_map(|n| f64::from(n) / 1000.0)));
    (
        0..5u8,
        pick(zones),
        pick(lines),
        classes,
        prop::option::of(way()),
        way(),
        hours,
        name(),
        bounds,
        1..600u32,
    )
        .prop_map(
            move |(
                kind,
                zone,
                line,
                classes,
                direction,
                allowed,
                hours,
                name,
                (height_min, confidence_min),
                seconds,
            )| {
                let kinds = ["zone-enter", "zone-leave", "dwell", "line-cross", "wrong-way"];
                let kind_name = kinds[usize::from(kind)];
                RuleData {
                    id: id.clone(),
                    kind: kind_name.into(),
                    severity: if seconds % 2 == 0 { "warning" } else { "critical" }.into(),
                    name,
                    zone: (kind < 3).then_some(zone),
                    line: (kind >= 3).then_some(line),
                    direction: direction.filter(|_| kind == 3),
                    allowed: (kind == 4).then_some(allowed),
                    classes: classes.into_iter().map(str::to_owned).collect(),
                    hours,
                    at_least_s: (kind == 2).then_some(f64::from(seconds) / 4.0 + 1.0),
                    height_min,
                    confidence_min,
                    own: true,
                }
            },
        )
}

fn drawing() -> impl Strategy<Value = Drawing> {
    let ids = |all: &[&'static str]| {
        let all = all.to_vec();
        prop::sample::subsequence(all.clone(), 1..=all.len())
    };
    (ids(&["yard", "door", "a", "b"]), ids(&["road", "walk"]), ids(&["yard-x", "yard", "road", "new"]))
        .prop_flat_map(|(zones, lines, rules)| {
            let zone_ids: Vec<String> = zones.iter().map(|&id| id.to_owned()).collect();
            let line_ids: Vec<String> = lines.iter().map(|&id| id.to_owned()).collect();
            let rules: Vec<_> =
                rules.iter().map(|id| rule((*id).to_owned(), zone_ids.clone(), line_ids.clone())).collect();
            let zones: Vec<_> = zone_ids
                .into_iter()
                .map(|id| {
                    (name(), area()).prop_map(move |(name, area)| ZoneData { id: id.clone(), name, area })
                })
                .collect();
            let lines: Vec<_> = line_ids
                .into_iter()
                .map(|id| {
                    let side = prop::sample::select(vec![Side::Left, Side::Right]);
                    (name(), share(), share(), side).prop_map(move |(name, x, y, inside)| LineData {
                        id: id.clone(),
                        name,
                        a: [x, 0.0],
                        b: [y, 1.0],
                        inside,
                    })
                })
                .collect();
            (zones, lines, prop::collection::vec(area(), 0..4), rules)
                .prop_map(|(zones, lines, masks, rules)| Drawing { zones, lines, masks, rules })
        })
}

/// As it will be told: what is not said has its usual value, and lines are told in one way.
fn told(wanted: &Drawing) -> Drawing {
    let mut told = wanted.clone();
    for rule in &mut told.rules {
        let has_person = rule.classes.iter().any(|class| class == "person");
        rule.height_min.get_or_insert(0.0);
        rule.confidence_min.get_or_insert(if has_person { 0.45 } else { 0.4 });
        rule.classes.sort_by_key(|class| ["person", "car", "dog"].iter().position(|known| known == class));
    }
    told
}

/// Everything that a configuration says but for what is drawn on one camera.
fn rest(config: &Config, id: &CameraId) -> String {
    let mut config = config.clone();
    let own: BTreeMap<_, _> =
        config.cameras.iter().map(|camera| (camera.id.clone(), camera.rules.clone())).collect();
    for camera in config.cameras.iter_mut().map(std::sync::Arc::make_mut).filter(|camera| camera.id == *id) {
        (camera.zones, camera.lines, camera.masks) = Default::default();
        camera.rules.retain(|rule| {
            own.iter().any(|(other, rules)| other != id && rules.iter().any(|it| it.id == rule.id))
        });
    }
    format!("{config:#?}")
}

fn canonical(mut drawing: Drawing) -> Drawing {
    drawing.zones.sort_by(|a, b| a.id.cmp(&b.id));
    drawing.lines.sort_by(|a, b| a.id.cmp(&b.id));
    drawing.rules.sort_by(|a, b| a.id.cmp(&b.id));
    for line in &mut drawing.lines {
        if line.inside == Side::Left {
            (line.a, line.b, line.inside) = (line.b, line.a, Side::Right);
        }
    }
    drawing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn what_is_wanted_is_what_is_read_and_everything_else_is_as_it_was(
        first in drawing(), second in drawing(), inline in any::<bool>(),
    ) {
        let id: CameraId = if inline { "inline" } else { "gate" }.parse().expect("an id");
        let own_ids: &[&str] = if inline { &["yard-x", "new"] } else { &["yard-x", "yard", "road", "new"] };
        let mut text = MANY_WAYS.to_owned();
        for mut wanted in [first, second] {
            wanted.rules.retain(|rule| own_ids.contains(&rule.id.as_str()));
            let before = parse(&text);
            let after_text = edited(&text, id.as_str(), &wanted);
            let after = parse(&after_text);
            prop_assert_eq!(
                canonical(own(&drawn(&after_text, id.as_str()))), canonical(told(&wanted)), "{}", after_text
            );
            prop_assert_eq!(rest(&before, &id), rest(&after, &id));
            // Said once more, it changes nothing; and comments of others are all there.
            prop_assert_eq!(&edited(&after_text, id.as_str(), &wanted), &after_text);
            for words in ["# A station.", "# its id", "# both", "# Rules.", "# The end."] {
                prop_assert!(after_text.contains(words), "{} is gone: {}", words, after_text);
            }
            text = after_text;
        }
    }

    #[test]
    fn no_text_makes_it_panic(at in any::<prop::sample::Index>(), byte in 0u8..128, cut in any::<prop::sample::Index>()) {
        let config = parse(MANY_WAYS);
        let wanted = own(&drawn(MANY_WAYS, "gate"));
        let mut bytes = MANY_WAYS.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let flipped = String::from_utf8_lossy(&bytes).into_owned();
        let _ = edit(&flipped, camera(&config, "gate"), &wanted);
        bytes.truncate(cut.index(bytes.len()));
        let _ = edit(&String::from_utf8_lossy(&bytes), camera(&config, "gate"), &wanted);
    }
}
