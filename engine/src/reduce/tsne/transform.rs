//! Fourier transforms of sixteen rows at once, each in a lane of its own.
//!
//! A library chooses its way by the processor's instructions, and the last bits with it. Here every lane does the same
//! additions and multiplications in the same order in registers of any width, so that a map is the same bits on every
//! machine; and sixteen rows side by side need no shuffling. Stockham's self-sorting transform (Van Loan, *Computational
//! Frameworks for the Fast Fourier Transform*, 1.7) with radices 2 to 5.

// Elements are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use pulp::{Simd, WithSimd};

use crate::reduce::vectors;

/// Rows transformed at once.
pub const LANES: usize = 16;

/// Sixteen complex rows, element by element, and room to turn them over.
#[derive(Debug, Clone)]
pub struct Wave {
    /// The real part of element `e` of row `l` is at `e * LANES + l`.
    pub re: Vec<f32>,
    /// The imaginary parts.
    pub im: Vec<f32>,
    spare_re: Vec<f32>,
    spare_im: Vec<f32>,
}

impl Wave {
    /// Rows of `side` zeros.
    pub fn new(side: usize) -> Wave {
        let zeros = || vec![0.0; side * LANES];
        Wave {
            re: zeros(),
            im: zeros(),
            spare_re: zeros(),
            spare_im: zeros(),
        }
    }
}

/// The transform of rows of one length.
#[derive(Debug)]
pub struct Transform {
    passes: Vec<Pass>,
}

/// One step: `groups` groups of `radix` elements each become a transform of that length.
#[derive(Debug)]
struct Pass {
    radix: usize,
    groups: usize,
    /// For each group but the first the `radix - 1` roots of unity that its outputs are turned by.
    turns: Vec<[f32; 2]>,
}

impl Transform {
    /// For rows of `side` elements, of which [`cost`] knows the cost.
    pub fn new(side: usize) -> Transform {
        let mut passes = Vec::new();
        let mut rest = side;
        while rest > 1 {
            let Some(radix) = radix_of(rest) else {
                break;
            };
            let groups = rest / radix;
            let turns = (1..groups).flat_map(|p| (1..radix).map(move |k| root(p * k, rest)));
            passes.push(Pass {
                radix,
                groups,
                turns: turns.collect(),
            });
            rest = groups;
        }
        Transform { passes }
    }

    /// `X[k] = sum of x[j] e^(-2 pi i j k / side)`. O(side log side).
    pub fn forward(&self, wave: &mut Wave) {
        vectors::run(Forward {
            passes: &self.passes,
            wave,
        });
    }

    /// `x[j] = sum of X[k] e^(2 pi i j k / side)`: what [`Transform::forward`] did, undone up to the factor `side`.
    pub fn backward(&self, wave: &mut Wave) {
        std::mem::swap(&mut wave.re, &mut wave.im);
        self.forward(wave);
        std::mem::swap(&mut wave.re, &mut wave.im);
    }
}

/// The radix that rows of this many elements are divided by first.
fn radix_of(side: usize) -> Option<usize> {
    [4, 5, 3, 2]
        .into_iter()
        .find(|&radix| side.is_multiple_of(radix))
}

/// About how many operations a transform of `side` elements takes; nothing if `side` has prime factors beside 2, 3 and 5.
pub fn cost(side: usize) -> Option<usize> {
    let (mut rest, mut each) = (side, 0);
    while rest > 1 {
        let radix = radix_of(rest)?;
        // Additions and multiplications for each element, those by the roots counted.
        each += [8, 11, 10, 16][radix - 2];
        rest /= radix;
    }
    Some(each * side)
}

