//! Sums of distances from each row to each cluster, or to those that may be next to it.
//!
//! Where bounds ([`next`](super::next)) leave few clusters to a row, only their distances are added up: blocks of the rows that a
//! cluster is left to meet the cluster's rows. Where they leave most, every pair of rows is met once. Then rows are sorted by cluster, so along a tile of products a row's sums are sums of stretches, and across it a column
//! gains one number for each stretch of rows. Every tile serves both of its sides, so only half of all pairs is
//! multiplied. Blocks of rows meet in rounds, each block at most once a round: no two threads add to one sum, and the
//! order of additions is that of the rounds, whatever the number of threads.

use rayon::prelude::*;

use super::next::Next;
use super::rounding::Rounding;
use super::{Groups, Means};
use crate::context::{Cancelled, Context};
use crate::error::Error;
use crate::linalg::{Block, Isa, LANES, Panels, add_up, distances, isa, products, total};
use crate::neighbors::Points;

/// Rows of a tile.
const ROWS: usize = 64;
/// Columns of a tile: with its rows it stays in the second-level cache.
const COLUMNS: usize = 256;
/// Squared distances below this share of the squared lengths have lost too many digits in a product of f32.
const CANCELLED: f32 = 1e-3;
/// The same of bfloat16.
const CANCELLED_ROUNDED: f32 = 0.05;
/// More sums than this are not held at once; rows are then taken block by block, each pair twice.
const MOST_SUMS: usize = 1 << 26;
/// Fewer rows than this are not worth bounds.
const ROWS_FOR_BOUNDS: usize = 2048;
/// Rows that are asked what bounds leave.
const PILOT: usize = 512;
/// Where a row has more rows than this to meet in other clusters, finding principal directions costs less.
const ROWS_FOR_DIRECTIONS: f64 = 4000.0;
/// Bounds are used where they leave less than this share of the pairs.
const BOUNDS_PAY: f64 = 0.85;
/// Rows whose lists of next clusters are held at once.
const PLACES: usize = 8192;

/// All rows that are in clusters, ready to be multiplied.
pub(super) struct Pairs<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    groups: &'a Groups,
    panels: Panels,
    /// Squared lengths, zero for the lanes that pad the last panel.
    norms: Vec<f32>,
    /// How much the products are rounded, where they are.
    rounding: Option<Rounding>,
    /// From a sum as it is made here to one in the metric's units.
    unit: f64,
}

/// The clusters ready to be ruled out.
pub(super) struct Bounds<'a> {
    next: Next<'a>,
    /// About how many rows each row has left to meet.
    pub rows: f64,
}

/// What a thread works with.
struct Buffers {
    left: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    across: Vec<f32>,
}

