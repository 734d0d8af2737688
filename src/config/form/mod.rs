//! Whether one value has its declared form, and what to say where it has not.
//!
//! Owns the judgement over single values, and the words about them. Which key a value belongs to is for
//! [`super::tree`].

mod address;
mod area;
mod place;
mod time;

use toml::de::DeValue;

use self::{
    address::{check_host, check_listen, check_path, check_stream, check_web},
    area::{check_point, check_polygon},
    place::check_place,
    time::{Ends, WEEK, check_date, check_days, check_time, check_zone},
};
use super::{
    problem::{nearest, shown, suggestion},
    shape::{DAYS, Form, Need, TEXT_LEN_MAX, last_name, quoted},
    tree::Value,
};
use crate::id::{CameraId, SLUG_LEN_MAX};

/// A problem whose subject is the key: "`camera.gate.main` *what*, why, mend".
#[derive(Debug)]
pub(super) struct Wrong {
    /// What is wrong with it.
    pub(super) what: String,
    /// Why.
    pub(super) why: String,
    /// How to mend it.
    pub(super) mend: String,
}

fn wrong<T>(what: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), why: why.into(), mend: mend.into() })
}

/// Checks one value that contains no declared values of its own.
pub(super) fn check(form: &Form, value: &DeValue<'_>) -> Result<Value, Wrong> {
    match (form, value) {
        (Form::Text | Form::Hidden, DeValue::String(text)) => check_text(text).map(Value::Text),
        (Form::Id | Form::Reference(_), DeValue::String(text)) => {
            check_id(text).map(|()| Value::Text(text.to_string()))
        }
        (Form::Choice(words), DeValue::String(text)) => check_choice(text, words),
        (Form::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Form::Whole(min, max), DeValue::Integer(number)) => {
            match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) if (*min..=*max).contains(&number) => Ok(Value::Whole(number)),
                _ => out_of_range(number.as_str(), form),
            }
        }
        (Form::Real(min, max), DeValue::Integer(_) | DeValue::Float(_)) => match number(value) {
            Some(number) if (*min..=*max).contains(&number) => Ok(Value::Real(number)),
            _ => out_of_range(number_text(value), form),
        },
        (Form::Path, DeValue::String(text)) => check_path(text),
        (Form::Stream, DeValue::String(text)) => check_stream(text).map(Value::Url),
        (Form::Web, DeValue::String(text)) => check_web(text).map(Value::Url),
        (Form::Host, DeValue::String(text)) => check_host(text),
        (Form::Listen, DeValue::String(text)) => check_listen(text),
        (Form::Zone, DeValue::String(text)) => check_zone(text),
        (Form::Date, DeValue::String(text)) => check_date(text),
        (Form::Begin, DeValue::String(text)) => check_time(text, Ends::Before24).map(Value::Time),
        (Form::End, DeValue::String(text)) => check_time(text, Ends::With24).map(Value::Time),
        (Form::Days, DeValue::String(text)) if text == "daily" => Ok(Value::Days(WEEK.to_vec())),
        (Form::Days, DeValue::String(text)) => wrong(
            format!("is {}", shown(text)),
            "days are \"daily\" or a list",
            match nearest(text, DAYS) {
                Some(day) => format!("write [\"{day}\"]"),
                None => "write \"daily\"".into(),
            },
        ),
        (Form::Days, DeValue::Array(days)) => check_days(days),
        (Form::Point, DeValue::Array(point)) => check_point(point).map(Value::Point),
        (Form::Place, DeValue::Array(place)) => check_place(place).map(Value::Place),
        (Form::Polygon, DeValue::Array(corners)) => check_polygon(corners).map(Value::Polygon),
        (form, other) => wrong(
            format!("is {}", type_name(other)),
            format!("expected is {}", form.expected()),
            format!("write it like {}", example(form)),
        ),
    }
}

