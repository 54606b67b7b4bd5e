//! A signature as a help page: how it is called, what it does, its parameters, examples.

use messier_query::signature::{Default, Param, Signature};

use super::fit::{width, wrap};
use super::paint::Paint;

/// The page.
pub fn text(kind: &str, signature: &Signature, columns: usize, paint: Paint) -> String {
    let columns = columns.clamp(40, 100);
    let mut out = format!(
        "{}  {}\n",
        paint.bold(signature.name),
        paint.dim(&format!("({kind})"))
    );
    for line in wrap(signature.summary.trim(), columns - 2) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str(&format!("\n{}\n", usage(signature, columns, paint)));
    if !signature.params.is_empty() {
        out.push('\n');
        signature
            .params
            .iter()
            .for_each(|param| out.push_str(&parameter(param, columns, paint)));
    }
    if !signature.examples.is_empty() {
        out.push_str(&format!("\n{}\n", paint.dim("Examples")));
        for example in signature.examples {
            out.push_str(&format!("  {}\n", paint.accent(example.query)));
            wrap(example.shows.trim(), columns - 6)
                .iter()
                .for_each(|line| out.push_str(&format!("      {line}\n")));
        }
    }
    out
}

/// `kmeans(n_clusters=8, init="k-means++", ...)` broken between parameters.
fn usage(signature: &Signature, columns: usize, paint: Paint) -> String {
    let usage = signature.usage();
    if width(&usage) + 2 <= columns {
        return format!("  {}", paint.accent(&usage));
    }
    let indent = signature.name.len() + 3;
    let Some((head, parameters)) = usage.split_once('(') else {
        return format!("  {usage}");
    };
    let mut lines = vec![format!("  {head}(")];
    for part in parameters.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if width(line) + width(part.trim_end()) <= columns => line.push_str(part),
            _ => lines.push(" ".repeat(indent) + part),
        }
    }
    lines
        .iter()
        .map(|line| paint.accent(line.trim_end()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn parameter(param: &Param, columns: usize, paint: Paint) -> String {
    let default = match param.default {
        Default::Required => "must be given".to_owned(),
        other => other.arg().map_or_else(String::new, |arg| match arg {
            messier_query::signature::Arg::Null => "default None".to_owned(),
            arg => format!("default {arg}"),
        }),
    };
    let unit = param
        .unit
        .map(|unit| format!(", in {unit}"))
        .unwrap_or_default();
    let head = format!("{}{unit}; {default}", param.kind.describe());
    let mut out = format!("  {}  {}\n", paint.bold(param.name), paint.dim(&head));
    wrap(
        &param.doc.split_whitespace().collect::<Vec<_>>().join(" "),
        columns - 6,
    )
    .iter()
    .for_each(|line| out.push_str(&format!("      {line}\n")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator_args::sample;

    #[test]
    fn a_page() {
        let mut page = text(
            "operator",
            sample::OPERATOR.signature,
            60,
            Paint::new(false),
        );
        for method in (sample::OPERATOR.methods)() {
            page.push_str(&format!(
                "\n{}",
                text("clustering method", method, 60, Paint::new(false))
            ));
        }
        insta::assert_snapshot!(page);
    }
}
