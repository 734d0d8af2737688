//! The index measured: a town's year inserted, the ledger opened again, and questions asked.
//!
//! Owns the questions and what is told of them. Who passes where is [`town`]'s.

mod town;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use jiff::civil::{Weekday, time};
use serde::Serialize;

use super::{Index, IndexError, Order, Question};
use crate::{
    alert::Kind,
    clip::{Clip, Light},
    config::{Direction, Level},
    detect::Class,
    id::{CameraId, Mint},
    store::SledLedger,
    time::Wall,
};
use town::{CAMERAS, Town, VILLAGES, YEAR_S};

/// Clips that are inserted at once.
const CLIPS_AT_ONCE: usize = 1000;
/// Pages that are asked for before a deep one.
const PAGES_DEEP: usize = 50;
const DAY_S: u64 = 24 * 3600;

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Clips in the index.
    pub clips: u64,
    /// Clips a second, durable, in batches of 1000; the time in which they were made up is not counted.
    pub insert_per_s: f64,
    /// A commit of 1000 clips, shelves included.
    pub insert_ms: Quantiles,
    /// Bytes of the ledger's folder by clips.
    pub bytes_per_clip: f64,
    /// Opening it: the ledger's engine, the head and the catalogues.
    pub start_s: f64,
    /// Time of one page, by question.
    pub query_ms: BTreeMap<&'static str, Quantiles>,
    /// The same, without waiting for a core that does something else.
    pub query_cpu_ms: BTreeMap<&'static str, Quantiles>,
    /// Clips of all pages asked, by question.
    pub found: BTreeMap<&'static str, usize>,
    /// Resident memory after the questions, MiB; `None` where the system does not tell.
    pub rss_mib: Option<f64>,
}

/// Of times, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quantiles {
    /// Half are shorter.
    pub p50: f64,
    /// All but one of a hundred are shorter.
    pub p99: f64,
    /// None is longer.
    pub max: f64,
}

