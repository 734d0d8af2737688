//! Seconds of a camera, and how troubled ones are put together.
//!
//! Owns which seconds are told as one. When a spell begins and ends, and what time it is, is [`super`]'s.

use crate::analysis::Cause;

/// Blind seconds in a row that are told by themselves.
const SPLIT_S: u64 = 5;

/// One second of a camera.
#[derive(Debug, Clone, Copy)]
pub(super) struct Second {
    pub(super) wanted: u16,
    pub(super) analysed: u16,
    /// Frames that were not analysed, by [`Cause::index`].
    pub(super) missed: [u16; Cause::ALL.len()],
    /// Why nothing was looked at in a part of it.
    pub(super) unwatched: Option<Cause>,
}

impl Second {
    pub(super) fn new(unwatched: Option<Cause>) -> Self {
        Self { wanted: 0, analysed: 0, missed: [0; Cause::ALL.len()], unwatched }
    }

    /// Frames that have no outcome.
    pub(super) fn undecided(&self) -> u16 {
        self.wanted - self.analysed - self.missed.iter().sum::<u16>()
    }

    fn is_idle(&self) -> bool {
        self.wanted == 0 && self.unwatched.is_none()
    }

    pub(super) fn is_blind(&self) -> bool {
        !self.is_idle() && self.analysed == 0
    }

    pub(super) fn is_short(&self) -> bool {
        self.is_blind() || self.analysed < self.wanted
    }

    /// What is missing, by cause.
    pub(super) fn missing(&self, cause: Cause) -> u64 {
        let late = self.is_blind() && self.unwatched == Some(cause);
        u64::from(self.missed[cause.index()]) + u64::from(late)
    }
}

/// A time in which too little is analysed.
#[derive(Debug, Default)]
pub(super) struct Spell {
    /// Seconds of which some have analysed frames.
    run: Option<Run>,
    /// Blind seconds behind it.
    blind: Option<Run>,
}

impl Spell {
    /// When what is not told yet began.
    pub(super) fn begin(&self) -> Option<u64> {
        self.run.as_ref().or(self.blind.as_ref()).map(|run| run.from)
    }

    /// Takes a second in; gives out what is over with it.
    pub(super) fn add(&mut self, number: u64, second: &Second) -> [Option<Run>; 2] {
        if second.is_idle() {
            return [None, None];
        }
        if second.is_blind() {
            self.blind.get_or_insert_with(|| Run::at(number)).add(number, second);
            return [None, None];
        }
        let told = self.settle_blind();
        if second.is_short() || self.run.is_some() {
            self.run.get_or_insert_with(|| Run::at(number)).add(number, second);
        }
        told
    }

    /// Blind seconds have come to their end: they stand alone, or belong to what was before them.
    fn settle_blind(&mut self) -> [Option<Run>; 2] {
        let Some(blind) = self.blind.take() else { return [None, None] };
        if blind.to - blind.from >= SPLIT_S {
            return [self.run.take(), Some(blind)];
        }
        match &mut self.run {
            Some(run) => run.append(&blind),
            None => self.run = Some(blind),
        }
        [None, None]
    }

    /// Gives out everything.
    pub(super) fn close(&mut self, mut tell: impl FnMut(Run)) {
        let told = self.settle_blind();
        told.into_iter().flatten().chain(self.run.take()).for_each(&mut tell);
    }
}

/// Consecutive seconds that are told as one.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) from: u64,
    /// After the last second that lacks frames.
    pub(super) to: u64,
    pub(super) wanted: u64,
    pub(super) analysed: u64,
    pub(super) missed: [u64; Cause::ALL.len()],
    /// Wanted, and analysed, since `to`: part of the run once it goes on.
    since: u64,
}

impl Run {
    fn at(number: u64) -> Self {
        Self { from: number, to: number, wanted: 0, analysed: 0, missed: [0; Cause::ALL.len()], since: 0 }
    }

    fn add(&mut self, number: u64, second: &Second) {
        if !second.is_short() {
            self.since += u64::from(second.wanted);
            return;
        }
        self.go_on(number + 1);
        self.wanted += u64::from(second.wanted);
        self.analysed += u64::from(second.analysed);
        for cause in Cause::ALL {
            self.missed[cause.index()] += second.missing(cause);
        }
    }

    fn append(&mut self, next: &Self) {
        self.go_on(next.to);
        self.wanted += next.wanted;
        self.analysed += next.analysed;
        self.missed.iter_mut().zip(next.missed).for_each(|(sum, more)| *sum += more);
    }

    fn go_on(&mut self, to: u64) {
        let since = std::mem::take(&mut self.since);
        self.wanted += since;
        self.analysed += since;
        self.to = to;
    }
}
