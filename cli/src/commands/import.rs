//! `import`: a folder or a file becomes a dataset, or adds what is new to one.

use messier_engine::exchange::import::{Report, Skipped, importer};

use super::next_step;
use crate::args::Import;
use crate::dispatch::importers;
use crate::failure::Failure;
use crate::job::Job;
use crate::method_flags::{self, Given};
use crate::render::fit::printable;
use crate::render::number::{count, grouped};
use crate::render::paint::Paint;

/// Most files named one by one.
const NAMED: usize = 10;

/// `messier import PATH --name D`
pub fn run(args: &Import, given: &Given, job: &Job<'_>) -> Result<(), Failure> {
    let source = job.terminal.path(&args.path);
    std::fs::symlink_metadata(&source).map_err(|error| Failure::file(&source, &error))?;
    let format = importer(args.format.as_deref(), &source)?.signature();
    let arguments = method_flags::read("import", given, &[], Some(format), &importers())?;
    let session = job.session()?;
    let outcome = job.work(|context| {
        session.import(
            &args.name,
            &source,
            args.format.as_deref(),
            &arguments,
            !args.temporary,
            context,
        )
    })?;
    if job.globals.json {
        return Ok(job.terminal.document(&outcome)?);
    }
    let paint = Paint::new(job.terminal.paints_err());
    let report = &outcome.report;
    list(&report.skipped, "left out", paint, job);
    list(&report.kept_broken, "kept without metadata", paint, job);
    list(&report.same_file, "is another name of", paint, job);
    for note in &outcome.notes {
        job.terminal
            .note(format!("{} {}", paint.warn("note:"), printable(note)));
    }
    job.terminal
        .note(summary(&args.name, report, outcome.samples));
    if args.temporary && outcome.created {
        job.terminal.note(paint.dim(&format!(
            "{} is temporary: it goes with the last command, prompt or page that has this store open.",
            args.name
        )));
    } else if report.added > 0 {
        let command = next_step::command(&session, &args.name)?;
        job.terminal.note(paint.dim(&format!("Next: {command}")));
    }
    Ok(())
}

fn summary(name: &str, report: &Report, samples: u64) -> String {
    let mut out = format!("{name}: {} added", grouped(report.added as u64));
    if report.already > 0 {
        out.push_str(&format!(
            ", {} there already",
            grouped(report.already as u64)
        ));
    }
    if !report.skipped.is_empty() {
        out.push_str(&format!(
            ", {} left out",
            grouped(report.skipped.len() as u64)
        ));
    }
    if report.ignored > 0 {
        let what = if report.ignored == 1 {
            "is no picture"
        } else {
            "are no pictures"
        };
        out.push_str(&format!(
            ", {} passed over that {what}",
            count(report.ignored as u64, "file")
        ));
    }
    format!("{out}; {} now.", count(samples, "sample"))
}

fn list(items: &[Skipped], what: &str, paint: Paint, job: &Job<'_>) {
    for item in items.iter().take(NAMED) {
        job.terminal.note(format!(
            "{} {} {what}: {}",
            paint.warn("note:"),
            printable(&item.path),
            printable(&item.reason)
        ));
    }
    if items.len() > NAMED {
        job.terminal.note(paint.dim(&format!(
            "      and {} more",
            grouped((items.len() - NAMED) as u64)
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_happened_to_every_file() {
        let skipped = Skipped {
            path: "x.jpg".into(),
            reason: "is cut off".into(),
        };
        let report = Report {
            added: 1200,
            already: 3,
            ignored: 1,
            skipped: vec![skipped],
            ..Report::default()
        };
        assert_eq!(
            summary("trip", &report, 1203),
            "trip: 1,200 added, 3 there already, 1 left out, 1 file passed over that is no picture; 1,203 samples now."
        );
        assert_eq!(
            summary("trip", &Report::default(), 1),
            "trip: 0 added; 1 sample now."
        );
    }
}
