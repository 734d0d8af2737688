//! One sentence about an alert, in Chinese and in English.
//!
//! Owns the wording. An operator on a night shift reads it in two seconds: where, what, when.

use jiff::tz::TimeZone;

use super::Alert;
use crate::{
    config::{Condition, Direction, Name},
    detect::Class,
    time::Wall,
};

/// The sentence. Times are in the station's civil time.
pub fn explain(alert: &Alert, time_zone: &TimeZone) -> Name {
    let clock = |at: Wall| time_zone.to_datetime(at.timestamp()).strftime("%H:%M:%S").to_string();
    let class = alert.objects.first().map_or(Class::Person, |object| object.class);
    let confidence = alert.objects.iter().map(|object| object.confidence).fold(0.0, f32::max);
    let (camera, rule) = (&alert.camera.name, &alert.rule.name);
    let deed = deed(alert, class);
    let began = clock(alert.occurred_at);
    let over = alert.ended_at.map(clock);
    let zh_over = over.as_deref().map(|at| format!("，{at}结束")).unwrap_or_default();
    let en_over = over.as_deref().map(|at| format!(", over at {at}")).unwrap_or_default();
    Name {
        zh: format!(
            "{}：{began} {}{zh_over}（规则“{}”，可信度{confidence:.2}）",
            camera.zh, deed.zh, rule.zh
        ),
        en: format!(
            "{}: {} at {began}{en_over} (rule \"{}\", confidence {confidence:.2})",
            camera.en, deed.en, rule.en
        ),
    }
}

/// Who did what.
fn deed(alert: &Alert, class: Class) -> Name {
    let zone = |id: &Option<_>| {
        let zone = id.as_ref().and_then(|id| alert.camera.zones.get(id));
        zone.map_or(Name { zh: "画面".into(), en: "the picture".into() }, |zone| zone.name.clone())
    };
    let line = |id| {
        alert
            .camera
            .lines
            .get(id)
            .map_or(Name { zh: "界线".into(), en: "the line".into() }, |line| line.name.clone())
    };
    let (zh, en) = (class.zh(), with_article(class));
    match &alert.rule.when {
        Condition::ZoneEnter { zone: id } => {
            let at = zone(id);
            Name { zh: format!("{zh}进入{}", at.zh), en: format!("{en} entered {}", at.en) }
        }
        Condition::ZoneLeave { zone: id } => {
            let at = zone(&Some(id.clone()));
            Name { zh: format!("{zh}离开{}", at.zh), en: format!("{en} left {}", at.en) }
        }
        Condition::Dwell { zone: id, at_least } => {
            let (at, s) = (zone(id), at_least.as_secs());
            Name {
                zh: format!("{zh}在{}停留超过{s}秒", at.zh),
                en: format!("{en} stayed in {} for over {s} s", at.en),
            }
        }
        Condition::LineCross { line: id, .. } => {
            let at = line(id);
            let (zh_way, en_way) = way(alert.direction);
            Name { zh: format!("{zh}{zh_way}越过{}", at.zh), en: format!("{en} crossed {}{en_way}", at.en) }
        }
        Condition::WrongWay { line: id, .. } => {
            let at = line(id);
            Name {
                zh: format!("{zh}逆向越过{}", at.zh), en: format!("{en} crossed {} the wrong way", at.en)
            }
        }
    }
}

fn way(direction: Option<Direction>) -> (&'static str, &'static str) {
    match direction {
        Some(Direction::In) => ("进村", " inwards"),
        Some(Direction::Out) => ("出村", " outwards"),
        None => ("", ""),
    }
}

fn with_article(class: Class) -> String {
    format!("a {}", class.as_str())
}
