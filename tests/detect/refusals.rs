//! Models and descriptions that are wrong are refused in words.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cunkou::{
    config::Provider,
    detect::{DetectError, Detector, Model, Runtime},
};

use super::{TINY, runtime};

/// A copy of a tiny model whose description was changed, by replacing a text that must be there.
fn changed(dir: &Path, name: &str, from: &str, to: &str) -> Result<Model, DetectError> {
    let text = fs::read_to_string(format!("{TINY}/{name}.toml")).expect("a tiny model");
    assert!(text.contains(from), "{name}.toml does not hold {from:?}");
    fs::write(dir.join("changed.toml"), text.replacen(from, to, 1)).expect("written");
    fs::copy(format!("{TINY}/{name}.onnx"), dir.join(format!("{name}.onnx"))).expect("copied");
    Model::load(dir, &"changed".parse().expect("an id"))
}

#[test]
fn a_wrong_description_is_refused_with_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    // The model, what is replaced, by what, the text at whose line the mistake is shown, and words of the explanation.
    for (name, from, to, at, why) in [
        ("yolov8", "\"person\"", "\"face\"", "\"face\"", "class \"face\" is not allowed"),
        ("yolov8", "\"person\"", "\"man\"", "\"man\"", "traits of people"),
        ("yolov8", "[input]\n", "[input]\nanchors = 3\n", "anchors", "unknown field `anchors`"),
        ("yolov8", "width = 48", "width = 4", "width", "8 to 4096 pixels"),
        ("yolov8", "width = 48", "width = \"x\"", "width", "invalid type"),
        ("yolov8", "count = 5", "count = 3", "index = 3", "none of the model's 3 classes"),
        ("yolov8", "index = 2,", "index = 0,", "\"car\"", "kept twice"),
        ("yolov8", "threshold = 0.5 ", "threshold = 1.5 ", "1.5", "above 0 and below 1"),
        ("yolov8", "count = 5", "count = 5\ndoubtful-from = 0", "doubtful-from", "above 0 and below 1"),
        ("yolov8", "person = 0.5", "person = 0.0", "[same-above]", "intersections over union"),
        ("yolov8", "file = \"", "file = \"../", "file", "beside the description"),
        ("yolov8", "[output.yolov8]", "[output.yolov80]", "[output", "yolov80"),
        ("yolox", "strides = [8, ", "strides = [0, ", "[output", "`strides`"),
        ("nanodet-raw", "reg-max = 7", "reg-max = 700", "[output", "`reg-max`"),
        ("echo-nhwc-u8-rgb", "fit = ", "scale = 0.5\nfit = ", "element", "bytes are fed as they are"),
        ("yolov8", "layout = \"nchw\"", "layout = \"chw\"", "layout", "unknown variant `chw`"),
    ] {
        let err = changed(dir.path(), name, from, to).expect_err(to);
        let text = err.to_string();
        assert!(matches!(err, DetectError::Description { .. }), "{to}: {err:?}");
        let written = fs::read_to_string(dir.path().join("changed.toml")).expect("written");
        let line = 1 + written.lines().position(|line| line.contains(at)).expect("it is there");
        assert!(text.contains(&format!("changed.toml:{line}:")), "{to}: not in line {line}: {text}");
        assert!(text.contains(why), "{to}: no {why:?} in: {text}");
    }
}

#[test]
fn a_file_that_is_another_one_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let id = |name: &str| name.parse().expect("an id");
    let missing = Model::load(dir.path(), &id("nothing")).expect_err("nothing there");
    assert!(
        matches!(&missing, DetectError::DescriptionMissing { known, .. } if known.is_empty()),
        "{missing}"
    );
    changed(dir.path(), "yolov8", "name", "name").expect("unchanged");
    assert_eq!(Model::list(dir.path()).expect("readable"), [id("changed")]);
    let missing = Model::load(dir.path(), &id("nothing")).expect_err("nothing there");
    assert!(missing.to_string().ends_with("described are: changed"), "{missing}");
    fs::write(dir.path().join("yolov8.onnx"), b"another").expect("written");
    let other = Model::load(dir.path(), &id("changed")).expect_err("another file");
    assert!(matches!(other, DetectError::Checksum { .. }), "{other}");
    fs::remove_file(dir.path().join("yolov8.onnx")).expect("removed");
    let gone = Model::load(dir.path(), &id("changed")).expect_err("no file");
    assert!(matches!(gone, DetectError::Unreadable { .. }), "{gone}");
}

