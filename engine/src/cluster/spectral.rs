//! Spectral clustering: rows are placed by the slowest waves of their neighbour graph, and k-means groups the places.
//!
//! So clusters may have any shape as long as neighbours hang together. A graph that falls apart needs no search for the
//! waves that only say which part a row is in; they are known.

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{Array2, ArrayView2, s};

use super::kmeans::{Options, Start, kmeans};
use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::finite::check_finite;
use crate::graph::lanczos::{self, Effort};
use crate::graph::{Graph, Normalised};
use crate::neighbors::{self, Known, Metric, Need};
use crate::pool::within;

/// Only the space that the waves span matters, and its error is the residual over the gap to the next wave.
const EFFORT: Effort = Effort {
    steps: 300,
    tolerance: 1e-6,
};

params! {
    /// What spectral clustering needs to know.
    pub struct Params {
        /// How many clusters to make.
        n_clusters: usize = Default::Int(8), Kind::Int { lo: 1, hi: 100_000 }, unit "clusters";
        /// How many waves place a row. None takes as many as clusters.
        n_components: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 1, hi: 100_000 });
        /// How many neighbours a row is joined to, the row itself counted. Small follows fine shapes, large is steadier.
        n_neighbors: usize = Default::Int(10), Kind::Int { lo: 2, hi: 1_000_000 }, unit "rows";
        /// How far apart two rows are: the straight line, or one minus the cosine of the angle.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// How many starts of k-means to try on the places.
        n_init: usize = Default::Int(10), Kind::Int { lo: 1, hi: 10_000 }, unit "starts";
    }
}

static SIGNATURE: Signature = Signature {
    name: "spectral",
    summary: "Makes a given number of clusters of any shape out of rows that hang together as neighbours.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="spectral", features="embedding", n_clusters=12, run="s12")"#,
        shows: "Makes 12 clusters of vectors that are neighbours of neighbours.",
    }],
    returns: Returns::Run,
};

/// The method `spectral`. Source: scikit-learn's `SpectralClustering` with affinity `nearest_neighbors` and labels by
/// k-means; von Luxburg (2007).
///
/// Where the neighbour graph has more parts than clusters are asked for, every wave is constant on parts and says nothing
/// of how near they are; then the parts are grouped by their means.
#[derive(Debug)]
pub struct Spectral;

impl Clusterer for Spectral {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        self.fit_knowing(x, args, None, context)
    }

    fn takes_neighbors(&self) -> bool {
        true
    }

    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        known: Option<&Known>,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let params = Params::read(args).map_err(|bad| arguments(SIGNATURE.name, bad))?;
        within(|| cluster(x, &params, known, context))
    }
}

fn cluster(
    x: ArrayView2<'_, f32>,
    params: &Params,
    known: Option<&Known>,
    context: &Context,
) -> Result<Clustering, Error> {
    let (n, k) = (x.nrows(), params.n_clusters);
    let waves = params.n_components.unwrap_or(k);
    if k > n || waves > n {
        return Err(Error::Input(format!(
            "spectral clustering cannot make {k} clusters from {waves} waves of {n} rows; n_clusters and n_components must be at most the number of rows"
        )));
    }
    check_finite(x)?;
    let metric = Metric::named(&params.metric);
    if params.n_neighbors > n {
        context.notes.remark(format!(
            "`n_neighbors` is {}, but there are only {n} rows; all of them are used",
            params.n_neighbors
        ));
    }
    let need = Need {
        metric,
        rows: n,
        k: params.n_neighbors.min(n) - 1,
        nearly: false,
    };
    let graph = match Known::meeting(known, need, context) {
        Some(graph) => Graph::of_neighbours(graph.neighbors.indices.slice(s![.., ..need.k])),
        None => {
            let near = neighbors::knn(x, need.k, metric, context)?;
            Graph::of_neighbours(near.indices.view())
        }
    };
    let (component, parts) = graph.components();
    let places = if parts > k {
        context.notes.remark(format!(
            "the neighbour graph falls into {parts} parts, more than the {k} clusters asked for; parts were grouped by their means, or raise `n_neighbors`"
        ));
        means(x, &component, parts)
    } else {
        if parts > 1 {
            context.notes.remark(format!(
                "the neighbour graph falls into {parts} parts; no cluster reaches over two of them unless clusters are few"
            ));
        }
        places(&graph, &component, parts, waves, context)?
    };
    let options = Options {
        n_clusters: k,
        start: Start::KMeansPlusPlus,
        n_init: params.n_init,
        max_iter: 300,
        tol: 1e-4,
    };
    let fit = kmeans(places.view(), &options, context)?;
    let clustering = Clustering {
        labels: fit.labels.iter().map(|label| label.cast_signed()).collect(),
        scores: vec![("parts", parts as f64)],
        params: params.record(),
        ..Clustering::default()
    }
    .by_size();
    let found = clustering.len();
    if found < k {
        context.notes.remark(format!(
            "spectral clustering found {found} clusters instead of {k}: the waves place rows at only {found} different places"
        ));
    }
    Ok(clustering)
}

