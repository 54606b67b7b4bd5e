//! The samples of a few vertices, laid out for the vector units: how far each vertex is from each, axis by axis.

// Axes are walked by index, so that the loops become vector instructions.
#![allow(clippy::needless_range_loop)]

use std::ops::Range;

/// Samples of a group's steps, each step's padded to whole [`LANES`] with copies of the vertex itself.
#[derive(Default)]
pub(super) struct Samples {
    /// The other vertices.
    pub(super) others: Vec<u32>,
    /// How far the vertex is from each.
    apart: Vec<f32>,
    /// The same axis by axis.
    axes: Vec<f32>,
    pub(super) squares: Vec<f32>,
    /// What differences are multiplied with.
    pub(super) by: Vec<f32>,
}

impl Samples {
    /// Computes how far the vertices at `rows` are from their samples; `steps` are whose they are and where they end.
    #[inline(always)]
    pub(super) fn fetch(
        &mut self,
        points: &[f32],
        rows: &[f32],
        dim: usize,
        steps: impl Iterator<Item = (usize, usize)>,
    ) {
        let Samples {
            others,
            apart,
            axes,
            squares,
            by,
        } = self;
        let count = others.len();
        apart.resize(count * dim, 0.0);
        axes.resize(count * dim, 0.0);
        squares.resize(count, 0.0);
        by.resize(count, 0.0);
        let mut first = 0;
        for (vertex, end) in steps {
            let row = &rows[vertex * dim..][..dim];
            let apart = apart[first * dim..end * dim].chunks_exact_mut(dim);
            for (to, &other) in apart.zip(&others[first..end]) {
                let other = &points[other as usize * dim..][..dim];
                for c in 0..dim {
                    to[c] = row[c] - other[c];
                }
            }
            first = end;
        }
        squares.fill(0.0);
        for (c, axis) in axes.chunks_exact_mut(count.max(1)).enumerate() {
            for ((to, apart), square) in axis
                .iter_mut()
                .zip(apart.chunks_exact(dim))
                .zip(&mut *squares)
            {
                *to = apart[c];
                *square += apart[c] * apart[c];
            }
        }
    }

    /// Lets a vertex be `now` where it was not `then`, when `samples` were fetched.
    #[inline(always)]
    pub(super) fn shift(&mut self, now: &[f32], then: &[f32], samples: Range<usize>) {
        let count = self.others.len();
        self.squares[samples.clone()].fill(0.0);
        for (c, (now, then)) in now.iter().zip(then).enumerate() {
            let axis = &mut self.axes[c * count..][samples.clone()];
            for (apart, square) in axis.iter_mut().zip(&mut self.squares[samples.clone()]) {
                *apart += now - then;
                *square += *apart * *apart;
            }
        }
    }

    /// How far a vertex is from `samples` along axis `c`.
    #[inline(always)]
    pub(super) fn axis(&self, c: usize, samples: Range<usize>) -> &[f32] {
        &self.axes[c * self.others.len()..][samples]
    }
}
