//! `save_view`: the text of the view is kept under a name. It follows the data.

use super::{Alter, Before, Change, Edit};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::plan::{Arguments, Planner};
use crate::signature::{Default, Kind, Signature, edit, example, param};
use crate::stages::view_argument;

/// `save_view`
pub struct SaveView;

const TEXT: Kind = Kind::Optional(&Kind::Text);

/// `save_view(name, view, description, color, overwrite)`
pub static SAVE_VIEW: SaveView = SaveView;
static SAVE_VIEW_SIGNATURE: Signature = edit(
    "save_view",
    "Keeps the view by name; `view(\"name\")` opens it.",
    &[
        param("name", Kind::Text, Default::Required, "The name."),
        param(
            "view",
            Kind::Optional(&Kind::View),
            Default::Null,
            "Another view to keep, as pasted code names it; by default the stages before the call.",
        ),
        param("description", TEXT, Default::Null, "What it is for."),
        param(
            "color",
            TEXT,
            Default::Null,
            "The colour it is shown in: `#` and six hex digits.",
        ),
        param(
            "overwrite",
            Kind::Bool,
            Default::Bool(false),
            "Whether a view of that name is replaced.",
        ),
    ],
    &[example(
        r##"match_tags("night").save_view("nights", description="To be looked at", color="#ff6d04")"##,
        "Keeps a view.",
    )],
);

impl Edit for SaveView {
    fn signature(&'static self) -> &'static Signature {
        &SAVE_VIEW_SIGNATURE
    }

    fn plan(
        &self,
        args: &Arguments<'_>,
        before: &Before<'_>,
        planner: &mut Planner<'_>,
    ) -> Option<Box<dyn Alter>> {
        let name = planner.maybe_text(args, "name");
        let description = planner.maybe_text(args, "description");
        let color = planner.maybe_text(args, "color");
        let overwrite = planner.bool(args, "overwrite");
        let text = text(args, before, planner);
        let name = name??;
        let (description, color, overwrite, text) = (description?, color?, overwrite?, text?);
        if name.trim().is_empty() {
            return planner.refuse(Diagnostic::new(
                "bad-argument",
                "a view needs a name with at least one character",
                args.span_of("name"),
                "no name",
            ));
        }
        if let Some(bad) = color.as_ref().filter(|color| !is_color(color)) {
            return planner.refuse(
                Diagnostic::new(
                    "bad-argument",
                    format!("{bad:?} is no colour"),
                    args.span_of("color"),
                    "no colour",
                )
                .hint("write `#` and six hex digits, such as \"#ff6d04\""),
            );
        }
        Some(Box::new(Kept(Change::View {
            name,
            text,
            description,
            color: color.map(|color| color.to_lowercase()),
            overwrite,
        })))
    }

    fn needs_samples(&self) -> bool {
        false
    }
}

/// Whether a text is a colour as `#rrggbb`.
pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()))
}

fn text(args: &Arguments<'_>, before: &Before<'_>, planner: &mut Planner<'_>) -> Option<String> {
    let given = args
        .get("view")
        .filter(|expr| crate::plan::literal_value(expr) != Some(crate::columns::Datum::Null));
    let Some(given) = given else {
        return Some(match before.text {
            "" => "dataset".to_owned(),
            text => text.to_owned(),
        });
    };
    let Some(query) = view_argument(given) else {
        return planner.refuse(
            Diagnostic::new(
                "bad-argument",
                "`view` of `save_view` must be a view",
                given.span,
                "not a view",
            )
            .hint("write the stages before the call: match(...).save_view(\"name\")")
            .hint("a description is given by name: description=\"...\""),
        );
    };
    if !before.steps.is_empty() {
        return planner.refuse(Diagnostic::new(
            "bad-argument",
            "there are stages before the call and a view in it; which one is meant?",
            given.span,
            "another view",
        ));
    }
    planner.subview(&query)?;
    Some(crate::format(&query))
}

#[derive(Debug)]
struct Kept(Change);

impl Alter for Kept {
    fn run(&self, _: &Frame, _: &Context) -> Result<Change, Error> {
        Ok(self.0.clone())
    }
}
