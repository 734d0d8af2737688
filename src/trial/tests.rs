//! A short street in two encodings, with the shipped model.

use super::*;
use crate::{
    config::{self, Hardware, Provider},
    detect::{Model, Runtime},
    sim::material::{Guise, Recoding, Street},
};

#[test]
fn a_visit_is_caught_and_not_everything_is_decoded() {
    let Ok(street) = Street::open(std::path::Path::new(".cache/sim"), 1) else {
        eprintln!("skipped: opencv-doc's footage is not there");
        return;
    };
    let model = Model::load("models".as_ref(), &"nanodet-g-416-int8".parse().unwrap()).unwrap();
    let Ok(runtime) = Runtime::load(None) else {
        eprintln!("skipped: there is no ONNX Runtime");
        return;
    };
    let mut detector = Detector::open(&runtime, &model, Provider::Cpu).unwrap();
    let config = config::parse(
        config::replay_toml(),
        "config/replay.toml",
        std::path::Path::new("config"),
        &config::Machine,
    );
    let mut setting = Setting {
        camera: Arc::clone(&config.unwrap().cameras[0]),
        facts: model.facts(),
        backend: Backend::choose(Hardware::Off).unwrap(),
        detector: &mut detector,
    };
    for coding in ["h264-q24-gop2s", "h264-cbr512-gop2s"] {
        let coding: crate::sim::material::Coding = coding.parse().unwrap();
        let recoding = Recoding { coding, size: None, rate: None, noise: None };
        let (film, visits) = street.film(&recoding, Guise::OWN).unwrap();
        let guard = Grant::Sparse { every: Duration::from_secs(6) };
        let gated = play(&film, coding.codec, &visits, guard, &mut setting);
        let always = play(&film, coding.codec, &visits, Grant::Always, &mut setting);
        assert_eq!(always.decoded, always.units, "{coding}: everything is decoded");
        let told = report(&gated, &always);
        assert_eq!((told.visits, told.caught_always, told.caught), (1, 1, 1), "{coding}: {told:?}");
        assert!(gated.decoded < always.decoded, "{coding}: {told:?}");
        assert!(gated.looks > 2, "{coding}: {told:?}");
    }
}
