//! The pushes in the plane, from one potential on a mesh.
//!
//! The push on a point is minus half the slope of `sum of 1 / (1 + distance²)` there, and the normalisation is that sum
//! itself. So one potential gives both: points are spread on the nodes by cubic B-splines, the kernel is summed over
//! the nodes by Fourier transforms (with the splines' smoothing divided out), and potential and slope are read from the
//! splines. The scheme of smooth particle-mesh Ewald (Essmann et al., 1995) in place of FIt-SNE's four sums of
//! polynomial interpolants (Linderman et al., 2019): a quarter of the transforms on a coarser mesh, for a smaller
//! error. A point's own share of what it reads depends only on where it lies between nodes and is taken off.

use rayon::prelude::*;

use super::convolution::Convolution;

/// The distance between nodes on a map that is large enough. The kernel halves at distance 1; the errors fall with the
/// fourth power: below 1 % of the pushes here.
const SPACING: f32 = 0.25;
/// A map is at least this many nodes wide, so that small ones are drawn on a finer mesh.
const LEAST_NODES: f32 = 14.0;
/// And at most this many: a wider one, which no sound descent makes, is drawn on a coarser mesh.
const MOST_NODES: f32 = 6000.0;
/// Below this width, points push as if the kernel were flat.
const FLAT: f32 = 0.05;
/// Nodes to spare on the larger mesh.
const MARGIN: usize = 16;
/// Rows of the mesh of one task.
const BAND: usize = 16;
/// Points of one task.
const POINTS: usize = 512;
/// Nodes under a spline.
const ORDER: usize = 4;
/// Places between two nodes at which a point's own share is kept.
const SHARES: usize = 16;

/// Keeps the prepared kernel from round to round.
#[derive(Default)]
pub struct Mesh {
    kernel: Option<Kernel>,
}

/// The kernel on meshes of one spacing and size.
struct Kernel {
    spacing: f32,
    nodes: usize,
    convolution: Convolution,
    /// What a point alone reads at its own place: value, slope along x and along y, by place between nodes.
    own: Vec<[f32; 3]>,
}

/// The potential of some points, readable anywhere near them.
pub struct Field<'a> {
    frame: Frame,
    kernel: &'a Kernel,
    /// Spline coefficients, by rows.
    coefficients: Vec<f32>,
}

/// Where the mesh lies.
#[derive(Debug, Clone, Copy)]
struct Frame {
    low: [f32; 2],
    spacing: f32,
    nodes: usize,
}

/// The node at which a point's splines begin, and how far beyond it, between 0 and 1, the point lies.
#[derive(Debug, Clone, Copy)]
struct Spot {
    node: [u32; 2],
    beyond: [f32; 2],
}

impl Mesh {
    /// The pushes of all points on each, and the sum over pairs. O(n + w² log w) for a map of width w.
    pub fn pushes(&mut self, points: &[[f32; 2]], out: &mut [[f32; 2]]) -> f64 {
        let (low, high) = bounds(points);
        let width = (high[0] - low[0]).max(high[1] - low[1]);
        if width < FLAT {
            return flat(points, out);
        }
        let field = self.field(points, low, width);
        let sums: Vec<f64> = out
            .par_chunks_mut(POINTS)
            .zip(points.par_chunks(POINTS))
            .map(|(out, points)| {
                let mut sum = 0.0;
                for (push, &point) in out.iter_mut().zip(points) {
                    let spot = field.frame.spot(point);
                    let ([x, y], value) = field.push_at(spot);
                    let [own, own_x, own_y] = field.kernel.own(spot.beyond);
                    *push = [x - own_x, y - own_y];
                    sum += f64::from(value - own);
                }
                sum
            })
            .collect();
        sums.iter().sum()
    }

    /// The potential of points within `width` of `low`.
    fn field(&mut self, points: &[[f32; 2]], low: [f32; 2], width: f32) -> Field<'_> {
        let spacing = spacing(width);
        // Half a spline on either side, and one more for rounding.
        let nodes = (width / spacing) as usize + ORDER + 2;
        let kernel = match self.kernel.take() {
            Some(kernel)
                if kernel.spacing == spacing
                    && kernel.nodes >= nodes
                    && kernel.nodes * 9 <= nodes * 10 + 20 =>
            {
                kernel
            }
            // A little more than now, since maps grow.
            _ => Kernel::new(spacing, nodes + nodes / 32),
        };
        let kernel = self.kernel.insert(kernel);
        let frame = Frame {
            low,
            spacing,
            nodes: kernel.nodes,
        };
        let values = frame.spread(points);
        let coefficients = kernel.convolution.apply(&values);
        Field {
            frame,
            kernel,
            coefficients,
        }
    }
}

