//! Whether one value has its declared form, and what to say where it has not.
//!
//! Owns the judgement over single values, and the words about them. Which key a value belongs to is for [`super::tree`].

use std::net::SocketAddr;

use jiff::{civil, tz};
use toml::de::{DeArray, DeValue};
use url::Url;

use super::{
    problem::{nearest, shown, suggestion},
    shape::{CORNERS_MAX, DAYS, Form, TEXT_LEN_MAX, quoted},
    tree::Value,
};
use crate::{
    geometry::{NotAPolygon, Polygon, UnitPoint},
    id::{CameraId, SLUG_LEN_MAX},
};

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
        (Form::Stream, DeValue::String(text)) => check_stream(text).map(Value::Stream),
        (Form::Host, DeValue::String(text)) => check_host(text),
        (Form::Listen, DeValue::String(text)) => check_listen(text),
        (Form::Zone, DeValue::String(text)) => check_zone(text),
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
        (Form::Polygon, DeValue::Array(corners)) => check_polygon(corners).map(Value::Polygon),
        (form, other) => wrong(
            format!("is {}", type_name(other)),
            format!("{} is expected", form.expected()),
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
        Form::Host => "\"broker.example\"".into(),
        Form::Listen => "\"127.0.0.1:8080\"".into(),
        Form::Zone => "\"Asia/Shanghai\"".into(),
        Form::Begin => "\"22:00\"".into(),
        Form::End => "\"05:00\"".into(),
        Form::Days => "[\"sat\", \"sun\"]".into(),
        Form::Point => "[0.5, 0.8]".into(),
        Form::Polygon => "[[0.1, 0.6], [0.9, 0.6], [0.9, 1.0], [0.1, 1.0]]".into(),
        Form::List { of, .. } => format!("[{}]", example(of)),
        Form::Table(section) => {
            let keys: Vec<_> = section
                .keys
                .iter()
                .filter(|key| {
                    matches!(key.need, super::shape::Need::Required)
                        || section.exactly_one.first() == Some(&key.name)
                })
                .map(|key| {
                    format!("{} = {}", key.name, example_of(key.name).unwrap_or_else(|| example(&key.form)))
                })
                .collect();
            format!("{{ {} }}", keys.join(", "))
        }
        Form::Map { .. } => "{}".into(),
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

/// What the parser said, in our words. Its messages never repeat what was written.
pub(super) fn syntax(message: &str) -> (String, String, String) {
    if message.starts_with("duplicate key") {
        let what = "this is written a second time".into();
        return (what, "a key or id may be written once".into(), "rename or remove one of them".into());
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
    wrong(format!("is {}", shown(text)), format!("it is one of {}", quoted(words)), suggestion(text, words))
}

fn check_path(text: &str) -> Result<Value, Wrong> {
    if text.trim().is_empty() {
        wrong("is empty", "a path is expected", "write a path, or remove the key")
    } else if text.contains('\0') {
        wrong("contains a NUL character", "no path may", "remove it")
    } else if text.starts_with('~') {
        wrong("begins with ~", "only a shell knows whose home that is", "write the whole path")
    } else {
        Ok(Value::Path(text.into()))
    }
}

/// Never repeats the URL: it may contain a password.
fn check_stream(text: &str) -> Result<Url, Wrong> {
    const MOVE: &str = "move them to credentials = { user = \"…\", password_env = \"…\" }";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return wrong("is no URL", "the scheme is missing", "write rtsp:// in front of the host");
        }
        Err(url::ParseError::EmptyHost) => {
            return wrong("has no host", "nobody can be asked then", "write rtsp://HOST:PORT/PATH");
        }
        Err(url::ParseError::InvalidPort) => {
            return wrong(
                "has a bad port",
                "a port is a number from 1 to 65535",
                "write rtsp://HOST:PORT/PATH",
            );
        }
        Err(error) => return wrong("is no URL", error.to_string(), "write rtsp://HOST:PORT/PATH"),
    };
    if url.scheme() != "rtsp" {
        let why = if nearest(url.scheme(), ["rtsp"]).is_some() {
            format!("its scheme is {}", shown(url.scheme()))
        } else {
            "cameras are read by RTSP alone".into()
        };
        return wrong("is no RTSP URL", why, "write rtsp://HOST:PORT/PATH");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("has no host", "nobody can be asked then", "write rtsp://HOST:PORT/PATH");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("contains a user name or password", "this file is no place for a secret", MOVE);
    }
    let tail = format!("{}?{}", url.path(), url.query().unwrap_or_default()).to_lowercase();
    if ["password=", "passwd=", "pwd=", "pass="].iter().any(|word| tail.contains(word)) {
        return wrong("contains a password in its path", "URLs are logged and shown", MOVE);
    }
    if url.port() == Some(0) {
        return wrong("has port 0", "nobody listens there", "write the camera's port, mostly 554");
    }
    if url.fragment().is_some() {
        return wrong("contains a #", "a stream has no such part", "remove it, or write %23");
    }
    Ok(url)
}

