//! How the rows of a cluster lie about its centre: what it takes to bound a row's mean distance to them.
//!
//! For a row `x` the squared distances to a cluster's rows have the mean `M = |x - c|² + s`, where `c` is the centre and
//! `s` the mean square of the rows about it, and a deviation of at most `t + 2 sqrt q`, where `t` is the deviation of the
//! rows' own squared distances from `c` and `q` the variance of the rows along `x - c`. For `u >= 0`
//! `1 + (u - 1) / 2 - (u - 1)² / 2 <= sqrt u <= 1 + (u - 1) / 2`, so the mean distance lies between
//! `sqrt M (1 - (t + 2 sqrt q)² / 2 M²)` and `sqrt M`. All of it is known without a single pair, but for `q`: that is at
//! most `|x - c|²` times the greatest variance in any direction, and, with some principal directions at hand, what they
//! say plus as much of the rest.

use ndarray::Array2;

use crate::context::Step;
use crate::error::Error;
use crate::linalg::{Isa, LANES, Panels, add_scatter};
use crate::random;
use crate::reduce::eigen;

/// Principal directions of a cluster: one panel.
pub(super) const DIRECTIONS: usize = LANES;
/// Steps to the directions.
const DIRECTION_STEPS: usize = 40;
/// Steps to a greatest variance.
const STEPS: usize = 24;
/// The least share of the greatest variance that so many steps find. From a random start they find less with a
/// probability below `1.65 sqrt(d) exp(-47 sqrt(0.3))` (Kuczyński and Woźniakowski 1992): 1e-9 for 3,000 coordinates.
const FOUND: f64 = 0.7;
/// For the roundings of single precision.
const ROUNDED: f64 = 1.01;
/// Rows whose scatter is added up in single precision.
const PIECE: usize = 256;

/// The rows of one cluster about their centre, in working units.
pub(super) struct Shape {
    /// The mean square of the distances to the centre.
    pub square: f64,
    /// The deviation of those squares.
    pub deviation: f64,
    /// At least the variance in any direction.
    pub widest: f64,
}

/// Principal directions of a cluster.
pub(super) struct Directions {
    /// The directions, unit vectors, as the right side of products.
    pub panel: Panels,
    /// Their products with the centre.
    pub at_centre: Vec<f64>,
    /// The variance along each.
    pub variances: Vec<f64>,
    /// At most the length of what the covariance does to them beside stretching each by its variance.
    pub coupling: f64,
    /// At least the variance in any direction orthogonal to them.
    pub rest: f64,
}

impl Directions {
    /// At least the variance along a vector, given its products with the directions and its squared length.
    pub fn along(&self, products: impl Iterator<Item = f64>, length: f64) -> f64 {
        let (mut inside, mut stretched) = (0.0, 0.0);
        for (product, variance) in products.zip(&self.variances) {
            inside += product * product;
            stretched += product * product * variance;
        }
        let outside = (length - inside).max(0.0);
        let coupled = self.coupling * (inside + 2.0 * (inside * outside).sqrt());
        ROUNDED * (stretched + coupled + self.rest * outside)
    }
}

/// The rows of a cluster minus their centre.
pub(super) struct Rows<'a> {
    pub isa: Isa,
    /// Row after row.
    pub centred: &'a [f32],
    pub dims: usize,
    pub seed: u64,
}

