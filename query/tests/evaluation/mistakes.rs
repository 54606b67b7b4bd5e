//! Wrong inputs and what they are told: a snapshot, so that a change of wording is reviewed like a change of code.

use std::fmt::Write;

use crate::sample::{samples, try_ask_with};

/// One wrong query a line.
const WRONG: &str = r##"
match(F("uniquenes") > 0.5)
match(F("width") > 640)
match(F("metadata.widht") > 640)
match(F("rank.x") > 640)
match(F("metadata.width") == "640")
match(F("filepath") > 3)
match(F("tags") == "night")
match(F("kept") == 1)
match(F("kept") == "true")
match(F("created_at") > 5)
match(F("created_at") > "soon")
match(F("id") == "abc")
match(F("ground_truth") == "cat")
match(F("predicted") == "cat")
match(F("rank") < None)
match(F("tags") < F("tags"))
match("rank" in F("filepath"))
match(F("rank"))
match(F("filepath"))
match(F("tags"))
match(F("metadata"))
match({"rank": {"$gt": 3}})
match({"rank": 3})
match(~F("rank") == 3)
match((F("rank") == 1) & F("rank"))
match(F("rank").is_in(["1", "2"]))
match(F("k20").is_in([1, 2]))
match(F("rank").contains(3))
match(F("filepath").contains("beach"))
match(F("tags").contains(3))
match(F("rank").starts_with("1"))
match(F("filepath").starts_with(3))
match(F("filepath").re_match("("))
match(F("filepath").re_match("a", options="q"))
match(F("filepath").startswith("a"))
match(F("filepath").lenght() > 3)
match(F("rank").length() > 3)
match(F("rank").filter(F() > 3))
match(F("scores").filter(F() + 1))
match(F("scores").filter(F("x") > 3))
match(F("scores").filter(F("rank") > 3))
match(VALUE > 3)
match(F() > 3)
match([1, "a"] == F("scores"))
values(F("filepath") + "x")
values(F("tags") + ["x"])
values(F("filepath") * 2)
values(F("filepath").abs())
values(F("rank").round("x"))
values(F("rank").round(2.5))
values(F("rank").round(place=1, digits=2))
values(F("rank").round(1, 2))
values(F("rank").round(1, place=2))
values(F("rank").log())
values(F("kept").if_else(1, "x"))
values(F("rank").if_else(1, 2))
values(F("rank").if_null("x"))
values(F("k20").cases(["7"]))
values(F("k20").cases({7: "cats"}))
values(F("k20").map_values({"7": 3}))
values(F("rank").year())
values(F("rank").upper())
values(F("scores").join(","))
values(F("scores").extend(3))
values(F("scores").union(["x"]))
values(F("map").within([[0, 0], [1, 1]]))
values(F("embedding").within([[0, 0], [1, 1], [0, 1]]))
values(F("embedding").dot([1, 2]))
sort_by("tags")
sort_by("metadata")
sort_by("uniquenes")
sort_by([("rank", 1, 2)])
limit("ten")
limit()
limit(1, 2)
skip(n=3)
select(3)
match_tags(3)
match_tag("night")
where(F("rank") > 3)
order_by("rank")
geo_near([0, 0])
to_frames()
sort_by_similarity("a dog")
sort_by_similarity("ffffffffffffffffffffffff")
sort_by_similarity("650000000000000000000004")
sort_by_similarity([1, 2], index="embedding")
sort_by_similarity("/data/a.jpg", index="rank")
sort_by_similarity("/data/a.jpg", index="embeding")
sort_by_similarity([], index="map")
sort_by_similarity(True)
sort_by_similarity("/data/a.jpg", k=-1)
sort_by_similarity("/data/a.jpg", dist_field="k20")
sort_by_similarity("/data/a.jpg", dist_field="a.b")
to_patches("ground_truth").sort_by_similarity("/data/a.jpg")
limit(3).save()
dataset.save()
match(F("rank") > 1).save("rank")
set_field("x", 1).save("y")
set_field("metadata.more", 1).save()
set_field("predicted.sure", True).save("predicted.sure")
set_field("rank", F("rank") / 2).save()
set_field("rank", "many").save()
set_field("uniqueness", "much").save()
set_field("k20", F("rank")).save()
set_field("kept", 1).save()
set_field("created", None).save()
set_field("predicted", F("metadata")).save()
set_field("map", [1, 2, 3]).save()
set_field("rank", 9223372036854775807 + F("metadata.width")).save()
set_field("filepath", None).save()
set_field("x", 1).save().limit(3)
set_field("x", 1).save(3)
set_field("x", 1).save(feilds="x")
save(
save.fields("x")
to_patches("ground_truth").tag_samples("x")
group_by("k20").tag_samples("x")
group_by("k20").keep()
to_patches("ground_truth").filter_labels("ground_truth", F("confidence") > 0.5).save()
tag_samples()
tag_samples("")
tag_samples([])
tag_samples(3)
tag_samples("a", "b")
untag_samples(["a", ""])
tag_labels("x", "rank")
tag_labels("")
filter_labels("predicted", F("confidence") > 0.5).tag_labels("x", "predictd")
set_values("rank", [1, 2])
set_values("rank", [1, 2, 3, 4, 5, "six"])
set_values("rank", [1, 2, 3, 4, 5, 6.5])
set_values("rank", {"/data/nowhere.jpg": 1})
set_values("rank", {"ffffffffffffffffffffffff": 1, "eeeeeeeeeeeeeeeeeeeeeeee": 2})
set_values("rank", {"/data/a.jpg": 1, "650000000000000000000001": 2})
set_values("rank", {1: 1})
set_values("rank", {"soon": 1}, key_field="id")
set_values("rank", F("rank") + 1)
set_values("rank", 3)
set_values("weather", ["sun", 3, None, None, None, None])
set_values("weather", [None, None, None, None, None, None])
set_values("id", [1, 2])
set_values("predicted.lable", [1])
set_values("nothing.label", ["x"])
set_values("ground_truth.detections.label", ["x"])
set_values("predicted", [{"label": 3}])
set_values("predicted", [{"lable": "cat"}])
set_values("predicted", ["cat"])
set_values("predicted.label", {"/data/beach/c.jpg": "cat"})
set_values("shot_on", ["soon"])
set_values("map", [[1, 2, 3]])
keep(3)
keep(["rank"])
keep_fields()
keep_fields(["rnak"])
exclude_fields("metadata.width").keep_fields()
clear(3)
delete_samples("ffffffffffffffffffffffff")
delete_samples()
clone()
clone(3)
clone("a", persistent="yes")
save_view()
save_view("")
save_view("a", color="red")
save_view("a", "what it is for")
save_view("a", limit(3), "x", "#fff")
limit(3).save_view("a", match(F("rank") > 2))
select(limit(3).keep())
select(dataset.keep())
add_sample("x")
rename_sample_field("a", "b")
delete_sample_field("rank")
clear_sample_field("rank")
set_label_values("x", {})
count().limit(3)
cluster_it("kmeans")
group_by("tags")
flatten()
to_patches("predicted")
to_patches("rank")
filter_labels("rank", F("x") > 3)
filter_labels("ground_truth", F("confidnce") > 3)
map_labels("ground_truth", ["cat"])
exclude_fields("id")
select_fields("nothing")
set_field("id", 3)
set_field("tags.x", 3)
concat(3)
mean("filepath")
sum("metadata")
bounds("tags.x")
quantiles("rank", 1.5)
histogram_values("rank", bins=0)
histogram_values("rank", bins=[3, 1])
count_values("metadata")
aggregate([3])
aggregate([head()])
aggregate([cout()])
view("none").limit(3)
view("stale")
view("ring")
view("counted").limit(1)
match(F("a") > 1).sort_by("b").mean("c")
"##;

#[test]
fn every_wrong_query_is_told_what_and_where_and_what_would_work() {
    let views = [
        ("stale", "match(F(\"gone\") == 3)"),
        ("ring", "view(\"rung\").limit(3)"),
        ("rung", "view(\"ring\").limit(2)"),
        ("counted", "count()"),
    ];
    let views = views.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let table = samples();
    let mut page = String::new();
    for text in WRONG.lines().filter(|line| !line.is_empty()) {
        let mistakes = match try_ask_with(&table, text, &[], &views) {
            Err(mistakes) => mistakes,
            Ok(answer) => panic!("{text} is no mistake: {answer:?}"),
        };
        writeln!(page, "{text}").unwrap();
        for one in &mistakes.0 {
            for label in &one.labels {
                let before = text[..label.start].chars().count();
                let width = text[label.start..label.end].chars().count().max(1);
                writeln!(
                    page,
                    "{}{} {}",
                    " ".repeat(before),
                    "^".repeat(width),
                    label.text
                )
                .unwrap();
            }
            writeln!(page, "  {}: {}", one.code, one.message).unwrap();
            one.hints
                .iter()
                .for_each(|hint| writeln!(page, "  - {hint}").unwrap());
        }
        writeln!(page).unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn every_mistake_of_a_query_is_reported() {
    let mistakes = crate::sample::mistakes(r#"match(F("a") > 1).sort_by("b").mean("c")"#);
    assert_eq!(mistakes.0.len(), 3);
}
