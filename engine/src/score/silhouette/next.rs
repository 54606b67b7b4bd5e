//! Which clusters may be the one that is next to a row: those whose bound from below is no higher than the lowest bound
//! from above. Only they, and the row's own, need their distances added up.
//!
//! Bounds are those of [`shape`](super::shape), first with a cluster's greatest variance, then, for the clusters that are
//! left and where it is worth the while, with its principal directions.

use rayon::prelude::*;

use super::Groups;
use super::shape::{DIRECTIONS, Directions, Rows, Shape};
use crate::context::{Cancelled, Context, Step};
use crate::error::Error;
use crate::linalg::{Block, Bundles, Isa, LANES, Panels, bound, mean_bounds, products};
use crate::neighbors::Points;

/// Rows that are looked at together.
const PART: usize = 512;
/// Rows of a block of products.
const ROWS: usize = 64;
/// Rows a cluster must have for principal directions to cost less than its pairs.
const ROWS_FOR_DIRECTIONS: usize = 4 * DIRECTIONS;

/// The clusters, ready to be compared with rows.
pub(super) struct Next<'a> {
    isa: Isa,
    points: &'a Points<'a>,
    groups: &'a Groups,
    centres: Panels,
    shapes: Vec<Shape>,
    bundles: Bundles,
    directions: Vec<Option<Directions>>,
    /// How far a squared distance to a centre may be off: a share of the squared lengths, and a constant.
    slack: (f32, f32),
}

/// A cluster that may be next to a row.
#[derive(Clone, Copy)]
struct Candidate {
    cluster: u32,
    /// Which of the part's rows.
    row: u32,
    /// The product of the row with the cluster's centre.
    product: f32,
}

