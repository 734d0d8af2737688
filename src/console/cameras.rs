//! Every camera at a glance, the map, and the station in short: what the page's board, map and head are drawn from.
//!
//! Owns how they are spelt (`docs/ref/openapi.json`). Nothing here shows anybody, and nothing waits but for the disks' room.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};

use super::{Console, Rooms, answer::fresh, guarded::Guarded, visitor::Visitor};
use crate::{
    account::Permission::Health,
    config::{
        AttentionPolicy, Camera, Config, EntryPoint, Level, Name, Place, Point, RecordWhen, RoadKind,
        StreamRole,
    },
    id::{CameraId, EntryPointId, RoadId, VillageId, VolumeId},
    metrics::OfVolume,
    mqtt::payload::HealthData,
};

/// A disk that does not say in time how much room it has is told without.
const ROOM_WITHIN: Duration = Duration::from_secs(1);

/// What these pages answer from.
#[derive(Clone)]
pub(super) struct Yard {
    pub(super) console: Console,
    pub(super) rooms: Arc<Rooms>,
}

/// Their paths.
pub(super) fn routes() -> Guarded<Yard> {
    Guarded::new().get("/api/v1/cameras", Health, list).get("/api/v1/perimeter", Health, perimeter).get(
        "/api/v1/status",
        Health,
        status,
    )
}

/// Something with a name.
#[derive(Debug, Serialize)]
struct Named<'c, I> {
    id: &'c I,
    name: &'c Name,
}

#[derive(Debug, Serialize)]
struct Cameras<'c> {
    cameras: Vec<CameraRow<'c>>,
}

#[derive(Debug, Serialize)]
struct CameraRow<'c> {
    id: &'c CameraId,
    name: &'c Name,
    village: Named<'c, VillageId>,
    entry_point: Named<'c, EntryPointId>,
    level: Level,
    maintenance: bool,
    record: RecordWhen,
    streams: &'static [StreamRole],
    watchable: Vec<StreamRole>,
    analysed: Option<StreamRole>,
    health: Option<HealthData>,
    picture_at: Option<String>,
}

impl<'c> CameraRow<'c> {
    /// Without what changes.
    fn new(camera: &'c Camera, config: &'c Config) -> Option<Self> {
        // Both are there: the configuration was checked.
        let entry_point = config.entry_points.get(&camera.entry_point)?;
        let village = config.villages.get(&entry_point.village)?;
        let is_analysed = !camera.maintenance && camera.attention != AttentionPolicy::Off;
        Some(Self {
            id: &camera.id,
            name: &camera.name,
            village: Named { id: &entry_point.village, name: &village.name },
            entry_point: Named { id: &camera.entry_point, name: &entry_point.name },
            level: entry_point.level,
            maintenance: camera.maintenance,
            record: camera.record.when,
            streams: match camera.sub {
                Some(_) => &[StreamRole::Main, StreamRole::Sub],
                None => &[StreamRole::Main],
            },
            watchable: Vec::new(),
            analysed: is_analysed.then_some(camera.analyse),
            health: None,
            picture_at: None,
        })
    }
}

async fn list(State(Yard { console, rooms }): State<Yard>, visitor: Visitor) -> Response {
    let (mut healths, live) = (console.board.healths(), &rooms.live);
    let mut cameras: Vec<CameraRow<'_>> = rooms
        .config
        .cameras
        .iter()
        .filter(|camera| visitor.may_see(&camera.id))
        .filter_map(|camera| CameraRow::new(camera, &rooms.config))
        .collect();
    for row in &mut cameras {
        row.watchable = live.feeds.watchable(row.id);
        row.health = healths.remove(row.id);
        row.picture_at = live.gallery.taken_at(row.id).map(|at| at.to_string());
    }
    cameras.sort_unstable_by_key(|row| row.id);
    fresh(Cameras { cameras })
}

#[derive(Debug, Serialize)]
struct Perimeter<'c> {
    villages: Vec<VillageData<'c>>,
    roads: Vec<RoadData<'c>>,
    entry_points: Vec<EntryPointData<'c>>,
}

#[derive(Debug, Serialize)]
struct VillageData<'c> {
    id: &'c VillageId,
    name: &'c Name,
    location: Option<Place>,
    outline: Option<&'c [Point]>,
}

