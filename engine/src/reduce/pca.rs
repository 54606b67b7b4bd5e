//! Principal component analysis by the eigenvectors of the covariance, or of the rows' inner products where there are
//! fewer rows than columns; or, where both are many, by subspace iteration.
//!
//! The first two are exact and take one pass over the data; a singular value decomposition of the data would keep a
//! little more precision in the smallest components, which nobody looks at, and costs several times as much.

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::covariance::Centred;
use super::project::Components;
use super::{Known, Reducer, Reduction, Reference, eigen, product, subspace};
use crate::context::Context;
use crate::counted::counted;
use crate::error::{Error, arguments};
use crate::finite::check_finite;
use crate::pool::within;

/// Rows of one block of the projection.
const ROWS: usize = 128;
/// The widest covariance that is decomposed densely (2 GB).
const WIDEST: usize = 16_384;
/// Beyond this width, and where at most a tenth of the directions is wanted, iteration is the quicker way.
const DENSE: usize = 2048;
/// Eigenvalues below this share of the largest are what rounding left.
const NEGLIGIBLE: f64 = 1e-10;

params! {
    /// What PCA needs to know.
    pub struct Params {
        /// How many components to keep.
        n_components: usize = Default::Int(2), Kind::Int { lo: 1, hi: 4096 };
        /// Whether to scale every component to variance 1.
        whiten: bool = Default::Bool(false), Kind::Bool;
        /// How the components are found: `covariance_eigh` exactly from the covariance, `randomized` by iteration from a random start, `auto` exactly unless rows and columns are both many.
        svd_solver: String = Default::Text("auto"), Kind::Choice(Solver::WORDS);
    }
}

static SIGNATURE: Signature = Signature {
    name: "pca",
    summary: "Projects onto the directions of largest variance.",
    params: Params::TABLE,
    examples: &[
        Example {
            query: r#"reduce(method="pca", features="embedding", run="flat")"#,
            shows: "Places the vectors along the two directions in which they vary most.",
        },
        Example {
            query: r#"reduce(method="pca", features="embedding", n_components=50, whiten=True, run="p50")"#,
            shows: "Makes 50 uncorrelated numbers a sample, each of variance 1.",
        },
    ],
    returns: Returns::Run,
};

/// How components are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// Exactly, unless both sides are long and few components are wanted.
    Auto,
    /// From the covariance or the rows' inner products, whichever is smaller.
    Covariance,
    /// By subspace iteration.
    Randomized,
}

impl Solver {
    /// The words a parameter may have; scikit-learn's.
    pub const WORDS: &'static [&'static str] = &["auto", "covariance_eigh", "randomized"];

    fn named(word: &str) -> Solver {
        match word {
            "covariance_eigh" => Solver::Covariance,
            "randomized" => Solver::Randomized,
            _ => Solver::Auto,
        }
    }

    fn iterates(self, side: usize, k: usize) -> bool {
        match self {
            Solver::Auto => side > WIDEST || (side > DENSE && 10 * k <= side),
            Solver::Covariance => false,
            Solver::Randomized => true,
        }
    }
}

/// The method `pca`.
#[derive(Debug)]
pub struct Pca;

impl Reducer for Pca {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        _: Option<&Known>,
        context: &Context,
    ) -> Result<Reduction, Error> {
        let params = Params::read(args).map_err(|bad| arguments("pca", bad))?;
        let solver = Solver::named(&params.svd_solver);
        let model = Model::fit_with(x, params.n_components, solver, context)?;
        let points = model.places(x, params.whiten, context)?;
        if model.rank < params.n_components {
            let rest = params.n_components - model.rank;
            context.notes.remark(format!(
                "the data varies in {} only; the other {} of PCA {} 0",
                counted(model.rank, "direction"),
                counted(rest, "component"),
                if rest == 1 { "is" } else { "are" }
            ));
        }
        Ok(Reduction {
            points,
            scores: model.scores(),
            params: params.record(),
            model: Some(model),
        })
    }

    fn place(
        &self,
        x: ArrayView2<'_, f32>,
        reference: &Reference<'_>,
        args: &Args,
        context: &Context,
    ) -> Result<Array2<f32>, Error> {
        let params = Params::read(args).map_err(|bad| arguments("pca", bad))?;
        check_finite(x)?;
        let model = reference.model.as_ref().ok_or_else(|| {
            Error::Input(
                "this run of PCA kept no components to project onto; run it again once".to_owned(),
            )
        })?;
        model.places(x, params.whiten, context)
    }
}

