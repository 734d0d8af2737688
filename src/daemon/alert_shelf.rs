//! Alerts on record, our own and neighbours', for those who ask over HTTP, and the way from there to who decides.
//!
//! Owns reading them. What they are, and for how long they are kept, is the clerk's.

use futures::{FutureExt, future::BoxFuture};

use super::{
    abroad::Commands,
    clerk::{Record, read_record, record_key_at, record_range},
};
use crate::{
    alert::life::Verb,
    console::{AlertPage, AlertQuestion, Alerts},
    id::{AlertId, CameraId, StationId},
    mqtt::{
        ear::Age,
        payload::{AlertData, AnswerData, CommandData},
    },
    neighbour::foreign::{self, Foreign},
    store::{Desk, Refused},
    time::Wall,
};

/// Records read at once.
const STEP: usize = 256;
/// Records looked at for one page, at most; then it ends before it is full.
const LOOKED_AT_MAX: usize = 4096;

/// Later than any alert.
const FAR: Wall = Wall::from_unix_us(((1 << 48) - 1) * 1000);

/// Reads alerts.
pub(super) struct AlertShelf {
    /// Where they lie.
    pub(super) desk: Desk,
    /// Whose alerts are kept beside our own.
    pub(super) neighbours: Vec<StationId>,
    /// Where commands go.
    pub(super) commands: Commands,
}

impl Alerts for AlertShelf {
    fn alert(&self, id: AlertId) -> BoxFuture<'_, Result<Option<AlertData>, Refused>> {
        async move {
            let (from, to) = record_range(id);
            let found = self.desk.range(from, to, 1).await?;
            if let Some(record) = found.first().and_then(|(_, value)| read_record(value)) {
                return Ok(Some(record.shown()));
            }
            let Some(home) = self.commands.home_of(id) else { return Ok(None) };
            let (from, to) = foreign::range_of(&home, id);
            let found = self.desk.range(from, to, 1).await?;
            Ok(found.first().and_then(|(_, value)| foreign::read(value)).map(Foreign::shown))
        }
        .boxed()
    }

    fn alerts(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
    ) -> BoxFuture<'_, Result<Vec<AlertData>, Refused>> {
        let camera = camera.clone();
        async move {
            let mut alerts = Vec::new();
            let mut visit = |alert: AlertData| {
                if alert.camera.id == camera {
                    alerts.push(alert);
                }
            };
            self.each(from, to, &mut visit).await?;
            Ok(alerts)
        }
        .boxed()
    }

    fn each<'a>(
        &'a self,
        from: Wall,
        to: Wall,
        visit: &'a mut (dyn FnMut(AlertData) + Send),
    ) -> BoxFuture<'a, Result<(), Refused>> {
        async move {
            // Ids carry the time at which the alert was raised, which is when it occurred or a moment later.
            let (mut next, end) = (record_key_at(from), record_key_at(to));
            loop {
                let step = self.desk.range(next.clone(), end.clone(), STEP).await?;
                step.iter().filter_map(|(_, value)| read_record(value)).for_each(|record| visit(record.data));
                match step.last() {
                    Some((key, _)) if step.len() == STEP => next = key.iter().copied().chain([0]).collect(),
                    _ => return Ok(()),
                }
            }
        }
        .boxed()
    }

    fn page(&self, question: AlertQuestion) -> BoxFuture<'_, Result<AlertPage, Refused>> {
        async move {
            let mut rows = Vec::with_capacity(1 + self.neighbours.len());
            for home in [None].into_iter().chain(self.neighbours.iter().map(Some)) {
                rows.push(Row::open(&self.desk, home, &question).await?);
            }
            let (mut alerts, mut last) = (Vec::new(), None);
            for _ in 0..LOOKED_AT_MAX {
                if alerts.len() == question.limit {
                    break;
                }
                // Of all the newest one.
                let newest = rows.iter_mut().max_by_key(|row| row.next.as_ref().map(|(id, _)| *id));
                let Some((row, (id, alert))) = newest.and_then(|row| row.next.take().map(|next| (row, next)))
                else {
                    return Ok(AlertPage { alerts, next: None });
                };
                row.go_on(&self.desk).await?;
                last = Some(id);
                alerts.extend(Some(alert).filter(|alert| question.fits(alert)));
            }
            Ok(AlertPage { alerts, next: last })
        }
        .boxed()
    }

    fn order(&self, alert: AlertId, verb: Verb, command: CommandData) -> BoxFuture<'_, AnswerData> {
        self.commands.give(alert, verb, command, Age::Fresh).boxed()
    }
}

/// The alerts of one station, newest first.
struct Row {
    is_own: bool,
    from: Vec<u8>,
    to: Vec<u8>,
    /// `None` at the end.
    next: Option<(AlertId, AlertData)>,
}

impl Row {
    async fn open(desk: &Desk, home: Option<&StationId>, question: &AlertQuestion) -> Result<Self, Refused> {
        let key_at = |at| match home {
            None => record_key_at(at),
            Some(home) => foreign::key_at(home, at),
        };
        let from = key_at(question.from.unwrap_or(Wall::from_unix_us(0)));
        let to = key_at(question.to.unwrap_or(FAR));
        // A page before has ended at a record, which is not shown again.
        let to = question.after.map_or(to.clone(), |after| {
            let behind = match home {
                None => record_range(after).0,
                Some(home) => foreign::key(home, after),
            };
            behind.min(to)
        });
        let mut row = Self { is_own: home.is_none(), from, to, next: None };
        row.go_on(desk).await?;
        Ok(row)
    }

    async fn go_on(&mut self, desk: &Desk) -> Result<(), Refused> {
        self.next = None;
        while self.next.is_none() {
            let Some((key, value)) = desk.last(self.from.clone(), self.to.clone()).await? else { break };
            self.to = key;
            let alert = match self.is_own {
                true => read_record(&value).map(Record::shown),
                false => foreign::read(&value).map(Foreign::shown),
            };
            self.next = alert.map(|alert| (alert.alert_id, alert));
        }
        Ok(())
    }
}
