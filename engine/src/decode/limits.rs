//! How large a picture may be. The header is asked before anything is allocated.

use image::Limits;

use super::Format;

/// The most pixels a picture may have: 512 million, a square of 23,170.
pub const MAX_PIXELS: u64 = 512 << 20;

/// The longest side.
const MAX_SIDE: u32 = 1 << 20;

/// Refuses sizes that are nothing or too much.
pub(super) fn check(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err(format!(
            "the picture is {width} x {height}: it has no pixels"
        ));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(format!(
            "the picture claims {width} x {height} pixels; at most {} million in all are read",
            MAX_PIXELS >> 20
        ));
    }
    Ok(())
}

/// What a decoder may allocate for a picture of that size: pixels at 16 bits RGBA, twice, and some room.
pub(super) fn for_decoder(width: u32, height: u32) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(u64::from(width) * u64::from(height) * 16 + (64 << 20));
    limits
}

/// A decoder's error as a sentence about the file.
pub(super) fn sentence(format: Format, error: &image::ImageError) -> String {
    use image::ImageError;
    let name = format.name();
    match error {
        ImageError::Limits(_) => format!("this {name} file needs more memory than its size allows"),
        ImageError::Unsupported(what) => format!("this kind of {name} cannot be read ({what})"),
        ImageError::IoError(io)
            if io.kind() != std::io::ErrorKind::UnexpectedEof && io.raw_os_error().is_some() =>
        {
            format!("cannot be read ({io})")
        }
        ImageError::IoError(_) => format!("this {name} file is cut short or damaged"),
        other => format!("this {name} file is damaged ({other})"),
    }
}
