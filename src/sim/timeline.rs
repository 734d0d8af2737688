//! What one camera shows in each frame, and in what condition it is: the scenario, unrolled.
//!
//! Pure: told the frame or the time, never asks a clock. Sending is `camera`'s business.

use std::{collections::VecDeque, time::Duration};

use super::{
    auth::Login,
    material::{Cuts, Rate},
    scenario::{Event, EventKind, Fault, SimCamera, Source},
};

/// Most visits that wait for the one before to end. More are refused.
const WAITING_MAX: usize = 64;

/// Events of one camera in order of time, over and over where the scenario repeats.
#[derive(Debug, Clone)]
struct Script<T> {
    events: Vec<(Duration, T)>,
    repeat: Option<Duration>,
    next: usize,
    round: u32,
}

impl<T: Clone> Script<T> {
    fn new(mut events: Vec<(Duration, T)>, repeat: Option<Duration>) -> Self {
        events.sort_by_key(|(at, _)| *at);
        Self { events, repeat, next: 0, round: 0 }
    }

    /// The next event, once its time has come.
    fn due(&mut self, elapsed: Duration) -> Option<(Duration, T)> {
        if self.next == self.events.len() {
            self.repeat?;
            self.next = 0;
            self.round += 1;
        }
        let (at, event) = self.events.get(self.next)?;
        let at = *at + self.repeat.unwrap_or_default() * self.round;
        if at > elapsed {
            return None;
        }
        self.next += 1;
        Some((at, event.clone()))
    }
}

/// What happens to the person in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The first frame that shows the person of this visit.
    Enters(usize),
    /// The first frame in which that person is half in the picture.
    Shows(usize),
    /// The first frame that no longer does.
    Leaves(usize),
}

/// One frame of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Which unit of the reel.
    pub unit: usize,
    /// What it marks, in that order.
    pub marks: [Option<Mark>; 2],
}

/// What a camera shows, frame by frame.
#[derive(Debug, Clone)]
pub struct Timeline {
    cuts: Cuts,
    rate: Rate,
    source: Source,
    script: Script<usize>,
    waiting: VecDeque<usize>,
    now: Option<Showing>,
}

#[derive(Debug, Clone, Copy)]
struct Showing {
    visit: usize,
    from: u64,
}

impl Timeline {
    /// A camera, and its events, of a checked scenario.
    pub fn new(
        camera: &SimCamera,
        events: &[&Event],
        repeat: Option<Duration>,
        cuts: &Cuts,
        rate: Rate,
    ) -> Self {
        let visits = events.iter().filter_map(|event| match event.kind {
            EventKind::Visit(visit) => Some((event.at, visit)),
            EventKind::Fault(_) => None,
        });
        Self {
            cuts: cuts.clone(),
            rate,
            source: camera.material.clone(),
            script: Script::new(visits.collect(), repeat),
            waiting: VecDeque::new(),
            now: None,
        }
    }

    /// Somebody comes at the next key frame, after those who already wait. False where there is no such visit, or too
    /// many wait.
    pub fn show(&mut self, visit: usize) -> bool {
        let possible = self.source == Source::Street
            && visit < self.cuts.visits.len()
            && self.waiting.len() < WAITING_MAX;
        if possible {
            self.waiting.push_back(visit);
        }
        possible
    }

    /// The first frame at or after `frame` at which a client may begin.
    pub fn next_key_frame(&self, frame: u64) -> u64 {
        let gop = self.cuts.gop as u64;
        if self.source == Source::Street {
            return frame.next_multiple_of(gop);
        }
        // The last group of footage may be shorter than the others.
        let length = self.cuts.whole.len() as u64;
        let into = frame % length;
        frame - into + into.next_multiple_of(gop).min(length)
    }