/// With its article.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value that would be right, as TOML.
pub(super) fn example(form: &Form) -> String {
    match form {
        Form::Text => "\"North gate\"".into(),
        Form::Hidden => "\"cunkou\"".into(),
        Form::Id | Form::Reference(_) => "\"north-gate\"".into(),
        Form::Choice(words) => format!("\"{}\"", words[0]),
        Form::Flag => "true".into(),
        Form::Whole(min, max) => 5.clamp(*min, *max).to_string(),
        Form::Real(min, max) => 5f64.clamp(*min, *max).to_string(),
        Form::Path => "\"/etc/cunkou/FILE\"".into(),
        Form::Stream => "\"rtsp://192.168.1.64:554/stream1\"".into(),
        Form::Web => "\"https://station.example\"".into(),
        Form::Host => "\"broker.example\"".into(),
        Form::Listen => "\"127.0.0.1:8080\"".into(),
        Form::Zone => "\"Asia/Shanghai\"".into(),
        Form::Date => "\"2027-12-31\"".into(),
        Form::Begin => "\"22:00\"".into(),
        Form::End => "\"05:00\"".into(),
        Form::Days => "[\"sat\", \"sun\"]".into(),
        Form::Point => "[0.5, 0.8]".into(),
        Form::Polygon => "[[0.1, 0.6], [0.9, 0.6], [0.9, 1.0], [0.1, 1.0]]".into(),
        Form::Place => "[30.41, 103.51]".into(),
        Form::List { of, .. } => format!("[{}]", example(of)),
        Form::Table(section) => {
            let keys: Vec<_> = section
                .keys
                .iter()
                .filter(|key| {
                    matches!(key.need, Need::Required) || section.exactly_one.first() == Some(&key.name)
                })
                .map(|key| {
                    format!("{} = {}", key.name, example_of(key.name).unwrap_or_else(|| example(&key.form)))
                })
                .collect();
            if keys.is_empty() { format!("[{}]", section.name) } else { format!("{{ {} }}", keys.join(", ")) }
        }
        Form::Map { of, .. } => format!("[{}.ID]", last_name(of.name)),
    }
}

/// A better example than its form gives, for a key of some name.
pub(super) fn example_of(name: &str) -> Option<String> {
    match name {
        "password_env" => Some("\"GATE_PASSWORD\"".into()),
        "user" => Some("\"cunkou\"".into()),
        _ => None,
    }
}

/// What, why and how to mend, of what the parser said. Its messages never repeat what was written.
pub(super) fn syntax(message: &str) -> (String, String, String) {
    if message.starts_with("duplicate key") {
        let what = "this is written a second time".into();
        return (what, "a key or id may be written once".into(), "rename or remove one of them".into());
    }
    if message.starts_with("string values must be quoted") {
        let why = "a value is missing, or a text has no quotes";
        return ("this is no TOML".into(), why.into(), "write a value, a text in quotes".into());
    }
    let mut clean = String::with_capacity(message.len());
    for c in message.chars() {
        clean.push(if c.is_control() { ' ' } else { c });
    }
    let (why, expected) = match clean.split_once(", expected ") {
        Some((why, expected)) => (why.to_owned(), Some(expected.to_owned())),
        None => (clean, None),
    };
    let mend = match expected {
        Some(expected) if expected == "nothing" => "remove what is too much".to_owned(),
        Some(expected) => format!("write {expected} there"),
        None => "compare the line with docs/ref/config.md".to_owned(),
    };
    ("this is no TOML".into(), why, mend)
}

fn out_of_range<T>(written: &str, form: &Form) -> Result<T, Wrong> {
    wrong(
        format!("is {}", shown(written).trim_matches('"')),
        "it is out of range",
        format!("write {}", form.expected()),
    )
}

fn check_text(text: &str) -> Result<String, Wrong> {
    if text.trim().is_empty() {
        wrong("is empty", "a text is expected", "write something, or remove the key")
    } else if text.chars().count() > TEXT_LEN_MAX {
        wrong("is too long", format!("{TEXT_LEN_MAX} characters are the most"), "shorten it")
    } else if text.chars().any(char::is_control) {
        wrong("contains a control character", "it is shown on one line", "remove it")
    } else {
        Ok(text.to_owned())
    }
}

/// Whether a text can be an id; all kinds of ids are spelt alike.
pub(super) fn check_id(text: &str) -> Result<(), Wrong> {
    if text.parse::<CameraId>().is_ok() {
        return Ok(());
    }
    let slug: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(SLUG_LEN_MAX)
        .collect();
    let slug = slug.trim_matches('-');
    wrong(
        format!("has the id {}", shown(text)),
        "ids are 1 to 48 of a-z, 0-9 and -, beginning with a letter or a digit",
        match slug.parse::<CameraId>() {
            Ok(id) => format!("write \"{id}\""),
            Err(_) => "write it like \"north-gate\" (a name in any language goes into `name`)".into(),
        },
    )
}

fn check_choice(text: &str, words: &[&str]) -> Result<Value, Wrong> {
    if words.contains(&text) {
        return Ok(Value::Text(text.to_owned()));
    }
    let why = match nearest(text, words.iter().copied()) {
        Some(_) => format!("it is one of {}", quoted(words)),
        None => "that is none of its words".to_owned(),
    };
    wrong(format!("is {}", shown(text)), why, suggestion(text, words))
}

/// A number, whether it is written with a point or without.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64)
        }
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

fn number_text<'a>(value: &'a DeValue<'_>) -> &'a str {
    match value {
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "no number",
    }
}
