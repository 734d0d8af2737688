//! Small changes to TOML that leave everything else as somebody wrote it.
//!
//! Owns what toml_edit is asked for. Knows no key of a configuration but how a rule names its cameras.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::drawing::share;
use crate::id::CameraId;

/// What lies below these keys.
pub(super) fn by_key<'i>(item: &'i Item, keys: &[&str]) -> Option<&'i Item> {
    keys.iter().try_fold(item, |item, key| item.as_table_like()?.get(key))
}

/// The table below these keys, to be changed.
pub(super) fn table_mut<'i>(item: &'i mut Item, keys: &[&str]) -> Option<&'i mut Item> {
    let found = keys.iter().try_fold(item, |item, key| item.as_table_like_mut()?.get_mut(key))?;
    found.is_table_like().then_some(found)
}

/// Whether a rule names exactly this camera.
pub(super) fn is_own(file: &DocumentMut, rule: &str, camera: &CameraId) -> bool {
    let Some(rule) = by_key(file.as_item(), &["rule", rule]).and_then(Item::as_table_like) else {
        return false;
    };
    let cameras = rule.get("cameras").and_then(Item::as_array);
    let names_it = cameras.is_some_and(|cameras| {
        cameras.len() == 1 && cameras.get(0).and_then(Value::as_str) == Some(camera.as_str())
    });
    names_it && !rule.contains_key("entry_points") && !rule.contains_key("villages")
}

/// The keys of a table.
pub(super) fn keys(item: Option<&Item>) -> Vec<String> {
    let table = item.and_then(Item::as_table_like);
    table.map(|table| table.iter().map(|(key, _)| key.to_owned()).collect()).unwrap_or_default()
}

/// How new tables of a kind are written: as those that are there, and on one line where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `id = { … }`.
    Inline,
    /// `[….id]`, and its keys below.
    Header,
}

impl Style {
    /// As the last table in this one.
    pub(super) fn of(parent: Option<&Item>, usual: Self) -> Self {
        let Some(parent) = parent.and_then(Item::as_table) else {
            return if parent.is_some() { Self::Inline } else { usual };
        };
        match parent.iter().last() {
            Some((_, Item::Table(table))) if !table.is_dotted() => Self::Header,
            Some(_) => Self::Inline,
            None => usual,
        }
    }
}

/// Writes a value under a key; what stands around it stays.
pub(super) fn put(table: &mut Item, key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    let Some(like) = table.as_table_like_mut() else { return };
    if let Some(old) = like.get_mut(key).and_then(Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
        return;
    }
    like.insert(key, Item::Value(value));
    tidy(table);
}

/// Takes a key out, with the words before it.
pub(super) fn take_out(table: &mut Item, key: &str) {
    if let Some(like) = table.as_table_like_mut() {
        like.remove(key);
    }
    tidy(table);
}

/// Puts a table with an id into the table of its kind, which is made where there is none.
pub(super) fn add(parent: &mut Item, kind: &str, id: &str, style: Style, mut fields: InlineTable) {
    fields.fmt();
    let is_inline = parent.is_inline_table();
    let Some(like) = parent.as_table_like_mut() else { return };
    if !like.contains_key(kind) {
        let mut made = Table::new();
        match style {
            Style::Header => made.set_implicit(true),
            Style::Inline => made.set_dotted(true),
        }
        let made = if is_inline { Item::Value(Value::InlineTable(dotted(made))) } else { Item::Table(made) };
        like.insert(kind, made);
    }
    let Some(tables) = like.get_mut(kind) else { return };
    let item = match style {
        Style::Inline => Item::Value(Value::InlineTable(fields)),
        Style::Header => {
            let mut table = fields.into_table();
            table.fmt();
            table.decor_mut().set_prefix("\n");
            Item::Table(table)
        }
    };
    if let Some(tables) = tables.as_table_like_mut() {
        tables.insert(id, item);
    }
    tidy(tables);
    tidy(parent);
}

fn dotted(table: Table) -> InlineTable {
    let mut inline = table.into_inline_table();
    inline.set_dotted(true);
    inline
}

