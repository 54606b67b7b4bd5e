//! Sixteen floats at once, as one AVX-512 register, two of AVX2, or an array.
//!
//! Loops over arrays are turned into vectors by the compiler where it sees how, and it stops seeing it when the code
//! around them changes; these types say it. Every operation rounds as its scalar form does, so all give the same bits.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// How many floats.
pub(super) const WIDE: usize = 16;

/// [`WIDE`] floats. The functions are sound only where the machine has the type's instructions.
pub(super) trait Lanes: Copy {
    /// Reads from `from`, which must be good for [`WIDE`] reads.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes to `to`, which must be good for [`WIDE`] writes.
    unsafe fn store(self, to: *mut f32);
    /// `self + a * b`, the product rounded before the sum.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// Each value brought between 0 and 6; NaN stays.
    unsafe fn relu6(self) -> Self;
    /// `self - other`.
    unsafe fn minus(self, other: Self) -> Self;
    /// `self * other`.
    unsafe fn times(self, other: Self) -> Self;
    /// One value in all lanes.
    unsafe fn splat(x: f32) -> Self;
    /// The sum of all lanes: the upper half is added to the lower, until one is left.
    unsafe fn total(self) -> f32;
    /// Takes these values, each of `this` number, into the lowest so far, the second lowest, and the numbers of the lowest.
    /// Numbers are only moved. No value is NaN.
    unsafe fn rank(self, this: Self, lowest: &mut Self, second: &mut Self, number: &mut Self);
}

impl Lanes for [f32; WIDE] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of floats has a float's alignment.
        unsafe { *from.cast() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { *to.cast() = self }
    }

    #[inline(always)]
    unsafe fn add_product(mut self, a: Self, b: Self) -> Self {
        for lane in 0..WIDE {
            self[lane] += a[lane] * b[lane];
        }
        self
    }

    #[inline(always)]
    unsafe fn relu6(self) -> Self {
        self.map(|value| value.clamp(0.0, 6.0))
    }

    #[inline(always)]
    unsafe fn minus(mut self, other: Self) -> Self {
        for lane in 0..WIDE {
            self[lane] -= other[lane];
        }
        self
    }

    #[inline(always)]
    unsafe fn times(mut self, other: Self) -> Self {
        for lane in 0..WIDE {
            self[lane] *= other[lane];
        }
        self
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        [x; WIDE]
    }

    #[inline(always)]
    unsafe fn total(mut self) -> f32 {
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                self[lane] += self[lane + half];
            }
        }
        self[0]
    }

    #[inline(always)]
    unsafe fn rank(self, this: Self, lowest: &mut Self, second: &mut Self, number: &mut Self) {
        for lane in 0..WIDE {
            let (value, before) = (self[lane], lowest[lane]);
            let lower = value < before;
            // As bits: a choice between numbers becomes a branch a lane.
            let mask = u32::from(lower).wrapping_neg();
            let loser = if lower { before } else { value };
            second[lane] = if loser < second[lane] {
                loser
            } else {
                second[lane]
            };
            lowest[lane] = if lower { value } else { before };
            number[lane] =
                f32::from_bits((this[lane].to_bits() & mask) | (number[lane].to_bits() & !mask));
        }
    }
}

/// Two registers of AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise covers both halves.
        unsafe { Avx2(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe {
            Avx2(
                _mm256_add_ps(self.0, _mm256_mul_ps(a.0, b.0)),
                _mm256_add_ps(self.1, _mm256_mul_ps(a.1, b.1)),
            )
        }
    }

    #[inline(always)]
    unsafe fn relu6(self) -> Self {
        // SAFETY: the caller has AVX2. The value stands second, so that NaN and -0 come through as they do in `clamp`.
        unsafe {
            let (low, high) = (_mm256_setzero_ps(), _mm256_set1_ps(6.0));
            Avx2(
                _mm256_min_ps(high, _mm256_max_ps(low, self.0)),
                _mm256_min_ps(high, _mm256_max_ps(low, self.1)),
            )
        }
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe {
            Avx2(
                _mm256_sub_ps(self.0, other.0),
                _mm256_sub_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe {
            Avx2(
                _mm256_mul_ps(self.0, other.0),
                _mm256_mul_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe { Avx2(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
    }

    #[inline(always)]
    unsafe fn total(self) -> f32 {
        // SAFETY: the caller has AVX2.
        unsafe {
            let eight = _mm256_add_ps(self.0, self.1);
            let four = _mm_add_ps(
                _mm256_castps256_ps128(eight),
                _mm256_extractf128_ps::<1>(eight),
            );
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    unsafe fn rank(self, this: Self, lowest: &mut Self, second: &mut Self, number: &mut Self) {
        // SAFETY: the caller has AVX2. Of equals the second operand comes through, as in the array's form.
        unsafe {
            let lower = Avx2(
                _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, lowest.0),
                _mm256_cmp_ps::<_CMP_LT_OQ>(self.1, lowest.1),
            );
            *second = Avx2(
                _mm256_min_ps(_mm256_max_ps(lowest.0, self.0), second.0),
                _mm256_min_ps(_mm256_max_ps(lowest.1, self.1), second.1),
            );
            *lowest = Avx2(
                _mm256_min_ps(self.0, lowest.0),
                _mm256_min_ps(self.1, lowest.1),
            );
            *number = Avx2(
                _mm256_blendv_ps(number.0, this.0, lower.0),
                _mm256_blendv_ps(number.1, this.1, lower.1),
            );
        }
    }
}

/// One register of AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx512 {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Avx512(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller has AVX-512.
        unsafe { Avx512(_mm512_add_ps(self.0, _mm512_mul_ps(a.0, b.0))) }
    }

    #[inline(always)]
    unsafe fn relu6(self) -> Self {
        // SAFETY: the caller has AVX-512. The value stands second, as in AVX2's form.
        unsafe {
            let (low, high) = (_mm512_setzero_ps(), _mm512_set1_ps(6.0));
            Avx512(_mm512_min_ps(high, _mm512_max_ps(low, self.0)))
        }
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: the caller has AVX-512.
        unsafe { Avx512(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        // SAFETY: the caller has AVX-512.
        unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller has AVX-512.
        unsafe { Avx512(_mm512_set1_ps(x)) }
    }

    #[inline(always)]
    unsafe fn total(self) -> f32 {
        // SAFETY: the caller has AVX-512, and so AVX2.
        unsafe {
            let upper = _mm512_shuffle_f32x4::<0xEE>(self.0, self.0);
            Avx2(
                _mm512_castps512_ps256(self.0),
                _mm512_castps512_ps256(upper),
            )
            .total()
        }
    }

    #[inline(always)]
    unsafe fn rank(self, this: Self, lowest: &mut Self, second: &mut Self, number: &mut Self) {
        // SAFETY: the caller has AVX-512. Of equals the second operand comes through, as in the array's form.
        unsafe {
            let lower = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, lowest.0);
            *second = Avx512(_mm512_min_ps(_mm512_max_ps(lowest.0, self.0), second.0));
            *lowest = Avx512(_mm512_min_ps(self.0, lowest.0));
            *number = Avx512(_mm512_mask_mov_ps(number.0, lower, this.0));
        }
    }
}
