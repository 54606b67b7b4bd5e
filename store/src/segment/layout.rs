//! How an Arrow array becomes buffers one after another, and how mapped buffers become that array again.
//!
//! Reading copies nothing. Arrow validates what it is given (offsets rise and stay inside, text is UTF-8, keys are in
//! range), so a damaged file is an error and never undefined behaviour.

use arrow::array::{Array, ArrayData, ArrayRef, BufferSpec, MutableArrayData, layout, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::ALIGN;

/// More values than this are made up: no sum over their widths may overflow.
const MAX_LEN: usize = 1 << 40;

/// One array of a chunk's tree: its buffers' places in the file, and its children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Number of values.
    pub len: u64,
    /// The validity bitmap, if any value is null.
    pub validity: Option<Place>,
    /// The buffers Arrow's layout of the type asks for, in its order.
    pub buffers: Vec<Place>,
    /// Items of a list, fields of a struct, values of a dictionary.
    pub children: Vec<Node>,
}

/// A range of bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// First byte, a multiple of [`ALIGN`].
    pub start: u64,
    /// Number of bytes, without padding.
    pub len: u64,
}

/// `at` rounded up to the alignment.
pub fn padded(at: u64) -> u64 {
    at.next_multiple_of(ALIGN as u64)
}

/// The array as data without offsets: every buffer starts with the first value and ends with the last.
///
/// Arrays of fixed width without an offset (vectors!) are taken as they are; others are copied, which costs little
/// beside writing them.
pub fn compact(array: &ArrayRef) -> Result<ArrayData, String> {
    let data = array.to_data();
    if is_flat(&data) {
        return Ok(data);
    }
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    copy.try_extend(0, 0, data.len())
        .map_err(|error| error.to_string())?;
    Ok(copy.freeze())
}

fn is_flat(data: &ArrayData) -> bool {
    match data.data_type() {
        DataType::FixedSizeList(_, _) => {
            data.offset() == 0 && data.child_data().iter().all(is_flat)
        }
        ty => data.offset() == 0 && ty.is_primitive(),
    }
}

/// Lays out `data` from byte `at` on; gathers the buffers in the order of their bytes.
pub fn lay_out(data: &ArrayData, at: &mut u64, buffers: &mut Vec<Buffer>) -> Node {
    let mut place = |buffer: Buffer| {
        let place = Place {
            start: *at,
            len: buffer.len() as u64,
        };
        *at = padded(*at + place.len);
        buffers.push(buffer);
        place
    };
    let validity = data
        .nulls()
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| place(nulls.inner().sliced()));
    let own = match data.data_type().primitive_width() {
        Some(width) => data
            .buffers()
            .iter()
            .map(|buffer| {
                place(buffer.slice_with_length(0, (data.len() * width).min(buffer.len())))
            })
            .collect(),
        None => data
            .buffers()
            .iter()
            .map(|buffer| place(buffer.clone()))
            .collect(),
    };
    Node {
        len: data.len() as u64,
        validity,
        buffers: own,
        children: data
            .child_data()
            .iter()
            .map(|child| lay_out(child, at, buffers))
            .collect(),
    }
}

/// The array of type `ty` that `node` describes in `file`, without a copy.
///
/// # Errors
/// Text that says what does not fit, where the description does not fit the bytes or the type.
pub fn assemble(ty: &DataType, node: &Node, file: &Buffer) -> Result<ArrayRef, String> {
    Ok(make_array(data_of(ty, node, file)?))
}

fn data_of(ty: &DataType, node: &Node, file: &Buffer) -> Result<ArrayData, String> {
    let take = |place: &Place| -> Result<Buffer, String> {
        let end = place
            .start
            .checked_add(place.len)
            .filter(|end| *end <= file.len() as u64);
        if end.is_none() || !place.start.is_multiple_of(ALIGN as u64) {
            return Err(format!(
                "a buffer at byte {} does not lie in the file",
                place.start
            ));
        }
        Ok(file.slice_with_length(place.start as usize, place.len as usize))
    };
    let types: Vec<&DataType> = match ty {
        DataType::List(item) | DataType::FixedSizeList(item, _) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Dictionary(_, value) => vec![value],
        _ => Vec::new(),
    };
    if types.len() != node.children.len() {
        return Err(format!(
            "{} children described for {ty}",
            node.children.len()
        ));
    }
    let children = types
        .into_iter()
        .zip(&node.children)
        .map(|(ty, child)| data_of(ty, child, file))
        .collect::<Result<Vec<_>, _>>()?;
    let len = usize::try_from(node.len)
        .ok()
        .filter(|len| *len <= MAX_LEN)
        .ok_or_else(|| format!("{} values described", node.len))?;
    let validity = node.validity.as_ref().map(take).transpose()?;
    if validity
        .as_ref()
        .is_some_and(|bits| bits.len() < len.div_ceil(8))
    {
        return Err("the validity bitmap is too short".into());
    }
    check_widths(ty, node)?;
    ArrayData::builder(ty.clone())
        .len(len)
        .null_bit_buffer(validity)
        .buffers(node.buffers.iter().map(take).collect::<Result<_, _>>()?)
        .child_data(children)
        .align_buffers(true)
        .build()
        .map_err(|error| error.to_string())
}

