//! Which type a column of foreign values has: the narrowest that holds all of them.
//!
//! A cell of a text table counts as a number only if printing the number gives the cell back in meaning: `007` is a
//! name, not seven.

use messier_store::{Field, FieldType, StructKind};
use serde_json::Value;

/// What was seen so far; [`Seen::Nothing`] for nulls alone.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Nothing,
    Bool,
    Int,
    /// `"NaN"` and its like: a number beside numbers, else a text.
    Special,
    Float,
    Text,
    List(Box<Seen>),
    Object(Vec<(String, Seen)>),
}

/// The type of a column, `None` if every value is null. The error says which values do not go together.
pub(super) fn of_values<'a>(
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<Option<FieldType>, String> {
    let mut all = Seen::Nothing;
    for (at, value) in values.into_iter().enumerate() {
        all = merge(all, of_value(value)?)
            .map_err(|why| format!("{why} (first in row {})", at + 1))?;
    }
    Ok(finish(all))
}

fn of_value(value: &Value) -> Result<Seen, String> {
    Ok(match value {
        Value::Null => Seen::Nothing,
        Value::Bool(_) => Seen::Bool,
        Value::Number(n) if n.is_i64() => Seen::Int,
        Value::Number(_) => Seen::Float,
        Value::String(s) if special(s).is_some() => Seen::Special,
        Value::String(_) => Seen::Text,
        Value::Array(items) => {
            let mut item = Seen::Nothing;
            for one in items {
                item = merge(item, of_value(one)?)?;
            }
            Seen::List(Box::new(item))
        }
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(name, value)| Ok((name.clone(), of_value(value)?)));
            Seen::Object(fields.collect::<Result<_, String>>()?)
        }
    })
}

/// The words that stand for numbers JSON cannot write.
pub(super) fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn merge(a: Seen, b: Seen) -> Result<Seen, String> {
    use Seen::{Float, Int, List, Nothing, Object, Special, Text};
    Ok(match (a, b) {
        (a, Nothing) => a,
        (Nothing, b) => b,
        (a, b) if a == b => a,
        (Int | Float | Special, Int | Float | Special) => Float,
        (Text, Special) | (Special, Text) => Text,
        (List(a), List(b)) => List(Box::new(merge(*a, *b)?)),
        (Object(mut a), Object(b)) => {
            for (name, seen) in b {
                match a.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => {
                        *known = merge(std::mem::replace(known, Nothing), seen)
                            .map_err(|why| format!("{name:?}: {why}"))?;
                    }
                    None => a.push((name, seen)),
                }
            }
            Object(a)
        }
        (a, b) => return Err(format!("{} beside {}", a.name(), b.name())),
    })
}

impl Seen {
    fn name(&self) -> &'static str {
        match self {
            Seen::Nothing => "nothing",
            Seen::Bool => "true or false",
            Seen::Int | Seen::Float | Seen::Special => "a number",
            Seen::Text => "a text",
            Seen::List(_) => "a list",
            Seen::Object(_) => "an object",
        }
    }
}

fn finish(seen: Seen) -> Option<FieldType> {
    Some(match seen {
        Seen::Nothing => return None,
        Seen::Bool => FieldType::Bool,
        Seen::Int => FieldType::Int,
        Seen::Float => FieldType::Float,
        Seen::Special | Seen::Text => FieldType::Text,
        Seen::List(item) => FieldType::List(Box::new(finish(*item).unwrap_or(FieldType::Text))),
        Seen::Object(fields) => {
            let fields = fields
                .into_iter()
                .filter_map(|(name, seen)| Some(Field::new(name, finish(seen)?)));
            FieldType::Struct(StructKind::Plain, fields.collect())
        }
    })
}

/// The cells of a text table as values of one type: all whole numbers, all numbers, all truth values, all JSON lists,
/// or texts. Empty cells are null.
pub(super) fn cells_to_values(cells: &[&str]) -> Vec<Value> {
    let readers: [fn(&str) -> Option<Value>; 4] = [whole_number, number, truth, list];
    for read in readers {
        let values = cells.iter().map(|cell| {
            if cell.is_empty() {
                Some(Value::Null)
            } else {
                read(cell)
            }
        });
        if let Some(values) = values.collect() {
            return values;
        }
    }
    cells
        .iter()
        .map(|&cell| {
            if cell.is_empty() {
                Value::Null
            } else {
                Value::from(cell)
            }
        })
        .collect()
}

/// No `+`, no leading zeros: those are codes, and a number would lose them.
fn is_plain_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let zero = digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    digits.starts_with(|c: char| c.is_ascii_digit()) && !zero
}

fn whole_number(cell: &str) -> Option<Value> {
    is_plain_number(cell)
        .then(|| cell.parse::<i64>().ok().map(Value::from))
        .flatten()
}

fn number(cell: &str) -> Option<Value> {
    if let Some(word) = ["NaN", "Infinity", "-Infinity"]
        .iter()
        .find(|word| word.eq_ignore_ascii_case(cell))
    {
        return Some(Value::from(*word));
    }
    is_plain_number(cell)
        .then(|| {
            cell.parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
        })
        .flatten()
        .map(Value::Number)
}

fn truth(cell: &str) -> Option<Value> {
    match cell {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn list(cell: &str) -> Option<Value> {
    cell.starts_with('[')
        .then(|| serde_json::from_str(cell).ok())
        .flatten()
        .filter(Value::is_array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cells(cells: &[&str]) -> Option<FieldType> {
        of_values(&cells_to_values(cells)).unwrap()
    }

    #[test]
    fn a_column_of_cells_gets_the_narrowest_type() {
        assert_eq!(cells(&["1", "", "-2"]), Some(FieldType::Int));
        assert_eq!(cells(&["1", "2.5", "NaN"]), Some(FieldType::Float));
        assert_eq!(cells(&["1e3", "2"]), Some(FieldType::Float));
        assert_eq!(cells(&["True", "false"]), Some(FieldType::Bool));
        assert_eq!(cells(&["007", "1"]), Some(FieldType::Text));
        assert_eq!(cells(&["1", "x"]), Some(FieldType::Text));
        assert_eq!(
            cells(&["[1, 2]", "[]"]),
            Some(FieldType::List(Box::new(FieldType::Int)))
        );
        assert_eq!(cells(&["", ""]), None);
        assert_eq!(cells(&["99999999999999999999"]), Some(FieldType::Float));
    }

    #[test]
    fn values_that_do_not_go_together_are_named() {
        let problem = of_values(&[json!(1), json!(null), json!("a")]).unwrap_err();
        assert_eq!(problem, "a number beside a text (first in row 3)");
        let nested = of_values(&[json!({"a": 1}), json!({"a": "x", "b": [1.5]})]).unwrap_err();
        assert_eq!(nested, "\"a\": a number beside a text (first in row 2)");
        let fine = of_values(&[json!({"a": 1}), json!({"b": [1.5, "NaN"]})])
            .unwrap()
            .unwrap();
        assert_eq!(fine.children().len(), 2);
    }
}
