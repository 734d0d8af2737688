//! A camera's recording over scripted and generated events. The writer is played by the test.

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;

use super::{
    super::{Segment, testing::unit_at},
    *,
};
use crate::{
    camera::Codec,
    config::{Hours, HoursSpan},
    id::Mint,
    testing::camera,
    time::MediaTime,
};

/// Midnight of a Monday, UTC.
const START_MS: i64 = 1_790_553_600_000;

/// A camera, its recorder, a clock that can be set, and a writer that takes what it likes.
struct Stage {
    recorder: Recorder,
    mono_ms: u64,
    /// Civil time minus monotonic time.
    offset_ms: i64,
    media_ms: i64,
    mint: Mint,
    /// Segments that the writer has, and their fragments; whether they are closed.
    files: BTreeMap<SegmentKey, (usize, bool)>,
    /// What the writer refuses with.
    refuses: Option<GapCause>,
    paths: Vec<PathBuf>,
    segments: Vec<Segment>,
    gaps: BTreeMap<Wall, Gap>,
    ready: Vec<AlertId>,
}

impl Stage {
    fn new(when: RecordWhen, hours: Option<Hours>) -> Self {
        let mut camera = camera();
        camera.record.when = when;
        camera.record.hours = hours.map(Arc::new);
        Self::of(camera)
    }

    fn of(camera: Camera) -> Self {
        let recording = Recording {
            segment: Duration::from_secs(60),
            pre_roll: Duration::from_secs(5),
            post_roll: Duration::from_secs(5),
            keep_min: Duration::from_secs(86_400),
            keep_max: Duration::from_secs(86_400),
        };
        let now = Now { mono: Mono::ZERO, wall: Wall::from_unix_ms(START_MS) };
        let station = "north".parse().expect("an id");
        let mut recorder = Recorder::new(Arc::new(camera), station, recording, Metrics::new(), now, now.wall);
        recorder.phase_us = 0;
        Self {
            recorder,
            mono_ms: 0,
            offset_ms: START_MS,
            media_ms: 0,
            mint: Mint::seeded(1),
            files: BTreeMap::new(),
            refuses: None,
            paths: Vec::new(),
            segments: Vec::new(),
            gaps: BTreeMap::new(),
            ready: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: Mono::from_start(Duration::from_millis(self.mono_ms)),
            wall: Wall::from_unix_ms(self.mono_ms as i64 + self.offset_ms),
        }
    }

    fn apply(&mut self, event: Event) {
        let mut acts = Vec::new();
        self.recorder.apply(self.now(), event, &mut acts);
        let mut refused = Vec::new();
        for act in acts {
            match act {
                Act::Open { key, path, .. } => match self.refuses {
                    Some(cause) => refused.push((key, None, cause)),
                    None => {
                        self.paths.push(path);
                        self.files.insert(key, (0, false));
                    }
                },
                Act::Append(key, bytes) => {
                    assert!(bytes.len() < 300 << 10);
                    let Some((fragments, _)) = self.files.get_mut(&key) else { continue };
                    if refused.iter().any(|(of, ..)| *of == key) {
                        continue;
                    }
                    match self.refuses {
                        Some(cause) => refused.push((key, Some(*fragments), cause)),
                        None => *fragments += 1,
                    }
                }
                Act::Close(key) => {
                    if let Some((_, is_closed)) = self.files.get_mut(&key) {
                        *is_closed = true;
                    }
                }
                Act::Tell(News::Segment(segment)) => self.segments.push(segment),
                Act::Tell(News::Gap(gap)) => {
                    assert!(gap.from < gap.to, "{gap:?}");
                    let before = self.gaps.insert(gap.from, gap.clone());
                    assert!(before.is_none_or(|b| b.to <= gap.to && b.cause == gap.cause), "{gap:?}");
                }
                Act::Tell(News::Ready(ready)) => self.ready.push(ready.alert),
            }
        }
        for (key, taken, cause) in refused {
            self.apply(Event::Refused { key, taken, cause });
        }
    }

