//! What was said on the command line, as plain data: nothing here looks at a terminal, a file or a store.
//!
//! Commands with fixed words are derived; those of the operators are built from the engine's signatures, in
//! [`crate::operator_args`], so that a flag and a parameter cannot drift apart.

mod ask;
mod edit;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub use ask::{
    Compare, Completions, Export, Help, Plot, PromptContext, Query, Repl, Runs, RunsAction, Views,
    ViewsAction,
};
pub use edit::{
    CloneDataset, Delete, Demo, Import, Key, OneDataset, Rename, Schema, SchemaAction, SetValues,
    Tags, Undo,
};

/// Understand big collections of images by clustering them.
#[derive(Debug, Parser)]
#[command(
    name = "messier",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = AFTER_HELP
)]
pub struct CommandLine {
    /// Flags that every command takes.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  messier demo                                  the whole job on pictures that come with it
  messier import ./photos --name trip           a folder becomes a dataset
  messier embed trip                            its pictures become vectors
  messier reduce trip --method umap --run map   the vectors become a map
  messier cluster trip --method kmeans --n-clusters 20 --run k20
  messier plot trip --points map --color k20    look at it
  messier query trip 'match(k20 == \"7\").limit(12)'
  messier repl trip                             the same, interactively

`messier help TOPIC` explains a method, an operator, a stage, an aggregation or a function.";

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// Keep datasets in this directory instead of $MESSIER_STORE or the usual place
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub store: Option<PathBuf>,
    /// Print JSON: one document on stdout, errors as JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but data and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Use this many threads instead of one a core
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Draw everything random from this seed
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
}

/// The commands with fixed words, in the order help lists them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do the whole job on pictures that come with Messier
    Demo(Demo),
    /// Make a dataset of a folder of images or of a file, or add what is new
    Import(Import),
    /// List the datasets
    List,
    /// Show what a dataset holds
    Info(OneDataset),
    /// Show or change a dataset's fields
    Schema(Schema),
    /// Give a dataset another name
    Rename(Rename),
    /// Copy a dataset, or a view of it, under another name
    Clone(CloneDataset),
    /// Delete a dataset; the images stay where they are
    Delete(Delete),
    /// Add tags to the samples of a view
    Tag(Tags),
    /// Take tags from the samples of a view
    Untag(Tags),
    /// Set a field from a CSV or JSON file
    SetValues(SetValues),
    /// Take back the newest change of a dataset
    Undo(Undo),
    /// List a dataset's runs, or show, rename, delete, repeat or export one
    Runs(Runs),
    /// List a dataset's saved views, or save, show, rename or delete one
    Views(Views),
    /// Ask a question
    Query(Query),
    /// Ask and compute interactively
    Repl(Repl),
    /// Write samples to a folder or a file
    Export(Export),
    /// Draw a map of points
    Plot(Plot),
    /// Compare two clusterings, or a clustering with labels
    Compare(Compare),
    /// Check every file of the store
    Verify,
    /// Rebuild what can be rebuilt of a damaged store
    Repair,
    /// Check this machine and the store
    Doctor,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Explain a command, method, operator, stage, aggregation or function
    Help(Help),
    /// What a prompt needs to know of a dataset, for a prompt whose store another process holds
    #[command(name = "prompt-context", hide = true)]
    PromptContext(PromptContext),
}
