//! Parts of a view by position: `limit`, `skip`, `[a:b]`.

use super::Stage;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::functions::python_slice;
use crate::plan::{Arguments, Planner, Run};
use crate::signature::{Default, Kind, Signature, example, param, stage};

/// A part of the rows, as Python slices.
#[derive(Debug)]
pub struct Limits {
    start: Option<i64>,
    end: Option<i64>,
}

impl Limits {
    /// The rows of `[start:end]`.
    pub fn slice(start: Option<i64>, end: Option<i64>) -> Limits {
        Limits { start, end }
    }
}

impl Run for Limits {
    fn run(&self, frame: Frame, _: &Context) -> Result<Frame, Error> {
        let part = python_slice(frame.len(), self.start, self.end);
        frame.slice(part.start, part.len())
    }

    fn limit(&self) -> Option<usize> {
        match (self.start, self.end) {
            (None | Some(0), Some(end)) => usize::try_from(end).ok(),
            _ => None,
        }
    }
}

/// `limit` and `skip`
pub struct Cut {
    skips: bool,
    signature: Signature,
}

const N: Kind = Kind::Int {
    lo: i64::MIN,
    hi: i64::MAX,
};

/// `limit(n)`
pub static LIMIT: Cut = Cut {
    skips: false,
    signature: stage(
        "limit",
        "Keeps the first samples.",
        &[param(
            "limit",
            N,
            Default::Required,
            "How many; 0 or less keeps none.",
        )],
        &[example("limit(10)", "Keeps ten.")],
    ),
};

/// `skip(n)`
pub static SKIP: Cut = Cut {
    skips: true,
    signature: stage(
        "skip",
        "Leaves out the first samples.",
        &[param(
            "skip",
            N,
            Default::Required,
            "How many; below 0 is none.",
        )],
        &[example(
            "skip(10).limit(10)",
            "Gives the second page of ten.",
        )],
    ),
};

impl Stage for Cut {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let n = planner.int(args, self.signature.params[0].name)?.max(0);
        let (start, end) = if self.skips {
            (Some(n), None)
        } else {
            (None, Some(n))
        };
        Some(Box::new(Limits { start, end }))
    }
}
