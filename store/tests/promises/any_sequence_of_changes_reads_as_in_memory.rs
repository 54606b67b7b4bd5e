//! Random sequences of operations, on a store that is opened again at random points, and on plain vectors in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BooleanArray;
use messier_store::disk::{Disk, SimDisk};
use messier_store::{Changes, KEPT_GENERATIONS, NewDataset, RunEntry, Store};
use proptest::prelude::*;

use crate::world::{ints, numbers, text, texts, vectors};

/// A value of any field.
type Value = Option<u8>;

#[derive(Debug, Clone)]
enum Op {
    Create(u8),
    Append(u8, Vec<(u8, u8, Value)>),
    Set(u8, u8, Vec<Value>),
    Drop(u8, u8),
    RenameField(u8, u8, u8),
    Clear(u8, u8),
    Retain(u8, u16),
    PutRun(u8, u8),
    DeleteRun(u8, u8),
    Undo(u8),
    RenameDataset(u8, u8),
    Clone(u8, u8),
    Delete(u8),
    Sweep,
    Reopen,
}

/// Fields by number: integers, texts, vectors.
const FIELDS: [&str; 6] = ["i0", "i1", "t0", "t1", "v0", "v1"];

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    rows: usize,
    fields: BTreeMap<String, (char, Vec<Value>)>,
    runs: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    now: Model,
    earlier: Vec<Model>,
}

