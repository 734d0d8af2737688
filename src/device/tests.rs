//! By a virtual clock: what presses and words of sensors lead to.

use std::{path::Path, time::Duration};

use super::*;
use crate::{
    alert::{Earnest, Kind, Severity},
    config::{Canned, parse},
};

const TOWN: &str = r#"
[station]
id = "s"
[village.v]
name = "Vv"
[village.w]
name = "Ww"
[entry_point.e]
village = "v"
[camera.a]
entry_point = "e"
main = "rtsp://10.0.0.1/a"
[camera.b]
entry_point = "e"
main = "rtsp://10.0.0.1/b"
[button.school]
name = "School"
cameras = ["b", "a"]
[button.practice]
village = "w"
cameras = ["a"]
drill = true
sign_of_life_h = 0
[hours.night]
spans = [{ from = "22:00", to = "05:00" }]
[sensor.door]
name = "Door"
kind = "door"
cameras = ["a", "b"]
[sensor.fence]
kind = "vibration"
cameras = ["b"]
severity = "major"
hours = "night"
"#;

fn config() -> Config {
    let text = TOWN.replace("id = \"s\"", "id = \"s\"\ntime_zone = \"UTC\"");
    parse(&text, "t.toml", Path::new("/"), &Canned::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

struct World {
    devices: Devices,
    now: Now,
    deeds: Vec<Deed>,
}

fn at(s: u64) -> Now {
    Now::default().after(Duration::from_secs(s))
}

impl World {
    fn new() -> Self {
        let devices = Devices::new(&config(), &[], Mint::seeded(1), at(0));
        Self { devices, now: at(0), deeds: Vec::new() }
    }

    fn until(&mut self, s: u64) {
        while self.now.mono < at(s).mono {
            self.now = self.now.after(Duration::from_secs(1));
            self.devices.tick(self.now, &mut self.deeds);
        }
    }

    fn press(&mut self, button: &str, payload: &str) -> Option<AlertId> {
        let word = ButtonWord::read(None, payload.as_bytes()).expect("a word");
        self.devices.button(self.now, &button.parse().expect("an id"), word, &mut self.deeds).expect("known")
    }

    fn speak(&mut self, sensor: &str, payload: &str) {
        let word = SensorWord::read(None, payload.as_bytes()).expect("a word");
        self.devices.sensor(self.now, &sensor.parse().expect("an id"), word, &mut self.deeds).expect("known");
    }

    /// What was to be done, in words.
    fn done(&mut self) -> Vec<String> {
        let s = self.now.mono.since_start().as_secs();
        let words = |deed: Deed| match deed {
            Deed::Film(camera, _) => format!("{s} film {camera}"),
            Deed::Cut(camera, _) => format!("{s} cut {camera}"),
            Deed::Hold(hold) => format!(
                "{s} hold {} {}..{} {} {}",
                hold.camera,
                hold.from.unix_ms() / 1000,
                hold.to.unix_ms() / 1000,
                hold.owner,
                hold.review
            ),
            Deed::Tell(change, it) => {
                assert_eq!(it.ended_at.is_some(), change == Change::Ended);
                format!("{s} {change:?} {} {}", it.kind.as_str(), it.explain.en)
            }
        };
        std::mem::take(&mut self.deeds).into_iter().map(words).collect()
    }
}

#[test]
fn a_press_records_holds_and_is_told_at_once() {
    let mut world = World::new();
    world.until(100);
    assert!(world.press("school", r#"{"who":"Wang","note":"two men"}"#).is_some());
    let told = world.deeds.iter().find_map(|deed| match deed {
        Deed::Tell(_, occurrence) => Some(occurrence),
        _ => None,
    });
    let told = told.expect("it is told");
    assert_eq!(
        (told.kind, told.severity, told.earnest),
        (Kind::PanicButton, Severity::Critical, Earnest::Real)
    );
    assert_eq!((told.camera.id.as_str(), told.others.len()), ("b", 1));
    assert_eq!(
        world.done(),
        [
            "100 film b",
            "100 film a",
            "100 Raised panic-button School (Vv): help called for at 00:01:40, by Wang: \"two men\"",
            // From the pre-roll on, to the post-roll of where it ends by itself.
            "100 hold b 95..410 button school 1970-01-31",
            "100 hold a 95..410 button school 1970-01-31",
        ]
    );
    world.until(399);
    assert_eq!(world.done(), [""; 0]);
    world.until(400);
    assert_eq!(
        world.done(),
        [
            "400 cut b",
            "400 cut a",
            "400 Ended panic-button School (Vv): help called for at 00:01:40, by Wang: \"two men\"",
        ]
    );
}

#[test]
fn presses_within_ten_seconds_are_one_call_which_lasts_longer() {
    let mut world = World::new();
    world.until(100);
    let first = world.press("school", "");
    for s in [105, 114, 120] {
        world.until(s);
        assert_eq!(world.press("school", ""), first);
    }
    let done = world.done();
    assert_eq!(done.iter().filter(|line| line.contains("Raised")).count(), 1);
    assert!(done[done.len() - 1].ends_with("help called for at 00:01:40, pressed 4 times"), "{done:?}");
    world.until(131);
    assert_ne!(world.press("school", ""), first);
    world.done();
    // The first call ends 300 s after its last press, and what was not held of it is held.
    world.until(420);
    let done = world.done();
    assert_eq!(
        done,
        [
            "420 hold b 410..430 button school 1970-01-31",
            "420 hold a 410..430 button school 1970-01-31",
            "420 cut b",
            "420 cut a",
            "420 Ended panic-button School (Vv): help called for at 00:01:40, pressed 4 times",
        ]
    );
}

#[test]
fn what_is_meant_is_never_part_of_a_drill() {
    let mut world = World::new();
    let drill = world.press("practice", "");
    assert!(world.done().iter().any(|line| line.contains("[drill] practice (Ww): help called for")));
    let real = world.press("practice", r#"{"drill":false}"#);
    assert!(real.is_some() && real != drill);
    assert_eq!(world.press("practice", r#"{"drill":true}"#), drill);
    let real = world.press("school", "");
    assert_ne!(world.press("school", r#"{"drill":true}"#), real);
}

#[test]
fn the_same_message_is_one_press_and_a_sign_of_life_is_none() {
    let mut world = World::new();
    assert!(world.press("school", r#"{"id":"m-1"}"#).is_some());
    world.done();
    assert_eq!(world.press("school", r#"{"id":"m-1"}"#), None);
    assert_eq!(world.press("school", r#"{"alive":true}"#), None);
    assert_eq!(world.done(), [""; 0]);
    assert!(world.press("school", r#"{"id":"m-2"}"#).is_some());
    // It is known after a restart.
    let kept: Vec<(Vec<u8>, Vec<u8>)> = world
        .devices
        .writes()
        .into_iter()
        .filter_map(|write| match write {
            Write::Put(key, value) => Some((key, value)),
            Write::Delete(_) => None,
        })
        .collect();
    world.devices = Devices::new(&config(), &kept, Mint::seeded(2), world.now);
    assert_eq!(world.press("school", r#"{"id":"m-2"}"#), None);
    let nobody = Device::Button("nobody".parse().expect("an id"));
    let press = ButtonWord::Pressed(Press::default());
    let refused = world.devices.button(world.now, &"nobody".parse().expect("an id"), press, &mut world.deeds);
    assert_eq!(refused, Err(Unknown(nobody)));
}

#[test]
fn a_call_goes_on_after_a_restart() {
    let mut world = World::new();
    world.until(100);
    let alert = world.press("school", "").expect("an alert");
    let Some(Deed::Tell(_, told)) = world.deeds.iter().find(|deed| matches!(deed, Deed::Tell(..))) else {
        panic!("it is told");
    };
    let ongoing = |source| Ongoing {
        id: alert,
        kind: told.kind,
        severity: told.severity,
        cameras: vec![told.camera.id.clone()],
        source,
        earnest: told.earnest,
        occurred_at: told.occurred_at,
        explain: told.explain.clone(),
    };
    let (ours, gone) = (
        ongoing(Source::Button("school".parse().expect("an id"))),
        ongoing(Source::Button("gone".parse().expect("an id"))),
    );
    let mut again = World::new();
    again.until(200);
    let left = again.devices.resume(again.now, vec![ours, gone.clone()], &mut again.deeds);
    assert_eq!(left, [gone]);
    let done = again.done();
    assert!(
        done[..2] == ["200 film b", "200 film a"] && done[2].starts_with("200 hold b 95..510"),
        "{done:?}"
    );
    assert_eq!(again.press("school", ""), Some(alert));
    again.until(500);
    assert!(again.done().iter().any(|line| line.contains("Ended") && line.contains("00:01:40")));
}

#[test]
fn a_sensor_speaks_once_until_it_is_over() {
    let mut world = World::new();
    world.until(10);
    world.speak("door", r#"{"state":"open"}"#);
    for s in 11..30 {
        world.until(s);
        world.speak("door", "open");
    }
    world.until(88);
    let done = world.done();
    assert_eq!(done.len(), 2, "{done:?}");
    assert!(done[0].ends_with("Raised external-sensor Door: opened at 00:00:10"), "{done:?}");
    assert!(done[1].ends_with("Updated external-sensor Door: opened at 00:00:10, 11 times"), "{done:?}");
    world.until(89);
    assert_eq!(
        world.done(),
        ["89 Ended external-sensor Door: opened at 00:00:10, 20 times, over at 00:01:29"]
    );
    world.speak("door", "open");
    world.until(95);
    world.speak("door", "closed");
    world.speak("door", "closed");
    assert_eq!(world.done().len(), 2);
}

#[test]
fn a_sensor_is_silent_outside_of_its_hours() {
    let mut world = World::new();
    world.speak("fence", "");
    assert_eq!(world.done().len(), 1);
    world.until(6 * 3600);
    world.done();
    world.speak("fence", "");
    assert_eq!(world.done(), [""; 0]);
}

#[test]
fn who_is_not_heard_of_is_overdue() {
    let mut world = World::new();
    let overdue = |world: &World, hours: u64| -> Vec<String> {
        let now = at(hours * 3600 + 1);
        let standings = world.devices.standings(now);
        standings.into_iter().filter(|one| one.is_overdue).map(|one| one.device.to_string()).collect()
    };
    assert_eq!(overdue(&world, 23), [""; 0]);
    // One that never said anything is overdue a day after it was configured; one that need not say anything never is.
    assert_eq!(overdue(&world, 24), ["button/school", "sensor/door", "sensor/fence"]);
    world.until(3600);
    world.press("school", r#"{"alive":true}"#);
    world.speak("door", "");
    assert_eq!(overdue(&world, 24), ["sensor/fence"]);
    assert_eq!(overdue(&world, 25), ["button/school", "sensor/door", "sensor/fence"]);
    let seen: Vec<bool> = world.devices.standings(at(3601)).iter().map(|one| one.seen.is_some()).collect();
    assert_eq!(seen, [false, true, true, false]);
}
