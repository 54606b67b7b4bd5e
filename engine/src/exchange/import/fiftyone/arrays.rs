//! FiftyOne's arrays: base64 of zlib of a NumPy `.npy` file.

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::read::ZlibDecoder;
use std::io::Read;

use crate::exchange::npy::Npy;

/// The most bytes that one packed vector may unfold to: a small text must not fill the memory.
const MAX_BYTES: u64 = 1 << 24;

/// The numbers of a packed one-dimensional array.
///
/// # Errors
/// Not base64, not zlib, no array of numbers, more than one dimension, or more than [`MAX_BYTES`].
pub(super) fn numbers(base64: &str) -> Result<Vec<f32>, String> {
    let packed = DecoderReader::new(base64.as_bytes(), &STANDARD);
    let npy = Npy::read(ZlibDecoder::new(packed).take(MAX_BYTES))?;
    if npy.shape.len() > 1 {
        return Err(format!(
            "it has the shape {:?}, a vector has one",
            npy.shape
        ));
    }
    npy.numbers()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use std::io::Write;

    fn pack(bytes: &[u8]) -> String {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(bytes).unwrap();
        STANDARD.encode(zlib.finish().unwrap())
    }

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn a_vector_is_unpacked_whatever_its_numbers_are() {
        let floats: Vec<u8> = [1.5f32, -2.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        assert_eq!(
            numbers(&pack(&npy("<f4", "(2,)", &floats))).unwrap(),
            [1.5, -2.0]
        );
        assert_eq!(
            numbers(&pack(&npy("|i1", "(2,)", &[1, 255]))).unwrap(),
            [1.0, -1.0]
        );
    }

    #[test]
    fn what_is_no_vector_is_said_and_a_bomb_does_not_go_off() {
        assert!(numbers("!!").is_err());
        assert!(numbers("AAAA").is_err());
        assert!(numbers(&pack(b"no array")).is_err());
        let matrix = numbers(&pack(&npy("|i1", "(1, 2)", &[1, 2]))).unwrap_err();
        assert!(matrix.contains("shape [1, 2]"), "{matrix}");
        let bomb = pack(&npy("<f4", "(99999999,)", &vec![0; 20 << 20]));
        assert!(bomb.len() < 100_000);
        assert!(numbers(&bomb).unwrap_err().contains("cut short"));
    }
}
