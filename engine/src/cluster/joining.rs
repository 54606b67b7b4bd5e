//! Groups of rows that several threads join at once: union-find without locks.
//!
//! A root is only ever hung below a lower root, so a group's root is its lowest row, whoever joined what first. The
//! alternative, one thread that joins what the others find, would wait for it.

use std::sync::atomic::{AtomicU32, Ordering};

/// Rows in groups that grow together. Source: Anderson and Woll (1991), linked by index.
#[derive(Debug)]
pub(super) struct Joining {
    parent: Vec<AtomicU32>,
}

impl Joining {
    /// Every row a group of its own.
    pub fn new(n: usize) -> Joining {
        Joining {
            parent: (0..n as u32).map(AtomicU32::new).collect(),
        }
    }

    /// The root of a row's group as of now; its lowest row once all joining is over.
    pub fn root(&self, mut row: u32) -> u32 {
        loop {
            let up = self.parent[row as usize].load(Ordering::Relaxed);
            if up == row {
                return row;
            }
            let above = self.parent[up as usize].load(Ordering::Relaxed);
            // Shortens the way; who else changes it makes it no longer, so a lost exchange does not matter.
            let _ = self.parent[row as usize].compare_exchange_weak(
                up,
                above,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            row = above;
        }
    }

    /// Joins the groups of two rows.
    pub fn join(&self, a: u32, b: u32) {
        let (mut a, mut b) = (a, b);
        loop {
            (a, b) = (self.root(a), self.root(b));
            if a == b {
                return;
            }
            let (low, high) = (a.min(b), a.max(b));
            let hung = self.parent[high as usize].compare_exchange(
                high,
                low,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if hung.is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn threads_joining_at_once_give_the_groups_of_one_and_their_lowest_rows() {
        let n = 5000_u32;
        let joining = Joining::new(n as usize);
        // Rows that are equal modulo 7 belong together, by links that jump back and forth.
        (0..n * 4).into_par_iter().for_each(|at| {
            let a = at * 7919 % n;
            let b = (a + 7 * (at % 97)) % (n / 7 * 7);
            if a % 7 == b % 7 {
                joining.join(a, b);
            }
        });
        (0..n - 7)
            .into_par_iter()
            .for_each(|a| joining.join(a, a + 7));
        for row in 0..n {
            assert_eq!(joining.root(row), row % 7, "{row}");
        }
    }
}
