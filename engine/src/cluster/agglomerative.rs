//! Agglomerative clustering as scikit-learn defines it: every row a cluster, the nearest two merged again and again.
//!
//! Ward's linkage works on centres and needs no table of all pairs; complete and average linkage keep a triangle of
//! distances; single linkage is a minimum spanning tree. Equal rows are merged before anything is measured.

mod centroids;
mod cut;
mod few;
mod rounds;
mod spanning;
mod table;

use std::collections::HashMap;

use messier_query::params;
use messier_query::signature::{Args, BadArgument, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;

use super::memory::{available, size};
use super::{Clusterer, Clustering, hdbscan};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa};
use crate::neighbors::{Metric, Points, knn_squared};
use centroids::Centroids;
use cut::{Cut, Leaves, cut};
use few::{Few, Found, Nearest};
use rounds::{Merge, merge_all};
use table::{Linkage, Table};

/// Neighbours of each row that merging starts from.
const LISTED: usize = 16;

params! {
    /// What agglomerative clustering needs to know.
    pub struct Params {
        /// How many clusters to leave. None leaves what distance_threshold says, or 2 where that is not given either.
        n_clusters: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 4_294_967_295 }), unit "clusters";
        /// How far apart two rows are: the straight line, one minus the cosine of the angle, or the sum of the coordinates' differences (l1, also called manhattan).
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine", "l1", "manhattan"]);
        /// How far apart two clusters are: by what their union adds to the sum of squares (ward, only euclidean), by their farthest rows (complete), their rows' mean distance (average), or their nearest rows (single).
        linkage: String = Default::Text("ward"), Kind::Choice(&["ward", "complete", "average", "single"]);
        /// Clusters at this distance or beyond are not merged; takes the place of n_clusters. None leaves n_clusters.
        distance_threshold: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: 0.0, hi: f64::MAX });
    }
}

static SIGNATURE: Signature = Signature {
    name: "agglomerative",
    summary: "Merges the nearest clusters, from single rows up, until so many are left or they are too far apart.",
    params: Params::TABLE,
    examples: &[
        Example {
            query: r#"cluster(method="agglomerative", features="embedding", n_clusters=12, run="ward12")"#,
            shows: "Makes 12 clusters of the vectors in `embedding` by Ward's linkage.",
        },
        Example {
            query: r#"cluster(method="agglomerative", metric="cosine", linkage="average", distance_threshold=0.3, run="near")"#,
            shows: "Merges clusters of `embedding` as long as their mean cosine distance is below 0.3.",
        },
    ],
    returns: Returns::Run,
};

/// Agglomerative clustering. Source: Ward (1963), Lance and Williams (1967); results as scikit-learn's
/// `AgglomerativeClustering` where no distances are equal.
///
/// Ward: O(n² d) products for most data, O(n d) memory. Complete, average: O(n² d) time and 2 n² bytes. Single: O(n² d).
#[derive(Debug)]
pub struct Agglomerative;

