//! Rows in an order in which neighbours on the list are neighbours in space, with a box around every block of them.
//!
//! The leaves of a kd-tree, left to right, each a whole number of blocks: with few coordinates most pairs of blocks are
//! farther apart than a radius, and their boxes say so. With many coordinates boxes tell nothing; there rows stay as
//! they are and there are no boxes.

use super::Points;

/// Rows in a block.
pub(super) const BLOCK: usize = 64;
/// With more coordinates boxes would hardly ever be apart.
const FEW_DIMS: usize = 16;

/// An order of the rows.
#[derive(Debug)]
pub(super) struct Spatial {
    /// The row at each place.
    pub order: Vec<u32>,
    /// Per block its least coordinates, then its greatest; empty where there are no boxes.
    boxes: Vec<f32>,
    dims: usize,
}

impl Spatial {
    /// Sorts the rows where they have few coordinates. O(n log n); ties by row, so that nothing depends on threads.
    pub fn new(points: &Points<'_>) -> Spatial {
        let (n, dims) = (points.len(), points.dims());
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut boxes = Vec::new();
        if dims <= FEW_DIMS && n > BLOCK {
            halve(&|row: u32| points.row(row as usize), dims, &mut order);
            boxes.reserve(n.div_ceil(BLOCK) * 2 * dims);
            for block in order.chunks(BLOCK) {
                let (low, high) = corners(&|row: u32| points.row(row as usize), dims, block);
                boxes.extend(low);
                boxes.extend(high);
            }
        }
        Spatial { order, boxes, dims }
    }

    /// What the squared distance of a row of one block and a row of another is at least.
    pub fn apart(&self, a: usize, b: usize) -> f64 {
        if self.boxes.is_empty() {
            return 0.0;
        }
        let corners = |block: usize| self.boxes[block * 2 * self.dims..].split_at(self.dims);
        let ((a_low, a_high), (b_low, b_high)) = (corners(a), corners(b));
        (0..self.dims)
            .map(|at| {
                let gap = (f64::from(a_low[at]) - f64::from(b_high[at]))
                    .max(f64::from(b_low[at]) - f64::from(a_high[at]))
                    .max(0.0);
                gap * gap
            })
            .sum()
    }
}

/// The least and the greatest coordinates of some rows.
fn corners<'a>(
    row_at: &impl Fn(u32) -> &'a [f32],
    dims: usize,
    rows: &[u32],
) -> (Vec<f32>, Vec<f32>) {
    let mut low = vec![f32::INFINITY; dims];
    let mut high = vec![f32::NEG_INFINITY; dims];
    for &row in rows {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(row_at(row)) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }
    (low, high)
}

/// Halves the rows again and again across their widest side, at a multiple of [`BLOCK`]; ties by row.
pub(super) fn halve<'a>(
    row_at: &(impl Fn(u32) -> &'a [f32] + Sync),
    dims: usize,
    rows: &mut [u32],
) {
    if rows.len() <= BLOCK {
        rows.sort_unstable();
        return;
    }
    let (low, high) = corners(row_at, dims, rows);
    let width = |at: usize| f64::from(high[at]) - f64::from(low[at]);
    let widest = (0..dims)
        .reduce(|best, at| if width(at) > width(best) { at } else { best })
        .unwrap_or(0);
    let middle = rows.len().div_ceil(BLOCK) / 2 * BLOCK;
    let coordinate = |row: u32| row_at(row)[widest];
    rows.select_nth_unstable_by(middle, |&a, &b| {
        coordinate(a).total_cmp(&coordinate(b)).then(a.cmp(&b))
    });
    let (left, right) = rows.split_at_mut(middle);
    // The depth is the logarithm of the number of blocks.
    rayon::join(|| halve(row_at, dims, left), || halve(row_at, dims, right));
}
