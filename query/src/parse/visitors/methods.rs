//! Names of calls in other languages that are no names here. Near misspellings are not in these tables: the planner
//! suggests the nearest name for those.

use super::super::cursor::Parser;
use super::{is_tight, receiver};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Argument, Call, Expr, ExprKind, Literal, Span};

/// Stages: theirs, ours, from where.
const STAGES: [(&str, &str, &str); 34] = [
    ("where", "match", "SQL"),
    ("WHERE", "match", "SQL"),
    ("filter", "match", "other libraries"),
    ("find", "match", "MongoDB"),
    ("findOne", "match", "MongoDB"),
    ("find_one", "match", "MongoDB"),
    ("query", "match", "pandas"),
    ("having", "match", "SQL"),
    ("order_by", "sort_by", "SQL"),
    ("orderBy", "sort_by", "SQL"),
    ("orderby", "sort_by", "SQL"),
    ("sort", "sort_by", "MongoDB"),
    ("sorted", "sort_by", "Python"),
    ("sort_values", "sort_by", "pandas"),
    ("groupby", "group_by", "pandas"),
    ("groupBy", "group_by", "other libraries"),
    ("value_counts", "count_values", "pandas"),
    ("countBy", "count_values", "other libraries"),
    ("nunique", "distinct", "pandas"),
    ("unique", "distinct", "pandas"),
    ("sample", "take", "pandas"),
    ("top", "limit", "SQL"),
    ("LIMIT", "limit", "SQL"),
    ("offset", "skip", "SQL"),
    ("OFFSET", "skip", "SQL"),
    ("drop", "skip", "other libraries"),
    ("avg", "mean", "SQL"),
    ("AVG", "mean", "SQL"),
    ("average", "mean", "other libraries"),
    ("COUNT", "count", "SQL"),
    ("len", "count", "Python"),
    ("size", "count", "other libraries"),
    ("length", "count", "other libraries"),
    ("histogram", "histogram_values", "other libraries"),
];

/// Methods: theirs, ours.
const METHODS: [(&str, &str); 40] = [
    ("isin", "is_in"),
    ("isIn", "is_in"),
    ("isna", "is_null"),
    ("isnull", "is_null"),
    ("isNull", "is_null"),
    ("notna", "exists"),
    ("notnull", "exists"),
    ("isNotNull", "exists"),
    ("fillna", "if_null"),
    ("coalesce", "if_null"),
    ("startswith", "starts_with"),
    ("startsWith", "starts_with"),
    ("endswith", "ends_with"),
    ("endsWith", "ends_with"),
    ("includes", "contains"),
    ("toLowerCase", "lower"),
    ("toUpperCase", "upper"),
    ("tolower", "lower"),
    ("toupper", "upper"),
    ("trim", "strip"),
    ("trimStart", "lstrip"),
    ("trimEnd", "rstrip"),
    ("len", "length"),
    ("size", "length"),
    ("substring", "substr"),
    ("matches", "re_match"),
    ("regex", "re_match"),
    ("rlike", "re_match"),
    ("average", "mean"),
    ("avg", "mean"),
    ("sorted", "sort"),
    ("reversed", "reverse"),
    ("astype", "to_string"),
    ("toString", "to_string"),
    ("dayofweek", "day_of_week"),
    ("dayofyear", "day_of_year"),
    ("weekday", "day_of_week"),
    ("clip", "max"),
    ("str_contains", "contains_str"),
    ("like", "contains_str"),
];

