//! When a disk call fails: what was acknowledged stays, the handle writes no more and says why, and opening again goes on.

use std::sync::Arc;

use messier_store::disk::{Faults, FaultyDisk, SimDisk};
use messier_store::{Error, Store};

use crate::workload::{Op, act, base, copy, describe, workloads};

#[test]
fn at_any_disk_call_once_or_from_then_on() {
    let base = base();
    let mut failures = 0;
    for ops in workloads(2) {
        let expected = states_of(&base, &ops);
        for kind in [Faults::Once as fn(usize) -> Faults, Faults::From] {
            let mut call = 0;
            while fail_at(&base, &ops, kind(call), &expected) {
                failures += 1;
                call += 1;
            }
        }
    }
    assert!(failures > 1000, "{failures}");
}

/// What the store shows before the first and after each operation.
fn states_of(base: &SimDisk, ops: &[Op]) -> Vec<String> {
    let store = Store::open_on(Arc::new(copy(base))).unwrap();
    let mut states = vec![describe(&store).unwrap()];
    for op in ops {
        let _ = act(&store, *op);
        states.push(describe(&store).unwrap());
    }
    states
}

/// Whether the fault was met.
fn fail_at(base: &SimDisk, ops: &[Op], faults: Faults, expected: &[String]) -> bool {
    let disk = copy(base);
    let faulty = Arc::new(FaultyDisk::new(Arc::new(disk.clone()), faults));
    let mut done = 0;
    let mut refused = false;
    if let Ok(store) = Store::open_on(faulty.clone()) {
        for op in ops {
            match act(&store, *op) {
                Ok(()) => {
                    assert!(!refused, "{ops:?} {faults:?}: written after a failed write");
                    done += 1;
                }
                Err(Error::NothingToUndo { .. }) => done += 1,
                Err(error) => {
                    // Later operations would start from another state than the expected one.
                    let poisoned = matches!(act(&store, Op::Append), Err(Error::Poisoned { .. }));
                    refused |= poisoned;
                    if !refused {
                        assert!(
                            matches!(error, Error::Io { .. } | Error::Damaged { .. }),
                            "{error}"
                        );
                        return faulty.calls() > at(faults);
                    }
                    break;
                }
            }
        }
    }
    for image in disk.crash_images() {
        let store = Store::open_on(Arc::new(image)).unwrap();
        let found = describe(&store).unwrap();
        let allowed = &expected[done..(done + 2).min(expected.len())];
        assert!(
            allowed.contains(&found),
            "{ops:?} {faults:?} after {done}\n{found}\n{allowed:?}"
        );
        act(&store, Op::Append).unwrap();
    }
    faulty.calls() > at(faults)
}

fn at(faults: Faults) -> usize {
    match faults {
        Faults::None => usize::MAX,
        Faults::Once(k) | Faults::From(k) => k,
    }
}

#[test]
fn the_refusal_says_what_failed() {
    let disk = base();
    let count = |faults| {
        let faulty = Arc::new(FaultyDisk::new(Arc::new(copy(&disk)), faults));
        let store = Store::open_on(faulty.clone()).unwrap();
        (act(&store, Op::Append), store, faulty.calls())
    };
    let (outcome, _, calls) = count(Faults::None);
    outcome.unwrap();
    // The last calls of a commit are the journal's: append, sync, stat.
    let (outcome, store, _) = count(Faults::Once(calls - 2));
    assert!(
        outcome
            .unwrap_err()
            .to_string()
            .starts_with("could not sync store/journal")
    );
    let refused = act(&store, Op::Append).unwrap_err().to_string();
    assert!(
        refused.contains("nothing more is written until it is opened again"),
        "{refused}"
    );
    assert!(refused.contains("could not sync"), "{refused}");
    assert_eq!(store.datasets().unwrap().len(), 2);
}
