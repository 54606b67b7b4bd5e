//! The `messier` binary.
fn main() {}