impl Clusterer for Agglomerative {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let wrong = |bad| arguments(SIGNATURE.name, bad);
        let params = Params::read(args).map_err(wrong)?;
        let bad = contradictions(&params);
        if !bad.is_empty() {
            return Err(wrong(bad));
        }
        let n = x.nrows();
        let at = match (params.n_clusters, params.distance_threshold) {
            (None, Some(distance)) => Cut::Distance(distance),
            (count, _) => Cut::Clusters(count.unwrap_or(2)),
        };
        if let Cut::Clusters(count) = at
            && count > n
        {
            return Err(Error::Input(format!(
                "agglomerative clustering cannot leave {count} clusters of {n} rows; n_clusters must be from 1 to the number of rows"
            )));
        }
        let metric = match params.metric.as_str() {
            "cosine" => Metric::Cosine,
            _ => Metric::Euclidean,
        };
        let points = Points::new(x, metric)?;
        let measure = Measure {
            metric,
            l1: matches!(params.metric.as_str(), "l1" | "manhattan"),
        };
        let isa = isa().for_dims(x.ncols());
        let merges = match params.linkage.as_str() {
            "ward" => ward(isa, &points, context)?,
            "single" => single(isa, &points, measure, context)?,
            "complete" => by_table(&points, measure, Linkage::Complete, context)?,
            _ => by_table(&points, measure, Linkage::Average, context)?,
        };
        let leaves = cut(n, merges, at);
        Ok(Clustering {
            scores: distances(&leaves),
            labels: leaves.labels,
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The labels of `count` clusters by Ward's linkage. `x` is finite and has at least `count` rows.
pub(super) fn ward_labels(
    x: ArrayView2<'_, f32>,
    count: usize,
    context: &Context,
) -> Result<Vec<i32>, Error> {
    let points = Points::new(x, Metric::Euclidean)?;
    let merges = ward(isa().for_dims(x.ncols()), &points, context)?;
    Ok(cut(x.nrows(), merges, Cut::Clusters(count)).labels)
}

fn contradictions(params: &Params) -> Vec<BadArgument> {
    let mut bad = Vec::new();
    if params.n_clusters.is_some() && params.distance_threshold.is_some() {
        bad.push(BadArgument {
            name: "distance_threshold".to_owned(),
            problem: "and `n_clusters` exclude each other; give one of them".to_owned(),
        });
    }
    if params.linkage == "ward" && params.metric != "euclidean" {
        bad.push(BadArgument {
            name: "metric".to_owned(),
            problem: format!(
                "must be euclidean for the linkage ward, not {}; complete, average and single take it",
                params.metric
            ),
        });
    }
    bad
}

fn distances(leaves: &Leaves) -> Vec<(&'static str, f64)> {
    let made = leaves
        .made
        .map(|distance| ("last_merge_distance", distance));
    let not_made = leaves
        .not_made
        .map(|distance| ("next_merge_distance", distance));
    made.into_iter().chain(not_made).collect()
}

/// How distances of rows are taken.
#[derive(Debug, Clone, Copy)]
struct Measure {
    metric: Metric,
    l1: bool,
}

impl Measure {
    /// The distance of two rows in the units of the rows kept.
    fn between(self, points: &Points<'_>, a: usize, b: usize) -> f32 {
        match self.metric {
            _ if self.l1 => l1_distance(points.row(a), points.row(b)),
            Metric::Euclidean => points.squared(a, b).sqrt(),
            Metric::Cosine => points.squared(a, b) / 2.0,
        }
    }

    /// What brings such a distance to the units of the data.
    fn unit(self, points: &Points<'_>) -> f64 {
        match self.metric {
            Metric::Euclidean => (points.squared_from_working(1.0) * points.squared_scale()).sqrt(),
            Metric::Cosine => 1.0,
        }
    }
}

/// The sum of the differences: partial sums in a fixed order, so that vectors do not change the bits.
fn l1_distance(a: &[f32], b: &[f32]) -> f32 {
    const SUMS: usize = 16;
    let mut sums = [0.0_f32; SUMS];
    let (mut a, mut b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    for (x, y) in a.by_ref().zip(b.by_ref()) {
        for lane in 0..SUMS {
            sums[lane] += (x[lane] - y[lane]).abs();
        }
    }
    for ((sum, x), y) in sums.iter_mut().zip(a.remainder()).zip(b.remainder()) {
        *sum += (x - y).abs();
    }
    sums.iter().sum()
}

/// The rows that differ, in row order, how often each is there, and the merges of those that do not.
struct Different {
    rows: Vec<u32>,
    sizes: Vec<u32>,
    merges: Vec<Merge>,
}

impl Different {
    fn of(points: &Points<'_>) -> Different {
        let mut different = Different {
            rows: Vec::new(),
            sizes: Vec::new(),
            merges: Vec::new(),
        };
        // Rows are told apart by a digest first; the rows themselves are compared only where digests are equal.
        let mut slots_of_digest: HashMap<u64, Vec<usize>> = HashMap::with_capacity(points.len());
        for row in 0..points.len() {
            let slots = slots_of_digest.entry(digest(points.row(row))).or_default();
            let equal = slots
                .iter()
                .copied()
                .find(|&slot| points.row(different.rows[slot] as usize) == points.row(row));
            match equal {
                Some(slot) => {
                    different.sizes[slot] += 1;
                    different.merges.push(Merge {
                        a: different.rows[slot],
                        b: row as u32,
                        distance: 0.0,
                    });
                }
                None => {
                    slots.push(different.rows.len());
                    different.rows.push(row as u32);
                    different.sizes.push(1);
                }
            }
        }
        different
    }

    /// All merges: those of equal rows, then those of slots, whose distances `in_data_units` brings home.
    fn with(mut self, found: Vec<Merge>, in_data_units: impl Fn(f64) -> f64) -> Vec<Merge> {
        self.merges.extend(found.into_iter().map(|merge| Merge {
            a: self.rows[merge.a as usize],
            b: self.rows[merge.b as usize],
            distance: in_data_units(merge.distance),
        }));
        self.merges
    }
}

/// A number that equal rows share (-0 is equal to 0): FNV over the coordinates' bits.
fn digest(row: &[f32]) -> u64 {
    row.iter().fold(0xCBF2_9CE4_8422_2325, |sum, x| {
        (sum ^ u64::from((x + 0.0).to_bits())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn ward(isa: Isa, points: &Points<'_>, context: &Context) -> Result<Vec<Merge>, Error> {
    let different = Different::of(points);
    let first = if different.merges.is_empty() {
        nearest_rows(isa, points, context)?
    } else {
        vec![None; different.rows.len()]
    };
    let mut clusters = Centroids::new(isa, points, &different.rows, different.sizes.clone());
    let found = merge_all(&mut clusters, first, context)?;
    Ok(different.with(found, |added| points.squared_from_working(added).sqrt()))
}

/// The nearest rows of each row, where the nearest is among them for sure.
fn nearest_rows(
    isa: Isa,
    points: &Points<'_>,
    context: &Context,
) -> Result<Vec<Option<Found>>, Error> {
    let found = knn_squared(isa, points, LISTED, context)?;
    let rows = found.indices.outer_iter().zip(found.distances.outer_iter());
    let found = rows.enumerate().map(|(row, (indices, squared))| {
        let mut few = Few::new(row as u32);
        for (&slot, &squared) in indices.iter().zip(squared) {
            few.offer(Nearest {
                distance: (f64::from(squared) * points.squared_scale()) as f32,
                slot,
            });
        }
        let mut found = few.found()?;
        // Rows not listed are no nearer than the last; as near as the nearest they must not be.
        if indices.len() + 1 < points.len() {
            let last = squared.last().map_or(0.0, |last| f64::from(*last));
            found.beyond = found.beyond.min((last * points.squared_scale()) as f32);
        }
        Some(found).filter(|found| found.near.distance < found.beyond)
    });
    Ok(found.collect())
}

fn by_table(
    points: &Points<'_>,
    measure: Measure,
    linkage: Linkage,
    context: &Context,
) -> Result<Vec<Merge>, Error> {
    let different = Different::of(points);
    let n = different.rows.len();
    let needed = table::bytes(n);
    if let Some(free) = available()
        && needed > free
    {
        let fit = ((free / 2) as f64).sqrt() as u64;
        return Err(Error::Input(format!(
            "this linkage of {n} different rows needs {} for the distances of all pairs, but {} are free, enough for {fit} rows; the linkages ward and single need no such table",
            size(u128::from(needed)),
            size(u128::from(free))
        )));
    }
    let step = context.step("measure all pairs", n as u64);
    let distance = |a: usize, b: usize| {
        measure.between(
            points,
            different.rows[a] as usize,
            different.rows[b] as usize,
        )
    };
    let mut clusters = Table::new(linkage, different.sizes.clone(), distance, &step)?;
    drop(step);
    let first = clusters.all_nearest();
    let found = merge_all(&mut clusters, first, context)?;
    let unit = measure.unit(points);
    Ok(different.with(found, |distance| distance * unit))
}

fn single(
    isa: Isa,
    points: &Points<'_>,
    measure: Measure,
    context: &Context,
) -> Result<Vec<Merge>, Error> {
    if measure.l1 {
        let distance = |a: usize, b: usize| measure.between(points, a, b);
        let mut edges = spanning::tree(points.len(), distance, context)?;
        let unit = measure.unit(points);
        for edge in &mut edges {
            edge.distance *= unit;
        }
        return Ok(edges);
    }
    let edges = hdbscan::single_linkage(isa, points, context)?;
    let mut merges: Vec<Merge> = edges
        .into_iter()
        .map(|(distance, a, b)| Merge {
            a,
            b,
            distance: f64::from(distance),
        })
        .collect();
    merges.sort_unstable_by_key(|merge| (merge.a, merge.b));
    Ok(merges)
}

#[cfg(test)]
mod tests;
