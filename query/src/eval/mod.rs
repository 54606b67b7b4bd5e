//! Running a checked plan: stages change a frame (rows and computed columns), expressions give whole columns.

mod expr;
mod frame;
mod rows;
mod run;
mod value;

pub(crate) use expr::replaced;
pub use expr::{evaluate_expr, truth_mask};
pub use frame::{Frame, Groups};
pub use rows::RowSet;
pub use run::evaluate;
pub(crate) use run::run_steps;
pub use value::{Context, Value};
