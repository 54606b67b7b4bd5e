//! Completion on a small dataset: `|` is the cursor.

use messier_store::{Field, FieldType, Schema, StructKind};

use super::*;
use crate::signature::{Default, Example, Kind, Param, Returns};

fn param(name: &'static str, kind: Kind, default: Default) -> Param {
    Param {
        name,
        kind,
        default,
        doc: "What it is.",
        unit: None,
    }
}

fn cluster() -> Operator {
    static PARAMS: std::sync::OnceLock<Vec<Param>> = std::sync::OnceLock::new();
    static KMEANS: std::sync::OnceLock<Vec<Param>> = std::sync::OnceLock::new();
    static CLUSTER: std::sync::OnceLock<Signature> = std::sync::OnceLock::new();
    static METHOD: std::sync::OnceLock<Signature> = std::sync::OnceLock::new();
    const NONE: &[Example] = &[];
    let params = PARAMS.get_or_init(|| {
        vec![
            param(
                "method",
                Kind::Choice(&["hdbscan", "kmeans"]),
                Default::Text("kmeans"),
            ),
            param(
                "features",
                Kind::Field(crate::signature::FieldKind::Vector),
                Default::Required,
            ),
        ]
    });
    let kmeans = KMEANS.get_or_init(|| {
        vec![
            param(
                "n_clusters",
                Kind::Int {
                    lo: 1,
                    hi: i64::MAX,
                },
                Default::Int(8),
            ),
            param(
                "init",
                Kind::Choice(&["random", "k-means++"]),
                Default::Text("random"),
            ),
        ]
    });
    let signature = CLUSTER.get_or_init(|| Signature {
        name: "cluster",
        summary: "Groups samples.",
        params,
        examples: NONE,
        returns: Returns::Run,
    });
    METHOD.get_or_init(|| Signature {
        name: "kmeans",
        summary: "K-means.",
        params: kmeans,
        examples: NONE,
        returns: Returns::Run,
    });
    fn methods() -> Vec<&'static Signature> {
        METHOD.get().into_iter().collect()
    }
    Operator { signature, methods }
}

fn schema() -> Schema {
    let mut schema = Schema::of_samples();
    let text = FieldType::Text;
    let label = || {
        vec![
            Field::new("label", FieldType::Text),
            Field::new("confidence", FieldType::Float),
        ]
    };
    let detections = FieldType::List(Box::new(FieldType::Struct(StructKind::Detection, label())));
    schema.fields.extend([
        Field::new("k20", text),
        Field::new("uniqueness", FieldType::Float),
        Field::new("embedding", FieldType::Vector(4)),
        Field::new("odd name", FieldType::Int),
        Field::new(
            "ground_truth",
            FieldType::Struct(
                StructKind::Detections,
                vec![Field::new("detections", detections)],
            ),
        ),
    ]);
    schema
}

fn values(path: &str) -> Vec<Arg> {
    match path {
        "k20" => vec![Arg::Text("7".into()), Arg::Text("it's \"8\"".into())],
        "tags" => vec![Arg::Text("night".into()), Arg::Text("day".into())],
        "metadata.width" => vec![Arg::Int(640), Arg::Int(1024)],
        "ground_truth.detections.label" => vec![Arg::Text("cat".into())],
        _ => vec![],
    }
}

