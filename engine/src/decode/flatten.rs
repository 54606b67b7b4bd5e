//! From any pixel layout to 8-bit RGB over white.
//!
//! The rules are those the reference embeddings were made with: 16-bit values keep their high byte, then
//! `(c * a + 255 * (255 - a) + 127) / 255`, rounded to nearest.

use image::DynamicImage;

use super::Rgb;

/// Alpha flattened over white, depth cut to 8 bits, grey spread to three channels.
pub(super) fn over_white(picture: DynamicImage) -> Rgb {
    let (width, height) = (picture.width(), picture.height());
    let data = match picture {
        DynamicImage::ImageRgb8(p) => p.into_raw(),
        DynamicImage::ImageLuma8(p) => grey(p.as_raw().iter().copied()),
        DynamicImage::ImageLumaA8(p) => {
            grey(p.as_raw().as_chunks().0.iter().map(|&[g, a]| blend(g, a)))
        }
        DynamicImage::ImageRgba8(p) => colour(p.as_raw().as_chunks().0.iter().copied()),
        DynamicImage::ImageLuma16(p) => grey(p.as_raw().iter().map(|&g| high(g))),
        DynamicImage::ImageLumaA16(p) => grey(
            p.as_raw()
                .as_chunks()
                .0
                .iter()
                .map(|&[g, a]| blend(high(g), high(a))),
        ),
        DynamicImage::ImageRgb16(p) => p.as_raw().iter().map(|&c| high(c)).collect(),
        DynamicImage::ImageRgba16(p) => colour(
            p.as_raw()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|pixel| pixel.map(high)),
        ),
        // Float pictures: the crate's own conversion.
        other => colour(other.to_rgba8().as_raw().as_chunks().0.iter().copied()),
    };
    Rgb {
        width,
        height,
        data,
    }
}

fn high(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

fn blend(c: u8, a: u8) -> u8 {
    let (c, a) = (u32::from(c), u32::from(a));
    // At most (255 * 255 + 127) / 255 = 255.
    ((c * a + 255 * (255 - a) + 127) / 255) as u8
}

fn grey(values: impl Iterator<Item = u8>) -> Vec<u8> {
    values.flat_map(|g| [g, g, g]).collect()
}

fn colour(pixels: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    pixels
        .flat_map(|[r, g, b, a]| [blend(r, a), blend(g, a), blend(b, a)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blending_is_exact_at_the_ends_and_rounds_to_nearest() {
        for c in 0..=255u8 {
            assert_eq!(blend(c, 255), c);
            assert_eq!(blend(c, 0), 255);
            for a in 0..=255u8 {
                let exact = (f64::from(c) * f64::from(a) + 255.0 * f64::from(255 - a)) / 255.0;
                assert!((f64::from(blend(c, a)) - exact).abs() <= 0.5, "{c} {a}");
            }
        }
    }
}
