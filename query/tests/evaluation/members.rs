//! The meaning of every member that the rules do not already show, and a guard: a member without a test of its meaning
//! does not get in.

use serde_json::{Value as Json, json};

use crate::sample::{mistakes, rows, value, view};

/// The value of an expression for one sample.
fn one(expression: &str) -> Json {
    value(&format!("limit(1).values({expression})"))[0].clone()
}

fn close(expression: &str, expected: f64) {
    let found = one(expression).as_f64().unwrap_or(f64::NAN);
    assert!(
        (found - expected).abs() <= 1e-15 * expected.abs().max(1.0),
        "{expression}: {found}, not {expected}"
    );
}

#[test]
fn functions_of_one_number_are_those_of_the_books() {
    close("E(1).exp()", std::f64::consts::E);
    close("E(1).sin()", 0.8414709848078965);
    close("E(1).tan()", 1.5574077246549023);
    close("E(1).sinh()", 1.1752011936438014);
    close("E(1).cosh()", 1.5430806348152437);
    close("E(1).tanh()", 0.7615941559557649);
    close("E(0.5).arccos()", std::f64::consts::FRAC_PI_3);
    close("E(1).arctan()", std::f64::consts::FRAC_PI_4);
    close("E(1).arcsinh()", 0.881373587019543);
    close("E(0.5).arctanh()", 0.5493061443340548);
    assert_eq!(one("[E(-3).abs(), E(4).abs()]"), json!([3, 4]));
    assert_eq!(one("E(-2.5).abs()"), json!(2.5));
    assert_eq!(one("[E(1.2).ceil(), E(-1.2).ceil()]"), json!([2.0, -1.0]));
    assert_eq!(one("[E(1.2).floor(), E(-1.2).floor()]"), json!([1.0, -2.0]));
    assert_eq!(one("E(3).floor()"), json!(3));
    assert_eq!(one("E(2).pow(10)"), json!(1024));
}