/// Functions of other languages whose first argument is our receiver.
const FUNCTIONS: [(&str, &str); 45] = [
    ("len", "length"),
    ("LENGTH", "length"),
    ("LEN", "length"),
    ("str", "to_string"),
    ("int", "to_int"),
    ("float", "to_double"),
    ("bool", "to_bool"),
    ("sorted", "sort"),
    ("reversed", "reverse"),
    ("set", "unique"),
    ("type", "type"),
    ("lower", "lower"),
    ("LOWER", "lower"),
    ("upper", "upper"),
    ("UPPER", "upper"),
    ("trim", "strip"),
    ("TRIM", "strip"),
    ("CONCAT", "concat"),
    ("SUBSTR", "substr"),
    ("SUBSTRING", "substr"),
    ("YEAR", "year"),
    ("MONTH", "month"),
    ("DAY", "day_of_month"),
    ("COALESCE", "if_null"),
    ("coalesce", "if_null"),
    ("IFNULL", "if_null"),
    ("ISNULL", "is_null"),
    ("isnull", "is_null"),
    ("isnan", "is_null"),
    ("contains", "contains"),
    ("starts_with", "starts_with"),
    ("ends_with", "ends_with"),
    ("is_in", "is_in"),
    ("exists", "exists"),
    ("length", "length"),
    ("sqrt", "sqrt"),
    ("floor", "floor"),
    ("ceil", "ceil"),
    ("exp", "exp"),
    ("log", "log"),
    ("log10", "log10"),
    ("sin", "sin"),
    ("cos", "cos"),
    ("pow", "pow"),
    ("ROUND", "round"),
];

fn ours(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(theirs, _)| *theirs == name)
        .map(|(_, ours)| *ours)
}

