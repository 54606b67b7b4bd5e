//! `plot`: the points of a run as a map, in a file or in the terminal.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use messier_engine::runs::RunRecord;
use messier_query::View;
use messier_store::{SampleId, Snapshot};
use serde_json::json;

use super::coloring::coloring;
use super::operate::texts_of;
use crate::args::Plot;
use crate::failure::{Failure, Report};
use crate::job::Job;
use crate::plot::dots::{self, Canvas};
use crate::plot::{Coloring, Map, Picture};
use crate::render::number::grouped;

/// Pixels a unit of the page in a PNG: 1920 x 1350.
const PNG_SCALE: f32 = 1.5;
/// More pictures than this hide the map.
const MOST_PICTURES: usize = 40;

/// `messier plot D --points KEY`
pub fn run(args: &Plot, job: &Job<'_>) -> Result<(), Failure> {
    let map = job.work(|_| map(args, job))?;
    match &args.out {
        None => in_terminal(&map, job),
        Some(out) => {
            let path = job.terminal.path(out);
            write(&map, &path)?;
            let sentence = format!(
                "Wrote {} with {} points.",
                path.display(),
                grouped(map.points.len() as u64)
            );
            job.done(
                json!({ "wrote": path, "points": map.points.len() }),
                sentence,
            )
        }
    }
}

/// Draws the map in the terminal, as large as it is.
pub fn in_terminal(map: &Map, job: &Job<'_>) -> Result<(), Failure> {
    let look = &job.terminal.look;
    let columns = look.width.unwrap_or(80).min(160);
    let legend = 12;
    let canvas = Canvas {
        columns,
        lines: if look.out_tty {
            look.height
                .saturating_sub(legend + 3)
                .clamp(12, columns / 3)
        } else {
            24
        },
        paint: job.paint(),
        truecolor: look.truecolor,
        legend,
    };
    Ok(job.terminal.line(dots::draw(map, canvas))?)
}

/// Writes the map as the file's extension says.
pub fn write(map: &Map, path: &Path) -> Result<(), Failure> {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let bytes = match extension.as_str() {
        "svg" => map.svg().into_bytes(),
        "png" => map
            .png(PNG_SCALE)
            .map_err(|why| Failure::request("plot", format!("The map cannot be drawn: {why}.")))?,
        _ => {
            let message = format!("{}: a map is written as .svg or .png", path.display());
            return Err(Failure::usage(message));
        }
    };
    super::export::write_new(path, &bytes, true)
}

/// The map that the arguments ask for.
pub fn map(args: &Plot, job: &Job<'_>) -> Result<Map, Failure> {
    let session = job.session()?;
    let snapshot = session.store().dataset(&args.dataset)?.snapshot()?;
    let (view, text) = session.view(&snapshot, args.view.as_deref().unwrap_or_default())?;
    let records = session.runs(&args.dataset)?;
    let newest = |operator: &str| {
        records
            .iter()
            .rev()
            .find(|record| record.operator == operator)
    };
    let key = match &args.points {
        Some(key) => key.clone(),
        None => newest("reduce")
            .map(|record| record.key.clone())
            .ok_or_else(|| no_points(&args.dataset))?,
    };
    let (points, kept) = points(&view, &key)?;
    let color = args
        .color
        .clone()
        .or_else(|| newest("cluster").map(|record| record.key.clone()));
    let clusters = color
        .as_ref()
        .and_then(|field| records.iter().find(|record| record.key == *field));
    let coloring = match &color {
        None => Coloring::One,
        Some(field) => coloring(
            &view,
            field,
            &kept,
            clusters,
            label_texts(&snapshot, &view, args)?.as_deref(),
        )?,
    };
    let pictures = match (args.pictures, clusters) {
        (true, Some(record)) => pictures(&snapshot, record, &coloring)?,
        _ => Vec::new(),
    };
    let colored = color
        .map(|field| format!(", coloured by {field}"))
        .unwrap_or_default();
    let chosen = if text.is_empty() {
        String::new()
    } else {
        format!(", {text}")
    };
    let near_only = records
        .iter()
        .any(|record| record.key == key && matches!(record.method.as_str(), "umap" | "tsne"));
    let mut map = Map {
        title: args.title.clone().unwrap_or_else(|| args.dataset.clone()),
        subtitle: format!(
            "{} samples by {key}{colored}{chosen}",
            grouped(points.len() as u64)
        ),
        points,
        coloring,
        pictures,
    };
    if near_only {
        map.close_gaps();
    }
    Ok(map)
}

