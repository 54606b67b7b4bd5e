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

// Lanes and axes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use super::curve::Curve;
use crate::context::Context;
use crate::error::Error;
use crate::graph::Graph;
use crate::random;
use crate::reduce::vectors;

/// Vertices of one task.
const VERTICES: usize = 128;
/// Samples are padded to a multiple of this with copies of the vertex itself, which do not move it.
const LANES: usize = 16;
/// The largest move of one sample along one axis, before the learning rate.
const CLIP: f32 = 4.0;
/// The largest share of the way to its other end that a pull is taken to go, where its effect on others is reckoned. Maps
/// of 50,000 clustered rows were as trustworthy as umap-learn's, and their edges as long, at 2; at 1 edges were longer.
const STIFFEST: f32 = 2.0;
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
/// `w / max w` of the epochs, as umap-learn does.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn descend(
    points: &mut Vec<f32>,
    dim: usize,
    graph: &Graph,
    descent: &Descent,
    context: &Context,
) -> Result<(), Error> {
    let heaviest = graph.heaviest();
    let rates: Vec<u32> = graph
        .weights
        .iter()
        .map(|&weight| (f64::from(weight) / f64::from(heaviest) * f64::from(WHOLE)).round() as u32)
        .collect();
    let step = context.step("place points", descent.epochs as u64);
    let mut next = points.clone();
    for epoch in 1..=descent.epochs {
        step.tick(1)?;
        let round = Round {
            points,
            graph,
            rates: &rates,
            epoch: epoch as u32,
            alpha: (descent.learning_rate * (1.0 - (epoch - 1) as f64 / descent.epochs as f64))
                as f32,
            forces: Forces::new(descent),
            negatives: descent.negative_sample_rate,
            seed: random::bits(context.seed, 0x556D_6170, epoch as u64),
        };
        next.par_chunks_mut(VERTICES * dim)
            .enumerate()
            .for_each_init(Scratch::default, |scratch, (piece, rows)| {
                let first = piece * VERTICES;
                match dim {
                    2 => round.place::<2>(first, rows, dim, scratch),
                    3 => round.place::<3>(first, rows, dim, scratch),
                    _ => round.place::<0>(first, rows, dim, scratch),
                }
            });
        std::mem::swap(points, &mut next);
    }
    Ok(())
}

/// The fuzzy cross entropy of `points` against the graph's own edges, mean per edge; 0 without edges.
pub fn loss(points: &[f32], dim: usize, graph: &Graph, curve: Curve) -> f64 {
    let pieces: Vec<f64> = (0..graph.len().div_ceil(VERTICES))
        .into_par_iter()
        .map(|piece| {
            let mut sum = 0.0;
            for i in piece * VERTICES..((piece + 1) * VERTICES).min(graph.len()) {
                let own = &points[i * dim..(i + 1) * dim];
                let (columns, weights) = graph.row(i);
                for (&j, &weight) in columns.iter().zip(weights) {
                    let other = &points[j as usize * dim..(j as usize + 1) * dim];
                    let square: f64 = own
                        .iter()
                        .zip(other)
                        .map(|(a, b)| f64::from(a - b).powi(2))
                        .sum();
                    let near = 1.0 / (1.0 + curve.a * square.powf(curve.b));
                    let near = near.clamp(1e-12, 1.0 - 1e-12);
                    let weight = f64::from(weight);
                    sum += cross(weight, near) + cross(1.0 - weight, 1.0 - near);
                }
            }
            sum
        })
        .collect();
    let sum: f64 = pieces.iter().sum();
    if graph.weights.is_empty() {
        0.0
    } else {
        sum / graph.weights.len() as f64
    }
}

fn cross(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}

/// Everything a vertex needs to know in one epoch.
struct Round<'a> {
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
    /// The neighbours whose edges are due.
    due: Vec<u32>,
    /// The other vertex of each sample: pulls first, then pushes, both padded.
    others: Vec<u32>,
    /// Differences, axis by axis.
    apart: Vec<f32>,
    squares: Vec<f32>,
    moves: Vec<f32>,
}

