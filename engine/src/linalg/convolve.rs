//! Depthwise convolution: every channel has a filter of its own, so there is no product of matrices in it.
//!
//! Activations are channels-last, so the inner loops run over channels: whole vectors, no shuffles. There is no fused
//! multiply-add and the order of additions is fixed, so every instruction set gives the same bits.

use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, WIDE};

/// A depthwise `kernel x kernel` convolution with TensorFlow's "same" padding, then bias and ReLU6.
#[derive(Debug, Clone)]
pub struct DepthwiseFilter {
    /// Rows and columns of the filter.
    pub kernel: usize,
    /// Input places between two outputs.
    pub stride: usize,
    /// Channels, each with a filter of its own.
    pub channels: usize,
    /// `kernel * kernel` rows of `channels` values.
    pub weight: Vec<f32>,
    /// One value a channel.
    pub bias: Vec<f32>,
}

/// Zeros before the first input place and the number of output places, under TensorFlow's "same" padding.
pub fn same_padding(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let out = size.div_ceil(stride);
    let total = ((out.max(1) - 1) * stride + kernel).saturating_sub(size);
    (total / 2, out)
}

/// The part of a filter that lies inside the input.
#[derive(Clone, Copy)]
struct Taps {
    /// The first input place.
    first: usize,
    /// The first filter place.
    skipped: usize,
    /// How many.
    count: usize,
}

#[inline(always)]
fn taps(at: usize, before: usize, size: usize, kernel: usize) -> Taps {
    let first = at.saturating_sub(before);
    Taps {
        first,
        skipped: before.saturating_sub(at),
        count: (at + kernel).saturating_sub(before).min(size) - first,
    }
}

/// The sums of `N` channels from `from` on at one place near the border.
#[inline(always)]
fn border<const N: usize>(
    x: &[f32],
    width: usize,
    filter: &DepthwiseFilter,
    (rows, columns): (Taps, Taps),
    from: usize,
    out: &mut [f32],
) {
    let stride = filter.channels;
    let mut sums = [0.0_f32; N];
    sums.copy_from_slice(&filter.bias[from..from + N]);
    for row in 0..rows.count {
        let input = ((rows.first + row) * width + columns.first) * stride + from;
        let weight = ((rows.skipped + row) * filter.kernel + columns.skipped) * stride + from;
        for column in 0..columns.count {
            let input: &[f32] = &x[input + column * stride..][..N];
            let weight: &[f32] = &filter.weight[weight + column * stride..][..N];
            for lane in 0..N {
                sums[lane] += input[lane] * weight[lane];
            }
        }
    }
    for (out, sum) in out[..N].iter_mut().zip(sums) {
        *out = sum.clamp(0.0, 6.0);
    }
}

/// Output places of a tile.
const PLACES: usize = 4;

/// [`WIDE`] channels from `from` on at [`PLACES`] neighbouring places, `first` being the first input column, where the
/// whole width of the filter lies inside the input. Every weight is loaded once for all places.
///
/// # Safety
/// The machine has the instructions of `L`.
#[inline(always)]
unsafe fn tile<L: Lanes, const KERNEL: usize, const STRIDE: usize>(
    x: &[f32],
    width: usize,
    filter: &DepthwiseFilter,
    (rows, first): (Taps, usize),
    from: usize,
    out: &mut [f32],
) {
    let channels = filter.channels;
    // The last tap of the last place is the largest index: one check a row for all that follow.
    let span = (PLACES - 1) * STRIDE + KERNEL;
    let (bias, out) = (
        &filter.bias[from..from + WIDE],
        &mut out[..PLACES * channels],
    );
    assert!(from + WIDE <= channels);
    // SAFETY: `from + WIDE <= channels`, and the slices hold `channels` values for every place that is touched: `span`
    // input places, `KERNEL` weights, `PLACES` outputs.
    unsafe {
        let mut sums = [L::load(bias.as_ptr()); PLACES];
        for row in 0..rows.count {
            let input = &x[((rows.first + row) * width + first) * channels..][..span * channels];
            let weight =
                &filter.weight[(rows.skipped + row) * KERNEL * channels..][..KERNEL * channels];
            let (input, weight) = (input.as_ptr().add(from), weight.as_ptr().add(from));
            for column in 0..KERNEL {
                let weight = L::load(weight.add(column * channels));
                for (place, sum) in sums.iter_mut().enumerate() {
                    let input = L::load(input.add((place * STRIDE + column) * channels));
                    *sum = sum.add_product(input, weight);
                }
            }
        }
        for (place, sum) in sums.iter().enumerate() {
            sum.relu6()
                .store(out.as_mut_ptr().add(place * channels + from));
        }
    }
}

