//! Seeds that climb together: which rows lie around each is a tile of products, their mean a product with a tile of 0
//! and 1.
//!
//! Products propose who is near; where their error bound leaves a doubt the f32 distance decides, so that a step leads to
//! the same mean whichever tile it is made in.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use crate::context::{Cancelled, Step};
use crate::linalg::{Block, Isa, LANES, Panels, bound, isa, products, squared_distance};
use crate::neighbors::Points;

/// Seeds that are moved together.
const SEEDS: usize = 64;
/// Panels of rows in a strip; a tile of products stays in the second-level cache.
const PANELS: usize = 48;
/// A seed has arrived when it moves by at most this share of the radius.
const STILL: f64 = 1e-3;

/// The rows that are climbed on, in working units.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    points: &'a Points<'a>,
    isa: Isa,
    rows: Vec<f32>,
    panels: Panels,
    /// The squared length of each row, infinite for padding.
    offsets: Vec<f32>,
    longest: f32,
    radius: f64,
}

/// Where a seed arrived.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peak {
    pub place: Vec<f32>,
    /// How many rows lay around the place before it.
    pub rows: u32,
    /// The last of the seeds that came here together.
    pub seed: u32,
}

impl<'a> Ground<'a> {
    /// Packs the rows.
    pub fn new(points: &'a Points<'a>) -> Ground<'a> {
        let (n, dims) = (points.len(), points.dims());
        // f32: a bound of bfloat16 would leave too many rows around the radius to be decided one by one.
        let isa = isa().for_dims(1);
        let mut rows = vec![0.0; n * dims];
        rows.par_chunks_exact_mut(dims)
            .enumerate()
            .for_each(|(at, out)| points.working_row(isa, at, out));
        Ground::packed(points, isa, rows)
    }

    fn packed(points: &'a Points<'a>, isa: Isa, rows: Vec<f32>) -> Ground<'a> {
        let panels = Panels::pack(isa, &rows, points.dims());
        let mut offsets = panels.norms().to_vec();
        offsets.resize(panels.len() * LANES, f32::INFINITY);
        let longest = panels.norms().iter().copied().fold(0.0, f32::max);
        Ground {
            points,
            isa,
            rows,
            panels,
            offsets,
            longest,
            radius: 0.0,
        }
    }

    /// Some of the rows alone.
    pub fn part(&self, rows: &[usize]) -> Ground<'a> {
        let dims = self.dims();
        let own = rows.iter().flat_map(|row| &self.rows[row * dims..][..dims]);
        Ground::packed(self.points, self.isa, own.copied().collect())
    }

    pub fn len(&self) -> usize {
        self.panels.rows()
    }

    pub fn dims(&self) -> usize {
        self.points.dims()
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }

    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    pub fn panels(&self) -> &Panels {
        &self.panels
    }

    /// Rows within this distance count.
    pub fn set_radius(&mut self, radius: f64) {
        self.radius = radius;
    }

    pub fn squared_radius(&self) -> f32 {
        (self.radius * self.radius) as f32
    }

    /// Lets all seeds climb, at most `max_iter + 1` steps each. Gives where they arrived, and the most steps that led
    /// on. Seeds that never had a row around them are left out.
    pub fn climb(
        &self,
        seeds: Vec<f32>,
        max_iter: usize,
        step: &Step<'_>,
    ) -> Result<(Vec<Peak>, usize), Cancelled> {
        let dims = self.dims();
        let mut places = seeds;
        let mut last: Vec<u32> = (0..(places.len() / dims) as u32).collect();
        let still = STILL * self.radius;
        let mut peaks = Vec::new();
        let mut steps = 0;
        while !last.is_empty() {
            let (means, counts) = self.shift(&places, step)?;
            let mut next = Vec::new();
            let mut climbing = Vec::new();
            for (at, (&count, &seed)) in counts.iter().zip(&last).enumerate() {
                let mean = &means[at * dims..][..dims];
                let moved = squared_distance(mean, &places[at * dims..][..dims]);
                if count == 0 {
                } else if steps == max_iter || f64::from(moved).sqrt() <= still {
                    peaks.push(Peak {
                        place: mean.to_vec(),
                        rows: count,
                        seed,
                    });
                } else {
                    next.extend_from_slice(mean);
                    climbing.push(seed);
                }
            }
            if climbing.is_empty() {
                break;
            }
            steps += 1;
            (places, last) = meet(next, climbing, dims);
        }
        Ok((peaks, steps))
    }

    /// The mean of the rows around each place, and how many they are.
    fn shift(&self, places: &[f32], step: &Step<'_>) -> Result<(Vec<f32>, Vec<u32>), Cancelled> {
        let dims = self.dims();
        let mut means = vec![0.0; places.len()];
        let mut counts = vec![0; places.len() / dims];
        means
            .par_chunks_mut(SEEDS * dims)
            .zip(counts.par_chunks_mut(SEEDS))
            .zip(places.par_chunks(SEEDS * dims))
            .try_for_each_init(
                || Buffers {
                    block: Block::new(self.isa),
                    tile: vec![0.0; SEEDS * PANELS * LANES],
                    sum: vec![0.0; SEEDS * dims],
                    sums: vec![0.0; SEEDS * dims],
                },
                |buffers, ((means, counts), places)| {
                    step.tick(counts.len() as u64)?;
                    self.shift_block(places, means, counts, buffers);
                    Ok(())
                },
            )?;
        Ok((means, counts))
    }

    fn shift_block(
        &self,
        places: &[f32],
        means: &mut [f32],
        counts: &mut [u32],
        buffers: &mut Buffers,
    ) {
        let dims = self.dims();
        let Buffers {
            block,
            tile,
            sum,
            sums,
        } = buffers;
        let (sum, sums) = (&mut sum[..places.len()], &mut sums[..places.len()]);
        sums.fill(0.0);
        block.fill(places, dims);
        for first in (0..self.panels.len()).step_by(PANELS) {
            let strip = first..(first + PANELS).min(self.panels.len());
            let width = strip.len() * LANES;
            products(block, &self.panels, strip, tile, width);
            let columns = first * LANES..(first * LANES + width).min(self.len());
            for ((place, tile), count) in places
                .chunks_exact(dims)
                .zip(tile.chunks_exact_mut(width))
                .zip(counts.iter_mut())
            {
                *count += self.mark(place, first * LANES, tile);
            }
            let height = counts.len();
            let near = ArrayView2::from_shape((height, width), &tile[..height * width]);
            let rows = &self.rows[columns.start * dims..columns.end * dims];
            let rows = ArrayView2::from_shape((columns.len(), dims), rows);
            let out = ArrayViewMut2::from_shape((height, dims), &mut *sum);
            if let (Ok(near), Ok(rows), Ok(mut out)) = (near, rows, out) {
                let near = near.slice(ndarray::s![.., ..columns.len()]);
                general_mat_mul(1.0, &near, &rows, 0.0, &mut out);
            }
            for (sums, sum) in sums.iter_mut().zip(sum.iter()) {
                *sums += f64::from(*sum);
            }
        }
        for ((mean, sums), &count) in means
            .chunks_exact_mut(dims)
            .zip(sums.chunks_exact(dims))
            .zip(counts.iter())
        {
            for (mean, sum) in mean.iter_mut().zip(sums) {
                *mean = (sum / f64::from(count.max(1))) as f32;
            }
        }
    }

    /// Turns products with the rows from `first` on into 1 for rows within the radius and 0 for others; how many lie within.
    fn mark(&self, place: &[f32], first: usize, tile: &mut [f32]) -> u32 {
        let norm: f64 = place.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        let norm = norm as f32;
        let e = bound::relative(self.dims(), 0.0, 0.0);
        let off = (e * (norm + self.longest) + bound::floor(self.dims())) * 1.001
            + 1e-6 * self.squared_radius();
        let mut doubtful = Vec::new();
        let mut within = pulp::Arch::new().dispatch(Mark {
            offsets: &self.offsets[first..][..tile.len()],
            tile,
            limit: self.squared_radius() - norm,
            off,
            doubtful: &mut doubtful,
        });
        for group in doubtful {
            let lanes = group * LANES..(group + 1) * LANES;
            for (row, known) in (first + lanes.start..self.len()).zip(&mut tile[lanes]) {
                let gap = squared_distance(place, &self.rows[row * self.dims()..][..self.dims()]);
                let inside = f32::from(u8::from(gap <= self.squared_radius()));
                within += inside - *known;
                *known = inside;
            }
        }
        within as u32
    }
}

