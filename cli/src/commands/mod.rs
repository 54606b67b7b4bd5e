//! The commands, one file each: they ask the session, and hand what it says to [`crate::render`].

mod coloring;
mod compare;
mod completions;
mod datasets;
mod demo;
pub mod doctor;
mod export;
mod help;
mod import;
mod maintain;
mod next_step;
mod operate;
mod plot;
mod prompt;
mod query;
mod runs;
mod schema;
mod set_values;
mod sweep;
mod tags;
mod undo;
mod views;

use crate::args::Command;
use crate::failure::Failure;
use crate::job::Job;
use crate::method_flags::Given;
use crate::operator_args::OperatorCommand;

pub use prompt::PromptContext;
pub use query::{is_edit, last_call};

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// A command with fixed words, and what was typed for the flags of a format.
    Fixed(Command, Given),
    /// An operator.
    Operator(OperatorCommand),
}

/// Does what was asked.
pub fn run(asked: Asked, job: &Job<'_>) -> Result<(), Failure> {
    match asked {
        Asked::Operator(call) => operate::run(&call, job),
        Asked::Fixed(command, given) => match command {
            Command::Demo(args) => demo::run(&args, job),
            Command::Import(args) => import::run(&args, &given, job),
            Command::List => datasets::list(job),
            Command::Info(args) => datasets::info(&args.dataset, job),
            Command::Schema(args) => schema::run(&args, job),
            Command::Rename(args) => datasets::rename(&args, job),
            Command::Clone(args) => datasets::clone(&args, job),
            Command::Delete(args) => datasets::delete(&args, job),
            Command::Tag(args) => tags::run(&args, true, job),
            Command::Untag(args) => tags::run(&args, false, job),
            Command::SetValues(args) => set_values::run(&args, job),
            Command::Undo(args) => undo::run(&args, job),
            Command::Runs(args) => runs::run(&args, job),
            Command::Views(args) => views::run(&args, job),
            Command::Query(args) => query::run(&args, job),
            Command::Repl(args) => crate::repl::run(&args, job),
            Command::Export(args) => export::run(&args, &given, job),
            Command::Plot(args) => plot::run(&args, job),
            Command::Compare(args) => compare::run(&args, job),
            Command::Verify => maintain::verify(job),
            Command::Repair => maintain::repair(job),
            Command::Doctor => doctor::run(job),
            Command::Completions(args) => completions::run(&args, job),
            Command::Help(args) => help::run(&args, job),
            Command::PromptContext(args) => prompt::run(&args, job),
        },
    }
}
