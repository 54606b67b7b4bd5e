//! The evaluator against the oracle, on random data and random questions.

use messier_query::{Answer, parse};
use serde_json::Value as Json;

use crate::generator::{Dice, data, question};
use crate::naive;
use crate::sample::try_ask_of;

/// Values alike: numbers by value, since a whole column becomes floats where one of its whole numbers overflows.
fn alike(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x.as_f64() == y.as_f64(),
        (Json::Array(x), Json::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| alike(x, y))
        }
        _ => a == b,
    }
}

#[test]
fn the_evaluator_and_the_oracle_agree_on_random_questions() {
    let cases: u64 = match std::env::var("MESSIER_DIFFERENTIAL_CASES") {
        Ok(cases) => cases.parse().expect("a number of cases"),
        Err(_) => 2_000,
    };
    let first: u64 = match std::env::var("MESSIER_DIFFERENTIAL_SEED") {
        Ok(seed) => seed.parse().expect("a seed"),
        Err(_) => 0,
    };
    let (mut asked, mut some) = (0, 0);
    for seed in first..first + cases {
        let mut dice = Dice::new(seed);
        let (rows, table) = data(&mut dice);
        let text = question(&mut dice);
        let query = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {text}: {error:#?}"));
        let (expected, lost) = naive::answer(&query, &rows);
        let found = match try_ask_of(&table, &text) {
            Ok(Answer::Value(value)) => value,
            Ok(other) => panic!("seed {seed}: {text}: {other:?}"),
            Err(mistakes) => panic!("seed {seed}: {text}: {mistakes:#?}"),
        };
        let expected = Json::Array(expected);
        assert!(
            alike(&found.value, &expected),
            "seed {seed}: {text}\n  evaluator {}\n  oracle    {expected}\n  data {rows:?}",
            found.value
        );
        assert_eq!(
            found.skipped, lost,
            "seed {seed}: {text}: values that could not be computed"
        );
        asked += 1;
        some += u64::from(expected.as_array().is_some_and(|values| !values.is_empty()));
    }
    assert_eq!(asked, cases);
    // Questions that are mostly about nothing would prove nothing.
    assert!(some * 3 > cases, "{some} of {cases}");
}
