//! The shape of a thread's tiles: all eight are 16 rows of 64 bytes, from before the first product of a call to after the last.
//!
//! It is given up in between, because a thread that holds tiles is slower to switch away from. It lasts from one block
//! of assembly to the next: nothing else touches it, because the compiler uses tiles only in functions that are compiled
//! for them, and there are none.

use std::arch::asm;
use std::marker::PhantomData;

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

static SHAPE: Shape = Shape {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_per_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// This thread's tiles have their shape; dropping it gives them up, also when an assertion fails in between. It stays on
/// its thread.
pub(super) struct Shaped(PhantomData<*const ()>);

impl Shaped {
    /// # Safety
    /// The machine has AMX, and the system lets this process use it.
    pub(super) unsafe fn tiles() -> Shaped {
        // SAFETY: 64 bytes are read, and they are a valid shape. Tiles are clobbered, which nobody else uses.
        unsafe {
            asm!(
                "ldtilecfg [{shape}]",
                shape = in(reg) &raw const SHAPE,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly, preserves_flags),
            );
        }
        Shaped(PhantomData)
    }
}

impl Drop for Shaped {
    fn drop(&mut self) {
        // SAFETY: there is one only where the machine has AMX; no memory is touched.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, nomem, preserves_flags),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_eight_tiles_of_16_rows_of_64_bytes() {
        let mut expected = [0_u8; 64];
        expected[0] = 1;
        for tile in 0..8 {
            expected[16 + 2 * tile] = 64;
            expected[48 + tile] = 16;
        }
        // SAFETY: both are 64 plain bytes without padding.
        let bytes: [u8; 64] = unsafe { std::ptr::read((&raw const SHAPE).cast()) };
        assert_eq!(bytes, expected);
        assert_eq!(size_of_val(&SHAPE), 64);
    }
}