impl Kept {
    fn commit(&mut self, change: impl FnOnce(&mut Model)) {
        self.earlier.push(self.now.clone());
        if self.earlier.len() > KEPT_GENERATIONS {
            self.earlier.remove(0);
        }
        change(&mut self.now);
    }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let d = 0u8..3;
    let f = 0u8..6;
    let value = proptest::option::of(0u8..5);
    let op = prop_oneof![
        2 => d.clone().prop_map(Op::Create),
        6 => (d.clone(), proptest::collection::vec((f.clone(), 1u8..4, value.clone()), 1..4)).prop_map(|(d, columns)| Op::Append(d, columns)),
        4 => (d.clone(), f.clone(), proptest::collection::vec(value, 12)).prop_map(|(d, f, values)| Op::Set(d, f, values)),
        1 => (d.clone(), f.clone()).prop_map(|(d, f)| Op::Drop(d, f)),
        1 => (d.clone(), f.clone(), f.clone()).prop_map(|(d, a, b)| Op::RenameField(d, a, b)),
        1 => (d.clone(), f).prop_map(|(d, f)| Op::Clear(d, f)),
        2 => (d.clone(), any::<u16>()).prop_map(|(d, mask)| Op::Retain(d, mask)),
        2 => (d.clone(), 0u8..2).prop_map(|(d, r)| Op::PutRun(d, r)),
        1 => (d.clone(), 0u8..2).prop_map(|(d, r)| Op::DeleteRun(d, r)),
        2 => d.clone().prop_map(Op::Undo),
        1 => (d.clone(), d.clone()).prop_map(|(a, b)| Op::RenameDataset(a, b)),
        1 => (d.clone(), d.clone()).prop_map(|(a, b)| Op::Clone(a, b)),
        1 => d.prop_map(Op::Delete),
        1 => Just(Op::Sweep),
        2 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_a_simulated_disk(ops in ops()) {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        run(&ops, || Store::open_on(disk.clone()).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_a_real_disk(ops in ops()) {
        let dir = tempfile::tempdir().unwrap();
        run(&ops, || Store::open(dir.path()).unwrap());
    }
}

fn run(ops: &[Op], open: impl Fn() -> Store) {
    let mut store = open();
    let mut model: BTreeMap<String, Kept> = BTreeMap::new();
    for op in ops {
        match op {
            Op::Sweep => {
                store.sweep().unwrap();
            }
            Op::Reopen => {
                drop(store);
                store = open();
            }
            op => {
                let done = apply(&store, op);
                let expected = apply_to_model(&mut model, op);
                assert_eq!(done.is_ok(), expected, "{op:?}: {done:?}");
            }
        }
        check(&store, &model);
    }
    drop(store);
    let store = open();
    check(&store, &model);
    assert!(store.verify().unwrap().is_sound());
}

fn name(dataset: u8) -> String {
    format!("d{dataset}")
}

fn column(field: &str, values: &[Value]) -> (messier_store::Field, arrow::array::ArrayRef) {
    match &field[..1] {
        "i" => ints(field, values.iter().map(|value| value.map(i64::from))),
        "t" => {
            let texts: Vec<_> = values
                .iter()
                .map(|value| value.map(|n| n.to_string()))
                .collect();
            text(field, texts.iter().map(Option::as_deref))
        }
        _ => {
            let rows: Vec<_> = values
                .iter()
                .map(|value| value.map(|n| vec![f32::from(n), 1.0]))
                .collect();
            vectors(field, 2, &rows)
        }
    }
}

fn apply(store: &Store, op: &Op) -> messier_store::Result<()> {
    let mut changes = Changes::new();
    let dataset = match op {
        Op::Create(d) => return store.create(&name(*d), NewDataset::default()).map(|_| ()),
        Op::RenameDataset(a, b) => return store.rename(&name(*a), &name(*b)),
        Op::Clone(a, b) => return store.clone_dataset(&name(*a), &name(*b)).map(|_| ()),
        Op::Delete(d) => return store.delete(&name(*d)),
        Op::Undo(d) => return store.dataset(&name(*d))?.undo().map(|_| ()),
        Op::Append(d, columns) => {
            let rows = usize::from(columns[0].1);
            changes.append(
                appended(columns)
                    .into_iter()
                    .map(|(field, value)| column(&field, &vec![value; rows]))
                    .collect(),
            );
            d
        }
        Op::Set(d, f, values) => {
            let rows = store.dataset(&name(*d))?.snapshot()?.len();
            let values: Vec<Value> = values.iter().copied().cycle().take(rows).collect();
            let (field, values) = column(FIELDS[usize::from(*f)], &values);
            changes.set_column(field, values);
            d
        }
        Op::Drop(d, f) => {
            changes.drop_field(FIELDS[usize::from(*f)]);
            d
        }
        Op::RenameField(d, a, b) => {
            changes.rename_field(FIELDS[usize::from(*a)], FIELDS[usize::from(*b)]);
            d
        }
        Op::Clear(d, f) => {
            changes.clear_field(FIELDS[usize::from(*f)]);
            d
        }
        Op::Retain(d, mask) => {
            let rows = store.dataset(&name(*d))?.snapshot()?.len();
            changes.retain(BooleanArray::from_iter(
                (0..rows).map(|row| Some(mask >> (row % 16) & 1 == 1)),
            ));
            d
        }
        Op::PutRun(d, r) => {
            let entry = RunEntry {
                key: format!("r{r}"),
                record: format!("{{\"run\":{r}}}"),
                fields: vec![],
                tables: vec![],
            };
            changes.put_run(entry, vec![]);
            d
        }
        Op::DeleteRun(d, r) => {
            changes.delete_run(&format!("r{r}"));
            d
        }
        Op::Sweep | Op::Reopen => return Ok(()),
    };
    store.dataset(&name(*dataset))?.commit(changes).map(|_| ())
}

/// One value a field; the last one given counts.
fn appended(columns: &[(u8, u8, Value)]) -> BTreeMap<String, Value> {
    columns
        .iter()
        .map(|(f, _, value)| (FIELDS[usize::from(*f)].to_owned(), *value))
        .collect()
}

/// Whether the operation is allowed; does it if so.
fn apply_to_model(model: &mut BTreeMap<String, Kept>, op: &Op) -> bool {
    match op {
        Op::Create(d) => {
            if model.contains_key(&name(*d)) {
                return false;
            }
            model.insert(name(*d), Kept::default());
            return true;
        }
        Op::RenameDataset(a, b) => {
            let (a, b) = (name(*a), name(*b));
            if !model.contains_key(&a) || (a != b && model.contains_key(&b)) {
                return false;
            }
            let kept = model.remove(&a).unwrap();
            model.insert(b, kept);
            return true;
        }
        Op::Clone(a, b) => {
            let (Some(kept), false) = (model.get(&name(*a)), model.contains_key(&name(*b))) else {
                return false;
            };
            let copy = Kept {
                now: kept.now.clone(),
                earlier: Vec::new(),
            };
            model.insert(name(*b), copy);
            return true;
        }
        Op::Delete(d) => return model.remove(&name(*d)).is_some(),
        _ => {}
    }
    let d = match op {
        Op::Append(d, _)
        | Op::Set(d, ..)
        | Op::Drop(d, _)
        | Op::RenameField(d, ..)
        | Op::Clear(d, _) => d,
        Op::Retain(d, _) | Op::PutRun(d, _) | Op::DeleteRun(d, _) | Op::Undo(d) => d,
        _ => return true,
    };
    let Some(kept) = model.get_mut(&name(*d)) else {
        return false;
    };
    let field = |f: &u8| FIELDS[usize::from(*f)].to_owned();
    let has = |kept: &Kept, f: &u8| kept.now.fields.contains_key(&field(f));
    match op {
        Op::Undo(_) => {
            let Some(before) = kept.earlier.pop() else {
                return false;
            };
            kept.now = before;
        }
        // A renamed field may bear the name of another type's.
        Op::Append(_, columns)
            if appended(columns).keys().any(|name| {
                let known = kept.now.fields.get(name);
                known.is_some_and(|(kind, _)| !name.starts_with(*kind))
            }) =>
        {
            return false;
        }
        Op::Append(_, columns) => kept.commit(|now| {
            let rows = usize::from(columns[0].1);
            let given = appended(columns);
            for name in given.keys() {
                let empty = (name.chars().next().unwrap(), vec![None; now.rows]);
                now.fields.entry(name.clone()).or_insert(empty);
            }
            for (name, (_, values)) in &mut now.fields {
                let value = given.get(name).copied().flatten();
                values.extend(std::iter::repeat_n(value, rows));
            }
            now.rows += rows;
        }),
        Op::Set(_, f, values) => kept.commit(|now| {
            let values = values.iter().copied().cycle().take(now.rows).collect();
            let name = field(f);
            now.fields
                .insert(name.clone(), (name.chars().next().unwrap(), values));
        }),
        Op::Drop(_, f) => {
            if !has(kept, f) {
                return false;
            }
            kept.commit(|now| drop(now.fields.remove(&field(f))));
        }
        Op::RenameField(_, a, b) => {
            if !has(kept, a) || (a != b && has(kept, b)) {
                return false;
            }
            kept.commit(|now| {
                let values = now.fields.remove(&field(a)).unwrap();
                now.fields.insert(field(b), values);
            });
        }
        Op::Clear(_, f) => {
            if !has(kept, f) {
                return false;
            }
            kept.commit(|now| {
                let rows = now.rows;
                now.fields.get_mut(&field(f)).unwrap().1 = vec![None; rows];
            });
        }
        Op::Retain(_, mask) => kept.commit(|now| {
            let keep: Vec<bool> = (0..now.rows)
                .map(|row| mask >> (row % 16) & 1 == 1)
                .collect();
            for (_, values) in now.fields.values_mut() {
                let mut keep = keep.iter();
                values.retain(|_| *keep.next().unwrap());
            }
            now.rows = keep.iter().filter(|keep| **keep).count();
        }),
        Op::PutRun(_, r) => kept.commit(|now| {
            let key = format!("r{r}");
            if !now.runs.iter().any(|(other, _)| *other == key) {
                now.runs.push((key, format!("{{\"run\":{r}}}")));
            }
        }),
        Op::DeleteRun(_, r) => {
            let key = format!("r{r}");
            if !kept.now.runs.iter().any(|(other, _)| *other == key) {
                return false;
            }
            kept.commit(|now| now.runs.retain(|(other, _)| *other != key));
        }
        _ => {}
    }
    true
}

fn check(store: &Store, model: &BTreeMap<String, Kept>) {
    let names: Vec<String> = store
        .datasets()
        .unwrap()
        .into_iter()
        .map(|info| info.name)
        .collect();
    assert_eq!(names, model.keys().cloned().collect::<Vec<_>>());
    for (name, kept) in model {
        let snapshot = store.dataset(name).unwrap().snapshot().unwrap();
        assert_eq!(snapshot.len(), kept.now.rows);
        let mut found = Model {
            rows: snapshot.len(),
            ..Model::default()
        };
        for field in &snapshot.schema().fields {
            let array = snapshot.column(&field.name).unwrap();
            assert_eq!(array.len(), snapshot.len());
            let of_model = FIELDS.contains(&&*field.name) || field.name.starts_with(['v']);
            if !of_model {
                continue;
            }
            let kind = match field.ty.to_string().as_str() {
                "int" => 'i',
                "string" => 't',
                _ => 'v',
            };
            let values: Vec<Value> = match kind {
                'i' => numbers(&array)
                    .into_iter()
                    .map(|n| n.map(|n| n as u8))
                    .collect(),
                't' => texts(&array)
                    .into_iter()
                    .map(|text| text.map(|text| text.parse().unwrap()))
                    .collect(),
                _ => {
                    let vectors = snapshot.vectors(&field.name).unwrap();
                    (0..vectors.len())
                        .map(|row| {
                            vectors
                                .is_valid(row)
                                .then(|| vectors.view()[[row, 0]] as u8)
                        })
                        .collect()
                }
            };
            found.fields.insert(field.name.clone(), (kind, values));
        }
        found.runs = snapshot
            .runs()
            .iter()
            .map(|run| (run.key.clone(), run.record.clone()))
            .collect();
        assert_eq!(found, kept.now, "{name}");
    }
}