/// Fitted components.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// `k x d`: unit rows, largest variance first; each one's largest entry by size is positive (first of equals).
    /// Rows from [`Model::rank`] on are 0.
    pub components: Array2<f32>,
    /// The variance along each component, with `n - 1` in the denominator.
    pub variances: Vec<f64>,
    /// The variance of all columns together.
    pub total: f64,
    /// How many of the components mean something: at most `k`, `d`, and `n - 1`.
    pub rank: usize,
}

impl Model {
    /// The first `k` components of the rows of `x` (`n >= 1`), found as [`Solver::Auto`] does.
    ///
    /// # Errors
    /// [`Error::Input`] where a number is not finite; [`Error::Cancelled`].
    pub fn fit(x: ArrayView2<'_, f32>, k: usize, context: &Context) -> Result<Model, Error> {
        Model::fit_with(x, k, Solver::Auto, context)
    }

    /// The first `k` components of the rows of `x` (`n >= 1`).
    ///
    /// `n d min(n, d)` operations for the products and `min(n, d)^3` for the eigenvectors, or `32 n d (k + 10)` by
    /// iteration.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; [`Error::Input`] where a number is not finite, or where both sides of `x` are longer than 16,384 and the covariance is asked for.
    pub fn fit_with(
        x: ArrayView2<'_, f32>,
        k: usize,
        solver: Solver,
        context: &Context,
    ) -> Result<Model, Error> {
        within(|| Model::found(x, k, solver, context))
    }

    fn found(
        x: ArrayView2<'_, f32>,
        k: usize,
        solver: Solver,
        context: &Context,
    ) -> Result<Model, Error> {
        let (n, d) = x.dim();
        let side = n.min(d);
        let iterates = solver.iterates(side, k);
        if side > WIDEST && !iterates {
            return Err(Error::Input(format!(
                "PCA of {n} rows of {d} numbers needs a {side} x {side} matrix; it works up to {WIDEST} columns or rows"
            )));
        }
        let wide = n < d && !iterates;
        let (centred, found) = if iterates {
            let centred = Centred::new(x, context)?;
            let found = subspace::largest(&centred, k, context)?;
            (centred, found)
        } else {
            let (centred, product) = if wide {
                let centred = Centred::new(x, context)?;
                let product = centred.gram(context)?;
                (centred, product)
            } else {
                Centred::with_scatter(x, context)?
            };
            let step = context.step("decompose", side as u64);
            (centred, eigen::symmetric(product, k, &step)?)
        };
        let largest = found.values.first().copied().unwrap_or(0.0).max(0.0);
        let possible = k.min(d).min(n.saturating_sub(1));
        let rank = found.values[..possible.min(found.values.len())]
            .iter()
            .take_while(|&&value| value > NEGLIGIBLE * largest && value > 0.0)
            .count();
        let mut components = Array2::zeros((k, d));
        if wide && rank > 0 {
            let rows = centred.rows(0..n);
            let turned = found
                .vectors
                .slice(ndarray::s![..rank, ..])
                .mapv(|value| value as f32);
            components
                .slice_mut(ndarray::s![..rank, ..])
                .assign(&product::by_rows(turned.view(), rows.t()));
        } else {
            for i in 0..rank {
                for (to, &value) in components.row_mut(i).iter_mut().zip(found.vectors.row(i)) {
                    *to = value as f32;
                }
            }
        }
        for mut component in components.outer_iter_mut().take(rank) {
            fix_sign_and_length(component.as_slice_mut().unwrap_or_default());
        }
        let freedom = (n.max(2) - 1) as f64;
        let unit = centred.scale * centred.scale / freedom;
        let mut variances: Vec<f64> = found.values[..rank]
            .iter()
            .map(|value| value * unit)
            .collect();
        variances.resize(k, 0.0);
        let total = if iterates {
            centred.squares() * unit
        } else {
            found.values.iter().map(|value| value.max(0.0) * unit).sum()
        };
        Ok(Model {
            mean: centred.mean,
            components,
            variances,
            total,
            rank,
        })
    }

