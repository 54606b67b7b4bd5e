//! Gradient descent with momentum and gains. Every point computes its own step from the positions at the round's start,
//! so the result is the same bits for any number of threads.

// Lanes and axes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use super::repulsion::Repulsion;
use crate::context::Context;
use crate::error::Error;
use crate::graph::Graph;
use crate::reduce::vectors;

/// Points of one task.
const POINTS: usize = 256;
/// Edges taken at once.
const LANES: usize = 16;
/// A gain never falls below this.
const LEAST_GAIN: f32 = 0.01;
/// The longest step, so that no point shoots off.
const LONGEST: f32 = 5.0;
/// Points moved between two looks at the stop.
const LOOK: usize = 100_000;

/// A stretch of rounds with one set of rules.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// How many.
    pub rounds: usize,
    /// How many times stronger neighbours pull.
    pub exaggeration: f32,
    /// The size of the steps.
    pub learning_rate: f32,
    /// How much of the last step is made again.
    pub momentum: f32,
}

/// What a point remembers from round to round.
#[derive(Debug, Clone, Copy)]
struct Motion<const D: usize> {
    step: [f32; D],
    gain: [f32; D],
}

/// Moves the points. A round takes O(edges) and what the repulsion takes.
///
/// # Errors
/// [`Error::Cancelled`]; [`Error::Input`] if steps were so large that the points left the range of numbers.
pub fn descend<const D: usize>(
    points: &mut Vec<[f32; D]>,
    graph: &Graph,
    repulsion: &mut Repulsion<D>,
    phases: &[Phase],
    context: &Context,
) -> Result<(), Error> {
    let n = points.len();
    let rounds: usize = phases.iter().map(|phase| phase.rounds).sum();
    let step = context.step("place points", rounds as u64);
    let look = (LOOK / n.max(1)).clamp(1, 50);
    let mut motions = vec![
        Motion {
            step: [0.0; D],
            gain: [1.0; D],
        };
        n
    ];
    let mut pushes = vec![[0.0; D]; n];
    let mut next = points.clone();
    let mut unseen = 0;
    for phase in phases {
        for _ in 0..phase.rounds {
            unseen += 1;
            if unseen == look {
                step.tick(unseen as u64)?;
                unseen = 0;
            }
            let pairs = repulsion.pushes(points, &mut pushes);
            let round = Round {
                points,
                graph,
                pushes: &pushes,
                share: (1.0 / pairs.max(f64::MIN_POSITIVE)) as f32,
                phase: *phase,
            };
            let sums: Vec<[f64; D]> = next
                .par_chunks_mut(POINTS)
                .zip(motions.par_chunks_mut(POINTS))
                .enumerate()
                .map(|(piece, (next, motions))| {
                    vectors::run(Piece {
                        round: &round,
                        first: piece * POINTS,
                        next,
                        motions,
                    })
                })
                .collect();
            let mut centre = [0.0_f32; D];
            for axis in 0..D {
                let sum: f64 = sums.iter().map(|sum| sum[axis]).sum();
                centre[axis] = (sum / n as f64) as f32;
                if !centre[axis].is_finite() {
                    return Err(Error::Input(
                        "the points left the range of numbers; a smaller `learning_rate` keeps them in it"
                            .to_owned(),
                    ));
                }
            }
            next.par_chunks_mut(POINTS).for_each(|points| {
                for point in points {
                    for axis in 0..D {
                        point[axis] -= centre[axis];
                    }
                }
            });
            std::mem::swap(points, &mut next);
        }
    }
    step.tick(unseen as u64)?;
    Ok(())
}

struct Round<'a, const D: usize> {
    points: &'a [[f32; D]],
    graph: &'a Graph,
    pushes: &'a [[f32; D]],
    /// One over the sum over all pairs.
    share: f32,
    phase: Phase,
}

struct Piece<'a, const D: usize> {
    round: &'a Round<'a, D>,
    first: usize,
    next: &'a mut [[f32; D]],
    motions: &'a mut [Motion<D>],
}

