//! The reference page of the language, written from the signatures, so that page and program cannot disagree.

use std::fmt::Write;

use crate::functions::{self, Member, Shape};
use crate::signature::{Param, Returns, Signature};
use crate::{aggregations, edits, stages};

const HEAD: &str = "\
# The query language

This page is written by `messier_query::reference()` from the table that the program itself works with. Do not edit it: \
run `UPDATE=1 cargo test -p messier-query reference`.

A query is a chain of calls: stages, then at most one aggregation, edit or operator.

```
match((F(\"k20\") == \"7\") & (F(\"metadata.width\") > 640)).sort_by(\"uniqueness\", reverse=True).limit(25)
match(F(\"ground_truth.detections\").filter(F(\"confidence\") > 0.9).length() >= 3).count_values(\"k20\")
```

`F(\"a.b\")` is a field, `F()` the current element of a list, `F(\"$a.b\")` a field of the sample from within a list, \
`VALUE` what `reduce` has gathered so far.
";

const EDITS: &str = "\
Each ends a chain and changes what is stored: in one commit, that `messier undo` takes back. The answer says how many \
samples are different now. `messier query --dry-run` says it without changing anything. Everything else only reads. Rows that \
stand for patches or groups are refused. A field keeps its type: values that do not fit are an error, only documents may \
get more fields. A field that a run wrote stays as the run left it.";

const RULES: &str = "\
## What values mean

The rule of rules: a typed question about typed data. Whatever cannot be answered for one value is null and counted; \
whatever cannot be meant is an error before anything runs.

- **Types.** Comparing things that can never be equal or ordered is an error. int and float mix freely; bool is a number \
only in `sum` and `mean`. An id compares with its hex text, a date with ISO text.
- **Null.** A missing field and a null one are the same. Null goes through arithmetic, text, dates and conversions as null. \
`== None` tests for null. A null and a value are not equal, two nulls are, NaN equals NaN. `&`, `|` and `~` see null as \
false. Questions about a null list are false, its `length()` is 0. `exists()` is true for NaN and for an empty list.
- **Numbers.** Whole numbers stay whole for `+ - * % **`; where one overflows, its column becomes floats. `/` is always a \
float. `%` has the sign of the dividend. A negative exponent gives a float. `round` rounds halves to even, `trunc` cuts \
towards zero, both also before the point. `to_int` cuts a float and reads signed digits, `to_double` also a point and an \
exponent; any other text is null. Angles are in radians.
- **Lists.** `x[i]` and `x[a:b]` are as in Python; `x[i]` beyond the end is null. `sort` is by value, nulls last. `unique`, \
`union`, `intersection` and `difference` come out ascending. `insert` works at both ends and on an empty list. Aggregations \
unwind lists at all levels.
- **Text.** Characters are Unicode scalar values. `substr` slices as Python does. `re_match` has the syntax of the `regex` \
crate, matches anywhere, and knows the options `i m s x`. `starts_with`, `ends_with`, `contains_str` and `matches_str` take \
one text or a list, any of which is enough.
- **Dates.** UTC, in milliseconds. `date - date` is a number of milliseconds, `date + number` adds them, \
`timedelta(days=1, hours=2)` may stand for the number. `day_of_week` is 1 on Sunday, `week` counts Sundays from 0. `to_date` \
reads ISO text and milliseconds since 1970.
- **Stages.** `limit(0)`, a negative limit and `skip` past the end give an empty view, a negative skip is 0, `take` beyond the \
size is all. Stage objects (`fo.Limit(2)`) and the names of pasted code (`ViewField`, `VF`, `foe.`) are understood. `select` \
keeps the view's order and leaves unknown ids out, which are counted; `ordered=True` takes the order given. `sort_by` is \
stable and refuses lists and documents. `set_field` gives a field the type of the expression, in the view only. \
`filter_labels` keeps samples with a label left, or all with `only_matches=False`; `match_labels` chooses samples and leaves \
labels whole. `group_by` gives the first sample of each group, groups by value, null last. `to_patches` gives a row a label.
- **Aggregations.** `count()` counts samples, `count(f)` values that are not null. `count_values` has `null` and `NaN` as keys. \
`bounds`, `min`, `max`, `mean`, `std`, `sum` leave null out and NaN in, `safe=True` leaves that out too; of nothing `sum` is 0 \
and the others are null. `quantiles` are values of the data. `histogram_values` gives counts, edges, and how many fell outside.
- **Regions.** `within` is even-odd; a point on an edge or a corner is inside, the ring closes itself, NaN is outside.
- **Mistakes.** All mistakes of a query are reported at once, each with its place and what would work, before anything runs.

