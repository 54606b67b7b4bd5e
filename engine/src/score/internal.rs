//! Scores from centres alone, as scikit-learn defines them; noise is left out. Each O(n d).

use ndarray::ArrayView2;

use super::cluster_table::squared_gap;

/// Whether a score that compares clusters is defined: 2 to n-1 clusters.
fn defined(members: &[Vec<usize>]) -> bool {
    let rows: usize = members.iter().map(Vec::len).sum();
    members.len() >= 2 && members.len() < rows
}

/// The Calinski-Harabasz index: between-cluster over within-cluster dispersion, higher is better.
///
/// `members` are the rows of each cluster, `centroids` their means. None outside 2 to n-1 clusters; 1 where the
/// clusters have no extent, as in scikit-learn.
pub fn calinski_harabasz(
    x: ArrayView2<'_, f32>,
    members: &[Vec<usize>],
    centroids: &[Vec<f64>],
) -> Option<f64> {
    if !defined(members) {
        return None;
    }
    let rows: usize = members.iter().map(Vec::len).sum();
    let mut centre = vec![0f64; x.ncols()];
    for (cluster, centroid) in members.iter().zip(centroids) {
        let share = cluster.len() as f64 / rows as f64;
        centre
            .iter_mut()
            .zip(centroid)
            .for_each(|(sum, value)| *sum += share * value);
    }
    let between: f64 = members
        .iter()
        .zip(centroids)
        .map(|(cluster, centroid)| {
            let gap: f64 = centroid
                .iter()
                .zip(&centre)
                .map(|(a, b)| (a - b) * (a - b))
                .sum();
            cluster.len() as f64 * gap
        })
        .sum();
    let within: f64 = members
        .iter()
        .zip(centroids)
        .map(|(cluster, centroid)| {
            cluster
                .iter()
                .map(|&row| squared_gap(x.row(row), centroid))
                .sum::<f64>()
        })
        .sum();
    let (clusters, rows) = (members.len() as f64, rows as f64);
    Some(if within == 0.0 {
        1.0
    } else {
        between * (rows - clusters) / (within * (clusters - 1.0))
    })
}

/// The Davies-Bouldin index: the mean over clusters of the worst ratio of extents to distance, lower is better.
///
/// None outside 2 to n-1 clusters; 0 where all extents or all distances between centres are 0, as in scikit-learn.
pub fn davies_bouldin(
    x: ArrayView2<'_, f32>,
    members: &[Vec<usize>],
    centroids: &[Vec<f64>],
) -> Option<f64> {
    if !defined(members) {
        return None;
    }
    let extents: Vec<f64> = members
        .iter()
        .zip(centroids)
        .map(|(cluster, centroid)| {
            let sum: f64 = cluster
                .iter()
                .map(|&row| squared_gap(x.row(row), centroid).sqrt())
                .sum();
            sum / cluster.len().max(1) as f64
        })
        .collect();
    let gap = |a: usize, b: usize| -> f64 {
        let squares = centroids[a]
            .iter()
            .zip(&centroids[b])
            .map(|(x, y)| (x - y) * (x - y));
        squares.sum::<f64>().sqrt()
    };
    let worst = |a: usize| {
        let ratios = (0..members.len())
            .filter(|&b| b != a)
            .map(|b| match gap(a, b) {
                0.0 => 0.0,
                gap => (extents[a] + extents[b]) / gap,
            });
        ratios.fold(0.0, f64::max)
    };
    Some((0..members.len()).map(worst).sum::<f64>() / members.len() as f64)
}
