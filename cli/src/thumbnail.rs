//! A picture made small, for maps and terminals; limits are checked before pixels are read.

use std::path::Path;

use image::{ImageReader, Limits, RgbaImage};

use crate::output::{Look, Pictures};
use crate::plot::color::Rgb;
use crate::render::paint::nearest_of_256;

/// The picture in a square of `side` pixels, its shape kept.
pub fn load(path: &Path, side: u32) -> Result<RgbaImage, String> {
    let open = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut reader = ImageReader::open(path)
        .map_err(open)?
        .with_guessed_format()
        .map_err(open)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(32_768);
    limits.max_image_height = Some(32_768);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    let picture = reader
        .decode()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(picture.thumbnail(side, side).to_rgba8())
}

/// The picture as text for this terminal, at most `columns` wide and `lines` high.
pub fn draw(path: &Path, look: &Look, columns: usize, lines: usize) -> Result<String, String> {
    match look.pictures {
        Pictures::HalfBlocks => {
            let side = u32::try_from(columns.min(lines * 2)).unwrap_or(40).max(2);
            Ok(half_blocks(&load(path, side)?, look.truecolor))
        }
        protocol => {
            let picture = load(path, 512)?;
            let png = encode(&picture)?;
            let data = crate::plot::base64(&png);
            Ok(match protocol {
                Pictures::Iterm => format!(
                    "\u{1b}]1337;File=inline=1;height={lines};preserveAspectRatio=1:{data}\u{7}\n"
                ),
                _ => kitty(&data, lines),
            })
        }
    }
}

fn encode(picture: &RgbaImage) -> Result<Vec<u8>, String> {
    let mut out = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut out, image::ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(out.into_inner())
}

/// The kitty graphics protocol takes its base64 in chunks of at most 4096.
fn kitty(data: &str, lines: usize) -> String {
    let chunks: Vec<&[u8]> = data.as_bytes().chunks(4096).collect();
    let mut out = String::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let more = u8::from(at + 1 < chunks.len());
        let keys = if at == 0 {
            format!("a=T,f=100,r={lines},m={more}")
        } else {
            format!("m={more}")
        };
        out.push_str(&format!(
            "\u{1b}_G{keys};{}\u{1b}\\",
            String::from_utf8_lossy(chunk)
        ));
    }
    out.push('\n');
    out
}

/// Two pixels a character: the upper half in the foreground, the lower in the background.
fn half_blocks(picture: &RgbaImage, truecolor: bool) -> String {
    let color = |layer: u8, [r, g, b]: Rgb| {
        if truecolor {
            format!("\u{1b}[{layer};2;{r};{g};{b}m")
        } else {
            format!("\u{1b}[{layer};5;{}m", nearest_of_256([r, g, b]))
        }
    };
    let at = |x: u32, y: u32| -> Option<Rgb> {
        let pixel = picture.get_pixel_checked(x, y)?.0;
        (pixel[3] >= 128).then_some([pixel[0], pixel[1], pixel[2]])
    };
    let mut out = String::new();
    for y in (0..picture.height()).step_by(2) {
        for x in 0..picture.width() {
            match (at(x, y), at(x, y + 1)) {
                (None, None) => out.push_str("\u{1b}[0m "),
                (Some(top), None) => out.push_str(&format!("\u{1b}[0m{}▀", color(38, top))),
                (None, Some(bottom)) => out.push_str(&format!("\u{1b}[0m{}▄", color(38, bottom))),
                (Some(top), Some(bottom)) => {
                    out.push_str(&format!("{}{}▀", color(38, top), color(48, bottom)))
                }
            }
        }
        out.push_str("\u{1b}[0m\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_blocks_show_two_pixels_a_character() {
        let mut picture = RgbaImage::new(2, 3);
        picture.put_pixel(0, 0, image::Rgba([255, 0, 0, 255]));
        picture.put_pixel(1, 1, image::Rgba([0, 255, 0, 255]));
        let text = half_blocks(&picture, true);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("\u{1b}[38;2;255;0;0m▀") && text.contains("\u{1b}[38;2;0;255;0m▄"));
        assert!(half_blocks(&picture, false).contains("38;5;196m"));
    }

    #[test]
    fn a_file_that_is_no_picture_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.png");
        std::fs::write(&path, b"no picture").unwrap();
        assert!(load(&path, 10).unwrap_err().contains("x.png"));
    }

    #[test]
    fn kitty_chunks_are_small_and_the_last_says_so() {
        let text = kitty(&"A".repeat(9000), 10);
        assert_eq!(text.matches("\u{1b}_G").count(), 3);
        assert!(text.contains("m=0"));
    }
}
