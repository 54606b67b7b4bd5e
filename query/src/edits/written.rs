//! A column of the whole dataset with new values at a view's rows, and the stored ones everywhere else.

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;

use crate::columns::{cast, plain, plain_type};
use crate::error::Error;
use crate::eval::{Frame, RowSet};
use crate::syntax::Span;
use crate::types::Type;

use super::refused;

/// The column `name` as type `ty` with `values[i]` at row `i` of the view. Where a sample is in the view twice, the last
/// value stays.
///
/// # Errors
/// Values that turn out not to fit the type; what the source reports.
pub(super) fn written(
    frame: &Frame,
    name: &str,
    ty: &Type,
    values: &ArrayRef,
    span: Span,
) -> Result<ArrayRef, Error> {
    let new = as_type(name, values, ty, span)?;
    if let RowSet::All(_) = frame.rows() {
        return Ok(new);
    }
    let stored = frame.base().schema().field(name).is_some();
    let old = if stored {
        plain(&cast(&frame.base().column(name)?, ty)?)?
    } else {
        new_null_array(&ty.arrow(), frame.base().len())
    };
    let mut places: Vec<(usize, usize)> = (0..old.len()).map(|row| (0, row)).collect();
    for (at, row) in frame.rows().rows().iter().enumerate() {
        places[*row as usize] = (1, at);
    }
    Ok(interleave(&[old.as_ref(), new.as_ref()], &places)?)
}

/// The values as type `ty`, without dictionaries; a value that the type cannot hold is refused rather than lost.
pub(super) fn as_type(
    name: &str,
    values: &ArrayRef,
    ty: &Type,
    span: Span,
) -> Result<ArrayRef, Error> {
    let new = plain(&cast(values, ty)?)?;
    if !plain_type(new.data_type()).equals_datatype(&ty.arrow()) {
        return Err(refused(
            "wrong-type",
            format!(
                "`{name}` holds whole numbers, and some of the new values are too large for one"
            ),
            span,
            "too large",
            "save them to a new field, which then holds floats",
        ));
    }
    if new.logical_null_count() > values.logical_null_count() {
        return Err(refused(
            "wrong-type",
            format!(
                "`{name}` is stored as {ty}, and some of the new values have another number of entries"
            ),
            span,
            "another length",
            format!("each value must have as many numbers as {ty} says"),
        ));
    }
    if name == "filepath" && new.logical_null_count() > 0 {
        return Err(refused(
            "wrong-type",
            "every sample has a `filepath`, and some of the new values are null",
            span,
            "null for some samples",
            "put `.if_null(F(\"filepath\"))` at the end of the expression",
        ));
    }
    Ok(new)
}