impl<'a> Next<'a> {
    /// Looks at every cluster's rows. O(n d) times a few tens.
    pub fn new(
        isa: Isa,
        points: &'a Points<'a>,
        groups: &'a Groups,
        step: &Step<'_>,
    ) -> Result<Next<'a>, Error> {
        let dims = points.dims();
        let found: Vec<(Vec<f64>, Shape)> = (0..groups.len())
            .into_par_iter()
            .with_max_len(1)
            .map(|cluster| {
                step.tick(0)?;
                let (centre, centred) = centred(isa, points, groups.members(cluster));
                let rows = Rows {
                    isa,
                    centred: &centred,
                    dims,
                    seed: cluster as u64,
                };
                Ok((centre, rows.shape(step)?))
            })
            .collect::<Result<_, Error>>()?;
        let (exact, shapes): (Vec<_>, Vec<Shape>) = found.into_iter().unzip();
        let centres = Panels::pack_with(isa, groups.len(), dims, |first, out| {
            for (centre, out) in exact[first..].iter().zip(out.chunks_exact_mut(dims)) {
                out.iter_mut()
                    .zip(centre)
                    .for_each(|(to, &from)| *to = from as f32);
            }
        });
        let narrow = |of: fn(&Shape) -> f64| shapes.iter().map(|shape| of(shape) as f32).collect();
        Ok(Next {
            isa,
            points,
            groups,
            bundles: Bundles {
                norms: centres.norms().to_vec(),
                squares: narrow(|shape| shape.square),
                deviations: narrow(|shape| shape.deviation),
                widths: narrow(|shape| 2.0 * shape.widest.sqrt()),
            },
            directions: shapes.iter().map(|_| None).collect(),
            centres,
            shapes,
            slack: (bound::relative(dims, 0.0, 0.0), bound::floor(dims)),
        })
    }

    /// Finds the principal directions of the larger clusters. O(n d) times 80.
    pub fn find_directions(&mut self, step: &Step<'_>) -> Result<(), Error> {
        let found = (0..self.groups.len())
            .into_par_iter()
            .with_max_len(1)
            .map(|cluster| {
                step.tick(0)?;
                let members = self.groups.members(cluster);
                if members.len() < ROWS_FOR_DIRECTIONS {
                    return Ok(None);
                }
                let (centre, centred) = centred(self.isa, self.points, members);
                let rows = Rows {
                    isa: self.isa,
                    centred: &centred,
                    dims: self.points.dims(),
                    seed: cluster as u64,
                };
                rows.directions(&self.shapes[cluster], &centre, step)
                    .map(Some)
            });
        self.directions = found.collect::<Result<_, Error>>()?;
        Ok(())
    }

    /// For each cluster the places (of the order of the groups), of those given, whose rows it may be next to, as
    /// positions in `places`. O(m (clusters + candidates) d).
    pub fn lists(&self, places: &[usize], context: &Context) -> Result<Vec<Vec<u32>>, Cancelled> {
        let step = context.step("find the next clusters", places.len() as u64);
        let parts: Vec<Vec<Candidate>> = places
            .par_chunks(PART)
            .map_init(
                || Buffers::new(self.isa, self.groups.len()),
                |buffers, places| {
                    step.tick(places.len() as u64)?;
                    Ok(self.part(places, buffers))
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        let mut lists = vec![Vec::new(); self.groups.len()];
        for (part, candidates) in parts.iter().enumerate() {
            for candidate in candidates {
                let at = (part * PART) as u32 + candidate.row;
                lists[candidate.cluster as usize].push(at);
            }
        }
        Ok(lists)
    }

    fn part(&self, places: &[usize], buffers: &mut Buffers) -> Vec<Candidate> {
        let numbers = places.iter().map(|&at| self.groups.rows[at]);
        let Buffers { all, staging, .. } = buffers;
        self.points.block(numbers, self.isa, all, staging);
        let norms: Vec<f32> = staging
            .chunks_exact(self.points.dims())
            .map(|row| crate::linalg::sum_of_squares(self.isa, row) as f32)
            .collect();
        let mut reach = Vec::with_capacity(places.len());
        let mut found = Vec::new();
        for (block, places) in places.chunks(ROWS).enumerate() {
            let rows = block * ROWS..block * ROWS + places.len();
            self.bounds(rows, places, &norms, buffers, &mut reach, &mut found);
        }
        if self.directions.iter().any(Option::is_some) {
            found.sort_by_key(|candidate| candidate.cluster);
            let mut kept = Vec::with_capacity(found.len());
            for one in found.chunk_by(|a, b| a.cluster == b.cluster) {
                match &self.directions[one[0].cluster as usize] {
                    Some(directions) if directions.panel.rows() > 0 => {
                        self.look_along(directions, one, &norms, &reach, buffers, &mut kept);
                    }
                    _ => kept.extend_from_slice(one),
                }
            }
            found = kept;
        }
        found
    }

    /// Bounds by the greatest variance, for the rows of one block. Appends to `reach` for each row the lowest bound from
    /// above, and to `found` the clusters that may be lower.
    fn bounds(
        &self,
        rows: std::ops::Range<usize>,
        places: &[usize],
        norms: &[f32],
        buffers: &mut Buffers,
        reach: &mut Vec<f32>,
        found: &mut Vec<Candidate>,
    ) {
        let count = self.groups.len();
        let Buffers {
            all,
            some,
            tile,
            lower,
            upper,
            ..
        } = buffers;
        let numbers: Vec<u32> = rows.clone().map(|row| row as u32).collect();
        some.gather(all, &numbers);
        let stride = self.centres.len() * LANES;
        products(some, &self.centres, 0..self.centres.len(), tile, stride);
        for (at, (row, &place)) in rows.zip(places).enumerate() {
            let products = &tile[at * stride..][..count];
            mean_bounds(
                self.isa,
                norms[row],
                &self.bundles,
                products,
                self.slack,
                lower,
                upper,
            );
            let own = self.groups.cluster(place);
            upper[own] = f32::INFINITY;
            lower[own] = f32::INFINITY;
            let least = upper
                .iter()
                .copied()
                .fold(f32::INFINITY, |a, b| if b < a { b } else { a });
            reach.push(least);
            for (cluster, &bound) in lower.iter().enumerate() {
                if bound <= least && cluster != own {
                    found.push(Candidate {
                        cluster: cluster as u32,
                        row: row as u32,
                        product: products[cluster],
                    });
                }
            }
        }
    }

    /// Keeps those of one cluster's candidates that it may be next to when its principal directions are looked along.
    fn look_along(
        &self,
        directions: &Directions,
        candidates: &[Candidate],
        norms: &[f32],
        reach: &[f32],
        buffers: &mut Buffers,
        kept: &mut Vec<Candidate>,
    ) {
        let cluster = candidates[0].cluster as usize;
        let shape = &self.shapes[cluster];
        let (share, floor) = (f64::from(self.slack.0), f64::from(self.slack.1));
        let Buffers {
            all,
            some,
            tile,
            numbers,
            ..
        } = buffers;
        for candidates in candidates.chunks(ROWS) {
            numbers.clear();
            numbers.extend(candidates.iter().map(|candidate| candidate.row));
            some.gather(all, numbers);
            products(some, &directions.panel, 0..1, tile, LANES);
            for (candidate, along) in candidates.iter().zip(tile.chunks_exact(LANES)) {
                let norm = f64::from(norms[candidate.row as usize]);
                let size = norm + f64::from(self.bundles.norms[cluster]);
                let square = size - 2.0 * f64::from(candidate.product);
                let off = share * size + floor;
                let least = (square - off).max(0.0);
                // A product with a unit vector is off by a share of the row's length.
                let unsure = share * norm.sqrt() + floor;
                let along = along.iter().zip(&directions.at_centre);
                let along = along.map(|(x, c)| (f64::from(*x) - c).abs() + unsure);
                let variance = directions.along(along, least + 2.0 * off);
                let mean = least + shape.square;
                let spread = (shape.deviation + 2.0 * variance.sqrt()) / mean;
                let bound = mean.sqrt() * (1.0 - 0.5 * spread * spread) * (1.0 - 1e-6);
                if bound <= f64::from(reach[candidate.row as usize]) {
                    kept.push(*candidate);
                }
            }
        }
    }
}

/// What a thread works with.
struct Buffers {
    all: Block,
    some: Block,
    staging: Vec<f32>,
    tile: Vec<f32>,
    lower: Vec<f32>,
    upper: Vec<f32>,
    numbers: Vec<u32>,
}

impl Buffers {
    fn new(isa: Isa, clusters: usize) -> Buffers {
        Buffers {
            all: Block::new(isa),
            some: Block::new(isa),
            staging: Vec::new(),
            tile: vec![0.0; ROWS * clusters.next_multiple_of(LANES)],
            lower: vec![0.0; clusters],
            upper: vec![0.0; clusters],
            numbers: Vec::new(),
        }
    }
}

/// The centre of some rows, and the rows about it, in working units.
fn centred(isa: Isa, points: &Points<'_>, rows: &[usize]) -> (Vec<f64>, Vec<f32>) {
    let dims = points.dims();
    let mut centre = vec![0.0; dims];
    for &row in rows {
        points.add_working_row(isa, row, 1.0, &mut centre);
    }
    centre.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
    let mut centred = vec![0.0_f32; rows.len() * dims];
    for (&row, out) in rows.iter().zip(centred.chunks_exact_mut(dims)) {
        points.working_row(isa, row, out);
        for (x, c) in out.iter_mut().zip(&centre) {
            *x = (f64::from(*x) - c) as f32;
        }
    }
    (centre, centred)
}
