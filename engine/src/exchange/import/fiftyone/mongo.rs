//! MongoDB's aggregation expressions, as FiftyOne lowers its own to them, back in the language.
//!
//! Only what FiftyOne's methods make is known, each by the form that the method makes. Anything else is an error that
//! names it: a view that means something else than it did would be worse than none.

use chrono::{DateTime, Datelike, Timelike};
use serde_json::{Map, Value};

use super::extended::{Scalar, scalar, shown};
use super::shape::Part;

/// Methods without arguments.
const PLAIN: &[(&str, &str)] = &[
    ("$abs", "abs"),
    ("$floor", "floor"),
    ("$ceil", "ceil"),
    ("$exp", "exp"),
    ("$ln", "ln"),
    ("$sqrt", "sqrt"),
    ("$cos", "cos"),
    ("$cosh", "cosh"),
    ("$sin", "sin"),
    ("$sinh", "sinh"),
    ("$tan", "tan"),
    ("$tanh", "tanh"),
    ("$acos", "arccos"),
    ("$acosh", "arccosh"),
    ("$asin", "arcsin"),
    ("$asinh", "arcsinh"),
    ("$atan", "arctan"),
    ("$atanh", "arctanh"),
    ("$isNumber", "is_number"),
    ("$isArray", "is_array"),
    ("$type", "type"),
    ("$toBool", "to_bool"),
    ("$toInt", "to_int"),
    ("$toDouble", "to_double"),
    ("$toString", "to_string"),
    ("$toLower", "lower"),
    ("$toUpper", "upper"),
    ("$sum", "sum"),
    ("$avg", "mean"),
    ("$stdDevPop", "std"),
    ("$reverseArray", "reverse"),
    ("$millisecond", "millisecond"),
    ("$second", "second"),
    ("$minute", "minute"),
    ("$hour", "hour"),
    ("$dayOfWeek", "day_of_week"),
    ("$dayOfMonth", "day_of_month"),
    ("$dayOfYear", "day_of_year"),
    ("$week", "week"),
    ("$month", "month"),
    ("$year", "year"),
];

/// Methods whose first operand is what they are called on.
const WITH_ARGUMENTS: &[(&str, &str)] = &[
    ("$ifNull", "if_null"),
    ("$round", "round"),
    ("$trunc", "trunc"),
    ("$log", "log"),
    ("$pow", "pow"),
    ("$min", "min"),
    ("$max", "max"),
    ("$setIsSubset", "is_subset"),
    ("$setEquals", "set_equals"),
    ("$setUnion", "union"),
    ("$setIntersection", "intersection"),
    ("$setDifference", "difference"),
    ("$concatArrays", "extend"),
    ("$concat", "concat"),
    ("$split", "split"),
];

/// Operators between two or more operands.
const INFIX: &[(&str, &str)] = &[
    ("$eq", "=="),
    ("$ne", "!="),
    ("$gt", ">"),
    ("$gte", ">="),
    ("$lt", "<"),
    ("$lte", "<="),
    ("$and", "&"),
    ("$or", "|"),
    ("$add", "+"),
    ("$subtract", "-"),
    ("$multiply", "*"),
    ("$divide", "/"),
    ("$mod", "%"),
];

/// Translates expressions about the samples of one export.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mongo<'a> {
    /// The fields, for those that have another name in the database.
    pub fields: &'a [Part],
}