impl<'a> Pairs<'a> {
    /// Packs the rows in the order of the groups. O(n d).
    pub fn new(
        isa: Isa,
        rounding: Option<Rounding>,
        points: &'a Points<'a>,
        groups: &'a Groups,
    ) -> Pairs<'a> {
        let dims = points.dims();
        let panels = Panels::pack_with(isa, groups.rows.len(), dims, |first, out| {
            for (at, out) in out.chunks_exact_mut(dims).enumerate() {
                points.working_row(isa, groups.rows[first + at], out);
            }
        });
        let mut norms = panels.norms().to_vec();
        norms.resize(panels.len() * LANES, 0.0);
        Pairs {
            isa,
            points,
            groups,
            norms,
            rounding,
            unit: f64::from(points.distance(1.0)) / points.squared_scale().sqrt(),
            panels,
        }
    }

    /// The means of every row, in the order of the groups. O(n² d / 2).
    pub fn all(&self, context: &Context) -> Result<Vec<Means>, Cancelled> {
        let (n, count) = (self.groups.rows.len(), self.groups.len());
        if n.saturating_mul(count) > MOST_SUMS {
            return self.of(&(0..n).collect::<Vec<_>>(), context);
        }
        let size = (n / 64).next_multiple_of(ROWS).clamp(ROWS, 1024);
        let blocks = n.div_ceil(size);
        let range = |block: usize| block * size..((block + 1) * size).min(n);
        let mut sums: Vec<Vec<f64>> = (0..blocks)
            .map(|block| vec![0.0; range(block).len() * count])
            .collect();
        // With an odd number of places at the table, round r seats i opposite j where i + j = r.
        let places = blocks | 1;
        let step = context.step("silhouette", (blocks * (blocks + 1) / 2) as u64);
        for round in 0..places {
            let mut tasks = Vec::new();
            for i in 0..blocks {
                let j = (round + places - i) % places;
                if i <= j && j < blocks {
                    let left = std::mem::take(&mut sums[i]);
                    let right = if i < j {
                        std::mem::take(&mut sums[j])
                    } else {
                        Vec::new()
                    };
                    tasks.push((i, j, left, right));
                }
            }
            tasks.par_iter_mut().with_max_len(1).try_for_each_init(
                || self.buffers(),
                |buffers, (i, j, left, right)| {
                    step.tick(1)?;
                    for first in range(*i).step_by(ROWS) {
                        let rows: Vec<usize> = (first..(first + ROWS).min(range(*i).end)).collect();
                        let at = (first - range(*i).start) * count;
                        let across = (*i != *j).then_some(right.as_mut_slice());
                        self.meet(&rows, range(*j), &mut left[at..], across, buffers);
                    }
                    Ok(())
                },
            )?;
            for (i, j, left, right) in tasks {
                sums[i] = left;
                if i < j {
                    sums[j] = right;
                }
            }
        }
        let means: Vec<Vec<Means>> = sums
            .into_par_iter()
            .enumerate()
            .map(|(block, sums)| {
                let each = range(block).zip(sums.chunks_exact(count));
                each.map(|(at, sums)| self.means(at, sums.iter().copied().enumerate()))
                    .collect()
            })
            .collect();
        Ok(means.into_iter().flatten().collect())
    }

    /// The means of the rows at some places of the order. O(m n d).
    pub fn of(&self, places: &[usize], context: &Context) -> Result<Vec<Means>, Cancelled> {
        let (n, count) = (self.groups.rows.len(), self.groups.len());
        let step = context.step("silhouette", places.len() as u64);
        let means: Vec<Vec<Means>> = places
            .par_chunks(ROWS)
            .map_init(
                || self.buffers(),
                |buffers, block| {
                    step.tick(block.len() as u64)?;
                    let mut sums = vec![0.0; block.len() * count];
                    self.meet(block, 0..n, &mut sums, None, buffers);
                    let each = block.iter().zip(sums.chunks_exact(count));
                    Ok(each
                        .map(|(&at, sums)| self.means(at, sums.iter().copied().enumerate()))
                        .collect())
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(means.into_iter().flatten().collect())
    }

    /// The means of the rows at some places of the order, by bounds where they leave less to do. O(m n d) at most.
    pub fn means_at(
        &self,
        places: &[usize],
        bounds: Option<&Bounds<'_>>,
        context: &Context,
    ) -> Result<Vec<Means>, Cancelled> {
        let (n, count) = (self.groups.rows.len(), self.groups.len());
        let whole = places.len() == n;
        let once = whole && n.saturating_mul(count) <= MOST_SUMS;
        let all = if once { n as f64 / 2.0 } else { n as f64 };
        match bounds {
            Some(bounds) if bounds.rows < BOUNDS_PAY * all => {
                self.by_bounds(&bounds.next, places, context)
            }
            _ if whole => self.all(context),
            _ => self.of(places, context),
        }
    }

    /// Bounds, and what they leave for a few of the rows; none where they could not be worth their while.
    pub fn bounds(&self, context: &Context) -> Result<Option<Bounds<'_>>, Error> {
        let (n, count) = (self.groups.rows.len(), self.groups.len());
        if n < ROWS_FOR_BOUNDS || count < 4 || count > n / 8 {
            return Ok(None);
        }
        let step = context.step("bound the clusters", 0);
        let mut next = Next::new(isa().for_dims(1), self.points, self.groups, &step)?;
        let pilot: Vec<usize> = (0..PILOT).map(|i| i * n / PILOT).collect();
        let met = |next: &Next<'_>| -> Result<f64, Error> {
            let lists = next.lists(&pilot, context)?;
            let each = lists.iter().enumerate();
            let met = each.map(|(cluster, list)| list.len() * self.groups.size(cluster));
            Ok(met.sum::<usize>() as f64 / PILOT as f64)
        };
        let mut others = met(&next)?;
        if others > ROWS_FOR_DIRECTIONS {
            next.find_directions(&step)?;
            others = met(&next)?;
        }
        let squares = (0..count).map(|cluster| (self.groups.size(cluster) as f64).powi(2));
        let own = squares.sum::<f64>() / n as f64;
        Ok(Some(Bounds {
            next,
            rows: own + others,
        }))
    }

    /// The means of the rows at some places, by the clusters that bounds leave. O(m rows left d).
    pub fn by_bounds(
        &self,
        next: &Next<'_>,
        places: &[usize],
        context: &Context,
    ) -> Result<Vec<Means>, Cancelled> {
        let mut means = Vec::with_capacity(places.len());
        let step = context.step("silhouette", places.len() as u64);
        let (mut all, mut staging) = (Block::new(self.isa), Vec::new());
        for places in places.chunks(PLACES) {
            let numbers = places.iter().map(|&at| self.groups.rows[at]);
            self.points.block(numbers, self.isa, &mut all, &mut staging);
            let mut lists = next.lists(places, context)?;
            for (at, &place) in places.iter().enumerate() {
                lists[self.groups.cluster(place)].push(at as u32);
            }
            let tasks: Vec<(usize, &[u32])> = lists
                .iter()
                .enumerate()
                .flat_map(|(cluster, list)| list.chunks(ROWS).map(move |rows| (cluster, rows)))
                .collect();
            let sums: Vec<Vec<f64>> = tasks
                .par_iter()
                .map_init(
                    || self.buffers(),
                    |buffers, &(cluster, rows)| {
                        step.tick(0)?;
                        buffers.left.gather(&all, rows);
                        let rows: Vec<usize> = rows.iter().map(|&at| places[at as usize]).collect();
                        Ok(self.sums_of(cluster, &rows, buffers))
                    },
                )
                .collect::<Result<_, Cancelled>>()?;
            let mut of_row: Vec<Vec<(usize, f64)>> = vec![Vec::new(); places.len()];
            for ((cluster, rows), sums) in tasks.iter().zip(&sums) {
                for (&at, &sum) in rows.iter().zip(sums) {
                    of_row[at as usize].push((*cluster, sum));
                }
            }
            let each = places.par_iter().zip(&of_row).with_min_len(64);
            means.extend(
                each.map(|(&at, sums)| self.means(at, sums.iter().copied()))
                    .collect::<Vec<_>>(),
            );
            step.tick(places.len() as u64)?;
        }
        Ok(means)
    }

    /// The sums of distances from the rows at some places, which are those in the left block, to the rows of one cluster.
    fn sums_of(&self, cluster: usize, rows: &[usize], buffers: &mut Buffers) -> Vec<f64> {
        let Buffers { left, tile, .. } = buffers;
        let share = self.share();
        let members = self.groups.starts[cluster]..self.groups.starts[cluster + 1];
        let mut sums = vec![0.0; rows.len()];
        for first in (members.start / LANES * LANES..members.end).step_by(COLUMNS) {
            let panels = first / LANES..(first + COLUMNS).min(members.end).div_ceil(LANES);
            products(left, &self.panels, panels, tile, COLUMNS);
            let columns = members.start.max(first)..members.end.min(first + COLUMNS);
            let norms = &self.norms[columns.clone()];
            for (i, (&at, sum)) in rows.iter().zip(&mut sums).enumerate() {
                let values = &mut tile[i * COLUMNS + columns.start - first..][..columns.len()];
                if distances(self.isa, self.norms[at], norms, values, share) {
                    self.again(at, columns.start, values);
                }
                *sum += f64::from(total(self.isa, values));
            }
        }
        sums
    }

    /// Which squares have lost too many digits.
    fn share(&self) -> f32 {
        if self.rounding.is_some() {
            CANCELLED_ROUNDED
        } else {
            CANCELLED
        }
    }

    fn buffers(&self) -> Buffers {
        Buffers {
            left: Block::new(self.isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * COLUMNS],
            across: vec![0.0; COLUMNS],
        }
    }

    /// Adds the distances between the rows at `rows` (at most [`ROWS`] places of the order) and those at `others` (which
    /// begin at a panel) to the sums of the rows and, if they are given, to those of the others.
    fn meet(
        &self,
        rows: &[usize],
        others: std::ops::Range<usize>,
        sums: &mut [f64],
        mut other_sums: Option<&mut [f64]>,
        buffers: &mut Buffers,
    ) {
        let Buffers {
            left,
            staging,
            tile,
            across,
        } = buffers;
        let count = self.groups.len();
        let numbers = rows.iter().map(|&at| self.groups.rows[at]);
        self.points.block(numbers, self.isa, left, staging);
        let share = self.share();
        let clusters: Vec<usize> = rows.iter().map(|&at| self.groups.cluster(at)).collect();
        for first in others.clone().step_by(COLUMNS) {
            let last = (first + COLUMNS).min(others.end);
            let panels = first / LANES..last.div_ceil(LANES);
            let padded = panels.len() * LANES;
            products(left, &self.panels, panels, tile, COLUMNS);
            let norms = &self.norms[first..first + padded];
            let lead = self.groups.cluster(first);
            for (i, &at) in rows.iter().enumerate() {
                let values = &mut tile[i * COLUMNS..][..padded];
                if distances(self.isa, self.norms[at], norms, values, share) {
                    self.again(at, first, &mut values[..last - first]);
                }
                let sums = &mut sums[i * count..(i + 1) * count];
                let mut begin = first;
                for (cluster, sum) in sums.iter_mut().enumerate().skip(lead) {
                    let end = self.groups.starts[cluster + 1].min(last);
                    *sum += f64::from(total(self.isa, &values[begin - first..end - first]));
                    begin = end;
                    if begin == last {
                        break;
                    }
                }
            }
            let Some(other_sums) = other_sums.as_deref_mut() else {
                continue;
            };
            let from = first - others.start;
            let mut i = 0;
            while i < rows.len() {
                let cluster = clusters[i];
                let across = &mut across[..last - first];
                across.fill(0.0);
                while i < rows.len() && clusters[i] == cluster {
                    add_up(self.isa, across, &tile[i * COLUMNS..][..last - first]);
                    i += 1;
                }
                for (column, &value) in across.iter().enumerate() {
                    other_sums[(from + column) * count + cluster] += f64::from(value);
                }
            }
        }
    }

    /// Computes the distances that a product could not tell, from the rows themselves.
    fn again(&self, at: usize, first: usize, values: &mut [f32]) {
        let row = self.groups.rows[at];
        for (column, value) in values.iter_mut().enumerate() {
            if *value < 0.0 {
                let kept = self.points.squared(row, self.groups.rows[first + column]);
                let square = (f64::from(kept) * self.points.squared_scale()) as f32;
                *value = square.sqrt();
            }
        }
    }

    /// The means of the row at `at` from its sums over the clusters, of which its own is one.
    fn means(&self, at: usize, sums: impl Iterator<Item = (usize, f64)>) -> Means {
        let own = self.groups.cluster(at);
        let rounded = self.rounding.as_ref().map(|rounding| {
            let mut row = vec![0.0; self.points.dims()];
            self.points
                .working_row(self.isa, self.groups.rows[at], &mut row);
            (rounding, rounding.row(&row))
        });
        let (mut inside, mut outside) = (f64::NAN, f64::INFINITY);
        for (cluster, sum) in sums {
            let others = self.groups.size(cluster) - usize::from(cluster == own);
            let sum = match &rounded {
                Some((rounding, row)) => rounding.undo(row, cluster, cluster == own, others, sum),
                None => sum,
            };
            let mean = sum / others as f64;
            if cluster != own {
                outside = outside.min(mean);
            } else if others > 0 {
                inside = mean;
            }
        }
        Means {
            inside: inside * self.unit,
            outside: outside * self.unit,
        }
    }
}
