//! How stable a clustering is: does the same method, given other rows of the same kind, put the same rows together?

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::Agreement;
use crate::cluster::Clustering;
use crate::context::Context;
use crate::error::Error;
use crate::random;

/// A method with its parameters, as it was called on all rows.
pub type Fit<'a> = &'a (dyn Fn(ArrayView2<'_, f32>, &Context) -> Result<Clustering, Error> + Sync);

/// The mean agreement (adjusted Rand index) of `labels` with clusterings of `times` bootstrap samples of the rows of `x`,
/// each on the rows it drew, noise counted as a group. None where nothing is drawn.
///
/// A bootstrap sample is as many draws as there are rows, with replacement, each row taken once: about 63 % of them.
/// Copies would make places dense that are not. Source: Hennig (2007), Fang and Wang (2012). `times` fits and O(n d)
/// memory for each that runs at once; the same bits for any number of threads.
///
/// # Errors
/// What a fit runs into.
pub fn stability(
    x: ArrayView2<'_, f32>,
    labels: &[i32],
    times: usize,
    fit: Fit<'_>,
    context: &Context,
) -> Result<Option<f64>, Error> {
    let n = x.nrows();
    if n == 0 || times == 0 {
        return Ok(None);
    }
    let step = context.step("bootstrap", times as u64);
    let agreements: Vec<f64> = (0..times)
        .into_par_iter()
        .with_max_len(1)
        .map(|time| {
            step.tick(1)?;
            let rows = drawn(context.seed, time as u64, n);
            let own = Context {
                stop: context.stop.clone(),
                ..Context::new(context.seed)
            };
            let again = fit(x.select(Axis(0), &rows).view(), &own)?;
            let before: Vec<i32> = rows.iter().map(|&row| labels[row]).collect();
            Ok(Agreement::of(&before, &again.labels)?.adjusted_rand)
        })
        .collect::<Result<_, Error>>()?;
    Ok(Some(agreements.iter().sum::<f64>() / times as f64))
}

/// The rows of one bootstrap sample, each once, rising.
fn drawn(seed: u64, time: u64, n: usize) -> Vec<usize> {
    let mut taken = vec![false; n];
    for draw in 0..n as u64 {
        let bits = random::bits(seed, time, draw);
        // The high half of a product spreads 64 bits over n places without a division's bias towards the first.
        taken[((u128::from(bits) * n as u128) >> 64) as usize] = true;
    }
    (0..n).filter(|&row| taken[row]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_bootstrap_sample_has_about_63_percent_of_the_rows() {
        for time in 0..5 {
            let rows = drawn(51, time, 2000);
            assert!((1200..1330).contains(&rows.len()), "{}", rows.len());
            assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert_ne!(drawn(51, 0, 100), drawn(51, 1, 100));
        assert_ne!(drawn(51, 0, 100), drawn(52, 0, 100));
    }

    #[test]
    fn a_rule_that_looks_at_each_row_alone_is_stable_and_one_that_counts_is_not() {
        let x = Array2::from_shape_fn((200, 1), |(i, _)| i as f32);
        let by_value = |x: ArrayView2<'_, f32>, _: &Context| {
            Ok(Clustering {
                labels: x.iter().map(|&value| i32::from(value > 99.0)).collect(),
                ..Clustering::default()
            })
        };
        let by_place = |x: ArrayView2<'_, f32>, _: &Context| {
            Ok(Clustering {
                labels: (0..x.nrows() as i32).map(|at| at % 2).collect(),
                ..Clustering::default()
            })
        };
        let context = Context::new(51);
        let labels: Vec<i32> = (0..200).map(|i| i32::from(i > 99)).collect();
        let stable = stability(x.view(), &labels, 8, &by_value, &context).unwrap();
        assert_eq!(stable, Some(1.0));
        let parity: Vec<i32> = (0..200).map(|i| i % 2).collect();
        let loose = stability(x.view(), &parity, 8, &by_place, &context).unwrap();
        assert!(loose.unwrap() < 0.1, "{loose:?}");
        assert_eq!(
            stability(x.view(), &labels, 0, &by_value, &context).unwrap(),
            None
        );
    }
}
