//! What the store claims: a text field set on 100,000 samples, 100,000 vectors of 512 dimensions in and out, and a store
//! opened for one column. Commits are durable: every figure includes its syncs.

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeListArray, Float32Array, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use messier_store::{Changes, Dataset, Field, FieldType, NewDataset, Store};

const SAMPLES: usize = 100_000;
const DIMS: usize = 512;

fn filled(dir: &Path) -> Dataset {
    let store = Store::open(dir).unwrap();
    let dataset = store.create("bench", NewDataset::default()).unwrap();
    let paths = (0..SAMPLES).map(|row| format!("/photos/2026/{row:08}.jpg"));
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values(paths));
    let mut changes = Changes::new();
    changes.append(vec![(Field::new("filepath", FieldType::Text), paths)]);
    dataset.commit(changes).unwrap();
    dataset
}

fn labels(shift: usize) -> ArrayRef {
    let values = (0..SAMPLES).map(|row| ((row * 7 + shift) % 20).to_string());
    Arc::new(StringArray::from_iter_values(values))
}

fn vectors() -> ArrayRef {
    let values = (0..SAMPLES * DIMS).map(|i| (i % 8191) as f32 / 8191.0);
    let values = Float32Array::from_iter_values(values);
    let item = Arc::new(ArrowField::new("item", DataType::Float32, true));
    Arc::new(FixedSizeListArray::new(
        item,
        DIMS as i32,
        Arc::new(values),
        None,
    ))
}

fn set(dataset: &Dataset, field: Field, values: ArrayRef) {
    let mut changes = Changes::new();
    changes.set_column(field, values);
    dataset.commit(changes).unwrap();
}

fn text_in(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let dataset = filled(dir.path());
    let values = [labels(0), labels(1)];
    let mut turn = 0;
    c.bench_function("store/set a text field on 100,000 samples", |b| {
        b.iter(|| {
            turn += 1;
            set(
                &dataset,
                Field::new("k20", FieldType::Text),
                values[turn % 2].clone(),
            );
        })
    });
}

fn vectors_in(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let dataset = filled(dir.path());
    let values = vectors();
    let turn = Cell::new(0);
    let mut group = c.benchmark_group("store");
    group.sample_size(10);
    group.bench_function("100,000 x 512 vectors in", |b| {
        b.iter_batched(
            || {
                // A field of its own each time: nothing to compare with, as after an embedding.
                let mut changes = Changes::new();
                if turn.get() > 0 {
                    changes.drop_field(&format!("v{}", turn.get()));
                }
                dataset.commit(changes).unwrap();
                for _ in 0..messier_store::KEPT_GENERATIONS {
                    set(
                        &dataset,
                        Field::new("k20", FieldType::Text),
                        labels(turn.get()),
                    );
                }
                dataset.store().sweep().unwrap();
                turn.set(turn.get() + 1);
            },
            |()| {
                let field = Field::new(format!("v{}", turn.get()), FieldType::Vector(DIMS as u32));
                set(&dataset, field, values.clone());
            },
            BatchSize::PerIteration,
        )
    });
    group.finish();
}

fn out(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let dataset = filled(dir.path());
    set(
        &dataset,
        Field::new("embedding", FieldType::Vector(DIMS as u32)),
        vectors(),
    );
    set(&dataset, Field::new("k20", FieldType::Text), labels(0));
    drop(dataset);
    c.bench_function("store/open and view 100,000 x 512 vectors", |b| {
        b.iter(|| {
            let snapshot = Store::open(dir.path())
                .unwrap()
                .dataset("bench")
                .unwrap()
                .snapshot()
                .unwrap();
            let vectors = snapshot.vectors("embedding").unwrap();
            black_box(vectors.view().row(SAMPLES - 1).sum())
        })
    });
    c.bench_function("store/open and read a text column of 100,000", |b| {
        b.iter(|| {
            let snapshot = Store::open(dir.path())
                .unwrap()
                .dataset("bench")
                .unwrap()
                .snapshot()
                .unwrap();
            black_box(snapshot.column("k20").unwrap().len())
        })
    });
    c.bench_function("store/open and read the 100,000 file paths", |b| {
        b.iter(|| {
            let snapshot = Store::open(dir.path())
                .unwrap()
                .dataset("bench")
                .unwrap()
                .snapshot()
                .unwrap();
            black_box(snapshot.column("filepath").unwrap().len())
        })
    });
}

criterion_group!(benches, text_in, vectors_in, out);
criterion_main!(benches);
