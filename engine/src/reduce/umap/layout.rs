//! Stochastic gradient descent over the graph, in gather form.
//!
//! umap-learn takes the edges one by one and moves both ends, which is parallel or repeatable but not both. Here every
//! vertex computes its own move of an epoch from the positions at the epoch's start: the pulls of its edges, both
//! ends' shares, and the pushes of its negative samples, which a counter draws. Nobody writes another's row, so the
//! result is the same bits for any number of threads, and a vertex's samples are one batch for the vector units.
//!
//! Taken at once, pulls carry a vertex beyond the neighbours that they lead to, and pushes add up that a first one would
//! have ended. So pulls are eased to what they come to one after the other, and a batch of pushes goes no farther than
//! one may.

mod samples;
mod sums;

use std::ops::Range;

use rayon::prelude::*;

use self::samples::Samples;
use self::sums::{CLIP, LANES, STIFFEST, eased, stiffness, sum_clipped};
use super::curve::Curve;
use super::density::{Densities, Epoch};
use super::forces::Forces;
use crate::context::Context;
use crate::error::Error;
use crate::graph::Graph;
use crate::random;
use crate::reduce::vectors;

/// Vertices of one task.
const VERTICES: usize = 128;
/// Vertices whose samples are fetched together.
const GROUP: usize = 16;
/// A vertex with more pulls than this takes them in several steps, each from where the last one led.
const BATCH: usize = 16;
/// Schedules are fractions of this.
const WHOLE: u32 = 1 << 31;

/// What the descent depends on.
#[derive(Debug, Clone, Copy)]
pub struct Descent {
    /// Attraction and repulsion.
    pub curve: Curve,
    /// Rounds.
    pub epochs: usize,
    /// The first round's step; it falls linearly to 0.
    pub learning_rate: f64,
    /// Pushes a pull.
    pub negative_sample_rate: usize,
    /// How much a push weighs.
    pub repulsion_strength: f64,
}

/// Moves `points` (`n x dim`, row by row).
///
/// `O(epochs * edges * (1 + negative_sample_rate) * dim)` at most; an edge of weight `w` is sampled in a share
/// `w / max w` of the epochs, as umap-learn does. `densities` are to be kept in the last epochs.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn descend(
    points: &mut Vec<f32>,
    dim: usize,
    graph: &Graph,
    descent: &Descent,
    densities: Option<&Densities>,
    context: &Context,
) -> Result<(), Error> {
    let heaviest = graph.heaviest();
    let rates: Vec<u32> = graph
        .weights
        .iter()
        .map(|&weight| (f64::from(weight) / f64::from(heaviest) * f64::from(WHOLE)).round() as u32)
        .collect();
    let step = context.step("place points", descent.epochs as u64);
    let forces = Forces::new(descent.curve, descent.repulsion_strength);
    let mut next = points.clone();
    for epoch in 1..=descent.epochs {
        step.tick(1)?;
        let density = densities
            .filter(|densities| densities.count(epoch, descent.epochs))
            .map(|densities| densities.measure(points, dim, graph, descent.curve));
        let round = Round {
            density: density.as_ref(),
            points,
            graph,
            rates: &rates,
            epoch: epoch as u32,
            alpha: (descent.learning_rate * (1.0 - (epoch - 1) as f64 / descent.epochs as f64))
                as f32,
            forces,
            negatives: descent.negative_sample_rate,
            seed: random::bits(context.seed, 0x556D_6170, epoch as u64),
        };
        next.par_chunks_mut(VERTICES * dim)
            .enumerate()
            .for_each_init(Scratch::default, |scratch, (piece, rows)| {
                let first = piece * VERTICES;
                match dim {
                    2 => place::<2>(&round, first, rows, dim, scratch),
                    3 => place::<3>(&round, first, rows, dim, scratch),
                    _ => place::<0>(&round, first, rows, dim, scratch),
                }
            });
        std::mem::swap(points, &mut next);
    }
    Ok(())
}

/// Everything a vertex needs to know in one epoch.
struct Round<'a> {
    density: Option<&'a Epoch>,
    points: &'a [f32],
    graph: &'a Graph,
    rates: &'a [u32],
    epoch: u32,
    alpha: f32,
    forces: Forces,
    negatives: usize,
    seed: u64,
}

/// Buffers of one task.
#[derive(Default)]
struct Scratch {
    /// Which edges of a vertex are due, counted from its first.
    due: Vec<u32>,
    steps: Vec<Step>,
    pulls: Samples,
    pushes: Samples,
    /// What the densities have to do with each pull, in epochs in which they count.
    dense: Dense,
}