    /// Places rows along the components: `n x k`. `n d k` operations.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn project(&self, x: ArrayView2<'_, f32>, context: &Context) -> Result<Array2<f32>, Error> {
        let k = self.components.nrows();
        let mut points = Array2::zeros((x.nrows(), k));
        let step = context.step("project", x.nrows() as u64);
        let components = Components::new(self.components.view(), &self.mean);
        points
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .into_par_iter()
            .zip(x.axis_chunks_iter(Axis(0), ROWS))
            .try_for_each_init(Vec::new, |room, (to, from)| {
                step.tick(from.nrows() as u64)?;
                components.write(from, room, to);
                Ok::<_, Error>(())
            })?;
        Ok(points)
    }

    /// Places rows along the components, each scaled to variance 1 if `whiten`.
    ///
    /// # Errors
    /// Rows of another length than those fitted, or [`Error::Cancelled`].
    pub fn places(
        &self,
        x: ArrayView2<'_, f32>,
        whiten: bool,
        context: &Context,
    ) -> Result<Array2<f32>, Error> {
        if x.ncols() != self.mean.len() {
            return Err(Error::Input(format!(
                "the components are for vectors of {} numbers, and these have {}",
                self.mean.len(),
                x.ncols()
            )));
        }
        let mut points = self.project(x, context)?;
        if whiten {
            for mut point in points.outer_iter_mut() {
                for (value, &variance) in point.iter_mut().zip(&self.variances) {
                    if variance > 0.0 {
                        *value = (f64::from(*value) / variance.sqrt()) as f32;
                    }
                }
            }
        }
        Ok(points)
    }

    fn scores(&self) -> Vec<(&'static str, f64)> {
        let kept: f64 = self.variances.iter().sum();
        let share = |part: f64| {
            if self.total > 0.0 {
                part / self.total
            } else {
                0.0
            }
        };
        let mut scores = vec![
            ("explained_variance", kept),
            ("explained_variance_ratio", share(kept)),
        ];
        let names = [
            "explained_variance_ratio_1",
            "explained_variance_ratio_2",
            "explained_variance_ratio_3",
        ];
        scores.extend(
            names
                .into_iter()
                .zip(self.variances.iter().map(|&part| share(part))),
        );
        scores
    }
}