/// `e^(-2 pi i j / n)`, by a series on an eighth of the circle: the same bits whatever mathematical library there is.
fn root(j: usize, n: usize) -> [f32; 2] {
    let j = j % n;
    // Eighths of the circle, and what is left of the last one.
    let (eighth, rest) = (8 * j / n, 8 * j % n);
    let odd = eighth % 2 == 1;
    let within = if odd { n - rest } else { rest };
    let x = std::f64::consts::FRAC_PI_4 * within as f64 / n as f64;
    let square = x * x;
    let (mut sin, mut cos) = (0.0, 0.0);
    for term in (0..9).rev() {
        let k = f64::from(2 * term);
        cos = 1.0 - cos * square / ((k + 1.0) * (k + 2.0));
        sin = 1.0 - sin * square / ((k + 2.0) * (k + 3.0));
    }
    let sin = sin * x;
    let (cos, sin) = match (eighth / 2, odd) {
        (0, false) => (cos, sin),
        (0, true) => (sin, cos),
        (1, false) => (-sin, cos),
        (1, true) => (-cos, sin),
        (2, false) => (-cos, -sin),
        (2, true) => (-sin, -cos),
        (_, false) => (sin, -cos),
        (_, true) => (cos, -sin),
    };
    [cos as f32, -sin as f32]
}

struct Forward<'a> {
    passes: &'a [Pass],
    wave: &'a mut Wave,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let wave = self.wave;
        let mut run = LANES / S::F32_LANES;
        for pass in self.passes {
            {
                let from = Parts {
                    re: S::as_simd_f32s(&wave.re).0,
                    im: S::as_simd_f32s(&wave.im).0,
                };
                let to_re = S::as_mut_simd_f32s(&mut wave.spare_re).0;
                let to_im = S::as_mut_simd_f32s(&mut wave.spare_im).0;
                match pass.radix {
                    2 => pass_two(simd, pass, run, &from, to_re, to_im),
                    3 => pass_three(simd, pass, run, &from, to_re, to_im),
                    4 => pass_four(simd, pass, run, &from, to_re, to_im),
                    _ => pass_five(simd, pass, run, &from, to_re, to_im),
                }
            }
            std::mem::swap(&mut wave.re, &mut wave.spare_re);
            std::mem::swap(&mut wave.im, &mut wave.spare_im);
            run *= pass.radix;
        }
    }
}

/// Real and imaginary parts, register by register.
struct Parts<'a, S: Simd> {
    re: &'a [S::f32s],
    im: &'a [S::f32s],
}

/// A register of complex numbers.
struct Complex<S: Simd> {
    re: S::f32s,
    im: S::f32s,
}

impl<S: Simd> Clone for Complex<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<S: Simd> Copy for Complex<S> {}

/// What makes one transform of `$radix` elements, all in one function: what is called from it would be compiled for the
/// narrowest registers, unless it is always inlined, and the library's array functions are not.
macro_rules! passes {
    ($($name:ident: $radix:literal by $butterfly:ident;)*) => {$(
        /// `run` registers lie between an element and the next of its group's.
        #[inline(always)]
        fn $name<S: Simd>(
            simd: S,
            pass: &Pass,
            run: usize,
            from: &Parts<'_, S>,
            to_re: &mut [S::f32s],
            to_im: &mut [S::f32s],
        ) {
            const RADIX: usize = $radix;
            let nothing = Complex::<S> {
                re: simd.splat_f32s(0.0),
                im: simd.splat_f32s(0.0),
            };
            let outputs = to_re
                .chunks_exact_mut(RADIX * run)
                .zip(to_im.chunks_exact_mut(RADIX * run));
            for (p, (to_re, to_im)) in outputs.enumerate() {
                let mut inputs = [(from.re, from.im); RADIX];
                for (k, input) in inputs.iter_mut().enumerate() {
                    let begin = (p + pass.groups * k) * run;
                    *input = (&from.re[begin..begin + run], &from.im[begin..begin + run]);
                }
                let mut turns = [nothing; RADIX];
                if p > 0 {
                    let roots = &pass.turns[(p - 1) * (RADIX - 1)..p * (RADIX - 1)];
                    for (turn, &[re, im]) in turns[1..].iter_mut().zip(roots) {
                        turn.re = simd.splat_f32s(re);
                        turn.im = simd.splat_f32s(im);
                    }
                }
                for q in 0..run {
                    let mut elements = [nothing; RADIX];
                    for k in 0..RADIX {
                        elements[k].re = inputs[k].0[q];
                        elements[k].im = inputs[k].1[q];
                    }
                    let mut found = $butterfly(simd, elements);
                    // The first group's roots are 1.
                    if p > 0 {
                        for k in 1..RADIX {
                            found[k] = times(simd, found[k], turns[k]);
                        }
                    }
                    for k in 0..RADIX {
                        to_re[k * run + q] = found[k].re;
                        to_im[k * run + q] = found[k].im;
                    }
                }
            }
        }
    )*};
}