    /// What frame `frame` shows. Frames are asked for in order; frame 0 is the village's start.
    pub fn at(&mut self, frame: u64) -> Shown {
        if self.source != Source::Street {
            let whole = &self.cuts.whole;
            return Shown { unit: whole.start + (frame % whole.len() as u64) as usize, marks: [None; 2] };
        }
        // What may be cut is a whole number of groups long, so the grid of key frames never shifts.
        if frame.is_multiple_of(self.cuts.gop as u64) {
            self.cut(frame);
        }
        if let Some(Showing { visit, from }) = self.now {
            let cut = &self.cuts.visits[visit];
            let into = (frame - from) as usize;
            let begins = if into == cut.seen_from {
                Some(Mark::Enters(visit))
            } else if into == cut.shows_until {
                Some(Mark::Leaves(visit))
            } else {
                None
            };
            let shows = (into == cut.shows_from).then_some(Mark::Shows(visit));
            return Shown { unit: cut.units.start + into, marks: [begins, shows] };
        }
        let still = &self.cuts.still;
        Shown { unit: still.start + (frame % still.len() as u64) as usize, marks: [None; 2] }
    }

    fn cut(&mut self, frame: u64) {
        let ended = |now: &Showing| frame >= now.from + self.cuts.visits[now.visit].units.len() as u64;
        if self.now.as_ref().is_some_and(ended) {
            self.now = None;
        }
        let elapsed = Duration::from_nanos(self.rate.ns_at(frame));
        while self.waiting.len() < WAITING_MAX {
            let Some((_, visit)) = self.script.due(elapsed) else { break };
            self.waiting.push_back(visit);
        }
        if self.now.is_none() {
            self.now = self.waiting.pop_front().map(|visit| Showing { visit, from: frame });
        }
    }
}

/// In what state a camera is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Answers at all.
    pub reachable: bool,
    /// Holds its connections and says nothing.
    pub frozen: bool,
    /// Sends what is neither RTSP nor RTP.
    pub garbage: bool,
    /// Flips bits in the video.
    pub corrupt: bool,
    /// Datagrams lost of a thousand.
    pub loss_per_mille: u16,
    /// Main shows what sub should, and the other way round.
    pub other_size: bool,
    /// How wrong its clock is.
    pub clock_error_ms: i64,
    /// Who may watch; `None`: all.
    pub login: Option<Login>,
    /// Counts the times when all connections were closed; with each, RTP starts from somewhere else.
    pub epoch: u32,
}

/// The condition of one camera over time.
#[derive(Debug, Clone)]
pub struct Faults {
    script: Script<Fault>,
    active: Vec<(Duration, Fault)>,
    stopped: bool,
    lasting: Condition,
}

impl Faults {
    /// A camera, and its events, of a checked scenario.
    pub fn new(camera: &SimCamera, events: &[&Event], repeat: Option<Duration>) -> Self {
        let faults = events.iter().filter_map(|event| match &event.kind {
            EventKind::Fault(fault) => Some((event.at, fault.clone())),
            EventKind::Visit(_) => None,
        });
        Self {
            script: Script::new(faults.collect(), repeat),
            active: Vec::new(),
            stopped: false,
            lasting: Condition {
                reachable: true,
                frozen: false,
                garbage: false,
                corrupt: false,
                loss_per_mille: 0,
                other_size: false,
                clock_error_ms: 0,
                login: camera.login.clone(),
                epoch: 0,
            },
        }
    }

    /// Brings it up to a time; gives the faults that began since. Times never go back.
    pub fn advance(&mut self, elapsed: Duration) -> Vec<Fault> {
        let mut began = Vec::new();
        while let Some((at, fault)) = self.script.due(elapsed) {
            self.begin(at, fault.clone());
            began.push(fault);
            // A script that repeats faster than it is asked must not keep us here for ever.
            if began.len() == WAITING_MAX {
                break;
            }
        }
        self.active.retain(|(until, _)| *until > elapsed);
        began
    }

