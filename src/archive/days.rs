//! Folders of days: `{volume}/{camera}/{YYYY-MM-DD}`, days in UTC.
//!
//! Owns what lies in them beside the segments, and when that goes: with the last recording that could belong to the day. A folder in which a
//! recording is left, on record or not, is left alone.

use std::{fs, path::Path, time::Duration};

use jiff::{
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{TABLE_NAME, hold::Hold, retention::Rules};
use crate::{id::CameraId, time::Wall};

/// What was seen, beside the recordings of a day.
pub(super) const SEEN_NAME: &str = "seen.log";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Which days are old.
#[derive(Debug)]
pub(super) struct Old {
    /// What age is measured from.
    pub(super) now: Wall,
    pub(super) rules: Rules,
    /// In force.
    pub(super) holds: Vec<Hold>,
}

impl Old {
    fn is(&self, camera: &CameraId, day: Date) -> bool {
        let Some((from, to)) = span(day) else { return false };
        let age = u64::try_from(self.now.us_since(to)).unwrap_or(0);
        Duration::from_micros(age) >= self.rules.of(camera).max
            && age > 0
            && !self.holds.iter().any(|hold| hold.protects(camera, from, to))
    }
}

/// The day of a moment.
pub(super) fn day_of(at: Wall) -> Date {
    Offset::UTC.to_datetime(at.timestamp()).date()
}

/// When a day begins.
pub(super) fn begin_of(day: Date) -> Option<Wall> {
    let begin = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    Some(Wall::from_unix_us(begin.as_microsecond()))
}

/// When a day begins and ends.
fn span(day: Date) -> Option<(Wall, Wall)> {
    begin_of(day).map(|from| (from, from.after(DAY)))
}

/// Cameras with a folder on a volume, and their days, in order.
pub(super) fn cameras_in(volume: &Path) -> Vec<CameraId> {
    let mut cameras: Vec<CameraId> = names(volume).iter().filter_map(|name| name.parse().ok()).collect();
    cameras.sort_unstable();
    cameras
}

/// Days of a camera, in order.
pub(super) fn days_in(volume: &Path, camera: &CameraId) -> Vec<Date> {
    let mut days: Vec<Date> =
        names(&volume.join(camera.as_str())).iter().filter_map(|name| name.parse().ok()).collect();
    days.sort_unstable();
    days
}

/// Names in a folder; none where it is not there or cannot be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Removes what lies beside recordings of old days, and their folders; says how many.
pub(super) fn tidy(volume: &Path, old: &Old) -> usize {
    let mut count = 0;
    for camera in cameras_in(volume) {
        for day in days_in(volume, &camera).into_iter().filter(|&day| old.is(&camera, day)) {
            let folder = volume.join(camera.as_str()).join(day.to_string());
            let beside = |name: &String| name == SEEN_NAME || name == TABLE_NAME;
            if !names(&folder).iter().all(beside) {
                continue;
            }
            let removed = names(&folder).iter().try_for_each(|name| fs::remove_file(folder.join(name)));
            match removed.and_then(|()| fs::remove_dir(&folder)) {
                Ok(()) => count += 1,
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "the folder of a day could not be removed; the next look tries again");
                }
            }
        }
    }
    count
}
