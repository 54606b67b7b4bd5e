//! The messages: responsibilities say how well a row would stand for another, availabilities how much others agree.
//!
//! The availabilities of a round and the responsibilities of the next need only one row of each table and the sums of
//! columns, so both are brought up to date in one pass over the rows; memory is met once a round, where passes for each
//! operation would meet it ten times. Column sums are added in blocks of rows, in the blocks' order.

use rayon::prelude::*;

use super::similarities::Similarities;
use crate::cluster::memory::zeros;
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;

/// Rows whose sums are added before the blocks' are.
const ROWS: usize = 64;
/// Lanes of the running maxima.
const LANES: usize = 16;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounds {
    pub damping: f32,
    pub most: usize,
    pub steady: usize,
}

/// What the messages lead to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The rows chosen, ascending.
    pub chosen: Vec<usize>,
    pub converged: bool,
    /// Rounds done.
    pub done: usize,
}

/// The tables, row after row.
#[derive(Debug)]
pub(super) struct Messages<'a> {
    similarities: &'a Similarities,
    responsibilities: Vec<f32>,
    availabilities: Vec<f32>,
    /// For each row as a column: the sum of what speaks for choosing it.
    support: Vec<f32>,
}

/// What a row says of itself: its availability of this round and its responsibility before.
type Own = (f32, f32);

impl<'a> Messages<'a> {
    /// No messages yet.
    pub fn new(similarities: &'a Similarities) -> Result<Messages<'a>, Error> {
        let n = similarities.len();
        Ok(Messages {
            similarities,
            responsibilities: zeros(n * n, "affinity propagation")?,
            availabilities: zeros(n * n, "affinity propagation")?,
            support: vec![0.0; n],
        })
    }

    /// Exchanges messages until the choice is steady or the rounds are over.
    pub fn exchange(mut self, rounds: &Rounds, context: &Context) -> Result<Outcome, Error> {
        let n = self.similarities.len();
        let step = context.step("exchange messages", rounds.most as u64 * n as u64);
        let mut history: Vec<Vec<bool>> = Vec::new();
        let mut times = vec![0_usize; n];
        let mut chosen = vec![false; n];
        // The first pass finds no messages, and its availabilities are those before the first round.
        self.pass(rounds.damping, &step)?;
        for round in 0..rounds.most {
            let own = self.pass(rounds.damping, &step)?;
            chosen = own.iter().map(|(a, r)| a + r > 0.0).collect();
            if history.len() < rounds.steady {
                history.push(chosen.clone());
            } else {
                let slot = &mut history[round % rounds.steady];
                for (times, &was) in times.iter_mut().zip(slot.iter()) {
                    *times -= usize::from(was);
                }
                slot.clone_from(&chosen);
            }
            for (times, &is) in times.iter_mut().zip(&chosen) {
                *times += usize::from(is);
            }
            let steady = times.iter().all(|&t| t == 0 || t == rounds.steady);
            if round >= rounds.steady && steady && chosen.contains(&true) {
                return Ok(outcome(&chosen, true, round + 1));
            }
        }
        Ok(outcome(&chosen, false, rounds.most))
    }

    /// One pass: availabilities of the round that ends, responsibilities and support of the next.
    fn pass(&mut self, damping: f32, step: &Step<'_>) -> Result<Vec<Own>, Cancelled> {
        let n = self.similarities.len();
        let support = &self.support;
        let blocks: Vec<(Vec<Own>, Vec<f32>)> = self
            .responsibilities
            .par_chunks_mut(ROWS * n)
            .zip(self.availabilities.par_chunks_mut(ROWS * n))
            .zip(self.similarities.table().par_chunks(ROWS * n))
            .enumerate()
            .map(|(block, ((r, a), s))| {
                step.tick((r.len() / n) as u64)?;
                let mut sums = vec![0.0; n];
                let rows = r
                    .chunks_exact_mut(n)
                    .zip(a.chunks_exact_mut(n))
                    .zip(s.chunks_exact(n));
                let own = rows
                    .enumerate()
                    .map(|(at, ((r, a), s))| {
                        Row {
                            own: block * ROWS + at,
                            r,
                            a,
                            s,
                            support,
                        }
                        .update(damping, &mut sums)
                    })
                    .collect();
                Ok((own, sums))
            })
            .collect::<Result<_, Cancelled>>()?;
        let mut next = vec![0.0; n];
        next.par_chunks_mut(1024)
            .enumerate()
            .for_each(|(piece, out)| {
                let mut wide = vec![0.0_f64; out.len()];
                for (_, sums) in &blocks {
                    for (wide, sum) in wide.iter_mut().zip(&sums[piece * 1024..]) {
                        *wide += f64::from(*sum);
                    }
                }
                for (out, wide) in out.iter_mut().zip(wide) {
                    *out = wide as f32;
                }
            });
        self.support = next;
        Ok(blocks.into_iter().flat_map(|(own, _)| own).collect())
    }
}

fn outcome(chosen: &[bool], converged: bool, done: usize) -> Outcome {
    Outcome {
        chosen: (0..chosen.len()).filter(|&row| chosen[row]).collect(),
        converged,
        done,
    }
}

/// One row of every table.
struct Row<'a> {
    own: usize,
    r: &'a mut [f32],
    a: &'a mut [f32],
    s: &'a [f32],
    support: &'a [f32],
}

