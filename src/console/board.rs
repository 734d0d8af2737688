//! What the page shows: the newest alerts, and how each camera is.
//!
//! Owns the copy in memory that viewers read, and the news that they are sent. Nothing here is authoritative: the store and the lanes are.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::{
    camera::State,
    config::{Config, Name},
    id::CameraId,
    mqtt::payload::{AlertData, HealthData},
    neighbour::inbox,
};

/// Alerts that are shown.
pub const ALERTS_MAX: usize = 100;
/// News that a viewer may lag behind before it is told to read everything anew.
const NEWS_MAX: usize = 256;

/// What the page shows. Each change is shown first and told then, so that a viewer who begins in between misses nothing.
#[derive(Debug)]
pub struct Board {
    station: Name,
    time_zone: String,
    /// Guards what is shown; held for a copy at most, never across an await.
    shown: Mutex<Shown>,
    news: broadcast::Sender<News>,
}

#[derive(Debug)]
struct Shown {
    alerts: VecDeque<AlertData>,
    cameras: BTreeMap<CameraId, CameraView>,
    broker_connected: bool,
    store_trouble: Option<String>,
}

/// A camera as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct CameraView {
    /// Its id.
    pub id: CameraId,
    /// For people.
    pub name: Name,
    /// For people: the village where it stands.
    pub village: Name,
    /// How it is; null until it first said so.
    pub health: Option<HealthData>,
}

/// Whom news is for.
#[derive(Debug, Clone)]
pub enum About {
    /// Everybody who may see how the station is.
    Station,
    /// Who may see how this camera is.
    Camera(CameraId),
    /// Who may see this alert.
    Alert(Arc<AlertData>),
}

/// How many cameras are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// All of the configuration.
    pub declared: usize,
    /// Well.
    pub online: usize,
    /// There, and something is wrong with the picture.
    pub degraded: usize,
    /// Away.
    pub offline: usize,
    /// Out of service on purpose.
    pub maintenance: usize,
    /// Those that have not said anything yet.
    pub unknown: usize,
}

/// What changed, as one server-sent event: its name, and its JSON.
#[derive(Debug, Clone)]
pub struct News {
    /// Whom it is for.
    pub about: About,
    /// `alert`, `camera`, `broker` or `store`.
    pub event: &'static str,
    /// Its data.
    pub json: String,
}

/// Everything that is shown, for a viewer that begins.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// The station's name.
    pub station: Name,
    /// IANA name of the station's time zone.
    pub time_zone: String,
    /// Whether the broker takes alerts.
    pub broker_connected: bool,
    /// Why alerts cannot be kept just now; null while they can.
    pub store_trouble: Option<String>,
    /// Cameras by id.
    pub cameras: Vec<CameraView>,
    /// Alerts, newest first.
    pub alerts: Vec<AlertData>,
}

impl Board {
    /// A board that shows every camera of the configuration, and the alerts that are known (newest first).
    pub fn new(config: &Config, alerts: Vec<AlertData>) -> Self {
        let unnamed = Name { zh: String::new(), en: String::new() };
        let cameras = config.cameras.iter().map(|camera| {
            let village = config.entry_points.get(&camera.entry_point);
            let village = village.and_then(|entry_point| config.villages.get(&entry_point.village));
            let view = CameraView {
                id: camera.id.clone(),
                name: camera.name.clone(),
                village: village.map_or_else(|| unnamed.clone(), |village| village.name.clone()),
                health: None,
            };
            (camera.id.clone(), view)
        });
        let shown = Shown {
            alerts: alerts.into(),
            cameras: cameras.collect(),
            broker_connected: false,
            store_trouble: None,
        };
        Self {
            station: config.station.name.clone(),
            time_zone: config.station.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            shown: Mutex::new(shown),
            news: broadcast::Sender::new(NEWS_MAX),
        }
    }

    /// An alert was raised (revision 1), or is not as it was. Each change is told, however old the alert.
    pub fn alert(&self, rev: u64, alert: AlertData) {
        let news = if rev > 1 { inbox::News::Change } else { inbox::News::New };
        self.theirs(news, rev, alert);
    }

    /// A neighbour's alert was heard of, or is not as it was.
    pub fn theirs(&self, news: inbox::News, rev: u64, alert: AlertData) {
        let alert = AlertData { rev: Some(rev), ..alert };
        let mut shown = self.shown();
        match (shown.alerts.iter_mut().find(|known| known.alert_id == alert.alert_id), news) {
            (Some(known), _) => *known = alert.clone(),
            // What has long left the page is told, and not shown again: whoever works through all that are open still has it.
            (None, inbox::News::Change) => {}
            (None, inbox::News::New) => {
                shown.alerts.push_front(alert.clone());
                shown.alerts.truncate(ALERTS_MAX);
            }
        }
        drop(shown);
        let alert = Arc::new(alert);
        self.tell("alert", About::Alert(Arc::clone(&alert)), &*alert);
    }

    /// A camera said how it is.
    pub fn camera(&self, health: HealthData) {
        if let Some(camera) = self.shown().cameras.get_mut(&health.camera) {
            camera.health = Some(health.clone());
        }
        self.tell("camera", About::Camera(health.camera.clone()), &health);
    }

    /// The broker was connected or lost.
    pub fn broker(&self, connected: bool) {
        self.shown().broker_connected = connected;
        self.tell("broker", About::Station, &connected);
    }

    /// The store writes (`None`), or why it does not.
    pub fn store(&self, trouble: Option<String>) {
        self.shown().store_trouble.clone_from(&trouble);
        self.tell("store", About::Station, &trouble);
    }

    /// Whether the broker is connected.
    pub fn broker_connected(&self) -> bool {
        self.shown().broker_connected
    }

