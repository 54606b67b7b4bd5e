//! A query can be saved under a name, used inside other queries, renamed and deleted.

use serde_json::json;

use crate::fixtures;

fn names(world: &crate::world::World) -> Vec<String> {
    let views = world.json("views trip");
    views
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn a_view_is_saved_used_renamed_and_deleted() {
    let world = fixtures::trip();
    world.ok("views trip save discs 'match(F(\"label\") == \"disc\")'");
    assert_eq!(names(&world), ["discs"]);
    assert_eq!(world.value("trip", "view(\"discs\").count()"), json!(4));
    assert_eq!(world.json("info trip")["views"], json!(["discs"]));
    let shown = world.ok("views trip show discs");
    assert!(shown.stdout.contains("label"), "{shown}");

    world.ok("views trip rename discs 'round things'");
    assert_eq!(
        world.value("trip", "view(\"round things\").limit(2).count()"),
        json!(2)
    );

    world.ok("views trip delete 'round things'");
    assert_eq!(names(&world), Vec::<String>::new());
}

#[test]
fn a_wrong_query_is_not_saved() {
    let world = fixtures::trip();
    world.refused("views trip save wrong 'match(F(\"nothing\") == 1)'", 1);
    assert_eq!(names(&world), Vec::<String>::new());
}

#[test]
fn a_view_follows_the_data() {
    let world = fixtures::trip();
    world.ok("views trip save marked 'match_tags(\"mark\")'");
    assert_eq!(world.value("trip", "view(\"marked\").count()"), json!(0));
    world.ok("tag trip 'limit(5)' mark");
    assert_eq!(world.value("trip", "view(\"marked\").count()"), json!(5));
}
