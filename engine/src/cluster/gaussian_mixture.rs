//! Gaussian mixture by expectation and maximisation, fitted by linfa-clustering.
//!
//! linfa's densities are plain exponentials, so the rows are scaled to bring typical densities near 1, and what it
//! fitted is read through a log-sum-exp of our own. Its rounds cannot be interrupted: a stop is heard between starts.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_clustering::{GaussianMixtureModel, GmmError};
use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::Error;
use crate::finite::check_finite;

/// Rows of one task when densities are read.
const ROWS: usize = 512;
/// The deviation at which the log density of a row is 0 on average, whatever the number of dimensions.
const UNIT_DEVIATION: f64 = 0.241_970_724_519_143_37;

params! {
    /// What a Gaussian mixture needs to know.
    pub struct Params {
        /// How many Gaussians to mix.
        n_components: usize = Default::Int(1), Kind::Int { lo: 1, hi: 100_000 }, unit "clusters";
        /// The shape of each Gaussian: `full`, a covariance matrix of its own.
        covariance_type: String = Default::Text("full"), Kind::Choice(&["full"]);
        /// Rounds end when the mean log-likelihood of a row changes by less than this.
        tol: f64 = Default::Float(1e-3), Kind::Float { lo: 1e-300, hi: 1e300 };
        /// What is added to the diagonal of every covariance so that it stays invertible.
        reg_covar: f64 = Default::Float(1e-6), Kind::Float { lo: 0.0, hi: 1e300 };
        /// The most rounds a start may take.
        max_iter: usize = Default::Int(100), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// How many starts to try; the likeliest wins.
        n_init: usize = Default::Int(1), Kind::Int { lo: 1, hi: 10_000 }, unit "starts";
    }
}

static SIGNATURE: Signature = Signature {
    name: "gaussian_mixture",
    summary: "Fits a mixture of Gaussians, each with a size and direction of its own, and says how sure it is.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="gaussian_mixture", features="p10", n_components=12, run="gmm")"#,
        shows: "Makes 12 soft clusters of the points in `p10` and keeps them as the run `gmm`.",
    }],
    returns: Returns::Run,
};

/// The method `gaussian_mixture`. O(rounds k n d²) and O(k d²) memory: meant for tens of dimensions, after a reduction.
///
/// Names and defaults are scikit-learn's; a start that does not converge is an error here, not a warning.
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
        let params = Params::read(args).map_err(|bad| Error::Arguments {
            call: SIGNATURE.name.to_owned(),
            bad,
        })?;
        check_finite(x)?;
        let (n, k) = (x.nrows(), params.n_components);
        if n < k {
            return Err(Error::Input(format!(
                "a mixture of {k} Gaussians needs at least {k} rows, but there are {n}"
            )));
        }
        let (rows, scale) = prepare(x);
        let data = DatasetBase::from(rows);
        let step = context.step("fit mixture", params.n_init as u64);
        let mut best: Option<(f64, Vec<Posterior>, Mixture)> = None;
        let mut failure = None;
        for start in 0..params.n_init {
            step.tick(1)?;
            let seed = context.seed ^ (start as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let fitted =
                GaussianMixtureModel::params_with_rng(k, Xoshiro256Plus::seed_from_u64(seed))
                    .tolerance(params.tol)
                    .reg_covariance(params.reg_covar * scale * scale)
                    .max_n_iterations(params.max_iter as u64)
                    .check()
                    .and_then(|valid| valid.fit(&data));
            let read = fitted
                .map_err(|problem| explain(&problem, &params, x.ncols()))
                .and_then(|model| Mixture::of(&model, &params, x.ncols()));
            match read {
                Ok(mixture) => {
                    let posteriors = mixture.read(data.records().view());
                    let mean = posteriors.iter().map(|p| p.log_density).sum::<f64>() / n as f64;
                    if best.as_ref().is_none_or(|(most, ..)| mean > *most) {
                        best = Some((mean, posteriors, mixture));
                    }
                }
                Err(problem) => failure = Some(problem),
            }
        }
        context.stop.check()?;
        let Some((mean, posteriors, mixture)) = best else {
            return Err(failure.unwrap_or_else(|| Error::Input("no start was tried".to_owned())));
        };
        let shift = column_means(x);
        let mut centers = Array2::zeros((k, x.ncols()));
        for ((c, j), to) in centers.indexed_iter_mut() {
            *to = (mixture.means[(c, j)] / scale + shift[j]) as f32;
        }
        let clustering = Clustering {
            labels: posteriors.iter().map(|p| p.cluster as i32).collect(),
            probabilities: Some(posteriors.iter().map(|p| p.probability as f32).collect()),
            centers: Some(centers),
            // Back to the density of the rows as they were.
            scores: vec![("log_likelihood", mean + x.ncols() as f64 * scale.ln())],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size();
        let found = clustering.len();
        if found < k {
            context.notes.remark(format!(
                "{} of the {k} Gaussians are the likeliest for no row; {found} clusters are left",
                k - found
            ));
        }
        Ok(clustering)
    }
}

