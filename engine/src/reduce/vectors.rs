//! Which vector registers arithmetic runs in: the processor's, unless the portable instruction set is forced.
//!
//! What runs here rounds every product and every sum by itself and adds in an order that does not depend on the
//! registers' width, so the result is the same bits either way. Libraries that fuse the two where the processor can
//! give other bits on other machines.

use pulp::{Arch, Scalar256b, Simd, WithSimd};

use crate::linalg::{self, Isa};

/// Runs `work` in the widest registers there are, or in plain code where `MESSIER_ISA` is `portable`.
#[inline]
pub fn run<W: WithSimd>(work: W) -> W::Output {
    if linalg::isa() == Isa::PORTABLE {
        Scalar256b.vectorize(work)
    } else {
        Arch::new().dispatch(work)
    }
}
