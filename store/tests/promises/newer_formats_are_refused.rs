//! A store written by a newer version is refused with a sentence that says so, and is not touched.

use std::sync::Arc;

use messier_store::disk::Disk;
use messier_store::{Error, Store};

use crate::workload::{Op, act, base, copy, describe};

#[test]
fn a_newer_journal() {
    let disk = base();
    disk.damage("journal", |bytes| {
        bytes[8] = 9;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bytes[..12]);
        sum.update(&bytes[16..24]);
        let sum = sum.finalize();
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    });
    let error = Store::open_on(Arc::new(disk)).unwrap_err();
    assert!(matches!(
        error,
        Error::NewerFormat {
            found: 9,
            known: 1,
            ..
        }
    ));
    assert!(
        error.to_string().contains("written by a newer Messier"),
        "{error}"
    );
}

#[test]
fn a_newer_segment() {
    let disk = base();
    for name in disk.list("segments").unwrap() {
        disk.damage(&format!("segments/{name}"), |bytes| {
            bytes[8] = 9;
            let sum = crc32fast::hash(&bytes[..12]);
            bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        });
    }
    let store = Store::open_on(Arc::new(disk)).unwrap();
    assert!(matches!(
        describe(&store),
        Err(Error::NewerFormat {
            found: 9,
            known: 1,
            ..
        })
    ));
}

#[test]
fn a_journal_that_is_gone_is_no_empty_store() {
    let disk = base();
    disk.remove("journal").unwrap();
    let error = Store::open_on(Arc::new(copy(&disk))).unwrap_err();
    assert!(error.to_string().contains("it is missing"), "{error}");
    let store = Store::open_on(Arc::new(base())).unwrap();
    act(&store, Op::Append).unwrap();
}
