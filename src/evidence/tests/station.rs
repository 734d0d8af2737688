//! A station with two segments of ten fragments of 2 s, one after the other. The bytes are no video: nothing here knows what they mean.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;

use super::super::{
    manifest::{CameraFacts, MANIFEST, Manifest, StationFacts},
    *,
};
use crate::{
    config::{Direction, Level, Name, StreamRole},
    record::{Fragment, Segment},
};

pub(super) const NOW: Wall = Wall::from_unix_ms(1_773_100_000_000);
pub(super) const INIT_LEN: usize = 40;
pub(super) const FRAGMENT_LEN: usize = 100;
const FRAGMENTS: usize = 10;

/// Seconds after the first segment's begin.
pub(super) fn at(s: i64) -> Wall {
    Wall::from_unix_ms(1_773_079_445_123 + s * 1000)
}

pub(super) fn camera() -> CameraId {
    "gate".parse().unwrap()
}

pub(super) fn actor() -> Actor {
    Actor::new("王建国", "柳庄派出所").unwrap()
}

pub(super) fn purpose() -> Purpose {
    Purpose::new("寻找走失老人", "A-1").unwrap()
}

pub(super) fn manifest(pack: &Path) -> Manifest {
    serde_json::from_slice(&fs::read(pack.join(MANIFEST)).unwrap()).unwrap()
}

pub(super) struct Station {
    root: tempfile::TempDir,
    pub(super) evidence: Evidence,
    segments: Vec<Segment>,
}

impl Station {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("volume")).unwrap();
        fs::create_dir(root.path().join("out")).unwrap();
        let segments = [0, 20].map(|from| segment(&root.path().join("volume"), from)).into();
        let evidence = Evidence::open(&root.path().join("data"), &"demo".parse().unwrap(), NOW).unwrap();
        Self { root, evidence, segments }
    }

    pub(super) fn volume(&self) -> PathBuf {
        self.root.path().join("volume")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.root.path().join("out")
    }

    /// For seconds `from..to`.
    pub(super) fn order(&self, from: i64, to: i64) -> Order {
        let name = |zh: &str, en: &str| Name { zh: zh.into(), en: en.into() };
        Order {
            actor: actor(),
            purpose: purpose(),
            station: StationFacts {
                id: "demo".parse().unwrap(),
                node: "box".parse().unwrap(),
                name: name("柳庄派出所", "Liuzhuang"),
                time_zone: "Asia/Shanghai".into(),
            },
            time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
            camera: CameraFacts {
                id: camera(),
                name: name("北门", "North gate"),
                entry_point: "north".parse().unwrap(),
                entry_point_name: name("北口", "North"),
                village: "liuzhuang".parse().unwrap(),
                village_name: name("柳庄", "Liuzhuang"),
                level: Level::Point,
                direction: Some(Direction::In),
            },
            from: at(from),
            to: at(to),
            segments: self.segments.clone(),
            gaps: Vec::new(),
            alerts: vec![json!({ "id": "01J", "confidence": 0.1 + 0.2 })],
            passages: Vec::new(),
            model: None,
            rules: Vec::new(),
            into: self.out(),
        }
    }

    pub(super) fn opener(&self) -> impl Fn(&Segment) -> io::Result<File> + use<> {
        let volume = self.volume();
        move |segment| File::open(volume.join(&segment.path))
    }

    pub(super) fn export(&mut self, order: &Order) -> Result<Exported, ExportError> {
        let open = self.opener();
        self.evidence.export(NOW, order, &open)
    }

    pub(super) fn log(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.root.path().join("data/audit/2026-03.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Writes a segment whose bytes say where they are from.
fn segment(volume: &Path, from: i64) -> Segment {
    let part =
        |n: usize, len: usize| -> Vec<u8> { format!("{from}/{n} ").bytes().cycle().take(len).collect() };
    let init = part(0, INIT_LEN);
    let mut bytes = init.clone();
    let mut fragments = Vec::new();
    for n in 0..FRAGMENTS {
        let body = part(n + 1, FRAGMENT_LEN);
        fragments.push(Fragment {
            offset: bytes.len() as u64,
            len: FRAGMENT_LEN as u32,
            from: at(from + 2 * n as i64),
            length: Duration::from_secs(2),
            is_key: n % 3 == 0,
            sha256: Sum::of(&body).0,
        });
        bytes.extend(body);
    }
    let path = PathBuf::from(format!("{from}.mp4"));
    fs::write(volume.join(&path), &bytes).unwrap();
    Segment {
        camera: camera(),
        role: StreamRole::Main,
        volume: "disk".parse().unwrap(),
        path,
        from: at(from),
        to: at(from + 20),
        bytes: bytes.len() as u64,
        init_len: INIT_LEN as u32,
        init_sha256: Sum::of(&init).0,
        fragments,
        skew_ms: Some(-120),
    }
}
