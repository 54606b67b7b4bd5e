//! The grammar, case by case; wrong inputs have a file of their own in `tests/`.

use super::parse;
use crate::diagnostic::Diagnostics;
use crate::syntax::{
    BinaryOp, CompareOp, Expr, ExprKind, FieldRef, Literal, Query, Source, Step, UnaryOp,
};

fn expression(text: &str) -> Expr {
    let query = parse(text).unwrap_or_else(|e| panic!("{text}: {e:#?}"));
    match <[Step; 1]>::try_from(query.steps) {
        Ok([Step::Bare(expr)]) => expr,
        other => panic!("{text} is no expression: {other:?}"),
    }
}

fn kind(text: &str) -> ExprKind {
    expression(text).kind
}

fn calls(query: &Query) -> Vec<&str> {
    query
        .steps
        .iter()
        .map(|step| match step {
            Step::Call(call) => call.name.node.as_str(),
            Step::Slice { .. } => "[]",
            Step::Bare(_) => "bare",
        })
        .collect()
}

fn chain(text: &str) -> String {
    let query = parse(text).unwrap_or_else(|e| panic!("{text}: {e:#?}"));
    let source = match &query.source {
        Source::All => String::new(),
        Source::Saved(name) => format!("{} ", name.node),
    };
    source + &calls(&query).join(" ")
}

