//! The operator `embed`: pictures in, vectors out. Samples that have a vector already are left alone unless asked; a
//! picture that cannot be read loses only itself.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use messier_query::OperatorCall;
use messier_query::signature::Args;
use messier_store::{Dataset, Field, FieldType, SampleId, Snapshot};
use ndarray::Array2;

use super::again::commit_run;
use super::columns::{self, texts};
use super::recorder::{Recorder, entry, method_args};
use super::resume::{Key, Pending};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::exchange::vectors::read_vectors;
use crate::models::{self, Listed};
use crate::runs::{Input, RunRecord, fingerprint_rows, fingerprint_text};
use crate::session::operators::EmbedParams;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = EmbedParams::read(&method_args(&call.args, EmbedParams::TABLE))
        .map_err(|bad| arguments("embed", bad))?;
    let method = if own.from.is_some() {
        "file"
    } else {
        own.model.as_str()
    };
    let recorder = Recorder::start(call, &own.field, method, context.seed);
    let samples = Samples::of(snapshot, call)?;
    let stored = match snapshot.schema().field(&own.field).map(|field| &field.ty) {
        None => None,
        Some(FieldType::Vector(dims)) => Some(*dims as usize),
        Some(other) => {
            return Err(Error::Input(format!(
                "the field {:?} holds {other}; vectors need a field of their own: choose another name with `field`",
                own.field
            )));
        }
    };
    let made = match &own.from {
        Some(path) => from_file(Path::new(path), &own, &samples, context)?,
        None => {
            let model = models::listed(&own.model)?;
            from_pictures(dataset, snapshot, &own, model, samples, context)?
        }
    };
    if let Some(dims) = stored
        && dims != made.vectors.ncols()
        && !made.rows.is_empty()
    {
        return Err(Error::Input(format!(
            "the field {:?} holds vectors of {dims} numbers and these have {}; choose another name with `field`",
            own.field,
            made.vectors.ncols()
        )));
    }
    let input = Input {
        field: "filepath".to_owned(),
        rows: made.rows.len(),
        dims: 0,
        fingerprint: made.fingerprint,
    };
    let output = fingerprint_rows(&made.ids, made.vectors.view());
    let mut record = recorder.finish(input, Args::new(), Some(output), context);
    if made.rows.is_empty() {
        context
            .notes
            .remark("every sample has a vector already; nothing was computed");
        record.notes = context.notes.sorted();
        return Ok(record);
    }
    let column = match stored {
        Some(_) => columns::vectors_over(
            &snapshot.vectors(&own.field)?,
            &made.rows,
            made.vectors.view(),
        ),
        None => columns::vectors(snapshot.len(), &made.rows, made.vectors.view()),
    };
    let dims = u32::try_from(made.vectors.ncols()).unwrap_or(u32::MAX);
    commit_run(dataset, snapshot, &own.field, |mut changes| {
        let field = Field::new(own.field.as_str(), FieldType::Vector(dims));
        changes.set_column(field, column.clone());
        changes.put_run(entry(&record, &[])?, Vec::new());
        Ok(changes)
    })?;
    if let Some(pending) = made.pending {
        pending.remove();
    }
    Ok(record)
}

/// The samples of the view: rows of the snapshot, ids and paths.
struct Samples {
    rows: Vec<u32>,
    ids: Vec<SampleId>,
    paths: Vec<Option<PathBuf>>,
}

impl Samples {
    fn of(snapshot: &Snapshot, call: &OperatorCall) -> Result<Samples, Error> {
        let paths = texts(&snapshot.column("filepath")?);
        let rows = call.view.rows().to_vec();
        let paths = rows
            .iter()
            .map(|&row| paths[row as usize].as_deref().map(PathBuf::from));
        Ok(Samples {
            ids: call.view.ids()?,
            paths: paths.collect(),
            rows,
        })
    }
}

/// Vectors that are ready to be committed.
struct Made {
    rows: Vec<u32>,
    ids: Vec<SampleId>,
    vectors: Array2<f32>,
    fingerprint: String,
    pending: Option<Pending>,
}

fn from_file(
    path: &Path,
    own: &EmbedParams,
    samples: &Samples,
    context: &Context,
) -> Result<Made, Error> {
    let table = read_vectors(path, own.array.as_deref())?;
    let matched = if own.by == "filepath" {
        let places: HashMap<&Path, usize> = samples
            .paths
            .iter()
            .enumerate()
            .filter_map(|(at, path)| Some((path.as_deref()?, at)))
            .collect();
        let beside = path.parent().unwrap_or(Path::new(""));
        table.by_filepath(samples.rows.len(), &|name| {
            let here = std::path::absolute(name).ok();
            let near = std::path::absolute(beside.join(name)).ok();
            let tried = [Some(PathBuf::from(name)), here, near];
            tried
                .iter()
                .flatten()
                .find_map(|path| places.get(path.as_path()).copied())
        })?
    } else {
        table.by_order(samples.rows.len())?
    };
    if !matched.unknown.is_empty() {
        context.notes.remark(format!(
            "{} vectors belong to no sample of the view and were left out, the first to {:?}",
            matched.unknown.len(),
            matched.unknown[0]
        ));
    }
    let column = matched.column.as_fixed_size_list();
    let values = column.values().as_primitive::<Float32Type>();
    let set: Vec<usize> = (0..column.len())
        .filter(|&at| column.is_valid(at))
        .collect();
    let vectors = Array2::from_shape_fn((set.len(), matched.dims), |(i, j)| {
        values.value(set[i] * matched.dims + j)
    });
    let ids: Vec<SampleId> = set.iter().map(|&at| samples.ids[at]).collect();
    Ok(Made {
        rows: set.iter().map(|&at| samples.rows[at]).collect(),
        fingerprint: fingerprint_rows(&ids, vectors.view()),
        ids,
        vectors,
        pending: None,
    })
}

