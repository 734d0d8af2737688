//! The files that ship: both configurations, the schema, the reference.

use super::*;
use crate::{
    alert::Severity,
    config::{
        keys,
        shape::{Form, Section},
    },
};
use jsonschema::Validator;
use serde_json::Value;

pub(super) const EXAMPLE: &str = include_str!("../../../config/cunkou.toml");

fn demo() -> Config {
    parse(demo_toml(), "config/demo.toml", Path::new("config"), &Canned::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_demo_parses() {
    let config = demo();
    let cameras: Vec<_> = config.cameras.iter().map(|camera| camera.id.as_str()).collect();
    assert_eq!(cameras, ["north-gate", "south-gate", "school-road", "river-path"]);
    assert_eq!((config.villages.len(), config.entry_points.len()), (2, 4));
    assert!(matches!(&config.broker, Broker::Embedded { listen } if listen.to_string() == "127.0.0.1:1883"));
    assert_eq!(config.console.listen.to_string(), "127.0.0.1:8080");
    for camera in &config.cameras {
        assert_eq!(camera.main.as_str(), format!("rtsp://127.0.0.1:8554/{}", camera.id));
        assert_eq!(camera.url(StreamRole::Sub).as_str(), format!("rtsp://127.0.0.1:8554/{}/sub", camera.id));
        assert!(!camera.rules.is_empty(), "{}", camera.id);
    }
    let kinds: BTreeSet<_> = config
        .cameras
        .iter()
        .flat_map(|camera| &camera.rules)
        .map(|rule| rule.when.kind().as_str())
        .collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["dwell", "line-cross", "wrong-way", "zone-enter"]);
    assert_eq!(
        config.posts.iter().map(|post| post.id.as_str()).collect::<Vec<_>>(),
        ["station", "checkpoint"]
    );
    assert!(config.posts.iter().all(|post| post.presence == Attendance::Assumed && post.hours.is_none()));
    let last = config.routes.last().expect("there are routes");
    assert!(last.levels.is_empty() && last.tell.len() == 2, "one takes what the others leave");
}

/// Whether a line of the example says of its value that it is the default: `# …; default …`, `# "auto" (default), …`.
fn says_default(line: &str) -> bool {
    let Some((value, comment)) = line.split_once(" # ") else { return false };
    let ends = |rest: &str| match rest.strip_prefix(' ') {
        Some(more) => more.starts_with(|c: char| !c.is_ascii()),
        None => rest.is_empty() || rest.starts_with(';') || rest.starts_with(')'),
    };
    !value.trim_start().starts_with('#')
        && comment.match_indices("default").any(|(at, word)| ends(&comment[at + word.len()..]))
}

#[test]
fn the_example_parses_and_says_what_the_defaults_are() {
    let config = read(EXAMPLE);
    assert!(
        matches!(&config.broker, Broker::External(broker) if broker.tls.is_some() && broker.port == 8883)
    );
    let truth = format!("{config:?}");
    let mut defaults = 0;
    for line in EXAMPLE.lines().filter(|line| says_default(line)) {
        defaults += 1;
        let without = EXAMPLE.replacen(&format!("\n{line}\n"), "\n", 1);
        assert_ne!(without, EXAMPLE);
        assert_eq!(format!("{:?}", read(&without)), truth, "{line}");
    }
    assert!(defaults >= 17, "{defaults}");
}

/// Keys that a section has in a text, wherever the section occurs.
fn written(section: &'static Section, tables: &[&Value], keys: &mut BTreeSet<(&'static str, &'static str)>) {
    for key in section.keys {
        let mut values: Vec<&Value> = tables.iter().filter_map(|table| table.get(key.name)).collect();
        if !values.is_empty() {
            keys.insert((section.name, key.name));
        }
        let mut form = &key.form;
        while let Form::List { of, .. } = form {
            form = of;
            values = values.into_iter().filter_map(Value::as_array).flatten().collect();
        }
        match form {
            Form::Table(of) => written(of, &values, keys),
            Form::Map { of, .. } => {
                let tables: Vec<&Value> =
                    values.into_iter().filter_map(Value::as_object).flat_map(|map| map.values()).collect();
                written(of, &tables, keys);
            }
            _ => {}
        }
    }
}

#[test]
fn the_example_has_every_key() {
    let mut there = BTreeSet::new();
    written(&keys::FILE, &[&document(EXAMPLE)], &mut there);
    let mut missing = Vec::new();
    every_section(&mut |section| {
        missing.extend(
            section
                .keys
                .iter()
                .map(|key| (section.name, key.name))
                .filter(|key| !there.contains(key) && !EXAMPLE.contains(&format!("\n# {} =", key.1))),
        );
    });
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_reader_asks_for_every_key() {
    read(EXAMPLE);
    let asked = ASKED.with_borrow(BTreeSet::clone);
    let mut ignored = Vec::new();
    every_section(&mut |section| {
        ignored.extend(
            section.keys.iter().map(|key| (section.name, key.name)).filter(|key| !asked.contains(key)),
        );
    });
    assert!(ignored.is_empty(), "{ignored:?}");
}

fn every_section(visit: &mut impl FnMut(&'static Section)) {
    fn below(section: &'static Section, visit: &mut impl FnMut(&'static Section)) {
        visit(section);
        for key in section.keys {
            let mut form = &key.form;
            while let Form::List { of, .. } = form {
                form = of;
            }
            if let Form::Table(of) | Form::Map { of, .. } = form {
                below(of, visit);
            }
        }
    }
    below(&keys::FILE, visit);
}

#[test]
fn declarations_are_whole() {
    every_section(&mut |section| {
        let names: BTreeSet<_> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), section.keys.len(), "{} declares a key twice", section.name);
        for name in section.exactly_one.iter().chain(section.together) {
            assert!(names.contains(name), "{}: {name}", section.name);
        }
        for key in section.keys {
            assert!(!key.en.is_empty() && !key.zh.is_empty(), "{}: {}", section.name, key.name);
            assert!(!key.en.contains('|') && !key.zh.contains('|'), "{}: {}", section.name, key.name);
        }
        let Some(variants) = &section.variants else { return };
        let Some(Form::Choice(words)) = section.key(variants.by).map(|key| &key.form) else {
            panic!("{}: {} is no choice", section.name, variants.by);
        };
        let values: Vec<_> = variants.of.iter().map(|variant| variant.value).collect();
        assert_eq!(values, *words, "{}", section.name);
        for name in variants.of.iter().flat_map(|variant| variant.needs.iter().chain(variant.may)) {
            assert!(names.contains(name), "{}: {name}", section.name);
        }
    });
}

