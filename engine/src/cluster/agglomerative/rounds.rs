//! Merging in rounds: all pairs of clusters that are each other's nearest are merged at once, then nearest clusters are
//! found again where they may have changed.
//!
//! It rests on the linkages being reducible (Bruynooghe 1978): a merged cluster is no nearer to any third than the
//! nearer of its parts was. So a pair of mutual neighbours stays one whatever else merges, a cluster whose nearest has
//! not merged keeps it, and one whose nearest has merged knows a lower bound. The nearest-neighbour chain finds the same
//! merges one search at a time; here searches come in batches, which products and threads want. Those with the least
//! lower bounds are searched first: the others cannot merge soon. And most need no search: a search finds a few nearest
//! clusters, of which one is left when the nearest merges away.

use rayon::prelude::*;

use super::few::{Few, Found, Nearest};
use crate::context::{Cancelled, Context, Step};

/// Of the live clusters the share that is searched in a round, and the least number.
const SHARE: usize = 5;
const LEAST: usize = 64;

/// A merge of the clusters that two rows are in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Merge {
    pub a: u32,
    pub b: u32,
    pub distance: f64,
}

/// What merging asks of distances between clusters. Numbers rise with distance and are equal from both sides.
pub(super) trait Distances: Sync {
    /// The nearest other clusters of each of `wanted`; `hints` are live clusters that may be near.
    fn nearest(
        &mut self,
        live: &[u32],
        wanted: &[u32],
        hints: &[Vec<u32>],
        step: &Step<'_>,
    ) -> Result<Vec<Found>, Cancelled>;

    /// The distance of two clusters.
    fn between(&self, a: u32, b: u32) -> f32;

    /// What no cluster is nearer than to the union of two, `apart` from each other, to which none is nearer than `beyond`.
    fn beyond_both(&self, pair: (u32, u32), apart: f32, beyond: (f32, f32)) -> f32;

    /// Puts cluster `b` into cluster `a`, `a < b`.
    fn merge(&mut self, a: u32, b: u32);
}

/// What is known of a slot's cluster.
#[derive(Debug)]
struct Known {
    /// Its nearest cluster, or one that is near; the distance is a lower bound. Where it went, once it is gone.
    near: Nearest,
    /// Clusters that were near when it was searched.
    few: Vec<u32>,
    /// What no other cluster is nearer than.
    beyond: f32,
    /// Whether `near` is its nearest now.
    fresh: bool,
    /// The greatest distance inside it: what rounding must not fall below.
    height: f32,
    alive: bool,
}

/// All merges of the clusters in `first.len()` slots, parts before wholes. `first` holds their nearest clusters where
/// they are known. O(n) searches for most data.
pub(super) fn merge_all(
    distances: &mut impl Distances,
    first: Vec<Option<Found>>,
    context: &Context,
) -> Result<Vec<Merge>, Cancelled> {
    let n = first.len();
    let step = context.step("merge clusters", n as u64);
    let all_unknown = first.iter().all(Option::is_none);
    let mut known: Vec<Known> = first
        .into_iter()
        .enumerate()
        .map(|(slot, found)| {
            let fresh = found.is_some();
            let found = found.unwrap_or(Found {
                near: Nearest {
                    distance: 0.0,
                    slot: slot as u32,
                },
                few: Vec::new(),
                beyond: 0.0,
            });
            Known {
                near: found.near,
                few: found.few,
                beyond: found.beyond,
                fresh,
                height: 0.0,
                alive: true,
            }
        })
        .collect();
    let mut live: Vec<u32> = (0..n as u32).collect();
    let mut merges = Vec::with_capacity(n.saturating_sub(1));
    let mut searched_all = !all_unknown;
    let mut changed = vec![false; n];
    while live.len() > 1 {
        step.tick(0)?;
        let least = if searched_all {
            LEAST.max(live.len() / SHARE)
        } else {
            live.len()
        };
        searched_all = true;
        let wanted = stale(&known, &live, least);
        if !wanted.is_empty() {
            let hints: Vec<Vec<u32>> = wanted.iter().map(|&slot| wholes(&known, slot)).collect();
            let found = distances.nearest(&live, &wanted, &hints, &step)?;
            for (&slot, found) in wanted.iter().zip(found) {
                let known = &mut known[slot as usize];
                (known.near, known.few, known.beyond) = (found.near, found.few, found.beyond);
                known.fresh = true;
            }
        }
        let mut pairs = mutual(&known, &live);
        if pairs.is_empty() && wanted.is_empty() {
            // Rounding and ties can leave a ring of nearest clusters without a mutual pair; its nearest two will do.
            pairs.extend(nearest_pair(&known, &live));
        }
        for &(a, b) in &pairs {
            let (one, other) = (&known[a as usize], &known[b as usize]);
            let apart = one.near.distance;
            let height = apart.max(one.height).max(other.height);
            merges.push(Merge {
                a,
                b,
                distance: f64::from(height),
            });
            let beyond = distances.beyond_both((a, b), apart, (one.beyond, other.beyond));
            distances.merge(a, b);
            let others = std::mem::take(&mut known[b as usize].few);
            known[b as usize].alive = false;
            known[b as usize].near.slot = a;
            let whole = &mut known[a as usize];
            whole.near.slot = a;
            whole.few.extend(others);
            (whole.beyond, whole.fresh, whole.height) = (beyond, false, height);
            (changed[a as usize], changed[b as usize]) = (true, true);
        }
        step.tick(pairs.len() as u64)?;
        live.retain(|&slot| known[slot as usize].alive);
        follow(&mut known, &live, &changed, distances);
        for &(a, b) in &pairs {
            (changed[a as usize], changed[b as usize]) = (false, false);
        }
    }
    Ok(merges)
}