#[derive(Debug, Serialize)]
struct RoadData<'c> {
    id: &'c RoadId,
    name: &'c Name,
    kind: RoadKind,
    path: &'c [Point],
}

#[derive(Debug, Serialize)]
struct EntryPointData<'c> {
    id: &'c EntryPointId,
    name: &'c Name,
    level: Level,
    village: &'c VillageId,
    location: Option<Place>,
    cameras: Vec<CameraPlace<'c>>,
}

#[derive(Debug, Serialize)]
struct CameraPlace<'c> {
    id: &'c CameraId,
    location: Option<Place>,
    heading_deg: Option<f64>,
}

impl<'c> Perimeter<'c> {
    /// With those cameras that a visitor may see.
    fn new(config: &'c Config, may_see: impl Fn(&CameraId) -> bool) -> Self {
        let map = &config.map;
        let villages = config.villages.iter().map(|(id, village)| {
            let there = map.villages.get(id);
            VillageData {
                id,
                name: &village.name,
                location: there.and_then(|there| there.location),
                outline: there.and_then(|there| there.outline.as_deref()),
            }
        });
        let roads = map.roads.iter().map(|(id, road)| RoadData {
            id,
            name: &road.name,
            kind: road.kind,
            path: &road.path,
        });
        let mut cameras: Vec<&Camera> =
            config.cameras.iter().map(|camera| &**camera).filter(|camera| may_see(&camera.id)).collect();
        cameras.sort_unstable_by(|a, b| (&a.entry_point, &a.id).cmp(&(&b.entry_point, &b.id)));
        let place = |camera: &&'c Camera| {
            let there = map.cameras.get(&camera.id).copied().unwrap_or_default();
            CameraPlace { id: &camera.id, location: there.location, heading_deg: there.heading_deg }
        };
        let entry_points = config.entry_points.iter().map(|(id, EntryPoint { name, level, village, .. })| {
            let begin = cameras.partition_point(|camera| camera.entry_point < *id);
            let here = cameras[begin..].iter().take_while(|camera| camera.entry_point == *id);
            EntryPointData {
                id,
                name,
                level: *level,
                village,
                location: map.entry_points.get(id).copied(),
                cameras: here.map(place).collect(),
            }
        });
        Self { villages: villages.collect(), roads: roads.collect(), entry_points: entry_points.collect() }
    }
}

async fn perimeter(State(Yard { rooms, .. }): State<Yard>, visitor: Visitor) -> Response {
    fresh(Perimeter::new(&rooms.config, |camera| visitor.may_see(camera)))
}

#[derive(Debug, Serialize)]
struct Status {
    now: String,
    version: &'static str,
    broker_connected: bool,
    store_trouble: Option<String>,
    volumes: Vec<VolumeData>,
    cameras: super::board::Tally,
    analysis: Analysis,
    live_viewers: i64,
}

#[derive(Debug, Serialize)]
struct VolumeData {
    id: VolumeId,
    bytes: Option<u64>,
    free: Option<u64>,
    pressure: i64,
    stuck: bool,
}

#[derive(Debug, Serialize)]
struct Analysis {
    behind: i64,
    awake: i64,
}

async fn status(State(Yard { console, rooms }): State<Yard>) -> Response {
    let Console { board, metrics, .. } = &console;
    let mut volumes = Vec::with_capacity(rooms.config.volumes.len());
    for volume in &rooms.config.volumes {
        let of = OfVolume::from(&volume.id);
        let room = timeout(ROOM_WITHIN, room(volume.path.clone())).await.ok().flatten();
        volumes.push(VolumeData {
            id: volume.id.clone(),
            bytes: room.map(|(bytes, _)| bytes),
            free: room.map(|(_, free)| free),
            pressure: metrics.volume_pressure.get_or_create(&of).get(),
            stuck: metrics.record_stuck.get_or_create(&of).get() != 0,
        });
    }
    fresh(Status {
        now: rooms.clock.now().wall.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        broker_connected: board.broker_connected(),
        store_trouble: board.store_trouble(),
        volumes,
        cameras: board.tally(),
        analysis: Analysis { behind: metrics.cameras_behind.get(), awake: metrics.cameras_awake.get() },
        live_viewers: metrics.live_viewers.get(),
    })
}

