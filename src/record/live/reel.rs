//! The newest of a stream, for viewers that read it each at its own pace.
//!
//! Owns how much is kept and where one may begin. Units share their bytes with whoever else holds them; nothing is copied.

use std::{collections::VecDeque, time::Duration};

use crate::{
    camera::{AccessUnit, AudioUnit, StreamInfo},
    time::Mono,
};

/// Most bytes of one stream, and so the most that a viewer may lag behind. One unit alone is kept however large it is.
const BYTES_MAX: usize = 4 << 20;
/// Most units.
const ITEMS_MAX: usize = 1500;
/// What came before the newest key picture is kept for so long: who lags more sees nothing that is live.
const LAG_MAX: Duration = Duration::from_secs(5);

/// One thing that a stream said.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// It plays, or its parameters changed.
    Playing(Session),
    /// A picture.
    Picture(AccessUnit),
    /// A frame of sound.
    Sound(AudioUnit),
    /// It ended, and why.
    Gone(String),
}

/// What is known of a stream while it plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Counts connections and changes.
    pub(super) number: u64,
    pub(super) info: StreamInfo,
}

/// How a stream is.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// Not there, and why.
    Away(String),
    Playing(Session),
}

/// The newest of a stream, numbered from 0 on.
#[derive(Debug)]
pub(super) struct Reel {
    standing: Standing,
    sessions: u64,
    /// Number of the first one that is kept.
    first: u64,
    kept: VecDeque<Item>,
    bytes: usize,
    /// Number of the newest key picture of the session, and when it came.
    entry: Option<(u64, Mono)>,
}

/// What there is for a viewer.
#[derive(Debug)]
pub(super) enum Next {
    /// These, and whether there are more.
    Items(Vec<Item>, More),
    /// Some of what follows is not kept any more: it goes on with the newest key picture.
    Skipped(Standing),
}

/// Whether there is more to be read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

impl Reel {
    pub(super) fn new(why: &str) -> Self {
        Self {
            standing: Standing::Away(why.to_owned()),
            sessions: 0,
            first: 0,
            kept: VecDeque::new(),
            bytes: 0,
            entry: None,
        }
    }

    /// The stream plays, or its parameters changed: who begins later begins behind this.
    pub(super) fn play(&mut self, info: StreamInfo) {
        self.sessions += 1;
        let session = Session { number: self.sessions, info };
        self.standing = Standing::Playing(session.clone());
        self.entry = None;
        self.push(Item::Playing(session));
    }

    /// The stream ended.
    pub(super) fn end(&mut self, why: String) {
        self.standing = Standing::Away(why.clone());
        self.entry = None;
        self.push(Item::Gone(why));
    }

    /// One more picture.
    pub(super) fn picture(&mut self, unit: AccessUnit) {
        if unit.is_key {
            self.entry = Some((self.behind(), unit.arrived.mono));
        }
        self.push(Item::Picture(unit));
    }

    /// One more frame of sound.
    pub(super) fn sound(&mut self, unit: AudioUnit) {
        self.push(Item::Sound(unit));
    }

    /// Nobody watches: nothing is kept.
    pub(super) fn clear(&mut self) {
        self.first = self.behind();
        self.kept = VecDeque::new();
        (self.bytes, self.entry) = (0, None);
    }

    /// How the stream is, and where a viewer begins that comes now.
    pub(super) fn begin(&self) -> (Standing, u64) {
        (self.standing.clone(), self.entry.map_or(self.behind(), |(number, _)| number))
    }

    /// The newest key picture of the session, where it is kept.
    pub(super) fn newest_key(&self) -> Option<&AccessUnit> {
        let (number, _) = self.entry?;
        match self.kept.get(number.checked_sub(self.first)? as usize)? {
            Item::Picture(unit) => Some(unit),
            Item::Playing(_) | Item::Sound(_) | Item::Gone(_) => None,
        }
    }

    /// What comes from `next` on, of about `bytes_max` bytes at most; `next` goes on.
    pub(super) fn since(&self, next: &mut u64, bytes_max: usize) -> Next {
        let Some(known) = next.checked_sub(self.first) else {
            let (standing, begin) = self.begin();
            *next = begin;
            return Next::Skipped(standing);
        };
        let (mut items, mut bytes) = (Vec::new(), 0);
        for item in self.kept.iter().skip(known as usize) {
            if bytes > 0 && bytes + len(item) > bytes_max {
                return Next::Items(items, More::Yes);
            }
            bytes += len(item);
            items.push(item.clone());
            *next += 1;
        }
        Next::Items(items, More::No)
    }

    /// The number of the next one.
    fn behind(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    fn push(&mut self, item: Item) {
        self.bytes += len(&item);
        let now = arrived(&item);
        self.kept.push_back(item);
        while self.kept.len() > 1 && (self.is_full() || now.is_some_and(|now| self.is_first_old(now))) {
            let gone = self.kept.pop_front().expect("there are two");
            self.bytes -= len(&gone);
            self.entry.take_if(|(number, _)| *number == self.first);
            self.first += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.bytes > BYTES_MAX || self.kept.len() > ITEMS_MAX
    }

    /// Whether the first one came so long ago that a viewer had better begin with the newest key picture.
    fn is_first_old(&self, now: Mono) -> bool {
        let is_before_entry = self.entry.is_some_and(|(number, _)| self.first < number);
        // What has no time of its own is as old as what follows it.
        let came = self.kept.iter().find_map(arrived);
        is_before_entry && came.is_some_and(|came| now.since(came) > LAG_MAX)
    }
}

fn len(item: &Item) -> usize {
    match item {
        Item::Picture(unit) => unit.data.len(),
        Item::Sound(unit) => unit.data.len(),
        Item::Playing(_) | Item::Gone(_) => 0,
    }
}

fn arrived(item: &Item) -> Option<Mono> {
    match item {
        Item::Picture(unit) => Some(unit.arrived.mono),
        Item::Sound(unit) => Some(unit.arrived.mono),
        Item::Playing(_) | Item::Gone(_) => None,
    }
}
