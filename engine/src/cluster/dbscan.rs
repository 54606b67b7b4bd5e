//! DBSCAN as scikit-learn defines it, in one pass over the pairs of rows within the radius.
//!
//! A row is a core once enough neighbours were counted. A pair of known cores joins their groups at once; a pair with a
//! row that is not known to be one is kept for later, and no row is charged with more than `min_samples` of those. So
//! memory does not grow with the radius, and one pass is enough; lists of all neighbours would need n² in the worst case.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::ArrayView2;

use super::joining::Joining;
use super::{Clusterer, Clustering};
use crate::context::{Cancelled, Context};
use crate::error::{Error, arguments};
use crate::linalg::{Isa, isa};
use crate::neighbors::{Metric, Points, Within};

params! {
    /// What DBSCAN needs to know.
    pub struct Params {
        /// How far apart two rows may be to count as neighbours. The most important choice; it depends on the data and the metric.
        eps: f64 = Default::Float(0.5), Kind::Float { lo: 0.0, hi: f64::MAX };
        /// How many rows, the row itself counted, must lie within eps of a row for it to be a core of a cluster.
        min_samples: usize = Default::Int(5), Kind::Int { lo: 1, hi: 4_294_967_295 }, unit "rows";
        /// How far apart two rows are: the straight line, or one minus the cosine of the angle.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
    }
}

static SIGNATURE: Signature = Signature {
    name: "dbscan",
    summary: "Groups rows that are linked by dense neighbourhoods of one radius, and calls the rest noise.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="dbscan", features="embedding", metric="cosine", eps=0.2, run="d20")"#,
        shows: "Groups vectors of `embedding` that are linked by neighbours at a cosine distance of at most 0.2.",
    }],
    returns: Returns::Run,
};

/// DBSCAN. Source: Ester, Kriegel, Sander, Xu (1996); results as scikit-learn's `DBSCAN`.
///
/// A row that is not a core but within the radius of some goes to the cluster among theirs whose first core comes first
/// in row order. O(n² d / 2) products at most, fewer with up to 16 coordinates; O(n (d + `min_samples`)) memory.
#[derive(Debug)]
pub struct Dbscan;

