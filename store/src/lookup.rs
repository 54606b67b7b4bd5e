//! From an id or a file path to a row.
//!
//! An index is built from the column when a snapshot has been asked a few times, and not kept on disk: it would have to
//! be rewritten with every append, and scanning a mapped column answers the first question sooner than any index opens.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many questions are answered by scanning.
const SCANS: usize = 4;

/// Rows by key.
#[derive(Debug)]
pub struct Lookup<K> {
    asked: AtomicUsize,
    rows: OnceLock<HashMap<K, u32>>,
}

impl<K> Default for Lookup<K> {
    fn default() -> Lookup<K> {
        Lookup {
            asked: AtomicUsize::new(0),
            rows: OnceLock::new(),
        }
    }
}

impl<K: Hash + Eq> Lookup<K> {
    /// The first row that holds `key`, given the keys of all rows.
    pub fn row<'a, I, Q>(&self, key: &Q, keys: impl Fn() -> I) -> Option<usize>
    where
        I: Iterator<Item = Option<&'a Q>>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized + 'a,
        K: std::borrow::Borrow<Q>,
    {
        if self.rows.get().is_none() && self.asked.fetch_add(1, Ordering::Relaxed) < SCANS {
            return keys().position(|other| other == Some(key));
        }
        let rows = self.rows.get_or_init(|| {
            let mut rows = HashMap::new();
            for (row, key) in keys().enumerate() {
                if let Some(key) = key {
                    rows.entry(key.to_owned()).or_insert(row as u32);
                }
            }
            rows
        });
        rows.get(key).map(|row| *row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_answers_as_the_scan_did() {
        let lookup = Lookup::<String>::default();
        let keys = || ["b", "a", "b"].into_iter().map(Some).chain([None]);
        for _ in 0..3 * SCANS {
            assert_eq!(lookup.row("b", keys), Some(0));
            assert_eq!(lookup.row("a", keys), Some(1));
            assert_eq!(lookup.row("c", keys), None);
        }
    }
}
