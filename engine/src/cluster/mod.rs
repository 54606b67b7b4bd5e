//! Clusterings: each method is one file and one line in [`METHODS`].

pub mod affinity_propagation;
pub mod agglomerative;
pub mod birch;
pub mod bisecting_kmeans;
pub mod dbscan;
pub mod gaussian_mixture;
pub mod hdbscan;
mod joining;
pub mod kmeans;
pub mod mean_shift;
mod memory;
pub mod minibatch_kmeans;
mod nearest;
pub mod optics;
pub mod spectral;

use messier_query::signature::{Args, Signature};
use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Error;
use crate::neighbors::Known;
use crate::registry;

/// Every clustering method, in the order help lists them.
pub static METHODS: &[&dyn Clusterer] = &[
    &kmeans::KMEANS,
    &minibatch_kmeans::MiniBatchKMeans,
    &bisecting_kmeans::BisectingKMeans,
    &hdbscan::HDBSCAN,
    &dbscan::Dbscan,
    &optics::Optics,
    &agglomerative::Agglomerative,
    &birch::Birch,
    &gaussian_mixture::GaussianMixture,
    &spectral::Spectral,
    &mean_shift::MeanShift,
    &affinity_propagation::AffinityPropagation,
];

/// A clustering method. The conformance suite calls every one with the same hostile inputs.
pub trait Clusterer: Sync {
    /// Name, summary, parameters.
    fn signature(&self) -> &'static Signature;

    /// Groups the rows of `x` (`n x d`, finite, `n >= 1`).
    ///
    /// # Errors
    /// A bad argument, fewer rows than the method needs, or [`Error::Cancelled`].
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error>;

    /// Whether [`Clusterer::fit_knowing`] takes neighbours over.
    fn takes_neighbors(&self) -> bool {
        false
    }

    /// [`Clusterer::fit`] with neighbours that may be known: a method that [takes](Clusterer::takes_neighbors) them does
    /// not search them again where they are what it needs.
    ///
    /// # Errors
    /// The same.
    fn fit_knowing(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        _known: Option<&Known>,
        context: &Context,
    ) -> Result<Clustering, Error> {
        self.fit(x, args, context)
    }
}

/// What a clustering method gives back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clustering {
    /// One label a row: a cluster from 0, or -1 for noise. [`Clustering::by_size`] brings them into the promised order.
    pub labels: Vec<i32>,
    /// How sure the method is of each row, 0 to 1.
    pub probabilities: Option<Vec<f32>>,
    /// How far outside each row is, 0 to 1 (GLOSH).
    pub outlier_scores: Option<Vec<f32>>,
    /// One centre a cluster, in the order of the labels, where the method has centres.
    pub centers: Option<Array2<f32>>,
    /// One number a cluster: how persistent it is, where defined.
    pub persistence: Option<Vec<f64>>,
    /// What the method itself measured: `("inertia", 812.4)`, `("iterations", 17.0)`.
    pub scores: Vec<(&'static str, f64)>,
    /// Every parameter the method used, defaults too, for the record.
    pub params: Args,
}

impl Clustering {
    /// The number of clusters, noise not counted.
    pub fn len(&self) -> usize {
        self.labels
            .iter()
            .max()
            .map_or(0, |&last| usize::try_from(last + 1).unwrap_or(0))
    }

    /// Whether there is no cluster at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Renumbers the clusters densely by falling size, ties by first row, noise staying -1; moves centres and
    /// persistence along. After it cluster 0 is always the largest.
    pub fn by_size(mut self) -> Clustering {
        let count = self.len();
        let mut order: Vec<(usize, usize, usize)> =
            (0..count).map(|c| (0, usize::MAX, c)).collect();
        for (row, &label) in self.labels.iter().enumerate() {
            if let Ok(cluster) = usize::try_from(label) {
                order[cluster].0 += 1;
                order[cluster].1 = order[cluster].1.min(row);
            }
        }
        order.retain(|&(size, ..)| size > 0);
        order.sort_by_key(|&(size, first, _)| (std::cmp::Reverse(size), first));
        let mut new = vec![-1; count];
        for (to, &(.., from)) in order.iter().enumerate() {
            new[from] = i32::try_from(to).unwrap_or(i32::MAX);
        }
        for label in &mut self.labels {
            *label = usize::try_from(*label).map_or(-1, |cluster| new[cluster]);
        }
        let kept: Vec<usize> = order.iter().map(|&(.., from)| from).collect();
        self.centers = self
            .centers
            .map(|centers| centers.select(ndarray::Axis(0), &kept));
        self.persistence = self
            .persistence
            .map(|values| kept.iter().map(|&from| values[from]).collect());
        self
    }
}

/// The method called `name`; `-` and `_` are the same.
///
/// # Errors
/// [`Error::Unknown`] with the nearest names, or all of them where none is near.
pub fn method(name: &str) -> Result<&'static dyn Clusterer, Error> {
    registry::find_method("clustering method", name, METHODS, |method| {
        method.signature().name
    })
}
