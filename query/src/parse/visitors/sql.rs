//! Whole statements of SQL, and clauses behind an expression: cut at the clause words, each clause becomes a stage.

use super::super::cursor::Parser;
use super::super::tokens::Kind;
use super::super::{attempt, brackets, mend};
use crate::diagnostic::Diagnostic;
use crate::syntax::Span;

/// A clause: its word and the place of what follows.
struct Clause {
    word: &'static str,
    place: Span,
    body: Span,
}

/// Words that begin a clause and how many tokens they are.
fn clause_at(parser: &Parser<'_>, at: usize) -> Option<(&'static str, usize)> {
    let one = ["SELECT", "FROM", "WHERE", "HAVING", "LIMIT", "OFFSET"];
    let after_dot = at > 0 && parser.is_at(at - 1, ".");
    if parser.look(at).kind != Kind::Name
        || after_dot
        || parser.is_at(at + 1, "(") && parser.word(parser.look(at)) != "WHERE"
    {
        return None;
    }
    let next = parser.look(at + 1);
    let value = match next.kind {
        Kind::Name => !matches!(parser.word(next), "and" | "or" | "in" | "is" | "if" | "for"),
        Kind::Symbol(symbol) => matches!(symbol, "(" | "*"),
        Kind::Int | Kind::Float | Kind::Text | Kind::Dollar | Kind::Foreign("`" | "!") => true,
        _ => false,
    };
    let number = parser.is_sql_word(at, "limit") || parser.is_sql_word(at, "offset");
    if !value || number && next.kind != Kind::Int {
        return None;
    }
    if parser.is_sql_word(at + 1, "by") {
        return [("ORDER", "ORDER"), ("GROUP", "GROUP")]
            .into_iter()
            .find(|(word, _)| parser.is_sql_word(at, word))
            .map(|(word, _)| (word, 2));
    }
    one.into_iter()
        .find(|word| parser.is_sql_word(at, word))
        .map(|word| (word, 1))
}

/// The problem of a text that is SQL; `None` for any other text.
pub(crate) fn statement(parser: &Parser<'_>) -> Option<Diagnostic> {
    let first = parser.peek();
    if first.kind != Kind::Name {
        return clauses_behind(parser).and_then(|clauses| problem(parser, &clauses));
    }
    for word in ["DELETE", "UPDATE", "INSERT", "CREATE", "DROP"] {
        if parser.is_sql_word(0, word) && parser.look(1).kind == Kind::Name {
            let problem = Diagnostic::new(
                "sql",
                "this is SQL; a query here is a chain of calls",
                first.span,
                "not a stage",
            );
            return Some(match change(parser) {
                Some(write) => problem.hint(format!("write `{write}`")).hint(
                    "it changes the dataset; `--dry-run` says how, `messier undo` takes it back",
                ),
                None => problem.hint(
                    "choose samples with `match(...)`; a chain that ends in \
`.set_field(...).save()`, `.clear()` or `.keep()` changes the dataset",
                ),
            });
        }
    }
    clauses_behind(parser).and_then(|clauses| problem(parser, &clauses))
}

/// The edit that `DELETE FROM` or `UPDATE ... SET` asks for.
fn change(parser: &Parser<'_>) -> Option<String> {
    let clauses = clauses_behind(parser).unwrap_or_default();
    let condition = clauses.iter().find(|clause| clause.word == "WHERE");
    let choose = match condition {
        Some(clause) => format!("match({}).", readable(parser.slice(clause.body).trim())?),
        None => String::new(),
    };
    let chain = if parser.is_sql_word(0, "delete") {
        format!("{choose}clear()")
    } else if parser.is_sql_word(0, "update") && parser.is_sql_word(2, "set") {
        let end = condition.map_or(parser.text.len(), |clause| clause.place.start);
        let start = parser.look(2).span.end;
        let set = parser.text.get(start..end)?.trim().trim_end_matches(';');
        let mut steps = String::new();
        for one in set.split(',') {
            let (name, value) = one.split_once('=')?;
            let value = readable(value.trim())?;
            steps.push_str(&format!("set_field(\"{}\", {value}).", name.trim()));
        }
        format!("{choose}{steps}save()")
    } else {
        return None;
    };
    attempt(&chain).1.is_empty().then_some(chain)
}

/// The clauses of the text; `None` where there are none.
fn clauses_behind(parser: &Parser<'_>) -> Option<Vec<Clause>> {
    let (mut clauses, mut open, mut at): (Vec<Clause>, usize, usize) = (Vec::new(), 0, 0);
    let mut end = 0;
    loop {
        let token = parser.look(at);
        match token.kind {
            Kind::End => break,
            Kind::Symbol(symbol) if brackets::opens(symbol) => open += 1,
            Kind::Symbol(symbol) if brackets::closes(symbol) => open = open.saturating_sub(1),
            Kind::Foreign(";") => break,
            _ if open == 0 => {
                if let Some((word, tokens)) = clause_at(parser, at) {
                    if let Some(last) = clauses.last_mut() {
                        last.body.end = end;
                    } else if at > 0 {
                        clauses.push(Clause {
                            word: "",
                            place: Span::default(),
                            body: Span {
                                start: parser.peek().span.start,
                                end,
                            },
                        });
                    }
                    let place = Span {
                        start: token.span.start,
                        end: parser.look(at + tokens - 1).span.end,
                    };
                    at += tokens;
                    let start = parser.look(at).span.start;
                    clauses.push(Clause {
                        word,
                        place,
                        body: Span { start, end: start },
                    });
                    end = start;
                    continue;
                }
            }
            _ => {}
        }
        end = token.span.end;
        at += 1;
    }
    if let Some(last) = clauses.last_mut() {
        last.body.end = end.max(last.body.start);
    }
    let telling = clauses.iter().any(|clause| {
        matches!(
            clause.word,
            "SELECT" | "WHERE" | "ORDER" | "GROUP" | "LIMIT" | "OFFSET"
        )
    });
    telling.then_some(clauses)
}

