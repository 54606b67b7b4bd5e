//! Where another system's own meaning is a trap, ours is the safe one: one test a trap.

use serde_json::json;

use crate::sample::{mistakes, rows, skipped, table, value, value_of, view};

#[test]
fn an_ordered_comparison_with_null_or_nan_is_false() {
    assert_eq!(rows(r#"match(F("uniqueness") < 1.5)"#), [0, 1, 4, 5]);
    assert_eq!(rows(r#"match(F("uniqueness") > -1)"#), [0, 1, 4, 5]);
    assert_eq!(rows(r#"match(~(F("uniqueness") > 0))"#), [2, 3]);
    assert_eq!(rows(r#"match(F("rank") >= F("rank"))"#), [0, 1, 2, 4, 5]);
}

#[test]
fn a_misspelt_field_is_an_error_with_a_suggestion() {
    let mistakes = mistakes(r#"match(F("uniquenes") < 1)"#);
    assert_eq!(mistakes.0[0].code, "unknown-field");
    assert_eq!(mistakes.0[0].candidates[0], "uniqueness");
    let nested = crate::sample::mistakes(r#"match(F("width") < 1)"#);
    assert_eq!(nested.0[0].candidates[0], "metadata.width");
}

#[test]
fn what_cannot_be_computed_is_null_and_counted() {
    assert_eq!(
        value(r#"values(F("rank") / (F("rank") - 3))"#),
        json!([null, -0.5, -2.0, null, 2.5, null])
    );
    assert_eq!(skipped(r#"values(F("rank") / (F("rank") - 3))"#), 2);
    assert_eq!(
        value(r#"values((-F("rank")).ln())"#),
        json!([null, null, null, null, null, null])
    );
    assert_eq!(skipped(r#"values((-F("rank")).ln())"#), 5);
    assert_eq!(
        value(r#"values(F("filepath").to_int())"#),
        json!([null, null, null, null, null, null])
    );
    assert_eq!(skipped(r#"values(F("filepath").to_int())"#), 6);
    assert_eq!(
        value(r#"values(F("k20").switch({F() == "7": 1, F() == "3": 2}))"#),
        json!([1, 2, 1, null, null, 1])
    );
    assert_eq!(
        skipped(r#"values(F("k20").switch({F() == "7": 1, F() == "3": 2}))"#),
        2
    );
    assert_eq!(skipped("match(1 / 0 > 1)"), 6);
}

#[test]
fn what_a_condition_guards_is_not_asked_and_not_counted() {
    assert_eq!(
        skipped(r#"match((F("rank") != 3) & (1 / (F("rank") - 3) > 0))"#),
        0
    );
    assert_eq!(
        skipped(r#"match((F("rank") == 3) | (1 / (F("rank") - 3) > 0))"#),
        0
    );
    assert_eq!(
        skipped(r#"values((F("rank") == 3).if_else(0, 1 / (F("rank") - 3)))"#),
        0
    );
}

#[test]
fn slices_of_empty_lists_are_empty_and_contains_all_of_a_missing_list_is_false() {
    assert_eq!(
        value(r#"values(F("tags")[1:])"#),
        json!([[], ["rain"], [], null, [], ["night"]])
    );
    assert_eq!(
        rows(r#"match(F("tags").contains(["night", "rain"], all=True))"#),
        [1]
    );
    assert_eq!(
        rows(r#"match(~F("tags").contains(["night"], all=True))"#),
        [2, 3, 4]
    );
}

#[test]
fn text_is_counted_in_characters_and_its_case_mapped_in_full() {
    assert_eq!(
        value(r#"match(F("filepath").contains_str("ü")).values(F("filepath").strlen())"#),
        json!([11])
    );
    assert_eq!(
        value(r#"match(F("filepath").contains_str("ü")).values(F("filepath").substr(6, 7))"#),
        json!(["ü"])
    );
    assert_eq!(
        value(r#"match(F("filepath").contains_str("ü")).values(F("filepath").upper())"#),
        json!(["/DATA/Ü.JPG"])
    );
    assert_eq!(
        value(r#"limit(1).values(E("Straße").upper())"#),
        json!(["STRASSE"])
    );
}

#[test]
fn is_in_with_none_matches_missing_values() {
    assert_eq!(rows(r#"match(F("rank").is_in([1, None]))"#), [1, 3]);
    assert_eq!(rows(r#"match(F("k20").is_in(["3", None]))"#), [1, 3]);
    assert_eq!(rows(r#"match(F("rank").is_in([1]))"#), [1]);
}

#[test]
fn sorting_puts_null_and_nan_last_both_ways_and_keeps_ties_in_order() {
    assert_eq!(rows(r#"sort_by("uniqueness")"#), [1, 0, 4, 5, 2, 3]);
    assert_eq!(
        rows(r#"sort_by("uniqueness", reverse=True)"#),
        [5, 4, 0, 1, 2, 3]
    );
    assert_eq!(rows(r#"sort_by("k20")"#), [4, 1, 0, 2, 5, 3]);
    assert_eq!(rows(r#"sort_by("k20", reverse=True)"#), [0, 2, 5, 1, 4, 3]);
    assert_eq!(
        rows(r#"sort_by([("k20", 1), ("uniqueness", -1)])"#),
        [4, 1, 5, 0, 2, 3]
    );
}

#[test]
fn a_sort_and_a_limit_give_the_first_of_the_sort() {
    for n in 0..8 {
        let all = rows(r#"sort_by("uniqueness", reverse=True)"#);
        let top = rows(&format!(
            r#"sort_by("uniqueness", reverse=True).limit({n})"#
        ));
        assert_eq!(top, all[..n.min(6)]);
    }
}

#[test]
fn the_order_of_take_and_shuffle_depends_on_ids_and_seed_only() {
    let ids = |text: &str| view(text).ids().unwrap();
    assert_eq!(
        ids("shuffle(7)"),
        ids("sort_by(\"filepath\", reverse=True).shuffle(7)")
    );
    assert_ne!(ids("shuffle(7)"), ids("shuffle(8)"));
    assert_eq!(ids("take(3, seed=7)"), ids("shuffle(7).limit(3)"));
    assert_eq!(view("take(100)").len(), 6);
    assert_eq!(view("take(-1)").len(), 0);
}

#[test]
fn the_mean_of_nothing_is_null() {
    assert_eq!(value(r#"limit(0).mean("uniqueness")"#), json!(null));
    assert_eq!(value(r#"limit(0).std("uniqueness")"#), json!(null));
    assert_eq!(value(r#"limit(0).sum("uniqueness")"#), json!(0.0));
    assert_eq!(value(r#"limit(0).min("uniqueness")"#), json!(null));
}

#[test]
fn quantiles_are_values_of_the_data() {
    let ty = messier_store::FieldType::Int;
    let data = table(&[("x", ty, json!([10, 20, 30, 40, null]))]);
    assert_eq!(
        value_of(&data, r#"quantiles("x", [0, 0.25, 0.26, 0.5, 1])"#),
        json!([10, 10, 20, 20, 40])
    );
    assert_eq!(value_of(&data, r#"quantiles("x", 0.5)"#), json!(20));
    assert_eq!(
        value_of(&data, r#"limit(0).quantiles("x", 0.5)"#),
        json!(null)
    );
}

#[test]
fn histograms_take_explicit_edges() {
    assert_eq!(
        value(r#"histogram_values("rank", bins=[0, 2, 4])"#),
        json!([[1, 3], [0.0, 2.0, 4.0], 2])
    );
}

#[test]
fn ordered_selections_of_half_a_million_ids_work() {
    let ids = (0..500_000u64).map(|i| {
        let mut id = [0; 12];
        id[4..].copy_from_slice(&i.to_be_bytes());
        id
    });
    let ids = arrow::array::FixedSizeBinaryArray::try_from_iter(ids).unwrap();
    let field = messier_store::Field::new("id", messier_store::FieldType::Id);
    let table = messier_query::Table::new(vec![(field, std::sync::Arc::new(ids))]).unwrap();
    let rows = |text: &str| match crate::sample::ask_of(&table, text) {
        messier_query::Answer::View(view) => view.rows().to_vec(),
        other => panic!("{other:?}"),
    };
    let shuffled = rows("shuffle(7)");
    assert_ne!(shuffled[..3], [0, 1, 2]);
    assert_eq!(rows("select(dataset.shuffle(7), ordered=True)"), shuffled);
}

#[test]
fn unknown_ids_are_left_out_and_counted() {
    let first = "650000000000000000000001";
    let few: Vec<String> = (0..20_000u32).map(|i| format!("\"{i:024x}\"")).collect();
    let text = format!(r#"select([{}, "{first}"], ordered=True)"#, few.join(","));
    let found = view(&text);
    assert_eq!(found.rows(), [0]);
    assert_eq!(found.unknown_ids(), 20_000);
}
