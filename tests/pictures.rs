//! Small pictures made on the spot: no binary files in the tests, and each test says what it needs.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::world::World;

/// What a picture shows. The kinds are far apart for any encoder; pictures of one kind differ a little by their number.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Broad red and white stripes.
    Stripes,
    /// A fine checkerboard of blue and black.
    Checks,
    /// A green disc on grey.
    Disc,
}

/// Picture `number` of a kind, `width` by `height`.
pub fn picture(kind: Kind, number: u32, width: u32, height: u32) -> RgbImage {
    let shade = u8::try_from(number * 7 % 60).expect("small");
    RgbImage::from_fn(width, height, |x, y| match kind {
        Kind::Stripes if (x / 8) % 2 == 0 => Rgb([220 - shade, 20, 20]),
        Kind::Stripes => Rgb([250, 250 - shade, 250]),
        Kind::Checks if (x + y) % 2 == 0 => Rgb([10, 30 + shade, 230]),
        Kind::Checks => Rgb([0, 0, shade]),
        Kind::Disc => {
            let (dx, dy) = (x.abs_diff(width / 2), y.abs_diff(height / 2));
            let inside = dx * dx + dy * dy < width * height / 9;
            if inside {
                Rgb([20, 200 - shade, 40])
            } else {
                Rgb([128, 128, 128 + shade])
            }
        }
    })
}

/// Writes a picture; the name's extension gives the format.
pub fn save(path: &Path, picture: RgbImage) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    let format = ImageFormat::from_path(path).expect("a known extension");
    DynamicImage::from(picture)
        .save_with_format(path, format)
        .expect("a picture");
}

impl World {
    /// Writes one 32 by 24 picture.
    pub fn picture(&self, name: &str, kind: Kind, number: u32) {
        save(&self.path(name), picture(kind, number, 32, 24));
    }

    /// A class tree: `stripes/`, `checks/` and `disc/`, with `each` PNG files in each.
    pub fn class_tree(&self, folder: &str, each: u32) {
        for (name, kind) in [
            ("stripes", Kind::Stripes),
            ("checks", Kind::Checks),
            ("disc", Kind::Disc),
        ] {
            for number in 0..each {
                self.picture(&format!("{folder}/{name}/{number}.png"), kind, number);
            }
        }
    }
}
