//! What a configuration is, told by texts.

use std::{cell::RefCell, collections::BTreeSet, path::Path};

use super::*;

thread_local! {
    static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> = const { RefCell::new(BTreeSet::new()) };
}

/// A reader asked for a key of a section.
pub(super) fn asked(section: &'static str, key: &'static str) {
    ASKED.with_borrow_mut(|asked| asked.insert((section, key)));
}

#[allow(dead_code)]
fn told(text: &str) -> Result<Config, Problems> {
    parse(text, "f", Path::new("/base"), &Canned::default())
}

#[test]
fn the_demo_parses() {
    let config = parse(demo_toml(), "config/demo.toml", Path::new("config"), &Canned::default())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let cameras: Vec<_> = config.cameras.iter().map(|camera| camera.id.as_str()).collect();
    assert_eq!(cameras, ["north-gate", "south-gate", "school-road", "river-path"]);
    for camera in &config.cameras {
        assert_eq!(camera.main.as_str(), format!("rtsp://127.0.0.1:8554/{}", camera.id));
        assert_eq!(camera.url(StreamRole::Sub).as_str(), format!("rtsp://127.0.0.1:8554/{}/sub", camera.id));
        assert!(!camera.rules.is_empty(), "{}", camera.id);
    }
}
