//! Tables in their declared form → [`Config`].
//!
//! Owns what values mean together: references, credentials, addresses, sides of lines. Rules have their own file,
//! [`super::rule`]. Forms of single values were checked by [`super::tree`].

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde::Deserialize;

use super::{
    Attention, Broker, Camera, ClientCertificate, Config, Console, Decode, Detect, EntryPoint,
    ExternalBroker, Hours, HoursSpan, Line, Name, Paths, RecordPolicy, Station, StreamRole, Tls, Village,
    Zone, device, duty, map, neighbour,
    problem::{Report, shown, suggestion},
    record, rule,
    secret::credentials,
    surroundings::Surroundings,
    tree::{Placed, Table, Take, Value, joined, word},
};
use crate::{
    geometry::{Polygon, Segment, UnitPoint},
    id::{EntryPointId, HoursId, VillageId},
};

/// What reading needs beside the tables.
pub(super) struct Reader<'r, 't> {
    /// Where problems go.
    pub(super) report: &'r mut Report<'t>,
    /// Where relative paths start.
    pub(super) base: &'r Path,
    /// What the machine says.
    pub(super) surroundings: &'r dyn Surroundings,
}

/// The whole configuration; `None` where something is wrong, all of which was reported.
pub(super) fn config(file: &Table, reader: &mut Reader<'_, '_>) -> Option<Config> {
    let station = file.get::<&Table>("station").and_then(|table| station(table, file, reader));
    let paths = file.get::<&Table>("paths").and_then(|table| paths(table, reader));
    let console = file.get::<&Table>("console").and_then(console);
    let broker = file.get::<&Table>("broker").and_then(|table| broker(table, reader));
    listeners(file, reader);
    let attention = file.get::<&Table>("attention").map(|table| attention(table, reader));
    let decode = file.get::<&Table>("decode").and_then(|table| decode(table, reader));
    let detect = file.get::<&Table>("detect").and_then(|table| detect(table, reader));

    let time_zone = station.as_ref().map_or(TimeZone::UTC, |station| station.time_zone.clone());
    let hours = each::<HoursId, _>(file.map("hours"), |id, table| hours(id, table, &time_zone, reader));
    let villages = each::<VillageId, _>(file.map("village"), |id, table| {
        Some(Village { name: name(id.as_str(), table) })
    });
    let mut entry_points =
        each::<EntryPointId, _>(file.map("entry_point"), |id, table| entry_point(id, table, file, reader));

    let hours: BTreeMap<HoursId, Arc<Hours>> =
        hours.into_iter().map(|(id, hours)| (id, Arc::new(hours))).collect();
    duty::neighbours(file, &mut entry_points, reader);
    let posts = duty::posts(file, &hours, reader);
    let routes = duty::routes(file, &hours, reader);
    let notices = file.get::<&Table>("notice").and_then(duty::notices);
    let recording = file.get::<&Table>("recording").and_then(|table| record::recording(table, reader.report));
    let volumes = record::volumes(file, paths.as_ref(), reader);
    let equipment = file.get::<&Table>("equipment").and_then(|table| device::equipment(table, reader));

    let mut cameras: Vec<(String, Camera)> = Vec::new();
    for (number, (id, table)) in file.map("camera").iter().enumerate() {
        let policy = record::policy(number, table, file, &hours, &volumes, &time_zone, reader);
        let camera = policy.and_then(|policy| camera(id, table, policy, file, reader));
        cameras.extend(camera.map(|camera| (id.it.clone(), camera)));
    }
    if file.map("camera").is_empty() && !file.has("camera") {
        reader.report.absent(
            file.at,
            "there is no camera",
            "a station without one watches nothing",
            "add a [camera.ID] section with entry_point and main",
        );
    }
    rule::rules(file, &hours, &mut cameras, reader);
    let buttons = device::buttons(file, &entry_points, &cameras, reader);
    let sensors = device::sensors(file, &hours, reader);
    let neighbours = neighbour::neighbours(file, &hours, &time_zone, reader);
    let map = map::map(file);

    Some(Config {
        source: None,
        station: station?,
        paths: paths?,
        console: console?,
        broker: broker?,
        attention: attention?,
        decode: decode?,
        detect: detect?,
        recording: recording?,
        volumes,
        equipment: equipment?,
        villages,
        entry_points,
        posts,
        routes,
        notices: notices?,
        cameras: cameras.into_iter().map(|(_, camera)| Arc::new(camera)).collect(),
        buttons,
        sensors,
        neighbours,
        map,
    })
}

