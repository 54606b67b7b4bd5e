//! Edits: what would be different, and what is left alone. Nothing is ever changed here; a store does that.

use arrow::array::ArrayRef;
use messier_query::{Answer, Change, EditCall, Type, columns};
use messier_store::FieldType;
use serde_json::{Value as Json, json};

use crate::sample::{mistakes, samples, table, try_ask_of, try_ask_with};

fn edit(text: &str) -> EditCall {
    match try_ask_of(&samples(), text) {
        Ok(Answer::Edit(call)) => *call,
        other => panic!("{text} gave {other:?}"),
    }
}

fn codes(text: &str) -> Vec<&'static str> {
    mistakes(text).0.iter().map(|one| one.code).collect()
}

fn listed(array: &ArrayRef, ty: &FieldType) -> Json {
    let ty = Type::from(ty);
    (0..array.len())
        .map(|row| columns::json(array, row, &ty))
        .collect()
}

/// The only column that an edit sets: its name, its type and the values of all samples.
fn set(text: &str) -> (String, FieldType, Json) {
    let Change::Columns { mut set, drop, .. } = edit(text).change else {
        panic!("{text} sets no column")
    };
    assert_eq!((set.len(), drop.len()), (1, 0), "{text}");
    let one = set.remove(0);
    let values = listed(&one.values, &one.field.ty);
    (one.field.name, one.field.ty, values)
}

fn kept(text: &str) -> Vec<usize> {
    match edit(text).change {
        Change::Retain(keep) => keep.set_indices().collect(),
        other => panic!("{text} gave {other:?}"),
    }
}

