//! Density-based clustering validation: how dense clusters are inside against how sparse it is between them.
//!
//! As `hdbscan.validity_index` computes it, but for one thing: distances are raised to the power of the dimension as
//! ratios to the nearest one, so that many dimensions neither overflow nor vanish.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use crate::cluster::hdbscan::reach_of_others;
use crate::context::Context;
use crate::error::Error;
use crate::linalg::{Block, LANES, distances, isa, products};
use crate::neighbors::{Metric, Points};

/// Up to this many rows a run is given the score without being asked for it.
pub const DBCV_ROWS: usize = 10_000;

/// Rows of a block of products.
const ROWS: usize = 64;
/// Clusters of more rows are large.
const LARGE: usize = 1024;
/// Squared distances below this share of the squared lengths have lost too many digits in a product.
const CANCELLED: f32 = 0.3;
/// What one row may add to a sum that is at least 1 without being missed.
const NOTHING: f64 = 1e-17;

/// The validity of a clustering by density.
#[derive(Debug, Clone, PartialEq)]
pub struct Dbcv {
    /// -1 to 1, higher is better: the clusters' own, weighted by their share of all rows, noise counted.
    pub value: f64,
    /// -1 to 1 a cluster; 0 for a cluster of one.
    pub per_cluster: Vec<f64>,
}

/// Scores `labels` (dense from 0, -1 for noise) of the rows of `x` (`n x d`). None for fewer than two clusters.
///
/// O(n² d) time at most; memory for the distances inside a cluster, 4 bytes a pair. Source: Moulavi, Jaskowiak, Campello,
/// Zimek and Sander (2014).
///
/// # Errors
/// A row that is not finite, or [`Error::Cancelled`].
pub fn dbcv(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    metric: Metric,
    context: &Context,
) -> Result<Option<Dbcv>, Error> {
    let count = labels.iter().max().map_or(0, |&last| last + 1);
    let Some(count) = usize::try_from(count).ok().filter(|&count| count >= 2) else {
        return Ok(None);
    };
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (row, &label) in labels.iter().enumerate() {
        if let Ok(cluster) = usize::try_from(label) {
            members[cluster].push(row);
        }
    }
    let step = context.step("density", count as u64);
    let inside = |rows: Vec<usize>| {
        step.tick(1)?;
        Inside::of(x, rows, metric)
    };
    // Small clusters side by side; a large one has work for all threads itself.
    let (large, small): (Vec<_>, Vec<_>) = members
        .into_iter()
        .enumerate()
        .partition(|(_, rows)| rows.len() > LARGE);
    let mut clusters: Vec<(usize, Inside)> = small
        .into_par_iter()
        .map(|(at, rows)| Ok((at, inside(rows)?)))
        .collect::<Result<_, Error>>()?;
    for (at, rows) in large {
        clusters.push((at, inside(rows)?));
    }
    clusters.sort_unstable_by_key(|(at, _)| *at);
    let clusters: Vec<Inside> = clusters.into_iter().map(|(_, cluster)| cluster).collect();
    drop(step);
    let separation = separations(x, &clusters, metric, context)?;
    let per_cluster: Vec<f64> = clusters
        .iter()
        .zip(&separation)
        .map(|(cluster, &separation)| {
            let widest = separation.max(cluster.sparseness);
            if cluster.size < 2 || widest == 0.0 {
                0.0
            } else {
                (separation - cluster.sparseness) / widest
            }
        })
        .collect();
    let shares = clusters.iter().zip(&per_cluster);
    let value = shares
        .map(|(cluster, value)| cluster.size as f64 / labels.len() as f64 * value)
        .sum();
    Ok(Some(Dbcv { value, per_cluster }))
}

/// How near another cluster's internal rows come to each cluster's.
fn separations(
    x: ArrayView2<'_, f32>,
    clusters: &[Inside],
    metric: Metric,
    context: &Context,
) -> Result<Vec<f64>, Error> {
    let internal = || clusters.iter().flat_map(|cluster| &cluster.internal);
    let rows: Vec<usize> = internal().map(|(row, _)| *row).collect();
    let core: Vec<f64> = internal().map(|(_, core)| *core).collect();
    let each = clusters.iter().zip(0_u32..);
    let of: Vec<u32> = each
        .flat_map(|(cluster, at)| cluster.internal.iter().map(move |_| at))
        .collect();
    let own = x.select(Axis(0), &rows);
    let points = Points::new(own.view(), metric)?;
    reach_of_others(&points, metric, &core, &of, clusters.len(), context)
}

