//! What must hold for any text: an answer without a panic, problems on single lines, no secret in any.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

const SEEDS: [&str; 3] =
    [GOOD, include_str!("../../../config/demo.toml"), include_str!("../../../config/cunkou.toml")];

/// What people and accidents put into a file.
const PIECES: [&str; 35] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\u",
    "\\n",
    "-1",
    "1e999",
    "nan",
    "0x",
    "true",
    "[camera.north]",
    "[rule.x]",
    "kind = \"dwell\"",
    "村",
    "\u{feff}",
    "\0",
    "1979-05-27T07:32:00Z",
    "rtsp://",
    "24:00",
    "99999999999999999999",
    "station.id",
    "[[camera]]",
    "password_file = \"secret\"",
    "[0.5, 0.5]",
];

thread_local! {
    static VALIDATOR: jsonschema::Validator = jsonschema::Validator::new(&schema()).unwrap();
}

fn check(text: &str) {
    let lines = text.matches('\n').count() + 1;
    let Err(Problems(problems)) = told(text) else {
        let errors: Vec<_> = VALIDATOR
            .with(|schema| schema.iter_errors(&document(text)).map(|error| error.to_string()).collect());
        assert!(errors.is_empty(), "the schema is stricter than the reader: {errors:?}");
        return;
    };
    assert!(!problems.is_empty());
    let mut last = (0, 0);
    for problem in problems {
        let line = problem.to_string();
        assert!(!line.contains('\n') && !line.contains('\r'), "{line:?}");
        assert!(!line.contains("s3cr3t"), "{line}");
        assert!((1..=lines).contains(&problem.line), "{line}");
        assert!(last <= (problem.line, problem.column), "{line}");
        last = (problem.line, problem.column);
        for part in [&problem.what, &problem.why, &problem.mend] {
            assert!(!part.is_empty(), "{line}");
        }
    }
}

/// A seed with some of its bytes, lines and words changed.
fn mutated() -> impl Strategy<Value = String> {
    let change = (0..5u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..PIECES.len());
    (0..SEEDS.len(), prop::collection::vec(change, 1..6)).prop_map(|(seed, changes)| {
        let mut text = SEEDS[seed].to_owned();
        for (how, at, other, piece) in changes {
            let bound = |index: prop::sample::Index, text: &str| {
                let mut at = index.index(text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            match how {
                0 => {
                    let at = bound(at, &text);
                    text.insert_str(at, PIECES[piece]);
                }
                1 => {
                    let (a, b) = (bound(at, &text), bound(other, &text));
                    let end = a.max(b).min(a.min(b) + 40);
                    let end = (a.min(b)..=end).rev().find(|&i| text.is_char_boundary(i)).unwrap();
                    text.replace_range(a.min(b)..end, PIECES[piece]);
                }
                _ if lines.len() < 2 => {}
                2 => {
                    lines.remove(at.index(lines.len()));
                    text = lines.concat();
                }
                3 => {
                    let line = lines[at.index(lines.len())];
                    lines.insert(other.index(lines.len()), line);
                    text = lines.concat();
                }
                _ => {
                    let (a, b) = (at.index(lines.len()), other.index(lines.len()));
                    lines.swap(a, b);
                    text = lines.concat();
                }
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_changed_configuration_gets_an_answer(text in mutated()) {
        check(&text);
    }

    #[test]
    fn any_text_gets_an_answer(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_pieces_get_an_answer(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        check(&pieces.into_iter().map(|i| PIECES[i]).collect::<String>());
    }
}

/// A town: as many cameras as the largest that we know of, with two rules each.
fn town(cameras: usize) -> String {
    let mut text = "[station]\nid = \"town\"\n[village.v]\n".to_owned();
    for i in 0..cameras {
        write!(
            text,
            "[entry_point.e{i}]\nvillage = \"v\"\n[camera.c{i}]\nentry_point = \"e{i}\"\nmain = \"rtsp://10.0.0.1/{i}\"\n\
             zone.road = {{ area = [[0, 0], [1, 0], [1, 1]] }}\n[rule.r{i}]\nkind = \"zone-enter\"\nzone = \"road\"\ncameras = [\"c{i}\"]\n",
        )
        .unwrap();
    }
    text.push_str("[rule.all]\nkind = \"dwell\"\nat_least_s = 60\n");
    text
}

#[test]
fn a_town_parses() {
    let config = read(&town(778));
    assert_eq!(config.cameras.len(), 778);
    assert!(config.cameras.iter().all(|camera| camera.rules.len() == 2));
    let rules = config.cameras.iter().flat_map(|camera| &camera.rules);
    assert_eq!(rules.map(|rule| &rule.version).collect::<BTreeSet<_>>().len(), 779);
}

#[test]
fn there_are_only_so_many_cameras_and_rules() {
    let problems = told(&town(4097)).unwrap_err().0;
    assert!(problems.iter().any(|problem| problem.what == "`camera` has 4097 entries"));
    let mut text = GOOD.to_owned();
    for i in 0..RULES_MAX {
        write!(text, "[rule.r{i}]\nkind = \"dwell\"\nat_least_s = 9\ncameras = [\"north\"]\n").unwrap();
    }
    let problems = told(&text).unwrap_err();
    assert_eq!(problems.0.len(), 2, "{problems}");
    assert!(problems.0[0].what.contains("one rule too many for camera north"));
}
