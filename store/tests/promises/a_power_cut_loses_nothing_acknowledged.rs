//! Every workload of up to three operations, cut at every disk call, with every image that the cut may leave: what was
//! acknowledged is whole, what was not is there whole or not at all, and the store goes on from there.
//!
//! The simulated disk has no catalogue, so this is also the case of a catalogue that was deleted.

use std::sync::Arc;

use messier_store::Store;
use messier_store::disk::{Disk, SimDisk};

use crate::workload::{Op, act, base, copy, describe, workloads};

#[test]
fn at_any_disk_call_of_a_short_workload() {
    let base = base();
    let images: usize = (1..=3)
        .flat_map(workloads)
        .map(|ops| cut_last(&base, &ops))
        .sum();
    // The promise is empty if no images are made.
    assert!(images > 3_000, "{images}");
}

/// Runs `ops` and cuts the last one at each of its calls (the others were last ones of shorter workloads).
fn cut_last(base: &SimDisk, ops: &[Op]) -> usize {
    let disk = copy(base);
    let store = Store::open_on(Arc::new(disk.clone())).unwrap();
    let (last, first) = ops.split_last().unwrap();
    for op in first {
        // An undo too many is refused; the others go on.
        let _ = act(&store, *op);
    }
    let before = describe(&store).unwrap();
    disk.record();
    let acknowledged = act(&store, *last).is_ok();
    let after = describe(&store).unwrap();
    assert!(acknowledged || before == after);
    let states = disk.recorded();
    let mut images = 0;
    for (call, state) in states.iter().enumerate() {
        let done = call + 1 == states.len();
        for image in state.crash_images() {
            images += 1;
            let found = reopen(&image, ops);
            let told = format!("{ops:?} cut after call {} of {}", call + 1, states.len());
            if done && acknowledged {
                assert_eq!(found, after, "{told}");
            } else {
                assert!(
                    found == before || found == after,
                    "{told}\n{found}\nbefore\n{before}\nafter\n{after}"
                );
            }
        }
    }
    images
}

fn reopen(image: &SimDisk, ops: &[Op]) -> String {
    let store = Store::open_on(Arc::new(image.clone())).unwrap();
    let found = describe(&store).unwrap_or_else(|error| panic!("{ops:?}: {error}"));
    act(&store, Op::Append).unwrap();
    let more = describe(&store).unwrap();
    drop(store);
    let store = Store::open_on(Arc::new(copy(image))).unwrap();
    assert_eq!(describe(&store).unwrap(), more);
    found
}

#[test]
fn while_a_store_is_made() {
    let disk = SimDisk::new();
    disk.record();
    let store = Store::open_on(Arc::new(disk.clone())).unwrap();
    act(&store, Op::Append).unwrap();
    for state in disk.recorded() {
        for image in state.crash_images() {
            let store = Store::open_on(Arc::new(image)).unwrap();
            act(&store, Op::Append).unwrap();
            assert_eq!(store.datasets().unwrap()[0].name, "a");
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_a_bad_record_before_good_ones_is_damage() {
    let disk = base();
    let whole = describe(&Store::open_on(Arc::new(disk.clone())).unwrap()).unwrap();
    let torn = copy(&disk);
    torn.append("journal", b"half a record").unwrap();
    assert_eq!(
        describe(&Store::open_on(Arc::new(torn)).unwrap()).unwrap(),
        whole
    );
    let bad = copy(&disk);
    bad.damage("journal", |bytes| bytes[60] ^= 1);
    let error = Store::open_on(Arc::new(bad)).unwrap_err().to_string();
    assert!(error.contains("a good one follows"), "{error}");
}
