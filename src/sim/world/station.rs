//! The stage: everything of a station that is alive, and what each happening does to it.
//!
//! Owns the simulated adapters' latencies. Decides nothing that a lane, the clerk or the courier would decide.

use std::{collections::VecDeque, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Plan,
    broker::{Broker, Link},
    check::{self, Ledgered, Report, Trace},
    queue::{Happening, Queue},
    script::{CameraFault, FPS, Script, StationFault},
};
use crate::{
    alert::Change,
    camera::{AccessUnit, Codec, Ending, Limits, StreamEvent, StreamInfo},
    config::{self, Camera, Canned, Config, StreamRole},
    daemon::clerk::{Clerk, Draft},
    decode::{Frame, Picture},
    detect::{Class, Detection, View},
    flow::Slots,
    geometry::{Size, UnitBox},
    id::{CameraId, Mint},
    lane::{Act, Event, Filing, Glimpse, Lane, Seen, is_due},
    metrics::Metrics,
    motion::Motion,
    mqtt::{
        courier::{self, Action, Courier, Presence},
        payload::{HealthData, ModelData},
        wire::Writer,
    },
    store::{Fault, Outbox, SimDisk, SimLedger},
    time::{MediaTime, Mono, Now},
};

const PICTURE: Size = Size::new(32, 18);
const INPUT_SIDE_PX: u32 = 416;
const DETECTORS: usize = 2;
const DETECT_TAKES: Duration = Duration::from_millis(20);
const DECODE_TAKES: Duration = Duration::from_millis(2);
const PICTURE_TAKES: Duration = Duration::from_millis(12);
const PROMISE_AGAIN: Duration = Duration::from_secs(1);
const SYNC_TAKES: Duration = Duration::from_millis(3);
const NETWORK_TAKES: Duration = Duration::from_millis(2);
const FRAME_EVERY: Duration = Duration::from_millis(1000 / FPS as u64);
/// Share of looks in which the detector misses who is there.
const MISSED: f64 = 0.05;
/// Share of looks in which it sees somebody where nobody is.
const IMAGINED: f64 = 0.01;

/// A frame on its way to a detector.
struct Shown {
    frame: Frame,
    view: View,
}

/// A draft on its way to the disk.
struct Waiting {
    /// Whose lane waits for it.
    camera: Option<usize>,
    /// At which camera it raises an alert, if it does.
    raised: Option<usize>,
    draft: Draft,
}

/// What outlives the process: cameras, disk and broker, and what checkers know; and in it the process.
pub(super) struct Stage<'a> {
    script: &'a Script,
    config: Config,
    limits: Limits,
    sources: Vec<Source>,
    disk: SimDisk,
    broker: Broker,
    promised: Vec<Ledgered>,
    trace: Trace,
    dice: Mint,
    process: Process,
}

/// One camera as the network sees it.
#[derive(Debug, Default)]
struct Source {
    /// Counts connections; a unit of an older one is sent by nobody.
    connection: u32,
    unit: u64,
}

/// Everything that a kill takes away.
struct Process {
    lanes: Vec<Lane>,
    eyes: Vec<Eye>,
    slots: Slots<CameraId, (usize, Shown)>,
    at_work: Vec<Option<(usize, Shown)>>,
    clerk: Clerk,
    outbox: Outbox<SimLedger>,
    unpromised: VecDeque<Waiting>,
    courier: Courier,
    courier_alarm: Option<Mono>,
    lane_alarms: Vec<Option<Mono>>,
    pkid: u16,
    window: u16,
    writer: Writer,
}

#[derive(Debug, Default)]
struct Eye {
    last_look: Option<MediaTime>,
    frames: u64,
}

impl<'a> Stage<'a> {
    pub(super) fn new(plan: &Plan, script: &'a Script, queue: &mut Queue) -> Self {
        let config = station(plan.cameras);
        let limits = Limits::default();
        let disk = SimDisk::new();
        let mut dice = Mint::seeded(plan.seed ^ 0x5eed);
        let process = Process::start(&config, &limits, &disk, dice.split(), queue.now());
        let mut stage = Self {
            script,
            sources: (0..plan.cameras).map(|_| Source::default()).collect(),
            config,
            limits,
            disk,
            broker: Broker::default(),
            promised: Vec::new(),
            trace: Trace::default(),
            dice,
            process,
        };
        stage.arm(queue);
        stage
    }

