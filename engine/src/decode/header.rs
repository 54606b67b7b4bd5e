//! What a picture's header says: size, media type, channels. Pixels are not touched.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{ExtendedColorType, ImageDecoder, ImageReader};

use super::{Format, jpeg, limits};
use crate::error::Error;

/// What is known of a picture without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Size of the file.
    pub size_bytes: u64,
    /// The media type, from the content.
    pub mime_type: &'static str,
    /// Pixels in a row once the picture stands upright.
    pub width: u32,
    /// Rows once the picture stands upright.
    pub height: u32,
    /// Channels as stored: 1 grey or palette, 2 grey with alpha, 3 colour, 4 colour with alpha or CMYK.
    pub num_channels: u32,
    /// The EXIF orientation, 1 to 8; it is applied to `width` and `height` already.
    pub orientation: u8,
}

/// Reads the header of the file at `path`.
///
/// # Errors
/// [`Error::File`] if it cannot be opened, is no picture, is cut within its header, or claims too many pixels.
pub fn header(path: &Path) -> Result<Metadata, Error> {
    let fail = |problem| Error::File {
        path: path.to_owned(),
        problem,
    };
    let file = File::open(path).map_err(|e| fail(super::pixels::cannot_open(&e)))?;
    let size = file
        .metadata()
        .map_err(|e| fail(super::pixels::cannot_open(&e)))?
        .len();
    read(BufReader::with_capacity(4096, file), size).map_err(fail)
}

/// Reads the header of a file held in memory.
pub(crate) fn header_of(bytes: &[u8]) -> Result<Metadata, String> {
    read(Cursor::new(bytes), bytes.len() as u64)
}

fn read(mut reader: impl BufRead + Seek, size_bytes: u64) -> Result<Metadata, String> {
    let mut head = Vec::with_capacity(64);
    let cannot = |e: std::io::Error| format!("cannot be read ({e})");
    reader
        .by_ref()
        .take(64)
        .read_to_end(&mut head)
        .map_err(cannot)?;
    let format = Format::sniff(&head).ok_or_else(|| Format::complaint(&head))?;
    reader.rewind().map_err(cannot)?;
    let (width, height, num_channels, orientation) = match format {
        Format::Jpeg => {
            let found = jpeg::read_header(&mut reader)?;
            (found.width, found.height, found.channels, found.orientation)
        }
        _ => other(reader, format, &head)?,
    };
    limits::check(width, height)?;
    let (width, height) = if turns(orientation) {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Metadata {
        size_bytes,
        mime_type: format.mime_type(),
        width,
        height,
        num_channels,
        orientation: orientation.to_exif(),
    })
}

fn other(
    reader: impl BufRead + Seek,
    format: Format,
    head: &[u8],
) -> Result<(u32, u32, u32, Orientation), String> {
    let wrong = |e| limits::sentence(format, &e);
    let mut reader = ImageReader::with_format(reader, format.of_image_crate());
    reader.limits(limits::for_decoder(0, 0));
    let mut decoder = reader.into_decoder().map_err(wrong)?;
    let (width, height) = decoder.dimensions();
    let channels = match format {
        Format::Gif => 1,
        Format::Png => match head.get(25) {
            Some(0 | 3) => 1,
            Some(4) => 2,
            Some(6) => 4,
            _ => 3,
        },
        Format::Bmp if matches!(head.get(14..30), Some([_, .., 1 | 2 | 4 | 8, 0])) => 1,
        _ => match decoder.original_color_type() {
            ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => 4,
            other => other.channel_count().into(),
        },
    };
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((width, height, channels, orientation))
}

/// Whether the orientation exchanges width and height.
fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}
