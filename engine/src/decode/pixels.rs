//! From a file to upright RGB pixels.

use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};

use super::{Format, Rgb, flatten, header, jpeg, limits};
use crate::error::Error;

/// Pictures of more pixels than this are decoded one at a time, so that threads do not multiply gigabytes.
const LARGE: u64 = 64 << 20;

/// Files longer than this are refused: no picture within [`super::MAX_PIXELS`] needs more.
const MAX_FILE: u64 = 8 << 30;

static ONE_LARGE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Decodes the file at `path`: upright, 8 bits, alpha flattened over white, 16-bit values cut to their high byte,
/// the first frame of an animation.
///
/// # Errors
/// [`Error::File`] with a sentence: it cannot be opened, is no picture, is damaged or cut short, or is too large.
pub fn pixels(path: &Path) -> Result<Rgb, Error> {
    let fail = |problem| Error::File {
        path: path.to_owned(),
        problem,
    };
    let size = std::fs::metadata(path)
        .map_err(|e| fail(cannot_open(&e)))?
        .len();
    if size > MAX_FILE {
        return Err(fail(format!(
            "the file has {size} bytes; at most {MAX_FILE} are read"
        )));
    }
    let bytes = std::fs::read(path).map_err(|e| fail(cannot_open(&e)))?;
    pixels_of(&bytes).map_err(fail)
}

/// Decodes a file held in memory, as [`pixels`] does. The error is a sentence about the file.
pub fn pixels_of(bytes: &[u8]) -> Result<Rgb, String> {
    let about = header::header_of(bytes)?;
    let format = Format::sniff(bytes).ok_or_else(|| Format::complaint(bytes))?;
    if format == Format::Jpeg && !jpeg::is_whole(bytes) {
        return Err("this JPEG file is cut short: the end of the picture is missing".into());
    }
    let many = u64::from(about.width) * u64::from(about.height);
    let _turn = (many > LARGE).then(|| {
        ONE_LARGE_AT_A_TIME
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    });

    let wrong = |e| limits::sentence(format, &e);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.of_image_crate());
    reader.limits(limits::for_decoder(about.width, about.height));
    let mut decoder = reader.into_decoder().map_err(wrong)?;
    let (width, height) = decoder.dimensions();
    limits::check(width, height)?;
    decoder
        .set_limits(limits::for_decoder(width, height))
        .map_err(wrong)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(wrong)?;
    picture.apply_orientation(
        Orientation::from_exif(about.orientation).unwrap_or(Orientation::NoTransforms),
    );
    Ok(flatten::over_white(picture))
}

/// Why a file cannot be opened or read, as a sentence.
pub(super) fn cannot_open(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file is not there".into(),
        ErrorKind::PermissionDenied => "you may not read the file".into(),
        ErrorKind::IsADirectory => "this is a folder".into(),
        _ => format!("cannot be read ({error})"),
    }
}
