//! Picture files: what their headers say, their pixels, and smaller versions of them.
//!
//! The content decides the format, never the file's name. Limits are checked on the header, before anything is
//! allocated, because a picture of a few hundred bytes may claim to be gigabytes large. Every failure is a sentence
//! about the file; nothing here panics on what a file holds.
//!
//! ```no_run
//! use messier_engine::decode;
//! # fn main() -> Result<(), messier_engine::Error> {
//! let path = std::path::Path::new("holiday.jpg");
//! let about = decode::header(path)?;
//! let small = decode::pixels(path)?.squeezed(224, 224)?;
//! # Ok(()) }
//! ```

mod flatten;
mod format;
mod header;
mod jpeg;
mod limits;
mod pixels;
mod resize;

pub use format::{Expect, Format};
pub(crate) use header::header_of;
pub use header::{Metadata, header};
pub use limits::MAX_PIXELS;
pub use pixels::{pixels, pixels_of};
pub use resize::thumbnail;

/// An upright picture: 8 bits of red, green and blue a pixel, rows from the top, no padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub data: Vec<u8>,
}