/// The distances between all rows, row after row. O(n² d) products.
fn all_pairs(points: &Points<'_>, metric: Metric) -> Vec<f32> {
    let (n, isa) = (points.len(), isa().for_dims(1));
    let panels = points.panels(isa, |at| at);
    let unit = f64::from(points.distance(1.0))
        / match metric {
            Metric::Euclidean => points.squared_scale().sqrt(),
            Metric::Cosine => points.squared_scale(),
        };
    let stride = panels.len() * LANES;
    let mut found = vec![0.0_f32; n * n];
    found
        .par_chunks_mut((ROWS * n).max(1))
        .enumerate()
        .for_each_init(
            || (Block::new(isa), Vec::new(), vec![0.0_f32; ROWS * stride]),
            |(left, staging, tile), (block, found)| {
                let first = block * ROWS;
                points.block(first..(first + ROWS).min(n), isa, left, staging);
                products(left, &panels, 0..panels.len(), tile, stride);
                for (row, found) in (first..).zip(found.chunks_exact_mut(n)) {
                    let values = &mut tile[(row - first) * stride..][..n];
                    distances(isa, panels.norms()[row], panels.norms(), values, CANCELLED);
                    for (other, (to, &value)) in found.iter_mut().zip(&*values).enumerate() {
                        let working = f64::from(value);
                        *to = if value < 0.0 {
                            points.distance(points.squared(row, other))
                        } else if metric == Metric::Cosine {
                            (working * working * unit) as f32
                        } else {
                            (working * unit).min(f64::from(f32::MAX)) as f32
                        };
                    }
                }
            },
        );
    found
}

/// What a cluster is inside.
struct Inside {
    size: usize,
    /// The rows with more than one edge in the spanning tree, and their core distances.
    internal: Vec<(usize, f64)>,
    /// The longest edge between such rows; of all where there is none.
    sparseness: f64,
}

impl Inside {
    fn of(x: ArrayView2<'_, f32>, rows: Vec<usize>, metric: Metric) -> Result<Inside, Error> {
        let m = rows.len();
        let own = x.select(Axis(0), &rows);
        let points = Points::new(own.view(), metric)?;
        let distances = all_pairs(&points, metric);
        let core: Vec<f64> = distances
            .par_chunks_exact(m.max(1))
            .with_min_len(16)
            .map(|row| core_distance(row, x.ncols()))
            .collect();
        let edges = spanning_tree(&distances, &core);
        let mut degree = vec![0_usize; m];
        for &(a, b, _) in &edges {
            degree[a] += 1;
            degree[b] += 1;
        }
        let inner = |at: usize| degree[at] > 1;
        let longest =
            |edges: &mut dyn Iterator<Item = f64>| edges.fold(f64::NEG_INFINITY, f64::max);
        let between = edges.iter().filter(|&&(a, b, _)| inner(a) && inner(b));
        let mut sparseness = longest(&mut between.map(|&(.., weight)| weight));
        if sparseness == f64::NEG_INFINITY {
            sparseness = longest(&mut edges.iter().map(|&(.., weight)| weight)).max(0.0);
        }
        let mut internal: Vec<usize> = (0..m).filter(|&at| inner(at)).collect();
        if internal.is_empty() {
            internal.push(0);
        }
        Ok(Inside {
            size: m,
            internal: internal
                .into_iter()
                .map(|at| (rows[at], core[at]))
                .collect(),
            sparseness,
        })
    }
}