    fn pass(&mut self, ms: u64) {
        self.mono_ms += ms;
        self.media_ms += ms as i64;
    }

    fn play(&mut self) {
        let info = StreamInfo { codec: Codec::H264, size: None, rfc6381: None, audio: None };
        self.apply(Event::Stream(info));
    }

    fn unit(&mut self, is_key: bool, len: usize) {
        let unit = unit_at(self.now(), MediaTime::from_ms(self.media_ms), is_key, len);
        self.apply(Event::Unit(unit));
    }

    /// Plays for so long, ten units a second and a key frame each other second.
    fn stream(&mut self, seconds: u64) {
        for n in 0..seconds * 10 {
            if n % 10 == 0 {
                self.apply(Event::Tick);
            }
            self.unit(n % 20 == 0, 1000);
            self.pass(100);
        }
    }

    /// The writer says its last word on what is closed.
    fn write(&mut self) {
        let closed: Vec<_> =
            self.files.iter().filter(|(_, file)| file.1).map(|(key, file)| (*key, file.0)).collect();
        for (key, fragments) in closed {
            self.files.remove(&key);
            self.apply(Event::Written { key, fragments, trouble: None });
        }
    }

    /// The disk fails, at once and for whatever is open or waits: so many fragments of the last file are lost.
    fn fail(&mut self, lost: usize) {
        for (key, (fragments, _)) in std::mem::take(&mut self.files) {
            let fragments = fragments.saturating_sub(lost);
            self.apply(Event::Written { key, fragments, trouble: Some(GapCause::DiskFailed) });
        }
    }

    /// What is told, in order of time: seconds since the start, and what.
    fn told(&self) -> Vec<(f64, f64, &'static str)> {
        let s = |wall: Wall| (wall.unix_ms() - START_MS) as f64 / 1e3;
        let segments = self.segments.iter().map(|it| (s(it.from), s(it.to), "segment"));
        let gaps = self.gaps.values().map(|it| (s(it.from), s(it.to), it.cause.as_str()));
        let mut told: Vec<_> = segments.chain(gaps).collect();
        told.sort_by(|a, b| a.0.total_cmp(&b.0));
        told
    }

    fn stop(&mut self) {
        self.apply(Event::Stop);
        self.write();
        // What a disk that failed had open.
        self.fail(0);
        assert!(self.recorder.is_settled());
    }

    /// From the start to now, each moment is told once.
    fn check(&self) -> Result<(), String> {
        let mut at = Wall::from_unix_ms(START_MS);
        let mut spans: Vec<(Wall, Wall)> = self.segments.iter().map(|it| (it.from, it.to)).collect();
        spans.extend(self.gaps.values().map(|it| (it.from, it.to)));
        spans.sort();
        for (from, to) in spans {
            if from != at || to <= from {
                return Err(format!("{at}: {:?}", self.told()));
            }
            at = to;
        }
        if at != self.recorder.line.at() {
            return Err(format!("{at} is not {}: {:?}", self.recorder.line.at(), self.told()));
        }
        for segment in &self.segments {
            let bytes: u64 = segment.fragments.iter().map(|it| u64::from(it.len)).sum();
            assert_eq!(segment.bytes, u64::from(segment.init_len) + bytes);
            assert!(segment.fragments[0].is_key && segment.fragments[0].from == segment.from);
            assert!(segment.fragments.is_sorted_by(|a, b| a.from < b.from), "{segment:?}");
            assert!(segment.fragments.iter().all(|it| it.from < segment.to), "{segment:?}");
        }
        Ok(())
    }
}

