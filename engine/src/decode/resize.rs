//! Smaller and larger versions, by Pillow's bicubic filter (Catmull-Rom, widened when shrinking).
//!
//! Encoders were trained and their reference vectors made with Pillow's filter, so another one would move every
//! embedding. Rows first, then columns, 8 bits between, as Pillow does.

use std::path::Path;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::{Rgb, pixels};
use crate::error::Error;

impl Rgb {
    /// The picture squeezed or stretched to exactly `width x height`, the aspect ratio not kept.
    ///
    /// # Errors
    /// [`Error::Input`] if a side is 0 or the data does not fit the size.
    pub fn squeezed(&self, width: u32, height: u32) -> Result<Rgb, Error> {
        let wrong = |e: &dyn std::fmt::Display| {
            let (w, h) = (self.width, self.height);
            Error::Input(format!("cannot resize {w} x {h} to {width} x {height}: {e}"))
        };
        if width == 0 || height == 0 {
            return Err(wrong(&"a side is 0"));
        }
        let from = TypedImageRef::<U8x3>::from_buffer(self.width, self.height, &self.data)
            .map_err(|e| wrong(&e))?;
        let mut data = vec![0; width as usize * height as usize * 3];
        let mut to = TypedImage::<U8x3>::from_buffer(width, height, &mut data).map_err(|e| wrong(&e))?;
        let bicubic = ResizeAlg::Convolution(FilterType::CatmullRom);
        let options = ResizeOptions::new().resize_alg(bicubic).use_alpha(false);
        Resizer::new().resize_typed(&from, &mut to, &options).map_err(|e| wrong(&e))?;
        Ok(Rgb { width, height, data })
    }

    /// The picture with its longer side at most `max_side` (at least 1), the aspect ratio kept; never enlarged.
    ///
    /// # Errors
    /// As [`Rgb::squeezed`].
    pub fn within(&self, max_side: u32) -> Result<Rgb, Error> {
        let longer = self.width.max(self.height);
        if longer <= max_side {
            return Ok(self.clone());
        }
        let scaled = |side: u32| {
            let exact = u64::from(side) * u64::from(max_side);
            let rounded = (exact + u64::from(longer) / 2) / u64::from(longer.max(1));
            u32::try_from(rounded).unwrap_or(max_side).max(1)
        };
        self.squeezed(scaled(self.width), scaled(self.height))
    }
}

/// Decodes `path` and shrinks it so that neither side is longer than `max_side` pixels.
///
/// # Errors
/// As [`pixels`].
pub fn thumbnail(path: &Path, max_side: u32) -> Result<Rgb, Error> {
    pixels(path)?.within(max_side.max(1))
}