/// One place near the border, or any place where tiles do not fit.
#[inline(always)]
fn place(
    x: &[f32],
    width: usize,
    filter: &DepthwiseFilter,
    taps: (Taps, Taps),
    from: usize,
    out: &mut [f32],
) {
    let mut from = from;
    while from + WIDE <= filter.channels {
        border::<WIDE>(x, width, filter, taps, from, &mut out[from..]);
        from += WIDE;
    }
    while from < filter.channels {
        border::<1>(x, width, filter, taps, from, &mut out[from..]);
        from += 1;
    }
}

/// # Safety
/// The machine has the instructions of `L`.
#[inline(always)]
unsafe fn row<L: Lanes, const KERNEL: usize, const STRIDE: usize>(
    x: &[f32],
    (height, width): (usize, usize),
    filter: &DepthwiseFilter,
    y: usize,
    out: &mut [f32],
) {
    let channels = filter.channels;
    let (kernel, stride) = (filter.kernel, filter.stride);
    let (top, _) = same_padding(height, kernel, stride);
    let (left, places) = same_padding(width, kernel, stride);
    let rows = taps(y * stride, top, height, kernel);
    let tiled = channels / WIDE * WIDE;
    let mut at = 0;
    while at < places {
        let columns = taps(at * stride, left, width, kernel);
        let last = (at + PLACES - 1) * stride + kernel;
        if KERNEL > 0 && at * stride >= left && at + PLACES <= places && last - left <= width {
            let out = &mut out[at * channels..(at + PLACES) * channels];
            for from in (0..tiled).step_by(WIDE) {
                // SAFETY: the caller's promise.
                unsafe {
                    tile::<L, KERNEL, STRIDE>(x, width, filter, (rows, columns.first), from, out)
                };
            }
            for (next, out) in out.chunks_exact_mut(channels).enumerate() {
                let columns = taps((at + next) * stride, left, width, kernel);
                place(x, width, filter, (rows, columns), tiled, out);
            }
            at += PLACES;
        } else {
            place(
                x,
                width,
                filter,
                (rows, columns),
                0,
                &mut out[at * channels..(at + 1) * channels],
            );
            at += 1;
        }
    }
}

