//! Rows along components: sixteen rows at once are centred, turned on their side, and multiplied with all components.
//!
//! The lanes are rows and the components are spread, so that any number of components costs what it is and no padding.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::lines;
use crate::linalg::{self, LANES};

/// Components ready to be multiplied.
#[derive(Debug)]
pub struct Components {
    /// Panels of `each` components, the last of fewer, their entries as in [`linalg::square`].
    panels: Vec<Vec<f32>>,
    each: usize,
    /// The mean of the rows, nearly.
    shift: Vec<f32>,
    /// Where the rest of the mean lies along each component.
    rest: Vec<f32>,
}

impl Components {
    /// Packs components, one a row, for data of that mean (a number a column). O(k d).
    pub fn new(components: ArrayView2<'_, f32>, mean: &[f64]) -> Components {
        let (k, d) = components.dim();
        // As evenly as panels can be filled.
        let each = k.div_ceil(k.div_ceil(LANES).max(1)).max(1);
        let mut panels = vec![vec![0.0; d * LANES]; k.div_ceil(each)];
        for (at, component) in components.outer_iter().enumerate() {
            let panel = &mut panels[at / each][at % each..];
            for (to, &value) in panel.iter_mut().step_by(LANES).zip(component) {
                *to = value;
            }
        }
        let shift: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
        let rest = components.outer_iter().map(|component| {
            let parts = component.iter().zip(mean.iter().zip(&shift));
            let along = |(&value, (mean, &shift)): (&f32, (&f64, &f32))| {
                f64::from(value) * (mean - f64::from(shift))
            };
            parts.map(along).sum::<f64>() as f32
        });
        Components {
            rest: rest.collect(),
            panels,
            each,
            shift,
        }
    }

    /// Writes where the rows of `x` lie along the components, less the mean; `room` is reused from call to call. One chain of
    /// products an entry. `n d k` operations, on the calling thread.
    ///
    /// # Panics
    /// If `out` has not a row for each of `x` and a column for each component: a mistake of the caller.
    pub fn write(
        &self,
        x: ArrayView2<'_, f32>,
        room: &mut Vec<f32>,
        mut out: ArrayViewMut2<'_, f32>,
    ) {
        assert_eq!(
            out.dim(),
            (x.nrows(), self.rest.len()),
            "a place for every row"
        );
        let isa = linalg::isa();
        let x = lines::in_place_or_copied(x);
        let x = x.view();
        let rows: Vec<&[f32]> = lines::of(&x).collect();
        room.resize(self.shift.len() * LANES, 0.0);
        for (block, rows) in rows.chunks(LANES).enumerate() {
            linalg::centre_across(isa, rows, &self.shift, room);
            let panels = self.panels.iter().zip(self.rest.chunks(self.each));
            for (at, (panel, rest)) in panels.enumerate() {
                let products = linalg::square(isa, panel, room, rest.len());
                for (row, _) in rows.iter().enumerate() {
                    let mut to = out.row_mut(block * LANES + row);
                    for (i, rest) in rest.iter().enumerate() {
                        to[at * self.each + i] = products[i][row] - rest;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn places_are_those_of_the_definition_far_from_the_origin_too() {
        for (n, d, k) in [(1, 1, 1), (5, 3, 3), (40, 37, 18), (33, 16, 50), (3, 2, 0)] {
            let draw = |stream, at| crate::random::uniform(9, stream, at as u64) - 0.5;
            let mean: Vec<f64> = (0..d).map(|j| 1e4 * draw(1, j)).collect();
            let x = Array2::from_shape_fn((n, d), |(i, j)| (mean[j] + draw(2, i * d + j)) as f32);
            let components = Array2::from_shape_fn((k, d), |(i, j)| draw(3, i * d + j) as f32);
            let mut found = Array2::zeros((n, k));
            let packed = Components::new(components.view(), &mean);
            packed.write(x.view(), &mut Vec::new(), found.view_mut());
            for ((i, c), &value) in found.indexed_iter() {
                let wanted: f64 = (0..d)
                    .map(|j| (f64::from(x[(i, j)]) - mean[j]) * f64::from(components[(c, j)]))
                    .sum();
                assert!((f64::from(value) - wanted).abs() < 2e-6, "{value} {wanted}");
            }
        }
    }
}