impl Parser<'_> {
    /// Notes a stage that has another name here.
    pub(crate) fn check_step(&mut self, call: &Call) {
        let name = call.name.node.as_str();
        if matches!(name, "print" | "list" | "display") {
            self.note_wrapped(call);
            return;
        }
        let Some((_, ours, from)) = STAGES.iter().find(|(theirs, ..)| *theirs == name) else {
            return;
        };
        // `len(dataset)` keeps its own sense below.
        let span = call.name.span;
        let problem = Diagnostic::new(
            "foreign-name",
            format!("`{name}` is the name in {from}"),
            span,
            format!("called `{ours}` here"),
        );
        let mut problem = problem
            .hint(format!("write `{ours}(...)`"))
            .edit(span, *ours);
        for arg in &call.args {
            if let Some(keyword) = arg.name.as_ref().filter(|keyword| {
                matches!(keyword.node.as_str(), "ascending" | "desc" | "descending")
            }) {
                let up = keyword.node == "ascending";
                let yes = arg.value.kind == ExprKind::Literal(Literal::Bool(true));
                let reverse = if yes != up {
                    "reverse=True"
                } else {
                    "reverse=False"
                };
                let span = Span {
                    start: keyword.span.start,
                    end: arg.value.span.end,
                };
                problem = problem
                    .hint(format!("the order is turned by `{reverse}`"))
                    .edit(span, reverse);
            }
        }
        self.note(problem);
    }

    /// `print(dataset.limit(3))`.
    fn note_wrapped(&mut self, call: &Call) {
        let name = &call.name.node;
        let mut problem = Diagnostic::new(
            "foreign-name",
            format!("`{name}(...)` is Python; the answer is shown as it is"),
            call.name.span,
            "not needed",
        );
        problem = problem.hint(format!("remove `{name}(` and its `)`"));
        if let [one] = call.args.as_slice() {
            let value = one.value.span;
            problem = problem
                .edit(
                    Span {
                        start: call.span.start,
                        end: value.start,
                    },
                    "",
                )
                .edit(
                    Span {
                        start: value.end,
                        end: call.span.end,
                    },
                    "",
                );
        }
        self.note(problem);
    }

    /// Notes a method that has another name here.
    pub(crate) fn check_method(&mut self, on: &Expr, call: &Call) {
        let name = call.name.node.as_str();
        let span = call.name.span;
        if let ExprKind::Field(field) = &on.kind
            && field.bare
            && field.path.len() == 1
            && matches!(
                field.path[0].as_str(),
                "np" | "numpy" | "math" | "pd" | "re" | "datetime" | "date" | "time"
            )
        {
            if matches!(field.path[0].as_str(), "datetime" | "date" | "time") {
                // A field may be called `date`; a clock's methods tell.
                if matches!(name, "now" | "utcnow" | "today" | "time") {
                    self.note_clock(Span {
                        start: on.span.start,
                        end: call.span.end,
                    });
                }
                return;
            }
            self.note_module(&field.path[0], on.span, call);
            return;
        }
        let accessor = match &on.kind {
            ExprKind::Field(field) if field.path.len() > 1 => field
                .path
                .last()
                .filter(|last| matches!(last.as_str(), "str" | "dt"))
                .map(String::len),
            _ => None,
        };
        let stringy = match name {
            "contains" if accessor.is_some() => Some("contains_str"),
            "match" | "fullmatch" if accessor.is_some() => Some("re_match"),
            "len" if accessor.is_some() => Some("strlen"),
            _ => None,
        };
        let write = stringy.or_else(|| ours(&METHODS, name));
        if let (None, None) = (write, accessor) {
            return;
        }
        let write = write.unwrap_or(name);
        let message = if accessor.is_some() {
            "`.str` and `.dt` are pandas; methods are called on the field itself".to_owned()
        } else {
            format!("`{name}` is the name in another language")
        };
        let mut problem = Diagnostic::new(
            "foreign-name",
            message,
            span,
            format!("called `{write}` here"),
        )
        .hint(format!("write `.{write}(...)`"))
        .edit(span, write);
        if let Some(length) = accessor {
            let end = on.span.end;
            problem = problem.edit(
                Span {
                    start: end - length - 1,
                    end,
                },
                "",
            );
        }
        self.note(problem);
    }

    /// `datetime.now()`: a query means the same tomorrow.
    fn note_clock(&mut self, span: Span) {
        let problem = Diagnostic::new(
            "no-clock",
            "a query has no clock: it means the same tomorrow",
            span,
            "not known here",
        );
        self.note(problem.hint(
            "write the moment: `datetime(2024, 1, 31, 18, 30)` in UTC, or `date(2024, 1, 31)`",
        ));
    }

    /// `np.sqrt(x)`.
    fn note_module(&mut self, module: &str, place: Span, call: &Call) {
        let name = &call.name.node;
        let span = Span {
            start: place.start,
            end: call.span.end,
        };
        let problem = Diagnostic::new(
            "foreign-name",
            format!("`{module}.{name}` is a function of Python"),
            Span {
                start: place.start,
                end: call.name.span.end,
            },
            "a method here",
        );
        let ours = ours(&FUNCTIONS, name).unwrap_or(name);
        self.note(match self.as_method(ours, &call.args) {
            Some(write) => problem.hint(format!("write `{write}`")).edit(span, write),
            None => problem.hint(format!("write `x.{ours}(...)` if there is such a method")),
        });
    }

    /// Notes a function that is a method here.
    pub(crate) fn check_function(&mut self, call: &Call) {
        let name = call.name.node.as_str();
        let Some(ours) = ours(&FUNCTIONS, name) else {
            return;
        };
        let chain =
            matches!(call.args.as_slice(), [one] if matches!(one.value.kind, ExprKind::Chain(_)));
        // A stage object: `exists("field")` in `flatten(...)`.
        if name == "exists"
            && matches!(call.args.first(), Some(one) if matches!(one.value.kind, ExprKind::Literal(_)))
        {
            return;
        }
        let ours = if chain && ours == "length" {
            "count"
        } else {
            ours
        };
        let problem = Diagnostic::new(
            "foreign-name",
            format!("`{name}` is not called like a function here"),
            call.name.span,
            "a method here",
        );
        self.note(match self.as_method(ours, &call.args) {
            Some(write) => problem
                .hint(format!("write `{write}`"))
                .edit(call.span, write),
            None => problem.hint(format!("write `x.{ours}(...)`")),
        });
    }

    /// `name(x, more)` as `x.name(more)`.
    fn as_method(&self, name: &str, args: &[Argument]) -> Option<String> {
        let (first, rest) = args.split_first()?;
        if first.name.is_some() {
            return None;
        }
        let on = match first.value.kind {
            ExprKind::Literal(_) => format!("E({})", self.slice(first.value.span)),
            _ if is_tight(self, &first.value) => self.slice(first.value.span).to_owned(),
            _ => receiver(self, &first.value),
        };
        let rest: Vec<String> = rest
            .iter()
            .map(|arg| match &arg.name {
                Some(keyword) => format!("{}={}", keyword.node, self.slice(arg.value.span)),
                None => self.slice(arg.value.span).to_owned(),
            })
            .collect();
        Some(format!("{on}.{name}({})", rest.join(", ")))
    }
}
