//! What all records of the journal come to: every dataset's newest generation, and the few before it that undo can
//! return to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::journal::Record;
use crate::manifest::Manifest;

/// How many generations before the newest are kept.
pub const KEPT_GENERATIONS: usize = 4;

/// All datasets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    datasets: BTreeMap<u64, Entry>,
    names: BTreeMap<String, u64>,
}

/// One dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its newest generation.
    pub current: Arc<Manifest>,
    /// Generations before it, oldest first.
    pub earlier: VecDeque<Arc<Manifest>>,
}

impl Entry {
    /// Whether this generation is the newest or kept for undo.
    pub fn keeps(&self, generation: u64) -> bool {
        let mut kept = self.earlier.iter().chain([&self.current]);
        kept.any(|manifest| manifest.generation == generation)
    }
}

impl State {
    /// Applies a record.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Put(manifest) => self.put(manifest, false),
            Record::Undo(manifest) => self.put(manifest, true),
            Record::Remove(id) => {
                if let Some(entry) = self.datasets.remove(&id) {
                    self.forget_name(&entry.current.name, id);
                }
            }
        }
    }

    fn put(&mut self, manifest: Manifest, undo: bool) {
        let manifest = Arc::new(manifest);
        let id = manifest.id;
        let name = manifest.name.clone();
        match self.datasets.get_mut(&id) {
            None => {
                let entry = Entry {
                    current: manifest,
                    earlier: VecDeque::new(),
                };
                self.datasets.insert(id, entry);
            }
            Some(entry) => {
                let before = std::mem::replace(&mut entry.current, manifest);
                if undo {
                    entry.earlier.pop_back();
                } else if before.generation < entry.current.generation {
                    entry.earlier.push_back(before.clone());
                    if entry.earlier.len() > KEPT_GENERATIONS {
                        entry.earlier.pop_front();
                    }
                }
                if before.name != name {
                    self.forget_name(&before.name, id);
                }
            }
        }
        self.names.insert(name, id);
    }

    fn forget_name(&mut self, name: &str, id: u64) {
        if self.names.get(name) == Some(&id) {
            self.names.remove(name);
        }
    }

    /// The dataset of that number.
    pub fn get(&self, id: u64) -> Option<&Entry> {
        self.datasets.get(&id)
    }

    /// The dataset of that name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.names.get(name).and_then(|id| self.datasets.get(id))
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// All datasets, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.names.values().filter_map(|id| self.datasets.get(id))
    }

    /// The newest generation of every dataset, also where two have one name.
    pub fn all_current(&self) -> impl Iterator<Item = &Arc<Manifest>> {
        self.datasets.values().map(|entry| &entry.current)
    }

    /// Every kept generation of every dataset.
    pub fn manifests(&self) -> impl Iterator<Item = &Arc<Manifest>> {
        self.datasets
            .values()
            .flat_map(|entry| entry.earlier.iter().chain([&entry.current]))
    }

    /// The fewest records that come to this state.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.manifests()
            .map(|manifest| Record::Put(Manifest::clone(manifest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn manifest(id: u64, name: &str, generation: u64) -> Manifest {
        Manifest {
            id,
            name: name.into(),
            persistent: true,
            created_at: 0,
            last_modified_at: 0,
            generation,
            rows: 0,
            columns: Vec::new(),
            runs: Vec::new(),
            views: Vec::new(),
        }
    }

    #[test]
    fn a_short_journal_comes_to_the_same_state() {
        let mut state = State::default();
        for generation in 1..=9 {
            state.apply(Record::Put(manifest(1, "a", generation)));
            state.apply(Record::Put(manifest(2, "b", generation)));
        }
        state.apply(Record::Undo(manifest(1, "a", 10)));
        state.apply(Record::Put(manifest(2, "c", 9)));
        state.apply(Record::Put(manifest(3, "b", 1)));
        state.apply(Record::Remove(3));
        let mut again = State::default();
        state.records().for_each(|record| again.apply(record));
        assert_eq!(again, state);
        assert_eq!(again.names().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(again.get(1).unwrap().earlier.len(), KEPT_GENERATIONS - 1);
    }
}
