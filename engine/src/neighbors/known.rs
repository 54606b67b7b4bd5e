//! Neighbours that were found earlier and kept, for methods that would else search them again.

use super::{KnnGraph, Metric};
use crate::context::Context;

/// Neighbours of the rows, found earlier.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The run they are from.
    pub run: String,
    /// How they were measured.
    pub metric: Metric,
    /// The neighbours.
    pub graph: KnnGraph,
}

/// What a method needs of neighbours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// How far apart rows are.
    pub metric: Metric,
    /// How many rows there are.
    pub rows: usize,
    /// How many neighbours of each, the row itself not counted; all others where there are fewer.
    pub k: usize,
    /// Whether nearly all of them will do.
    pub nearly: bool,
}

impl Known {
    /// The neighbours, if they are what a method needs; it is noted where they are from.
    pub(crate) fn meeting<'a>(
        known: Option<&'a Known>,
        need: Need,
        context: &Context,
    ) -> Option<&'a KnnGraph> {
        let known = known.filter(|known| {
            let (rows, columns) = known.graph.neighbors.indices.dim();
            known.metric == need.metric
                && rows == need.rows
                && columns >= need.k.min(rows.saturating_sub(1))
                && (need.nearly || known.graph.recall.is_none())
        })?;
        context.notes.remark(format!(
            "the neighbours are those of the run {:?}",
            known.run
        ));
        Some(&known.graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::{Neighbors, Recall, knn_graph};
    use ndarray::Array2;

    fn known(recall: Option<f64>) -> Known {
        Known {
            run: "index".to_owned(),
            metric: Metric::Cosine,
            graph: KnnGraph {
                neighbors: Neighbors {
                    indices: Array2::zeros((4, 3)),
                    distances: Array2::zeros((4, 3)),
                },
                recall: recall.map(|value| Recall { value, rows: 4 }),
            },
        }
    }

    #[test]
    fn only_what_meets_every_need_is_taken_over_and_that_is_said() {
        let need = Need {
            metric: Metric::Cosine,
            rows: 4,
            k: 9,
            nearly: false,
        };
        let context = Context::new(0);
        let exact = known(None);
        assert!(Known::meeting(None, need, &context).is_none());
        for other in [
            Need {
                metric: Metric::Euclidean,
                ..need
            },
            Need { rows: 5, ..need },
        ] {
            assert!(Known::meeting(Some(&exact), other, &context).is_none());
        }
        assert!(context.notes.sorted().is_empty());
        // All others of four rows are three.
        assert!(Known::meeting(Some(&exact), need, &context).is_some());
        assert_eq!(context.notes.sorted().len(), 1);
        let rough = known(Some(0.98));
        assert!(Known::meeting(Some(&rough), need, &context).is_none());
        let nearly = Need {
            nearly: true,
            ..need
        };
        assert!(Known::meeting(Some(&rough), nearly, &context).is_some());
    }

    /// The law of [`Clusterer::takes_neighbors`](crate::cluster::Clusterer::takes_neighbors).
    #[test]
    fn methods_that_take_neighbours_over_find_the_same_clusters() {
        let x = Array2::from_shape_fn((90, 5), |(row, column)| {
            let at = (row * 5 + column) as u64;
            (row % 3) as f32 * 4.0 + crate::random::normal(8, 0, at) as f32
        });
        let context = Context::new(0);
        let known = Known {
            run: "index".to_owned(),
            metric: Metric::Euclidean,
            graph: knn_graph(x.view(), 20, Metric::Euclidean, &context).unwrap(),
        };
        let mut took = 0;
        for method in crate::cluster::METHODS {
            let name = method.signature().name;
            let (alone, given) = (Context::new(0), Context::new(0));
            let args = messier_query::signature::Args::new();
            let plain = method.fit(x.view(), &args, &alone).unwrap();
            let taken = method
                .fit_knowing(x.view(), &args, Some(&known), &given)
                .unwrap();
            assert_eq!(plain, taken, "{name}");
            let said = given
                .notes
                .sorted()
                .iter()
                .any(|note| note.message.contains("\"index\""));
            assert_eq!(said, method.takes_neighbors(), "{name}");
            took += usize::from(said);
        }
        assert_eq!(took, 3);
    }
}