impl Round<'_> {
    /// Places the vertices from `first` on. `DIM` is `dim` where it is known when compiling, or 0.
    fn place<const DIM: usize>(
        &self,
        first: usize,
        rows: &mut [f32],
        dim: usize,
        scratch: &mut Scratch,
    ) {
        let dim = if DIM == 0 { dim } else { DIM };
        vectors::run(Piece::<DIM> {
            round: self,
            first,
            rows,
            dim,
            scratch,
        });
    }

    /// Collects the neighbours of vertex `i` whose edges are due in this epoch.
    #[inline(always)]
    fn due(&self, i: usize, due: &mut Vec<u32>) {
        let range = self.graph.starts[i]..self.graph.starts[i + 1];
        // One more than may be due, so that every edge can be written before it is known to count.
        due.resize(range.len() + 1, 0);
        let mut count = 0;
        let edges = self.rates[range.clone()]
            .iter()
            .zip(&self.graph.columns[range]);
        for (&rate, &column) in edges {
            // An edge is due when its schedule passes a whole number.
            let passed = self.epoch.wrapping_mul(rate) & (WHOLE - 1) < rate;
            due[count] = column;
            count += usize::from(passed);
        }
        due.truncate(count);
    }

    /// Puts the pulls of one batch into `others`, then its pushes, both padded; gives the padded number of pulls.
    #[inline(always)]
    fn sample(&self, i: usize, batch: usize, pulls: &[u32], others: &mut Vec<u32>) -> usize {
        let padded = pulls.len().next_multiple_of(LANES);
        let pushes = pulls.len() * self.negatives;
        others.clear();
        others.extend_from_slice(pulls);
        others.resize(padded, i as u32);
        let n = self.graph.len() as u64;
        let key = random::bits(self.seed, batch as u64, i as u64);
        let (key, jump) = (key as u32, (key >> 32) as u32 | 1);
        others.extend((0..pushes as u32).map(|draw| {
            let draw = hash(key.wrapping_add(draw.wrapping_mul(jump)));
            ((u64::from(draw) * n) >> 32) as u32
        }));
        others.resize(padded + pushes.next_multiple_of(LANES), i as u32);
        padded
    }
}

/// Murmur3's finaliser: a bijection that mixes 32 bits well.
#[inline(always)]
fn hash(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
    let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
    x ^ (x >> 16)
}

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
        let (round, scratch) = (self.round, self.scratch);
        let mut due = std::mem::take(&mut scratch.due);
        for (at, row) in self.rows.chunks_exact_mut(dim).enumerate() {
            let i = self.first + at;
            row.copy_from_slice(&round.points[i * dim..(i + 1) * dim]);
            round.due(i, &mut due);
            for (batch, pulls) in due.chunks(BATCH).enumerate() {
                let padded = round.sample(i, batch, pulls, &mut scratch.others);
                scratch.step::<DIM>(round, pulls.len(), padded, row);
            }
        }
        scratch.due = due;
    }
}

impl Scratch {
    /// Moves the vertex at `row` by its samples, of which the first `pulls` pull, and those from `padded` on push.
    #[inline(always)]
    fn step<const DIM: usize>(
        &mut self,
        round: &Round<'_>,
        pulls: usize,
        padded: usize,
        row: &mut [f32],
    ) {
        let dim = if DIM == 0 { row.len() } else { DIM };
        let Scratch {
            others,
            apart,
            squares,
            moves,
            ..
        } = self;
        let samples = others.len();
        apart.resize(samples * dim, 0.0);
        squares.clear();
        squares.resize(samples, 0.0);
        moves.resize(samples, 0.0);
        for (s, &other) in others.iter().enumerate() {
            let other = &round.points[other as usize * dim..(other as usize + 1) * dim];
            for c in 0..dim {
                apart[c * samples + s] = row[c] - other[c];
            }
        }
        for axis in apart.chunks_exact(samples.max(1)).take(dim) {
            for (square, difference) in squares.iter_mut().zip(axis) {
                *square += difference * difference;
            }
        }
        let (pull_squares, push_squares) = squares.split_at(padded);
        let (pull_moves, push_moves) = moves.split_at_mut(padded);
        for (by, &square) in pull_moves.iter_mut().zip(pull_squares) {
            *by = round.forces.pull(square);
        }
        for (by, &square) in push_moves.iter_mut().zip(push_squares) {
            *by = round.forces.push(square);
        }
        // Both ends of an edge pull: its own sample and its mirror image's.
        let alpha = 2.0 * round.alpha;
        pull_moves[pulls..].fill(0.0);
        let ease = eased(alpha * stiffness(pull_moves));
        for c in 0..dim {
            let axis = &apart[c * samples..(c + 1) * samples];
            let pulled = sum_clipped(&axis[..padded], pull_moves);
            // After a single push as long as that, the others would not reach the vertex.
            let pushed = sum_clipped(&axis[padded..], push_moves).clamp(-CLIP, CLIP);
            row[c] += ease * alpha * pulled + round.alpha * pushed;
        }
    }
}

/// What one after the other makes of pulls that together are so stiff, as a share of what they make at once: each acts
/// on what those before have left of the way.
#[inline(always)]
fn eased(stiffness: f32) -> f32 {
    if stiffness < 0.01 {
        1.0 - 0.5 * stiffness
    } else {
        (1.0 - exp2(-std::f32::consts::LOG2_E * stiffness)) / stiffness
    }
}

/// The sum of the shares of the way that pulls go, at most all of it each; a multiple of [`LANES`] long.
#[inline(always)]
fn stiffness(moves: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for moves in moves.chunks_exact(LANES) {
        for l in 0..LANES {
            lanes[l] += (-moves[l]).min(STIFFEST);
        }
    }
    lanes.iter().sum()
}