fn problem(parser: &Parser<'_>, clauses: &[Clause]) -> Option<Diagnostic> {
    let named = clauses.iter().find(|clause| !clause.word.is_empty())?;
    // A lone word such as a field called `limit` is no statement.
    if clauses.len() == 1 && named.body.start == named.body.end {
        return None;
    }
    let problem = Diagnostic::new(
        "sql",
        "this is SQL; a query here is a chain of calls",
        named.place,
        "not a stage",
    );
    let whole = Span {
        start: 0,
        end: parser.text.len(),
    };
    Some(match chain(parser, clauses) {
        Some(write) => problem.hint(format!("write `{write}`")).edit(whole, write),
        None => problem.hint(
            "`WHERE` is `match(...)`, `ORDER BY` is `.sort_by(...)`, \
`LIMIT 10` is `.limit(10)`, `SELECT COUNT(*)` is `.count()`",
        ),
    })
}

/// The stages that do what the clauses say.
fn chain(parser: &Parser<'_>, clauses: &[Clause]) -> Option<String> {
    let body = |word: &str| {
        clauses
            .iter()
            .find(|clause| clause.word == word)
            .map(|clause| parser.slice(clause.body).trim())
    };
    let mut steps = Vec::new();
    if let Some(first) = body("").filter(|first| !first.is_empty()) {
        let first = readable(first)?;
        let chain = first.contains('(')
            && attempt(&first)
                .0
                .steps
                .iter()
                .all(|step| matches!(step, crate::syntax::Step::Call(_)));
        steps.push(if chain {
            first
        } else {
            format!("match({first})")
        });
    }
    if let Some(condition) = body("WHERE") {
        steps.push(format!("match({})", readable(condition)?));
    }
    if let Some(order) = body("ORDER") {
        steps.push(sort(order)?);
    }
    if let Some(n) = body("OFFSET") {
        steps.push(format!("skip({n})"));
    }
    if let Some(n) = body("LIMIT") {
        steps.push(format!("limit({n})"));
    }
    match (body("SELECT"), body("GROUP")) {
        (_, Some(group)) => steps.push(format!("count_values(\"{group}\")")),
        (Some(columns), None) => steps.extend(selection(columns)?),
        (None, None) => {}
    }
    let chain = if steps.is_empty() {
        "dataset".to_owned()
    } else {
        steps.join(".")
    };
    attempt(&chain).1.is_empty().then_some(chain)
}

/// A condition in our spelling.
fn readable(condition: &str) -> Option<String> {
    let (_, problems) = attempt(condition);
    if problems.is_empty() {
        Some(condition.to_owned())
    } else {
        mend(condition, &problems)
    }
}

fn sort(order: &str) -> Option<String> {
    let mut keys = Vec::new();
    for key in order.split(',') {
        let mut words = key.split_whitespace();
        let field = words.next()?;
        let down = match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("DESC") => true,
            Some("ASC") | None => false,
            Some(_) => return None,
        };
        keys.push((field, down));
    }
    match keys.as_slice() {
        [(field, false)] => Some(format!("sort_by(\"{field}\")")),
        [(field, true)] => Some(format!("sort_by(\"{field}\", reverse=True)")),
        _ => {
            let pairs: Vec<String> = keys
                .iter()
                .map(|(field, down)| format!("(\"{field}\", {})", if *down { -1 } else { 1 }))
                .collect();
            Some(format!("sort_by([{}])", pairs.join(", ")))
        }
    }
}

/// What a SELECT list asks for.
fn selection(columns: &str) -> Option<Vec<String>> {
    let columns = columns.trim();
    if columns == "*" || columns.is_empty() {
        return Some(Vec::new());
    }
    if let Some(field) = columns
        .strip_prefix("DISTINCT ")
        .or_else(|| columns.strip_prefix("distinct "))
    {
        return Some(vec![format!("distinct(\"{}\")", field.trim())]);
    }
    if let Some((function, rest)) = columns.split_once('(') {
        let field = rest.strip_suffix(')')?.trim();
        let ours = match function.trim().to_ascii_uppercase().as_str() {
            "COUNT" => "count",
            "AVG" => "mean",
            "MIN" => "min",
            "MAX" => "max",
            "SUM" => "sum",
            _ => return None,
        };
        return Some(vec![if field == "*" {
            format!("{ours}()")
        } else {
            format!("{ours}(\"{field}\")")
        }]);
    }
    let names: Vec<String> = columns
        .split(',')
        .map(|name| format!("\"{}\"", name.trim()))
        .collect();
    Some(vec![format!("select_fields([{}])", names.join(", "))])
}
