//! A disk in memory that keeps apart what is synced from what is not, and hands out every image a power cut may leave.
//!
//! It is stricter than real file systems: a synced file whose name is not synced is gone, writes of different files
//! survive independently of names, a write may be torn in the middle or leave zeros.

mod crash;
mod door;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk in memory. Clones are the same disk; [`SimDisk::crash_images`] makes new ones.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// What each file ever made holds for sure.
    synced: Vec<Vec<u8>>,
    /// The names that last. A directory ends in `/` and has no file.
    lasting: BTreeMap<String, Option<usize>>,
    /// Names as the running program sees them.
    names: BTreeMap<String, Option<usize>>,
    /// What is not synced, in the order it was done.
    pending: Vec<Pending>,
    /// Number of calls that changed something.
    calls: usize,
    /// The state after each such call, if asked for.
    recorded: Option<Vec<State>>,
}

#[derive(Debug, Clone)]
enum Pending {
    Write { file: usize, bytes: Vec<u8> },
    Link { name: String, file: Option<usize> },
    Unlink { name: String },
    Rename { from: String, to: String },
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// Keeps the state after each call from now on, for [`SimDisk::recorded`].
    pub fn record(&self) {
        self.state().recorded = Some(Vec::new());
    }

    /// How many calls have changed something.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// The disk as it was after each call since [`SimDisk::record`].
    pub fn recorded(&self) -> Vec<SimDisk> {
        let state = self.state();
        state
            .recorded
            .iter()
            .flatten()
            .map(|state| SimDisk::of(state.clone()))
            .collect()
    }

    /// Changes the bytes of a file behind everyone's back, as a bad sector does; `false` where there is no such file.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.state();
        let Some(Some(file)) = state.names.get(name).copied() else {
            return false;
        };
        state
            .pending
            .retain(|pending| !matches!(pending, Pending::Write { file: of, .. } if *of == file));
        change(&mut state.synced[file]);
        true
    }

    fn of(state: State) -> SimDisk {
        SimDisk {
            state: Arc::new(Mutex::new(State {
                recorded: None,
                ..state
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reachable(names: &BTreeMap<String, Option<usize>>, name: &str) -> bool {
    match name.trim_end_matches('/').rsplit_once('/') {
        Some((dir, _)) => names.contains_key(&format!("{dir}/")),
        None => true,
    }
}

impl Pending {
    fn apply(&self, names: &mut BTreeMap<String, Option<usize>>) {
        match self {
            Pending::Link { name, file } => {
                names.insert(name.clone(), *file);
            }
            Pending::Unlink { name } => {
                names.remove(name);
            }
            Pending::Rename { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Pending::Write { .. } => {}
        }
    }

    fn is_in(&self, dir: &str) -> bool {
        let name = match self {
            Pending::Link { name, .. } | Pending::Unlink { name } => name,
            Pending::Rename { to, .. } => to,
            Pending::Write { .. } => return false,
        };
        let name = name.trim_end_matches('/');
        name.rsplit_once('/').map_or("", |(parent, _)| parent) == dir
    }
}

impl State {
    fn file(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .flatten()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn bytes(&self, file: usize) -> Vec<u8> {
        let mut bytes = self.synced[file].clone();
        for pending in &self.pending {
            if let Pending::Write {
                file: of,
                bytes: more,
            } = pending
                && *of == file
            {
                bytes.extend_from_slice(more);
            }
        }
        bytes
    }

    fn change_names(&mut self, change: Pending) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn called(&mut self) {
        self.calls += 1;
        if let Some(mut recorded) = self.recorded.take() {
            recorded.push(self.clone());
            self.recorded = Some(recorded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    fn files(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
        disk.list("")
            .unwrap()
            .into_iter()
            .map(|name| (name.clone(), disk.read(&name, 0).unwrap()))
            .collect()
    }

    #[test]
    fn what_is_not_synced_may_be_lost_torn_or_whole() {
        let disk = SimDisk::new();
        disk.create("a", &[b"12"]).unwrap();
        disk.sync("a").unwrap();
        disk.sync_dir("").unwrap();
        disk.append("a", b"3456").unwrap();
        let images: Vec<_> = disk
            .crash_images()
            .iter()
            .map(|image| image.read("a", 0).unwrap())
            .collect();
        assert_eq!(images, [&b"12"[..], b"1234", b"12\0\0\0\0", b"123456"]);
    }

    #[test]
    fn a_name_lasts_only_after_its_directory_is_synced() {
        let disk = SimDisk::new();
        disk.create("a", &[b"1"]).unwrap();
        disk.sync("a").unwrap();
        assert!(
            disk.crash_images()
                .iter()
                .any(|image| files(image).is_empty())
        );
        disk.sync_dir("").unwrap();
        assert!(
            disk.crash_images()
                .iter()
                .all(|image| files(image) == [("a".into(), b"1".to_vec())])
        );
    }

    #[test]
    fn a_rename_is_there_or_not() {
        let disk = SimDisk::new();
        for (name, bytes) in [("a", b"1"), ("b", b"2")] {
            disk.create(name, &[bytes]).unwrap();
            disk.sync(name).unwrap();
        }
        disk.sync_dir("").unwrap();
        disk.rename("b", "a").unwrap();
        let images: Vec<_> = disk.crash_images().iter().map(files).collect();
        assert_eq!(
            images,
            [
                vec![("a".into(), b"1".to_vec()), ("b".into(), b"2".to_vec())],
                vec![("a".into(), b"2".to_vec())]
            ]
        );
    }
}