    /// How each camera is that has said so.
    pub fn healths(&self) -> BTreeMap<CameraId, HealthData> {
        let shown = self.shown();
        let healths = shown.cameras.iter().filter_map(|(id, view)| Some((id.clone(), view.health.clone()?)));
        healths.collect()
    }

    /// How many cameras are how.
    pub fn tally(&self) -> Tally {
        let shown = self.shown();
        let mut tally = Tally { declared: shown.cameras.len(), ..Tally::default() };
        for view in shown.cameras.values() {
            let count = match view.health.as_ref().map(|health| health.state) {
                Some(State::Online) => &mut tally.online,
                Some(State::Degraded) => &mut tally.degraded,
                Some(State::Offline) => &mut tally.offline,
                Some(State::Maintenance) => &mut tally.maintenance,
                None => &mut tally.unknown,
            };
            *count += 1;
        }
        tally
    }

    /// Why the store does not write, where it does not.
    pub fn store_trouble(&self) -> Option<String> {
        self.shown().store_trouble.clone()
    }

    /// Everything that is shown.
    pub fn snapshot(&self) -> Snapshot {
        let shown = self.shown();
        Snapshot {
            station: self.station.clone(),
            time_zone: self.time_zone.clone(),
            broker_connected: shown.broker_connected,
            store_trouble: shown.store_trouble.clone(),
            cameras: shown.cameras.values().cloned().collect(),
            alerts: shown.alerts.iter().cloned().collect(),
        }
    }

    /// News from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    fn tell(&self, event: &'static str, about: About, data: &impl Serialize) {
        if self.news.receiver_count() == 0 {
            return;
        }
        let json =
            serde_json::to_string(data).expect("payloads are plain structs of texts, numbers and lists");
        // Nobody listening is no error; who lags is told to read everything anew.
        let _ = self.news.send(News { about, event, json });
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        alert::{Kind, Severity},
        config::{self, Level},
        id::{AlertId, Mint},
        mqtt::payload::{AlertState, CameraData, LifeData, ModelData, RuleData},
        time::Wall,
    };

    pub(in super::super) fn alert(id: AlertId) -> AlertData {
        let name = Name { zh: "北".into(), en: "North".into() };
        AlertData {
            alert_id: id,
            kind: Kind::ZoneEnter,
            severity: Severity::Warning,
            state: AlertState::Raised,
            camera: CameraData {
                id: "c".parse().expect("an id"),
                name: name.clone(),
                village: "v".parse().expect("an id"),
                level: Level::Line,
                direction: None,
            },
            occurred_at: String::new(),
            ended_at: None,
            respond_by: String::new(),
            rule: RuleData {
                id: "r".parse().expect("an id"),
                version: String::new(),
                model: Some(ModelData { name: String::new(), sha256: String::new() }),
            },
            objects: Vec::new(),
            snapshot: None,
            clip: None,
            explain: name,
            cameras: Vec::new(),
            device: None,
            drill: false,
            incident: None,
            life: LifeData::default(),
            home: None,
            rev: None,
        }
    }

    fn board() -> Board {
        let config = config::parse(config::demo_toml(), "demo", Path::new("config"), &config::Machine);
        Board::new(&config.expect("the demo is valid"), Vec::new())
    }

    #[test]
    fn a_change_of_an_alert_that_left_the_page_is_told_and_not_shown_again() {
        let (board, mut mint) = (board(), Mint::seeded(1));
        let mut news = board.listen();
        let first = mint.alert(Wall::from_unix_ms(1));
        board.alert(1, alert(first));
        for ms in 0..ALERTS_MAX as i64 {
            board.alert(1, alert(mint.alert(Wall::from_unix_ms(10 + ms))));
        }
        while news.try_recv().is_ok() {}
        board.alert(2, alert(first));
        board.theirs(inbox::News::Change, 1, alert(first));
        for rev in [2, 1] {
            let told = news.try_recv().expect("it is told");
            let told: AlertData = serde_json::from_str(&told.json).expect("an alert");
            assert_eq!((told.alert_id, told.rev), (first, Some(rev)));
        }
        let shown = board.snapshot().alerts;
        assert_eq!(shown.len(), ALERTS_MAX);
        assert!(shown.iter().all(|alert| alert.alert_id != first && alert.rev == Some(1)));
    }

    #[test]
    fn cameras_are_counted_by_how_they_are() {
        let board = board();
        let unknown = Tally { declared: 4, unknown: 4, ..Tally::default() };
        assert_eq!(board.tally(), unknown);
        for (camera, state) in
            [("north-gate", State::Offline), ("south-gate", State::Online), ("no-one", State::Online)]
        {
            board.camera(HealthData {
                camera: camera.parse().expect("an id"),
                state,
                reasons: Vec::new(),
                detail: None,
                since: String::new(),
                fps: 0.0,
                kbps: 0.0,
                last_frame: None,
                clock_skew_ms: None,
                attention: None,
            });
        }
        assert_eq!(board.tally(), Tally { unknown: 2, offline: 1, online: 1, ..unknown });
        assert_eq!(board.healths().len(), 2);
    }

    #[test]
    fn a_new_alert_is_shown_first_whatever_the_clock_said_before() {
        let (board, mut mint) = (board(), Mint::seeded(2));
        for ms in 0..=ALERTS_MAX as i64 {
            board.alert(1, alert(mint.alert(Wall::from_unix_ms(4_000_000_000_000 + ms))));
        }
        let now = mint.alert(Wall::from_unix_ms(1_773_079_445_123));
        let mut news = board.listen();
        board.alert(1, alert(now));
        assert_eq!(board.snapshot().alerts[0].alert_id, now);
        assert_eq!(news.try_recv().map(|news| news.event), Ok("alert"));
    }
}
