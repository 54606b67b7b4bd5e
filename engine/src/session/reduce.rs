//! The operator `reduce`: vectors of a view in, points out, kept as a vector field under the run's key.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use messier_query::OperatorCall;
use messier_store::{Dataset, Field, FieldType, Snapshot};

use super::again::commit_run;
use super::place::COMPONENTS;
use super::recorder::{Asked, Begun, Made, begin, entry, method_args};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::reduce::{self, pca};
use crate::runs::{RunRecord, fingerprint_rows};
use crate::score;
use crate::session::operators::ReduceParams;
use crate::session::similarity;

/// Neighbours by which a map's trustworthiness is judged.
const NEIGHBORS: usize = 15;

pub(super) fn run(
    dataset: &Dataset,
    snapshot: &Snapshot,
    call: &OperatorCall,
    context: &Context,
) -> Result<RunRecord, Error> {
    let own = ReduceParams::read(&method_args(&call.args, ReduceParams::TABLE))
        .map_err(|bad| arguments("reduce", bad))?;
    let method = reduce::method(&own.method)?;
    let asked = Asked {
        run: &own.run,
        features: own.features.as_deref(),
        overwrite: own.overwrite,
    };
    let Begun {
        features,
        args,
        seed,
        recorder,
    } = begin(snapshot, call, &asked, method.signature(), context)?;
    let matrix = features.matrix()?;
    let x = matrix.view();
    let context = &context.with_seed(seed);
    let fingerprint = fingerprint_rows(&features.ids, x);
    let known = similarity::known(snapshot, &fingerprint, &args)?;
    let reduction = method.fit_knowing(x, &args, known.as_ref(), context)?;
    drop(known);
    let trust = score::trustworthiness(x, reduction.points.view(), NEIGHBORS, context)?;

    let made = Made {
        input: fingerprint,
        output: fingerprint_rows(&features.ids, reduction.points.view()),
        params: &reduction.params,
        scores: &reduction.scores,
    };
    let mut record = recorder.finish_on(&features, x, made, context);
    if let Some(trust) = trust {
        let scores = [
            ("trustworthiness", trust.value),
            ("trustworthiness_rows", trust.rows as f64),
        ];
        record.scores.extend(
            scores
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Some(value))),
        );
    }

    let dims = u32::try_from(reduction.points.ncols()).unwrap_or(u32::MAX);
    let column = super::columns::vectors(snapshot.len(), &features.rows, reduction.points.view());
    let tables = match &reduction.model {
        Some(model) => components(model)?,
        None => Vec::new(),
    };
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    commit_run(dataset, snapshot, &own.run, |mut changes| {
        let field = Field::new(own.run.as_str(), FieldType::Vector(dims));
        changes.set_column(field, column.clone());
        changes.put_run(entry(&record, &names)?, tables.clone());
        Ok(changes)
    })?;
    Ok(record)
}

/// What a projection needs later, and what each component explains.
fn components(model: &pca::Model) -> Result<Vec<(String, RecordBatch)>, Error> {
    let rows =
        |count: usize| -> Vec<u32> { (0..u32::try_from(count).unwrap_or(u32::MAX)).collect() };
    let count = model.components.nrows();
    let ratio = |variance: &f64| {
        if model.total > 0.0 {
            variance / model.total
        } else {
            0.0
        }
    };
    let mean = ndarray::Array2::from_shape_fn((1, model.mean.len()), |(_, column)| {
        model.mean[column] as f32
    });
    let kept: Vec<(&str, ArrayRef)> = vec![
        (
            "component",
            super::columns::vectors(count, &rows(count), model.components.view()),
        ),
        (
            "variance",
            Arc::new(Float64Array::from(model.variances.clone())),
        ),
        (
            "variance_ratio",
            Arc::new(model.variances.iter().map(ratio).collect::<Float64Array>()),
        ),
    ];
    let mean: Vec<(&str, ArrayRef)> =
        vec![("mean", super::columns::vectors(1, &rows(1), mean.view()))];
    let mut tables = Vec::new();
    for (name, columns) in COMPONENTS.into_iter().zip([kept, mean]) {
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let table = RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| Error::Input(format!("the run's table cannot be made: {error}")))?;
        tables.push((name.to_owned(), table));
    }
    Ok(tables)
}
