//! Deadlines as they stand in the ledger, and what follows when one is reached.

use std::time::Duration;

use super::{
    Clerk, Draft, Record, STATE_KEPT,
    drafting::Change,
    record::{life_key, open_key, record_key},
};
use crate::{
    alert::life::Deadline,
    id::AlertId,
    mqtt::payload::ClipStatus,
    store::Write,
    time::{Trust, Wall},
};

/// How long deleting waits where it may be a mistake.
const FORGET_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// How long clearing waits where a clock was set.
const CLEAR_AGAIN: Duration = Duration::from_secs(3600);
/// Until a clip's fate is known it is looked for again so often.
const CLIP_AGAIN: Duration = Duration::from_secs(60);

/// A deadline of an alert, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub alert: AlertId,
    deed: Deed,
    key: Vec<u8>,
}

impl Due {
    /// Where the deadlines lie that are reached by `now`, as `from..to`; earliest first.
    pub fn range(now: Wall) -> (Vec<u8>, Vec<u8>) {
        let until = format!("due/{:016x}", now.unix_ms().max(0) + 1);
        (life_key("due/"), life_key(&until))
    }

    /// Reads a key of that range.
    pub fn read(key: Vec<u8>) -> Option<Self> {
        let mut parts = std::str::from_utf8(key.get(1..)?).ok()?.split('/').skip(2);
        let alert = parts.next()?.parse().ok()?;
        let deed = Deed::named(parts.next()?)?;
        Some(Self { alert, deed, key })
    }
}

/// What is due for an alert at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Something in its life.
    Life(Deadline),
    /// The broker need not keep its state any longer.
    Clear,
    /// Record and pictures have served their purpose.
    Forget,
    /// Its clip should have been recorded.
    Clip,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Life(deadline) => deadline.as_str(),
            Self::Clear => "clear",
            Self::Forget => "forget",
            Self::Clip => "clip",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let others = [Self::Clear, Self::Forget, Self::Clip];
        let mut deeds = Deadline::ALL.map(Self::Life).into_iter().chain(others);
        deeds.find(|known| known.as_str() == name)
    }
}

fn key(at: Wall, id: AlertId, deed: Deed) -> Vec<u8> {
    life_key(&format!("due/{:016x}/{id}/{}", at.unix_ms().max(0), deed.as_str()))
}

pub(super) fn set(at: Wall, id: AlertId, deed: Deed) -> Write {
    Write::Put(key(at, id, deed), Vec::new())
}

/// What of a life's deadlines has changed.
pub(super) fn changes(before: Option<&Record>, after: &Record) -> impl Iterator<Item = Write> {
    let of = |record: &Record, deadline| record.life.dues().get(&deadline).copied();
    let id = after.data.alert_id;
    Deadline::ALL.into_iter().flat_map(move |deadline| {
        let (was, is) = (before.and_then(|before| of(before, deadline)), of(after, deadline));
        let deed = Deed::Life(deadline);
        let moved = was != is;
        let gone = was.filter(|_| moved).map(|at| Write::Delete(key(at, id, deed)));
        gone.into_iter().chain(is.filter(|_| moved).map(|at| set(at, id, deed)))
    })
}

impl Clerk {
    /// Drafts what follows from a deadline that was reached. `record` is the alert's, if there still is one; `trust` is how far the time is believed.
    pub fn reach(&mut self, now: Wall, due: Due, record: Option<Record>, trust: Trust) -> Draft {
        let mut draft = Draft { writes: vec![Write::Delete(due.key)], ..Draft::default() };
        match (due.deed, record) {
            (Deed::Life(deadline), Some(record)) => {
                self.live(now, record, deadline, &mut draft);
            }
            (deed, Some(record)) => self.tidy(now, deed, record, trust, &mut draft),
            // The record is gone, the broker's retained state may not be.
            (Deed::Clear, None) => self.clear(due.alert, &mut draft),
            (_, None) => {}
        }
        draft
    }

    /// Lets an alert's life go on by one deadline, where it applies; gives back its newest record.
    fn live(&mut self, now: Wall, record: Record, deadline: Deadline, draft: &mut Draft) -> Record {
        let mut after = record.clone();
        let subject = record.subject(&self.duty);
        let changed = after.life.reach(now, deadline, &|tier| self.duty.tell(now, &subject, tier));
        match changed {
            Some(changed) => self.put(now, Change::of_life(&record, changed), after, draft),
            None => after,
        }
    }

    /// Does what is due by now in an alert's life, so that nothing depends on when the deadlines are looked for.
    pub(super) fn catch_up(&mut self, now: Wall, mut record: Record, draft: &mut Draft) -> Record {
        while let Some(deadline) = record.life.overdue(now) {
            record = self.live(now, record, deadline, draft);
        }
        record
    }

    fn tidy(&mut self, now: Wall, deed: Deed, record: Record, trust: Trust, draft: &mut Draft) {
        let id = record.data.alert_id;
        let mut again = |at: Wall| draft.writes.push(set(at, id, deed));
        match deed {
            Deed::Life(_) => {}
            Deed::Clip if record.data.clip.as_ref().is_none_or(|clip| clip.status != ClipStatus::Pending) => {
            }
            Deed::Clip => {
                // Until it was said, it is asked for again: after a kill, too.
                again(now.after(CLIP_AGAIN));
                draft.clip = Some(Box::new(record));
            }
            // What is not history yet sets another deadline when it is; where it only seems not to be, a clock was set.
            Deed::Clear if record.over_at().is_none() => {}
            Deed::Clear if !record.is_over_since(now, STATE_KEPT) => again(now.after(CLEAR_AGAIN)),
            Deed::Clear => self.clear(id, draft),
            Deed::Forget if now < record.life.raised_at().after(self.kept) => {
                again(record.life.raised_at().after(self.kept));
            }
            // The clock may be wrong, or was when the deadline was set; and what was over a moment ago is nothing to delete yet.
            Deed::Forget if trust != Trust::Believed || !record.is_over_since(now, STATE_KEPT) => {
                again(now.after(FORGET_AGAIN));
            }
            Deed::Forget => {
                draft.writes.push(Write::Delete(record_key(id)));
                draft.writes.push(Write::Delete(open_key(id)));
                draft.writes.extend(self.forget_shared(id));
                draft.forget = Some(id);
                self.known.remove(&id);
            }
        }
    }
}