/// Unit length, and the entry that is largest by size positive.
fn fix_sign_and_length(component: &mut [f32]) {
    let length = component
        .iter()
        .map(|&v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        .sqrt();
    let mut largest = 0.0_f32;
    for &value in component.iter() {
        if value.abs() > largest.abs() {
            largest = value;
        }
    }
    let by = if largest < 0.0 { -length } else { length };
    for value in component {
        *value = (f64::from(*value) / by) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_query::signature::Arg;

    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        rows: Vec<Vec<f32>>,
        variances: Vec<f64>,
        ratios: Vec<f64>,
        components: Vec<Vec<f64>>,
        points: Vec<Vec<f64>>,
    }

    fn table(rows: &[Vec<f32>]) -> Array2<f32> {
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
    }

    fn assert_close(
        got: ndarray::ArrayView2<'_, f32>,
        wanted: &[Vec<f64>],
        tolerance: f64,
        what: &str,
    ) {
        for (row, wanted) in got.outer_iter().zip(wanted) {
            for (&got, wanted) in row.iter().zip(wanted) {
                assert!(
                    (f64::from(got) - wanted).abs() < tolerance,
                    "{what}: {got} {wanted}"
                );
            }
        }
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/reduce/pca.json")).unwrap();
        for case in cases {
            let x = table(&case.rows);
            let context = Context::new(0);
            let model = Model::fit(x.view(), case.variances.len(), &context).unwrap();
            for (got, wanted) in model.variances.iter().zip(&case.variances) {
                assert!(
                    (got / wanted - 1.0).abs() < 1e-5,
                    "{}: {got} {wanted}",
                    case.name
                );
            }
            for (got, wanted) in model.variances.iter().zip(&case.ratios) {
                assert!(
                    (got / model.total - wanted).abs() < 1e-6,
                    "{}: {got} {wanted}",
                    case.name
                );
            }
            assert_close(model.components.view(), &case.components, 1e-5, &case.name);
            let points = model.project(x.view(), &context).unwrap();
            assert_close(points.view(), &case.points, 1e-4, &case.name);
        }
    }

    #[test]
    fn iteration_finds_the_same_components() {
        // Directions of falling size, turned.
        let x = Array2::from_shape_fn((400, 30), |(i, j)| {
            let draw = |axis: u64| crate::random::normal(3, axis, i as u64) as f32;
            (0..6)
                .map(|axis| {
                    draw(axis)
                        * 3.0_f32.powi(-(axis as i32))
                        * (((j as u64 * 7 + axis * 13) % 11) as f32 - 5.0)
                })
                .sum::<f32>()
                + 4.0
        });
        let context = Context::new(0);
        let exact = Model::fit_with(x.view(), 4, Solver::Covariance, &context).unwrap();
        let found = Model::fit_with(x.view(), 4, Solver::Randomized, &context).unwrap();
        for (a, b) in exact.variances.iter().zip(&found.variances) {
            assert!((a / b - 1.0).abs() < 1e-3, "{a} {b}");
        }
        assert!((exact.total / found.total - 1.0).abs() < 1e-5);
        for (a, b) in exact.components.iter().zip(&found.components) {
            assert!((a - b).abs() < 1e-2, "{a} {b}");
        }
        // A line has no more directions for the iteration either.
        let line = Array2::from_shape_fn((40, 5), |(i, j)| i as f32 * (j as f32 - 1.7));
        assert_eq!(
            Model::fit_with(line.view(), 3, Solver::Randomized, &context)
                .unwrap()
                .rank,
            1
        );
    }

    fn fit(x: &Array2<f32>, k: i64, whiten: bool) -> (Reduction, Vec<String>) {
        let context = Context::new(0);
        let args = Args::from([
            ("n_components".to_owned(), Arg::Int(k)),
            ("whiten".to_owned(), Arg::Bool(whiten)),
        ]);
        let reduction = Pca.fit(x.view(), &args, &context).unwrap();
        (
            reduction,
            context
                .notes
                .sorted()
                .into_iter()
                .map(|note| note.message)
                .collect(),
        )
    }

    #[test]
    fn whitened_components_have_variance_1() {
        let x = Array2::from_shape_fn((40, 5), |(i, j)| {
            ((i * 7 + j * 13) % 17) as f32 * (j + 1) as f32
        });
        let (reduction, notes) = fit(&x, 3, true);
        assert!(notes.is_empty());
        for column in reduction.points.axis_iter(Axis(1)) {
            let mean = column.mean().unwrap();
            let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 39.0;
            assert!((variance - 1.0).abs() < 1e-4, "{variance}");
        }
    }

    #[test]
    fn what_the_data_does_not_have_is_0_and_said() {
        // A line in five dimensions, asked for four components.
        let x = Array2::from_shape_fn((30, 5), |(i, j)| i as f32 * (j as f32 - 1.7) + 100.0);
        let (reduction, notes) = fit(&x, 4, true);
        assert!(
            reduction
                .points
                .slice(ndarray::s![.., 1..])
                .iter()
                .all(|&v| v == 0.0)
        );
        assert_eq!(
            notes,
            ["the data varies in 1 direction only; the other 3 components of PCA are 0"]
        );
        for x in [
            Array2::<f32>::zeros((1, 3)),
            Array2::from_elem((12, 2), 7.5),
        ] {
            let (reduction, notes) = fit(&x, 2, false);
            assert!(reduction.points.iter().all(|&v| v == 0.0));
            assert_eq!(notes.len(), 1);
            assert_eq!(reduction.scores[1], ("explained_variance_ratio", 0.0));
        }
    }

    #[test]
    fn sizes_whose_squares_leave_f32_do_not_overflow() {
        for size in [1e-30, 1e30] {
            let x = Array2::from_shape_fn((20, 3), |(i, j)| ((i * (j + 2)) % 7) as f32 * size);
            let (reduction, notes) = fit(&x, 2, true);
            assert!(notes.is_empty());
            assert!(
                reduction
                    .points
                    .iter()
                    .all(|v| v.is_finite() && v.abs() < 10.0)
            );
            assert!(reduction.points.iter().any(|v| v.abs() > 0.1));
        }
    }

    #[test]
    fn tall_and_wide_products_agree() {
        // 40 x 40 goes by the columns, its first 39 rows by the rows; a repeated row makes their covariances alike.
        let x = Array2::from_shape_fn((40, 41), |(i, j)| ((i * 31 + j * 17 + i * j) % 23) as f32);
        let context = Context::new(0);
        let wide = Model::fit(x.view(), 5, &context).unwrap();
        let twice = ndarray::concatenate(Axis(0), &[x.view(), x.view()]).unwrap();
        let tall = Model::fit(twice.view(), 5, &context).unwrap();
        for (a, b) in wide.components.iter().zip(&tall.components) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
