//! The words of commands that make and change datasets.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

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

/// `undo`
#[derive(Debug, Args)]
#[command(after_help = "\
The few changes before the newest are kept; each undo takes back one more.

Example:
  messier undo trip --dry-run")]
pub struct Undo {
    /// The dataset
    pub dataset: String,
    /// Say what would be taken back, and change nothing
    #[arg(long)]
    pub dry_run: bool,
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
