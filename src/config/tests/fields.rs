//! What is written in a file lands in its field.

use std::time::Duration;

use crate::{
    alert::{Earnest, Kind, Severity},
    detect::Class,
    geometry::{Crossing, UnitPoint},
};

use super::*;

const SHORT: &str = r#"
[station]
id = "demo"
[village.v]
[entry_point.e]
village = "v"
[camera.c]
entry_point = "e"
main = "rtsp://10.0.0.1/main"
[rule.r]
kind = "zone-enter"
"#;

#[test]
fn a_short_configuration_is_enough() {
    let config = read(SHORT);
    assert_eq!(config.station.node.as_str(), "main");
    assert_eq!(config.station.name, Name { zh: "demo".into(), en: "demo".into() });
    assert_eq!(config.station.time_zone.iana_name(), Some("UTC"));
    assert_eq!(config.station.stop_grace, Duration::from_secs(10));
    assert_eq!(config.paths.data, Path::new("/base/data"));
    assert_eq!(config.paths.models, Path::new("/base/models"));
    assert_eq!(config.paths.onnxruntime, None);
    assert!(matches!(config.broker, Broker::Embedded { listen } if listen.to_string() == "127.0.0.1:1883"));
    assert_eq!(config.decode.hardware, Hardware::Auto);
    assert_eq!(config.detect.provider, Provider::Cpu);
    assert_eq!(config.volumes.len(), 1);
    assert_eq!(config.volumes[0].path, Path::new("/base/data/recordings"));
    let record = &config.cameras[0].record;
    assert_eq!((record.when, record.role, record.audio), (RecordWhen::Alerts, StreamRole::Main, true));
    assert_eq!((&record.volume, record.priority), (&config.volumes[0].id, 5));
    assert_eq!((record.keep_min.as_secs(), record.keep_max.as_secs()), (30 * 86400, 90 * 86400));
    let camera = &config.cameras[0];
    assert_eq!(
        (camera.analyse, camera.transport, camera.maintenance),
        (StreamRole::Main, Transport::Tcp, false)
    );
    assert_eq!(config.entry_points[&camera.entry_point].level, Level::Line);
    let rule = &camera.rules[0];
    assert_eq!(rule.when, Condition::ZoneEnter { zone: None });
    assert_eq!(rule.severity, Severity::Warning);
    assert_eq!((rule.frames_needed, rule.frames_window, rule.cooldown), (3, 5, Duration::ZERO));
    assert_eq!((rule.confidence_min, rule.height_min), (0.45, 0.0));
    assert!(rule.hours.is_none());
    assert!(config.posts.is_empty() && config.routes.is_empty());
    let (incident, summary_every) = (Duration::from_secs(30), Duration::from_secs(600));
    assert_eq!(config.notices, Notices { incident, per_hour: 20, summary_every });
    assert_eq!(rule.notices_per_hour, 20);
    assert!(config.entry_points[&camera.entry_point].near.is_empty());
    assert_eq!(
        rule.classes,
        [Class::Person, Class::Bicycle, Class::Motorcycle, Class::Car, Class::Bus, Class::Truck]
    );
}

