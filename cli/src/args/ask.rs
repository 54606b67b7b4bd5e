//! The words of commands that ask, look and take away.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

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
        /// Show the samples of one cluster: central, varied, on its border, outlying; by its id or name
        #[arg(long, value_name = "ID", allow_negative_numbers = true)]
        cluster: Option<String>,
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
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The colour it is shown in: # and six hex digits
        #[arg(long, value_name = "#RRGGBB")]
        color: Option<String>,
        /// Replace a view of that name
        #[arg(long)]
        overwrite: bool,
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
  messier query trip 'match(metadata.width < 300).tag_samples(\"small\")' --dry-run
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
    /// Say what a query that changes the dataset would change, and change nothing
    #[arg(long, conflicts_with_all = ["csv", "ids"])]
    pub dry_run: bool,
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

/// `compare`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  messier compare trip k10 k20
  messier compare trip k20 --truth ground_truth")]
pub struct Compare {
    /// The dataset
    pub dataset: String,
    /// A clustering run, or a field of labels
    pub a: String,
    /// Another one
    #[arg(required_unless_present = "truth")]
    pub b: Option<String>,
    /// The field or run that is right: homogeneity and completeness are measured against it
    #[arg(long, value_name = "FIELD", conflicts_with = "b")]
    pub truth: Option<String>,
    /// Compare only the samples of this view
    #[arg(long, value_name = "QUERY")]
    pub view: Option<String>,
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
