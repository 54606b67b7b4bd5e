//! Work that begins parallel parts again and again runs on a thread of the pool.
//!
//! A parallel part begun elsewhere is handed over, and its caller put to sleep and woken: tens of microseconds each time,
//! more than many of the parts take.

/// Runs `work` on a thread of the current rayon pool: at once where this is one.
pub(crate) fn within<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}
