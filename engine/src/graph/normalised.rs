//! A graph divided by the roots of its degrees, `D^-1/2 W D^-1/2`: the operator whose largest eigenvectors are the smallest
//! of the normalised Laplacian.

use rayon::prelude::*;

use super::{Graph, lanczos};

/// Rows of one piece of a product.
const ROWS: usize = 2048;

/// The normalised adjacency of a graph. Its eigenvalues lie between -1 and 1, and 1 is reached once a component.
#[derive(Debug)]
pub struct Normalised<'a> {
    graph: &'a Graph,
    degrees: Vec<f64>,
    /// One over the root of each degree; 0 for a row without edges.
    roots: Vec<f64>,
}

impl<'a> Normalised<'a> {
    /// Takes the degrees. O(edges).
    pub fn new(graph: &'a Graph) -> Normalised<'a> {
        let degrees: Vec<f64> = (0..graph.len())
            .map(|i| graph.row(i).1.iter().map(|&w| f64::from(w)).sum::<f64>())
            .collect();
        let roots = degrees
            .iter()
            .map(|d| if *d > 0.0 { d.sqrt().recip() } else { 0.0 })
            .collect();
        Normalised {
            graph,
            degrees,
            roots,
        }
    }

    /// Writes the product with `x` into `y`. O(edges).
    pub fn apply(&self, x: &[f64], y: &mut [f64]) {
        y.par_chunks_mut(ROWS).enumerate().for_each(|(piece, y)| {
            for (i, y) in y.iter_mut().enumerate() {
                let i = piece * ROWS + i;
                let (columns, weights) = self.graph.row(i);
                let sum: f64 = columns
                    .iter()
                    .zip(weights)
                    .map(|(&j, &w)| f64::from(w) * self.roots[j as usize] * x[j as usize])
                    .sum();
                *y = self.roots[i] * sum;
            }
        });
    }

    /// The unit eigenvector of eigenvalue 1 of a connected graph: the roots of the degrees.
    pub fn flat(&self) -> Vec<f64> {
        let mut flat: Vec<f64> = self.degrees.iter().map(|d| d.sqrt()).collect();
        lanczos::normalise(&mut flat);
        flat
    }

    /// The unit eigenvectors of eigenvalue 1 of a graph of `count` components: [`Normalised::flat`] on each, 0 elsewhere.
    pub fn flats(&self, component: &[u32], count: usize) -> Vec<Vec<f64>> {
        let mut flats = vec![vec![0.0; component.len()]; count];
        for (row, (&c, degree)) in component.iter().zip(&self.degrees).enumerate() {
            flats[c as usize][row] = degree.sqrt();
        }
        for flat in &mut flats {
            lanczos::normalise(flat);
        }
        flats
    }

    /// One over the root of each row's degree; 0 for a row without edges.
    pub fn roots(&self) -> &[f64] {
        &self.roots
    }
}
