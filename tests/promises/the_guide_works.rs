//! Every command on a page of the guide runs as it stands there, in a shell, on a folder of pictures; every link leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::vectors::{blobs, npy_f32};
use crate::world::{Ran, World};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a parent")
        .to_owned()
}

/// The contents of the blocks fenced as `sh`, in order, as one script.
fn script(page: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn run_page(name: &str) {
    let page = fs::read_to_string(root().join("docs").join(name)).expect("the page");
    let script = script(&page);
    assert!(script.contains("messier "), "{name} has no commands");
    let world = World::new();
    world.class_tree("photos", 6);
    super::fiftyone_datasets_come_in_and_go_out::album(&world);
    world.write("vectors.npy", npy_f32(&blobs(18, 8, 3)));
    world.write(
        "weather.csv",
        format!(
            "filepath,weather\n{},sunny\n",
            world.path("photos/disc/0.png").display()
        ),
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_messier"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").expect("a path")
    );
    let output = Command::new("sh")
        .args(["-euc", &script])
        .current_dir(world.path("."))
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.path("."))
        .env("MESSIER_STORE", world.store())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let ran = Ran::new(&format!("(the commands of {name})\n{script}"), output);
    assert_eq!(ran.code, 0, "{ran}");
}

macro_rules! pages {
    ($($name:ident)*) => {$(
        #[cfg(unix)]
        #[test]
        fn $name() {
            run_page(concat!(stringify!($name), ".md"));
        }
    )*

        #[test]
        fn every_page_is_listed_and_run() {
            let run = [$(concat!(stringify!($name), ".md")),*];
            let index = fs::read_to_string(root().join("docs/README.md")).expect("the index");
            for entry in fs::read_dir(root().join("docs")).expect("the pages").flatten() {
                let name = entry.file_name().into_string().expect("a name");
                let Ok(page) = fs::read_to_string(entry.path()) else { continue };
                assert!(name == "README.md" || index.contains(&format!("({name})")), "docs/README.md does not list {name}");
                assert!(script(&page).is_empty() || run.contains(&name.as_str()), "{name} has commands that no test runs");
            }
        }
    };
}

pages! { import embed reduce cluster judge query plot export store }

#[test]
fn every_link_leads_somewhere() {
    let mut pages: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "THIRD_PARTY.md",
    ]
    .map(|name| root().join(name))
    .to_vec();
    for folder in ["docs", "docs/reference"] {
        let entries = fs::read_dir(root().join(folder))
            .expect("a folder")
            .flatten()
            .map(|e| e.path());
        pages.extend(entries.filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        // What stands in a fence is code: `x[0]("label")` is no link.
        let prose: String = text.split("```").step_by(2).collect();
        for target in prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let there = page.parent().expect("a folder").join(file);
            assert!(
                there.exists(),
                "{} links to {target}, which is not there",
                page.display()
            );
        }
    }
}
