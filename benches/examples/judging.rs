//! Scores raw f32 rows under the labels in `ROWS.f32.labels` (little-endian i32) and prints one line of JSON:
//! `benches/peers/task_silhouette.py` calls it.
//!
//! ```text
//! judging silhouette ROWS.f32 N D
//! judging dbcv ROWS.f32 N D
//! ```
//! Times are wall seconds without reading the files.

use std::error::Error;
use std::time::Instant;

use messier_engine::context::Context;
use messier_engine::neighbors::Metric;
use messier_engine::score::{dbcv, silhouettes};
use ndarray::Array2;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [task, path, n, d] = args.as_slice() else {
        return Err("usage: judging silhouette|dbcv ROWS.f32 N D".into());
    };
    let words = |path: &str| -> std::io::Result<Vec<[u8; 4]>> {
        Ok(std::fs::read(path)?.as_chunks::<4>().0.to_vec())
    };
    let rows = words(path)?.into_iter().map(f32::from_le_bytes).collect();
    let x = Array2::from_shape_vec((n.parse()?, d.parse()?), rows)?;
    let labels: Vec<i32> = words(&format!("{path}.labels"))?
        .into_iter()
        .map(i32::from_le_bytes)
        .collect();
    let context = Context::new(0);
    let began = Instant::now();
    let (value, scored) = match task.as_str() {
        "silhouette" => {
            let found = silhouettes(x.view(), &labels, Metric::Euclidean, &context)?;
            (found.mean, found.scored)
        }
        "dbcv" => {
            let found = dbcv(x.view(), &labels, Metric::Euclidean, &context)?;
            (found.map(|found| found.value), x.nrows())
        }
        other => return Err(format!("no task called {other}").into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    let steps: Vec<String> = context
        .progress
        .times()
        .iter()
        .map(|step| format!(r#"["{}", {:.4}]"#, step.name, step.seconds))
        .collect();
    println!(
        r#"{{"seconds": {seconds}, "{task}": {}, "scored": {scored}, "steps": [{}]}}"#,
        value.unwrap_or(f64::NAN),
        steps.join(", ")
    );
    Ok(())
}