/// The distance between nodes for a map of this width: halved from [`SPACING`] where the map is small.
fn spacing(width: f32) -> f32 {
    let mut spacing = SPACING;
    while width < LEAST_NODES * spacing {
        spacing *= 0.5;
    }
    while width > MOST_NODES * spacing {
        spacing *= 2.0;
    }
    spacing
}

fn bounds(points: &[[f32; 2]]) -> ([f32; 2], [f32; 2]) {
    let none = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    points.iter().fold(none, |(low, high), &[x, y]| {
        (
            [low[0].min(x), low[1].min(y)],
            [high[0].max(x), high[1].max(y)],
        )
    })
}

/// The pushes where all distances are so small that every pair counts the same.
fn flat(points: &[[f32; 2]], out: &mut [[f32; 2]]) -> f64 {
    let n = points.len() as f64;
    let (mut sum, mut squares) = ([0.0_f64; 2], 0.0_f64);
    for point in points {
        for axis in 0..2 {
            sum[axis] += f64::from(point[axis]);
            squares += f64::from(point[axis]).powi(2);
        }
    }
    for (push, point) in out.iter_mut().zip(points) {
        for axis in 0..2 {
            push[axis] = (n * f64::from(point[axis]) - sum[axis]) as f32;
        }
    }
    // Over all ordered pairs, of 1 - distance².
    let apart = 2.0 * (n * squares - sum[0] * sum[0] - sum[1] * sum[1]);
    n * (n - 1.0) - apart
}

/// The four values of the cubic B-spline's pieces at `t` beyond a node.
#[inline(always)]
fn spline(t: f32) -> [f32; ORDER] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0,
        t * t * t / 6.0,
    ]
}

/// Their derivatives.
#[inline(always)]
fn slope(t: f32) -> [f32; ORDER] {
    let u = 1.0 - t;
    [
        -0.5 * u * u,
        1.5 * t * t - 2.0 * t,
        2.0 * u - 1.5 * u * u,
        0.5 * t * t,
    ]
}

impl Frame {
    #[inline(always)]
    fn spot(&self, point: [f32; 2]) -> Spot {
        let mut spot = Spot {
            node: [0; 2],
            beyond: [0.0; 2],
        };
        for (axis, (value, low)) in point.into_iter().zip(self.low).enumerate() {
            let at = (value - low) / self.spacing;
            let whole = at.floor().clamp(0.0, (self.nodes - ORDER) as f32);
            spot.node[axis] = whole as u32;
            spot.beyond[axis] = (at - whole).clamp(0.0, 1.0);
        }
        spot
    }

    /// The points spread on the nodes. Bands of rows take their points in one order, whoever does which band.
    fn spread(&self, points: &[[f32; 2]]) -> Vec<f32> {
        let spots: Vec<Spot> = points.par_iter().map(|&point| self.spot(point)).collect();
        let mut starts = vec![0_usize; self.nodes + 1];
        for spot in &spots {
            starts[spot.node[1] as usize + 1] += 1;
        }
        for row in 0..self.nodes {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0_u32; spots.len()];
        for (i, spot) in spots.iter().enumerate() {
            let at = &mut next[spot.node[1] as usize];
            sorted[*at] = i as u32;
            *at += 1;
        }
        let mut values = vec![0.0; self.nodes * self.nodes];
        values
            .par_chunks_mut(BAND * self.nodes)
            .enumerate()
            .for_each(|(band, values)| {
                let rows = band * BAND..band * BAND + values.len() / self.nodes;
                let first = starts[(rows.start + 1).saturating_sub(ORDER)];
                for &i in &sorted[first..starts[rows.end]] {
                    let spot = spots[i as usize];
                    let (along, across) = (spline(spot.beyond[0]), spline(spot.beyond[1]));
                    for (row, weight) in (spot.node[1] as usize..).zip(across) {
                        if rows.contains(&row) {
                            let begin = (row - rows.start) * self.nodes + spot.node[0] as usize;
                            let nodes = &mut values[begin..begin + ORDER];
                            for (value, along) in nodes.iter_mut().zip(along) {
                                *value += along * weight;
                            }
                        }
                    }
                }
            });
        values
    }
}

