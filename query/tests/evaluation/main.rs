//! What a query means: every promise of the language about evaluation, tested through the crate's own face.

mod differential;
mod edits;
mod examples;
mod generator;
mod hostile;
mod members;
mod mistakes;
mod naive;
mod operators;
mod reference;
mod rules;
mod sample;
mod similarity;
mod traps;
