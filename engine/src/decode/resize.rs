//! Smaller and larger versions, by Pillow's bicubic filter to the last bit.
//!
//! Encoders were trained, and their reference vectors made, with Pillow's resize, and on smooth drawings one level in
//! 255 moves an embedding visibly. So this is Pillow's arithmetic itself: Catmull-Rom widened by the scale when
//! shrinking, weights in 22-bit fixed point, rows first, then columns, 8 bits between. A faster resizer with 14-bit
//! weights was left aside for that reason.
//!
//! Source of the rule: Pillow, `src/libImaging/Resample.c` (`precompute_coeffs`, `ImagingResample`).

use std::path::Path;

use rayon::prelude::*;

use super::{Rgb, pixels};
use crate::error::Error;
use crate::linalg::{ROWS, WEIGHT_BITS, Window, filter_across, filter_down, isa};

impl Rgb {
    /// The picture squeezed or stretched to exactly `width x height`, the aspect ratio not kept.
    ///
    /// # Errors
    /// [`Error::Input`] if a side is 0 or the data does not fit the size.
    pub fn squeezed(&self, width: u32, height: u32) -> Result<Rgb, Error> {
        let (w, h) = (self.width as usize, self.height as usize);
        if width == 0 || height == 0 || w == 0 || h == 0 || self.data.len() != w * h * 3 {
            let bytes = self.data.len();
            return Err(Error::Input(format!(
                "cannot resize {w} x {h} pixels in {bytes} bytes to {width} x {height}"
            )));
        }
        let mut data = self.data.clone();
        if width != self.width {
            data = across(&data, w, width as usize);
        }
        if height != self.height {
            data = down(&data, width as usize, h, height as usize);
        }
        Ok(Rgb {
            width,
            height,
            data,
        })
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

/// Every row of `data` (`from` pixels wide) brought to `to` pixels.
fn across(data: &[u8], from: usize, to: usize) -> Vec<u8> {
    let windows = windows(from, to);
    let mut out = vec![0; data.len() / from * to];
    out.par_chunks_mut(ROWS * to * 3)
        .zip(data.par_chunks(ROWS * from * 3))
        .for_each(|(out, rows)| filter_across(isa(), rows, from, &windows, out));
    out
}

/// The `from` rows of `data` (`width` pixels each) brought to `to` rows.
fn down(data: &[u8], width: usize, from: usize, to: usize) -> Vec<u8> {
    let windows = windows(from, to);
    let mut out = vec![0; width * to * 3];
    out.par_chunks_mut(width * 3)
        .zip(&windows)
        .for_each(|(out, window)| filter_down(isa(), data, width * 3, window, out));
    out
}

/// The weights that make each of `to` output places from `from` input places.
fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let widened = scale.max(1.0);
    let support = 2.0 * widened;
    (0..to)
        .map(|place| {
            let center = (place as f64 + 0.5) * scale;
            // Truncation towards zero, as in the reference.
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let exact: Vec<f64> = (first..end)
                .map(|at| catmull_rom((at as f64 - center + 0.5) * (1.0 / widened)))
                .collect();
            let sum: f64 = exact.iter().sum();
            let fixed = |w: &f64| {
                let scaled = (if sum == 0.0 { *w } else { w / sum }) * f64::from(1 << WEIGHT_BITS);
                (scaled + 0.5f64.copysign(scaled)) as i32
            };
            Window {
                first,
                weights: exact.iter().map(fixed).collect(),
            }
        })
        .collect()
}

fn catmull_rom(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}
