//! What the values of a field look like: declared in `metadata.json`, completed by what the samples hold.
//!
//! A declared type is a promise, and a value that breaks it ends the import. What nobody declared (attributes of labels,
//! keys of dictionaries) is taken as it comes: the narrowest type that holds all values, or left out by name where
//! values do not go together.

use messier_store::{Field, FieldType, StructKind};
use serde_json::{Map, Value};

use super::extended::{Scalar, scalar, shown};

/// The shape of a field's values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Only nulls so far.
    Unseen,
    /// One value.
    Scalar(FieldType),
    /// A packed vector, read as a vector at the top of a sample and as a list of numbers below.
    Packed,
    /// A list.
    List(Box<Node>),
    /// A document.
    Document(StructKind, Vec<Part>),
    /// Left out, and why.
    Left(String),
}

/// A shape, and whether the export's own schema gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub shape: Shape,
    pub declared: bool,
    /// Whether any value was not null.
    pub seen: bool,
}

/// A field of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// The name in the language.
    pub name: String,
    /// The name in the file.
    pub key: String,
    pub node: Node,
}

impl Node {
    /// A declared shape.
    pub fn declared(shape: Shape) -> Node {
        Node {
            shape,
            declared: true,
            seen: false,
        }
    }

    /// The shape of what nobody declared.
    pub fn unseen() -> Node {
        Node {
            shape: Shape::Unseen,
            declared: false,
            seen: false,
        }
    }

    /// Takes a value into account.
    ///
    /// # Errors
    /// A value that its declared type forbids, as a sentence's end: "... where the declared type is string".
    pub fn observe(&mut self, value: &Value) -> Result<(), String> {
        self.seen |= !value.is_null();
        if value.is_null() || matches!(self.shape, Shape::Left(_)) {
            return Ok(());
        }
        if self.shape == Shape::Unseen {
            self.shape = first(value)?;
        }
        let declared = self.declared;
        let other = match (&mut self.shape, value) {
            (Shape::List(item), Value::Array(items)) => {
                return items.iter().try_for_each(|value| item.observe(value));
            }
            (Shape::Document(kind, parts), Value::Object(map)) if scalar(value)?.is_none() => {
                return observe_parts(*kind, parts, map);
            }
            (Shape::Packed, Value::Array(_)) => return Ok(()),
            (Shape::Packed, value) if matches!(scalar(value)?, Some(Scalar::Binary(_))) => {
                return Ok(());
            }
            (Shape::Scalar(ty), value) => match scalar(value)?.and_then(|scalar| scalar.ty()) {
                Some(seen) if fits(ty, &seen) => return Ok(()),
                Some(FieldType::Float) if *ty == FieldType::Int && !declared => {
                    *ty = FieldType::Float;
                    return Ok(());
                }
                _ => ty.to_string(),
            },
            (Shape::List(_), _) => "list".to_owned(),
            (Shape::Document(..), _) => "document".to_owned(),
            (Shape::Packed, _) => "vector".to_owned(),
            (Shape::Unseen | Shape::Left(_), _) => return Ok(()),
        };
        if declared {
            return Err(format!(
                "{} stands where the declared type is {other}",
                shown(value)
            ));
        }
        self.shape = Shape::Left(format!(
            "it holds values of several types ({other}, {})",
            shown(value)
        ));
        Ok(())
    }

    /// The type that holds all values seen; none where there is nothing to hold.
    pub fn ty(&self) -> Option<FieldType> {
        Some(match &self.shape {
            Shape::Unseen | Shape::Left(_) => return None,
            Shape::Scalar(ty) => ty.clone(),
            Shape::Packed => FieldType::List(Box::new(FieldType::Float)),
            Shape::List(item) => FieldType::List(Box::new(match &item.shape {
                Shape::Left(_) => return None,
                _ => item.ty().unwrap_or(FieldType::Text),
            })),
            Shape::Document(kind, parts) => {
                let fields: Vec<Field> = parts
                    .iter()
                    .filter_map(|part| Some(Field::new(&part.name, part.node.ty()?)))
                    .collect();
                if fields.is_empty() {
                    return None;
                }
                FieldType::Struct(*kind, fields)
            }
        })
    }

    /// Calls `tell` with the path and the reason of everything in it that holds values and is left out.
    pub fn left(&self, path: &str, tell: &mut dyn FnMut(&str, &str)) {
        match &self.shape {
            Shape::Left(why) if self.seen => tell(path, why),
            Shape::List(item) => item.left(path, tell),
            Shape::Document(_, parts) => {
                for part in parts {
                    part.node.left(&format!("{path}.{}", part.name), tell);
                }
            }
            _ => {}
        }
    }
}

/// Whether a value of type `seen` may stand in a column of type `ty`.
fn fits(ty: &FieldType, seen: &FieldType) -> bool {
    ty == seen
        || matches!(
            (ty, seen),
            (FieldType::Float, FieldType::Int) | (FieldType::Date, FieldType::DateTime)
        )
}