#[test]
fn lists_are_put_together() {
    assert_eq!(one(r#"F("scores").append(9)"#), json!([3, 1, 2, 9]));
    assert_eq!(one(r#"F("scores").prepend(9)"#), json!([9, 3, 1, 2]));
    assert_eq!(
        one(r#"F("scores").extend([7], [8])"#),
        json!([3, 1, 2, 7, 8])
    );
    assert_eq!(one(r#"F("scores").reverse()"#), json!([2, 1, 3]));
    assert_eq!(one("range(2, 5)"), json!([2, 3, 4]));
    assert_eq!(one("range(3)"), json!([0, 1, 2]));
    assert_eq!(one("range(5, 2)"), json!([]));
}

#[test]
fn text_is_lowered_and_cut_at_its_end() {
    assert_eq!(one(r#"E("ÄB").lower()"#), json!("äb"));
    assert_eq!(one(r#"E("xabx").rstrip("x")"#), json!("xab"));
    assert_eq!(one(r#"E("ab \n").rstrip()"#), json!("ab"));
}

#[test]
fn questions_about_types_and_null_have_an_answer_for_every_value() {
    let null = json!([false, false, false, true, false, false]);
    assert_eq!(value(r#"values(F("rank").is_null())"#), null);
    assert_eq!(value(r#"values(F("rank").is_missing())"#), null);
    let there = json!([true, true, true, false, true, true]);
    assert_eq!(value(r#"values(F("rank").is_number())"#), there);
    assert_eq!(value(r#"values(F("k20").is_string())"#), there);
    assert_eq!(value(r#"values(F("tags").is_array())"#), there);
    assert_eq!(
        one(r#"[F("k20").is_number(), F("rank").is_string(), F("rank").is_array()]"#),
        json!([false, false, false])
    );
    assert_eq!(
        value(r#"values(F("rank").type())"#),
        json!(["int", "int", "int", "null", "int", "int"])
    );
    assert_eq!(
        one(r#"[F("tags").type(), F("metadata").type(), F("uniqueness").type()]"#),
        json!(["array", "object", "double"])
    );
}

#[test]
fn conversions_give_null_for_what_they_cannot_read() {
    assert_eq!(
        one("[E(0).to_bool(), E(2).to_bool()]"),
        json!([false, true])
    );
    assert_eq!(
        one(r#"[E("1.5").to_double(), E("x").to_double()]"#),
        json!([1.5, null])
    );
    assert_eq!(one("E(3).to_double()"), json!(3.0));
}

#[test]
fn a_literal_is_itself_and_cases_choose_by_value() {
    assert_eq!(one(r#"literal("$rank")"#), json!("$rank"));
    assert_eq!(
        value(r#"values(F("k20").cases({"7": "cats", None: "none"}, default="other"))"#),
        json!(["cats", "other", "cats", "none", "other", "cats"])
    );
}

#[test]
fn random_numbers_depend_on_the_seed_and_the_sample_only() {
    let all = |text: &str| -> Vec<f64> {
        let values = value(text);
        values
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    let uniform = all("values(rand(seed=7))");
    assert!(
        uniform.iter().all(|x| (0.0..1.0).contains(x)),
        "{uniform:?}"
    );
    assert_eq!(
        all(r#"sort_by("id", reverse=True).values(rand(seed=7))"#),
        uniform.iter().rev().copied().collect::<Vec<_>>()
    );
    assert_ne!(all("values(rand(seed=8))"), uniform);
    let normal = all("values(randn(seed=7))");
    assert!(normal.iter().any(|x| *x < 0.0), "{normal:?}");
    assert_eq!(normal, all("values(randn(seed=7))"));
}

#[test]
fn the_length_of_a_vector_is_its_norm() {
    assert_eq!(
        value(r#"values(F("embedding").norm())"#),
        json!([
            1.0,
            1.0,
            2f64.sqrt(),
            null,
            0.0,
            (0.25 + f64::from(0.1f32).powi(2)).sqrt()
        ])
    );
}

#[test]
fn samples_are_chosen_by_tags() {
    assert_eq!(rows(r#"match_tags("night")"#), [0, 1, 5]);
    assert_eq!(rows(r#"match_tags(["night", "rain"])"#), [0, 1, 4, 5]);
    assert_eq!(rows(r#"match_tags(["night", "rain"], all=True)"#), [1]);
    assert_eq!(rows(r#"match_tags("night", bool=False)"#), [2, 3, 4]);
}

#[test]
fn a_filtered_field_is_null_where_the_condition_does_not_hold() {
    assert_eq!(rows(r#"filter_field("uniqueness", F() > 0.5)"#), [4, 5]);
    assert_eq!(
        value(r#"filter_field("uniqueness", F() > 0.5, only_matches=False).values("uniqueness")"#),
        json!([null, null, null, null, 0.75, 1.0])
    );
}

#[test]
fn schemas_name_our_types() {
    assert_eq!(value(r#"list_schema("tags")"#), json!("string"));
    assert_eq!(value("schema()")["map"], json!("vector(2)"));
    assert_eq!(mistakes(r#"list_schema("rank")"#).0[0].code, "wrong-type");
}

#[test]
fn explain_names_each_step_with_its_rows() {
    let messier_query::Answer::Text(page) = crate::sample::ask_of(
        &crate::sample::samples(),
        r#"match(F("rank") > 2).limit(2).explain()"#,
    ) else {
        panic!()
    };
    assert!(
        page.contains("3 rows") && page.contains("limit(2)"),
        "{page}"
    );
    assert_eq!(view("first()").len(), 1);
}

#[test]
fn regular_expressions_understand_all_four_options() {
    let text = r#""one\nTwo""#;
    let found =
        |regex: &str, options: &str| one(&format!(r#"E({text}).re_match("{regex}", "{options}")"#));
    assert_eq!(
        [found("^two", "i"), found("^two", "im")],
        [json!(false), json!(true)]
    );
    assert_eq!(
        [found("one.Two", ""), found("one.Two", "s")],
        [json!(false), json!(true)]
    );
    assert_eq!(
        [found("T w o", ""), found("T w o # a word", "x")],
        [json!(false), json!(true)]
    );
}

#[test]
fn a_moment_has_its_parts() {
    assert_eq!(
        value(
            r#"skip(2).limit(1).values([F("created_at").day_of_month(), F("created_at").minute(), F("created_at").second()])"#
        ),
        json!([[14, 13, 20]])
    );
}

#[test]
fn a_date_and_a_number_is_a_date_so_many_milliseconds_later() {
    assert_eq!(
        one(r#"F("created_at") + 1500"#),
        json!("1970-01-01T00:00:01.500Z")
    );
    assert_eq!(
        one(r#"F("shot_on") + timedelta(hours=36)"#),
        json!("1970-01-02T12:00:00.000Z")
    );
}

#[test]
fn samples_are_selected_by_a_saved_view() {
    let views = [("big".to_owned(), r#"match(F("rank") > 2)"#.to_owned())];
    let rows = |text: &str| match crate::sample::try_ask_with(
        &crate::sample::samples(),
        text,
        &[],
        &views,
    ) {
        Ok(messier_query::Answer::View(view)) => view.rows().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows(r#"select(view("big"))"#), [0, 4, 5]);
    assert_eq!(rows(r#"exclude(view("big"))"#), [1, 2, 3]);
    assert_eq!(
        rows(r#"skip(1).concat(view("big").limit(1))"#),
        [1, 2, 3, 4, 5, 0]
    );
}

#[test]
fn a_ring_closes_itself_and_nan_is_outside() {
    let ty = messier_store::FieldType::List(Box::new(messier_store::FieldType::Float));
    let data = crate::sample::table(&[(
        "p",
        ty,
        json!([[1, 1], ["NaN", 1], [1, "NaN"], [3, 1], null, [1]]),
    )]);
    let inside = |polygon: &str| {
        crate::sample::value_of(&data, &format!(r#"values(F("p").within({polygon}))"#))
    };
    let expected = json!([true, false, false, false, false, false]);
    assert_eq!(inside("[[0, 0], [2, 0], [2, 2], [0, 2]]"), expected);
    assert_eq!(inside("[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]"), expected);
    // What a ring encloses twice is outside: even-odd.
    assert_eq!(
        inside("[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0], [2, 0], [2, 2], [0, 2]]")[0],
        json!(false)
    );
    assert_eq!(
        crate::sample::value_of(&data, r#"values(F("p").near([0, 1], 1))"#),
        json!([true, false, false, false, false, false])
    );
}

/// Everything with a name is called somewhere in the tests of meaning: in an example of a rule, not only in its own.
#[test]
fn every_member_has_a_test_of_its_meaning() {
    let tests = [
        include_str!("rules.rs"),
        include_str!("traps.rs"),
        include_str!("edits.rs"),
        include_str!("similarity.rs"),
        include_str!("members.rs"),
    ]
    .concat();
    let untested: Vec<&str> = messier_query::signatures()
        .map(|signature| signature.name)
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .filter(|name| {
            let call = format!("{name}(");
            !tests.match_indices(&call).any(|(at, _)| {
                let before = tests[..at].chars().next_back();
                before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
            })
        })
        .collect();
    assert!(untested.is_empty(), "without a test: {untested:?}");
}
