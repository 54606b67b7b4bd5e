//! Barnes-Hut: far points push together, through the centre of the cell that holds them.
//!
//! Points are put in the order of a space-filling curve, so a cell is a range of them; cells are kept in the order of
//! a walk, each with the place to go on where it is not entered, so that a search needs no stack.

use rayon::prelude::*;

/// A cell of at most this many points is not divided.
const LEAF: usize = 8;
/// Points of one task.
const POINTS: usize = 128;
/// Bits of a coordinate in the curve.
const BITS: u32 = 21;

/// A cell.
#[derive(Debug, Clone, Copy)]
struct Cell<const D: usize> {
    /// The mean of its points.
    centre: [f32; D],
    /// Its longest side, squared.
    side: f32,
    /// Its points, in the curve's order.
    first: u32,
    count: u32,
    /// The cell to go on with when this one is not entered.
    next: u32,
    leaf: bool,
}

/// A tree over points.
#[derive(Debug)]
pub struct Tree<const D: usize> {
    cells: Vec<Cell<D>>,
    /// The points along the curve, and their numbers.
    places: Vec<[f32; D]>,
    order: Vec<u32>,
}

impl<const D: usize> Tree<D> {
    /// Sorts the points into cells. O(n log n).
    pub fn new(points: &[[f32; D]]) -> Tree<D> {
        let (mut low, mut high) = ([f32::INFINITY; D], [f32::NEG_INFINITY; D]);
        for point in points {
            for axis in 0..D {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let span = (0..D)
            .map(|axis| high[axis] - low[axis])
            .fold(0.0, f32::max);
        let steps = f64::from((1_u32 << BITS) - 1);
        let by = if span > 0.0 {
            steps / f64::from(span)
        } else {
            0.0
        };
        let mut keyed: Vec<(u64, u32)> = points
            .par_iter()
            .enumerate()
            .map(|(i, point)| {
                let cell: [u32; D] = std::array::from_fn(|axis| {
                    (f64::from(point[axis] - low[axis]) * by).min(steps) as u32
                });
                (curve(cell), i as u32)
            })
            .collect();
        keyed.par_sort_unstable();
        let places: Vec<[f32; D]> = keyed.iter().map(|&(_, i)| points[i as usize]).collect();
        let mut tree = Tree {
            cells: Vec::with_capacity(points.len() / 2),
            places,
            order: keyed.iter().map(|&(_, i)| i).collect(),
        };
        if !points.is_empty() {
            tree.divide(&keyed, 0, keyed.len(), BITS);
        }
        tree
    }

    /// Makes the cell of `keyed[first..last]`, whose keys agree above `level` bits a coordinate, and the cells in it.
    /// The depth is at most [`BITS`].
    fn divide(&mut self, keyed: &[(u64, u32)], first: usize, last: usize, level: u32) {
        let at = self.cells.len();
        let points = &self.places[first..last];
        let (mut low, mut high) = (points[0], points[0]);
        let mut sum = [0.0_f64; D];
        for point in points {
            for axis in 0..D {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
                sum[axis] += f64::from(point[axis]);
            }
        }
        let side = (0..D)
            .map(|axis| high[axis] - low[axis])
            .fold(0.0, f32::max);
        let leaf = points.len() <= LEAF || level == 0;
        self.cells.push(Cell {
            centre: sum.map(|sum| (sum / points.len() as f64) as f32),
            side: side * side,
            first: first as u32,
            count: points.len() as u32,
            next: 0,
            leaf,
        });
        if !leaf {
            let shift = (level - 1) * D as u32;
            let mut begin = first;
            while begin < last {
                let child = keyed[begin].0 >> shift;
                let count = keyed[begin..last].partition_point(|&(key, _)| key >> shift == child);
                self.divide(keyed, begin, begin + count, level - 1);
                begin += count;
            }
        }
        self.cells[at].next = self.cells.len() as u32;
    }

    /// The pushes of all points on each, and the sum over pairs; a cell counts as one where its side is below `theta`
    /// times its distance. O(n log n) for a `theta` above 0.
    pub fn pushes(&self, theta: f32, out: &mut [[f32; D]]) -> f64 {
        let ranks: Vec<u32> = (0..self.order.len() as u32).collect();
        let found: Vec<(Vec<[f32; D]>, f64)> = ranks
            .par_chunks(POINTS)
            .map(|ranks| {
                let mut sum = 0.0;
                let pushes = ranks.iter().map(|&rank| {
                    let place = self.places[rank as usize];
                    let (push, value) = self.push_at(place, theta, Some(rank));
                    sum += f64::from(value);
                    push
                });
                (pushes.collect(), sum)
            })
            .collect();
        let pushes = found.iter().flat_map(|(pushes, _)| pushes);
        for (&i, push) in self.order.iter().zip(pushes) {
            out[i as usize] = *push;
        }
        found.iter().map(|(_, sum)| sum).sum()
    }

    /// The push at `place` and the sum of `1 / (1 + distance²)`, without the point of rank `own` on the curve.
    pub fn push_at(&self, place: [f32; D], theta: f32, own: Option<u32>) -> ([f32; D], f32) {
        let theta = theta * theta;
        let own = own.unwrap_or(u32::MAX);
        let (mut push, mut sum) = ([0.0_f32; D], 0.0_f32);
        let mut at = 0;
        while let Some(cell) = self.cells.get(at) {
            let holds_own = own.wrapping_sub(cell.first) < cell.count;
            let apart: [f32; D] = std::array::from_fn(|axis| place[axis] - cell.centre[axis]);
            let square = apart.iter().fold(0.0, |sum, gap| sum + gap * gap);
            if !holds_own && cell.side < theta * square {
                let near = 1.0 / (1.0 + square);
                let many = cell.count as f32 * near;
                sum += many;
                for axis in 0..D {
                    push[axis] += many * near * apart[axis];
                }
                at = cell.next as usize;
                continue;
            }
            if cell.leaf {
                for rank in cell.first..cell.first + cell.count {
                    if rank == own {
                        continue;
                    }
                    let other = self.places[rank as usize];
                    let apart: [f32; D] = std::array::from_fn(|axis| place[axis] - other[axis]);
                    let near = 1.0 / apart.iter().fold(1.0, |sum, gap| sum + gap * gap);
                    sum += near;
                    for axis in 0..D {
                        push[axis] += near * near * apart[axis];
                    }
                }
                at = cell.next as usize;
            } else {
                at += 1;
            }
        }
        (push, sum)
    }
}

/// A cell's place on the curve: the bits of its coordinates in turn, highest first (Morton's order).
fn curve<const D: usize>(cell: [u32; D]) -> u64 {
    let mut key = 0;
    for bit in (0..BITS).rev() {
        for coordinate in cell {
            key = key << 1 | u64::from(coordinate >> bit & 1);
        }
    }
    key
}
