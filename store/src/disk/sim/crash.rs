//! What a power cut may leave of a simulated disk.

use std::collections::{BTreeMap, HashSet};

use super::{Pending, SimDisk, State, reachable};

impl SimDisk {
    /// Every disk that a power cut now may leave: names and writes that are not synced are there up to any point,
    /// independently of each other; the write at that point may be torn in the middle or be zeros; or only one file's
    /// writes are there. The last image is the one where all is there, which a killed process leaves.
    pub fn crash_images(&self) -> Vec<SimDisk> {
        let state = self.state();
        let mut writes: Vec<(usize, &[u8])> = Vec::new();
        let mut names = Vec::new();
        for pending in &state.pending {
            match pending {
                Pending::Write { file, bytes } => writes.push((*file, bytes)),
                other => names.push(other),
            }
        }
        let mut kinds = Vec::new();
        for (n, (file, _)) in writes.iter().enumerate() {
            kinds.extend([
                Kept::Prefix(n),
                Kept::Torn(n),
                Kept::Zeros(n),
                Kept::File(*file),
            ]);
        }
        kinds.push(Kept::Prefix(writes.len()));
        let mut seen = HashSet::new();
        let mut images = Vec::new();
        for name_count in 0..=names.len() {
            let mut lasting = state.lasting.clone();
            names[..name_count]
                .iter()
                .for_each(|change| change.apply(&mut lasting));
            for kept in &kinds {
                let files = kept.files(&state.synced, &writes);
                if seen.insert(contents(&lasting, &files)) {
                    images.push(SimDisk::of(State {
                        synced: files,
                        names: lasting.clone(),
                        lasting: lasting.clone(),
                        ..State::default()
                    }));
                }
            }
        }
        images
    }
}

/// How much of the pending writes a crash leaves.
#[derive(Clone, Copy)]
enum Kept {
    /// The first `n`.
    Prefix(usize),
    /// The first `n`, and half of the next.
    Torn(usize),
    /// The first `n`, and zeros for the next.
    Zeros(usize),
    /// Those of one file.
    File(usize),
}

impl Kept {
    fn files(self, synced: &[Vec<u8>], writes: &[(usize, &[u8])]) -> Vec<Vec<u8>> {
        let mut files = synced.to_vec();
        let mut write = |(file, bytes): (usize, &[u8])| files[file].extend_from_slice(bytes);
        match self {
            Kept::Prefix(n) => writes[..n].iter().for_each(|one| write(*one)),
            Kept::Torn(n) => {
                writes[..n].iter().for_each(|one| write(*one));
                let (file, bytes) = writes[n];
                write((file, &bytes[..bytes.len() / 2]));
            }
            Kept::Zeros(n) => {
                writes[..n].iter().for_each(|one| write(*one));
                let (file, bytes) = writes[n];
                write((file, &vec![0; bytes.len()]));
            }
            Kept::File(only) => {
                writes
                    .iter()
                    .filter(|(file, _)| *file == only)
                    .for_each(|one| write(*one));
            }
        }
        files
    }
}

/// The files that can be reached by a name: those in directories that last.
fn contents(names: &BTreeMap<String, Option<usize>>, files: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    names
        .iter()
        .filter(|(name, _)| reachable(names, name))
        .map(|(name, file)| {
            (
                name.clone(),
                file.map(|file| files[file].clone()).unwrap_or_default(),
            )
        })
        .collect()
}