/// A table of one line has a space before its brace, and none before its commas.
fn tidy(item: &mut Item) {
    let Some(inline) = item.as_inline_table_mut().filter(|inline| !inline.is_dotted()) else { return };
    let last = inline.len().saturating_sub(1);
    for (i, (_, value)) in inline.iter_mut().enumerate() {
        let is_blank = value.decor().suffix().is_none_or(|suffix| suffix.as_str().is_none_or(is_blank));
        if is_blank {
            value.decor_mut().set_suffix(if i == last { " " } else { "" });
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == ' ')
}

/// A number, as somebody would write it; one that is none stays what it is, for `config` to refuse.
pub(super) fn number(number: f64) -> Value {
    let short = number as f32;
    Value::from(if short.is_finite() { share(short) } else { number })
}

/// What a number says, whether it is written with a point or without.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}

/// Whether two numbers are the same for whoever reads them.
pub(super) fn same(a: f64, b: f64) -> bool {
    a as f32 == b as f32
}

/// A list of points.
pub(super) fn points(wanted: &[[f64; 2]]) -> Array {
    wanted.iter().map(|point| Value::Array(numbers(point))).collect()
}

/// A point.
pub(super) fn numbers(point: &[f64; 2]) -> Array {
    point.iter().map(|share| number(*share)).collect()
}

/// Changes a list into another of as few steps as can be: what is the same stays, with the words around it.
pub(super) fn change_list<T>(
    list: &mut Array,
    wanted: &[T],
    make: impl Fn(&T) -> Value,
    change: impl Fn(&mut Value, &T),
) {
    for (i, one) in wanted.iter().enumerate() {
        match list.get_mut(i) {
            Some(value) => change(value, one),
            None => push(list, make(one)),
        }
    }
    while list.len() > wanted.len() {
        let gone = list.remove(list.len() - 1);
        let suffix = gone.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("").to_owned();
        let last = list.len().checked_sub(1).and_then(|last| list.get_mut(last));
        if let Some(last) = last.filter(|_| suffix.trim().is_empty()) {
            last.decor_mut().set_suffix(suffix);
        }
    }
}

/// Changes a point.
pub(super) fn change_point(value: &mut Value, wanted: &[f64; 2]) {
    match value.as_array_mut() {
        Some(list) if list.len() == 2 => {
            change_list(
                list,
                wanted,
                |share| number(*share),
                |value, share| {
                    if number_of(value).is_none_or(|number| !same(number, *share)) {
                        let decor = value.decor().clone();
                        *value = number(*share);
                        *value.decor_mut() = decor;
                    }
                },
            );
        }
        _ => *value = Value::Array(numbers(wanted)),
    }
}

/// Adds to a list what looks like the value before it.
fn push(list: &mut Array, mut value: Value) {
    let trailing = list.trailing().as_str().unwrap_or("").to_owned();
    let before = list.len().checked_sub(1).and_then(|last| list.get_mut(last));
    if let Some(before) = before {
        let prefix = before.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or("").to_owned();
        let suffix = before.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("").to_owned();
        // Words about the value before are not said again.
        let indent = prefix.rsplit_once('\n').map(|(_, indent)| format!("\n{indent}"));
        value.decor_mut().set_prefix(indent.unwrap_or_else(|| " ".to_owned()));
        if suffix.trim().is_empty() {
            before.decor_mut().set_suffix("");
            value.decor_mut().set_suffix(suffix);
        }
        // Words behind the last comma are about the value before.
        if let Some((words, end)) =
            trailing.trim_end_matches(' ').rsplit_once('\n').filter(|_| trailing.contains('#'))
        {
            let indent = value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or(" ").to_owned();
            value.decor_mut().set_prefix(format!("{words}{indent}"));
            list.set_trailing(format!("\n{end}"));
        }
    }
    list.push_formatted(value);
}

/// Takes those out of a list of which `is_gone` says so, until it is as long as wanted.
pub(super) fn thin(list: &mut Array, len: usize, is_gone: impl Fn(&Value) -> bool) {
    let mut i = 0;
    while i < list.len() && list.len() > len {
        if list.get(i).is_some_and(&is_gone) { drop(list.remove(i)) } else { i += 1 }
    }
}

/// Whether a table, if it is one, has nothing in it.
pub(super) fn is_empty(item: Option<&Item>) -> bool {
    item.and_then(Item::as_table_like).is_none_or(TableLike::is_empty)
}