## Where the meaning differs from FiftyOne's

| there | here |
| --- | --- |
| `F(\"x\") < 1.5` also matches null, missing and NaN | an ordered comparison with null or NaN is false |
| a misspelt field matches everything or nothing | an error with a suggestion |
| one division by zero, `ln(-1)`, unparsable `to_int` or unmatched `switch` aborts the query | that value is null; the answer says how many |
| `x[1:]` fails if any list is empty; `contains(.., all=True)` fails where the field is missing | empty list; false |
| `strlen` and `substr` count bytes, `lower` and `upper` are ASCII only | Unicode scalar values; full case mapping |
| `is_in([1, None])` never matches a missing value | it does |
| `sort_by` puts nulls and NaN first when ascending | last, both ways; ties keep the view's order |
| the same seed in `take` and `shuffle` gives another order after another import | the order depends on ids and seed only |
| `mean()` of nothing is 0 | null |
| `quantiles` collects values in a script on the server | exact, columnar |
| `histogram_values` with explicit edges raises an error | works |
| `take`, `sort_by`, `group_by` may write an index | reading never writes |
| ordered selections fail beyond 400,000 ids | millions of ids work |
| `save()` of a view that leaves fields out deletes them in its samples | it writes what the view computed, and nothing else |
| `sort_by_similarity` needs an index made before, and writes `dist_field` into the dataset | it needs none; the field is the view's, and `save()` stores it |
";

/// The reference page, as Markdown.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    section(
        &mut page,
        "Stages",
        "Each turns a view into a view. `view[a:b]` is one, too.",
    );
    stages::all().for_each(|stage| entry(&mut page, stage.signature(), ""));
    section(
        &mut page,
        "Aggregations",
        "Each turns a view into a value, and ends a chain.",
    );
    aggregations::all().for_each(|aggregation| entry(&mut page, aggregation.signature(), ""));
    section(&mut page, "Edits", EDITS);
    edits::all().for_each(|edit| entry(&mut page, edit.signature(), ""));
    section(
        &mut page,
        "Operators of expressions",
        "In the precedence of Python.",
    );
    functions::OPERATORS
        .iter()
        .for_each(|operator| entry(&mut page, operator.signature(), ""));
    for (family, members) in functions::families() {
        section(&mut page, &format!("Expressions: {family}"), "");
        members
            .iter()
            .for_each(|member| entry(&mut page, member.signature(), receiver(member)));
    }
    page.push('\n');
    page.push_str(RULES);
    page
}

fn receiver(member: &Member) -> &'static str {
    if member.shape == Shape::Method {
        "x."
    } else {
        ""
    }
}

fn section(page: &mut String, title: &str, intro: &str) {
    let _ = writeln!(page, "\n## {}{}", title[..1].to_uppercase(), &title[1..]);
    if !intro.is_empty() {
        let _ = writeln!(page, "\n{intro}");
    }
}

fn entry(page: &mut String, signature: &Signature, receiver: &str) {
    let Signature {
        name,
        summary,
        params,
        examples,
        returns,
    } = signature;
    let symbol = *returns == Returns::Expression && !name.starts_with(|c: char| c.is_alphabetic());
    let usage = if symbol || name.contains('[') || name.contains('-') {
        (*name).to_owned()
    } else {
        format!("{receiver}{}", signature.usage())
    };
    let _ = writeln!(page, "\n### `{usage}`\n\n{summary}");
    if !params.is_empty() {
        page.push('\n');
    }
    params.iter().for_each(|param| parameter(page, param));
    for example in *examples {
        let _ = writeln!(page, "\n```\n{}\n```\n\n{}", example.query, example.shows);
    }
}

fn parameter(page: &mut String, param: &Param) {
    let unit = param
        .unit
        .map(|unit| format!(", in {unit}"))
        .unwrap_or_default();
    let _ = writeln!(
        page,
        "- `{}`: {}{unit}. {}",
        param.name,
        param.kind.describe(),
        param.doc
    );
}