#[test]
fn always_is_recorded_in_files_that_end_with_the_clock() {
    let mut stage = Stage::new(RecordWhen::Always, None);
    stage.pass(2_500);
    stage.apply(Event::Tick);
    stage.play();
    stage.stream(130);
    stage.write();
    stage.apply(Event::Ended);
    stage.pass(3_000);
    stage.stop();
    stage.check().expect("all of it is told");
    assert_eq!(
        stage.told(),
        [
            (0.0, 2.5, "offline"),
            (2.5, 60.5, "segment"),
            (60.5, 120.5, "segment"),
            (120.5, 132.5, "segment"),
            (132.5, 135.5, "offline"),
        ]
    );
    assert_eq!(stage.paths[1], Path::new("gate/2026-09-28/000100.500Z-main.mp4"));
    assert_eq!(stage.segments[1].fragments.len(), 30, "a fragment a group");
}

#[test]
fn around_alerts_is_recorded_from_the_pre_roll_to_the_post_roll() {
    let mut stage = Stage::new(RecordWhen::Alerts, None);
    stage.play();
    stage.stream(21);
    let (first, second) = (stage.mint.alert(stage.now().wall), stage.mint.alert(stage.now().wall));
    stage.apply(Event::Raised(first));
    stage.stream(4);
    stage.apply(Event::Raised(second));
    stage.apply(Event::Over(first));
    stage.stream(10);
    stage.apply(Event::Over(second));
    stage.stream(8);
    assert_eq!(stage.ready, [], "nothing is on the disk yet");
    stage.write();
    assert_eq!(stage.ready, [first, second]);
    stage.stop();
    stage.check().expect("all of it is told");
    let told = stage.told();
    assert_eq!(told.len(), 3, "{told:?}");
    // The newest unit came at 20.9, and five seconds before that the newest key frame at 14. Over at 35, five seconds later at 40; the next key frame is at 41.
    assert_eq!(told[1], (14.0, 41.0, "segment"), "one recording for both: {told:?}");
    assert_eq!((told[0].2, told[2].2), ("quiet", "quiet"));
}

#[test]
fn who_cuts_the_cable_is_recorded() {
    let mut stage = Stage::new(RecordWhen::Alerts, None);
    stage.play();
    stage.stream(10);
    stage.apply(Event::Ended);
    stage.pass(2_000);
    stage.apply(Event::Tick);
    let alert = stage.mint.alert(stage.now().wall);
    stage.apply(Event::Raised(alert));
    stage.write();
    stage.stop();
    stage.check().expect("all of it is told");
    let causes: Vec<_> = stage.told().iter().map(|it| it.2).collect();
    assert_eq!(causes, ["quiet", "segment", "offline"], "{:?}", stage.told());
    assert_eq!(stage.ready, [alert]);
}

#[test]
fn in_always_mode_an_alert_is_ready_before_its_file_would_have_ended() {
    let mut stage = Stage::new(RecordWhen::Always, None);
    stage.play();
    stage.stream(4);
    let alert = stage.mint.alert(stage.now().wall);
    stage.apply(Event::Raised(alert));
    stage.apply(Event::Over(alert));
    stage.stream(8);
    stage.write();
    assert_eq!((stage.told()[0].1, stage.ready.as_slice()), (10.0, &[alert][..]));
}

#[test]
fn hours_disks_and_clocks_are_told_as_what_they_are() {
    use jiff::civil::{Weekday, time};
    let span = HoursSpan { days: vec![Weekday::Monday], from: time(0, 0, 30, 0), to: time(0, 2, 0, 0) };
    let hours =
        Hours { id: "early".parse().expect("an id"), time_zone: jiff::tz::TimeZone::UTC, spans: vec![span] };
    let mut stage = Stage::new(RecordWhen::Always, Some(hours));
    stage.play();
    stage.stream(40);
    // The last two fragments and what is not yet one are lost.
    stage.fail(1);
    stage.stream(10);
    stage.offset_ms += 30_000;
    stage.stream(60);
    stage.stop();
    stage.check().expect("all of it is told");
    let causes: Vec<_> = stage.told().iter().map(|it| it.2).collect();
    let expected =
        ["offline", "schedule", "segment", "disk-failed", "segment", "clock", "segment", "schedule"];
    let told = stage.told();
    assert_eq!(causes[causes.len() - 7..], expected[1..], "{told:?}");
    assert!(told.contains(&(50.0, 80.0, "clock")), "{told:?}");
}