/// The all-points core distance: the power mean, of the negative dimension, of the distances to the other rows that
/// are not 0.
fn core_distance(row: &[f32], dims: usize) -> f64 {
    let others = || {
        row.iter()
            .map(|&gap| f64::from(gap))
            .filter(|&gap| gap > 0.0)
    };
    let least = others().fold(f64::INFINITY, f64::min);
    if least.is_infinite() {
        return 0.0;
    }
    let power = i32::try_from(dims).unwrap_or(i32::MAX);
    // With many dimensions only the nearest rows add anything to the digits.
    let most = least * NOTHING.powf(-1.0 / dims.max(1) as f64);
    let near = others().filter(|&gap| gap <= most);
    let sum: f64 = near.map(|gap| (least / gap).powi(power)).sum();
    least * (sum / (row.len() - 1) as f64).powf(-1.0 / dims.max(1) as f64)
}

/// Prim's tree of mutual reachability, ties by row: `(from, to, weight)`.
fn spanning_tree(distances: &[f32], core: &[f64]) -> Vec<(usize, usize, f64)> {
    let m = core.len();
    let mut best = vec![(f64::INFINITY, 0_usize); m];
    let mut outside: Vec<usize> = (1..m).collect();
    let mut edges = Vec::with_capacity(m.saturating_sub(1));
    let mut last = 0;
    while !outside.is_empty() {
        let row = &distances[last * m..(last + 1) * m];
        let mut next = 0;
        for (at, &to) in outside.iter().enumerate() {
            let weight = f64::from(row[to]).max(core[last]).max(core[to]);
            // Core distances make many equal edges; the lower row is the end, whenever it joined.
            if weight < best[to].0 || (weight == best[to].0 && last < best[to].1) {
                best[to] = (weight, last);
            }
            let shorter = best[to].0.total_cmp(&best[outside[next]].0);
            if shorter.then(to.cmp(&outside[next])).is_lt() {
                next = at;
            }
        }
        last = outside.swap_remove(next);
        edges.push((best[last].1, last, best[last].0));
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[derive(serde::Deserialize)]
    struct Case {
        rows: Vec<Vec<f32>>,
        labels: Vec<i32>,
        dbcv: f64,
        per_cluster: Vec<f64>,
    }

    #[test]
    fn agrees_with_hdbscan() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/score/dbcv.json")).unwrap();
        assert!(cases.len() >= 3);
        for (at, case) in cases.iter().enumerate() {
            let x =
                Array2::from_shape_vec((case.rows.len(), case.rows[0].len()), case.rows.concat())
                    .unwrap();
            let got = dbcv(x.view(), &case.labels, Metric::Euclidean, &Context::new(0))
                .unwrap()
                .unwrap();
            assert!(
                (got.value - case.dbcv).abs() < 1e-5,
                "case {at}: {} {}",
                got.value,
                case.dbcv
            );
            for (got, wanted) in got.per_cluster.iter().zip(&case.per_cluster) {
                assert!((got - wanted).abs() < 1e-5, "case {at}: {got} {wanted}");
            }
        }
    }

    #[test]
    fn many_dimensions_neither_overflow_nor_vanish() {
        let n = 40;
        let x = Array2::from_shape_fn((n, 512), |(i, j)| {
            let side = if i < n / 2 { 0.0 } else { 40.0 };
            side + (((i * 131 + j * 37) % 101) as f32 - 50.0) * 0.4
        });
        let labels: Vec<i32> = (0..n).map(|i| i32::from(i >= n / 2)).collect();
        let got = dbcv(x.view(), &labels, Metric::Euclidean, &Context::new(0));
        let got = got.unwrap().unwrap();
        assert!(got.value > 0.5 && got.value < 1.0, "{}", got.value);
    }

    #[test]
    fn odd_clusters_have_a_score() {
        let x = ndarray::array![[0.0f32], [0.0], [0.0], [5.0], [9.0], [9.5]];
        let score = |labels: &[i32]| dbcv(x.view(), labels, Metric::Euclidean, &Context::new(0));
        let got = score(&[0, 0, 0, 1, 2, 2]).unwrap().unwrap();
        assert_eq!(got.per_cluster[1], 0.0, "one row has no inside");
        assert_eq!(got.per_cluster[0], 1.0, "equal rows are as dense as can be");
        assert!(got.value.is_finite());
        assert_eq!(score(&[0, 0, 0, 0, -1, -1]).unwrap(), None);
        assert_eq!(score(&[-1; 6]).unwrap(), None);
    }
}
