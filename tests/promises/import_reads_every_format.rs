//! A folder of JPEG, PNG, WebP, GIF, BMP, TIFF and PNM becomes a dataset with each picture's size, type and channels.

use serde_json::json;

use crate::pictures::Kind;
use crate::world::World;

const FORMATS: [(&str, &str); 8] = [
    ("a.jpg", "image/jpeg"),
    ("b.jpeg", "image/jpeg"),
    ("c.png", "image/png"),
    ("d.webp", "image/webp"),
    ("e.gif", "image/gif"),
    ("f.bmp", "image/bmp"),
    ("g.tiff", "image/tiff"),
    ("h.ppm", "image/x-portable-anymap"),
];

#[test]
fn each_format_has_its_metadata() {
    let world = World::new();
    for (number, (name, _)) in FORMATS.iter().enumerate() {
        world.picture(&format!("pictures/{name}"), Kind::Disc, number as u32);
    }
    world.ok("import pictures --name all");
    let samples = world.samples("all", "sort_by(\"filepath\")");
    assert_eq!(samples.len(), FORMATS.len());
    for (sample, (name, mime)) in samples.iter().zip(FORMATS) {
        let path = sample["filepath"].as_str().expect("a path");
        assert!(path.ends_with(name), "{path}");
        let metadata = &sample["metadata"];
        assert_eq!(metadata["width"], 32, "{name}");
        assert_eq!(metadata["height"], 24, "{name}");
        assert_eq!(metadata["mime_type"], mime, "{name}");
        assert!(
            metadata["num_channels"]
                .as_u64()
                .is_some_and(|n| (1..=4).contains(&n)),
            "{name}"
        );
        let size = std::fs::metadata(world.path("pictures").join(name))
            .expect("the file")
            .len();
        assert_eq!(metadata["size_bytes"], json!(size), "{name}");
    }
}

#[test]
fn the_content_decides_not_the_extension() {
    let world = World::new();
    world.picture("real.png", Kind::Disc, 0);
    std::fs::create_dir(world.path("pictures")).expect("a folder");
    std::fs::rename(world.path("real.png"), world.path("pictures/wrong.jpg")).expect("a rename");
    world.ok("import pictures --name wrong");
    let samples = world.samples("wrong", "limit(1)");
    assert_eq!(samples[0]["metadata"]["mime_type"], "image/png");
}

#[test]
fn orientation_is_applied_to_width_and_height() {
    let world = World::new();
    world.picture("p/turned.jpg", Kind::Stripes, 0);
    let path = world.path("p/turned.jpg");
    let plain = std::fs::read(&path).expect("the picture");
    // An APP1 segment behind the start marker: a big-endian TIFF header and one entry, orientation 6 (turn right).
    let tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut turned = plain[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend(u16::try_from(tiff.len() + 2).expect("short").to_be_bytes());
    turned.extend(tiff);
    turned.extend(&plain[2..]);
    std::fs::write(&path, turned).expect("the picture");
    world.ok("import p --name p");
    let samples = world.samples("p", "limit(1)");
    assert_eq!(samples[0]["metadata"]["width"], 24);
    assert_eq!(samples[0]["metadata"]["height"], 32);
}

#[test]
fn labels_come_from_folders_and_tags_from_the_command() {
    let world = World::new();
    world.class_tree("tree", 2);
    world.ok("import tree --name tree --recursive --label-from-folder --tags holiday,2026");
    assert_eq!(world.count("tree"), 6);
    assert_eq!(
        world.value("tree", "count_values(\"tags\")"),
        json!({ "2026": 6, "holiday": 6 })
    );
    assert_eq!(
        world.value("tree", "count_values(\"label\")"),
        json!({ "checks": 2, "disc": 2, "stripes": 2 })
    );
}

#[test]
fn only_recursive_goes_below_the_folder() {
    let world = World::new();
    world.picture("p/top.png", Kind::Disc, 0);
    world.picture("p/below/deep.png", Kind::Disc, 1);
    world.ok("import p --name flat");
    assert_eq!(world.count("flat"), 1);
    world.ok("import p --name deep --recursive");
    assert_eq!(world.count("deep"), 2);
}
