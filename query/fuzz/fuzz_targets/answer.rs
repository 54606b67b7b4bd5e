//! Any bytes as a query over a small dataset: a mistake or an answer, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use messier_query::{Env, Source, Table, evaluate, parse, plan};

#[allow(dead_code)]
#[path = "../../tests/evaluation/sample.rs"]
mod sample;

thread_local! {
    static SAMPLES: Table = sample::samples();
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(query) = parse(text) else { return };
    SAMPLES.with(|table| {
        let env = Env {
            schema: table.schema(),
            operators: &[],
            views: &[],
        };
        if let Ok(plan) = plan(&query, text, &env) {
            // What the source reports, and a result too large to make, is an answer too.
            drop(evaluate(&plan, table));
        }
    });
});
