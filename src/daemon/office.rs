//! The clerk's office: where what happens, what people want and what is due become promises.
//!
//! Owns the order "picture, then promise, then tell", and that one comes after the other. Nothing is told, and nobody answered, before it is durable. What is promised is
//! the clerk's decision; how it becomes durable, the desk's.

#[cfg(test)]
mod tests;

use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::tz::TimeZone;
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    clerk::{
        Assigned, Breach, Clerk, Draft, Due, Folder, Record, Step, member, member_range, read_record,
        record_range,
    },
    clock_watch::ClockWatch,
    happenings::Happening,
    orders::Order,
    pictures,
};
use crate::{
    alert::{Change, Occurrence, life::NotDone},
    config::Camera,
    console::Board,
    duty::{MEMBERS_MAX, Presence},
    id::{AlertId, PostId},
    lane::{Filed, Filing},
    metrics::{Metrics, OfState},
    mqtt::payload::{AlertState, AnswerData, ClipStatus, SnapshotData},
    store::{Desk, Refused, Write},
    time::{Clock, Trust, Wall},
};

/// Verdicts that are taken on at once: their pictures are made side by side and their promises share a sync.
const BATCH_MAX: usize = 16;
/// How often deadlines are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Deadlines that one sweep reaches; the next one does the rest.
const SWEEP_MAX: usize = 256;

/// Makes verdicts durable and tells of them.
pub(super) struct Office {
    /// Decides what is promised.
    pub(super) clerk: Clerk,
    /// Makes it durable.
    pub(super) desk: Desk,
    /// Folder of the pictures; exists.
    pub(super) snapshots: PathBuf,
    /// What viewers see.
    pub(super) board: Arc<Board>,
    /// Metrics.
    pub(super) metrics: Metrics,
    /// The machine's clock.
    pub(super) clock: Clock,
    /// Whether its civil time can be believed.
    pub(super) clock_watch: ClockWatch,
    /// Tells others how far it is believed.
    pub(super) trust: watch::Sender<Trust>,
    /// Looks for clips.
    pub(super) seek_clips: mpsc::Sender<Box<Record>>,
    /// What was found.
    pub(super) found_clips: mpsc::Receiver<FoundClip>,
    /// What people want done.
    pub(super) orders: mpsc::Receiver<Order>,
    /// What no lane saw.
    pub(super) happenings: mpsc::Receiver<Happening>,
    /// Posts that come and go.
    pub(super) presence: mpsc::Receiver<(PostId, Presence)>,
    /// Cameras that are drawn anew.
    pub(super) redrawn: mpsc::Receiver<Arc<Camera>>,
    /// In which sentences say the time.
    pub(super) time_zone: TimeZone,
    /// Cancelled where the daemon is of no use any more.
    pub(super) broken: CancellationToken,
}

/// What became of an alert's clip.
#[derive(Debug)]
pub(super) struct FoundClip {
    /// Whose.
    pub(super) alert: AlertId,
    /// Where it can be fetched, and the file's SHA-256 in hex; `None` where nothing was recorded.
    pub(super) file: Option<(String, String)>,
}

impl Office {
    /// Promises the ends of what was cut off by the last kill, then works until every sender of verdicts is gone.
    pub(super) async fn run(mut self, cut_off: Vec<Draft>, mut filings: mpsc::Receiver<(Filing, Filed)>) {
        for draft in cut_off {
            if let Err(refused) = self.carry_out(draft).await {
                tracing::error!(%refused, "the end of an alert could not be promised; the next start tries again");
            }
        }
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut happened = Vec::with_capacity(BATCH_MAX);
        loop {
            self.clerk.settled();
            tokio::select! {
                biased;
                1.. = self.happenings.recv_many(&mut happened, BATCH_MAX) => {
                    self.happen(std::mem::take(&mut happened)).await;
                }
                Some((post, presence)) = self.presence.recv() => self.clerk.presence(post, presence),
                Some(camera) = self.redrawn.recv() => self.clerk.redraw(camera),
                _ = sweep.tick() => self.sweep().await,
                taken = filings.recv_many(&mut batch, BATCH_MAX) => match taken {
                    0 => break,
                    _ => self.file(std::mem::take(&mut batch)).await,
                },
                Some(order) = self.orders.recv() => self.obey(order).await,
                Some(found) = self.found_clips.recv() => self.tell_clip(found).await,
            }
        }
    }

