//! The sample tables of a progressive file (`stbl`, ISO/IEC 14496-12, 8.6 and 8.7).
//!
//! Gathers samples as they come and knows what they need; where their bytes come from is for `cut`.

use super::boxes::Boxes;

/// The samples of one track of a cut, in order.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Where each chunk begins in the data, and how many samples it has.
    chunks: Vec<(u64, u32)>,
    /// When the last sample ends.
    end: u64,
}

/// A sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// When it is decoded, in ticks.
    pub(super) time: u64,
    /// How long after that it is shown; may be negative.
    pub(super) composition: i32,
    pub(super) len: u32,
    pub(super) is_key: bool,
}

impl Table {
    /// Begins a chunk: samples that lie one behind the other from `offset` in the data on.
    pub(super) fn chunk(&mut self, offset: u64) {
        self.chunks.push((offset, 0));
    }

    /// Appends a sample that lasts `duration` ticks to the last chunk. It is decoded a tick after the one before it where it comes too early.
    pub(super) fn push(&mut self, sample: Entry, duration: u32) {
        let earliest = self.entries.last().map_or(0, |last| last.time + 1);
        let time = sample.time.max(earliest);
        self.entries.push(Entry { time, ..sample });
        self.chunks.last_mut().expect("a chunk was begun").1 += 1;
        self.end = time.saturating_add(duration.max(1).into());
    }

    /// When the last sample ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// When the first sample is decoded; `None` where there is none.
    pub(super) fn begin(&self) -> Option<u64> {
        self.entries.first().map(|it| it.time)
    }

    /// From the first sample to the end of the last.
    pub(super) fn duration(&self) -> u64 {
        self.end - self.begin().unwrap_or(self.end)
    }

    /// By how much all samples are shown late, so that none is shown before it is decoded. An edit list takes it back.
    pub(super) fn shift(&self) -> u32 {
        self.entries.iter().map(|it| it.composition.min(0).unsigned_abs()).max().unwrap_or(0)
    }

    /// `stts`, `ctts`, `stss`, `stsz`, `stsc` and the chunks' places, `data` being where the data begins in the file.
    pub(super) fn write(&self, data: u64, to: &mut Boxes) {
        let ends = self.entries.iter().skip(1).map(|it| it.time).chain([self.end]);
        let durations =
            self.entries.iter().zip(ends).map(|(it, end)| (end - it.time).min(u32::MAX.into()) as u32);
        to.full(b"stts", 0, 0, |it| runs(durations, it));
        if self.entries.iter().any(|it| it.composition != 0) {
            let shift = i64::from(self.shift());
            let offsets = self.entries.iter().map(|it| (i64::from(it.composition) + shift) as u32);
            to.full(b"ctts", 0, 0, |it| runs(offsets, it));
        }
        if !self.entries.iter().all(|it| it.is_key) {
            let keys: Vec<u32> =
                (1..).zip(&self.entries).filter(|(_, it)| it.is_key).map(|(at, _)| at).collect();
            to.full(b"stss", 0, 0, |it| {
                it.u32(keys.len() as u32);
                keys.iter().for_each(|&at| _ = it.u32(at));
            });
        }
        to.full(b"stsz", 0, 0, |it| {
            it.u32(0).u32(self.entries.len() as u32);
            self.entries.iter().for_each(|entry| _ = it.u32(entry.len));
        });
        to.full(b"stsc", 0, 0, |it| {
            let mut firsts: Vec<(u32, u32)> = (1..).zip(self.chunks.iter().map(|it| it.1)).collect();
            firsts.dedup_by_key(|it| it.1);
            it.u32(firsts.len() as u32);
            firsts.iter().for_each(|&(chunk, samples)| _ = it.u32(chunk).u32(samples).u32(1));
        });
        // Always with 64 bits, so that the head's length does not depend on where the data begins.
        to.full(b"co64", 0, 0, |it| {
            it.u32(self.chunks.len() as u32);
            self.chunks.iter().for_each(|&(offset, _)| _ = it.u64(data + offset));
        });
    }
}

/// Equal values one after the other, each with its count.
fn runs(values: impl Iterator<Item = u32>, to: &mut Boxes) {
    let at = to.0.len();
    to.u32(0);
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => runs.push((1, value)),
        }
    }
    to.patch(at, runs.len() as u32);
    runs.iter().for_each(|&(count, value)| _ = to.u32(count).u32(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::mp4::boxes::child;

    fn entry(time: u64, composition: i32) -> Entry {
        Entry { time, composition, len: 5, is_key: time == 0 }
    }

    fn words(boxes: &Boxes, kind: &[u8; 4]) -> Vec<u32> {
        let body = child(&boxes.0, kind).expect("a table");
        body[4..].chunks(4).map(|it| u32::from_be_bytes(it.try_into().expect("4 bytes"))).collect()
    }

    #[test]
    fn tables_say_what_was_pushed() {
        let mut table = Table::default();
        table.chunk(0);
        table.push(entry(0, 0), 10);
        table.push(entry(10, 20), 10);
        table.chunk(30);
        table.push(entry(20, -10), 10);
        // Comes too early.
        table.push(entry(15, -10), 7);
        let mut boxes = Boxes::default();
        table.write(1000, &mut boxes);
        assert_eq!((table.end(), table.duration(), table.shift()), (28, 28, 10));
        assert_eq!(words(&boxes, b"stts"), [3, 2, 10, 1, 1, 1, 7]);
        assert_eq!(words(&boxes, b"ctts"), [3, 1, 10, 1, 30, 2, 0]);
        assert_eq!(words(&boxes, b"stss"), [1, 1]);
        assert_eq!(words(&boxes, b"stsz"), [0, 4, 5, 5, 5, 5]);
        assert_eq!(words(&boxes, b"stsc"), [1, 1, 2, 1]);
        assert_eq!(words(&boxes, b"co64"), [2, 0, 1000, 0, 1030]);
    }
}
