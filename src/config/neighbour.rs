//! `[neighbour.ID]` → neighbouring stations, their brokers, and what is agreed with them.
//!
//! Owns what these keys mean together: nobody is their own neighbour, and nothing leaves the machine without mutual TLS. Whether an alert is shared is
//! judged by `crate::neighbour`.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use jiff::{civil, tz::TimeZone};

use super::{
    ExternalBroker, Hours, Name,
    duty::hours_of,
    problem::{Report, shown},
    read::{Reader, external, name, named, slug, words},
    tree::{Placed, Table, joined},
};
use crate::{
    alert::{Kind, Severity},
    id::{EntryPointId, HoursId, StationId, VillageId},
};

/// A neighbouring station.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// Its id, as it calls itself.
    pub id: StationId,
    /// For people.
    pub name: Name,
    /// Its broker, where we may write below `in/{our id}/`.
    pub broker: ExternalBroker,
    /// What is shared with it.
    pub agreement: Agreement,
}

/// What is shared with a neighbour.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// The last day on which it holds.
    pub until: civil::Date,
    /// In which days are counted.
    pub time_zone: TimeZone,
    /// Kinds of alert. Not empty.
    pub kinds: Vec<Kind>,
    /// Least severity.
    pub severity_min: Severity,
    /// Where; with `villages` empty as well: everywhere.
    pub entry_points: Vec<EntryPointId>,
    /// Where.
    pub villages: Vec<VillageId>,
    /// When; `None` is always.
    pub hours: Option<Arc<Hours>>,
    /// New alerts in an hour at most, critical ones left out.
    pub per_hour: u32,
    /// Whether exercises are shared.
    pub drills: bool,
}

/// The neighbours, in the order of the file.
pub(super) fn neighbours(
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    time_zone: &TimeZone,
    reader: &mut Reader<'_, '_>,
) -> Vec<Arc<Neighbour>> {
    let ours = file.get::<&Table>("station").and_then(|station| station.get::<&str>("id"));
    let mut neighbours = Vec::new();
    for (id, table) in file.map("neighbour") {
        if ours == Some(id.it.as_str()) {
            reader.report.wrong(
                id.at,
                format!("[{}] is this station itself", table.path),
                "its id is `station.id`",
                "write the `station.id` of the other station",
            );
        }
        let broker = external(table, reader);
        mutual_tls(table, reader.report);
        let agreement = table.get::<&Table>("agreement");
        let agreement = agreement.and_then(|table| agreed(table, file, hours, time_zone, reader));
        if let (Some(broker), Some(agreement)) = (broker, agreement) {
            let name = name(&id.it, table);
            neighbours.push(Arc::new(Neighbour { id: slug(&id.it), name, broker, agreement }));
        }
    }
    neighbours
}

fn agreed(
    table: &Table,
    file: &Table,
    hours: &BTreeMap<HoursId, Arc<Hours>>,
    time_zone: &TimeZone,
    reader: &mut Reader<'_, '_>,
) -> Option<Agreement> {
    let mut list = |key, noun| {
        let items = table.get(key).unwrap_or_default();
        named(items, &joined(&table.path, key), noun, file, reader.report)
    };
    let (entry_points, villages) = (list("entry_points", "entry_point"), list("villages", "village"));
    let mut kinds = words(table, "kinds", reader.report);
    if kinds.is_empty() {
        kinds = Kind::ALL.into_iter().filter(|kind| !kind.is_of_equipment()).collect();
    }
    let hours = hours_of(table, file, hours, reader.report);
    Some(Agreement {
        until: table.get("until")?,
        time_zone: time_zone.clone(),
        kinds,
        severity_min: table.choice("severity_min")?,
        entry_points: entry_points.into_iter().map(slug).collect(),
        villages: villages.into_iter().map(slug).collect(),
        hours,
        per_hour: u32::try_from(table.get::<i64>("per_hour")?).expect("its range was checked"),
        drills: table.get("drills")?,
    })
}

/// What goes to another machine goes encrypted, and both sides say who they are.
fn mutual_tls(table: &Table, report: &mut Report<'_>) {
    let Some(host) = table.placed::<&str>("host") else { return };
    let is_here = host.it == "localhost" || host.it.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if is_here {
        return;
    }
    let tls = table.placed::<&Table>("tls");
    let (at, what) = match &tls {
        Some(Placed { it, .. }) if it.has("client_cert") => return,
        Some(Placed { at, it }) => (*at, format!("[{}] has no certificate of ours", it.path)),
        None if table.has("tls") => return,
        None => {
            (host.at, format!("`{}` is {} and there is no tls", joined(&table.path, "host"), shown(host.it)))
        }
    };
    report.wrong(
        at,
        what,
        "without mutual TLS anybody on the way could read alerts, or tell the neighbour false ones in our name",
        "add tls = { ca = \"…\", client_cert = \"…\", client_key = \"…\" } with the files that the neighbour gave you",
    );
}