/// Reads tables by id.
fn each<I: FromStr + Ord, T>(
    tables: &[(Placed<String>, Table)],
    mut read: impl FnMut(&I, &Table) -> Option<T>,
) -> BTreeMap<I, T> {
    tables
        .iter()
        .filter_map(|(id, table)| {
            let id = slug::<I>(&id.it);
            read(&id, table).map(|thing| (id, thing))
        })
        .collect()
}

/// An id whose spelling was checked.
pub(super) fn slug<I: FromStr>(text: &str) -> I {
    text.parse().ok().expect("ids were checked when the text was read")
}

/// The name of a thing in both languages.
pub(super) fn name(id: &str, table: &Table) -> Name {
    let (any, zh) = (table.get::<&str>("name"), table.get::<&str>("name_zh"));
    Name { zh: zh.or(any).unwrap_or(id).to_owned(), en: any.or(zh).unwrap_or(id).to_owned() }
}

/// Whether what a key refers to is declared; says so where it is not.
pub(super) fn refers(
    to: &Placed<&str>,
    path: &str,
    noun: &'static str,
    declared: &[(Placed<String>, Table)],
    report: &mut Report<'_>,
) -> bool {
    if declared.iter().any(|(id, _)| id.it == to.it) {
        return true;
    }
    let known: Vec<&str> = declared.iter().map(|(id, _)| id.it.as_str()).collect();
    report.wrong(
        to.at,
        format!("`{path}` is {}", shown(to.it)),
        format!("there is no [{noun}.{}]", to.it),
        suggestion(to.it, &known),
    );
    false
}

/// The ids that a list names, of those that are declared, each once; says so where one is not, or is there twice.
pub(super) fn named<'t>(
    items: &'t [Placed<Value>],
    path: &str,
    noun: &'static str,
    file: &Table,
    report: &mut Report<'_>,
) -> Vec<&'t str> {
    let mut ids = Vec::with_capacity(items.len());
    for item in items {
        let id = Placed { at: item.at, it: <&str>::take(&item.it).expect("these lists are of ids") };
        if ids.contains(&id.it) {
            report.wrong(
                id.at,
                format!("`{path}` lists \"{}\" twice", id.it),
                "once is enough",
                "remove one",
            );
        } else if refers(&id, path, noun, file.map(noun), report) {
            ids.push(id.it);
        }
    }
    ids
}

/// The words of a list as variants of their enum, each once; says so where one is there twice. Empty where there is no such list.
pub(super) fn words<'t, T: Deserialize<'t> + PartialEq>(
    table: &'t Table,
    key: &'static str,
    report: &mut Report<'_>,
) -> Vec<T> {
    let mut words = Vec::new();
    for item in table.get::<&[Placed<Value>]>(key).unwrap_or_default() {
        let text = <&str>::take(&item.it).expect("these lists are of words");
        let it = word(text);
        if words.contains(&it) {
            let what = format!("`{}` lists \"{text}\" twice", joined(&table.path, key));
            report.wrong(item.at, what, "once is enough", "remove one");
        } else {
            words.push(it);
        }
    }
    words
}

fn station(table: &Table, file: &Table, reader: &mut Reader<'_, '_>) -> Option<Station> {
    if !table.has("time_zone") && !file.map("hours").is_empty() {
        reader.report.absent(
            table.at,
            "`station.time_zone` is missing",
            "there are [hours.ID], and hours mean nothing without it",
            "add time_zone = \"Asia/Shanghai\" or your own",
        );
    }
    let id = table.get::<&str>("id")?;
    Some(Station {
        id: slug(id),
        node: slug(table.get("node")?),
        name: name(id, table),
        time_zone: table.get::<&TimeZone>("time_zone").cloned().unwrap_or(TimeZone::UTC),
        stop_grace: seconds(table.get("stop_grace_s")?),
    })
}

fn paths(table: &Table, reader: &Reader<'_, '_>) -> Option<Paths> {
    Some(Paths {
        data: reader.base.join(table.get::<&PathBuf>("data")?),
        models: reader.base.join(table.get::<&PathBuf>("models")?),
        onnxruntime: table.get::<&PathBuf>("onnxruntime").map(|path| reader.base.join(path)),
    })
}

fn console(table: &Table) -> Option<Console> {
    Some(Console { listen: table.get("listen")?, address: table.get::<&url::Url>("address").cloned() })
}