    pub(super) fn into_report(self) -> Report {
        let waiting = self.process.outbox.len();
        check::report(self.script, self.sources.len(), &self.promised, &self.broker, waiting, self.trace)
    }

    pub(super) fn happen(&mut self, now: Now, happening: Happening, queue: &mut Queue) {
        match happening {
            Happening::Lane { camera, event } => self.lane(camera, now, event, queue),
            Happening::Unit { camera, connection } => self.send_unit(camera, connection, now, queue),
            Happening::Silence { camera, connection, unit } => {
                self.silence(camera, connection, unit, now, queue)
            }
            Happening::Detected { worker } => self.detected(worker, now, queue),
            Happening::Promise => self.promise(now, queue),
            Happening::Courier(event) => self.courier(now, event, queue),
            Happening::Published { connection, pkid, message } => {
                if self.broker.link == Link::Up && connection == self.broker.connection {
                    self.trace.note(now, "published", &message.payload);
                    self.broker.take(&message);
                    let acked = courier::Event::Acked(pkid, courier::Verdict::Taken);
                    queue.after(NETWORK_TAKES, Happening::Courier(acked));
                }
            }
            Happening::Fault(fault) => self.fault(now, fault, queue),
        }
        self.arm(queue);
    }

    /// Sets the alarms that lanes and courier ask for.
    fn arm(&mut self, queue: &mut Queue) {
        let process = &mut self.process;
        for (camera, (lane, alarm)) in process.lanes.iter().zip(&mut process.lane_alarms).enumerate() {
            if lane.deadline() != *alarm {
                *alarm = lane.deadline();
                if let Some(at) = *alarm {
                    queue.alarm(at, Happening::Lane { camera, event: Event::Tick });
                }
            }
        }
        let wake_at = process.courier.wake_at();
        if wake_at != process.courier_alarm {
            process.courier_alarm = wake_at;
            if let Some(at) = wake_at {
                queue.alarm(at, Happening::Courier(courier::Event::Tick));
            }
        }
    }

    fn lane(&mut self, camera: usize, now: Now, event: Event, queue: &mut Queue) {
        if matches!(event, Event::Tick) {
            self.process.lane_alarms[camera] = None;
        }
        let mut acts = Vec::new();
        self.process.lanes[camera].apply(now, event, &mut acts);
        for act in acts {
            self.act(camera, now, act, queue);
        }
    }

    fn act(&mut self, camera: usize, now: Now, act: Act, queue: &mut Queue) {
        match act {
            Act::Connect => self.connect(camera, now, queue),
            Act::CutEye => self.process.eyes[camera].last_look = None,
            Act::Look(units) => {
                let takes = DECODE_TAKES * units.len() as u32;
                let seen = self.look(camera, units);
                queue.after(takes, Happening::Lane { camera, event: Event::Seen(seen) });
            }
            Act::Detect(frame, view) => {
                let id = self.config.cameras[camera].id.clone();
                if let Some((_, shown)) = self.process.slots.put(id, (camera, Shown { frame, view })) {
                    let event = Event::Overwritten { number: shown.frame.number };
                    self.process.lanes[camera].apply(now, event, &mut Vec::new());
                }
                self.employ(queue);
            }
            Act::File(filing) => {
                let waiting = Waiting::drafted(
                    camera,
                    &filing,
                    self.process.clerk.draft(now.wall, &filing.verdict, None),
                );
                self.process.unpromised.push_back(waiting);
                queue.after(PICTURE_TAKES, Happening::Promise);
            }
            Act::Tell(health) => {
                let message = self.process.writer.health(now.wall, &HealthData::from(&health));
                self.trace.note(now, "health", &message.payload);
                queue.after(Duration::ZERO, Happening::Courier(courier::Event::Live(message)));
            }
        }
    }

