//! `keep`, `clear` and `delete_samples`: samples go. Pictures stay where they are.

use arrow::buffer::BooleanBuffer;

use super::{Alter, Before, Change, Edit, refused};
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, edit, example, param};
use crate::stages::{Chosen, chosen};
use crate::syntax::Span;

/// Which rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Others,
    These,
}

/// `keep` and `clear`
pub struct Rows {
    what: What,
    signature: Signature,
}

/// `keep()`
pub static KEEP: Rows = Rows {
    what: What::Others,
    signature: edit(
        "keep",
        "Deletes every sample that is not in the view; the pictures stay where they are.",
        &[],
        &[example(
            r#"match(F("metadata.width") >= 640).keep()"#,
            "Deletes small images from the dataset.",
        )],
    ),
};

/// `clear()`
pub static CLEAR: Rows = Rows {
    what: What::These,
    signature: edit(
        "clear",
        "Deletes the samples of the view from the dataset; the pictures stay where they are.",
        &[],
        &[example(
            r#"match_tags("broken").clear()"#,
            "Deletes what was marked.",
        )],
    ),
};

impl Edit for Rows {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(
        &self,
        _: &Arguments<'_>,
        _: &Before<'_>,
        _: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        Some(Box::new(Gone { what: self.what }))
    }
}

#[derive(Debug)]
struct Gone {
    what: What,
}

impl Alter for Gone {
    fn run(&self, frame: &Frame, _: &Context) -> Result<Change, Error> {
        let mut keep = vec![self.what == What::These; frame.base().len()];
        for row in frame.rows().rows().iter() {
            keep[*row as usize] = self.what == What::Others;
        }
        Ok(Change::Retain(BooleanBuffer::from(keep)))
    }
}

/// `delete_samples`
pub struct DeleteSamples;

/// `delete_samples(samples_or_ids)`
pub static DELETE_SAMPLES: DeleteSamples = DeleteSamples;
static DELETE_SAMPLES_SIGNATURE: Signature = edit(
    "delete_samples",
    "Deletes these samples of the view from the dataset; the pictures stay where they are.",
    &[param(
        "samples_or_ids",
        Kind::View,
        Default::Required,
        "Ids or paths, or a view whose samples are meant.",
    )],
    &[example(
        r#"dataset.delete_samples(match_tags("broken"))"#,
        "Deletes what was marked.",
    )],
);

impl Edit for DeleteSamples {
    fn signature(&'static self) -> &'static Signature {
        &DELETE_SAMPLES_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        Some(Box::new(Deleted {
            chosen: chosen(args.get("samples_or_ids")?, planner)?,
            span: args.span_of("samples_or_ids"),
        }))
    }
}

#[derive(Debug)]
struct Deleted {
    chosen: Chosen,
    span: Span,
}

impl Alter for Deleted {
    fn run(&self, frame: &Frame, context: &Context) -> Result<Change, Error> {
        let before = context.all_unknown_ids();
        let positions = self.chosen.positions(frame, context)?;
        let unknown = context.all_unknown_ids() - before;
        if unknown > 0 && matches!(self.chosen, Chosen::Listed(_)) {
            let are = if unknown == 1 { "is" } else { "are" };
            return Err(refused(
                "unknown-sample",
                format!(
                    "{unknown} of these {are} no id and no path of a sample here, so nothing was deleted"
                ),
                self.span,
                "not all of these are samples",
                "select([...]).ids() shows which there are",
            ));
        }
        let rows = frame.rows().rows();
        let mut keep = vec![true; frame.base().len()];
        for at in positions {
            keep[rows[at as usize] as usize] = false;
        }
        Ok(Change::Retain(BooleanBuffer::from(keep)))
    }
}
