//! Every value replaced by its place among the distinct values of the column: equal values have equal ranks, smaller
//! values smaller ranks. Sets, groups, sorts and counts then work on small numbers, whatever the type; the price is one
//! hash table a column, and a sort of the distinct values only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int64Type, TimestampMillisecondType,
};
use arrow::row::{RowConverter, SortField};

use super::{Texts, gather, join, plain};
use crate::error::Error;
use crate::types::Type;

/// The rank of null.
pub const NO_RANK: u32 = u32::MAX;

/// A ranked column.
#[derive(Debug, Clone)]
pub struct Ranks {
    /// The rank of each row, [`NO_RANK`] for null.
    pub codes: Vec<u32>,
    /// The distinct values without null, ascending; NaN is the greatest float.
    pub distinct: ArrayRef,
}

/// Ranks the values of a column.
///
/// # Errors
/// A column that Arrow's row format does not know.
pub fn rank(array: &ArrayRef) -> Result<Ranks, Error> {
    match array.data_type() {
        DataType::Int64 => by_key(
            array,
            &array.as_primitive::<Int64Type>().values()[..],
            |x| (*x as u64) ^ (1 << 63),
        ),
        DataType::Timestamp(..) => {
            let moments = array.as_primitive::<TimestampMillisecondType>();
            by_key(array, &moments.values()[..], |x| (*x as u64) ^ (1 << 63))
        }
        DataType::Date32 => by_key(
            array,
            &array.as_primitive::<Date32Type>().values()[..],
            |x| (i64::from(*x) as u64) ^ (1 << 63),
        ),
        DataType::Float64 => by_key(
            array,
            &array.as_primitive::<Float64Type>().values()[..],
            |x| float_key(*x),
        ),
        DataType::Float32 => by_key(
            array,
            &array.as_primitive::<Float32Type>().values()[..],
            |x| float_key(f64::from(*x)),
        ),
        DataType::Boolean => {
            let bools: &BooleanArray = array.as_boolean();
            let values: Vec<bool> = bools.values().iter().collect();
            by_key(array, &values, |x| u64::from(*x))
        }
        DataType::Utf8 | DataType::Dictionary(..) => by_text(array),
        DataType::Null => Ok(Ranks {
            codes: vec![NO_RANK; array.len()],
            distinct: arrow::array::new_empty_array(&DataType::Null),
        }),
        _ => by_row(array),
    }
}

/// How often each distinct value occurs.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The distinct values without null, ascending.
    pub distinct: ArrayRef,
    /// The count of each.
    pub counts: Vec<u64>,
    /// The count of null.
    pub nulls: u64,
}

/// Counts the values of a column; of a dictionary in one pass over the codes.
///
/// # Errors
/// As [`rank`].
pub fn tally(array: &ArrayRef) -> Result<Tally, Error> {
    if let Some(Texts::Coded(codes, values)) = Texts::of(array) {
        let mut uses = vec![0u64; values.len()];
        match codes.nulls() {
            None => codes
                .values()
                .iter()
                .for_each(|code| uses[*code as usize] += 1),
            Some(_) => codes
                .iter()
                .flatten()
                .for_each(|code| uses[code as usize] += 1),
        }
        let used: Vec<u32> = (0..values.len() as u32)
            .filter(|at| uses[*at as usize] > 0)
            .collect();
        let texts: ArrayRef = std::sync::Arc::new(values);
        let Ranks {
            codes: ranks,
            distinct,
        } = rank(&gather(&texts, &used)?)?;
        let mut counts = vec![0u64; distinct.len()];
        let mut nulls = codes.null_count() as u64;
        for (at, rank) in used.iter().zip(ranks) {
            match counts.get_mut(rank as usize) {
                Some(count) => *count += uses[*at as usize],
                None => nulls += uses[*at as usize],
            }
        }
        return Ok(Tally {
            distinct,
            counts,
            nulls,
        });
    }
    let Ranks { codes, distinct } = rank(array)?;
    let mut counts = vec![0u64; distinct.len()];
    let mut nulls = 0;
    for code in codes {
        match counts.get_mut(code as usize) {
            Some(count) => *count += 1,
            None => nulls += 1,
        }
    }
    Ok(Tally {
        distinct,
        counts,
        nulls,
    })
}

/// Ranks several columns of type `ty` among the values of all of them.
///
/// # Errors
/// As [`rank`].
pub fn rank_together(arrays: &[ArrayRef], ty: &Type) -> Result<(Vec<Vec<u32>>, ArrayRef), Error> {
    let ranks = rank(&join(arrays, ty)?)?;
    let mut at = 0;
    let parts = arrays.iter().map(|array| {
        let part = ranks.codes[at..at + array.len()].to_vec();
        at += array.len();
        part
    });
    Ok((parts.collect(), ranks.distinct))
}

/// A number whose order as an unsigned integer is the order of the floats, NaN last and both zeros alike.
pub fn float_key(x: f64) -> u64 {
    let x = if x.is_nan() { f64::NAN.abs() } else { x + 0.0 };
    let bits = x.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    }
}