    fn connect(&mut self, camera: usize, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        source.connection += 1;
        let connection = source.connection;
        let (delay, event) = match self.script.fault(camera, now.mono) {
            Some(CameraFault::Away) => (NETWORK_TAKES, StreamEvent::Ended(Ending::Refused("refused".into()))),
            Some(CameraFault::Stalled) => {
                let after = self.limits.describe;
                (after, StreamEvent::Ended(Ending::Timeout { phase: "describe", after }))
            }
            None => {
                let info = StreamInfo { codec: Codec::H264, size: Some(PICTURE), rfc6381: None };
                queue.after(FRAME_EVERY, Happening::Unit { camera, connection });
                (NETWORK_TAKES, StreamEvent::Playing(info))
            }
        };
        queue.after(delay, Happening::Lane { camera, event: Event::Stream(event) });
    }

    fn send_unit(&mut self, camera: usize, connection: u32, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        if source.connection != connection {
            return;
        }
        match self.script.fault(camera, now.mono) {
            Some(CameraFault::Away) => {
                let ended = Event::Stream(StreamEvent::Ended(Ending::Closed));
                queue.after(NETWORK_TAKES, Happening::Lane { camera, event: ended });
            }
            Some(CameraFault::Stalled) => queue.after(FRAME_EVERY, Happening::Unit { camera, connection }),
            None => {
                source.unit += 1;
                let unit = AccessUnit {
                    role: StreamRole::Main,
                    codec: Codec::H264,
                    data: Bytes::from_static(&[0; 64]),
                    is_key: source.unit.is_multiple_of(u64::from(FPS)),
                    media: MediaTime::from_ms(now.mono.since_start().as_millis() as i64),
                    camera_clock: None,
                    arrived: now,
                    packets_lost: 0,
                };
                let silence = Happening::Silence { camera, connection, unit: source.unit };
                let event = Event::Stream(StreamEvent::Unit(unit));
                queue.after(FRAME_EVERY, Happening::Unit { camera, connection });
                queue.after(self.limits.silence, silence);
                queue.after(Duration::ZERO, Happening::Lane { camera, event });
            }
        }
    }

    fn silence(&mut self, camera: usize, connection: u32, unit: u64, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        if source.connection == connection && source.unit == unit {
            source.connection += 1;
            let ending = Ending::Timeout { phase: "media", after: self.limits.silence };
            self.lane(camera, now, Event::Stream(StreamEvent::Ended(ending)), queue);
        }
    }

    /// What a decoder and a motion detector would make of the units.
    fn look(&mut self, camera: usize, units: Vec<AccessUnit>) -> Seen {
        let fps = self.config.cameras[camera].detect_fps;
        let eye = &mut self.process.eyes[camera];
        let mut seen = Seen::default();
        for unit in units {
            eye.frames += 1;
            if !is_due(eye.last_look, unit.media, fps) {
                continue;
            }
            eye.last_look = Some(unit.media);
            let somebody = self.script.somebody(camera, unit.arrived.mono);
            let frame = Frame {
                number: eye.frames,
                media: unit.media,
                arrived: unit.arrived,
                camera_clock: None,
                picture: Picture::grey(PICTURE, 100),
            };
            let regions: Vec<UnitBox> =
                somebody.map(|there| there.grown(0.1).clamped()).into_iter().collect();
            let changed_share = regions.iter().map(UnitBox::area).sum();
            let motion =
                Motion { regions, changed_share, luma_mean: 100.0, luma_deviation: 40.0, repeats: false };
            seen.glimpses.push(Glimpse { frame, motion });
        }
        seen
    }

    /// Gives work to detectors that have none.
    fn employ(&mut self, queue: &mut Queue) {
        let process = &mut self.process;
        for (worker, at_work) in process.at_work.iter_mut().enumerate() {
            if at_work.is_none()
                && let Some(mut taken) = process.slots.try_take()
            {
                *at_work = Some(taken.item());
                queue.after(DETECT_TAKES, Happening::Detected { worker });
            }
        }
    }

    fn detected(&mut self, worker: usize, now: Now, queue: &mut Queue) {
        let (camera, Shown { frame, view }) =
            self.process.at_work[worker].take().expect("a detector that is done was at work");
        let found = Ok(self.find(camera, &frame, &view));
        self.employ(queue);
        self.lane(camera, now, Event::Detected { frame, view, found }, queue);
    }