#[test]
fn save_writes_computed_fields_of_the_views_samples_and_leaves_the_others() {
    let (name, ty, values) =
        set(r#"match(F("rank") > 2).set_field("uniqueness", F("rank") * 10).save()"#);
    assert_eq!((name.as_str(), ty), ("uniqueness", FieldType::Float));
    assert_eq!(values, json!([30.0, 0.25, null, "NaN", 50.0, 30.0]));
    let (_, ty, values) = set(r#"limit(2).set_field("wide", F("metadata.width") > 640).save()"#);
    assert_eq!(ty, FieldType::Bool);
    assert_eq!(values, json!([false, true, null, null, null, null]));
}

#[test]
fn save_takes_the_fields_named_or_all_that_were_computed() {
    let both = r#"set_field("a", 1).set_field("b", 2).save(FIELDS)"#;
    let named = |fields: &str| match edit(&both.replace("FIELDS", fields)).change {
        Change::Columns { named, .. } => named,
        other => panic!("{other:?}"),
    };
    assert_eq!(named(""), ["a", "b"]);
    assert_eq!(named(r#""b""#), ["b"]);
    assert_eq!(named(r#"fields=["b", "a"]"#), ["a", "b"]);
    assert_eq!(named("None"), ["a", "b"]);
    assert_eq!(codes(&both.replace("FIELDS", r#""c""#)), ["unknown-field"]);
}

#[test]
fn save_stores_the_labels_that_a_filter_left() {
    let labels = |text: &str| {
        let (name, ty, values) = set(text);
        assert_eq!(name, "ground_truth");
        assert_eq!(ty, crate::sample::detections());
        let of = |one: &Json| match &one["detections"] {
            Json::Array(list) => list.iter().map(|one| one["label"].clone()).collect(),
            other => other.clone(),
        };
        values.as_array().unwrap().iter().map(of).collect::<Json>()
    };
    // Only the samples of the view are written: the third keeps its bird, though it is not sure.
    assert_eq!(
        labels(r#"filter_labels("ground_truth", F("confidence") > 0.9).save()"#),
        json!([["cat", "cat"], [], ["bird"], null, null, ["Dog", "cat"]])
    );
    assert_eq!(
        labels(
            r#"filter_labels("ground_truth", F("confidence") > 0.9, only_matches=False).save()"#
        ),
        json!([["cat", "cat"], [], [], null, null, ["Dog", "cat"]])
    );
    assert_eq!(
        labels(r#"map_labels("ground_truth", {"Dog": "dog"}).save()"#),
        json!([
            ["cat", "dog", "cat"],
            [],
            ["bird"],
            null,
            null,
            ["dog", "cat"]
        ])
    );
    assert_eq!(
        labels(
            r#"exclude_labels(ids="660000000000000000000004", omit_empty=False, fields="ground_truth").save()"#
        ),
        json!([["cat", "dog", "cat"], [], [], null, null, ["Dog", "cat"]])
    );
}

#[test]
fn a_document_may_get_more_fields_and_other_samples_have_none_there() {
    let (_, ty, values) =
        set(r#"limit(1).set_field("ground_truth.detections.sure", F("confidence") > 0.9).save()"#);
    let sure = |row: usize, at: usize| values[row]["detections"][at]["sure"].clone();
    assert_eq!(
        [sure(0, 0), sure(0, 1), sure(2, 0)],
        [json!(true), json!(false), json!(null)]
    );
    assert!(
        ty.children()[0]
            .ty
            .children()
            .iter()
            .any(|field| field.name == "sure")
    );
    // What is stored already in each document stays.
    assert_eq!(values[5]["detections"][0]["label"], "Dog");
}

#[test]
fn what_does_not_fit_the_stored_type_is_refused() {
    for text in [
        r#"set_field("rank", F("rank") / 2).save()"#,
        r#"set_field("rank", "many").save()"#,
        r#"set_field("predicted", F("metadata")).save()"#,
        r#"set_field("metadata.more", 1).save()"#,
        r#"set_field("map", [1, 2, 3]).save()"#,
        r#"set_field("rank", 9223372036854775807 + F("metadata.width")).save()"#,
        r#"set_field("filepath", None).save()"#,
    ] {
        assert_eq!(codes(text), ["wrong-type"], "{text}");
    }
    let (_, ty, values) = set(r#"set_field("rank", None).save()"#);
    assert_eq!(
        (ty, values),
        (FieldType::Int, json!([null, null, null, null, null, null]))
    );
}

#[test]
fn of_a_sample_that_is_twice_in_the_view_the_last_value_stays() {
    let (_, _, values) =
        set(r#"limit(1).set_field("rank", 8).concat(limit(2).set_field("rank", 9)).save()"#);
    assert_eq!(values, json!([9, 9, 2, null, 5, 3]));
}

#[test]
fn computed_fields_of_saved_views_and_of_groups_put_flat_can_be_saved() {
    let views = [(
        "marked".to_owned(),
        r#"limit(2).set_field("x", 1)"#.to_owned(),
    )];
    let Ok(Answer::Edit(call)) = try_ask_with(&samples(), r#"view("marked").save()"#, &[], &views)
    else {
        panic!()
    };
    assert_eq!(call.view_text, r#"view("marked")"#);
    let (_, _, values) =
        set(r#"group_by("k20").flatten(limit(1)).set_field("first", True).save()"#);
    assert_eq!(values, json!([true, true, null, true, true, null]));
    let (_, _, values) = set(r#"sort_by_similarity([1, 0, 0, 0], k=2, dist_field="d").save()"#);
    assert_eq!((&values[0], &values[1]), (&json!(0.0), &json!(null)));
    let almost = values[5].as_f64().unwrap();
    assert!(
        (almost - (1.0 - 0.5 / 0.26f64.sqrt())).abs() < 1e-6,
        "{values}"
    );
}

#[test]
fn fields_that_the_view_leaves_out_are_not_saved() {
    let text = r#"set_field("a", 1).set_field("b", 2).exclude_fields("a").save()"#;
    assert_eq!(set(text).0, "b");
}

#[test]
fn tags_are_added_at_the_end_once_and_taken_away() {
    let (_, _, values) = set(r#"limit(4).tag_samples(["rain", "new"])"#);
    assert_eq!(
        values,
        json!([
            ["night", "rain", "new"],
            ["night", "rain", "new"],
            ["rain", "new"],
            ["rain", "new"],
            ["rain"],
            ["sun", "night"]
        ])
    );
    let (_, _, values) = set(r#"untag_samples("night")"#);
    assert_eq!(values, json!([[], ["rain"], [], null, ["rain"], ["sun"]]));
}

#[test]
fn labels_are_tagged_all_or_those_that_a_filter_left() {
    let tags = |text: &str| {
        let (_, _, values) = set(text);
        let of = |one: &Json| match &one["detections"] {
            Json::Array(list) => list.iter().map(|one| one["tags"].clone()).collect(),
            other => other.clone(),
        };
        values.as_array().unwrap().iter().map(of).collect::<Json>()
    };
    assert_eq!(
        tags(r#"limit(1).tag_labels("x", "ground_truth")"#),
        json!([[["x"], ["x"], ["x"]], [], [[]], null, null, [[], []]])
    );
    assert_eq!(
        tags(
            r#"filter_labels("ground_truth", F("confidence") < 0.7).tag_labels("x", "ground_truth")"#
        ),
        json!([[[], ["x"], []], [], [["x"]], null, null, [[], []]])
    );
    assert_eq!(
        tags(r#"tag_labels("x", "ground_truth")"#),
        json!([
            [["x"], ["x"], ["x"]],
            [],
            [["x"]],
            null,
            null,
            [["x"], ["x"]]
        ])
    );
    assert_eq!(
        tags(r#"untag_labels(["x", "y"], "ground_truth")"#),
        json!([[[], [], []], [], [[]], null, null, [[], []]])
    );
    // One label a sample, without tags of its own so far.
    let (_, ty, values) =
        set(r#"filter_labels("predicted", F("confidence") > 0.8).tag_labels("x", "predicted")"#);
    assert!(ty.children().iter().any(|field| field.name == "tags"));
    let tags: Vec<&Json> = values
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["tags"])
        .collect();
    assert_eq!(json!(tags), json!([["x"], null, null, null, null, ["x"]]));
}

#[test]
fn values_are_set_in_the_views_order_or_by_key() {
    let (_, ty, values) = set(r#"sort_by("rank").limit(3).set_values("rank", [10, 20, 30])"#);
    assert_eq!(
        (ty, values),
        (FieldType::Int, json!([30, 10, 20, null, 5, 3]))
    );
    let (_, _, values) =
        set(r#"set_values("rank", {"650000000000000000000002": 7, "/data/d.JPG": 8})"#);
    assert_eq!(values, json!([3, 7, 2, 8, 5, 3]));
    let (_, _, values) = set(r#"set_values("rank", {ObjectId("650000000000000000000002"): None})"#);
    assert_eq!(values, json!([3, null, 2, null, 5, 3]));
    let (_, _, values) = set(r#"limit(2).set_values("rank", [None, 4], skip_none=True)"#);
    assert_eq!(values, json!([3, 4, 2, null, 5, 3]));
}

#[test]
fn a_new_field_has_the_type_of_its_values() {
    let (_, ty, values) = set(r#"limit(3).set_values("weather", ["sun", None, "rain"])"#);
    assert_eq!(
        (ty, values),
        (
            FieldType::Text,
            json!(["sun", null, "rain", null, null, null])
        )
    );
    let (_, ty, _) = set(r#"limit(2).set_values("x", [1, 2.5])"#);
    assert_eq!(ty, FieldType::Float);
    let (_, ty, _) = set(r#"limit(2).set_values("x", [[], ["a"]])"#);
    assert_eq!(ty, FieldType::List(Box::new(FieldType::Text)));
    assert_eq!(
        codes(r#"limit(2).set_values("x", [1, "a"])"#),
        ["mixed-list"]
    );
}

#[test]
fn values_take_the_type_that_is_stored() {
    let (_, _, values) = set(r#"limit(1).set_values("uniqueness", [1])"#);
    assert_eq!(values[0], json!(1.0));
    let (_, _, values) = set(r#"limit(2).set_values("shot_on", ["2024-01-31", date(2024, 2, 1)])"#);
    assert_eq!(
        [&values[0], &values[1]],
        [&json!("2024-01-31"), &json!("2024-02-01")]
    );
    let (_, _, values) = set(r#"limit(1).set_values("map", [[1, 2.5]])"#);
    assert_eq!(values[0], json!([1.0, 2.5]));
    let (_, _, values) = set(r#"limit(1).set_values("tags", [["a", "b"]])"#);
    assert_eq!(values[0], json!(["a", "b"]));
    let (_, _, values) = set(
        r#"limit(2).set_values("predicted", [{"label": "owl"}, fo.Classification(label="emu", confidence=1)])"#,
    );
    assert_eq!(
        [&values[0], &values[1]],
        [
            &json!({ "label": "owl", "confidence": null }),
            &json!({ "label": "emu", "confidence": 1.0 })
        ]
    );
}

#[test]
fn a_field_within_a_document_is_set_where_there_is_a_document() {
    let (name, _, values) = set(r#"limit(2).set_values("predicted.label", ["owl", None])"#);
    assert_eq!(name, "predicted");
    assert_eq!(values[0], json!({ "label": "owl", "confidence": 0.9 }));
    assert_eq!(values[1], json!({ "label": null, "confidence": 0.2 }));
    let (_, ty, values) = set(r#"limit(1).set_values("predicted.seen", [True])"#);
    assert_eq!(values[0]["seen"], true);
    assert!(ty.children().iter().any(|field| field.name == "seen"));
    assert_eq!(
        codes(r#"set_values("predicted.label", {"/data/beach/c.jpg": "owl"})"#),
        ["no-document"]
    );
}

#[test]
fn samples_that_are_not_there_are_named_each_with_its_place() {
    let text = r#"limit(2).set_values("rank", {"/data/a.jpg": 1, "/data/d.JPG": 2, "ffffffffffffffffffffffff": 3})"#;
    let found = mistakes(text);
    let places: Vec<&str> = found
        .0
        .iter()
        .map(|one| &text[one.labels[0].start..one.labels[0].end])
        .collect();
    assert_eq!(
        places,
        [r#""/data/d.JPG""#, r#""ffffffffffffffffffffffff""#]
    );
}

#[test]
fn samples_go_that_are_in_the_view_or_that_are_not() {
    assert_eq!(kept(r#"match(F("rank") > 2).keep()"#), [0, 4, 5]);
    assert_eq!(kept(r#"match(F("rank") > 2).clear()"#), [1, 2, 3]);
    assert_eq!(kept("clear()"), [0usize; 0]);
    assert_eq!(
        kept(r#"dataset.delete_samples(["650000000000000000000001", "/data/b.png"])"#),
        [2, 3, 4, 5]
    );
    assert_eq!(
        kept(r#"dataset.delete_samples(match(F("rank") > 2))"#),
        [1, 2, 3]
    );
    assert_eq!(
        codes(r#"delete_samples(["/data/a.jpg", "/nowhere"])"#),
        ["unknown-sample"]
    );
}

#[test]
fn fields_that_the_view_leaves_out_go_also_within_documents() {
    let removed = |text: &str| match edit(text).change {
        Change::Columns { set, drop, named } => (
            set.into_iter().map(|one| one.field).collect::<Vec<_>>(),
            drop,
            named,
        ),
        other => panic!("{other:?}"),
    };
    let (set, drop, named) =
        removed(r#"exclude_fields(["rank", "ground_truth.detections.tags"]).keep_fields()"#);
    assert_eq!(drop, ["rank"]);
    assert_eq!(named, ["ground_truth.detections.tags", "rank"]);
    let left = set[0].ty.children()[0].ty.children();
    assert!(left.iter().all(|field| field.name != "tags") && left.len() == 4);
    let (_, drop, _) = removed(r#"keep_fields(["rank", "k20"])"#);
    assert!(!drop.contains(&"rank".to_owned()) && drop.contains(&"embedding".to_owned()));
    assert!(
        !drop.contains(&"filepath".to_owned()),
        "every sample has it"
    );
    let (_, also, _) = removed(r#"select_fields(["rank", "k20"]).keep_fields()"#);
    assert_eq!(also, drop);
}

#[test]
fn a_view_is_kept_as_text_with_what_is_known_of_it() {
    let view = |text: &str| match edit(text).change {
        Change::View {
            name,
            text,
            description,
            color,
            overwrite,
        } => (name, text, description, color, overwrite),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        view(
            r##"match( rank>2 ).save_view("big", description="d", color="#FF6D04", overwrite=True)"##
        ),
        (
            "big".into(),
            "match(rank > 2)".into(),
            Some("d".into()),
            Some("#ff6d04".into()),
            true
        )
    );
    assert_eq!(view(r#"save_view("all")"#).1, "dataset");
    assert_eq!(
        view(r#"dataset.save_view("big", dataset.limit(2))"#).1,
        "limit(2)"
    );
    assert_eq!(
        view(r#"to_patches("ground_truth").save_view("p")"#).1,
        r#"to_patches("ground_truth")"#
    );
}

#[test]
fn rows_that_are_no_samples_are_not_edited() {
    for call in [
        "tag_samples(\"x\")",
        "keep()",
        "clear()",
        "set_field(\"x\", 1).save()",
        "clone(\"x\")",
    ] {
        for made in [r#"to_patches("ground_truth")"#, r#"group_by("k20")"#] {
            let text = format!("{made}.{call}");
            assert_eq!(codes(&text), ["not-samples"], "{text}");
        }
    }
}

#[test]
fn an_edit_is_the_last_call_and_no_view() {
    assert_eq!(codes(r#"tag_samples("x").limit(3)"#), ["edit-in-middle"]);
    assert_eq!(codes(r#"select(dataset.keep())"#), ["not-a-view"]);
    assert_eq!(codes("limit(3).save()"), ["nothing-to-save"]);
}

#[test]
fn a_dataset_of_one_column_of_text_can_be_edited() {
    let data = table(&[("name", FieldType::Text, json!(["a", "b"]))]);
    let Ok(Answer::Edit(call)) =
        try_ask_of(&data, r#"set_field("name", F("name").upper()).save()"#)
    else {
        panic!()
    };
    let Change::Columns { set, .. } = call.change else {
        panic!()
    };
    assert_eq!(listed(&set[0].values, &set[0].field.ty), json!(["A", "B"]));
}
