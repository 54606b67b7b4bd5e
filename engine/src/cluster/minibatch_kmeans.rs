//! Mini-batch k-means: centres follow small random samples, so that one look at all rows is enough at the end.
//!
//! Rounds, weights, reassignment and the signs of convergence are scikit-learn's. A batch is drawn by a counter and its
//! sums are added in the order drawn, so the same seed gives the same bits for any number of threads.

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::kmeans::{Options, Start, kmeans};
use super::nearest::{Found, Targets, gather};
use super::{Clusterer, Clustering};
use crate::context::{Context, Step};
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa, squared_distance};
use crate::neighbors::{Metric, Points};
use crate::random;

/// Rows whose distances are added before the sums are added.
const ROWS: usize = 1024;
/// Streams of random numbers: the rows that starts are made of, those that starts are compared on, the batches, and the
/// rows that become centres again.
const STARTS: u64 = 0x5374_6172;
const TRIALS: u64 = 0x5472_6961;
const BATCHES: u64 = 0x4261_7463;
const AGAIN: u64 = 0x4167_6169;

params! {
    /// What mini-batch k-means needs to know.
    pub struct Params {
        /// How many clusters to make.
        n_clusters: usize = Default::Int(8), Kind::Int { lo: 1, hi: 1_000_000 }, unit "clusters";
        /// How the first centres are chosen: far apart by greedy k-means++, or rows at random.
        init: String = Default::Text("k-means++"), Kind::Choice(&["k-means++", "random"]);
        /// The most times that as many rows are drawn as there are.
        max_iter: usize = Default::Int(100), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// How many rows are drawn at a time. It is cut to the number of rows.
        batch_size: usize = Default::Int(1024), Kind::Int { lo: 1, hi: 1_000_000_000 }, unit "rows";
        /// Batches end when all centres together move by at most this share of the features' mean variance (squared). 0 leaves it to max_no_improvement.
        tol: f64 = Default::Float(0.0), Kind::Float { lo: 0.0, hi: f64::MAX };
        /// Batches end when the smoothed inertia has not improved for so many. None never ends for that.
        max_no_improvement: Option<usize> = Default::Int(10), Kind::Optional(&Kind::Int { lo: 0, hi: 1_000_000 }), unit "batches";
        /// How many random rows a start is made of. None takes 3 batches, at least 3 rows a cluster.
        init_size: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 1_000_000_000 }), unit "rows";
        /// How many starts to try before the batches; the best on a sample goes on. None tries 1 with k-means++ and 3 with random rows.
        n_init: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 10_000 }), unit "starts";
        /// A centre that has met less than this share of the rows that the busiest has met is put on a random row now and then. 0 never does.
        reassignment_ratio: f64 = Default::Float(0.01), Kind::Float { lo: 0.0, hi: 1.0 };
    }
}

static SIGNATURE: Signature = Signature {
    name: "minibatch_kmeans",
    summary: "Groups rows around a given number of centres that learn from small random samples.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="minibatch_kmeans", features="embedding", n_clusters=100, run="m100")"#,
        shows: "Makes 100 clusters of the vectors in `embedding` without many passes over them.",
    }],
    returns: Returns::Run,
};

/// The method `minibatch_kmeans`. Source: scikit-learn's `MiniBatchKMeans`; Sculley (2010).
#[derive(Debug)]
pub struct MiniBatchKMeans;

