//! What was said on the command line, as plain data: nothing here looks at a terminal, a file or a store.
//!
//! Commands with fixed words are derived; those of the operators are built from the engine's signatures, in
//! [`crate::operator_args`], so that a flag and a parameter cannot drift apart.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

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

/// `demo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier demo
  messier demo /tmp/try")]
pub struct Demo {
    /// Where to put the store, the pictures and the maps
    #[arg(default_value = "messier-demo", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

/// `import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier import ./photos --name trip --recursive
  messier import ./animals --name animals --recursive --label-from-folder
  messier import vectors.npy --name words --field embedding")]
pub struct Import {
    /// The folder or file to read
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// The dataset to make or to add to
    #[arg(long, value_name = "DATASET")]
    pub name: String,
    /// What the path holds; without it, found out from the path
    #[arg(long)]
    pub format: Option<String>,
    /// Make a scratch dataset that goes away with its last user
    #[arg(long)]
    pub temporary: bool,
}

/// A command about one dataset.
#[derive(Debug, Args)]
pub struct OneDataset {
    /// The dataset
    pub dataset: String,
}

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// The dataset
    pub dataset: String,
    /// What to do; without it, show
    #[command(subcommand)]
    pub action: Option<SchemaAction>,
}

/// What `schema` can do.
#[derive(Debug, Subcommand)]
pub enum SchemaAction {
    /// Show every field with its type
    Show,
    /// Give a field another name
    Rename {
        /// The field
        field: String,
        /// Its new name
        to: String,
    },
    /// Remove a field with its values
    Drop {
        /// The field
        field: String,
    },
    /// Remove a field's values and keep the field
    Clear {
        /// The field
        field: String,
    },
}

/// `rename`
#[derive(Debug, Args)]
pub struct Rename {
    /// The dataset
    pub dataset: String,
    /// Its new name
    pub to: String,
}

/// `clone`
#[derive(Debug, Args)]
pub struct CloneDataset {
    /// The dataset
    pub dataset: String,
    /// The name of the copy
    pub to: String,
    /// Copy only the samples of this view
    #[arg(long, value_name = "QUERY")]
    pub view: Option<String>,
}

/// `delete`
#[derive(Debug, Args)]
pub struct Delete {
    /// The dataset
    pub dataset: String,
    /// Do not ask; needed where nobody can answer
    #[arg(long, short)]
    pub yes: bool,
}

/// `tag` and `untag`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  messier tag trip 'match(metadata.width < 300)' small blurry")]
pub struct Tags {
    /// The dataset
    pub dataset: String,
    /// The view; '' for every sample
    pub query: String,
    /// The tags
    #[arg(required = true, value_name = "TAG")]
    pub tags: Vec<String>,
}

/// `set-values`
#[derive(Debug, Args)]
#[command(after_help = "\
The file is CSV with a header, or JSON: {\"key\": value, ...} or [{\"filepath\": ..., \"FIELD\": ...}, ...].

Example:
  messier set-values trip weather weather.csv")]
pub struct SetValues {
    /// The dataset
    pub dataset: String,
    /// The field to set, made if it is not there
    pub field: String,
    /// The file with the values
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The column that says which sample a value is for
    #[arg(long, value_enum, default_value = "filepath")]
    pub key: Key,
}

/// What names a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// Its file's path
    Filepath,
    /// Its id
    Id,
}

/// `runs`
#[derive(Debug, Args)]
pub struct Runs {
    /// The dataset
    pub dataset: String,
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<RunsAction>,
}

/// What `runs` can do.
#[derive(Debug, Subcommand)]
pub enum RunsAction {
    /// List the runs
    List,
    /// Show everything about a run
    Info {
        /// The run's key
        key: String,
    },
    /// Give a run, and the field it wrote, another name
    Rename {
        /// The run's key
        key: String,
        /// Its new name
        to: String,
    },
    /// Delete a run with the field it wrote
    Delete {
        /// The run's key
        key: String,
    },
    /// Do a run again with the same parameters and seed
    Rerun {
        /// The run's key
        key: String,
    },
    /// Write a run's record (.json) or its table of samples (.csv, .parquet) to a file
    Export {
        /// The run's key
        key: String,
        /// The file to write
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Replace a file that is there already
        #[arg(long)]
        force: bool,
    },
}