impl Field<'_> {
    /// The push on a point there, and the potential.
    #[inline(always)]
    fn push_at(&self, spot: Spot) -> ([f32; 2], f32) {
        let Frame { nodes, spacing, .. } = self.frame;
        let read = read(spot.beyond, |x, y| {
            self.coefficients[(spot.node[1] as usize + y) * nodes + spot.node[0] as usize + x]
        });
        let by = -0.5 / spacing;
        ([by * read[1], by * read[2]], read[0])
    }
}

/// The value and the two slopes of a spline with these coefficients.
#[inline(always)]
fn read(beyond: [f32; 2], coefficient: impl Fn(usize, usize) -> f32) -> [f32; 3] {
    let (along, across) = (spline(beyond[0]), spline(beyond[1]));
    let (along_slope, across_slope) = (slope(beyond[0]), slope(beyond[1]));
    let mut sums = [0.0; 3];
    for y in 0..ORDER {
        let (mut value, mut slope) = (0.0, 0.0);
        for x in 0..ORDER {
            let coefficient = coefficient(x, y);
            value += coefficient * along[x];
            slope += coefficient * along_slope[x];
        }
        sums[0] += value * across[y];
        sums[1] += slope * across[y];
        sums[2] += value * across_slope[y];
    }
    sums
}

impl Kernel {
    fn new(spacing: f32, nodes: usize) -> Kernel {
        let kernel = |dx: usize, dy: usize| {
            let (dx, dy) = (dx as f32 * spacing, dy as f32 * spacing);
            1.0 / (1.0 + dx * dx + dy * dy)
        };
        // A spline read at the nodes weighs them 1/6, 4/6, 1/6; spreading and reading both do that.
        let filter = |frequency: f64| ((4.0 + 2.0 * frequency.cos()) / 6.0).powi(-2);
        let nodes = nodes.max(2 * ORDER);
        let convolution = Convolution::new(nodes, MARGIN, kernel, filter);
        let mut kernel = Kernel {
            spacing,
            nodes,
            convolution,
            own: Vec::new(),
        };
        kernel.own = kernel.own_shares();
        kernel
    }

    /// What one point alone reads, at a lattice of places between nodes.
    fn own_shares(&self) -> Vec<[f32; 3]> {
        let mut one = vec![0.0; self.nodes * self.nodes];
        one[0] = 1.0;
        let from_node = self.convolution.apply(&one);
        let by = -0.5 / self.spacing;
        (0..(SHARES + 1) * (SHARES + 1))
            .map(|at| {
                let beyond =
                    [at % (SHARES + 1), at / (SHARES + 1)].map(|i| i as f32 / SHARES as f32);
                let (along, across) = (spline(beyond[0]), spline(beyond[1]));
                let [value, x, y] = read(beyond, |x, y| {
                    let mut sum = 0.0;
                    for (v, across) in across.iter().enumerate() {
                        for (u, along) in along.iter().enumerate() {
                            let node = y.abs_diff(v) * self.nodes + x.abs_diff(u);
                            sum += across * along * from_node[node];
                        }
                    }
                    sum
                });
                [value, by * x, by * y]
            })
            .collect()
    }

    /// A point's own share, between the places that are kept.
    #[inline(always)]
    fn own(&self, beyond: [f32; 2]) -> [f32; 3] {
        let [x, y] = beyond.map(|t| t * SHARES as f32);
        let [column, row] = [x, y].map(|t| (t as usize).min(SHARES - 1));
        let (x, y) = (x - column as f32, y - row as f32);
        let at = row * (SHARES + 1) + column;
        std::array::from_fn(|part| {
            let corner = |at: usize| self.own[at][part];
            let above = corner(at) * (1.0 - x) + corner(at + 1) * x;
            let below = corner(at + SHARES + 1) * (1.0 - x) + corner(at + SHARES + 2) * x;
            above * (1.0 - y) + below * y
        })
    }
}
