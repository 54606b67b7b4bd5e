//! A person's session with a store: texts in, replies out. A command that runs an operator and the same operator called
//! in a query both end in [`Session::operate`]'s path, so they leave the same record.

mod again;
mod change;
mod cluster;
mod columns;
mod compare;
mod copy;
mod current;
mod edit;
mod edits;
mod embed;
mod input;
mod judged;
mod labelling;
mod operators;
mod place;
mod recorder;
mod reduce;
mod resume;
mod runs;
mod score;
mod similarity;
mod sweep;
mod transfer;
mod undo;
mod views;
mod widen;

use std::path::Path;

use messier_query::signature::{Args, bind};
use messier_query::{Answer, Env, OperatorCall, Plan, Value, View};
use messier_store::{Dataset, Snapshot, Store};

use self::again::again;
use self::change::Place;
use crate::context::Context;
use crate::error::Error;
use crate::runs::RunRecord;

pub use change::EditRecord;
pub use compare::{Comparison, Group, Overlap, Pair};
pub use edit::Edited;
pub use operators::operators;
pub use runs::Rerun;
pub use transfer::ImportOutcome;
pub use undo::{Difference, Undone};
pub use views::ViewDetails;

/// An open store and the language over it.
#[derive(Clone)]
pub struct Session {
    store: Store,
}

/// What a text gives.
pub enum Reply {
    /// Samples.
    View(Box<View>),
    /// A value.
    Value(Value),
    /// A run that was made.
    Run(Box<RunRecord>),
    /// Text for a person, such as a plan.
    Text(String),
    /// A change that was made, or worked out.
    Edit(Box<EditRecord>),
}

impl Session {
    /// Opens the store in `dir`, which is made if it is not there.
    ///
    /// # Errors
    /// The store's: not a directory, no permission, a newer format.
    pub fn open(dir: &Path) -> Result<Session, Error> {
        Ok(Session {
            store: Store::open(dir)?,
        })
    }

    /// The store underneath.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Answers a text of the query language, operators and edits included. An edit is one commit; if somebody else has
    /// committed in between, it is worked out again.
    ///
    /// # Errors
    /// An unknown dataset, [`Error::Query`] with every mistake in the text, or what the operator ran into.
    pub fn answer(&self, dataset: &str, text: &str, context: &Context) -> Result<Reply, Error> {
        self.reply(dataset, text, context, false)
    }

    /// Answers a text and changes nothing: of an edit it says what would be different.
    ///
    /// # Errors
    /// As [`Session::answer`]; an operator, whose work cannot be rehearsed.
    pub fn rehearse(&self, dataset: &str, text: &str, context: &Context) -> Result<Reply, Error> {
        self.reply(dataset, text, context, true)
    }

    fn reply(
        &self,
        dataset: &str,
        text: &str,
        context: &Context,
        dry: bool,
    ) -> Result<Reply, Error> {
        let dataset = self.store.dataset(dataset)?;
        let mut waiting = None;
        let reply = again(|| {
            let snapshot = dataset.snapshot()?;
            Ok(Some(match self.ask(&snapshot, text)? {
                Answer::View(view) => Reply::View(Box::new(view)),
                Answer::Value(value) => Reply::Value(value),
                Answer::Text(text) => Reply::Text(text),
                Answer::Edit(call) => {
                    let place = Place {
                        dataset: &dataset,
                        snapshot: &snapshot,
                        text,
                        dry,
                    };
                    Reply::Edit(Box::new(place.make(&call)?))
                }
                Answer::Call(call) => {
                    waiting = Some((snapshot, call));
                    return Ok(None);
                }
            }))
        })?;
        match (reply, waiting) {
            (Some(reply), _) => Ok(reply),
            (None, Some((_, call))) if dry => Err(Error::Input(format!(
                "`{}` computes and stores, which cannot be rehearsed; only edits can be tried with --dry-run",
                call.operator
            ))),
            (None, Some((snapshot, call))) => Ok(Reply::Run(Box::new(
                self.run(&dataset, &snapshot, call, context)?,
            ))),
            (None, None) => Err(Error::Input(format!("{text:?} gives nothing"))),
        }
    }

    /// Runs an operator over a view (all samples without one), as a command line or a form asks for it.
    ///
    /// # Errors
    /// An unknown dataset or operator, bad arguments (all of them), a view that is not one, or what the operator ran into.
    pub fn operate(
        &self,
        dataset: &str,
        operator: &str,
        args: &Args,
        view: Option<&str>,
        context: &Context,
    ) -> Result<RunRecord, Error> {
        let dataset = self.store.dataset(dataset)?;
        let snapshot = dataset.snapshot()?;
        let known = operators()
            .iter()
            .find(|known| known.signature.name == operator);
        let known = known.ok_or_else(|| Error::Unknown {
            what: "operator",
            name: operator.to_owned(),
            candidates: operators()
                .iter()
                .map(|o| o.signature.name.to_owned())
                .collect(),
        })?;
        let args = bind_operator(known, args)?;
        let view = self.view(&snapshot, view.unwrap_or_default())?;
        let call = OperatorCall {
            operator: operator.to_owned(),
            args,
            view: view.0,
            view_text: view.1,
        };
        self.run(&dataset, &snapshot, call, context)
    }

