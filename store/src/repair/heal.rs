//! Replaces what is damaged by nulls, so that the rest can be used.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::draft::{Draft, DraftPiece, default_piece};
use crate::inner::Inner;
use crate::journal::{self, Record};
use crate::manifest::Manifest;
use crate::segment::{ChunkRef, Depth};
use crate::{Result, random};

impl Inner {
    /// Replaces what is damaged in the newest generation of a dataset by nulls (ids by new ones), as a new generation.
    /// Returns that generation and what was lost.
    pub fn heal(&self, id: u64) -> Result<(Arc<Manifest>, Vec<String>)> {
        let lost = self.write(|state| {
            let Some(entry) = state.get(id) else {
                return Ok((None, Vec::new()));
            };
            let bad = self.bad_chunks(&entry.current);
            if bad.is_empty() {
                return Ok((None, Vec::new()));
            }
            let load = |at: ChunkRef| {
                let segment = self.segment(at.segment)?;
                segment
                    .chunk(at.index, Depth::Usual)
                    .map_err(|error| self.place(error))
            };
            let now = random::now_millis();
            let mut draft = Draft::of(&entry.current, now, &load);
            let lost = take_out(&mut draft, &bad, now);
            Ok((
                Some(Record::Put(self.keep(draft, &entry.current, now)?)),
                lost,
            ))
        })?;
        let state = self.current()?;
        match state.get(id) {
            Some(entry) => Ok((entry.current.clone(), lost)),
            None => Err(self.damaged(
                journal::FILE,
                "a dataset went away during its repair".into(),
            )),
        }
    }
}

fn take_out(draft: &mut Draft<'_>, bad: &BTreeMap<ChunkRef, String>, now: i64) -> Vec<String> {
    let is_bad =
        |piece: &DraftPiece| matches!(piece, DraftPiece::Stored(at, _) if bad.contains_key(at));
    let mut lost = Vec::new();
    let rows = draft.rows;
    for column in &mut draft.columns {
        let mut count = 0;
        for piece in column.pieces.iter_mut().filter(|piece| is_bad(piece)) {
            count += piece.len();
            *piece = default_piece(&column.field.name, piece.len(), now);
        }
        if count > 0 {
            lost.push(format!("{}: {count} of {rows} values", column.field.name));
        }
    }
    draft.runs.retain_mut(|run| {
        if is_bad(&run.record) {
            lost.push(format!("run {}", run.key));
            return false;
        }
        run.tables.retain(|(name, piece)| {
            let bad = is_bad(piece);
            if bad {
                lost.push(format!("run {}: table {name}", run.key));
            }
            !bad
        });
        true
    });
    lost
}
