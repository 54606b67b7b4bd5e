//! Mean shift: every row climbs to the place where rows lie densest, and rows that reach one place are one cluster.
//!
//! All seeds climb together, as tiles of products; a seed that has arrived retires, and seeds that meet go on as one.
//! The kernel is flat, as scikit-learn's: a step leads to the mean of the rows within the bandwidth.

mod bandwidth;
mod climb;

use std::collections::HashMap;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::nearest::Targets;
use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::linalg::{isa, squared_distance};
use crate::neighbors::{Metric, Points};
use climb::{Ground, Peak};

/// A bandwidth of 0 becomes this share of the largest coordinate: only equal rows lie within it.
const LEAST_RADIUS: f64 = 1e-5;

params! {
    /// What mean shift needs to know.
    pub struct Params {
        /// How far around a place rows count. Smaller finds more clusters. None estimates it from the rows.
        bandwidth: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: f64::MIN_POSITIVE, hi: f64::MAX });
        /// The estimated bandwidth is the mean distance to the neighbour within which this share of the rows lies.
        quantile: f64 = Default::Float(0.3), Kind::Float { lo: 0.0, hi: 1.0 };
        /// How many random rows the bandwidth is estimated on. None takes all up to 10,000 and 10,000 beyond.
        n_samples: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 1_000_000 }), unit "rows";
        /// Whether to start from the cells of a grid as wide as the bandwidth, instead of from every row. Quicker in few dimensions.
        bin_seeding: bool = Default::Bool(false), Kind::Bool;
        /// The fewest rows of a cell that is started from.
        min_bin_freq: usize = Default::Int(1), Kind::Int { lo: 1, hi: i64::MAX }, unit "rows";
        /// Whether rows farther than the bandwidth from every centre belong to the nearest cluster; otherwise they are noise.
        cluster_all: bool = Default::Bool(true), Kind::Bool;
        /// The most steps a seed may take.
        max_iter: usize = Default::Int(300), Kind::Int { lo: 0, hi: 1_000_000 }, unit "steps";
    }
}

static SIGNATURE: Signature = Signature {
    name: "mean_shift",
    summary: "Groups rows that climb to the same dense place; the number of clusters follows from a distance.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="mean_shift", features="map", run="peaks")"#,
        shows: "Finds the dense places of the points in `map`.",
    }],
    returns: Returns::Run,
};

/// The method `mean_shift`. Source: scikit-learn's `MeanShift`; Comaniciu and Meer (2002). O(steps n² d).
#[derive(Debug)]
pub struct MeanShift;

