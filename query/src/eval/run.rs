//! The steps of a plan, one after the other, with three shortcuts that change no answer: conditions that follow each
//! other are asked over the whole columns and their masks joined, a sort before a limit is a selection, a limit slices.

use std::time::Instant;

use super::{Context, Frame, RowSet, truth_mask};
use crate::aggregations::Outcome;
use crate::answer::{Answer, EditCall, OperatorCall, Value, View};
use crate::domain::{Columns, Domain};
use crate::error::Error;
use crate::plan::{End, Plan, Planned};
use crate::source::Source;

/// Runs a plan over a source.
///
/// # Errors
/// What the source reports, and `one()` of none or several. A value that cannot be computed is null and counted.
pub fn evaluate(plan: &Plan, source: &dyn Source) -> Result<Answer, Error> {
    let context = Context::default();
    let frame = run_steps(Frame::new(source.handle())?, &plan.steps, &context)?;
    let answer = match &plan.end {
        End::View => Answer::View(View::new(frame, &context)),
        End::Aggregation(name, aggregate) => {
            let begun = Instant::now();
            let outcome = aggregate.run(&frame, &context)?;
            context.note(name, frame.len(), begun.elapsed());
            match outcome {
                Outcome::Value(value) => Answer::Value(Value {
                    value,
                    skipped: context.skipped(),
                }),
                Outcome::View(frame) => Answer::View(View::new(frame, &context)),
                Outcome::Text(text) => Answer::Text(text),
            }
        }
        End::Operator {
            operator,
            args,
            view_text,
        } => Answer::Call(OperatorCall {
            operator: operator.clone(),
            args: args.clone(),
            view: View::new(frame, &context),
            view_text: view_text.clone(),
        }),
        End::Edit {
            edit,
            alter,
            view_text,
            span,
        } => {
            let change = alter.run(&frame, &context)?;
            Answer::Edit(Box::new(EditCall {
                edit,
                change,
                view: View::new(frame, &context),
                view_text: view_text.clone(),
                span: *span,
            }))
        }
    };
    Ok(answer)
}

/// Runs stages over a frame.
///
/// # Errors
/// What the source reports.
pub(crate) fn run_steps(
    mut frame: Frame,
    steps: &[Planned],
    context: &Context,
) -> Result<Frame, Error> {
    context.note("all samples", frame.len(), std::time::Duration::ZERO);
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        let begun = Instant::now();
        let next = steps.get(at + 1).and_then(|next| next.run.limit());
        frame = match (step.run.sort(), next) {
            (Some(sort), Some(n)) => {
                let top = sort.top(frame, n, context)?;
                at += 1;
                context.note(
                    &format!("{} and limit: top {n}", step.text),
                    top.len(),
                    begun.elapsed(),
                );
                at += 1;
                frame = top;
                continue;
            }
            _ => match also(&frame, step, context)? {
                Some(joined) => joined,
                None => step.run.run(frame, context)?,
            },
        };
        context.note(&step.text, frame.len(), begun.elapsed());
        at += 1;
    }
    Ok(frame)
}

/// A condition after a condition: asked over whole columns, which is faster than gathering most of their rows, unless
/// few rows are left or a value might not be computable (then only the rows that are asked about may count).
fn also(frame: &Frame, step: &Planned, context: &Context) -> Result<Option<Frame>, Error> {
    let (Some(condition), RowSet::Mask(_)) = (step.run.condition(), frame.rows()) else {
        return Ok(None);
    };
    if condition.may_skip() || frame.len() < frame.base().len() / 8 || frame.has_computed() {
        return Ok(None);
    }
    let whole = Frame::new(frame.base().clone())?;
    let keep = truth_mask(condition, &Domain::of_samples(&whole), context)?;
    Ok(frame.filter_base(&keep))
}
