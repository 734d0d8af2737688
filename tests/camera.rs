//! Cameras over real sockets: gst-rtsp-server for what cameras do, a scripted server for what they should not do.

use std::{sync::Arc, time::Duration};

use cunkou::{
    camera::{AccessUnit, Ending, Limits, Pace, Source, StreamEvent, StreamInfo, survey},
    config::{
        AttentionPolicy, Camera, Credentials, Name, RecordPolicy, Secret, StreamRole, Transport, ViewPolicy,
    },
    time::Clock,
};

#[path = "camera/fake.rs"]
mod fake;
#[path = "camera/gst.rs"]
mod gst;
#[path = "camera/interop.rs"]
mod interop;
#[path = "camera/opening.rs"]
mod opening;
#[path = "camera/pacing.rs"]
mod pacing;
#[path = "camera/sound.rs"]
mod sound;
#[path = "camera/streaming.rs"]
mod streaming;
#[path = "camera/surveys.rs"]
mod surveys;

/// How long a test waits for what must happen: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// A limit that is meant to be reached.
const SHORT: Duration = Duration::from_millis(300);

/// A camera at `url`. Each test has an id of its own: sessions of one camera wait for each other.
fn camera(id: &str, url: &str) -> Camera {
    Camera {
        id: id.parse().expect("an id"),
        name: Name { zh: "村口".to_owned(), en: "gate".to_owned() },
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: url.parse().expect("a URL"),
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
        zones: Default::default(),
        lines: Default::default(),
        rules: Vec::new(),
    }
}

fn with_password(mut camera: Camera, user: &str, password: &str) -> Camera {
    let (user, password) = (user.to_owned(), Secret::new(password.to_owned()));
    camera.credentials = Some(Credentials { user, password });
    camera
}

/// Limits that no test reaches by being slow.
fn patient() -> Limits {
    Limits {
        connect: PATIENCE,
        describe: PATIENCE,
        setup: PATIENCE,
        play: PATIENCE,
        silence: PATIENCE,
        keyframe: PATIENCE,
        ..Limits::default()
    }
}

fn source(camera: Camera, limits: Limits) -> Source {
    Source::connect(&Arc::new(camera), StreamRole::Main, limits, Clock::start(), &Pace::default())
}

/// What is known of a camera's main stream at its first key frame.
async fn first_key(camera: Camera, limits: Limits) -> Result<StreamInfo, Ending> {
    let (camera, pace) = (Arc::new(camera), Pace::default());
    survey(&camera, StreamRole::Main, limits, &pace, Duration::ZERO).await.map(|survey| survey.info)
}

async fn next(source: &mut Source) -> StreamEvent {
    tokio::time::timeout(PATIENCE, source.next()).await.expect("an event comes")
}

async fn playing(source: &mut Source) -> StreamInfo {
    match next(source).await {
        StreamEvent::Playing(info) => info,
        other => panic!("instead of playing: {other:?}"),
    }
}

/// The next access unit, and what changed before it.
async fn unit(source: &mut Source) -> (Option<StreamInfo>, AccessUnit) {
    let mut changed = None;
    loop {
        match next(source).await {
            StreamEvent::Unit(unit) => return (changed, unit),
            StreamEvent::Changed(info) => changed = Some(info),
            other => panic!("instead of a unit: {other:?}"),
        }
    }
}

/// How the stream ends.
async fn ending(source: &mut Source) -> Ending {
    loop {
        if let StreamEvent::Ended(ending) = next(source).await {
            return ending;
        }
    }
}

#[test]
fn a_source_may_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
}
