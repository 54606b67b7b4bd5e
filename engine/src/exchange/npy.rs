//! NumPy's `.npy` format, versions 1 to 3: numbers and texts, never pickled objects.
//!
//! A reader of our own, because the header is a Python literal that strangers write: this one looks for the three keys
//! it knows, checks sizes before it allocates, and cannot be made to recurse.
//! Source: NumPy enhancement proposal 1.

use std::io::Read;

use half::f16;

/// The longest header read.
const MAX_HEADER: usize = 1 << 16;

/// An array as stored: bytes and how to read them.
#[derive(Debug)]
pub(super) struct Npy {
    kind: u8,
    /// Bytes of one value.
    size: usize,
    big_endian: bool,
    fortran: bool,
    /// The dimensions.
    pub shape: Vec<usize>,
    data: Vec<u8>,
}

impl Npy {
    /// Reads one array. The error is a sentence about it.
    pub fn read(mut reader: impl Read) -> Result<Npy, String> {
        let cut = |_| "it is cut short".to_owned();
        let mut head = [0; 8];
        reader.read_exact(&mut head).map_err(cut)?;
        if head[..6] != *b"\x93NUMPY" {
            return Err("it is not in NumPy's format".into());
        }
        let mut short = [0; 2];
        let mut long = [0; 4];
        let length = if head[6] == 1 {
            reader.read_exact(&mut short).map_err(cut)?;
            usize::from(u16::from_le_bytes(short))
        } else {
            reader.read_exact(&mut long).map_err(cut)?;
            u32::from_le_bytes(long) as usize
        };
        if length > MAX_HEADER {
            return Err(format!("its header claims {length} bytes"));
        }
        let mut header = vec![0; length];
        reader.read_exact(&mut header).map_err(cut)?;
        let header = String::from_utf8_lossy(&header);
        let mut npy = Npy::from_header(&header)?;
        let count = npy
            .shape
            .iter()
            .try_fold(1usize, |all, &side| all.checked_mul(side));
        let bytes = count.and_then(|count| count.checked_mul(npy.size));
        let bytes =
            bytes.ok_or_else(|| format!("its shape {:?} is beyond all memory", npy.shape))?;
        // Grows with what is there, not with what the header claims.
        reader
            .take(bytes as u64)
            .read_to_end(&mut npy.data)
            .map_err(|e| format!("it cannot be read ({e})"))?;
        if npy.data.len() != bytes {
            let (there, shape) = (npy.data.len(), &npy.shape);
            return Err(format!(
                "it is cut short: {there} bytes where its shape {shape:?} takes {bytes}"
            ));
        }
        Ok(npy)
    }

    fn from_header(header: &str) -> Result<Npy, String> {
        let descr = value_of(header, "descr").ok_or("its header names no type")?;
        if !descr.starts_with(['\'', '"']) {
            return Err("it holds records; a plain array of numbers is needed".into());
        }
        let descr: String = descr
            .chars()
            .skip(1)
            .take_while(|c| !matches!(c, '\'' | '"'))
            .collect();
        let (order, rest) = match descr.chars().next() {
            Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
            _ => ('=', descr.as_str()),
        };
        let kind = rest.bytes().next().unwrap_or(b'?');
        if kind == b'O' {
            return Err("it holds pickled Python objects, which are never read; save numbers with astype('float32')".into());
        }
        let size: usize = rest
            .get(1..)
            .and_then(|size| size.parse().ok())
            .unwrap_or(0);
        let size = if kind == b'U' {
            size.checked_mul(4).unwrap_or(0)
        } else {
            size
        };
        match (kind, size) {
            (b'f', 2 | 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) => {}
            (b'U' | b'S', 1..) => {}
            _ => {
                return Err(format!(
                    "its values are of type {descr:?}; numbers of up to 64 bits are read"
                ));
            }
        }
        let fortran = match value_of(header, "fortran_order") {
            Some(value) if value.starts_with("True") => true,
            Some(value) if value.starts_with("False") => false,
            _ => return Err("its header does not say the order".into()),
        };
        let shape = value_of(header, "shape")
            .and_then(|value| value.strip_prefix('('))
            .ok_or("its header names no shape")?;
        let (shape, _) = shape.split_once(')').ok_or("its header names no shape")?;
        let sides = shape
            .split(',')
            .map(str::trim)
            .filter(|side| !side.is_empty());
        let shape = sides
            .map(|side| side.trim_end_matches('L').parse())
            .collect::<Result<Vec<usize>, _>>();
        let shape = shape.map_err(|_| "its header names no shape")?;
        if shape.len() > 32 {
            return Err(format!("it has {} dimensions", shape.len()));
        }
        let big_endian = order == '>' || (order == '=' && cfg!(target_endian = "big"));
        Ok(Npy {
            kind,
            size,
            big_endian,
            fortran,
            shape,
            data: Vec::new(),
        })
    }

