//! `[equipment]`, `[button.ID]` and `[sensor.ID]` → when our own cameras are an alert, and what calls from outside.
//!
//! Owns what these keys mean together: where a button is, and that a loss of many is known before it is told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Camera, EntryPoint, Hours, Name,
    read::{Reader, name, named, refers, seconds, slug},
    tree::{Placed, Table, Value, joined},
};
use crate::{
    alert::{Earnest, Severity},
    id::{ButtonId, CameraId, EntryPointId, HoursId, SensorId, VillageId},
};

/// When the state of our own cameras is an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equipment {
    /// Away for so long.
    pub offline_after: Duration,
    /// Of no use for so long.
    pub degraded_after: Duration,
    /// It is over when it was well for so long.
    pub well_after: Duration,
    /// So many that are lost at once are one alert; at least 2.
    pub many: usize,
    /// What is at once; not longer than `offline_after`.
    pub many_within: Duration,
    /// How bad one that is away is.
    pub offline_severity: Severity,
    /// How bad one that is of no use is.
    pub degraded_severity: Severity,
    /// How bad many at once are.
    pub many_severity: Severity,
}

/// A button that calls for help.
#[derive(Debug, Clone)]
pub struct Button {
    /// For people.
    pub name: Name,
    /// In which village it is.
    pub village: VillageId,
    /// At which entry point, where one was named.
    pub entry_point: Option<EntryPointId>,
    /// The nearest first; not empty.
    pub cameras: Vec<CameraId>,
    /// Whether a press that does not say so is meant.
    pub earnest: Earnest,
    /// A call ends so long after the last press.
    pub lasts: Duration,
    /// Somebody has to look after so many days whether what was recorded is still to be held.
    pub hold_days: u16,
    /// It is to be heard of within this time; `None`: it says nothing by itself.
    pub sign_of_life: Option<Duration>,
}

/// A sensor.
#[derive(Debug, Clone)]
pub struct Sensor {
    /// For people.
    pub name: Name,
    /// What it is.
    pub kind: SensorKind,
    /// The nearest first; not empty.
    pub cameras: Vec<CameraId>,
    /// How bad it is when it speaks.
    pub severity: Severity,
    /// What its cameras see so long before or after is the same incident.
    pub pair: Duration,
    /// When it raises alerts; `None` is always.
    pub hours: Option<Arc<Hours>>,
    /// It is over so long after its last word.
    pub lasts: Duration,
    /// As for a button.
    pub sign_of_life: Option<Duration>,
}

/// What a sensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorKind {
    /// On a door, a window, a gate.
    Door,
    /// Any contact.
    Contact,
    /// On what is not to be shaken: a fence, a cabinet.
    Vibration,
}

pub(super) fn equipment(table: &Table, reader: &mut Reader<'_, '_>) -> Option<Equipment> {
    let time = |key| table.get::<f64>(key).map(Duration::from_secs_f64);
    let (offline_after, many_within) = (time("offline_s")?, time("many_within_s")?);
    if many_within > offline_after {
        let key = if table.has("many_within_s") { "many_within_s" } else { "offline_s" };
        let at = table.placed::<f64>(key).map_or(table.at, |written| written.at);
        reader.report.wrong(
            at,
            format!("`{}` is {} s", joined(&table.path, "many_within_s"), many_within.as_secs_f64()),
            format!("the first camera of many is told after `offline_s`, {} s", offline_after.as_secs_f64()),
            "write a many_within_s that is not above offline_s",
        );
    }
    Some(Equipment {
        offline_after,
        degraded_after: time("degraded_s")?,
        well_after: time("well_s")?,
        many: usize::try_from(table.get::<i64>("many")?).expect("its range was checked"),
        many_within,
        offline_severity: table.choice("offline_severity")?,
        degraded_severity: table.choice("degraded_severity")?,
        many_severity: table.choice("many_severity")?,
    })
}

