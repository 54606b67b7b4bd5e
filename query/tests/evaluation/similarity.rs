//! `sort_by_similarity`: by comparing with every vector, or by an index that the source knows.

use std::sync::Arc;

use arrow::array::ArrayRef;
use messier_query::{Answer, Env, Error, Similarity, Source, Table, evaluate, parse, plan};
use messier_store::Schema;

use crate::sample::{mistakes, rows, samples, value, view};

#[test]
fn the_nearest_come_first_and_samples_without_a_vector_are_left_out() {
    // The vectors: x, y, x + y, none, nothing, almost x.
    assert_eq!(rows("sort_by_similarity([1, 0, 0, 0])"), [0, 5, 2, 1, 4]);
    assert_eq!(
        rows("sort_by_similarity([1, 0, 0, 0], reverse=True)"),
        [1, 4, 2, 5, 0]
    );
    assert_eq!(rows("sort_by_similarity([1, 0, 0, 0], k=2)"), [0, 5]);
    assert_eq!(rows("sort_by_similarity([1, 0, 0, 0], 2, True)"), [1, 4]);
    assert_eq!(rows("sort_by_similarity([1, 0, 0, 0], k=0)"), [0u32; 0]);
    assert_eq!(rows("sort_by_similarity([1, 0, 0, 0], k=99)").len(), 5);
}

#[test]
fn a_query_is_a_sample_a_vector_or_the_mean_of_several() {
    assert_eq!(
        rows(r#"sort_by_similarity("650000000000000000000002", k=1)"#),
        [1]
    );
    assert_eq!(
        rows(r#"sort_by_similarity(ObjectId("650000000000000000000002"), k=1)"#),
        [1]
    );
    assert_eq!(rows(r#"sort_by_similarity("/data/b.png", k=1)"#), [1]);
    // The mean of x and y points the way of x + y.
    assert_eq!(
        rows(r#"sort_by_similarity(["/data/a.jpg", "650000000000000000000002"], k=1)"#),
        [2]
    );
    assert_eq!(
        rows("sort_by_similarity([[1, 0, 0, 0], [0, 1, 0, 0]], k=1)"),
        [2]
    );
}

#[test]
fn the_query_may_be_a_sample_that_the_view_leaves_out() {
    assert_eq!(
        rows(r#"skip(1).sort_by_similarity("/data/a.jpg", k=2)"#),
        [5, 2]
    );
    assert_eq!(
        rows(r#"match(F("rank") < 3).sort_by_similarity("/data/a.jpg")"#),
        [2, 1]
    );
}

#[test]
fn another_field_and_another_measure_may_be_named() {
    assert_eq!(
        rows(r#"sort_by_similarity([1, 1], index="map", metric="euclidean")"#),
        [1, 2, 0, 5, 4]
    );
    assert_eq!(
        rows(r#"sort_by_similarity([1, 1], brain_key="map", metric="euclidean", k=1)"#),
        [1]
    );
    assert_eq!(
        rows(r#"sort_by_similarity([1, 1], index="map", metric="euclidean")"#),
        rows(r#"exists("map").sort_by(F("map").euclidean_distance([1, 1]))"#)
    );
}

#[test]
fn distances_are_a_field_of_the_view_only() {
    let far = value(r#"sort_by_similarity([0, 2, 0, 0], dist_field="far").values("far")"#);
    let half = 0.5f64.sqrt();
    let expected = [0.0, 1.0 - half, 1.0 - 0.1 / 0.26f64.sqrt(), 1.0, 1.0];
    for (found, expected) in far.as_array().unwrap().iter().zip(expected) {
        assert!((found.as_f64().unwrap() - expected).abs() < 1e-6, "{far}");
    }
    let near = view(r#"sort_by_similarity([0, 2, 0, 0], dist_field="far").match(F("far") < 0.5)"#);
    assert_eq!(near.rows(), [1, 2]);
    assert!(near.schema().field("far").is_some());
}

#[test]
fn a_text_needs_an_index_that_reads_texts() {
    let one = &mistakes(r#"sort_by_similarity("a dog on a beach")"#).0[0];
    assert_eq!(one.code, "no-text-encoder");
    assert!(one.hints[0].contains("CLIP"), "{:?}", one.hints);
    assert_eq!(
        mistakes(r#"sort_by_similarity("/data/d.JPG")"#).0[0].code,
        "no-vector"
    );
}

/// The samples with an index over `embedding` that always gives the same three rows.
struct Indexed(Table);

impl Source for Indexed {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn len(&self) -> usize {
        Source::len(&self.0)
    }
    fn column(&self, field: &str) -> Result<ArrayRef, Error> {
        self.0.column(field)
    }
    fn handle(&self) -> Arc<dyn Source> {
        Arc::new(Indexed(self.0.clone()))
    }
    fn similarity(&self, name: &str) -> Option<Arc<dyn Similarity>> {
        (name == "clip").then(|| Arc::new(Always) as Arc<dyn Similarity>)
    }
    fn similarities(&self) -> Vec<String> {
        vec!["clip".to_owned()]
    }
}

struct Always;

impl Similarity for Always {
    fn field(&self) -> &str {
        "embedding"
    }
    fn nearest(
        &self,
        query: &[f32],
        k: usize,
        among: Option<&[u32]>,
    ) -> Result<Option<Vec<(u32, f32)>>, Error> {
        let found = [(2, query[0]), (0, query[0]), (1, query[0])];
        let here = |row: u32| among.is_none_or(|rows| rows.contains(&row));
        Ok(Some(
            found
                .into_iter()
                .filter(|(row, _)| here(*row))
                .take(k)
                .collect(),
        ))
    }
    fn text(&self, text: &str) -> Result<Vec<f32>, String> {
        match text {
            "a dog" => Ok(vec![0.5, 0.0, 0.0, 0.0]),
            _ => Err("it knows only dogs".to_owned()),
        }
    }
}

fn indexed(text: &str) -> Result<Vec<u32>, Error> {
    let source = Indexed(samples());
    let query = parse(text).unwrap();
    let env = Env {
        schema: source.schema(),
        operators: &[],
        views: &[],
    };
    match evaluate(&plan(&query, text, &env).unwrap(), &source)? {
        Answer::View(view) => Ok(view.rows().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_index_of_the_source_answers_in_place_of_the_comparison() {
    assert_eq!(
        indexed(r#"sort_by_similarity("a dog", index="clip")"#).unwrap(),
        [2, 0, 1]
    );
    assert_eq!(
        indexed(r#"limit(2).sort_by_similarity("a dog", k=1, index="clip")"#).unwrap(),
        [0]
    );
    // It cannot turn the order round, so everything is compared.
    assert_eq!(
        indexed(r#"sort_by_similarity("a dog", reverse=True, index="clip")"#).unwrap(),
        [1, 4, 2, 5, 0]
    );
    let refusal = |text: &str| match indexed(text) {
        Err(Error::Refused(mistakes)) => mistakes.0[0].clone(),
        other => panic!("{other:?}"),
    };
    assert!(
        refusal(r#"sort_by_similarity("a cat", index="clip")"#)
            .message
            .contains("only dogs")
    );
    let unknown = refusal(r#"sort_by_similarity("a dog", index="clap")"#);
    assert_eq!(
        (unknown.code, unknown.candidates),
        ("unknown-index", vec!["clip".to_owned()])
    );
}
