//! Text columns in either form, plain or coded by a dictionary. What depends only on the text is computed once a
//! distinct text where there is a dictionary.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, DictionaryArray, Int32Array,
    StringArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Int32Type};

/// A text column for reading.
#[derive(Debug, Clone)]
pub enum Texts {
    /// One text a row.
    Plain(StringArray),
    /// One code a row into a few texts.
    Coded(Int32Array, StringArray),
}

impl Texts {
    /// The column as texts; `None` for any other type.
    pub fn of(array: &dyn Array) -> Option<Texts> {
        match array.data_type() {
            DataType::Utf8 => Some(Texts::Plain(array.as_string::<i32>().clone())),
            DataType::Dictionary(..) => {
                let coded = array.as_dictionary_opt::<Int32Type>()?;
                let values = coded.values().as_string_opt::<i32>()?.clone();
                Some(Texts::Coded(coded.keys().clone(), values))
            }
            DataType::Null => Some(Texts::Plain(StringArray::new_null(array.len()))),
            _ => None,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Texts::Plain(texts) => texts.len(),
            Texts::Coded(codes, _) => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a row; `None` for null.
    #[inline]
    pub fn at(&self, row: usize) -> Option<&str> {
        match self {
            Texts::Plain(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Texts::Coded(codes, values) => {
                if codes.is_null(row) {
                    return None;
                }
                let code = codes.value(row) as usize;
                values.is_valid(code).then(|| values.value(code))
            }
        }
    }

    /// The texts, row by row.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.at(row))
    }

    /// `test` of each text, false for null; asked once a distinct text where there is a dictionary.
    pub fn test(&self, test: impl Fn(&str) -> bool) -> BooleanBuffer {
        match self {
            Texts::Plain(texts) => BooleanBuffer::collect_bool(texts.len(), |row| {
                texts.is_valid(row) && test(texts.value(row))
            }),
            Texts::Coded(codes, values) => {
                let hits: Vec<bool> = values.iter().map(|text| text.is_some_and(&test)).collect();
                test_codes(codes, &hits)
            }
        }
    }

    /// Whether each text has `needle` in it, false for null. Plain text is searched as one long text, so that rows
    /// without it cost no call.
    pub fn contains(&self, needle: &str) -> BooleanBuffer {
        let Texts::Plain(texts) = self else {
            return self.test(|text| text.contains(needle));
        };
        let finder = regex::bytes::Regex::new(&regex::escape(needle));
        let (Ok(finder), false) = (finder, needle.is_empty()) else {
            return self.test(|text| text.contains(needle));
        };
        let mut bits = BooleanBufferBuilder::new(texts.len());
        bits.append_n(texts.len(), false);
        let (offsets, bytes) = (texts.value_offsets(), texts.value_data());
        let end = offsets.last().map_or(0, |end| *end as usize);
        let mut at = offsets.first().map_or(0, |start| *start as usize);
        let mut row = 0;
        while let Some(found) = finder.find_at(&bytes[..end], at) {
            while (offsets[row + 1] as usize) <= found.start() {
                row += 1;
            }
            let row_end = offsets[row + 1] as usize;
            if found.end() <= row_end {
                bits.set_bit(row, texts.is_valid(row));
                at = row_end;
            } else {
                // Across a border between two rows: not a match of either, but the next may begin within it.
                at = found.start() + 1;
            }
        }
        bits.finish()
    }

    /// Each text turned into another (or null) and the number of texts that could not be.
    pub fn map(&self, change: impl Fn(&str) -> Option<String>) -> (ArrayRef, u64) {
        match self {
            Texts::Plain(texts) => {
                let out: StringArray = texts.iter().map(|text| text.and_then(&change)).collect();
                let lost = out.null_count() - texts.null_count();
                (Arc::new(out), lost as u64)
            }
            Texts::Coded(codes, values) => {
                let new: StringArray = values.iter().map(|text| text.and_then(&change)).collect();
                // A dictionary may hold null texts; the codes then point at null, which readers of ours accept.
                let lost = codes.iter().flatten().filter(|code| {
                    let code = *code as usize;
                    new.is_null(code) && values.is_valid(code)
                });
                let lost = lost.count() as u64;
                (coded(codes.clone(), new), lost)
            }
        }
    }

    /// `f` of each text as a column of anything, computed once a distinct text where there is a dictionary.
    pub fn each<A>(&self, f: impl Fn(Option<&str>) -> A::Item) -> ArrayRef
    where
        A: TextResult,
    {
        match self {
            Texts::Plain(texts) => A::collect(texts.iter().map(f)),
            Texts::Coded(codes, values) => {
                let mut all: Vec<A::Item> = values.iter().map(&f).collect();
                all.push(f(None));
                let results = A::collect(all.into_iter());
                let null = values.len() as u32;
                let rows: UInt32Array = codes
                    .iter()
                    .map(|code| Some(code.map_or(null, |code| code as u32)))
                    .collect();
                arrow::compute::take(&results, &rows, None).unwrap_or_else(|_| {
                    arrow::array::new_null_array(results.data_type(), rows.len())
                })
            }
        }
    }
}

/// What [`Texts::each`] can collect.
pub trait TextResult {
    /// One value of it.
    type Item;
    /// The values as a column.
    fn collect(items: impl Iterator<Item = Self::Item>) -> ArrayRef;
}

macro_rules! text_result {
    ($($array:ty, $item:ty);*) => {$(
        impl TextResult for $array {
            type Item = Option<$item>;
            fn collect(items: impl Iterator<Item = Self::Item>) -> ArrayRef {
                Arc::new(items.collect::<$array>())
            }
        }
    )*};
}
text_result!(arrow::array::Int64Array, i64; arrow::array::Float64Array, f64; BooleanArray, bool);

fn test_codes(codes: &Int32Array, hits: &[bool]) -> BooleanBuffer {
    let values = codes.values();
    let on: Vec<i32> = (0i32..)
        .zip(hits)
        .filter(|(_, hit)| **hit)
        .map(|(code, _)| code)
        .collect();
    let found = match on.as_slice() {
        [] => BooleanBuffer::new_unset(codes.len()),
        // One code: a comparison that the compiler turns into vector instructions.
        [one] => BooleanBuffer::collect_bool(codes.len(), |row| values[row] == *one),
        _ => BooleanBuffer::collect_bool(codes.len(), |row| {
            hits.get(values[row] as usize).copied().unwrap_or(false)
        }),
    };
    match codes.nulls() {
        Some(nulls) => &found & nulls.inner(),
        None => found,
    }
}

/// A dictionary column; codes that point at a null text become null themselves.
pub fn coded(codes: Int32Array, values: StringArray) -> ArrayRef {
    let codes = if values.null_count() == 0 {
        codes
    } else {
        let null: Vec<bool> = (0..values.len()).map(|at| values.is_null(at)).collect();
        let valid = BooleanBuffer::collect_bool(codes.len(), |row| {
            codes.is_valid(row) && !null[codes.value(row) as usize]
        });
        Int32Array::new(codes.values().clone(), Some(NullBuffer::new(valid)))
    };
    Arc::new(DictionaryArray::<Int32Type>::new(codes, Arc::new(values)))
}