impl<const D: usize> pulp::NullaryFnOnce for Piece<'_, D> {
    type Output = [f64; D];

    /// Makes the step of each point of the piece; gives the sum of their new places.
    #[inline(always)]
    fn call(self) -> [f64; D] {
        let round = self.round;
        let phase = round.phase;
        let mut sum = [0.0; D];
        let points = self.next.iter_mut().zip(self.motions.iter_mut());
        for (at, (next, motion)) in points.enumerate() {
            let i = self.first + at;
            let (columns, weights) = round.graph.row(i);
            let pull = pull(round.points, round.points[i], columns, weights);
            let mut length = 0.0;
            for axis in 0..D {
                let slope = phase.exaggeration * pull[axis] - round.share * round.pushes[i][axis];
                let gain = if sign(motion.step[axis]) == sign(slope) {
                    motion.gain[axis] * 0.8 + LEAST_GAIN
                } else {
                    motion.gain[axis] + 0.2
                };
                motion.gain[axis] = gain;
                motion.step[axis] =
                    phase.momentum * motion.step[axis] - phase.learning_rate * gain * slope;
                length += motion.step[axis] * motion.step[axis];
            }
            let length = length.sqrt();
            let ease = if length > LONGEST {
                LONGEST / length
            } else {
                1.0
            };
            for axis in 0..D {
                motion.step[axis] *= ease;
                next[axis] = round.points[i][axis] + motion.step[axis];
                sum[axis] += f64::from(next[axis]);
            }
        }
        sum
    }
}

#[inline(always)]
fn sign(x: f32) -> i32 {
    i32::from(x > 0.0) - i32::from(x < 0.0)
}

/// The sum of `weight / (1 + distance²) * (place - other)` over the edges.
#[inline(always)]
pub fn pull<const D: usize>(
    points: &[[f32; D]],
    place: [f32; D],
    columns: &[u32],
    weights: &[f32],
) -> [f32; D] {
    let mut sums = [[0.0_f32; LANES]; D];
    for (columns, weights) in columns.chunks(LANES).zip(weights.chunks(LANES)) {
        let mut apart = [[0.0_f32; LANES]; D];
        let mut strength = [0.0_f32; LANES];
        for (lane, (&column, &weight)) in columns.iter().zip(weights).enumerate() {
            let other = points[column as usize];
            for axis in 0..D {
                apart[axis][lane] = place[axis] - other[axis];
            }
            strength[lane] = weight;
        }
        let mut squares = [1.0_f32; LANES];
        for axis in 0..D {
            for lane in 0..LANES {
                squares[lane] += apart[axis][lane] * apart[axis][lane];
            }
        }
        for lane in 0..LANES {
            strength[lane] /= squares[lane];
        }
        for axis in 0..D {
            for lane in 0..LANES {
                sums[axis][lane] += strength[lane] * apart[axis][lane];
            }
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

/// The Kullback-Leibler divergence of the map's affinities from the data's, whose sum is 1; `pairs` is the sum of
/// `1 / (1 + distance²)` over all ordered pairs. O(edges).
pub fn divergence<const D: usize>(points: &[[f32; D]], graph: &Graph, pairs: f64) -> f64 {
    let pieces: Vec<(f64, f64)> = (0..points.len().div_ceil(POINTS))
        .into_par_iter()
        .map(|piece| {
            let (mut sum, mut whole) = (0.0, 0.0);
            for i in piece * POINTS..((piece + 1) * POINTS).min(points.len()) {
                let (columns, weights) = graph.row(i);
                for (&j, &weight) in columns.iter().zip(weights) {
                    let mut square = 1.0;
                    for axis in 0..D {
                        let gap = f64::from(points[i][axis]) - f64::from(points[j as usize][axis]);
                        square += gap * gap;
                    }
                    let weight = f64::from(weight);
                    sum += weight * (weight * square).ln();
                    whole += weight;
                }
            }
            (sum, whole)
        })
        .collect();
    let (sum, whole) = pieces
        .iter()
        .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    if pairs > 0.0 {
        sum + whole * pairs.ln()
    } else {
        sum
    }
}