fn from_pictures(
    dataset: &Dataset,
    snapshot: &Snapshot,
    own: &EmbedParams,
    model: &Listed,
    samples: Samples,
    context: &Context,
) -> Result<Made, Error> {
    let stored = match snapshot.schema().field(&own.field) {
        Some(_) if !own.overwrite => Some(snapshot.vectors(&own.field)?),
        _ => None,
    };
    let mut wanted = Vec::new();
    for ((&row, &id), path) in samples.rows.iter().zip(&samples.ids).zip(&samples.paths) {
        if stored
            .as_ref()
            .is_some_and(|vectors| vectors.is_valid(row as usize))
        {
            continue;
        }
        match path {
            Some(path) => wanted.push((row, id, path.clone(), key_of(id, path))),
            None => context.notes.sample(id, "has no picture"),
        }
    }
    let dims = model.dims;
    if wanted.is_empty() {
        // Neither the weights nor the file of pending vectors are touched for nothing.
        return Ok(Made {
            rows: Vec::new(),
            ids: Vec::new(),
            vectors: Array2::zeros((0, dims)),
            fingerprint: fingerprint_text(std::iter::empty()),
            pending: None,
        });
    }
    let (mut pending, mut known) = Pending::open(
        dataset.store().dir(),
        snapshot.dataset(),
        &own.field,
        model.name,
        dims,
    )?;
    if own.overwrite {
        known.retain(|_, _| false);
    }
    let items: Vec<(SampleId, PathBuf)> = wanted
        .iter()
        .filter(|(.., key)| !known.contains_key(key))
        .map(|(_, id, path, _)| (*id, path.clone()))
        .collect();
    let keys: HashMap<SampleId, Key> = wanted.iter().map(|(_, id, _, key)| (*id, *key)).collect();
    let resumed = wanted.len() - items.len();
    if resumed > 0 {
        context.notes.remark(format!(
            "{resumed} vectors were taken over from a run that was interrupted"
        ));
    }
    let encoder = (model.load)()?;
    models::embed_files(encoder.as_ref(), &items, context, &mut |start, vectors| {
        let batch = items[start..]
            .iter()
            .zip(vectors)
            .filter_map(|((id, _), vector)| Some((keys[id], vector.as_deref()?)));
        let batch: Vec<(Key, &[f32])> = batch.collect();
        pending.add(batch.iter().copied())?;
        known.extend(
            batch
                .into_iter()
                .map(|(key, vector)| (key, vector.to_vec())),
        );
        Ok(())
    })?;

    let made: Vec<_> = wanted
        .iter()
        .filter(|(.., key)| known.contains_key(key))
        .collect();
    if made.is_empty() && !wanted.is_empty() {
        return Err(Error::Input(format!(
            "none of the {} pictures could be embedded; the first: {}",
            wanted.len(),
            context
                .notes
                .sorted()
                .first()
                .map_or("no reason was given".to_owned(), |note| note
                    .message
                    .clone())
        )));
    }
    let mut vectors = Array2::<f32>::zeros((made.len(), dims));
    for (mut to, (.., key)) in vectors.rows_mut().into_iter().zip(&made) {
        to.iter_mut()
            .zip(&known[key])
            .for_each(|(to, &from)| *to = from);
    }
    let digests: Vec<String> = made
        .iter()
        .map(|(_, id, path, _)| format!("{id} {}", path.display()))
        .collect();
    Ok(Made {
        rows: made.iter().map(|(row, ..)| *row).collect(),
        ids: made.iter().map(|(_, id, ..)| *id).collect(),
        vectors,
        fingerprint: fingerprint_text(digests.iter().map(String::as_str)),
        pending: Some(pending),
    })
}

/// A digest that changes when the picture does, as far as its size and time of change tell.
fn key_of(id: SampleId, path: &Path) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0);
    hasher.update(path.as_os_str().as_encoded_bytes());
    if let Ok(meta) = fs::metadata(path) {
        hasher.update(&meta.len().to_le_bytes());
        let time = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        hasher.update(&time.map_or(0, |time| time.as_nanos()).to_le_bytes());
    }
    let mut key = Key::default();
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}
