//! Promise: headers and pixels are what Pillow says they are, upright, over white, 8 bits.

use image::{DynamicImage, GrayAlphaImage, ImageFormat, LumaA, Rgba, RgbaImage};
use messier_engine::decode::{self, Rgb};
use safetensors::SafeTensors;

use crate::world::{World, encoded, fixture, jpeg_turned, picture};

#[test]
fn the_stored_pictures_come_out_as_pillow_made_them() {
    let bytes = std::fs::read(fixture().join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut seen = 0;
    for name in tensors.names() {
        let Some(file) = name
            .strip_prefix("pixels/")
            .filter(|file| file.ends_with(".png"))
        else {
            continue;
        };
        let expected = tensors.tensor(name).unwrap();
        let ours = decode::pixels(&fixture().join("images").join(file)).unwrap();
        let ours = ours.squeezed(224, 224).unwrap();
        assert_eq!(ours.data.len(), expected.data().len());
        let apart = |(a, b): (&u8, &u8)| i32::from(*a).abs_diff(i32::from(*b));
        let most = ours
            .data
            .iter()
            .zip(expected.data())
            .map(apart)
            .max()
            .unwrap();
        assert_eq!(most, 0, "{file}: {most} levels apart");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

/// Decoders of JPEG round differently; ours rounds upsampled chroma twice, which leans it upwards by a sixth of a level.
#[test]
fn jpegs_come_out_within_a_third_of_a_level_on_average_and_six_at_most() {
    for name in ["china", "china-444", "china-exif6", "flower", "flower-grey"] {
        let ours = decode::pixels(&fixture().join("images").join(format!("{name}.jpg"))).unwrap();
        let expected =
            decode::pixels(&fixture().join("pixels").join(format!("{name}.png"))).unwrap();
        let ours = ours.squeezed(224, 224).unwrap();
        let apart: Vec<u32> = ours
            .data
            .iter()
            .zip(&expected.data)
            .map(|(a, b)| a.abs_diff(*b).into())
            .collect();
        let mean = f64::from(apart.iter().sum::<u32>()) / apart.len() as f64;
        let most = apart.iter().max().unwrap();
        assert!(
            *most <= 6 && mean <= 0.34,
            "{name}: at most {most} levels, {mean:.3} on average"
        );
    }
}

#[test]
fn every_format_is_known_by_its_content() {
    let world = World::new();
    let (width, height) = (23, 17);
    for (format, mime, channels) in [
        (ImageFormat::Jpeg, "image/jpeg", 3),
        (ImageFormat::Png, "image/png", 3),
        (ImageFormat::WebP, "image/webp", 3),
        (ImageFormat::Gif, "image/gif", 1),
        (ImageFormat::Bmp, "image/bmp", 3),
        (ImageFormat::Tiff, "image/tiff", 3),
        (ImageFormat::Pnm, "image/x-portable-anymap", 3),
    ] {
        let bytes = encoded(&picture(width, height, 1).into(), format);
        let path = world.write("lying-name.jpg", &bytes);
        let about = decode::header(&path).unwrap();
        assert_eq!((about.width, about.height), (width, height), "{mime}");
        assert_eq!(
            (about.mime_type, about.num_channels, about.orientation),
            (mime, channels, 1)
        );
        assert_eq!(about.size_bytes, bytes.len() as u64);
        let pixels = decode::pixels(&path).unwrap();
        assert_eq!((pixels.width, pixels.height), (width, height));
        if !matches!(format, ImageFormat::Jpeg | ImageFormat::Gif) {
            assert_eq!(pixels.data, picture(width, height, 1).into_raw(), "{mime}");
        }
    }
}

#[test]
fn channels_are_those_stored() {
    for (name, channels) in [
        ("grey.png", 1),
        ("grey-16bit.png", 1),
        ("grey-alpha.png", 2),
        ("palette.png", 1),
        ("palette-alpha.png", 1),
        ("rgb-16bit.png", 3),
        ("emoji-1f436.png", 4),
        ("flower-grey.jpg", 1),
        ("china.jpg", 3),
    ] {
        let about = decode::header(&fixture().join("images").join(name)).unwrap();
        assert_eq!(about.num_channels, channels, "{name}");
    }
}

#[test]
fn all_eight_orientations_stand_upright() {
    let (width, height) = (48, 32);
    let stored = picture(width, height, 0);
    let world = World::new();
    for orientation in 1..=8u8 {
        let path = world.write("turned.jpg", jpeg_turned(&stored, orientation));
        let about = decode::header(&path).unwrap();
        let turned = orientation >= 5;
        let upright = if turned {
            (height, width)
        } else {
            (width, height)
        };
        assert_eq!(
            (about.width, about.height, about.orientation),
            (upright.0, upright.1, orientation)
        );
        let pixels = decode::pixels(&path).unwrap();
        assert_eq!((pixels.width, pixels.height), upright);
        // Where the stored top left corner is shown.
        let flat = decode::pixels_of(&jpeg_turned(&stored, 1)).unwrap();
        let corner = |p: &Rgb, right: bool, bottom: bool| {
            let x = if right { p.width as usize - 1 } else { 0 };
            let y = if bottom { p.height as usize - 1 } else { 0 };
            let at = (y * p.width as usize + x) * 3;
            [p.data[at], p.data[at + 1], p.data[at + 2]]
        };
        let (right, bottom) = [
            (false, false),
            (true, false),
            (true, true),
            (false, true),
            (false, false),
            (true, false),
            (true, true),
            (false, true),
        ][usize::from(orientation) - 1];
        assert_eq!(
            corner(&pixels, right, bottom),
            corner(&flat, false, false),
            "orientation {orientation}"
        );
    }
    let path = world.write("nonsense.jpg", jpeg_turned(&stored, 9));
    assert_eq!(decode::header(&path).unwrap().orientation, 1);
}

#[test]
fn alpha_is_flattened_over_white() {
    let rgba = RgbaImage::from_fn(3, 1, |x, _| Rgba([100, 0, 255, [0, 128, 255][x as usize]]));
    let pixels = decode::pixels_of(&encoded(&rgba.into(), ImageFormat::Png)).unwrap();
    assert_eq!(pixels.data, [255, 255, 255, 177, 127, 255, 100, 0, 255]);
    let grey = GrayAlphaImage::from_fn(2, 1, |x, _| LumaA([10, [0, 255][x as usize]]));
    let pixels = decode::pixels_of(&encoded(&grey.into(), ImageFormat::Png)).unwrap();
    assert_eq!(pixels.data, [255, 255, 255, 10, 10, 10]);
}

#[test]
fn sixteen_bits_keep_their_high_byte() {
    let wide = image::ImageBuffer::from_fn(2, 1, |x, _| {
        image::Rgb([0x12FF_u16, 0xFF00, [0x00FF, 0x8000][x as usize]])
    });
    let pixels =
        decode::pixels_of(&encoded(&DynamicImage::ImageRgb16(wide), ImageFormat::Png)).unwrap();
    assert_eq!(pixels.data, [0x12, 0xFF, 0, 0x12, 0xFF, 0x80]);
}

#[test]
fn a_thumbnail_keeps_the_aspect_and_never_grows() {
    let world = World::new();
    let path = world.write(
        "wide.png",
        encoded(&picture(300, 20, 2).into(), ImageFormat::Png),
    );
    let small = decode::thumbnail(&path, 64).unwrap();
    assert_eq!((small.width, small.height), (64, 4));
    let same = decode::thumbnail(&path, 1000).unwrap();
    assert_eq!((same.width, same.height), (300, 20));
    let least = decode::thumbnail(&path, 0).unwrap();
    assert_eq!((least.width, least.height), (1, 1));
}

#[test]
fn a_flat_picture_stays_flat_at_any_size() {
    let flat = Rgb {
        width: 31,
        height: 7,
        data: [9, 200, 77].repeat(31 * 7),
    };
    for (width, height) in [(1, 1), (224, 224), (5, 400), (31, 7), (62, 1)] {
        let resized = flat.squeezed(width, height).unwrap();
        assert_eq!(resized.data, [9, 200, 77].repeat((width * height) as usize));
    }
    assert!(flat.squeezed(0, 5).is_err());
}
