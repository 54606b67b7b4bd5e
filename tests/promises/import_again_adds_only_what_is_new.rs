//! Importing a folder a second time adds the new files and nothing else; what was done to the old ones stays.

use crate::pictures::Kind;
use crate::world::World;

#[test]
fn a_second_import_adds_the_new_file() {
    let world = World::new();
    world.picture("p/one.png", Kind::Disc, 0);
    world.ok("import p --name p");
    let first = world.samples("p", "limit(1)")[0].clone();
    world.ok("tag p 'limit(1)' kept");

    world.ok("import p --name p");
    assert_eq!(world.count("p"), 1);

    world.picture("p/two.png", Kind::Disc, 1);
    world.ok("import p --name p");
    assert_eq!(world.count("p"), 2);
    let old = world.samples("p", "match_tags(\"kept\")");
    assert_eq!(old.len(), 1);
    assert_eq!(old[0]["id"], first["id"]);
    assert_eq!(old[0]["filepath"], first["filepath"]);
}

#[test]
fn an_import_without_news_changes_nothing() {
    let world = World::new();
    world.picture("p/one.png", Kind::Disc, 0);
    world.ok("import p --name p");
    let before = world.json("list");
    world.ok("import p --name p");
    assert_eq!(world.json("list"), before);
}

#[test]
fn a_file_that_is_gone_stays_in_the_dataset() {
    let world = World::new();
    world.picture("p/one.png", Kind::Disc, 0);
    world.picture("p/two.png", Kind::Disc, 1);
    world.ok("import p --name p");
    std::fs::remove_file(world.path("p/one.png")).expect("removed");
    world.ok("import p --name p");
    assert_eq!(world.count("p"), 2);
}
