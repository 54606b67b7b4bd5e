//! A view as a dataset of its own. Where the view keeps the dataset's order, stored values are shared with the origin;
//! where it has another, they are written in that order.

use arrow::array::{ArrayRef, BooleanArray};
use messier_query::columns::cast;
use messier_query::{EditCall, Type, View};
use messier_store::{Changes, Field, NewDataset, Snapshot};

use super::change::Place;
use crate::error::Error;

/// Makes the copy, in one commit.
pub(super) fn make(
    place: &Place<'_>,
    call: &EditCall,
    name: &str,
    persistent: bool,
) -> Result<(), Error> {
    let store = place.dataset.store();
    messier_store::check_dataset_name(name)?;
    if store.dataset(name).is_ok() {
        return Err(messier_store::Error::DatasetExists {
            name: name.to_owned(),
        }
        .into());
    }
    let rows = call.view.rows();
    let mut seen = vec![false; place.snapshot.len()];
    for row in rows {
        if std::mem::replace(&mut seen[*row as usize], true) {
            return Err(place.mistake(
                call,
                "sample-twice",
                "a sample is in the view twice, and a dataset has each sample once".to_owned(),
                "some samples come twice",
                "leave out what concat(...) adds a second time",
            ));
        }
    }
    let in_order = rows.windows(2).all(|pair| pair[0] < pair[1]);
    let mut changes = place.changes();
    leave_out(place.snapshot, &call.view, &mut changes);
    if in_order {
        if rows.len() < seen.len() {
            changes.retain(BooleanArray::from(seen));
        }
        for field in &call.view.schema().fields {
            if !as_stored(place.snapshot, &call.view, field) {
                changes.set_column(field.clone(), values(&call.view, field)?);
            }
        }
    } else {
        changes.retain(BooleanArray::from(vec![false; seen.len()]));
        let fields = call.view.schema().fields.iter();
        let columns = fields.map(|field| Ok((field.clone(), values(&call.view, field)?)));
        changes.append(columns.collect::<Result<_, Error>>()?);
    }
    if !place.dry {
        store.clone_changed(
            place.snapshot.dataset(),
            name,
            NewDataset { persistent },
            changes,
        )?;
    }
    Ok(())
}

/// Whether a field of the view is what is stored, with all its parts.
fn as_stored(snapshot: &Snapshot, view: &View, field: &Field) -> bool {
    let stored = snapshot.schema().field(&field.name);
    !view.is_computed(&field.name) && stored.is_some_and(|stored| stored.ty == field.ty)
}

fn values(view: &View, field: &Field) -> Result<ArrayRef, Error> {
    Ok(cast(&view.column(&field.name)?, &Type::from(&field.ty))?)
}

/// Fields that the view leaves out go, and so do runs whose field is no longer what they wrote.
fn leave_out(snapshot: &Snapshot, view: &View, changes: &mut Changes) {
    let kept = |name: &str| {
        let field = view.schema().field(name);
        field.is_some_and(|field| as_stored(snapshot, view, field))
    };
    for run in snapshot.runs() {
        if run.fields.iter().any(|field| !kept(field)) {
            changes.delete_run(&run.key);
        }
    }
    for field in &snapshot.schema().fields {
        let shown = view.schema().field(&field.name);
        let retyped = shown.is_some_and(|shown| shown.ty != field.ty);
        if shown.is_none()
            || retyped
                && messier_store::Schema::of_samples()
                    .field(&field.name)
                    .is_none()
        {
            changes.drop_field(&field.name);
        }
    }
}
