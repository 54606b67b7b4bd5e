//! A table of a run as CSV: ids in hex, one column a field, vectors as JSON lists.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;

use crate::failure::{Exit, Failure, Report};

/// The CSV bytes, with a header line.
pub fn bytes(table: &RecordBatch) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let wrong =
        |error: csv::Error| Failure::from(Report::new(Exit::Machine, "csv", error.to_string()));
    let schema = table.schema();
    writer
        .write_record(schema.fields().iter().map(|field| field.name()))
        .map_err(wrong)?;
    for row in 0..table.num_rows() {
        writer
            .write_record(table.columns().iter().map(|column| cell(column, row)))
            .map_err(wrong)?;
    }
    writer
        .into_inner()
        .map_err(|error| Report::new(Exit::Machine, "csv", error.to_string()).into())
}

/// A value as a cell; null is empty.
fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::FixedSizeBinary(_) => column
            .as_fixed_size_binary()
            .value(row)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::FixedSizeList(..) => {
            let items = column.as_fixed_size_list().value(row);
            let parts: Vec<String> = (0..items.len()).map(|at| cell(&items, at)).collect();
            format!("[{}]", parts.join(", "))
        }
        // Labels may be kept as a dictionary: its text is what counts.
        _ => arrow::compute::cast(&column.slice(row, 1), &DataType::Utf8).map_or_else(
            |_| String::new(),
            |text| text.as_string::<i32>().value(0).to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{FixedSizeBinaryArray, Float32Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn ids_texts_and_numbers() {
        let id = FixedSizeBinaryArray::try_from_iter([[0xabu8; 12], [1u8; 12]].iter()).unwrap();
        let table = RecordBatch::try_from_iter_with_nullable([
            ("id", Arc::new(id) as ArrayRef, true),
            (
                "label",
                Arc::new(StringArray::from(vec![Some("a,b"), None])) as ArrayRef,
                true,
            ),
            (
                "silhouette",
                Arc::new(Float32Array::from(vec![Some(0.5), None])) as ArrayRef,
                true,
            ),
        ]);
        let text = String::from_utf8(bytes(&table.unwrap()).unwrap()).unwrap();
        assert_eq!(
            text,
            format!(
                "id,label,silhouette\n{},\"a,b\",0.5\n{},,\n",
                "ab".repeat(12),
                "01".repeat(12)
            )
        );
    }
}
