//! A command that is killed at any moment leaves a store that opens, with every finished change whole and none half there.

#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::fixtures;
use crate::pictures::Kind;
use crate::world::{World, words};

/// Starts a line and kills it after `delay`, unless it has ended by then; true if it was killed.
fn killed_after(world: &World, line: &str, delay: Duration) -> bool {
    let mut child = world
        .command(words(line))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("messier starts");
    let start = Instant::now();
    while start.elapsed() < delay {
        if child.try_wait().expect("a status").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("messier ends").code().is_none()
}

#[test]
fn tags_are_all_there_or_none() {
    let world = fixtures::points();
    let start = Instant::now();
    world.ok("tag points '' whole --quiet");
    let whole = start.elapsed();
    let mut killed = 0;
    for i in 0..20_u32 {
        let delay = whole * i / 16;
        killed += u32::from(killed_after(
            &world,
            &format!("tag points '' t{i} --quiet"),
            delay,
        ));
        let tags = world.value("points", "count_values(\"tags\")");
        for (tag, count) in tags.as_object().expect("counts") {
            assert_eq!(count, 90, "{tag} is half there: {tags}");
        }
        world.ok("verify --quiet");
    }
    assert!(killed > 0, "no command lived long enough to be killed");
}

#[test]
fn an_import_that_is_killed_can_be_repeated() {
    let world = World::new();
    for number in 0..60 {
        world.picture(&format!("p/{number}.png"), Kind::Disc, number);
    }
    killed_after(
        &world,
        "import p --name p --quiet",
        Duration::from_millis(60),
    );
    world.ok("import p --name p --quiet");
    assert_eq!(world.count("p"), 60);
}

#[test]
fn an_interrupt_is_exit_code_130_and_leaves_no_run() {
    let world = World::new();
    world.blobs("v.npy", 20_000, 64, 50);
    world.ok("import v.npy --name v --field embedding --quiet");
    let line = "cluster v --method kmeans --n-clusters 200 --n-init 50 --tol 0 --max-iter 1000 --features embedding --run k --quiet";
    let mut child = world
        .command(words(line))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("messier starts");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(700) {
        assert!(
            child.try_wait().expect("a status").is_none(),
            "it ended before it could be interrupted"
        );
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(kill.success());
    assert_eq!(child.wait().expect("messier ends").code(), Some(130));
    let runs = world.json("runs v");
    assert!(
        runs.as_array()
            .expect("a list")
            .iter()
            .all(|r| r["status"] != "done"),
        "{runs}"
    );
}