/// Never repeats the host: somebody may have written a URL with a password.
fn check_host(text: &str) -> Result<Value, Wrong> {
    if text.contains("//") || text.contains('@') || text.contains('/') {
        return wrong(
            "is no host",
            "a name or address alone is expected",
            "write host and port apart, without mqtt://",
        );
    }
    let literal = text.parse::<std::net::IpAddr>().is_ok();
    if !literal && text.contains(':') {
        return wrong(
            "contains a colon",
            "the port is a key of its own",
            "write host = \"HOST\" and port = PORT",
        );
    }
    match url::Host::parse(text) {
        _ if literal => Ok(Value::Text(text.to_owned())),
        Ok(_) => Ok(Value::Text(text.to_owned())),
        Err(error) => {
            wrong("is no host", error.to_string(), "write a name like \"broker.example\" or an IP address")
        }
    }
}

fn check_listen(text: &str) -> Result<Value, Wrong> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Value::Listen(address));
    }
    let (why, mend) = if text.parse::<std::net::IpAddr>().is_ok() {
        ("the port is missing", format!("write \"{text}:PORT\""))
    } else if text.starts_with("localhost:") {
        (
            "an address is expected, not a name",
            format!("write \"{}\"", text.replace("localhost", "127.0.0.1")),
        )
    } else {
        ("an IP address and a port are expected", "write it like \"127.0.0.1:8080\"".to_owned())
    };
    wrong(format!("is {}", shown(text)), why, mend)
}

fn check_zone(text: &str) -> Result<Value, Wrong> {
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

/// Whether 24:00 is a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Before24,
    With24,
}

/// `None` is 24:00.
fn check_time(text: &str, ends: Ends) -> Result<Option<civil::Time>, Wrong> {
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
const WEEK: [civil::Weekday; 7] = [
    civil::Weekday::Monday,
    civil::Weekday::Tuesday,
    civil::Weekday::Wednesday,
    civil::Weekday::Thursday,
    civil::Weekday::Friday,
    civil::Weekday::Saturday,
    civil::Weekday::Sunday,
];

fn check_days(days: &DeArray<'_>) -> Result<Value, Wrong> {
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
                    format!("days are {}", quoted(&DAYS)),
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

fn check_point(point: &DeArray<'_>) -> Result<UnitPoint, Wrong> {
    const SHARES: &str = "coordinates are shares of the picture, from 0 to 1";
    const DIVIDE: &str = "divide pixels by the width and height of the picture";
    let [x, y] = &**point else {
        return wrong(
            format!("has a point with {} numbers", point.len()),
            "a point is [x, y]",
            "write it like [0.5, 0.8]",
        );
    };
    let mut coordinates = [0.0; 2];
    for (coordinate, value) in coordinates.iter_mut().zip([x.get_ref(), y.get_ref()]) {
        match number(value) {
            Some(number) if (0.0..=1.0).contains(&number) => *coordinate = number as f32,
            Some(_) => {
                return wrong(
                    format!("has the coordinate {}", shown(number_text(value)).trim_matches('"')),
                    SHARES,
                    DIVIDE,
                );
            }
            None => {
                return wrong(
                    format!("has {} as a coordinate", type_name(value)),
                    SHARES,
                    "write it like [0.5, 0.8]",
                );
            }
        }
    }
    Ok(UnitPoint::new(coordinates[0], coordinates[1]))
}

fn check_polygon(corners: &DeArray<'_>) -> Result<Polygon, Wrong> {
    if corners.len() > CORNERS_MAX {
        return wrong(
            format!("has {} corners", corners.len()),
            format!("{CORNERS_MAX} are the most"),
            "leave out corners that hardly change it",
        );
    }
    let mut points = Vec::with_capacity(corners.len());
    for (i, corner) in corners.iter().enumerate() {
        let point = match corner.get_ref() {
            DeValue::Array(point) => check_point(point),
            other => wrong(
                format!("is {}", type_name(other)),
                "a corner is a point [x, y]",
                "write it like [0.5, 0.8]",
            ),
        };
        points.push(
            point.map_err(|wrong| Wrong { what: format!("corner {} {}", i + 1, wrong.what), ..wrong })?,
        );
    }
    // People close the ring; the last corner then says nothing new.
    if points.len() > 3 && points.first() == points.last() {
        points.pop();
    }
    let count = points.len();
    match Polygon::new(points) {
        Ok(polygon) => Ok(polygon),
        Err(NotAPolygon::Corners(_)) => wrong(
            format!("has {}", if count == 1 { "1 corner".into() } else { format!("{count} corners") }),
            "an area has at least three",
            "add corners, in order around the area",
        ),
        Err(NotAPolygon::Flat) => wrong("covers nothing", "its corners lie on one line", "move a corner"),
        Err(NotAPolygon::Outside(i)) => wrong(
            format!("has corner {i} outside of the picture"),
            "coordinates are shares of the picture, from 0 to 1",
            "divide pixels by the width and height of the picture",
        ),
        Err(NotAPolygon::Crossing(i, j)) => wrong(
            "crosses itself",
            format!("its edge {i} crosses its edge {j}"),
            "list the corners in order around the area",
        ),
    }
}
