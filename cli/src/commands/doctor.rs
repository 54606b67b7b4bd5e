//! `doctor`: what this machine and this store are like, and what would be in the way.

use std::path::Path;
use std::time::Instant;

use messier_engine::linalg;
use serde_json::{Map, Value as Json, json};

use crate::failure::{Exit, Failure, Report};
use crate::job::Job;
use crate::output::Pictures;
use crate::render::number::{count, duration};

/// One thing looked at.
struct Finding {
    name: &'static str,
    /// Whether it is as it should be.
    good: bool,
    text: String,
}

fn good(name: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        name,
        good: true,
        text: text.into(),
    }
}

fn bad(name: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        name,
        good: false,
        text: text.into(),
    }
}

/// `messier doctor`; something that is in the way makes it exit with 3.
pub fn run(job: &Job<'_>) -> Result<(), Failure> {
    let findings = [
        good(
            "version",
            format!(
                "{} for {} {}",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
        ),
        threads(job),
        instructions(),
        store_directory(job.house.dir()),
        store(job),
        terminal(job),
    ];
    let wrong: Vec<&str> = findings
        .iter()
        .filter(|finding| !finding.good)
        .map(|finding| finding.name)
        .collect();
    if job.globals.json {
        let fields: Map<String, Json> = findings
            .iter()
            .map(|finding| {
                (
                    finding.name.replace(' ', "_"),
                    json!({ "good": finding.good, "text": finding.text }),
                )
            })
            .collect();
        job.terminal.document(&fields)?;
    } else {
        let paint = job.paint();
        for finding in &findings {
            let mark = if finding.good {
                paint.good("✓")
            } else {
                paint.bad("✗")
            };
            job.terminal.line(format!(
                "{mark} {}  {}",
                paint.dim(&format!("{:12}", finding.name)),
                finding.text
            ))?;
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!("Not as it should be: {}.", wrong.join(", "));
    Err(Report::new(Exit::Machine, "doctor", message).into())
}

fn threads(job: &Job<'_>) -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let used = job.globals.threads.map_or(cores, usize::from);
    good(
        "threads",
        format!("{used} of {}", count(cores as u64, "core")),
    )
}

/// Fails if `MESSIER_ISA` asks for instructions that there are not: a sentence now is better than another path than the
/// one asked for.
pub fn check_instructions() -> Result<(), Failure> {
    match linalg::forced_isa() {
        Ok(_) => Ok(()),
        Err(message) => Err(
            Report::new(Exit::Usage, "instructions", format!("{message}."))
                .hint("unset it and the best is chosen")
                .into(),
        ),
    }
}

/// Which kernels run, and how fast they are.
fn instructions() -> Finding {
    let found = linalg::Isa::available();
    let used = linalg::isa();
    let names: Vec<&str> = found.iter().map(|isa| isa.name()).collect();
    let why = match linalg::forced_isa() {
        Ok(Some(_)) => "as MESSIER_ISA asks".to_owned(),
        _ => format!("of {}", names.join(", ")),
    };
    // Of vectors as long as those that are timed.
    let speed = linalg::measured_gflops(used.for_dims(512));
    let coarse = used.coarse(512).map_or(String::new(), |coarse| {
        format!(", {:.0} in eight-bit ones", linalg::measured_gflops(coarse))
    });
    let withheld = linalg::withheld_amx().map_or(String::new(), |why| format!("; {why}"));
    good(
        "processor",
        format!("{used} ({why}), {speed:.0} GFLOP/s in products{coarse}{withheld}"),
    )
}

/// Whether files can be made, synced and removed where the store is.
fn store_directory(dir: &Path) -> Finding {
    let probe = || -> std::io::Result<f64> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join(format!(".doctor-{}", std::process::id()));
        let began = Instant::now();
        let written = std::fs::File::create(&path).and_then(|mut file| {
            std::io::Write::write_all(&mut file, b"messier")?;
            file.sync_all()
        });
        let seconds = began.elapsed().as_secs_f64();
        std::fs::remove_file(&path).ok();
        written.map(|()| seconds)
    };
    match probe() {
        Ok(seconds) => good(
            "store",
            format!(
                "{} (a synced write takes {})",
                dir.display(),
                duration(seconds)
            ),
        ),
        Err(error) => bad("store", format!("{}: {error}", dir.display())),
    }
}

fn store(job: &Job<'_>) -> Finding {
    let datasets = job
        .session()
        .and_then(|session| Ok(session.store().datasets()?));
    match datasets {
        Ok(list) => {
            let samples: u64 = list.iter().map(|info| info.samples).sum();
            good(
                "datasets",
                format!(
                    "{} with {}",
                    count(list.len() as u64, "dataset"),
                    count(samples, "sample")
                ),
            )
        }
        Err(Failure::Report(report)) => bad("datasets", report.message),
        Err(_) => bad("datasets", "cannot be listed"),
    }
}

fn terminal(job: &Job<'_>) -> Finding {
    let look = &job.terminal.look;
    if !look.out_tty {
        return good("terminal", "none: output goes to a file or a pipe");
    }
    let colors = match (look.color, look.truecolor) {
        (false, _) => "no colour",
        (true, true) => "24-bit colour",
        (true, false) => "256 colours",
    };
    let pictures = match look.pictures {
        Pictures::HalfBlocks => "pictures as blocks",
        Pictures::Kitty => "pictures by the kitty protocol",
        Pictures::Iterm => "pictures by the iTerm2 protocol",
    };
    good(
        "terminal",
        format!("{} columns, {colors}, {pictures}", look.width.unwrap_or(80)),
    )
}
