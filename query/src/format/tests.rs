//! The printer's law on generated trees: what it writes reads back as the same tree, and writes the same again.

use proptest::prelude::*;

use super::{LINE, format};
use crate::parse::parse;
use crate::syntax::*;

const AT: Span = Span { start: 0, end: 0 };

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: AT }
}

fn named(name: &str) -> Spanned<String> {
    Spanned {
        node: name.to_owned(),
        span: AT,
    }
}

/// Takes away what the law allows to differ: places, the spelling of fields, and bare conditions.
fn plain(query: &Query) -> Query {
    let steps = query.steps.iter().map(|step| match step {
        Step::Call(call) => Step::Call(plain_call(call)),
        Step::Slice { start, end, .. } => Step::Slice {
            start: start.as_ref().map(plain_expr),
            end: end.as_ref().map(plain_expr),
            span: AT,
        },
        Step::Bare(expr) => Step::Call(Call {
            name: named("match"),
            args: vec![Argument {
                name: None,
                value: plain_expr(expr),
            }],
            span: AT,
        }),
    });
    let source = match &query.source {
        Source::All => Source::All,
        Source::Saved(name) => Source::Saved(named(&name.node)),
    };
    Query {
        source,
        steps: steps.collect(),
        span: AT,
    }
}

fn plain_call(call: &Call) -> Call {
    let args = call.args.iter().map(|arg| Argument {
        name: arg.name.as_ref().map(|name| named(&name.node)),
        value: plain_expr(&arg.value),
    });
    Call {
        name: named(&call.name.node),
        args: args.collect(),
        span: AT,
    }
}

fn plain_expr(of: &Expr) -> Expr {
    let one = |e: &Expr| Box::new(plain_expr(e));
    expr(match &of.kind {
        ExprKind::Literal(literal) => ExprKind::Literal(literal.clone()),
        ExprKind::List(items) => ExprKind::List(items.iter().map(plain_expr).collect()),
        ExprKind::Dict(pairs) => ExprKind::Dict(
            pairs
                .iter()
                .map(|(k, v)| (plain_expr(k), plain_expr(v)))
                .collect(),
        ),
        ExprKind::Field(field) => ExprKind::Field(FieldRef {
            bare: false,
            ..field.clone()
        }),
        ExprKind::Accumulator => ExprKind::Accumulator,
        ExprKind::Unary(op, inner) => ExprKind::Unary(*op, one(inner)),
        ExprKind::Binary(op, left, right) => ExprKind::Binary(*op, one(left), one(right)),
        ExprKind::Compare(first, rest) => ExprKind::Compare(
            one(first),
            rest.iter().map(|(op, e)| (*op, plain_expr(e))).collect(),
        ),
        ExprKind::Index(inner, index) => ExprKind::Index(one(inner), one(index)),
        ExprKind::Slice(inner, start, end) => ExprKind::Slice(
            one(inner),
            start.as_deref().map(one),
            end.as_deref().map(one),
        ),
        ExprKind::Method(inner, call) => ExprKind::Method(one(inner), plain_call(call)),
        ExprKind::Subfield(inner, path) => ExprKind::Subfield(one(inner), path.clone()),
        ExprKind::Call(call) => ExprKind::Call(plain_call(call)),
        ExprKind::Chain(query) => ExprKind::Chain(Box::new(plain(query))),
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_]{0,6}",
        Just("label".to_owned()),
        Just("match".to_owned()),
        Just("größe".to_owned()),
    ]
    .prop_filter("a word with a meaning of its own", |name| {
        !matches!(
            name.as_str(),
            "datetime" | "date" | "timedelta" | "float" | "view" | "dataset"
        ) && crate::parse::names::is_bare_path(std::slice::from_ref(name))
    })
}

fn field() -> impl Strategy<Value = FieldRef> {
    let part = prop_oneof![
        name(),
        Just("a-b".to_owned()),
        Just("and".to_owned()),
        Just("F".to_owned()),
        Just("AND".to_owned()),
        Just("my \"x\"".to_owned()),
        Just("df".to_owned()),
        Just("dataset".to_owned())
    ];
    (
        prop::collection::vec(part, 0..4),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(path, root, bare)| FieldRef {
            bare: bare && !path.is_empty(),
            path,
            root,
        })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Int),
        prop_oneof![Just(0), Just(-1), Just(i64::MIN), Just(i64::MAX)].prop_map(Literal::Int),
        any::<f64>()
            .prop_filter("NaN is not itself", |x| !x.is_nan())
            .prop_map(Literal::Float),
        prop_oneof![
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(-0.0),
            Just(1e300)
        ]
        .prop_map(Literal::Float),
        any::<String>().prop_map(Literal::Text),
        (-62_135_596_800_000i64..=253_402_300_799_999).prop_map(Literal::DateTime),
        (-719_162i32..=2_932_896).prop_map(Literal::Date),
        any::<[u8; 12]>().prop_map(Literal::Id),
    ]
}

