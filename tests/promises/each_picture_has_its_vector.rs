//! `embed` gives each readable picture a vector with the built-in model; a broken one loses only itself.

use serde_json::json;

use crate::fixtures;
use crate::pictures::Kind;
use crate::world::World;

#[test]
fn every_picture_is_embedded_without_any_download() {
    let world = fixtures::trip();
    let samples = world.samples("trip", "select_fields(\"embedding\")");
    assert_eq!(samples.len(), 12);
    for sample in &samples {
        let vector = sample["embedding"].as_array().expect("a vector");
        assert_eq!(vector.len(), 1280);
        assert!(
            vector
                .iter()
                .all(|x| x.as_f64().is_some_and(f64::is_finite))
        );
    }
    assert_ne!(samples[0]["embedding"], samples[11]["embedding"]);
}

#[test]
fn a_broken_picture_is_a_note_of_the_run() {
    let world = World::new();
    world.picture("p/good.png", Kind::Disc, 0);
    world.picture("p/bad.png", Kind::Disc, 1);
    world.ok("import p --name p");
    let whole = std::fs::read(world.path("p/bad.png")).expect("the picture");
    world.write("p/bad.png", &whole[..whole.len() / 2]);
    let answer = world.json("embed p");
    assert_eq!(answer["kind"], "run");
    let notes = answer["run"]["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), 1, "{answer}");
    let bad = &world.samples("p", "match(F(\"filepath\").ends_with(\"bad.png\"))")[0];
    assert_eq!(notes[0]["sample"], bad["id"]);
    assert_eq!(world.value("p", "exists(\"embedding\").count()"), json!(1));
}

#[test]
fn embedding_again_does_only_what_is_missing() {
    let world = fixtures::trip();
    let answer = world.json("embed trip");
    assert_eq!(answer["run"]["status"], "done");
    assert_eq!(
        world.value("trip", "exists(\"embedding\").count()"),
        json!(12)
    );
}

#[test]
fn an_unknown_model_is_named_with_those_there_are() {
    let world = fixtures::trip();
    let error = world.refused("embed trip --model efficientnet-lite9", 1);
    assert!(error.to_string().contains("efficientnet-lite0"), "{error}");
}