    /// The samples that `text` chooses, and its canonical text; all samples for an empty text.
    ///
    /// # Errors
    /// Mistakes in the text, or a text that ends in something other than a stage.
    pub fn view(&self, snapshot: &Snapshot, text: &str) -> Result<(View, String), Error> {
        let text = if text.trim().is_empty() {
            "dataset"
        } else {
            text
        };
        match self.ask(snapshot, text)? {
            Answer::View(view) => {
                let canonical =
                    messier_query::parse(text).map(|query| messier_query::format(&query));
                let canonical = canonical.unwrap_or_else(|_| text.to_owned());
                Ok((
                    view,
                    if canonical == "dataset" {
                        String::new()
                    } else {
                        canonical
                    },
                ))
            }
            Answer::Edit(call) => Err(Error::Input(format!(
                "{text:?} changes the dataset with `{}`, and a view is needed here: stages such as match(...) or limit(...)",
                call.edit
            ))),
            _ => Err(Error::Input(format!(
                "{text:?} gives a value, and a view is needed here: stages such as match(...) or limit(...)"
            ))),
        }
    }

    fn ask(&self, snapshot: &Snapshot, text: &str) -> Result<Answer, Error> {
        let plan = self.plan(snapshot, text)?;
        messier_query::evaluate(&plan, snapshot).map_err(|error| match error {
            messier_query::Error::Refused(mistakes) => Error::query(text, mistakes),
            other => other.into(),
        })
    }

    /// The checked plan of a text.
    fn plan(&self, snapshot: &Snapshot, text: &str) -> Result<Plan, Error> {
        let query = messier_query::parse(text).map_err(|mistakes| Error::query(text, mistakes))?;
        let views: Vec<(String, String)> = snapshot
            .views()
            .iter()
            .map(|view| (view.name.clone(), view.text.clone()))
            .collect();
        let env = Env {
            schema: snapshot.schema(),
            operators: operators(),
            views: &views,
        };
        messier_query::plan(&query, text, &env).map_err(|mistakes| Error::query(text, mistakes))
    }

    fn run(
        &self,
        dataset: &Dataset,
        snapshot: &Snapshot,
        call: OperatorCall,
        context: &Context,
    ) -> Result<RunRecord, Error> {
        match call.operator.as_str() {
            "embed" => embed::run(dataset, snapshot, &call, context),
            "reduce" => reduce::run(dataset, snapshot, &call, context),
            "cluster" => cluster::run(dataset, snapshot, &call, context),
            "similarity" => similarity::run(dataset, snapshot, &call, context),
            "place" => place::run(dataset, snapshot, &call, context),
            "score" => score::run(dataset, snapshot, &call, context),
            "sweep" => sweep::run(dataset, snapshot, &call, context),
            edit if edits::is_edit(edit) => edits::run(dataset, &call, context),
            other => Err(Error::Input(format!(
                "the operator {other:?} is declared but not known here"
            ))),
        }
    }
}

/// Checks the arguments of an operator and of the method it chooses, and fills the defaults in.
fn bind_operator(
    operator: &messier_query::signature::Operator,
    args: &Args,
) -> Result<Args, Error> {
    let own = operator.signature.params;
    let default = operator
        .signature
        .param("method")
        .and_then(|param| param.default.arg());
    let method = match args.get("method").cloned().or(default) {
        Some(messier_query::signature::Arg::Text(name)) => Some(name),
        _ => None,
    };
    let methods = (operator.methods)();
    let method = method.filter(|_| !methods.is_empty());
    let chosen = method.as_deref().map(|name| {
        let folded = name.replace('-', "_");
        methods
            .iter()
            .find(|known| known.name == folded)
            .ok_or_else(|| Error::Unknown {
                what: "method",
                name: name.to_owned(),
                candidates: methods.iter().map(|known| known.name.to_owned()).collect(),
            })
    });
    let chosen = chosen.transpose()?;
    let call = operator.signature.name.to_owned();
    let (mine, theirs): (Args, Args) = args
        .clone()
        .into_iter()
        .partition(|(name, _)| own.iter().any(|param| param.name == name));
    let mut bad = Vec::new();
    let mut bound = bind(own, &mine).unwrap_or_else(|more| {
        bad.extend(more);
        Args::new()
    });
    match bind(chosen.map_or(&[], |method| method.params), &theirs) {
        Ok(more) => bound.extend(more),
        Err(more) => bad.extend(more),
    }
    if bad.is_empty() {
        Ok(bound)
    } else {
        Err(Error::Arguments { call, bad })
    }
}