/// `views`
#[derive(Debug, Args)]
pub struct Views {
    /// The dataset
    pub dataset: String,
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<ViewsAction>,
}

/// What `views` can do.
#[derive(Debug, Subcommand)]
pub enum ViewsAction {
    /// List the saved views
    List,
    /// Save a view under a name
    Save {
        /// The name
        name: String,
        /// The view, as text
        query: String,
    },
    /// Show a view's text and how many samples it has now
    Show {
        /// The name
        name: String,
    },
    /// Give a view another name
    Rename {
        /// The name
        name: String,
        /// Its new name
        to: String,
    },
    /// Delete a view; the samples stay
    Delete {
        /// The name
        name: String,
    },
}

/// `query`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier query trip 'match(k20 == \"7\").sort_by(\"metadata.width\").limit(12)'
  messier query trip 'count_values(\"k20\")'
  messier query trip 'match_tags(\"night\")' --ids | wc -l
  messier query trip --file questions.txt > answers.jsonl")]
pub struct Query {
    /// The dataset
    pub dataset: String,
    /// The question, in the query language
    #[arg(required_unless_present = "file")]
    pub query: Option<String>,
    /// Print the samples as CSV
    #[arg(long, conflicts_with_all = ["json", "ids"])]
    pub csv: bool,
    /// Print the samples' ids, one a line
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub ids: bool,
    /// Read one question a line from this file (- for stdin) and print one JSON answer a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query", "csv", "ids"], value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Show at most this many rows of a table on a terminal
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub rows: usize,
    /// Say how long it took
    #[arg(long, hide = true)]
    pub timing: bool,
}

/// `repl`
#[derive(Debug, Args)]
pub struct Repl {
    /// The dataset to begin with
    pub dataset: Option<String>,
}

/// `export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier export trip --format image-tree ./sorted --by k20
  messier export trip --view 'match(k20 == \"7\")' --format csv seven.csv")]
pub struct Export {
    /// The dataset
    pub dataset: String,
    /// The folder or file to write
    #[arg(value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,
    /// Write only the samples of this view
    #[arg(long, value_name = "QUERY")]
    pub view: Option<String>,
    /// What to write
    #[arg(long)]
    pub format: String,
}

/// `plot`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier plot trip --points map --color k20
  messier plot trip --points map --color k20 --pictures -o map.png
  messier plot trip --points map --color uniqueness -o map.svg")]
pub struct Plot {
    /// The dataset
    pub dataset: String,
    /// The run whose points to draw; without it, the newest reduction
    #[arg(long, value_name = "KEY")]
    pub points: Option<String>,
    /// The field that gives the colours; without it, the newest clustering
    #[arg(long, value_name = "FIELD")]
    pub color: Option<String>,
    /// Name each group by the most frequent value of this field
    #[arg(long, value_name = "FIELD")]
    pub label: Option<String>,
    /// Draw only the samples of this view
    #[arg(long, value_name = "QUERY")]
    pub view: Option<String>,
    /// Put each cluster's most central picture on the map
    #[arg(long)]
    pub pictures: bool,
    /// The title
    #[arg(long)]
    pub title: Option<String>,
    /// Write an .svg or .png file instead of drawing in the terminal
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier completions bash > ~/.local/share/bash-completion/completions/messier
  messier completions zsh > ~/.zfunc/_messier
  messier completions fish > ~/.config/fish/completions/messier.fish")]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `help`
#[derive(Debug, Args)]
pub struct Help {
    /// What to explain
    pub topic: Option<String>,
}

/// `prompt-context`
#[derive(Debug, Args)]
pub struct PromptContext {
    /// The dataset in use
    pub dataset: Option<String>,
}
