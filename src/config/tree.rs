//! TOML text → tables whose every value has the declared form.
//!
//! Owns the check of a text against [`super::keys`]: syntax, unknown and missing keys. Single values are judged by
//! [`super::form`]; how they hang together is for [`super::read`]. (The crate `toml` is named in `config` alone.)

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, de::IntoDeserializer};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use url::Url;

use super::{
    Place, form,
    problem::{Report, shown, suggestion},
    shape::{Form, Key, Need, Section},
};
use crate::geometry::{Polygon, UnitPoint};

/// Something, and where it begins in the text.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    /// Byte of the text.
    pub(super) at: usize,
    /// What is there.
    pub(super) it: T,
}

/// A value in its declared form.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text, id, reference, choice, host.
    Text(String),
    /// A flag.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Real(f64),
    /// A path, not yet joined to anything.
    Path(PathBuf),
    /// A stream, or a web server.
    Url(Url),
    /// An address to listen on.
    Listen(SocketAddr),
    /// A time zone.
    Zone(TimeZone),
    /// A day.
    Date(civil::Date),
    /// A time of day; `None` is 24:00.
    Time(Option<civil::Time>),
    /// Days of the week, in their order.
    Days(Vec<civil::Weekday>),
    /// A point.
    Point(UnitPoint),
    /// A polygon.
    Polygon(Polygon),
    /// A place on earth.
    Place(Place),
    /// A list.
    List(Vec<Placed<Value>>),
    /// A table.
    Table(Table),
    /// Tables by id, in the order of the file; those whose id is none are left out.
    Map(Vec<(Placed<String>, Table)>),
}

/// A table: the values of its keys, defaults included. What was wrong is not in it, and was reported.
#[derive(Debug, Clone)]
pub(super) struct Table {
    section: &'static Section,
    /// How people find it: `camera.north-gate`.
    pub(super) path: String,
    /// Where it begins.
    pub(super) at: usize,
    values: BTreeMap<&'static str, Placed<Value>>,
    written: Vec<&'static str>,
}

impl Table {
    /// The value of a key, if there is a good one, and its place.
    pub(super) fn placed<'a, T: Take<'a>>(&'a self, name: &'static str) -> Option<Placed<T>> {
        let declared = self.section.key(name).expect("a reader asks for declared keys only");
        #[cfg(test)]
        super::tests::asked(self.section.name, name);
        let placed = self.values.get(declared.name)?;
        let it = T::take(&placed.it).expect("a reader takes a key in its declared form");
        Some(Placed { at: placed.at, it })
    }

    /// The value of a key, if there is a good one.
    pub(super) fn get<'a, T: Take<'a>>(&'a self, name: &'static str) -> Option<T> {
        self.placed(name).map(|placed| placed.it)
    }

    /// The value of a choice, as the enum whose variants are its words.
    pub(super) fn choice<'a, T: Deserialize<'a>>(&'a self, name: &'static str) -> Option<T> {
        self.get::<&str>(name).map(word)
    }

    /// The tables under a key, by id, in the order of the file.
    pub(super) fn map(&self, name: &'static str) -> &[(Placed<String>, Table)] {
        self.get(name).unwrap_or_default()
    }

    /// Whether the file has this key, right or wrong.
    pub(super) fn has(&self, name: &'static str) -> bool {
        self.written.contains(&name)
    }
}

/// A word of a choice as the enum's variant of that name.
pub(super) fn word<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    let deserializer: serde::de::value::BorrowedStrDeserializer<'a, serde::de::value::Error> =
        serde::de::value::BorrowedStrDeserializer::new(text);
    T::deserialize(deserializer.into_deserializer())
        .expect("the words of a choice are the variants of its enum")
}

/// What can be taken out of a [`Value`].
pub(super) trait Take<'a>: Sized {
    /// The value, if it has this form.
    fn take(value: &'a Value) -> Option<Self>;
}

macro_rules! take {
    ($($variant:ident($bound:ident) as $type:ty => $result:expr;)+) => {$(
        impl<'a> Take<'a> for $type {
            fn take(value: &'a Value) -> Option<Self> {
                match value {
                    Value::$variant($bound) => Some($result),
                    _ => None,
                }
            }
        }
    )+};
}

take! {
    Text(text) as &'a str => text.as_str();
    Flag(flag) as bool => *flag;
    Whole(number) as i64 => *number;
    Real(number) as f64 => *number;
    Path(path) as &'a PathBuf => path;
    Url(url) as &'a Url => url;
    Listen(address) as SocketAddr => *address;
    Zone(zone) as &'a TimeZone => zone;
    Date(date) as civil::Date => *date;
    Time(time) as Option<civil::Time> => *time;
    Days(days) as &'a [civil::Weekday] => days.as_slice();
    Point(point) as UnitPoint => *point;
    Polygon(polygon) as &'a Polygon => polygon;
    Place(place) as Place => *place;
    List(items) as &'a [Placed<Value>] => items.as_slice();
    Table(table) as &'a Table => table;
    Map(tables) as &'a [(Placed<String>, Table)] => tables.as_slice();
}

