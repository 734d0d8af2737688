//! Names and their numbers.
//!
//! A camera's id in ten million rows would be most of the index. A row has a number in its place; the table of numbers is small, is
//! read at the start and only ever grows.

use std::{collections::BTreeMap, str::FromStr};

use super::{
    IndexError,
    bytes::{In, Out},
    keys::{Part, key},
    row::{LEVELS, Row},
};
use crate::{
    clip::Clip,
    config::Level,
    id::{CameraId, EntryPointId, LineId, VillageId, ZoneId},
    store::{Ledger, Pair, Write},
};

/// All names.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) places: Table<Place>,
    pub(super) zones: Table<ZoneId>,
    pub(super) lines: Table<LineId>,
}

impl Names {
    pub(super) fn read(ledger: &impl Ledger) -> Result<Self, IndexError> {
        Ok(Self { places: table(ledger)?, zones: table(ledger)?, lines: table(ledger)? })
    }

    /// A clip's row. Names that are new have a number from now on, and must be written with it.
    pub(super) fn row(&mut self, clip: &Clip) -> Row {
        let place = Place {
            camera: clip.camera.clone(),
            entry_point: clip.entry_point.clone(),
            village: clip.village.clone(),
            level: clip.level,
        };
        Row {
            id: clip.id,
            from: clip.from,
            to: clip.to,
            place: self.places.number(&place),
            class: clip.class,
            light: clip.light,
            direction: clip.direction,
            confidence: clip.confidence,
            kinds: clip.kinds.clone(),
            alerts: clip.alerts.clone(),
            zones: clip.zones.iter().map(|zone| self.zones.number(zone)).collect(),
            lines: clip.lines.iter().map(|line| self.lines.number(line)).collect(),
        }
    }

    /// A row's clip; `None` where it has a number that is no name's.
    pub(super) fn clip(&self, row: Row) -> Option<Clip> {
        let place = self.places.name(row.place)?;
        Some(Clip {
            id: row.id,
            camera: place.camera.clone(),
            entry_point: place.entry_point.clone(),
            village: place.village.clone(),
            level: place.level,
            from: row.from,
            to: row.to,
            class: row.class,
            confidence: row.confidence,
            zones: row.zones.iter().map(|&zone| self.zones.name(zone).cloned()).collect::<Option<_>>()?,
            lines: row.lines.iter().map(|&line| self.lines.name(line).cloned()).collect::<Option<_>>()?,
            direction: row.direction,
            kinds: row.kinds,
            alerts: row.alerts,
            light: row.light,
        })
    }

    /// What has to be written for the names that are new.
    pub(super) fn writes(&self) -> Vec<Write> {
        self.places.writes().chain(self.zones.writes()).chain(self.lines.writes()).collect()
    }

    /// The new names are on the disk.
    pub(super) fn keep(&mut self) {
        self.places.keep();
        self.zones.keep();
        self.lines.keep();
    }

    /// The new names are not on the disk: their numbers are free again.
    pub(super) fn forget(&mut self) {
        self.places.forget();
        self.zones.forget();
        self.lines.forget();
    }
}

fn table<T: Name>(ledger: &impl Ledger) -> Result<Table<T>, IndexError> {
    let (from, to) = Table::<T>::range();
    let entries = ledger.range(&from, &to, usize::MAX)?;
    Table::read(&entries).ok_or_else(|| IndexError::damaged("a table of names"))
}

/// A camera and where it stands, as the configuration had it at a time: most questions about places are one about this.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) camera: CameraId,
    pub(super) entry_point: EntryPointId,
    pub(super) village: VillageId,
    pub(super) level: Level,
}

/// What has a number.
pub(super) trait Name: Ord + Clone {
    /// Its table's number. On disk: never change one.
    const TABLE: u8;
    fn write(&self, out: &mut Out);
    fn read(from: &mut In<'_>) -> Option<Self>;
}

impl Name for Place {
    const TABLE: u8 = 1;

    fn write(&self, out: &mut Out) {
        out.u8(LEVELS.iter().position(|&level| level == self.level).map_or(u8::MAX, |at| at as u8));
        [self.camera.as_str(), self.entry_point.as_str(), self.village.as_str()]
            .into_iter()
            .for_each(|text| out.text(text));
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let level = *LEVELS.get(usize::from(from.u8()?))?;
        Some(Self { camera: id(from)?, entry_point: id(from)?, village: id(from)?, level })
    }
}

impl Name for ZoneId {
    const TABLE: u8 = 2;

    fn write(&self, out: &mut Out) {
        out.text(self.as_str());
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        id(from)
    }
}

impl Name for LineId {
    const TABLE: u8 = 3;

    fn write(&self, out: &mut Out) {
        out.text(self.as_str());
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        id(from)
    }
}

fn id<T: FromStr>(from: &mut In<'_>) -> Option<T> {
    from.text()?.parse().ok()
}

/// Names of one sort, numbered from 0.
#[derive(Debug)]
pub(super) struct Table<T> {
    names: Vec<T>,
    numbers: BTreeMap<T, u32>,
    /// So many of them are on the disk.
    kept: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { names: Vec::new(), numbers: BTreeMap::new(), kept: 0 }
    }
}

impl<T: Name> Table<T> {
    /// The table of the entries of [`Self::range`], which are ascending; `None` where they are none.
    pub(super) fn read(entries: &[Pair]) -> Option<Self> {
        let mut table = Self::default();
        for (at, (entry, value)) in entries.iter().enumerate() {
            if *entry != key_of::<T>(at) {
                return None;
            }
            let mut from = In::new(value);
            let name = T::read(&mut from)?;
            from.end()?;
            table.number(&name);
        }
        table.kept = table.names.len();
        // A name that is there twice would have its first number twice over.
        (table.kept == entries.len()).then_some(table)
    }

    /// The keys of its entries.
    pub(super) fn range() -> (Vec<u8>, Vec<u8>) {
        (key(Part::Names, &[T::TABLE]), key(Part::Names, &[T::TABLE + 1]))
    }

    /// Its number; a new one where it has none.
    pub(super) fn number(&mut self, name: &T) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }

    pub(super) fn name(&self, number: u32) -> Option<&T> {
        self.names.get(number as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Numbers of those that `wanted` says, ascending.
    pub(super) fn numbers(&self, wanted: impl Fn(&T) -> bool) -> Vec<u32> {
        (0..).zip(&self.names).filter(|(_, name)| wanted(name)).map(|(number, _)| number).collect()
    }

    fn writes(&self) -> impl Iterator<Item = Write> {
        (self.kept..).zip(&self.names[self.kept..]).map(|(at, name)| {
            let mut out = Out::default();
            name.write(&mut out);
            Write::Put(key_of::<T>(at), out.into_bytes())
        })
    }

    fn keep(&mut self) {
        self.kept = self.names.len();
    }

    fn forget(&mut self) {
        for name in self.names.drain(self.kept..) {
            self.numbers.remove(&name);
        }
    }
}

fn key_of<T: Name>(at: usize) -> Vec<u8> {
    let [a, b, c, d] = (at as u32).to_be_bytes();
    key(Part::Names, &[T::TABLE, a, b, c, d])
}
