//! The kernel on trial: before it is offered, its sums are compared with those of plain code.
//!
//! A machine, or what stands between it and us, may announce more than it does. And where this was written there were no
//! tiles: the kernel was checked by interpreting its instructions one by one, as their manual defines them. The trial
//! takes some microseconds, once a process.

use super::{EMPTY, LANES, Line, PANELS, ROWS, Shaped, Sums, Walk, copy_row, depth, line_of};

/// Words of a row: a whole tile's and some more.
const STEPS: usize = LANES + 5;

/// A function that fills tiles of sums.
type Walker = unsafe fn(Walk, &mut Sums);

/// Whether the tiles multiply as they should, in both numbers and all four sizes, to the bit.
///
/// # Safety
/// The machine announces AMX for both numbers and AVX-512, and the system lets this process use them.
pub(in crate::linalg) unsafe fn multiply_right() -> bool {
    // SAFETY: promised by the caller; the tiles have their shape while both are tried.
    unsafe {
        let _shaped = Shaped::tiles();
        agree(super::walk_int8, any_bytes, sum_int8)
            && agree(super::walk_bf16, small_bf16, sum_bf16)
    }
}

/// Whether `walk` fills every tile with the sums of `plain`, for words that `word` makes up.
///
/// # Safety
/// `walk` may be called where its operands are as long as it asks for.
unsafe fn agree(walk: Walker, word: fn(usize) -> u32, plain: fn(&[(u32, u32)]) -> u32) -> bool {
    let row_word = |row: usize, step: usize| word(row * STEPS + step);
    // What is there before must not matter, neither in the last tile of a row nor in the sums.
    let mut left = vec![Line([u32::MAX; LANES]); depth(STEPS) * ROWS];
    for row in 0..ROWS {
        let words: Vec<u32> = (0..STEPS).map(|step| row_word(row, step)).collect();
        copy_row(&words, row, &mut left);
    }
    let words = PANELS * LANES * STEPS + LANES * (LANES * depth(STEPS) - STEPS);
    let right: Vec<u32> = (0..words).map(|at| word(at + 7)).collect();
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .all(|(low_rows, pair)| {
            let mut sums = [EMPTY; 4 * LANES];
            sums.fill(Line([u32::MAX; LANES]));
            let walk_this = Walk {
                left: left.as_ptr(),
                right: [right.as_ptr(), right[LANES * STEPS..].as_ptr()],
                depth: depth(STEPS),
                low_rows,
                pair,
            };
            // SAFETY: the lines and words are as many as a walk of this depth reads.
            unsafe { walk(walk_this, &mut sums) };
            let rows = if low_rows { ROWS } else { LANES };
            let columns = if pair { PANELS * LANES } else { LANES };
            (0..rows).all(|row| {
                (0..columns).all(|column| {
                    let (panel, lane) = (column / LANES, column % LANES);
                    let pairs: Vec<(u32, u32)> = (0..STEPS)
                        .map(|step| {
                            let other = right[(panel * STEPS + step) * LANES + lane];
                            (row_word(row, step), other)
                        })
                        .collect();
                    sums[line_of(row, panel)].0[lane] == plain(&pairs)
                })
            })
        })
}

/// Four bytes of any value.
fn any_bytes(at: usize) -> u32 {
    (at as u32).wrapping_mul(2_654_435_761).rotate_left(9)
}

/// Two whole numbers between -8 and 8 as bfloat16, which holds them: their sums are exact in every order.
fn small_bf16(at: usize) -> u32 {
    let small = |at: usize| ((at * at + 3 * at) % 17) as f32 - 8.0;
    (small(at).to_bits() >> 16) | (small(at + 5).to_bits() & 0xFFFF_0000)
}

/// Bytes without sign times bytes with sign.
fn sum_int8(pairs: &[(u32, u32)]) -> u32 {
    let bytes = pairs
        .iter()
        .flat_map(|(x, y)| x.to_ne_bytes().into_iter().zip(y.to_ne_bytes()));
    let sum: i32 = bytes
        .map(|(x, y)| i32::from(x) * i32::from(y.cast_signed()))
        .sum();
    sum.cast_unsigned()
}

