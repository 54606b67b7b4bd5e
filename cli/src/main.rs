//! The `messier` binary.
#![allow(dead_code)]
mod args;
mod failure;
mod interrupt;
mod operator_args;
mod output;
mod plot;
mod progress;
mod render;
fn main() {}
