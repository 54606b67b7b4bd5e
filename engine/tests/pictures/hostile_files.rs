//! Promise: no file, however cut or flipped, makes the decoders panic or take the memory that it merely claims.

use std::fs;

use image::{DynamicImage, ImageFormat};
use messier_engine::decode;

use crate::world::{World, encoded, fixture, jpeg_turned, picture};

fn specimens() -> Vec<(String, Vec<u8>)> {
    let rgb = DynamicImage::from(picture(40, 30, 3));
    let mut all = Vec::new();
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
    ] {
        all.push((format!("{format:?}"), encoded(&rgb, format)));
    }
    all.push(("turned".into(), jpeg_turned(&picture(40, 30, 3), 6)));
    for name in [
        "flower.jpg",
        "palette-alpha.png",
        "rgb-16bit.png",
        "grey-alpha.png",
    ] {
        all.push((
            name.into(),
            fs::read(fixture().join("images").join(name)).unwrap(),
        ));
    }
    all
}

/// Reads header and pixels; either may fail, with a sentence.
fn read(world: &World, bytes: &[u8]) -> bool {
    let path = world.write("specimen", bytes);
    if let Err(problem) = decode::header(&path) {
        assert!(problem.to_string().len() > 20, "{problem}");
    }
    match decode::pixels_of(bytes) {
        Ok(pixels) => {
            assert_eq!(
                pixels.data.len(),
                pixels.width as usize * pixels.height as usize * 3
            );
            true
        }
        Err(problem) => {
            assert!(problem.len() > 10, "{problem}");
            false
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let world = World::new();
    for (name, bytes) in specimens() {
        for part in 0..50 {
            let cut = &bytes[..bytes.len() * part / 50];
            let whole = read(&world, cut);
            // A GIF's or PNG's pixels may be complete before its last bytes; a third can never be enough.
            assert!(
                !whole || part > 16,
                "{name} cut at {part}/50 passed for whole"
            );
        }
        assert!(read(&world, &bytes), "{name}");
    }
}

#[test]
fn a_jpeg_without_its_end_is_not_taken_for_whole() {
    let bytes = fs::read(fixture().join("images/china.jpg")).unwrap();
    for part in 1..50 {
        let problem = decode::pixels_of(&bytes[..bytes.len() * part / 50]).unwrap_err();
        assert!(
            problem.contains("cut short")
                || problem.contains("damaged")
                || problem.contains("not a"),
            "{problem}"
        );
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let world = World::new();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for (_, bytes) in specimens() {
        for round in 0..150 {
            let mut broken = bytes.clone();
            // Half of the rounds hurt the header only.
            let span = if round % 2 == 0 {
                broken.len()
            } else {
                broken.len().min(64)
            };
            for _ in 0..1 + random(8) {
                let at = random(span);
                broken[at] = random(256) as u8;
            }
            read(&world, &broken);
        }
    }
}

#[test]
fn a_giant_by_its_header_alone_is_refused_before_memory_is_taken() {
    let world = World::new();
    let mut gif = encoded(&picture(4, 4, 0).into(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xFF; 4]);
    let pnm = b"P6\n200000 200000\n255\n".to_vec();
    let mut bmp = encoded(&picture(4, 4, 0).into(), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x60, 0xEA, 0, 0, 0x60, 0xEA, 0, 0]);
    let mut jpeg = encoded(&picture(4, 4, 0).into(), ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    for (bytes, size) in [
        (gif, "65535 x 65535"),
        (pnm, "200000 x 200000"),
        (bmp, "60000 x 60000"),
        (jpeg, "65535 x 65535"),
    ] {
        let path = world.write("giant", &bytes);
        let problem = decode::header(&path).unwrap_err().to_string();
        assert!(problem.contains(size), "{problem}");
        assert!(decode::pixels_of(&bytes).unwrap_err().contains(size));
    }
}

#[test]
fn what_is_no_picture_is_said_plainly() {
    let world = World::new();
    let cases: [(&[u8], &str); 3] = [
        (b"", "the file is empty"),
        (
            b"hello, I am a text file",
            "this is not a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM picture",
        ),
        (
            b"\0\0\0\x20ftypheic\0\0\0\0",
            "HEIC pictures cannot be read; convert it to JPEG or PNG",
        ),
    ];
    for (bytes, sentence) in cases {
        let path = world.write("thing.jpg", bytes);
        for problem in [
            decode::header(&path).unwrap_err(),
            decode::pixels(&path).unwrap_err(),
        ] {
            assert_eq!(
                problem.to_string(),
                format!("{}: {sentence}", path.display())
            );
        }
    }
    let gone = decode::pixels(&world.path("gone.png"))
        .unwrap_err()
        .to_string();
    assert!(gone.ends_with("the file is not there"), "{gone}");
    let folder = decode::pixels(&world.root()).unwrap_err().to_string();
    assert!(folder.ends_with("this is a folder"), "{folder}");
}
