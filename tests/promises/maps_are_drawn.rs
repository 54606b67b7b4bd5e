//! `plot` draws a map as SVG or PNG, or in the terminal.

use crate::fixtures;
use crate::world::World;

fn mapped() -> World {
    let world = fixtures::points();
    world.ok("reduce points --method pca --n-components 2 --features embedding --run map --quiet");
    world.ok("cluster points --method kmeans --n-clusters 3 --features embedding --run k3 --quiet");
    world
}

#[test]
fn an_svg_has_a_mark_for_each_sample() {
    let world = mapped();
    world.ok("plot points --points map --color k3 -o map.svg");
    let svg = world.read("map.svg");
    assert!(
        svg.starts_with("<svg") || svg.starts_with("<?xml"),
        "{}",
        &svg[..60]
    );
    assert!(svg.contains("</svg>"));
    let marks = svg.matches("<circle").count();
    assert!(
        (90..=100).contains(&marks),
        "{marks} circles for 90 samples and a legend of 3"
    );
}

#[test]
fn a_png_has_the_colours_of_the_clusters() {
    let world = mapped();
    world.ok("plot points --points map --color k3 -o map.png");
    let picture = image::open(world.path("map.png")).expect("a PNG").to_rgb8();
    assert!(picture.width() >= 400 && picture.height() >= 300);
    let mut saturated: Vec<[u8; 3]> = picture
        .pixels()
        .map(|p| p.0)
        .filter(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) > 80)
        .collect();
    saturated.sort_unstable();
    saturated.dedup();
    assert!(saturated.len() >= 3, "{} colours", saturated.len());
}

#[test]
fn without_a_file_the_map_is_in_the_terminal() {
    let world = mapped();
    let ran = world.ok("plot points --points map --color k3");
    assert!(ran.stdout.lines().count() >= 5, "{ran}");
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "no colour without a terminal: {ran}"
    );
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let world = mapped();
    world.refused("plot points --points k3 -o a.svg", 1);
    world.refused("plot points --points nothing -o a.svg", 1);
    world.refused("plot points --points map --color nothing -o a.svg", 1);
    world.refused("plot points --points map -o a.docx", 2);
    assert!(!world.path("a.svg").exists());
}
