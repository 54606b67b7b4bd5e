//! A writer process killed at a hundred random moments, half of the time with its catalogue deleted afterwards.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use messier_store::{Changes, NewDataset, Store};

use crate::world::{ints, numbers, text, texts};

const DIR: &str = "MESSIER_TEST_KILLED_WRITER_DIR";
const KILLS: u64 = 100;

/// Not a test: what the killed process runs.
#[test]
#[ignore = "run by the test beside it, in a process of its own"]
fn writer() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let store = Store::open(dir).unwrap();
    let dataset = match store.dataset("a") {
        Ok(dataset) => dataset,
        Err(_) => store.create("a", NewDataset::default()).unwrap(),
    };
    for _ in 0..1000 {
        let n = dataset.info().unwrap().samples as i64;
        let mut changes = Changes::new();
        changes.append(vec![
            ints("n", [Some(n)]),
            text("filepath", [Some(&*n.to_string())]),
        ]);
        if n % 5 == 4 {
            let (field, values) = ints("all", (0..=n).map(Some));
            changes.set_column(field, values);
        }
        dataset.commit(changes).unwrap();
        println!("done {}", n + 1);
        std::io::stdout().flush().unwrap();
        if n % 7 == 6 {
            store.sweep().unwrap();
        }
    }
}

#[test]
fn at_a_hundred_random_moments() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = 0x2545_F491_4F6C_DD1Du64;
    let mut total = 0;
    for round in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let acknowledged = kill_writer(dir.path(), random).unwrap_or(total);
        if round % 2 == 1 {
            let _ = std::fs::remove_dir_all(dir.path().join("catalog"));
        }
        total = check(dir.path(), acknowledged);
    }
    assert!(total > KILLS, "the writer hardly wrote: {total}");
    assert!(
        Store::open(dir.path())
            .unwrap()
            .verify()
            .unwrap()
            .is_sound()
    );
}

/// Lets a writer acknowledge a few commits and kills it somewhere in the next. Returns what it acknowledged last.
fn kill_writer(dir: &Path, random: u64) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("a_killed_writer_loses_nothing_acknowledged::writer")
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = None;
    let wanted = 1 + random % 4;
    let mut seen = 0;
    while seen < wanted {
        let Some(line) = lines.next() else { break };
        if let Some(count) = line.unwrap().split("done ").nth(1) {
            acknowledged = Some(count.trim().parse().unwrap());
            seen += 1;
        }
    }
    for spin in 0..random % 200_000 {
        std::hint::black_box(spin);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        if let Some(count) = line.split("done ").nth(1) {
            acknowledged = Some(count.trim().parse().unwrap());
        }
    }
    acknowledged
}

/// Everything acknowledged is there, and at most the one commit that was under way besides.
fn check(dir: &Path, acknowledged: u64) -> u64 {
    let store = Store::open(dir).unwrap();
    let Ok(dataset) = store.dataset("a") else {
        assert_eq!(acknowledged, 0);
        return 0;
    };
    let snapshot = dataset.snapshot().unwrap();
    let rows = snapshot.len() as u64;
    assert!(
        rows == acknowledged || rows == acknowledged + 1,
        "{rows} rows, {acknowledged} acknowledged"
    );
    if rows == 0 {
        return 0;
    }
    let n = numbers(&snapshot.column("n").unwrap());
    assert!(n.iter().enumerate().all(|(row, n)| *n == Some(row as i64)));
    let paths = texts(&snapshot.column("filepath").unwrap());
    assert!(
        paths
            .iter()
            .enumerate()
            .all(|(row, path)| path.as_deref() == Some(&*row.to_string()))
    );
    if snapshot.schema().field("all").is_some() {
        let set = rows - rows % 5;
        let all = numbers(&snapshot.column("all").unwrap());
        assert!(
            all.iter()
                .zip(0..)
                .all(|(n, row)| *n == (row < set).then_some(row as i64))
        );
    }
    rows
}
