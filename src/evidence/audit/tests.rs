//! The log under kills, clocks and hands.

use super::*;
use crate::evidence::{keys::Prepared, seal::Sum};

const NOW: Wall = Wall::from_unix_ms(1_773_079_445_123);
const MONTH: std::time::Duration = std::time::Duration::from_secs(31 * 24 * 3600);

struct Desk {
    _root: tempfile::TempDir,
    dir: PathBuf,
    keys: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (dir, keys) = (root.path().join("audit"), root.path().join("keys"));
        assert!(matches!(Keys::prepare(&keys, &"demo".parse().unwrap(), NOW), Ok(Prepared::Made(_))));
        Self { _root: root, dir, keys }
    }

    /// A log with `count` more entries.
    fn grown(&self, count: u64, now: Wall) -> AuditLog {
        let mut log = AuditLog::open(&self.dir, now).unwrap();
        for n in 0..count {
            log.append(now, &act(n)).unwrap();
        }
        log
    }

    fn walk(&self) -> Result<Walked, LogFault> {
        verify_all(&self.dir, Keys::open(&self.keys).unwrap().keyring(), &[])
    }

    /// What the walk finds wrong: file, line and what.
    fn wrong(&self) -> (String, usize, Wrong) {
        match self.walk() {
            Err(LogFault::Entry { path, line, what }) => {
                (path.file_name().unwrap().to_str().unwrap().to_owned(), line, what)
            }
            other => panic!("{other:?}"),
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.join("2026-03.jsonl")
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.file()).unwrap().lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        fs::write(self.file(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

fn act(n: u64) -> Act {
    Act {
        actor: Actor::new("王建国", "柳庄派出所").unwrap(),
        purpose: Purpose::new("寻找走失老人", "A-1").unwrap(),
        action: Action::Search,
        what: json!({ "n": n }),
        results: vec![n.to_string()],
    }
}

#[test]
fn entries_are_chained_over_months_restarts_and_clocks_that_go_back() {
    let desk = Desk::new();
    desk.grown(2, NOW);
    desk.grown(2, NOW.after(MONTH));
    desk.grown(1, NOW);
    assert_eq!(names(&desk.dir).unwrap(), ["2026-03.jsonl", "2026-04.jsonl"]);
    let walked = desk.walk().unwrap();
    assert_eq!((walked.entries, walked.checkpoints), (5, 0));
    assert_eq!(fs::read_to_string(desk.dir.join("2026-04.jsonl")).unwrap().lines().count(), 3);
}

#[test]
fn two_who_write_take_turns() {
    let desk = Desk::new();
    let (mut one, mut two) = (desk.grown(0, NOW), desk.grown(0, NOW));
    for n in 0..4 {
        let log = if n % 2 == 0 { &mut one } else { &mut two };
        assert_eq!(log.append(NOW.after(MONTH * (n as u32 / 2)), &act(n)).unwrap().receipt.seq, n + 1);
    }
    assert_eq!(desk.walk().unwrap().entries, 4);
}

#[test]
fn a_torn_line_is_moved_aside_and_told() {
    for tail in [&b"{\"seq\":3,\"at\":\"2026"[..], b"\0\0\0\0\0\0", b"\0\0\0\n", b"{\"seq\":3,\0\0\0\0\n"] {
        let desk = Desk::new();
        desk.grown(2, NOW);
        let whole = fs::read(desk.file()).unwrap();
        fs::write(desk.file(), [&whole, tail].concat()).unwrap();
        assert!(desk.walk().is_err());
        desk.grown(1, NOW);
        let aside = desk.dir.join(format!("torn-2026-03-{}.part", whole.len()));
        assert_eq!(fs::read(aside).unwrap(), tail, "nothing is lost");
        let lines = desk.lines();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].contains("\"action\":\"log-repaired\""), "{}", lines[2]);
        assert_eq!(desk.walk().unwrap().entries, 4);
    }
}

#[test]
fn a_torn_line_of_another_process_is_told_by_the_next_that_writes() {
    let desk = Desk::new();
    let mut log = desk.grown(1, NOW);
    let mut file = File::options().append(true).open(desk.file()).unwrap();
    file.write_all(b"{\"seq\":2").unwrap();
    assert_eq!(log.append(NOW, &act(1)).unwrap().receipt.seq, 3);
    assert_eq!(desk.walk().unwrap().entries, 3);
}

#[test]
fn a_kill_before_the_first_line_of_a_month_is_no_new_log() {
    let desk = Desk::new();
    desk.grown(2, NOW);
    fs::write(desk.dir.join("2026-04.jsonl"), "").unwrap();
    desk.grown(1, NOW.after(MONTH));
    assert_eq!(desk.walk().unwrap().entries, 3);
}

#[test]
fn an_end_that_somebody_changed_stops_the_log() {
    let desk = Desk::new();
    desk.grown(3, NOW);
    let lines = desk.lines();
    let changed = |lines: &[String]| {
        desk.put(lines);
        match AuditLog::open(&desk.dir, NOW) {
            Err(AuditError::Changed { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(changed(&[lines[0].clone(), lines[1].replace("王建国", "王国建")]), Wrong::Changed);
    assert_eq!(changed(&[lines[0].clone(), lines[2].clone()]), Wrong::Link);
    assert_eq!(changed(&["{}".to_owned()]), Wrong::Unreadable);
}

#[test]
fn the_first_entry_that_is_wrong_is_named() {
    let desk = Desk::new();
    desk.grown(6, NOW);
    let good = desk.lines();
    let march = || "2026-03.jsonl".to_owned();
    let damaged = |damage: &dyn Fn(&mut Vec<String>)| {
        let mut lines = good.clone();
        damage(&mut lines);
        desk.put(&lines);
        desk.wrong()
    };
    let rename = |l: &mut Vec<String>| l[2] = l[2].replace("A-1", "A-2");
    assert_eq!(damaged(&rename), (march(), 3, Wrong::Changed));
    let missing = Wrong::Missing { from: 2, to: 3 };
    assert_eq!(damaged(&|l| drop(l.drain(1..3))), (march(), 2, missing));
    assert_eq!(damaged(&|l| drop(l.remove(0))), (march(), 1, Wrong::Missing { from: 1, to: 1 }));
    assert_eq!(damaged(&|l| l.swap(2, 4)), (march(), 3, Wrong::Reordered { expected: 3, found: 5 }));
    let repeated = |l: &mut Vec<String>| l.insert(2, l[1].clone());
    assert_eq!(damaged(&repeated), (march(), 3, Wrong::Reordered { expected: 3, found: 2 }));
    assert_eq!(damaged(&|l| l[3].truncate(40)), (march(), 4, Wrong::Unreadable));
    // Written anew with a right hash, as somebody would who knows how.
    let forged = |l: &mut Vec<String>| {
        let (mut entry, _) = Entry::read(l[3].as_bytes()).unwrap();
        entry.who = "李四".into();
        l[3] = String::from_utf8(entry.to_line().0).unwrap().trim_end().to_owned();
    };
    assert_eq!(damaged(&forged), (march(), 5, Wrong::Link));
}

#[test]
fn an_end_that_was_cut_off_is_missed() {
    let desk = Desk::new();
    let mut log = desk.grown(4, NOW);
    log.checkpoint(NOW, &Keys::open(&desk.keys).unwrap()).unwrap();
    desk.grown(2, NOW);
    let lines = desk.lines();
    assert_eq!(desk.walk().unwrap().checkpoints, 1);
    let truncated = |kept: usize, known: &[Receipt]| {
        desk.put(&lines[..kept]);
        match verify_all(&desk.dir, Keys::open(&desk.keys).unwrap().keyring(), known) {
            Err(LogFault::Truncated { last, known }) => Some((last, known)),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(truncated(3, &[]), Some((3, 4)));
    assert_eq!(truncated(0, &[]), Some((0, 4)));
    assert_eq!(truncated(5, &[]), None, "what no checkpoint knows is not missed");
    let (_, named) = Entry::read(lines[5].as_bytes()).unwrap();
    assert_eq!(truncated(5, &[named]), Some((5, 6)), "but a manifest may know it");
    desk.put(&lines);
    let other = Receipt { seq: 6, hash: Sum::of(b"another history") };
    let walked = verify_all(&desk.dir, Keys::open(&desk.keys).unwrap().keyring(), &[other]);
    assert!(matches!(walked, Err(LogFault::Entry { line: 6, what: Wrong::Replaced, .. })));
}

#[test]
fn a_history_written_anew_differs_from_what_was_signed_and_strangers_sign_nothing() {
    let desk = Desk::new();
    let mut log = desk.grown(2, NOW);
    log.checkpoint(NOW, &Keys::open(&desk.keys).unwrap()).unwrap();
    fs::remove_file(desk.file()).unwrap();
    desk.grown(3, NOW.after(std::time::Duration::from_secs(1)));
    assert_eq!(desk.wrong(), ("2026-03.jsonl".to_owned(), 2, Wrong::Replaced));
    // Who rewrites the history cannot sign it.
    let stranger = Desk::new();
    let mut log = AuditLog::open(&desk.dir, NOW).unwrap();
    fs::remove_file(desk.dir.join(CHECKPOINTS)).unwrap();
    log.checkpoint(NOW, &Keys::open(&stranger.keys).unwrap()).unwrap();
    assert_eq!(desk.wrong(), (CHECKPOINTS.to_owned(), 1, Wrong::Unsigned));
}

#[test]
fn the_end_is_signed_now_and_then_also_with_a_key_that_has_gone_since() {
    let desk = Desk::new();
    let mut log = desk.grown(CHECKPOINT_EVERY - 1, NOW);
    assert_eq!(log.append(NOW, &act(0)).unwrap().checkpoint, CheckpointDue::Yes);
    log.checkpoint(NOW, &Keys::open(&desk.keys).unwrap()).unwrap();
    Keys::rotate(&desk.keys, NOW).unwrap();
    assert_eq!(log.append(NOW, &act(0)).unwrap().checkpoint, CheckpointDue::No);
    // A checkpoint that a kill tore is made anew.
    let mut file = File::options().append(true).open(desk.dir.join(CHECKPOINTS)).unwrap();
    file.write_all(b"{\"seq\":").unwrap();
    log.checkpoint(NOW, &Keys::open(&desk.keys).unwrap()).unwrap();
    assert_eq!(desk.walk().unwrap().checkpoints, 2);
}

#[test]
fn what_is_too_large_is_refused_and_the_log_goes_on() {
    let desk = Desk::new();
    let mut log = desk.grown(1, NOW);
    let large = Act { what: json!("x".repeat(LINE_LEN_MAX)), ..act(0) };
    assert!(matches!(log.append(NOW, &large), Err(AuditError::TooLong { .. })));
    assert_eq!(log.append(NOW, &act(1)).unwrap().receipt.seq, 2);
    assert_eq!(desk.walk().unwrap().entries, 2);
}
