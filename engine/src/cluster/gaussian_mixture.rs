//! Gaussian mixture by expectation and maximisation, for four shapes of covariance.
//!
//! Responsibilities below 2^-40 are left out, so that estimating costs what rows and their likely components cost, not
//! rows times components. Densities are squared lengths of whitened differences: f32 where the covariance's condition
//! allows, f64 where it does not. Covariances and sums are f64, in blocks whose order the data fixes.

mod estimate;
mod expect;
mod factor;
mod linfa;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2};

use super::kmeans::{self, kmeans};
use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::neighbors::{Metric, Points};
use crate::pool::within;
use crate::random;
use estimate::{Estimated, Fixed, estimate};
use expect::{Entry, Expected, expect};

/// The stream of the starts' seeds.
const STARTS: u64 = 0x5374_6172;

params! {
    /// What a Gaussian mixture needs to know.
    pub struct Params {
        /// How many Gaussians to mix.
        n_components: usize = Default::Int(1), Kind::Int { lo: 1, hi: 100_000 }, unit "clusters";
        /// The shape of each Gaussian: `full` for any ellipsoid, `tied` for one ellipsoid that all share, `diag` for axes along the coordinates, `spherical` for balls.
        covariance_type: String = Default::Text("full"), Kind::Choice(Shape::WORDS);
        /// Rounds end when the mean log-likelihood of a row changes by less than this.
        tol: f64 = Default::Float(1e-3), Kind::Float { lo: 0.0, hi: 1e300 };
        /// What is added to every variance so that no Gaussian collapses.
        reg_covar: f64 = Default::Float(1e-6), Kind::Float { lo: 0.0, hi: 1e300 };
        /// The most rounds a start may take.
        max_iter: usize = Default::Int(100), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// Where the rounds begin: at the clusters of k-means, or at a mixture that linfa-clustering fitted, which may lead elsewhere; it is slower and meant for tens of dimensions.
        init_params: String = Default::Text("kmeans"), Kind::Choice(&["kmeans", "linfa"]);
        /// How many starts, each of its own, to try; the likeliest wins.
        n_init: usize = Default::Int(1), Kind::Int { lo: 1, hi: 10_000 }, unit "starts";
    }
}

static SIGNATURE: Signature = Signature {
    name: "gaussian_mixture",
    summary: "Fits a mixture of Gaussians, each with a size and direction of its own, and says how sure it is.",
    params: Params::TABLE,
    examples: &[
        Example {
            query: r#"cluster(method="gaussian_mixture", features="p10", n_components=12, run="gmm")"#,
            shows: "Makes 12 soft clusters of the points in `p10` and keeps them as the run `gmm`.",
        },
        Example {
            query: r#"cluster(method="gaussian_mixture", features="embedding", n_components=12, covariance_type="diag", run="gmd")"#,
            shows: "Does it on whole vectors, where full covariances would need many more rows.",
        },
    ],
    returns: Returns::Run,
};

/// The method `gaussian_mixture`. Source: scikit-learn's `GaussianMixture`, started from k-means.
///
/// With `full` and `tied` O(n k d²) and O(n d²) a round and O(d²) memory a covariance: meant for tens of dimensions, after
/// a reduction. With `diag` and `spherical` O(n k d).
#[derive(Debug)]
pub struct GaussianMixture;

impl Clusterer for GaussianMixture {
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
        let options = Options {
            n_components: params.n_components,
            shape: Shape::named(&params.covariance_type),
            start: match params.init_params.as_str() {
                "linfa" => Start::Linfa,
                _ => Start::KMeans,
            },
            tol: params.tol,
            reg_covar: params.reg_covar,
            max_iter: params.max_iter,
            n_init: params.n_init,
        };
        let fit = mixture(x, &options, context)?;
        if !fit.converged {
            context.notes.remark(format!(
                "the mixture did not settle within {} rounds; it is the one reached, raise max_iter or tol (now {})",
                params.max_iter, params.tol
            ));
        }
        let clustering = Clustering {
            labels: fit.labels.iter().map(|label| label.cast_signed()).collect(),
            probabilities: Some(fit.probabilities),
            centers: Some(fit.means),
            scores: vec![
                ("log_likelihood", fit.log_likelihood),
                ("lower_bound", fit.lower_bound),
                ("aic", fit.aic),
                ("bic", fit.bic),
                ("iterations", fit.iterations as f64),
            ],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size();
        let (k, found) = (params.n_components, clustering.len());
        if found < k {
            context.notes.remark(format!(
                "{} of the {k} Gaussians are the likeliest for no row; {found} clusters are left",
                k - found
            ));
        }
        Ok(clustering)
    }
}