    /// A fault begins.
    pub fn begin(&mut self, at: Duration, fault: Fault) {
        match &fault {
            Fault::Away { .. } => self.lasting.epoch += 1,
            Fault::Login(login) => {
                self.lasting.epoch += 1;
                self.lasting.login = Some(login.clone());
            }
            Fault::ClockJump { by_ms } => {
                self.lasting.clock_error_ms = self.lasting.clock_error_ms.saturating_add(*by_ms);
            }
            _ => {}
        }
        if let Some(lasts) = fault.lasts() {
            self.active.push((at + lasts, fault));
        }
    }

    /// Somebody pulls the plug.
    pub fn stop(&mut self) {
        if !self.stopped {
            self.lasting.epoch += 1;
        }
        self.stopped = true;
    }

    /// Somebody plugs it in.
    pub fn resume(&mut self) {
        self.stopped = false;
    }

    /// The condition now.
    pub fn condition(&self) -> Condition {
        let mut now = self.lasting.clone();
        now.reachable = !self.stopped;
        for (_, fault) in &self.active {
            match fault {
                Fault::Away { .. } => now.reachable = false,
                Fault::Frozen { .. } => now.frozen = true,
                Fault::Garbage { .. } => now.garbage = true,
                Fault::Corrupt { .. } => now.corrupt = true,
                Fault::Loss { per_mille, .. } => now.loss_per_mille = now.loss_per_mille.max(*per_mille),
                Fault::OtherSize { .. } => now.other_size = true,
                Fault::Login(_) | Fault::ClockJump { .. } => {}
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::{Scenario, material::VisitCut};

    const TEN: Rate = Rate { frames: 10, seconds: 1 };

    fn cuts() -> Cuts {
        let visit = |from: usize, length, seen_from, shows_from, shows_until| VisitCut {
            units: from..from + length,
            seen_from,
            shows_from,
            shows_until,
        };
        let visits = vec![visit(200, 30, 0, 6, 25), visit(300, 20, 3, 3, 18)];
        Cuts { gop: 10, whole: 0..15, still: 100..130, visits }
    }

    fn scenario(visits: &[(u64, usize)], repeat_s: Option<u64>) -> Scenario {
        let camera = "a".parse().unwrap();
        let mut scenario = Scenario::quiet(&[camera]);
        scenario.repeat = repeat_s.map(Duration::from_secs);
        for &(at_ms, visit) in visits {
            scenario.events.push(Event {
                camera: "a".parse().unwrap(),
                at: Duration::from_millis(at_ms),
                kind: EventKind::Visit(visit),
            });
        }
        scenario
    }

    fn timeline(scenario: &Scenario) -> Timeline {
        let events: Vec<&Event> = scenario.events.iter().collect();
        Timeline::new(&scenario.cameras[0], &events, scenario.repeat, &cuts(), TEN)
    }

    #[test]
    fn visits_begin_at_the_next_key_frame_and_wait_for_each_other() {
        let mut line = timeline(&scenario(&[(1_050, 0), (2_000, 1)], None));
        let shown: Vec<Shown> = (0..80).map(|frame| line.at(frame)).collect();
        let marks = (0..).zip(&shown).flat_map(|(at, s)| s.marks.map(|mark| Some((at, mark?))));
        let marks: Vec<(u64, Mark)> = marks.flatten().collect();
        assert_eq!(
            marks,
            [
                (20, Mark::Enters(0)),
                (26, Mark::Shows(0)),
                (45, Mark::Leaves(0)),
                (53, Mark::Enters(1)),
                (53, Mark::Shows(1)),
                (68, Mark::Leaves(1))
            ]
        );
        let units: Vec<_> = [0, 19, 20, 49, 50, 69, 70].map(|at| shown[at].unit).into();
        assert_eq!(units, [100, 119, 200, 229, 300, 319, 110]);
    }

    #[test]
    fn a_repeating_scenario_comes_again() {
        let mut line = timeline(&scenario(&[(0, 1)], Some(10)));
        let enters: Vec<u64> =
            (0..400).filter(|&frame| line.at(frame).marks[0] == Some(Mark::Enters(1))).collect();
        assert_eq!(enters, [3, 103, 203, 303]);
    }

    #[test]
    fn somebody_can_be_called() {
        let mut line = timeline(&scenario(&[], None));
        line.at(0);
        assert!(line.show(1) && !line.show(2));
        let enters: Vec<u64> = (1..60).filter(|&frame| line.at(frame).marks[0].is_some()).collect();
        assert_eq!(enters, [13, 28]);
    }

    #[test]
    fn footage_as_it_is_runs_in_a_circle() {
        let mut scenario = scenario(&[], None);
        scenario.cameras[0].material = Source::Busy;
        let mut line = timeline(&scenario);
        assert_eq!([0, 14, 15, 31].map(|frame| line.at(frame).unit), [0, 14, 0, 1]);
        assert_eq!([0, 1, 10, 11, 15, 16].map(|frame| line.next_key_frame(frame)), [0, 10, 10, 15, 15, 25]);
        assert!(!line.show(0));
    }

    proptest! {
        #[test]
        fn every_cut_is_at_a_key_frame_and_every_visit_is_whole(
            visits in prop::collection::vec((0u64..60_000, 0usize..2), 0..12),
        ) {
            let mut line = timeline(&scenario(&visits, None));
            let shown: Vec<Shown> = (0..1_500).map(|frame| line.at(frame)).collect();
            for (frame, pair) in shown.windows(2).enumerate() {
                let next_key = (frame + 1) % 10 == 0;
                prop_assert!(next_key || pair[1].unit == pair[0].unit + 1, "{frame} {pair:?}");
                prop_assert!(!next_key || pair[1].unit % 10 == 0, "{frame} {pair:?}");
            }
            let marks: Vec<Mark> = shown.iter().flat_map(|s| s.marks).flatten().collect();
            let count = |mark: fn(Mark) -> bool| marks.iter().filter(|&&m| mark(m)).count();
            prop_assert_eq!(count(|m| matches!(m, Mark::Enters(_))), visits.len());
            prop_assert_eq!(count(|m| matches!(m, Mark::Shows(_))), visits.len());
            prop_assert_eq!(count(|m| matches!(m, Mark::Leaves(_))), visits.len());
        }
    }

    #[test]
    fn faults_begin_and_end() {
        let mut scenario = scenario(&[], None);
        let s = Duration::from_secs;
        let login = Login { user: "u".into(), password: "new".into(), scheme: Default::default() };
        let faults = [
            (1, Fault::Away { lasts: s(2) }),
            (2, Fault::Loss { lasts: s(5), per_mille: 50 }),
            (4, Fault::Login(login.clone())),
            (5, Fault::ClockJump { by_ms: -700 }),
            (5, Fault::Frozen { lasts: s(1) }),
        ];
        for (at, fault) in faults {
            let camera = "a".parse().unwrap();
            scenario.events.push(Event { camera, at: s(at), kind: EventKind::Fault(fault) });
        }
        let events: Vec<&Event> = scenario.events.iter().collect();
        let mut faults = Faults::new(&scenario.cameras[0], &events, None);
        let at: Vec<Condition> = (0..9)
            .map(|second| {
                faults.advance(s(second));
                faults.condition()
            })
            .collect();
        let column = |of: fn(&Condition) -> i64| at.iter().map(of).collect::<Vec<_>>();
        assert_eq!(column(|c| c.reachable.into()), [1, 0, 0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(column(|c| c.epoch.into()), [0, 1, 1, 1, 2, 2, 2, 2, 2]);
        assert_eq!(column(|c| c.loss_per_mille.into()), [0, 0, 50, 50, 50, 50, 50, 0, 0]);
        assert_eq!(column(|c| c.clock_error_ms), [0, 0, 0, 0, 0, -700, -700, -700, -700]);
        assert_eq!(column(|c| c.frozen.into()), [0, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(at[8].login, Some(login));
        faults.stop();
        assert!(!faults.condition().reachable && faults.condition().epoch == 3);
        faults.resume();
        assert!(faults.condition().reachable && faults.condition().epoch == 3);
    }
}