fn broker(table: &Table, reader: &mut Reader<'_, '_>) -> Option<Broker> {
    let external = external(table, reader).map(Broker::External);
    match table.get::<&str>("kind")? {
        "embedded" => Some(Broker::Embedded { listen: table.get("listen")? }),
        _ => external,
    }
}

/// A broker elsewhere, from a table that has its keys; `None` where it has none, or they are wrong.
pub(super) fn external(table: &Table, reader: &mut Reader<'_, '_>) -> Option<ExternalBroker> {
    let credentials = optional(table, "credentials", |t| credentials(t, reader));
    let tls = optional(table, "tls", |t| tls(t, reader))?;
    let port = match table.get::<i64>("port") {
        Some(port) => u16::try_from(port).expect("its range was checked"),
        None if tls.is_some() => 8883,
        None => 1883,
    };
    Some(ExternalBroker {
        host: table.get::<&str>("host")?.to_owned(),
        port,
        credentials: credentials?,
        tls,
        keep_alive: seconds(table.get("keep_alive_s")?),
    })
}

/// A table that may be absent: `Some(None)` then; `None` where it is wrong.
fn optional<T>(
    table: &Table,
    name: &'static str,
    read: impl FnOnce(&Table) -> Option<T>,
) -> Option<Option<T>> {
    match table.get::<&Table>(name) {
        Some(there) => read(there).map(Some),
        None if table.has(name) => None,
        None => Some(None),
    }
}

