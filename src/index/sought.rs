//! A question in the index's own numbers.

use std::ops::Range;

use super::{
    Cursor, Order, Question,
    head::NewRow,
    names::{Name, Names, Table},
    row::{class_facet, direction_facet, hundredths, kind_facet, level_facet, light_facet},
    spans::spans,
};
use crate::id::ClipId;

/// Bits of an id below its time.
const CHANCE_BITS: u32 = 80;

/// What is looked for.
#[derive(Debug)]
pub(super) struct Sought<'q> {
    question: &'q Question,
    /// Of each of these, one bit at least.
    pub(super) facets: Vec<u64>,
    /// One of these.
    pub(super) places: Option<Numbers>,
    /// See `places`.
    pub(super) zones: Option<Numbers>,
    /// See `places`.
    pub(super) lines: Option<Numbers>,
    /// 0..=101.
    pub(super) hundredths_min: u8,
    /// Ids behind the cursor.
    ids: Range<u128>,
}

/// Numbers of names, for looking up and for walking along.
#[derive(Debug)]
pub(super) struct Numbers {
    ascending: Vec<u32>,
    marks: Vec<bool>,
}

impl Numbers {
    pub(super) fn new<T: Name>(table: &Table<T>, wanted: impl Fn(&T) -> bool) -> Self {
        let ascending = table.numbers(wanted);
        let mut marks = vec![false; table.len()];
        ascending.iter().for_each(|&number| marks[number as usize] = true);
        Self { ascending, marks }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.marks.get(number as usize).copied().unwrap_or(false)
    }

    pub(super) fn ascending(&self) -> &[u32] {
        &self.ascending
    }
}

impl<'q> Sought<'q> {
    pub(super) fn new(question: &'q Question, names: &Names) -> Self {
        let Question { cameras, entry_points, villages, levels, zones, lines, .. } = question;
        // Levels are facets, too: a shelf knows them without looking through its places.
        let is_placed = !(cameras.is_empty() && entry_points.is_empty() && villages.is_empty());
        let places = is_placed.then(|| {
            Numbers::new(&names.places, |place| {
                admits(cameras, &place.camera)
                    && admits(entry_points, &place.entry_point)
                    && admits(villages, &place.village)
                    && admits(levels, &place.level)
            })
        });
        Self {
            facets: [
                facets(&question.classes, class_facet),
                facets(levels, level_facet),
                facets(&question.directions, direction_facet),
                facets(&question.lights, light_facet),
                facets(&question.kinds, kind_facet),
            ]
            .into_iter()
            .flatten()
            .collect(),
            places,
            zones: (!zones.is_empty()).then(|| Numbers::new(&names.zones, |zone| zones.contains(zone))),
            lines: (!lines.is_empty()).then(|| Numbers::new(&names.lines, |line| lines.contains(line))),
            hundredths_min: at_least(question.confidence_min),
            ids: behind(question.after, question.order),
            question,
        }
    }

    /// Whether nothing can be found, since a name is not known.
    pub(super) fn is_in_vain(&self) -> bool {
        [&self.places, &self.zones, &self.lines]
            .into_iter()
            .flatten()
            .any(|numbers| numbers.ascending.is_empty())
    }

    /// Whether a row is what is looked for, but for its time.
    pub(super) fn admits(&self, new: &NewRow) -> bool {
        let one = |numbers: &Option<Numbers>, of: &[u32]| {
            numbers.as_ref().is_none_or(|numbers| of.iter().any(|&number| numbers.contains(number)))
        };
        let row = &new.row;
        self.facets.iter().all(|&group| group & new.facets != 0)
            && one(&self.places, &[row.place])
            && hundredths(row.confidence) >= self.hundredths_min
            && one(&self.zones, &row.zones)
            && one(&self.lines, &row.lines)
    }

    /// Whether an id lies behind the cursor.
    pub(super) fn is_behind(&self, id: ClipId) -> bool {
        self.ids.contains(&id.0.0)
    }

    /// Spans of milliseconds, ascending, that may have something of what lies between `first` and `last`. What is in the cursor's own
    /// millisecond may lie before it.
    pub(super) fn spans(&self, first: ClipId, last: ClipId) -> Vec<Range<u64>> {
        let from = first.0.0.max(self.ids.start);
        let to = last.0.0.min(self.ids.end.saturating_sub(1));
        if from > to || self.ids.is_empty() {
            return Vec::new();
        }
        spans(self.question, ms_of(from)..ms_of(to) + 1)
    }

    pub(super) fn order(&self) -> Order {
        self.question.order
    }
}

pub(super) fn ms_of(id: u128) -> u64 {
    (id >> CHANCE_BITS) as u64
}

/// The ids of a span of milliseconds.
pub(super) fn ids_of(span: &Range<u64>) -> Range<ClipId> {
    // A ULID's time has 48 bits; what is behind it is cut off by shifting.
    let id = |ms: u64| ClipId(ulid::Ulid(u128::from(ms) << CHANCE_BITS));
    id(span.start)..id(span.end.min((1 << 48) - 1))
}

fn admits<T: PartialEq>(wanted: &[T], one: &T) -> bool {
    wanted.is_empty() || wanted.contains(one)
}

fn facets<T: Copy>(wanted: &[T], facet: impl Fn(T) -> usize) -> Option<u64> {
    let group = wanted.iter().fold(0, |group, &one| group | 1 << facet(one));
    (group != 0).then_some(group)
}

/// The least number of hundredths that is not below `confidence`.
fn at_least(confidence: f32) -> u8 {
    (f64::from(confidence) * 100.0 - 1e-4).ceil().clamp(0.0, 101.0) as u8
}

fn behind(after: Option<Cursor>, order: Order) -> Range<u128> {
    match (after, order) {
        (None, _) => 0..u128::MAX,
        (Some(Cursor(id)), Order::Newest) => 0..id.0.0,
        (Some(Cursor(id)), Order::Oldest) => id.0.0.saturating_add(1)..u128::MAX,
    }
}