impl Rows<'_> {
    fn len(&self) -> usize {
        self.centred.len() / self.dims
    }

    /// O(m d) times 24 at most.
    pub fn shape(&self, step: &Step<'_>) -> Result<Shape, Error> {
        let m = self.len() as f64;
        let squares: Vec<f64> = self
            .centred
            .chunks_exact(self.dims)
            .map(|row| crate::linalg::sum_of_squares(self.isa, row))
            .collect();
        let square = squares.iter().sum::<f64>() / m;
        let spread = squares.iter().map(|x| (x - square) * (x - square));
        let deviation = (spread.sum::<f64>() / m).sqrt();
        Ok(Shape {
            square,
            deviation,
            widest: self.widest(&[], square, step)?,
        })
    }

    /// O(m d) times 80.
    pub fn directions(
        &self,
        shape: &Shape,
        centre: &[f64],
        step: &Step<'_>,
    ) -> Result<Directions, Error> {
        let found = self.krylov(DIRECTION_STEPS, &[]);
        let ritz = found.ritz(DIRECTIONS, step)?;
        let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(DIRECTIONS);
        for weights in ritz.vectors.outer_iter() {
            let mut vector = vec![0.0; self.dims];
            for (&by, part) in weights.iter().zip(&found.basis) {
                add(&mut vector, by, part);
            }
            orthogonalise(&mut vector, &vectors);
            if normalise(&mut vector) > 0.5 {
                vectors.push(vector);
            }
        }
        let mut variances = Vec::with_capacity(vectors.len());
        let (mut coupling, mut caught) = (0.0, 0.0);
        for vector in &vectors {
            let mut image = self.scatter(vector);
            let variance = dot(&image, vector).max(0.0);
            add(&mut image, -variance, vector);
            coupling += dot(&image, &image);
            caught += variance;
            variances.push(variance);
        }
        let left = (shape.square - caught / ROUNDED).max(0.0);
        let rest = self.widest(&vectors, left, step)?;
        let flat: Vec<f32> = vectors.iter().flatten().map(|&x| x as f32).collect();
        Ok(Directions {
            panel: Panels::pack(self.isa, &flat, self.dims),
            at_centre: vectors.iter().map(|v| dot(v, centre)).collect(),
            variances,
            coupling: coupling.sqrt(),
            rest: rest.min(shape.widest),
        })
    }

    /// At least the variance in any direction orthogonal to some; `total` is at least the sum of all of those.
    fn widest(&self, known: &[Vec<f64>], total: f64, step: &Step<'_>) -> Result<f64, Error> {
        let found = self.krylov(STEPS, known);
        let ritz = found.ritz(0, step)?;
        // All of a space of few dimensions is seen, and nothing is missing.
        let share = if found.exhausted { 1.0 } else { FOUND };
        let most = ritz.values.first().map_or(0.0, |most| most / share);
        Ok(most.clamp(0.0, total) * ROUNDED)
    }

    /// The covariance times a vector.
    fn scatter(&self, vector: &[f64]) -> Vec<f64> {
        let narrow: Vec<f32> = vector.iter().map(|&x| x as f32).collect();
        let mut sums = vec![0.0; self.dims];
        let mut piece = vec![0.0_f32; self.dims];
        for rows in self.centred.chunks(PIECE * self.dims) {
            piece.fill(0.0);
            add_scatter(self.isa, rows, &narrow, &mut piece);
            for (sum, piece) in sums.iter_mut().zip(&piece) {
                *sum += f64::from(*piece);
            }
        }
        let m = self.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= m);
        sums
    }

    /// Lanczos from a random start, orthogonal to `known`.
    fn krylov(&self, steps: usize, known: &[Vec<f64>]) -> Krylov {
        let mut found = Krylov {
            basis: Vec::new(),
            diagonal: Vec::new(),
            beside: Vec::new(),
            exhausted: false,
        };
        let mut next: Vec<f64> = (0..self.dims as u64)
            .map(|at| random::normal(self.seed, known.len() as u64, at))
            .collect();
        orthogonalise(&mut next, known);
        normalise(&mut next);
        let mut greatest = 0.0_f64;
        for _ in 0..steps {
            let mut image = self.scatter(&next);
            found.diagonal.push(dot(&image, &next));
            found.basis.push(next);
            // Twice is enough.
            for _ in 0..2 {
                orthogonalise(&mut image, known);
                orthogonalise(&mut image, &found.basis);
            }
            let beta = normalise(&mut image);
            greatest = greatest
                .max(beta)
                .max(found.diagonal[found.diagonal.len() - 1]);
            if beta <= 1e-6 * greatest {
                found.exhausted = true;
                break;
            }
            found.beside.push(beta);
            next = image;
        }
        found
    }
}

/// What Lanczos finds: a basis, and the tridiagonal matrix that the covariance is in it.
struct Krylov {
    basis: Vec<Vec<f64>>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    /// Whether the basis spans all that the start leads to.
    exhausted: bool,
}

