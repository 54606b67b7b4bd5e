//! What a person reads, made from plain data: every function here takes values and a width and gives text, so that each
//! is a snapshot test away from a review.

pub mod bars;
pub mod failure;
pub mod fit;
pub mod number;
pub mod paint;
pub mod table;
