//! The command lines of the operators, built from their signatures: a parameter `min_cluster_size` is the flag
//! `--min-cluster-size`, its help is the parameter's own sentence, its values are read by the parameter's kind.
//!
//! Parameters of methods stand in help under the method's name. One that several methods share stands once.

use clap::{Arg as Flag, ArgMatches, Command};
use messier_query::nearest;
use messier_query::signature::{Arg, Args, Default, Operator, Param, Signature};

use crate::failure::{Exit, Failure, Report};
use crate::method_flags::{self, flag, flag_name};

/// A call of an operator as the command line gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorCommand {
    /// The dataset.
    pub dataset: String,
    /// The operator's name.
    pub operator: String,
    /// The arguments given; no defaults.
    pub args: Args,
    /// The view, as text.
    pub view: Option<String>,
    /// The file to draw to, where the command has one.
    pub out: Option<String>,
}

/// Parameters that are flags of every command or of the command itself.
const ELSEWHERE: [&str; 2] = ["seed", "view"];

/// The command of one operator.
pub fn command(operator: &Operator) -> Command {
    let signature = operator.signature;
    let methods = (operator.methods)();
    let mut command = Command::new(flag_name(signature.name))
        .about(imperative(signature.summary))
        .arg(
            Flag::new("dataset")
                .value_name("DATASET")
                .required(true)
                .help("The dataset"),
        )
        .arg(
            Flag::new("view")
                .long("view")
                .value_name("QUERY")
                .help("Use only the samples of this view"),
        );
    for param in signature
        .params
        .iter()
        .filter(|param| !ELSEWHERE.contains(&param.name))
    {
        let mut flag = flag(param, param.doc.trim());
        if param.name == "method" && !methods.is_empty() {
            flag = flag.help(method_help(param, &methods));
        }
        command = command.arg(flag.required(param.default == Default::Required));
    }
    let mut own: Vec<&str> = signature.params.iter().map(|param| param.name).collect();
    own.extend(ELSEWHERE);
    command = method_flags::add(command, &methods, &own);
    let mut after = String::from("Examples:\n");
    for example in signature.examples {
        after.push_str(&format!("  messier query DATASET '{}'\n", example.query));
    }
    if !methods.is_empty() {
        after.push_str(&format!(
            "\n`messier help METHOD` explains a method; `messier {} --help` lists every method's options.",
            signature.name
        ));
    }
    command.after_help(after)
}

/// `Groups the samples of a view.` as `Group the samples of a view`: help begins with a verb to type, not a report.
fn imperative(summary: &str) -> String {
    let summary = summary.trim().trim_end_matches('.');
    let (verb, rest) = summary.split_once(' ').unwrap_or((summary, ""));
    let verb = match verb.strip_suffix("es") {
        Some(stem)
            if stem.ends_with(['x', 'z'])
                || stem.ends_with("ss")
                || stem.ends_with("ch")
                || stem.ends_with("sh") =>
        {
            stem
        }
        _ => verb.strip_suffix('s').unwrap_or(verb),
    };
    format!("{verb} {rest}").trim_end().to_owned()
}

