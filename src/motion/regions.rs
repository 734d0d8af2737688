//! Cells that differ → at most 16 boxes.
//!
//! Owns which cells belong together. Works in cells; knows neither pixels nor the background.

/// Boxes that are reported, at most.
pub(super) const REGIONS_MAX: usize = 16;

/// Boxes that are considered, at most: the largest.
const CONSIDERED_MAX: usize = 64;

/// Cells of distance up to which two cells belong together: a striped shirt is one thing.
const REACH: usize = 2;

/// A single cell counts as a region if it differs so many thresholds; noise does so once in a long while.
const LONE_EXCESS: f32 = 2.0;

/// A box in cells, edges included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellBox {
    pub(super) l: usize,
    pub(super) t: usize,
    pub(super) r: usize,
    pub(super) b: usize,
}

impl CellBox {
    fn area(&self) -> usize {
        (self.r - self.l + 1) * (self.b - self.t + 1)
    }

    fn union(&self, other: &Self) -> Self {
        Self {
            l: self.l.min(other.l),
            t: self.t.min(other.t),
            r: self.r.max(other.r),
            b: self.b.max(other.b),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.l <= other.r && other.l <= self.r && self.t <= other.b && other.t <= self.b
    }
}

/// Finds regions; keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Regions {
    visited: Vec<bool>,
    stack: Vec<usize>,
    boxes: Vec<CellBox>,
}

impl Regions {
    /// Boxes around the cells of `excess` (row by row, `cols` a row) above 1, largest first.
    pub(super) fn find(&mut self, excess: &[f32], cols: usize) -> &[CellBox] {
        self.visited.clear();
        self.visited.resize(excess.len(), false);
        self.boxes.clear();
        for start in 0..excess.len() {
            if excess[start] > 1.0
                && !self.visited[start]
                && let Some(found) = self.component(excess, cols, start)
            {
                self.boxes.push(found);
            }
        }
        self.boxes.sort_unstable_by_key(|b| std::cmp::Reverse(b.area()));
        self.boxes.truncate(CONSIDERED_MAX);
        self.merge_overlapping();
        while self.boxes.len() > REGIONS_MAX {
            self.merge_cheapest();
        }
        self.boxes.sort_unstable_by_key(|b| (std::cmp::Reverse(b.area()), b.t, b.l));
        &self.boxes
    }

    /// The box around one component, unless it is a lone cell that differs little.
    fn component(&mut self, excess: &[f32], cols: usize, start: usize) -> Option<CellBox> {
        let rows = excess.len() / cols;
        let at =
            |index: usize| CellBox { l: index % cols, t: index / cols, r: index % cols, b: index / cols };
        let (mut found, mut cells, mut peak) = (at(start), 0usize, 0f32);
        self.visited[start] = true;
        self.stack.push(start);
        while let Some(index) = self.stack.pop() {
            let here = at(index);
            found = found.union(&here);
            cells += 1;
            peak = peak.max(excess[index]);
            for y in here.t.saturating_sub(REACH)..=(here.b + REACH).min(rows - 1) {
                for x in here.l.saturating_sub(REACH)..=(here.r + REACH).min(cols - 1) {
                    let next = y * cols + x;
                    if excess[next] > 1.0 && !self.visited[next] {
                        self.visited[next] = true;
                        self.stack.push(next);
                    }
                }
            }
        }
        (cells > 1 || peak >= LONE_EXCESS).then_some(found)
    }

    fn merge_overlapping(&mut self) {
        let mut from = 0;
        while from < self.boxes.len() {
            let overlapping =
                (from + 1..self.boxes.len()).find(|other| self.boxes[from].overlaps(&self.boxes[*other]));
            match overlapping {
                Some(other) => {
                    self.boxes[from] = self.boxes[from].union(&self.boxes[other]);
                    self.boxes.swap_remove(other);
                    // It has grown, and may now reach one that was passed over.
                    from = 0;
                }
                None => from += 1,
            }
        }
    }

    /// Joins the two boxes whose union covers the least that neither covered.
    fn merge_cheapest(&mut self) {
        let mut best = (usize::MAX, 0, 1);
        for a in 0..self.boxes.len() {
            for b in a + 1..self.boxes.len() {
                let (one, two) = (&self.boxes[a], &self.boxes[b]);
                let waste = one.union(two).area().saturating_sub(one.area() + two.area());
                best = best.min((waste, a, b));
            }
        }
        let (_, a, b) = best;
        self.boxes[a] = self.boxes[a].union(&self.boxes[b]);
        self.boxes.swap_remove(b);
        self.merge_overlapping();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(rows: &[&str]) -> Vec<CellBox> {
        let value = |c| match c {
            '#' => 1.5,
            'X' => 3.0,
            _ => 0.0,
        };
        let cells: Vec<f32> = rows.iter().flat_map(|row| row.chars().map(value)).collect();
        Regions::default().find(&cells, rows[0].len()).to_vec()
    }

    #[test]
    fn near_cells_are_one_thing_and_lone_weak_ones_none() {
        let found = find(&[
            "#.#.......", //
            "..........",
            "#.....#...",
            ".......... ".trim_end(),
            "..........",
            ".........X",
        ]);
        assert_eq!(
            found,
            [CellBox { l: 0, t: 0, r: 2, b: 2 }, CellBox { l: 9, t: 5, r: 9, b: 5 }],
            "the weak one at 6,2 is noise"
        );
    }

    #[test]
    fn many_are_merged_to_sixteen_that_cover_all() {
        let (cols, rows) = (90, 60);
        let mut cells = vec![0.0; cols * rows];
        let mut strong = vec![];
        for y in (0..rows).step_by(6) {
            for x in (0..cols).step_by(7) {
                cells[y * cols + x] = 9.0;
                strong.push((x, y));
            }
        }
        let mut regions = Regions::default();
        let found = regions.find(&cells, cols);
        assert_eq!(found.len(), REGIONS_MAX);
        let covered = strong
            .iter()
            .filter(|(x, y)| found.iter().any(|b| (b.l..=b.r).contains(x) && (b.t..=b.b).contains(y)));
        assert!(covered.count() >= CONSIDERED_MAX, "{found:?}");
        assert!(found.is_sorted_by_key(|b| std::cmp::Reverse(b.area())));
    }
}