impl Clusterer for MiniBatchKMeans {
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
        let (n, k) = (x.nrows(), params.n_clusters);
        if k > n {
            return Err(Error::Input(format!(
                "mini-batch k-means cannot make {k} clusters of {n} rows; n_clusters must be from 1 to the number of rows"
            )));
        }
        let isa = isa().for_dims(x.ncols());
        let points = Points::new(x, Metric::Euclidean)?;
        let data = Data {
            isa,
            measured: points.measure(isa),
            points,
        };
        let start = first_centers(x, &data, &params, context)?;
        let step = context.step("learn from batches", 0);
        let (centers, batches) = learn(&data, start, &params, context.seed, &step)?;
        drop(step);
        let step = context.step("assign", n as u64);
        let targets = Targets::new(isa, centers, data.points.dims());
        let found = targets.nearest(&data.points, &data.measured, n, |at| at, &step)?;
        let batch = params.batch_size.min(n);
        let clustering = Clustering {
            labels: found.iter().map(|row| row.center.cast_signed()).collect(),
            centers: Some(data.points.in_data_units(targets.rows(), x.ncols())),
            scores: vec![
                ("inertia", data.points.squared_from_working(total(&found))),
                ("batches", batches as f64),
                ("iterations", (batches * batch).div_ceil(n) as f64),
            ],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size();
        let left = clustering.len();
        if left < k {
            context.notes.remark(format!(
                "{} of the {k} centres are the nearest of no row; {left} clusters are left",
                k - left
            ));
        }
        Ok(clustering)
    }
}

struct Data<'a> {
    isa: Isa,
    points: Points<'a>,
    measured: (Vec<f32>, f32),
}

fn total(found: &[Found]) -> f64 {
    let part = |rows: &[Found]| rows.iter().map(|row| f64::from(row.squared)).sum::<f64>();
    found.chunks(ROWS).map(part).sum()
}

/// A number below `below`.
fn draw(seed: u64, stream: u64, index: u64, below: usize) -> usize {
    ((u128::from(random::bits(seed, stream, index)) * below as u128) >> 64) as usize
}

/// The best of the starts, in working units.
fn first_centers(
    x: ArrayView2<'_, f32>,
    data: &Data<'_>,
    params: &Params,
    context: &Context,
) -> Result<Vec<f32>, Error> {
    let (n, k) = (x.nrows(), params.n_clusters);
    let mut size = params
        .init_size
        .unwrap_or(params.batch_size.min(n).saturating_mul(3));
    if size < k {
        if params.init_size.is_some() {
            context.notes.remark(format!(
                "`init_size` is {size}, fewer than the {k} clusters; {} was used",
                (3 * k).min(n)
            ));
        }
        size = 3 * k;
    }
    let size = size.min(n);
    let (start, default_starts) = match params.init.as_str() {
        "random" => (Start::Random, 3),
        _ => (Start::KMeansPlusPlus, 1),
    };
    let options = Options {
        n_clusters: k,
        start,
        n_init: 1,
        max_iter: 1,
        tol: 0.0,
    };
    let starts = params.n_init.unwrap_or(default_starts);
    let step = context.step("choose a start", starts as u64);
    let mut best: Option<(f64, Vec<f32>)> = None;
    for start in 0..starts {
        step.tick(1)?;
        let seed = random::bits(context.seed, STARTS, start as u64);
        let fit = if size < n {
            let rows = different(seed, STARTS, n, size);
            kmeans(gather(x, &rows).view(), &options, &context.with_seed(seed))?
        } else {
            kmeans(x, &options, &context.with_seed(seed))?
        };
        let centers = data.points.to_working(fit.centers.view());
        if starts == 1 {
            return Ok(centers);
        }
        let targets = Targets::new(data.isa, centers, data.points.dims());
        let trial = |at| draw(context.seed, TRIALS, at as u64, n);
        let found = targets.nearest(&data.points, &data.measured, size, trial, &step)?;
        let inertia = total(&found);
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, targets.rows().to_vec()));
        }
    }
    Ok(best.map(|(_, centers)| centers).unwrap_or_default())
}

/// `count` different numbers below `n`, in random order.
fn different(seed: u64, stream: u64, n: usize, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    for at in 0..count {
        order.swap(at, at + draw(seed, stream, at as u64, n - at));
    }
    order.truncate(count);
    order
}