fn by_key<T>(array: &ArrayRef, values: &[T], key: impl Fn(&T) -> u64) -> Result<Ranks, Error> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    let present = || {
        values
            .iter()
            .enumerate()
            .filter(|(row, _)| valid(*row))
            .map(|(_, x)| key(x))
    };
    let low = present().min().unwrap_or(0);
    let span = present().max().unwrap_or(0) - low;
    let mut found: Vec<(u64, u32)> = Vec::new();
    let mut codes = Vec::with_capacity(values.len());
    if span < 4 * values.len() as u64 + 1024 {
        // Keys close together: a table instead of a hash.
        let mut seen = vec![NO_RANK; span as usize + 1];
        for (row, value) in values.iter().enumerate() {
            if !valid(row) {
                codes.push(NO_RANK);
                continue;
            }
            let key = key(value);
            let place = &mut seen[(key - low) as usize];
            if *place == NO_RANK {
                *place = found.len() as u32;
                found.push((key, row as u32));
            }
            codes.push(*place);
        }
        return ordered(array, codes, found);
    }
    let mut seen: HashMap<u64, u32, BuildHasherDefault<Mix>> = HashMap::default();
    for (row, value) in values.iter().enumerate() {
        if !valid(row) {
            codes.push(NO_RANK);
            continue;
        }
        let key = key(value);
        codes.push(*seen.entry(key).or_insert_with(|| {
            found.push((key, row as u32));
            found.len() as u32 - 1
        }));
    }
    ordered(array, codes, found)
}

fn by_text(array: &ArrayRef) -> Result<Ranks, Error> {
    let Some(texts) = Texts::of(array) else {
        return by_row(&plain(array)?);
    };
    if let Texts::Coded(codes, values) = &texts {
        // Only texts that occur have a rank; a dictionary may hold others, or one text twice.
        let mut used = vec![false; values.len()];
        codes
            .iter()
            .flatten()
            .for_each(|code| used[code as usize] = true);
        let mut seen: HashMap<&str, u32> = HashMap::new();
        let mut found: Vec<(&str, u32)> = Vec::new();
        let table: Vec<u32> = (0..values.len())
            .map(|at| {
                if !used[at] || values.is_null(at) {
                    return NO_RANK;
                }
                *seen.entry(values.value(at)).or_insert_with(|| {
                    found.push((values.value(at), at as u32));
                    found.len() as u32 - 1
                })
            })
            .collect();
        let all: ArrayRef = std::sync::Arc::new(values.clone());
        let Ranks {
            codes: table,
            distinct,
        } = ordered(&all, table, found)?;
        let codes = codes
            .iter()
            .map(|code| code.map_or(NO_RANK, |code| table[code as usize]));
        return Ok(Ranks {
            codes: codes.collect(),
            distinct,
        });
    }
    let mut seen: HashMap<&str, u32, BuildHasherDefault<Mix>> = HashMap::default();
    let mut found: Vec<(&str, u32)> = Vec::new();
    let codes = texts.iter().enumerate().map(|(row, text)| match text {
        None => NO_RANK,
        Some(text) => *seen.entry(text).or_insert_with(|| {
            found.push((text, row as u32));
            found.len() as u32 - 1
        }),
    });
    let codes = codes.collect();
    ordered(array, codes, found)
}

fn by_row(array: &ArrayRef) -> Result<Ranks, Error> {
    let array = plain(array)?;
    let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
    let rows = converter.convert_columns(&[std::sync::Arc::clone(&array)])?;
    let mut seen: HashMap<&[u8], u32, BuildHasherDefault<Mix>> = HashMap::default();
    let mut found: Vec<(&[u8], u32)> = Vec::new();
    let mut codes = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            codes.push(NO_RANK);
            continue;
        }
        let key = rows.row(row).data();
        codes.push(*seen.entry(key).or_insert_with(|| {
            found.push((key, row as u32));
            found.len() as u32 - 1
        }));
    }
    ordered(&array, codes, found)
}

/// Renumbers codes given in order of appearance by the order of their keys.
fn ordered<K: Ord>(
    array: &ArrayRef,
    mut codes: Vec<u32>,
    found: Vec<(K, u32)>,
) -> Result<Ranks, Error> {
    let mut order: Vec<u32> = (0..found.len() as u32).collect();
    order.sort_unstable_by(|a, b| found[*a as usize].0.cmp(&found[*b as usize].0));
    let mut new = vec![0u32; found.len()];
    for (rank, old) in order.iter().enumerate() {
        new[*old as usize] = rank as u32;
    }
    for code in codes.iter_mut().filter(|code| **code != NO_RANK) {
        *code = new[*code as usize];
    }
    let firsts: Vec<u32> = order.iter().map(|old| found[*old as usize].1).collect();
    Ok(Ranks {
        codes,
        distinct: gather(array, &firsts)?,
    })
}

/// A fast hash for keys that nobody chooses in order to hurt: multiply and rotate.
#[derive(Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.write_u64(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut rest = [0u8; 8];
        rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.write_u64(u64::from_le_bytes(rest) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
