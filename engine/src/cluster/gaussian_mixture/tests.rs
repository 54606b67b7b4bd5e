//! The likelihood of the definition, whatever the shape and precision; the same bits; trouble in sentences.

use messier_query::signature::Arg;
use ndarray::{Array2, Axis};

use super::*;
use crate::neighbors::tests::cloud;

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

fn options(k: usize, shape: Shape) -> Options {
    Options {
        n_components: k,
        shape,
        start: Start::KMeans,
        tol: 1e-4,
        reg_covar: 1e-6,
        max_iter: 50,
        n_init: 1,
    }
}

const SHAPES: [Shape; 4] = [Shape::Full, Shape::Tied, Shape::Diag, Shape::Spherical];

#[test]
fn components_that_are_none_leave_one_gaussian_for_every_shape() {
    // All rows in component 0 of 3: the others weigh nothing and nothing breaks.
    let x = cloud(200, 4, 1);
    for shape in SHAPES {
        let mut options = options(3, shape);
        options.start = Start::Labels(vec![0; 200]);
        let three = mixture(x.view(), &options, &Context::new(0)).unwrap();
        options.n_components = 1;
        let one = mixture(x.view(), &options, &Context::new(0)).unwrap();
        assert!(three.labels.iter().all(|&label| label == 0));
        assert!((three.log_likelihood - one.log_likelihood).abs() < 1e-6);
        assert!((three.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(three.bic > one.bic);
    }
}

#[test]
fn likelihood_never_falls_and_more_freedom_fits_better() {
    let x = cloud(700, 20, 3);
    let mut last = f64::NEG_INFINITY;
    for shape in [Shape::Spherical, Shape::Diag, Shape::Full] {
        let mut options = options(4, shape);
        options.tol = 0.0;
        let mut before = f64::NEG_INFINITY;
        for rounds in [1, 2, 5, 12] {
            options.max_iter = rounds;
            let found = mixture(x.view(), &options, &Context::new(0)).unwrap();
            assert!(!found.converged);
            assert!(found.log_likelihood > before - 1e-4, "{shape:?} {rounds}");
            before = found.log_likelihood;
        }
        assert!(before > last, "{shape:?}");
        last = before;
    }
}

#[test]
fn scale_and_place_shift_the_likelihood_and_nothing_else() {
    let x = cloud(300, 6, 2);
    let moved = x.mapv(|v| v * 512.0 - 70_000.0);
    for shape in SHAPES {
        let mut options = options(3, shape);
        let here = mixture(x.view(), &options, &Context::new(1)).unwrap();
        options.reg_covar *= 512.0 * 512.0;
        let there = mixture(moved.view(), &options, &Context::new(1)).unwrap();
        let shift = 6.0 * 512.0_f64.ln();
        let gap = here.log_likelihood - there.log_likelihood - shift;
        assert!(gap.abs() < 1e-3, "{shape:?}: {gap}");
        assert_eq!(here.labels, there.labels);
    }
}

#[test]
fn a_flat_gaussian_is_read_in_double_precision() {
    // One direction thirty thousand times shorter than the others: its variance is a difference of the matrix's entries.
    let mut x = cloud(400, 5, 6);
    for mut row in x.rows_mut() {
        row[4] = row[0] + (row[4] - 3.0) * 1e-4;
    }
    let mut options = options(1, Shape::Full);
    options.reg_covar = 0.0;
    let found = mixture(x.view(), &options, &Context::new(0)).unwrap();
    // The same space, with the short direction as a coordinate: the determinant is the same.
    let mut rows = x.mapv(f64::from);
    for mut row in rows.rows_mut() {
        row[4] -= row[0];
    }
    rows -= &rows.mean_axis(Axis(0)).unwrap();
    let covariance = rows.t().dot(&rows) / 400.0;
    let root = super::factor::Factor::of(&covariance).unwrap().log_root;
    let wanted = -2.5 * std::f64::consts::TAU.ln() - root - 2.5;
    let gap = found.log_likelihood - wanted;
    assert!(gap.abs() < 1e-3, "{} {wanted}", found.log_likelihood);
}

#[test]
fn labels_that_cannot_start_are_said() {
    let mut options = options(2, Shape::Diag);
    options.start = Start::Labels(vec![0, 2, 1]);
    let problem = mixture(cloud(3, 2, 0).view(), &options, &Context::new(0)).unwrap_err();
    assert!(problem.to_string().contains("below 2"), "{problem}");
}

#[test]
fn a_start_by_linfa_finds_the_same_clouds_and_repeats_to_the_bit() {
    let x = clouds();
    let args = Args::from([
        ("n_components".to_owned(), Arg::Int(2)),
        ("n_init".to_owned(), Arg::Int(4)),
        ("init_params".to_owned(), Arg::Text("linfa".into())),
    ]);
    let fit = || GaussianMixture.fit(x.view(), &args, &Context::new(3));
    let fitted = fit().unwrap();
    for (i, &label) in fitted.labels.iter().enumerate() {
        assert_eq!(label == fitted.labels[0], i % 2 == 0);
    }
    assert_eq!(fit().unwrap(), fitted);
}

#[test]
fn a_mixture_that_linfa_cannot_fit_is_a_sentence() {
    let x = Array2::from_elem((10, 3), 1.0);
    let args = Args::from([
        ("n_components".to_owned(), Arg::Int(3)),
        ("init_params".to_owned(), Arg::Text("linfa".into())),
        ("reg_covar".to_owned(), Arg::Float(0.0)),
    ]);
    let said = GaussianMixture
        .fit(x.view(), &args, &Context::new(3))
        .unwrap_err()
        .to_string();
    assert!(said.contains("linfa"), "{said}");
}

#[test]
fn where_a_row_is_looked_for_first_does_not_change_what_is_found() {
    // Long enough for lengths to be left unfinished, near enough for rows between components.
    let x = Array2::from_shape_fn((210, 300), |(i, j)| {
        let noise = crate::random::normal(5, i as u64, j as u64) as f32;
        noise + if j % 7 == i % 7 { 0.4 } else { 0.0 }
    });
    let context = Context::new(0);
    let step = context.step("read", 0);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    for shape in SHAPES {
        let mut options = options(7, shape);
        options.reg_covar = 0.3;
        let fixed = Fixed::new(&points, shape, &step).unwrap();
        let labels: Vec<u32> = (0..210).map(|i| i % 7).collect();
        let fit = rounds(&points, &fixed, labels, &options, &context).unwrap();
        let good = expect(&points, &fit.model, &fit.owners, &step).unwrap();
        for owner in [0, 6] {
            let poor = expect(&points, &fit.model, &[owner; 210], &step).unwrap();
            assert_eq!(poor.mean.to_bits(), good.mean.to_bits(), "{shape:?}");
            assert_eq!(poor.entries, good.entries, "{shape:?}");
            assert_eq!(poor.posteriors, good.posteriors, "{shape:?}");
        }
        let entries: usize = good.entries.iter().map(Vec::len).sum();
        assert!((210..210 * 7).contains(&entries), "{shape:?}: {entries}");
    }
}

#[test]
fn a_shared_covariance_is_that_of_the_differences() {
    // Clusters a little, and very far, from each other beside their deviation.
    for apart in [3.0, 1e4] {
        let x = Array2::from_shape_fn((300, 4), |(i, j)| {
            let noise = crate::random::normal(8, i as u64, j as u64) as f32;
            noise * (j + 1) as f32 + (i % 3) as f32 * apart
        });
        let labels: Vec<u32> = (0..300).map(|i| i % 3).collect();
        let mut options = options(3, Shape::Tied);
        options.start = Start::Labels(labels.clone());
        options.max_iter = 1;
        let found = mixture(x.view(), &options, &Context::new(0)).unwrap();
        let rows = x.mapv(f64::from);
        let mut covariance = Array2::<f64>::zeros((4, 4));
        for cluster in 0..3 {
            let of: Vec<usize> = (cluster..300).step_by(3).collect();
            let own = rows.select(Axis(0), &of);
            let own = &own - &own.mean_axis(Axis(0)).unwrap();
            covariance += &(own.t().dot(&own) / 300.0);
        }
        let root = super::factor::Factor::of(&covariance).unwrap().log_root;
        let density = -2.0 * std::f64::consts::TAU.ln() - root - 2.0 - 3.0_f64.ln();
        if apart > 1e3 {
            let gap = found.lower_bound - density;
            assert!(gap.abs() < 2e-3, "{} {density}", found.lower_bound);
        } else {
            assert!(found.lower_bound > density);
            assert!(found.lower_bound < density + 3.0_f64.ln());
        }
    }
}