/// Pulls that a vertex takes at once, and the pushes that come with them.
struct Step {
    /// The vertex, counted from the group's first.
    vertex: usize,
    /// How many pulls there are.
    due: usize,
    /// Where the samples end.
    pulls: usize,
    pushes: usize,
}

/// What the densities say to pulls: draw nearer, or make room.
#[derive(Default)]
struct Dense {
    /// Sums for the two ends, and the scale of the edge; 0 for padding.
    edges: Vec<([f32; 2], f32)>,
    /// What differences are multiplied with to make room.
    by: Vec<f32>,
}

impl Round<'_> {
    /// Collects which edges of vertex `i` are due in this epoch: their places in its row fill the start of `due`. Gives
    /// their number.
    #[inline(always)]
    fn due(&self, i: usize, due: &mut Vec<u32>) -> usize {
        let rates = &self.rates[self.graph.starts[i]..self.graph.starts[i + 1]];
        // One more than may be due, so that every edge can be written before it is known to count.
        if due.len() <= rates.len() {
            due.resize(rates.len() + 1, 0);
        }
        let mut count = 0;
        for (at, &rate) in rates.iter().enumerate() {
            // An edge is due when its schedule passes a whole number.
            let passed = self.epoch.wrapping_mul(rate) & (WHOLE - 1) < rate;
            due[count] = at as u32;
            count += usize::from(passed);
        }
        count
    }

    /// Adds the other ends of the edges of vertex `i` that are `due`.
    #[inline(always)]
    fn pull(&self, i: usize, due: &[u32], others: &mut Vec<u32>) {
        let columns = &self.graph.columns[self.graph.starts[i]..self.graph.starts[i + 1]];
        others.extend(due.iter().map(|&at| columns[at as usize]));
        others.resize(others.len().next_multiple_of(LANES), i as u32);
    }

    /// Adds `count` draws of vertices to push vertex `i` away.
    #[inline(always)]
    fn push(&self, i: usize, step: usize, count: usize, others: &mut Vec<u32>) {
        let n = self.graph.len() as u32;
        let key = random::bits(self.seed, step as u64, i as u64);
        let (key, jump) = (key as u32, (key >> 32) as u32 | 1);
        let (count, padded) = (count as u32, count.next_multiple_of(LANES) as u32);
        others.extend((0..padded).map(|draw| {
            let bits = hash(key.wrapping_add(draw.wrapping_mul(jump)));
            let other = ((u64::from(bits) * u64::from(n)) >> 32) as u32;
            if draw < count { other } else { i as u32 }
        }));
    }

    /// Places the vertices from `first` on, few enough for their samples to stay in the nearest cache.
    #[inline(always)]
    fn place(&self, first: usize, rows: &mut [f32], dim: usize, scratch: &mut Scratch) {
        let Scratch {
            due,
            steps,
            pulls,
            pushes,
            dense,
        } = scratch;
        steps.clear();
        pulls.others.clear();
        pushes.others.clear();
        dense.edges.clear();
        for vertex in 0..rows.len() / dim {
            let i = first + vertex;
            let count = self.due(i, due);
            for (step, due) in due[..count].chunks(BATCH).enumerate() {
                self.pull(i, due, &mut pulls.others);
                if let Some(density) = self.density {
                    self.weigh_edges(density, i, due, &mut dense.edges);
                }
                self.push(i, step, due.len() * self.negatives, &mut pushes.others);
                steps.push(Step {
                    vertex,
                    due: due.len(),
                    pulls: pulls.others.len(),
                    pushes: pushes.others.len(),
                });
            }
        }
        rows.copy_from_slice(&self.points[first * dim..][..rows.len()]);
        pulls.fetch(
            self.points,
            rows,
            dim,
            steps.iter().map(|step| (step.vertex, step.pulls)),
        );
        pushes.fetch(
            self.points,
            rows,
            dim,
            steps.iter().map(|step| (step.vertex, step.pushes)),
        );
        let (pulling, pushing) = (pulls.by.len(), pushes.by.len());
        self.weigh_pulls(pulls, dense, 0..pulling);
        self.weigh_pushes(pushes, 0..pushing);
        // Both ends of an edge pull: its own sample and its mirror image's.
        let alpha = 2.0 * self.alpha;
        let (mut pull, mut push, mut last) = (0, 0, usize::MAX);
        for step in &*steps {
            if step.vertex == last {
                // It has moved since its samples were fetched.
                let now = &rows[step.vertex * dim..][..dim];
                let then = &self.points[(first + step.vertex) * dim..][..dim];
                pulls.shift(now, then, pull..pull + step.due);
                pushes.shift(now, then, push..push + step.due * self.negatives);
                self.weigh_pulls(pulls, dense, pull..step.pulls);
                self.weigh_pushes(pushes, push..step.pushes);
            }
            let ease = eased(alpha * stiffness(&pulls.by[pull..step.pulls]));
            for (c, value) in rows[step.vertex * dim..][..dim].iter_mut().enumerate() {
                let axis = pulls.axis(c, pull..step.pulls);
                let pulled = sum_clipped(axis, &pulls.by[pull..step.pulls]);
                let room = match self.density {
                    Some(_) => sum_clipped(axis, &dense.by[pull..step.pulls]).clamp(-CLIP, CLIP),
                    None => 0.0,
                };
                // After a single push as long as that, the others would not reach the vertex.
                let axis = pushes.axis(c, push..step.pushes);
                let pushed = sum_clipped(axis, &pushes.by[push..step.pushes]).clamp(-CLIP, CLIP);
                *value += ease * alpha * pulled + alpha * room + self.alpha * pushed;
            }
            (pull, push, last) = (step.pulls, step.pushes, step.vertex);
        }
    }

    /// Adds what `density` makes of the edges of vertex `i` that are `due`.
    #[inline(always)]
    fn weigh_edges(
        &self,
        density: &Epoch,
        i: usize,
        due: &[u32],
        edges: &mut Vec<([f32; 2], f32)>,
    ) {
        let (columns, weights) = self.graph.row(i);
        let own = density.rows[i];
        edges.extend(due.iter().map(|&at| {
            let other = density.rows[columns[at as usize] as usize];
            let sums = [own[0] + other[0], own[1] + other[1]];
            (sums, density.scale / weights[at as usize])
        }));
        edges.resize(edges.len().next_multiple_of(LANES), ([0.0; 2], 0.0));
    }

    #[inline(always)]
    fn weigh_pulls(&self, pulls: &mut Samples, dense: &mut Dense, range: Range<usize>) {
        let squares = &pulls.squares[range.clone()];
        for (by, &square) in pulls.by[range.clone()].iter_mut().zip(squares) {
            // Where the other is, too, there is no way to go. That holds for the padding. A mask, since a branch would
            // keep the loop out of vector registers.
            let apart = u32::from(square > 0.0).wrapping_neg();
            *by = f32::from_bits(self.forces.pull(square).to_bits() & apart);
        }
        let Some(density) = self.density else {
            return;
        };
        dense.by.resize(pulls.squares.len(), 0.0);
        let pulling = pulls.by[range.clone()].iter_mut().zip(squares);
        let room = dense.by[range.clone()].iter_mut().zip(&dense.edges[range]);
        for ((by, &square), (room, &(sums, scale))) in pulling.zip(room) {
            let force = density.force(square, sums, scale);
            // Drawing nearer is one more pull, which goes all the way at most, making room is a push.
            *by += force.clamp(-STIFFEST, 0.0);
            *room = force.max(0.0);
        }
    }

    #[inline(always)]
    fn weigh_pushes(&self, pushes: &mut Samples, range: Range<usize>) {
        let squares = &pushes.squares[range.clone()];
        for (by, &square) in pushes.by[range].iter_mut().zip(squares) {
            *by = self.forces.push(square);
        }
    }
}

