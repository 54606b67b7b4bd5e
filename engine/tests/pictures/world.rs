//! A temporary folder and the files that tests put into it.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use messier_engine::context::Context;
use messier_engine::exchange::Imported;
use messier_query::signature::{Arg, Args};
use tempfile::TempDir;

pub fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/efficientnet")
}

/// A picture in which every pixel differs from its neighbours, so that mix-ups show.
pub fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([
            (x * 5 + seed) as u8,
            (y * 7 + seed * 3) as u8,
            (x * y + seed * 11) as u8,
        ])
    })
}

pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// A JPEG whose EXIF says `orientation`.
pub fn jpeg_turned(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let jpeg = encoded(&DynamicImage::from(picture.clone()), ImageFormat::Jpeg);
    let tiff = [
        b'M',
        b'M',
        0,
        42,
        0,
        0,
        0,
        8,
        0,
        1,
        0x01,
        0x12,
        0,
        3,
        0,
        0,
        0,
        1,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    let mut segment = vec![0xFF, 0xE1, 0, (2 + 6 + tiff.len()) as u8];
    segment.extend(b"Exif\0\0");
    segment.extend(tiff);
    [&jpeg[..2], &segment, &jpeg[2..]].concat()
}

pub struct World {
    pub dir: TempDir,
    pub ctx: Context,
}

impl World {
    pub fn new() -> World {
        World {
            dir: TempDir::new().unwrap(),
            ctx: Context::new(51),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The folder with links in it resolved, as filepaths are.
    pub fn root(&self) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn png(&self, name: &str, seed: u32) -> PathBuf {
        self.write(name, encoded(&picture(8, 6, seed).into(), ImageFormat::Png))
    }

    pub fn notes(&self) -> Vec<String> {
        self.ctx
            .notes
            .sorted()
            .into_iter()
            .map(|note| note.message)
            .collect()
    }
}

pub fn args(pairs: &[(&str, Arg)]) -> Args {
    pairs
        .iter()
        .map(|(name, arg)| ((*name).to_owned(), arg.clone()))
        .collect()
}

pub fn column<'a>(imported: &'a Imported, name: &str) -> &'a ArrayRef {
    let found = imported
        .columns
        .iter()
        .find(|(field, _)| field.name == name);
    &found.unwrap_or_else(|| panic!("no column {name}")).1
}

pub fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    let array = array.as_string::<i32>();
    (0..array.len())
        .map(|row| array.is_valid(row).then(|| array.value(row).to_owned()))
        .collect()
}

/// The names below the world's folder that the import gave, in order.
pub fn names(world: &World, imported: &Imported) -> Vec<String> {
    if imported.columns.is_empty() {
        return Vec::new();
    }
    let root = world.root();
    let relative = |path: Option<String>| {
        let path = PathBuf::from(path.unwrap());
        path.strip_prefix(&root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned()
    };
    texts(column(imported, "filepath"))
        .into_iter()
        .map(relative)
        .collect()
}
