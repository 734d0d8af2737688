//! Scripts of a camera's life: what the lane does about each event.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    core::{Act, Event, Lane},
    filming::Wish,
};
use crate::{
    alert::Change,
    camera::{AccessUnit, Codec, Ending, Limits, State, StreamEvent, StreamInfo},
    config::{self, Camera, Canned, StreamRole},
    decode::{Frame, Picture},
    detect::{Class, Detection, Facts, SureFrom, View},
    gate::Share,
    geometry::{Size, UnitBox},
    id::Mint,
    lane::{Glimpse, Seen},
    metrics::Metrics,
    motion::Motion,
    time::{MediaTime, Mono, Now, Wall},
};

const FACTS: Facts = Facts { input_side_px: 416, sure_from: SureFrom([0.4; 10]) };
const STEP: Duration = Duration::from_millis(200);

/// A lane, its time, and what it left to be done.
struct Script {
    lane: Lane,
    metrics: Metrics,
    now: Now,
    acts: Vec<Act>,
    frames: u64,
}

fn camera(maintenance: bool) -> Arc<Camera> {
    ruled(
        maintenance,
        "[rule.r]\nkind = \"zone-enter\"\nname = \"R\"\nseverity = \"warning\"\nclasses = [\"person\"]\n",
    )
}

fn ruled(maintenance: bool, rules: &str) -> Arc<Camera> {
    let text = format!(
        "[station]\nid = \"s\"\nname = \"S\"\n[broker]\nkind = \"embedded\"\n[village.v]\nname = \"V\"\n\
         [entry_point.e]\nvillage = \"v\"\nlevel = \"line\"\nname = \"E\"\n\
         [camera.c]\nentry_point = \"e\"\nname = \"C\"\nmain = \"rtsp://127.0.0.1/c\"\nmaintenance = {maintenance}\n{rules}"
    );
    let config = config::parse(&text, "test", Path::new("."), &Canned::default());
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    Arc::clone(&config.cameras[0])
}

impl Script {
    fn new(maintenance: bool) -> Self {
        let now =
            Now { mono: Mono::ZERO + Duration::from_secs(100), wall: Wall::from_unix_ms(1_773_079_200_000) };
        let metrics = Metrics::new();
        let lane = Lane::new(
            camera(maintenance),
            FACTS,
            &Limits::default(),
            Share::default(),
            Mint::seeded(1),
            metrics.clone(),
            now,
        );
        Self { lane, metrics, now, acts: Vec::new(), frames: 0 }
    }

    fn playing() -> Self {
        let mut script = Self::new(false);
        script.wait(Duration::ZERO);
        script.play();
        script
    }

    /// The camera plays; what led to it is forgotten.
    fn play(&mut self) {
        let info = StreamInfo { codec: Codec::H264, size: None, rfc6381: None, audio: None };
        self.event(Event::Stream(StreamEvent::Playing(info)));
        self.acts.clear();
    }

    fn event(&mut self, event: Event) {
        self.lane.apply(self.now, event, &mut self.acts);
    }

    /// Lets time pass, with the ticks that the lane asks for.
    fn wait(&mut self, time: Duration) {
        let until = self.now.mono + time;
        while let Some(deadline) = self.lane.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.after(deadline.since(self.now.mono));
            self.event(Event::Tick);
        }
        self.now = self.now.after(until.since(self.now.mono));
    }

    fn unit(&mut self) {
        let media = MediaTime::from_ms(self.now.mono.since_start().as_millis() as i64);
        self.event(Event::Stream(StreamEvent::Unit(AccessUnit {
            role: StreamRole::Main,
            codec: Codec::H264,
            data: Bytes::from_static(&[0; 8]),
            is_key: true,
            media,
            camera_clock: None,
            arrived: self.now,
            packets_lost: 0,
        })));
    }

    /// A unit comes, is decoded, and people are seen at these places across the picture; says whether the detector was asked.
    fn look(&mut self, people: &[f32]) -> bool {
        self.wait(STEP);
        self.unit();
        assert!(matches!(self.acts.pop(), Some(Act::Look(_))), "the decoder is asked");
        self.frames += 1;
        let boxes: Vec<UnitBox> = people.iter().map(|x| UnitBox::new(x - 0.01, 0.3, x + 0.01, 0.6)).collect();
        let frame = Frame {
            number: self.frames,
            media: MediaTime::from_ms(self.now.mono.since_start().as_millis() as i64),
            arrived: self.now,
            camera_clock: None,
            picture: Picture::grey(Size::new(32, 18), 100),
        };
        let regions = boxes.iter().map(|there| there.grown(0.1).clamped()).take(16).collect();
        let motion =
            Motion { regions, changed_share: 0.1, luma_mean: 100.0, luma_deviation: 40.0, repeats: false };
        self.event(Event::Seen(Seen {
            glimpses: vec![Glimpse { frame, motion }],
            decoded: 1,
            ..Seen::default()
        }));
        let Some(index) = self.acts.iter().position(|act| matches!(act, Act::Detect(..))) else {
            return false;
        };
        let Act::Detect(frame, ..) = self.acts.remove(index) else { unreachable!("found above") };
        let found = boxes.into_iter().map(|bbox| Detection { class: Class::Person, confidence: 0.8, bbox });
        self.event(Event::Detected { frame, view: View::Full, found: Ok(found.collect()) });
        true
    }

    /// Somebody walks through the picture for so many looks.
    fn walk(&mut self, looks: usize) {
        for i in 0..looks {
            self.look(&[0.2 + 0.02 * i as f32]);
        }
    }

    /// The verdicts left so far, oldest first.
    fn filed(&mut self) -> Vec<Change> {
        let acts = std::mem::take(&mut self.acts);
        let (filed, other): (Vec<Act>, Vec<Act>) =
            acts.into_iter().partition(|act| matches!(act, Act::File(_)));
        self.acts = other;
        filed
            .into_iter()
            .filter_map(|act| if let Act::File(filing) = act { Some(filing.verdict.change) } else { None })
            .collect()
    }

    fn connects(&self) -> usize {
        self.acts.iter().filter(|act| matches!(act, Act::Connect)).count()
    }

    fn told(&self) -> Vec<State> {
        self.acts
            .iter()
            .filter_map(|act| if let Act::Tell(health) = act { Some(health.state) } else { None })
            .collect()
    }
}

