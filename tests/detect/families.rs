//! Every family's outputs, read as numpy reads them.

use std::fs;

use cunkou::{
    decode::Picture,
    detect::{Detection, View},
    geometry::Size,
};

use super::{TINY, runtime, tiny};

/// `[class, confidence, left, top, right, bottom]`, in pixels of the picture.
type Expected = (String, f32, f32, f32, f32, f32);

fn same(found: &Detection, wanted: &Expected, size: Size) -> bool {
    let bbox = found.bbox.to_pixels(size);
    let edges = [(bbox.l, wanted.2), (bbox.t, wanted.3), (bbox.r, wanted.4), (bbox.b, wanted.5)];
    found.class.as_str() == wanted.0
        && (found.confidence - wanted.1).abs() < 1e-3
        && edges.iter().all(|(a, b)| (a - b).abs() < 0.02)
}

#[test]
fn every_family_is_read_as_its_exporter_means_it() {
    let Some(runtime) = runtime() else { return };
    let text = fs::read_to_string(format!("{TINY}/families.json")).expect("committed beside");
    let file: serde_json::Value = serde_json::from_str(&text).expect("made by make.py");
    let (w, h): (u32, u32) = serde_json::from_value(file["picture"].clone()).expect("a size");
    let size = Size::new(w, h);
    let families = file["families"].as_array().expect("a list");
    assert_eq!(families.len(), 9);
    for family in families {
        let name = family["model"].as_str().expect("a name");
        let wanted: Vec<Expected> = serde_json::from_value(family["expected"].clone()).expect("boxes");
        let mut found = Vec::new();
        tiny(&runtime, name)
            .detect(&Picture::grey(size, 100), &View::Full, &[], &mut found)
            .unwrap_or_else(|err| panic!("{name}: {err}"));
        assert_eq!(found.len(), wanted.len(), "{name}: {found:#?} are not {wanted:#?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(same(found, wanted, size), "{name}: {found:?} is not {wanted:?}");
        }
    }
}