    /// The values as f32, rows after rows; the array must hold numbers in two dimensions.
    pub fn matrix(self) -> Result<(Vec<f32>, usize), String> {
        let &[rows, width] = self.shape.as_slice() else {
            let shape = &self.shape;
            return Err(format!(
                "its shape is {shape:?}; a matrix with one row a vector is needed"
            ));
        };
        let values = self.numbers()?;
        if !self.fortran {
            return Ok((values, width));
        }
        let mut turned = vec![0.0; values.len()];
        for (column, part) in values.chunks_exact(rows.max(1)).enumerate() {
            for (row, value) in part.iter().enumerate() {
                turned[row * width + column] = *value;
            }
        }
        Ok((turned, width))
    }

    /// All values as f32, in the order stored; the array must hold numbers.
    pub fn numbers(&self) -> Result<Vec<f32>, String> {
        fn all<const N: usize>(npy: &Npy, read: fn([u8; N]) -> f32) -> Vec<f32> {
            let chunks = npy.data.as_chunks::<N>().0.iter();
            if npy.big_endian {
                chunks
                    .map(|bytes| {
                        let mut bytes = *bytes;
                        bytes.reverse();
                        read(bytes)
                    })
                    .collect()
            } else {
                chunks.map(|bytes| read(*bytes)).collect()
            }
        }
        Ok(match (self.kind, self.size) {
            (b'f', 2) => all(self, |b| f16::from_le_bytes(b).to_f32()),
            (b'f', 4) => all(self, f32::from_le_bytes),
            (b'f', 8) => all(self, |b| f64::from_le_bytes(b) as f32),
            (b'i', 1) => all(self, |b| f32::from(i8::from_le_bytes(b))),
            (b'i', 2) => all(self, |b| f32::from(i16::from_le_bytes(b))),
            (b'i', 4) => all(self, |b| i32::from_le_bytes(b) as f32),
            (b'i', 8) => all(self, |b| i64::from_le_bytes(b) as f32),
            (b'u', 1) => all(self, |b| f32::from(u8::from_le_bytes(b))),
            (b'u', 2) => all(self, |b| f32::from(u16::from_le_bytes(b))),
            (b'u', 4) => all(self, |b| u32::from_le_bytes(b) as f32),
            (b'u', 8) => all(self, |b| u64::from_le_bytes(b) as f32),
            _ => return Err("it holds texts where numbers are needed".into()),
        })
    }

    /// The values as texts; the array must hold texts in one dimension.
    pub fn texts(&self) -> Result<Vec<String>, String> {
        if self.shape.len() != 1 || !matches!(self.kind, b'U' | b'S') {
            return Err("it is not a list of texts".into());
        }
        let bad = "a text in it is not Unicode";
        let texts = self
            .data
            .chunks_exact(self.size)
            .map(|cell| match self.kind {
                b'S' => {
                    let end = cell.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
                    String::from_utf8(cell[..end].to_vec()).map_err(|_| bad.to_owned())
                }
                _ => {
                    let points = cell.as_chunks::<4>().0.iter();
                    let points = points.map(|b| {
                        if self.big_endian {
                            u32::from_be_bytes(*b)
                        } else {
                            u32::from_le_bytes(*b)
                        }
                    });
                    let text: Option<String> = points.map(char::from_u32).collect();
                    text.map(|text| text.trim_end_matches('\0').to_owned())
                        .ok_or_else(|| bad.to_owned())
                }
            });
        texts.collect()
    }
}

/// What follows `'key':` in the header.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = header
        .find(&format!("'{key}'"))
        .or_else(|| header.find(&format!("\"{key}\"")))?;
    header[at + key.len() + 2..]
        .trim_start()
        .strip_prefix(':')
        .map(str::trim_start)
}
