//! Several writers and readers at once, each with a store opened for itself as processes have: no commit is lost, no
//! reader sees half of one, nothing in use is swept.

use std::sync::atomic::{AtomicBool, Ordering};

use messier_store::{Changes, Error, NewDataset, Store};

use crate::world::{ints, numbers, text, texts};

const WRITERS: i64 = 3;
const COMMITS: i64 = 15;

#[test]
fn all_commits_of_all_writers_are_there() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path())
        .unwrap()
        .create("a", NewDataset::default())
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let store = Store::open(dir.path()).unwrap();
            let mut last = 0;
            while !done.load(Ordering::SeqCst) {
                let snapshot = store.dataset("a").unwrap().snapshot().unwrap();
                if snapshot.schema().field("n").is_none() {
                    continue;
                }
                // Both columns are of one commit.
                let n = numbers(&snapshot.column("n").unwrap());
                let t = texts(&snapshot.column("t").unwrap());
                assert_eq!(n.len(), t.len());
                assert!(
                    n.iter()
                        .zip(&t)
                        .all(|(n, t)| n.unwrap().to_string() == *t.as_ref().unwrap())
                );
                assert!(snapshot.generation() >= last);
                last = snapshot.generation();
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let dir = dir.path();
                scope.spawn(move || {
                    for i in 0..COMMITS {
                        let store = Store::open(dir).unwrap();
                        let n = writer * COMMITS + i;
                        let mut changes = Changes::new();
                        changes.append(vec![
                            ints("n", [Some(n)]),
                            text("t", [Some(&*n.to_string())]),
                        ]);
                        store.dataset("a").unwrap().commit(changes).unwrap();
                    }
                })
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    let store = Store::open(dir.path()).unwrap();
    let mut n = numbers(
        &store
            .dataset("a")
            .unwrap()
            .snapshot()
            .unwrap()
            .column("n")
            .unwrap(),
    );
    n.sort();
    assert_eq!(n, (0..WRITERS * COMMITS).map(Some).collect::<Vec<_>>());
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn of_two_changes_made_for_one_generation_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let a = store.create("a", NewDataset::default()).unwrap();
    let base = a.info().unwrap().generation;
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let a = a.clone();
                scope.spawn(move || {
                    let mut changes = Changes::new().expecting(base);
                    changes.append(vec![ints("n", [Some(n)])]);
                    a.commit(changes)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .flat_map(|outcome| outcome.as_ref().err())
            .all(|error| matches!(error, Error::Conflict { .. }))
    );
    assert_eq!(a.snapshot().unwrap().len(), 1);
}

#[test]
fn what_another_process_looks_at_is_not_swept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let a = store.create("a", NewDataset::default()).unwrap();
    let mut changes = Changes::new();
    changes.append(vec![ints("n", [Some(1)])]);
    a.commit(changes).unwrap();
    let other = Store::open(dir.path()).unwrap();
    let seen = other.dataset("a").unwrap().snapshot().unwrap();
    store.delete("a").unwrap();
    assert!(store.sweep().unwrap().busy);
    assert_eq!(numbers(&seen.column("n").unwrap()), [Some(1)]);
    drop((seen, other));
    let swept = store.sweep().unwrap();
    assert!(!swept.busy && swept.files > 0);
}
