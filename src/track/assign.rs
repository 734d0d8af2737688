//! The assignment problem: which row goes with which column, at the least total cost.
//!
//! Owns the solver and its scratch memory. It knows nothing of tracks or boxes.
//!
//! Shortest augmenting paths with potentials (Kuhn and Munkres, in the form of Jonker and Volgenant 1987): exact,
//! O(rows² · (rows + columns)). Each row may stay alone, at a stated price, which is what a column of its own stands for.

/// A pair that must not be.
pub(super) const NEVER: f32 = f32::INFINITY;
/// What stands for it in the arithmetic: far above any real cost, small enough that sums stay exact enough.
const FORBIDDEN: f32 = 1.0e4;

/// Solves assignment problems, and keeps its memory from one to the next.
#[derive(Debug, Default)]
pub(super) struct Solver {
    row_price: Vec<f32>,
    column_price: Vec<f32>,
    row_of: Vec<usize>,
    way: Vec<usize>,
    least: Vec<f32>,
    done: Vec<bool>,
}

impl Solver {
    /// Writes into `chosen` the column of each row, or `None` where it is cheaper to stay alone at `alone`.
    /// `cost` holds the rows one after another; [`NEVER`] forbids a pair.
    pub(super) fn solve(
        &mut self,
        rows: usize,
        columns: usize,
        cost: &[f32],
        alone: f32,
        chosen: &mut Vec<Option<usize>>,
    ) {
        debug_assert_eq!(cost.len(), rows * columns, "one cost a pair");
        chosen.clear();
        chosen.resize(rows, None);
        if rows == 0 || columns == 0 {
            return;
        }
        // Columns beyond the real ones mean "alone": one a row, so that there is always one free. Index 0 is the sentinel.
        let all = columns + rows;
        let price = |row: usize, column: usize| {
            if column > columns { alone } else { cost[(row - 1) * columns + column - 1].min(FORBIDDEN) }
        };
        refill(&mut self.row_price, rows + 1, 0.0);
        refill(&mut self.column_price, all + 1, 0.0);
        refill(&mut self.row_of, all + 1, 0);
        refill(&mut self.way, all + 1, 0);
        for row in 1..=rows {
            self.row_of[0] = row;
            refill(&mut self.least, all + 1, f32::INFINITY);
            refill(&mut self.done, all + 1, false);
            let mut column = 0;
            while self.row_of[column] != 0 {
                self.done[column] = true;
                let from = self.row_of[column];
                let (mut step, mut next) = (f32::INFINITY, 0);
                for c in 1..=all {
                    if self.done[c] {
                        continue;
                    }
                    let reduced = price(from, c) - self.row_price[from] - self.column_price[c];
                    if reduced < self.least[c] {
                        self.least[c] = reduced;
                        self.way[c] = column;
                    }
                    if self.least[c] < step {
                        step = self.least[c];
                        next = c;
                    }
                }
                for c in 0..=all {
                    if self.done[c] {
                        self.row_price[self.row_of[c]] += step;
                        self.column_price[c] -= step;
                    } else {
                        self.least[c] -= step;
                    }
                }
                column = next;
            }
            while column != 0 {
                let before = self.way[column];
                self.row_of[column] = self.row_of[before];
                column = before;
            }
        }
        for column in 1..=columns {
            let row = self.row_of[column];
            if row != 0 && cost[(row - 1) * columns + column - 1] < FORBIDDEN {
                chosen[row - 1] = Some(column - 1);
            }
        }
    }
}

fn refill<T: Clone>(memory: &mut Vec<T>, len: usize, value: T) {
    memory.clear();
    memory.resize(len, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(columns: usize, cost: &[f32], alone: f32, chosen: &[Option<usize>]) -> f32 {
        chosen.iter().enumerate().map(|(r, c)| c.map_or(alone, |c| cost[r * columns + c])).sum()
    }

    fn best(rows: usize, columns: usize, cost: &[f32], alone: f32, row: usize, used: u32) -> f32 {
        if row == rows {
            return 0.0;
        }
        let mut least = alone + best(rows, columns, cost, alone, row + 1, used);
        for c in (0..columns).filter(|c| used & (1 << c) == 0) {
            let here = cost[row * columns + c];
            if here < FORBIDDEN {
                least = least.min(here + best(rows, columns, cost, alone, row + 1, used | (1 << c)));
            }
        }
        least
    }

    #[test]
    fn the_greedy_choice_is_not_taken_where_it_costs_more() {
        let mut chosen = Vec::new();
        Solver::default().solve(2, 2, &[0.1, 0.2, 0.2, 0.9], 1.0, &mut chosen);
        assert_eq!(chosen, [Some(1), Some(0)]);
        Solver::default().solve(2, 1, &[NEVER, 0.5], 1.0, &mut chosen);
        assert_eq!(chosen, [None, Some(0)]);
        Solver::default().solve(1, 1, &[1.5], 1.0, &mut chosen);
        assert_eq!(chosen, [None]);
    }

    proptest! {
        #[test]
        fn no_other_assignment_costs_less(
            rows in 0_usize..6,
            columns in 0_usize..6,
            grid in prop::collection::vec(prop_oneof![4 => 0.0_f32..2.0, 1 => Just(NEVER)], 36),
        ) {
            let cost: Vec<f32> = (0..rows).flat_map(|r| grid[r * 6..r * 6 + columns].to_vec()).collect();
            let mut chosen = Vec::new();
            Solver::default().solve(rows, columns, &cost, 1.0, &mut chosen);
            let mut taken: Vec<_> = chosen.iter().flatten().collect();
            taken.sort();
            taken.dedup();
            prop_assert_eq!(taken.len(), chosen.iter().flatten().count(), "a column is given once");
            let (got, want) = (total(columns, &cost, 1.0, &chosen), best(rows, columns, &cost, 1.0, 0, 0));
            prop_assert!((got - want).abs() < 1e-3, "{} instead of {}", got, want);
        }
    }
}
