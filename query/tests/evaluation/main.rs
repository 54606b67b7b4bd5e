//! What a query means: every promise of the language about evaluation, tested through the crate's own face.

mod examples;
mod mistakes;
mod rules;
mod sample;
mod traps;
