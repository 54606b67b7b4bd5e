//! `sweep`: the ranked tries of an operator call, and its curves in the terminal or in a file.

use std::path::Path;

use messier_engine::runs::{RunRecord, Try};
use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::job::Job;
use crate::operator_args::OperatorCommand;
use crate::plot::curves::{Curves, Line, Panel};
use crate::plot::dots::Canvas;
use crate::render;
use crate::render::number::count;

/// Pixels a unit of the page in a PNG.
const PNG_SCALE: f32 = 1.5;
/// Scores that have a panel where tries have them, in this order.
const PANELS: [&str; 4] = ["silhouette", "inertia", "dbcv", "stability"];

/// Shows a sweep that was just made, and draws its curves to the file that was asked for.
pub fn show(record: &RunRecord, call: &OperatorCommand, job: &Job<'_>) -> Result<(), Failure> {
    if let Some(out) = &call.out {
        write(record, &call.dataset, &job.terminal.path(out))?;
    }
    if job.globals.json {
        return Ok(job
            .terminal
            .document(&json!({ "kind": "run", "run": record }))?);
    }
    let paint = job.paint();
    job.terminal.line(render::run::summary(record, paint))?;
    tell(record, job)?;
    if let Some(out) = &call.out {
        let path = job.terminal.path(out);
        job.terminal
            .note(format!("Wrote the curves to {}.", path.display()));
    }
    Ok(())
}

/// The ranked table and, where tries differ in a number, the curves.
pub fn tell(record: &RunRecord, job: &Job<'_>) -> Result<(), Failure> {
    job.terminal
        .line(render::sweep::text(record, job.columns(), job.paint()))?;
    if let Some(curves) = curves(record, "") {
        let look = &job.terminal.look;
        job.terminal.line(curves.text(Canvas {
            columns: look.width.unwrap_or(80).min(100),
            lines: 8,
            paint: job.paint(),
            truecolor: look.truecolor,
            legend: 0,
        }))?;
    }
    Ok(())
}

fn write(record: &RunRecord, dataset: &str, path: &Path) -> Result<(), Failure> {
    let Some(curves) = curves(record, dataset) else {
        return Err(Failure::request(
            "no-curves",
            "There are no curves to draw: the tries do not differ in a number. The runs are kept.",
        ));
    };
    let extension = path.extension().and_then(|e| e.to_str());
    let bytes = match extension.map(str::to_lowercase).as_deref() {
        Some("svg") => curves.svg().into_bytes(),
        Some("png") => curves.png(PNG_SCALE).map_err(|why| {
            Failure::request("plot", format!("The curves cannot be drawn: {why}."))
        })?,
        _ => {
            let message = format!("{}: curves are written as .svg or .png", path.display());
            return Err(Failure::usage(message));
        }
    };
    super::export::write_new(path, &bytes, true)
}

/// The curves of a sweep over the number in which its tries differ most; none where they differ in no number.
fn curves(record: &RunRecord, dataset: &str) -> Option<Curves> {
    let done: Vec<&Try> = record
        .tries
        .iter()
        .filter(|one| one.run.is_some())
        .collect();
    let along = axis(&done)?;
    let mut chains: Vec<(String, Vec<&Try>)> = Vec::new();
    for one in done.iter().filter(|one| number(one, &along).is_some()) {
        let name = name(one, &along, record);
        match chains.iter_mut().find(|(known, _)| *known == name) {
            Some((_, tries)) => tries.push(one),
            None => chains.push((name, vec![one])),
        }
    }
    chains.sort_by(|a, b| a.0.cmp(&b.0));
    let line = |(name, tries): &(String, Vec<&Try>), score: &str| {
        let mut points: Vec<[f64; 2]> = tries
            .iter()
            .filter_map(|one| {
                let value = one.scores.get(score).copied().flatten()?;
                Some([number(one, &along)?, value]).filter(|[_, y]| y.is_finite())
            })
            .collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        Line {
            name: name.clone(),
            points,
        }
    };
    let by = record.params.get("by").and_then(Json::as_str);
    let mut scores: Vec<&str> = by.into_iter().collect();
    scores.extend(PANELS.iter().filter(|score| Some(**score) != by));
    let panels: Vec<Panel> = scores
        .into_iter()
        .map(|score| Panel {
            name: match score {
                "inertia" => "inertia (elbow)".to_owned(),
                other => other.replace('_', " "),
            },
            along: along.clone(),
            lines: chains.iter().map(|chain| line(chain, score)).collect(),
        })
        .filter(|panel| panel.lines.iter().any(|line| line.points.len() > 1))
        .collect();
    (!panels.is_empty()).then(|| Curves {
        title: if dataset.is_empty() {
            record.key.clone()
        } else {
            format!("{dataset}: {}", record.key)
        },
        subtitle: format!(
            "{} on {} of {}",
            count(done.len() as u64, "clustering"),
            count(record.input.rows as u64, "sample"),
            record.input.field
        ),
        panels,
    })
}

fn number(one: &Try, name: &str) -> Option<f64> {
    one.params.get(name)?.as_f64()
}

/// The numeric parameter with most different values.
fn axis(tries: &[&Try]) -> Option<String> {
    let mut names: Vec<&String> = tries.iter().flat_map(|one| one.params.keys()).collect();
    names.sort();
    names.dedup();
    let values = |name: &str| {
        let mut values: Vec<f64> = tries.iter().filter_map(|one| number(one, name)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.len()
    };
    let (most, name) = names
        .into_iter()
        .map(|name| (values(name), name))
        .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(a.1)))?;
    (most > 1).then(|| name.clone())
}

/// What a row of tries has in common, as far as other rows differ in it.
fn name(one: &Try, along: &str, record: &RunRecord) -> String {
    let differs = |of: &dyn Fn(&Try) -> Option<String>| {
        let mut values = record.tries.iter().map(of);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let mut parts = Vec::new();
    if differs(&|one| Some(one.method.clone())) {
        parts.push(one.method.clone());
    }
    if differs(&|one| Some(one.features.clone())) {
        parts.push(one.features.clone());
    }
    for (name, value) in &one.params {
        let same_method = |other: &&Try| other.method == one.method;
        let mut others = record.tries.iter().filter(same_method);
        if name != along && others.any(|other| other.params.get(name) != Some(value)) {
            parts.push(format!("{name}={}", render::sweep::value(value)));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tries_become_lines() {
        let record = render::sweep::sample::record();
        let curves = curves(&record, "trip").unwrap();
        let names: Vec<&str> = curves
            .panels
            .iter()
            .map(|panel| panel.name.as_str())
            .collect();
        assert_eq!(names, ["silhouette", "inertia (elbow)"]);
        assert_eq!(curves.panels[0].along, "n_clusters");
        let lines = &curves.panels[0].lines;
        assert_eq!(
            lines.len(),
            1,
            "the try of another method has no n_clusters"
        );
        assert_eq!(lines[0].name, "kmeans");
        assert_eq!(lines[0].points, [[5.0, 0.2], [10.0, 0.31]]);
        let mut single = record;
        single
            .tries
            .retain(|one| one.run.as_deref() == Some("sweep_kmeans_10"));
        assert!(super::curves(&single, "trip").is_none());
    }
}