/// The sum of `axis * by`, each clipped; both are a multiple of [`LANES`] long.
#[inline(always)]
fn sum_clipped(axis: &[f32], by: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (axis, by) in axis.chunks_exact(LANES).zip(by.chunks_exact(LANES)) {
        for l in 0..LANES {
            lanes[l] += (axis[l] * by[l]).clamp(-CLIP, CLIP);
        }
    }
    lanes.iter().sum()
}

/// The derivatives of the curve, over the squared distance.
#[derive(Debug, Clone, Copy)]
struct Forces {
    a: f32,
    exponent: f32,
    pull: f32,
    push: f32,
}

impl Forces {
    fn new(descent: &Descent) -> Forces {
        let Curve { a, b } = descent.curve;
        Forces {
            a: a as f32,
            exponent: (b - 1.0) as f32,
            pull: (-2.0 * a * b) as f32,
            push: (2.0 * descent.repulsion_strength * b) as f32,
        }
    }

    #[inline(always)]
    fn pull(self, square: f32) -> f32 {
        let power = power(square, self.exponent);
        self.pull * power / (1.0 + self.a * power * square)
    }

    #[inline(always)]
    fn push(self, square: f32) -> f32 {
        let power = power(square, self.exponent);
        self.push / ((0.001 + square) * (1.0 + self.a * power * square))
    }
}

/// `x^y` to about 1e-5 for `x >= 0` (0 counts as the least normal number), without a call, so that it runs in vectors.
#[inline(always)]
fn power(x: f32, y: f32) -> f32 {
    exp2(y * log2(x.max(f32::MIN_POSITIVE)))
}

/// For positive, normal numbers.
#[inline(always)]
fn log2(x: f32) -> f32 {
    // Mantissa in [sqrt(1/2), sqrt(2)), by moving the exponent's boundary there.
    let bits = x.to_bits().wrapping_sub(0x3F35_04F3);
    let exponent = (bits as i32) >> 23;
    let mantissa = f32::from_bits((bits & 0x007F_FFFF) + 0x3F35_04F3);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = 2.885_39 + square * (0.961_796_7 + square * 0.577_078);
    exponent as f32 + t * series
}

#[inline(always)]
fn exp2(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-126.0, 126.0);
    let shifted = x + ROUND;
    let rest = x - (shifted - ROUND);
    let whole = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let series = 1.0
        + rest
            * (std::f32::consts::LN_2
                + rest
                    * (0.240_226_5
                        + rest * (0.055_504_1 + rest * (0.009_618_1 + rest * 0.001_333_4))));
    f32::from_bits(series.to_bits().wrapping_add(whole << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_close_over_the_whole_range() {
        for exponent in [-0.9, -0.105, 0.0, 0.3, 0.8] {
            let mut x = 1e-12_f32;
            while x < 1e8 {
                let want = f64::from(x).powf(f64::from(exponent));
                let got = f64::from(power(x, exponent));
                assert!(
                    (got / want - 1.0).abs() < 3e-5,
                    "{x}^{exponent}: {got} {want}"
                );
                x *= 1.37;
            }
        }
        assert!(power(0.0, -0.1).is_finite());
    }

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

    #[test]
    fn pulls_are_eased_to_what_they_come_to_one_after_the_other() {
        for stiffness in [1e-4_f32, 0.009, 0.011, 0.5, 3.0, 40.0] {
            let small = f64::from(stiffness) / 1e4;
            let left = (0..10_000).fold(1.0, |left, _| left * (1.0 - small));
            let wanted = (1.0 - left) / f64::from(stiffness);
            let got = f64::from(eased(stiffness));
            assert!(
                (got / wanted - 1.0).abs() < 5e-3,
                "{stiffness}: {got} {wanted}"
            );
        }
        let mut moves = [0.0; LANES];
        moves[..4].copy_from_slice(&[-0.25, -7.0, -1.0, -0.5]);
        assert_eq!(stiffness(&moves), 3.75);
    }

    #[test]
    fn forces_are_the_derivatives_of_the_cross_entropy() {
        let curve = Curve { a: 1.577, b: 0.895 };
        let forces = Forces::new(&Descent {
            curve,
            epochs: 1,
            learning_rate: 1.0,
            negative_sample_rate: 5,
            repulsion_strength: 1.0,
        });
        let near = |d: f64| 1.0 / (1.0 + curve.a * d.powf(2.0 * curve.b));
        for d in [0.3_f64, 1.0, 2.5, 7.0] {
            let h = 1e-5;
            let square = (d * d) as f32;
            let pull = (near(d + h).ln() - near(d - h).ln()) / (2.0 * h);
            let push = ((1.0 - near(d + h)).ln() - (1.0 - near(d - h)).ln()) / (2.0 * h);
            assert!((f64::from(forces.pull(square)) * d - pull).abs() < 1e-3 * pull.abs());
            // The push has 0.001 added to its denominator.
            let wanted = push * d * d / (0.001 + d * d);
            assert!((f64::from(forces.push(square)) * d - wanted).abs() < 1e-3 * wanted);
        }
    }
}