fn with<T>(marked: &str, use_it: impl FnOnce(&str, usize, &CompletionEnv<'_>) -> T) -> T {
    let cursor = marked.find('|').expect("a cursor");
    let text = marked.replacen('|', "", 1);
    let (schema, operators, views) = (schema(), [cluster()], ["night shots".to_owned()]);
    use_it(
        &text,
        cursor,
        &CompletionEnv::new(&schema, &operators, &views, &values),
    )
}

/// What is offered, applied to the text.
fn offered(marked: &str) -> Vec<String> {
    with(marked, |text, cursor, env| {
        complete(text, cursor, env)
            .into_iter()
            .map(|one| one.text)
            .collect()
    })
}

#[track_caller]
fn offers(marked: &str, expected: &[&str]) {
    let all = offered(marked);
    for one in expected {
        assert!(
            all.iter().any(|offer| offer == one),
            "{marked}: no {one} in {all:?}"
        );
    }
}

#[track_caller]
fn only(marked: &str, expected: &[&str]) {
    assert_eq!(offered(marked), expected, "{marked}");
}

#[test]
fn a_chain_goes_on_with_stages_aggregations_and_operators() {
    offers(
        "|",
        &[
            "match(",
            "limit(",
            "count(",
            "cluster(",
            "dataset",
            "view(\"night shots\")",
            "k20",
            "F(\"odd name\")",
        ],
    );
    offers("match(k20 == \"7\").|", &["limit(", "count(", "cluster("]);
    only("match(k20 == \"7\").ski|", &["skip("]);
    only("dataset.match(x)[:3].ski|", &["skip("]);
    only("view(\"a\").ski|", &["skip("]);
    offers("fo.Match(x).li|", &["limit("]);
    only("view(\"|", &["night shots"]);
    assert!(!offered("match(k20 == \"7\").|").contains(&"abs(".to_owned()));
}

#[test]
fn fields_are_offered_level_by_level() {
    only("match(uni|", &["uniqueness"]);
    only("match(metadata.wi|", &["width"]);
    only("match(F(\"metadata.wi|", &["metadata.width"]);
    only("match(F(\"metadata.wi|\") > 3)", &["metadata.width"]);
    only("match(F(uni|", &["\"uniqueness\""]);
    offers("match(F(\"|", &["k20", "metadata", "odd name"]);
    assert!(!offered("match(F(\"|").contains(&"metadata.width".to_owned()));
    only("match(F('$metadata.wi|", &["$metadata.width"]);
    only("k20 == \"7\" and uni|", &["uniqueness"]);
}

#[test]
fn inside_filter_fields_are_those_of_the_elements() {
    only(
        "match(F(\"ground_truth.detections\").filter(F(\"conf|",
        &["confidence"],
    );
    only(
        "match(ground_truth.detections.filter(conf|",
        &["confidence"],
    );
    offers(
        "match(ground_truth.detections.filter(|",
        &["label", "confidence", "F()"],
    );
    only(
        "match(ground_truth.detections.filter(F(\"$uni|",
        &["$uniqueness"],
    );
    offers(
        "match(ground_truth.detections.filter(label == |",
        &["\"cat\""],
    );
    only(
        "match(ground_truth.detections.filter(F(\"label\") == \"c|",
        &["cat"],
    );
}

#[test]
fn methods_follow_a_value_and_suit_its_type_first() {
    offers("match(uniqueness.|", &["round(", "exists("]);
    let of_text = offered("match(k20.|");
    let place = |name: &str| of_text.iter().position(|one| one == name);
    assert!(place("contains_str(").is_some() && place("contains_str(") < place("sqrt()"));
    only("match(F(\"k20\").star|", &["starts_with("]);
    only("match((uniqueness + 1).ro|", &["round("]);
    only("match(tags[0].star|", &["starts_with("]);
}

#[test]
fn values_follow_a_comparison() {
    only("match(F(\"k20\") == \"|", &["7", "it's \\\"8\\\""]);
    only("match(F(\"k20\") == '|", &["7", "it\\'s \"8\""]);
    only("match(k20 == \"7|", &["7"]);
    offers("match(k20 == |", &["\"7\"", "uniqueness"]);
    offers("match(metadata.width > |", &["640", "1024"]);
    only("match(k20.is_in([\"7\", \"i|", &["it's \\\"8\\\""]);
    only("match(k20 in [\"|", &["7", "it's \\\"8\\\""]);
    only("match_tags(\"n|", &["night"]);
    only("match_tags([\"day\", \"n|", &["night"]);
    only("k20 == \"|", &["7", "it's \\\"8\\\""]);
}

#[test]
fn parameters_choices_and_fields_follow_the_signature() {
    offers("sort_by(\"uniqueness\", |", &["reverse=", "True", "False"]);
    only("sort_by(\"uniqueness\", rev|", &["reverse="]);
    only("sort_by(\"uniqueness\", reverse=Tr|", &["True"]);
    only("cluster(method=\"|", &["hdbscan", "kmeans"]);
    offers("cluster(method=|", &["\"hdbscan\"", "\"kmeans\""]);
    only("cluster(features=\"|", &["embedding"]);
    only("cluster(method=\"kmeans\", ini|", &["init="]);
    only("cluster(method=\"kmeans\", init=\"k|", &["k-means++"]);
    only("cluster(method=\"hdbscan\", ini|", &[]);
    only("cluster(method=\"kmeans\", n_clusters=3, n_cl|", &[]);
}

#[test]
fn nothing_is_offered_where_nothing_fits() {
    only("# lim|", &[]);
    only("limit(12|", &[]);
    only("match(k20 == \"nothing like it|", &[]);
}

#[test]
fn every_cursor_in_every_text_is_answered() {
    let texts = [
        "dataset.match((F('k20') == '7') & (F(\"metadata.width\") > 640)).sort_by('uniqueness', reverse=True)[1:3]",
        "))]]}}((([[{{.,==**'\"",
        "größe == “x” and F(\"ü",
        "x.y(z=[{'a': 1}, # c\n F(",
    ];
    let (schema, views) = (schema(), []);
    let env = CompletionEnv::new(&schema, &[], &views, &values);
    for text in texts {
        for cursor in 0..=text.len() + 1 {
            for one in complete(text, cursor, &env) {
                assert!(
                    one.span.start <= one.span.end
                        && text.get(one.span.start..one.span.end).is_some()
                );
            }
            let _ = hint(text, cursor, &env);
        }
    }
}

fn marked_hint(marked: &str) -> Option<String> {
    with(marked, |text, cursor, env| {
        hint(text, cursor, env).map(|hint| hint.marked("<", ">"))
    })
}

#[test]
fn the_hint_marks_the_current_parameter() {
    assert_eq!(marked_hint("limit(|").as_deref(), Some("limit(<limit>)"));
    assert_eq!(
        marked_hint("cluster(|").as_deref(),
        Some("cluster(<method=\"kmeans\">, features, n_clusters=8, init=\"random\")")
    );
    assert_eq!(
        marked_hint("cluster(\"hdbscan\", features=\"emb|").as_deref(),
        Some("cluster(method=\"kmeans\", <features>)")
    );
    assert_eq!(marked_hint("match(F(|").as_deref(), Some("F(\"field\")"));
    assert_eq!(marked_hint("match(x).limit(3)|"), None);
    assert!(marked_hint("match(k20.starts_with(\"a\", [|").is_some());
}

#[test]
fn enter_ends_only_what_is_whole() {
    for whole in [
        "",
        "match(x)",
        "k20 == \"7\"",
        "match(x))",
        "match(\"a",
        "limit(3) # .",
        "match(x)]",
        "dataset",
    ] {
        assert!(is_complete(whole), "{whole}");
    }
    for part in [
        "match(",
        "match(x).",
        "match(x,",
        "a ==",
        "a and",
        "not",
        "x = ",
        "match([1,",
        "\"\"\"abc",
        "match(x) \\",
        "(dataset\n.limit(3)",
        "a in",
    ] {
        assert!(!is_complete(part), "{part}");
    }
}