/// Where the waves place the rows, `n x waves`: eigenvectors of the normalised Laplacian over the roots of the degrees.
fn places(
    graph: &Graph,
    component: &[u32],
    parts: usize,
    waves: usize,
    context: &Context,
) -> Result<Array2<f32>, Error> {
    let walk = Normalised::new(graph);
    let mut vectors = walk.flats(component, parts);
    let step = context.step("find waves", 0);
    let more = lanczos::largest(
        graph.len(),
        waves.saturating_sub(parts),
        &vectors,
        context.seed,
        EFFORT,
        &step,
        |x, y| walk.apply(x, y),
    )?;
    vectors.extend(more);
    Ok(Array2::from_shape_fn(
        (graph.len(), vectors.len()),
        |(row, wave)| (vectors[wave][row] * walk.roots()[row]) as f32,
    ))
}

/// Each row replaced by the mean of its part.
fn means(x: ArrayView2<'_, f32>, component: &[u32], parts: usize) -> Array2<f32> {
    let mut sums = Array2::<f64>::zeros((parts, x.ncols()));
    let mut sizes = vec![0.0_f64; parts];
    for (row, &part) in x.rows().into_iter().zip(component) {
        sizes[part as usize] += 1.0;
        for (sum, &value) in sums.row_mut(part as usize).iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    Array2::from_shape_fn(x.dim(), |(row, column)| {
        let part = component[row] as usize;
        (sums[(part, column)] / sizes[part]) as f32
    })
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;

    use super::*;
    use crate::neighbors::tests::cloud;

    fn fit(x: &Array2<f32>, args: &[(&str, Arg)], context: &Context) -> Result<Clustering, Error> {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        Spectral.fit(x.view(), &args.collect(), context)
    }

    /// Two rings, one inside the other, a bridge of a few rows between them.
    fn rings(n: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, 2), |(i, j)| {
            let angle = (i * 7) as f32 * 0.61;
            let radius = if i % 2 == 0 { 1.0 } else { 3.0 };
            let wobble = ((i * 7919 + j * 31) % 1009) as f32 / 4000.0;
            let bridge = if i < 6 { 1.0 + i as f32 * 0.3 } else { radius };
            if i < 6 {
                bridge * (1.0 - j as f32)
            } else {
                radius * (angle + j as f32 * std::f32::consts::FRAC_PI_2).cos() + wobble
            }
        })
    }

    #[test]
    fn rings_are_told_apart_where_centres_cannot() {
        let x = rings(400);
        let context = Context::new(2);
        let found = fit(&x, &[("n_clusters", Arg::Int(2))], &context).unwrap();
        let wrong = (6..400)
            .filter(|&i| (found.labels[i] == found.labels[6]) != (i % 2 == 0))
            .count();
        assert!(wrong < 4, "{wrong}");
    }

    #[test]
    fn parts_are_clusters_and_more_parts_than_clusters_are_joined_by_their_means() {
        let noise = cloud(200, 3, 4);
        let x = Array2::from_shape_fn((200, 3), |(i, j)| {
            let place = [0.0, 10.0, 1000.0, 1010.0][i % 4];
            noise[(i, j)] * 0.1 + if j == 0 { place } else { 0.0 }
        });
        let context = Context::new(0);
        let args = |k| [("n_clusters", Arg::Int(k)), ("n_neighbors", Arg::Int(30))];
        let four = fit(&x, &args(4), &context).unwrap();
        let two = fit(&x, &args(2), &context).unwrap();
        for i in 0..200 {
            assert_eq!(four.labels[i], four.labels[i % 4]);
            assert_eq!(two.labels[i] == two.labels[0], i % 4 < 2);
        }
        assert_eq!(four.scores[0], ("parts", 4.0));
        let notes = context.notes.sorted();
        assert!(notes.iter().any(|n| n.message.contains("more than the 2")));
        assert!(
            notes
                .iter()
                .any(|n| n.message.contains("no cluster reaches"))
        );
    }
}
