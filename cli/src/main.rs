//! The `messier` binary: reads the command line, does it here or hands it to the process that holds the store, and ends
//! with the exit code that says who can act.

mod args;
mod commands;
mod dispatch;
mod failure;
mod forward;
mod house;
mod interrupt;
mod job;
mod method_flags;
mod operator_args;
mod output;
mod plot;
mod progress;
mod render;
mod repl;
mod thumbnail;
mod topics;

use std::process::ExitCode;

use messier_engine::context::Stop;

use failure::Exit;
use house::House;
use output::Terminal;

fn main() -> ExitCode {
    say_bugs_plainly();
    let terminal = match Terminal::of_process() {
        Ok(terminal) => terminal,
        Err(error) => {
            eprintln!("error: the working directory cannot be read: {error}.");
            return ExitCode::from(Exit::Machine.code());
        }
    };
    let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| command(terminal)));
    ExitCode::from(code.unwrap_or(Exit::Bug.code()))
}

fn command(mut terminal: Terminal) -> u8 {
    // Known before the line is: errors about the line itself come as asked.
    terminal.json = std::env::args_os().any(|word| word == "--json");
    let words: Vec<_> = std::env::args_os().collect();
    let invocation = match dispatch::parse(words.iter().cloned()) {
        Ok(invocation) => invocation,
        Err(failure) => return dispatch::tell(&failure, &terminal),
    };
    if let Err(failure) = commands::doctor::check_instructions() {
        return dispatch::tell(&failure, &terminal);
    }
    let dir = match house::directory(&invocation.globals, &terminal) {
        Ok(dir) => dir,
        Err(failure) => return dispatch::tell(&failure, &terminal),
    };
    let stop = Stop::new();
    let _stops = interrupt::stops(&stop);
    forward::perform(invocation, &words, terminal, &House::at(dir), stop)
}

/// A panic is a bug of ours: one sentence, where it was, and what to do with it.
fn say_bugs_plainly() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let json = std::env::args_os().any(|word| word == "--json");
        if json {
            let error = serde_json::json!({ "error": {
                "code": "bug", "message": format!("This is a bug in Messier: {what} ({place})."),
                "labels": [], "hints": ["please report it with the command you typed"], "candidates": [],
            }});
            eprintln!("{error}");
        } else {
            eprintln!(
                "error: This is a bug in Messier: {what} ({place}).\nhint: please report it with the command you typed"
            );
        }
    }));
}
