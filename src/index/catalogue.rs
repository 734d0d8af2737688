//! What a shelf knows of its rows without looking at them: which of them have what.
//!
//! Owns choosing rows by what they have, and the layout of the catalogue. Which rows are removed, and where rows lie, is the shelf's.
//!
//! ```text
//! version u8 = 1 │ rows u32 │ times │ facets: a set each │ confidence: a set a binary digit │ places │ zones │ lines
//! ```
//! A facet is a class, a level, a direction, a light or a kind of alert. The confidence's hundredths lie in seven sets, one for each binary digit, so that
//! "at least so much" is seven operations on whole words (P. O'Neil, D. Quass, Improved Query Performance with Variant Indexes, 1997).

use std::{collections::BTreeMap, ops::Range};

use super::{
    bits::{Bits, Set},
    bytes::{In, Out},
    names::{Place, Table},
    row::{FACETS, Row, hundredths},
    sought::{Numbers, Sought},
    times::Times,
};

const VERSION: u8 = 1;
/// Binary digits of 0..=100.
const DIGITS: usize = 7;

/// The catalogue of one shelf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Catalogue {
    times: Times,
    facets: Vec<Set>,
    /// The highest digit first.
    confidence: Vec<Set>,
    places: Lists,
    zones: Lists,
    lines: Lists,
}