impl Krylov {
    fn ritz(&self, k: usize, step: &Step<'_>) -> Result<eigen::Eigen, Error> {
        let n = self.diagonal.len();
        let mut matrix = Array2::zeros((n, n));
        for i in 0..n {
            matrix[(i, i)] = self.diagonal[i];
            if i + 1 < n {
                matrix[(i, i + 1)] = self.beside[i];
                matrix[(i + 1, i)] = self.beside[i];
            }
        }
        eigen::symmetric(matrix, k, step)
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

fn add(x: &mut [f64], by: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += by * y;
    }
}

fn orthogonalise(x: &mut [f64], basis: &[Vec<f64>]) {
    for vector in basis {
        let along = dot(x, vector);
        add(x, -along, vector);
    }
}

/// Brings `x` to length 1 and gives the length it had; a zero vector stays.
fn normalise(x: &mut [f64]) -> f64 {
    let length = dot(x, x).sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|value| *value /= length);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::linalg::isa;

    /// Rows with a few wide directions, centred.
    fn cloud(m: usize, d: usize) -> Vec<f32> {
        let mut rows: Vec<f32> = (0..m * d)
            .map(|at| {
                let (row, column) = ((at / d) as u64, (at % d) as u64);
                let own = random::normal(3, row, column) * 0.2;
                let wide: f64 = (0..24)
                    .map(|j| random::normal(4, row, j) * random::normal(5, j, column))
                    .sum();
                (own + wide * 0.3) as f32
            })
            .collect();
        for column in 0..d {
            let mean = (0..m).map(|row| rows[row * d + column]).sum::<f32>() / m as f32;
            (0..m).for_each(|row| rows[row * d + column] -= mean);
        }
        rows
    }

    #[test]
    fn variances_are_bounded_from_above_and_not_loosely() {
        let context = Context::new(0);
        let step = context.step("test", 0);
        for (m, d) in [(300, 96), (40, 96), (9, 20), (2, 20), (1, 20), (200, 1)] {
            let centred = cloud(m, d);
            let rows = Rows {
                isa: isa().for_dims(1),
                centred: &centred,
                dims: d,
                seed: 1,
            };
            let shape = rows.shape(&step).unwrap();
            let directions = rows.directions(&shape, &vec![0.0; d], &step).unwrap();
            let mut covariance = Array2::<f64>::zeros((d, d));
            for row in centred.chunks_exact(d) {
                for i in 0..d {
                    for j in 0..d {
                        covariance[(i, j)] += f64::from(row[i]) * f64::from(row[j]) / m as f64;
                    }
                }
            }
            let exact = eigen::symmetric(covariance.clone(), 0, &step)
                .unwrap()
                .values;
            assert!(shape.widest >= exact[0], "{m} x {d}");
            assert!(shape.widest <= 1.5 * exact[0] + 1e-12, "{m} x {d}");
            assert!((shape.square - exact.iter().sum::<f64>()).abs() <= 1e-5 * shape.square);
            let vectors: Vec<Vec<f64>> = {
                // The panel's words are not to be read here; products with unit vectors give them back.
                let unit: Vec<f32> = (0..d * d)
                    .map(|at| f32::from(u8::from(at / d == at % d)))
                    .collect();
                let mut block = crate::linalg::Block::new(rows.isa);
                block.fill(&unit, d);
                let mut tile = vec![0.0; d * LANES];
                if directions.panel.is_empty() {
                    Vec::new()
                } else {
                    crate::linalg::products(&block, &directions.panel, 0..1, &mut tile, LANES);
                    (0..directions.variances.len())
                        .map(|j| (0..d).map(|i| f64::from(tile[i * LANES + j])).collect())
                        .collect()
                }
            };
            for trial in 0..20 {
                let z: Vec<f64> = (0..d as u64).map(|i| random::normal(9, trial, i)).collect();
                let image: Vec<f64> = covariance
                    .rows()
                    .into_iter()
                    .map(|row| dot(&row.to_vec(), &z))
                    .collect();
                let (exact, length) = (dot(&image, &z), dot(&z, &z));
                let along: Vec<f64> = vectors.iter().map(|v| dot(v, &z)).collect();
                let most = directions.along(along.into_iter(), length);
                assert!(most * 1.0001 + 1e-12 >= exact, "{m} x {d}: {most} {exact}");
                assert!(exact <= shape.widest * length * 1.0001 + 1e-12);
            }
        }
    }
}
