//! The store as a whole: nothing promised is lost, whatever the disk does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::metrics::Metrics;

fn message(n: u64) -> Message {
    Message {
        topic: format!("cunkou/v1/s/alert/warning/zone-enter/c{}", n % 3),
        payload: format!("{{\"n\":{n}}}").into_bytes().into(),
        content_type: "application/cloudevents+json".into(),
        retain: false,
        expiry: Some(Duration::from_secs(600)),
    }
}

fn all<L: Ledger>(outbox: &Outbox<L>) -> Vec<(Seq, Message)> {
    outbox.waiting(Seq(0), usize::MAX / 2).expect("readable")
}

#[derive(Debug, Clone)]
enum Step {
    Promise { messages: usize, fault: Fault },
    Strike { nth: usize },
    SetAside { nth: usize },
    Settle { fault: Fault },
    Crash,
}

fn any_step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Full),
        1 => Just(Fault::FailsBefore),
        1 => Just(Fault::FailsAfter),
        1 => Just(Fault::CrashBefore),
        1 => Just(Fault::CrashAfter),
    ];
    prop_oneof![
        4 => (0usize..4, fault.clone()).prop_map(|(messages, fault)| Step::Promise { messages, fault }),
        4 => (0usize..8).prop_map(|nth| Step::Strike { nth }),
        1 => (0usize..8).prop_map(|nth| Step::SetAside { nth }),
        2 => fault.prop_map(|fault| Step::Settle { fault }),
        1 => Just(Step::Crash),
    ]
}

/// What the world was told.
#[derive(Default)]
struct Told {
    promised: BTreeMap<Seq, Message>,
    done: Vec<Seq>,
    /// Written by a commit that failed: may or may not be there.
    perhaps: BTreeMap<Seq, Vec<Message>>,
}

