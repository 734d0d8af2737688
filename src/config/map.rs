//! `location`, `outline`, `heading_deg` and `[road.ID]` → where things lie, for the page's map.
//!
//! Owns that nothing else depends on it: what is seen and told is the same without a map.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::{
    Name,
    read::{name, slug},
    tree::{Placed, Table, Take, Value},
};
use crate::id::{CameraId, EntryPointId, RoadId, VillageId};

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Place {
    /// Degrees north, WGS-84, -90..=90.
    pub lat: f64,
    /// Degrees east, WGS-84, -180..=180.
    pub lon: f64,
}

/// A place as one of a line: `[latitude, longitude]` in payloads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point(pub Place);

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        [self.0.lat, self.0.lon].serialize(to)
    }
}

/// Where things lie, as far as the configuration says.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// Where villages lie.
    pub villages: BTreeMap<VillageId, VillageOnMap>,
    /// Where entry points lie.
    pub entry_points: BTreeMap<EntryPointId, Place>,
    /// Where cameras stand and look.
    pub cameras: BTreeMap<CameraId, CameraOnMap>,
    /// Roads, paths and rivers.
    pub roads: BTreeMap<RoadId, Road>,
}

/// A village on the map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VillageOnMap {
    /// Its middle.
    pub location: Option<Place>,
    /// Its corners in order around it; three at least.
    pub outline: Option<Vec<Point>>,
}

/// A camera on the map.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CameraOnMap {
    /// Where it stands; `None`: at its entry point.
    pub location: Option<Place>,
    /// Where it looks: degrees from north, clockwise, 0..=360.
    pub heading_deg: Option<f64>,
}

/// A line on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Road {
    /// For people.
    pub name: Name,
    /// What it is.
    pub kind: RoadKind,
    /// Its points from one end to the other; two at least.
    pub path: Vec<Point>,
}

/// What a line on the map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoadKind {
    /// Vehicles use it.
    Road,
    /// People use it.
    Path,
    /// Water.
    River,
}

/// The map of a file.
pub(super) fn map(file: &Table) -> Map {
    Map {
        villages: each(file.map("village"), |_, village| {
            let location = village.get::<&Table>("location").and_then(place);
            let outline = points(village, "outline");
            (location.is_some() || outline.is_some()).then_some(VillageOnMap { location, outline })
        }),
        entry_points: each(file.map("entry_point"), |_, entry_point| {
            entry_point.get::<&Table>("location").and_then(place)
        }),
        cameras: each(file.map("camera"), |_, camera| {
            let location = camera.get::<&Table>("location").and_then(place);
            let heading_deg = camera.get::<f64>("heading_deg");
            (location.is_some() || heading_deg.is_some()).then_some(CameraOnMap { location, heading_deg })
        }),
        roads: each(file.map("road"), |id, road| {
            Some(Road { name: name(id, road), kind: road.choice("kind")?, path: points(road, "path")? })
        }),
    }
}

fn each<I: FromStr + Ord, T>(
    tables: &[(Placed<String>, Table)],
    read: impl Fn(&str, &Table) -> Option<T>,
) -> BTreeMap<I, T> {
    tables.iter().filter_map(|(id, table)| Some((slug(&id.it), read(&id.it, table)?))).collect()
}

fn place(table: &Table) -> Option<Place> {
    Some(Place { lat: table.get("lat")?, lon: table.get("lon")? })
}

fn points(table: &Table, key: &'static str) -> Option<Vec<Point>> {
    let items = table.get::<&[Placed<Value>]>(key)?;
    items.iter().map(|item| Place::take(&item.it).map(Point)).collect()
}