/// Learns from batches until a sign of convergence; the centres in working units, and how many batches it took.
fn learn(
    data: &Data<'_>,
    mut centers: Vec<f32>,
    params: &Params,
    seed: u64,
    step: &Step<'_>,
) -> Result<(Vec<f32>, usize), Error> {
    let (n, dims) = (data.points.len(), data.points.dims());
    let size = params.batch_size.min(n);
    let most = (params.max_iter.saturating_mul(n) / size).max(1);
    let variance = data
        .measured
        .0
        .iter()
        .map(|norm| f64::from(*norm))
        .sum::<f64>()
        / (n * dims) as f64;
    let mut signs = Signs {
        tol: params.tol * variance,
        patience: params.max_no_improvement,
        share: (size as f64 * 2.0 / (n as f64 + 1.0)).min(1.0),
        smoothed: None,
        least: f64::INFINITY,
        without: 0,
    };
    let mut weights = vec![0_usize; params.n_clusters];
    let mut since = 0;
    for batch in 0..most {
        let rows: Vec<u32> = (0..size)
            .map(|at| draw(seed, BATCHES, (batch * size + at) as u64, n) as u32)
            .collect();
        let targets = Targets::new(data.isa, centers, dims);
        let row_at = |at: usize| rows[at] as usize;
        let found = targets.nearest(&data.points, &data.measured, size, row_at, step)?;
        since += size;
        let again = weights.contains(&0) || since >= 10 * params.n_clusters;
        let mut next = targets.rows().to_vec();
        follow(data, &rows, &found, &mut weights, &mut next);
        if again {
            since = 0;
            let key = random::bits(seed, AGAIN, batch as u64);
            reassign(
                data,
                &rows,
                params.reassignment_ratio,
                key,
                &mut weights,
                &mut next,
            );
        }
        let moved = targets
            .rows()
            .chunks_exact(dims)
            .zip(next.chunks_exact(dims))
            .map(|(a, b)| f64::from(squared_distance(a, b)))
            .sum();
        centers = next;
        // The first batch only tells about the start.
        if batch > 0 && signs.settled(total(&found) / size as f64, moved) {
            return Ok((centers, batch + 1));
        }
    }
    Ok((centers, most))
}

/// When the batches may end.
struct Signs {
    tol: f64,
    patience: Option<usize>,
    share: f64,
    smoothed: Option<f64>,
    least: f64,
    without: usize,
}

impl Signs {
    fn settled(&mut self, inertia: f64, moved: f64) -> bool {
        let smoothed = match self.smoothed {
            None => inertia,
            Some(before) => before * (1.0 - self.share) + inertia * self.share,
        };
        self.smoothed = Some(smoothed);
        if self.tol > 0.0 && moved <= self.tol {
            return true;
        }
        if smoothed < self.least {
            self.least = smoothed;
            self.without = 0;
        } else {
            self.without += 1;
        }
        self.patience
            .is_some_and(|patience| self.without >= patience)
    }
}

/// Moves each centre to the mean of all rows it has met so far.
fn follow(
    data: &Data<'_>,
    rows: &[u32],
    found: &[Found],
    weights: &mut [usize],
    centers: &mut [f32],
) {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); weights.len()];
    for (&row, found) in rows.iter().zip(found) {
        members[found.center as usize].push(row);
    }
    let dims = data.points.dims();
    centers
        .par_chunks_exact_mut(dims)
        .zip(weights.par_iter_mut())
        .zip(&members)
        .filter(|(_, members)| !members.is_empty())
        .for_each(|((center, weight), members)| {
            let before = *weight as f64;
            let mut sums: Vec<f64> = center.iter().map(|&c| f64::from(c) * before).collect();
            for &row in members {
                data.points
                    .add_working_row(data.isa, row as usize, 1.0, &mut sums);
            }
            *weight += members.len();
            for (center, sum) in center.iter_mut().zip(sums) {
                *center = (sum / *weight as f64) as f32;
            }
        });
}

