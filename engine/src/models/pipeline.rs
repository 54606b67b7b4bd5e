//! From files to vectors: reading, decoding, resizing and inference of one picture are one task, and the cores take
//! tasks as they come free. So decoding and inference overlap without queues or threads of their own.
//!
//! Results are handed over in windows, in order: the caller keeps what is done, and an interruption loses at most one
//! window.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use messier_store::SampleId;
use rayon::prelude::*;

use super::Encoder;
use crate::context::{Cancelled, Context};
use crate::decode;
use crate::error::Error;

/// Pictures that are handed over together. Small enough to lose without regret, large enough that the cores seldom
/// wait for a window's last picture.
pub const WINDOW: usize = 256;

/// Takes the vectors of one window: where it starts, and one vector an item.
pub type OnBatch<'a> = &'a mut dyn FnMut(usize, &[Option<Vec<f32>>]) -> Result<(), Error>;

/// Embeds the files of `items` and calls `on_batch(start, vectors)` for each window of [`WINDOW`] items, in order;
/// `vectors[i]` belongs to `items[start + i]` and is `None` where the file could not be decoded. Such a file is
/// noted with its sample and never ends the work. Runs on the current rayon pool; the bits of a vector depend on its
/// file alone.
///
/// # Errors
/// [`Error::Cancelled`] (windows already handed over are complete), or what `on_batch` returns.
pub fn embed_files(
    encoder: &dyn Encoder,
    items: &[(SampleId, PathBuf)],
    ctx: &Context,
    on_batch: OnBatch<'_>,
) -> Result<(), Error> {
    let step = ctx.step("embed", items.len() as u64);
    for (window, items) in items.chunks(WINDOW).enumerate() {
        let stopped = AtomicBool::new(false);
        let vectors: Vec<Option<Vec<f32>>> = items
            .par_iter()
            .with_max_len(1)
            .map(|(id, path)| {
                if stopped.load(Ordering::Relaxed) {
                    return None;
                }
                let vector =
                    match decode::pixels(path).and_then(|picture| encoder.embed_one(&picture)) {
                        Ok(vector) => Some(vector),
                        Err(problem) => {
                            ctx.notes.sample(*id, problem.to_string());
                            None
                        }
                    };
                if step.tick(1).is_err() {
                    stopped.store(true, Ordering::Relaxed);
                }
                vector
            })
            .collect();
        if stopped.into_inner() {
            return Err(Cancelled.into());
        }
        on_batch(window * WINDOW, &vectors)?;
    }
    Ok(())
}
