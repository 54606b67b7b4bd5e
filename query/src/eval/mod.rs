//! Running a checked plan: stages change a frame (rows and computed columns), expressions give whole columns.

mod expr;
mod frame;
mod rows;
mod value;

pub use expr::{evaluate_expr, truth_mask};
pub use frame::{Frame, Groups};
pub use rows::RowSet;
pub use value::{Context, Value};
