//! What was really shown, and when: the truth that alerts are measured against.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::scenario::Fault;
use crate::{id::CameraId, time::Now};

/// Most entries that are kept; older ones are forgotten, and counted.
pub const ENTRIES_MAX: usize = 1 << 18;
/// Entries that a slow reader of the live diary may be behind before it misses some.
const LIVE_MAX: usize = 4_096;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The first frame that shows the person of this visit left the camera, in both of its streams.
    Enters {
        /// Number of the visit in the material.
        visit: usize,
    },
    /// The first frame in which that person is half in the picture left the camera.
    Shows {
        /// Number of the visit in the material.
        visit: usize,
    },
    /// The first frame without that person left the camera.
    Leaves {
        /// Number of the visit in the material.
        visit: usize,
    },
    /// A fault of the scenario began.
    Fault(Fault),
    /// Somebody pulled the plug.
    Stopped,
    /// Somebody plugged it in.
    Resumed,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiaryEntry {
    /// Which camera.
    pub camera: CameraId,
    /// When the frame was handed to those who watch.
    pub at: Now,
    /// RTP timestamp of the frame; that of the last frame before where nothing was sent.
    pub rtp: u32,
    /// A visitor: sessions that this frame was meant for, playing and not behind; with none, nobody can have seen it. Else: all
    /// sessions.
    pub watchers: usize,
    /// What happened.
    pub what: What,
}

impl DiaryEntry {
    /// As a JSON object with a `type`.
    pub fn to_json(&self) -> Value {
        let mut line = json!({
            "type": "",
            "camera": self.camera.as_str(),
            "at": self.at.wall.to_string(),
            "at_unix_us": self.at.wall.unix_us(),
            "rtp": self.rtp,
            "watchers": self.watchers,
        });
        let (kind, extra) = match &self.what {
            What::Enters { visit } => ("enters", Some(("visit", json!(visit)))),
            What::Shows { visit } => ("shows", Some(("visit", json!(visit)))),
            What::Leaves { visit } => ("leaves", Some(("visit", json!(visit)))),
            What::Fault(fault) => ("fault", Some(("fault", json!(fault)))),
            What::Stopped => ("stopped", None),
            What::Resumed => ("resumed", None),
        };
        line["type"] = json!(kind);
        if let Some((name, value)) = extra {
            line[name] = value;
        }
        line
    }
}

/// For a person: `12:00:03.200 gate-1: visitor 2 comes`.
impl std::fmt::Display for DiaryEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: ", self.at.wall, self.camera)?;
        match &self.what {
            What::Enters { visit } => write!(f, "visitor {visit} comes"),
            What::Shows { visit } => write!(f, "visitor {visit} is half in the picture"),
            What::Leaves { visit } => write!(f, "visitor {visit} has left"),
            What::Fault(fault) => write!(f, "fault: {}", json!(fault)),
            What::Stopped => f.write_str("stopped"),
            What::Resumed => f.write_str("back again"),
        }
    }
}

/// The diary of a village. The lock guards the entries, and is held for an append or a copy only.
#[derive(Debug)]
pub(super) struct Diary {
    entries: Mutex<Entries>,
    live: broadcast::Sender<DiaryEntry>,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<DiaryEntry>,
    forgotten: u64,
}

impl Diary {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::default(), live: broadcast::Sender::new(LIVE_MAX) }
    }

    pub(super) fn write(&self, entry: DiaryEntry) {
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.kept.len() == ENTRIES_MAX {
                entries.kept.pop_front();
                entries.forgotten += 1;
            }
            entries.kept.push_back(entry.clone());
        }
        // Nobody may be reading, which is fine.
        let _ = self.live.send(entry);
    }

    pub(super) fn read(&self) -> Vec<DiaryEntry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.kept.iter().cloned().collect()
    }

    pub(super) fn forgotten(&self) -> u64 {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).forgotten
    }

    pub(super) fn follow(&self) -> broadcast::Receiver<DiaryEntry> {
        self.live.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Wall;

    fn entry(what: What) -> DiaryEntry {
        let wall = Wall::from_unix_ms(1_773_079_445_123);
        let at = Now { wall, ..Now::default() };
        DiaryEntry { camera: "gate-1".parse().unwrap(), at, rtp: 90, watchers: 2, what }
    }

    #[test]
    fn entries_are_written_for_machines_and_for_people() {
        let away = Fault::Away { lasts: Duration::from_secs(5) };
        let cases = [
            (What::Enters { visit: 3 }, r#""type":"enters""#, r#","visit":3"#, "visitor 3 comes"),
            (
                What::Shows { visit: 3 },
                r#""type":"shows""#,
                r#","visit":3"#,
                "visitor 3 is half in the picture",
            ),
            (What::Leaves { visit: 3 }, r#""type":"leaves""#, r#","visit":3"#, "visitor 3 has left"),
            (
                What::Fault(away),
                r#""type":"fault""#,
                r#","fault":{"away":{"for_s":5.0}}"#,
                "fault: {\"away\":{\"for_s\":5.0}}",
            ),
            (What::Stopped, r#""type":"stopped""#, "", "stopped"),
            (What::Resumed, r#""type":"resumed""#, "", "back again"),
        ];
        for (what, kind, extra, words) in cases {
            let entry = entry(what);
            let common = r#""camera":"gate-1","at":"2026-03-09T18:04:05.123Z","at_unix_us":1773079445123000,"rtp":90,"watchers":2"#;
            assert_eq!(entry.to_json().to_string(), format!("{{{kind},{common}{extra}}}"));
            assert_eq!(entry.to_string(), format!("2026-03-09T18:04:05.123Z gate-1: {words}"));
        }
    }

    #[test]
    fn the_diary_is_read_and_followed() {
        let diary = Diary::new();
        let mut live = diary.follow();
        diary.write(entry(What::Stopped));
        diary.write(entry(What::Resumed));
        assert_eq!(diary.read(), [entry(What::Stopped), entry(What::Resumed)]);
        assert_eq!((live.try_recv().unwrap().what, diary.forgotten()), (What::Stopped, 0));
    }
}
