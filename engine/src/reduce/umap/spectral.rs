//! A start that already shows the coarse shape: the slowest waves of the graph, component by component.

use ndarray::{Array2, ArrayView2, Axis};

use crate::context::{Context, Step};
use crate::error::Error;
use crate::graph::lanczos::{self, Effort};
use crate::graph::{Graph, Normalised};
use crate::random;
use crate::reduce::pca;

/// A start need not be exact: the best vectors after a fixed number of steps will do.
const EFFORT: Effort = Effort {
    steps: 160,
    tolerance: 1e-4,
};

/// Coordinates from the eigenvectors of the normalised Laplacian with the smallest eigenvalues above 0.
///
/// A graph of several components has one such drawing for each; they are put around the components' centres, which
/// principal components of the data's means place. `x` is the data behind the graph. Scale is arbitrary.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn layout(
    graph: &Graph,
    x: ArrayView2<'_, f32>,
    dim: usize,
    context: &Context,
) -> Result<Array2<f64>, Error> {
    let (component, count) = graph.components();
    let step = context.step("spectral start", 0);
    if count == 1 {
        return connected(graph, dim, context.seed, &step);
    }
    context.notes.remark(format!(
        "the neighbour graph falls into {count} parts, each drawn by itself; distances between parts say little"
    ));
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (row, &c) in component.iter().enumerate() {
        members[c as usize].push(row);
    }
    let centres = place_centres(&members, x, dim, context)?;
    let mut points = Array2::zeros((graph.len(), dim));
    for (c, rows) in members.iter().enumerate() {
        let centre = centres.row(c);
        let nearest = (0..count)
            .filter(|&other| other != c)
            .map(|other| {
                let apart = &centres.row(other) - &centre;
                apart.dot(&apart).sqrt()
            })
            .fold(f64::INFINITY, f64::min);
        // Half the way to the nearest neighbour, so that parts do not overlap.
        let reach = if nearest > 0.0 { nearest / 2.0 } else { 0.01 };
        let own = if rows.len() > dim + 1 {
            connected(&graph.part(rows), dim, context.seed, &step)?
        } else {
            Array2::from_shape_fn((rows.len(), dim), |(i, j)| {
                2.0 * random::uniform(context.seed, 0x5061_7274, (rows[i] * dim + j) as u64) - 1.0
            })
        };
        let largest = own.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let by = if largest > 0.0 { reach / largest } else { 0.0 };
        for (&row, place) in rows.iter().zip(own.outer_iter()) {
            points.row_mut(row).assign(&(&place * by + centre));
        }
    }
    Ok(points)
}

/// The drawing of a connected graph, columns of missing vectors (tiny graphs) left 0.
fn connected(graph: &Graph, dim: usize, seed: u64, step: &Step<'_>) -> Result<Array2<f64>, Error> {
    let walk = Normalised::new(graph);
    let vectors = lanczos::largest(
        graph.len(),
        dim,
        &[walk.flat()],
        seed,
        EFFORT,
        step,
        |x, y| walk.apply(x, y),
    )?;
    let mut points = Array2::zeros((graph.len(), dim));
    for (mut column, vector) in points.axis_iter_mut(Axis(1)).zip(&vectors) {
        // An eigenvector's sign is free; fix it as PCA does.
        let largest = vector.iter().fold(
            0.0_f64,
            |most, &v| if v.abs() > most.abs() { v } else { most },
        );
        for (to, value) in column.iter_mut().zip(vector) {
            *to = value * largest.signum();
        }
    }
    Ok(points)
}

/// Where the components go, within the unit box: principal components of their means.
fn place_centres(
    members: &[Vec<usize>],
    x: ArrayView2<'_, f32>,
    dim: usize,
    context: &Context,
) -> Result<Array2<f64>, Error> {
    let mut means = Array2::<f32>::zeros((members.len(), x.ncols()));
    for (rows, mut mean) in members.iter().zip(means.outer_iter_mut()) {
        let mut sum = vec![0.0_f64; x.ncols()];
        for &row in rows {
            for (sum, &value) in sum.iter_mut().zip(x.row(row)) {
                *sum += f64::from(value);
            }
        }
        for (to, sum) in mean.iter_mut().zip(sum) {
            *to = (sum / rows.len() as f64) as f32;
        }
    }
    let few = members.len() <= 2 * dim;
    let mut centres = if few {
        // As umap-learn: on the axes, in both directions.
        let half = members.len().div_ceil(2);
        Array2::from_shape_fn((members.len(), dim), |(c, j)| {
            if c < half {
                f64::from(u8::from(c == j))
            } else {
                -f64::from(u8::from(c - half == j))
            }
        })
    } else {
        let model = pca::Model::fit(means.view(), dim, context)?;
        model.project(means.view(), context)?.mapv(f64::from)
    };
    let largest = centres.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    if largest > 0.0 {
        centres /= largest;
    }
    Ok(centres)
}