impl Told {
    /// Everything that was promised waits, is done, or was set aside; nothing else waits; in order.
    fn check(&self, outbox: &Outbox<SimLedger>) -> Result<(), TestCaseError> {
        let waiting = all(outbox);
        prop_assert_eq!(waiting.len() as u64, outbox.len());
        prop_assert!(waiting.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        for (seq, message) in &waiting {
            prop_assert!(*seq < outbox.next());
            match self.promised.get(seq) {
                Some(promised) => prop_assert_eq!(message, promised, "the same bytes"),
                None => prop_assert!(
                    self.perhaps.get(seq).is_some_and(|all| all.contains(message)),
                    "nothing invented"
                ),
            }
        }
        for (seq, _) in self.promised.iter().filter(|(seq, _)| !self.done.contains(seq)) {
            prop_assert!(waiting.iter().any(|(s, _)| s == seq), "{:?} was promised and is gone", seq);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn nothing_promised_is_lost(steps in proptest::collection::vec(any_step(), 1..60)) {
        let disk = SimDisk::new();
        let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
        let mut told = Told::default();
        let mut n = 0;
        for step in steps {
            match step {
                Step::Promise { messages, fault } => {
                    let batch: Vec<_> = (0..messages as u64).map(|i| message(n + i)).collect();
                    n += messages as u64;
                    let first = outbox.next();
                    disk.set_fault(fault);
                    let record = Write::Put(Space::Alert.key(&first.0.to_be_bytes()), vec![1]);
                    let answer = outbox.promise(vec![record], &batch);
                    disk.set_fault(Fault::None);
                    let numbered = batch.into_iter().enumerate().map(|(i, m)| (Seq(first.0 + i as u64), m));
                    match answer {
                        Ok(seqs) => {
                            prop_assert_eq!(seqs, first..Seq(first.0 + messages as u64));
                            let record = outbox.ledger().get(&Space::Alert.key(&first.0.to_be_bytes())).expect("readable");
                            prop_assert_eq!(record, Some(vec![1]), "the caller's own write is in the same batch");
                            told.promised.extend(numbered);
                        }
                        Err(_) => numbered.for_each(|(seq, m)| told.perhaps.entry(seq).or_default().push(m)),
                    }
                }
                Step::Strike { nth } => {
                    if let Some((seq, _)) = all_or_reopen(&disk, &mut outbox).get(nth) {
                        outbox.strike(&[*seq]).expect("alive");
                        told.done.push(*seq);
                        prop_assert!(!all(&outbox).iter().any(|(s, _)| s == seq), "struck, and not seen again");
                    }
                }
                Step::SetAside { nth } => {
                    if let Some((seq, message)) = all_or_reopen(&disk, &mut outbox).get(nth) {
                        outbox.set_aside(*seq, "too large").expect("alive");
                        told.done.push(*seq);
                        let aside = outbox.aside(1000).expect("readable");
                        let kept = aside.iter().find(|aside| aside.seq == *seq).expect("kept on record");
                        prop_assert_eq!(kept.why.as_str(), "too large");
                        prop_assert_eq!(kept.message.as_ref(), Ok(message));
                    }
                }
                Step::Settle { fault } => {
                    disk.set_fault(fault);
                    let _ = outbox.settle();
                    disk.set_fault(Fault::None);
                }
                Step::Crash => disk.crash(),
            }
            if outbox.ledger().get(b"x").is_err() {
                outbox = Outbox::open(SimLedger::open(&disk)).expect("opens again");
            }
            told.check(&outbox)?;
        }
    }
}

fn all_or_reopen(disk: &SimDisk, outbox: &mut Outbox<SimLedger>) -> Vec<(Seq, Message)> {
    if outbox.ledger().get(b"x").is_err() {
        *outbox = Outbox::open(SimLedger::open(disk)).expect("opens again");
    }
    all(outbox)
}

#[test]
fn sequence_numbers_never_come_twice() {
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    assert_eq!(outbox.promise(Vec::new(), &[message(1), message(2)]).expect("works"), Seq(1)..Seq(3));
    outbox.strike(&[Seq(1), Seq(2)]).expect("works");
    outbox.settle().expect("works");
    assert!(outbox.is_empty());
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    assert_eq!((outbox.next(), outbox.len()), (Seq(3), 0));
}

#[test]
fn strikes_become_durable_by_themselves_when_they_are_many() {
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let messages: Vec<_> = (0..STRUCK_MAX as u64 + 10).map(message).collect();
    outbox.promise(Vec::new(), &messages).expect("works");
    for seq in 1..=messages.len() as u64 {
        outbox.strike(&[Seq(seq)]).expect("works");
    }
    assert_eq!(outbox.len(), 0);
    disk.crash();
    assert_eq!(Outbox::open(SimLedger::open(&disk)).expect("opens").len(), 10, "only so many are repeated");
}

#[test]
fn a_promise_takes_the_strikes_with_it() {
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    outbox.promise(Vec::new(), &[message(1)]).expect("works");
    outbox.strike(&[Seq(1)]).expect("works");
    outbox.promise(Vec::new(), &[message(2)]).expect("works");
    assert_eq!(disk.commits(), 2);
    disk.crash();
    assert_eq!(all(&Outbox::open(SimLedger::open(&disk)).expect("opens")), [(Seq(2), message(2))]);
}

#[test]
fn what_cannot_be_read_is_kept_on_record_and_passed_over() {
    let disk = SimDisk::new();
    let mut ledger = SimLedger::open(&disk);
    ledger.commit(vec![Write::Put(Space::Outbox.key(&7u64.to_be_bytes()), vec![9, 9, 9])]).expect("works");
    let mut outbox = Outbox::open(ledger).expect("opens");
    assert_eq!((outbox.len(), outbox.next()), (0, Seq(8)));
    let aside = outbox.aside(10).expect("readable");
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].message, Err(NotAMessage::Version(9)));
    assert_eq!(outbox.promise(Vec::new(), &[message(1)]).expect("works"), Seq(8)..Seq(9));
}

#[test]
fn what_is_set_aside_is_bounded() {
    let mut outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
    let messages: Vec<_> = (0..ASIDE_MAX as u64 + 2).map(message).collect();
    outbox.promise(Vec::new(), &messages).expect("works");
    for seq in 1..=messages.len() as u64 {
        outbox.set_aside(Seq(seq), "x").expect("works");
    }
    let aside = outbox.aside(usize::MAX).expect("readable");
    assert_eq!((aside.len(), aside[0].seq), (ASIDE_MAX, Seq(3)), "the oldest go");
    assert_eq!(outbox.aside(1).expect("readable")[0].seq, Seq(ASIDE_MAX as u64 + 2));
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let disk = SimDisk::new();
    let mut outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let large = Message { payload: vec![0; VALUE_LEN_MAX].into(), ..message(1) };
    let error = outbox.promise(Vec::new(), &[message(1), large]).expect_err("too large");
    assert!(matches!(error, LedgerError::TooLarge { .. }), "{error}");
    assert_eq!((outbox.len(), disk.commits(), outbox.next()), (0, 0, Seq(1)));
}

#[tokio::test]
async fn promises_wait_for_a_full_disk_and_all_are_kept() {
    let disk = SimDisk::new();
    let metrics = Metrics::new();
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("starts");
    disk.set_fault(Fault::Full);
    let promises: Vec<_> = (0..20)
        .map(|n| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.promise(Vec::new(), vec![message(n)]).await })
        })
        .collect();
    let mut condition = desk.condition();
    let full = condition.wait_for(|c| matches!(c, Condition::Full(_)));
    tokio::time::timeout(Duration::from_secs(20), full).await.expect("in time").expect("the store runs");
    assert_eq!(metrics.store_stuck.get(), 1);
    assert_eq!(desk.waiting(Seq(0), 99).await.expect("it still reads"), []);
    assert!(promises.iter().all(|promise| !promise.is_finished()), "nobody was told yes");

    disk.set_fault(Fault::None);
    let mut seqs = Vec::new();
    for promise in promises {
        seqs.push(promise.await.expect("no panic").expect("promised").start);
    }
    seqs.sort();
    assert_eq!(seqs, (1..=20).map(Seq).collect::<Vec<_>>());
    assert_eq!(desk.waiting(Seq(0), 99).await.expect("reads").len(), 20);
    assert_eq!((metrics.store_stuck.get(), metrics.outbox_waiting.get()), (0, 20));
    assert_eq!(*desk.condition().borrow(), Condition::Well);
    thread.stop(Duration::ZERO).await;
    assert_eq!(desk.promise(Vec::new(), vec![message(1)]).await, Err(Refused::Stopped));
}

