//! Text columns: dictionary-coded where few values repeat, so that comparing means comparing numbers.
//!
//! A stored dictionary has distinct values without nulls, in the order of first appearance: equal text has equal keys.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int32Builder, StringArray,
};
use arrow::datatypes::{DataType, Int32Type};

/// More distinct values than this are never coded.
const MAX_DISTINCT: usize = 1 << 16;

/// A text array of either form.
pub enum Text<'a> {
    /// One text a row.
    Plain(&'a StringArray),
    /// One key a row.
    Coded(&'a Int32Array, &'a StringArray),
}

impl<'a> Text<'a> {
    /// The array as text, if it is of a form that is stored.
    pub fn of(array: &'a dyn Array) -> Option<Text<'a>> {
        match array.data_type() {
            DataType::Utf8 => Some(Text::Plain(array.as_string())),
            DataType::Dictionary(key, value)
                if **key == DataType::Int32 && **value == DataType::Utf8 =>
            {
                let coded = array.as_dictionary::<Int32Type>();
                Some(Text::Coded(coded.keys(), coded.values().as_string()))
            }
            _ => None,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Text::Plain(values) => values.len(),
            Text::Coded(keys, _) => keys.len(),
        }
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Text::Plain(values) => values.is_valid(row).then(|| values.value(row)),
            Text::Coded(keys, values) => {
                let key = keys.is_valid(row).then(|| keys.value(row) as usize)?;
                values.is_valid(key).then(|| values.value(key))
            }
        }
    }

    /// The texts of all rows.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a str>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// The form a text array is stored in: coded if at most half of the rows have a value of their own, else plain.
/// Anything that is no text comes back as it is. Linear in the rows.
pub fn stored_form(array: &ArrayRef) -> ArrayRef {
    let Some(text) = Text::of(array) else {
        return array.clone();
    };
    match code(&text) {
        Some(coded) => coded,
        None => plain(array, &text),
    }
}

fn plain(array: &ArrayRef, text: &Text<'_>) -> ArrayRef {
    match text {
        Text::Plain(_) => array.clone(),
        Text::Coded(..) => Arc::new(text.iter().collect::<StringArray>()),
    }
}

fn code(text: &Text<'_>) -> Option<ArrayRef> {
    let limit = MAX_DISTINCT.min(text.len() / 2);
    let mut codes = Codes::default();
    let mut keys = Int32Builder::with_capacity(text.len());
    for (row, value) in text.iter().enumerate() {
        keys.append_option(value.map(|value| codes.of(value)));
        // Give up early on a column like `filepath`.
        if codes.values.len() > limit || (row == 1024 && codes.values.len() > 512) {
            return None;
        }
    }
    codes.finish(keys.finish())
}

#[derive(Default)]
struct Codes<'a> {
    known: HashMap<&'a str, i32>,
    values: Vec<&'a str>,
    last: Option<(&'a str, i32)>,
}

impl<'a> Codes<'a> {
    fn of(&mut self, value: &'a str) -> i32 {
        if let Some((last, code)) = self.last
            && last == value
        {
            return code;
        }
        let code = *self.known.entry(value).or_insert_with(|| {
            self.values.push(value);
            (self.values.len() - 1) as i32
        });
        self.last = Some((value, code));
        code
    }

    fn finish(self, keys: Int32Array) -> Option<ArrayRef> {
        let values = StringArray::from_iter_values(self.values);
        let coded = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).ok()?;
        Some(Arc::new(coded))
    }
}

/// Text pieces one after another (`None`: so many nulls): coded if all are, else plain.
pub fn join(pieces: &[(Option<Text<'_>>, usize)]) -> ArrayRef {
    let coded = pieces
        .iter()
        .all(|(text, _)| !matches!(text, Some(Text::Plain(_))));
    if coded && let Some(joined) = join_coded(pieces) {
        return joined;
    }
    let rows = pieces.iter().flat_map(|(text, len)| {
        (0..*len).map(move |row| text.as_ref().and_then(|text| text.get(row)))
    });
    Arc::new(rows.collect::<StringArray>())
}

fn join_coded(pieces: &[(Option<Text<'_>>, usize)]) -> Option<ArrayRef> {
    let mut codes = Codes::default();
    let mut joined = Int32Builder::with_capacity(pieces.iter().map(|(_, len)| len).sum());
    for (text, len) in pieces {
        match text {
            Some(Text::Coded(keys, values)) => {
                let map: Vec<Option<i32>> = values
                    .iter()
                    .map(|value| value.map(|value| codes.of(value)))
                    .collect();
                for key in keys.iter() {
                    joined.append_option(key.and_then(|key| map.get(key as usize).copied()?));
                }
            }
            _ => joined.append_nulls(*len),
        }
    }
    codes.finish(joined.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(array: &ArrayRef) -> Vec<Option<&str>> {
        Text::of(array).unwrap().iter().collect()
    }

    #[test]
    fn few_values_are_coded_and_many_are_not() {
        let few: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            None,
            Some("b"),
            Some("a"),
            Some("a"),
        ]));
        let coded = stored_form(&few);
        assert!(matches!(coded.data_type(), DataType::Dictionary(..)));
        assert_eq!(texts(&coded), texts(&few));
        let many: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..50).map(|i| i.to_string()),
        ));
        assert_eq!(stored_form(&many).data_type(), &DataType::Utf8);
    }

    #[test]
    fn joined_dictionaries_have_one_key_for_one_text() {
        let one = stored_form(&(Arc::new(StringArray::from(vec!["a", "b", "a", "b"])) as ArrayRef));
        let two = stored_form(&(Arc::new(StringArray::from(vec!["b", "c", "c", "b"])) as ArrayRef));
        let joined = join(&[(Text::of(&one), 4), (None, 2), (Text::of(&two), 4)]);
        let Some(Text::Coded(keys, values)) = Text::of(&joined) else {
            panic!()
        };
        assert_eq!(values.iter().flatten().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(keys.null_count(), 2);
        assert_eq!(
            texts(&joined)[6..],
            [Some("b"), Some("c"), Some("c"), Some("b")]
        );
    }
}
