//! Promise: a FiftyOne expression, pasted as text, has the answer that FiftyOne 1.22 gave, but where a rule of ours says otherwise.
//!
//! `fixtures/fiftyone/answers.json` holds FiftyOne's own answers about the album, recorded by `answers.py`. Where a
//! rule makes ours differ, the entry names it and holds our answer as well; both are checked.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use messier_engine::context::Context;
use messier_engine::{Reply, Session};
use messier_query::signature::Args;
use messier_store::SampleId;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Fixture {
    answers: Vec<Entry>,
}

/// A question and its answers. `rows` are numbers of samples, `error` is FiftyOne's refusal.
#[derive(Deserialize)]
struct Entry {
    ask: String,
    rule: Option<String>,
    rows: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    value: Option<Value>,
    error: Option<String>,
    ours: Option<Value>,
}

/// A value that is there, even if it is null.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Entry {
    /// FiftyOne's answer, in the form of ours.
    fn theirs(&self) -> Value {
        match (&self.rows, &self.value, &self.error) {
            (Some(rows), _, _) => json!({ "rows": rows }),
            (None, Some(value), _) => json!({ "value": value }),
            (None, None, error) => json!({ "error": error }),
        }
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fiftyone")
}

fn entries() -> Vec<Entry> {
    let text = fs::read_to_string(fixtures().join("answers.json")).unwrap();
    serde_json::from_str::<Fixture>(&text).unwrap().answers
}

/// Sums of floats in another order, and other libraries' logarithms, differ in the last digits.
const RELATIVE: f64 = 1e-13;

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            (x - y).abs() <= RELATIVE * x.abs().max(y.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn every_answer_is_fiftyones_or_follows_a_rule() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::open(&dir.path().join("store")).unwrap();
    let context = Context::new(51);
    session
        .import(
            "album",
            &fixtures().join("album"),
            None,
            &Args::new(),
            true,
            &context,
        )
        .unwrap();
    let all = match session.answer("album", "dataset", &context).unwrap() {
        Reply::View(view) => view.ids().unwrap(),
        _ => panic!("a view"),
    };
    let rows: HashMap<SampleId, usize> = all.into_iter().zip(0..).collect();
    let ask = |text: &str| match session.answer("album", text, &context) {
        Ok(Reply::View(view)) => {
            let ids = view.ids().unwrap();
            json!({ "rows": ids.iter().map(|id| rows.get(id)).collect::<Vec<_>>() })
        }
        Ok(Reply::Value(answer)) => json!({ "value": answer.value }),
        Ok(_) => json!({ "error": "neither a view nor a value" }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let mut wrong = Vec::new();
    for entry in entries() {
        let ours = ask(&entry.ask);
        let expected = match (&entry.rule, &entry.ours) {
            (Some(_), Some(ours)) => ours.clone(),
            _ => entry.theirs(),
        };
        if !same(&ours, &expected) {
            let rule = entry
                .rule
                .map(|rule| format!("\n  rule     {rule}"))
                .unwrap_or_default();
            wrong.push(format!(
                "{}{rule}\n  expected {expected}\n  ours     {ours}",
                entry.ask
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn at_least_300_answers_are_recorded_and_each_difference_has_its_rule() {
    let entries = entries();
    assert!(entries.len() >= 300);
    for entry in &entries {
        assert_eq!(entry.rule.is_some(), entry.ours.is_some(), "{}", entry.ask);
        assert!(
            entry.error.is_none() || entry.rule.is_some(),
            "{}",
            entry.ask
        );
    }
    let agreed = entries.iter().filter(|entry| entry.rule.is_none()).count();
    assert!(agreed >= 300, "{agreed}");
}
