//! Questions for clips, and clips as they are told.
//!
//! Owns the spelling (`docs/ref/openapi.json`). Finding them is the index's.

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde::Serialize;

use super::super::parameters::{BadQuestion, Parameters, in_order};
use crate::{
    alert::Kind,
    clip::{Clip, Light},
    config::{Direction, Level},
    detect::Class,
    id::{AlertId, CameraId, ClipId, EntryPointId, LineId, VillageId, ZoneId},
    index::{Order, PAGE_MAX, Page, Question},
};

/// Clips on a page where nothing else is asked for.
const LIMIT_USUAL: usize = 100;
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "mon"),
    (Weekday::Tuesday, "tue"),
    (Weekday::Wednesday, "wed"),
    (Weekday::Thursday, "thu"),
    (Weekday::Friday, "fri"),
    (Weekday::Saturday, "sat"),
    (Weekday::Sunday, "sun"),
];
const LIGHTS: [Light; 2] = [Light::Day, Light::Night];
const ORDERS: [(Order, &str); 2] = [(Order::Newest, "newest"), (Order::Oldest, "oldest")];

/// Reads a question; times without a zone, and times of day, are those of `zone`.
pub(super) fn ask(parameters: &mut Parameters<'_>, zone: &TimeZone) -> Result<Question, BadQuestion> {
    let mut orders = parameters.words("order", &ORDERS, |(_, word)| word)?;
    let question = Question {
        from: parameters.moment("from", zone)?,
        to: parameters.moment_after("to", zone)?,
        times_of_day: parameters
            .values::<TimesOfDay>("time_of_day")?
            .into_iter()
            .map(|times| times.0)
            .collect(),
        days: parameters.words("day", &DAYS, |(_, word)| word)?.into_iter().map(|(day, _)| day).collect(),
        time_zone: zone.clone(),
        cameras: parameters.values("camera")?,
        entry_points: parameters.values("entry_point")?,
        villages: parameters.values("village")?,
        levels: parameters.words("level", &Level::ALL, Level::as_str)?,
        zones: parameters.values("zone")?,
        lines: parameters.values("line")?,
        classes: parameters.words("class", &Class::ALL, Class::as_str)?,
        directions: parameters.words("direction", &Direction::ALL, Direction::as_str)?,
        kinds: parameters.words("kind", &Kind::ALL, Kind::as_str)?,
        lights: parameters.words("light", &LIGHTS, Light::as_str)?,
        confidence_min: parameters.number("confidence_min", 0.0, 1.0)?.unwrap_or(0.0),
        order: orders.pop().map_or(Order::Newest, |(order, _)| order),
        after: parameters.value("after")?,
        limit: parameters.number("limit", 1, PAGE_MAX)?.unwrap_or(LIMIT_USUAL),
    };
    in_order(question.from, question.to)?;
    Ok(question)
}

/// `02:00-04:00`.
struct TimesOfDay((Time, Time));

impl std::str::FromStr for TimesOfDay {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time =
            |text: &str| Time::strptime("%H:%M", text).or_else(|_| Time::strptime("%H:%M:%S", text)).ok();
        let pair = text.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
        pair.map(Self).ok_or("write times of day as 02:00-04:00; the end may lie on the next day")
    }
}

/// A page of clips.
#[derive(Debug, Serialize)]
pub(super) struct Clips {
    clips: Vec<ClipData>,
    next: Option<String>,
}

impl From<Page> for Clips {
    fn from(page: Page) -> Self {
        Self {
            clips: page.clips.into_iter().map(ClipData::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// A clip.
#[derive(Debug, Serialize)]
pub(super) struct ClipData {
    pub(super) id: ClipId,
    camera: CameraId,
    entry_point: EntryPointId,
    village: VillageId,
    level: Level,
    from: String,
    to: String,
    class: &'static str,
    confidence: f64,
    zones: Vec<ZoneId>,
    lines: Vec<LineId>,
    direction: Option<Direction>,
    kinds: Vec<Kind>,
    alerts: Vec<AlertId>,
    light: &'static str,
}

impl From<Clip> for ClipData {
    fn from(clip: Clip) -> Self {
        Self {
            id: clip.id,
            camera: clip.camera,
            entry_point: clip.entry_point,
            village: clip.village,
            level: clip.level,
            from: clip.from.to_string(),
            to: clip.to.to_string(),
            class: clip.class.as_str(),
            confidence: (f64::from(clip.confidence) * 100.0).round() / 100.0,
            zones: clip.zones,
            lines: clip.lines,
            direction: clip.direction,
            kinds: clip.kinds,
            alerts: clip.alerts,
            light: clip.light.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Wall;

    fn asked(question: &[(&str, &str)]) -> Result<Question, String> {
        let owned = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
        let pairs: Vec<_> = question.iter().map(owned).collect();
        let mut parameters = Parameters::new(&pairs);
        let zone = TimeZone::get("Asia/Shanghai").expect("the zone is built in");
        let question = ask(&mut parameters, &zone).map_err(|bad| bad.to_string())?;
        parameters.finish().map_err(|bad| bad.to_string())?;
        Ok(question)
    }

    #[test]
    fn the_investigators_question_is_read() {
        let question = asked(&[
            ("from", "2026-03-09"),
            ("to", "2026-03-11"),
            ("time_of_day", "02:00-04:00,23:30-00:15"),
            ("class", "car,truck"),
            ("camera", "west-1,west-2"),
            ("camera", "west-3"),
            ("direction", "out"),
            ("level", "ring,line"),
            ("kind", "line-cross"),
            ("light", "night"),
            ("day", "mon,sun"),
            ("order", "oldest"),
            ("confidence_min", "0.6"),
            ("limit", "7"),
        ]);
        let question = question.expect("it is well asked");
        // Midnight in Shanghai, and the midnight that ends the 11th.
        assert_eq!(question.from, Some(Wall::from_unix_ms(1_772_985_600_000)));
        assert_eq!(question.to, Some(Wall::from_unix_ms(1_773_244_800_000)));
        assert_eq!(question.times_of_day.len(), 2);
        assert_eq!(question.times_of_day[1].1, jiff::civil::time(0, 15, 0, 0));
        assert_eq!((question.classes.len(), question.cameras.len(), question.days.len()), (2, 3, 2));
        assert_eq!((question.order, question.limit, question.confidence_min), (Order::Oldest, 7, 0.6));
        assert_eq!(asked(&[]).expect("everything").limit, LIMIT_USUAL);
    }

    #[test]
    fn bad_questions_are_refused_in_words() {
        for (name, text, word) in [
            ("from", "9 March", "write it as"),
            ("time_of_day", "2-4", "02:00-04:00"),
            ("class", "face", "none of person"),
            ("direction", "up", "none of in, out"),
            ("confidence_min", "60", "from 0 to 1"),
            ("after", "x", "use what a page before"),
            ("limit", "201", "limit=201"),
            ("face", "x", "cannot be asked for"),
        ] {
            let refused = asked(&[(name, text)]).expect_err(word);
            assert!(refused.contains(word), "{refused}");
        }
        assert!(
            asked(&[("from", "2026-03-12"), ("to", "2026-03-10")]).expect_err("order").contains("behind")
        );
    }
}