/// The shape of the first value of something that nobody declared.
fn first(value: &Value) -> Result<Shape, String> {
    Ok(match (value, scalar(value)?) {
        (_, Some(scalar)) => match scalar.ty() {
            Some(ty) => Shape::Scalar(ty),
            None => Shape::Left("it holds binary data".into()),
        },
        (Value::Array(_), None) => Shape::List(Box::new(Node::unseen())),
        (Value::Object(map), None) => {
            let class = map.get("_cls").and_then(Value::as_str);
            document(class.unwrap_or_default()).unwrap_or_else(|| {
                Shape::Left(format!("{} is not known here", class.unwrap_or("it")))
            })
        }
        _ => Shape::Unseen,
    })
}

/// An empty document of a FiftyOne class, named without its module; none for label classes that have no counterpart.
pub(super) fn document(class: &str) -> Option<Shape> {
    let kind = match class {
        "Classification" => StructKind::Classification,
        "Classifications" => StructKind::Classifications,
        "Detection" => StructKind::Detection,
        "Detections" => StructKind::Detections,
        "Regression" => StructKind::Regression,
        "Keypoint" | "Keypoints" | "Polyline" | "Polylines" | "Segmentation" | "Heatmap"
        | "TemporalDetection" | "TemporalDetections" | "GeoLocation" | "GeoLocations"
        | "Panoptic" => return None,
        _ => StructKind::Plain,
    };
    Some(Shape::Document(kind, Vec::new()))
}

fn observe_parts(
    kind: StructKind,
    parts: &mut Vec<Part>,
    map: &Map<String, Value>,
) -> Result<(), String> {
    for (key, value) in map {
        if let Some(part) = parts.iter_mut().find(|part| part.key == *key) {
            let here = |why| format!("{}: {why}", part.name);
            part.node.observe(value).map_err(here)?;
        } else if kind == StructKind::Metadata || value.is_null() {
            // Metadata has its five fields, whatever else an export writes beside them.
        } else if let Some(name) = name_of(key) {
            let mut node = if name.contains(['.', '$']) || name.contains(char::is_control) {
                Node::declared(Shape::Left("no field can be called that".into()))
            } else if parts.iter().any(|part| part.name == name) {
                Node::declared(Shape::Left(format!("there is a {name:?} already")))
            } else {
                Node::unseen()
            };
            node.observe(value)
                .map_err(|why| format!("{name}: {why}"))?;
            parts.push(Part {
                name: name.to_owned(),
                key: key.clone(),
                node,
            });
        }
    }
    Ok(())
}

/// The name that a key has in the language: `_id` is `id`, other keys that begin with `_` are FiftyOne's own.
fn name_of(key: &str) -> Option<&str> {
    match key {
        "_id" => Some("id"),
        "" => None,
        _ => (!key.starts_with('_')).then_some(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(values: &[Value]) -> Node {
        let mut node = Node::unseen();
        for value in values {
            node.observe(value).unwrap();
        }
        node
    }

    #[test]
    fn what_nobody_declared_gets_the_narrowest_type() {
        let ty = |values: &[Value]| seen(values).ty();
        assert_eq!(
            ty(&[json!(1), json!(null), json!(2.5)]),
            Some(FieldType::Float)
        );
        assert_eq!(
            ty(&[json!([]), json!([{"$oid": "65f000010000000000000000"}])]),
            Some(FieldType::List(Box::new(FieldType::Id)))
        );
        let label = json!({"_cls": "Classification", "_id": {"$oid": "65f000010000000000000000"}, "label": "x", "_x": 1});
        let Some(FieldType::Struct(StructKind::Classification, fields)) = ty(&[label]) else {
            panic!("a classification")
        };
        assert_eq!(
            fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["id", "label"]
        );
        assert_eq!(ty(&[json!({}), json!(null)]), None);
    }

    #[test]
    fn what_does_not_go_together_is_left_out_by_name() {
        let node = seen(&[
            json!({"a": 1, "b": true}),
            json!({"a": "x", "c.d": 1}),
            json!({"a": [2]}),
        ]);
        let Some(FieldType::Struct(_, fields)) = node.ty() else {
            panic!("a document")
        };
        assert_eq!(fields, [Field::new("b", FieldType::Bool)]);
        let mut told = Vec::new();
        node.left("info", &mut |path, why| told.push(format!("{path}: {why}")));
        assert_eq!(
            told,
            [
                "info.a: it holds values of several types (int, \"x\")",
                "info.c.d: no field can be called that",
            ]
        );
    }

    #[test]
    fn a_declared_type_is_a_promise() {
        let mut node = Node::declared(Shape::Scalar(FieldType::Int));
        assert!(node.observe(&json!(null)).is_ok());
        assert_eq!(
            node.observe(&json!("7")).unwrap_err(),
            "\"7\" stands where the declared type is int"
        );
        let mut float = Node::declared(Shape::Scalar(FieldType::Float));
        assert!(float.observe(&json!(7)).is_ok());
        assert!(float.observe(&json!({"$numberDouble": "NaN"})).is_ok());
        assert!(
            float
                .observe(&json!([7]))
                .unwrap_err()
                .contains("type is float")
        );
    }
}