impl Clusterer for Dbscan {
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
        let metric = if params.metric == "cosine" {
            Metric::Cosine
        } else {
            Metric::Euclidean
        };
        let points = Points::new(x, metric)?;
        let isa = isa().for_dims(x.ncols());
        let labels = labels(isa, &points, metric, &params, context)?;
        let noise = labels.labels.iter().filter(|&&label| label < 0).count();
        if noise == points.len() && noise > 0 {
            context.notes.remark(format!(
                "all {noise} rows are noise: none has {} rows, itself counted, within eps = {}",
                params.min_samples, params.eps
            ));
        }
        Ok(Clustering {
            labels: labels.labels,
            scores: vec![("core_rows", labels.cores as f64)],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

struct Labels {
    /// Clusters in the order of their first cores, -1 for noise.
    labels: Vec<i32>,
    cores: usize,
}

fn labels(
    isa: Isa,
    points: &Points<'_>,
    metric: Metric,
    params: &Params,
    context: &Context,
) -> Result<Labels, Cancelled> {
    let n = points.len();
    let enough = u32::try_from(params.min_samples).unwrap_or(u32::MAX);
    // A row is its own first neighbour. Counting stops at enough, so that the counters stay in cache unwritten.
    let counts: Vec<AtomicU32> = (0..n).map(|_| AtomicU32::new(1)).collect();
    let is_core = |row: u32| counts[row as usize].load(Ordering::Relaxed) >= enough;
    let count = |row: u32, by: usize| {
        if !is_core(row) {
            let by = u32::try_from(by).unwrap_or(u32::MAX);
            counts[row as usize].fetch_add(by, Ordering::Relaxed);
        }
    };
    let joining = Joining::new(n);
    let open: Mutex<Vec<(u32, u32)>> = Mutex::new(Vec::new());
    let within = Within::new(isa, points, metric, params.eps);
    within.visit("join neighbours", context, |pairs| {
        let mut later = Vec::new();
        for run in pairs.chunk_by(|one, other| one.0 == other.0) {
            count(run[0].0, run.len());
            run.iter().for_each(|&(_, other)| count(other, 1));
        }
        for &(a, b) in pairs {
            if is_core(a) && is_core(b) {
                joining.join(a, b);
            } else {
                later.push((a, b));
            }
        }
        if !later.is_empty() {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open.append(&mut later);
        }
    })?;
    let open = open.into_inner().unwrap_or_else(PoisonError::into_inner);
    for &(a, b) in open.iter().filter(|(a, b)| is_core(*a) && is_core(*b)) {
        joining.join(a, b);
    }
    // A group's root is its first core, so that the first cluster to reach a row is that of the lowest root.
    let mut root: Vec<u32> = (0..n as u32)
        .map(|row| {
            if is_core(row) {
                joining.root(row)
            } else {
                u32::MAX
            }
        })
        .collect();
    let cores = root.iter().filter(|&&root| root != u32::MAX).count();
    for &(a, b) in &open {
        let (core, border) = if is_core(a) { (a, b) } else { (b, a) };
        if is_core(core) && !is_core(border) {
            root[border as usize] = root[border as usize].min(root[core as usize]);
        }
    }
    let mut number = vec![-1_i32; n];
    let mut next = 0;
    for row in 0..n {
        if root[row] as usize == row {
            number[row] = next;
            next += 1;
        }
    }
    let labels = root
        .iter()
        .map(|&root| number.get(root as usize).copied().unwrap_or(-1))
        .collect();
    Ok(Labels { labels, cores })
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;
    use ndarray::{Array2, array};

    use super::*;

    fn run(x: &Array2<f32>, eps: f64, min_samples: usize) -> Labels {
        let points = Points::new(x.view(), Metric::Euclidean).unwrap();
        let params = Params {
            eps,
            min_samples,
            metric: "euclidean".into(),
        };
        labels(isa(), &points, Metric::Euclidean, &params, &Context::new(0)).unwrap()
    }

    /// The definition, by search from each core in row order.
    fn brute(x: &Array2<f32>, eps: f64, min_samples: usize) -> Vec<i32> {
        let n = x.nrows();
        let near = |a: usize, b: usize| {
            let gaps = x.row(a).to_owned() - x.row(b);
            gaps.iter().map(|gap| f64::from(*gap).powi(2)).sum::<f64>() <= eps * eps
        };
        let neighbors: Vec<Vec<usize>> = (0..n)
            .map(|a| (0..n).filter(|&b| near(a, b)).collect())
            .collect();
        let mut labels = vec![-1; n];
        let mut cluster = 0;
        for row in 0..n {
            if labels[row] != -1 || neighbors[row].len() < min_samples {
                continue;
            }
            let mut stack = vec![row];
            while let Some(at) = stack.pop() {
                if labels[at] == -1 {
                    labels[at] = cluster;
                    if neighbors[at].len() >= min_samples {
                        stack.extend(neighbors[at].iter().filter(|&&to| labels[to] == -1));
                    }
                }
            }
            cluster += 1;
        }
        labels
    }

    #[test]
    fn labels_are_those_of_the_definition() {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        for (n, d) in [(1, 1), (5, 2), (150, 1), (300, 2), (260, 5), (130, 40)] {
            // Steps of 1/16, so that many rows are exactly at the radius and many are equal.
            let x = Array2::from_shape_simple_fn((n, d), || (next() * 48.0).round() / 16.0);
            for eps in [0.0, 0.0625, 0.125, 0.25, 0.5, 1.0, 2.5, 7.0] {
                for min_samples in [1, 2, 3, 5, 12, 200] {
                    let found = run(&x, eps, min_samples);
                    assert_eq!(
                        found.labels,
                        brute(&x, eps, min_samples),
                        "{n} x {d}, eps {eps}, min_samples {min_samples}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_border_row_goes_to_the_cluster_whose_first_core_comes_first() {
        // Row 4 is within 1 of the last core of either side and has only two neighbours itself.
        let x = array![
            [10.0f32],
            [10.5],
            [11.0],
            [9.0],
            [8.0],
            [5.0],
            [5.5],
            [6.0],
            [7.0]
        ];
        let found = run(&x, 1.0, 4);
        assert_eq!(found.labels, brute(&x, 1.0, 4));
        let first = run(&x, 1.0, 3);
        assert_eq!(first.labels, brute(&x, 1.0, 3));
    }

    #[test]
    fn all_noise_is_said() {
        let x = array![[0.0f32], [10.0], [20.0]];
        let context = Context::new(0);
        let args = Args::from([("eps".to_owned(), Arg::Float(1.0))]);
        let found = Dbscan.fit(x.view(), &args, &context).unwrap();
        assert_eq!(found.labels, [-1, -1, -1]);
        assert_eq!(
            context.notes.sorted()[0].message,
            "all 3 rows are noise: none has 5 rows, itself counted, within eps = 1"
        );
    }
}