impl Row<'_> {
    fn update(self, damping: f32, sums: &mut [f32]) -> Own {
        let Row {
            own,
            r,
            a,
            s,
            support,
        } = self;
        let before = r[own];
        let own_a = damping * a[own] - (1.0 - damping) * (before - support[own]);
        let mut top = Top::none();
        for part in [0..own, own + 1..r.len()] {
            top = top.and(pulp::Arch::new().dispatch(Availabilities {
                r: &r[part.clone()],
                a: &mut a[part.clone()],
                s: &s[part.clone()],
                support: &support[part],
                damping,
            }));
        }
        a[own] = own_a;
        top = top.and(Top {
            first: own_a + s[own],
            second: f32::NEG_INFINITY,
        });
        pulp::Arch::new().dispatch(Responsibilities {
            r: &mut *r,
            a,
            s,
            sums: &mut *sums,
            top,
            damping,
        });
        // A row's support for itself counts below 0, too.
        sums[own] += r[own].min(0.0);
        (own_a, before)
    }
}

/// The largest and the second largest, equal where two are largest.
#[derive(Debug, Clone, Copy)]
struct Top {
    first: f32,
    second: f32,
}

impl Top {
    fn none() -> Top {
        Top {
            first: f32::NEG_INFINITY,
            second: f32::NEG_INFINITY,
        }
    }

    fn and(self, other: Top) -> Top {
        let lesser = self.first.min(other.first);
        Top {
            first: self.first.max(other.first),
            second: lesser.max(self.second).max(other.second),
        }
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Availabilities of a part of a row without its own, and the largest `a + s`.
struct Availabilities<'a> {
    r: &'a [f32],
    a: &'a mut [f32],
    s: &'a [f32],
    support: &'a [f32],
    damping: f32,
}

impl pulp::NullaryFnOnce for Availabilities<'_> {
    type Output = Top;

