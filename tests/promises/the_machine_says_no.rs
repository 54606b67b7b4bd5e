//! What the system refuses is exit code 3 with a sentence; a damaged store is exit code 4; nothing is lost.

use std::fs;

use crate::fixtures;
use crate::world::World;

#[test]
fn a_store_that_is_not_there_is_made_by_import_and_empty_for_list() {
    let world = World::new();
    assert_eq!(world.json("list"), serde_json::json!([]));
    let error = world.refused("info nothing", 1);
    assert!(
        error["message"].as_str().expect("text").contains("nothing"),
        "{error}"
    );
}

#[test]
fn a_store_that_is_a_file_is_a_sentence() {
    let world = World::new();
    world.write("store", "I am a file.");
    let ran = world.run("list");
    assert!(ran.code == 3 || ran.code == 1, "{ran}");
    assert!(ran.stderr.contains("store"), "{ran}");
    assert_eq!(world.read("store"), "I am a file.");
}

#[test]
fn the_flag_chooses_the_store() {
    let world = fixtures::points();
    assert_eq!(world.json("--store other list"), serde_json::json!([]));
    assert_eq!(world.json("list --store store")[0]["name"], "points");
}

#[test]
fn a_damaged_segment_is_found_and_named() {
    let world = fixtures::points();
    world.ok("verify");
    let largest = world
        .files("store/segments")
        .into_iter()
        .map(|f| world.path("store/segments").join(f))
        .max_by_key(|p| fs::metadata(p).map_or(0, |m| m.len()))
        .expect("a segment");
    let mut bytes = fs::read(&largest).expect("the segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&largest, bytes).expect("the segment");
    let ran = world.run("verify");
    assert_eq!(ran.code, 4, "{ran}");
    let name = largest
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(
        ran.stderr.contains(&name) || ran.stdout.contains(&name),
        "{name}: {ran}"
    );
}

#[test]
fn a_lost_catalogue_is_rebuilt() {
    let world = fixtures::points();
    let before = world.json("info points");
    let catalogue = fs::read_dir(world.store())
        .expect("the store")
        .flatten()
        .find(|e| e.file_name().to_string_lossy().contains("catalog"))
        .expect("a catalogue")
        .path();
    if catalogue.is_dir() {
        fs::remove_dir_all(&catalogue)
    } else {
        fs::remove_file(&catalogue)
    }
    .expect("removed");
    assert_eq!(world.json("info points"), before);
    assert_eq!(world.count("points"), 90);
}
