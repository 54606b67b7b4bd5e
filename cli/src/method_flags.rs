//! Flags from signatures: the parameters of methods, importers and exporters, each once in help, under the name of
//! whatever has it; and what was typed for them, read by the parameter's own kind.

use std::collections::BTreeMap;

use clap::{Arg as Flag, ArgAction, ArgMatches, Command};
use messier_query::signature::{Args, Default, Kind, Param, Signature};

use crate::failure::{Exit, Failure, Report};

/// What was typed: parameter and word, not yet read, because which kind reads it depends on the method chosen.
pub type Given = Vec<(String, String)>;

/// A parameter's flag without its dashes.
pub fn flag_name(param: &str) -> String {
    param.replace('_', "-")
}

/// Adds a flag for every parameter of `methods` that is not among `own`.
pub fn add(mut command: Command, methods: &[&'static Signature], own: &[&str]) -> Command {
    for (heading, param) in by_heading(methods) {
        if !own.contains(&param.name) {
            let flag = flag(param, param.doc.trim())
                .help_heading(heading)
                .hide_short_help(true);
            command = command.arg(flag);
        }
    }
    command
}

/// The words given for parameters.
pub fn given(matches: &ArgMatches, names: &[&str]) -> Given {
    names
        .iter()
        .filter_map(|name| {
            let word = matches.try_get_one::<String>(name).ok().flatten()?;
            Some(((*name).to_owned(), word.clone()))
        })
        .collect()
}

/// The names of all parameters of `methods`.
pub fn names(methods: &[&'static Signature]) -> Vec<&'static str> {
    by_heading(methods)
        .into_iter()
        .map(|(_, param)| param.name)
        .collect()
}

/// Reads the words with the kinds of `own` and of the chosen method.
///
/// # Errors
/// Every word that does not fit its parameter and every flag that the chosen method does not have, in one report.
pub fn read(
    call: &str,
    given: &Given,
    own: &[Param],
    chosen: Option<&'static Signature>,
    methods: &[&'static Signature],
) -> Result<Args, Failure> {
    let mut args = Args::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for (name, word) in given {
        let flag = flag_name(name);
        let param = own
            .iter()
            .find(|param| param.name == name)
            .or_else(|| chosen.and_then(|m| m.param(name)));
        match param.map(|param| param.kind.read_word(word)) {
            Some(Ok(arg)) => drop(args.insert(name.clone(), arg)),
            Some(Err(problem)) => wrong.push(format!("--{flag} {problem}")),
            None => {
                let having: Vec<&str> = methods
                    .iter()
                    .filter(|m| m.param(name).is_some())
                    .map(|m| m.name)
                    .collect();
                let chosen = chosen.map_or(call, |method| method.name);
                let verb = if having.len() == 1 { "has" } else { "have" };
                wrong.push(format!(
                    "{chosen} has no --{flag}; {} {verb}",
                    having.join(", ")
                ));
                hints.push(format!("`messier help {chosen}` lists what it has"));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(args);
    }
    hints.dedup();
    let mut report = Report::new(
        Exit::Usage,
        "usage",
        format!("{call}: {}.", wrong.join("; ")),
    );
    report.hints = hints;
    Err(report.into())
}

/// Every method's parameters, each once, under the name of the method or of all that share it.
fn by_heading(methods: &[&'static Signature]) -> Vec<(String, &'static Param)> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for method in methods {
        for param in method.params {
            users.entry(param.name).or_default().push(method.name);
        }
    }
    let mut out: Vec<(String, &'static Param)> = Vec::new();
    for method in methods {
        for param in method.params {
            if out.iter().all(|(_, seen)| seen.name != param.name) {
                let heading = match users[param.name].as_slice() {
                    [one] => format!("Options of {one}"),
                    many if many.len() == methods.len() => "Options of every method".to_owned(),
                    many => format!("Options of {}", many.join(", ")),
                };
                out.push((heading, param));
            }
        }
    }
    out.sort_by_key(|(heading, _)| usize::from(!heading.contains("every")));
    out
}

/// The flag of one parameter.
pub fn flag(param: &'static Param, help: &str) -> Flag {
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let default = match param.default {
        Default::Required | Default::Null | Default::EmptyList => String::new(),
        Default::Text(text) => format!(" [default: {text}]"),
        Default::Bool(b) => format!(" [default: {b}]"),
        other => other
            .arg()
            .map(|arg| format!(" [default: {arg}]"))
            .unwrap_or_default(),
    };
    let words = match param.kind {
        Kind::Choice(words) => format!(" One of {}.", words.join(", ")),
        _ => String::new(),
    };
    let flag = Flag::new(param.name)
        .long(flag_name(param.name))
        .help(format!("{help}{words}{default}"))
        .value_name(value_name(&param.kind))
        .action(ArgAction::Set);
    match param.kind {
        Kind::Bool => flag
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        _ => flag.allow_negative_numbers(true),
    }
}

fn value_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "BOOL",
        Kind::Int { .. } => "N",
        Kind::Float { .. } => "X",
        Kind::Text | Kind::Any | Kind::Mapping => "TEXT",
        Kind::Choice(_) => "WORD",
        Kind::Field(_) => "FIELD",
        Kind::Expr(_) => "EXPR",
        Kind::View => "QUERY",
        Kind::Optional(inner) => value_name(inner),
        Kind::List(_) => "LIST",
    }
}
