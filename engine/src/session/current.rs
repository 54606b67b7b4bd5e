//! A clustering run as it stands now: its record, the label of each of its samples, their vectors, and what the method
//! said of each. What `score` and the edits read, and what they write back.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use messier_store::{Changes, Field, FieldType, SampleId, Snapshot};

use super::columns;
use super::input::Features;
use super::judged::{
    self, Carried, Grouping, Judged, Manner, NOISE, labels_fingerprint, named_labels,
};
use super::labelling::clustering;
use super::recorder::entry;
use super::runs::{find, read_record};
use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Metric;
use crate::runs::{RunRecord, fingerprint_rows};
use crate::score::Centre;

/// A clustering run as it stands.
pub(super) struct Current {
    /// Its record.
    pub record: RunRecord,
    /// The rows of the snapshot that it labels.
    pub rows: Vec<u32>,
    /// The cluster of each of those rows, -1 for noise.
    pub labels: Vec<i32>,
    /// What stays with each cluster.
    pub carried: BTreeMap<i32, Carried>,
    /// The number that the next new cluster gets: none that was ever used.
    pub next: i32,
    /// The rows that have vectors, and where they are.
    pub features: Features,
    /// For each of these rows its place among all.
    described: Vec<usize>,
    probabilities: Option<Vec<f32>>,
    outlier_scores: Option<Vec<f32>>,
}

impl Current {
    /// Reads a run; the vectors are those it was made from.
    ///
    /// # Errors
    /// An unknown run, a run of another kind, a field or vectors that are no longer there.
    pub fn open(snapshot: &Snapshot, key: &str, context: &Context) -> Result<Current, Error> {
        Current::open_with(snapshot, key, &[], context)
    }

    /// Reads a run as it will be with more rows, which have these labels.
    ///
    /// # Errors
    /// As [`Current::open`].
    pub fn open_with(
        snapshot: &Snapshot,
        key: &str,
        more: &[(u32, i32)],
        context: &Context,
    ) -> Result<Current, Error> {
        let record = clustering(read_record(find(snapshot, key)?)?)?;
        let field = record.fields.first().map_or(key, String::as_str);
        if snapshot.schema().field(field).is_none() {
            return Err(Error::Input(format!(
                "the field {field:?} that the run {key:?} wrote is not there any more; `runs` can delete the run or do it again"
            )));
        }
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        let mut texts = columns::texts(&snapshot.column(field)?);
        for &(row, label) in more {
            if let Some(text) = texts.get_mut(row as usize) {
                *text = Some(label.to_string());
            }
        }
        for (row, text) in (0..).zip(texts) {
            let Some(text) = text else { continue };
            let label = text.parse().ok().filter(|&label: &i32| label >= -1);
            labels.push(label.ok_or_else(|| {
                Error::Input(format!(
                    "the field {field:?} of the run {key:?} holds {text:?}, which is no cluster's id"
                ))
            })?);
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(Error::Input(format!(
                "none of the samples that the run {key:?} clustered is there any more"
            )));
        }
        let features = Features::among(snapshot, &rows, &record.input.field, context)?;
        let place: HashMap<u32, usize> = (0..).zip(&rows).map(|(at, &row)| (row, at)).collect();
        let described = features.rows.iter().map(|row| place[row]).collect();
        let mut carried = BTreeMap::new();
        let mut next = labels.iter().max().map_or(0, |&last| last + 1);
        for cluster in &record.clusters {
            if let Ok(id) = cluster.id.parse::<i32>() {
                next = next.max(id + 1);
                let known = Carried {
                    name: cluster.name.clone(),
                    persistence: cluster.persistence,
                };
                carried.insert(id, known);
            }
        }
        for made in record.history.iter().flat_map(|edit| &edit.made) {
            next = next.max(made.parse().map_or(next, |id: i32| id + 1));
        }
        let samples = snapshot.run_table(key, judged::TABLES[0])?;
        let of = |column: &str| per_sample(samples.as_ref()?, column, &features.ids);
        Ok(Current {
            probabilities: of("probability"),
            outlier_scores: of("outlier_score"),
            record,
            rows,
            labels,
            carried,
            next,
            features,
            described,
        })
    }

