//! The samples as columns, built a block of rows at a time: what is held is the columns and one block of JSON.

use arrow::array::ArrayRef;
use arrow::compute::concat;
use messier_store::{Field, FieldType};
use serde_json::{Map, Value};

use super::arrays;
use super::extended::{Scalar, scalar};
use super::shape::{Node, Part, Shape};
use crate::exchange::typed;

/// Rows held as JSON before they become columns.
const BLOCK: usize = 1024;

/// Collects samples.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    parts: Vec<(&'a Part, Column)>,
    block: Vec<Map<String, Value>>,
}

#[derive(Debug)]
enum Column {
    Typed {
        ty: FieldType,
        blocks: Vec<ArrayRef>,
    },
    Vectors(Vectors),
}

/// A column of vectors of one length.
#[derive(Debug, Default)]
struct Vectors {
    flat: Vec<f32>,
    valid: Vec<bool>,
    /// The length, known from the first vector on.
    dims: Option<usize>,
    /// Vectors that hold a value that is not finite.
    spoilt: usize,
    /// Why the field is left out.
    left: Option<String>,
}

impl<'a> Columns<'a> {
    /// Columns for the fields of a sample. Fields that nothing is known of are not made.
    pub fn new(parts: &'a [Part]) -> Columns<'a> {
        let columns = parts.iter().filter_map(|part| {
            let column = match &part.node.shape {
                Shape::Packed => Column::Vectors(Vectors::default()),
                _ => Column::Typed {
                    ty: part.node.ty()?,
                    blocks: Vec::new(),
                },
            };
            Some((part, column))
        });
        Columns {
            parts: columns.collect(),
            block: Vec::new(),
        }
    }

    /// Adds a sample.
    pub fn push(&mut self, sample: Map<String, Value>) -> Result<(), String> {
        self.block.push(sample);
        if self.block.len() == BLOCK {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        if self.block.is_empty() {
            return Ok(());
        }
        for (part, column) in &mut self.parts {
            let given = self.block.iter().map(|sample| sample.get(&part.key));
            match column {
                Column::Typed { ty, blocks } => {
                    let values =
                        given.map(|value| value.map_or(Ok(Value::Null), |v| plain(&part.node, v)));
                    let values = values.collect::<Result<Vec<_>, _>>();
                    let values = values.map_err(|why| format!("{}: {why}", part.name))?;
                    let values: Vec<&Value> = values.iter().collect();
                    let block = typed::column(&values, ty);
                    blocks.push(block.map_err(|why| format!("{}: {why}", part.name))?);
                }
                Column::Vectors(vectors) => {
                    for value in given {
                        let value = value.unwrap_or(&Value::Null);
                        vectors
                            .push(value)
                            .map_err(|why| format!("{}: {why}", part.name))?;
                    }
                }
            }
        }
        self.block.clear();
        Ok(())
    }

    /// The columns; `tell` hears what had to be left out.
    pub fn finish(
        mut self,
        tell: &mut dyn FnMut(String),
    ) -> Result<Vec<(Field, ArrayRef)>, String> {
        self.flush()?;
        let mut columns = Vec::with_capacity(self.parts.len());
        for (part, column) in self.parts {
            let name = &part.name;
            match column {
                Column::Typed { ty, blocks } => {
                    let blocks: Vec<_> = blocks.iter().map(AsRef::as_ref).collect();
                    let whole = concat(&blocks).map_err(|e| too_much(name, &e.to_string()))?;
                    columns.push((Field::new(name, ty), whole));
                }
                Column::Vectors(vectors) => {
                    if vectors.spoilt > 0 {
                        let n = vectors.spoilt;
                        tell(format!(
                            "{n} vectors of the field {name} hold NaN or infinity; they became null"
                        ));
                    }
                    let dims = vectors.dims.and_then(|dims| u32::try_from(dims).ok());
                    match (vectors.left, dims) {
                        (Some(why), _) => {
                            tell(format!("the field {name} was not taken over: {why}"))
                        }
                        (None, None | Some(0)) => {
                            tell(format!(
                                "the field {name} was not taken over: it holds no vectors"
                            ));
                        }
                        (None, Some(dims)) => {
                            let array = typed::vector_column(
                                vectors.flat,
                                dims as usize,
                                Some(vectors.valid),
                            )?;
                            columns.push((Field::new(name, FieldType::Vector(dims)), array));
                        }
                    }
                }
            }
        }
        Ok(columns)
    }
}

fn too_much(name: &str, why: &str) -> String {
    format!("{name}: too much for one import ({why})")
}

impl Vectors {
    fn push(&mut self, value: &Value) -> Result<(), String> {
        if self.left.is_some() {
            return Ok(());
        }
        let vector = match unpacked(value)? {
            Some(vector) if vector.iter().all(|x| x.is_finite()) => Some(vector),
            Some(_) => {
                self.spoilt += 1;
                None
            }
            None => None,
        };
        if let (Some(vector), Some(dims)) = (&vector, self.dims)
            && vector.len() != dims
        {
            self.left = Some(format!(
                "its vectors have {dims} values, and {}",
                vector.len()
            ));
            return Ok(());
        }
        self.valid.push(vector.is_some());
        match vector {
            Some(vector) => {
                if self.dims.is_none() {
                    self.dims = Some(vector.len());
                    self.flat.resize((self.valid.len() - 1) * vector.len(), 0.0);
                }
                self.flat.extend(vector);
            }
            None => self
                .flat
                .resize(self.valid.len() * self.dims.unwrap_or(0), 0.0),
        }
        Ok(())
    }
}

/// A vector, packed or as a list of numbers.
fn unpacked(value: &Value) -> Result<Option<Vec<f32>>, String> {
    if let Value::Array(items) = value {
        let number = |item| match scalar(item)? {
            Some(Scalar::Float(x)) => Ok(x as f32),
            Some(Scalar::Int(x)) => Ok(x as f32),
            _ => Err("a list that is no vector of numbers".to_owned()),
        };
        return items.iter().map(number).collect::<Result<_, _>>().map(Some);
    }
    match scalar(value)? {
        Some(Scalar::Binary(base64)) => arrays::numbers(base64)
            .map(Some)
            .map_err(|why| format!("a vector cannot be read: {why}")),
        _ => Ok(None),
    }
}

/// The value without wrappers, as the column builder takes it.
fn plain(node: &Node, value: &Value) -> Result<Value, String> {
    Ok(match (&node.shape, value) {
        (_, Value::Null) | (Shape::Unseen | Shape::Left(_), _) => Value::Null,
        (Shape::List(item), Value::Array(items)) => items
            .iter()
            .map(|value| plain(item, value))
            .collect::<Result<_, _>>()?,
        (Shape::Document(_, parts), Value::Object(map)) => {
            let mut out = Map::new();
            for part in parts {
                if let Some(value) = map.get(&part.key) {
                    out.insert(part.name.clone(), plain(&part.node, value)?);
                }
            }
            Value::Object(out)
        }
        (Shape::Packed, value) => match unpacked(value)? {
            Some(vector) => vector.into_iter().map(|x| float(x.into())).collect(),
            None => Value::Null,
        },
        (_, value) => match scalar(value)? {
            Some(Scalar::Bool(bool)) => bool.into(),
            Some(Scalar::Int(int)) => int.into(),
            Some(Scalar::Float(x)) => float(x),
            Some(Scalar::Text(text)) => text.into(),
            Some(Scalar::Id(id)) => id.to_string().into(),
            Some(Scalar::Moment(millis)) => millis.into(),
            Some(Scalar::Binary(_)) | None => Value::Null,
        },
    })
}

fn float(x: f64) -> Value {
    match serde_json::Number::from_f64(x) {
        Some(number) => number.into(),
        None if x.is_nan() => "NaN".into(),
        None if x > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else {
            panic!("an object")
        };
        map
    }

    fn parts(samples: &[Value]) -> Vec<Part> {
        let mut root = Node::declared(Shape::Document(
            messier_store::StructKind::Plain,
            Vec::new(),
        ));
        samples.iter().for_each(|s| root.observe(s).unwrap());
        let Shape::Document(_, parts) = root.shape else {
            panic!("a document")
        };
        parts
    }

    #[test]
    fn samples_become_columns_across_blocks() {
        let samples: Vec<Value> = (0..2 * BLOCK + 3)
            .map(|i| {
                if i % 2 == 0 {
                    json!({"name": i.to_string()})
                } else {
                    json!({"x": i})
                }
            })
            .collect();
        let parts = parts(&samples);
        let mut columns = Columns::new(&parts);
        for one in samples {
            columns.push(sample(one)).unwrap();
        }
        let made = columns.finish(&mut |_| ()).unwrap();
        assert!(made.iter().all(|(_, array)| array.len() == 2 * BLOCK + 3));
        assert_eq!(made[0].0.ty, FieldType::Text);
        assert_eq!(made[1].0.ty, FieldType::Int);
    }

    #[test]
    fn vectors_of_several_lengths_are_left_out_and_spoilt_ones_are_null() {
        let part = |name: &str| Part {
            name: name.into(),
            key: name.into(),
            node: Node::declared(Shape::Packed),
        };
        let parts = [part("good"), part("odd")];
        let mut columns = Columns::new(&parts);
        for one in [
            json!({"good": null, "odd": [1]}),
            json!({"good": [1, 2.5], "odd": [1, 2]}),
            json!({"good": [1, {"$numberDouble": "NaN"}]}),
        ] {
            columns.push(sample(one)).unwrap();
        }
        let mut told = Vec::new();
        let made = columns.finish(&mut |line| told.push(line)).unwrap();
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].0, Field::new("good", FieldType::Vector(2)));
        assert_eq!(made[0].1.null_count(), 2);
        assert_eq!(
            told,
            [
                "1 vectors of the field good hold NaN or infinity; they became null",
                "the field odd was not taken over: its vectors have 1 values, and 2",
            ]
        );
    }
}