/// Arrow expects buffers of whole values, and says so by panicking.
fn check_widths(ty: &DataType, node: &Node) -> Result<(), String> {
    let expected = layout(ty).buffers;
    if expected.len() != node.buffers.len() {
        return Err(format!("{} buffers described for {ty}", node.buffers.len()));
    }
    for (spec, place) in expected.iter().zip(&node.buffers) {
        if let BufferSpec::FixedWidth { byte_width, .. } = spec
            && !place.len.is_multiple_of((*byte_width).max(1) as u64)
        {
            return Err(format!(
                "a buffer of {} bytes described for {ty}",
                place.len
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;
    use arrow::array::{FixedSizeListArray, Int64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Field, Float32Type, Int64Type};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Lays an array out as in a file that begins with a header's worth of zeros.
    fn laid_out(array: &ArrayRef) -> (Node, Buffer) {
        let mut at = ALIGN as u64;
        let mut buffers = Vec::new();
        let node = lay_out(&compact(array).unwrap(), &mut at, &mut buffers);
        let mut bytes = vec![0; ALIGN];
        for buffer in buffers {
            bytes.extend_from_slice(&buffer);
            bytes.resize(padded(bytes.len() as u64) as usize, 0);
        }
        (node, Buffer::from_slice_ref(bytes))
    }

    fn arrays() -> Vec<ArrayRef> {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]));
        let words: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            Some("b"),
            None,
            Some("a"),
        ]));
        let vectors = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
            (0..4).map(|row| (row != 2).then(|| vec![Some(row as f32), Some(0.5)])),
            2,
        );
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(2)]),
        ]);
        let fields = StructArray::from(vec![
            (
                Arc::new(Field::new("n", DataType::Int64, true)),
                numbers.clone(),
            ),
            (
                Arc::new(Field::new("w", DataType::Utf8, true)),
                words.clone(),
            ),
        ]);
        let flags: ArrayRef = Arc::new(arrow::array::BooleanArray::from(vec![
            true, false, true, true,
        ]));
        let coded = text::stored_form(&words);
        vec![
            numbers,
            words,
            Arc::new(vectors),
            Arc::new(lists),
            Arc::new(fields),
            flags,
            coded,
        ]
    }

    #[test]
    fn arrays_and_slices_of_them_come_back() {
        for array in arrays() {
            for slice in [
                array.clone(),
                array.slice(1, 3),
                array.slice(3, 1),
                array.slice(2, 0),
            ] {
                let (node, file) = laid_out(&slice);
                let back = assemble(slice.data_type(), &node, &file).unwrap();
                assert_eq!(&back, &slice);
            }
        }
    }

    #[test]
    fn vectors_are_not_copied() {
        let (node, file) = laid_out(&arrays()[2]);
        let back = assemble(arrays()[2].data_type(), &node, &file).unwrap();
        let data = back.to_data();
        let values = data.child_data()[0].buffers()[0].as_ptr() as usize;
        let map = file.as_ptr() as usize;
        assert!((map..map + file.len()).contains(&values));
    }

    /// Every number of a description, to be changed.
    fn numbers(node: &mut Node) -> Vec<&mut u64> {
        let mut all = vec![&mut node.len];
        for place in node.validity.iter_mut().chain(&mut node.buffers) {
            all.extend([&mut place.start, &mut place.len]);
        }
        node.children
            .iter_mut()
            .for_each(|child| all.extend(numbers(child)));
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        /// A description may lie (its sum may have been made to fit): it is refused, or read inside the file.
        #[test]
        fn no_description_makes_it_panic(
            which in 0usize..7,
            changes in proptest::collection::vec((any::<usize>(), prop_oneof![0u64..300, any::<u64>(), Just(u64::MAX), Just(1 << 62)]), 1..3),
            flip in (any::<usize>(), any::<u8>()),
        ) {
            let array = &arrays()[which];
            let (mut node, file) = laid_out(array);
            for (at, value) in changes {
                let mut all = numbers(&mut node);
                let at = at % all.len();
                *all[at] = value;
            }
            let mut bytes = file.to_vec();
            let at = flip.0 % bytes.len();
            bytes[at] ^= flip.1;
            if let Ok(read) = assemble(array.data_type(), &node, &Buffer::from_slice_ref(bytes)) {
                // Looks at every value.
                let _ = format!("{:?}", read.slice(0, read.len().min(100)));
            }
        }
    }
}
