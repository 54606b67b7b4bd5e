//! Implicit QL steps on a tridiagonal matrix, written down as the rotations they are, and those carried to vectors.

use pulp::NullaryFnOnce;

use super::householder::{Reflector, Tridiagonal};

/// Vectors that are carried side by side.
pub const SLAB: usize = 16;
/// QL needs two sweeps an eigenvalue; this many means that nothing more can be gained.
const MAX_SWEEPS: usize = 128;
/// A sum of squares below this has lost digits to the end of the numbers.
const FAINT: f64 = 1e-280;

/// The plane rotation of rows `row` and `row + 1`.
#[derive(Debug)]
pub struct Rotation {
    row: u32,
    cos: f64,
    sin: f64,
}

/// The root of `a² + b²` where squares vanish; a library's own may differ in the last bit from one to the next.
fn hypotenuse(a: f64, b: f64) -> f64 {
    let (least, most) = (a.abs().min(b.abs()), a.abs().max(b.abs()));
    if most > 0.0 {
        let share = least / most;
        most * (1.0 + share * share).sqrt()
    } else {
        0.0
    }
}

/// Turns the diagonal into the eigenvalues, in no order, and tells `keep` the rotations that did it. Squares of the entries
/// must not overflow. About `30 n^2` operations.
pub fn diagonalise(matrix: &mut Tridiagonal, mut keep: impl FnMut(Rotation)) {
    let (d, e) = (&mut matrix.diagonal, &mut matrix.beside);
    let n = d.len();
    for l in 0..n {
        for _ in 0..MAX_SWEEPS {
            let negligible = |i: usize| {
                let size = d[i].abs() + d[i + 1].abs();
                e[i].abs() <= f64::EPSILON * size || e[i].abs() < f64::MIN_POSITIVE
            };
            let end = (l..n.saturating_sub(1))
                .find(|&i| negligible(i))
                .unwrap_or(n - 1);
            if end == l {
                break;
            }
            let slope = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[end] - d[l] + e[l] / (slope + hypotenuse(slope, 1.0).copysign(slope));
            let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..end).rev() {
                let (f, b) = (sin * e[i], cos * e[i]);
                let square = f * f + g * g;
                let r = if square > FAINT {
                    square.sqrt()
                } else {
                    hypotenuse(f, g)
                };
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= shift;
                    e[end] = 0.0;
                    split = true;
                    break;
                }
                (sin, cos) = (f / r, g / r);
                g = d[i + 1] - shift;
                let t = (d[i] - g) * sin + 2.0 * cos * b;
                shift = sin * t;
                d[i + 1] = g + shift;
                g = cos * t - b;
                keep(Rotation {
                    row: i as u32,
                    cos,
                    sin,
                });
            }
            if !split {
                d[l] -= shift;
                e[l] = g;
                e[end] = 0.0;
            }
        }
    }
}

/// Carries vectors back through rotations and reflections, entry `i` of vector `l` at `[i][l]`: a unit vector becomes an
/// eigenvector, and so does one of the tridiagonal matrix where there are no rotations.
pub struct Carry<'a> {
    pub x: Vec<[f64; SLAB]>,
    pub rotations: &'a [Rotation],
    pub reflectors: &'a [Reflector],
}

impl NullaryFnOnce for Carry<'_> {
    type Output = Vec<[f64; SLAB]>;

    #[inline(always)]
    fn call(self) -> Vec<[f64; SLAB]> {
        let mut x = self.x;
        // Backwards, each rotation begins with the row at which the one before ended: it stays in registers.
        let mut carried = [0.0; SLAB];
        let mut at = None;
        for rotation in self.rotations.iter().rev() {
            let row = rotation.row as usize;
            if at != Some(row) {
                if let Some(at) = at {
                    x[at] = carried;
                }
                carried = x[row];
            }
            let below = x[row + 1];
            let mut above = [0.0; SLAB];
            for l in 0..SLAB {
                above[l] = rotation.cos * carried[l] + rotation.sin * below[l];
                carried[l] = rotation.cos * below[l] - rotation.sin * carried[l];
            }
            x[row] = above;
            at = Some(row + 1);
        }
        if let Some(at) = at {
            x[at] = carried;
        }
        for reflector in self.reflectors.iter().rev() {
            let mut along = [0.0; SLAB];
            for (row, v) in x.iter().zip(&reflector.v) {
                for l in 0..SLAB {
                    along[l] += v * row[l];
                }
            }
            let along = along.map(|sum| reflector.scale * sum);
            for (row, v) in x.iter_mut().zip(&reflector.v) {
                for l in 0..SLAB {
                    row[l] -= v * along[l];
                }
            }
        }
        x
    }
}