fn tls(table: &Table, reader: &Reader<'_, '_>) -> Option<Tls> {
    let path = |name| table.get::<&PathBuf>(name).map(|path| reader.base.join(path));
    let client = match (path("client_cert"), path("client_key")) {
        (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
        _ => None,
    };
    Some(Tls { ca: path("ca")?, client })
}

/// Two listeners cannot have one address.
fn listeners(file: &Table, reader: &mut Reader<'_, '_>) {
    let (Some(console), Some(broker)) = (file.get::<&Table>("console"), file.get::<&Table>("broker")) else {
        return;
    };
    let (Some(page), Some(mqtt)) =
        (console.placed::<SocketAddr>("listen"), broker.placed::<SocketAddr>("listen"))
    else {
        return;
    };
    let meet = page.it.ip() == mqtt.it.ip() || page.it.ip().is_unspecified() || mqtt.it.ip().is_unspecified();
    if broker.get::<&str>("kind") == Some("embedded")
        && page.it.port() == mqtt.it.port()
        && page.it.port() != 0
        && meet
    {
        let (at, here, other) = if broker.has("listen") {
            (mqtt.at, "broker.listen", "console.listen")
        } else {
            (page.at, "console.listen", "broker.listen")
        };
        reader.report.wrong(
            at,
            format!("`{here}` is \"{}\"", if at == mqtt.at { mqtt.it } else { page.it }),
            format!("`{other}` has the same port of the same address"),
            "write another port",
        );
    }
}

fn attention(table: &Table, reader: &Reader<'_, '_>) -> Attention {
    let fifth = reader.surroundings.cores().get() as f32 / 5.0;
    Attention { cores: table.get::<f64>("cores").map_or(fifth, |cores| cores as f32) }
}

fn decode(table: &Table, reader: &Reader<'_, '_>) -> Option<Decode> {
    let half = NonZeroUsize::new(reader.surroundings.cores().get() / 2).unwrap_or(NonZeroUsize::MIN);
    Some(Decode { threads: threads(table).unwrap_or(half), hardware: table.choice("hardware")? })
}

fn detect(table: &Table, reader: &Reader<'_, '_>) -> Option<Detect> {
    Some(Detect {
        model: slug(table.get("model")?),
        threads: threads(table).unwrap_or(reader.surroundings.cores()),
        provider: table.choice("provider")?,
    })
}

fn threads(table: &Table) -> Option<NonZeroUsize> {
    table.get::<i64>("threads").and_then(|n| NonZeroUsize::new(usize::try_from(n).ok()?))
}

fn hours(id: &HoursId, table: &Table, time_zone: &TimeZone, reader: &mut Reader<'_, '_>) -> Option<Hours> {
    let mut spans = Vec::new();
    for item in table.get::<&[Placed<Value>]>("spans")? {
        let span = <&Table>::take(&item.it).expect("spans are tables");
        let days = span.get::<&[Weekday]>("days");
        let (from, to) = (span.get::<Option<Time>>("from"), span.get::<Option<Time>>("to"));
        let (Some(days), Some(Some(from)), Some(to)) = (days, from, to) else { continue };
        if to == Some(from) {
            reader.report.wrong(
                item.at,
                format!(
                    "a span of `{}` begins and ends at {}",
                    joined(&table.path, "spans"),
                    from.strftime("%H:%M")
                ),
                "it would never apply",
                "write from = \"00:00\", to = \"24:00\" for a whole day",
            );
            continue;
        }
        spans.push(HoursSpan { days: days.to_vec(), from, to: to.unwrap_or(Time::midnight()) });
    }
    Some(Hours { id: id.clone(), time_zone: time_zone.clone(), spans })
}

fn entry_point(
    id: &EntryPointId,
    table: &Table,
    file: &Table,
    reader: &mut Reader<'_, '_>,
) -> Option<EntryPoint> {
    let village = table.placed::<&str>("village");
    if let Some(village) = &village {
        refers(village, &joined(&table.path, "village"), "village", file.map("village"), reader.report);
    }
    Some(EntryPoint {
        village: slug(village?.it),
        level: table.choice("level")?,
        near: BTreeSet::new(),
        name: name(id.as_str(), table),
    })
}

fn camera(
    id: &Placed<String>,
    table: &Table,
    record: RecordPolicy,
    file: &Table,
    reader: &mut Reader<'_, '_>,
) -> Option<Camera> {
    let entry_point = table.placed::<&str>("entry_point");
    if let Some(entry_point) = &entry_point {
        refers(
            entry_point,
            &joined(&table.path, "entry_point"),
            "entry_point",
            file.map("entry_point"),
            reader.report,
        );
    }
    let credentials = optional(table, "credentials", |t| credentials(t, reader));
    let analyse = table.placed::<&str>("analyse");
    if let Some(analyse) = &analyse
        && analyse.it == "sub"
        && !table.has("sub")
    {
        reader.report.wrong(
            analyse.at,
            format!("`{}` is \"sub\"", joined(&table.path, "analyse")),
            "this camera has no sub stream",
            "add sub = \"rtsp://…\", or write \"main\"",
        );
    }
    let zones = table
        .map("zone")
        .iter()
        .filter_map(|(id, zone)| {
            let area = zone.get::<&Polygon>("area")?.clone();
            Some((slug(&id.it), Zone { name: name(&id.it, zone), area }))
        })
        .collect();
    let lines = table
        .map("line")
        .iter()
        .filter_map(|(id, line)| {
            Some((slug(&id.it), Line { name: name(&id.it, line), segment: segment(line, reader.report)? }))
        })
        .collect();
    let masks = table.get::<&[Placed<Value>]>("masks")?;
    let masks = masks.iter().filter_map(|mask| <&Polygon>::take(&mask.it).cloned()).collect();
    let sub = table.get::<&url::Url>("sub").cloned();
    let default_role = if sub.is_some() { StreamRole::Sub } else { StreamRole::Main };
    Some(Camera {
        id: slug(&id.it),
        name: name(&id.it, table),
        entry_point: slug(entry_point?.it),
        maintenance: table.get("maintenance")?,
        main: table.get::<&url::Url>("main")?.clone(),
        analyse: table.choice("analyse").unwrap_or(default_role),
        sub,
        credentials: credentials?,
        transport: table.choice("transport")?,
        attention: table.choice("attention")?,
        look_every: Duration::from_secs_f64(table.get::<f64>("look_every_s")?),
        detect_fps: table.get::<f64>("detect_fps")? as f32,
        view: table.choice("view")?,
        record,
        masks,
        zones,
        lines,
        rules: Vec::new(),
    })
}

/// A line directed so that its inside is to the right.
fn segment(line: &Table, report: &mut Report<'_>) -> Option<Segment> {
    /// Shares of the picture: shorter than a pixel of most pictures.
    const LENGTH_MIN: f32 = 0.001;
    let (a, b) = (line.placed::<UnitPoint>("a")?, line.placed::<UnitPoint>("b")?);
    if (a.it.x - b.it.x).hypot(a.it.y - b.it.y) < LENGTH_MIN {
        report.wrong(
            b.at,
            format!("[{}] has no length", line.path),
            "its a and b are the same point",
            "write two different points",
        );
        return None;
    }
    match line.get::<&str>("inside")? {
        "left" => Some(Segment::new(b.it, a.it)),
        _ => Some(Segment::new(a.it, b.it)),
    }
}

/// Whole seconds whose range was checked.
pub(super) fn seconds(s: i64) -> Duration {
    Duration::from_secs(u64::try_from(s).expect("its range was checked"))
}