impl Catalogue {
    /// Of rows in the order of their ids, not more than 65536.
    pub(super) fn of(rows: &[Row], places: &Table<Place>) -> Self {
        let mut facets = vec![Bits::none(rows.len()); FACETS];
        let mut confidence = vec![Bits::none(rows.len()); DIGITS];
        let mut lists = [const { BTreeMap::<u32, Vec<u16>>::new() }; 3];
        for (row, ordinal) in rows.iter().zip(0u16..=u16::MAX) {
            let level = places.name(row.place).expect("it was numbered when the row was made").level;
            let has = row.facets(level);
            let digits = hundredths(row.confidence);
            (0..FACETS)
                .filter(|facet| has & (1 << facet) != 0)
                .for_each(|facet| facets[facet].insert(ordinal));
            (0..DIGITS)
                .filter(|digit| digits & (1 << (DIGITS - 1 - digit)) != 0)
                .for_each(|digit| confidence[digit].insert(ordinal));
            for (list, numbers) in lists.iter_mut().zip([&[row.place][..], &row.zones, &row.lines]) {
                for &number in numbers {
                    let of = list.entry(number).or_default();
                    if of.last() != Some(&ordinal) {
                        of.push(ordinal);
                    }
                }
            }
        }
        let [places, zones, lines] = lists.map(Lists::of);
        let sets = |bits: Vec<Bits>| bits.iter().map(Set::of).collect();
        Self {
            times: Times::of(rows.iter().map(Row::ms)),
            facets: sets(facets),
            confidence: sets(confidence),
            places,
            zones,
            lines,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.times.len()
    }

    pub(super) fn times(&self) -> &Times {
        &self.times
    }

    /// Bytes in memory, about.
    pub(super) fn len_bytes(&self) -> usize {
        let sets = self.facets.iter().chain(&self.confidence).map(Set::len_bytes).sum::<usize>();
        let lists = [&self.places, &self.zones, &self.lines].map(Lists::len_bytes).iter().sum::<usize>();
        self.times.len_bytes() + sets + lists
    }

    /// The rows that `sought` admits, among those that begin in `spans` and are not `removed`.
    pub(super) fn choose(&self, sought: &Sought<'_>, spans: &[Range<u64>], removed: Option<&Bits>) -> Bits {
        let mut chosen = Bits::none(self.rows());
        // What no row has need not be looked for.
        let is_in_vain = sought.facets.iter().any(|&group| self.group(group).all(Set::is_empty));
        if is_in_vain {
            return chosen;
        }
        spans.iter().for_each(|span| chosen.insert_range(self.times.rows(span)));
        if let Some(removed) = removed {
            chosen.drop_all(removed);
        }
        for &group in &sought.facets {
            let mut any = Bits::none(self.rows());
            self.group(group).for_each(|set| set.add_to(&mut any));
            chosen.keep(any.words());
        }
        if chosen.is_empty() {
            return chosen;
        }
        if sought.hundredths_min > 0 {
            chosen.keep(self.as_sure_as(sought.hundredths_min).words());
        }
        if let Some(numbers) = &sought.places {
            self.places.keep_one_of(numbers, &mut chosen);
        }
        for (lists, numbers) in [(&self.zones, &sought.zones), (&self.lines, &sought.lines)] {
            if let Some(numbers) = numbers
                && !chosen.is_empty()
            {
                chosen.keep(lists.any_of(numbers, self.rows()).words());
            }
        }
        chosen
    }

    fn group(&self, group: u64) -> impl Iterator<Item = &Set> {
        self.facets.iter().enumerate().filter(move |(facet, _)| group & (1 << facet) != 0).map(|(_, set)| set)
    }

    /// Rows of at least so many hundredths: those that are greater in the highest digit in which they differ, and those that do not differ.
    fn as_sure_as(&self, hundredths_min: u8) -> Bits {
        let mut greater = Bits::none(self.rows());
        if usize::from(hundredths_min) >= 1 << DIGITS {
            return greater;
        }
        let mut same = Bits::none(self.rows());
        same.insert_range(0..self.rows());
        for (digit, set) in self.confidence.iter().enumerate() {
            let mut ones = Bits::none(self.rows());
            set.add_to(&mut ones);
            if hundredths_min & (1 << (DIGITS - 1 - digit)) != 0 {
                same.keep(ones.words());
            } else {
                ones.keep(same.words());
                greater.add(ones.words());
                same.drop_all(&ones);
            }
        }
        greater.add(same.words());
        greater
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.u8(VERSION);
        out.u32(self.rows() as u32);
        self.times.write(&mut out);
        self.facets.iter().chain(&self.confidence).for_each(|set| set.write(&mut out));
        [&self.places, &self.zones, &self.lines].into_iter().for_each(|lists| lists.write(&mut out));
        out.into_bytes()
    }

    /// `None` where the bytes are no catalogue.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = In::new(bytes);
        if from.u8()? != VERSION {
            return None;
        }
        let rows = usize::try_from(from.u32()?).ok().filter(|&rows| rows <= usize::from(u16::MAX) + 1)?;
        let times = Times::read(&mut from, rows)?;
        let mut sets = |count| (0..count).map(|_| Set::read(&mut from, rows)).collect::<Option<Vec<_>>>();
        let (facets, confidence) = (sets(FACETS)?, sets(DIGITS)?);
        let mut lists = || Lists::read(&mut from, rows);
        let (places, zones, lines) = (lists()?, lists()?, lists()?);
        from.end()?;
        Some(Self { times, facets, confidence, places, zones, lines })
    }
}

/// Rows by number: of each number that occurs, its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lists {
    /// Ascending.
    numbers: Vec<u32>,
    /// Where the rows of each end.
    ends: Vec<u32>,
    rows: Vec<u16>,
}

impl Lists {
    fn of(lists: BTreeMap<u32, Vec<u16>>) -> Self {
        let mut all = Self { numbers: Vec::new(), ends: Vec::new(), rows: Vec::new() };
        for (number, rows) in lists {
            all.numbers.push(number);
            all.rows.extend(rows);
            all.ends.push(all.rows.len() as u32);
        }
        all
    }

    fn len_bytes(&self) -> usize {
        self.numbers.len() * 8 + self.rows.len() * 2
    }

