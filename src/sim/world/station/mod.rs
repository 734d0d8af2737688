//! The stage: everything of a station that is alive, and what each happening does to it.
//!
//! Owns the simulated adapters' latencies. Decides nothing that a lane, the clerk or the courier would decide.

mod cameras;
mod delivery;
mod people;
mod process;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use people::{Asked, People};

use super::{
    Plan,
    broker::{Broker, Link},
    check::{self, Ledgered, Report, Trace},
    queue::{Happening, Queue},
    script::{Script, StationFault},
};
use crate::{
    camera::Limits,
    config::Config,
    daemon::clerk::{Assigned, Clerk, Draft},
    decode::Frame,
    detect::{Facts, SureFrom, View},
    flow::{Slots, Taken},
    gate::Grant,
    geometry::Size,
    id::{CameraId, Mint},
    lane::{Act, Event, Lane},
    mqtt::{
        courier::{self, Courier},
        payload::HealthData,
        wire::Writer,
    },
    store::{Fault, Outbox, SimDisk, SimLedger},
    time::{MediaTime, Mono, Now},
};

const PICTURE: Size = Size::new(32, 18);
const FACTS: Facts = Facts { input_side_px: 416, sure_from: SureFrom([0.45; 10]) };
const DETECTORS: usize = 2;
const DETECT_TAKES: Duration = Duration::from_millis(20);
const DECODE_TAKES: Duration = Duration::from_millis(2);
const PICTURE_TAKES: Duration = Duration::from_millis(12);
const PROMISE_AGAIN: Duration = Duration::from_secs(1);
const SYNC_TAKES: Duration = Duration::from_millis(3);
const SLOW: Pace = Pace {
    decode: Duration::from_millis(150),
    detect: Duration::from_millis(700),
    sync: Duration::from_secs(1),
};
/// A frame that was shown to the detector is answered for within this time, whatever the answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
const NETWORK_TAKES: Duration = Duration::from_millis(2);

/// A frame on its way to a detector.
#[derive(Debug)]
pub(super) struct Shown {
    frame: Frame,
    view: View,
}

/// A detector at work.
struct Work<'a> {
    camera: usize,
    shown: Shown,
    /// Dropped, it lets the camera's next frame be taken.
    _turn: Taken<'a, CameraId, (usize, Shown)>,
}

/// How long things take at present.
struct Pace {
    decode: Duration,
    detect: Duration,
    sync: Duration,
}

/// A draft on its way to the disk.
#[derive(Default)]
struct Waiting {
    /// Whose lane waits for it.
    camera: Option<usize>,
    /// At which camera it raises an alert, if it does.
    raised: Option<usize>,
    /// The disk has it, although it said that it could not be written.
    written: bool,
    /// Who waits for it who asked for it.
    asked: Option<Asked>,
    draft: Draft,
}

/// What outlives the process: cameras, disk and broker, and what checkers know; and in it the process.
pub(super) struct Stage<'a> {
    script: &'a Script,
    config: Config,
    limits: Limits,
    grant: Grant,
    sources: Vec<Source>,
    disk: SimDisk,
    broker: Broker,
    promised: Vec<Ledgered>,
    trace: Trace,
    dice: Mint,
    pace: Pace,
    slots: &'a FrameSlots,
    people: People,
    process: Process<'a>,
}

/// Where frames wait for a detector, by camera.
pub(super) type FrameSlots = Slots<CameraId, (usize, Shown)>;

/// One camera as the network sees it.
#[derive(Debug, Default)]
struct Source {
    /// Counts connections; a unit of an older one is sent by nobody.
    connection: u32,
    unit: u64,
    /// Since the last unit that came through.
    packets_lost: u32,
}