fn column_means(x: ArrayView2<'_, f32>) -> Vec<f64> {
    x.axis_iter(Axis(1))
        .map(|column| column.iter().map(|&v| f64::from(v)).sum::<f64>() / x.nrows() as f64)
        .collect()
}

/// The rows centred and scaled so that a typical density is near 1, and the factor.
fn prepare(x: ArrayView2<'_, f32>) -> (Array2<f64>, f64) {
    let mean = Array1::from(column_means(x));
    let mut rows = x.mapv(f64::from) - &mean;
    let square = rows.iter().map(|v| v * v).sum::<f64>() / rows.len().max(1) as f64;
    let scale = if square > 0.0 {
        UNIT_DEVIATION / square.sqrt()
    } else {
        1.0
    };
    rows *= scale;
    (rows, scale)
}

fn explain(problem: &GmmError, params: &Params, d: usize) -> Error {
    let k = params.n_components;
    Error::Input(match problem {
        GmmError::LinalgError(_) => format!(
            "a Gaussian collapsed onto too few different rows; use fewer components than {k}, a larger reg_covar than {}, or reduce the {d} dimensions first",
            params.reg_covar
        ),
        GmmError::EmptyCluster(_) => format!(
            "a Gaussian lost all its rows; use fewer components than {k}, or reduce the {d} dimensions first"
        ),
        GmmError::MinMaxError(_) | GmmError::LowerBoundError(_) => format!(
            "densities in {d} dimensions left the range of numbers; reduce the dimensions first, or use a larger reg_covar than {}",
            params.reg_covar
        ),
        GmmError::NotConverged(_) => format!(
            "the mixture did not settle within {} rounds; raise max_iter or tol (now {})",
            params.max_iter, params.tol
        ),
        other => format!("the mixture could not be fitted: {other}"),
    })
}

/// A fitted mixture, ready to be read.
struct Mixture {
    means: Array2<f64>,
    /// For each component: the log of its weight and of its density's constant, and the inverse of its Cholesky factor.
    parts: Vec<(f64, Array2<f64>)>,
}

/// What the mixture says of one row.
struct Posterior {
    cluster: usize,
    probability: f64,
    log_density: f64,
}

impl Mixture {
    fn of(model: &GaussianMixtureModel<f64>, params: &Params, d: usize) -> Result<Mixture, Error> {
        let normal = d as f64 * std::f64::consts::TAU.ln();
        let parts = model
            .covariances()
            .outer_iter()
            .zip(model.weights())
            .map(|(covariance, weight)| {
                let lower = cholesky(covariance).filter(|_| *weight > 0.0)?;
                let log_root: f64 = lower.diag().iter().map(|v| v.ln()).sum();
                Some((weight.ln() - 0.5 * normal - log_root, lower))
            })
            .collect::<Option<_>>();
        let parts =
            parts.ok_or_else(|| explain(&GmmError::LowerBoundError(String::new()), params, d))?;
        Ok(Mixture {
            means: model.means().clone(),
            parts,
        })
    }

    fn read(&self, x: ArrayView2<'_, f64>) -> Vec<Posterior> {
        let blocks: Vec<Vec<Posterior>> = x
            .axis_chunks_iter(Axis(0), ROWS)
            .into_par_iter()
            .map(|rows| {
                rows.outer_iter()
                    .map(|row| {
                        let logs: Vec<f64> = self
                            .parts
                            .iter()
                            .zip(self.means.outer_iter())
                            .map(|((constant, lower), mean)| {
                                constant - 0.5 * squared_length(lower, &(&row - &mean))
                            })
                            .collect();
                        posterior(&logs)
                    })
                    .collect()
            })
            .collect();
        blocks.into_iter().flatten().collect()
    }
}

