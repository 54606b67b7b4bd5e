//! A person's own vectors are stored by row or by path; a file that does not fit is refused with a sentence, and nothing is stored.

use serde_json::json;

use crate::pictures::Kind;
use crate::vectors::{npy, npy_f32};
use crate::world::World;

fn three_pictures() -> World {
    let world = World::new();
    for (number, name) in ["a", "b", "c"].iter().enumerate() {
        world.picture(&format!("p/{name}.png"), Kind::Disc, number as u32);
    }
    world.ok("import p --name p");
    world
}

fn fields(world: &World, dataset: &str) -> Vec<(String, String)> {
    let info = world.json(&format!("info {dataset}"));
    let schema = info["schema"].as_array().expect("a schema");
    schema
        .iter()
        .map(|f| {
            (
                f["name"].as_str().expect("a name").to_owned(),
                f["type"].as_str().expect("a type").to_owned(),
            )
        })
        .collect()
}

#[test]
fn vectors_are_stored_in_row_order() {
    let world = three_pictures();
    world.write(
        "v.npy",
        npy_f32(&[vec![0.5, 1.0], vec![2.0, -3.25], vec![1e-20, 7.0]]),
    );
    world.ok("embed p --from v.npy --field mine");
    assert!(fields(&world, "p").contains(&("mine".into(), "vector(2)".into())));
    let samples = world.samples("p", "select_fields(\"mine\")");
    assert_eq!(samples[1]["mine"], json!([2.0, -3.25]));
}

#[test]
fn vectors_become_a_dataset_without_pictures() {
    let world = World::new();
    world.blobs("v.npy", 20, 4, 2);
    world.ok("import v.npy --name v --field embedding");
    assert_eq!(world.count("v"), 20);
    assert!(fields(&world, "v").contains(&("embedding".into(), "vector(4)".into())));
}

#[test]
fn doubles_halves_and_integers_are_read_too() {
    let world = World::new();
    let doubles: Vec<u8> = [1.5_f64, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    world.write("d.npy", npy("<f8", "(2, 2)", &doubles));
    world.ok("import d.npy --name d --field embedding");
    // 1.0 and 2.0 as half floats.
    world.write("h.npy", npy("<f2", "(1, 2)", &[0x00, 0x3c, 0x00, 0x40]));
    world.ok("import h.npy --name h --field embedding");
    assert_eq!(
        world.samples("h", "select_fields(\"embedding\")")[0]["embedding"],
        json!([1.0, 2.0])
    );
}

#[test]
fn a_file_that_does_not_fit_changes_nothing() {
    let world = three_pictures();
    let before = (world.json("info p"), fields(&world, "p"));
    let row = |x: f32| vec![x, 1.0];
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("count", npy_f32(&[row(1.0), row(2.0)]), "2"),
        ("nan", npy_f32(&[row(1.0), row(f32::NAN), row(2.0)]), "NaN"),
        (
            "infinite",
            npy_f32(&[row(1.0), row(2.0), row(f32::INFINITY)]),
            "2",
        ),
        ("flat", npy("<f4", "(6,)", &[0; 24]), "matrix"),
        ("complex", npy("<c8", "(3, 2)", &[0; 48]), "c8"),
        ("objects", npy("|O", "(3, 2)", &[0; 48]), "pickled"),
        ("short", npy("<f4", "(3, 2)", &[0; 20]), "short.npy"),
        ("text", b"no array at all".to_vec(), "text.npy"),
    ];
    for (name, bytes, says) in cases {
        world.write(&format!("{name}.npy"), bytes);
        let error = world.refused(&format!("embed p --from {name}.npy --field mine"), 1);
        let message = error["message"].as_str().expect("text");
        assert!(message.contains(says), "{name}: {message}");
        assert_eq!(
            (world.json("info p"), fields(&world, "p")),
            before,
            "{name}"
        );
    }
}

#[test]
fn a_refused_vector_file_makes_no_dataset() {
    let world = World::new();
    world.write("v.npy", npy_f32(&[vec![1.0, f32::NAN]]));
    world.refused("import v.npy --name v --field embedding", 1);
    world.refused("import missing.npy --name v --field embedding", 1);
    assert_eq!(world.json("list"), json!([]));
}
