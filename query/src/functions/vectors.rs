//! Distances between vectors: `dot cosine_distance euclidean_distance norm`. Sums are made in 64 bits.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape, float_values};
use crate::columns::cast;
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Param, Signature, TypeSet, example, expression, param};
use crate::types::Type;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Dot,
    Cosine,
    Euclidean,
    Norm,
}

/// A measure of one or two vectors.
struct Measure {
    what: What,
    signature: Signature,
}

const OTHER: &[Param] = &[param(
    "vector",
    Kind::Expr(TypeSet::Any),
    Default::Required,
    "A vector field, or a list of as many numbers.",
)];

static MEASURES: [Measure; 4] = [
    Measure {
        what: What::Dot,
        signature: expression(
            "dot",
            "Gives the dot product of two vectors.",
            OTHER,
            &[example(
                r#"sort_by(F("embedding").dot([1, 0, 0, 0]), reverse=True)"#,
                "Puts what points the same way first.",
            )],
        ),
    },
    Measure {
        what: What::Cosine,
        signature: expression(
            "cosine_distance",
            "Gives 1 minus the cosine of the angle between two vectors; null where one has no length.",
            OTHER,
            &[example(
                r#"sort_by(F("embedding").cosine_distance([1, 0, 0, 0])).limit(10)"#,
                "Gives the nearest by angle.",
            )],
        ),
    },
    Measure {
        what: What::Euclidean,
        signature: expression(
            "euclidean_distance",
            "Gives the distance between two vectors.",
            OTHER,
            &[example(
                r#"match(F("map").euclidean_distance([0, 0]) < 1)"#,
                "Keeps points near the middle of the map.",
            )],
        ),
    },
    Measure {
        what: What::Norm,
        signature: expression(
            "norm",
            "Gives the length of a vector.",
            &[],
            &[example(
                r#"bounds(F("embedding").norm())"#,
                "Gives the range of lengths.",
            )],
        ),
    },
];

impl Function for Measure {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check(&self, args: &[Expr]) -> Result<Type, Mismatch> {
        let numbers = |ty: &Type| match ty {
            Type::Vector(_) | Type::Null => true,
            Type::List(item) => item.is_number() || **item == Type::Null,
            _ => false,
        };
        for (at, arg) in args.iter().enumerate() {
            if !numbers(&arg.ty) {
                return Err(Mismatch::new(at, "a vector, or a list of numbers"));
            }
        }
        if let (Type::Vector(d), Some(other)) = (&args[0].ty, args.get(1)) {
            let given = match (&other.ty, other.constant()) {
                (Type::Vector(given), _) => Some(*given as usize),
                (_, Some(crate::columns::Datum::List(items))) => Some(items.len()),
                _ => None,
            };
            if let Some(given) = given.filter(|given| *given != *d as usize) {
                return Err(Mismatch::new(
                    1,
                    format!("{d} numbers, as many as the vector has, not {given}"),
                ));
            }
        }
        Ok(Type::Float)
    }

    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let floats = |array: &ArrayRef| -> Result<Float64Array, Error> {
            let array = cast(array, &Type::Float)?;
            Ok(float_values(&array)
                .cloned()
                .unwrap_or_else(|| Float64Array::new_null(0)))
        };
        let a = crate::columns::Lists::of(call.args[0].array())?;
        let x = floats(&a.values)?;
        let b = match call.args.get(1) {
            Some(value) => Some(crate::columns::Lists::of(value.array())?),
            None => None,
        };
        let y = b.as_ref().map(|lists| floats(&lists.values)).transpose()?;
        let mut lost = 0;
        let out: Float64Array = (0..call.len)
            .map(|row| {
                let i = call.index(0, row);
                let x = a.is_valid(i).then(|| &x.values()[a.range(i)])?;
                let (Some(b), Some(y)) = (&b, &y) else {
                    return Some(x.iter().map(|x| x * x).sum::<f64>().sqrt());
                };
                let j = call.index(1, row);
                let y = b.is_valid(j).then(|| &y.values()[b.range(j)])?;
                let result = (x.len() == y.len())
                    .then(|| measure(self.what, x, y))
                    .flatten();
                lost += u64::from(result.is_none());
                result
            })
            .collect();
        call.skip(lost);
        Ok(Arc::new(out))
    }

    fn may_skip(&self) -> bool {
        self.what != What::Norm
    }
}

fn measure(what: What, x: &[f64], y: &[f64]) -> Option<f64> {
    let pairs = || x.iter().zip(y);
    let dot = || pairs().map(|(x, y)| x * y).sum::<f64>();
    match what {
        What::Euclidean => Some(pairs().map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()),
        What::Cosine => {
            let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let lengths = norm(x) * norm(y);
            (lengths > 0.0 || lengths.is_nan()).then(|| 1.0 - dot() / lengths)
        }
        _ => Some(dot()),
    }
}

const fn method(function: &'static dyn Function) -> Member {
    Member {
        shape: Shape::Method,
        kind: MemberKind::Function(function),
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    method(&MEASURES[0]),
    method(&MEASURES[1]),
    method(&MEASURES[2]),
    method(&MEASURES[3]),
];