/// Names that other languages use for functions are refused where an expression stands.
fn function() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("any"),
        Just("rand"),
        Just("E"),
        Just("limit"),
        Just("my_function")
    ]
    .prop_map(str::to_owned)
}

fn call(
    of: impl Strategy<Value = String>,
    value: BoxedStrategy<Expr>,
) -> impl Strategy<Value = Call> {
    (
        of,
        prop::collection::vec(value.clone(), 0..3),
        prop::collection::btree_map("[a-z]{2,5}", value, 0..2),
    )
        .prop_map(|(name, positional, keywords)| {
            let reserved =
                |name: &String| !crate::parse::names::is_bare_path(std::slice::from_ref(name));
            let mut args: Vec<Argument> = positional
                .into_iter()
                .map(|value| Argument { name: None, value })
                .collect();
            // `match(a=1)` is read as a comparison.
            let condition = name == "match" || name == "any";
            let keywords = keywords
                .into_iter()
                .filter(|(name, _)| !condition && !reserved(name));
            args.extend(keywords.map(|(name, value)| Argument {
                name: Some(named(&name)),
                value,
            }));
            Call {
                name: named(&name),
                args,
                span: AT,
            }
        })
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("abs"),
        Just("is_in"),
        Just("map"),
        Just("if_else"),
        Just("and"),
        Just("x1")
    ]
    .prop_map(str::to_owned)
}

/// A key that is not one of MongoDB's operators.
fn dict_key(key: &Expr) -> bool {
    !matches!(&key.kind, ExprKind::Literal(Literal::Text(text)) if text.starts_with('$'))
}

fn expression() -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        literal().prop_map(|l| expr(ExprKind::Literal(l))),
        field().prop_map(|f| expr(ExprKind::Field(f))),
        Just(expr(ExprKind::Accumulator)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let op = prop::sample::select(vec![
            BinaryOp::And,
            BinaryOp::Or,
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Rem,
            BinaryOp::Pow,
        ]);
        let compare = prop::sample::select(vec![
            CompareOp::Eq,
            CompareOp::Ne,
            CompareOp::Lt,
            CompareOp::Le,
            CompareOp::Gt,
            CompareOp::Ge,
            CompareOp::In,
            CompareOp::NotIn,
        ]);
        let maybe = prop::option::of(boxed.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| expr(ExprKind::List(v))),
            prop::collection::vec(
                (
                    inner.clone().prop_filter("MongoDB's", dict_key),
                    inner.clone()
                ),
                0..3
            )
            .prop_map(|v| expr(ExprKind::Dict(v))),
            (
                prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]),
                boxed.clone()
            )
                .prop_map(|(op, x)| negated(op, *x)),
            (op, boxed.clone(), boxed.clone())
                .prop_map(|(op, a, b)| expr(ExprKind::Binary(op, a, b))),
            (
                boxed.clone(),
                prop::collection::vec((compare, inner.clone()), 1..3)
            )
                .prop_map(|(a, rest)| expr(ExprKind::Compare(a, rest))),
            (boxed.clone(), boxed.clone())
                .prop_map(|(x, i)| expr(ExprKind::Index(not_chain(x), i))),
            (boxed.clone(), maybe.clone(), maybe).prop_map(|(x, a, b)| expr(ExprKind::Slice(
                not_chain(x),
                a,
                b
            ))),
            (boxed.clone(), call(method(), inner.clone().boxed()))
                .prop_map(|(x, c)| expr(ExprKind::Method(not_chain(x), c))),
            (boxed, prop::collection::vec("[a-z]{1,4}", 1..3))
                .prop_map(|(x, path)| expr(ExprKind::Subfield(document(x), path))),
            call(function(), inner.clone().boxed()).prop_map(|c| expr(ExprKind::Call(c))),
            chain(inner.boxed()).prop_map(|q| expr(ExprKind::Chain(Box::new(q)))),
        ]
    })
    .boxed()
}

/// A minus before a number is part of the number.
fn negated(op: UnaryOp, inner: Expr) -> Expr {
    match (op, inner.kind) {
        (UnaryOp::Neg, ExprKind::Literal(Literal::Int(i))) if i != i64::MIN => {
            expr(ExprKind::Literal(Literal::Int(-i)))
        }
        (UnaryOp::Neg, ExprKind::Literal(Literal::Float(x))) => {
            expr(ExprKind::Literal(Literal::Float(-x)))
        }
        (op, kind) => expr(ExprKind::Unary(op, Box::new(expr(kind)))),
    }
}

/// What follows a chain belongs to the chain.
fn not_chain(inner: Box<Expr>) -> Box<Expr> {
    match inner.kind {
        ExprKind::Chain(_) => Box::new(expr(ExprKind::Accumulator)),
        _ => inner,
    }
}

fn document(inner: Box<Expr>) -> Box<Expr> {
    match inner.kind {
        ExprKind::Literal(_) => Box::new(expr(ExprKind::Accumulator)),
        _ => not_chain(inner),
    }
}

