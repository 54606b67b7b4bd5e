//! Short workloads on a store, and what a store shows, as text that two runs of one workload agree on.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch};
use messier_store::disk::SimDisk;
use messier_store::{Changes, Dataset, NewDataset, Result, RunEntry, SavedView, Store};

use crate::world::{ints, numbers, text, texts, vectors};

/// What a workload may do; every one changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Append,
    Set,
    Rename,
    Delete,
    Undo,
    Run,
    Sweep,
}

pub const OPS: [Op; 7] = [
    Op::Append,
    Op::Set,
    Op::Rename,
    Op::Delete,
    Op::Undo,
    Op::Run,
    Op::Sweep,
];

/// A disk with a store of two datasets that have been changed a few times.
pub fn base() -> SimDisk {
    let disk = SimDisk::new();
    let store = Store::open_on(Arc::new(disk.clone())).unwrap();
    for name in ["a", "b"] {
        store.create(name, NewDataset::default()).unwrap();
    }
    for op in [Op::Append, Op::Set, Op::Append] {
        act(&store, op).unwrap();
    }
    drop(store);
    copy(&disk)
}

/// A disk of its own with the same files.
pub fn copy(disk: &SimDisk) -> SimDisk {
    disk.crash_images().pop().unwrap()
}

/// Does one thing to the first dataset.
pub fn act(store: &Store, op: Op) -> Result<()> {
    if op == Op::Sweep {
        return store.sweep().map(|_| ());
    }
    let Some(first) = store.datasets()?.into_iter().next() else {
        return store.create("a", NewDataset::default()).map(|_| ());
    };
    let dataset = store.dataset(&first.name)?;
    let rows = first.samples as usize;
    let mut changes = Changes::new();
    match op {
        Op::Append => {
            let n = rows as i64;
            changes.append(vec![
                text("filepath", [Some("x.jpg"), Some("y.jpg")]),
                ints("n", [Some(n), None]),
                vectors("v", 2, &[Some(vec![n as f32, 1.0]), None]),
            ]);
        }
        Op::Set => {
            let (field, values) = text("k", (0..rows).map(|row| (row % 3 > 0).then_some("7")));
            changes.set_column(field, values);
            if rows > 2 {
                changes.retain(BooleanArray::from_iter((0..rows).map(|row| Some(row != 1))));
            }
        }
        Op::Run => {
            let table = RecordBatch::try_from_iter([(
                "size",
                Arc::new(Int64Array::from(vec![rows as i64])) as _,
            )]);
            let run = RunEntry {
                key: "r".into(),
                record: format!("{rows}"),
                fields: vec![],
                tables: vec![],
            };
            changes.put_run(run, vec![("t".into(), table.unwrap())]);
            let view = SavedView {
                name: "w".into(),
                text: format!("limit({rows})"),
                description: None,
                color: None,
                created_at: 0,
                last_modified_at: 0,
            };
            changes.put_view(view);
        }
        Op::Rename => {
            let to = format!("{}'", first.name);
            return store.rename(&first.name, &to);
        }
        Op::Delete => return store.delete(&first.name),
        Op::Undo => return dataset.undo().map(|_| ()),
        Op::Sweep => {}
    }
    dataset.commit(changes).map(|_| ())
}

/// Everything a store shows but ids and times.
pub fn describe(store: &Store) -> Result<String> {
    let mut out = String::new();
    for info in store.datasets()? {
        let dataset = store.dataset(&info.name)?;
        writeln!(out, "{} {} {}", info.name, info.samples, info.generation).unwrap();
        describe_one(&dataset, &mut out)?;
    }
    Ok(out)
}

fn describe_one(dataset: &Dataset, out: &mut String) -> Result<()> {
    let snapshot = dataset.snapshot()?;
    for field in &snapshot.schema().fields {
        let column = snapshot.column(&field.name)?;
        assert_eq!(column.len(), snapshot.len(), "{}", field.name);
        let shown = match &*field.name {
            "filepath" | "k" => format!("{:?}", texts(&column)),
            "n" => format!("{:?}", numbers(&column)),
            "v" => {
                let vectors = snapshot.vectors("v")?;
                let rows = (0..vectors.len()).map(|row| {
                    vectors
                        .is_valid(row)
                        .then(|| vectors.view().row(row).to_vec())
                });
                format!("{:?}", rows.collect::<Vec<_>>())
            }
            _ => format!("{} null", column.null_count()),
        };
        writeln!(out, " {} {shown}", field.name).unwrap();
    }
    for run in snapshot.runs() {
        let table = snapshot
            .run_table(&run.key, "t")?
            .map(|table| numbers(table.column(0)));
        writeln!(out, " run {} {} {table:?}", run.key, run.record).unwrap();
    }
    for view in snapshot.views() {
        writeln!(out, " view {} {}", view.name, view.text).unwrap();
    }
    Ok(())
}

/// Every workload of `n` operations.
pub fn workloads(n: usize) -> Vec<Vec<Op>> {
    (0..n).fold(vec![Vec::new()], |shorter, _| {
        shorter
            .into_iter()
            .flat_map(|ops| OPS.map(|op| ops.iter().copied().chain([op]).collect()))
            .collect()
    })
}
