//! Alerts that want to be recorded: since when, until when, and which of them are on the disk.

use std::time::Duration;

use super::super::Ready;
use crate::{
    id::{AlertId, CameraId},
    time::Wall,
};

/// Alerts of one camera at a time; then the oldest is never told as ready.
const ALERTS_MAX: usize = 64;

/// The alerts of one camera that are not ready yet.
#[derive(Debug)]
pub(super) struct Alerts {
    pre_roll: Duration,
    post_roll: Duration,
    wants: Vec<Want>,
    /// The latest moment that any of them has wanted.
    wanted_until: Wall,
    /// A segment is to end so that an alert's recording is whole.
    cut_at: Option<Wall>,
}

#[derive(Debug)]
struct Want {
    alert: AlertId,
    from: Wall,
    /// `None` while it lasts.
    until: Option<Wall>,
}

impl Alerts {
    pub(super) fn new(pre_roll: Duration, post_roll: Duration) -> Self {
        let wanted_until = Wall::from_unix_us(i64::MIN);
        Self { pre_roll, post_roll, wants: Vec::new(), wanted_until, cut_at: None }
    }

    /// It is recorded from the pre-roll on.
    pub(super) fn raised(&mut self, alert: AlertId, at: Wall) {
        if self.wants.iter().any(|want| want.alert == alert) {
            return;
        }
        if self.wants.len() == ALERTS_MAX {
            self.wants.remove(0);
        }
        let before = i64::try_from(self.pre_roll.as_micros()).unwrap_or(i64::MAX);
        let from = Wall::from_unix_us(at.unix_us().saturating_sub(before));
        self.wants.push(Want { alert, from, until: None });
    }

    /// It is over: recorded for a while longer.
    pub(super) fn over(&mut self, alert: AlertId, at: Wall) {
        let until = at.after(self.post_roll);
        for want in self.wants.iter_mut().filter(|want| want.alert == alert && want.until.is_none()) {
            want.until = Some(until);
            self.wanted_until = self.wanted_until.max(until);
            self.cut_at = self.cut_at.max(Some(until));
        }
    }

    /// The daemon stops: nothing is wanted any more.
    pub(super) fn stop(&mut self, at: Wall) {
        for want in &mut self.wants {
            want.until = Some(want.until.map_or(at, |until| until.min(at)));
        }
    }

    /// Whether one of them wants to be recorded then.
    pub(super) fn is_wanted(&self, at: Wall) -> bool {
        self.wants.iter().any(|want| want.until.is_none_or(|until| at < until))
    }

    /// The latest moment that one that is over has wanted.
    pub(super) fn wanted_until(&self) -> Wall {
        self.wanted_until
    }

    /// Whether a segment is to end at its next key frame: then the recording of all alerts is whole.
    pub(super) fn is_cut_due(&self, at: Wall) -> bool {
        self.cut_at.is_some_and(|cut| at >= cut) && !self.is_wanted(at)
    }

    /// A segment begins then.
    pub(super) fn cut(&mut self, at: Wall) {
        self.cut_at.take_if(|cut| *cut <= at);
    }

    /// Takes out those of which everything is told up to `settled`.
    pub(super) fn ready(&mut self, camera: &CameraId, settled: Wall) -> Vec<Ready> {
        let is_ready = |want: &mut Want| want.until.is_some_and(|until| until <= settled);
        let taken = self.wants.extract_if(.., is_ready);
        taken
            .map(|want| Ready {
                camera: camera.clone(),
                alert: want.alert,
                from: want.from,
                to: want.until.unwrap_or(settled),
            })
            .collect()
    }
}