#[test]
fn the_words_of_the_file_are_those_of_the_contract() {
    let Some(Form::List { of: Form::Choice(classes), .. }) = keys::RULE.key("classes").map(|key| &key.form)
    else {
        panic!("classes are a list of words");
    };
    assert_eq!(*classes, crate::detect::Class::ALL.map(|class| class.as_str()));
    let words = |key: &str| match keys::ROUTE.key(key).map(|key| &key.form) {
        Some(Form::List { of: Form::Choice(words), .. }) => words.to_vec(),
        _ => panic!("{key} is a list of words"),
    };
    assert_eq!(words("kinds"), crate::alert::Kind::ALL.map(|kind| kind.as_str()));
    assert_eq!(words("levels"), Level::ALL.map(|level| level.as_str()));
    let severities = [Severity::Info, Severity::Warning, Severity::Major, Severity::Critical];
    assert_eq!(words("severities"), severities.map(|severity| severity.as_str()));
    // Each word of a choice is a variant of its enum: the example has one of each choice, and these are the others.
    for (from, tos) in [
        ("hardware = \"auto\"", ["off", "vaapi", "nvdec", "v4l2"].as_slice()),
        ("provider = \"cpu\"", &["cuda", "tensorrt", "openvino"]),
        ("level = \"line\"", &["ring", "block", "point"]),
        ("transport = \"tcp\"", &["udp"]),
        ("analyse = \"sub\"", &["main"]),
        ("view = \"auto\"", &["full", "crops"]),
        ("direction = \"in\"", &["out"]),
        ("allowed = \"out\"", &["in"]),
        ("severity = \"warning\"", &["info", "major", "critical"]),
        ("presence = \"mqtt\"", &["assumed"]),
    ] {
        let key = from.split(' ').next().unwrap();
        for to in tos {
            read(&EXAMPLE.replace(from, &format!("{key} = \"{to}\"")));
        }
    }
}

#[test]
fn the_schema_ships() {
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    follows("config/cunkou.schema.json", &text);
}

#[test]
fn the_reference_ships() {
    follows("docs/ref/config.md", &reference());
}

#[test]
fn the_schema_takes_what_ships_and_refuses_what_is_bad() {
    let schema = schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = Validator::new(&schema).unwrap();
    for text in [demo_toml(), EXAMPLE, GOOD] {
        assert!(text == GOOD || text.starts_with("#:schema ./cunkou.schema.json\n"));
        let errors: Vec<_> = validator.iter_errors(&document(text)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    for (from, to) in [
        ("stop_grace_s = 5", "stop_grac_s = 5"),
        ("stop_grace_s = 5", "stop_grace_s = 0"),
        ("id = \"demo\"", ""),
        ("id = \"demo\"", "id = \"Demo\""),
        ("[village.west]", "[village.West]"),
        ("threads = 2", "threads = 2.5"),
        ("tell = [[\"station\"]", "tell = [\"station\""),
        ("tell = [[\"station\"]", "tell = [[]"),
        ("kinds = [\"dwell\"]", "kinds = [\"stay\"]"),
        ("incident_s = 20", "incident_s = 0"),
        ("kind = \"embedded\"", "kind = \"external\""),
        ("listen = \"127.0.0.1:1883\"", "host = \"broker\""),
        ("[broker]\nkind = \"embedded\"", "[broker]\nhost = \"broker\""),
        ("kind = \"line-cross\"", "kind = \"dwell\""),
        ("kind = \"line-cross\"\n", ""),
        ("line = \"gate\"", ""),
        ("password_env = \"GATE_PASSWORD\"", ""),
        ("password_env = \"GATE_PASSWORD\"", "password_env = \"A\", password_file = \"b\""),
        ("days = [\"mon\", \"fri\"]", "days = [\"mon\", \"mon\"]"),
        ("to = \"05:00\"", "to = \"5:00\""),
        ("a = [0.1, 0.6]", "a = [0.1, 1.6]"),
        ("a = [0.1, 0.6]", "a = [0.1]"),
        ("main = \"rtsp://10.0.0.2/main\"", "main = \"http://10.0.0.2/main\""),
        ("main = \"rtsp://10.0.0.2/main\"", "main = \"rtsp://me@10.0.0.2/main\""),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        assert!(!validator.is_valid(&document(&text)), "{from} → {to}");
        assert!(told(&text).is_err(), "{from} → {to}");
    }
}