/// Murmur3's finaliser: a bijection that mixes 32 bits well.
#[inline(always)]
fn hash(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
    let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
    x ^ (x >> 16)
}

/// The vertices from `first` on, to be placed in `rows`. `DIM` is `dim` where it is known when compiling, or 0.
struct Piece<'a, const DIM: usize> {
    round: &'a Round<'a>,
    first: usize,
    rows: &'a mut [f32],
    dim: usize,
    scratch: &'a mut Scratch,
}

impl<const DIM: usize> pulp::NullaryFnOnce for Piece<'_, DIM> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let dim = if DIM == 0 { self.dim } else { DIM };
        for (group, rows) in self.rows.chunks_mut(GROUP * dim).enumerate() {
            let first = self.first + group * GROUP;
            self.round.place(first, rows, dim, self.scratch);
        }
    }
}

fn place<const DIM: usize>(
    round: &Round<'_>,
    first: usize,
    rows: &mut [f32],
    dim: usize,
    scratch: &mut Scratch,
) {
    vectors::run(Piece::<DIM> {
        round,
        first,
        rows,
        dim,
        scratch,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_due_as_often_as_its_weight_says() {
        for share in [1.0, 0.5, 0.31, 0.002] {
            let rate = (share * f64::from(WHOLE)).round() as u32;
            let due = (1..=500_u32)
                .filter(|epoch| epoch.wrapping_mul(rate) & (WHOLE - 1) < rate)
                .count() as f64;
            assert!((due - 500.0 * share).abs() <= 1.0, "{share}: {due}");
        }
    }
}