impl Clusterer for MeanShift {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let params = Params::read(args).map_err(|bad| arguments(SIGNATURE.name, bad))?;
        let n = x.nrows();
        if n == 0 {
            return Err(Error::Input(
                "mean shift has no rows to start from; it needs at least 1".to_owned(),
            ));
        }
        let points = Points::new(x, Metric::Euclidean)?;
        let mut ground = Ground::new(&points);
        let unit = points.squared_from_working(1.0).sqrt();
        let radius = match params.bandwidth {
            Some(bandwidth) => bandwidth / unit,
            None => {
                let step = context.step("estimate bandwidth", n as u64);
                bandwidth::estimate(
                    &ground,
                    params.quantile,
                    params.n_samples,
                    context.seed,
                    &step,
                )?
            }
        };
        if radius == 0.0 {
            context.notes.remark(
                "the bandwidth estimated is 0, so only equal rows are one cluster; give `bandwidth` or a larger `quantile`",
            );
        }
        let radius = radius.clamp(LEAST_RADIUS, 1e6);
        ground.set_radius(radius);
        let seeds = match params.bin_seeding {
            true => grid(x, radius * unit, params.min_bin_freq),
            false => None,
        };
        let seeds = match seeds {
            Some(cells) => points.to_working(cells.view()),
            None => ground.rows().to_vec(),
        };
        let step = context.step("climb", 0);
        let (peaks, steps) = ground.climb(seeds, params.max_iter, &step)?;
        drop(step);
        if peaks.is_empty() {
            return Err(Error::Input(format!(
                "no row lies within the bandwidth {} of any cell's middle; use a larger bandwidth or bin_seeding=False",
                radius * unit
            )));
        }
        let centers = summits(peaks, ground.squared_radius());
        let isa = isa().for_dims(x.ncols());
        let step = context.step("assign", n as u64);
        let targets = Targets::new(isa, centers, points.dims());
        let measured = points.measure(isa);
        let found = targets.nearest(&points, &measured, n, |at| at, &step)?;
        let labels = found.iter().map(|row| {
            if params.cluster_all || row.squared <= ground.squared_radius() {
                row.center.cast_signed()
            } else {
                -1
            }
        });
        Ok(Clustering {
            labels: labels.collect(),
            centers: Some(points.in_data_units(targets.rows(), x.ncols())),
            scores: vec![("bandwidth", radius * unit), ("iterations", steps as f64)],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The middles of the grid's cells with at least `least` rows, in the order of their first rows. None where every row
/// has a cell of its own, so that the rows themselves are better seeds.
fn grid(x: ArrayView2<'_, f32>, side: f64, least: usize) -> Option<Array2<f32>> {
    let mut cells: Vec<(Vec<f64>, usize)> = Vec::new();
    let mut at: HashMap<Vec<u64>, usize> = HashMap::new();
    for row in x.rows() {
        // Adding 0 makes -0 equal to 0.
        let cell: Vec<f64> = row
            .iter()
            .map(|&v| (f64::from(v) / side).round_ties_even() + 0.0)
            .collect();
        let key = cell.iter().map(|v| v.to_bits()).collect();
        let index = *at.entry(key).or_insert(cells.len());
        if index == cells.len() {
            cells.push((cell, 0));
        }
        cells[index].1 += 1;
    }
    cells.retain(|(_, rows)| *rows >= least);
    if cells.len() == x.nrows() {
        return None;
    }
    Some(Array2::from_shape_fn(
        (cells.len(), x.ncols()),
        |(cell, j)| ((cells[cell].0[j] * side) as f32).clamp(f32::MIN, f32::MAX),
    ))
}

/// The peaks left when each takes away the lesser ones within the bandwidth, most rows first.
fn summits(peaks: Vec<Peak>, squared_radius: f32) -> Vec<f32> {
    // Of seeds that arrived at the same place the last one counts, as in the reference.
    let mut last: HashMap<Vec<u32>, Peak> = HashMap::new();
    for peak in peaks {
        let key = peak.place.iter().map(|v| v.to_bits()).collect();
        match last.get(&key) {
            Some(known) if known.seed > peak.seed => {}
            _ => drop(last.insert(key, peak)),
        }
    }
    let mut peaks: Vec<Peak> = last.into_values().collect();
    let by_place = |a: &Peak, b: &Peak| {
        let pairs = a.place.iter().zip(&b.place);
        pairs
            .map(|(a, b)| b.total_cmp(a))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    peaks.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| by_place(a, b)));
    let mut summits = Vec::new();
    while let Some(highest) = peaks.first() {
        let place = highest.place.clone();
        peaks = peaks
            .into_par_iter()
            .with_min_len(256)
            .filter(|peak| squared_distance(&peak.place, &place) > squared_radius)
            .collect();
        summits.extend(place);
    }
    summits
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;

    use super::*;
    use crate::neighbors::tests::cloud;

    fn fit(x: &Array2<f32>, args: &[(&str, Arg)], context: &Context) -> Result<Clustering, Error> {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        MeanShift.fit(x.view(), &args.collect(), context)
    }

    /// scikit-learn's loop, in f64 and one seed at a time: the peaks' places and rows.
    fn plain(x: &Array2<f32>, bandwidth: f64, max_iter: usize) -> Vec<(Vec<f64>, usize)> {
        let wide = x.mapv(f64::from);
        wide.rows()
            .into_iter()
            .map(|seed| {
                let mut at = seed.to_owned();
                let mut steps = 0;
                loop {
                    let near: Vec<usize> = (0..wide.nrows())
                        .filter(|&i| {
                            let gap = &wide.row(i) - &at;
                            gap.dot(&gap).sqrt() <= bandwidth
                        })
                        .collect();
                    let mean = wide
                        .select(ndarray::Axis(0), &near)
                        .mean_axis(ndarray::Axis(0))
                        .unwrap();
                    let gap = &mean - &at;
                    at = mean;
                    if gap.dot(&gap).sqrt() <= 1e-3 * bandwidth || steps == max_iter {
                        return (at.to_vec(), near.len());
                    }
                    steps += 1;
                }
            })
            .collect()
    }

    #[test]
    fn seeds_climb_as_one_by_one() {
        for (n, d, bandwidth) in [(300, 2, 1.1), (400, 20, 2.5), (150, 5, 0.4)] {
            let x = cloud(n, d, 9);
            let points = Points::new(x.view(), Metric::Euclidean).unwrap();
            let unit = points.squared_from_working(1.0).sqrt();
            let mut ground = Ground::new(&points);
            ground.set_radius(bandwidth / unit);
            let context = Context::new(0);
            let step = context.step("climb", 0);
            let (peaks, _) = ground.climb(ground.rows().to_vec(), 7, &step).unwrap();
            let expected = plain(&x, bandwidth, 7);
            for peak in &peaks {
                let place = points.in_data_units(&peak.place, d);
                let (mean, rows) = &expected[peak.seed as usize];
                assert_eq!(peak.rows as usize, *rows);
                for (a, b) in place.iter().zip(mean) {
                    assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn a_grid_starts_from_fewer_places_and_finds_the_same_peaks() {
        let noise = cloud(600, 2, 3);
        let x = Array2::from_shape_fn((600, 2), |(i, j)| {
            noise[(i, j)] * 0.2 + 9.0 * (i % 3) as f32
        });
        let args = |bins| {
            [
                ("bandwidth", Arg::Float(1.2)),
                ("bin_seeding", Arg::Bool(bins)),
            ]
        };
        let every = fit(&x, &args(false), &Context::new(0)).unwrap();
        let bins = fit(&x, &args(true), &Context::new(0)).unwrap();
        assert_eq!((every.len(), bins.len()), (3, 3));
        let cells = grid(x.view(), 1.2, 1).unwrap();
        assert!(cells.nrows() < 60);
        assert!(grid(x.view(), 1.2, 20).unwrap().nrows() < cells.nrows());
    }

    #[test]
    fn rows_far_from_every_centre_are_noise_if_asked() {
        let mut x = cloud(200, 2, 3);
        x.row_mut(50).fill(60.0);
        let args = |all| {
            [
                ("bandwidth", Arg::Float(3.0)),
                ("bin_seeding", Arg::Bool(true)),
                ("min_bin_freq", Arg::Int(2)),
                ("cluster_all", Arg::Bool(all)),
            ]
        };
        let some = fit(&x, &args(false), &Context::new(0)).unwrap();
        assert_eq!(some.labels[50], -1);
        let all = fit(&x, &args(true), &Context::new(0)).unwrap();
        assert!(all.labels[50] >= 0);
    }

    #[test]
    fn a_bandwidth_of_nothing_keeps_equal_rows_together_and_says_so() {
        let x = Array2::from_shape_fn((30, 3), |(i, j)| ((i % 5) * (j + 2)) as f32 * 0.3);
        let context = Context::new(0);
        let found = fit(&x, &[("quantile", Arg::Float(0.0))], &context).unwrap();
        assert_eq!(found.len(), 5);
        assert!(context.notes.sorted()[0].message.contains("is 0"));
    }
}
