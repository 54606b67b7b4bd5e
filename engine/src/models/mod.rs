//! Encoders: a picture in, a vector out. Each encoder is one file and one line in [`ENCODERS`].
//!
//! Every picture is encoded on its own, whole pictures in parallel. So a vector never depends on what else is in the
//! batch or on the number of threads, and the cores share nothing but the weights. Batching inside the network, the
//! usual alternative, pays off on a GPU and costs the caches of a CPU.

mod depthwise;
mod efficientnet;
mod pipeline;
mod pointwise;
mod weights;

use std::sync::Arc;

use rayon::prelude::*;

pub use efficientnet::EfficientNetLite0;
pub use pipeline::{OnBatch, WINDOW, embed_files};

use crate::decode::Rgb;
use crate::error::Error;
use crate::registry::find;

/// Every encoder, in the order help lists them.
pub static ENCODERS: &[Listed] = &[efficientnet::LISTED];

/// An encoder as the registry knows it, before its weights are loaded.
#[derive(Debug)]
pub struct Listed {
    /// The name that `--model` takes.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Values in a vector.
    pub dims: usize,
    /// Where the weights come from, and their licence.
    pub source: &'static str,
    /// Loads the weights.
    pub load: fn() -> Result<Arc<dyn Encoder>, Error>,
}

/// Turns pictures into vectors. Same picture, same bits, whatever else is encoded beside it.
pub trait Encoder: Send + Sync {
    /// The name in the registry.
    fn name(&self) -> &'static str;

    /// Values in a vector.
    fn dims(&self) -> usize;

    /// Width and height, in pixels, that the network sees; [`Encoder::embed_one`] resizes to it.
    fn input(&self) -> (u32, u32);

    /// The vector of one picture of any size.
    ///
    /// # Errors
    /// [`Error::Input`] if the picture has no pixels.
    fn embed_one(&self, picture: &Rgb) -> Result<Vec<f32>, Error>;

    /// The vectors of many pictures, in order, on the current rayon pool.
    ///
    /// # Errors
    /// That of the first picture that fails.
    fn embed(&self, pictures: &[Rgb]) -> Result<Vec<Vec<f32>>, Error> {
        pictures
            .par_iter()
            .map(|picture| self.embed_one(picture))
            .collect()
    }

    /// The names of the classes the network was trained on; empty where it has no classifier.
    fn classes(&self) -> &[&'static str] {
        &[]
    }

    /// One logit a class for a vector of this encoder; `None` where it has no classifier.
    ///
    /// # Errors
    /// [`Error::Input`] if the vector has other dimensions.
    fn logits(&self, vector: &[f32]) -> Result<Option<Vec<f32>>, Error> {
        let _ = vector;
        Ok(None)
    }
}

/// What the registry knows of the encoder called `name`, without loading its weights; `-` and `_` are the same.
///
/// # Errors
/// [`Error::Unknown`] with the names that exist.
pub fn listed(name: &str) -> Result<&'static Listed, Error> {
    let all: Vec<&'static Listed> = ENCODERS.iter().collect();
    find("model", name, &all, |listed| listed.name)
}

/// Loads the encoder called `name`; `-` and `_` are the same.
///
/// # Errors
/// [`Error::Unknown`] with the names that exist.
pub fn encoder(name: &str) -> Result<Arc<dyn Encoder>, Error> {
    (listed(name)?.load)()
}
