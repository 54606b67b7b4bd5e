//! `demo`: the whole job, on pictures that come with the program, in a store of its own.
//!
//! Every step is the command a person would type, and is printed before it runs; doing the demo again begins afresh.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::args;
use crate::dispatch;
use crate::failure::Failure;
use crate::house::House;
use crate::job::Job;
use crate::render::number::{count, duration};
use crate::render::paint::Paint;

/// The dataset of the demo.
const NAME: &str = "emoji";

/// `messier demo [DIR]`
pub fn run(args: &args::Demo, job: &Job<'_>) -> Result<(), Failure> {
    let began = Instant::now();
    let dir = job.terminal.path(&args.dir);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::file(&dir, &error))?;
    let store = dir.join("store");
    let house = House::at(&store);
    let pictures = dir.join("pictures");
    begin_afresh(&house, job)?;
    let session = house.session()?;
    let imported = job.work(|context| session.import_demo(NAME, &pictures, context))?;
    let steps = Steps {
        job,
        house: &house,
        store: &store,
    };
    steps.say(&format!(
        "{} imported from {}",
        count(imported.samples, "picture"),
        pictures.display()
    ));
    steps.run("embed emoji")?;
    steps.run("reduce emoji --method umap --run map")?;
    // Density is found more easily in a few dimensions than in 1,280, and more truly than in the two of the map.
    steps.run("reduce emoji --method umap --n-components 5 --min-dist 0 --run map5")?;
    steps.run("cluster emoji --method hdbscan --features map5 --min-cluster-size 15 --run h15")?;
    steps.run("cluster emoji --method kmeans --n-clusters 20 --run k20")?;

    let draw = "plot emoji --points map --color k20 --label subgroup";
    steps.run(draw)?;
    for file in ["map.svg", "map.png"] {
        let file = dir.join(file);
        let out = ["--pictures", "-o", path(&file)?];
        steps.silent(&draw.split(' ').chain(out).collect::<Vec<_>>())?;
    }
    let clusters = dir.join("clusters");
    let out = path(&clusters)?;
    steps.silent(&[
        "export",
        NAME,
        out,
        "--format",
        "image-tree",
        "--by",
        "k20",
        "--force",
    ])?;
    finish(job, &house, &dir, began)
}

fn finish(job: &Job<'_>, house: &House, dir: &Path, began: Instant) -> Result<(), Failure> {
    let session = house.session()?;
    let seconds = began.elapsed().as_secs_f64();
    if job.globals.json {
        let runs = session.runs(NAME)?;
        return Ok(job.terminal.document(&json!({
            "dataset": NAME, "store": house.dir(), "seconds": seconds, "runs": runs,
            "files": [dir.join("map.svg"), dir.join("map.png"), dir.join("clusters")],
        }))?);
    }
    let paint = job.paint();
    let shown = |path: &Path| {
        path.strip_prefix(&job.terminal.look.cwd)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let store = quoted(&shown(house.dir()));
    job.terminal
        .line(format!("\nDone in {}. Look at:", duration(seconds)))?;
    for (file, what) in [
        ("map.png", "the map, a picture for each cluster"),
        ("map.svg", "the same, to zoom into"),
        ("clusters", "one folder for each cluster"),
    ] {
        job.terminal.line(format!(
            "  {}  {}",
            paint.bold(&shown(&dir.join(file))),
            paint.dim(what)
        ))?;
    }
    job.terminal.line("\nWhat to type next:")?;
    for (words, what) in [
        (
            format!("messier repl {NAME} --store {store}"),
            "ask and compute; Tab completes",
        ),
        (
            format!("messier query {NAME} 'match(k20 == \"7\").limit(12)' --store {store}"),
            "what is in a cluster",
        ),
        (
            format!("messier query {NAME} 'count_values(\"group\")' --store {store}"),
            "what there is",
        ),
        (
            format!("messier runs {NAME} info h15 --store {store}"),
            "how the dense groups were found",
        ),
        (
            "messier import ./photos --name trip --recursive".to_owned(),
            "your own pictures",
        ),
    ] {
        job.terminal.line(format!("  {}", paint.accent(&words)))?;
        job.terminal.line(format!("      {}", paint.dim(what)))?;
    }
    Ok(())
}

/// A word that a shell takes as one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn path(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::request(
            "path",
            format!("{}: the demo needs a path that is UTF-8.", path.display()),
        )
    })
}

fn begin_afresh(house: &House, job: &Job<'_>) -> Result<(), Failure> {
    let session = house.session()?;
    if session
        .store()
        .datasets()?
        .iter()
        .any(|info| info.name == NAME)
    {
        session.store().delete(NAME)?;
        job.terminal
            .note("The demo was here before; it begins afresh.");
    }
    Ok(())
}

/// Runs the commands of the demo.
struct Steps<'a, 'b> {
    job: &'a Job<'b>,
    house: &'a House,
    store: &'a Path,
}

impl Steps<'_, '_> {
    /// Shows the command, then does it.
    fn run(&self, command: &str) -> Result<(), Failure> {
        self.say(&format!(
            "{} messier {command}",
            Paint::new(self.job.terminal.paints_err()).dim("$")
        ));
        self.command(&command.split(' ').collect::<Vec<_>>(), false)
    }

    /// Does a command of which only errors are shown.
    fn silent(&self, words: &[&str]) -> Result<(), Failure> {
        self.command(words, true)
    }

    fn say(&self, text: &str) {
        self.job.terminal.note(text);
    }

    fn command(&self, words: &[&str], silent: bool) -> Result<(), Failure> {
        let mut line: Vec<OsString> = std::iter::once("messier")
            .chain(words.iter().copied())
            .map(OsString::from)
            .collect();
        line.extend(["--store".into(), self.store.into()]);
        for (flag, value) in [
            ("--threads", self.job.globals.threads.map(u64::from)),
            ("--seed", self.job.globals.seed),
        ] {
            if let Some(value) = value {
                line.extend([flag.into(), value.to_string().into()]);
            }
        }
        let invocation = dispatch::parse(line)?;
        // With --json the demo prints one document of its own; the steps' stdout is kept back.
        let terminal = if self.job.globals.json || silent {
            self.job.terminal.captured().0
        } else {
            self.job.terminal.clone()
        };
        let terminal = if silent {
            terminal.without_notes()
        } else {
            terminal
        };
        match dispatch::execute(invocation, terminal, self.house, self.job.stop.clone()) {
            0 => Ok(()),
            code => Err(Failure::Said(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_to_type_survive_a_shell() {
        assert_eq!(quoted("messier-demo/store"), "messier-demo/store");
        assert_eq!(quoted("my demo/it's"), "'my demo/it'\\''s'");
    }
}
