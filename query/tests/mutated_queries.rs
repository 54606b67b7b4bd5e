//! The fuzz target's twin on stable Rust: valid queries, broken in a hundred thousand ways, keep the law of `law/mod.rs`.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

mod law;

const SEEDS: [&str; 28] = [
    r#"dataset.match((F("k20") == "7") & (F("metadata.width") > 640)).sort_by("uniqueness", reverse=True).limit(25)"#,
    r#"match(k20 == "7" and metadata.width > 640).sort_by("uniqueness", reverse=True).limit(25)"#,
    r#"match(F("ground_truth.detections").filter(F("confidence") > 0.9).length() >= 3).count_values("k20")"#,
    r#"match(F("map").within([[0, 0], [4, 0], [4, 3], [0, 3]]))"#,
    r#"sort_by_similarity("a dog on a beach", k=50, index="clip")"#,
    r#"cluster(method="hdbscan", features="embedding", min_cluster_size=10, run="h10")"#,
    r#"view("night shots")[10:-5].limit(5)"#,
    "# a comment\nmatch(not a is None or ~(b | c))\n  .select(dataset.limit(3), ordered=True)",
    r#"flatten(fo.SortBy("x")).aggregate([fo.Count(), foe.CountValues("k20"),])"#,
    r#"match(F("a")("b.c").map_values({"x": None, 'y': [1, 2, (3,)]}) not in {1, 2})"#,
    r#"match(1 < x <= 3 and -2 ** -y % 3 // 2 == 0x1f)"#,
    r#"match(created_at - datetime(2024, 1, 31, 18, 30) > timedelta(days=1, hours=2))"#,
    r#"match(id == ObjectId("0123456789abcdef01234567") or d == date("2024-01-31"))"#,
    r#"match(F("$a.b") == F() + VALUE).set_field("s", E(3) * x.reduce(VALUE + F(), init_val=0))"#,
    r#"k20 == "7" and name.re_match(r"^\d+\.jpg$", options="i")"#,
    r#"match(x == "\u00e9\n\x41" or y == '''a"b''')"#,
    "SELECT a, b FROM t WHERE k20 = '7' AND (w > 1 OR NOT c IS NULL) ORDER BY u DESC, v LIMIT 10 OFFSET 5",
    r#"df[(df["width"] > 640) & (df.k20 == "7")]"#,
    r#"db.samples.find({"$or": [{"a": {"$gt": 1, "$lt": 5}}, {"b": {"$in": [1, 2]}}], "c": null}).sort("x")"#,
    r#"match(a && !b || c === 3 ? d : e <> f)"#,
    r#"match(x.filter(lambda d: d.y > 1).length() if a else b)"#,
    r#"match(name LIKE '%dog%' AND w NOT BETWEEN 1 AND 2)"#,
    r#"match(a == 1 & b == 2 | ~c == 3)"#,
    r#"match(k20 == “7” and `w` > 3).limit(3 4)["a"];"#,
    r#"view = dataset.match(len(tags) > 2 and np.sqrt(w) > 3)"#,
    r#"match(name == f"dog {n}" and t.0 == $x and float("nan") != math.inf)"#,
    r#"match(größe > 1_000.5e-3).values("größe", unwind=True)[::2]"#,
    "(\n  dataset\n  .match(a)\n  .limit(3)\n)",
];

const PIECES: [&str; 64] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    "**",
    "-",
    "~",
    "&",
    "|",
    "not ",
    " and ",
    " or ",
    " in ",
    " is ",
    " if ",
    " else ",
    "lambda x: ",
    "F(",
    "F()",
    "F",
    "E(",
    "VALUE",
    "dataset",
    "view",
    "view(\"a\")",
    "True",
    "None",
    "\"",
    "'",
    "r\"",
    "\"\"\"",
    "\\",
    "#",
    "\n",
    " ",
    "0",
    "1.5",
    "9223372036854775808",
    "1e999",
    "é",
    "“",
    "$gt",
    "`",
    ";",
    "?",
    " LIKE ",
    " BETWEEN ",
    "WHERE ",
    "SELECT ",
    " LIMIT 3",
    ".str",
    "df",
    "datetime(",
    "match(",
];

/// splitmix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A place and a later one in `text`, near each other.
fn range(text: &str, random: &mut Random) -> std::ops::Range<usize> {
    let start = boundary(text, random.below(text.len() + 1));
    let end = boundary(text, (start + random.below(12)).min(text.len()));
    start..end.max(start)
}

fn mutated(random: &mut Random) -> String {
    let mut text = random.of(&SEEDS).to_owned();
    for _ in 0..=random.below(4) {
        let at = range(&text, random);
        match random.below(6) {
            0 => text.replace_range(at, ""),
            1 => text.insert_str(at.start, random.of(&PIECES)),
            2 => text.replace_range(at, random.of(&PIECES)),
            3 => {
                let copy = text[at.clone()].to_owned();
                text.insert_str(at.end, &copy);
            }
            4 => {
                let other = random.of(&SEEDS);
                let from = range(other, random);
                text.replace_range(at, &other[from.start..]);
            }
            _ => text.truncate(at.start),
        }
    }
    text
}

#[test]
fn every_seed_keeps_the_law() {
    SEEDS
        .iter()
        .chain(&PIECES)
        .for_each(|text| law::holds(text));
}

/// How many texts are tried; `MESSIER_MUTATIONS` and `MESSIER_SEED` make a longer run.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[test]
fn a_hundred_thousand_broken_queries_keep_the_law() {
    let (count, seed) = (
        setting("MESSIER_MUTATIONS", 100_000),
        setting("MESSIER_SEED", 2026),
    );
    let current = Arc::new(Mutex::new(String::new()));
    let (done, finished) = mpsc::channel();
    let shared = Arc::clone(&current);
    let worker = std::thread::spawn(move || {
        let mut random = Random(seed);
        for n in 0..count {
            let text = mutated(&mut random);
            shared.lock().unwrap().clone_from(&text);
            law::holds(&text);
            if n % 1000 == 0 {
                let _ = done.send(());
            }
        }
    });
    // A thousand texts take a fraction of a second; a text that never ends is named instead of hanging the build.
    while !worker.is_finished() {
        match finished.recv_timeout(Duration::from_secs(60)) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end: {:?}", current.lock().unwrap()),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    worker.join().unwrap();
}