impl Mongo<'_> {
    /// The expression as text.
    ///
    /// # Errors
    /// The operator that has no counterpart.
    pub fn expression(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::String(text) if text.starts_with('$') => self.field(text),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.expression(item));
                Ok(format!(
                    "[{}]",
                    items.collect::<Result<Vec<_>, _>>()?.join(", ")
                ))
            }
            Value::Object(map) => match scalar(value) {
                Ok(Some(_)) => literal(value),
                _ => self.operator(map),
            },
            _ => literal(value),
        }
    }

    /// The name that a path in the database has here.
    pub fn path(&self, path: &str) -> String {
        let mut names = path.split('.').enumerate().map(|(depth, key)| {
            let known = self
                .fields
                .iter()
                .find(|part| depth == 0 && part.key == key);
            known.map_or(if key == "_id" { "id" } else { key }, |part| {
                part.name.as_str()
            })
        });
        let first = names.next().unwrap_or_default().to_owned();
        names.fold(first, |path, name| format!("{path}.{name}"))
    }

    fn field(&self, text: &str) -> Result<String, String> {
        let field = |path: &str| Ok(format!("F({})", quoted(path)));
        match text.strip_prefix("$$") {
            None => field(&self.path(&text[1..])),
            Some("this") => Ok("F()".into()),
            Some("value") => Ok("VALUE".into()),
            Some(rest) => match rest.split_once('.') {
                Some(("this", path)) => field(&path.replace("_id", "id")),
                Some(("ROOT", path)) => field(&format!("${}", self.path(path))),
                _ => Err(format!("it uses the variable {text}")),
            },
        }
    }

    /// An operand on which a method is called.
    fn receiver(&self, value: &Value) -> Result<String, String> {
        let text = self.expression(value)?;
        let is_expression = match value {
            Value::String(text) => text.starts_with('$'),
            Value::Object(_) => !matches!(scalar(value), Ok(Some(_))),
            _ => false,
        };
        Ok(if is_expression {
            text
        } else {
            format!("E({text})")
        })
    }

    fn operator(&self, map: &Map<String, Value>) -> Result<String, String> {
        let mut entries = map.iter();
        let (Some((name, of)), None) = (entries.next(), entries.next()) else {
            return Err(format!(
                "it uses the document {}",
                shown(&Value::Object(map.clone()))
            ));
        };
        let find = |table: &[(&str, &'static str)]| {
            table
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, text)| *text)
        };
        let operands: &[Value] = match of {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        };
        let unknown = || format!("it uses {name}");
        if let ("$gt", [x, Value::Null]) = (name.as_str(), operands) {
            return Ok(format!("{}.exists()", self.receiver(x)?));
        }
        if let Some(symbol) = find(INFIX).filter(|_| !operands.is_empty()) {
            let operands = operands.iter().map(|operand| self.expression(operand));
            let operands = operands.collect::<Result<Vec<_>, _>>()?;
            return Ok(format!("({})", operands.join(&format!(" {symbol} "))));
        }
        if let (Some(method), [x]) = (find(PLAIN), operands) {
            return Ok(format!("{}.{method}()", self.receiver(x)?));
        }
        if let (Some(method), [x, rest @ ..]) = (find(WITH_ARGUMENTS), operands) {
            let rest = rest.iter().map(|operand| self.expression(operand));
            let rest = rest.collect::<Result<Vec<_>, _>>()?;
            return Ok(format!(
                "{}.{method}({})",
                self.receiver(x)?,
                rest.join(", ")
            ));
        }
        match (name.as_str(), operands) {
            ("$not", [x]) => Ok(format!("~({})", self.expression(x)?)),
            ("$size", [x]) => Ok(format!("{}.length()", self.receiver(filled(x))?)),
            ("$strLenBytes", [x]) => Ok(format!("{}.strlen()", self.receiver(filled(x))?)),
            ("$arrayElemAt", [x, at]) if at.is_i64() => Ok(format!("{}[{at}]", self.receiver(x)?)),
            ("$literal", [x]) => literal(x),
            ("$toDate", [Value::Number(millis)]) => {
                millis.as_i64().and_then(moment).ok_or_else(unknown)
            }
            ("$in", [x, Value::Array(_)]) => Ok(format!(
                "{}.is_in({})",
                self.receiver(x)?,
                self.expression(&operands[1])?
            )),
            ("$in", [value, list]) => Ok(format!(
                "{}.contains({})",
                self.receiver(filled(list))?,
                self.expression(value)?
            )),
            ("$regexMatch", [Value::Object(with)]) => {
                let part = |key: &str| with.get(key).unwrap_or(&Value::Null);
                let mut arguments = literal(part("regex"))?;
                if let Some(options) = part("options").as_str() {
                    arguments.push_str(&format!(", options={}", quoted(options)));
                }
                Ok(format!(
                    "{}.re_match({arguments})",
                    self.receiver(part("input"))?
                ))
            }
            ("$filter" | "$map", [Value::Object(with)]) => {
                if with.get("as").is_some_and(|name| name != "this") {
                    return Err(unknown());
                }
                let part = |key: &str| with.get(key).ok_or_else(unknown);
                let (method, inner) = match name.as_str() {
                    "$filter" => ("filter", part("cond")?),
                    _ => ("map", part("in")?),
                };
                let (list, inner) = (self.receiver(part("input")?)?, self.expression(inner)?);
                Ok(format!("{list}.{method}({inner})"))
            }
            ("$cond", [Value::Object(with)]) => {
                let part = |key: &str| with.get(key).ok_or_else(unknown);
                let (then, or) = (
                    self.expression(part("then")?)?,
                    self.expression(part("else")?)?,
                );
                Ok(format!(
                    "{}.if_else({then}, {or})",
                    self.receiver(part("if")?)?
                ))
            }
            _ => Err(unknown()),
        }
    }
}

/// What FiftyOne wraps with a value for null: `{"$ifNull": [x, []]}` -> `x`.
fn filled(value: &Value) -> &Value {
    let operands = value.get("$ifNull").and_then(Value::as_array);
    match operands.map(Vec::as_slice) {
        Some([x, Value::Array(empty)]) if empty.is_empty() => x,
        Some([x, Value::String(empty)]) if empty.is_empty() => x,
        _ => value,
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value as Python writes it.
///
/// # Errors
/// Binary data, or a wrapper that is broken.
pub(super) fn literal(value: &Value) -> Result<String, String> {
    if let Some(scalar) = scalar(value)? {
        return match scalar {
            Scalar::Bool(true) => Ok("True".into()),
            Scalar::Bool(false) => Ok("False".into()),
            Scalar::Int(int) => Ok(int.to_string()),
            Scalar::Float(x) if x.is_finite() => Ok(format!("{x:?}")),
            Scalar::Float(x) => Err(format!("it uses the number {x}")),
            Scalar::Text(text) => Ok(quoted(text)),
            Scalar::Id(id) => Ok(format!("ObjectId(\"{id}\")")),
            Scalar::Moment(millis) => {
                moment(millis).ok_or_else(|| "it uses a date that there is not".into())
            }
            Scalar::Binary(_) => Err("it uses binary data".into()),
        };
    }
    Ok(match value {
        Value::Array(items) => {
            let items = items.iter().map(literal);
            format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| Ok(format!("{}: {}", quoted(key), literal(value)?)));
            format!(
                "{{{}}}",
                entries.collect::<Result<Vec<_>, String>>()?.join(", ")
            )
        }
        _ => "None".into(),
    })
}

fn moment(millis: i64) -> Option<String> {
    let at = DateTime::from_timestamp_millis(millis)?.naive_utc();
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let micros = at.and_utc().timestamp_subsec_micros();
    Some(format!(
        "datetime({year}, {month}, {day}, {hour}, {minute}, {second}, {micros})"
    ))
}
