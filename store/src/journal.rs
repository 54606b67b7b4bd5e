//! The journal's bytes: a header, then records with a length, a checksum and a sequence number each. A commit is done
//! when its record is synced, and not before.
//!
//! A torn tail (the last record cut or garbled by a crash) is told from damage (a good record follows the bad one):
//! the first is what a crash leaves, the second would lose acknowledged commits if it were cut.

use serde::{Deserialize, Serialize};

use crate::codec::{self, Undecodable};
use crate::manifest::Manifest;
use crate::state::State;

/// The journal's name in the store's directory.
pub const FILE: &str = "journal";
/// The name under which a new journal is written.
pub const NEW_FILE: &str = "journal.new";
/// Version of the journal's format.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"MESSJRNL";
/// Bytes of the header.
pub const HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// Sequence numbers further ahead than this are no continuation.
const PLAUSIBLE_GAP: u64 = 1 << 20;

/// One commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// A dataset is now this. The generation before is kept for undo, if this one is a later one.
    Put(Manifest),
    /// A dataset is now this, which its last kept generation was; that one is no longer kept.
    Undo(Manifest),
    /// A dataset is gone.
    Remove(u64),
}

impl Record {
    /// The dataset it is about.
    pub fn dataset(&self) -> u64 {
        match self {
            Record::Put(manifest) | Record::Undo(manifest) => manifest.id,
            Record::Remove(id) => *id,
        }
    }
}

/// Why a journal cannot be read.
#[derive(Debug, PartialEq)]
pub enum Unreadable {
    /// Written by a newer version.
    Newer(u32),
    /// Not what was written.
    Damaged(String),
}

/// What the bytes of a journal hold.
#[derive(Debug)]
pub struct Scan {
    /// The good records.
    pub records: Vec<(u64, Record)>,
    /// Where the last good record ends.
    pub end: u64,
    /// Whether there is something after it: a torn record.
    pub torn: bool,
}

/// The header of a journal whose first record follows record `base`. A journal rewritten without records must not
/// begin to count anew: the catalogue would seem to know more than it.
pub fn header(base: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..].copy_from_slice(&base.to_le_bytes());
    let sum = header_sum(&bytes);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The number of the record before the first one, from the header that `bytes` start with.
///
/// # Errors
/// [`Unreadable`] where they do not start with a whole header of a version we know.
pub fn base_of(bytes: &[u8]) -> Result<u64, Unreadable> {
    let header = bytes
        .get(..HEADER)
        .ok_or_else(|| Unreadable::Damaged("it is cut short in its header".into()))?;
    if &header[..8] != MAGIC {
        return Err(Unreadable::Damaged(
            "it does not start as a journal does".into(),
        ));
    }
    if u32_at(header, 12) != Some(header_sum(header)) {
        return Err(Unreadable::Damaged(
            "the sum of its header does not fit".into(),
        ));
    }
    match u32_at(header, 8) {
        Some(version) if version > VERSION => Err(Unreadable::Newer(version)),
        _ => u64_at(header, 16).ok_or_else(|| Unreadable::Damaged("it has no base".into())),
    }
}

/// Every whole record in a damaged journal, wherever it is: for repair.
pub fn salvage(bytes: &[u8]) -> Vec<(u64, Record)> {
    let mut records: Vec<(u64, Record)> = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let last = records.last().map_or(0, |(seq, _)| *seq);
        let found = framed_at(bytes, at)
            .filter(|(seq, body)| *seq > last && is_sound(bytes, at, *seq, body))
            .and_then(|(seq, body)| Some((seq, body.len(), codec::decode(body).ok()?)));
        match found {
            Some((seq, len, record)) => {
                records.push((seq, record));
                at += RECORD_HEADER + len;
            }
            None => at += 1,
        }
    }
    records
}

fn header_sum(header: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&header[..12]);
    sum.update(&header[16..HEADER]);
    sum.finalize()
}

/// The bytes of a record.
///
/// # Errors
/// Text, where the record cannot be encoded or is over 4 GiB.
pub fn encode(seq: u64, record: &Record) -> Result<Vec<u8>, String> {
    let body = codec::encode(record)?;
    let len = u32::try_from(body.len()).map_err(|_| "a record over 4 GiB".to_owned())?;
    let mut bytes = Vec::with_capacity(RECORD_HEADER + body.len());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&record_sum(len, seq, &body).to_le_bytes());
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// A journal that comes to `state` in the fewest records, the first of them after number `base`; and the last number.
///
/// # Errors
/// As [`encode`].
pub fn short(state: &State, base: u64) -> Result<(Vec<u8>, u64), String> {
    let mut seq = base;
    let mut bytes = header(base).to_vec();
    for record in state.records() {
        seq += 1;
        bytes.extend(encode(seq, &record)?);
    }
    Ok((bytes, seq))
}