/// What is free in a Gaussian's covariance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A matrix for each.
    Full,
    /// One matrix for all.
    Tied,
    /// A variance a coordinate for each.
    Diag,
    /// One variance for each.
    Spherical,
}

impl Shape {
    /// The words a parameter may have.
    pub const WORDS: &'static [&'static str] = &["full", "tied", "diag", "spherical"];

    /// The shape called `word`.
    pub fn named(word: &str) -> Shape {
        match word {
            "tied" => Shape::Tied,
            "diag" => Shape::Diag,
            "spherical" => Shape::Spherical,
            _ => Shape::Full,
        }
    }

    /// The free numbers of `k` covariances in `d` dimensions.
    fn free(self, k: f64, d: f64) -> f64 {
        match self {
            Shape::Full => k * d * (d + 1.0) / 2.0,
            Shape::Tied => d * (d + 1.0) / 2.0,
            Shape::Diag => k * d,
            Shape::Spherical => k,
        }
    }
}

/// Where the rounds begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The clusters of k-means.
    KMeans,
    /// The components of a full mixture by linfa-clustering.
    Linfa,
    /// These components, one a row.
    Labels(Vec<u32>),
}

/// What [`mixture`] needs to know; the names are scikit-learn's where it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many Gaussians to mix, 1 to the number of rows.
    pub n_components: usize,
    /// The shape of their covariances.
    pub shape: Shape,
    /// Where the rounds begin.
    pub start: Start,
    /// Rounds end when the mean log-likelihood changes by less.
    pub tol: f64,
    /// What is added to every variance, in squared units of the data.
    pub reg_covar: f64,
    /// The most rounds a start may take, at least 1.
    pub max_iter: usize,
    /// How many starts to try; one is enough for given labels.
    pub n_init: usize,
}

/// What [`mixture`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The likeliest component of each row.
    pub labels: Vec<u32>,
    /// How likely that component is, given the row.
    pub probabilities: Vec<f32>,
    /// The components' means, `n_components x d`.
    pub means: Array2<f32>,
    /// The components' shares; they sum to 1.
    pub weights: Vec<f64>,
    /// The mean over rows of the logarithm of the density.
    pub log_likelihood: f64,
    /// The same before the last estimate, which the rounds went by.
    pub lower_bound: f64,
    /// Akaike's information criterion; smaller is better.
    pub aic: f64,
    /// The Bayesian information criterion; smaller is better.
    pub bic: f64,
    /// Rounds of the start that won.
    pub iterations: usize,
    /// Whether its rounds ended by `tol`.
    pub converged: bool,
}

/// Fits a mixture of Gaussians to the rows of `x` (`n x d`, finite). The same bits for any number of threads.
///
/// # Errors
/// Fewer rows than components, a start that does not fit, a row that is not finite, a Gaussian that collapses, or
/// [`Error::Cancelled`].
pub fn mixture(x: ArrayView2<'_, f32>, options: &Options, context: &Context) -> Result<Fit, Error> {
    within(|| fit(x, options, context))
}