struct Buffers {
    block: Block,
    tile: Vec<f32>,
    sum: Vec<f32>,
    sums: Vec<f64>,
}

/// Compares proposals with the limit, 16 at a time, and keeps the groups that hold a doubt.
struct Mark<'a> {
    offsets: &'a [f32],
    tile: &'a mut [f32],
    limit: f32,
    off: f32,
    doubtful: &'a mut Vec<usize>,
}

impl pulp::NullaryFnOnce for Mark<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut within = [0.0_f32; LANES];
        let groups = self
            .tile
            .chunks_exact_mut(LANES)
            .zip(self.offsets.chunks_exact(LANES));
        for (group, (tile, offsets)) in groups.enumerate() {
            let mut nearest_doubt = [f32::INFINITY; LANES];
            for lane in 0..LANES {
                let gap = offsets[lane] - 2.0 * tile[lane] - self.limit;
                tile[lane] = if gap <= 0.0 { 1.0 } else { 0.0 };
                within[lane] += tile[lane];
                nearest_doubt[lane] = gap.abs();
            }
            if nearest_doubt.iter().any(|gap| *gap <= self.off) {
                self.doubtful.push(group);
            }
        }
        within.iter().sum()
    }
}

/// Seeds at the same place go on as one, known by the last of them. The order stays that of the first.
fn meet(places: Vec<f32>, seeds: Vec<u32>, dims: usize) -> (Vec<f32>, Vec<u32>) {
    let keys: Vec<u64> = places
        .par_chunks_exact(dims)
        .map(|place| {
            place.iter().fold(0_u64, |key, v| {
                (key.rotate_left(5) ^ u64::from(v.to_bits())).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            })
        })
        .collect();
    let place = |at: usize| &places[at * dims..][..dims];
    let mut order: Vec<usize> = (0..seeds.len()).collect();
    order.sort_unstable_by_key(|&at| (keys[at], at));
    let mut first_of: Vec<usize> = (0..seeds.len()).collect();
    for group in order.chunk_by(|&a, &b| keys[a] == keys[b]) {
        for (position, &at) in group.iter().enumerate() {
            // Nearly always the first of the group; equal keys of different places are only possible.
            if let Some(&first) = group[..position].iter().find(|&&b| place(b) == place(at)) {
                first_of[at] = first_of[first];
            }
        }
    }
    let mut last = seeds.clone();
    for (at, &first) in first_of.iter().enumerate() {
        last[first] = last[first].max(seeds[at]);
    }
    let kept: Vec<usize> = (0..seeds.len()).filter(|&at| first_of[at] == at).collect();
    (
        kept.iter().flat_map(|&at| place(at)).copied().collect(),
        kept.iter().map(|&at| last[at]).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_that_meet_are_one() {
        let places = vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 5.0, 6.0, 1.0, 2.0];
        let (places, seeds) = meet(places, vec![4, 5, 9, 7, 6], 2);
        assert_eq!(places, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(seeds, [9, 5, 7]);
    }
}
