//! For each row the cells that it may be compared with, nearest first: all that are not much further than the nearest.
//!
//! How many there are differs from row to row: a row in the middle of its cell lists few, one between many cells all of
//! them, up to a limit.

use std::ops::Range;

use rayon::prelude::*;

/// The lists of a block of rows: how long each is, and all of them, cells with how much further than the first they are.
pub(super) type ListsOfBlock = (Vec<u32>, Vec<(u32, f32)>);

/// Lists of cells, row after row.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// List `i` is `cells[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    cells: Vec<u32>,
    /// How much further than the nearest each cell is; nothing once lists have their final lengths.
    gaps: Vec<f32>,
}

impl Lists {
    /// Puts the lists of blocks of rows together.
    pub fn join(blocks: Vec<ListsOfBlock>) -> Lists {
        let mut lists = Lists {
            starts: vec![0],
            ..Lists::default()
        };
        let total = blocks.iter().map(|(_, list)| list.len()).sum();
        lists.cells.reserve_exact(total);
        lists.gaps.reserve_exact(total);
        let mut end = 0;
        for (lengths, block) in blocks {
            lists.starts.extend(lengths.iter().map(|length| {
                end += *length as usize;
                end
            }));
            for (cell, gap) in block {
                lists.cells.push(cell);
                lists.gaps.push(gap);
            }
        }
        lists
    }

    /// The number of lists.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn range(&self, list: usize) -> Range<usize> {
        self.starts[list]..self.starts[list + 1]
    }

    /// The cells of a list.
    pub fn cells(&self, list: usize) -> &[u32] {
        &self.cells[self.range(list)]
    }

    /// How much further than the first each cell of a list is, before [`Lists::shorten`].
    pub fn gaps(&self, list: usize) -> &[f32] {
        &self.gaps[self.range(list)]
    }

    /// Counts the first cells of each list as no further than the first, up to those that together hold `enough` rows.
    pub fn hold(&mut self, enough: usize, size: impl Fn(u32) -> usize) {
        for list in 0..self.len() {
            let mut held = 0;
            for at in self.range(list) {
                if held >= enough {
                    break;
                }
                self.gaps[at] = 0.0;
                held += size(self.cells[at]);
            }
        }
    }

    /// In the order given, each list up to so many cells, none of which is further than `gap`; at least those that are no
    /// further than the first.
    pub fn shorten(&self, order: &[u32], width: usize, gap: f32) -> Lists {
        let kept = |list: u32| {
            let gaps = self.gaps(list as usize);
            let least = gaps.partition_point(|other| *other <= 0.0);
            gaps.partition_point(|other| *other <= gap)
                .min(width.max(least))
        };
        let lengths: Vec<usize> = order.par_iter().map(|&list| kept(list)).collect();
        let mut starts = Vec::with_capacity(order.len() + 1);
        starts.push(0);
        let mut cells = Vec::with_capacity(lengths.iter().sum());
        for (&list, length) in order.iter().zip(lengths) {
            cells.extend_from_slice(&self.cells(list as usize)[..length]);
            starts.push(cells.len());
        }
        Lists {
            starts,
            cells,
            gaps: Vec::new(),
        }
    }
}