fn fit(x: ArrayView2<'_, f32>, options: &Options, context: &Context) -> Result<Fit, Error> {
    let (n, k) = (x.nrows(), options.n_components);
    if k > n || k == 0 {
        return Err(Error::Input(format!(
            "a mixture of {k} Gaussians needs at least {} rows, but there are {n}",
            k.max(1)
        )));
    }
    if let Start::Labels(labels) = &options.start
        && (labels.len() != n || labels.iter().any(|&label| label as usize >= k))
    {
        return Err(Error::Input(format!(
            "{} labels cannot start {k} Gaussians on {n} rows; there must be one a row, below {k}",
            labels.len()
        )));
    }
    let points = Points::new(x, Metric::Euclidean)?;
    let starts = match options.start {
        Start::KMeans | Start::Linfa => options.n_init.max(1),
        Start::Labels(_) => 1,
    };
    let fixed = Fixed::new(&points, options.shape, &context.step("fit mixture", 0))?;
    let mut best: Option<Rounds> = None;
    let mut failure = None;
    for start in 0..starts {
        let seed = random::bits(context.seed, STARTS, start as u64);
        let labels = match &options.start {
            Start::Labels(labels) => labels.clone(),
            Start::Linfa => {
                context.stop.check()?;
                match linfa::labels(x, options, seed) {
                    Ok(labels) => labels,
                    Err(problem) => {
                        failure = Some(problem);
                        continue;
                    }
                }
            }
            Start::KMeans => {
                let options = kmeans::Options {
                    n_clusters: k,
                    start: kmeans::Start::KMeansPlusPlus,
                    n_init: 1,
                    max_iter: 300,
                    tol: 1e-4,
                };
                kmeans(x, &options, &context.with_seed(seed))?.labels
            }
        };
        match rounds(&points, &fixed, labels, options, context) {
            Ok(found) => {
                if best
                    .as_ref()
                    .is_none_or(|best| found.lower_bound > best.lower_bound)
                {
                    best = Some(found);
                }
            }
            Err(Error::Input(problem)) => failure = Some(Error::Input(problem)),
            Err(other) => return Err(other),
        }
    }
    let Some(best) = best else {
        return Err(failure.unwrap_or_else(|| Error::Input("no start was tried".to_owned())));
    };
    let step = context.step("read mixture", n as u64);
    let read = expect(&points, &best.model, &best.owners, &step)?;
    // Densities are those of the rows in working units; each coordinate's scale is a factor.
    let shift = -0.5 * x.ncols() as f64 * points.squared_from_working(1.0).ln();
    let (rows, d) = (n as f64, x.ncols() as f64);
    let log_likelihood = read.mean + shift;
    let free = options.shape.free(k as f64, d) + k as f64 * d + k as f64 - 1.0;
    let means: Vec<f32> = best.model.means.iter().map(|&v| v as f32).collect();
    Ok(Fit {
        labels: read.posteriors.iter().map(|row| row.component).collect(),
        probabilities: read.posteriors.iter().map(|row| row.probability).collect(),
        means: points.in_data_units(&means, x.ncols()),
        weights: best.model.weights,
        log_likelihood,
        lower_bound: best.lower_bound + shift,
        aic: 2.0 * free - 2.0 * log_likelihood * rows,
        bic: rows.ln() * free - 2.0 * log_likelihood * rows,
        iterations: best.iterations,
        converged: best.converged,
    })
}

/// Where the rounds of a start ended.
struct Rounds {
    model: Estimated,
    /// The likeliest component of each row before the last estimate.
    owners: Vec<u32>,
    lower_bound: f64,
    iterations: usize,
    converged: bool,
}

fn rounds(
    points: &Points<'_>,
    fixed: &Fixed,
    labels: Vec<u32>,
    options: &Options,
    context: &Context,
) -> Result<Rounds, Error> {
    let n = points.len() as u64;
    let step = context.step("fit mixture", n * (options.max_iter as u64 + 1));
    let start: Vec<Entry> = labels
        .iter()
        .enumerate()
        .map(|(row, &component)| Entry {
            row: row as u32,
            component,
            share: 1.0,
        })
        .collect();
    let mut found = Rounds {
        model: estimate(points, fixed, &[start], None, options, &step)?,
        owners: labels,
        lower_bound: f64::NEG_INFINITY,
        iterations: 0,
        converged: false,
    };
    while found.iterations < options.max_iter && !found.converged {
        found.iterations += 1;
        let Expected {
            mean,
            entries,
            posteriors,
        } = expect(points, &found.model, &found.owners, &step)?;
        found.model = estimate(points, fixed, &entries, Some(&found.model), options, &step)?;
        found.owners = posteriors.iter().map(|row| row.component).collect();
        found.converged = (mean - found.lower_bound).abs() < options.tol;
        found.lower_bound = mean;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
