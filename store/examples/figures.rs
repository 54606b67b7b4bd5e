//! throwaway
use arrow::array::*;
use arrow::datatypes::{DataType, Field as ArrowField};
use messier_store::*;
use std::sync::Arc;
use std::time::Instant;
fn main() {
    let dir = tempfile::tempdir().unwrap();
    let n = 100_000usize;
    let d = 512usize;
    let time = |what: &str, f: &mut dyn FnMut()| {
        for _ in 0..4 {
            let t = Instant::now();
            f();
            println!("{what}: {:.2} ms", t.elapsed().as_secs_f64() * 1e3);
        }
    };
    {
        let t = Instant::now();
        let store = Store::open(dir.path()).unwrap();
        println!("open new {:?}", t.elapsed());
        let t = Instant::now();
        let ds = store.create("b", NewDataset::default()).unwrap();
        println!("create {:?}", t.elapsed());
        let t = Instant::now();
        let paths: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..n).map(|r| format!("/photos/2026/{r:08}.jpg")),
        ));
        println!("make paths {:?}", t.elapsed());
        let t = Instant::now();
        let mut c = Changes::new();
        c.append(vec![(Field::new("filepath", FieldType::Text), paths)]);
        ds.commit(c).unwrap();
        println!("append {:?}", t.elapsed());
        let labels = |s: usize| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(
                (0..n).map(|r| ((r * 7 + s) % 20).to_string()),
            ))
        };
        let (a, b) = (labels(0), labels(1));
        let mut k = 0;
        time("set text", &mut || {
            k += 1;
            let mut c = Changes::new();
            c.set_column(
                Field::new("k20", FieldType::Text),
                if k % 2 == 0 { a.clone() } else { b.clone() },
            );
            ds.commit(c).unwrap();
        });
        let mut k = 0;
        time("tiny view commit", &mut || {
            k += 1;
            let mut c = Changes::new();
            c.put_view(SavedView {
                name: format!("v{k}"),
                text: "x".into(),
                description: None,
                color: None,
                created_at: 0,
                last_modified_at: 0,
            });
            ds.commit(c).unwrap();
        });
        let vals = Float32Array::from_iter_values((0..n * d).map(|i| (i % 8191) as f32));
        let vecs: ArrayRef = Arc::new(FixedSizeListArray::new(
            Arc::new(ArrowField::new("item", DataType::Float32, true)),
            d as i32,
            Arc::new(vals),
            None,
        ));
        let mut k = 0;
        time("vectors in", &mut || {
            k += 1;
            let mut c = Changes::new();
            c.set_column(
                Field::new(format!("v{k}"), FieldType::Vector(512)),
                vecs.clone(),
            );
            ds.commit(c).unwrap();
        });
        time("vectors replaced", &mut || {
            let mut c = Changes::new();
            c.set_column(Field::new("v1", FieldType::Vector(512)), vecs.clone());
            ds.commit(c).unwrap();
        });
        let t = Instant::now();
        drop(ds);
        drop(store);
        println!("close {:?}", t.elapsed());
    }
    time("open+vectors", &mut || {
        let s = Store::open(dir.path())
            .unwrap()
            .dataset("b")
            .unwrap()
            .snapshot()
            .unwrap();
        let v = s.vectors("v1").unwrap();
        assert!(v.view()[[n - 1, 0]] >= 0.0);
    });
    time("open+k20", &mut || {
        let s = Store::open(dir.path())
            .unwrap()
            .dataset("b")
            .unwrap()
            .snapshot()
            .unwrap();
        assert_eq!(s.column("k20").unwrap().len(), n);
    });
    time("open+filepath", &mut || {
        let s = Store::open(dir.path())
            .unwrap()
            .dataset("b")
            .unwrap()
            .snapshot()
            .unwrap();
        assert_eq!(s.column("filepath").unwrap().len(), n);
    });
    time("open only", &mut || {
        Store::open(dir.path()).unwrap();
    });
    time("open+tiny commit+close", &mut || {
        let s = Store::open(dir.path()).unwrap();
        let mut c = Changes::new();
        c.put_view(SavedView {
            name: "z".into(),
            text: "x".into(),
            description: None,
            color: None,
            created_at: 0,
            last_modified_at: 0,
        });
        s.dataset("b").unwrap().commit(c).unwrap();
    });
    let t = Instant::now();
    let v = Store::open(dir.path()).unwrap().verify().unwrap();
    println!(
        "verify {} bytes {:?} sound {}",
        v.bytes,
        t.elapsed(),
        v.is_sound()
    );
    println!(
        "journal {}",
        std::fs::metadata(dir.path().join("journal")).unwrap().len()
    );
}
