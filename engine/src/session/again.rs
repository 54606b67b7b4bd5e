//! Somebody else may commit between looking and committing. An edit is cheap, so it is done again from the start; a run
//! is not, so what it computed is committed over the newer state as long as the samples are still the ones it saw.
//!
//! The alternative, an error that says "try again", would throw a long computation away because of a tag.

use messier_store::{Changes, Dataset, Snapshot};

use super::recorder::check_key;
use crate::error::Error;

/// Lost races after which the error is given up to; each one means that somebody else got on.
const TRIES: usize = 100;

/// Does `work`, which looks and commits, again whenever somebody else has committed in between.
pub(super) fn again<T>(mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..TRIES {
        match work() {
            Err(Error::Store(messier_store::Error::Conflict { .. })) => {}
            done => return done,
        }
    }
    work()
}

/// Commits the changes of a run that was computed on `seen` and writes `field`.
///
/// # Errors
/// The store's conflict if the samples or the field are not those of `seen` any more; a key that was taken meanwhile.
pub(super) fn commit_run(
    dataset: &Dataset,
    seen: &Snapshot,
    field: &str,
    changes: impl Fn(Changes) -> Result<Changes, Error>,
) -> Result<(), Error> {
    let mut generation = seen.generation();
    again(|| {
        let outcome = dataset.commit(changes(Changes::new().expecting(generation))?);
        let Err(messier_store::Error::Conflict { .. }) = &outcome else {
            return Ok(outcome.map(drop)?);
        };
        let now = dataset.snapshot()?;
        if same(seen, &now, "id")? && same(seen, &now, field)? {
            if seen.run(field).is_none() {
                check_key(&now, field, false)?;
            }
            generation = now.generation();
            return Ok(outcome.map(drop)?);
        }
        // Nothing that comes later can make it fit.
        Err(Error::Input(format!(
            "the samples of {:?} changed while this ran, so its result fits no longer; nothing was written, run it again",
            now.dataset()
        )))
    })
}

/// Whether a field is in both states with the same values, or in neither.
fn same(one: &Snapshot, other: &Snapshot, field: &str) -> Result<bool, Error> {
    match (one.schema().field(field), other.schema().field(field)) {
        (None, None) => Ok(true),
        (Some(a), Some(b)) if a.ty == b.ty => {
            Ok(one.column(field)?.as_ref() == other.column(field)?.as_ref())
        }
        _ => Ok(false),
    }
}
