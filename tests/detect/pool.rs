//! The pool, with a real model behind it.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use cunkou::{
    config::{AttentionPolicy, Camera, Name, Provider, RecordPolicy, StreamRole, Transport, ViewPolicy},
    decode::{Frame, Picture},
    detect::{Detected, Job, Model, View, start_pool},
    geometry::{PixelRect, Size},
    metrics::Metrics,
    time::{MediaTime, Mono, Now},
};

use super::{TINY, runtime};

fn camera(id: &str) -> Arc<Camera> {
    Arc::new(Camera {
        id: id.parse().expect("an id"),
        name: Name { zh: id.to_owned(), en: id.to_owned() },
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: "rtsp://127.0.0.1/".parse().expect("a URL"),
        sub: None,
        credentials: None,
        transport: Transport::Tcp,
        analyse: StreamRole::Main,
        attention: AttentionPolicy::Always,
        look_every: Duration::from_secs(10),
        record: RecordPolicy::off(),
        detect_fps: 5.0,
        view: ViewPolicy::Auto,
        masks: Vec::new(),
        zones: BTreeMap::new(),
        lines: BTreeMap::new(),
        rules: Vec::new(),
    })
}

fn job(camera: &Arc<Camera>, number: u64, view: View, to: &mpsc::Sender<(String, Detected)>) -> Job {
    let frame = Frame {
        number,
        media: MediaTime::default(),
        arrived: Now::default(),
        camera_clock: None,
        picture: Picture::grey(Size::new(96, 96), 100),
    };
    let to = to.clone();
    let done = Box::new(move |detected| {
        let name = thread::current().name().unwrap_or_default().to_owned();
        to.send((name, detected)).expect("the test listens");
    });
    Job { camera: Arc::clone(camera), frame, view, done }
}

#[test]
fn the_pool_answers_each_camera_on_named_threads_and_counts() {
    let Some(runtime) = runtime() else { return };
    let model = Model::load(Path::new(TINY), &"yolov8".parse().expect("an id")).expect("it loads");
    let metrics = Metrics::new();
    let two = NonZeroUsize::new(2).expect("not zero");
    let pool = start_pool(&runtime, &model, Provider::Cpu, two, metrics.clone()).expect("it starts");
    let (to, from) = mpsc::channel();
    let cameras: Vec<_> = (0..5).map(|index| camera(&format!("gate-{index}"))).collect();
    for camera in &cameras {
        pool.slots().put(camera.id.clone(), Mono::ZERO, job(camera, 7, View::Full, &to));
    }
    for _ in &cameras {
        let (name, detected) = from.recv_timeout(Duration::from_secs(30)).expect("an answer");
        assert!(name.starts_with("detect-"), "{name}");
        assert_eq!((detected.frame.number, &detected.view), (7, &View::Full));
        assert!(!detected.result.expect("it detects").is_empty());
        assert!(detected.spent > Duration::ZERO);
    }
    // A view that leaves the picture is that frame's error, and the worker goes on.
    let outside = View::Crops(vec![PixelRect { x: 90, y: 0, w: 50, h: 50 }]);
    for (view, fails) in [(outside, true), (View::Full, false)] {
        pool.slots().put(cameras[0].id.clone(), Mono::ZERO, job(&cameras[0], 8, view, &to));
        let (_, detected) = from.recv_timeout(Duration::from_secs(30)).expect("an answer");
        assert_eq!(detected.result.is_err(), fails);
    }
    pool.stop();
    let text = metrics.render();
    assert!(text.contains("cunkou_frames_detected_total{camera=\"gate-0\"} 3"), "{text}");
    assert!(text.contains("cunkou_detect_seconds_count 7"), "{text}");
}
