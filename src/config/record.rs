//! `[recording]`, `[volume.ID]` and a camera's share of them → how cameras are recorded.
//!
//! Owns what these keys mean together: floors under ceilings, one folder for one volume, streams that are there.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use jiff::{civil::Date, tz::TimeZone};

use super::{
    Hours, Paths, RecordPolicy, RecordWhen, Recording, StreamRole, Volume,
    problem::Report,
    read::{Reader, refers, seconds, slug},
    tree::{Table, joined},
};
use crate::{
    id::{HoursId, VolumeId},
    time::Wall,
};

const BYTES_OF_GB: f64 = 1e9;
const KEEP_FREE_USUAL: u64 = 5_000_000_000;

pub(super) fn recording(table: &Table, report: &mut Report<'_>) -> Option<Recording> {
    let (min, max) = (table.get::<i64>("keep_days_min")?, table.get::<i64>("keep_days_max")?);
    floor_under_ceiling(table, min, max, report);
    Some(Recording {
        segment: seconds(table.get("segment_s")?),
        pre_roll: Duration::from_secs_f64(table.get("pre_roll_s")?),
        post_roll: Duration::from_secs_f64(table.get("post_roll_s")?),
        keep_min: day_count(min),
        keep_max: day_count(max),
    })
}

/// The volumes; one in the folder of the data where none is declared.
pub(super) fn volumes(file: &Table, paths: Option<&Paths>, reader: &mut Reader<'_, '_>) -> Vec<Arc<Volume>> {
    let declared = file.map("volume");
    if declared.is_empty() {
        let Some(paths) = paths else { return Vec::new() };
        let id = VolumeId::usual();
        let path = paths.data.join(id.as_str());
        return vec![Arc::new(Volume { id, path, keep_free: KEEP_FREE_USUAL, bytes_max: None })];
    }
    let mut volumes: Vec<Arc<Volume>> = Vec::new();
    for (id, table) in declared {
        let Some(path) = table.placed::<&PathBuf>("path") else { continue };
        let folder = reader.base.join(path.it);
        if let Some(other) = volumes.iter().find(|other| other.path == folder) {
            reader.report.wrong(
                path.at,
                format!("`{}` is the folder of [volume.{}]", joined(&table.path, "path"), other.id),
                "two volumes in one folder would delete each other's recordings".to_owned(),
                "write another folder, or remove one of both",
            );
        }
        let bytes = |name| table.get::<f64>(name).map(|gb| (gb * BYTES_OF_GB) as u64);
        let Some(keep_free) = bytes("keep_free_gb") else { continue };
        volumes.push(Arc::new(Volume {
            id: slug(&id.it),
            path: folder,
            keep_free,
            bytes_max: bytes("max_gb"),
        }));
    }
    volumes
}

/// How the camera that is declared as `number`th is recorded.
pub(super) fn policy(
    number: usize,
    camera: &Table,
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    volumes: &[Arc<Volume>],
    time_zone: &TimeZone,
    reader: &mut Reader<'_, '_>,
) -> Option<RecordPolicy> {
    let usual = file.get::<&Table>("recording")?;
    let when: RecordWhen = usual.choice("when")?;
    let days = |name| Some(camera.get::<i64>(name).unwrap_or(usual.get::<i64>(name)?));
    let (min, max) = (days("keep_days_min")?, days("keep_days_max")?);
    if camera.has("keep_days_min") || camera.has("keep_days_max") {
        floor_under_ceiling(camera, min, max, reader.report);
    }
    let role: StreamRole = camera.choice("record_stream")?;
    if let Some(written) = camera.placed::<&str>("record_stream")
        && role == StreamRole::Sub
        && !camera.has("sub")
    {
        reader.report.wrong(
            written.at,
            format!("`{}` is \"sub\"", joined(&camera.path, "record_stream")),
            "this camera has no sub stream",
            "add sub = \"rtsp://…\", or write \"main\"",
        );
    }
    let at = camera.placed::<&str>("record_hours");
    if let Some(at) = &at {
        refers(at, &joined(&camera.path, "record_hours"), "hours", file.map("hours"), reader.report);
    }
    let volume = camera.placed::<&str>("volume");
    if let Some(volume) = &volume {
        refers(volume, &joined(&camera.path, "volume"), "volume", file.map("volume"), reader.report);
    }
    let volume = match volume {
        Some(volume) => slug(volume.it),
        None => volumes.get(number % volumes.len().max(1))?.id.clone(),
    };
    Some(RecordPolicy {
        when: camera.choice("record").unwrap_or(when),
        role,
        hours: at.and_then(|at| hours.get(&slug::<HoursId>(at.it)).cloned()),
        until: camera.get::<Date>("record_until").map(|last| day_after(last, time_zone)),
        audio: camera.get("record_audio")?,
        volume,
        priority: u8::try_from(camera.get::<i64>("record_priority")?).expect("its range was checked"),
        keep_min: day_count(min),
        keep_max: day_count(max),
    })
}

/// The midnight that ends a day; where there is none, the day is the calendar's last.
fn day_after(last: Date, time_zone: &TimeZone) -> Wall {
    let after = last.tomorrow().and_then(|day| time_zone.to_timestamp(day.at(0, 0, 0, 0)));
    Wall::from_unix_us(after.map_or(i64::MAX, jiff::Timestamp::as_microsecond))
}

fn floor_under_ceiling(table: &Table, min: i64, max: i64, report: &mut Report<'_>) {
    if min <= max {
        return;
    }
    let name = if table.has("keep_days_min") { "keep_days_min" } else { "keep_days_max" };
    let at = table.placed::<i64>(name).map_or(table.at, |written| written.at);
    report.wrong(
        at,
        format!(
            "`{}`: recordings are kept for {min} days at least and {max} at most",
            joined(&table.path, name)
        ),
        "what has to be kept cannot be deleted".to_owned(),
        "write a keep_days_max that is not below keep_days_min",
    );
}

fn day_count(days: i64) -> Duration {
    seconds(days * 24 * 3600)
}
