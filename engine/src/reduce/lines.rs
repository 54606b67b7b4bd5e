//! Rows of a table as slices: those of nearly every table lie in one piece, and the rest is copied block by block.

use ndarray::{ArrayView2, CowArray, Ix2};

/// `x` itself where each of its rows lies in one piece, else a copy of which that is so.
pub fn in_place_or_copied(x: ArrayView2<'_, f32>) -> CowArray<'_, f32, Ix2> {
    if x.ncols() < 2 || x.strides()[1] == 1 {
        CowArray::from(x)
    } else {
        CowArray::from(x.as_standard_layout().into_owned())
    }
}

/// The rows of a table of [`in_place_or_copied`].
///
/// # Panics
/// If a row does not lie in one piece: a mistake of the caller.
pub fn of<'a>(x: &'a ArrayView2<'_, f32>) -> impl ExactSizeIterator<Item = &'a [f32]> {
    x.outer_iter()
        .map(|row| row.to_slice().expect("rows that lie in one piece"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    #[test]
    fn rows_are_the_same_however_the_table_lies() {
        let x = Array2::from_shape_fn((5, 4), |(i, j)| (4 * i + j) as f32);
        let turned = x.t().as_standard_layout().into_owned();
        for view in [
            x.view(),
            turned.t(),
            x.slice(s![1..4, 1..3]),
            turned.t().slice_move(s![.., 2..]),
            x.slice(s![.., ..;2]),
            x.slice(s![.., ..1]),
            x.slice(s![..0, ..]),
            x.slice(s![.., ..0]),
        ] {
            let lies = in_place_or_copied(view);
            let lies = lies.view();
            let rows: Vec<&[f32]> = of(&lies).collect();
            assert_eq!(rows.len(), view.nrows());
            for (found, wanted) in rows.iter().zip(view.outer_iter()) {
                assert_eq!(*found, wanted.to_vec());
            }
        }
    }
}
