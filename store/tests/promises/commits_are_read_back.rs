//! What was committed is what a snapshot shows, now and after opening again; what a snapshot shows never changes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch,
};
use arrow::datatypes::TimestampMillisecondType;
use messier_store::{
    Changes, Dataset, Error, Field, FieldType, NewDataset, RunEntry, SampleId, SavedView, Store,
};

use crate::world::{ints, numbers, text, texts, vectors};

fn trip(store: &Store) -> Dataset {
    let trip = store.create("trip", NewDataset::default()).unwrap();
    let mut changes = Changes::new();
    changes.append(vec![
        text("filepath", [Some("a"), Some("b"), Some("c")]),
        ints("n", [Some(1), None, Some(3)]),
    ]);
    trip.commit(changes).unwrap();
    trip
}

#[test]
fn appended_rows_have_ids_tags_and_times() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let snapshot = trip(&store).snapshot().unwrap();
    assert_eq!(snapshot.len(), 3);
    assert_eq!(snapshot.generation(), 2);
    assert_eq!(
        texts(&snapshot.column("filepath").unwrap()),
        [Some("a".into()), Some("b".into()), Some("c".into())]
    );
    assert_eq!(
        numbers(&snapshot.column("n").unwrap()),
        [Some(1), None, Some(3)]
    );
    assert_eq!(snapshot.column("tags").unwrap().null_count(), 0);
    assert_eq!(snapshot.column("metadata").unwrap().null_count(), 3);
    assert_eq!(snapshot.column("created_at").unwrap().null_count(), 0);
    let ids = snapshot.column("id").unwrap();
    let id = SampleId(ids.as_fixed_size_binary().value(2).try_into().unwrap());
    assert_eq!(snapshot.row_of(id).unwrap(), Some(2));
    assert_eq!(snapshot.row_of_path("b").unwrap(), Some(1));
    assert_eq!(snapshot.row_of_path("z").unwrap(), None);
    assert!(
        matches!(snapshot.column("nn"), Err(Error::UnknownField { candidates, .. }) if candidates[0] == "n")
    );
}

#[test]
fn a_second_process_sees_what_the_first_committed() {
    let dir = tempfile::tempdir().unwrap();
    let one = Store::open(dir.path()).unwrap();
    let two = Store::open(dir.path()).unwrap();
    let trip = trip(&one);
    let seen = two.dataset("trip").unwrap();
    assert_eq!(seen.snapshot().unwrap().len(), 3);
    let mut changes = Changes::new();
    changes.append(vec![text("filepath", [Some("d")])]);
    seen.commit(changes).unwrap();
    assert_eq!(trip.snapshot().unwrap().len(), 4);
    let mut late = Changes::new().expecting(2);
    late.drop_field("n");
    assert!(matches!(
        trip.commit(late),
        Err(Error::Conflict {
            expected: 2,
            found: 3,
            ..
        })
    ));
}

