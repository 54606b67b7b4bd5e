//! `concat`: the samples of another view after those of this one; duplicates stay.

use super::{Stage, view_argument};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame, run_steps};
use crate::plan::{Arguments, Planned, Planner, Run};
use crate::signature::{Default, Kind, Signature, example, param, stage};
use crate::types::Type;

/// Adds the rows of another view.
#[derive(Debug)]
struct Added {
    steps: Vec<Planned>,
}

impl Run for Added {
    fn run(&self, frame: Frame, context: &Context) -> Result<Frame, Error> {
        let other = run_steps(Frame::new(frame.origin().clone())?, &self.steps, context)?;
        let both = Frame::concat(&[frame.clone(), other])?;
        Ok(both.unwrap_or(frame))
    }

    fn edits(&self) -> Vec<(String, Type)> {
        crate::edits::edited(&self.steps)
    }
}

/// `concat`
pub struct Concat;

/// `concat(samples)`
pub static CONCAT: Concat = Concat;
static CONCAT_SIGNATURE: Signature = stage(
    "concat",
    "Adds the samples of another view at the end; a sample may then be there twice.",
    &[param(
        "samples",
        Kind::View,
        Default::Required,
        "The other view.",
    )],
    &[example(
        r#"match(F("k20") == "7").concat(match(F("k20") == "3"))"#,
        "Gives one cluster, then another.",
    )],
);

impl Stage for Concat {
    fn signature(&'static self) -> &'static Signature {
        &CONCAT_SIGNATURE
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let given = args.get("samples")?;
        let Some(query) = view_argument(given) else {
            planner.report(
                Diagnostic::new(
                    "bad-argument",
                    "`samples` of `concat` must be a view",
                    given.span,
                    "not a view",
                )
                .hint("write a chain: concat(match(...)), or a saved view: concat(view(\"name\"))"),
            );
            return None;
        };
        let (steps, schema) = planner.subview(&query)?;
        if planner.patched {
            planner.report(Diagnostic::new(
                "not-supported",
                "`concat` after `to_patches` is not supported: patches and samples are different rows",
                given.span,
                "samples here",
            ));
            return None;
        }
        for field in &planner.schema().fields {
            let other = schema.field(&field.name);
            if other.is_some_and(|other| other.ty != field.ty) {
                let mistake = Diagnostic::new(
                    "wrong-type",
                    format!("`{}` is of another type in the other view", field.name),
                    given.span,
                    "the other view",
                );
                planner.report(mistake);
                return None;
            }
        }
        Some(Box::new(Added { steps }))
    }
}
