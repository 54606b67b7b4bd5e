//! Vectors computed by an `embed` that did not get to its commit. They are appended to a file as they come, each with a
//! checksum, and taken up by the next `embed` of the same field and model; the commit removes the file. The dataset
//! itself is not touched before the whole is done, so an interrupted run leaves nothing half-written in it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// What a vector is kept under: a digest of the sample's id, path, size and time of change.
pub(super) type Key = [u8; 16];

/// The format's first bytes; the last one is its version.
const MAGIC: &[u8; 8] = b"MSREMB\0\x01";

/// The file of vectors that wait for their commit.
pub(super) struct Pending {
    path: PathBuf,
    dims: usize,
    file: File,
}

impl Pending {
    /// Opens the file for (dataset, field, model), reads what it holds, and cuts a torn tail off.
    pub fn open(
        store: &Path,
        dataset: &str,
        field: &str,
        model: &str,
        dims: usize,
    ) -> Result<(Pending, HashMap<Key, Vec<f32>>), Error> {
        let folder = store.join("jobs");
        let mut name = blake3::Hasher::new();
        for part in [dataset, field, model] {
            name.update(&(part.len() as u64).to_le_bytes());
            name.update(part.as_bytes());
        }
        let path = folder.join(format!("embed-{}.part", &name.finalize().to_hex()[..24]));
        let failed = |error: io::Error| Error::File {
            path: path.clone(),
            problem: error.to_string(),
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (known, good) = read(&bytes, dims);
        if good < bytes.len() {
            file.set_len(good as u64).map_err(failed)?;
        }
        if good == 0 {
            let mut header = MAGIC.to_vec();
            header.extend(u32::try_from(dims).unwrap_or(u32::MAX).to_le_bytes());
            file.write_all(&header).map_err(failed)?;
        }
        Ok((Pending { path, dims, file }, known))
    }

    /// Adds vectors that have just been computed.
    pub fn add<'a>(
        &mut self,
        vectors: impl IntoIterator<Item = (Key, &'a [f32])>,
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (key, vector) in vectors {
            let start = bytes.len();
            bytes.extend(key);
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            let sum = blake3::hash(&bytes[start..]);
            bytes.extend(&sum.as_bytes()[..4]);
        }
        debug_assert_eq!(bytes.len() % record_size(self.dims), 0);
        self.file.write_all(&bytes).map_err(|error| Error::File {
            path: self.path.clone(),
            problem: error.to_string(),
        })
    }

    /// Removes the file once its vectors are committed.
    pub fn remove(self) {
        drop(self.file);
        // A file that stays is found again by the next run, which only saves it work.
        let _ = fs::remove_file(&self.path);
    }
}

fn record_size(dims: usize) -> usize {
    16 + dims * 4 + 4
}

/// The whole records at the front of `bytes`, and how many bytes they take with the header.
fn read(bytes: &[u8], dims: usize) -> (HashMap<Key, Vec<f32>>, usize) {
    let mut known = HashMap::new();
    let Some((header, rest)) = bytes.split_at_checked(MAGIC.len() + 4) else {
        return (known, 0);
    };
    let (magic, stated) = header.split_at(MAGIC.len());
    if magic != MAGIC || stated != u32::try_from(dims).unwrap_or(u32::MAX).to_le_bytes() {
        return (known, 0);
    }
    let mut good = header.len();
    for record in rest.chunks_exact(record_size(dims)) {
        let (body, sum) = record.split_at(record.len() - 4);
        if blake3::hash(body).as_bytes()[..4] != *sum {
            break;
        }
        let (key, values) = body.split_at(16);
        let (Ok(key), values) = (Key::try_from(key), values.chunks_exact(4)) else {
            break;
        };
        known.insert(
            key,
            values
                .map(|v| f32::from_le_bytes([v[0], v[1], v[2], v[3]]))
                .collect(),
        );
        good += record.len();
    }
    (known, good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(seed: usize) -> Vec<f32> {
        (0..3).map(|i| (seed * 10 + i) as f32).collect()
    }

    #[test]
    fn what_was_added_is_there_after_any_cut_as_far_as_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Pending::open(dir.path(), "trip", "embedding", "m", 3).unwrap();
        let (mut pending, known) = open();
        assert!(known.is_empty());
        for i in 0..4 {
            pending
                .add([([i as u8; 16], vector(i).as_slice())])
                .unwrap();
        }
        let path = pending.path.clone();
        drop(pending);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (pending, known) = open();
            let expected = cut.saturating_sub(12) / record_size(3);
            assert_eq!(known.len(), expected, "cut at {cut}");
            for i in 0..expected {
                assert_eq!(known[&[i as u8; 16]], vector(i));
            }
            drop(pending);
        }
    }

    #[test]
    fn another_length_of_vector_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (mut pending, _) = Pending::open(dir.path(), "trip", "embedding", "m", 3).unwrap();
        pending.add([([1; 16], vector(1).as_slice())]).unwrap();
        let (_, known) = Pending::open(dir.path(), "trip", "embedding", "m", 4).unwrap();
        assert!(known.is_empty());
    }
}
