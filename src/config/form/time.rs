//! Time zones, times of day, days of the week.

use jiff::{civil, tz};
use toml::de::{DeArray, DeValue};

use super::{Wrong, type_name, wrong};
use crate::config::{
    problem::{nearest, shown, suggestion},
    shape::DAYS,
    tree::Value,
};

pub(super) fn check_zone(text: &str) -> Result<Value, Wrong> {
    // `get` also takes what is no name in the database ("UTC"), and never reads a file outside of it.
    if let Ok(zone) = tz::TimeZone::get(text) {
        return Ok(Value::Zone(zone));
    }
    let names: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    let mend = match nearest(text, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => "write one like \"Asia/Shanghai\" or \"Europe/Berlin\"".into(),
    };
    wrong(format!("is {}", shown(text)), "there is no such time zone", mend)
}

pub(super) fn check_date(text: &str) -> Result<Value, Wrong> {
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse() {
        Ok(date) if is_plain => Ok(Value::Date(date)),
        _ => wrong(
            format!("is {}", shown(text)),
            "it is no day",
            "write year, month and day, like \"2027-12-31\"",
        ),
    }
}

/// Whether 24:00 is a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Before24,
    With24,
}

/// `None` is 24:00.
pub(super) fn check_time(text: &str, ends: Ends) -> Result<Option<civil::Time>, Wrong> {
    if ends == Ends::With24 && text == "24:00" {
        return Ok(None);
    }
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    let time = text
        .split_once(':')
        .and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)))
        .and_then(|(hour, minute)| civil::Time::new(hour, minute, 0, 0).ok());
    if time.is_some() {
        return Ok(time);
    }
    let mend = match ends {
        Ends::With24 => "write hours and minutes, \"00:00\" to \"24:00\"",
        Ends::Before24 => "write hours and minutes, \"00:00\" to \"23:59\"",
    };
    wrong(format!("is {}", shown(text)), "it is no time of day", mend)
}

/// In the order of [`DAYS`].
pub(super) const WEEK: [civil::Weekday; 7] = [
    civil::Weekday::Monday,
    civil::Weekday::Tuesday,
    civil::Weekday::Wednesday,
    civil::Weekday::Thursday,
    civil::Weekday::Friday,
    civil::Weekday::Saturday,
    civil::Weekday::Sunday,
];

pub(super) fn check_days(days: &DeArray<'_>) -> Result<Value, Wrong> {
    let mut chosen = [false; 7];
    for day in days.iter() {
        let DeValue::String(day) = day.get_ref() else {
            return wrong(
                format!("lists {}", type_name(day.get_ref())),
                "days are texts",
                "write them like [\"mon\", \"tue\"]",
            );
        };
        match DAYS.iter().position(|name| *name == day.as_ref()) {
            Some(i) if chosen[i] => {
                return wrong(format!("lists {} twice", shown(day)), "once is enough", "remove one");
            }
            Some(i) => chosen[i] = true,
            None => {
                return wrong(
                    format!("lists {}", shown(day)),
                    "days have three letters",
                    suggestion(day, &DAYS),
                );
            }
        }
    }
    let days: Vec<_> =
        WEEK.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(day, _)| day).collect();
    if days.is_empty() {
        return wrong(
            "is empty",
            "hours without a day never apply",
            "list at least one day, or write \"daily\"",
        );
    }
    Ok(Value::Days(days))
}
