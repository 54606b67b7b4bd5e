//! Every example of every signature runs on the sample dataset, and the catalogue keeps its own rules.

use messier_query::signature::{Kind, Returns, Signature};

use crate::sample::{samples, try_ask_of};

#[test]
fn every_example_of_every_signature_runs() {
    let table = samples();
    for signature in messier_query::signatures() {
        for example in signature.examples {
            if let Err(mistakes) = try_ask_of(&table, example.query) {
                panic!("{}: {}: {mistakes:#?}", signature.name, example.query);
            }
        }
    }
}

#[test]
fn every_signature_is_documented_and_has_an_example_of_itself() {
    for signature in messier_query::signatures() {
        let Signature {
            name,
            summary,
            params,
            examples,
            ..
        } = signature;
        assert!(summary.ends_with('.'), "{name}: {summary}");
        assert!(!examples.is_empty(), "{name} has no example");
        for param in *params {
            assert!(
                param.doc.ends_with('.'),
                "{name}.{}: {}",
                param.name,
                param.doc
            );
            if let Some(default) = param.default.arg()
                && !matches!(
                    param.kind,
                    Kind::Expr(_) | Kind::List(_) | Kind::Any | Kind::Mapping
                )
            {
                assert!(param.kind.admit(&default).is_ok(), "{name}.{}", param.name);
            }
        }
    }
}

#[test]
fn names_are_unique_among_what_is_called_alike() {
    let mut names: Vec<(String, &str)> = messier_query::signatures()
        .map(|signature| {
            let place = match signature.returns {
                Returns::Expression => "expression",
                _ => "chain",
            };
            (place.to_owned(), signature.name)
        })
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