passes! {
    pass_two: 2 by two;
    pass_three: 3 by three;
    pass_four: 4 by four;
    pass_five: 5 by five;
}

#[inline(always)]
fn plus<S: Simd>(simd: S, a: Complex<S>, b: Complex<S>) -> Complex<S> {
    Complex {
        re: simd.add_f32s(a.re, b.re),
        im: simd.add_f32s(a.im, b.im),
    }
}

#[inline(always)]
fn minus<S: Simd>(simd: S, a: Complex<S>, b: Complex<S>) -> Complex<S> {
    Complex {
        re: simd.sub_f32s(a.re, b.re),
        im: simd.sub_f32s(a.im, b.im),
    }
}

#[inline(always)]
fn times<S: Simd>(simd: S, a: Complex<S>, b: Complex<S>) -> Complex<S> {
    Complex {
        re: simd.sub_f32s(simd.mul_f32s(a.re, b.re), simd.mul_f32s(a.im, b.im)),
        im: simd.add_f32s(simd.mul_f32s(a.re, b.im), simd.mul_f32s(a.im, b.re)),
    }
}

#[inline(always)]
fn scaled<S: Simd>(simd: S, a: Complex<S>, by: f32) -> Complex<S> {
    let by = simd.splat_f32s(by);
    Complex {
        re: simd.mul_f32s(a.re, by),
        im: simd.mul_f32s(a.im, by),
    }
}

#[inline(always)]
fn mix<S: Simd>(simd: S, a: Complex<S>, by_a: f32, b: Complex<S>, by_b: f32) -> Complex<S> {
    plus(simd, scaled(simd, a, by_a), scaled(simd, b, by_b))
}

/// `a - i b` and `a + i b`.
#[inline(always)]
fn beside<S: Simd>(simd: S, a: Complex<S>, b: Complex<S>) -> [Complex<S>; 2] {
    [
        Complex {
            re: simd.add_f32s(a.re, b.im),
            im: simd.sub_f32s(a.im, b.re),
        },
        Complex {
            re: simd.sub_f32s(a.re, b.im),
            im: simd.add_f32s(a.im, b.re),
        },
    ]
}

#[inline(always)]
fn two<S: Simd>(simd: S, [a, b]: [Complex<S>; 2]) -> [Complex<S>; 2] {
    [plus(simd, a, b), minus(simd, a, b)]
}

#[inline(always)]
fn three<S: Simd>(simd: S, [a, b, c]: [Complex<S>; 3]) -> [Complex<S>; 3] {
    /// The sine of a third of the circle.
    const SIN: f32 = 0.866_025_4;
    let sum = plus(simd, b, c);
    let middle = minus(simd, a, scaled(simd, sum, 0.5));
    let across = scaled(simd, minus(simd, b, c), SIN);
    let [second, third] = beside(simd, middle, across);
    [plus(simd, a, sum), second, third]
}

#[inline(always)]
fn four<S: Simd>(simd: S, [a, b, c, d]: [Complex<S>; 4]) -> [Complex<S>; 4] {
    let (even, odd) = (plus(simd, a, c), plus(simd, b, d));
    let [second, fourth] = beside(simd, minus(simd, a, c), minus(simd, b, d));
    [
        plus(simd, even, odd),
        second,
        minus(simd, even, odd),
        fourth,
    ]
}