#[test]
fn a_lost_camera_is_tried_again_for_ever_and_its_eye_is_cut() {
    let mut script = Script::new(false);
    script.wait(Duration::ZERO);
    assert_eq!(script.connects(), 1, "at once");
    for attempt in 2..50 {
        script.acts.clear();
        script.event(Event::Stream(StreamEvent::Ended(Ending::Refused("no".into()))));
        assert!(script.acts.iter().any(|act| matches!(act, Act::CutEye)));
        assert_eq!(script.connects(), 0, "not at once");
        script.wait(Duration::from_secs(61));
        assert_eq!(script.connects(), 1, "attempt {attempt}");
    }
}

#[test]
fn a_camera_in_maintenance_is_not_connected_and_says_so() {
    let mut script = Script::new(true);
    script.wait(Duration::from_secs(200));
    assert_eq!(script.connects(), 0);
    let told = script.told();
    assert!(told.len() >= 3 && told.iter().all(|state| *state == State::Maintenance), "{told:?}");
}

#[test]
fn health_is_told_on_change_and_every_minute() {
    let mut script = Script::playing();
    script.look(&[]);
    assert_eq!(script.told(), [State::Online]);
    script.acts.clear();
    for _ in 0..340 {
        script.look(&[]);
    }
    let told = script.told();
    assert_eq!(told, [State::Online; 2], "once its rates are known, and once in the minute after");
}

#[test]
fn one_visitor_is_raised_once_and_ends_when_gone() {
    let mut script = Script::playing();
    script.walk(10);
    assert_eq!(script.filed().iter().filter(|change| **change == Change::Raised).count(), 1);
    for _ in 0..100 {
        script.look(&[]);
    }
    let filed = script.filed();
    assert_eq!(filed.iter().filter(|change| **change == Change::Ended).count(), 1, "{filed:?}");
    assert!(!filed.contains(&Change::Raised), "{filed:?}");
    let wishes: Vec<Wish> = script
        .acts
        .iter()
        .filter_map(|act| if let Act::Film(wish) = act { Some(*wish) } else { None })
        .collect();
    let [Wish::Raised(raised), Wish::Over(over)] = wishes[..] else { panic!("{wishes:?}") };
    assert_eq!(raised, over, "it is recorded from its begin to its end");
}

#[test]
fn alerts_outlive_a_camera_that_blinks_and_end_when_it_stays_away() {
    let mut script = Script::playing();
    script.walk(10);
    script.filed();
    let lost = || Event::Stream(StreamEvent::Ended(Ending::Closed));
    script.event(lost());
    script.wait(Duration::from_secs(10));
    assert_eq!(script.filed(), [], "it may only blink");
    script.play();
    script.unit();
    script.event(lost());
    script.wait(Duration::from_secs(10));
    script.play();
    script.event(lost());
    script.wait(Duration::from_secs(4));
    assert_eq!(script.filed(), [], "the time counts from the last picture");
    script.wait(Duration::from_secs(2));
    assert_eq!(script.filed(), [Change::Ended], "a camera that plays and shows nothing is no sight");
}

#[test]
fn a_lane_whose_verdicts_wait_sheds_detection_and_nothing_else() {
    let mut script = Script::playing();
    let crowd =
        |i: usize| -> Vec<f32> { (0..24).map(|n| 0.02 + 0.04 * n as f32 + 0.001 * i as f32).collect() };
    let mut asked = 0;
    let mut filed = 0;
    for i in 0..40 {
        asked += usize::from(script.look(&crowd(i)));
        filed += script.filed().len();
    }
    assert!(filed >= 16, "{filed}");
    let shed = script.metrics.frames_skipped.get_or_create(&(&script.lane.camera().id).into()).get();
    assert_eq!(asked as u64 + shed, 40, "each frame was shown or counted");
    assert!(shed > 0);
    let units = script.metrics.access_units.get_or_create(&(&script.lane.camera().id).into()).get();
    assert_eq!(units, 40, "it goes on reading");
    for _ in 0..filed {
        script.event(Event::Filed);
    }
    assert!(!script.lane.is_filing());
    assert!(script.look(&crowd(41)), "and sees again");
}