/// # Safety
/// The machine has the instructions of `L`.
#[inline(always)]
unsafe fn any_row<L: Lanes>(
    x: &[f32],
    size: (usize, usize),
    filter: &DepthwiseFilter,
    y: usize,
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match (filter.kernel, filter.stride) {
            (3, 1) => row::<L, 3, 1>(x, size, filter, y, out),
            (3, 2) => row::<L, 3, 2>(x, size, filter, y, out),
            (5, 1) => row::<L, 5, 1>(x, size, filter, y, out),
            (5, 2) => row::<L, 5, 2>(x, size, filter, y, out),
            // No tiles for other filters.
            _ => row::<L, 0, 0>(x, size, filter, y, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
fn row_avx512(
    x: &[f32],
    size: (usize, usize),
    filter: &DepthwiseFilter,
    y: usize,
    out: &mut [f32],
) {
    // SAFETY: this function exists only with AVX-512.
    unsafe { any_row::<Avx512>(x, size, filter, y, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn row_avx2(x: &[f32], size: (usize, usize), filter: &DepthwiseFilter, y: usize, out: &mut [f32]) {
    // SAFETY: this function exists only with AVX2.
    unsafe { any_row::<Avx2>(x, size, filter, y, out) }
}

/// One output row of a depthwise convolution of `x` (`height x width x channels`, channels last), with bias and ReLU6.
/// `out` has `width / stride` (rounded up) times `channels` values. O(kernel^2 x out).
///
/// # Panics
/// If the lengths do not fit the sizes: a mistake of the caller, not of the data.
pub fn depthwise_row(
    isa: Isa,
    x: &[f32],
    height: usize,
    width: usize,
    filter: &DepthwiseFilter,
    y: usize,
    out: &mut [f32],
) {
    let size = (height, width);
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 | Level::Avx512Vnni { .. } | Level::Amx => {
            // SAFETY: an `Isa` of this level exists only if the machine has the instructions.
            unsafe { row_avx512(x, size, filter, y, out) }
        }

        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { row_avx2(x, size, filter, y, out) },
        // SAFETY: arrays need no instructions.
        _ => unsafe { any_row::<[f32; WIDE]>(x, size, filter, y, out) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_tensorflows() {
        assert_eq!(same_padding(224, 3, 2), (0, 112));
        assert_eq!(same_padding(112, 3, 1), (1, 112));
        assert_eq!(same_padding(56, 5, 2), (1, 28));
        assert_eq!(same_padding(14, 5, 1), (2, 14));
        assert_eq!(same_padding(7, 3, 2), (1, 4));
        assert_eq!(same_padding(1, 3, 2), (1, 1));
    }

    fn value(i: usize) -> f32 {
        ((i * 37 + 11) % 17) as f32 / 8.0 - 1.0
    }

    #[test]
    fn every_output_is_the_sum_the_definition_gives_with_the_same_bits_on_every_isa() {
        for (kernel, stride, height, width, channels) in [
            (3, 1, 5, 4, 16),
            (3, 2, 6, 7, 52),
            (5, 2, 9, 8, 3),
            (5, 1, 3, 2, 33),
            (5, 2, 1, 1, 32),
            // Wide enough for tiles.
            (3, 1, 4, 12, 35),
            (3, 2, 5, 17, 16),
            (5, 1, 6, 14, 48),
            (5, 2, 7, 23, 20),
        ] {
            let filter = DepthwiseFilter {
                kernel,
                stride,
                channels,
                weight: (0..channels * kernel * kernel).map(value).collect(),
                bias: (0..channels).map(|c| value(c * 3)).collect(),
            };
            let x: Vec<f32> = (0..height * width * channels)
                .map(|i| value(i + 5))
                .collect();
            let (top, rows) = same_padding(height, kernel, stride);
            let (left, columns) = same_padding(width, kernel, stride);
            for y in 0..rows {
                let on = |isa| {
                    let mut out = vec![0.0; columns * channels];
                    depthwise_row(isa, &x, height, width, &filter, y, &mut out);
                    out
                };
                let out = on(Isa::PORTABLE);
                for isa in Isa::available() {
                    assert!(
                        on(isa)
                            .iter()
                            .map(|v| v.to_bits())
                            .eq(out.iter().map(|v| v.to_bits())),
                        "{isa}"
                    );
                }
                for (at, got) in out.iter().enumerate() {
                    let (place, c) = (at / channels, at % channels);
                    let mut sum = f64::from(filter.bias[c]);
                    for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                        let (iy, ix) = (y * stride + ky, place * stride + kx);
                        if (top..top + height).contains(&iy) && (left..left + width).contains(&ix) {
                            let input = x[((iy - top) * width + ix - left) * channels + c];
                            sum += f64::from(input)
                                * f64::from(filter.weight[(ky * kernel + kx) * channels + c]);
                        }
                    }
                    assert!(
                        (f64::from(*got) - sum.clamp(0.0, 6.0)).abs() < 1e-5,
                        "{got} {sum}"
                    );
                }
            }
        }
    }
}
