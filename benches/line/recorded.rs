//! What the shipped model saw in vtest (`tests/data/README.md`), the demo's configuration, and the village's footage.

use std::{path::Path, sync::Arc};

use cunkou::{
    config::{self, Camera, Config},
    detect::{Class, Detection},
    geometry::{Size, UnitBox},
    motion::Motion,
    sim::{Material, SimError},
};

const VTEST: &str = include_str!("../../tests/data/vtest-detections.jsonl");
/// Of vtest's picture.
pub(crate) const VTEST_SIZE: Size = Size::new(768, 576);

/// A frame as the detector saw it.
pub(crate) struct Look {
    pub(crate) ms: u64,
    pub(crate) detections: Vec<Detection>,
    pub(crate) motion: Motion,
}

/// All 795 looks at vtest.
pub(crate) fn vtest() -> Vec<Look> {
    type Row = (u64, Vec<(char, u32, i32, i32, i32, i32)>, Vec<(i32, i32, i32, i32)>);
    let edges = |l: i32, t: i32, r: i32, b: i32| {
        let [l, t, r, b] = [l, t, r, b].map(|x| x as f32 / 1000.0);
        UnitBox::new(l, t, r, b)
    };
    let look = |line: &str| {
        let (ms, found, moving): Row = serde_json::from_str(line).expect("a line of the recording");
        let detections = found
            .into_iter()
            .map(|(letter, confidence, l, t, r, b)| Detection {
                class: Class::ALL["pbmcutdhsw".find(letter).expect("a known class")],
                confidence: confidence as f32 / 1000.0,
                bbox: edges(l, t, r, b),
            })
            .collect();
        let regions = moving.into_iter().map(|(l, t, r, b)| edges(l, t, r, b)).collect();
        Look { ms, detections, motion: Motion { regions, ..Motion::default() } }
    };
    VTEST.lines().map(look).collect()
}

/// The demo's configuration.
pub(crate) fn demo() -> Config {
    config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &config::Machine)
        .expect("the demo is valid")
}

/// A camera of the demo that has rules.
pub(crate) fn camera(config: &Config) -> Arc<Camera> {
    let camera = config.cameras.iter().find(|camera| !camera.rules.is_empty());
    Arc::clone(camera.expect("the demo has rules"))
}

/// The village street in H.264, encoded once and kept.
pub(crate) fn street() -> Result<Material, SimError> {
    Material::prepare(Path::new(".cache/sim"), &mut |_| ())
}
