//! Any bytes: the parser answers, and what it accepts prints and reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/law/mod.rs"]
mod law;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        law::holds(text);
    }
});