fn method_help(param: &Param, methods: &[&'static Signature]) -> String {
    let names: Vec<&str> = methods.iter().map(|method| method.name).collect();
    let default = match param.default {
        Default::Text(name) => format!(" [default: {name}]"),
        _ => String::new(),
    };
    format!("{} One of {}{default}", param.doc.trim(), names.join(", "))
}

/// Reads the matches of an operator's command.
///
/// # Errors
/// Every value that does not fit its parameter and every flag that the chosen method does not have, in one report.
pub fn read(
    operator: &Operator,
    matches: &ArgMatches,
    seed: Option<u64>,
) -> Result<OperatorCommand, Failure> {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let methods = (operator.methods)();
    let method = chosen_method(operator, &methods, text("method"))?;
    let mut names = method_flags::names(&methods);
    names.extend(operator.signature.params.iter().map(|param| param.name));
    names.sort_unstable();
    names.dedup();
    // Where there are methods to choose from, the chosen one is known already.
    names.retain(|name| !ELSEWHERE.contains(name) && (methods.is_empty() || *name != "method"));
    let given = method_flags::given(matches, &names);
    let mut args = method_flags::read(
        operator.signature.name,
        &given,
        operator.signature.params,
        method,
        &methods,
    )?;
    if let Some(method) = method {
        args.insert("method".to_owned(), Arg::Text(method.name.to_owned()));
    }
    if let (Some(seed), Some(_)) = (seed, operator.signature.param("seed")) {
        args.insert(
            "seed".to_owned(),
            Arg::Int(i64::try_from(seed).unwrap_or(i64::MAX)),
        );
    }
    Ok(OperatorCommand {
        dataset: text("dataset").unwrap_or_default(),
        operator: operator.signature.name.to_owned(),
        args,
        view: text("view"),
        out: text("out"),
    })
}

fn chosen_method(
    operator: &Operator,
    methods: &[&'static Signature],
    given: Option<String>,
) -> Result<Option<&'static Signature>, Failure> {
    let default = match operator
        .signature
        .param("method")
        .map(|param| param.default)
    {
        Some(Default::Text(name)) => Some(name.to_owned()),
        _ => None,
    };
    let Some(name) = given.or(default).filter(|_| !methods.is_empty()) else {
        return Ok(None);
    };
    let folded = name.replace('-', "_").to_lowercase();
    if let Some(method) = methods.iter().find(|method| method.name == folded) {
        return Ok(Some(method));
    }
    let names: Vec<&str> = methods.iter().map(|method| method.name).collect();
    let near = nearest(&folded, names.iter().copied());
    let hint = match near.as_slice() {
        [] => format!("there are {}.", names.join(", ")),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    let message = format!(
        "there is no method called {name:?} for {}; {hint}",
        operator.signature.name
    );
    let report = Report::new(Exit::Usage, "unknown-method", message);
    Err(report.candidates(near).into())
}

#[cfg(test)]
pub mod sample {
    //! Two small methods, for tests that must not depend on the engine's list.
    use messier_query::signature::{Example, FieldKind, Kind, Returns};

    use super::*;

    static RUN: [Param; 3] = [
        Param {
            name: "method",
            kind: Kind::Text,
            default: Default::Text("kmeans"),
            doc: "The clustering method.",
            unit: None,
        },
        Param {
            name: "run",
            kind: Kind::Field(FieldKind::New),
            default: Default::Required,
            doc: "The run's key.",
            unit: None,
        },
        Param {
            name: "overwrite",
            kind: Kind::Bool,
            default: Default::Bool(false),
            doc: "Whether a run that is there is replaced.",
            unit: None,
        },
    ];
    static KMEANS: Signature = Signature {
        name: "kmeans",
        summary: "Splits the rows around k centres.",
        params: &[
            Param {
                name: "n_clusters",
                kind: Kind::Int {
                    lo: 1,
                    hi: i64::MAX,
                },
                default: Default::Int(8),
                doc: "How many clusters to make.",
                unit: None,
            },
            Param {
                name: "metric",
                kind: Kind::Choice(&["euclidean", "cosine"]),
                default: Default::Text("euclidean"),
                doc: "The distance.",
                unit: None,
            },
        ],
        examples: &[],
        returns: Returns::Run,
    };
    static HDBSCAN: Signature = Signature {
        name: "hdbscan",
        summary: "Finds dense groups.",
        params: &[
            Param {
                name: "min_cluster_size",
                kind: Kind::Int {
                    lo: 2,
                    hi: i64::MAX,
                },
                default: Default::Int(5),
                doc: "The least size.",
                unit: Some("rows"),
            },
            Param {
                name: "metric",
                kind: Kind::Choice(&["euclidean", "cosine"]),
                default: Default::Text("euclidean"),
                doc: "The distance.",
                unit: None,
            },
        ],
        examples: &[],
        returns: Returns::Run,
    };
    static CLUSTER: Signature = Signature {
        name: "cluster",
        summary: "Groups the samples of a view by their vectors.",
        params: &RUN,
        examples: &[Example {
            query: "cluster(run=\"k8\")",
            shows: "Groups all samples.",
        }],
        returns: Returns::Run,
    };

    /// `cluster` with k-means and HDBSCAN.
    pub static OPERATOR: Operator = Operator {
        signature: &CLUSTER,
        methods: || vec![&KMEANS, &HDBSCAN],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<OperatorCommand, Failure> {
        let line = ["cluster", "trip"].iter().chain(words);
        let matches = command(&sample::OPERATOR).try_get_matches_from(line)?;
        read(&sample::OPERATOR, &matches, Some(7))
    }

    fn message(words: &[&str]) -> String {
        match parse(words) {
            Err(Failure::Report(report)) => report.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_are_the_parameters_with_dashes() {
        let call = parse(&[
            "--run",
            "h10",
            "--method",
            "hdbscan",
            "--min-cluster-size",
            "10",
            "--overwrite",
        ])
        .unwrap();
        assert_eq!(call.args["min_cluster_size"], Arg::Int(10));
        assert_eq!(call.args["overwrite"], Arg::Bool(true));
        assert_eq!(call.args["method"], Arg::Text("hdbscan".into()));
        assert!(
            !call.args.contains_key("metric"),
            "defaults are left to the engine"
        );
    }

    #[test]
    fn a_flag_of_another_method_names_its_owner() {
        assert_eq!(
            message(&["--run", "k", "--min-cluster-size", "10"]),
            "cluster: kmeans has no --min-cluster-size; hdbscan has."
        );
    }

    #[test]
    fn every_bad_value_is_reported_at_once() {
        let text = message(&["--run", "k", "--n-clusters", "0", "--metric", "manhattan"]);
        assert!(
            text.contains("--n-clusters must be a whole number of at least 1, not 0"),
            "{text}"
        );
        assert!(
            text.contains("--metric must be one of euclidean, cosine"),
            "{text}"
        );
    }

    #[test]
    fn an_unknown_method_gets_the_nearest_or_all_there_are() {
        let of = |name| message(&["--run", "k", "--method", name]);
        assert!(of("kmean").contains("did you mean kmeans?"));
        assert!(of("zzz").contains("there are kmeans, hdbscan"));
    }

    #[test]
    fn summaries_become_commands() {
        assert_eq!(imperative("Groups the samples."), "Group the samples");
        assert_eq!(imperative("Places the vectors."), "Place the vectors");
        assert_eq!(imperative("Matches rows."), "Match rows");
    }

    #[test]
    fn help() {
        insta::assert_snapshot!(command(&sample::OPERATOR).term_width(90).render_long_help());
    }
}