/// Where a slot's cluster is now.
fn whole(known: &[Known], mut slot: u32) -> u32 {
    while !known[slot as usize].alive {
        slot = known[slot as usize].near.slot;
    }
    slot
}

/// The clusters that those near to a slot's are now.
fn wholes(known: &[Known], slot: u32) -> Vec<u32> {
    let few = &known[slot as usize].few;
    let mut wholes: Vec<u32> = few.iter().map(|&near| whole(known, near)).collect();
    wholes.sort_unstable();
    wholes.dedup();
    wholes.retain(|&near| near != slot);
    wholes
}

/// The clusters to search: those whose nearest is not known, at most `most`, least lower bounds first.
fn stale(known: &[Known], live: &[u32], most: usize) -> Vec<u32> {
    let mut stale: Vec<u32> = live
        .iter()
        .copied()
        .filter(|&slot| !known[slot as usize].fresh)
        .collect();
    if stale.len() > most {
        stale.select_nth_unstable_by(most, |&a, &b| {
            let bound = |slot: u32| known[slot as usize].near.distance;
            bound(a).total_cmp(&bound(b)).then(a.cmp(&b))
        });
        stale.truncate(most);
        stale.sort_unstable();
    }
    stale
}

/// The pairs that are each other's nearest, the lower slot first.
fn mutual(known: &[Known], live: &[u32]) -> Vec<(u32, u32)> {
    let nearest = |slot: u32| {
        let known = &known[slot as usize];
        known.fresh.then_some(known.near.slot)
    };
    let pairs = live
        .iter()
        .filter_map(|&a| nearest(a).map(|b| (a, b)))
        .filter(|&(a, b)| a < b && nearest(b) == Some(a));
    pairs.collect()
}

/// The two clusters that are nearest of all, where everybody's nearest is known.
fn nearest_pair(known: &[Known], live: &[u32]) -> Option<(u32, u32)> {
    let distance = |slot: &u32| known[*slot as usize].near.distance;
    let first = live
        .iter()
        .copied()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let other = known[first as usize].near.slot;
    (other != first).then_some((first.min(other), first.max(other)))
}

/// Finds the nearest clusters of those that merged, and of those whose nearest did, among the few that were near.
fn follow(known: &mut [Known], live: &[u32], changed: &[bool], distances: &impl Distances) {
    let concerned: Vec<u32> = live
        .iter()
        .copied()
        .filter(|&slot| {
            let its = &known[slot as usize];
            changed[slot as usize] || (its.fresh && changed[its.near.slot as usize])
        })
        .collect();
    let now: Vec<Few> = {
        let known = &*known;
        let each = concerned.par_iter().with_min_len(16);
        each.map(|&slot| {
            let mut few = Few::new(slot);
            for other in wholes(known, slot) {
                few.offer(Nearest {
                    distance: distances.between(slot, other),
                    slot: other,
                });
            }
            few
        })
        .collect()
    };
    for (slot, few) in concerned.into_iter().zip(now) {
        let its = &mut known[slot as usize];
        // What is left out of the few lies beyond, too.
        its.beyond = its.beyond.min(few.reach());
        its.few = few.iter().map(|near| near.slot).collect();
        match few.iter().next().filter(|near| near.distance <= its.beyond) {
            Some(near) => (its.near, its.fresh) = (near, true),
            None => {
                its.near = Nearest {
                    distance: its.beyond,
                    slot,
                };
                its.fresh = false;
            }
        }
    }
}