#[test]
fn everything_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(dir.path()).unwrap();
        let trip = trip(&store);
        let mut changes = Changes::new();
        let (field, values) = vectors(
            "embedding",
            2,
            &[Some(vec![1.0, 2.0]), None, Some(vec![5.0, 6.0])],
        );
        changes.set_column(field, values);
        let (field, values) = text("k20", [Some("0"), Some("1"), Some("0")]);
        changes.set_column(field, values);
        let table = RecordBatch::try_from_iter([(
            "size",
            Arc::new(Int64Array::from(vec![2, 1])) as ArrayRef,
        )])
        .unwrap();
        let run = RunEntry {
            key: "k20".into(),
            record: "{\"a\":1}".into(),
            fields: vec!["k20".into()],
            tables: vec!["clusters".into()],
        };
        changes.put_run(run, vec![("clusters".into(), table)]);
        changes.put_view(SavedView {
            name: "v".into(),
            text: "limit(1)".into(),
            description: None,
            color: None,
            created_at: 1,
            last_modified_at: 2,
        });
        trip.commit(changes).unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    let snapshot = store.dataset("trip").unwrap().snapshot().unwrap();
    let vectors = snapshot.vectors("embedding").unwrap();
    assert_eq!(
        (vectors.len(), vectors.dims(), vectors.null_count()),
        (3, 2, 1)
    );
    assert!(!vectors.is_valid(1));
    assert_eq!(vectors.view().row(2).to_vec(), [5.0, 6.0]);
    assert_eq!(
        texts(&snapshot.column("k20").unwrap()),
        [Some("0".into()), Some("1".into()), Some("0".into())]
    );
    let run = snapshot.run("k20").unwrap();
    assert_eq!(
        (&*run.record, &run.fields[..], &run.tables[..]),
        (
            "{\"a\":1}",
            &["k20".to_string()][..],
            &["clusters".to_string()][..]
        )
    );
    let table = snapshot.run_table("k20", "clusters").unwrap().unwrap();
    assert_eq!(numbers(table.column(0)), [Some(2), Some(1)]);
    assert!(snapshot.run_table("k20", "nothing").unwrap().is_none());
    assert_eq!(snapshot.views()[0].text, "limit(1)");
}

#[test]
fn a_snapshot_never_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = trip(&store);
    let before = trip.snapshot().unwrap();
    let mut changes = Changes::new();
    changes.retain(BooleanArray::from(vec![true, false, true]));
    changes.drop_field("n");
    trip.commit(changes).unwrap();
    store.delete("trip").unwrap();
    store.sweep().unwrap();
    assert_eq!(
        numbers(&before.column("n").unwrap()),
        [Some(1), None, Some(3)]
    );
    assert!(matches!(trip.snapshot(), Err(Error::UnknownDataset { .. })));
    drop(before);
    assert!(store.sweep().unwrap().files > 0);
    assert_eq!(
        std::fs::read_dir(dir.path().join("segments"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn only_rows_that_change_get_a_new_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = trip(&store);
    let mut old = Changes::new();
    let times = arrow::array::TimestampMillisecondArray::from(vec![7; 3]).with_timezone("UTC");
    old.set_column(
        Field::new("last_modified_at", FieldType::DateTime),
        Arc::new(times),
    );
    trip.commit(old).unwrap();
    let mut changes = Changes::new();
    let (field, values) = ints("n", [Some(1), Some(2), Some(3)]);
    changes.set_column(field, values);
    trip.commit(changes).unwrap();
    let column = trip.snapshot().unwrap().column("last_modified_at").unwrap();
    let times = column.as_primitive::<TimestampMillisecondType>();
    assert_eq!((times.value(0), times.value(2)), (7, 7));
    assert!(times.value(1) > 7);
}

#[test]
fn a_broken_step_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = trip(&store);
    let attempts: [fn(&mut Changes); 9] = [
        |changes| changes.drop_field("id"),
        |changes| changes.drop_field("nothing"),
        |changes| changes.rename_field("n", "filepath"),
        |changes| changes.retain(BooleanArray::from(vec![true])),
        |changes| changes.delete_run("nothing"),
        |changes| changes.rename_view("nothing", "x"),
        |changes| {
            let (field, values) = ints("n", [Some(1)]);
            changes.set_column(field, values);
        },
        |changes| changes.append(vec![text("n", [Some("x")])]),
        |changes| changes.append(vec![text("a", [Some("x")]), text("b", [])]),
    ];
    for attempt in attempts {
        let mut changes = Changes::new();
        changes.append(vec![text("filepath", [Some("d")])]);
        attempt(&mut changes);
        trip.commit(changes).unwrap_err();
        assert_eq!(trip.info().unwrap().generation, 2);
        assert_eq!(trip.snapshot().unwrap().len(), 3);
    }
}

#[test]
fn undo_goes_back_as_far_as_generations_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = store.create("trip", NewDataset::default()).unwrap();
    for i in 1..=6 {
        let mut changes = Changes::new();
        changes.append(vec![ints("n", [Some(i)])]);
        trip.commit(changes).unwrap();
    }
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let trip = store.dataset("trip").unwrap();
    for rows in [5, 4, 3, 2] {
        trip.undo().unwrap();
        assert_eq!(trip.snapshot().unwrap().len(), rows);
    }
    assert!(matches!(trip.undo(), Err(Error::NothingToUndo { .. })));
    assert_eq!(trip.info().unwrap().generation, 11);
}

