//! What looks for rows by their vectors. This crate can compare a vector with every row, and knows nothing better; whoever
//! has an index, or a model that turns texts into vectors, hands it down through [`Source::similarity`](crate::Source).

use crate::error::Error;

/// An index over a vector field, known by the key of the run that made it or by the field's name.
pub trait Similarity: Send + Sync {
    /// The vector field that it is about.
    fn field(&self) -> &str;

    /// The rows nearest to `query`, at most `k` of them, nearest first, with their distances; only rows of `among`, where
    /// that is given. `None` where comparing with every row is as good.
    ///
    /// # Errors
    /// What the index reports.
    #[allow(clippy::type_complexity)]
    fn nearest(
        &self,
        query: &[f32],
        k: usize,
        among: Option<&[u32]>,
    ) -> Result<Option<Vec<(u32, f32)>>, Error>;

    /// A text as a vector of the same space.
    ///
    /// # Errors
    /// Why that is not possible, as the rest of a sentence: `"its vectors were made by efficientnet-lite0, which reads
    /// no text"`.
    fn text(&self, text: &str) -> Result<Vec<f32>, String>;
}

/// How far apart two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// 1 minus the cosine of the angle; 1 where one of them has no length.
    Cosine,
    /// The length of the difference.
    Euclidean,
}

/// Numbers added at once; the order of the sums is the same everywhere.
const LANES: usize = 16;

/// The sum of `f` over pairs, in a fixed order.
#[inline]
fn summed(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (a_rest, b_rest) = (a_blocks.remainder(), b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for k in 0..LANES {
            lanes[k] += f(a[k], b[k]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| f(*a, *b)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// The distance of `query` from each of the rows of a matrix of `query.len()` columns. O(rows × columns).
pub(crate) fn distances(
    query: &[f32],
    matrix: &[f32],
    rows: impl Iterator<Item = u32>,
    metric: Metric,
) -> Vec<f32> {
    let d = query.len();
    let row = |row: u32| {
        matrix
            .get(row as usize * d..(row as usize + 1) * d)
            .unwrap_or_default()
    };
    let dot = |a: &[f32], b: &[f32]| summed(a, b, |a, b| a * b);
    match metric {
        Metric::Euclidean => rows
            .map(|at| summed(query, row(at), |a, b| (a - b) * (a - b)).sqrt())
            .collect(),
        Metric::Cosine => {
            let own = f64::from(dot(query, query));
            rows.map(|at| {
                let other = row(at);
                // One root of the product, so that a vector is at no distance from itself.
                let lengths = (own * f64::from(dot(other, other))).sqrt();
                if lengths == 0.0 {
                    1.0
                } else {
                    (1.0 - f64::from(dot(query, other)) / lengths).max(0.0) as f32
                }
            })
            .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_definitions() {
        let matrix = [1.0, 0.0, 0.0, 2.0, 0.0, 0.0, -3.0, 0.0];
        let cosine = distances(&[2.0, 0.0], &matrix, 0..4, Metric::Cosine);
        assert_eq!(cosine, [0.0, 1.0, 1.0, 2.0]);
        let euclidean = distances(&[2.0, 0.0], &matrix, 0..4, Metric::Euclidean);
        assert_eq!(euclidean, [1.0, 8f32.sqrt(), 2.0, 5.0]);
    }

    #[test]
    fn long_vectors_are_summed_to_the_end() {
        let a: Vec<f32> = (0..LANES * 3 + 5).map(|i| i as f32).collect();
        let expected: f32 = a.iter().map(|x| x * x).sum();
        assert_eq!(summed(&a, &a, |a, b| a * b), expected);
    }
}
