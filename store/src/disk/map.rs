//! Maps a file into memory as an Arrow buffer, so that columns are read without a copy. The only `unsafe` in the store.
//!
//! The alternative, reading into memory, would cost a copy and the memory for every vector field opened.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::buffer::Buffer;
use memmap2::Mmap;

/// The bytes of `file` as a buffer that keeps the map alive. Starts on a page, so every offset keeps its alignment.
pub fn map_file(file: &File) -> io::Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::from_vec(Vec::<u8>::new()));
    }
    // SAFETY: a map is sound as long as the file is neither shortened nor overwritten. Segments are written once, under
    // a name nobody else uses, are never opened for writing again, and are removed only by unlink, which leaves the
    // mapped pages alive.
    let map = unsafe { Mmap::map(file)? };
    let pointer = NonNull::from(&map[..]).cast::<u8>();
    let len = map.len();
    // SAFETY: `pointer` is valid for `len` bytes for as long as `map` lives, and the buffer owns `map` from here on;
    // moving the `Mmap` into the `Arc` does not move the mapped pages.
    Ok(unsafe { Buffer::from_custom_allocation(pointer, len, Arc::new(map)) })
}
