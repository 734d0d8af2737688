//! What is known of an alert where it is decided who is told.
//!
//! Owns these facts, and which classes are of one sort. Where they come from is the caller's: an occurrence, or a stored record.

use crate::{
    alert::{Earnest, Judged, Kind, Severity},
    config::Level,
    detect::{Class, Group},
    id::{AlertId, CameraId, EntryPointId, VillageId},
    time::Wall,
};

/// What routing has to know of an alert. The same for its whole life, so that it keeps its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// Where; of several cameras the first one.
    pub camera: CameraId,
    /// Where that looks ([`super::Duty::entry_point`]); `None` where it is not configured any more.
    pub entry_point: Option<EntryPointId>,
    /// Of which village.
    pub village: VillageId,
    /// How the entry point closes the perimeter.
    pub level: Level,
    /// What it is about; empty where no detector saw it.
    pub classes: Vec<Class>,
    /// When it was promised. Hours of routes are those of this moment; hours of posts, those of the moment when they are told.
    pub raised_at: Wall,
}

/// An alert of before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub alert: AlertId,
    /// What is known of it.
    pub subject: Subject,
    /// When it began.
    pub occurred_at: Wall,
    /// By what it was judged.
    pub judged: Judged,
    /// Whether it was meant.
    pub earnest: Earnest,
    /// The alert that leads its incident, where that is another one.
    pub lead: Option<AlertId>,
    /// Whether it was closed.
    pub closed: bool,
}

/// Sorts of things that an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sorts(u8);

impl Sorts {
    /// Of classes: people and what they ride; vehicles; animals.
    pub(super) fn of(classes: &[Class]) -> Self {
        classes.iter().fold(Self::default(), |sorts, class| {
            sorts.and(Self(match class.group() {
                Group::Person | Group::TwoWheeler => 1,
                Group::Vehicle => 2,
                Group::Animal => 4,
            }))
        })
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// No detector saw it.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of it is in the other, too.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}
