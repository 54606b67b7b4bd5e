//! The hot kernels: distances, blocked products, selection. All `unsafe` of this crate lives in this folder.
//!
//! **A fast product proposes, an exact distance decides.** Products of blocks ([`products`]) run on the widest unit
//! the machine has, in f32, bfloat16 or eight-bit integers, and carry a proven error bound ([`bound`]). Whatever the bound cannot tell
//! apart is computed again by [`squared_distance`], whose order of additions is fixed. So labels and neighbours are
//! the same bits on every machine and for every number of threads, and the alternative, one summation order for all
//! vector widths, does not have to slow the products down.
//!
//! The instruction set is chosen once, at run time, by [`isa`]; `MESSIER_ISA` forces one: `portable`, `avx2`,
//! `avx512`, `avx512bf16`, `avx512vnni` or `amx`. Results are the same bits under all of them.

#![allow(unsafe_code)]

mod abreast;
pub mod bound;
mod centring;
mod coded;
mod convolve;
mod distance;
mod int8;
mod isa;
mod lanes;
mod large;
mod layer_end;
mod leaf;
mod moments;
mod pairs;
mod panels;
mod products;
mod resample;
mod roots;
mod rows;
mod scan;
mod speed;
mod square;
mod stretched;
mod tiles;
mod whole;

pub use abreast::{Fours, TwoNearest, two_nearest};
pub use centring::{Columns, centre_across, centre_columns};
pub use coded::{Coding, NO_PAIR, SIDE, count_at_most, fold_least, select_coded, turn_square};
pub use convolve::{DepthwiseFilter, depthwise_row, same_padding};
pub use distance::{dot, squared_distance, squared_distances, squared_norm};
pub use isa::{Isa, forced_isa, isa};
pub use large::zeroed;
pub use layer_end::{add_bias, add_bias_and};
pub use leaf::{LEAF, leaf_below, leaf_outside};
pub use moments::add_moments;
pub use pairs::Rows;
pub use panels::{Block, LANES, Panels, measure, packed};
pub use products::{products, products_of};
pub use resample::{ROWS, WEIGHT_BITS, Window, filter_across, filter_down};
pub use roots::{Bundles, add_scatter, add_up, distances, mean_bounds, total};
pub use rows::{add_and_bound, add_centred, centre, fetch, hash_row, sum_of_squares};
pub use scan::{Nearest, lowest_of_each, nearest, select_below, select_below_each, select_close};
pub use speed::measured_gflops;
pub use square::{Square, add_square, square};
pub use stretched::{TOGETHER, stretched_length, stretched_lengths};
pub use tiles::withheld_amx;
pub use whole::MOST_WHOLE;

#[cfg(test)]
mod tests;
