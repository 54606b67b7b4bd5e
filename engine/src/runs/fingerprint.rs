//! Fingerprints of what went into a run and what came out, so that "the same input" and "the same result" can be checked.

use messier_store::SampleId;
use ndarray::ArrayView2;

/// A fingerprint of rows: their ids and their vectors, in order. 32 hex digits.
pub fn fingerprint_rows(ids: &[SampleId], x: ArrayView2<'_, f32>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(x.nrows() as u64).to_le_bytes());
    hasher.update(&(x.ncols() as u64).to_le_bytes());
    for id in ids {
        hasher.update(&id.0);
    }
    let mut bytes = Vec::new();
    for row in x.rows() {
        bytes.clear();
        bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        hasher.update(&bytes);
    }
    short(&hasher)
}

/// A fingerprint of texts, in order. 32 hex digits.
pub fn fingerprint_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    short(&hasher)
}

fn short(hasher: &blake3::Hasher) -> String {
    hasher.finalize().to_hex()[..32].to_owned()
}
