//! Operators end a chain: their arguments are bound, those of the method among them, and the view before them is named.

use messier_query::signature::{
    Arg, Args, Default, Example, FieldKind, Kind, Operator, Param, Returns, Signature, param,
};
use messier_query::{Answer, OperatorCall};

use crate::sample::{samples, try_ask_with};

static KMEANS: Signature = Signature {
    name: "kmeans",
    summary: "Groups.",
    params: &[param(
        "n_clusters",
        Kind::Int {
            lo: 1,
            hi: i64::MAX,
        },
        Default::Int(8),
        "How many.",
    )],
    examples: &[],
    returns: Returns::Run,
};

static HDBSCAN: Signature = Signature {
    name: "hdbscan",
    summary: "Finds dense groups.",
    params: &[param(
        "min_cluster_size",
        Kind::Int {
            lo: 2,
            hi: i64::MAX,
        },
        Default::Int(5),
        "The least size.",
    )],
    examples: &[Example {
        query: "cluster(\"hdbscan\")",
        shows: "Clusters.",
    }],
    returns: Returns::Run,
};

const PARAMS: &[Param] = &[
    param("method", Kind::Text, Default::Text("kmeans"), "Which way."),
    param(
        "features",
        Kind::Field(FieldKind::Vector),
        Default::Text("embedding"),
        "What is looked at.",
    ),
    param("run", Kind::Text, Default::Required, "The run's key."),
];

static CLUSTER: Signature = Signature {
    name: "cluster",
    summary: "Groups samples.",
    params: PARAMS,
    examples: &[],
    returns: Returns::Run,
};

fn methods() -> Vec<&'static Signature> {
    vec![&KMEANS, &HDBSCAN]
}

fn call(text: &str) -> Result<OperatorCall, Vec<(&'static str, String)>> {
    let operators = [Operator {
        signature: &CLUSTER,
        methods,
    }];
    let views = [("some".to_owned(), "match(F(\"rank\") > 2)".to_owned())];
    match try_ask_with(&samples(), text, &operators, &views) {
        Ok(Answer::Call(call)) => Ok(call),
        Ok(other) => panic!("{other:?}"),
        Err(mistakes) => Err(mistakes
            .0
            .into_iter()
            .map(|one| (one.code, one.message))
            .collect()),
    }
}

#[test]
fn defaults_of_the_operator_and_its_method_are_filled_in() {
    let made = call(r#"match(F("rank") > 2).limit(2).cluster(run="k")"#).unwrap();
    assert_eq!(made.operator, "cluster");
    assert_eq!(
        made.args,
        Args::from([
            ("method".into(), Arg::Text("kmeans".into())),
            ("features".into(), Arg::Text("embedding".into())),
            ("run".into(), Arg::Text("k".into())),
            ("n_clusters".into(), Arg::Int(8)),
        ])
    );
    assert_eq!(made.view.rows(), [0, 4]);
    assert_eq!(made.view_text, "match(rank > 2).limit(2)");
}

#[test]
fn methods_bring_their_own_parameters() {
    let made =
        call(r#"view("some").cluster("hdbscan", F("map"), "h", min_cluster_size=3)"#).unwrap();
    assert_eq!(made.args["min_cluster_size"], Arg::Int(3));
    assert_eq!(made.args["features"], Arg::Text("map".into()));
    assert!(!made.args.contains_key("n_clusters"));
    assert_eq!(made.view_text, r#"view("some")"#);
    assert_eq!(call(r#"cluster(run="all")"#).unwrap().view_text, "");
}

#[test]
fn every_wrong_argument_is_reported() {
    let codes = |text: &str| {
        call(text)
            .unwrap_err()
            .into_iter()
            .map(|(code, _)| code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("cluster()"), ["missing-argument"]);
    assert_eq!(codes(r#"cluster("kmens", run="k")"#), ["unknown-method"]);
    assert_eq!(
        codes(r#"cluster(run="k", n_cluster=3)"#),
        ["unknown-argument"]
    );
    assert_eq!(
        codes(r#"cluster(run="k", n_clusters=0, features="rank")"#),
        ["bad-argument", "wrong-type"]
    );
    assert_eq!(
        codes(r#"cluster(run="k", features="embeding")"#),
        ["unknown-field"]
    );
    assert_eq!(
        codes(r#"cluster(run="k").limit(3)"#),
        ["operator-in-middle"]
    );
    assert_eq!(
        codes(r#"cluster("hdbscan", run="k", n_clusters=3)"#),
        ["unknown-argument"]
    );
}

#[test]
fn explain_says_what_each_step_did() {
    let text = r#"match(F("rank") > 2).sort_by("rank").limit(1).explain()"#;
    let Ok(Answer::Text(page)) = try_ask_with(&samples(), text, &[], &[]) else {
        panic!()
    };
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines.len(), 3, "{page}");
    assert!(lines[1].trim_start().starts_with("3 rows"), "{page}");
    assert!(lines[2].ends_with("top 1"), "{page}");
}