#[test]
fn what_is_written_is_what_is_true() {
    let text = r#"
[station]
id = "s"
node = "n"
name = "Station"
name_zh = "派出所"
time_zone = "Europe/Berlin"
stop_grace_s = 7
[paths]
data = "/d"
models = "m"
onnxruntime = "o.so"
[console]
listen = "[::1]:9000"
[broker]
kind = "external"
host = "b.example"
credentials = { user = "u", password_env = "GATE_PASSWORD" }
tls = { ca = "ca.pem", client_cert = "c.pem", client_key = "/k.pem" }
keep_alive_s = 60
[decode]
threads = 3
hardware = "vaapi"
[detect]
model = "other"
threads = 4
provider = "cuda"
[hours.h]
spans = [{ days = ["sun", "mon"], from = "06:30", to = "24:00" }]
[village.v]
name_zh = "东村"
[entry_point.e]
village = "v"
level = "ring"
[camera.z]
entry_point = "e"
name = "Z"
main = "rtsp://10.0.0.1:8554/m?x=1"
sub = "rtsp://10.0.0.1:8554/s"
credentials = { user = "admin", password_file = "secret" }
transport = "udp"
detect_fps = 2.5
view = "crops"
maintenance = true
masks = [[[0, 0], [1, 0], [1, 1], [0, 0]]]
zone.road = { name = "Road", area = [[0, 0], [1, 0], [1, 1]] }
line.gate = { a = [0, 0.5], b = [1, 0.5], inside = "left" }
[camera.a]
entry_point = "e"
main = "rtsp://10.0.0.2/m"
sub = "rtsp://10.0.0.2/s"
analyse = "main"
[rule.stay]
kind = "dwell"
severity = "critical"
name = "Stay"
villages = ["v"]
at_least_s = 2.5
classes = ["cow", "car"]
height_min = 0.1
frames_needed = 4
frames_window = 7
hours = "h"
cooldown_s = 9
[rule.wrong]
kind = "wrong-way"
cameras = ["z"]
line = "gate"
allowed = "out"
confidence_min = 0.6
[rule.leave]
kind = "zone-leave"
cameras = ["z"]
zone = "road"
"#;
    let config = read(text);
    assert_eq!((config.station.id.as_str(), config.station.node.as_str()), ("s", "n"));
    assert_eq!(config.station.name, Name { zh: "派出所".into(), en: "Station".into() });
    assert_eq!(config.station.time_zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(config.station.stop_grace, Duration::from_secs(7));
    assert_eq!(config.paths.data, Path::new("/d"));
    assert_eq!(config.paths.models, Path::new("/base/m"));
    assert_eq!(config.paths.onnxruntime.as_deref(), Some(Path::new("/base/o.so")));
    assert_eq!(config.console.listen.to_string(), "[::1]:9000");
    let Broker::External(broker) = &config.broker else { panic!("{:?}", config.broker) };
    assert_eq!(
        (broker.host.as_str(), broker.port, broker.keep_alive),
        ("b.example", 8883, Duration::from_secs(60))
    );
    assert_eq!(broker.credentials.as_ref().unwrap().password.reveal(), "s3cr3t-in-env");
    let tls = broker.tls.as_ref().unwrap();
    let client = tls.client.as_ref().unwrap();
    assert_eq!(tls.ca, Path::new("/base/ca.pem"));
    assert_eq!(
        (client.chain.as_path(), client.key.as_path()),
        (Path::new("/base/c.pem"), Path::new("/k.pem"))
    );
    assert_eq!((config.decode.threads.get(), config.decode.hardware), (3, Hardware::Vaapi));
    assert_eq!((config.detect.model.as_str(), config.detect.threads.get()), ("other", 4));
    assert_eq!(config.detect.provider, Provider::Cuda);
    assert_eq!(config.villages.values().next().unwrap().name, Name { zh: "东村".into(), en: "东村".into() });
    assert_eq!(config.entry_points.values().next().unwrap().level, Level::Ring);
    the_cameras(&config);
    the_rules(&config);
    assert!(!format!("{config:?}").contains("s3cr3t"));
}

fn the_cameras(config: &Config) {
    // In the order of the file, not of the alphabet.
    assert_eq!(config.cameras.iter().map(|camera| camera.id.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    let (z, a) = (&config.cameras[0], &config.cameras[1]);
    assert_eq!((z.analyse, a.analyse), (StreamRole::Sub, StreamRole::Main));
    assert_eq!(z.main.as_str(), "rtsp://10.0.0.1:8554/m?x=1");
    let credentials = z.credentials.as_ref().unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.reveal()), ("admin", "s3cr3t-in-file"));
    assert_eq!(
        (z.transport, z.detect_fps, z.view, z.maintenance),
        (Transport::Udp, 2.5, ViewPolicy::Crops, true)
    );
    // A ring that closes itself has no corner twice.
    assert_eq!(z.masks[0].corners().len(), 3);
    assert_eq!(z.zones.values().next().unwrap().name.en, "Road");
    // Inside is left of a→b, which is up; whoever walks up comes in, from left to right of the line as it is kept.
    let gate = z.lines.values().next().unwrap();
    let (low, high) = (UnitPoint::new(0.5, 0.8), UnitPoint::new(0.5, 0.2));
    assert_eq!(gate.segment.crossing(low, high), Some(Crossing::LeftToRight));
    let turned = read(GOOD);
    let gate = turned.cameras[0].lines.values().next().unwrap();
    assert_eq!(gate.segment.crossing(low, high), Some(Crossing::RightToLeft));
}

fn the_rules(config: &Config) {
    let ids = |i: usize| config.cameras[i].rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>();
    assert_eq!((ids(0), ids(1)), (vec!["stay", "wrong", "leave"], vec!["stay"]));
    let [stay, wrong, leave] = config.cameras[0].rules.as_slice() else { panic!("three rules") };
    assert_eq!(stay.when, Condition::Dwell { zone: None, at_least: Duration::from_millis(2500) });
    assert_eq!((stay.severity, stay.name.zh.as_str()), (Severity::Critical, "Stay"));
    assert_eq!(stay.classes, [Class::Car, Class::Cow]);
    assert_eq!((stay.height_min, stay.confidence_min), (0.1, 0.40));
    assert_eq!((stay.frames_needed, stay.frames_window, stay.cooldown), (4, 7, Duration::from_secs(9)));
    let hours = stay.hours.as_ref().unwrap();
    assert_eq!(hours.spans[0].days, [jiff::civil::Weekday::Monday, jiff::civil::Weekday::Sunday]);
    assert_eq!(hours.spans[0].to, jiff::civil::Time::midnight());
    assert_eq!(wrong.when, Condition::WrongWay { line: "gate".parse().unwrap(), allowed: Direction::Out });
    assert_eq!(wrong.confidence_min, 0.6);
    assert_eq!(leave.when, Condition::ZoneLeave { zone: "road".parse().unwrap() });
}

const DUTY: &str = r#"
[station]
id = "s"
time_zone = "Europe/Berlin"
[hours.h]
spans = [{ from = "08:00", to = "16:00" }]
[village.v]
[village.w]
[entry_point.a]
village = "v"
near = ["b", "c"]
[entry_point.b]
village = "v"
near = ["a"]
[entry_point.c]
village = "w"
[camera.z]
entry_point = "a"
main = "rtsp://10.0.0.1/m"
[camera.y]
entry_point = "c"
main = "rtsp://10.0.0.2/m"
[rule.usual]
kind = "zone-enter"
[rule.own]
kind = "zone-enter"
notices_per_hour = 7
[notice]
incident_s = 45
notices_per_hour = 9
summary_every_s = 120
[post.z-first]
name = "First"
hours = "h"
[post.a-second]
presence = "mqtt"
[route.z-first]
levels = ["point", "line"]
villages = ["w", "v"]
entry_points = ["a", "b"]
cameras = ["z"]
kinds = ["wrong-way", "panic-button"]
severities = ["critical"]
hours = "h"
tell = [["z-first"], ["a-second", "z-first"]]
[route.a-second]
tell = [["a-second"]]
"#;

#[test]
fn posts_and_routes_are_as_written_and_in_their_order() {
    let config = read(DUTY);
    let [first, second] = config.posts.as_slice() else { panic!("two posts") };
    assert_eq!((first.id.as_str(), first.name.zh.as_str()), ("z-first", "First"));
    assert_eq!(first.hours.as_ref().map(|hours| hours.id.as_str()), Some("h"));
    assert_eq!((first.presence, second.presence), (Attendance::Assumed, Attendance::Mqtt));
    assert!(second.hours.is_none());
    let [one, other] = config.routes.as_slice() else { panic!("two routes") };
    let texts = |route: &Route| {
        let tell: Vec<Vec<_>> =
            route.tell.iter().map(|tier| tier.iter().map(|post| post.to_string()).collect()).collect();
        (
            route.id.to_string(),
            format!("{:?} {:?} {:?}", route.villages, route.entry_points, route.cameras),
            tell,
        )
    };
    let (id, places, tell) = texts(one);
    assert_eq!((id.as_str(), places.as_str()), ("z-first", "[w, v] [a, b] [z]"));
    assert_eq!(tell, [vec!["z-first"], vec!["a-second", "z-first"]]);
    assert_eq!(one.levels, [Level::Point, Level::Line]);
    assert_eq!(one.kinds, [Kind::WrongWay, Kind::PanicButton]);
    assert_eq!((one.severities.as_slice(), one.hours.is_some()), ([Severity::Critical].as_slice(), true));
    let (id, places, tell) = texts(other);
    assert_eq!((id.as_str(), places.as_str()), ("a-second", "[] [] []"));
    assert_eq!(tell, [vec!["a-second"]]);
    assert!(other.levels.is_empty() && other.kinds.is_empty() && other.severities.is_empty());
    assert!(other.hours.is_none());
}

#[test]
fn budgets_are_the_rules_own_or_those_of_all() {
    let config = read(DUTY);
    let (incident, summary_every) = (Duration::from_secs(45), Duration::from_secs(120));
    assert_eq!(config.notices, Notices { incident, per_hour: 9, summary_every });
    assert_eq!(config.cameras[0].rules.iter().map(|rule| rule.notices_per_hour).collect::<Vec<_>>(), [9, 7]);
    // A budget is no part of how a rule judges.
    let versions =
        |text: &str| read(text).cameras[0].rules.iter().map(|rule| rule.version.clone()).collect::<Vec<_>>();
    assert_eq!(versions(DUTY), versions(&DUTY.replace("notices_per_hour = 7", "")));
}

#[test]
fn who_is_near_is_near_both_ways() {
    let config = read(DUTY);
    let near = |id: &str| {
        let place = &config.entry_points[&id.parse().unwrap()];
        place.near.iter().map(|id| id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (near("a"), near("b"), near("c")),
        (vec!["b".into(), "c".into()], vec!["a".into()], vec!["a".into()])
    );
}

#[test]
fn a_version_follows_the_meaning_and_nothing_else() {
    let version = |text: &str| read(text).cameras[0].rules[0].version.clone();
    let before = version(GOOD);
    assert!(before.len() == 12 && before.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    for (from, to) in [
        ("[0.9, 0.4], [1, 1]", "[0.9, 0.5], [1, 1]"),
        ("[rule.visitor]", "[rule.visit]"),
        ("kind = \"zone-enter\"", "kind = \"zone-leave\""),
        ("severity = \"warning\"", "severity = \"major\""),
        ("\"person\", \"car\"", "\"person\""),
        ("frames_needed = 3", "frames_needed = 2"),
        ("frames_needed = 3", "frames_window = 4"),
        ("frames_needed = 3", "confidence_min = 0.5"),
        ("frames_needed = 3", "height_min = 0.1"),
        ("frames_needed = 3", "cooldown_s = 1"),
        ("hours = \"night\"", ""),
        ("to = \"05:00\"", "to = \"05:30\""),
        ("\"mon\", \"fri\"", "\"mon\""),
        ("Asia/Shanghai", "Europe/Berlin"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        assert_ne!(version(&text), before, "{from} → {to}");
    }
    for (from, to) in [
        ("frames_needed = 3", "frames_needed = 3\nname = \"Other\""),
        ("frames_needed = 3", "frames_needed = 3\nconfidence_min = 0.45\nframes_window = 5"),
        ("\"person\", \"car\"", "\"car\", \"person\""),
        ("\"mon\", \"fri\"", "\"fri\", \"mon\""),
        ("10.0.0.1", "10.0.0.3"),
        ("[0.9, 0.4], [1, 1]", "[0.90, 4e-1], [1.0, 1]"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        assert_eq!(version(&text), before, "{from} → {to}");
    }
    // Direction of a line: which side is inside is part of the meaning.
    let crossing = |text: &str| read(text).cameras[0].rules[1].version.clone();
    assert_ne!(crossing(GOOD), crossing(&GOOD.replace("inside = \"right\"", "inside = \"left\"")));
    assert_ne!(crossing(GOOD), crossing(&GOOD.replace("direction = \"in\"", "")));
}

#[test]
fn what_calls_from_outside_is_where_it_says_or_where_its_first_camera_is() {
    let text = format!(
        "{SHORT}\n[village.w]\n[entry_point.f]\nvillage = \"w\"\n[camera.d]\nentry_point = \"f\"\nmain = \"rtsp://10.0.0.1/d\"\n\
        [button.a]\ncameras = [\"d\", \"c\"]\n[button.b]\nvillage = \"v\"\ncameras = [\"d\"]\ndrill = true\nlasts_s = 60\nhold_days = 7\nsign_of_life_h = 0\n\
        [button.e]\nentry_point = \"e\"\ncameras = [\"d\"]\n[sensor.s]\ncameras = [\"c\"]\npair_s = 2.5\n[equipment]\nmany = 4\nmany_severity = \"critical\"\n"
    );
    let config = read(&text);
    let of = |id: &str| &config.buttons[&id.parse().unwrap()];
    let villages: Vec<&str> = ["a", "b", "e"].map(|id| of(id).village.as_str()).to_vec();
    assert_eq!(villages, ["w", "v", "v"]);
    assert_eq!(of("e").entry_point.as_ref().map(|id| id.as_str()), Some("e"));
    assert_eq!(of("a").cameras.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["d", "c"]);
    assert_eq!((of("a").earnest, of("b").earnest), (Earnest::Real, Earnest::Drill));
    assert_eq!((of("a").lasts.as_secs(), of("a").hold_days), (300, 30));
    assert_eq!((of("b").lasts.as_secs(), of("b").hold_days, of("b").sign_of_life), (60, 7, None));
    assert_eq!(of("a").sign_of_life, Some(Duration::from_secs(24 * 3600)));
    let sensor = &config.sensors[&"s".parse().unwrap()];
    assert_eq!((sensor.kind, sensor.severity), (SensorKind::Contact, Severity::Warning));
    assert_eq!((sensor.pair, sensor.lasts), (Duration::from_millis(2500), Duration::from_secs(60)));
    let equipment = &config.equipment;
    assert_eq!((equipment.many, equipment.many_severity), (4, Severity::Critical));
    assert_eq!(
        (equipment.offline_after, equipment.well_after),
        (Duration::from_secs(30), Duration::from_secs(30))
    );
    assert_eq!(
        (equipment.degraded_after, equipment.many_within),
        (Duration::from_secs(60), Duration::from_secs(5))
    );
}

#[test]
fn neighbours_and_what_is_agreed_with_them() {
    let config = read(GOOD);
    let hill = &config.neighbours[0];
    assert_eq!((hill.id.as_str(), hill.name.en.as_str()), ("hill", "hill"));
    assert_eq!((hill.broker.host.as_str(), hill.broker.port), ("10.1.0.1", 8883));
    let tls = hill.broker.tls.as_ref().unwrap();
    assert_eq!(tls.ca, Path::new("/base/hill-ca.pem"));
    assert_eq!(tls.client.as_ref().unwrap().key, Path::new("/base/hill.key"));
    let agreement = &hill.agreement;
    assert_eq!((agreement.until.to_string(), agreement.per_hour), ("2027-12-31".to_owned(), 60));
    assert_eq!(agreement.time_zone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!((agreement.kinds.as_slice(), agreement.severity_min), (&[Kind::Dwell][..], Severity::Warning));
    assert!(!agreement.drills && agreement.hours.is_none());
    assert!(agreement.entry_points.is_empty() && agreement.villages.is_empty());

    let text = GOOD.replace(", kinds = [\"dwell\"]", "");
    let kinds = &read(&text).neighbours[0].agreement.kinds;
    assert!(kinds.contains(&Kind::PanicButton) && !kinds.contains(&Kind::CameraOffline));
    // On loopback, for trying.
    let text = text.replace(
        "tls = { ca = \"hill-ca.pem\", client_cert = \"hill.pem\", client_key = \"hill.key\" }\n",
        "",
    );
    let broker = read(&text.replace("10.1.0.1", "localhost")).neighbours[0].broker.clone();
    assert_eq!((broker.port, broker.tls.is_none()), (1883, true));
}

#[test]
fn the_map() {
    let config = read(shipped::EXAMPLE);
    let map = &config.map;
    let east = &map.villages[&"east".parse().unwrap()];
    assert_eq!(east.location, Some(Place { lat: 30.4112, lon: 103.5116 }));
    assert_eq!(east.outline.as_ref().map(Vec::len), Some(4));
    assert_eq!(east.outline.as_ref().unwrap()[1], Point(Place { lat: 30.4128, lon: 103.514 }));
    assert_eq!(map.entry_points[&"north-gate".parse().unwrap()], Place { lat: 30.4132, lon: 103.5117 });
    assert!(!map.entry_points.contains_key(&"mill-lane".parse().unwrap()));
    let camera = map.cameras[&"north-gate-1".parse().unwrap()];
    assert_eq!(
        (camera.location, camera.heading_deg),
        (Some(Place { lat: 30.4133, lon: 103.5118 }), Some(350.0))
    );
    let road = &map.roads[&"county-road".parse().unwrap()];
    assert_eq!((road.name.en.as_str(), road.kind, road.path.len()), ("County road", RoadKind::Road, 3));
    let none = read(SHORT).map;
    assert!(none.villages.is_empty() && none.cameras.is_empty() && none.roads.is_empty());
    let demo = read(demo_toml()).map;
    assert_eq!(
        (demo.villages.len(), demo.entry_points.len(), demo.cameras.len(), demo.roads.len()),
        (2, 4, 4, 4)
    );
}