#[test]
fn an_agreement_that_ends_ends_the_recording_whatever_happens_then() {
    let mut camera = camera();
    camera.record.when = RecordWhen::Always;
    camera.record.until = Some(Wall::from_unix_ms(START_MS + 20_000));
    let mut stage = Stage::of(camera);
    stage.play();
    stage.stream(40);
    let alert = stage.mint.alert(stage.now().wall);
    stage.apply(Event::Raised(alert));
    stage.stream(10);
    stage.stop();
    stage.check().expect("all of it is told");
    let told = stage.told();
    assert_eq!(told.iter().map(|it| it.2).collect::<Vec<_>>(), ["segment", "agreement-ended"], "{told:?}");
    assert!((told[0].1 - 20.0).abs() < 1.0, "{told:?}");
}

#[test]
fn a_disk_that_is_too_slow_costs_what_it_refuses_and_no_more() {
    let mut stage = Stage::new(RecordWhen::Always, None);
    stage.play();
    stage.stream(10);
    stage.refuses = Some(GapCause::Shed);
    stage.stream(10);
    stage.refuses = None;
    stage.stream(10);
    stage.stop();
    stage.check().expect("all of it is told");
    let told: Vec<_> = stage.told().into_iter().filter(|it| it.2 != "offline").collect();
    // The fragment from 8 to 10 was the first that was refused; tried again at 12, 14, 18 and 26.
    assert_eq!(told, [(0.0, 8.0, "segment"), (8.0, 26.0, "shed"), (26.0, 30.0, "segment")]);
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Play,
    Unit { is_key: bool, len: usize },
    End,
    Raise,
    Over,
    Set(i64),
    Refuse(bool),
    Write,
    Fail(usize),
    Tick,
    Stream(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..3000).prop_map(Step::Pass),
        Just(Step::Play),
        (any::<bool>(), 1usize..200_000).prop_map(|(is_key, len)| Step::Unit { is_key, len }),
        Just(Step::End),
        Just(Step::Raise),
        Just(Step::Over),
        (-40_000i64..40_000).prop_map(Step::Set),
        any::<bool>().prop_map(Step::Refuse),
        Just(Step::Write),
        (0usize..3).prop_map(Step::Fail),
        Just(Step::Tick),
        (1u64..40).prop_map(Step::Stream),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..Default::default() })]

    #[test]
    fn recordings_and_gaps_tile_the_line(
        mode in 0..2,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let when = [RecordWhen::Always, RecordWhen::Alerts][mode as usize];
        let mut stage = Stage::new(when, None);
        let mut alerts = Vec::new();
        let mut is_playing = false;
        for step in steps {
            match step {
                Step::Pass(ms) => stage.pass(ms),
                Step::Play => {
                    if !is_playing {
                        stage.media_ms = 0;
                        stage.play();
                    }
                    is_playing = true;
                }
                Step::Unit { is_key, len } if is_playing => stage.unit(is_key, len),
                Step::Stream(seconds) if is_playing => stage.stream(seconds),
                Step::Unit { .. } | Step::Stream(_) => {}
                Step::End => {
                    if std::mem::take(&mut is_playing) {
                        stage.apply(Event::Ended);
                    }
                }
                Step::Raise => {
                    let alert = stage.mint.alert(stage.now().wall);
                    alerts.push(alert);
                    stage.apply(Event::Raised(alert));
                }
                Step::Over => {
                    if let Some(alert) = alerts.pop() {
                        stage.apply(Event::Over(alert));
                    }
                }
                Step::Set(ms) => stage.offset_ms += ms,
                Step::Refuse(refuses) => stage.refuses = refuses.then_some(GapCause::Shed),
                Step::Write => stage.write(),
                Step::Fail(lost) => stage.fail(lost),
                Step::Tick => stage.apply(Event::Tick),
            }
        }
        stage.refuses = None;
        stage.stop();
        prop_assert_eq!(stage.check(), Ok(()));
    }
}
