//! The push of all points on each, by the way that suits their number and the map's dimensions.

use super::exact;
use super::mesh::Mesh;
use super::tree::Tree;

/// Up to this many points every pair is looked at; a mesh or a tree would take as long.
const FEW: usize = 800;
/// How coarse a tree is unless somebody says.
const THETA: f64 = 0.5;

/// A way to sum the pushes up.
pub enum Repulsion<const D: usize> {
    /// Pair by pair.
    Exact,
    /// A potential on a mesh, in the plane.
    Mesh(Box<Mesh>),
    /// Far points together, by a tree of this coarseness.
    Tree(f32),
}

impl<const D: usize> Repulsion<D> {
    /// The way for `n` points; `theta` asks for a tree.
    pub fn new(n: usize, theta: Option<f64>) -> Repulsion<D> {
        match theta {
            Some(theta) => Repulsion::Tree(theta as f32),
            None if n <= FEW => Repulsion::Exact,
            None if D == 2 => Repulsion::Mesh(Box::default()),
            None => Repulsion::Tree(THETA as f32),
        }
    }

    /// Writes for each point `i` the sum over all others `j` of `k² (y_i - y_j)` with `k = 1 / (1 + |y_i - y_j|²)`, and
    /// gives the sum of `k` over all ordered pairs. The points are finite.
    pub fn pushes(&mut self, points: &[[f32; D]], out: &mut [[f32; D]]) -> f64 {
        match self {
            Repulsion::Exact => exact::pushes(points, out),
            Repulsion::Tree(theta) => Tree::new(points).pushes(*theta, out),
            Repulsion::Mesh(mesh) => {
                // A mesh is made for two dimensions only.
                mesh.pushes(
                    points.as_flattened().as_chunks::<2>().0,
                    out.as_flattened_mut().as_chunks_mut::<2>().0,
                )
            }
        }
    }
}