fn chain(value: BoxedStrategy<Expr>) -> impl Strategy<Value = Query> {
    let stage = prop_oneof![
        Just("match"),
        Just("limit"),
        Just("sort_by"),
        Just("any"),
        Just("E"),
        Just("rand"),
        Just("my_operator")
    ];
    let maybe = prop::option::of(value.clone());
    let step = prop_oneof![
        4 => call(stage.prop_map(str::to_owned), value).prop_map(Step::Call),
        1 => (maybe.clone(), maybe).prop_map(|(start, end)| Step::Slice { start, end, span: AT }),
    ];
    let source = prop_oneof![3 => Just(Source::All), 1 => any::<String>().prop_map(|name| Source::Saved(named(&name)))];
    (source, prop::collection::vec(step, 0..4)).prop_map(|(source, steps)| Query {
        source,
        steps,
        span: AT,
    })
}

fn query() -> BoxedStrategy<Query> {
    prop_oneof![
        chain(expression()),
        expression().prop_map(|e| Query {
            source: Source::All,
            steps: vec![Step::Bare(e)],
            span: AT
        }),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(query in query()) {
        let text = format(&query);
        match parse(&text) {
            Ok(read) => {
                prop_assert_eq!(plain(&read), plain(&query), "{}", text);
                prop_assert_eq!(format(&read), text);
                prop_assert_eq!(plain(&parse(&read.to_string()).unwrap()), plain(&query));
            }
            // Dicts given to `match` are refused, whoever wrote them.
            Err(problems) => {
                let known = problems.0.iter().all(|one| matches!(one.code, "mongodb" | "too-deep"));
                prop_assert!(known, "{}: {:?}", text, problems);
            },
        }
    }
}

fn canonical(text: &str) -> String {
    format(&parse(text).unwrap_or_else(|e| panic!("{text}: {e}")))
}

#[test]
fn one_spelling_for_each_thing() {
    let cases = [
        ("", ""),
        ("dataset", ""),
        ("k20=='7'", r#"match(k20 == "7")"#),
        (
            "view.match( (F('a')==1)&(F('b')!=None) )",
            "match(a == 1 and b != None)",
        ),
        ("match(~(a | b))", "match(not (a or b))"),
        ("match(not a is not None)", "match(not a != None)"),
        ("match(a in (1,2,))", "match(a in [1, 2])"),
        ("match(((a)) + (b * c))", "match(a + b * c)"),
        ("match((a + b) * -c ** -2)", "match((a + b) * -c ** -2)"),
        ("match((-2) ** 2)", "match((-2) ** 2)"),
        ("match((2).abs())", "match((2).abs())"),
        ("match((a - b) - (c - d))", "match(a - b - (c - d))"),
        ("match((a == b) == (c < d))", "match((a == b) == (c < d))"),
        ("match(F('$a.b') == F())", r#"match(F("$a.b") == F())"#),
        (
            "match(F('and') == F('x y'))",
            r#"match(F("and") == F("x y"))"#,
        ),
        ("match(F('a')('b.c'))", r#"match(F("a")("b.c"))"#),
        ("select(dataset.limit(3))", "select(dataset.limit(3))"),
        ("flatten(fo.Limit(2))", "flatten(limit(2))"),
        ("view('a b')[1:]", "view(\"a b\")[1:]"),
        ("dataset[:3]", "dataset[:3]"),
        (
            "match(d > datetime(2024,1,31,0,30))",
            "match(d > datetime(2024, 1, 31, 0, 30))",
        ),
        (
            "match(d - e > timedelta(minutes=1))",
            "match(d - e > 60000)",
        ),
        ("match(x == float('-inf'))", "match(x == float(\"-inf\"))"),
        (
            "match(x.f(a=1, b={'k': None}))",
            r#"match(x.f(a=1, b={"k": None}))"#,
        ),
        ("match('\\u00e9\\n' == x)", r#"match("é\n" == x)"#),
    ];
    for (text, expected) in cases {
        assert_eq!(canonical(text), expected, "{text}");
        assert_eq!(canonical(expected), expected, "again: {text}");
    }
}

#[test]
fn long_chains_are_broken_one_call_a_line() {
    let text = concat!(
        r#"match(k20 == "7" and metadata.width > 640).sort_by("uniqueness", reverse=True)[10:20]"#,
        r#".select_fields(["k20", "map"])"#
    );
    assert!(text.len() > LINE);
    let lines = canonical(text);
    let expected = [
        r#"match(k20 == "7" and metadata.width > 640)"#,
        r#"  .sort_by("uniqueness", reverse=True)[10:20]"#,
        r#"  .select_fields(["k20", "map"])"#,
    ];
    assert_eq!(lines, expected.join("\n"));
    assert_eq!(canonical(&lines), lines);
    assert_eq!(parse(text).unwrap().to_string(), text);
}

#[test]
fn not_a_number_is_written_as_one_reads_it() {
    let text = "match(x == float(\"nan\"))";
    assert_eq!(canonical(text), text);
}
