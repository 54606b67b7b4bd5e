//! No name can escape the store, break it, or be taken for another.

use messier_store::{Changes, Error, NewDataset, Store};

use crate::world::ints;

#[test]
fn hostile_names_are_refused_and_odd_ones_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let long = "x".repeat(1 << 20);
    for name in [
        "", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "a\u{7f}", " ", &long,
    ] {
        assert!(
            matches!(
                store.create(name, NewDataset::default()),
                Err(Error::BadName { .. })
            ),
            "{name:.20}"
        );
        let error = store.dataset(name).unwrap_err();
        assert!(matches!(&error, Error::UnknownDataset { .. }));
        assert!(error.to_string().len() < 1000);
    }
    let odd = [
        "CON", "写真", "a b", "e\u{301}", "é", "-rf", "$HOME", "'", "journal",
    ];
    for name in odd {
        store.create(name, NewDataset::default()).unwrap();
    }
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.datasets().unwrap().len(), odd.len());
    for name in odd {
        assert_eq!(
            store.dataset(name).unwrap().snapshot().unwrap().dataset(),
            name
        );
    }
    assert!(matches!(
        store.create("CON", NewDataset::default()),
        Err(Error::DatasetExists { .. })
    ));
}

#[test]
fn hostile_field_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let trip = Store::open(dir.path())
        .unwrap()
        .create("trip", NewDataset::default())
        .unwrap();
    for name in ["", "a.b", "$x", "_x", "a\nb", &"x".repeat(1 << 20)] {
        let mut changes = Changes::new();
        changes.append(vec![ints(name, [Some(1)])]);
        assert!(
            matches!(trip.commit(changes), Err(Error::BadFieldName { .. })),
            "{name:.20}"
        );
    }
}