/// Everything that a kill takes away.
struct Process<'a> {
    lanes: Vec<Lane>,
    eyes: Vec<Eye>,
    /// When each frame was shown to the detector, by camera and number, until it was answered for.
    shown: BTreeMap<(usize, u64), Mono>,
    /// Lanes that were found to wait for answers that never come: told once.
    forgetful: Vec<bool>,
    at_work: Vec<Option<Work<'a>>>,
    clerk: Clerk,
    outbox: Outbox<SimLedger>,
    unpromised: VecDeque<Waiting>,
    /// The disk is at work until then.
    disk_free_at: Mono,
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
    /// What the next frame refers to was lost.
    spoilt: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(plan: &Plan, script: &'a Script, slots: &'a FrameSlots, queue: &mut Queue) -> Self {
        let config = process::station(plan.cameras);
        let limits = Limits::default();
        let disk = SimDisk::new();
        let mut dice = Mint::seeded(plan.seed ^ 0x5eed);
        let process = Process::start(&config, &limits, plan.grant, &disk, dice.split(), queue.now());
        let mut stage = Self {
            script,
            sources: (0..plan.cameras).map(|_| Source::default()).collect(),
            config,
            limits,
            grant: plan.grant,
            disk,
            broker: Broker::default(),
            promised: Vec::new(),
            trace: Trace::default(),
            dice,
            pace: Pace { decode: DECODE_TAKES, detect: DETECT_TAKES, sync: SYNC_TAKES },
            slots,
            people: People::new(plan.seed, queue.now()),
            process,
        };
        queue.after(people::SWEEP_EVERY, Happening::Sweep);
        stage.arm(queue);
        stage
    }

    pub(super) fn into_report(mut self, now: Now) -> Report {
        for ((camera, number), at) in &self.process.shown {
            if now.mono.since(*at) > ANSWERED_WITHIN {
                self.trace
                    .fault(format!("nobody answered for frame {number} of camera {camera}, shown at {at:?}"));
            }
        }
        self.check_dues(now.wall);
        let waiting = self.process.outbox.len();
        check::report(
            self.script,
            self.sources.len(),
            &self.promised,
            &self.broker,
            (waiting, self.people.effects()),
            self.trace,
        )
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
            Happening::Sweep => self.sweep(now, queue),
            Happening::Person => self.person(now, queue),
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
        self.check_answers(now);
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
            Act::Look(look) => {
                let takes = self.pace.decode * look.units.len() as u32;
                let seen = self.look(camera, look);
                queue.after(takes, Happening::Lane { camera, event: Event::Seen(seen) });
            }
            Act::Detect(frame, view, due) => {
                let id = self.config.cameras[camera].id.clone();
                self.process.shown.insert((camera, frame.number), now.mono);
                if let Some((_, shown)) = self.slots.put(id, due, (camera, Shown { frame, view })) {
                    self.process.shown.remove(&(camera, shown.frame.number));
                    let event = Event::Overwritten { number: shown.frame.number };
                    self.process.lanes[camera].apply(now, event, &mut Vec::new());
                }
                self.employ(queue);
            }
            Act::File(filing) => {
                let occurrence = filing.verdict.alert.occurrence(&self.config.station.time_zone);
                let change = filing.verdict.change;
                let mut assigned = self.process.clerk.assign(now.wall, change, &occurrence);
                if let Some(lead) = assigned.as_ref().and_then(Assigned::wants) {
                    let lead = self.record(lead);
                    assigned = assigned.map(|assigned| assigned.with(lead));
                }
                let draft = self.process.clerk.draft(now.wall, change, &occurrence, None, assigned);
                let waiting = Waiting::drafted(camera, &filing, draft);
                self.process.unpromised.push_back(waiting);
                queue.after(PICTURE_TAKES, Happening::Promise);
            }
            // Each camera is an entry point of its own, as far as this station is concerned.
            Act::Nudge | Act::Record(_) | Act::Passed(_) | Act::Film(_) | Act::Redraw(_) => {}
            Act::Tell(health) => {
                let message = self.process.writer.health(now.wall, &HealthData::from(&health));
                self.trace.note(now, "health", &message.payload);
                queue.after(Duration::ZERO, Happening::Courier(courier::Event::Live(message)));
            }
        }
    }

    /// Promises what waits, first to last, for as long as the disk takes it.
    fn promise(&mut self, now: Now, queue: &mut Queue) {
        while let Some(mut waiting) = self.process.unpromised.pop_front() {
            if now.mono < self.process.disk_free_at {
                self.process.unpromised.push_front(waiting);
                queue.alarm(self.process.disk_free_at, Happening::Promise);
                return;
            }
            let commits = self.disk.commits();
            let written = self.process.outbox.promise(waiting.draft.writes.clone(), &waiting.draft.messages);
            self.trace.note(now, if written.is_ok() { "promised" } else { "disk refuses" }, &[]);
            if written.is_err() {
                waiting.written |= self.disk.commits() > commits;
                self.process.unpromised.push_front(waiting);
                queue.after(PROMISE_AGAIN, Happening::Promise);
                return;
            }
            self.process.disk_free_at = now.mono + self.pace.sync;
            if let Some(camera) = waiting.camera {
                queue.after(self.pace.sync, Happening::Lane { camera, event: Event::Filed });
            }
            queue.after(self.pace.sync, Happening::Courier(courier::Event::Woken));
            if let Some(Asked(effect)) = waiting.asked {
                self.done(effect);
                self.people.answered();
            }
            self.people_hear(&waiting);
            self.promised.push(waiting.ledgered(now.mono));
        }
        self.process.clerk.settled();
        self.attend(now, queue);
    }

    fn people_hear(&mut self, waiting: &Waiting) {
        if waiting.raised.is_some()
            && let Some(step) = waiting.draft.told.last()
        {
            self.people.told(step.record.data.alert_id);
        }
    }

    /// No lane waits for more answers than there are to come.
    fn check_answers(&mut self, now: Now) {
        for (camera, lane) in self.process.lanes.iter().enumerate() {
            let to_come = self.process.shown.range((camera, 0)..(camera + 1, 0)).count();
            let waits = lane.frames_out();
            if waits > to_come && !std::mem::replace(&mut self.process.forgetful[camera], true) {
                self.trace.fault(format!(
                    "at {:?} camera {camera} waits for {waits} answers of the detector, and {to_come} are to come",
                    now.mono
                ));
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
            StationFault::DiskFails => self.disk.set_fault(Fault::FailsAfter),
            StationFault::DiskFree => self.disk.set_fault(Fault::None),
            StationFault::DiskSlow => self.pace.sync = SLOW.sync,
            StationFault::DiskQuick => self.pace.sync = SYNC_TAKES,
            StationFault::DecodeSlow => self.pace.decode = SLOW.decode,
            StationFault::DecodeQuick => self.pace.decode = DECODE_TAKES,
            StationFault::DetectSlow => self.pace.detect = SLOW.detect,
            StationFault::DetectQuick => self.pace.detect = DETECT_TAKES,
            StationFault::ClockSet(by_s) => {
                queue.set_clock(i64::from(by_s) * 1_000_000);
                self.people.hindered(queue.now().wall);
            }
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
        // What the disk has is promised, although nobody was told.
        if let Some(written) = self.process.unpromised.pop_front().filter(|first| first.written) {
            // Who asked asks again, and is to be told the same.
            self.done(written.asked.and_then(|Asked(effect)| effect));
            self.people_hear(&written);
            self.promised.push(written.ledgered(now.mono));
        }
        self.process =
            Process::start(&self.config, &self.limits, self.grant, &self.disk, self.dice.split(), now);
        for camera in &self.config.cameras {
            self.slots.remove(&camera.id);
        }
        let drafts = self.process.clerk.recover(now.wall, self.process.outbox.ledger());
        for draft in drafts.expect("a simulated disk can be read after a start") {
            self.process.unpromised.push_back(Waiting::of(draft));
        }
        queue.after(SYNC_TAKES, Happening::Promise);
        self.people.hindered(now.wall);
        queue.after(people::SWEEP_EVERY, Happening::Sweep);
    }
}
