//! `verify` finds every flipped bit and says what rests on it; `repair` saves the rest, from whatever is left.

use std::fs;
use std::path::{Path, PathBuf};

use messier_store::{Changes, Error, NewDataset, Source, Store, repair};

use crate::workload::{Op, act, describe};
use crate::world::{text, vectors};

fn filled(dir: &Path) -> String {
    let store = Store::open(dir).unwrap();
    store.create("a", NewDataset::default()).unwrap();
    for op in [Op::Append, Op::Run, Op::Append, Op::Set] {
        act(&store, op).unwrap();
    }
    store.create("b", NewDataset::default()).unwrap();
    describe(&store).unwrap()
}

fn shown(dir: &Path) -> String {
    describe(&Store::open(dir).unwrap()).unwrap()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    // A new file, as a map of the old one may still be open.
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_sound_store_has_no_problems() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let verified = Store::open(dir.path()).unwrap().verify().unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    assert_eq!(verified.datasets, 2);
    assert!(verified.segments >= 3);
}

#[test]
fn every_flipped_bit_of_a_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let file = &segments(dir.path())[0];
    let len = fs::metadata(file).unwrap().len() as usize;
    for at in (0..len).step_by(7) {
        // The header's padding carries nothing.
        if (16..64).contains(&at) {
            continue;
        }
        flip(file, at);
        let verified = Store::open(dir.path()).unwrap().verify().unwrap();
        assert!(!verified.is_sound(), "byte {at} of {len}");
        assert_eq!(&verified.problems[0].file, file);
        assert!(
            verified.problems[0].affects[0].starts_with("a"),
            "{verified:?}"
        );
        flip(file, at);
    }
    assert!(
        Store::open(dir.path())
            .unwrap()
            .verify()
            .unwrap()
            .is_sound()
    );
}

#[test]
fn a_large_vector_file_is_read_without_its_sum_and_verified_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let a = store.create("a", NewDataset::default()).unwrap();
    let rows: Vec<_> = (0..20_000).map(|row| Some(vec![row as f32; 64])).collect();
    let mut changes = Changes::new();
    changes.append(vec![vectors("v", 64, &rows)]);
    a.commit(changes).unwrap();
    drop((a, store));
    let large = segments(dir.path())
        .into_iter()
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap();
    flip(&large, 64 + 4 * 64 * 100);
    let store = Store::open(dir.path()).unwrap();
    let vectors = store
        .dataset("a")
        .unwrap()
        .snapshot()
        .unwrap()
        .vectors("v")
        .unwrap();
    assert_eq!(vectors.view()[[19_999, 0]], 19_999.0);
    let verified = store.verify().unwrap();
    assert_eq!(verified.problems[0].affects, ["a.v"]);
}

#[test]
fn what_is_damaged_becomes_null_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(dir.path()).unwrap();
        let a = store.create("a", NewDataset::default()).unwrap();
        for name in ["x", "y"] {
            let mut changes = Changes::new();
            changes.append(vec![text("filepath", [Some(name)])]);
            a.commit(changes).unwrap();
        }
    }
    let snapshot = Store::open(dir.path())
        .unwrap()
        .dataset("a")
        .unwrap()
        .snapshot()
        .unwrap();
    assert_eq!(snapshot.len(), 2);
    drop(snapshot);
    flip(&segments(dir.path())[0], 64);
    let repaired = repair(dir.path()).unwrap();
    assert_eq!(repaired.journal, None);
    assert_eq!(repaired.datasets[0].samples, 2);
    assert_eq!(repaired.datasets[0].lost.len(), 1, "{repaired:?}");
    let store = Store::open(dir.path()).unwrap();
    let snapshot = store.dataset("a").unwrap().snapshot().unwrap();
    for field in &snapshot.schema().fields {
        assert_eq!(snapshot.column(&field.name).unwrap().len(), 2);
    }
}

#[test]
fn a_lost_journal_is_made_from_the_catalogue() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path());
    fs::remove_file(dir.path().join("journal")).unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(Error::Damaged { .. })
    ));
    let repaired = repair(dir.path()).unwrap();
    assert_eq!(repaired.journal.as_deref(), Some("it is missing"));
    assert!(
        repaired
            .datasets
            .iter()
            .all(|one| one.source == Source::Catalogue),
        "{repaired:?}"
    );
    assert_eq!(shown(dir.path()), before);
}

#[test]
fn journal_and_catalogue_lost_leave_the_footers() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path());
    fs::remove_file(dir.path().join("journal")).unwrap();
    fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    let repaired = repair(dir.path()).unwrap();
    assert_eq!(repaired.datasets[0].source, Source::Footer);
    // An empty dataset has no segment to be found in.
    let until_b = &before[..before.find("b 0").unwrap()];
    assert_eq!(shown(dir.path()), until_b);
}

#[test]
fn a_journal_that_lost_its_end_is_noticed_and_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path());
    let journal = dir.path().join("journal");
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..bytes.len() - 3]).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = act(&store, Op::Append).unwrap_err().to_string();
    assert!(error.contains("the catalogue knows of"), "{error}");
    drop(store);
    repair(dir.path()).unwrap();
    assert_eq!(shown(dir.path()), before);
}

#[test]
fn a_catalogue_in_pieces_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path());
    for file in ["db", "conf"] {
        let path = dir.path().join("catalog").join(file);
        let len = fs::metadata(&path).unwrap().len() as usize;
        fs::write(path, vec![0x5a; len.min(4096)]).unwrap();
    }
    assert_eq!(shown(dir.path()), before);
    let store = Store::open(dir.path()).unwrap();
    act(&store, Op::Append).unwrap();
    assert!(store.verify().unwrap().is_sound());
    assert!(dir.path().join("catalog.bad").exists());
    drop(store);
    fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    let store = Store::open(dir.path()).unwrap();
    act(&store, Op::Append).unwrap();
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn a_store_in_use_is_not_repaired() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let store = Store::open(dir.path()).unwrap();
    assert!(matches!(repair(dir.path()), Err(Error::Busy { .. })));
    drop(store);
    assert_eq!(repair(dir.path()).unwrap().journal, None);
}

#[test]
fn a_deletion_that_the_journal_lost_is_not_undone_by_a_repair() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let journal = dir.path().join("journal");
    let before = fs::read(&journal).unwrap();
    Store::open(dir.path()).unwrap().delete("b").unwrap();
    fs::write(&journal, before).unwrap();
    let repaired = repair(dir.path()).unwrap();
    let names: Vec<_> = repaired.datasets.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["a"], "{repaired:?}");
    assert!(dir.path().join("journal.bad").exists());
}