    /// The cluster that a word means: an id, or the name of one cluster only.
    ///
    /// # Errors
    /// No such cluster, or several of that name.
    pub fn cluster(&self, word: &str) -> Result<i32, Error> {
        let ids = self.ids();
        if let Ok(id) = word.parse::<i32>()
            && ids.contains(&id)
        {
            return Ok(id);
        }
        let named = |id: &&i32| {
            let known = self.carried.get(*id);
            known.and_then(|known| known.name.as_deref()) == Some(word)
        };
        let found: Vec<&i32> = ids.iter().filter(named).collect();
        match found.as_slice() {
            [one] => Ok(**one),
            [] => Err(Error::Unknown {
                what: "cluster",
                name: word.to_owned(),
                candidates: ids.iter().map(ToString::to_string).collect(),
            }),
            many => Err(Error::Input(format!(
                "{} clusters are called {word:?}; say which by its id: {}",
                many.len(),
                many.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// The ids of the clusters that have samples, rising, noise left out.
    pub fn ids(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = self.labels.iter().copied().filter(|&id| id >= 0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A number that no cluster of this run ever had.
    pub fn make(&mut self, carried: Carried) -> i32 {
        let id = self.next;
        self.next += 1;
        self.carried.insert(id, carried);
        id
    }

    /// Gives a row of the run another cluster; what the method said of it no longer holds.
    pub fn set(&mut self, place: usize, label: i32) -> bool {
        if self.labels[place] == label {
            return false;
        }
        self.labels[place] = label;
        if let Some(values) = &mut self.probabilities
            && let Ok(at) = self.described.binary_search(&place)
        {
            values[at] = f32::NAN;
        }
        true
    }

    /// The places of the rows of a cluster that have vectors: among all, and in the features.
    pub fn members(&self, label: i32) -> Vec<(usize, usize)> {
        let places = self.described.iter().enumerate();
        places
            .filter(|&(_, &place)| self.labels[place] == label)
            .map(|(at, &place)| (place, at))
            .collect()
    }

    /// The centre of each cluster, noise left out.
    pub fn centres(&self) -> Result<Vec<(i32, Centre)>, Error> {
        let matrix = self.features.matrix()?;
        let x = matrix.view();
        let rows_of =
            |id: i32| -> Vec<usize> { self.members(id).into_iter().map(|(_, at)| at).collect() };
        Ok(self
            .ids()
            .into_iter()
            .map(|id| (id, Centre::of(x, &rows_of(id))))
            .collect())
    }

    /// The label of each row of the features.
    pub fn described_labels(&self) -> Vec<i32> {
        self.described
            .iter()
            .map(|&place| self.labels[place])
            .collect()
    }

    /// Where each sample of some clusters goes if these are no more: the place of its row, and the cluster among the
    /// `rest` whose centre is nearest, ties by the order given. O(samples x clusters x d).
    pub fn nearest_of(&self, gone: &[i32], rest: &[i32]) -> Result<Vec<(usize, i32)>, Error> {
        let matrix = self.features.matrix()?;
        let x = matrix.view();
        let metric = self.manner().metric;
        let rows_of =
            |id: i32| -> Vec<usize> { self.members(id).into_iter().map(|(_, at)| at).collect() };
        let centres: Vec<(i32, Centre)> = rest
            .iter()
            .map(|&id| (id, Centre::of(x, &rows_of(id))))
            .collect();
        let mut goes = Vec::new();
        for &id in gone {
            for (place, at) in self.members(id) {
                let nearest = centres
                    .iter()
                    .map(|(id, centre)| (centre.distance(x.row(at), metric), *id))
                    .min_by(|a, b| a.0.total_cmp(&b.0));
                goes.extend(nearest.map(|(_, to)| (place, to)));
            }
        }
        Ok(goes)
    }

    /// The sum of squared euclidean distances to the centres, noise left out.
    pub fn inertia(&self) -> Option<f64> {
        let matrix = self.features.matrix().ok()?;
        let x = matrix.view();
        let sum = |id: i32| -> f64 {
            let rows: Vec<usize> = self.members(id).into_iter().map(|(_, at)| at).collect();
            let centre = Centre::of(x, &rows);
            let squares = rows
                .iter()
                .map(|&row| centre.distance(x.row(row), Metric::Euclidean).powi(2));
            squares.sum()
        };
        Some(self.ids().into_iter().map(sum).sum())
    }

    /// The manner in which the run is judged.
    pub fn manner(&self) -> Manner {
        Manner::of(&self.record.method, &self.record.params)
    }

    /// Judges the run as it is now and puts what was found into the record; gives the tables.
    pub fn judge(
        &mut self,
        manner: Manner,
        context: &Context,
    ) -> Result<Vec<(String, RecordBatch)>, Error> {
        let ids = self.ids();
        let dense: BTreeMap<i32, i32> = ids.iter().copied().zip(0..).collect();
        let labels: Vec<i32> = self
            .described
            .iter()
            .map(|&place| dense.get(&self.labels[place]).copied().unwrap_or(-1))
            .collect();
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let carried: Vec<Carried> = ids
            .iter()
            .map(|id| self.carried.get(id).cloned().unwrap_or_default())
            .collect();
        let matrix = self.features.matrix()?;
        let x = matrix.view();
        let fingerprint = fingerprint_rows(&self.features.ids, x);
        if fingerprint != self.record.input.fingerprint {
            context.notes.remark(format!(
                "the vectors in {:?} are not those that the run {:?} was made from",
                self.features.field, self.record.key
            ));
        }
        let judged = judged::judge(
            &Grouping {
                ids: &self.features.ids,
                x,
                labels: &labels,
                names: &names,
                probabilities: self.probabilities.as_deref(),
                outlier_scores: self.outlier_scores.as_deref(),
            },
            &carried,
            manner,
            context,
        )?;
        drop(matrix);
        Ok(self.accept(judged))
    }

    /// Puts the clusters' names into the record, and into the tables as they are kept; gives the tables.
    pub fn renamed(&mut self, snapshot: &Snapshot) -> Result<Vec<(String, RecordBatch)>, Error> {
        for cluster in &mut self.record.clusters {
            let known = cluster
                .id
                .parse()
                .ok()
                .and_then(|id: i32| self.carried.get(&id));
            cluster.name = known.and_then(|known| known.name.clone());
        }
        let mut tables = Vec::new();
        for name in judged::TABLES {
            if let Some(mut table) = snapshot.run_table(&self.record.key, name)? {
                if name == judged::TABLES[1] {
                    table = judged::with_names(table, &self.record.clusters)?;
                }
                tables.push((name.to_owned(), table));
            }
        }
        Ok(tables)
    }

    fn accept(&mut self, judged: Judged) -> Vec<(String, RecordBatch)> {
        self.record.scores.remove("silhouette_standard_error");
        self.record.scores.extend(judged.scores);
        self.record.clusters = judged.clusters;
        judged.tables
    }

    /// The fingerprint of the labels as they are now.
    pub fn output(&self) -> String {
        let labels: Vec<i32> = self
            .described
            .iter()
            .map(|&place| self.labels[place])
            .collect();
        labels_fingerprint(
            &self.features.ids,
            &labels,
            self.probabilities.as_deref(),
            self.outlier_scores.as_deref(),
        )
    }

    /// What a commit has to do so that the run stands as it is here.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn changes(
        &self,
        snapshot: &Snapshot,
        tables: &[(String, RecordBatch)],
    ) -> Result<Changes, Error> {
        let ids = self.ids();
        let dense: BTreeMap<i32, i32> = ids.iter().copied().zip(0..).collect();
        let labels: Vec<i32> = self
            .labels
            .iter()
            .map(|label| dense.get(label).copied().unwrap_or(-1))
            .collect();
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let column = named_labels(snapshot.len(), &self.rows, &labels, &names);
        let mut changes = Changes::new().expecting(snapshot.generation());
        let field = self.record.fields.first().unwrap_or(&self.record.key);
        changes.set_column(Field::new(field.as_str(), FieldType::Text), column);
        let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
        changes.put_run(entry(&self.record, &names)?, tables.to_vec());
        Ok(changes)
    }
}

/// Whether a word means noise.
pub(super) fn is_noise(word: &str) -> bool {
    word == NOISE
}

/// A column of the samples' table in the order of `ids`; NaN where it has nothing.
fn per_sample(table: &RecordBatch, column: &str, ids: &[SampleId]) -> Option<Vec<f32>> {
    let values = table
        .column_by_name(column)?
        .as_primitive_opt::<Float32Type>()?;
    let known = table.column_by_name("id")?.as_fixed_size_binary_opt()?;
    let place: HashMap<&[u8], usize> = known
        .iter()
        .enumerate()
        .filter_map(|(at, id)| Some((id?, at)))
        .collect();
    let value = |id: &SampleId| {
        let at = *place.get(&id.0[..])?;
        values.is_valid(at).then(|| values.value(at))
    };
    Some(ids.iter().map(|id| value(id).unwrap_or(f32::NAN)).collect())
}
