//! Data on stdout, everything else on stderr, no colour but on a terminal, and a closed pipe is a normal end.

use std::io::Read;
use std::process::Stdio;

use crate::fixtures;
use crate::world::World;

#[test]
fn progress_and_notes_never_reach_stdout() {
    let world = fixtures::points();
    let ran = world
        .ok("cluster points --method kmeans --n-clusters 3 --features embedding --run k --json");
    serde_json::from_str::<serde_json::Value>(&ran.stdout).expect("one document");
}

#[test]
fn quiet_means_quiet() {
    let world = fixtures::points();
    let ran = world
        .ok("cluster points --method kmeans --n-clusters 3 --features embedding --run k --quiet");
    assert_eq!(ran.stderr, "", "{ran}");
}

#[test]
fn a_closed_pipe_is_a_normal_end() {
    let world = World::new();
    world.blobs("v.npy", 20_000, 2, 2);
    world.ok("import v.npy --name v --field embedding --quiet");
    let mut child = world
        .command(["query", "v", "limit(20000)", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("messier starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut first = [0_u8; 16];
    stdout.read_exact(&mut first).expect("a beginning");
    drop(stdout);
    let output = child.wait_with_output().expect("messier ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr, "");
    assert_eq!(output.status.code(), Some(0), "{:?}", output.status);
}

#[test]
fn no_color_is_honoured_and_so_is_no_terminal() {
    let world = fixtures::trip();
    for line in [
        "list",
        "info trip",
        "query trip 'limit(2)'",
        "runs trip",
        "--help",
        "help cluster",
        "query trip 'oops('",
    ] {
        let output = world
            .command(crate::world::words(line))
            .env("NO_COLOR", "1")
            .env("TERM", "xterm-256color")
            .output();
        let output = output.expect("messier starts");
        assert!(
            !output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b),
            "{line}"
        );
    }
}

#[test]
fn help_is_data_and_succeeds() {
    let world = World::new();
    for line in [
        "--help",
        "--version",
        "import --help",
        "cluster --help",
        "help",
        "help hdbscan",
        "completions bash",
    ] {
        let ran = world.ok(line);
        assert!(!ran.stdout.trim().is_empty(), "{ran}");
    }
}

#[test]
fn a_prompt_that_is_fed_answers_and_ends() {
    let world = fixtures::points();
    let ran = world.run_with_input("repl points", "count()\n.runs\nlimit(1)\n.quit\n");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("90"), "{ran}");
    let ended = world.run_with_input("repl points", "count()");
    assert_eq!(ended.code, 0, "the end of the input is the end: {ended}");
}
