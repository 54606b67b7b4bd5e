//! Which rows of the source a view has, and in which order. A filter alone stays a mask, so that counting is a popcount
//! and never lists rows.

use std::sync::{Arc, OnceLock};

use arrow::buffer::BooleanBuffer;

/// A selection of rows.
#[derive(Debug, Clone)]
pub enum RowSet {
    /// All of so many rows, in order.
    All(usize),
    /// Those whose bit is set, in order.
    Mask(Mask),
    /// These, in this order; a row may come twice.
    Listed(Arc<Vec<u32>>),
}

/// A mask with its count, and its rows once somebody asked for them.
#[derive(Debug, Clone)]
pub struct Mask {
    bits: BooleanBuffer,
    count: usize,
    rows: Arc<OnceLock<Arc<Vec<u32>>>>,
}

impl RowSet {
    /// The rows whose bit is set.
    pub fn masked(bits: BooleanBuffer) -> RowSet {
        let count = bits.count_set_bits();
        RowSet::Mask(Mask {
            bits,
            count,
            rows: Arc::default(),
        })
    }

    /// These rows, in this order.
    pub fn listed(rows: Vec<u32>) -> RowSet {
        RowSet::Listed(Arc::new(rows))
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            RowSet::All(len) => *len,
            RowSet::Mask(mask) => mask.count,
            RowSet::Listed(rows) => rows.len(),
        }
    }

    /// The rows, listed; made at most once.
    pub fn rows(&self) -> Arc<Vec<u32>> {
        match self {
            RowSet::All(len) => Arc::new((0..*len as u32).collect()),
            RowSet::Mask(mask) => {
                Arc::clone(mask.rows.get_or_init(|| {
                    Arc::new(mask.bits.set_indices().map(|row| row as u32).collect())
                }))
            }
            RowSet::Listed(rows) => Arc::clone(rows),
        }
    }

    /// The first `take` rows after `skip` of them.
    pub fn slice(&self, skip: usize, take: usize) -> RowSet {
        let rows = match self {
            RowSet::All(len) => {
                let start = skip.min(*len);
                let end = start.saturating_add(take).min(*len);
                if start == 0 && end == *len {
                    return self.clone();
                }
                (start as u32..end as u32).collect()
            }
            RowSet::Mask(mask) if mask.rows.get().is_none() => mask
                .bits
                .set_indices()
                .skip(skip)
                .take(take)
                .map(|row| row as u32)
                .collect(),
            _ => self.rows().iter().skip(skip).take(take).copied().collect(),
        };
        RowSet::listed(rows)
    }

    /// The rows at these positions, in their order.
    pub fn at(&self, positions: &[u32]) -> RowSet {
        match self {
            RowSet::All(_) => RowSet::listed(positions.to_vec()),
            _ => {
                let rows = self.rows();
                RowSet::listed(positions.iter().map(|at| rows[*at as usize]).collect())
            }
        }
    }

    /// The rows at the positions whose bit is set; `keep` has one bit a row.
    pub fn filter(&self, keep: BooleanBuffer) -> RowSet {
        match self {
            RowSet::All(_) => RowSet::masked(keep),
            _ => {
                let rows = self.rows();
                RowSet::listed(keep.set_indices().map(|at| rows[at]).collect())
            }
        }
    }

    /// Of a mask over the whole source, the rows that are also in `keep`, which covers the whole source too.
    pub fn and(&self, keep: &BooleanBuffer) -> Option<RowSet> {
        match self {
            RowSet::All(_) => Some(RowSet::masked(keep.clone())),
            RowSet::Mask(mask) => Some(RowSet::masked(&mask.bits & keep)),
            RowSet::Listed(_) => None,
        }
    }
}
