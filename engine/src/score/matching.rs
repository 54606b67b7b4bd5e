//! Which group of one labeling is which group of another: the pairing that keeps most samples together.

use crate::context::{Cancelled, Context};

/// Pairs rows with columns of a table of counts so that the counts of the pairs sum to the most possible: `(row, column)`
/// in rising rows, pairs that share nothing left out. Ties go to lower columns as far as the search meets them first.
///
/// The Hungarian method with potentials (Kuhn 1955, Munkres 1957): O(r² c) for the smaller side `r`.
///
/// # Errors
/// Somebody asked to stop.
pub fn best_pairs(
    counts: &[Vec<u64>],
    columns: usize,
    context: &Context,
) -> Result<Vec<(usize, usize)>, Cancelled> {
    let rows = counts.len();
    let count = |row: usize, column: usize| counts[row].get(column).copied().unwrap_or(0);
    let mut pairs = if rows <= columns {
        assign(rows, columns, &|row, column| count(row, column), context)?
    } else {
        let turned = assign(columns, rows, &|column, row| count(row, column), context)?;
        turned
            .into_iter()
            .map(|(column, row)| (row, column))
            .collect()
    };
    pairs.retain(|&(row, column)| count(row, column) > 0);
    pairs.sort_unstable();
    Ok(pairs)
}

/// One column for each row, at most as many rows as columns. Places are counted from 1; 0 stands for none.
fn assign(
    rows: usize,
    columns: usize,
    count: &impl Fn(usize, usize) -> u64,
    context: &Context,
) -> Result<Vec<(usize, usize)>, Cancelled> {
    let cost = |row: usize, column: usize| {
        -i64::try_from(count(row - 1, column - 1)).unwrap_or(i64::MAX / 4)
    };
    let mut of_row = vec![0_i64; rows + 1];
    let mut of_column = vec![0_i64; columns + 1];
    let mut owner = vec![0_usize; columns + 1];
    let step = context.step("match", rows as u64);
    for row in 1..=rows {
        step.tick(1)?;
        owner[0] = row;
        let mut slack = vec![i64::MAX; columns + 1];
        let mut before = vec![0_usize; columns + 1];
        let mut seen = vec![false; columns + 1];
        let mut at = 0;
        // Grows a tree of tight edges until it meets a free column.
        while owner[at] != 0 {
            seen[at] = true;
            let from = owner[at];
            let (mut least, mut next) = (i64::MAX, 0);
            for column in (1..=columns).filter(|&column| !seen[column]) {
                let gap = cost(from, column) - of_row[from] - of_column[column];
                if gap < slack[column] {
                    (slack[column], before[column]) = (gap, at);
                }
                if slack[column] < least {
                    (least, next) = (slack[column], column);
                }
            }
            for column in 0..=columns {
                if seen[column] {
                    of_row[owner[column]] += least;
                    of_column[column] -= least;
                } else if slack[column] < i64::MAX {
                    slack[column] -= least;
                }
            }
            at = next;
        }
        while at != 0 {
            owner[at] = owner[before[at]];
            at = before[at];
        }
    }
    let owned = (1..=columns).filter(|&column| owner[column] != 0);
    Ok(owned
        .map(|column| (owner[column] - 1, column - 1))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(counts: &[Vec<u64>]) -> Vec<(usize, usize)> {
        let columns = counts.first().map_or(0, Vec::len);
        best_pairs(counts, columns, &Context::new(0)).unwrap()
    }

    #[test]
    fn the_best_whole_is_not_the_best_first_step() {
        // Taking 9 first leaves 0; 8 + 7 is better.
        assert_eq!(pairs(&[vec![9, 8], vec![7, 0]]), [(0, 1), (1, 0)]);
        assert_eq!(pairs(&[vec![1, 5, 3]]), [(0, 1)]);
        assert_eq!(pairs(&[vec![1], vec![5], vec![3]]), [(1, 0)]);
        assert_eq!(
            pairs(&[vec![0, 0], vec![0, 2]]),
            [(1, 1)],
            "nothing shared, no pair"
        );
        assert_eq!(pairs(&[]), []);
    }

    /// The most that any pairing keeps, by trying all.
    fn most(counts: &[Vec<u64>], row: usize, taken: u32) -> u64 {
        let Some(line) = counts.get(row) else {
            return 0;
        };
        let with = (0..line.len())
            .filter(|column| taken & (1 << column) == 0)
            .map(|column| line[column] + most(counts, row + 1, taken | (1 << column)));
        with.chain([most(counts, row + 1, taken)])
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_pairing_keeps_more(rows in 1..5_usize, columns in 1..5_usize, cells in prop::collection::vec(0..9_u64, 16)) {
            let counts: Vec<Vec<u64>> = (0..rows).map(|i| cells[i * 4..i * 4 + columns].to_vec()).collect();
            let found = pairs(&counts);
            let kept: u64 = found.iter().map(|&(row, column)| counts[row][column]).sum();
            prop_assert_eq!(kept, most(&counts, 0, 0));
            let distinct: std::collections::HashSet<usize> = found.iter().map(|pair| pair.1).collect();
            prop_assert_eq!(distinct.len(), found.len());
        }
    }
}
