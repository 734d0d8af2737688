//! What the writer answers, and what is told of it.

use std::time::Duration;

use super::{Act, Recorder, SegmentKey};
use crate::{
    record::{GapCause, News, film::Film},
    time::Mono,
};

/// After a disk refused, the next segment is tried no sooner; where nothing of that was taken either, after twice as long, and so on.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

impl Recorder {
    /// The writer takes no more than the first `fragments` of the segment that is being made.
    fn give_up(&mut self, key: SegmentKey, fragments: usize, cause: GapCause) -> bool {
        let Some(film) = self.film.take_if(|film| film.key() == key) else { return false };
        let closed = film.given_up(fragments);
        let now = self.line.mono();
        self.retry = match closed.is_empty() {
            true => (self.retry * 2).clamp(RETRY.0, RETRY.1),
            false => RETRY.0,
        };
        self.blocked = Some((now + self.retry, cause));
        if closed.is_empty() {
            self.spell.resume(self.before.take());
        }
        self.spell.begin(closed.to, cause);
        self.ledger.closed(closed);
        true
    }

    pub(super) fn refused(
        &mut self,
        key: SegmentKey,
        taken: Option<usize>,
        cause: GapCause,
        acts: &mut Vec<Act>,
    ) {
        let fragments = taken.unwrap_or(0);
        if self.give_up(key, fragments, cause) && taken.is_some() {
            acts.push(Act::Close(key));
        }
        self.ledger.cut(key, fragments, cause, &mut self.gaps);
        if taken.is_none() {
            self.ledger.forget(key);
        }
    }

    pub(super) fn written(
        &mut self,
        key: SegmentKey,
        fragments: usize,
        trouble: Option<GapCause>,
        acts: &mut Vec<Act>,
    ) {
        let cause = trouble.unwrap_or(GapCause::DiskFailed);
        self.give_up(key, fragments, cause);
        if let Some(segment) = self.ledger.written(key, fragments, cause, &mut self.gaps) {
            acts.push(Act::Tell(News::Segment(segment)));
        }
    }

    /// Tells gaps as far as they are certain, and alerts whose recording is on the disk.
    pub(super) fn tell(&mut self, now: Mono, acts: &mut Vec<Act>) {
        let limit = self.pre_roll.from().unwrap_or(self.line.at());
        self.spell.tell(&self.camera.id, now, limit, &mut self.gaps);
        acts.extend(self.gaps.drain(..).map(|gap| Act::Tell(News::Gap(gap))));
        let film = self.film.as_ref().map(Film::from);
        let settled = [self.ledger.oldest(), film].into_iter().flatten().min().unwrap_or(self.line.at());
        for ready in self.alerts.ready(&self.camera.id, settled) {
            acts.push(Act::Tell(News::Ready(ready)));
        }
    }
}