#[test]
fn a_model_that_is_not_as_described_is_refused_when_it_is_opened() {
    let Some(runtime) = runtime() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let families = [
        ("yolov8", "count = 5", "count = 6", "expected"),
        ("yolov8", "name = \"image\"", "name = \"images\"", "there is no input \"images\"; there are: image"),
        ("yolov8", "height = 32", "height = 48", "input \"image\" is"),
        ("yolov8", "layout = \"nchw\"", "layout = \"nhwc\"", "input \"image\" is"),
        ("nanodet", "element = \"u8\"", "element = \"f32\"", "input \"image\" is"),
        (
            "yolov8",
            "tensor = \"output0\"",
            "tensor = \"output\"",
            "there is no output \"output\"; there are: output0",
        ),
        (
            "detr-labels",
            "target-size = \"orig_target_sizes\"\n",
            "",
            "it wants another input, \"orig_target_sizes\"",
        ),
        ("detr-labels", "labels = \"labels\"", "labels = \"scores\"", "holds f32, where i64 or i32"),
        ("yolox", "strides = [8, 16, 32]", "strides = [8, 16]", "has the shape"),
        ("nanodet", "scores = \"scores\"", "scores = \"boxes\"", "has the shape"),
        ("detr", "boxes = \"pred_boxes\"", "boxes = \"pred_logits\"", "has the shape"),
    ];
    for (name, from, to, why) in families {
        let model = changed(dir.path(), name, from, to).expect("the description alone is well");
        let err = Detector::open(&runtime, &model, Provider::Cpu).expect_err(to);
        assert!(matches!(err, DetectError::Mismatch { .. }), "{to}: {err:?}");
        assert!(err.to_string().contains(why), "{to}: no {why:?} in: {err}");
    }
}

#[test]
fn damaged_models_are_refused() {
    let Some(runtime) = runtime() else { return };
    let model = Model::load(Path::new(TINY), &"not-a-number".parse().expect("an id")).expect("it loads");
    let err = Detector::open(&runtime, &model, Provider::Cpu).expect_err("it says NaN");
    assert!(matches!(err, DetectError::Output { .. }), "{err:?}");

    let dir = tempfile::tempdir().expect("a directory");
    let text = fs::read_to_string(format!("{TINY}/yolov8.toml")).expect("a tiny model");
    let whole = fs::read(format!("{TINY}/yolov8.onnx")).expect("a tiny model");
    for damaged in [&whole[..whole.len() / 2], b"no model", b""] {
        use sha2::{Digest, Sha256};
        let digest: String = Sha256::digest(damaged).iter().map(|byte| format!("{byte:02x}")).collect();
        let line = text.lines().find(|line| line.starts_with("sha256")).expect("there is one");
        fs::write(dir.path().join("damaged.toml"), text.replace(line, &format!("sha256 = \"{digest}\"")))
            .expect("written");
        fs::write(dir.path().join("yolov8.onnx"), damaged).expect("written");
        let model = Model::load(dir.path(), &"damaged".parse().expect("an id")).expect("as described");
        let err = Detector::open(&runtime, &model, Provider::Cpu).expect_err("it is damaged");
        assert!(matches!(err, DetectError::Unloadable { .. }), "{err:?}");
    }
}

#[test]
fn a_provider_that_is_not_there_is_refused_and_nothing_takes_its_place() {
    let Some(runtime) = runtime() else { return };
    let have = runtime.providers();
    assert!(have.contains(&Provider::Cpu));
    let model = Model::load(Path::new(TINY), &"yolov8".parse().expect("an id")).expect("it loads");
    for provider in [Provider::Cuda, Provider::Tensorrt, Provider::Openvino] {
        if !have.contains(&provider) {
            let err = Detector::open(&runtime, &model, provider).expect_err("not built in");
            assert!(matches!(err, DetectError::Provider { .. }), "{err:?}");
            assert!(err.to_string().contains("it has: cpu"), "{err}");
        }
    }
}

#[test]
fn a_process_has_one_runtime() {
    let Some(runtime) = runtime() else { return };
    let again = Runtime::load(Some(runtime.path())).expect("the same again");
    assert_eq!(again.path(), runtime.path());
    let other = PathBuf::from("/nonexistent/libonnxruntime.so");
    let err = Runtime::load(Some(&other)).expect_err("another one");
    assert!(matches!(err, DetectError::RuntimeLoaded { .. }), "{err:?}");
}
