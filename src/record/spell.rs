//! The time of one camera that is not recorded: since when, and why.
//!
//! Owns that each moment of it is told once, by one cause. Knows nothing of why.

use std::{collections::VecDeque, time::Duration};

use super::{Gap, GapCause};
use crate::{
    id::CameraId,
    time::{Mono, Wall},
};

/// A gap that lasts is told again so often, with a later end.
const TELL_EVERY: Duration = Duration::from_secs(55);

/// Spans without a recording, one after the other; the last one lasts. Empty while there is a recording.
#[derive(Debug, Default)]
pub(super) struct Spell {
    spans: VecDeque<Span>,
}

/// One cause, from then on.
#[derive(Debug)]
pub(super) struct Span {
    from: Wall,
    cause: GapCause,
    /// Up to when it was told, and when.
    told: Option<(Wall, Mono)>,
}

impl Spell {
    /// From here on there is no recording for this cause. No change where that is so already.
    pub(super) fn begin(&mut self, at: Wall, cause: GapCause) {
        match self.spans.back_mut() {
            Some(last) if last.cause == cause => {}
            // It has not lasted at all.
            Some(last) if last.from >= at => last.cause = cause,
            _ => self.spans.push_back(Span { from: at, cause, told: None }),
        }
    }

    /// Why nothing is recorded now.
    pub(super) fn cause(&self) -> Option<GapCause> {
        self.spans.back().map(|last| last.cause)
    }

    /// Since when the last span lasts.
    #[cfg(test)]
    pub(super) fn from(&self) -> Option<Wall> {
        self.spans.front().map(|first| first.from)
    }

    /// Tells what is due of the time before `limit`: what is over at once, what lasts when it has begun and then once a minute.
    pub(super) fn tell(&mut self, camera: &CameraId, now: Mono, limit: Wall, gaps: &mut Vec<Gap>) {
        while let Some(next) = self.spans.get(1).map(|next| next.from)
            && next <= limit
            && let Some(span) = self.spans.pop_front()
        {
            span.tell_to(next, camera, gaps);
        }
        let Some(first) = self.spans.front_mut() else { return };
        let is_due = first.told.is_none_or(|(_, at)| now.since(at) >= TELL_EVERY);
        if is_due && first.from < limit {
            first.tell_to(limit, camera, gaps);
            first.told = Some((limit, now));
        }
    }

    /// A recording begins at `at`: tells what was before, and forgets what comes behind. Gives the last span, should nothing come of the recording.
    pub(super) fn end(&mut self, camera: &CameraId, at: Wall, gaps: &mut Vec<Gap>) -> Option<Span> {
        let mut last = None;
        while let Some(mut span) = self.spans.pop_front() {
            let to = self.spans.front().map_or(at, |next| next.from.min(at));
            if to > span.from {
                span.tell_to(to, camera, gaps);
                span.told = Some((to, span.told.map_or(Mono::ZERO, |(_, at)| at)));
                last = Some(span);
            }
        }
        last
    }

    /// Nothing came of the recording: it is as if it had not begun.
    pub(super) fn resume(&mut self, span: Option<Span>) {
        self.spans.extend(span);
    }
}

impl Span {
    fn tell_to(&self, to: Wall, camera: &CameraId, gaps: &mut Vec<Gap>) {
        if self.told.is_none_or(|(told, _)| told < to) {
            gaps.push(Gap { camera: camera.clone(), from: self.from, to, cause: self.cause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spell: &mut Spell, at_s: i64, limit_s: i64) -> Vec<(i64, i64, GapCause)> {
        let mut gaps = Vec::new();
        let camera = "gate".parse().expect("an id");
        let now = Mono::from_start(Duration::from_secs(at_s as u64));
        spell.tell(&camera, now, s(limit_s), &mut gaps);
        in_short(&gaps)
    }

    fn in_short(gaps: &[Gap]) -> Vec<(i64, i64, GapCause)> {
        gaps.iter().map(|gap| (gap.from.unix_ms() / 1000, gap.to.unix_ms() / 1000, gap.cause)).collect()
    }

    fn s(seconds: i64) -> Wall {
        Wall::from_unix_ms(seconds * 1000)
    }

    #[test]
    fn a_gap_is_told_as_it_begins_then_once_a_minute_and_as_it_ends() {
        use GapCause::{Offline, Quiet};
        let mut spell = Spell::default();
        spell.begin(s(0), Quiet);
        assert_eq!(told(&mut spell, 0, 0), []);
        assert_eq!(told(&mut spell, 1, 1), [(0, 1, Quiet)]);
        assert_eq!(told(&mut spell, 50, 50), []);
        assert_eq!(told(&mut spell, 60, 60), [(0, 60, Quiet)]);
        spell.begin(s(70), Offline);
        spell.begin(s(71), Offline);
        assert_eq!(told(&mut spell, 75, 65), [], "not beyond the limit");
        assert_eq!(told(&mut spell, 80, 72), [(0, 70, Quiet), (70, 72, Offline)]);
        let mut gaps = Vec::new();
        spell.end(&"gate".parse().expect("an id"), s(90), &mut gaps);
        assert_eq!(in_short(&gaps), [(70, 90, Offline)]);
        assert_eq!((spell.cause(), spell.from()), (None, None));
    }

    #[test]
    fn a_recording_that_begins_before_takes_the_place_of_what_is_not_told() {
        use GapCause::{Offline, Quiet};
        let mut spell = Spell::default();
        spell.begin(s(0), Quiet);
        spell.begin(s(70), Offline);
        let mut gaps = Vec::new();
        spell.end(&"gate".parse().expect("an id"), s(60), &mut gaps);
        assert_eq!(in_short(&gaps), [(0, 60, Quiet)]);
    }
}