/// Reads records from `bytes`, which begin at byte `start` of the journal; `last` is the number of the record before.
///
/// # Errors
/// [`Unreadable`] where a bad record is followed by a good one, or a good one cannot be decoded.
pub fn scan(bytes: &[u8], start: u64, mut last: u64) -> Result<Scan, Unreadable> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((seq, body)) = record_at(bytes, at, last) {
        let record = codec::decode(body).map_err(|error| match error {
            Undecodable::Newer(version) => Unreadable::Newer(version.into()),
            Undecodable::Damaged(why) => Unreadable::Damaged(format!(
                "the record at byte {} has the right sum but cannot be read: {why}",
                start + at as u64
            )),
        })?;
        records.push((seq, record));
        last = seq;
        at += RECORD_HEADER + body.len();
    }
    let torn = at < bytes.len();
    if torn && let Some(later) = later_record(bytes, at + 1, last) {
        return Err(Unreadable::Damaged(format!(
            "the record at byte {} is bad, but a good one follows at byte {}",
            start + at as u64,
            start + later as u64
        )));
    }
    Ok(Scan {
        records,
        end: start + at as u64,
        torn,
    })
}

/// The record at `at`, if it is whole and follows `last`.
fn record_at(bytes: &[u8], at: usize, last: u64) -> Option<(u64, &[u8])> {
    let (seq, body) = framed_at(bytes, at)?;
    if Some(seq) != last.checked_add(1) {
        return None;
    }
    is_sound(bytes, at, seq, body).then_some((seq, body))
}

fn framed_at(bytes: &[u8], at: usize) -> Option<(u64, &[u8])> {
    let len = u32_at(bytes, at)? as usize;
    let seq = u64_at(bytes, at + 8)?;
    let body = at + RECORD_HEADER;
    // A record is never empty: it has a version byte. So zeros are no record.
    if len == 0 {
        return None;
    }
    Some((seq, bytes.get(body..body.checked_add(len)?)?))
}

fn is_sound(bytes: &[u8], at: usize, seq: u64, body: &[u8]) -> bool {
    u32_at(bytes, at + 4) == Some(record_sum(body.len() as u32, seq, body))
}

/// Where a sound record of a later number begins, at `from` or after it.
fn later_record(bytes: &[u8], from: usize, last: u64) -> Option<usize> {
    (from..bytes.len().saturating_sub(RECORD_HEADER)).find(|at| {
        framed_at(bytes, *at).is_some_and(|(seq, body)| {
            seq > last && seq - last < PLAUSIBLE_GAP && is_sound(bytes, *at, seq, body)
        })
    })
}

fn record_sum(len: u32, seq: u64, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&len.to_le_bytes());
    sum.update(&seq.to_le_bytes());
    sum.update(body);
    sum.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(
        bytes.get(at..at.checked_add(8)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(n: u64) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for seq in 1..=n {
            starts.push(bytes.len());
            bytes.extend(encode(seq, &Record::Remove(seq * 7)).unwrap());
        }
        (bytes, starts)
    }

    #[test]
    fn a_cut_anywhere_leaves_the_records_before_it() {
        let (bytes, starts) = journal(3);
        for cut in 0..bytes.len() {
            let scan = scan(&bytes[..cut], 0, 0).unwrap();
            let whole = starts
                .iter()
                .filter(|start| **start > 0 && **start <= cut)
                .count();
            assert_eq!(scan.records.len(), whole, "cut at {cut}");
            assert_eq!(scan.torn, scan.end != cut as u64);
        }
    }

    #[test]
    fn a_flipped_bit_in_the_last_record_is_a_torn_tail_and_before_it_is_damage() {
        let (bytes, starts) = journal(3);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            match scan(&bad, 0, 0) {
                Ok(scan) => {
                    assert!(at >= starts[2], "bit {at} was lost silently");
                    assert_eq!(scan.records.len(), 2);
                    assert!(scan.torn);
                }
                Err(error) => {
                    assert!(at < starts[2], "{error:?}");
                    assert!(matches!(error, Unreadable::Damaged(_)));
                }
            }
        }
    }

    #[test]
    fn whole_records_are_saved_from_around_a_bad_one() {
        let (bytes, starts) = journal(3);
        let mut bad = [&header(0)[..], &bytes].concat();
        bad[HEADER + starts[1] + RECORD_HEADER] ^= 1;
        let saved: Vec<u64> = salvage(&bad).into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(saved, [1, 3]);
    }

    #[test]
    fn zeros_are_no_record() {
        let scan = scan(&[0; 100], 0, 3).unwrap();
        assert!(scan.torn && scan.records.is_empty());
    }

    #[test]
    fn a_newer_header_is_told_from_a_bad_one() {
        let mut bytes = header(9);
        assert_eq!(base_of(&bytes), Ok(9));
        bytes[8] = 2;
        assert!(matches!(base_of(&bytes), Err(Unreadable::Damaged(_))));
        let sum = header_sum(&bytes);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(base_of(&bytes), Err(Unreadable::Newer(2)));
    }
}
