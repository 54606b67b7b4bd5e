//! Commands on one store may run at once: nobody sees an error about a lock, and nothing is lost.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::fixtures;
use crate::world::{Ran, words};

#[test]
fn writers_at_once_all_succeed() {
    let world = fixtures::points();
    let children: Vec<_> = (0..6)
        .map(|i| {
            let line = format!("tag points 'limit(10)' t{i} --quiet");
            let child = world
                .command(words(&line))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            (line, child.expect("messier starts"))
        })
        .collect();
    for (line, child) in children {
        let ran = Ran::new(&line, child.wait_with_output().expect("messier ends"));
        assert_eq!(ran.code, 0, "{ran}");
    }
    let tags = world.value("points", "count_values(\"tags\")");
    assert_eq!(
        tags,
        json!({ "t0": 10, "t1": 10, "t2": 10, "t3": 10, "t4": 10, "t5": 10 })
    );
}

#[test]
fn a_command_works_beside_an_open_prompt_and_each_sees_the_other() {
    let world = fixtures::points();
    let mut prompt = world
        .command(["repl", "points"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("messier starts");
    let mut stdin = prompt.stdin.take().expect("a pipe");
    stdin.write_all(b"count()\n").expect("a line");
    stdin.flush().expect("flushed");
    let tagged = world.run("tag points 'limit(7)' beside");
    assert_eq!(tagged.code, 0, "{tagged}");
    stdin
        .write_all(b"match_tags(\"beside\").count()\n.quit\n")
        .expect("a line");
    drop(stdin);
    let ran = Ran::new(
        "repl points",
        prompt.wait_with_output().expect("the prompt ends"),
    );
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stdout.contains("90") && ran.stdout.contains('7'),
        "{ran}"
    );
}
