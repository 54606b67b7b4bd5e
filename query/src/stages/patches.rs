//! `to_patches`: one row a label, a table of its own made from the view's labels.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray};
use messier_store::{Field, Schema};

use super::Stage;
use super::labels::label_field;
use crate::columns::{self, Lists, cast, gather};
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::functions::mix;
use crate::plan::{Arguments, Planner, Run};
use crate::signature::{Default, FieldKind, Kind, Signature, example, param, stage};
use crate::source::Table;
use crate::types::Type;

/// `to_patches`
pub struct ToPatches;

/// `to_patches(field)`
pub static TO_PATCHES: ToPatches = ToPatches;
static TO_PATCHES_SIGNATURE: Signature = stage(
    "to_patches",
    "Gives one row for each label of a field, with its sample's path and tags.",
    &[param(
        "field",
        Kind::Field(FieldKind::Label),
        Default::Required,
        "A field with lists of labels.",
    )],
    &[example(
        r#"to_patches("ground_truth").match(F("ground_truth.confidence") < 0.5)"#,
        "Looks at unsure detections.",
    )],
);

/// The fields of a sample that its patches have too.
const SHARED: [&str; 5] = [
    "filepath",
    "tags",
    "metadata",
    "created_at",
    "last_modified_at",
];

#[derive(Debug)]
struct Patched {
    field: String,
    list: &'static str,
    schema: Schema,
}

impl Stage for ToPatches {
    fn signature(&'static self) -> &'static Signature {
        &TO_PATCHES_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let name = planner.maybe_text(args, "field")??;
        let span = args.span_of("field");
        let field = label_field(&name, span, planner)?;
        let Some(list) = field.list else {
            planner.report(crate::diagnostic::Diagnostic::new(
                "wrong-type",
                format!(
                    "`{name}` holds one label a sample, and patches are made of lists of labels"
                ),
                span,
                format!("{} here", field.ty),
            ));
            return None;
        };
        let mut fields = vec![
            Field::new("id", messier_store::FieldType::Id),
            Field::new("sample_id", messier_store::FieldType::Id),
        ];
        fields.extend(
            SHARED
                .iter()
                .filter_map(|name| planner.schema().field(name).cloned()),
        );
        fields.push(Field::new(name.clone(), field.label().field_type()));
        let schema = Schema { fields };
        planner.schema = schema.clone();
        planner.patched = true;
        Some(Box::new(Patched {
            field: name,
            list,
            schema,
        }))
    }
}

impl Run for Patched {
    fn run(&self, frame: Frame, _: &Context) -> Result<Frame, Error> {
        let column = frame.column(&self.field)?;
        let labels = columns::child(&column, self.list).unwrap_or_else(|| {
            arrow::array::new_null_array(&column.data_type().clone(), column.len())
        });
        let lists = Lists::of(&labels)?;
        let parents = lists.parents();
        let sample_ids = gather(&frame.column("id")?, &parents)?;
        let mut made = Vec::with_capacity(self.schema.fields.len());
        for field in &self.schema.fields {
            let array = match field.name.as_str() {
                "id" => ids(&lists, &sample_ids, &parents)?,
                "sample_id" => sample_ids.clone(),
                name if name == self.field => cast(&lists.values, &Type::from(&field.ty))?,
                name => gather(&frame.column(name)?, &parents)?,
            };
            made.push((field.clone(), array));
        }
        let origin = frame.origin().clone();
        Ok(Frame::new(Arc::new(Table::new(made)?))?.made_from(&origin))
    }
}

/// The labels' own ids; where a label has none, one made of its sample's and its place.
fn ids(lists: &Lists, samples: &ArrayRef, parents: &[u32]) -> Result<ArrayRef, Error> {
    let own = columns::child(&lists.values, "id");
    let own = own.as_ref().and_then(|ids| ids.as_fixed_size_binary_opt());
    let samples = samples.as_fixed_size_binary_opt();
    let bytes = parents.iter().enumerate().map(|(at, parent)| -> [u8; 12] {
        if let Some(own) = own.filter(|own| own.is_valid(at)) {
            return own.value(at).try_into().unwrap_or_default();
        }
        let place = at as u64 - u64::from(lists.offsets[*parent as usize]);
        let sample = samples.map(|ids| ids.value(at)).unwrap_or_default();
        let seed = sample
            .iter()
            .fold(0u64, |key, byte| mix(key ^ u64::from(*byte)));
        let (a, b) = (mix(seed ^ mix(place)), mix(seed.rotate_left(32) ^ place));
        let mut id = [0; 12];
        id[..8].copy_from_slice(&a.to_be_bytes());
        id[8..].copy_from_slice(&b.to_be_bytes()[..4]);
        id
    });
    let bytes: Vec<[u8; 12]> = bytes.collect();
    if bytes.is_empty() {
        return Ok(arrow::array::new_empty_array(&Type::Id.arrow()));
    }
    Ok(Arc::new(FixedSizeBinaryArray::try_from_iter(
        bytes.into_iter(),
    )?))
}
