//! The index as a whole: against a list of clips that is gone through, whatever is inserted, removed, sealed or lost.

mod questions;

use proptest::prelude::*;

use super::*;
use crate::{
    id::{AlertId, CameraId},
    store::{Fault, SimDisk, SimLedger, SledLedger},
    time::Wall,
};
use questions::{BEGIN_MS, Model, SMALL, any_clip, any_question, asked_for, clip, slug};

/// All pages of a question.
fn all_pages<L: Ledger>(index: &Index<L>, question: &Question) -> Result<Vec<Clip>, TestCaseError> {
    let mut question = question.clone();
    let mut all = Vec::new();
    loop {
        let page = index.find(&question).expect("readable");
        prop_assert!(page.clips.len() <= question.limit);
        prop_assert!(
            page.next.is_none() || page.clips.len() == question.limit,
            "a page is full, or the last"
        );
        all.extend(page.clips);
        match page.next {
            Some(next) => question.after = Some(next.to_string().parse().expect("a cursor reads itself")),
            None => return Ok(all),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Clip>, Fault),
    Remove(Vec<usize>, Fault),
    RemoveBefore(Vec<u64>, i64, Fault),
    Crash,
    Ask(Box<Question>),
}

fn any_step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::Full),
        1 => Just(Fault::FailsBefore),
        1 => Just(Fault::FailsAfter),
        1 => Just(Fault::CrashBefore),
        1 => Just(Fault::CrashAfter),
    ];
    prop_oneof![
        6 => (proptest::collection::vec(any_clip(), 0..14), fault.clone()).prop_map(|(c, f)| Step::Insert(c, f)),
        2 => (proptest::collection::vec(0usize..80, 0..10), fault.clone()).prop_map(|(n, f)| Step::Remove(n, f)),
        1 => (proptest::collection::vec(0u64..6, 0..3), 0i64..400, fault).prop_map(|(cameras, quarter, f)| Step::RemoveBefore(cameras, quarter, f)),
        1 => Just(Step::Crash),
        6 => any_question().prop_map(|question| Step::Ask(Box::new(question))),
    ]
}

fn open(disk: &SimDisk) -> Index<SimLedger> {
    Index::open_with(SimLedger::open(disk), SMALL).expect("opens")
}