pub(super) fn buttons(
    file: &Table,
    entry_points: &BTreeMap<EntryPointId, EntryPoint>,
    cameras: &[(String, Camera)],
    reader: &mut Reader<'_, '_>,
) -> BTreeMap<ButtonId, Button> {
    let mut buttons = BTreeMap::new();
    for (id, table) in file.map("button") {
        let watching = watching(table, file, reader);
        let place = place(table, file, reader);
        let first = watching.first().and_then(|first| cameras.iter().find(|(id, _)| id == first.as_str()));
        let entry_point = match &place {
            Some(Place::EntryPoint(id)) => Some(id),
            _ => first.map(|(_, camera)| &camera.entry_point),
        };
        let village = match &place {
            Some(Place::Village(id)) => Some(id),
            _ => entry_point.and_then(|id| entry_points.get(id)).map(|point| &point.village),
        };
        let (Some(village), Some(earnest)) = (village, table.get::<bool>("drill")) else { continue };
        let (Some(lasts), Some(days)) = (table.get::<i64>("lasts_s"), table.get::<i64>("hold_days")) else {
            continue;
        };
        let button = Button {
            name: name(&id.it, table),
            village: village.clone(),
            entry_point: match place {
                Some(Place::EntryPoint(id)) => Some(id),
                _ => None,
            },
            cameras: watching,
            earnest: if earnest { Earnest::Drill } else { Earnest::Real },
            lasts: seconds(lasts),
            hold_days: u16::try_from(days).expect("its range was checked"),
            sign_of_life: sign_of_life(table),
        };
        buttons.insert(slug(&id.it), button);
    }
    buttons
}

pub(super) fn sensors(
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    reader: &mut Reader<'_, '_>,
) -> BTreeMap<SensorId, Sensor> {
    let mut sensors = BTreeMap::new();
    for (id, table) in file.map("sensor") {
        let cameras = watching(table, file, reader);
        let at = table.placed::<&str>("hours");
        if let Some(at) = &at {
            refers(at, &joined(&table.path, "hours"), "hours", file.map("hours"), reader.report);
        }
        let read = || {
            Some(Sensor {
                name: name(&id.it, table),
                kind: table.choice("kind")?,
                cameras,
                severity: table.choice("severity")?,
                pair: Duration::from_secs_f64(table.get("pair_s")?),
                hours: at.and_then(|at| hours.get(&slug::<HoursId>(at.it)).cloned()),
                lasts: seconds(table.get("lasts_s")?),
                sign_of_life: sign_of_life(table),
            })
        };
        sensors.extend(read().map(|sensor| (slug(&id.it), sensor)));
    }
    sensors
}

/// The cameras that see a device, in the order of its list.
fn watching(table: &Table, file: &Table, reader: &mut Reader<'_, '_>) -> Vec<CameraId> {
    let items: &[Placed<Value>] = table.get("cameras").unwrap_or_default();
    let ids = named(items, &joined(&table.path, "cameras"), "camera", file, reader.report);
    ids.into_iter().map(slug).collect()
}

fn sign_of_life(table: &Table) -> Option<Duration> {
    let hours = table.get::<i64>("sign_of_life_h").filter(|hours| *hours > 0);
    hours.map(|hours| seconds(hours * 3600))
}

/// Where a button is.
enum Place {
    EntryPoint(EntryPointId),
    Village(VillageId),
}

fn place(table: &Table, file: &Table, reader: &mut Reader<'_, '_>) -> Option<Place> {
    let (entry_point, village) = (table.placed::<&str>("entry_point"), table.placed::<&str>("village"));
    for (written, noun) in [(&entry_point, "entry_point"), (&village, "village")] {
        if let Some(written) = written {
            refers(written, &joined(&table.path, noun), noun, file.map(noun), reader.report);
        }
    }
    if let (Some(_), Some(village)) = (&entry_point, &village) {
        reader.report.wrong(
            village.at,
            format!("`{}` and `entry_point` are both written", joined(&table.path, "village")),
            "an entry point is in a village already",
            "remove one of both",
        );
    }
    let entry_point = entry_point.map(|at| Place::EntryPoint(slug(at.it)));
    entry_point.or_else(|| village.map(|at| Place::Village(slug(at.it))))
}
