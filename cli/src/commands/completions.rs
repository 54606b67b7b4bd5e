//! `completions SHELL`.

use crate::args::Completions;
use crate::dispatch::command_line;
use crate::failure::Failure;
use crate::job::Job;

/// Prints the script.
pub fn run(args: &Completions, job: &Job<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_line(), "messier", &mut script);
    Ok(job.terminal.data(|out| out.write_all(&script))?)
}