/// After a failed write, each of `touched` is as it was or as it would be; the model learns which.
fn learn(index: &Index<SimLedger>, model: &mut Model, touched: &[Clip]) -> Result<(), TestCaseError> {
    for clip in touched {
        match index.get(clip.id).expect("readable") {
            Some(found) => {
                let known = model.entry(clip.id).or_insert_with(|| found.clone());
                prop_assert_eq!(&found, known);
            }
            None => {
                model.remove(&clip.id);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn it_answers_as_a_list_does(steps in proptest::collection::vec(any_step(), 1..40)) {
        let disk = SimDisk::new();
        let mut index = open(&disk);
        let mut model = Model::new();
        for step in steps {
            let (fault, done, touched) = match step {
                Step::Insert(clips, fault) => {
                    disk.set_fault(fault);
                    let before = model.len();
                    let done = index.insert(&clips).map(|new| {
                        clips.iter().for_each(|clip| { model.entry(clip.id).or_insert_with(|| clip.clone()); });
                        (new, model.len() - before)
                    });
                    (fault, done, clips)
                }
                Step::Remove(nths, fault) => {
                    let gone: Vec<Clip> = nths.iter().filter_map(|&nth| model.values().nth(nth)).cloned().collect();
                    let ids: Vec<ClipId> = gone.iter().map(|clip| clip.id).collect();
                    disk.set_fault(fault);
                    let before = model.len();
                    let done = index.remove(&ids).map(|removed| {
                        ids.iter().for_each(|id| { model.remove(id); });
                        (removed as usize, before - model.len())
                    });
                    (fault, done, gone)
                }
                Step::RemoveBefore(cameras, quarter, fault) => {
                    let cameras: Vec<CameraId> = cameras.iter().map(|n| slug(format!("cam-{n}"))).collect();
                    let before = Wall::from_unix_ms(BEGIN_MS + quarter * 900_000);
                    let is_gone = |clip: &Clip| cameras.contains(&clip.camera) && clip.id.began_at() < before;
                    let gone: Vec<Clip> = model.values().filter(|clip| is_gone(clip)).cloned().collect();
                    disk.set_fault(fault);
                    let done = index.remove_before(&cameras, before).map(|removed| {
                        model.retain(|_, clip| !is_gone(clip));
                        (removed as usize, gone.len())
                    });
                    (fault, done, gone)
                }
                Step::Crash => {
                    disk.crash();
                    index = open(&disk);
                    continue;
                }
                Step::Ask(question) => {
                    prop_assert_eq!(all_pages(&index, &question)?, asked_for(&question, &model), "{:?}", question);
                    continue;
                }
            };
            disk.set_fault(Fault::None);
            match done {
                Ok((said, truly)) => prop_assert_eq!(said, truly),
                Err(_) => {
                    prop_assert!(fault != Fault::None);
                    if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) {
                        index = open(&disk);
                    } else {
                        index.tend().expect("the disk works again");
                    }
                    learn(&index, &mut model, &touched)?;
                }
            }
            prop_assert_eq!(index.len(), model.len() as u64);
        }
        let everything = Question { limit: 7, ..Question::default() };
        prop_assert_eq!(all_pages(&index, &everything)?, asked_for(&everything, &model));
        index = open(&disk);
        prop_assert_eq!(all_pages(&index, &everything)?, asked_for(&everything, &model));
        for clip in model.values() {
            prop_assert_eq!(index.get(clip.id).expect("readable"), Some(clip.clone()));
        }
    }

    #[test]
    fn a_page_stays_where_it_is(
        first in proptest::collection::vec(any_clip(), 20..60),
        later in proptest::collection::vec(any_clip(), 1..40),
        mut question in any_question(),
    ) {
        let disk = SimDisk::new();
        let mut index = open(&disk);
        index.insert(&first).expect("works");
        let page = index.find(&question).expect("readable");
        question.after = page.next;
        let second = index.find(&question).expect("readable");
        index.insert(&later).expect("works");
        let again = index.find(&question).expect("readable");
        let is_later = |clip: &&Clip| !later.iter().any(|one| one.id == clip.id);
        let kept: Vec<&Clip> = again.clips.iter().filter(is_later).collect();
        let before: Vec<&Clip> = second.clips.iter().filter(is_later).collect();
        prop_assert!(before.starts_with(&kept) || kept.starts_with(&before), "{:?} {:?}", before, kept);
    }

    /// Whatever is on the disk is an index, or said to be none.
    #[test]
    fn any_bytes_are_read_or_refused(
        clips in proptest::collection::vec(any_clip(), 30..60),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        question in any_question(),
    ) {
        let disk = SimDisk::new();
        let mut index = open(&disk);
        index.insert(&clips).expect("works");
        index.insert(&clips[..1]).expect("works");
        index.remove(&[clips[0].id]).expect("works");
        let mut ledger = SimLedger::open(&disk);
        let pairs = ledger.range(&[], &[0xff], usize::MAX).expect("readable");
        for (which, at, with, is_cut) in flips {
            let (key, mut value) = pairs[which.index(pairs.len())].clone();
            if value.is_empty() {
                continue;
            }
            let at = at.index(value.len());
            if is_cut { value.truncate(at) } else { value[at] ^= with }
            ledger.commit(vec![Write::Put(key, value)]).expect("works");
        }
        if let Ok(mut index) = Index::open_with(SimLedger::open(&disk), SMALL) {
            let _ = index.find(&question);
            let _ = index.find(&Question { limit: 100, ..Question::default() });
            let _ = index.get(clips[5].id);
            let _ = index.insert(&clips);
            let cameras: Vec<CameraId> = (0..3).map(|n| slug(format!("cam-{n}"))).collect();
            let _ = index.remove_before(&cameras, Wall::from_unix_ms(2 * BEGIN_MS));
            let _ = index.find(&question);
        }
    }
}

#[test]
fn inserting_twice_is_inserting_once() {
    let disk = SimDisk::new();
    let mut index = open(&disk);
    let clips: Vec<Clip> = (0..40).map(|n| clip(n, n)).collect();
    assert_eq!(index.insert(&clips).expect("works"), 40);
    assert_eq!(index.insert(&clips).expect("works"), 0);
    let mut index = open(&disk);
    assert_eq!(index.insert(&clips).expect("works"), 0);
    assert_eq!(index.len(), 40);
}

#[test]
fn what_was_removed_leaves_nothing_behind() {
    let disk = SimDisk::new();
    let mut index = open(&disk);
    let clips: Vec<Clip> = (0..200).map(|n| clip(n, n)).collect();
    clips.chunks(3).for_each(|some| assert_eq!(index.insert(some).expect("works"), some.len()));
    assert!(index.shelves.len() > 10, "{index:?}");
    let ids: Vec<ClipId> = clips.iter().map(|clip| clip.id).collect();
    assert_eq!(index.remove(&ids).expect("works"), 200);
    assert!(index.is_empty());
    let left = SimLedger::open(&disk).range(&[], &[0xff], usize::MAX).expect("readable");
    let is_name_or_seal = |key: &[u8]| [Part::Names as u8, Part::Seals as u8].contains(&key[1]);
    assert!(left.iter().all(|(key, _)| is_name_or_seal(key)), "{left:?}");
    // What comes back is not mistaken for what went.
    let mut index = open(&disk);
    assert_eq!(index.insert(&clips).expect("works"), 200);
    assert_eq!(open(&disk).len(), 200);
}

#[test]
fn a_clip_that_no_row_takes_is_refused_and_harms_nothing() {
    let mut index = open(&SimDisk::new());
    let mut long = clip(1, 1);
    long.alerts = vec![AlertId(ulid::Ulid(7)); 300];
    assert!(matches!(index.insert(&[clip(0, 0), long]), Err(IndexError::TooLong { .. })));
    assert_eq!(index.insert(&[clip(0, 0)]).expect("works"), 1);
    assert_eq!(index.find(&Question::default()).expect("readable").clips, [clip(0, 0)]);
}

#[test]
fn a_question_that_names_what_nobody_knows_finds_nothing() {
    let mut index = open(&SimDisk::new());
    index.insert(&[clip(0, 0)]).expect("works");
    let question = Question { cameras: vec![slug("elsewhere".into())], ..Question::default() };
    assert_eq!(index.find(&question).expect("readable"), Page { clips: Vec::new(), next: None });
}

#[test]
fn an_index_on_a_real_disk_is_the_same_one_after_opening_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = || {
        Index::open_with(SledLedger::open(&dir.path().join("index")).expect("opens"), SMALL).expect("opens")
    };
    let clips: Vec<Clip> = (0..120).map(|n| clip(n, n)).collect();
    let mut index = open();
    assert_eq!(index.insert(&clips).expect("works"), 120);
    assert_eq!(index.remove(&[clips[3].id, clips[119].id]).expect("works"), 2);
    drop(index);
    let question = Question { order: Order::Oldest, limit: 200, ..Question::default() };
    let found = open().find(&question).expect("readable").clips;
    let expected: Vec<Clip> = (0..119).filter(|&n| n != 3).map(|n| clips[n as usize].clone()).collect();
    assert_eq!(found, expected);
}

/// Clips that come at once from many are written together, and each caller is answered.
#[tokio::test]
async fn a_librarian_answers_while_it_writes() {
    let disk = SimDisk::new();
    let (librarian, thread) = Librarian::start(open(&disk)).expect("a thread");
    let inserts = (0..60).map(|n| {
        let librarian = librarian.clone();
        async move { librarian.insert(vec![clip(n, n)]).await }
    });
    let inserts = tokio::spawn(futures::future::join_all(inserts));
    let page = librarian.find(Question::default()).await.expect("an answer");
    assert!(page.clips.len() <= 60);
    assert!(inserts.await.expect("no panic").iter().all(Result::is_ok));
    assert_eq!(librarian.count().await, Ok(60));
    assert_eq!(librarian.get(clip(7, 7).id).await, Ok(Some(clip(7, 7))));
    assert_eq!(librarian.remove(vec![clip(7, 7).id]).await, Ok(1));
    assert_eq!(librarian.get(clip(7, 7).id).await, Ok(None));

    let mut long = clip(71, 71);
    long.alerts = vec![AlertId(ulid::Ulid(7)); 300];
    let (long, short) = tokio::join!(librarian.insert(vec![long]), librarian.insert(vec![clip(72, 72)]));
    assert!(matches!(&long, Err(Unanswered::Failed(why)) if why.contains("bytes long")), "{long:?}");
    assert_eq!(short, Ok(1), "it does not suffer for its neighbour");
    assert_eq!(librarian.remove(vec![clip(72, 72).id]).await, Ok(1));

    disk.set_fault(Fault::Full);
    let refused = librarian.insert(vec![clip(70, 70)]).await;
    assert!(matches!(&refused, Err(Unanswered::Failed(why)) if why.contains("full")), "{refused:?}");
    disk.set_fault(Fault::None);
    assert_eq!(librarian.insert(vec![clip(70, 70)]).await, Ok(1), "again, and it is there");
    thread.stop().await;
    assert_eq!(librarian.count().await, Err(Unanswered::Stopped));
    assert_eq!(open(&disk).len(), 60);
}

#[test]
fn catalogues_that_are_not_in_memory_are_read() {
    let disk = SimDisk::new();
    let clips: Vec<Clip> = (0..150).map(|n| clip(n, n)).collect();
    let none = Measures { catalogues_len: 0, ..SMALL };
    let mut index = Index::open_with(SimLedger::open(&disk), none).expect("opens");
    assert_eq!(index.insert(&clips).expect("works"), 150);
    assert!(index.shelves.values().all(|shelf| shelf.len_bytes() == 0));
    let question = Question { cameras: vec![slug("cam-1".into())], ..Question::default() };
    let without = index.find(&question).expect("readable");
    assert_eq!(without.clips.len(), 30);
    let all = Measures { catalogues_len: usize::MAX, ..SMALL };
    let index = Index::open_with(SimLedger::open(&disk), all).expect("opens");
    assert!(index.shelves.values().all(|shelf| shelf.len_bytes() > 0));
    assert_eq!(index.find(&question).expect("readable"), without);
}