/// Puts centres that have met few rows on rows of the batch, at most half as many as the batch has.
fn reassign(
    data: &Data<'_>,
    rows: &[u32],
    ratio: f64,
    key: u64,
    weights: &mut [usize],
    centers: &mut [f32],
) {
    let most = weights.iter().copied().max().unwrap_or(0) as f64;
    let mut idle: Vec<usize> = (0..weights.len())
        .filter(|&c| (weights[c] as f64) < ratio * most)
        .collect();
    idle.sort_by_key(|&c| (weights[c], c));
    idle.truncate(rows.len() / 2);
    let least = (0..weights.len())
        .filter(|c| !idle.contains(c))
        .map(|c| weights[c])
        .min();
    let dims = data.points.dims();
    for (&center, at) in idle
        .iter()
        .zip(different(key, AGAIN, rows.len(), idle.len()))
    {
        let row = rows[at as usize] as usize;
        data.points
            .working_row(data.isa, row, &mut centers[center * dims..][..dims]);
        weights[center] = least.unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;
    use ndarray::Array2;

    use super::*;
    use crate::neighbors::tests::cloud;

    fn fit(x: &Array2<f32>, args: &[(&str, Arg)], context: &Context) -> Result<Clustering, Error> {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        MiniBatchKMeans.fit(x.view(), &args.collect(), context)
    }

    #[test]
    fn inertia_comes_near_that_of_all_rows() {
        let x = cloud(4000, 8, 2);
        let whole = Options {
            n_clusters: 12,
            start: Start::KMeansPlusPlus,
            n_init: 3,
            max_iter: 300,
            tol: 1e-4,
        };
        let whole = kmeans(x.view(), &whole, &Context::new(0)).unwrap().inertia;
        for (init, batch) in [("k-means++", 1024), ("random", 1024), ("k-means++", 100)] {
            let args = [
                ("n_clusters", Arg::Int(12)),
                ("init", Arg::Text(init.into())),
                ("batch_size", Arg::Int(batch)),
            ];
            let found = fit(&x, &args, &Context::new(5)).unwrap();
            let inertia = found.scores[0].1;
            assert!(inertia < 1.06 * whole, "{init} {batch}: {inertia} {whole}");
        }
    }

    #[test]
    fn idle_centres_are_put_on_rows_again() {
        // One busy place, and a start that can see nothing else: a second far place is found by reassignment only.
        let x = Array2::from_shape_fn((3000, 2), |(i, j)| {
            let far = if i % 300 == 299 { 500.0 } else { 0.0 };
            far + ((i * 7919 + j * 31) % 1009) as f32 / 1009.0
        });
        let args = |ratio| {
            [
                ("n_clusters", Arg::Int(20)),
                ("init", Arg::Text("random".into())),
                ("n_init", Arg::Int(1)),
                ("max_no_improvement", Arg::Null),
                ("max_iter", Arg::Int(20)),
                ("reassignment_ratio", Arg::Float(ratio)),
            ]
        };
        let with = fit(&x, &args(0.2), &Context::new(2)).unwrap();
        let clusters = with.len();
        assert!(clusters > 10, "{clusters}");
        let far = with.labels[299];
        assert!((0..3000).all(|i| (with.labels[i] == far) == (i % 300 == 299)));
    }

    #[test]
    fn a_tolerance_ends_the_batches_and_seeds_repeat() {
        let x = cloud(2500, 5, 1);
        let loose = [("tol", Arg::Float(1e6))];
        let found = fit(&x, &loose, &Context::new(0)).unwrap();
        assert_eq!(found.scores[1], ("batches", 2.0));
        let again = |seed| fit(&x, &[], &Context::new(seed)).unwrap();
        assert_eq!(again(4), again(4));
        assert_ne!(again(4).centers, again(5).centers);
    }

    #[test]
    fn a_small_start_is_widened_with_a_note() {
        let x = cloud(50, 3, 1);
        let context = Context::new(0);
        let found = fit(&x, &[("init_size", Arg::Int(2))], &context).unwrap();
        assert_eq!(found.len(), 8);
        assert!(
            context.notes.sorted()[0]
                .message
                .contains("`init_size` is 2")
        );
    }
}
