//! What a function sees of its call: its arguments as typed operands, the number of rows, and where to report values
//! that could not be computed. A literal stays one value that is read for every row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array,
    PrimitiveArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};

use crate::columns::{Datum, Lists, Texts, cast, datum};
use crate::domain::Domain;
use crate::error::Error;
use crate::eval::{Context, Value};
use crate::types::Type;

/// One call over a whole domain.
pub struct Invocation<'a> {
    /// The arguments, the receiver first.
    pub args: &'a [Value],
    /// Their types.
    pub types: &'a [Type],
    /// The type of the result.
    pub ty: &'a Type,
    /// The number of rows to give; 1 if all arguments are literals.
    pub len: usize,
    /// Where it is evaluated.
    pub over: &'a Domain<'a>,
    /// Counts what could not be computed.
    pub context: &'a Context,
}

/// An argument of a known array type.
pub struct Operand<A> {
    /// The array; one row for a literal.
    pub array: A,
    /// Whether it is a literal.
    pub scalar: bool,
}

impl<A: Array> Operand<A> {
    /// Where the value for `row` is.
    #[inline]
    pub fn index(&self, row: usize) -> usize {
        if self.scalar { 0 } else { row }
    }

    /// Whether the value for `row` is null.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.index(row))
    }
}

impl<T: ArrowPrimitiveType> Operand<PrimitiveArray<T>> {
    /// The value for `row`.
    #[inline]
    pub fn at(&self, row: usize) -> Option<T::Native> {
        let at = self.index(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

impl Operand<BooleanArray> {
    /// The value for `row`.
    #[inline]
    pub fn at(&self, row: usize) -> Option<bool> {
        let at = self.index(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

impl Invocation<'_> {
    fn operand<A: Clone + 'static>(&self, k: usize, ty: &Type) -> Result<Operand<A>, Error> {
        let array = cast(self.args[k].array(), ty)?;
        let typed = array.as_any().downcast_ref::<A>().cloned();
        let array = typed.ok_or_else(|| Error::ColumnType {
            field: format!("argument {k}"),
            expected: ty.to_string(),
            given: array.data_type().to_string(),
        })?;
        Ok(Operand {
            array,
            scalar: self.args[k].is_scalar(),
        })
    }

    /// Argument `k` as floats; ints are widened.
    pub fn floats(&self, k: usize) -> Result<Operand<Float64Array>, Error> {
        self.operand(k, &Type::Float)
    }

    /// Argument `k` as ints.
    pub fn ints(&self, k: usize) -> Result<Operand<Int64Array>, Error> {
        let array = self.args[k].array();
        if *array.data_type() == arrow::datatypes::DataType::Float64 {
            // An earlier overflow made floats of them: those that fit are whole numbers again.
            let array = arrow::compute::cast(array, &arrow::datatypes::DataType::Int64)?;
            let array = array.as_primitive::<Int64Type>().clone();
            return Ok(Operand {
                array,
                scalar: self.args[k].is_scalar(),
            });
        }
        self.operand(k, &Type::Int)
    }

    /// Argument `k` as truth values.
    pub fn bools(&self, k: usize) -> Result<Operand<BooleanArray>, Error> {
        self.operand(k, &Type::Bool)
    }

    /// Argument `k` as moments in milliseconds; dates are widened.
    pub fn moments(
        &self,
        k: usize,
    ) -> Result<Operand<PrimitiveArray<TimestampMillisecondType>>, Error> {
        self.operand(k, &Type::DateTime)
    }

    /// Argument `k` as texts; [`Invocation::index`] tells where the text for a row is.
    pub fn texts(&self, k: usize) -> Result<Texts, Error> {
        let array = self.args[k].array();
        let array = match Texts::of(array) {
            Some(texts) => return Ok(texts),
            None => cast(array, &Type::Text)?,
        };
        Texts::of(&array).ok_or_else(|| Error::ColumnType {
            field: format!("argument {k}"),
            expected: "string".into(),
            given: array.data_type().to_string(),
        })
    }

    /// Argument `k` as lists, one a row even if it is a literal.
    pub fn lists(&self, k: usize) -> Result<Lists, Error> {
        Lists::of(&self.column(k)?)
    }

    /// Argument `k` with one value a row.
    pub fn column(&self, k: usize) -> Result<ArrayRef, Error> {
        self.args[k].expand(self.len)
    }

    /// Where in argument `k` the value for `row` is.
    #[inline]
    pub fn index(&self, k: usize, row: usize) -> usize {
        if self.args[k].is_scalar() { 0 } else { row }
    }

    /// The value of an argument that is a literal; null for any other.
    pub fn constant(&self, k: usize) -> Datum {
        match &self.args[k] {
            Value::Scalar(array) => datum(array, 0),
            Value::Column(_) => Datum::Null,
        }
    }

    /// Counts values that could not be computed.
    pub fn skip(&self, values: u64) {
        self.context.skip(values);
    }

    /// A float for every row; `None` where `f` was given values and could not compute one, which is counted.
    pub fn map_float(&self, x: &Operand<Float64Array>, f: impl Fn(f64) -> Option<f64>) -> ArrayRef {
        let mut lost = 0;
        let out: Float64Array = (0..self.len)
            .map(|row| {
                let value = x.at(row)?;
                let result = f(value);
                lost += u64::from(result.is_none());
                result
            })
            .collect();
        self.skip(lost);
        Arc::new(out)
    }

    /// An int for every row, likewise.
    pub fn map_int<T: ArrowPrimitiveType>(
        &self,
        x: &Operand<PrimitiveArray<T>>,
        f: impl Fn(T::Native) -> Option<i64>,
    ) -> ArrayRef {
        let mut lost = 0;
        let out: Int64Array = (0..self.len)
            .map(|row| {
                let value = x.at(row)?;
                let result = f(value);
                lost += u64::from(result.is_none());
                result
            })
            .collect();
        self.skip(lost);
        Arc::new(out)
    }

    /// A truth value for every row, never null.
    pub fn test(&self, f: impl Fn(usize) -> bool) -> ArrayRef {
        truth(BooleanBuffer::collect_bool(self.len, f))
    }
}

/// A column of truth values without null.
pub fn truth(bits: BooleanBuffer) -> ArrayRef {
    Arc::new(BooleanArray::new(bits, None))
}

/// The floats of an array, where it holds floats.
pub fn float_values(array: &ArrayRef) -> Option<&Float64Array> {
    array.as_primitive_opt::<Float64Type>()
}
