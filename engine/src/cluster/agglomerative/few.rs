//! The few clusters nearest to one, and how far all others are at least.
//!
//! When its nearest cluster merges, the next of the few is often still nearer than anything outside them: then nothing
//! has to be searched. Distances to clusters only grow as those merge, so what was said of all others stays true.

use crate::random::mix;

/// How many are kept.
const MOST: usize = 16;

/// A cluster nearest to another, and how near. Clusters are known by slots: a merged cluster keeps the lower of two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    pub distance: f32,
    pub slot: u32,
}

/// What a search finds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The nearest cluster.
    pub near: Nearest,
    /// Clusters that are near, that one among them.
    pub few: Vec<u32>,
    /// What no other cluster is nearer than.
    pub beyond: f32,
}

/// The nearest clusters met so far, nearest first. Of equally near ones the pair decides by a scrambled number, so that
/// on data full of ties (a grid) many pairs are mutual and rounds stay few.
#[derive(Debug)]
pub(super) struct Few {
    own: u32,
    found: Vec<(f32, u64, u32)>,
}

impl Few {
    /// Nothing met yet.
    pub fn new(own: u32) -> Few {
        Few {
            own,
            found: Vec::with_capacity(MOST + 1),
        }
    }

    /// What is farther than this is of no interest.
    pub fn reach(&self) -> f32 {
        self.found
            .get(MOST - 1)
            .map_or(f32::INFINITY, |last| last.0)
    }

    /// Takes a cluster into account.
    pub fn offer(&mut self, other: Nearest) {
        if other.slot == self.own || other.distance > self.reach() {
            return;
        }
        if self.found.iter().any(|&(.., slot)| slot == other.slot) {
            return;
        }
        let key = (other.distance, scramble(self.own, other.slot), other.slot);
        let at = self.found.partition_point(|found| *found < key);
        self.found.insert(at, key);
        self.found.truncate(MOST);
    }

    /// The clusters met.
    pub fn iter(&self) -> impl Iterator<Item = Nearest> {
        self.found
            .iter()
            .map(|&(distance, _, slot)| Nearest { distance, slot })
    }

    /// What was found when all clusters have been met; none where there is no other.
    pub fn found(&self) -> Option<Found> {
        let near = self.iter().next()?;
        Some(Found {
            near,
            few: self.iter().map(|near| near.slot).collect(),
            beyond: self.reach(),
        })
    }
}

/// A number that a pair of slots has in either order.
fn scramble(a: u32, b: u32) -> u64 {
    mix(u64::from(a.min(b)) << 32 | u64::from(a.max(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_once_each_and_the_rest_is_beyond() {
        let mut few = Few::new(7);
        for slot in (0..40).chain(0..40) {
            let distance = ((slot * 29) % 40) as f32;
            few.offer(Nearest { distance, slot });
        }
        let found = few.found().unwrap();
        assert_eq!(found.few.len(), MOST);
        assert!(!found.few.contains(&7));
        let mut wanted: Vec<u32> = (0..40).filter(|&slot| slot != 7).collect();
        wanted.sort_by_key(|slot| (slot * 29) % 40);
        assert_eq!(found.few, wanted[..MOST]);
        assert_eq!(found.near.slot, wanted[0]);
        assert_eq!(found.beyond, ((wanted[MOST - 1] * 29) % 40) as f32);
        let mut alone = Few::new(1);
        alone.offer(Nearest {
            distance: 0.0,
            slot: 1,
        });
        assert_eq!(alone.found(), None);
    }
}
