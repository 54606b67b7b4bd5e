//! Looks at every byte that a kept generation rests on, and lists what does not fit. Changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::Array;

use crate::catalog::{self, Catalog};
use crate::inner::Inner;
use crate::journal;
use crate::manifest::{Chunk, Manifest};
use crate::segment::{ChunkRef, Depth, Segment, SegmentId};
use crate::state::State;
use crate::{Error, Field, Result, Store};

/// What was looked at, and what does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Number of datasets.
    pub datasets: u64,
    /// Number of segment files read.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What does not fit, by file.
    pub problems: Vec<Problem>,
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// What rests on it: `"trip.embedding"`, `"trip run k20"`; `"... (generation 3, kept for undo)"`.
    pub affects: Vec<String>,
}

impl Verified {
    /// Whether everything fits.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Store {
    /// Checks every checksum, every footer and every array of every kept generation, the journal, and (if no other
    /// process holds it) that the catalogue says the same. Reads all bytes of the store.
    ///
    /// # Errors
    /// What keeps it from looking at all: the journal cannot be read, the disk says no. Damage found is no error but a
    /// [`Problem`].
    pub fn verify(&self) -> Result<Verified> {
        self.inner.verify()
    }
}

/// What rests on each chunk: how many rows it must have (`None` for a run's), the field, and what to call it.
type Uses = BTreeMap<ChunkRef, Vec<Use>>;

struct Use {
    rows: Option<u64>,
    field: Option<Field>,
    what: String,
}

impl Inner {
    fn verify(&self) -> Result<Verified> {
        let state = self.current()?;
        let mut verified = Verified {
            datasets: state.entries().count() as u64,
            ..Verified::default()
        };
        verified.problems.extend(self.torn());
        let mut found: BTreeMap<SegmentId, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        let mut opened: HashMap<SegmentId, std::result::Result<Arc<Segment>, String>> =
            HashMap::new();
        for (at, uses) in uses_of(&state) {
            let segment = opened.entry(at.segment).or_insert_with(|| {
                self.segment(at.segment)
                    .map_err(|error| why_of(&error))
                    .inspect(|segment| {
                        verified.segments += 1;
                        verified.bytes += segment.bytes();
                    })
            });
            let outcome = match segment {
                Ok(segment) => check(segment, at, &uses),
                Err(why) => Err(why.clone()),
            };
            if let Err(why) = outcome {
                let affected = found.entry(at.segment).or_default().entry(why).or_default();
                affected.extend(uses.into_iter().map(|one| one.what));
            }
        }
        for (id, problems) in found {
            verified
                .problems
                .extend(problems.into_iter().map(|(why, affects)| Problem {
                    file: self.root.join(id.file()),
                    why,
                    affects: affects.into_iter().collect(),
                }));
        }
        verified.problems.extend(self.catalogue_differs(&state));
        Ok(verified)
    }

    fn torn(&self) -> Option<Problem> {
        let loaded = self
            .loaded
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        loaded.torn.then(|| Problem {
            file: self.root.join(journal::FILE),
            why: format!(
                "it ends in a torn record at byte {}, which the next commit cuts",
                loaded.end
            ),
            affects: Vec::new(),
        })
    }

    /// What is wrong with each chunk of the newest generation of a dataset.
    pub fn bad_chunks(&self, manifest: &Manifest) -> BTreeMap<ChunkRef, String> {
        let mut uses = Uses::new();
        add_uses(&mut uses, manifest, false);
        let mut bad = BTreeMap::new();
        for (at, uses) in uses {
            let outcome = match self.segment(at.segment) {
                Ok(segment) => check(&segment, at, &uses),
                Err(error) => Err(why_of(&error)),
            };
            if let Err(why) = outcome {
                bad.insert(at, why);
            }
        }
        bad
    }

    fn catalogue_differs(&self, state: &State) -> Option<Problem> {
        let (_, seq) = self.state_and_seq();
        let differs = self.with_catalogue(|catalogue| match catalogue.seq() {
            // Behind is how another process leaves it, and how it starts.
            None => None,
            Some(known) if known < seq => None,
            Some(known) if known > seq => Some(format!(
                "it knows of record {known}, and the journal ends with {seq}"
            )),
            Some(_) => compare(catalogue, state),
        })??;
        Some(Problem {
            file: self.root.join(catalog::DIR),
            why: differs,
            affects: Vec::new(),
        })
    }
}

fn compare(catalogue: &Catalog, state: &State) -> Option<String> {
    let held = match catalogue.datasets() {
        Ok(held) => held,
        Err(why) => return Some(format!("it cannot be read ({why})")),
    };
    let mut expected: Vec<Vec<Manifest>> = state
        .entries()
        .map(|entry| {
            entry
                .earlier
                .iter()
                .chain([&entry.current])
                .map(|one| Manifest::clone(one))
                .collect()
        })
        .collect();
    expected.sort_by_key(|kept| kept[0].id);
    if held != expected {
        return Some("it does not hold what the journal says".into());
    }
    let lost = state
        .entries()
        .find(|entry| catalogue.id_of(&entry.current.name) != Some(entry.current.id));
    lost.map(|entry| format!("it does not know the name {:?}", entry.current.name))
}

fn check(segment: &Segment, at: ChunkRef, uses: &[Use]) -> std::result::Result<(), String> {
    let array = segment
        .chunk(at.index, Depth::Every)
        .map_err(|error| why_of(&error))?;
    for one in uses {
        if one.rows.is_some_and(|rows| rows != array.len() as u64) {
            return Err(format!(
                "chunk {} has {} rows, not what its manifest says",
                at.index,
                array.len()
            ));
        }
        if let Some(field) = &one.field
            && !field.ty.accepts(array.data_type())
        {
            return Err(format!(
                "chunk {} holds {}, not {}",
                at.index,
                array.data_type(),
                field.ty
            ));
        }
    }
    Ok(())
}

fn uses_of(state: &State) -> Uses {
    let mut uses = Uses::new();
    for entry in state.entries() {
        add_uses(&mut uses, &entry.current, false);
        entry
            .earlier
            .iter()
            .for_each(|manifest| add_uses(&mut uses, manifest, true));
    }
    uses
}

fn add_uses(uses: &mut Uses, manifest: &Manifest, earlier: bool) {
    let note = match earlier {
        true => format!(" (generation {}, kept for undo)", manifest.generation),
        false => String::new(),
    };
    let name = &manifest.name;
    for column in &manifest.columns {
        for chunk in &column.chunks {
            if let Chunk::Stored { at, rows } = chunk {
                let what = format!("{name}.{}{note}", column.field.name);
                let field = Some(column.field.clone());
                uses.entry(*at).or_default().push(Use {
                    rows: Some(*rows),
                    field,
                    what,
                });
            }
        }
    }
    for run in &manifest.runs {
        let record = (run.record, format!("{name} run {}{note}", run.key));
        let tables = run
            .tables
            .iter()
            .map(|(table, at)| (*at, format!("{name} run {} table {table}{note}", run.key)));
        for (at, what) in std::iter::once(record).chain(tables) {
            uses.entry(at).or_default().push(Use {
                rows: None,
                field: None,
                what,
            });
        }
    }
}

/// What is wrong, without the file's name, which stands beside it.
fn why_of(error: &Error) -> String {
    match error {
        Error::Damaged { why, .. } => why.clone(),
        other => other.to_string(),
    }
}
