//! One bad file, a loop of links, a strange name: each has a clear outcome, and the rest of the folder is imported.

use crate::pictures::Kind;
use crate::world::World;

fn folder_with_broken_file() -> World {
    let world = World::new();
    world.picture("p/good.png", Kind::Disc, 0);
    world.write(
        "p/broken.png",
        b"\x89PNG\r\n\x1a\n and then nothing that a decoder likes",
    );
    world
}

#[test]
fn a_broken_file_is_named_with_the_reason_and_skipped() {
    let world = folder_with_broken_file();
    let ran = world.ok("import p --name p --skip-broken");
    assert!(ran.stderr.contains("broken.png"), "{ran}");
    assert_eq!(world.count("p"), 1);
}

#[test]
fn a_broken_file_can_be_kept_without_metadata() {
    let world = folder_with_broken_file();
    let ran = world.ok("import p --name p --keep-broken");
    assert!(ran.stderr.contains("broken.png"), "{ran}");
    assert_eq!(world.count("p"), 2);
    let without = world.samples("p", "exists(\"metadata\", False)");
    assert_eq!(without.len(), 1);
    assert!(
        without[0]["filepath"]
            .as_str()
            .expect("a path")
            .ends_with("broken.png")
    );
}

#[test]
fn the_two_wishes_exclude_each_other() {
    let world = folder_with_broken_file();
    world.refused("import p --name p --skip-broken --keep-broken", 1);
}

#[test]
fn an_empty_file_and_a_text_file_are_no_pictures() {
    let world = World::new();
    world.picture("p/good.png", Kind::Disc, 0);
    world.write("p/empty.jpg", "");
    world.write("p/notes.txt", "not a picture, and not called one");
    let ran = world.ok("import p --name p");
    assert!(ran.stderr.contains("empty.jpg"), "{ran}");
    assert_eq!(world.count("p"), 1);
}

#[test]
fn hidden_files_and_folders_are_left_alone() {
    let world = World::new();
    world.picture("p/seen.png", Kind::Disc, 0);
    world.picture("p/.hidden.png", Kind::Disc, 1);
    world.picture("p/.cache/thumb.png", Kind::Disc, 2);
    world.ok("import p --name p --recursive");
    assert_eq!(world.count("p"), 1);
}

#[test]
fn an_empty_folder_is_refused_and_leaves_nothing() {
    let world = World::new();
    std::fs::create_dir(world.path("empty")).expect("a folder");
    let error = world.refused("import empty --name e", 1);
    assert!(
        error["message"]
            .as_str()
            .expect("text")
            .contains("no pictures"),
        "{error}"
    );
    assert_eq!(world.json("list"), serde_json::json!([]));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let world = World::new();
    let error = world.refused("import nowhere --name n", 1);
    assert!(
        error["message"].as_str().expect("text").contains("nowhere"),
        "{error}"
    );
}

#[test]
fn a_picture_of_absurd_size_is_refused_on_its_header() {
    let world = World::new();
    world.picture("p/good.png", Kind::Disc, 0);
    // A PNM header that promises 10^10 pixels, and nothing behind it.
    world.write("p/bomb.ppm", "P6\n100000 100000\n255\n");
    world.ok("import p --name p --skip-broken");
    let kept = world.samples("p", "match(F(\"filepath\").ends_with(\"good.png\"))");
    assert_eq!(kept.len(), 1);
}

#[cfg(unix)]
mod on_unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_loop_of_links_ends() {
        let world = World::new();
        world.picture("p/a/one.png", Kind::Disc, 0);
        symlink(world.path("p"), world.path("p/a/again")).expect("a link");
        symlink("self", world.path("p/self")).expect("a link");
        world.ok("import p --name p --recursive");
        assert_eq!(world.count("p"), 1);
    }

    #[test]
    fn two_names_for_one_file_are_two_samples_and_said_to_be_one_file() {
        let world = World::new();
        world.picture("p/one.png", Kind::Disc, 0);
        symlink("one.png", world.path("p/two.png")).expect("a link");
        std::fs::hard_link(world.path("p/one.png"), world.path("p/three.png")).expect("a link");
        let ran = world.ok("import p --name p");
        assert!(
            ran.stderr.contains("two.png") || ran.stdout.contains("two.png"),
            "{ran}"
        );
        assert_eq!(world.count("p"), 3);
        assert_eq!(
            world
                .value("p", "distinct(\"content_hash\")")
                .as_array()
                .expect("hashes")
                .len(),
            1
        );
    }

    #[test]
    fn a_name_that_is_not_utf8_is_reported_and_skipped() {
        let world = World::new();
        world.picture("p/good.png", Kind::Disc, 0);
        let strange = world.path("p").join(OsStr::from_bytes(b"caf\xe9.png"));
        std::fs::copy(world.path("p/good.png"), strange).expect("a copy");
        let ran = world.ok("import p --name p --skip-broken");
        assert!(ran.stderr.contains("UTF-8"), "{ran}");
        assert_eq!(world.count("p"), 1);
    }

    #[test]
    fn a_link_to_nowhere_is_reported() {
        let world = World::new();
        world.picture("p/good.png", Kind::Disc, 0);
        symlink("gone.png", world.path("p/dangling.png")).expect("a link");
        let ran = world.ok("import p --name p");
        assert!(ran.stderr.contains("dangling.png"), "{ran}");
        assert_eq!(world.count("p"), 1);
    }

    #[test]
    fn names_with_spaces_quotes_and_newlines_are_names() {
        let world = World::new();
        for (number, name) in [
            "two words.png",
            "it's.png",
            "line\nbreak.png",
            "ünïcode-漢字.png",
        ]
        .iter()
        .enumerate()
        {
            world.picture(&format!("p/{name}"), Kind::Disc, number as u32);
        }
        world.ok("import p --name p");
        assert_eq!(world.count("p"), 4);
        let found = world.samples(
            "p",
            "match(F(\"filepath\").ends_with(\"line\\nbreak.png\"))",
        );
        assert_eq!(found.len(), 1);
    }
}