/// Bytes of the disk where a volume lies, and those that are free. Its folder is made by whoever is the first to record there.
async fn room(path: PathBuf) -> Option<(u64, u64)> {
    let stat = spawn_blocking(move || path.ancestors().find_map(|path| rustix::fs::statvfs(path).ok()));
    let stat = stat.await.ok()??;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some((bytes(stat.f_blocks), bytes(stat.f_bavail)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        camera::{Reason, State},
        config::{self, Machine},
        time::Wall,
    };

    fn demo() -> Config {
        config::parse(config::demo_toml(), "demo", Path::new("config"), &Machine).expect("the demo is valid")
    }

    #[test]
    fn a_cameras_row_says_where_it_stands_and_what_is_read_of_it() {
        let mut config = demo();
        let camera = Arc::make_mut(&mut config.cameras[0]);
        camera.attention = AttentionPolicy::Off;
        let row = |number: usize| {
            let row = CameraRow::new(&config.cameras[number], &config).expect("it stands somewhere");
            serde_json::to_value(row).expect("JSON")
        };
        let expected = json!({
            "id": "north-gate", "name": { "zh": "北门", "en": "North gate" },
            "village": { "id": "upper", "name": { "zh": "上村", "en": "Upper village" } },
            "entry_point": { "id": "north-gate", "name": { "zh": "北门", "en": "North gate" } },
            "level": "line", "maintenance": false, "record": "alerts", "streams": ["main", "sub"],
            "watchable": [], "analysed": null, "health": null, "picture_at": null,
        });
        assert_eq!(row(0), expected);
        assert_eq!(row(1)["analysed"], "sub");
    }

    #[test]
    fn a_whole_fleet_is_a_list_of_some_hundred_kilobytes() {
        let mut config = demo();
        let one = Arc::clone(&config.cameras[0]);
        config.cameras = (0..778)
            .map(|number| {
                let mut camera = (*one).clone();
                camera.id = format!("upper-village-gate-{number}").parse().expect("an id");
                Arc::new(camera)
            })
            .collect();
        let health = |id: &CameraId| HealthData {
            camera: id.clone(),
            state: State::Offline,
            reasons: vec![Reason::Timeout],
            detail: Some(
                "the camera does not answer within 10 s; see that it has power and is on the network"
                    .to_owned(),
            ),
            since: Wall::default().to_string(),
            fps: 12.5,
            kbps: 1024.0,
            last_frame: Some(Wall::default().to_string()),
            clock_skew_ms: Some(-1234),
            attention: None,
        };
        let rows = config.cameras.iter().filter_map(|camera| CameraRow::new(camera, &config));
        let cameras = rows.map(|row| CameraRow {
            health: Some(health(row.id)),
            watchable: vec![StreamRole::Main, StreamRole::Sub],
            picture_at: Some(Wall::default().to_string()),
            ..row
        });
        let list = Cameras { cameras: cameras.collect() };
        let bytes = serde_json::to_vec(&list).expect("JSON").len();
        assert!(bytes < 620_000, "{bytes}");
    }

    #[test]
    fn the_map_has_what_the_configuration_says_and_null_for_what_it_does_not() {
        let mut config = demo();
        config.map.villages.clear();
        config.map.entry_points.remove(&"river-path".parse().expect("an id"));
        config.map.cameras.remove(&"river-path".parse().expect("an id"));
        let map: Value = serde_json::to_value(Perimeter::new(&config, |_| true)).expect("JSON");
        assert_eq!(
            map["villages"][0],
            json!({ "id": "lower", "name": { "zh": "下村", "en": "Lower village" }, "location": null, "outline": null })
        );
        assert_eq!(map["roads"][1]["path"][0], json!([30.4205, 103.5205]));
        assert_eq!((&map["roads"][1]["kind"], &map["roads"][2]["kind"]), (&json!("river"), &json!("path")));
        let of = |number: usize| &map["entry_points"][number];
        assert_eq!(of(0)["location"], json!({ "lat": 30.4166, "lon": 103.5112 }));
        assert_eq!(of(0)["cameras"], json!([{ "id": "north-gate", "location": null, "heading_deg": 350.0 }]));
        assert_eq!((&of(1)["id"], &of(1)["location"]), (&json!("river-path"), &Value::Null));
        assert_eq!(of(1)["cameras"], json!([{ "id": "river-path", "location": null, "heading_deg": null }]));
        let cameras: usize = (0..4).map(|number| of(number)["cameras"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(cameras, 4);
    }
}
