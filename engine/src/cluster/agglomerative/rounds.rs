//! Merging in rounds: all pairs of clusters that are each other's nearest are merged at once, then nearest clusters are
//! found again where they may have changed.
//!
//! It rests on the linkages being reducible (Bruynooghe 1978): a merged cluster is no nearer to any third than the
//! nearer of its parts was. So a pair of mutual neighbours stays one whatever else merges, a cluster whose nearest has
//! not merged keeps it, and one whose nearest has merged knows a lower bound. The nearest-neighbour chain finds the same
//! merges one search at a time; here searches come in batches, which products and threads want. Those with the least
//! lower bounds are searched first: the others cannot merge soon.

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

/// A cluster nearest to another, and how near. Clusters are known by slots: a merged cluster keeps the lower of two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    pub distance: f32,
    pub slot: u32,
}

impl Nearest {
    /// Farther than every cluster.
    pub const NONE: Nearest = Nearest {
        distance: f32::INFINITY,
        slot: u32::MAX,
    };

    /// Keeps the nearer of two for the cluster `own`. Of equally near ones the pair decides by a scrambled number, so
    /// that on data full of ties (a grid) many pairs are mutual and rounds stay few.
    pub fn improve(&mut self, own: u32, other: Nearest) {
        let key = |near: Nearest| (scramble(own, near.slot), near.slot);
        if other.distance < self.distance
            || (other.distance == self.distance && key(other) < key(*self))
        {
            *self = other;
        }
    }
}

/// A number that a pair of slots has in either order (the finaliser of SplitMix64).
fn scramble(a: u32, b: u32) -> u64 {
    let mut x =
        (u64::from(a.min(b)) << 32 | u64::from(a.max(b))).wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// What merging asks of distances between clusters. Numbers rise with distance and are equal from both sides.
pub(super) trait Distances {
    /// The nearest other cluster of each of `wanted`; `hints` are clusters that may be near, or themselves.
    fn nearest(
        &mut self,
        live: &[u32],
        wanted: &[u32],
        hints: &[u32],
        step: &Step<'_>,
    ) -> Result<Vec<Nearest>, Cancelled>;

    /// The distance of two clusters.
    fn between(&self, a: u32, b: u32) -> f32;

    /// Puts cluster `b` into cluster `a`, `a < b`.
    fn merge(&mut self, a: u32, b: u32);
}

/// What is known of a slot's cluster.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Its nearest cluster, or where that went; the distance is a lower bound.
    near: Nearest,
    /// Whether that is its nearest now.
    fresh: bool,
    /// The greatest distance inside it: what rounding must not fall below.
    height: f32,
    alive: bool,
}

/// All merges of the clusters in `first.len()` slots, parts before wholes. `first` holds their nearest clusters where
/// they are known. O(n) searches for most data.
pub(super) fn merge_all(
    distances: &mut impl Distances,
    first: Vec<Option<Nearest>>,
    context: &Context,
) -> Result<Vec<Merge>, Cancelled> {
    let n = first.len();
    let step = context.step("merge clusters", n as u64);
    let all_unknown = first.iter().all(Option::is_none);
    let mut known: Vec<Known> = first
        .into_iter()
        .enumerate()
        .map(|(slot, near)| Known {
            near: near.unwrap_or(Nearest {
                distance: 0.0,
                slot: slot as u32,
            }),
            fresh: near.is_some(),
            height: 0.0,
            alive: true,
        })
        .collect();
    let mut live: Vec<u32> = (0..n as u32).collect();
    let mut merges = Vec::with_capacity(n.saturating_sub(1));
    let mut searched_all = !all_unknown;
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
            let hints: Vec<u32> = wanted
                .iter()
                .map(|&slot| known[slot as usize].near.slot)
                .collect();
            let found = distances.nearest(&live, &wanted, &hints, &step)?;
            for (&slot, near) in wanted.iter().zip(found) {
                known[slot as usize].near = near;
                known[slot as usize].fresh = true;
            }
        }
        let mut pairs = mutual(&known, &live);
        if pairs.is_empty() && wanted.is_empty() {
            // Rounding and ties can leave a ring of nearest clusters without a mutual pair; its nearest two will do.
            pairs.extend(nearest_pair(&known, &live));
        }
        for &(a, b) in &pairs {
            let (one, other) = (known[a as usize], known[b as usize]);
            let height = one.near.distance.max(one.height).max(other.height);
            merges.push(Merge {
                a,
                b,
                distance: f64::from(height),
            });
            distances.merge(a, b);
            known[a as usize] = Known {
                near: Nearest {
                    distance: one.near.distance,
                    slot: a,
                },
                fresh: false,
                height,
                alive: true,
            };
            known[b as usize].alive = false;
            known[b as usize].near.slot = a;
        }
        step.tick(pairs.len() as u64)?;
        live.retain(|&slot| known[slot as usize].alive);
        follow(&mut known, &live, distances);
    }
    Ok(merges)
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

/// Finds out who lost their nearest cluster to a merge. Who is as near to the whole as to the part keeps it.
fn follow(known: &mut [Known], live: &[u32], distances: &impl Distances) {
    for &slot in live {
        let Known { near, fresh, .. } = known[slot as usize];
        if near.slot == slot {
            continue;
        }
        let target = known[near.slot as usize];
        let merged_away = !target.alive;
        // A cluster that merged this round points at itself.
        if !merged_away && target.near.slot != near.slot {
            continue;
        }
        let whole = if merged_away {
            target.near.slot
        } else {
            near.slot
        };
        let keeps = fresh && distances.between(slot, whole) <= near.distance;
        known[slot as usize].near.slot = whole;
        known[slot as usize].fresh = keeps;
    }
}
