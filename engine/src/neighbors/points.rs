//! Rows made ready for products: in range, with their mean known, and with the distance that decides.
//!
//! Distances are decided on the rows as they were given (scaled to length 1 for cosine, and by a power of two where
//! squares would overflow). Proposals work on rows minus their mean: embeddings share a large common part, and without
//! it lengths and so error bounds are small. The alternative, a centred copy, would double the memory.

use std::borrow::Cow;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::Metric;
use crate::error::Error;
use crate::linalg::bound::Scale;
use crate::linalg::{
    Block, Isa, Panels, add_and_bound, add_centred, centre, isa, measure, squared_distance,
    squared_distances,
};

/// Rows that are summed together when the mean is taken; a block, so that threads do not change the order.
const MEAN_ROWS: usize = 512;

/// The rows of one data set under one metric.
#[derive(Debug)]
pub(crate) struct Points<'a> {
    data: Cow<'a, [f32]>,
    rows: usize,
    dims: usize,
    metric: Metric,
    /// How the rows kept differ from those given.
    kept: Scale,
    /// What brings the rows kept to coordinates of at most 1.
    scale: Scale,
    /// The mean of the scaled rows.
    mean: Vec<f32>,
}

impl<'a> Points<'a> {
    /// Prepares the rows of `x`. O(n d); copies only for cosine, extreme sizes, or rows that do not lie in order.
    pub fn new(x: ArrayView2<'a, f32>, metric: Metric) -> Result<Points<'a>, Error> {
        let (rows, dims) = x.dim();
        if u32::try_from(rows).is_err() {
            return Err(Error::Input(format!(
                "{rows} rows are more than this method can number (2^32 - 1)"
            )));
        }
        // No coordinates at all: every distance is 0, as with one coordinate that is 0.
        if dims == 0 {
            return Ok(Points {
                data: Cow::Owned(vec![0.0; rows]),
                rows,
                dims: 1,
                metric,
                kept: Scale::of(0.0),
                scale: Scale::of(0.0),
                mean: vec![0.0],
            });
        }
        let mut data = match x.to_slice() {
            Some(slice) => Cow::Borrowed(slice),
            None => Cow::Owned(x.iter().copied().collect()),
        };
        let mut extent = Extent::of(&data, dims)?;
        let mut kept = Scale::of(0.0);
        if metric == Metric::Cosine {
            data.to_mut()
                .par_chunks_exact_mut(dims)
                .for_each(to_length_one);
            let largest = if extent.largest > 0.0 { 1.0 } else { 0.0 };
            extent = Extent {
                largest,
                ..Extent::of(&data, dims)?
            };
        } else if !Scale::of(extent.largest).is_mild() {
            kept = Scale::of(extent.largest);
            data.to_mut()
                .par_iter_mut()
                .for_each(|x| *x = kept.apply(*x));
            extent = Extent::of(&data, dims)?;
        }
        let scale = Scale::of(extent.largest);
        let mean = extent.mean(rows, scale);
        Ok(Points {
            data,
            rows,
            dims,
            metric,
            kept,
            scale,
            mean,
        })
    }

    /// Some rows in an order, in the same units and with the same mean. O(n d).
    pub fn select(&self, rows: &[u32]) -> Points<'static> {
        let mut data = vec![0.0; rows.len() * self.dims];
        data.par_chunks_exact_mut(self.dims)
            .zip(rows)
            .with_min_len(1024)
            .for_each(|(out, &row)| out.copy_from_slice(self.row(row as usize)));
        Points {
            data: Cow::Owned(data),
            rows: rows.len(),
            dims: self.dims,
            metric: self.metric,
            kept: self.kept,
            scale: self.scale,
            mean: self.mean.clone(),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The number of coordinates, at least 1.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// A row as distances are decided on it.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.data[at * self.dims..(at + 1) * self.dims]
    }

    /// The squared euclidean distance that decides, in the units of the rows kept. O(d).
    pub fn squared(&self, a: usize, b: usize) -> f32 {
        squared_distance(self.row(a), self.row(b))
    }

    /// As [`Points::squared`], of four rows at once.
    pub fn squared_of_four(&self, a: usize, others: [u32; 4]) -> [f32; 4] {
        squared_distances(self.row(a), others.map(|other| self.row(other as usize)))
    }

    /// The metric's distance for a squared distance of the rows kept.
    pub fn distance(&self, squared: f32) -> f32 {
        match self.metric {
            Metric::Euclidean => self.kept.undo(squared.sqrt()),
            Metric::Cosine => squared / 2.0,
        }
    }

    /// All rows in the order that `row_at` gives, packed for the right side of products.
    pub fn panels(&self, isa: Isa, row_at: impl Fn(usize) -> usize + Sync) -> Panels {
        Panels::pack_with(isa, self.rows, self.dims, |first, out| {
            for (at, out) in out.chunks_exact_mut(self.dims).enumerate() {
                self.working_row(isa, row_at(first + at), out);
            }
        })
    }

    /// Some rows in an order, packed for the right side of products.
    pub fn panels_of(&self, isa: Isa, order: &[u32]) -> Panels {
        Panels::pack_with(isa, order.len(), self.dims, |first, out| {
            for (at, out) in out.chunks_exact_mut(self.dims).enumerate() {
                self.working_row(isa, order[first + at] as usize, out);
            }
        })
    }

    /// The factor on squared distances of the rows kept that divides the metric's distances by `alpha`.
    pub fn stretch(&self, alpha: f64) -> f32 {
        match self.metric {
            Metric::Euclidean => (1.0 / alpha / alpha) as f32,
            Metric::Cosine => (1.0 / alpha) as f32,
        }
    }

    /// What turns a squared distance of the rows kept into one of working units.
    pub fn squared_scale(&self) -> f64 {
        self.scale.factor() * self.scale.factor()
    }

    /// Fills a block with the given rows in working units; `staging` holds them in f32 and is reused.
    pub fn block(
        &self,
        rows: impl ExactSizeIterator<Item = usize>,
        isa: Isa,
        block: &mut Block,
        staging: &mut Vec<f32>,
    ) {
        staging.resize(rows.len() * self.dims, 0.0);
        for (row, out) in rows.zip(staging.chunks_exact_mut(self.dims)) {
            self.working_row(isa, row, out);
        }
        block.fill(staging, self.dims);
    }

    /// A row in working units, those of proposals: scaled to at most 1 per coordinate, minus the mean.
    pub fn working_row(&self, isa: Isa, at: usize, out: &mut [f32]) {
        centre(
            isa,
            self.row(at),
            self.scale.factor() as f32,
            &self.mean,
            out,
        );
    }

    /// The squared length of each row in working units, and the largest share of its length that packing moves a row by.
    pub fn measure(&self, isa: Isa) -> (Vec<f32>, f32) {
        let measured = (0..self.rows).into_par_iter().with_min_len(64).map_init(
            || vec![0.0; self.dims],
            |row, at| {
                self.working_row(isa, at, row);
                measure(isa, row)
            },
        );
        let measured: Vec<(f32, f32)> = measured.collect();
        let moved = measured.iter().map(|(_, moved)| *moved).fold(0.0, f32::max);
        (measured.into_iter().map(|(norm, _)| norm).collect(), moved)
    }

    /// Adds `sign` times a row in working units to `sums`.
    pub fn add_working_row(&self, isa: Isa, at: usize, sign: f64, sums: &mut [f64]) {
        add_centred(
            isa,
            self.row(at),
            self.scale.factor() as f32,
            &self.mean,
            sign,
            sums,
        );
    }

    /// Rows given in the units of the data, in working units; what lies more than a million times the data's range away is
    /// brought to that distance.
    pub fn to_working(&self, rows: ArrayView2<'_, f32>) -> Vec<f32> {
        if rows.ncols() == 0 {
            return vec![0.0; rows.nrows() * self.dims];
        }
        let factor = self.kept.factor() * self.scale.factor();
        let rows = rows.rows().into_iter();
        rows.flat_map(|row| {
            row.into_iter().zip(&self.mean).map(move |(x, mean)| {
                (f64::from(*x) * factor - f64::from(*mean)).clamp(-1e6, 1e6) as f32
            })
        })
        .collect()
    }

    /// Rows in working units, in the units of the data, with `columns` coordinates each (0 or [`Points::dims`]).
    pub fn in_data_units(&self, rows: &[f32], columns: usize) -> Array2<f32> {
        let factor = self.kept.factor() * self.scale.factor();
        let count = rows.len() / self.dims;
        Array2::from_shape_fn((count, columns), |(row, column)| {
            let x = f64::from(rows[row * self.dims + column]) + f64::from(self.mean[column]);
            ((x / factor) as f32).clamp(f32::MIN, f32::MAX)
        })
    }

    /// A squared distance in working units, in the units of the data.
    pub fn squared_from_working(&self, squared: f64) -> f64 {
        let factor = self.kept.factor() * self.scale.factor();
        squared / factor / factor
    }
}

/// What one pass over the rows tells: the largest absolute coordinate, and the sum of each coordinate.
struct Extent {
    largest: f32,
    sums: Vec<f64>,
}

impl Extent {
    /// Looks at all rows: f64 sums a block, added in the blocks' order.
    fn of(data: &[f32], dims: usize) -> Result<Extent, Error> {
        let isa = isa();
        let blocks: Vec<(u32, Vec<f64>)> = data
            .par_chunks(MEAN_ROWS * dims)
            .map(|block| {
                let mut sums = vec![0.0_f64; dims];
                let most = block
                    .chunks_exact(dims)
                    .map(|row| add_and_bound(isa, row, &mut sums))
                    .max();
                (most.unwrap_or(0), sums)
            })
            .collect();
        let mut sums = vec![0.0_f64; dims];
        for (_, block) in &blocks {
            for (total, sum) in sums.iter_mut().zip(block) {
                *total += sum;
            }
        }
        let most = blocks.iter().map(|(most, _)| *most).max();
        let largest = f32::from_bits(most.unwrap_or(0));
        if largest.is_finite() {
            return Ok(Extent { largest, sums });
        }
        let at = data.iter().position(|x| !x.is_finite()).unwrap_or(0);
        Err(Error::Input(format!(
            "row {} holds {} at position {}; vectors must be finite numbers",
            at / dims,
            data[at],
            at % dims
        )))
    }

    /// The mean of `rows` rows, scaled.
    fn mean(&self, rows: usize, scale: Scale) -> Vec<f32> {
        let rows = rows.max(1) as f64;
        let sums = self.sums.iter();
        sums.map(|sum| (sum / rows * scale.factor()) as f32)
            .collect()
    }
}

/// Scales a row to length 1; a row of zeros stays.
fn to_length_one(row: &mut [f32]) {
    let length: f64 = row
        .iter()
        .map(|x| f64::from(*x) * f64::from(*x))
        .sum::<f64>()
        .sqrt();
    if length > 0.0 {
        for x in row {
            *x = (f64::from(*x) / length) as f32;
        }
    }
}