/// Reads a whole text; what is wrong with it goes to the report.
pub(super) fn parse(text: &str, section: &'static Section, report: &mut Report<'_>) -> Table {
    let (root, errors) = DeTable::parse_recoverable(text);
    // Of a table that is written twice its header is told; that its keys are there twice then only follows.
    let mut twice = 0..0;
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let (mut what, why, mend) = form::syntax(error.message());
        if error.message().starts_with("duplicate key") {
            if twice.contains(&span.start) {
                continue;
            }
            let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
            if text[line..].starts_with('[') {
                twice = span.end..text[span.end..].find("\n[").map_or(text.len(), |at| span.end + at);
            }
            what = format!("{} is written a second time", shown(&text[span.clone()]));
        }
        report.syntax(span.start, what, why, mend);
    }
    table(section, String::new(), 0, root.get_ref(), report)
}

/// Checks a table against its declaration.
fn table(
    section: &'static Section,
    path: String,
    at: usize,
    written: &DeTable<'_>,
    report: &mut Report<'_>,
) -> Table {
    let mut table =
        Table { section, path, at, values: BTreeMap::new(), written: written_keys(section, written) };
    for (name, _) in written.iter() {
        if section.key(name.get_ref()).is_none() {
            unknown_key(&table, name.get_ref(), name.span().start, report);
        }
    }
    for key in section.keys {
        let value = match written.get(key.name) {
            Some(there) => checked(key, &table.path, there, report),
            None => absent(key, &table, report),
        };
        if let Some(value) = value {
            table.values.insert(key.name, value);
        }
    }
    variant(&table, written, report);
    company(&table, written, report);
    table
}

fn written_keys(section: &'static Section, written: &DeTable<'_>) -> Vec<&'static str> {
    section.keys.iter().filter(|key| written.contains_key(key.name)).map(|key| key.name).collect()
}

fn unknown_key(table: &Table, name: &str, at: usize, report: &mut Report<'_>) {
    let known: Vec<&str> = table.section.keys.iter().map(|key| key.name).collect();
    let (noun, why) = if table.path.is_empty() {
        ("section", "a configuration has no such section".to_owned())
    } else {
        ("key", format!("{} has no such key", place(&table.path)))
    };
    if is_password(table.section, name) {
        let mend = "name an environment variable (password_env) or a file (password_file) that holds it";
        report.wrong(
            at,
            format!("unknown key {}", shown(name)),
            "a password never stands in this file",
            mend,
        );
        return;
    }
    report.wrong(at, format!("unknown {noun} {}", shown(name)), why, suggestion(name, &known));
}

/// Whether somebody wrote the password itself.
fn is_password(section: &Section, name: &str) -> bool {
    section.exactly_one.contains(&"password_env") && section.key(name).is_none() && name.starts_with("pass")
}

/// What holds where a key is not written.
fn absent(key: &'static Key, table: &Table, report: &mut Report<'_>) -> Option<Placed<Value>> {
    match key.need {
        Need::Required => {
            let what = format!("`{}` is missing", joined(&table.path, key.name));
            let mend = match key.form {
                Form::Table(_) => format!("add a [{}] section", joined(&table.path, key.name)),
                _ => format!("add {} = {}", key.name, form::example(&key.form)),
            };
            report.absent(table.at, what, format!("needed is: {}", without_stop(key.en)), mend);
            None
        }
        Need::Optional(_) => None,
        Need::Default(literal) => {
            let value = DeValue::parse(literal).expect("defaults are TOML");
            let mut value = checked(key, &table.path, &value, report)?;
            value.at = table.at;
            Some(value)
        }
    }
}

/// Keys that mean nothing, or are missing, beside the key that decides.
fn variant(table: &Table, written: &DeTable<'_>, report: &mut Report<'_>) {
    let Some(variants) = &table.section.variants else { return };
    let Some(Value::Text(by)) = table.values.get(variants.by).map(|placed| &placed.it) else { return };
    let variant = variants.of.iter().find(|variant| variant.value == by).expect("each word has a variant");
    for (name, _) in written.iter() {
        let at = name.span().start;
        let name = name.get_ref().as_ref();
        if variants.govern(name) && !variant.allows(name) {
            let owners: Vec<&str> = variants.of.iter().filter(|v| v.allows(name)).map(|v| v.value).collect();
            report.wrong(
                at,
                format!("`{}` has no meaning here", joined(&table.path, name)),
                format!(
                    "it belongs to {} = {}, and this one is \"{by}\"",
                    variants.by,
                    super::shape::quoted(&owners)
                ),
                format!("remove it, or change {}", variants.by),
            );
        }
    }
    for name in variant.needs.iter().filter(|name| !table.has(name)) {
        let key = table.section.key(name).expect("variants name declared keys");
        report.absent(
            table.at,
            format!("`{}` is missing", joined(&table.path, name)),
            format!("{} = \"{by}\" needs it", variants.by),
            format!("add {name} = {}", form::example(&key.form)),
        );
    }
}

