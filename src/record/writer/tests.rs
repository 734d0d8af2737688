//! Writers over disks that are full, broken, slow or small.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use super::*;

/// What a disk in memory does with the next operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// Takes half of what it is given, then none.
    Full,
    Broken,
    SyncsFail,
}

/// What is on it.
#[derive(Debug)]
struct Shelf {
    mood: Mood,
    files: BTreeMap<PathBuf, Vec<u8>>,
    syncs: usize,
    free: u64,
}

/// A disk in memory. Where it has a gate, each write waits for a word.
struct Fake {
    shelf: Arc<Mutex<Shelf>>,
    gate: Option<Receiver<()>>,
}

impl Fake {
    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl files::Files for Fake {
    type File = PathBuf;

    fn create(&mut self, path: &Path) -> io::Result<PathBuf> {
        let mut shelf = self.lock();
        if shelf.mood == Mood::Broken {
            return Err(ErrorKind::Other.into());
        }
        assert!(shelf.files.insert(path.to_owned(), Vec::new()).is_none(), "it was there");
        Ok(path.to_owned())
    }

    fn write(&mut self, file: &mut PathBuf, bytes: &[u8]) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            // Nobody holds it any more: it is open.
            let _ = gate.recv();
        }
        let mut shelf = self.lock();
        let mood = shelf.mood;
        let content = shelf.files.get_mut(file).expect("it was created");
        match mood {
            Mood::Well | Mood::SyncsFail => content.extend_from_slice(bytes),
            Mood::Full => {
                content.extend_from_slice(&bytes[..bytes.len() / 2]);
                return Err(ErrorKind::StorageFull.into());
            }
            Mood::Broken => return Err(ErrorKind::Other.into()),
        }
        Ok(())
    }

    fn cut(&mut self, file: &mut PathBuf, len: u64) -> io::Result<()> {
        self.lock().files.get_mut(file).expect("it was created").truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self, _: &mut PathBuf) -> io::Result<()> {
        let mut shelf = self.lock();
        shelf.syncs += 1;
        if shelf.mood == Mood::SyncsFail { Err(ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.lock().files.remove(path).map(drop).ok_or(ErrorKind::NotFound.into())
    }

    fn free(&mut self) -> io::Result<u64> {
        Ok(self.lock().free)
    }
}

fn volume(path: PathBuf) -> Volume {
    Volume { id: "recordings".parse().expect("an id"), path, keep_free: 1000, bytes_max: None }
}

struct Stage {
    writer: Writer,
    shelf: Arc<Mutex<Shelf>>,
    metrics: Metrics,
}

impl Stage {
    fn new(gate: Option<Receiver<()>>, cameras: usize) -> Self {
        let shelf = Shelf { mood: Mood::Well, files: BTreeMap::new(), syncs: 0, free: u64::MAX };
        let shelf = Arc::new(Mutex::new(shelf));
        let metrics = Metrics::new();
        let disk = Fake { shelf: Arc::clone(&shelf), gate };
        let writer = Writer::over(disk, &volume(PathBuf::new()), cameras, &metrics).expect("a thread");
        Self { writer, shelf, metrics }
    }

    fn pen(&self, camera: &str, priority: u8) -> Pen {
        self.writer.pen(camera.parse().expect("an id"), priority)
    }

    fn set(&self, mood: Mood) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).mood = mood;
    }

    fn file(&self, path: &str) -> Option<usize> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.files.get(Path::new(path)).map(Vec::len)
    }
}

fn bytes(len: usize) -> Bytes {
    Bytes::from(vec![7; len])
}

fn open(pen: &Pen, key: u64, path: &str) -> Result<oneshot::Receiver<Written>, GapCause> {
    pen.open(SegmentKey(key), path.into(), bytes(10))
}

#[test]
fn what_is_closed_is_whole_and_synced() {
    let stage = Stage::new(None, 1);
    let pen = stage.pen("gate", 5);
    let word = open(&pen, 1, "a").expect("room");
    for _ in 0..3 {
        pen.append(SegmentKey(1), bytes(100)).expect("room");
    }
    pen.close(SegmentKey(1));
    assert_eq!(word.blocking_recv(), Ok(Written { fragments: 3, trouble: None }));
    assert_eq!(stage.file("a"), Some(310));
    // One that nothing was written to is not left behind, and one that was not closed is at the stop.
    let empty = open(&pen, 2, "b").expect("room");
    pen.close(SegmentKey(2));
    let left = open(&pen, 3, "c").expect("room");
    pen.append(SegmentKey(3), bytes(100)).expect("room");
    let Stage { writer, shelf, metrics } = stage;
    writer.stop();
    assert_eq!(empty.blocking_recv(), Ok(Written { fragments: 0, trouble: None }));
    assert_eq!(left.blocking_recv(), Ok(Written { fragments: 1, trouble: None }));
    let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!((shelf.files.len(), shelf.syncs), (2, 2));
    let page = metrics.render();
    for line in [
        "bytes_total{volume=\"recordings\"} 400",
        "fragments_total{volume=\"recordings\"} 4",
        "segments_total{volume=\"recordings\"} 2",
    ] {
        assert!(page.contains(&format!("cunkou_record_{line}")), "{line} in {page}");
    }
}

