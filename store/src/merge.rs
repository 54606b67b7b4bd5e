//! Keeps the number of a column's chunks small, so that many small appends do not make reading slow.
//!
//! Chunks fall into tiers by their size, each eight times the one below; eight chunks in a row at the end that are of one
//! tier or smaller become one. So a column of `n` rows appended `b` at a time has at most `7 log8(n / b)` chunks, and each
//! row is rewritten at most `log8(n / b)` times.

use crate::Result;
use crate::column::whole;
use crate::draft::{DraftColumn, DraftPiece, Load};

/// How many chunks of a tier are merged, and how much larger the next tier is.
const FAN: usize = 8;

/// Puts a column's pieces in order for writing: no empty ones, nulls joined, many small ones merged.
///
/// # Errors
/// Whatever reading a chunk says.
pub fn settle(column: &mut DraftColumn, load: Load<'_>) -> Result<()> {
    join_nulls(&mut column.pieces);
    while let Some(from) = mergeable(&column.pieces) {
        let pieces = column.pieces[from..]
            .iter()
            .map(|piece| piece.load(load))
            .collect::<Result<Vec<_>>>()?;
        let merged = whole(&column.field, &pieces)?;
        column.pieces.truncate(from);
        column.pieces.push(DraftPiece::New(merged));
    }
    Ok(())
}

fn join_nulls(pieces: &mut Vec<DraftPiece>) {
    let mut joined: Vec<DraftPiece> = Vec::with_capacity(pieces.len());
    for piece in pieces.drain(..).filter(|piece| piece.len() > 0) {
        match (joined.last_mut(), &piece) {
            (Some(DraftPiece::Null(before)), DraftPiece::Null(more)) => *before += more,
            _ => joined.push(piece),
        }
    }
    *pieces = joined;
}

/// Where the chunks to merge begin; `None` if there are few enough.
fn mergeable(pieces: &[DraftPiece]) -> Option<usize> {
    let tier = |piece: &DraftPiece| piece.len().max(1).ilog(FAN);
    let highest = tier(pieces.last()?);
    let count = pieces
        .iter()
        .rev()
        .take_while(|piece| tier(piece) <= highest)
        .count();
    (count >= FAN).then(|| pieces.len() - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, FieldType};
    use arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    #[test]
    fn many_appends_leave_few_chunks_and_every_value() {
        let load: Load<'_> = &|_| unreachable!();
        let mut column = DraftColumn {
            field: Field::new("x", FieldType::Int),
            pieces: Vec::new(),
        };
        for i in 0..1000i64 {
            column
                .pieces
                .push(DraftPiece::New(Arc::new(Int64Array::from(vec![i]))));
            settle(&mut column, load).unwrap();
            assert!(
                column.pieces.len() <= 7 * 4,
                "{} chunks",
                column.pieces.len()
            );
        }
        let pieces: Vec<_> = column
            .pieces
            .iter()
            .map(|piece| piece.load(load).unwrap())
            .collect();
        let all = whole(&column.field, &pieces).unwrap();
        let expected: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        assert_eq!(&all, &expected);
    }

    #[test]
    fn nulls_are_one_piece() {
        let mut column = DraftColumn {
            field: Field::new("x", FieldType::Int),
            pieces: vec![
                DraftPiece::Null(2),
                DraftPiece::Null(0),
                DraftPiece::Null(3),
            ],
        };
        settle(&mut column, &|_| unreachable!()).unwrap();
        assert!(matches!(column.pieces[..], [DraftPiece::Null(5)]));
    }
}