    /// What happened together shares a sync: in a storm of sensors a call for help waits for one of them, not for each.
    async fn happen(&mut self, batch: Vec<Happening>) {
        let now = self.clock.now().wall;
        let mut promises = Vec::with_capacity(batch.len());
        let mut done = Vec::with_capacity(batch.len());
        for Happening { change, occurrence, promised } in batch {
            let draft = self.draft(now, change, &occurrence, None).await;
            promises.push((draft.writes, draft.messages));
            done.push((change, occurrence, promised, draft.told));
        }
        let promises =
            join_all(promises.into_iter().map(|(writes, messages)| self.desk.promise(writes, messages)));
        for ((change, occurrence, promised, told), outcome) in done.into_iter().zip(promises.await) {
            match &outcome {
                Ok(_) => self.tell(change, &occurrence, told),
                Err(refused) => self.lost(&occurrence, refused),
            }
            // Who told it may have gone.
            let _ = promised.send(outcome.map(drop));
        }
    }

    async fn draft(
        &mut self,
        now: Wall,
        change: Change,
        what: &Occurrence,
        picture: Option<SnapshotData>,
    ) -> Draft {
        let mut assigned = self.clerk.assign(now, change, what);
        if let Some(lead) = assigned.as_ref().and_then(Assigned::wants) {
            // Where it cannot be read, it is joined all the same.
            let lead = self.record(lead).await.ok().flatten();
            assigned = assigned.map(|assigned| assigned.with(lead));
        }
        self.clerk.draft(now, change, what, picture, assigned).unwrap_or_default()
    }

    /// Does what somebody wants, and answers once it is durable.
    async fn obey(&mut self, order: Order) {
        let Order { command, answer } = order;
        let (id, now) = (command.id, self.clock.now().wall);
        let outcome = match self.folder(command.alert).await {
            Ok(folder) => {
                let (data, draft) = self.clerk.obey(now, command, folder);
                self.carry_out(draft).await.map(|()| data)
            }
            Err(refused) => Err(refused),
        };
        let data = outcome.unwrap_or_else(|refused| {
            let why = format!("{refused}; say it again with the same id");
            AnswerData::refused(id, &NotDone::Expired(why))
        });
        // Who asked may have gone.
        let _ = answer.send(data);
    }

    /// What is on record of an alert and of those that joined it.
    async fn folder(&self, id: AlertId) -> Result<Option<Folder>, Refused> {
        let Some(record) = self.record(id).await? else { return Ok(None) };
        let mut members = Vec::new();
        if record.leads() {
            let (from, to) = member_range(id);
            for (key, _) in self.desk.range(from, to, MEMBERS_MAX).await? {
                if let Some(id) = member(&key) {
                    members.extend(self.record(id).await?);
                }
            }
        }
        Ok(Some(Folder { record, members }))
    }

    async fn file(&mut self, batch: Vec<(Filing, Filed)>) {
        let pictures = batch.iter().map(|(filing, _)| pictures::picture(self.snapshots.clone(), filing));
        let mut happened = Vec::with_capacity(BATCH_MAX);
        let mut pictures = pin!(join_all(pictures.collect::<Vec<_>>()));
        let pictures = loop {
            // Who calls for help does not wait for pictures.
            tokio::select! {
                biased;
                1.. = self.happenings.recv_many(&mut happened, BATCH_MAX) => {
                    self.happen(std::mem::take(&mut happened)).await;
                }
                made = &mut pictures => break made,
            }
        };
        let now = self.clock.now();
        let mut promises = Vec::with_capacity(batch.len());
        let mut done = Vec::with_capacity(batch.len());
        for ((filing, filed), picture) in batch.into_iter().zip(pictures) {
            let change = filing.verdict.change;
            let occurrence = filing.verdict.alert.occurrence(&self.time_zone);
            let draft = self.draft(now.wall, change, &occurrence, picture).await;
            promises.push((draft.writes, draft.messages));
            done.push((change, occurrence, filed, draft.told));
        }
        let promised =
            join_all(promises.into_iter().map(|(writes, messages)| self.desk.promise(writes, messages)));
        for ((change, occurrence, filed, told), promised) in done.into_iter().zip(promised.await) {
            match promised {
                Ok(_) => self.tell(change, &occurrence, told),
                Err(refused) => self.lost(&occurrence, &refused),
            }
            filed();
        }
    }

    fn lost(&self, alert: &Occurrence, refused: &Refused) {
        tracing::error!(alert = %alert.id, camera = %alert.camera.id, %refused, "an alert was not promised, and is lost");
        // The store outlives this office on an ordered stop: where it is gone now, it panicked.
        if matches!(refused, Refused::Stopped) {
            self.broken.cancel();
        }
    }