impl Quantiles {
    fn of(times: &mut [Duration]) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let last = times.len().saturating_sub(1);
            times.get((last as f64 * share).ceil() as usize).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// Inserts `clips` into a new index in `dir`, opens it again, and asks each question `rounds` times, each time of other cameras and days.
pub fn run(
    dir: &Path,
    clips: u64,
    rounds: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, IndexError> {
    let mut town = Town::new(clips, 1);
    let mut index = Index::open(SledLedger::open(dir)?)?;
    let mut inserts = Vec::new();
    let mut inserted = 0;
    while inserted < clips {
        let count = CLIPS_AT_ONCE.min((clips - inserted) as usize);
        let some: Vec<Clip> = town.by_ref().take(count).collect();
        let begun = Instant::now();
        index.insert(&some)?;
        inserts.push(begun.elapsed());
        inserted += count as u64;
        progress(inserted);
    }
    drop(index);
    let insert_s: f64 = inserts.iter().map(Duration::as_secs_f64).sum();
    let begun = Instant::now();
    let index = Index::open(SledLedger::open(dir)?)?;
    let start_s = begun.elapsed().as_secs_f64();
    let mut asker = Asker { town, mint: Mint::seeded(2) };
    let (mut query_ms, mut query_cpu_ms, mut found) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for name in NAMES {
        let (mut times, mut cpu_times) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
        let mut clips = 0;
        for _ in 0..rounds {
            let mut question = asker.question(name);
            if name == "deep" {
                question.after = deep(&index, &question)?;
            }
            let (begun, cpu_begun) = (Instant::now(), cpu_time());
            let page = index.find(&question)?;
            times.push(begun.elapsed());
            cpu_times.push(cpu_time().saturating_sub(cpu_begun));
            clips += page.clips.len();
        }
        query_ms.insert(name, Quantiles::of(&mut times));
        query_cpu_ms.insert(name, Quantiles::of(&mut cpu_times));
        found.insert(name, clips);
    }
    Ok(Report {
        clips: index.len(),
        insert_per_s: clips as f64 / insert_s.max(f64::MIN_POSITIVE),
        insert_ms: Quantiles::of(&mut inserts),
        bytes_per_clip: bytes_below(dir) as f64 / clips.max(1) as f64,
        start_s,
        query_ms,
        query_cpu_ms,
        found,
        rss_mib: rss_mib(),
    })
}

/// What is asked, by name.
const NAMES: [&str; 14] = [
    "latest",
    "oldest",
    "investigator",
    "camera-day",
    "camera-horse-year",
    "village-weekend-nights",
    "alert-kind",
    "zone-sure",
    "rush-hours-level",
    "anywhere",
    "deep",
    "nothing-kind",
    "nothing-crosses",
    "nothing-half-the-town",
];

struct Asker {
    town: Town,
    mint: Mint,
}

impl Asker {
    fn below(&mut self, count: usize) -> usize {
        ((self.mint.unit() * count as f64) as usize).min(count - 1)
    }

    fn camera(&mut self) -> CameraId {
        let which = self.below(CAMERAS);
        self.town.cameras[which].id.clone()
    }

    /// The begin of one of the year's days but the last `days`.
    fn day(&mut self, days: usize) -> Wall {
        let day = self.below(365 - days);
        self.town.begin.after(Duration::from_secs(DAY_S * day as u64))
    }

    fn question(&mut self, name: &str) -> Question {
        let question = Question { time_zone: self.town.time_zone.clone(), ..Question::default() };
        let hours = |from, to| vec![(time(from, 0, 0, 0), time(to, 0, 0, 0))];
        match name {
            "oldest" => Question { order: Order::Oldest, ..question },
            "investigator" => {
                let from = self.day(3);
                Question {
                    from: Some(from),
                    to: Some(from.after(Duration::from_secs(3 * DAY_S))),
                    times_of_day: hours(2, 4),
                    entry_points: (0..20)
                        .map(|_| {
                            let which = self.below(CAMERAS);
                            self.town.cameras[which].entry_point.clone()
                        })
                        .collect(),
                    classes: vec![Class::Car, Class::Truck],
                    directions: vec![Direction::Out],
                    ..question
                }
            }
            "camera-day" => {
                let from = self.day(1);
                let to = Some(from.after(Duration::from_secs(DAY_S)));
                Question { cameras: vec![self.camera()], from: Some(from), to, ..question }
            }
            "camera-horse-year" => {
                Question { cameras: vec![self.camera()], classes: vec![Class::Horse], ..question }
            }
            "village-weekend-nights" => {
                let which = self.below(VILLAGES);
                Question {
                    villages: vec![self.town.cameras[which * 2].village.clone()],
                    days: vec![Weekday::Saturday, Weekday::Sunday],
                    times_of_day: hours(22, 5),
                    classes: vec![Class::Person],
                    ..question
                }
            }
            "alert-kind" => Question { kinds: vec![Kind::NightPassage], to: Some(self.day(1)), ..question },
            "zone-sure" => Question {
                zones: vec!["gate".parse().expect("a slug")],
                confidence_min: 0.94,
                to: Some(self.day(1)),
                ..question
            },
            "rush-hours-level" => Question {
                levels: vec![Level::Point],
                times_of_day: [hours(7, 9), hours(17, 19)].concat(),
                days: vec![Weekday::Monday],
                classes: vec![Class::Bus],
                order: Order::Oldest,
                ..question
            },
            "anywhere" => {
                let at = self.below(YEAR_S as usize) as u64;
                Question { to: Some(self.town.begin.after(Duration::from_secs(at))), ..question }
            }
            "deep" => Question { classes: vec![Class::Dog], to: Some(self.day(1)), ..question },
            "nothing-kind" => Question { kinds: vec![Kind::PanicButton], ..question },
            // Both are common, and never meet.
            "nothing-crosses" => Question {
                levels: vec![Level::Ring],
                directions: vec![Direction::In, Direction::Out],
                lights: vec![Light::Night],
                times_of_day: hours(20, 4),
                cameras: vec![self.camera(), self.camera()],
                confidence_min: 0.5,
                ..question
            },
            "nothing-half-the-town" => Question {
                villages: self.town.cameras.iter().step_by(4).map(|camera| camera.village.clone()).collect(),
                levels: vec![Level::Ring, Level::Block],
                classes: vec![Class::Person, Class::Car, Class::Motorcycle],
                lights: vec![Light::Day],
                times_of_day: hours(20, 5),
                ..question
            },
            _ => question,
        }
    }
}

/// The cursor behind so many pages; an earlier one where there are not so many.
fn deep(index: &Index<SledLedger>, question: &Question) -> Result<Option<super::Cursor>, IndexError> {
    let mut question = question.clone();
    for _ in 0..PAGES_DEEP {
        let page = index.find(&question)?;
        if page.next.is_none() {
            break;
        }
        question.after = page.next;
    }
    Ok(question.after)
}

/// What this thread has had of a core.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

fn rss_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some((kib / 1024.0 * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Questions that find nothing measure something else than those that find something.
    #[test]
    fn each_question_finds_what_it_should() {
        let dir = tempfile::tempdir().expect("a folder");
        let report = run(&dir.path().join("index"), 60_000, 4, &mut |_| ()).expect("works");
        assert_eq!(report.clips, 60_000);
        for name in NAMES {
            let is_rare = ["camera-horse-year", "investigator"].contains(&name);
            assert!(
                is_rare || (report.found[name] == 0) == name.starts_with("nothing"),
                "{name}: {report:?}"
            );
        }
    }
}
