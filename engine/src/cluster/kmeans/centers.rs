//! Centres packed for products, near ones beside each other, and how far they have moved.
//!
//! A row keeps one bound for every group of centres. A group of centres that lie near each other is near to few rows, so
//! most bounds hold for long; a group of any centres is near to nearly all. So panels are filled along an order in which
//! near centres follow each other. Labels never speak of that order.

use rayon::prelude::*;

use crate::linalg::{Isa, LANES, Panels, bound, squared_distance};

/// Every bound is widened by this share, which covers its own roundings.
pub(super) const SLACK: f32 = 1.0 / (1 << 20) as f32;
/// The most bounds of all rows together: 256 MB.
const BOUNDS: usize = 64 << 20;

/// How much a distance computed in f32 may be off, as a share of it.
pub(super) fn relative_slack(dims: usize) -> f32 {
    (dims as f32 / 32.0 + 16.0) / (1 << 24) as f32 + SLACK
}

/// An order of the centres.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// The centre in each slot.
    pub center: Vec<u32>,
    /// The slot of each centre.
    pub slot: Vec<u32>,
    /// Panels that share a bound.
    pub width: usize,
}

impl Order {
    /// Fills panel after panel with a centre that is left and those nearest to it. `rows` is how many rows will have
    /// bounds. O(k² d / 16).
    pub fn near(centers: &[f32], dims: usize, rows: usize) -> Order {
        let k = centers.len() / dims;
        let row = |c: u32| &centers[c as usize * dims..][..dims];
        let mut left: Vec<u32> = (0..k as u32).collect();
        let mut center = Vec::with_capacity(k);
        let mut far: Vec<(f32, u32)> = Vec::new();
        while left.len() > LANES {
            let pivot = row(left[0]);
            left.par_iter()
                .with_min_len(256)
                .map(|&c| (squared_distance(row(c), pivot), c))
                .collect_into_vec(&mut far);
            let by = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            far.select_nth_unstable_by(LANES - 1, by);
            far[..LANES].sort_unstable_by(by);
            center.extend(far[..LANES].iter().map(|&(_, c)| c));
            left.clear();
            left.extend(far[LANES..].iter().map(|&(_, c)| c));
            left.sort_unstable();
        }
        center.extend(left);
        let mut slot = vec![0; k];
        for (at, &c) in center.iter().enumerate() {
            slot[c as usize] = at as u32;
        }
        Order {
            center,
            slot,
            width: (rows * k.div_ceil(LANES)).div_ceil(BOUNDS).max(1),
        }
    }

    /// The number of groups that have a bound.
    pub fn groups(&self) -> usize {
        self.center.len().div_ceil(LANES).div_ceil(self.width)
    }

    /// The group that a centre is in.
    pub fn group(&self, center: u32) -> usize {
        self.slot[center as usize] as usize / LANES / self.width
    }
}

/// Centres in working units, packed.
#[derive(Debug)]
pub(super) struct Centers {
    /// The centres as they are numbered.
    pub rows: Vec<f32>,
    pub panels: Panels,
    /// The squared length of the centre in each slot; infinite where a panel is only padded.
    pub offsets: Vec<f32>,
    /// The most that a centre adds to the bound of its pairs.
    pub share: f32,
}

impl Centers {
    /// Packs centres, `dims` coordinates each, along an order. `usual` is that of the rows.
    pub fn new(isa: Isa, rows: Vec<f32>, dims: usize, order: &Order, usual: f32) -> Centers {
        let panels = Panels::pack_with(isa, rows.len() / dims, dims, |first, out| {
            for (&c, out) in order.center[first..].iter().zip(out.chunks_exact_mut(dims)) {
                out.copy_from_slice(&rows[c as usize * dims..][..dims]);
            }
        });
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        Centers {
            share: most_share(&panels, dims, usual),
            rows,
            panels,
            offsets,
        }
    }

    pub fn row(&self, at: u32, dims: usize) -> &[f32] {
        &self.rows[at as usize * dims..][..dims]
    }
}

/// The most that a packed row adds to the bound of its pairs.
pub(super) fn most_share(panels: &Panels, dims: usize, usual: f32) -> f32 {
    let rows = panels.norms().iter().zip(panels.moves());
    rows.map(|(&norm, &moved)| bound::share(dims, norm, moved, usual))
        .fold(0.0, f32::max)
}

/// How far the centres moved since the last assignment.
#[derive(Debug)]
pub(super) struct Moves {
    pub each: Vec<f32>,
    /// The farthest of each group.
    pub most: Vec<f32>,
    /// Which centre that is, and the second farthest of its group.
    pub farthest: Vec<(u32, f32)>,
}

impl Moves {
    /// The moves between two sets of centres.
    pub fn new(from: &[f32], to: &[f32], dims: usize, order: &Order) -> Moves {
        let slack = relative_slack(dims);
        let each: Vec<f32> = from
            .par_chunks_exact(dims)
            .zip(to.par_chunks_exact(dims))
            .with_min_len(64)
            .map(|(a, b)| squared_distance(a, b).sqrt() * (1.0 + slack))
            .collect();
        let mut most = Vec::new();
        let mut farthest = Vec::new();
        for group in order.center.chunks(order.width * LANES) {
            let (mut at, mut first, mut second) = (group[0], 0.0, 0.0);
            for &center in group {
                let by = each[center as usize];
                if by > first {
                    (second, first, at) = (first, by, center);
                } else if by > second {
                    second = by;
                }
            }
            most.push(first);
            farthest.push((at, second));
        }
        Moves {
            each,
            most,
            farthest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::tests::cloud;

    #[test]
    fn an_order_holds_every_centre_once_and_near_ones_together() {
        let noise = cloud(100, 4, 3);
        // Five far places, taken in turn.
        let rows: Vec<f32> = (0..400)
            .map(|at| noise[[at / 4, at % 4]] * 0.1 + ((at / 4) % 5) as f32 * 100.0)
            .collect();
        let order = Order::near(&rows, 4, 1000);
        let mut sorted = order.center.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..100));
        for (at, &c) in order.center.iter().enumerate() {
            assert_eq!(order.slot[c as usize], at as u32);
        }
        assert!(order.center[..16].iter().all(|c| c % 5 == 0));
        assert_eq!((order.groups(), order.width), (7, 1));
        let wide = Order::near(&rows, 4, BOUNDS / 3);
        assert_eq!((wide.groups(), wide.width), (3, 3));
        assert_eq!(wide.group(wide.center[48]), 1);
    }

    #[test]
    fn moves_know_the_farthest_and_the_second_of_each_group() {
        let from = vec![0.0; 20];
        let mut to = from.clone();
        (to[3], to[5], to[17]) = (3.0, -4.0, 2.0);
        let order = Order {
            center: (0..20).collect(),
            slot: (0..20).collect(),
            width: 1,
        };
        let moves = Moves::new(&from, &to, 1, &order);
        assert!((moves.most[0] - 4.0).abs() < 1e-4 && moves.most[0] >= 4.0);
        assert_eq!(moves.farthest[0].0, 5);
        assert!((moves.farthest[0].1 - 3.0).abs() < 1e-4);
        assert_eq!(moves.farthest[1].1, 0.0);
    }
}
