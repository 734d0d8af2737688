//! Promising alerts on a real disk: one by one, side by side, and taking them out again.

use std::{sync::Arc, time::Instant};

use cunkou::{
    alert::{Alert, Change, Object},
    daemon::clerk::{Clerk, Draft},
    detect::Class,
    geometry::UnitBox,
    id::{Mint, TrackId},
    metrics::Metrics,
    mqtt::payload::ModelData,
    rules::Verdict,
    store::{Desk, Outbox, Seq, SledLedger},
    time::Wall,
};
use futures::future::join_all;
use serde_json::json;

use super::{Outcome, measure::Bencher, recorded};

/// Verdicts that the office takes on at once.
const SIDE_BY_SIDE: usize = 16;
/// What the courier asks for at once.
const READ_AT_ONCE: usize = 64;

pub(crate) fn run(bencher: &mut Bencher) -> Outcome {
    let folder = tempfile::Builder::new().prefix("bench-store").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut office = Office::new();
    let mut at = 0;
    bencher.measure("clerk.draft", 200, 10, || {
        at += 1;
        assert_eq!(office.draft(at).messages.len(), 2);
    });

    let mut outbox = Outbox::open(SledLedger::open(folder.path())?)?;
    let mut bytes = 0;
    bencher.measure("outbox.promise.single", 300, 1, || {
        at += 1;
        let draft = office.draft(at);
        bytes = draft.messages.iter().map(|message| message.payload.len()).sum();
        outbox.promise(draft.writes, &draft.messages).expect("the disk works");
    });
    eprintln!("bench: an alert's two messages have {bytes} bytes");

    let (mut after, mut drained, mut taken) = (Seq(0), 0, Vec::new());
    loop {
        let start = Instant::now();
        let waiting = outbox.waiting(after, READ_AT_ONCE)?;
        let seqs: Vec<Seq> = waiting.iter().map(|(seq, _)| *seq).collect();
        let Some(last) = seqs.last() else { break };
        after = *last;
        outbox.strike(&seqs)?;
        taken.push(start.elapsed() / seqs.len() as u32);
        drained += seqs.len();
    }
    outbox.settle()?;
    bencher.tell("outbox.drain.message", taken, drained, json!({ "left": outbox.len() }));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (desk, thread) = Desk::start(outbox, Metrics::new())?;
    let mut taken = Vec::new();
    let groups = bencher.of(60, 6);
    for _ in 0..groups {
        let drafts: Vec<Draft> = (0..SIDE_BY_SIDE)
            .map(|_| {
                at += 1;
                office.draft(at)
            })
            .collect();
        let start = Instant::now();
        let promises = drafts.into_iter().map(|draft| desk.promise(draft.writes, draft.messages));
        for promised in runtime.block_on(join_all(promises)) {
            promised?;
        }
        taken.push(start.elapsed() / SIDE_BY_SIDE as u32);
    }
    let more = json!({ "side_by_side": SIDE_BY_SIDE });
    bencher.tell("outbox.promise.grouped", taken, groups * SIDE_BY_SIDE, more);
    drop(desk);
    runtime.block_on(thread.stop(std::time::Duration::from_secs(5)));
    Ok(())
}

/// A clerk with alerts to write about: each is raised and ends at once.
struct Office {
    clerk: Clerk,
    mint: Mint,
    verdict: Verdict,
}

impl Office {
    fn new() -> Self {
        let config = recorded::demo();
        let model = ModelData { name: "nanodet-g-416-int8".into(), sha256: "0".repeat(64) };
        let (clerk, mut mint) = (Clerk::new(&config, model, Mint::seeded(1)), Mint::seeded(2));
        let camera = recorded::camera(&config);
        let rule = Arc::clone(&camera.rules[0]);
        let object = Object {
            class: Class::Person,
            confidence: 0.87,
            bbox: UnitBox::new(0.4, 0.3, 0.5, 0.7),
            track: TrackId(3),
        };
        let at = Wall::from_unix_ms(1_773_100_000_000);
        let alert = Alert {
            id: mint.alert(at),
            camera,
            rule,
            direction: None,
            occurred_at: at,
            ended_at: None,
            objects: vec![object],
        };
        Self { clerk, mint, verdict: Verdict { change: Change::Ended, alert } }
    }

    /// The next draft: by turns an alert that is raised, and its end.
    fn draft(&mut self, index: u64) -> Draft {
        let at = Wall::from_unix_ms(1_773_100_000_000 + index as i64 * 100);
        if self.verdict.change == Change::Ended {
            self.verdict.alert.id = self.mint.alert(at);
            self.verdict.alert.occurred_at = at;
            self.verdict.change = Change::Raised;
        } else {
            self.verdict.change = Change::Ended;
        }
        let occurrence = self.verdict.alert.occurrence(&jiff::tz::TimeZone::UTC);
        let change = self.verdict.change;
        let assigned = self.clerk.assign(at, change, &occurrence);
        let draft = self.clerk.draft(at, change, &occurrence, None, assigned);
        self.clerk.settled();
        draft.expect("raised, or ended after it was raised")
    }
}
