//! The rules of meaning, one test a rule.

use messier_store::FieldType;
use serde_json::json;

use crate::sample::{mistakes, rows, skipped, table, value, value_of, view};

fn codes(text: &str) -> Vec<&'static str> {
    mistakes(text)
        .0
        .iter()
        .map(|mistake| mistake.code)
        .collect()
}

// Types.

#[test]
fn comparing_what_can_never_be_equal_names_both_types_and_a_fix() {
    let one = &mistakes(r#"match(F("metadata.width") == "640")"#).0[0];
    assert!(
        one.message.contains("int") && one.message.contains("string"),
        "{}",
        one.message
    );
    assert!(one.hints[0].contains("640"), "{:?}", one.hints);
    let one = &mistakes(r#"match(F("tags") == "night")"#).0[0];
    assert!(
        one.hints[0].contains(".contains(\"night\")"),
        "{:?}",
        one.hints
    );
    assert_eq!(codes(r#"match(F("filepath") > 3)"#), ["wrong-type"]);
    assert_eq!(codes(r#"match(F("kept") == 1)"#), ["wrong-type"]);
}

#[test]
fn int_and_float_mix_freely() {
    assert_eq!(rows(r#"match(F("rank") == 3.0)"#), [0, 5]);
    assert_eq!(rows(r#"match(F("rank") > 2.5)"#), [0, 4, 5]);
}

#[test]
fn bools_are_numbers_only_in_sums_and_means() {
    assert_eq!(value(r#"sum("kept")"#), json!(3));
    assert_eq!(value(r#"mean("kept")"#), json!(0.6));
    assert_eq!(codes(r#"values(F("kept") + 1)"#), ["wrong-type"]);
}

#[test]
fn ids_compare_with_their_hex_text() {
    assert_eq!(rows(r#"match(F("id") == "650000000000000000000002")"#), [1]);
    assert_eq!(
        rows(r#"match(F("id").is_in(["650000000000000000000002", "650000000000000000000004"]))"#),
        [1, 3]
    );
    assert_eq!(
        rows(r#"match(F("id") == ObjectId("650000000000000000000003"))"#),
        [2]
    );
    assert_eq!(codes(r#"match(F("id") == "abc")"#), ["bad-id"]);
}

#[test]
fn match_true_is_everything_and_chains_of_comparisons_are_pythons() {
    assert_eq!(view("match(True)").len(), 6);
    assert_eq!(view("match(False)").len(), 0);
    assert_eq!(rows(r#"match(1 < F("rank") < 4)"#), [0, 2, 5]);
    assert_eq!(codes(r#"match({"rank": 3})"#).len(), 1);
}

#[test]
fn unknown_keys_of_documents_are_errors_with_suggestions() {
    let one = &mistakes(r#"match(F("metadata.widht") > 3)"#).0[0];
    assert_eq!(one.candidates[0], "width");
}

// Null.

#[test]
fn null_goes_through_arithmetic_text_dates_and_conversions() {
    assert_eq!(
        value(r#"values(F("rank") + 1)"#),
        json!([4, 2, 3, null, 6, 4])
    );
    assert_eq!(skipped(r#"values(F("rank") + 1)"#), 0);
    assert_eq!(
        value(r#"skip(3).limit(1).values(F("k20").upper())"#),
        json!([null])
    );
    assert_eq!(
        value(r#"skip(2).limit(1).values(F("shot_on").year())"#),
        json!([null])
    );
    assert_eq!(
        value(r#"skip(3).limit(1).values(F("rank").to_string())"#),
        json!([null])
    );
    assert_eq!(skipped(r#"values(F("k20").to_int())"#), 0);
}

#[test]
fn equality_with_none_tests_for_null() {
    assert_eq!(rows(r#"match(F("rank") == None)"#), [3]);
    assert_eq!(rows(r#"match(F("rank") != None)"#), [0, 1, 2, 4, 5]);
    assert_eq!(rows(r#"match(None == F("metadata"))"#), [3]);
}

#[test]
fn a_null_and_a_value_are_not_equal_and_nan_equals_nan() {
    assert_eq!(rows(r#"match(F("rank") != 3)"#), [1, 2, 3, 4]);
    assert_eq!(rows(r#"match(F("rank") == 3)"#), [0, 5]);
    assert_eq!(rows(r#"match(F("uniqueness") == float("nan"))"#), [3]);
    assert_eq!(
        rows(r#"match(F("uniqueness") == F("uniqueness"))"#),
        [0, 1, 2, 3, 4, 5]
    );
}

#[test]
fn logic_sees_null_as_false() {
    assert_eq!(rows(r#"match(F("kept"))"#), [0, 3, 5]);
    assert_eq!(rows(r#"match(~F("kept"))"#), [1, 2, 4]);
    assert_eq!(rows(r#"match(F("kept") | (F("rank") == 2))"#), [0, 2, 3, 5]);
    assert_eq!(
        rows(r#"match(any([F("kept"), F("rank") == 2]))"#),
        [0, 2, 3, 5]
    );
    assert_eq!(rows(r#"match(all([F("kept"), F("rank") == 3]))"#), [0, 5]);
    assert_eq!(view("match(any([]))").len(), 0);
    assert_eq!(view("match(all([]))").len(), 6);
}

#[test]
fn questions_about_a_null_list_are_false_and_its_length_is_0() {
    assert_eq!(rows(r#"match(F("tags").contains("night"))"#), [0, 1, 5]);
    assert_eq!(rows(r#"match(F("tags").is_subset(["night"]))"#), [0, 2]);
    assert_eq!(rows(r#"match(F("tags").set_equals([]))"#), [2]);
    assert_eq!(rows(r#"match(E("night").is_in(F("tags")))"#), [0, 1, 5]);
    assert_eq!(
        value(r#"values(F("tags").union(["x"]))"#),
        json!([
            ["night", "x"],
            ["night", "rain", "x"],
            ["x"],
            null,
            ["rain", "x"],
            ["night", "sun", "x"]
        ])
    );
    assert_eq!(
        value(r#"values(F("tags").length())"#),
        json!([1, 2, 0, 0, 1, 2])
    );
}

#[test]
fn exists_is_true_for_nan_and_for_an_empty_list() {
    assert_eq!(rows(r#"exists("uniqueness")"#), [0, 1, 3, 4, 5]);
    assert_eq!(rows(r#"exists("tags")"#), [0, 1, 2, 4, 5]);
    assert_eq!(rows(r#"exists("tags", False)"#), [3]);
    assert_eq!(rows(r#"match(F("metadata.width").exists(False))"#), [3]);
}

// Numbers.

#[test]
fn whole_numbers_stay_whole_and_overflow_into_floats() {
    assert_eq!(value("limit(1).values(E(7) * 3 - 1)"), json!([20]));
    assert_eq!(value("limit(1).values(E(2) ** 10)"), json!([1024]));
    assert_eq!(value("limit(1).values(E(7) / 2)"), json!([3.5]));
    assert_eq!(value("limit(1).values(E(6) / 2)"), json!([3.0]));
    assert_eq!(
        value("limit(1).values(E(9223372036854775807) + 1)"),
        json!([9.223372036854776e18])
    );
    assert_eq!(
        value("limit(1).values(E(2) ** 100)"),
        json!([1.2676506002282294e30])
    );
    assert_eq!(value("limit(1).values(E(2) ** -1)"), json!([0.5]));
}

#[test]
fn the_remainder_has_the_sign_of_the_dividend() {
    assert_eq!(value("limit(1).values(E(-7) % 3)"), json!([-1]));
    assert_eq!(value("limit(1).values(E(7) % -3)"), json!([1]));
    assert_eq!(value("limit(1).values(E(-7.5) % 2)"), json!([-1.5]));
    assert_eq!(value("limit(1).values(E(7) % 0)"), json!([null]));
}

#[test]
fn rounding_is_half_to_even_and_cutting_towards_zero() {
    assert_eq!(
        value("limit(1).values([E(0.5).round(), E(1.5).round(), E(2.5).round(), E(-0.5).round()])"),
        json!([[0.0, 2.0, 2.0, -0.0]])
    );
    assert_eq!(
        value("limit(1).values([E(1250).round(-2), E(1350).round(-2), E(-1299).trunc(-2)])"),
        json!([[1200, 1400, -1200]])
    );
    assert_eq!(
        value("limit(1).values([E(2.34159).round(2), E(-2.349).trunc(2)])"),
        json!([[2.34, -2.34]])
    );
    // A float is what its digits are, not what its shortest text looks like.
    assert_eq!(
        value(
            "limit(1).values([E(1.85).round(1), E(2.675).round(2), E(0.125).round(2), E(0.29).trunc(2), E(-1e-9).trunc(3)])"
        ),
        json!([[1.9, 2.67, 0.12, 0.28, -0.0]])
    );
}

#[test]
fn conversions_read_numbers_as_digits_and_cut_floats() {
    let text =
        |list: &str, call: &str| value(&format!("limit(1).values(E({list}).map(F().{call}()))"));
    assert_eq!(
        text(
            r#"["12", "-3", "+4", " 5", "5 ", "1.5", "", "x"]"#,
            "to_int"
        ),
        json!([[12, -3, 4, null, null, null, null, null]])
    );
    assert_eq!(
        text(r#"["1.5", "-2e3", "7", " 1", "nan", "inf"]"#, "to_double"),
        json!([[1.5, -2000.0, 7.0, null, null, null]])
    );
    assert_eq!(text("[1.9, -1.9, 1e300]", "to_int"), json!([[1, -1, null]]));
    assert_eq!(text("[0.0, 0.5]", "to_bool"), json!([[false, true]]));
    assert_eq!(text("[True, False]", "to_int"), json!([[1, 0]]));
    assert_eq!(text("[1.0, 0.1]", "to_string"), json!([["1.0", "0.1"]]));
}

#[test]
fn roots_and_logarithms_of_what_has_none_are_null() {
    assert_eq!(
        value("limit(1).values([E(-1.0).sqrt(), E(0.0).ln(), E(8.0).log(2), E(100.0).log10()])"),
        json!([[null, null, 3.0, 2.0]])
    );
    assert_eq!(
        value("limit(1).values([E(2.0).arcsin(), E(0.0).cos(), E(0.5).arccosh()])"),
        json!([[null, 1.0, null]])
    );
}

// Lists.

#[test]
fn indices_and_slices_are_pythons_and_beyond_the_end_is_null() {
    assert_eq!(
        value(r#"values(F("scores")[0])"#),
        json!([3, null, null, 5, -1, 7])
    );
    assert_eq!(
        value(r#"values(F("scores")[-1])"#),
        json!([2, null, null, 5, -1, 7])
    );
    assert_eq!(
        value(r#"values(F("scores")[5])"#),
        json!([null, null, null, null, null, null])
    );
    assert_eq!(
        value(
            r#"limit(1).values([F("scores")[1:], F("scores")[:-1], F("scores")[5:], F("scores")[-2:]])"#
        ),
        json!([[[1, 2], [3, 1], [], [1, 2]]])
    );
    assert_eq!(value(r#"limit(1).values(F("embedding")[0])"#), json!([1.0]));
}

#[test]
fn lists_sort_by_value_and_sets_come_out_ascending() {
    assert_eq!(
        value(r#"values(F("scores").sort())"#),
        json!([[1, 2, 3], [], null, [5, 5, null], [-1], [7, 7]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").sort(reverse=True))"#),
        json!([[3, 2, 1]])
    );
    assert_eq!(
        value(r#"values(F("scores").unique())"#),
        json!([[1, 2, 3], [], null, [5, null], [-1], [7]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").union([9, 0]))"#),
        json!([[0, 1, 2, 3, 9]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").intersection([3, 2, 8]))"#),
        json!([[2, 3]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").difference([3]))"#),
        json!([[1, 2]])
    );
    assert_eq!(
        value(r#"limit(1).values(E([10, 9, 100]).sort())"#),
        json!([[9, 10, 100]])
    );
}

#[test]
fn insert_works_at_both_ends_and_on_an_empty_list() {
    assert_eq!(
        value(r#"values(F("scores").insert(1, 0))"#),
        json!([[3, 0, 1, 2], [0], null, [5, 0, null, 5], [-1, 0], [7, 0, 7]])
    );
    assert_eq!(
        value(
            r#"limit(1).values([F("scores").insert(-1, 0), F("scores").insert(99, 0), F("scores").insert(-99, 0)])"#
        ),
        json!([[[3, 1, 0, 2], [3, 1, 2, 0], [0, 3, 1, 2]]])
    );
}

#[test]
fn aggregations_unwind_all_levels_of_lists() {
    assert_eq!(
        value(r#"count(F("ground_truth.detections.bounding_box"))"#),
        json!(24)
    );
    assert_eq!(value(r#"sum("scores")"#), json!(29));
    assert_eq!(value(r#"count("scores")"#), json!(8));
}

#[test]
fn expressions_over_lists_see_the_element_the_root_and_the_accumulator() {
    assert_eq!(
        rows(r#"match(F("ground_truth.detections").filter(F("confidence") > 0.9).length() >= 2)"#),
        [0, 5]
    );
    assert_eq!(
        value(r#"values(F("scores").filter(F() >= F("$rank")))"#),
        json!([[3], [], null, [], [], [7, 7]])
    );
    assert_eq!(
        value(r#"values(F("scores").map(F() * F("$rank")))"#),
        json!([[9, 3, 6], [], null, [null, null, null], [-5], [21, 21]])
    );
    assert_eq!(
        value(r#"values(F("scores").reduce(VALUE + F()))"#),
        json!([6, 0, null, null, -1, 14])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").reduce(VALUE + F() / 2, init_val=10))"#),
        json!([13.0])
    );
    assert_eq!(
        value(r#"limit(1).values(F("tags").reduce(VALUE.concat(F()), ""))"#),
        json!(["night"])
    );
    assert_eq!(
        value(r#"limit(1).values(F("ground_truth.detections").sort("confidence")[0]("label"))"#),
        json!(["dog"])
    );
}

#[test]
fn lists_are_summed_up_without_their_nulls() {
    assert_eq!(
        value(r#"values(F("scores").max())"#),
        json!([3, null, null, 5, -1, 7])
    );
    assert_eq!(
        value(r#"values(F("scores").sum())"#),
        json!([6, 0, null, 10, -1, 14])
    );
    assert_eq!(
        value(r#"values(F("scores").mean())"#),
        json!([2.0, null, null, 5.0, -1.0, 7.0])
    );
    assert_eq!(
        value(r#"limit(1).values(F("scores").std(sample=True))"#),
        json!([1.0])
    );
    assert_eq!(
        value(r#"values(F("rank").max(2))"#),
        json!([3, 2, 2, 2, 5, 3])
    );
}

// Text.

#[test]
fn parts_of_text_are_pythons_slices() {
    assert_eq!(
        value(
            r#"limit(1).values([F("filepath").substr(-5), F("filepath").substr(1, 5), F("filepath").substr(6, count=1), F("filepath").substr(50)])"#
        ),
        json!([["a.jpg", "data", "a", ""]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("filepath").split("/"))"#),
        json!([["", "data", "a.jpg"]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("filepath").rsplit("/", 1))"#),
        json!([["/data", "a.jpg"]])
    );
    assert_eq!(
        value(
            r#"limit(1).values([E("  x ").strip(), E("xxabxx").strip("x"), E("  x ").lstrip(), E("a-b-c").replace("-", "+")])"#
        ),
        json!([["x", "ab", "x ", "a+b+c"]])
    );
    assert_eq!(
        value(r#"limit(1).values(F("k20").concat("-", F("filepath")))"#),
        json!(["7-/data/a.jpg"])
    );
}

#[test]
fn matching_takes_one_text_or_several_and_minds_case_unless_told() {
    assert_eq!(
        rows(r#"match(F("filepath").ends_with(".jpg"))"#),
        [0, 2, 4, 5]
    );
    assert_eq!(
        rows(r#"match(F("filepath").ends_with([".jpg", ".png"], case_sensitive=False))"#),
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!(rows(r#"match(F("k20").matches_str(["3", "-1"]))"#), [1, 4]);
    assert_eq!(
        rows(r#"match(F("filepath").starts_with("/data/b"))"#),
        [1, 2]
    );
    assert_eq!(rows(r#"match(F("filepath").contains_str("beach"))"#), [2]);
}

#[test]
fn regular_expressions_match_anywhere_and_understand_options() {
    assert_eq!(rows(r#"match(F("filepath").re_match("IMG_\\d+"))"#), [4]);
    assert_eq!(rows(r#"match(F("filepath").re_match("img_", "i"))"#), [4]);
    assert_eq!(
        rows(r#"match(F("filepath").re_match("^/data/.[.]"))"#),
        [0, 1, 3, 5]
    );
    assert_eq!(
        codes(r#"match(F("filepath").re_match("("))"#),
        ["wrong-type"]
    );
}

// Dates.

#[test]
fn dates_have_parts_and_differences_in_utc() {
    let one = "limit(1).skip(0)";
    assert_eq!(
        value(&format!(
            "{one}.values([F(\"created_at\").year(), F(\"created_at\").day_of_week(), F(\"created_at\").week(), F(\"created_at\").day_of_year()])"
        )),
        json!([[1970, 5, 0, 1]])
    );
    assert_eq!(
        value(
            r#"skip(2).limit(1).values([F("created_at").millisecond(), F("created_at").hour(), F("created_at").month(), F("created_at").week()])"#
        ),
        json!([[123, 22, 11, 46]])
    );
    assert_eq!(
        value(r#"values(F("last_modified_at") - F("created_at"))"#),
        json!([10, 0, 1, 0, 0, null])
    );
    assert_eq!(
        value(r#"limit(1).values(F("created_at") + timedelta(days=1, hours=2))"#),
        json!(["1970-01-02T02:00:00.000Z"])
    );
    assert_eq!(rows(r#"match(F("created_at") >= "2023-11-14")"#), [2, 3]);
    assert_eq!(
        rows(r#"match(F("created_at") < datetime(1970, 1, 2))"#),
        [0, 4, 5]
    );
    assert_eq!(rows(r#"match(F("shot_on") > date(2020, 1, 1))"#), [3, 4]);
    assert_eq!(
        value(
            r#"limit(1).values([E("2026-11-23T10:00:00Z").to_date(), E("2026-11-23").to_date(), E(5).to_date(), E("soon").to_date()])"#
        ),
        json!([[
            "2026-11-23T10:00:00.000Z",
            "2026-11-23T00:00:00.000Z",
            "1970-01-01T00:00:00.005Z",
            null
        ]])
    );
}

// Stages.

#[test]
fn limits_and_skips_beyond_the_ends_are_empty_or_nothing() {
    assert_eq!(view("limit(0)").len(), 0);
    assert_eq!(view("limit(-3)").len(), 0);
    assert_eq!(view("skip(99)").len(), 0);
    assert_eq!(view("skip(-3)").len(), 6);
    assert_eq!(view("limit(99)").len(), 6);
    assert_eq!(rows("dataset[1:3]"), [1, 2]);
    assert_eq!(rows("dataset[-2:]"), [4, 5]);
    assert_eq!(view("dataset[4:2]").len(), 0);
}

#[test]
fn stage_objects_and_the_names_of_pasted_code_are_understood() {
    assert_eq!(view(r#"group_by("k20").flatten(fo.Limit(1))"#).len(), 4);
    assert_eq!(rows(r#"dataset.match(fo.ViewField("rank") == 5)"#), [4]);
    assert_eq!(rows(r#"view.match(VF("rank") == 5)"#), [4]);
}

#[test]
fn select_keeps_the_views_order_unless_ordered() {
    let three = r#""650000000000000000000003""#;
    let one = r#""650000000000000000000001""#;
    assert_eq!(rows(&format!("select([{three}, {one}, {three}])")), [0, 2]);
    assert_eq!(
        rows(&format!("select([{three}, {one}, {three}], ordered=True)")),
        [2, 0]
    );
    assert_eq!(rows(&format!("exclude([{three}, {one}])")), [1, 3, 4, 5]);
    assert_eq!(rows(r#"select("/data/b.png")"#), [1]);
    assert_eq!(rows("select(dataset.skip(4))"), [4, 5]);
    let unknown = view(r#"select(["ffffffffffffffffffffffff", "/nowhere.jpg", "/data/a.jpg"])"#);
    assert_eq!((unknown.len(), unknown.unknown_ids()), (1, 2));
}

#[test]
fn sort_by_refuses_lists_and_documents_with_a_hint() {
    assert!(mistakes(r#"sort_by("tags")"#).0[0].hints[0].contains(".length()"));
    assert_eq!(codes(r#"sort_by("metadata")"#), ["wrong-type"]);
}

#[test]
fn computed_fields_have_the_type_of_their_expression() {
    let wide = view(r#"set_field("wide", F("metadata.width") > 640).match(F("wide"))"#);
    assert_eq!(wide.rows(), [1, 4, 5]);
    assert_eq!(wide.schema().field("wide").unwrap().ty, FieldType::Bool);
    assert_eq!(
        value(r#"set_field("metadata.width", F("height") + 1).values("metadata.width")"#),
        json!([481, 721, 321, null, 501, 481])
    );
    assert_eq!(
        value(
            r#"set_field("ground_truth.detections.sure", F("confidence") > 0.9).values("ground_truth.detections.sure")"#
        ),
        json!([[true, false, true], [], [false], null, null, [true, true]])
    );
    assert_eq!(
        value(r#"map_values("k20", {"7": "cats", None: "none"}).values("k20")"#),
        json!(["cats", "3", "cats", "none", "-1", "cats"])
    );
}

#[test]
fn filter_labels_keeps_samples_with_matches_or_all() {
    let labels = r#"values("ground_truth.detections.label")"#;
    assert_eq!(
        value(&format!(
            r#"filter_labels("ground_truth", F("confidence") > 0.9).{labels}"#
        )),
        json!([["cat", "cat"], ["Dog", "cat"]])
    );
    assert_eq!(
        value(&format!(
            r#"filter_labels("ground_truth", F("confidence") > 0.9, only_matches=False).{labels}"#
        )),
        json!([["cat", "cat"], [], [], null, null, ["Dog", "cat"]])
    );
    assert_eq!(
        rows(r#"filter_labels("predicted", F("confidence") > 0.4)"#),
        [0, 4, 5]
    );
}

#[test]
fn match_labels_chooses_samples_and_leaves_labels_whole() {
    assert_eq!(rows(r#"match_labels(filter=F("label") == "dog")"#), [0, 1]);
    assert_eq!(
        rows(r#"match_labels(filter=F("label") == "dog", fields="ground_truth")"#),
        [0]
    );
    assert_eq!(
        rows(r#"match_labels(filter=F("label") == "dog", bool=False)"#),
        [2, 3, 4, 5]
    );
    assert_eq!(
        value(
            r#"match_labels(filter=F("label") == "dog", fields="ground_truth").count("ground_truth.detections")"#
        ),
        json!(3)
    );
}

#[test]
fn labels_are_renamed_cut_and_chosen_by_id() {
    assert_eq!(
        value(
            r#"map_labels("ground_truth", {"Dog": "dog"}).count_values("ground_truth.detections.label")"#
        ),
        json!({ "cat": 3, "dog": 2, "bird": 1 })
    );
    assert_eq!(
        value(r#"limit_labels("ground_truth", 1).values("ground_truth.detections.label")"#),
        json!([["cat"], [], ["bird"], null, null, ["Dog"]])
    );
    assert_eq!(
        rows(r#"select_labels(ids="660000000000000000000004", fields="ground_truth")"#),
        [2]
    );
    assert_eq!(
        value(
            r#"exclude_labels(ids="660000000000000000000004", omit_empty=False).count("ground_truth.detections")"#
        ),
        json!(5)
    );
}

#[test]
fn groups_come_in_order_of_value_with_nulls_last() {
    assert_eq!(rows(r#"group_by("k20")"#), [4, 1, 0, 3]);
    assert_eq!(
        rows(r#"group_by("k20", order_by="uniqueness", reverse=True)"#),
        [4, 1, 5, 3]
    );
    assert_eq!(rows(r#"group_by("k20", flat=True)"#), [4, 1, 0, 2, 5, 3]);
    assert_eq!(
        rows(r#"group_by("k20", flat=True, match_expr=F().length() > 1)"#),
        [0, 2, 5]
    );
    assert_eq!(
        rows(r#"group_by("k20", flat=True, sort_expr=F().length(), reverse=True)"#),
        [0, 2, 5, 4, 1, 3]
    );
    assert_eq!(
        rows(r#"group_by("k20", flat=True, match_expr=F("rank").max() > 3)"#),
        [4]
    );
    assert_eq!(
        rows(r#"group_by("k20").match(F("k20") == "7").flatten()"#),
        [0, 2, 5]
    );
    assert_eq!(
        rows(r#"group_by("k20").flatten(limit(2))"#),
        [4, 1, 0, 2, 3]
    );
}

#[test]
fn patches_are_one_row_a_label_with_an_id_of_their_own() {
    let patches = view(r#"to_patches("ground_truth")"#);
    assert_eq!(patches.len(), 6);
    let first = patches.sample_json(0).unwrap();
    assert_eq!(first["id"], "660000000000000000000001");
    assert_eq!(first["sample_id"], "650000000000000000000001");
    assert_eq!(first["ground_truth"]["label"], "cat");
    assert_eq!(first["tags"], json!(["night"]));
    assert!(!patches.is_of_samples());
    assert_eq!(
        value(r#"to_patches("ground_truth").match(F("ground_truth.label") == "cat").count()"#),
        json!(3)
    );
}

#[test]
fn a_view_may_be_added_to_another_and_duplicates_stay() {
    assert_eq!(rows(r#"limit(2).concat(dataset.limit(1))"#), [0, 1, 0]);
    assert_eq!(
        rows(r#"select_by("k20", ["3", "7"], ordered=True)"#),
        [1, 0, 2, 5]
    );
    assert_eq!(rows(r#"exclude_by("k20", ["3", "7"])"#), [3, 4]);
}

// Aggregations.

#[test]
fn counts_are_of_samples_or_of_values_that_are_not_null() {
    assert_eq!(value("count()"), json!(6));
    assert_eq!(value(r#"count("uniqueness")"#), json!(5));
    assert_eq!(value(r#"count("uniqueness", safe=True)"#), json!(4));
    assert_eq!(value(r#"count("tags")"#), json!(6));
}

#[test]
fn counts_of_values_have_null_and_nan_as_keys_and_fall() {
    let counts = value(r#"count_values("uniqueness")"#);
    assert_eq!(
        counts,
        json!({ "0.25": 1, "0.5": 1, "0.75": 1, "1.0": 1, "NaN": 1, "null": 1 })
    );
    let keys: Vec<String> = value(r#"count_values("k20")"#)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["7", "-1", "3", "null"]);
    assert_eq!(
        value(r#"count_values("tags")"#),
        json!({ "night": 3, "rain": 2, "sun": 1 })
    );
}

#[test]
fn distinct_values_ascend_without_null() {
    assert_eq!(value(r#"distinct("rank")"#), json!([1, 2, 3, 5]));
    assert_eq!(
        value(r#"distinct("tags")"#),
        json!(["night", "rain", "sun"])
    );
    assert_eq!(
        value(r#"distinct("uniqueness")"#),
        json!([0.25, 0.5, 0.75, 1.0, "NaN"])
    );
}

#[test]
fn bounds_leave_null_out_and_nan_in_unless_safe() {
    assert_eq!(value(r#"bounds("rank")"#), json!([1, 5]));
    assert_eq!(value(r#"bounds("uniqueness")"#), json!(["NaN", "NaN"]));
    assert_eq!(
        value(r#"bounds("uniqueness", safe=True)"#),
        json!([0.25, 1.0])
    );
    assert_eq!(value(r#"bounds("k20")"#), json!(["-1", "7"]));
    assert_eq!(value(r#"mean("uniqueness")"#), json!("NaN"));
    assert_eq!(value(r#"mean("uniqueness", safe=True)"#), json!(0.625));
}

#[test]
fn the_standard_deviation_is_numpys() {
    let data = table(&[("x", FieldType::Float, json!([1.0, 2.0, 3.0, 4.0, null]))]);
    assert_eq!(value_of(&data, r#"std("x")"#), json!(1.118033988749895));
    assert_eq!(
        value_of(&data, r#"std("x", sample=True)"#),
        json!(1.2909944487358056)
    );
}

#[test]
fn histograms_are_closed_left_and_open_right_and_lose_nothing() {
    let data = table(&[(
        "x",
        FieldType::Float,
        json!([0.0, 1.0, 2.0, 4.0, null, "NaN", "Infinity"]),
    )]);
    assert_eq!(
        value_of(&data, r#"histogram_values("x", bins=2, range=[0, 2])"#),
        json!([[1, 1], [0.0, 1.0, 2.0], 5])
    );
    let all = value_of(&data, r#"histogram_values("x", bins=4)"#);
    assert_eq!(all[0], json!([2, 1, 0, 1]));
    assert_eq!(all[1][4], json!(4.000001));
    assert_eq!(all[2], json!(3));
}

#[test]
fn values_keep_nulls_and_nesting_unless_unwound() {
    assert_eq!(
        value(r#"values("tags")"#),
        json!([
            ["night"],
            ["night", "rain"],
            [],
            null,
            ["rain"],
            ["sun", "night"]
        ])
    );
    assert_eq!(
        value(r#"values("tags", unwind=True)"#),
        json!(["night", "night", "rain", "rain", "sun", "night"])
    );
    assert_eq!(
        value(r#"limit(2).values(["rank", "k20"])"#),
        json!([[3, 1], ["7", "3"]])
    );
    assert_eq!(
        value(r#"aggregate([count(), fo.Sum("rank"), distinct("kept")])"#),
        json!([6, 14, [false, true]])
    );
}

// Geometry and vectors.

#[test]
fn a_point_on_an_edge_or_a_corner_is_inside_and_nan_is_outside() {
    assert_eq!(
        rows(r#"match(F("map").within([[0, 0], [4, 0], [4, 3], [0, 3]]))"#),
        [0, 1, 2]
    );
    assert_eq!(
        rows(r#"match(F("map").within([[0, 0], [2, 2], [0, 2], [0, 0]]))"#),
        [0, 1]
    );
    assert_eq!(
        codes(r#"match(F("map").within([[0, 0], [1, 1], [0, 0]]))"#),
        ["wrong-type"]
    );
    assert_eq!(rows(r#"match(F("map").near([0, 0], 1))"#), [0, 5]);
}

#[test]
fn a_vector_counts_as_one_value() {
    assert_eq!(value(r#"count("embedding")"#), json!(5));
    assert_eq!(value(r#"exists("embedding").count()"#), json!(5));
}

#[test]
fn vectors_are_measured() {
    assert_eq!(
        value(r#"values(F("embedding").dot([1, 2, 0, 0]))"#),
        json!([1.0, 2.0, 3.0, null, 0.0, 0.7000000029802322])
    );
    assert_eq!(
        value(r#"limit(2).values(F("embedding").cosine_distance([1, 0, 0, 0]))"#),
        json!([0.0, 1.0])
    );
    assert_eq!(
        skipped(r#"values(F("embedding").cosine_distance([1, 0, 0, 0]))"#),
        1
    );
    assert_eq!(
        value(r#"skip(2).limit(1).values(F("map").euclidean_distance([2, 0]))"#),
        json!([1.5])
    );
}

// Answers.

#[test]
fn a_sample_is_json_without_vectors_unless_they_are_selected() {
    let sample = view(r#"skip(3).limit(1)"#).sample_json(0).unwrap();
    assert_eq!(sample["uniqueness"], "NaN");
    assert_eq!(sample["id"], "650000000000000000000004");
    assert_eq!(sample["created_at"], "2023-11-14T22:13:20.123Z");
    assert_eq!(sample["metadata"], json!(null));
    assert!(sample.get("embedding").is_none());
    let sample = view(r#"select_fields("embedding")"#)
        .sample_json(5)
        .unwrap();
    assert_eq!(sample["embedding"], json!([0.5, 0.1, 0.0, 0.0]));
    assert!(sample.get("k20").is_none());
    assert!(view("limit(1)").sample_json(1).is_err());
}

#[test]
fn one_needs_exactly_one_and_head_gives_a_view() {
    assert_eq!(view(r#"one(F("rank") == 5)"#).len(), 1);
    assert_eq!(view("head()").len(), 3);
    assert_eq!(view("limit(0).first()").len(), 0);
    assert_eq!(
        value(r#"limit(1).ids()"#),
        json!(["650000000000000000000001"])
    );
}

#[test]
fn let_in_takes_the_value_written_again_as_well_as_f() {
    let same = |a: &str, b: &str| {
        assert_eq!(
            value(&format!("values({a})")),
            value(&format!("values({b})"))
        )
    };
    same(
        r#"F("rank").let_in((F("rank") > 1) & (F("rank") < 5))"#,
        r#"(F("rank") > 1) & (F("rank") < 5)"#,
    );
    same(
        r#"F("rank").let_in(F("rank") * F("metadata.width") + F())"#,
        r#"F("rank") * F("metadata.width") + F("rank")"#,
    );
    same(
        r#"F("metadata").let_in(F("width") * F("metadata").apply(F("height")))"#,
        r#"F("metadata.width") * F("metadata.height")"#,
    );
}

#[test]
fn zip_goes_as_far_as_the_shortest_or_the_longest() {
    let zip = |more: &str| {
        value(&format!(
            "limit(1).values(zip(E([1, 2, 3]), E([4, 5]){more}))"
        ))
    };
    assert_eq!(zip(""), json!([[[1, 4], [2, 5]]]));
    assert_eq!(
        zip(", use_longest=True"),
        json!([[[1, 4], [2, 5], [3, null]]])
    );
    assert_eq!(
        zip(", use_longest=True, defaults=[0, 9]"),
        json!([[[1, 4], [2, 5], [3, 9]]])
    );
    assert_eq!(
        value(
            r#"values(zip(F("scores"), F("tags").map(F().strlen()), use_longest=True, defaults=[F("$rank"), -1]))"#
        ),
        json!([
            [[3, 5], [1, -1], [2, -1]],
            [[1, 5], [1, 4]],
            null,
            null,
            [[-1, 4]],
            [[7, 3], [7, 5]]
        ])
    );
    for text in [
        r#"values(zip(F("scores"), F("scores"), defaults=[0, 0]))"#,
        r#"values(zip(F("scores"), F("scores"), use_longest=True, defaults=[0]))"#,
        r#"values(zip(F("scores"), F("scores"), use_longest=True, defaults=3))"#,
        r#"values(zip(F("scores"), F("tags")))"#,
        r#"values(zip(F("scores"), F("scores"), use_longest=True, defaults=["a", 1]))"#,
        r#"values(zip(F("rank"), F("scores")))"#,
    ] {
        assert_eq!(codes(text).len(), 1, "{text}");
    }
}

#[test]
fn set_field_of_a_document_reads_the_document_or_what_is_outside() {
    let text = |relative: &str| {
        format!(
            r#"limit(1).values(F("ground_truth.detections").map(F("bounding_box").apply(F("$metadata").set_field("width", F().length(){relative})))("width"))"#
        )
    };
    // Inside, `F()` is the metadata, which has no length; outside it is the bounding box.
    assert_eq!(codes(&text("")), ["wrong-type"]);
    assert_eq!(value(&text(", relative=False")), json!([[4, 4, 4]]));
    assert_eq!(
        value(r#"limit(1).values(F("metadata").set_field("width", F("height") + 1)("width"))"#),
        json!([481])
    );
    assert_eq!(
        value(
            r#"limit(1).values(F("metadata").set_field("width", F("rank"), relative=False)("width"))"#
        ),
        json!([3])
    );
}

#[test]
fn a_list_of_truth_values_chooses_by_position() {
    assert_eq!(
        rows("select([True, False, True, False, False, True])"),
        [0, 2, 5]
    );
    assert_eq!(
        rows("exclude([True, False, True, False, False, True])"),
        [1, 3, 4]
    );
    assert_eq!(rows("skip(4).select([False, True])"), [5]);
    assert_eq!(
        rows(r#"sort_by("rank").limit(2).select([True, True], ordered=True)"#),
        [1, 2]
    );
    assert_eq!(codes("select([True, False])"), ["wrong-length"]);
    assert_eq!(view("select([])").len(), 0);
}

#[test]
fn options_of_functions_may_come_from_fields() {
    assert_eq!(
        value(r#"values(F("filepath").substr(F("rank"), count=2))"#),
        json!(["ta", "da", "at", null, "/I", "ta"])
    );
    assert_eq!(
        value(r#"values(F("k20").replace(F("k20"), F("filepath").substr(-3)))"#),
        json!(["jpg", "png", "jpg", null, "jpg", "jpg"])
    );
    assert_eq!(
        value(r#"values((F("metadata.width") / 7).round(F("rank") - 3))"#),
        json!([91.0, 200.0, 50.0, null, 285.71, 92.0])
    );
    assert_eq!(
        value(r#"values(F("tags").join(F("k20")))"#),
        json!(["night", "night3rain", "", null, "rain", "sun7night"])
    );
    assert_eq!(
        value(
            r#"values(F("filepath").split(F("k20").if_null("/"), maxsplit=F("rank").if_null(1)))"#
        )[3],
        json!(["", "data/d.JPG"])
    );
    assert_eq!(
        value(r#"limit(2).values(enumerate(F("tags"), start=F("rank")))"#),
        json!([
            [{ "index": 3, "value": "night" }],
            [{ "index": 1, "value": "night" }, { "index": 2, "value": "rain" }]
        ])
    );
    // A delimiter without a character, where it comes from a field, gives null and is counted.
    let empty = r#"values(F("filepath").split(F("k20").map_values({"7": ""})))"#;
    assert_eq!(skipped(empty), 3);
    assert_eq!(
        codes(r#"values(F("filepath").substr(F("k20")))"#),
        ["bad-argument"]
    );
    assert_eq!(
        codes(r#"values(F("rank").round(F("uniqueness")))"#),
        ["bad-argument"]
    );
}
