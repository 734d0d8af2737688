//! The logs of a station: which there are, and the clips in them.
//!
//! Owns finding them on the volumes. What is made of the clips is for the index, and for whoever compares it.

use std::{io, path::PathBuf};

use jiff::civil::Date;

use super::{Damage, Record, Records, day_of, path_of};
use crate::{clip::Clip, config::Config, id::CameraId, time::Wall};

/// A log of a camera's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its day, UTC.
    pub day: Date,
    /// Whose.
    pub camera: CameraId,
    /// Its file.
    pub path: PathBuf,
}

/// The day from which on an index lacks clips of the logs, where a kill kept them out of it: `newest` is the begin of its newest clip, if it has any.
pub fn lacking_since(newest: Option<Wall>) -> Option<Date> {
    // A passage of the last minute of a day may have become known on the next.
    newest.map(day_of).map(|day| day.yesterday().unwrap_or(day))
}

/// Logs of the configured cameras on all volumes, from a day on, oldest first. Blocks.
pub fn logs(config: &Config, since: Option<Date>) -> Vec<Log> {
    let mut logs = Vec::new();
    for volume in &config.volumes {
        for camera in &config.cameras {
            let days =
                std::fs::read_dir(volume.path.join(camera.id.as_str())).into_iter().flatten().flatten();
            let days = days.filter_map(|day| day.file_name().to_str()?.parse::<Date>().ok());
            let days = days.filter(|day| since.is_none_or(|since| *day >= since));
            logs.extend(days.map(|day| Log {
                day,
                camera: camera.id.clone(),
                path: path_of(&volume.path, &camera.id, day),
            }));
        }
    }
    logs.retain(|log| log.path.is_file());
    logs.sort_by(|a, b| (a.day, &a.camera).cmp(&(b.day, &b.camera)));
    logs
}

/// The clips of a log, and what is damaged in it. Blocks.
///
/// # Errors
/// It cannot be read.
pub fn clips(log: &Log) -> io::Result<(Vec<Clip>, Vec<Damage>)> {
    let (mut clips, mut damaged) = (Vec::new(), Vec::new());
    for record in Records::open(&log.path)? {
        match record {
            Ok(Record::Passed(passed)) if passed.part.is_clip() => clips.push(passed.clip),
            Ok(_) => {}
            Err(damage) => damaged.push(damage),
        }
    }
    Ok((clips, damaged))
}