/// Keys that come one without the other, or together where only one may.
fn company(table: &Table, written: &DeTable<'_>, report: &mut Report<'_>) {
    let (one, all) = (table.section.exactly_one, table.section.together);
    let count = |names: &[&'static str]| names.iter().filter(|name| table.has(name)).count();
    let list = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" and ");
    let told = written.keys().any(|name| is_password(table.section, name.get_ref()));
    if !one.is_empty() && count(one) == 0 && !told {
        report.absent(
            table.at,
            format!("{} has neither of {}", place(&table.path), list(one)),
            "one of them is needed",
            format!("add {} = {}", one[0], form::example_of(one[0]).unwrap_or_else(|| "\"…\"".into())),
        );
    } else if count(one) > 1 {
        report.wrong(
            table.at,
            format!("{} has {}", place(&table.path), list(one)),
            "only one of them can hold",
            "remove one",
        );
    }
    if count(all) > 0 && count(all) < all.len() {
        report.absent(
            table.at,
            format!("{} has only one of {}", place(&table.path), list(all)),
            "one is worth nothing without the other",
            "write both, or neither",
        );
    }
}

/// A value in its declared form, or a problem.
fn checked(
    key: &'static Key,
    parent: &str,
    there: &Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) -> Option<Placed<Value>> {
    value(&key.form, &joined(parent, key.name), there, report)
}

/// As [`checked`], for an item of a list as well.
fn value(
    form: &'static Form,
    path: &str,
    there: &Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) -> Option<Placed<Value>> {
    let at = there.span().start;
    if report.is_broken() && there.span().is_empty() {
        // The parser's stand-in for a value that it could not read.
        return None;
    }
    let it = match (form, there.get_ref()) {
        (Form::Table(section), DeValue::Table(written)) => {
            Value::Table(table(section, path.to_owned(), at, written, report))
        }
        (Form::Map { of, max }, DeValue::Table(written)) => map(of, *max, path, at, written, report)?,
        (Form::List { of, min, max }, DeValue::Array(items)) => {
            if !(*min..=*max).contains(&items.len()) {
                report.wrong(
                    at,
                    format!("`{path}` has {} items", items.len()),
                    format!("it may have {min} to {max}"),
                    if items.len() < *min { format!("list at least {min}") } else { "list fewer".into() },
                );
                return None;
            }
            let items: Vec<_> = items.iter().map(|item| value(of, path, item, report)).collect();
            Value::List(items.into_iter().collect::<Option<_>>()?)
        }
        (form, there) => match form::check(form, there) {
            Ok(value) => value,
            Err(form::Wrong { what, why, mend }) => {
                report.wrong(at, format!("`{path}` {what}"), why, mend);
                return None;
            }
        },
    };
    Some(Placed { at, it })
}

/// Tables by id.
fn map(
    section: &'static Section,
    max: usize,
    path: &str,
    at: usize,
    written: &DeTable<'_>,
    report: &mut Report<'_>,
) -> Option<Value> {
    if written.len() > max {
        report.wrong(
            at,
            format!("`{path}` has {} entries", written.len()),
            format!("one daemon takes at most {max}"),
            "divide them between daemons",
        );
        return None;
    }
    let mut entries: Vec<_> = written.iter().collect();
    entries.sort_by_key(|(id, _)| id.span().start);
    let mut tables = Vec::with_capacity(entries.len());
    for (id, there) in entries {
        let (id_at, id) = (id.span().start, id.get_ref().as_ref());
        let well_named = form::check_id(id)
            .map_err(|form::Wrong { what, why, mend }| {
                report.wrong(id_at, format!("`{path}` {what}"), why, mend)
            })
            .is_ok();
        let path = format!("{path}.{}", if well_named { id.to_owned() } else { shown(id) });
        match there.get_ref() {
            DeValue::Table(written) => {
                let table = table(section, path, id_at, written, report);
                if well_named {
                    tables.push((Placed { at: id_at, it: id.to_owned() }, table));
                }
            }
            other => report.wrong(
                there.span().start,
                format!("`{path}` is {}", form::type_name(other)),
                format!("expected is a table: {}", without_stop(section.en)),
                format!("write [{path}] and its keys below"),
            ),
        }
    }
    Some(Value::Map(tables))
}

/// `camera.gate` and `main` → `camera.gate.main`.
pub(super) fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

fn place(path: &str) -> String {
    format!("[{path}]")
}

fn without_stop(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}