/// Both numbers of a word times both numbers of the other.
fn sum_bf16(pairs: &[(u32, u32)]) -> u32 {
    let number = |bits: u32| f32::from_bits(bits & 0xFFFF_0000);
    let sum: f32 = pairs
        .iter()
        .map(|(x, y)| number(x << 16) * number(y << 16) + number(*x) * number(*y))
        .sum();
    // A sum of zeros of both signs is a positive one.
    (sum + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the unit does with the operands of a walk, word by word: lines of the left and groups of the right, 16 at a
    /// time, whatever they hold.
    fn walk_with(walk: Walk, sums: &mut Sums, add: impl Fn(u32, u32, u32) -> u32) {
        for row in 0..if walk.low_rows { ROWS } else { LANES } {
            for panel in 0..if walk.pair { PANELS } else { 1 } {
                let line = &mut sums[line_of(row, panel)].0;
                *line = [0; LANES];
                for step in 0..walk.depth * LANES {
                    let (tile, word) = (step / LANES, step % LANES);
                    for (lane, sum) in line.iter_mut().enumerate() {
                        // SAFETY: what a walk promises.
                        let (x, y) = unsafe {
                            (
                                (*walk.left.add(tile * ROWS + row)).0[word],
                                *walk.right[panel].add(step * LANES + lane),
                            )
                        };
                        *sum = add(*sum, x, y);
                    }
                }
            }
        }
    }

    fn walk_int8_in_words(walk: Walk, sums: &mut Sums) {
        walk_with(walk, sums, |sum, x, y| {
            sum.wrapping_add(sum_int8(&[(x, y)]))
        });
    }

    fn walk_bf16_in_words(walk: Walk, sums: &mut Sums) {
        walk_with(walk, sums, |sum, x, y| {
            (f32::from_bits(sum) + f32::from_bits(sum_bf16(&[(x, y)]))).to_bits()
        });
    }

    #[test]
    fn copied_rows_and_panels_as_they_lie_are_the_operands_of_tiles() {
        // SAFETY: plain code reads what a walk promises.
        unsafe {
            assert!(agree(walk_int8_in_words, any_bytes, sum_int8));
            assert!(agree(walk_bf16_in_words, small_bf16, sum_bf16));
        }
    }

    #[test]
    fn a_trial_notices_a_wrong_sum() {
        // Both sides without sign.
        let unsigned = |walk: Walk, sums: &mut Sums| {
            walk_with(walk, sums, |sum, x, y| {
                let bytes = x.to_ne_bytes().into_iter().zip(y.to_ne_bytes());
                sum + bytes.map(|(x, y)| u32::from(x) * u32::from(y)).sum::<u32>()
            });
        };
        // The first panel only.
        let halved = |walk: Walk, sums: &mut Sums| {
            walk_int8_in_words(
                Walk {
                    pair: false,
                    ..walk
                },
                sums,
            );
        };
        // SAFETY: as above.
        unsafe {
            assert!(!agree(unsigned, any_bytes, sum_int8));
            assert!(!agree(halved, any_bytes, sum_int8));
        }
    }

    #[test]
    fn a_row_is_copied_whole_and_zeros_fill_its_last_line() {
        let words: Vec<u32> = (1..=20).collect();
        let mut left = vec![Line([9; LANES]); depth(words.len()) * ROWS];
        copy_row(&words, 3, &mut left);
        assert_eq!(left[3].0[..], words[..LANES]);
        assert_eq!(left[ROWS + 3].0[..4], words[LANES..]);
        assert_eq!(left[ROWS + 3].0[4..], [0; 12]);
        assert_eq!(
            (left[2], left[ROWS + 4]),
            (Line([9; LANES]), Line([9; LANES]))
        );
    }
}
