//! A seed in, the same bits out: with every instruction set that the machine has, and any number of threads.
//!
//! The instruction set is chosen once a process, so each one draws its maps in a process of its own: this test runs
//! itself again with `MESSIER_ISA` set, and compares what the runs print.

use std::process::Command;

use messier_engine::context::Context;
use messier_engine::linalg::Isa;
use messier_engine::reduce::{self, Reference};
use messier_query::signature::{Arg, Args};
use ndarray::{Array2, s};

const CHILD: &str = "MESSIER_TEST_DRAWS_MAPS";
const NAME: &str = "maps_are_the_same_bits_with_every_instruction_set_and_number_of_threads";

/// Rows in clusters, and some anywhere, around a common mean.
fn rows(n: usize, d: usize) -> Array2<f32> {
    let draw = |seed: u64, i: usize| {
        let mut x = seed.wrapping_mul(0x9E37_79B9).wrapping_add(i as u64);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    Array2::from_shape_fn((n, d), |(i, j)| {
        let own = draw(1, i * d + j);
        let centre = if i % 9 == 0 {
            own
        } else {
            draw(2, i % 7 * d + j)
        };
        let along = draw(3, i) * draw(4, i % 7 * d + j) + draw(5, i) * draw(6, i % 7 * d + j);
        3.0 + centre + along + 0.1 * own
    })
}

/// FNV-1a over the bits of the points.
fn fingerprint(points: &Array2<f32>) -> u64 {
    points.iter().fold(0xCBF2_9CE4_8422_2325, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn text(value: &str) -> Arg {
    Arg::Text(value.to_owned())
}

/// A method, the rows it maps, and its arguments.
type Map<'a> = (&'static str, &'a Array2<f32>, Vec<(&'static str, Arg)>);

/// One line for each map: what it is, and its bits.
fn draw() -> Vec<String> {
    let tall = rows(1200, 480);
    let wide = rows(90, 400);
    let many = rows(15_200, 50);
    let maps: Vec<Map<'_>> = vec![
        ("pca", &tall, vec![("n_components", Arg::Int(20))]),
        ("pca", &wide, vec![("n_components", Arg::Int(5))]),
        (
            "pca",
            &tall,
            vec![
                ("svd_solver", text("randomized")),
                ("n_components", Arg::Int(5)),
            ],
        ),
        ("umap", &tall, vec![("n_epochs", Arg::Int(40))]),
        (
            "umap",
            &tall,
            vec![
                ("n_epochs", Arg::Int(20)),
                ("n_components", Arg::Int(5)),
                ("metric", text("cosine")),
                ("init", text("pca")),
            ],
        ),
        (
            "umap",
            &tall,
            vec![("n_epochs", Arg::Int(30)), ("densmap", Arg::Bool(true))],
        ),
        ("umap", &many, vec![("n_epochs", Arg::Int(10))]),
        ("tsne", &tall, vec![("max_iter", Arg::Int(120))]),
        (
            "tsne",
            &wide,
            vec![("max_iter", Arg::Int(100)), ("n_components", Arg::Int(3))],
        ),
        (
            "tsne",
            &tall,
            vec![("max_iter", Arg::Int(40)), ("theta", Arg::Float(0.5))],
        ),
    ];
    let mut lines = Vec::new();
    for (at, (name, x, args)) in maps.into_iter().enumerate() {
        let args: Args = args
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let method = reduce::method(name).unwrap();
        let context = Context::new(11);
        let map = method.fit(x.view(), &args, &context).unwrap();
        assert!(map.points.iter().all(|value| value.is_finite()));
        lines.push(format!("map {at} {name} {:016x}", fingerprint(&map.points)));
        let reference = Reference {
            rows: x.view(),
            points: map.points,
            model: map.model,
        };
        let new = x.slice(s![..7, ..]).mapv(|value| value * 1.01);
        let placed = method.place(new.view(), &reference, &args, &context);
        let placed = fingerprint(&placed.unwrap());
        lines.push(format!("map {at} {name} placed {placed:016x}"));
    }
    lines
}

#[test]
fn maps_are_the_same_bits_with_every_instruction_set_and_number_of_threads() {
    if std::env::var_os(CHILD).is_some() {
        println!("\n{}", draw().join("\n"));
        return;
    }
    let isas = Isa::available();
    let mut runs: Vec<(&str, &str)> = isas.iter().map(|isa| (isa.name(), "2")).collect();
    runs.push((runs[0].0, "1"));
    runs.push((runs[isas.len() - 1].0, "3"));
    let mut first: Option<Vec<String>> = None;
    for (isa, threads) in runs {
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(CHILD, "1")
            .env("MESSIER_ISA", isa)
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let out = String::from_utf8(out.stdout).unwrap();
        let lines: Vec<String> = out
            .lines()
            .filter(|line| line.starts_with("map "))
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), 20, "{out}");
        let wanted = first.get_or_insert_with(|| lines.clone());
        assert_eq!(&lines, wanted, "{isa}, {threads} threads");
    }
}