    #[inline(always)]
    fn call(self) -> Top {
        let (keep, take) = (self.damping, 1.0 - self.damping);
        let mut first = [f32::NEG_INFINITY; LANES];
        let mut second = [f32::NEG_INFINITY; LANES];
        let whole = self.r.len() / LANES * LANES;
        let (a, rest) = self.a.split_at_mut(whole);
        let groups = a
            .chunks_exact_mut(LANES)
            .zip(self.r.chunks_exact(LANES))
            .zip(self.s.chunks_exact(LANES))
            .zip(self.support.chunks_exact(LANES));
        for (((a, r), s), support) in groups {
            for lane in 0..LANES {
                let excess = larger(larger(r[lane], 0.0) - support[lane], 0.0);
                a[lane] = keep * a[lane] - take * excess;
                let value = a[lane] + s[lane];
                second[lane] = larger(second[lane], lesser(first[lane], value));
                first[lane] = larger(first[lane], value);
            }
        }
        for (lane, a) in rest.iter_mut().enumerate() {
            let at = whole + lane;
            let excess = larger(larger(self.r[at], 0.0) - self.support[at], 0.0);
            *a = keep * *a - take * excess;
            let value = *a + self.s[at];
            second[lane] = larger(second[lane], lesser(first[lane], value));
            first[lane] = larger(first[lane], value);
        }
        let lanes = first.iter().zip(&second);
        lanes.fold(Top::none(), |top, (&first, &second)| {
            top.and(Top { first, second })
        })
    }
}

/// Responsibilities of a row, and their positive parts added to the columns' sums.
struct Responsibilities<'a> {
    r: &'a mut [f32],
    a: &'a [f32],
    s: &'a [f32],
    sums: &'a mut [f32],
    top: Top,
    damping: f32,
}

impl pulp::NullaryFnOnce for Responsibilities<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (keep, take) = (self.damping, 1.0 - self.damping);
        let Top { first, second } = self.top;
        let n = self.r.len();
        let (r, a, s, sums) = (self.r, &self.a[..n], &self.s[..n], &mut self.sums[..n]);
        for at in 0..n {
            // Against the best of the others; where two are best, they are each other's.
            let best = if a[at] + s[at] == first {
                second
            } else {
                first
            };
            r[at] = keep * r[at] + take * (s[at] - best);
            sums[at] += larger(r[at], 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::tests::cloud;
    use crate::neighbors::{Metric, Points};

    /// The reference's updates in f64, table by table.
    fn plain(s: &[f64], n: usize, damping: f64, rounds: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut r, mut a) = (vec![0.0; n * n], vec![0.0; n * n]);
        for _ in 0..rounds {
            for i in 0..n {
                for k in 0..n {
                    let best = (0..n)
                        .filter(|&j| j != k)
                        .map(|j| a[i * n + j] + s[i * n + j])
                        .fold(f64::NEG_INFINITY, f64::max);
                    let new = s[i * n + k] - best;
                    r[i * n + k] = damping * r[i * n + k] + (1.0 - damping) * new;
                }
            }
            for i in 0..n {
                for k in 0..n {
                    let others: f64 = (0..n)
                        .filter(|&j| j != i && j != k)
                        .map(|j| r[j * n + k].max(0.0))
                        .sum();
                    let new = if i == k {
                        others
                    } else {
                        (r[k * n + k] + others).min(0.0)
                    };
                    a[i * n + k] = damping * a[i * n + k] + (1.0 - damping) * new;
                }
            }
        }
        (r, a)
    }

    #[test]
    fn one_pass_a_round_gives_the_messages_of_the_definition() {
        // More rows than a block, not a multiple of the lanes.
        let n = 77;
        let x = cloud(n, 4, 8);
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let context = Context::new(0);
        let mut similarities = Similarities::new(&points, &context).unwrap();
        similarities.prepare(-0.3, 1);
        let wide: Vec<f64> = similarities.table().iter().map(|&v| v.into()).collect();
        let step = context.step("exchange", 0);
        let mut messages = Messages::new(&similarities).unwrap();
        messages.pass(0.6, &step).unwrap();
        for rounds in 1..12 {
            let before = messages.responsibilities.clone();
            let own = messages.pass(0.6, &step).unwrap();
            let (r, a) = plain(&wide, n, 0.6, rounds);
            for (found, wanted) in [(&before, &r), (&messages.availabilities, &a)] {
                for (found, wanted) in found.iter().zip(wanted) {
                    assert!((f64::from(*found) - wanted).abs() < 1e-4, "{rounds}");
                }
            }
            assert_eq!(
                own[5],
                (messages.availabilities[5 * n + 5], before[5 * n + 5])
            );
        }
    }
}
