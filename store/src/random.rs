//! Numbers nobody else has drawn: for segments, datasets and sample ids. Not for anything that must be repeatable.
//!
//! The standard library's hash keys are random per process, which is all that is needed; a crate for it is not.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::SampleId;

/// A random number, never the same twice in a process.
pub fn unique() -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    KEYS.get_or_init(RandomState::new)
        .hash_one((std::process::id(), now_nanos(), count))
}

/// Milliseconds since 1970 in UTC.
pub fn now_millis() -> i64 {
    i64::try_from(now_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn now_nanos() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
}

/// `n` new sample ids, rising: 4 bytes of seconds, 5 random bytes per call, 3 bytes of counter, as MongoDB makes them.
pub fn sample_ids(n: usize) -> impl Iterator<Item = SampleId> {
    let seconds = (now_millis() / 1000) as u32;
    let mut salt = unique();
    (0..n).map(move |i| {
        // 2^24 ids share their first nine bytes at most.
        if i > 0 && i.is_multiple_of(1 << 24) {
            salt = unique();
        }
        let mut id = [0; 12];
        id[..4].copy_from_slice(&seconds.to_be_bytes());
        id[4..9].copy_from_slice(&salt.to_be_bytes()[..5]);
        id[9..].copy_from_slice(&(i as u32).to_be_bytes()[1..]);
        SampleId(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_equal() {
        let mut numbers: Vec<u64> = (0..10_000).map(|_| unique()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 10_000);
        let ids: Vec<SampleId> = sample_ids(1000).chain(sample_ids(1000)).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 2000);
        assert!(ids[..1000].is_sorted());
    }
}