fn no_points(dataset: &str) -> Failure {
    Report::new(
        crate::failure::Exit::Request,
        "no-points",
        format!("{dataset} has no points to draw yet."),
    )
    .hint(format!(
        "`messier reduce {dataset} --method umap --run map` makes some"
    ))
    .into()
}

/// The first two numbers of each row's vector, and which rows of the view have them.
fn points(view: &View, key: &str) -> Result<(Vec<[f64; 2]>, Vec<usize>), Failure> {
    let column = view.column(key)?;
    let wrong = || {
        let what = view
            .schema()
            .field(key)
            .map_or_else(String::new, |field| format!(" (it holds {})", field.ty));
        Failure::request(
            "wrong-type",
            format!(
                "{key} has no points: a map needs a vector field of at least two numbers{what}."
            ),
        )
    };
    let lists = column.as_fixed_size_list_opt().ok_or_else(wrong)?;
    let dims = usize::try_from(lists.value_length()).unwrap_or(0);
    let numbers = lists
        .values()
        .as_primitive_opt::<Float32Type>()
        .ok_or_else(wrong)?;
    if dims < 2 {
        return Err(wrong());
    }
    let mut points = Vec::with_capacity(lists.len());
    let mut kept = Vec::with_capacity(lists.len());
    for row in (0..lists.len()).filter(|&row| lists.is_valid(row)) {
        let at = row * dims;
        let point = [
            f64::from(numbers.value(at)),
            f64::from(numbers.value(at + 1)),
        ];
        if point.iter().all(|x| x.is_finite()) {
            points.push(point);
            kept.push(row);
        }
    }
    Ok((points, kept))
}

/// The values of `--label`, one a row of the view.
fn label_texts(
    snapshot: &Snapshot,
    view: &View,
    args: &Plot,
) -> Result<Option<Vec<Option<String>>>, Failure> {
    let Some(field) = &args.label else {
        return Ok(None);
    };
    let all = texts_of(snapshot, field)?;
    Ok(Some(
        view.rows()
            .iter()
            .map(|&row| all.get(row as usize).cloned().flatten())
            .collect(),
    ))
}

/// The medoids' pictures; one that cannot be read is left out.
fn pictures(
    snapshot: &Snapshot,
    record: &RunRecord,
    coloring: &Coloring,
) -> Result<Vec<Picture>, Failure> {
    let Coloring::Groups { groups, .. } = coloring else {
        return Ok(Vec::new());
    };
    let paths = texts_of(snapshot, "filepath")?;
    let mut out = Vec::new();
    for (group, entry) in groups.iter().enumerate().take(MOST_PICTURES) {
        let id = entry.name.split(" · ").next().unwrap_or_default();
        let medoid = record
            .clusters
            .iter()
            .find(|cluster| cluster.id == id)
            .and_then(|cluster| cluster.medoid.as_deref());
        let Some(id) = medoid.and_then(SampleId::parse) else {
            continue;
        };
        let Some(path) = snapshot
            .row_of(id)?
            .and_then(|row| paths.get(row)?.as_deref())
        else {
            continue;
        };
        if let Ok(thumbnail) = crate::thumbnail::load(Path::new(path), 96) {
            let (width, height) = thumbnail.dimensions();
            out.push(Picture {
                group,
                width,
                height,
                rgba: thumbnail.into_raw(),
            });
        }
    }
    Ok(out)
}
