//! k-means as scikit-learn defines it, as blocked matrix products.
//!
//! Greedy k-means++ start, Lloyd's rounds on rows minus their mean, a last assignment so that labels fit the centres
//! returned. Labels are decided by exact f32 distances (products only propose), sums are f64 in a fixed order: the
//! same seed gives the same bits on every machine and for any number of threads.

mod abreast;
mod assign;
mod centers;
mod compare;
mod draws;
mod grouped;
pub(super) mod halves;
mod lloyd;
mod look;
mod means;
mod pool;
mod rows;
mod scan;
mod seeding;
mod sift;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{Clusterer, Clustering};
use crate::context::{Cancelled, Context};
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa};
use crate::neighbors::{Metric, Points};
use crate::pool::within;
use draws::Draws;
use rows::Rows;

/// Up to so many rows, starts run side by side.
const FEW: usize = 16_384;
/// So many of them, to bound what they keep.
const AT_ONCE: usize = 16;

params! {
    /// What k-means needs to know.
    pub struct Params {
        /// How many clusters to make.
        n_clusters: usize = Default::Int(8), Kind::Int { lo: 1, hi: 1_000_000 }, unit "clusters";
        /// How the first centres are chosen: far apart by greedy k-means++, or rows at random.
        init: String = Default::Text("k-means++"), Kind::Choice(&["k-means++", "random"]);
        /// How many starts to try; the one with the least inertia wins. None tries 1 with k-means++ and 10 with random rows.
        n_init: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 10_000 }), unit "starts";
        /// The most rounds a start may take.
        max_iter: usize = Default::Int(300), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// Rounds end when all centres together move by at most this share of the features' mean variance (squared).
        tol: f64 = Default::Float(1e-4), Kind::Float { lo: 0.0, hi: f64::MAX };
    }
}

static SIGNATURE: Signature = Signature {
    name: "kmeans",
    summary: "Groups rows around a given number of centres so that squared distances to them are small.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="kmeans", features="embedding", n_clusters=20, run="k20")"#,
        shows: "Makes 20 clusters of the vectors in `embedding` and keeps them as the run `k20`.",
    }],
    returns: Returns::Run,
};

/// k-means. Source: scikit-learn's `KMeans`; start by Arthur and Vassilvitskii (2007), greedy as there.
#[derive(Debug)]
pub struct KMeans;

/// The one [`KMeans`].
pub static KMEANS: KMeans = KMeans;

impl Clusterer for KMeans {
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
        let record = params.record();
        let (start, default_starts) = match params.init.as_str() {
            "random" => (Start::Random, 10),
            _ => (Start::KMeansPlusPlus, 1),
        };
        let options = Options {
            n_clusters: params.n_clusters,
            start,
            n_init: params.n_init.unwrap_or(default_starts),
            max_iter: params.max_iter,
            tol: params.tol,
        };
        let fit = kmeans(x, &options, context)?;
        let clustering = Clustering {
            labels: fit
                .labels
                .iter()
                .map(|&label| label.cast_signed())
                .collect(),
            centers: Some(fit.centers),
            scores: vec![
                ("inertia", fit.inertia),
                ("iterations", fit.iterations as f64),
            ],
            params: record,
            ..Clustering::default()
        };
        let clustering = clustering.by_size();
        let found = clustering.len();
        if found < options.n_clusters {
            context.notes.remark(format!(
                "k-means found {} instead of {}: there {}",
                counted(found, "cluster"),
                options.n_clusters,
                only_so_many(found)
            ));
        }
        Ok(clustering)
    }
}

/// Where the rounds begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// Greedy k-means++ with `2 + ln k` candidates a step.
    KMeansPlusPlus,
    /// Different rows at random.
    Random,
    /// These centres, one a row.
    Centers(Array2<f32>),
}

/// That the rows' number of different values is the limit.
pub(super) fn only_so_many(found: usize) -> String {
    let verb = if found == 1 { "is" } else { "are" };
    format!("{verb} only {}", counted(found, "different row"))
}

