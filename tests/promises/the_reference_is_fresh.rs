//! `docs/reference/operators.md` is what the tables of operators and methods say.
//!
//! After a change of a table: `UPDATE_REFERENCE=1 cargo test -p messier --test promises the_reference`, and look at the diff.

use std::fmt::Write as _;
use std::fs;

use messier_query::signature::{Param, Signature};

use super::the_guide_works::root;

#[test]
fn the_operators_page_is_what_the_tables_say() {
    let path = root().join("docs/reference/operators.md");
    let page = operators_page();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/reference/operators.md is not what the tables say; run this test with UPDATE_REFERENCE=1 and look at the diff"
    );
}

fn operators_page() -> String {
    let mut page = String::from(
        "# Operators and methods\n\n\
         This page is made from the tables that also give flags, help and completion. An operator is a command \
         (`messier cluster trip --method kmeans --n-clusters 20 --run k20`) and a call in a query \
         (`cluster(method=\"kmeans\", n_clusters=20, run=\"k20\")`): the same parameters, the same record.\n",
    );
    for operator in messier_engine::operators() {
        section(&mut page, 2, operator.signature);
        for method in (operator.methods)() {
            section(&mut page, 3, method);
        }
    }
    page
}

fn section(page: &mut String, level: usize, signature: &Signature) {
    let mut line = |text: String| writeln!(page, "{text}").expect("a text can be written to");
    line(format!(
        "\n{} {}\n\n{}",
        "#".repeat(level),
        signature.name,
        signature.summary
    ));
    if !signature.params.is_empty() {
        line("\n| parameter | default | allowed | meaning |\n| --- | --- | --- | --- |".to_owned());
        for param in signature.params {
            line(row(param));
        }
    }
    for example in signature.examples {
        line(format!(
            "\n```\n{}\n```\n\n{}",
            example.query, example.shows
        ));
    }
}

fn row(param: &Param) -> String {
    let default = param.default.arg().map_or_else(
        || "must be given".to_owned(),
        |arg| match arg {
            messier_query::signature::Arg::Null => "`None`".to_owned(),
            arg => format!("`{arg}`"),
        },
    );
    let unit = param
        .unit
        .map(|unit| format!(" ({unit})"))
        .unwrap_or_default();
    let cells = [
        format!("`{}`", param.name),
        default,
        param.kind.describe() + &unit,
        param.doc.trim().to_owned(),
    ];
    format!(
        "| {} |",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}
