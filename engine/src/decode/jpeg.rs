//! The headers of a JPEG, read marker by marker, and the check that a JPEG is whole.
//!
//! The decoder takes in the whole file before it says anything; here a few hundred bytes are enough, which is what
//! makes an import of many large photographs quick.

use std::io::{Read, Seek, SeekFrom};

use image::metadata::Orientation;

/// What the markers before the first scan say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Stored width, before orientation.
    pub width: u32,
    /// Stored height.
    pub height: u32,
    /// Components: 1 grey, 3 colour, 4 CMYK.
    pub channels: u32,
    /// The EXIF orientation.
    pub orientation: Orientation,
}

/// Most markers before the frame header; real files have tens.
const MAX_MARKERS: usize = 10_000;

/// Reads markers up to the frame header. `reader` stands at the start of the file.
pub(super) fn read_header(reader: &mut (impl Read + Seek)) -> Result<Header, String> {
    let short = |_| "this JPEG file is cut short: it ends within its headers".to_owned();
    let mut orientation = Orientation::NoTransforms;
    let mut pair = [0; 2];
    reader.read_exact(&mut pair).map_err(short)?;
    for _ in 0..MAX_MARKERS {
        let marker = next_marker(reader).map_err(short)?;
        if matches!(marker, 0x01 | 0xD0..=0xD8) {
            continue;
        }
        if matches!(marker, 0xD9 | 0xDA) {
            return Err("this JPEG file is damaged: it has no frame header".into());
        }
        reader.read_exact(&mut pair).map_err(short)?;
        let length = u16::from_be_bytes(pair).checked_sub(2);
        let length = length.ok_or("this JPEG file is damaged: a segment has no length")?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let mut frame = [0; 6];
                reader.read_exact(&mut frame).map_err(short)?;
                let [_, h1, h0, w1, w0, channels] = frame;
                return Ok(Header {
                    width: u16::from_be_bytes([w1, w0]).into(),
                    height: u16::from_be_bytes([h1, h0]).into(),
                    channels: channels.into(),
                    orientation,
                });
            }
            0xE1 => {
                let mut payload = vec![0; length.into()];
                reader.read_exact(&mut payload).map_err(short)?;
                if let Some(exif) = payload.strip_prefix(b"Exif\0\0") {
                    orientation = Orientation::from_exif_chunk(exif).unwrap_or(orientation);
                }
            }
            _ => drop(
                reader
                    .seek(SeekFrom::Current(length.into()))
                    .map_err(short)?,
            ),
        }
    }
    Err("this JPEG file is damaged: its headers do not end".into())
}

/// The next marker's code; fill bytes are skipped, and so is whatever stands between segments.
fn next_marker(reader: &mut impl Read) -> std::io::Result<u8> {
    let mut byte = [0];
    loop {
        while byte[0] != 0xFF {
            reader.read_exact(&mut byte)?;
        }
        while byte[0] == 0xFF {
            reader.read_exact(&mut byte)?;
        }
        if byte[0] != 0 {
            return Ok(byte[0]);
        }
    }
}

/// Whether the end-of-image marker follows the first scan. Without it the decoder would fill the missing part with
/// grey, and a half picture would be taken for a whole one.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Walk the segments, so that a thumbnail's end within EXIF is not taken for the picture's.
    while let Some(&[0xFF, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xFF => at += 1,
            0xDA => break,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.windows(2).rev().any(|pair| pair == [0xFF, 0xD9])
}