#[tokio::test]
async fn what_waits_together_is_written_together() {
    let disk = SimDisk::new();
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    // The first one holds the thread up, so that the others gather behind it.
    disk.set_fault(Fault::Full);
    let mut promises = Vec::new();
    for n in 0..50 {
        let mut promise = Box::pin(desk.promise(Vec::new(), vec![message(n)]));
        assert!(futures::poll!(&mut promise).is_pending());
        promises.push(promise);
    }
    let mut condition = desk.condition();
    let full = condition.wait_for(|c| matches!(c, Condition::Full(_)));
    tokio::time::timeout(Duration::from_secs(20), full).await.expect("in time").expect("the store runs");
    disk.set_fault(Fault::None);
    for (n, promise) in promises.into_iter().enumerate() {
        assert_eq!(
            promise.await.expect("promised"),
            Seq(n as u64 + 1)..Seq(n as u64 + 2),
            "each learns its own place"
        );
    }
    assert!(disk.commits() < 10, "{} commits for 50 promises", disk.commits());
    thread.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn one_that_is_too_large_does_not_harm_the_others() {
    let disk = SimDisk::new();
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    disk.set_fault(Fault::Full);
    let large = Message { payload: vec![0; VALUE_LEN_MAX].into(), ..message(1) };
    let mut first = Box::pin(desk.promise(Vec::new(), vec![message(1)]));
    let mut second = Box::pin(desk.promise(Vec::new(), vec![large]));
    let mut third = Box::pin(desk.promise(Vec::new(), vec![message(3)]));
    for promise in [&mut first, &mut second, &mut third] {
        assert!(futures::poll!(promise).is_pending());
    }
    disk.set_fault(Fault::None);
    assert_eq!(first.await, Ok(Seq(1)..Seq(2)));
    assert!(matches!(second.await, Err(Refused::TooLarge(_))));
    assert_eq!(third.await, Ok(Seq(2)..Seq(3)));
    thread.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_stop_writes_what_waits_and_keeps_the_strikes() {
    let disk = SimDisk::new();
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    desk.promise(Vec::new(), vec![message(1)]).await.expect("promised");
    desk.strike(vec![Seq(1)]).await.expect("taken");
    let mut last = Box::pin(desk.promise(Vec::new(), vec![message(2)]));
    // It has reached the desk, and may be answered already.
    let answered = futures::poll!(&mut last);
    thread.stop(Duration::from_millis(50)).await;
    let answer = match answered {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => last.await,
    };
    assert_eq!(answer, Ok(Seq(2)..Seq(3)));
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    assert_eq!(all(&outbox), [(Seq(2), message(2))]);
}

#[test]
fn sled_keeps_what_it_was_told_and_lets_one_process_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a/store");
    {
        let mut outbox = Outbox::open(SledLedger::open(&path).expect("opens")).expect("opens");
        outbox
            .promise(vec![Write::Put(Space::Alert.key(b"a"), b"1".to_vec())], &[message(1), message(2)])
            .expect("works");
        outbox.strike(&[Seq(1)]).expect("works");
        outbox.settle().expect("works");
        let second = SledLedger::open(&path).expect_err("taken");
        assert!(second.to_string().contains("another process has it open"), "{second}");
    }
    let outbox = Outbox::open(SledLedger::open(&path).expect("opens")).expect("opens");
    assert_eq!(all(&outbox), [(Seq(2), message(2))]);
    let ledger = outbox.ledger();
    assert_eq!(ledger.get(&Space::Alert.key(b"a")).expect("readable"), Some(b"1".to_vec()));
    let (from, to) = (Space::Alert.from(), Space::Alert.to());
    assert_eq!(ledger.last(&from, &to).expect("readable"), Some((Space::Alert.key(b"a"), b"1".to_vec())));
    assert_eq!(ledger.range(&to, &from, 9).expect("an empty range"), []);
}

#[test]
fn sled_keeps_values_that_it_puts_into_files_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let large: Vec<_> =
        (0..6).map(|n| Message { payload: vec![n as u8; 200_000].into(), ..message(n) }).collect();
    {
        let mut outbox = Outbox::open(SledLedger::open(dir.path()).expect("opens")).expect("opens");
        for message in &large {
            outbox.promise(Vec::new(), std::slice::from_ref(message)).expect("works");
        }
        assert!(
            std::fs::read_dir(dir.path().join("blobs")).expect("there").count() > 0,
            "the test tests something"
        );
    }
    let outbox = Outbox::open(SledLedger::open(dir.path()).expect("opens")).expect("opens");
    assert!(all(&outbox).into_iter().map(|(_, message)| message).eq(large));
}

