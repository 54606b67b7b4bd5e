//! A wrong query is answered with a place, a reason and the nearest thing that would work, before anything runs; exit code 1.

use serde_json::json;

use crate::fixtures;
use crate::world::World;

fn refused(world: &World, query: &str) -> serde_json::Value {
    world.refused(&format!("query trip '{query}'"), 1)
}

#[test]
fn an_unknown_field_has_a_place_and_a_candidate() {
    let world = fixtures::trip();
    let error = refused(&world, "match(F(\"filpath\") == \"a\")");
    assert_eq!(error["code"], "unknown-field");
    assert_eq!(error["candidates"][0], "filepath");
    let label = &error["labels"][0];
    let (start, end) = (
        label["start"].as_u64().expect("start"),
        label["end"].as_u64().expect("end"),
    );
    assert!(start >= 6 && end <= 18 && start < end, "{label}");
}

#[test]
fn the_terminal_shows_the_place_too() {
    let world = fixtures::trip();
    let ran = world.run("query trip 'match(F(\"filpath\") == \"a\")'");
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("filpath") && ran.stderr.contains("filepath"),
        "{ran}"
    );
    assert!(
        !ran.stderr.contains('\u{1b}'),
        "no colour without a terminal: {ran}"
    );
}

#[test]
fn each_kind_of_mistake_is_an_error_and_never_a_crash() {
    let world = fixtures::trip();
    for query in [
        "match(",
        "mtach(True)",
        "match(F(\"metadata.width\") == \"640\")",
        "match(F(\"filepath\") > 3)",
        "match(F(\"tags\") == \"night\")",
        "limit(\"three\")",
        "limit(3).nonsense()",
        "SELECT * FROM trip WHERE width > 3",
        "match({\"width\": {\"$gt\": 3}})",
        "df[df.width > 3]",
        "geo_near([0, 0])",
        "view(\"no such view\")",
        "\u{0}\u{1}",
        "𝒎atch(True)",
    ] {
        let output = world.command(["query", "trip", query, "--json"]).output();
        let Ok(output) = output else { continue };
        let ran = crate::world::Ran::new(query, output);
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
        let error: serde_json::Value =
            serde_json::from_str(ran.stderr.trim()).unwrap_or_else(|e| panic!("{e}: {ran}"));
        assert!(
            error["error"]["message"]
                .as_str()
                .is_some_and(|m| !m.is_empty()),
            "{ran}"
        );
    }
}

#[test]
fn a_megabyte_of_brackets_is_an_error() {
    let world = fixtures::trip();
    world.write(
        "deep.txt",
        format!("match({}1{})\n", "(".repeat(200_000), ")".repeat(200_000)),
    );
    let ran = world.run("query trip --file deep.txt");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let answer: serde_json::Value = serde_json::from_str(ran.stdout.trim()).expect("one answer");
    assert!(answer["error"]["message"].is_string());
}

#[test]
fn an_unknown_dataset_is_named_with_those_there_are() {
    let world = fixtures::trip();
    let error = world.refused("query tripp 'count()'", 1);
    assert_eq!(error["candidates"], json!(["trip"]), "{error}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let world = World::new();
    for line in [
        "",
        "nonsense",
        "import",
        "list --no-such-flag",
        "query",
        "cluster points --n-clusters many",
    ] {
        let ran = world.run(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
    }
}
