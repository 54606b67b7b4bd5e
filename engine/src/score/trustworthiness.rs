//! Trustworthiness (Venna and Kaski 2001): how far neighbours on a map were neighbours before.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::context::Context;
use crate::error::Error;
use crate::linalg::squared_distance;

/// Up to this many rows every row is judged; beyond, this many, spread evenly over the data.
const EXACT_ROWS: usize = 10_000;
/// Rows judged between two looks at the stop.
const ROWS: usize = 16;

/// A map's trustworthiness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trustworthiness {
    /// 0 to 1; 1 where every neighbour on the map is a neighbour in the data.
    pub value: f64,
    /// How many rows were judged.
    pub rows: usize,
}

/// Judges `points` (`n x k`) as a map of `x` (`n x d`) by the `neighbors` nearest points of each row, with euclidean
/// distances, ties by row, as scikit-learn does with `n_neighbors`. None where `neighbors` is 0 or not below `n / 2`.
///
/// O(n min(n, 10,000) (d + k)); the same bits for any number of threads.
///
/// # Errors
/// Tables with different numbers of rows, or [`Error::Cancelled`].
pub fn trustworthiness(
    x: ArrayView2<'_, f32>,
    points: ArrayView2<'_, f32>,
    neighbors: usize,
    context: &Context,
) -> Result<Option<Trustworthiness>, Error> {
    let n = x.nrows();
    if points.nrows() != n {
        return Err(Error::Input(format!(
            "a map has one point a row, but there are {n} rows and {} points",
            points.nrows()
        )));
    }
    if neighbors == 0 || 2 * neighbors >= n {
        return Ok(None);
    }
    let (x, points) = (x.as_standard_layout(), points.as_standard_layout());
    let (x, points) = (Rows::of(&x), Rows::of(&points));
    let judged: Vec<usize> = if n <= EXACT_ROWS {
        (0..n).collect()
    } else {
        (0..EXACT_ROWS).map(|i| i * n / EXACT_ROWS).collect()
    };
    let step = context.step("judge map", judged.len() as u64);
    let penalties: Vec<u64> = judged
        .par_chunks(ROWS)
        .map(|rows| {
            step.tick(rows.len() as u64)?;
            Ok(rows
                .iter()
                .map(|&row| penalty(&x, &points, row, n, neighbors))
                .sum())
        })
        .collect::<Result<_, Error>>()?;
    let penalty: u64 = penalties.iter().sum();
    let k = neighbors as f64;
    let worst = judged.len() as f64 * k * (2.0 * n as f64 - 3.0 * k - 1.0) / 2.0;
    Ok(Some(Trustworthiness {
        value: 1.0 - penalty as f64 / worst,
        rows: judged.len(),
    }))
}

struct Rows<'a> {
    data: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    fn of(table: &'a ndarray::CowArray<'_, f32, ndarray::Ix2>) -> Rows<'a> {
        Rows {
            data: table.as_slice().unwrap_or_default(),
            width: table.ncols(),
        }
    }

    fn distances(&self, row: usize, n: usize) -> Vec<(f32, usize)> {
        let at = |row: usize| &self.data[row * self.width..(row + 1) * self.width];
        let own = at(row);
        (0..n)
            .filter(|&other| other != row)
            .map(|other| (squared_distance(own, at(other)), other))
            .collect()
    }
}

/// How many places beyond the `k`-th the nearest points of `row` have in the data, together.
fn penalty(x: &Rows<'_>, points: &Rows<'_>, row: usize, n: usize, k: usize) -> u64 {
    let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let mut near = points.distances(row, n);
    near.select_nth_unstable_by(k - 1, order);
    let before = x.distances(row, n);
    near[..k]
        .iter()
        .map(|&(_, other)| {
            // The list leaves out the row itself.
            let own = before[other - usize::from(other > row)];
            let closer = before.iter().filter(|one| order(one, &own).is_lt()).count();
            (closer + 1).saturating_sub(k) as u64
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[derive(serde::Deserialize)]
    struct Case {
        rows: Vec<Vec<f32>>,
        points: Vec<Vec<f32>>,
        by_k: Vec<(usize, f64)>,
    }

    fn table(rows: &[Vec<f32>]) -> Array2<f32> {
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let case: Case = serde_json::from_str(include_str!(
            "../../tests/fixtures/score/trustworthiness.json"
        ))
        .unwrap();
        let (x, points) = (table(&case.rows), table(&case.points));
        for (k, wanted) in case.by_k {
            let got = trustworthiness(x.view(), points.view(), k, &Context::new(0))
                .unwrap()
                .unwrap();
            assert!(
                (got.value - wanted).abs() < 1e-12,
                "{k}: {} {wanted}",
                got.value
            );
            assert_eq!(got.rows, 80);
        }
    }

    #[test]
    fn data_is_a_perfect_map_of_itself_and_half_the_rows_are_no_neighbourhood() {
        let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * 31 + j * 17) % 41) as f32);
        let judge = |k| trustworthiness(x.view(), x.view(), k, &Context::new(0)).unwrap();
        assert_eq!(judge(15).unwrap().value, 1.0);
        assert_eq!(judge(20), None);
        assert_eq!(judge(0), None);
    }
}