/// The tree as nested lists, to see what binds to what.
fn shape(expr: &Expr) -> String {
    let all = |exprs: &[&Expr]| exprs.iter().map(|e| shape(e)).collect::<Vec<_>>().join(" ");
    match &expr.kind {
        ExprKind::Literal(Literal::Int(i)) => i.to_string(),
        ExprKind::Literal(Literal::Float(x)) => format!("{x:?}"),
        ExprKind::Literal(Literal::Text(t)) => format!("'{t}'"),
        ExprKind::Literal(other) => format!("{other:?}"),
        ExprKind::Field(FieldRef { path, root, .. }) => {
            format!("{}{}", if *root { "$" } else { "" }, path.join("."))
        }
        ExprKind::Accumulator => "VALUE".into(),
        ExprKind::Unary(UnaryOp::Neg, x) => format!("(neg {})", shape(x)),
        ExprKind::Unary(UnaryOp::Not, x) => format!("(not {})", shape(x)),
        ExprKind::Binary(op, a, b) => format!("({op:?} {})", all(&[a, b])),
        ExprKind::Compare(first, rest) => {
            let rest: Vec<String> = rest
                .iter()
                .map(|(op, e)| format!("{op:?} {}", shape(e)))
                .collect();
            format!("({} {})", shape(first), rest.join(" "))
        }
        ExprKind::List(items) => format!(
            "[{}]",
            items.iter().map(shape).collect::<Vec<_>>().join(" ")
        ),
        ExprKind::Dict(pairs) => format!(
            "{{{}}}",
            pairs
                .iter()
                .map(|(k, v)| all(&[k, v]))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        ExprKind::Index(x, i) => format!("(at {})", all(&[x, i])),
        ExprKind::Slice(x, a, b) => format!(
            "(slice {} {} {})",
            shape(x),
            a.as_ref().map_or("_".into(), |e| shape(e)),
            b.as_ref().map_or("_".into(), |e| shape(e))
        ),
        ExprKind::Method(x, call) => format!("({}.{}{})", shape(x), call.name.node, args(call)),
        ExprKind::Subfield(x, path) => format!("({}->{})", shape(x), path.join(".")),
        ExprKind::Call(call) => format!("{}{}", call.name.node, args(call)),
        ExprKind::Chain(query) => format!("<{}>", calls(query).join(" ")),
    }
}

fn args(call: &crate::syntax::Call) -> String {
    let args: Vec<String> = call
        .args
        .iter()
        .map(|arg| match &arg.name {
            Some(name) => format!("{}={}", name.node, shape(&arg.value)),
            None => shape(&arg.value),
        })
        .collect();
    format!("({})", args.join(" "))
}

fn tree(text: &str) -> String {
    shape(&expression(text))
}

#[test]
fn each_spelling_binds_as_python_binds_it() {
    let cases = [
        ("a == 1 and b == 2 or c", "(Or (And (a Eq 1) (b Eq 2)) c)"),
        ("(a == 1) & (b == 2) | c", "(Or (And (a Eq 1) (b Eq 2)) c)"),
        ("a | b & c", "(Or a (And b c))"),
        ("not a == 1", "(not (a Eq 1))"),
        ("not a and b", "(And (not a) b)"),
        ("~a & b", "(And (not a) b)"),
        ("1 < x <= 3", "(1 Lt x Le 3)"),
        ("a + b * c ** d", "(Add a (Mul b (Pow c d)))"),
        ("2 ** 3 ** 2", "(Pow 2 (Pow 3 2))"),
        ("-2 ** 2", "(neg (Pow 2 2))"),
        ("2 ** -1", "(Pow 2 -1)"),
        ("-x.abs()", "(neg (x.abs()))"),
        ("-1", "-1"),
        ("- 1.5", "-1.5"),
        ("a - b - c", "(Sub (Sub a b) c)"),
        ("a % b / c", "(Div (Rem a b) c)"),
        ("a not in [1, 2]", "(a NotIn [1 2])"),
        ("a is None", "(a Eq Null)"),
        ("a is not None", "(a Ne Null)"),
        ("'x' in tags", "('x' In tags)"),
        ("a == (not b)", "(a Eq (not b))"),
        (
            "a.b[0][1:][:-1].c(1, d=2)",
            "((slice (slice (at a.b 0) 1 _) _ -1).c(1 d=2))",
        ),
        ("F('a')('b.c') > 1", "((a->b.c) Gt 1)"),
        ("F('$').x('b').length() > 1", "((($.x('b')).length()) Gt 1)"),
        ("any([a, b])", "any([a b])"),
        ("F.any([a, b])", "any([a b])"),
        ("ViewExpression.rand() < 0.5", "(rand() Lt 0.5)"),
        ("VE(3) + foe.VALUE", "(Add E(3) VALUE)"),
        ("fo.ViewField('a.b') == 1", "(a.b Eq 1)"),
        ("+x", "x"),
        ("(1,)", "[1]"),
        ("(1, 2)", "[1 2]"),
        ("x.is_in({1, 2})", "(x.is_in([1 2]))"),
        (
            "x.map_values({'a': 'b', None: 'c',})",
            "(x.map_values({'a' 'b', Null 'c'}))",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(tree(text), expected, "{text}");
    }
}

#[test]
fn literals_are_pythons_and_jsons() {
    let cases = [
        ("True == true", "(Bool(true) Eq Bool(true))"),
        ("x == null", "(x Eq Null)"),
        (r#"x == "a\"b\n\u00e9\x41\/""#, "(x Eq 'a\"b\né\u{41}/')"),
        (r#"x == "\ud83d\ude00""#, "(x Eq '😀')"),
        (r"x == 'it\'s'", "(x Eq 'it's')"),
        (r"x == '\d+'", r"(x Eq '\d+')"),
        (r"x == r'\d\n'", r"(x Eq '\d\n')"),
        ("x == '''a'b'''", "(x Eq 'a'b')"),
        ("1_000 < x", "(1000 Lt x)"),
        ("x == 0xff", "(x Eq 255)"),
        ("x == 1e3", "(x Eq 1000.0)"),
        ("x == 1.5e-3", "(x Eq 0.0015)"),
        ("x == .5", "(x Eq 0.5)"),
        ("x == 5.", "(x Eq 5.0)"),
        ("x == 5.abs()", "(x Eq (5.abs()))"),
        ("x == -9223372036854775808", "(x Eq -9223372036854775808)"),
        ("x == float('inf')", "(x Eq inf)"),
        ("x == float('-inf')", "(x Eq -inf)"),
        ("x == -math.inf", "(x Eq -inf)"),
        ("x == float('nan')", "(x Eq NaN)"),
        ("x == datetime(1970, 1, 2)", "(x Eq DateTime(86400000))"),
        (
            "x == datetime.datetime(1970, 1, 1, 0, 0, 1, 500000)",
            "(x Eq DateTime(1500))",
        ),
        (
            "x == datetime(1970, 1, 1, hour=1)",
            "(x Eq DateTime(3600000))",
        ),
        (
            "x == datetime('1970-01-01T02:00:00+01:00')",
            "(x Eq DateTime(3600000))",
        ),
        ("x == date(1970, 1, 3)", "(x Eq Date(2))"),
        ("x == date(1969, 12, 31)", "(x Eq Date(-1))"),
        (
            "x - y > timedelta(days=1, hours=2)",
            "((Sub x y) Gt 93600000)",
        ),
        (
            "id == ObjectId('0123456789abcdef01234567')",
            "(id Eq Id([1, 35, 69, 103, 137, 171, 205, 239, 1, 35, 69, 103]))",
        ),
        ("x == '2024-01-01'", "(x Eq '2024-01-01')"),
    ];
    for (text, expected) in cases {
        assert_eq!(tree(text), expected, "{text}");
    }
}

#[test]
fn fields_are_quoted_or_bare() {
    let field = |text| match kind(text) {
        ExprKind::Field(field) => field,
        other => panic!("{other:?}"),
    };
    let path = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        field("a.b"),
        FieldRef {
            path: path(&["a", "b"]),
            root: false,
            bare: true
        }
    );
    assert_eq!(
        field("F('a.b')"),
        FieldRef {
            path: path(&["a", "b"]),
            root: false,
            bare: false
        }
    );
    assert_eq!(
        field("F('$a.b')"),
        FieldRef {
            path: path(&["a", "b"]),
            root: true,
            bare: false
        }
    );
    assert_eq!(
        field("F('$')"),
        FieldRef {
            path: vec![],
            root: true,
            bare: false
        }
    );
    assert_eq!(
        field("VF()"),
        FieldRef {
            path: vec![],
            root: false,
            bare: false
        }
    );
    assert_eq!(field("F('a-b.c d')").path, path(&["a-b", "c d"]));
    assert_eq!(field("größe").path, path(&["größe"]));
}

#[test]
fn chains_begin_with_anything_that_means_the_dataset() {
    let cases = [
        ("", ""),
        ("# nothing\n", ""),
        ("dataset", ""),
        ("view", ""),
        ("match(x == 1).limit(3)", "match limit"),
        ("dataset.match(x == 1).limit(3)", "match limit"),
        ("view\n  .match(x == 1) # why\n  .limit(3)\n", "match limit"),
        (
            "(\n  dataset\n  .match(x == 1)\n  .limit(3)\n)",
            "match limit",
        ),
        ("(dataset.match(x == 1)).limit(3)", "match limit"),
        ("view('night shots').limit(5)", "night shots limit"),
        ("view('a')", "a "),
        ("dataset[10:20].count()", "[] count"),
        ("match(x)[:-5]", "match []"),
        ("dataset.match(x == 1) \\\n .limit(3)", "match limit"),
        ("fo.Match(x).limit(1)", "match limit"),
        ("k20 == '7'", "bare"),
        ("cluster(method='hdbscan', min_cluster_size=10,)", "cluster"),
        ("count_values('k20')", "count_values"),
    ];
    for (text, expected) in cases {
        assert_eq!(chain(text).trim(), expected.trim(), "{text}");
    }
}

#[test]
fn chains_and_stage_objects_are_arguments() {
    let args_of = |text: &str| match &parse(text).unwrap().steps[0] {
        Step::Call(call) => args(call),
        other => panic!("{other:?}"),
    };
    assert_eq!(args_of("select(dataset.limit(3))"), "(<limit>)");
    assert_eq!(args_of("concat(view('a')[1:2])"), "(<[]>)");
    assert_eq!(args_of("concat(dataset)"), "(<>)");
    assert_eq!(
        args_of("flatten(fo.SortBy('x', reverse=True))"),
        "(sort_by('x' reverse=Bool(true)))"
    );
    assert_eq!(
        args_of("aggregate([fo.Count(), foe.CountValues('x')])"),
        "([count() count_values('x')])"
    );
    assert_eq!(
        args_of("sort_by([('a', 1), ('b', -1)])"),
        "([['a' 1] ['b' -1]])"
    );
}

#[test]
fn calls_and_methods_read_as_a_chain_where_a_view_is_meant() {
    let view = |text: &str| {
        let query = parse(&format!("concat({text})")).unwrap();
        let Step::Call(call) = &query.steps[0] else {
            panic!()
        };
        call.args[0]
            .value
            .to_chain()
            .map(|chain| calls(&chain).join(" "))
    };
    assert_eq!(
        view("match(x).limit(3)[1:]").as_deref(),
        Some("match limit []")
    );
    assert_eq!(view("dataset.limit(3)").as_deref(), Some("limit"));
    assert_eq!(view("limit(3)").as_deref(), Some("limit"));
    assert_eq!(view("x + 1"), None);
}

#[test]
fn spans_are_the_bytes_typed() {
    let text = "match(größe > 640 and F('a') == \"b\")";
    let query = parse(text).unwrap();
    let Step::Call(call) = &query.steps[0] else {
        panic!()
    };
    assert_eq!(&text[call.span.start..call.span.end], text);
    let ExprKind::Binary(BinaryOp::And, left, right) = &call.args[0].value.kind else {
        panic!()
    };
    assert_eq!(&text[left.span.start..left.span.end], "größe > 640");
    assert_eq!(&text[right.span.start..right.span.end], "F('a') == \"b\"");
    let ExprKind::Compare(first, rest) = &right.kind else {
        panic!()
    };
    assert_eq!(&text[first.span.start..first.span.end], "F('a')");
    assert_eq!(rest[0].0, CompareOp::Eq);
    assert_eq!(&text[rest[0].1.span.start..rest[0].1.span.end], "\"b\"");
}

fn codes(result: Result<Query, Diagnostics>) -> Vec<&'static str> {
    result.map_or_else(
        |e| e.0.iter().map(|problem| problem.code).collect(),
        |_| vec![],
    )
}

#[test]
fn all_mistakes_are_reported() {
    let text = "match(a = 1).limit(3 4).sort_by(x, y=).match(b && !c)[::2]";
    assert_eq!(
        codes(parse(text)),
        [
            "foreign-operator",
            "missing-operator",
            "expected-value",
            "foreign-operator",
            "foreign-operator",
            "slice-step"
        ]
    );
}

#[test]
fn hostile_texts_end_in_an_error_and_soon() {
    let long = 1 << 20;
    for piece in [
        "(",
        "[",
        "{",
        "not ",
        "-",
        "~",
        "!",
        "a.",
        "a==",
        "1+",
        "2**",
        "f(",
        ").",
        "a.b(",
        "x[",
        "{1:",
        "\"",
        "'",
        "“",
        "`",
        "#\n(",
        ",",
        "a?",
        "lambda x:",
        "x if ",
        "view(",
        "dataset.f(",
        "a&",
        "a==1&",
        "=",
        "$x ",
        "..",
        "and ",
        "\\",
        "SELECT ",
        "WHERE x ",
        "WHERE ",
        "F(",
        "F.",
        "\u{0}",
    ] {
        let size = if matches!(piece, "(" | "not " | "a." | "a==" | ").") {
            long
        } else {
            long / 16
        };
        let text = piece.repeat(size / piece.len());
        let started = std::time::Instant::now();
        assert!(!codes(parse(&text)).is_empty(), "{piece}");
        assert!(
            started.elapsed().as_secs() < 20,
            "{piece} took {:?}",
            started.elapsed()
        );
    }
    assert_eq!(codes(parse(&" ".repeat(long + 1))), ["too-long"]);
    for (piece, tail) in [
        ("a.", "a"),
        ("a==", "a"),
        ("limit(1).", "limit(1)"),
        ("# x\n", ""),
        (" ", ""),
    ] {
        let text = piece.repeat(long / piece.len() - 8) + tail;
        parse(&text).unwrap_or_else(|e| panic!("{piece}: {e}"));
    }
    let list = format!("x.is_in([{}])", "1,".repeat(300_000));
    parse(&list).unwrap();
}

#[test]
fn nesting_is_limited_and_the_limit_is_usable() {
    let nested = |n: usize| format!("{}x{}", "(".repeat(n), ")".repeat(n));
    parse(&nested(100)).unwrap();
    assert_eq!(codes(parse(&nested(101))), ["too-deep"]);
    parse(&format!("{}x", "not ".repeat(99))).unwrap();
    assert_eq!(
        codes(parse(&format!("{}x", "not ".repeat(101)))),
        ["too-deep"]
    );
    parse(&format!("x{}", " + 1".repeat(198))).unwrap();
    assert_eq!(
        codes(parse(&format!("x{}", " + 1".repeat(201)))),
        ["too-deep"]
    );
    assert_eq!(
        codes(parse(&format!("x{}", ".abs()".repeat(201)))),
        ["too-deep"]
    );
    // Everything at once, as deep as it goes.
    let deep = format!("{}x{}", "f(not 1 < 1 + 2 * (".repeat(50), "))".repeat(50));
    assert_eq!(codes(parse(&deep)), ["too-deep"]);
    let deep = format!("{}x{}", "f(0 == 1 + 2 * [".repeat(50), "])".repeat(50));
    let _ = parse(&deep);
}

/// The tables of foreign names must not refuse a name that the language has.
#[test]
fn every_name_of_the_language_can_be_written() {
    use crate::functions::{Shape, members};
    let stages = crate::stages::all().map(|one| one.signature().name);
    let aggregations = crate::aggregations::all().map(|one| one.signature().name);
    for name in stages.chain(aggregations) {
        assert_eq!(chain(&format!("{name}()")), name);
        assert_eq!(chain(&format!("dataset.{name}()")), name);
        assert!(super::names::begins_chain(name), "{name}");
    }
    for member in members() {
        let name = member.signature().name;
        match member.shape {
            Shape::Method => assert_eq!(tree(&format!("x.{name}()")), format!("(x.{name}())")),
            Shape::Free => {
                assert!(
                    !super::names::begins_chain(name),
                    "{name} stands alone, so it begins an expression"
                );
                parse(&format!("match({name}(x) == 1)")).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
        }
    }
}
