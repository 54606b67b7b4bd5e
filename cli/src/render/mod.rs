//! What a person reads, made from plain data: every function here takes values and a width and gives text, so that each
//! is a snapshot test away from a review.

pub mod bars;
pub mod batch_csv;
pub mod clusters;
pub mod compare;
pub mod edit;
pub mod failure;
pub mod fit;
pub mod json_value;
pub mod number;
pub mod paint;
pub mod run;
pub mod runs;
pub mod sample_csv;
pub mod samples;
pub mod schema;
pub mod signature;
pub mod sweep;
pub mod table;
pub mod value;