    fn tell(&self, change: Change, what: &Occurrence, told: Vec<Step>) {
        let (alert, camera) = (what.id, &what.camera.id);
        match change {
            _ if told.is_empty() => {}
            Change::Raised => {
                self.metrics.alerts_raised.get_or_create(&camera.into()).inc();
                // Of our own equipment is told only what has lasted: that says nothing of how fast we are.
                if !what.kind.is_of_equipment() {
                    let us = self.clock.now().wall.us_since(what.occurred_at).max(0);
                    self.metrics.alert_seconds.observe(us as f64 / 1e6);
                }
                tracing::info!(%alert, %camera, judged = ?what.judged, "alert raised: {}", what.explain.en);
            }
            Change::Ended => tracing::info!(%alert, %camera, "alert ended"),
            Change::Updated => tracing::debug!(%alert, %camera, "alert updated"),
        }
        self.show(told);
    }

    /// Shows what was promised to who looks, and counts it.
    fn show(&self, told: Vec<Step>) {
        for Step { record, entered, breach } in told {
            let (id, is_counted) = (record.data.alert_id, !record.data.drill);
            if let Some(state) = entered {
                if is_counted {
                    self.metrics.alert_states.get_or_create(&OfState { state: state.as_str() }).inc();
                }
                if state != AlertState::Raised {
                    tracing::info!(alert = %id, state = state.as_str(), "alert goes on");
                }
            }
            if breach == Breach::Now && is_counted {
                self.metrics.alert_breaches.inc();
                tracing::warn!(alert = %id, "nobody was on the way in time");
            }
            self.board.alert(record.rev, record.data);
        }
    }

    /// Does what has become due.
    async fn sweep(&mut self) {
        let now = self.clock.now();
        let trust = self.clock_watch.look(now);
        self.trust.send_replace(trust);
        let now = now.wall;
        if trust == Trust::Lost {
            return;
        }
        let (from, to) = Due::range(now);
        let reached = match self.desk.range(from, to, SWEEP_MAX).await {
            Ok(reached) => reached,
            Err(refused) => {
                tracing::warn!(%refused, "deadlines could not be looked for; the next sweep does it");
                return;
            }
        };
        let mut drafts = Vec::with_capacity(reached.len());
        for (key, _) in reached {
            let Some(due) = Due::read(key.clone()) else {
                tracing::error!(key = %String::from_utf8_lossy(&key), "an entry of the store is no deadline, and is removed");
                drafts.push(Draft { writes: vec![Write::Delete(key)], ..Draft::default() });
                continue;
            };
            let Ok(record) = self.record(due.alert).await else { return };
            drafts.push(self.clerk.reach(now, due, record, trust));
        }
        // Side by side, so that they share a sync and no fresh alert waits for long.
        for outcome in join_all(drafts.into_iter().map(|draft| self.carry_out(draft))).await {
            if let Err(refused) = outcome {
                tracing::warn!(%refused, "a deadline could not be carried out; the next sweep does it");
            }
        }
    }

    async fn tell_clip(&mut self, found: FoundClip) {
        let status = if found.file.is_some() { ClipStatus::Ready } else { ClipStatus::Gap };
        // What is not told now is looked for again when the clip's next deadline comes.
        let Ok(Some(record)) = self.record(found.alert).await else { return };
        let draft = self.clerk.clip(self.clock.now().wall, record, status, found.file);
        if let Err(refused) = self.carry_out(draft).await {
            tracing::warn!(alert = %found.alert, %refused, "the news of an alert's clip could not be promised; it is tried again");
        }
    }

    async fn record(&self, id: AlertId) -> Result<Option<Record>, Refused> {
        if let Some(record) = self.clerk.known(id) {
            return Ok(Some(record.clone()));
        }
        let (from, to) = record_range(id);
        let found = self.desk.range(from, to, 1).await?;
        Ok(found.first().and_then(|(_, value)| read_record(value)))
    }

    /// Promises a draft that no lane waits for, then tells of it.
    async fn carry_out(&self, draft: Draft) -> Result<(), Refused> {
        if !draft.writes.is_empty() || !draft.messages.is_empty() {
            self.desk.promise(draft.writes, draft.messages).await?;
        }
        self.show(draft.told);
        if let Some(record) = draft.clip {
            // One for which there is no room has another deadline.
            let _ = self.seek_clips.try_send(record);
        }
        if let Some(alert) = draft.forget {
            pictures::forget(&self.snapshots, alert).await;
        }
        Ok(())
    }
}
