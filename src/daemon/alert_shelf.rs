//! Alerts on record, for those who ask by id or by time.
//!
//! Owns reading them. What they are, and for how long they are kept, is the clerk's.

use futures::{FutureExt, future::BoxFuture};

use super::clerk::{read_record, record_key_at, record_range};
use crate::{
    console::Alerts,
    id::{AlertId, CameraId},
    mqtt::payload::AlertData,
    store::{Desk, Refused},
    time::Wall,
};

/// Records read at once.
const STEP: usize = 256;

/// Reads alerts.
pub(super) struct AlertShelf {
    /// Where they lie.
    pub(super) desk: Desk,
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
}