#[test]
fn a_damaged_store_is_told_in_words_and_left_alone() {
    // A byte here and there, or a block here and there, so that some of it is in use.
    for (file, step, block) in [("snap.", 997, 1), ("db", 997, 1), ("db", 300_000, 200)] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| {
            let names = std::fs::read_dir(dir.path()).expect("there").map(|e| e.expect("readable").path());
            names
                .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(name)))
                .last()
                .expect("there")
        };
        {
            let mut outbox = Outbox::open(SledLedger::open(dir.path()).expect("opens")).expect("opens");
            for n in 0..40 {
                let large = |n| Message { payload: vec![7; 1000].into(), ..message(n) };
                let messages: Vec<_> = (0..50).map(|i| large(n * 50 + i)).collect();
                outbox.promise(Vec::new(), &messages).expect("works");
            }
        }
        drop(SledLedger::open(dir.path()).expect("opens"));
        let mut bytes = std::fs::read(path(file)).expect("readable");
        bytes.chunks_mut(step).for_each(|chunk| chunk.iter_mut().take(block).for_each(|b| *b ^= 0x55));
        std::fs::write(path(file), bytes).expect("writable");
        let len = std::fs::metadata(path("db")).expect("there").len();
        let error = SledLedger::open(dir.path()).and_then(Outbox::open).expect_err(file);
        assert!(error.to_string().contains("No file was deleted"), "{file}: {error}");
        assert_eq!(std::fs::metadata(path("db")).expect("there").len(), len, "{file}: the log was cut");
        let again = SledLedger::open(dir.path()).and_then(Outbox::open);
        again.expect_err("it stays damaged, and does not begin anew");
    }
}

#[test]
fn a_disk_that_fills_up_under_the_engine_loses_nothing() {
    let Some(disk) = crate::testing::SmallDisk::mount("32m") else { return };
    let dir = disk.path().join("store");
    // Without the reserve that keeps the engine from noticing.
    let open = || Outbox::open(SledLedger::open_with(&dir, 0, 0).expect("opens")).expect("opens");
    let mut outbox = open();
    let texts: Vec<_> = (1..=1500).map(|n| format!("{n} {}", "x".repeat(1000))).collect();
    for chunk in texts.chunks(100) {
        let messages: Vec<_> = chunk
            .iter()
            .map(|text| Message { payload: text.clone().into_bytes().into(), ..message(1) })
            .collect();
        outbox.promise(Vec::new(), &messages).expect("there is room");
    }
    disk.fill();
    // What only removes is let through to the engine, which finds no room for it, once it has filled what it had set aside.
    let (mut tried, mut struck, mut refused) = (BTreeSet::new(), BTreeSet::new(), 0);
    for seq in (1..=1500).step_by(2).chain((2..=1400).step_by(2)).map(Seq) {
        tried.insert(seq);
        let noted = outbox.strike(&[seq]).and_then(|()| outbox.settle());
        match noted {
            Ok(()) => {
                struck.insert(seq);
            }
            Err(error) => {
                assert!(matches!(error, LedgerError::Full { .. } | LedgerError::Failed { .. }), "{error}");
                refused += 1;
                if refused > 20 {
                    break;
                }
            }
        }
    }
    assert!(refused > 0, "the disk is full");
    disk.make_room();
    outbox.settle().expect("there is room again");
    drop(outbox);
    let outbox = open();
    let waiting = outbox.waiting(Seq(0), 10_000).expect("readable");
    for (n, text) in (1..=1500).zip(&texts) {
        let found = waiting.iter().find(|(seq, _)| *seq == Seq(n));
        assert!(found.is_some() || tried.contains(&Seq(n)), "{n} was not struck and is gone");
        assert!(found.is_none_or(|(_, message)| message.payload == text.as_bytes()));
        assert!(found.is_none() || !struck.contains(&Seq(n)), "{n} was struck durably and is back");
    }
}