    /// What a detector would find, misses and fancies included.
    fn find(&mut self, camera: usize, frame: &Frame, view: &View) -> Vec<Detection> {
        let shown = |bbox: &UnitBox| match view {
            View::Full | View::FullAndCrops(_) => true,
            View::Crops(parts) => parts.iter().any(|part| bbox.covered_by(&part.to_unit(PICTURE)) > 0.9),
        };
        let parked =
            Detection { class: Class::Car, confidence: 0.6, bbox: UnitBox::new(0.8, 0.2, 0.95, 0.3) };
        let mut found = vec![parked];
        if let Some(there) = self.script.somebody(camera, frame.arrived.mono)
            && self.dice.unit() > MISSED
        {
            let wobble = (self.dice.unit() as f32 - 0.5) * 0.01;
            let bbox = UnitBox { l: there.l + wobble, r: there.r + wobble, ..there }.clamped();
            let confidence = 0.55 + 0.4 * self.dice.unit() as f32;
            found.push(Detection { class: Class::Person, confidence, bbox });
        }
        if self.dice.unit() < IMAGINED {
            let (x, y) = (self.dice.unit() as f32 * 0.8, self.dice.unit() as f32 * 0.6);
            let bbox = UnitBox::new(x, y, x + 0.08, y + 0.3);
            found.push(Detection { class: Class::Person, confidence: 0.5, bbox });
        }
        found.retain(|detection| shown(&detection.bbox));
        found
    }

    /// Promises what waits, first to last, for as long as the disk takes it.
    fn promise(&mut self, now: Now, queue: &mut Queue) {
        while let Some(waiting) = self.process.unpromised.pop_front() {
            let written = self.process.outbox.promise(waiting.draft.writes.clone(), &waiting.draft.messages);
            self.trace.note(now, if written.is_ok() { "promised" } else { "disk full" }, &[]);
            if written.is_err() {
                self.process.unpromised.push_front(waiting);
                queue.after(PROMISE_AGAIN, Happening::Promise);
                return;
            }
            self.promised.push(Ledgered {
                at: now.mono,
                raised: waiting.raised,
                messages: waiting.draft.messages,
            });
            if let Some(camera) = waiting.camera {
                queue.after(SYNC_TAKES, Happening::Lane { camera, event: Event::Filed });
            }
            queue.after(SYNC_TAKES, Happening::Courier(courier::Event::Woken));
        }
    }

    fn courier(&mut self, now: Now, event: courier::Event, queue: &mut Queue) {
        if event == courier::Event::Tick {
            self.process.courier_alarm = None;
        }
        for action in self.process.courier.apply(now.mono, event) {
            let told = |event| Happening::Courier(event);
            match action {
                Action::Connect if self.broker.link == Link::Up => {
                    self.broker.connection += 1;
                    self.process.pkid = 0;
                    let limits = courier::Limits { window: 16, packet_len_max: None };
                    self.process.window = limits.window;
                    queue.after(NETWORK_TAKES, told(courier::Event::Connected(limits)));
                }
                Action::Connect => {
                    let ending = courier::Ending::Unreachable("nobody listens".into());
                    queue.after(NETWORK_TAKES, told(courier::Event::Ended(ending)));
                }
                Action::Publish(message) => {
                    let pkid = self.process.pkid % self.process.window + 1;
                    self.process.pkid = pkid;
                    queue.after(Duration::ZERO, told(courier::Event::Sent(pkid)));
                    let connection = self.broker.connection;
                    queue.after(NETWORK_TAKES, Happening::Published { connection, pkid, message });
                }
                Action::Read { after, limit } => {
                    let read = self.process.outbox.waiting(after, limit).map_err(|error| error.to_string());
                    queue.after(Duration::ZERO, told(courier::Event::Read(read)));
                }
                Action::Strike(seqs) => {
                    // A strike that a full disk does not take is made up for by a repeat.
                    let struck = self.process.outbox.strike(&seqs);
                    self.trace.note(now, if struck.is_ok() { "struck" } else { "not struck" }, &[]);
                }
                Action::SetAside { seq, why } => {
                    self.trace.note(now, "set aside", why.as_bytes());
                    self.trace.fault(format!("message {} was set aside: {why}", seq.0));
                }
                Action::HangUp => self.broker.connection += 1,
                Action::Part | Action::End | Action::Tell(_) => {}
            }
        }
    }