#[test]
fn a_copy_shares_what_is_stored_and_goes_its_own_way() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = trip(&store);
    let files = || {
        std::fs::read_dir(dir.path().join("segments"))
            .unwrap()
            .count()
    };
    let before = files();
    let copy = store.clone_dataset("trip", "copy").unwrap();
    assert_eq!(files(), before);
    let mut changes = Changes::new();
    changes.drop_field("n");
    copy.commit(changes).unwrap();
    store.delete("trip").unwrap();
    store.sweep().unwrap();
    assert_eq!(
        texts(&copy.snapshot().unwrap().column("filepath").unwrap()).len(),
        3
    );
    assert!(trip.info().is_err());
}

#[test]
fn a_temporary_dataset_goes_with_its_last_user() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store
        .create("scratch", NewDataset { persistent: false })
        .unwrap();
    let other = Store::open(dir.path()).unwrap();
    drop(store);
    assert_eq!(other.datasets().unwrap().len(), 1);
    drop(other);
    assert!(
        Store::open(dir.path())
            .unwrap()
            .datasets()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn ids_are_unique_and_never_missing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = store.create("trip", NewDataset::default()).unwrap();
    let append = |ids: &[Option<u8>]| {
        let ids = ids.iter().map(|id| id.map(|id| [id; 12]));
        let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids, 12).unwrap();
        let mut changes = Changes::new();
        changes.append(vec![(
            Field::new("id", FieldType::Id),
            Arc::new(ids) as ArrayRef,
        )]);
        trip.commit(changes)
    };
    append(&[Some(1), Some(2)]).unwrap();
    assert!(matches!(
        append(&[Some(3), None]),
        Err(Error::MissingId { row: 1 })
    ));
    assert!(matches!(
        append(&[Some(3), Some(3)]),
        Err(Error::DuplicateId { .. })
    ));
    let taken = append(&[Some(2)]).unwrap_err();
    assert!(
        taken.to_string().contains("020202020202020202020202"),
        "{taken}"
    );
    assert_eq!(
        trip.snapshot().unwrap().row_of(SampleId([2; 12])).unwrap(),
        Some(1)
    );
    assert_eq!(trip.snapshot().unwrap().len(), 2);
}

#[test]
fn many_small_appends_read_as_one_column() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let trip = store.create("trip", NewDataset::default()).unwrap();
    for i in 0..100 {
        let mut changes = Changes::new();
        let label = if i % 3 == 0 {
            None
        } else {
            Some(if i % 2 == 0 { "even" } else { "odd" })
        };
        changes.append(vec![
            ints("n", [Some(i)]),
            text("k", [label]),
            vectors("v", 1, &[Some(vec![i as f32])]),
        ]);
        trip.commit(changes).unwrap();
    }
    let snapshot = trip.snapshot().unwrap();
    assert_eq!(
        numbers(&snapshot.column("n").unwrap()),
        (0..100).map(Some).collect::<Vec<_>>()
    );
    assert_eq!(
        texts(&snapshot.column("k").unwrap())[4..7],
        [Some("even".into()), Some("odd".into()), None]
    );
    assert!(
        snapshot
            .vectors("v")
            .unwrap()
            .view()
            .iter()
            .zip(0..)
            .all(|(x, i)| *x == i as f32)
    );
    store.sweep().unwrap();
    let files = std::fs::read_dir(dir.path().join("segments"))
        .unwrap()
        .count();
    assert!(files < 40, "{files} files");
}
