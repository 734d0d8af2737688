//! `[post.ID]`, `[route.ID]`, `[notice]` and `near` → who is told of what.
//!
//! Owns what these keys mean together: tiers of posts that exist, neighbours that are so both ways. Who of them can be reached at some moment, and
//! what is one incident, is judged by `crate::duty`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    EntryPoint, Hours, Level, Name,
    problem::Report,
    read::{Reader, name, named, refers, seconds, slug, words},
    tree::{Placed, Table, Take, Value, joined},
};
use crate::{
    alert::{Kind, Severity},
    id::{CameraId, EntryPointId, HoursId, PostId, RouteId, VillageId},
};

/// Somebody who is told of alerts: the station, a checkpoint, a patrol.
#[derive(Debug, Clone)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// For people.
    pub name: Name,
    /// When it is on duty; `None` is always.
    pub hours: Option<Arc<Hours>>,
    /// How it is known that it is there.
    pub presence: Attendance,
}

/// How it is known that a post is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attendance {
    /// It is taken to be, in its hours.
    Assumed,
    /// It says so over MQTT, and its will says that it is gone.
    Mqtt,
}

/// A line of the table that says who is told of what. It fits an alert that fits in every respect; an empty list fits any.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// How the entry point closes the perimeter.
    pub levels: Vec<Level>,
    /// Where.
    pub villages: Vec<VillageId>,
    /// Where.
    pub entry_points: Vec<EntryPointId>,
    /// Where.
    pub cameras: Vec<CameraId>,
    /// What.
    pub kinds: Vec<Kind>,
    /// How bad.
    pub severities: Vec<Severity>,
    /// When it was raised; `None` is any time.
    pub hours: Option<Arc<Hours>>,
    /// Who is told, tier by tier. Not empty, and neither is any tier; all posts exist.
    pub tell: Vec<Vec<PostId>>,
}

/// How much posts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notices {
    /// An alert is part of an incident whose last one is no older.
    pub incident: Duration,
    /// [`super::Rule::notices_per_hour`] of a rule that does not say otherwise.
    pub per_hour: u32,
    /// Time between two summaries of a rule that floods.
    pub summary_every: Duration,
}

pub(super) fn notices(table: &Table) -> Option<Notices> {
    Some(Notices {
        incident: seconds(table.get("incident_s")?),
        per_hour: per_hour(table)?,
        summary_every: seconds(table.get("summary_every_s")?),
    })
}

/// `notices_per_hour` of a rule, or of all of them.
pub(super) fn per_hour(table: &Table) -> Option<u32> {
    table.get::<i64>("notices_per_hour").map(|count| u32::try_from(count).expect("its range was checked"))
}

/// The posts, in the order of the file.
pub(super) fn posts(
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    reader: &mut Reader<'_, '_>,
) -> Vec<Post> {
    let post = |(id, table): &(Placed<String>, Table)| {
        Some(Post {
            id: slug(&id.it),
            name: name(&id.it, table),
            hours: hours_of(table, file, hours, reader.report),
            presence: table.choice("presence")?,
        })
    };
    file.map("post").iter().filter_map(post).collect()
}

/// The routes, in the order of the file.
pub(super) fn routes(
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    reader: &mut Reader<'_, '_>,
) -> Vec<Route> {
    file.map("route").iter().filter_map(|(id, table)| route(id, table, file, hours, reader)).collect()
}

fn route(
    id: &Placed<String>,
    table: &Table,
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    reader: &mut Reader<'_, '_>,
) -> Option<Route> {
    let mut tell = Vec::new();
    let path = joined(&table.path, "tell");
    let tiers = table.get::<&[Placed<Value>]>("tell");
    for tier in tiers.unwrap_or_default() {
        let posts = <&[Placed<Value>]>::take(&tier.it).expect("tiers are lists");
        tell.push(named(posts, &path, "post", file, reader.report).into_iter().map(slug).collect());
    }
    let mut list = |key, noun| {
        let items = table.get(key).unwrap_or_default();
        named(items, &joined(&table.path, key), noun, file, reader.report)
    };
    let villages = list("villages", "village");
    let entry_points = list("entry_points", "entry_point");
    let cameras = list("cameras", "camera");
    let route = Route {
        id: slug(&id.it),
        levels: words(table, "levels", reader.report),
        villages: villages.into_iter().map(slug).collect(),
        entry_points: entry_points.into_iter().map(slug).collect(),
        cameras: cameras.into_iter().map(slug).collect(),
        kinds: words(table, "kinds", reader.report),
        severities: words(table, "severities", reader.report),
        hours: hours_of(table, file, hours, reader.report),
        tell,
    };
    tiers.map(|_| route)
}

/// The hours that a table's `hours` names.
pub(super) fn hours_of(
    table: &Table,
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    report: &mut Report<'_>,
) -> Option<Arc<Hours>> {
    let at = table.placed::<&str>("hours")?;
    refers(&at, &joined(&table.path, "hours"), "hours", file.map("hours"), report);
    hours.get(&slug::<HoursId>(at.it)).cloned()
}

/// Makes entry points each other's neighbours where one of both says so.
pub(super) fn neighbours(
    file: &Table,
    entry_points: &mut BTreeMap<EntryPointId, EntryPoint>,
    reader: &mut Reader<'_, '_>,
) {
    for (id, table) in file.map("entry_point") {
        let items: &[Placed<Value>] = table.get("near").unwrap_or_default();
        let path = joined(&table.path, "near");
        for other in named(items, &path, "entry_point", file, reader.report) {
            if other == id.it {
                let item = items.iter().find(|item| <&str>::take(&item.it) == Some(other));
                let at = item.map_or(table.at, |item| item.at);
                let what = format!("`{path}` lists \"{other}\" itself");
                reader.report.wrong(at, what, "an entry point is near to itself anyway", "remove it");
                continue;
            }
            let (one, other): (EntryPointId, EntryPointId) = (slug(&id.it), slug(other));
            if let Some(place) = entry_points.get_mut(&one) {
                place.near.insert(other.clone());
            }
            if let Some(place) = entry_points.get_mut(&other) {
                place.near.insert(one);
            }
        }
    }
}