    fn fault(&mut self, now: Now, fault: StationFault, queue: &mut Queue) {
        self.trace.note(now, "fault", format!("{fault:?}").as_bytes());
        match fault {
            StationFault::BrokerDown => {
                self.broker.link = Link::Down;
                self.broker.connection += 1;
                let ending = courier::Ending::Lost("the broker went away".into());
                queue.after(NETWORK_TAKES, Happening::Courier(courier::Event::Ended(ending)));
            }
            StationFault::BrokerUp => self.broker.link = Link::Up,
            StationFault::DiskFull => self.disk.set_fault(Fault::Full),
            StationFault::DiskFree => self.disk.set_fault(Fault::None),
            StationFault::ClockSet(by_s) => queue.set_clock(i64::from(by_s) * 1_000_000),
            StationFault::Kill => self.kill(queue),
        }
    }

    /// The process is gone with all that was not promised, and starts again.
    fn kill(&mut self, queue: &mut Queue) {
        queue.kill();
        self.disk.crash();
        self.broker.connection += 1;
        for source in &mut self.sources {
            source.connection += 1;
        }
        let now = queue.now();
        self.process = Process::start(&self.config, &self.limits, &self.disk, self.dice.split(), now);
        let drafts = self.process.clerk.recover(now.wall, self.process.outbox.ledger());
        for draft in drafts.expect("a simulated disk can be read after a start") {
            self.process.unpromised.push_back(Waiting { camera: None, raised: None, draft });
        }
        queue.after(SYNC_TAKES, Happening::Promise);
    }
}

impl Waiting {
    fn drafted(camera: usize, filing: &Filing, draft: Option<Draft>) -> Self {
        let raised = (filing.verdict.change == Change::Raised).then_some(camera);
        Self { camera: Some(camera), raised, draft: draft.unwrap_or_default() }
    }
}

impl Process {
    fn start(config: &Config, limits: &Limits, disk: &SimDisk, mut mint: Mint, now: Now) -> Self {
        let metrics = Metrics::new();
        let lane = |camera: &Arc<Camera>, mint| {
            Lane::new(Arc::clone(camera), INPUT_SIDE_PX, limits, mint, metrics.clone(), now)
        };
        let lanes: Vec<Lane> = config.cameras.iter().map(|camera| lane(camera, mint.split())).collect();
        let mut writer = Writer::new(&config.station, now.wall, mint.split());
        let presence = Presence { online: writer.online(now.wall), stopped: writer.stopped(now.wall) };
        let model = ModelData { name: "simulated".into(), sha256: "0".repeat(64) };
        let outbox = Outbox::open(SimLedger::open(disk)).expect("a simulated disk can be read after a start");
        Self {
            eyes: lanes.iter().map(|_| Eye::default()).collect(),
            lane_alarms: lanes.iter().map(|_| None).collect(),
            lanes,
            slots: Slots::new(),
            at_work: (0..DETECTORS).map(|_| None).collect(),
            clerk: Clerk::new(config, model, mint.split()),
            outbox,
            unpromised: VecDeque::new(),
            courier: Courier::new(presence, mint.split()),
            courier_alarm: None,
            pkid: 0,
            window: 1,
            writer,
        }
    }
}

/// A station of one village with a rule at each camera: a person in the middle of the picture.
fn station(cameras: usize) -> Config {
    let mut text = String::from(
        "[station]\nid = \"sim\"\nname = \"Simulated\"\ntime_zone = \"Asia/Shanghai\"\n[broker]\nkind = \"embedded\"\n\
         [village.v]\nname = \"V\"\n[entry_point.e]\nvillage = \"v\"\nlevel = \"line\"\nname = \"E\"\n",
    );
    for camera in 0..cameras {
        text.push_str(&format!(
            "[camera.c{camera}]\nentry_point = \"e\"\nname = \"C{camera}\"\nmain = \"rtsp://127.0.0.1/c{camera}\"\n\
             zone.z = {{ name = \"Z\", area = [[0.3, 0.2], [0.7, 0.2], [0.7, 0.9], [0.3, 0.9]] }}\n"
        ));
    }
    text.push_str(
        "[rule.r]\nkind = \"zone-enter\"\nname = \"R\"\nseverity = \"warning\"\nzone = \"z\"\nclasses = [\"person\", \"car\"]\n",
    );
    config::parse(&text, "simulated", Path::new("."), &Canned::default())
        .unwrap_or_else(|problems| panic!("the simulated station is valid: {problems}"))
}