    fn rows_at(&self, at: usize) -> &[u16] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.rows[begin..self.ends[at] as usize]
    }

    /// Keeps the rows of any of `numbers`, where each row has one number: those of the others are as good to go by, where they are fewer.
    fn keep_one_of(&self, numbers: &Numbers, chosen: &mut Bits) {
        let few = numbers.ascending().len() * 8 < self.numbers.len();
        let len = |at: usize| self.rows_at(at).len();
        let met = |&at: &usize| numbers.contains(self.numbers[at]);
        if few || (0..self.numbers.len()).filter(met).map(len).sum::<usize>() * 2 < self.rows.len() {
            let any = self.any_of(numbers, self.rows.len());
            chosen.keep(any.words());
        } else {
            let others = (0..self.numbers.len()).filter(|at| !met(at));
            others.flat_map(|at| self.rows_at(at)).for_each(|&row| chosen.remove(row));
        }
    }

    fn any_of(&self, numbers: &Numbers, rows: usize) -> Bits {
        let mut any = Bits::none(rows);
        let mut add = |at: usize| self.rows_at(at).iter().for_each(|&row| any.insert(row));
        // A handful is looked up; many are met on the way.
        if numbers.ascending().len() * 8 < self.numbers.len() {
            for number in numbers.ascending() {
                if let Ok(at) = self.numbers.binary_search(number) {
                    add(at);
                }
            }
        } else {
            let met = self.numbers.iter().enumerate().filter(|(_, number)| numbers.contains(**number));
            met.for_each(|(at, _)| add(at));
        }
        any
    }

    /// `count u32 │ numbers u32… │ ends u32… │ rows: count u32, ordinals u16…`
    fn write(&self, out: &mut Out) {
        out.u32(self.numbers.len() as u32);
        self.numbers.iter().chain(&self.ends).for_each(|&number| out.u32(number));
        out.u32(self.rows.len() as u32);
        self.rows.iter().for_each(|&row| out.u16(row));
    }

    fn read(from: &mut In<'_>, rows: usize) -> Option<Self> {
        let count = from.u32()? as usize;
        let (numbers, ends) = (from.u32s(count)?, from.u32s(count)?);
        let len = from.u32()? as usize;
        let lists = Self { numbers, ends, rows: from.u16s(len)? };
        let is_whole = lists.numbers.is_sorted_by(|one, next| one < next)
            && lists.ends.is_sorted()
            && lists.ends.last().copied().unwrap_or(0) as usize == len
            && lists.rows.iter().all(|&row| usize::from(row) < rows);
        is_whole.then_some(lists)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::id::ZoneId;

    proptest! {
        /// Whichever way is the quicker one, it leads to the same rows.
        #[test]
        fn rows_of_any_number_are_found(
            of_rows in proptest::collection::vec(0u32..40, 1..100),
            wanted in prop_oneof![
                proptest::collection::btree_set(0u32..50, 0..3),
                proptest::collection::btree_set(0u32..50, 0..50),
            ],
        ) {
            let mut names = Table::<ZoneId>::default();
            (0..50).for_each(|n| { names.number(&format!("zone-{n}").parse().expect("a slug")); });
            let wanted_names: BTreeSet<String> = wanted.iter().map(|n| format!("zone-{n}")).collect();
            let numbers = Numbers::new(&names, |zone| wanted_names.contains(zone.as_str()));
            let mut lists = BTreeMap::<u32, Vec<u16>>::new();
            for (&number, row) in of_rows.iter().zip(0..) {
                lists.entry(number).or_default().push(row);
            }
            let lists = Lists::of(lists);
            let mut expected = Bits::none(of_rows.len());
            (0u16..).zip(&of_rows).filter(|(_, number)| wanted.contains(number)).for_each(|(row, _)| expected.insert(row));
            prop_assert_eq!(&lists.any_of(&numbers, of_rows.len()), &expected);
            let mut kept = Bits::none(of_rows.len());
            kept.insert_range(0..of_rows.len());
            lists.keep_one_of(&numbers, &mut kept);
            prop_assert_eq!(&kept, &expected);
        }

        #[test]
        fn any_bytes_are_a_catalogue_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Catalogue::decode(&[&[VERSION][..], &bytes].concat());
        }
    }
}