#[test]
fn a_stop_ends_what_is_open_and_is_final() {
    let mut script = Script::playing();
    script.walk(10);
    let raised = script.filed().len();
    script.event(Event::Stop);
    let ended = script.filed();
    assert_eq!(ended, [Change::Ended]);
    assert_eq!(script.lane.deadline(), None);
    assert!(script.lane.is_filing(), "the clerk has not answered yet");
    for _ in 0..raised + ended.len() {
        script.event(Event::Filed);
    }
    assert!(!script.lane.is_filing());
    script.unit();
    assert!(!script.acts.iter().any(|act| matches!(act, Act::Look(_) | Act::Connect)), "{:?}", script.acts);
}

#[test]
fn a_detector_that_fails_costs_frames_and_is_counted() {
    let mut script = Script::playing();
    script.wait(STEP);
    for _ in 0..3 {
        let picture = Picture::grey(Size::new(32, 18), 100);
        script.frames += 1;
        let frame = Frame {
            number: script.frames,
            media: MediaTime::default(),
            arrived: script.now,
            camera_clock: None,
            picture,
        };
        script.event(Event::Detected { frame, view: View::Full, found: Err("NaN in the outputs".into()) });
    }
    let errors = script.metrics.detect_errors.get_or_create(&(&script.lane.camera().id).into()).get();
    assert_eq!((errors, script.acts.len()), (3, 0));
}

#[test]
fn a_stream_that_cannot_be_decoded_is_degraded_and_says_why() {
    let mut script = Script::playing();
    for i in 0..80 {
        script.wait(STEP);
        script.unit();
        let failed = (i < 60).then(|| "no decoder for H265".to_owned());
        let decoded = u32::from(failed.is_none());
        script.event(Event::Seen(Seen { glimpses: Vec::new(), decoded, failed, ..Seen::default() }));
    }
    let mut told: Vec<(State, Option<String>)> = Vec::new();
    for act in &script.acts {
        if let Act::Tell(health) = act {
            told.push((health.state, health.detail.clone()));
        }
    }
    told.dedup();
    let states: Vec<State> = told.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, [State::Online, State::Degraded], "{told:?}");
    let words = told[1].1.as_deref().unwrap_or_default();
    assert!(words.contains("no decoder for H265"), "{words}");
    script.acts.clear();
    for _ in 0..40 {
        script.look(&[]);
    }
    assert_eq!(script.told().first(), Some(&State::Online), "mended");
}

#[test]
fn a_camera_that_is_drawn_anew_plays_on_and_ends_what_is_of_no_rule_any_more() {
    let mut script = Script::playing();
    script.walk(10);
    assert_eq!(script.filed(), [Change::Raised]);
    // The decoder and the detector are at work: what they have in hand is judged by what is drawn meanwhile.
    script.wait(STEP);
    script.unit();
    assert!(matches!(script.acts.pop(), Some(Act::Look(_))));
    let same =
        "[rule.r]\nkind = \"zone-enter\"\nname = \"R\"\nseverity = \"major\"\nclasses = [\"person\"]\n";
    let drawn = ruled(false, same);
    script.acts.clear();
    assert_ne!(drawn.rules[0].version, script.lane.camera().rules[0].version);
    script.event(Event::Redrawn(Arc::clone(&drawn)));
    assert_eq!(script.filed(), [], "its rule is still there");
    assert!(
        matches!(&script.acts[..], [Act::Redraw(camera)] if Arc::ptr_eq(camera, &drawn)),
        "{:?}",
        script.acts
    );
    assert!(Arc::ptr_eq(script.lane.camera(), &drawn));
    script.acts.clear();
    script.event(Event::Seen(Seen { decoded: 1, ..Seen::default() }));
    for _ in 0..20 {
        assert!(script.look(&[0.4]), "each unit is looked at");
    }
    assert_eq!(
        (script.connects(), script.filed()),
        (0, vec![]),
        "nothing is raised, ended or connected to anew"
    );
    let other = same.replace("[rule.r]", "[rule.other]");
    script.event(Event::Redrawn(ruled(false, &other)));
    assert_eq!(script.filed(), [Change::Ended]);
    assert!(script.acts.iter().any(|act| matches!(act, Act::Film(Wish::Over(_)))));
    let of = (&script.lane.camera().id).into();
    let skipped = script.metrics.units_skipped.get_or_create(&of).get();
    let units = script.metrics.access_units.get_or_create(&of).get();
    assert_eq!((units, skipped), (31, 0), "no unit is dropped");
    script.walk(3);
    assert_eq!(script.filed(), [Change::Raised], "the other rule is at work");
}