#[inline(always)]
fn five<S: Simd>(simd: S, [a, b, c, d, e]: [Complex<S>; 5]) -> [Complex<S>; 5] {
    /// Cosines and sines of one and two fifths of the circle.
    const COS: [f32; 2] = [0.309_017, -0.809_017];
    const SIN: [f32; 2] = [0.951_056_5, 0.587_785_25];
    let (outer, inner) = (plus(simd, b, e), plus(simd, c, d));
    let (rise, fall) = (minus(simd, b, e), minus(simd, c, d));
    let first = plus(simd, a, mix(simd, outer, COS[0], inner, COS[1]));
    let second = plus(simd, a, mix(simd, outer, COS[1], inner, COS[0]));
    let [y1, y4] = beside(simd, first, mix(simd, rise, SIN[0], fall, SIN[1]));
    let [y2, y3] = beside(simd, second, mix(simd, rise, SIN[1], fall, -SIN[0]));
    [plus(simd, a, plus(simd, outer, inner)), y1, y2, y3, y4]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(side: usize) -> Wave {
        let mut wave = Wave::new(side);
        for (i, value) in wave.re.iter_mut().chain(&mut wave.im).enumerate() {
            *value = crate::random::uniform(3, 1, i as u64) as f32 - 0.5;
        }
        wave
    }

    #[test]
    fn every_length_is_transformed_as_defined_and_back() {
        for side in [1, 2, 3, 4, 5, 6, 8, 12, 15, 20, 30, 64, 90, 250, 400] {
            let before = noise(side);
            let mut after = before.clone();
            let transform = Transform::new(side);
            transform.forward(&mut after);
            for lane in [0, 7, 15] {
                for k in [0, 1, side / 2, side - 1] {
                    let (mut re, mut im) = (0.0, 0.0);
                    for j in 0..side {
                        let angle = -std::f64::consts::TAU * (j * k % side) as f64 / side as f64;
                        let x = f64::from(before.re[j * LANES + lane]);
                        let y = f64::from(before.im[j * LANES + lane]);
                        re += x * angle.cos() - y * angle.sin();
                        im += x * angle.sin() + y * angle.cos();
                    }
                    let at = k % side * LANES + lane;
                    let off = (f64::from(after.re[at]) - re)
                        .abs()
                        .max((f64::from(after.im[at]) - im).abs());
                    assert!(off < 1e-5 * (side as f64).sqrt(), "{side} {k}: {off}");
                }
            }
            transform.backward(&mut after);
            for (a, b) in before.re.iter().zip(&after.re) {
                assert!((a - b / side as f32).abs() < 1e-6, "{side}: {a} {b}");
            }
        }
    }

    #[test]
    fn roots_are_those_of_unity() {
        for n in [1, 2, 3, 5, 8, 12, 800, 1125] {
            for j in 0..n {
                let angle = -std::f64::consts::TAU * j as f64 / n as f64;
                let [re, im] = root(j, n);
                assert!((f64::from(re) - angle.cos()).abs() < 4e-8, "{j}/{n}");
                assert!((f64::from(im) - angle.sin()).abs() < 4e-8, "{j}/{n}");
            }
        }
    }

    #[test]
    fn registers_of_any_width_give_the_same_bits() {
        for side in [12, 50, 90, 128] {
            let transform = Transform::new(side);
            let mut waves = [noise(side), noise(side), noise(side)];
            let [plain, wide, own] = &mut waves;
            let forward = |wave| Forward {
                passes: &transform.passes,
                wave,
            };
            pulp::Scalar256b.vectorize(forward(plain));
            pulp::Scalar128b.vectorize(forward(wide));
            pulp::Arch::new().dispatch(forward(own));
            assert_eq!(plain.re, wide.re);
            assert_eq!(plain.im, own.im);
            assert_eq!(plain.re, own.re);
        }
    }
}
