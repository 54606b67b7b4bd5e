//! What comes next for a dataset that nothing was computed of.

use messier_engine::Session;
use messier_store::FieldType;

use crate::failure::Failure;

/// The command that makes the first run: pictures need vectors first, and rows that came as vectors can be clustered.
pub fn command(session: &Session, dataset: &str) -> Result<String, Failure> {
    let snapshot = session.store().dataset(dataset)?.snapshot()?;
    let has_vectors = snapshot
        .schema()
        .fields
        .iter()
        .any(|field| matches!(field.ty, FieldType::Vector(_)));
    Ok(if has_vectors {
        format!("messier reduce {dataset} --method umap --run map")
    } else {
        format!("messier embed {dataset}")
    })
}
