//! Large buffers in large pages, where the system has them for the asking.
//!
//! A buffer that is written once costs more in the first touches of its small pages than in the writing. Asking is a hint
//! and may be refused; the buffer is the same either way.

/// So many zeros. O(1) where the system gives pages that are zero, as it does for large buffers.
pub fn zeroed(len: usize) -> Vec<u16> {
    let mut zeros = vec![0_u16; len];
    ask_for_large_pages(&mut zeros);
    zeros
}

/// Nobody is asked for less than a few large pages.
#[cfg(target_os = "linux")]
const FEW: usize = 8 << 20;

#[cfg(target_os = "linux")]
fn ask_for_large_pages(buffer: &mut [u16]) {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    const PAGE: usize = 4096;
    const MADV_HUGEPAGE: c_int = 14;
    let bytes = size_of_val(buffer);
    if bytes < FEW {
        return;
    }
    let start = buffer.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    let Some(length) = bytes.checked_sub(skipped).map(|left| left / PAGE * PAGE) else {
        return;
    };
    // SAFETY: the range begins at a page and lies inside the buffer, which is borrowed for writing. The advice changes neither
    // what the pages hold nor who may use them; a system with larger pages than that refuses it, and nothing is lost.
    unsafe {
        madvise(start.add(skipped).cast(), length, MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: &mut [u16]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_size_are_zeros_that_can_be_written() {
        for len in [0, 1, 5000, 4 << 20, (5 << 20) + 77] {
            let mut zeros = zeroed(len);
            assert_eq!(zeros.len(), len);
            assert!(zeros.iter().all(|x| *x == 0));
            zeros.iter_mut().for_each(|x| *x = 7);
            assert!(zeros.iter().all(|x| *x == 7));
        }
    }
}
