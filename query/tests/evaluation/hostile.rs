//! Mutated and nested queries: an answer or a mistake, never a panic, never a stack that runs out.

use messier_query::{Env, Source, evaluate, parse, plan};

use crate::generator::Dice;
use crate::sample::{samples, try_ask_of};

/// Queries to cut up: the examples of every signature.
fn seeds() -> Vec<&'static str> {
    messier_query::signatures()
        .flat_map(|signature| signature.examples.iter().map(|example| example.query))
        .collect()
}

/// Something of one query put into another, or taken out, or done twice.
fn mutated(seeds: &[&str], dice: &mut Dice) -> String {
    let mut text: Vec<char> = seeds[dice.below(seeds.len())].chars().collect();
    for _ in 0..1 + dice.below(2) {
        let other: Vec<char> = seeds[dice.below(seeds.len())].chars().collect();
        let part = |text: &[char], dice: &mut Dice| {
            let start = dice.below(text.len() + 1);
            let end = (start + dice.below(12)).min(text.len());
            start..end
        };
        let from = part(&other, dice);
        let to = part(&text, dice);
        match dice.below(4) {
            0 => drop(text.splice(to, other[from].iter().copied())),
            1 => drop(text.drain(to)),
            2 => {
                let copy = text[to.clone()].to_vec();
                drop(text.splice(to.end..to.end, copy));
            }
            _ => {
                let odd = [
                    "-1",
                    "None",
                    "9223372036854775807",
                    "1e308",
                    "F()",
                    "[]",
                    "\"\"",
                    ".limit(1)",
                    "ü",
                    "[1:]",
                ];
                drop(text.splice(to, odd[dice.below(odd.len())].chars()));
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn no_mutation_of_a_query_panics() {
    let cases: u64 = match std::env::var("MESSIER_HOSTILE_CASES") {
        Ok(cases) => cases.parse().expect("a number of cases"),
        Err(_) => 10_000,
    };
    let (seeds, table) = (seeds(), samples());
    let (mut answered, mut refused) = (0, 0);
    let mut slowest = (std::time::Duration::ZERO, String::new());
    let mut previous: Option<(std::time::Instant, String)> = None;
    for seed in 0..cases {
        if let Some((begun, text)) = previous.take()
            && begun.elapsed() > slowest.0
        {
            slowest = (begun.elapsed(), text);
        }
        let text = mutated(&seeds, &mut Dice::new(seed));
        previous = Some((std::time::Instant::now(), text.clone()));
        let Ok(query) = parse(&text) else {
            refused += 1;
            continue;
        };
        let env = Env {
            schema: table.schema(),
            operators: &[],
            views: &[],
        };
        match plan(&query, &text, &env) {
            Err(mistakes) => {
                assert!(!mistakes.0.is_empty(), "{text}");
                for label in mistakes.0.iter().flat_map(|mistake| &mistake.labels) {
                    assert!(
                        text.get(label.start..label.end).is_some(),
                        "{text}: {label:?}"
                    );
                }
                refused += 1;
            }
            Ok(plan) => {
                // What the source or `one()` reports is no mistake of ours.
                drop(evaluate(&plan, &table));
                answered += 1;
            }
        }
    }
    if cases > 10_000 {
        println!("{answered} answered, {refused} refused; the slowest took {slowest:?}");
        // A long run is asked for by hand, on a machine that has nothing else to do.
        assert!(slowest.0.as_secs() < 1, "{slowest:?}");
    }
    assert!(
        answered * 50 > cases && refused > 0,
        "{answered} answered, {refused} refused"
    );
}

#[test]
fn nesting_without_end_is_a_mistake_and_not_a_stack_that_runs_out() {
    let table = samples();
    for depth in [10, 100, 1_000, 20_000] {
        for (open, close) in [
            ("(", ")"),
            ("(-", ")"),
            ("[", "]"),
            ("any([", "])"),
            ("F(\"scores\").map(", ")"),
            ("1 + (", ")"),
        ] {
            let text = format!("values({}1{})", open.repeat(depth), close.repeat(depth));
            drop(try_ask_of(&table, &text));
        }
        let methods = format!("values(F(\"rank\"){})", ".abs()".repeat(depth));
        let sums = format!("values(F(\"rank\"){})", " + 1".repeat(depth));
        let ors = format!("match(F(\"kept\"){})", " | F(\"kept\")".repeat(depth));
        let chain = format!("limit(5){}", ".limit(5)".repeat(depth));
        let compared = format!("match(1{})", " < F(\"rank\")".repeat(depth));
        for text in [methods, sums, ors, chain, compared] {
            drop(try_ask_of(&table, &text));
        }
    }
}

#[test]
fn many_conditions_in_a_list_are_no_nesting() {
    let many = vec![r#"F("rank") == 5"#; 5_000].join(", ");
    assert_eq!(crate::sample::rows(&format!("match(any([{many}]))")), [4]);
}
