//! Alerts on record, for those who ask over HTTP, and the way from there to the office.
//!
//! Owns reading them. What they are, and for how long they are kept, is the clerk's.

use futures::{FutureExt, future::BoxFuture};

use super::{
    clerk::{read_record, record_key_at, record_range},
    hearer,
    orders::Orders,
};
use crate::{
    alert::life::Verb,
    console::{AlertPage, AlertQuestion, Alerts},
    id::{AlertId, CameraId, StationId},
    mqtt::payload::{AlertData, AnswerData, CommandData},
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
    /// Whose they are.
    pub(super) station: StationId,
    /// Where commands go.
    pub(super) orders: Orders,
}

impl Alerts for AlertShelf {
    fn alert(&self, id: AlertId) -> BoxFuture<'_, Result<Option<AlertData>, Refused>> {
        async move {
            let (from, to) = record_range(id);
            let found = self.desk.range(from, to, 1).await?;
            Ok(found.first().and_then(|(_, value)| read_record(value)).map(|record| record.data))
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
            // Ids carry the time at which the alert was raised, which is when it occurred or a moment later.
            let (mut next, end) = (record_key_at(from), record_key_at(to));
            let mut alerts = Vec::new();
            loop {
                let step = self.desk.range(next.clone(), end.clone(), STEP).await?;
                let records = step.iter().filter_map(|(_, value)| read_record(value));
                alerts.extend(records.map(|record| record.data).filter(|alert| alert.camera.id == camera));
                match step.last() {
                    Some((key, _)) if step.len() == STEP => next = key.iter().copied().chain([0]).collect(),
                    _ => return Ok(alerts),
                }
            }
        }
        .boxed()
    }

    fn page(&self, question: AlertQuestion) -> BoxFuture<'_, Result<AlertPage, Refused>> {
        async move {
            let from = record_key_at(question.from.unwrap_or(Wall::from_unix_us(0)));
            let mut to = record_key_at(question.to.unwrap_or(FAR));
            // A page before has ended at a record, which is not shown again.
            to = question.after.map_or(to.clone(), |after| record_range(after).0.min(to));
            let (mut alerts, mut last) = (Vec::new(), None);
            for _ in 0..LOOKED_AT_MAX {
                if alerts.len() == question.limit {
                    break;
                }
                let Some((key, value)) = self.desk.last(from.clone(), to).await? else {
                    return Ok(AlertPage { alerts, next: None });
                };
                if let Some(record) = read_record(&value) {
                    last = Some(record.data.alert_id);
                    alerts.extend(Some(record.data).filter(|alert| question.fits(alert)));
                }
                to = key;
            }
            Ok(AlertPage { alerts, next: last })
        }
        .boxed()
    }

    fn order(&self, alert: AlertId, verb: Verb, command: CommandData) -> BoxFuture<'_, AnswerData> {
        async move {
            let id = command.id;
            match hearer::own(command, alert, verb, &self.station) {
                Ok(command) => self.orders.give(command).await,
                Err(not_done) => AnswerData::refused(id, &not_done),
            }
        }
        .boxed()
    }
}