/// What [`kmeans`] needs to know; the names are scikit-learn's.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many clusters to make, 1 to the number of rows.
    pub n_clusters: usize,
    /// Where the rounds begin.
    pub start: Start,
    /// How many starts to try, at least 1; one is enough for given centres.
    pub n_init: usize,
    /// The most rounds a start may take, at least 1.
    pub max_iter: usize,
    /// Share of the features' mean variance below which the squared movement of all centres ends the rounds.
    pub tol: f64,
}

/// What [`kmeans`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The nearest centre of each row, the lower index of equals.
    pub labels: Vec<u32>,
    /// The centres, `n_clusters x d`.
    pub centers: Array2<f32>,
    /// The sum of squared distances of the rows to their centres.
    pub inertia: f64,
    /// Rounds of the start that won.
    pub iterations: usize,
}

/// Groups the rows of `x` (`n x d`, finite) around `n_clusters` centres. The same bits for any number of threads.
/// O(n k d) a round at most; bounds let most rows skip most rounds.
///
/// # Errors
/// Fewer rows than clusters, centres that do not fit, a row that is not finite, or [`Error::Cancelled`].
pub fn kmeans(x: ArrayView2<'_, f32>, options: &Options, context: &Context) -> Result<Fit, Error> {
    let (isa, dims) = (isa(), x.ncols());
    let isa = if lloyd::few(isa, dims, options.n_clusters) {
        // Rows abreast are read as they are.
        isa.for_dims(1)
    } else {
        isa.for_dims(dims)
    };
    within(|| kmeans_on(isa, x, options, context))
}

fn kmeans_on(
    isa: Isa,
    x: ArrayView2<'_, f32>,
    options: &Options,
    context: &Context,
) -> Result<Fit, Error> {
    let (n, d) = x.dim();
    let k = options.n_clusters;
    if k > n || k == 0 {
        return Err(Error::Input(format!(
            "k-means cannot make {k} clusters of {n} rows; n_clusters must be from 1 to the number of rows"
        )));
    }
    if let Start::Centers(centers) = &options.start
        && (centers.dim() != (k, d) || centers.iter().any(|c| !c.is_finite()))
    {
        let (rows, columns) = centers.dim();
        return Err(Error::Input(format!(
            "the {rows} x {columns} centres given cannot start {k} clusters of {d} dimensions; they must be {k} x {d} finite numbers"
        )));
    }
    let points = Points::new(x, Metric::Euclidean)?;
    let rows = Rows::new(isa, &points);
    let tol = options.tol * means::mean_variance(&rows.norms, rows.dims());
    let starts = if matches!(options.start, Start::Centers(_)) {
        1
    } else {
        options.n_init.max(1)
    };
    let run = |start: usize| {
        let draws = Draws::new(context.seed, start as u64);
        let known = |centers| lloyd::Start {
            centers,
            nearest: None,
        };
        let start = match &options.start {
            Start::KMeansPlusPlus => seeding::plus_plus(&rows, k, draws, context)?,
            Start::Random => known(seeding::random_rows(&rows, k, draws)),
            Start::Centers(centers) => known(points.to_working(centers.view())),
        };
        lloyd::rounds(&rows, start, options.max_iter, tol, context)
    };
    // Few rows are no work for many threads, but several starts are.
    let at_once = if n <= FEW { AT_ONCE } else { 1 };
    let mut best: Option<lloyd::Outcome> = None;
    for first in (0..starts).step_by(at_once) {
        let outcomes: Vec<lloyd::Outcome> = (first..(first + at_once).min(starts))
            .into_par_iter()
            .map(run)
            .collect::<Result<_, Cancelled>>()?;
        for outcome in outcomes {
            if best
                .as_ref()
                .is_none_or(|best| outcome.inertia < best.inertia)
            {
                best = Some(outcome);
            }
        }
    }
    let Some(best) = best else {
        return Err(Error::Input("k-means needs at least one start".into()));
    };
    Ok(Fit {
        labels: best.labels,
        centers: points.in_data_units(&best.centers, d),
        inertia: points.squared_from_working(best.inertia),
        iterations: best.iterations,
    })
}

#[cfg(test)]
mod parts_tests;
#[cfg(test)]
mod tests;