#[test]
fn a_disk_that_is_full_or_fails_leaves_whole_fragments_and_is_tried_again() {
    for (mood, cause) in [(Mood::Full, GapCause::DiskFull), (Mood::Broken, GapCause::DiskFailed)] {
        let stage = Stage::new(None, 1);
        let pen = stage.pen("gate", 5);
        let word = open(&pen, 1, "a").expect("room");
        pen.append(SegmentKey(1), bytes(100)).expect("room");
        let first = open(&pen, 2, "b").expect("room");
        pen.close(SegmentKey(2));
        assert_eq!(first.blocking_recv().map(|word| word.fragments), Ok(0), "what came before is written");
        stage.set(mood);
        pen.append(SegmentKey(1), bytes(100)).expect("room");
        assert_eq!(word.blocking_recv(), Ok(Written { fragments: 1, trouble: Some(cause) }));
        assert_eq!(stage.file("a"), Some(110), "cut back");
        pen.append(SegmentKey(1), bytes(100)).expect("it is given up, and what comes is left out");
        pen.close(SegmentKey(1));
        assert_eq!(open(&pen, 3, "c").err(), Some(cause), "not tried at once");
        stage.set(Mood::Well);
        let word = loop {
            match open(&pen, 4, "d") {
                Ok(word) => break word,
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(open(&pen, 5, "e").err(), Some(cause), "one tries for all");
        pen.append(SegmentKey(4), bytes(100)).expect("room");
        pen.close(SegmentKey(4));
        assert_eq!(word.blocking_recv(), Ok(Written { fragments: 1, trouble: None }));
        assert!(open(&pen, 6, "f").is_ok(), "well again");
        stage.writer.stop();
    }
}

#[test]
fn what_cannot_be_synced_is_not_claimed() {
    let stage = Stage::new(None, 1);
    let pen = stage.pen("gate", 5);
    stage.set(Mood::SyncsFail);
    let word = open(&pen, 1, "a").expect("room");
    pen.append(SegmentKey(1), bytes(100)).expect("room");
    pen.close(SegmentKey(1));
    assert_eq!(word.blocking_recv(), Ok(Written { fragments: 0, trouble: Some(GapCause::DiskFailed) }));
    stage.writer.stop();
}

#[test]
fn a_slow_disk_refuses_low_priorities_first_and_each_its_share() {
    let (free, gate) = sync_channel(0);
    let stage = Stage::new(Some(gate), 16);
    let len = 250 << 10;
    // Nothing is written: the room fills up. A camera has four MiB of it.
    let fill = |camera: usize, priority: u8| {
        let pen = stage.pen(&format!("gate-{camera}"), priority);
        let _word = open(&pen, 1, &camera.to_string())?;
        let count = (0..100).map_while(|_| pen.append(SegmentKey(1), bytes(len)).ok()).count();
        Ok::<_, GapCause>(count)
    };
    assert_eq!(fill(0, 1), Ok(16), "its share");
    let mut low = 1;
    while fill(low, 1).is_ok_and(|count| count > 0) {
        low += 1;
    }
    let mut high = low + 1;
    while fill(high, 9).is_ok_and(|count| count > 0) {
        high += 1;
    }
    assert!((9..=11).contains(&low), "a ninth of the upper half and the lower half: {low}");
    assert!((18..=20).contains(&high), "all of it: {high}");
    assert_eq!(fill(high + 1, 5), Err(GapCause::Shed));
    drop(free);
    let Stage { writer, metrics, .. } = stage;
    writer.stop();
    assert!(metrics.render().contains("cunkou_record_fragments_total{volume=\"recordings\"}"));
}

#[test]
fn a_writer_that_is_pressed_refuses_those_below() {
    let stage = Stage::new(None, 2);
    stage.writer.valve().press(5);
    assert_eq!(open(&stage.pen("low", 4), 1, "a").err(), Some(GapCause::DiskFull));
    assert!(open(&stage.pen("high", 5), 1, "b").is_ok());
    stage.writer.valve().press(0);
    assert!(open(&stage.pen("low", 4), 1, "c").is_ok());
    stage.writer.stop();
}

#[test]
fn a_small_disk_that_fills_up_keeps_whole_fragments() {
    let Some(disk) = crate::testing::SmallDisk::mount("1m") else { return };
    let small = Volume { keep_free: 0, ..volume(disk.path().join("recordings")) };
    let writer = Writer::start(&small, 1, &Metrics::new()).expect("a thread");
    let pen = writer.pen("gate".parse().expect("an id"), 5);
    let path = || PathBuf::from("gate/2026-09-28/000000.000Z-main.mp4");
    let word = pen.open(SegmentKey(1), path(), bytes(1000)).expect("room");
    for _ in 0..20 {
        pen.append(SegmentKey(1), bytes(100_000)).expect("room");
    }
    let word = word.blocking_recv().expect("a word");
    assert_eq!(word.trouble, Some(GapCause::DiskFull));
    assert!((8..=10).contains(&word.fragments), "{word:?}");
    let len = std::fs::metadata(small.path.join(path())).expect("it is there").len();
    assert_eq!(len, 1000 + 100_000 * word.fragments as u64);
    std::fs::remove_file(small.path.join(path())).expect("removable");
    let word = loop {
        match pen.open(SegmentKey(2), path(), bytes(1000)) {
            Ok(word) => break word,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    pen.append(SegmentKey(2), bytes(100_000)).expect("room");
    pen.close(SegmentKey(2));
    assert_eq!(word.blocking_recv(), Ok(Written { fragments: 1, trouble: None }));
    writer.stop();
}
