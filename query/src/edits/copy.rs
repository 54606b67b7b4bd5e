//! `clone`: the view as a dataset of its own, with its samples in its order, its fields and what it computed.

use super::{Alter, Before, Change, Edit};
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, edit, example, param};

/// `clone`
pub struct CloneView;

/// `clone(name, persistent)`
pub static CLONE: CloneView = CloneView;
static CLONE_SIGNATURE: Signature = edit(
    "clone",
    "Makes a new dataset of the view: its samples, fields and computed values, with the runs and saved views.",
    &[
        param(
            "name",
            Kind::Text,
            Default::Required,
            "The new dataset's name.",
        ),
        param(
            "persistent",
            Kind::Bool,
            Default::Bool(true),
            "False makes a scratch dataset that goes away with its last user.",
        ),
    ],
    &[example(
        r#"match_tags("night").sort_by("uniqueness").clone("nights")"#,
        "Makes a dataset of some samples.",
    )],
);

impl Edit for CloneView {
    fn signature(&'static self) -> &'static Signature {
        &CLONE_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        _: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let name = planner.maybe_text(args, "name");
        let persistent = planner.bool(args, "persistent");
        Some(Box::new(Copied {
            name: name??,
            persistent: persistent?,
        }))
    }
}

#[derive(Debug)]
struct Copied {
    name: String,
    persistent: bool,
}

impl Alter for Copied {
    fn run(&self, _: &Frame, _: &Context) -> Result<Change, Error> {
        Ok(Change::Copy {
            name: self.name.clone(),
            persistent: self.persistent,
        })
    }
}