fn posterior(logs: &[f64]) -> Posterior {
    let (mut cluster, mut most) = (0, f64::NEG_INFINITY);
    for (at, &log) in logs.iter().enumerate() {
        if log > most {
            (cluster, most) = (at, log);
        }
    }
    let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
    Posterior {
        cluster,
        probability: 1.0 / sum,
        log_density: most + sum.ln(),
    }
}

/// `|L^-1 v|^2` by forward substitution.
fn squared_length(lower: &Array2<f64>, v: &Array1<f64>) -> f64 {
    let mut solved = Vec::with_capacity(v.len());
    for (row, &value) in lower.outer_iter().zip(v) {
        let known: f64 = row
            .iter()
            .zip(&solved)
            .map(|(l, s): (&f64, &f64)| l * s)
            .sum();
        solved.push((value - known) / row[solved.len()]);
    }
    solved.iter().map(|s| s * s).sum()
}

/// The lower triangle `L` of `a = L L'`; nothing where `a` is not positive definite.
fn cholesky(a: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let mut lower = Array2::zeros(a.dim());
    for i in 0..a.nrows() {
        for j in 0..=i {
            let known: f64 = (0..j).map(|c| lower[(i, c)] * lower[(j, c)]).sum();
            let rest: f64 = a[(i, j)] - known;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                lower[(i, i)] = rest.sqrt();
            } else {
                lower[(i, j)] = rest / lower[(j, j)];
            }
        }
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_query::signature::Arg;

    fn args(k: i64) -> Args {
        Args::from([("n_components".to_owned(), Arg::Int(k))])
    }

    /// Two long, thin, parallel clouds.
    fn clouds() -> Array2<f32> {
        Array2::from_shape_fn((200, 2), |(i, j)| {
            let (cloud, t) = (i % 2, (i / 2) as f32 / 100.0);
            let noise = ((i * 7919 + j * 104_729) % 1009) as f32 / 1009.0 - 0.5;
            if j == 0 {
                6.0 * t + noise
            } else {
                cloud as f32 * 4.0 + noise * 0.3
            }
        })
    }

    #[test]
    fn clouds_are_told_apart_with_confidence() {
        let x = clouds();
        let fitted = GaussianMixture
            .fit(
                x.view(),
                &Args::from([
                    ("n_components".to_owned(), Arg::Int(2)),
                    ("n_init".to_owned(), Arg::Int(8)),
                    ("tol".to_owned(), Arg::Float(1e-6)),
                ]),
                &Context::new(3),
            )
            .unwrap();
        for (i, &label) in fitted.labels.iter().enumerate() {
            assert_eq!(label == fitted.labels[0], i % 2 == 0);
        }
        assert!(
            fitted
                .probabilities
                .unwrap()
                .iter()
                .all(|&p| p > 0.99 && p <= 1.0)
        );
        let centers = fitted.centers.unwrap();
        let apart = (centers[(0, 1)] - centers[(1, 1)]).abs();
        assert!((apart - 4.0).abs() < 0.05, "{apart}");
    }

    #[test]
    fn one_gaussian_has_the_likelihood_of_its_own_covariance() {
        let x = clouds();
        let fitted = GaussianMixture
            .fit(x.view(), &args(1), &Context::new(0))
            .unwrap();
        let rows = x.mapv(f64::from);
        let mean = rows.mean_axis(Axis(0)).unwrap();
        let centred = &rows - &mean;
        let covariance = centred.t().dot(&centred) / 200.0;
        let determinant =
            covariance[(0, 0)] * covariance[(1, 1)] - covariance[(0, 1)] * covariance[(0, 1)];
        let wanted = -std::f64::consts::TAU.ln() - 0.5 * determinant.ln() - 1.0;
        assert!(
            (fitted.scores[0].1 - wanted).abs() < 1e-4,
            "{} {wanted}",
            fitted.scores[0].1
        );
    }

    #[test]
    fn trouble_is_a_sentence() {
        let equal = Array2::from_elem((10, 3), 4.0);
        let problem = |x: &Array2<f32>, args: &Args| {
            GaussianMixture
                .fit(x.view(), args, &Context::new(0))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            problem(&equal, &args(11)),
            "a mixture of 11 Gaussians needs at least 11 rows, but there are 10"
        );
        let singular = Args::from([("reg_covar".to_owned(), Arg::Float(0.0))]);
        assert_eq!(
            problem(&equal, &singular),
            "a Gaussian collapsed onto too few different rows; use fewer components than 1, a larger reg_covar than 0, or reduce the 3 dimensions first"
        );
    }
}
