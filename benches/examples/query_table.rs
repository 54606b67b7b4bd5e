//! Puts a table into a store and answers questions about it, over and over: `benches/peers/task_query.py` calls it.
//!
//! ```text
//! query_table TABLE.arrow REPEAT < QUESTIONS
//! ```
//! The table is an Arrow IPC file; a question is a line: a name, a tab, a text of the query language. For each comes
//! a line of JSON: the name, the least seconds from text to answer, and the answer (of a view its first ids and how
//! many there are). The store is opened once, and the first round, which maps its files, does not count.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, ArrayRef, FixedSizeBinaryArray, StringArray};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use arrow::ipc::reader::FileReader;
use messier_engine::context::Context;
use messier_engine::{Reply, Session};
use messier_store::{Changes, Field, FieldType, NewDataset, SampleId};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [table, repeat] = args.as_slice() else {
        return Err("usage: query_table TABLE.arrow REPEAT < QUESTIONS".into());
    };
    let repeat: usize = repeat.parse()?;
    let folder = tempfile::tempdir()?;
    let session = Session::open(folder.path())?;
    fill(&session, Path::new(table))?;
    let context = Context::new(51);
    for line in std::io::stdin().lines() {
        let line = line?;
        let (name, text) = line
            .split_once('\t')
            .ok_or("a name, a tab and a question")?;
        let mut best = f64::INFINITY;
        let mut shown = String::new();
        for round in 0..=repeat {
            let began = Instant::now();
            let answer = answer(&session, text, &context)?;
            let seconds = began.elapsed().as_secs_f64();
            if round > 0 {
                best = best.min(seconds);
            }
            shown = black_box(answer).to_string();
        }
        println!(r#"{{"name": "{name}", "seconds": {best}, "answer": {shown}}}"#);
    }
    Ok(())
}

/// An answer as a person has it: a value, or ids.
enum Answer {
    Value(String),
    Ids(Vec<SampleId>),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Value(value) => f.write_str(value),
            Answer::Ids(ids) => {
                let first: Vec<String> =
                    ids.iter().take(20).map(|id| format!("\"{id}\"")).collect();
                write!(
                    f,
                    r#"{{"count": {}, "first": [{}]}}"#,
                    ids.len(),
                    first.join(", ")
                )
            }
        }
    }
}

fn answer(session: &Session, text: &str, context: &Context) -> Result<Answer, Box<dyn Error>> {
    match session.answer("t", text, context)? {
        Reply::Value(value) => Ok(Answer::Value(value.value.to_string())),
        Reply::View(view) => Ok(Answer::Ids(view.ids()?)),
        _ => Err("neither a view nor a value".into()),
    }
}

fn fill(session: &Session, path: &Path) -> Result<(), Box<dyn Error>> {
    let reader = FileReader::try_new(File::open(path)?, None)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let mut columns: Vec<(Field, ArrayRef)> = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = batches
            .iter()
            .map(|batch| batch.column(at).as_ref())
            .collect();
        columns.push((
            Field::new(field.name(), kind(field.data_type())?),
            concat(&parts)?,
        ));
    }
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    // Ids whose text ends in the row number, so that the other side's rows can be told.
    let ids: Vec<u8> = (0..rows as u128)
        .flat_map(|row| row.to_be_bytes()[4..].to_vec())
        .collect();
    let ids = FixedSizeBinaryArray::try_new(12, ids.into(), None)?;
    columns.push((Field::new("id", FieldType::Id), Arc::new(ids)));
    let paths: StringArray = (0..rows).map(|row| Some(format!("{row:07}.jpg"))).collect();
    columns.push((Field::new("filepath", FieldType::Text), Arc::new(paths)));
    let mut changes = Changes::new();
    changes.append(columns);
    session
        .store()
        .create("t", NewDataset { persistent: true })?
        .commit(changes)?;
    Ok(())
}

fn kind(ty: &DataType) -> Result<FieldType, Box<dyn Error>> {
    Ok(match ty {
        DataType::Boolean => FieldType::Bool,
        DataType::Int64 => FieldType::Int,
        DataType::Float64 => FieldType::Float,
        DataType::Utf8 => FieldType::Text,
        DataType::Date32 => FieldType::Date,
        DataType::List(item) => FieldType::List(Box::new(kind(item.data_type())?)),
        other => return Err(format!("no field holds {other}").into()),
    })
}
