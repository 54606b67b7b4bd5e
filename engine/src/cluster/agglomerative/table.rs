//! Distances of all pairs of clusters in a triangle of f32: for linkages that centres do not tell.
//!
//! Row `i` of the triangle holds the clusters before it. A merge updates one row and one column by the formula of Lance
//! and Williams (1967). When half of the clusters are gone, the triangle closes up.

use rayon::prelude::*;

use super::few::{Few, Found, Nearest};
use super::rounds::Distances;
use crate::context::{Cancelled, Step};

/// Rows of the triangle that one task fills: the row they are compared with stays in cache.
const ROWS: usize = 32;

/// How the distance to a merged cluster follows from those to its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linkage {
    /// The greatest distance of two rows.
    Complete,
    /// The mean distance of two rows.
    Average,
}

/// The triangle, and which cluster is where in it.
#[derive(Debug)]
pub(super) struct Table {
    linkage: Linkage,
    entries: Vec<f32>,
    /// The place of each slot, and the slot at each place.
    place: Vec<u32>,
    slot: Vec<u32>,
    sizes: Vec<u32>,
}

/// Where row `i` begins.
fn start(i: usize) -> usize {
    i * i.saturating_sub(1) / 2
}

/// The bytes that the distances of `n` clusters take.
pub(super) fn bytes(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2 * 4
}

impl Table {
    /// Fills the triangle with `distance(slot, slot)`, a cluster of `sizes[slot]` rows a slot. O(n²) distances.
    pub fn new(
        linkage: Linkage,
        sizes: Vec<u32>,
        distance: impl Fn(usize, usize) -> f32 + Sync,
        step: &Step<'_>,
    ) -> Result<Table, Cancelled> {
        let n = sizes.len();
        let mut entries = vec![0.0_f32; start(n)];
        let mut parts = Vec::new();
        let mut rest = entries.as_mut_slice();
        for first in (0..n).step_by(ROWS) {
            let last = (first + ROWS).min(n);
            let (part, after) = rest.split_at_mut(start(last) - start(first));
            parts.push((first, last, part));
            rest = after;
        }
        parts
            .into_par_iter()
            .with_max_len(1)
            .try_for_each(|(first, last, part)| {
                step.tick((last - first) as u64)?;
                for column in 0..last - 1 {
                    for row in first.max(column + 1)..last {
                        part[start(row) - start(first) + column] = distance(row, column);
                    }
                }
                Ok(())
            })?;
        Ok(Table {
            linkage,
            entries,
            place: (0..n as u32).collect(),
            slot: (0..n as u32).collect(),
            sizes,
        })
    }

    /// The nearest cluster of each of all slots, in one pass.
    pub fn all_nearest(&self) -> Vec<Option<Found>> {
        let places: Vec<usize> = (0..self.slot.len()).collect();
        let each = places.into_par_iter().with_min_len(8);
        each.map(|place| self.search(place)).collect()
    }

    fn at(&self, a: usize, b: usize) -> f32 {
        self.entries[start(a.max(b)) + a.min(b)]
    }

    /// The nearest cluster alone: the next is as quickly found in the table as in a list.
    fn search(&self, place: usize) -> Option<Found> {
        let own = self.slot[place];
        let (mut best, mut least) = (Few::new(own), f32::INFINITY);
        let mut consider = |other: usize, distance: f32| {
            // Clusters that are gone are infinitely far.
            if distance <= least && distance < f32::INFINITY {
                least = distance;
                best.offer(Nearest {
                    distance,
                    slot: self.slot[other],
                });
            }
        };
        let row = &self.entries[start(place)..start(place + 1)];
        for (other, &distance) in row.iter().enumerate() {
            consider(other, distance);
        }
        for other in place + 1..self.slot.len() {
            consider(other, self.entries[start(other) + place]);
        }
        let near = best.iter().next()?;
        Some(Found {
            near,
            few: vec![near.slot],
            beyond: near.distance,
        })
    }

    /// Moves the live clusters together.
    fn close_up(&mut self, alive: impl Fn(usize) -> bool) {
        let kept: Vec<usize> = (0..self.slot.len()).filter(|&place| alive(place)).collect();
        // Every entry moves towards the front, in order: none is overwritten before it is read.
        let mut to = 0;
        for (at, &row) in kept.iter().enumerate() {
            for &column in &kept[..at] {
                self.entries[to] = self.entries[start(row) + column];
                to += 1;
            }
        }
        self.entries.truncate(to);
        self.slot = kept.iter().map(|&place| self.slot[place]).collect();
        for (place, &slot) in self.slot.iter().enumerate() {
            self.place[slot as usize] = place as u32;
        }
    }
}

impl Distances for Table {
    fn nearest(
        &mut self,
        live: &[u32],
        wanted: &[u32],
        _hints: &[Vec<u32>],
        step: &Step<'_>,
    ) -> Result<Vec<Found>, Cancelled> {
        if live.len() * 4 < self.slot.len() * 3 {
            let mut alive = vec![false; self.slot.len()];
            for &slot in live {
                alive[self.place[slot as usize] as usize] = true;
            }
            self.close_up(|place| alive[place]);
        }
        let this = &*self;
        let none = |slot: u32| Found {
            near: Nearest {
                distance: f32::INFINITY,
                slot,
            },
            few: Vec::new(),
            beyond: f32::INFINITY,
        };
        wanted
            .par_iter()
            .with_min_len(4)
            .map(|&slot| {
                step.tick(0)?;
                let found = this.search(this.place[slot as usize] as usize);
                Ok(found.unwrap_or_else(|| none(slot)))
            })
            .collect()
    }

    fn between(&self, a: u32, b: u32) -> f32 {
        self.at(
            self.place[a as usize] as usize,
            self.place[b as usize] as usize,
        )
    }

    fn beyond_both(&self, _pair: (u32, u32), _apart: f32, beyond: (f32, f32)) -> f32 {
        beyond.0.min(beyond.1)
    }

    fn merge(&mut self, a: u32, b: u32) {
        let (low, high) = (
            self.place[a as usize] as usize,
            self.place[b as usize] as usize,
        );
        let (s, t) = (
            f64::from(self.sizes[a as usize]),
            f64::from(self.sizes[b as usize]),
        );
        let (s, t) = (s / (s + t), t / (s + t));
        let linkage = self.linkage;
        let joined = |x: f32, y: f32| match linkage {
            Linkage::Complete => x.max(y),
            Linkage::Average => (f64::from(x) * s + f64::from(y) * t) as f32,
        };
        let gone = f32::INFINITY;
        let (before, after) = self.entries.split_at_mut(start(high));
        let (own, other) = (&mut before[start(low)..start(low + 1)], &mut after[..high]);
        for (x, y) in own.iter_mut().zip(other.iter_mut()) {
            *x = joined(*x, *y);
            *y = gone;
        }
        other[low] = gone;
        for between in low + 1..high {
            let x = &mut before[start(between) + low];
            *x = joined(*x, other[between]);
            other[between] = gone;
        }
        for beyond in high + 1..self.slot.len() {
            let row = start(beyond);
            self.entries[row + low] = joined(self.entries[row + low], self.entries[row + high]);
            self.entries[row + high] = gone;
        }
        self.sizes[a as usize] += self.sizes[b as usize];
    }
}
