//! One declaration a callable thing: stages, aggregations, functions and operators are all described by a [`Signature`].
//!
//! Argument checks, CLI flags, help, completion, run records and reference pages are derived from it, so they cannot
//! disagree. The alternative, a derive macro over structs, would hide the table that everything else walks.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

/// One callable thing: its name, what it is for, its parameters, and examples that are run as tests.
#[derive(Debug)]
pub struct Signature {
    /// The name, snake_case.
    pub name: &'static str,
    /// One sentence, third person, with a full stop.
    pub summary: &'static str,
    /// The parameters in positional order.
    pub params: &'static [Param],
    /// Examples: query text and what it shows.
    pub examples: &'static [Example],
    /// What a call gives.
    pub returns: Returns,
}

/// A query text and a sentence about it.
#[derive(Debug)]
pub struct Example {
    /// The text, as a person would type it.
    pub query: &'static str,
    /// What it does.
    pub shows: &'static str,
}

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// A view (stages).
    View,
    /// A value (aggregations).
    Value,
    /// A run (operators and methods).
    Run,
    /// A change of what is stored (edits).
    Edit,
    /// A column over the domain (functions of the expression language).
    Expression,
}

/// One typed, documented, defaulted parameter.
#[derive(Debug)]
pub struct Param {
    /// The name, snake_case; the field's standard term.
    pub name: &'static str,
    /// The values allowed.
    pub kind: Kind,
    /// What it is when not given.
    pub default: Default,
    /// One or more sentences.
    pub doc: &'static str,
    /// The unit, where there is one (`"rows"`, `"seconds"`).
    pub unit: Option<&'static str>,
}

/// The values a parameter allows.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number in a closed range.
    Int {
        /// The least value allowed.
        lo: i64,
        /// The greatest value allowed.
        hi: i64,
    },
    /// A number in a closed range; never NaN.
    Float {
        /// The least value allowed.
        lo: f64,
        /// The greatest value allowed.
        hi: f64,
    },
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of a field of this kind.
    Field(FieldKind),
    /// An expression of the language.
    Expr(TypeSet),
    /// The inner kind, or null.
    Optional(&'static Kind),
    /// A list of the inner kind; a single value counts as a list of one.
    List(&'static Kind),
    /// A mapping written as a dict.
    Mapping,
    /// Another view: a chain, or the name of a saved one.
    View,
    /// Any literal.
    Any,
}

/// Which fields a [`Kind::Field`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Any field that exists.
    Any,
    /// A vector field.
    Vector,
    /// A text field.
    Text,
    /// A number.
    Number,
    /// A label field.
    Label,
    /// The name of a field to be created or replaced.
    New,
}

/// Which types a [`Kind::Expr`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeSet {
    /// Any type.
    Any,
    /// A condition.
    Bool,
    /// A number.
    Number,
    /// Something that has an order: number, text, date, bool, id.
    Ordered,
}

/// What a parameter is when it is not given. Constants only, so that the table can be static.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// It must be given.
    Required,
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(&'static str),
    /// The empty list.
    EmptyList,
}

/// A value given for a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Arg {
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Arg>),
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Null => f.write_str("null"),
            Arg::Bool(b) => write!(f, "{}", if *b { "True" } else { "False" }),
            Arg::Int(i) => write!(f, "{i}"),
            Arg::Float(x) => write!(f, "{x:?}"),
            Arg::Text(t) => write!(f, "{}", Json::from(t.as_str())),
            Arg::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The arguments of one call, by parameter name.
pub type Args = BTreeMap<String, Arg>;

/// An argument that cannot be used, with all it takes to write the sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct BadArgument {
    /// The parameter's name, or the unknown name given.
    pub name: String,
    /// What is wrong, as the rest of a sentence: `"must be a whole number of at least 1, not 0"`.
    pub problem: String,
}

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.name, self.problem)
    }
}

impl Default {
    /// The default as an argument; `None` where the parameter must be given.
    pub fn arg(self) -> Option<Arg> {
        Some(match self {
            Default::Required => return None,
            Default::Null => Arg::Null,
            Default::Bool(b) => Arg::Bool(b),
            Default::Int(i) => Arg::Int(i),
            Default::Float(x) => Arg::Float(x),
            Default::Text(t) => Arg::Text(t.to_owned()),
            Default::EmptyList => Arg::List(Vec::new()),
        })
    }
}

impl Kind {
    /// What is allowed, as the rest of "must be ...".
    pub fn describe(&self) -> String {
        match self {
            Kind::Bool => "True or False".into(),
            Kind::Int { lo, hi } if *lo == i64::MIN && *hi == i64::MAX => "a whole number".into(),
            Kind::Int { lo, hi } if *hi == i64::MAX => format!("a whole number of at least {lo}"),
            Kind::Int { lo, hi } => format!("a whole number from {lo} to {hi}"),
            Kind::Float { lo, hi } => match (*lo > f64::MIN, *hi < f64::MAX) {
                (false, false) => "a number".into(),
                (true, false) if *lo == f64::MIN_POSITIVE => "a number above 0".into(),
                (true, false) => format!("a number of at least {lo}"),
                (false, true) => format!("a number of at most {hi}"),
                (true, true) if *lo == f64::MIN_POSITIVE => {
                    format!("a number above 0 and at most {hi}")
                }
                (true, true) => format!("a number from {lo} to {hi}"),
            },
            Kind::Text => "a text".into(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Field(FieldKind::Any) => "the name of a field".into(),
            Kind::Field(FieldKind::Vector) => "the name of a vector field".into(),
            Kind::Field(FieldKind::Text) => "the name of a text field".into(),
            Kind::Field(FieldKind::Number) => "the name of a number field".into(),
            Kind::Field(FieldKind::Label) => "the name of a label field".into(),
            Kind::Field(FieldKind::New) => "a name for a field".into(),
            Kind::Expr(TypeSet::Any) => "an expression".into(),
            Kind::Expr(TypeSet::Bool) => "a condition".into(),
            Kind::Expr(TypeSet::Number) => "an expression that gives a number".into(),
            Kind::Expr(TypeSet::Ordered) => "an expression that gives something ordered".into(),
            Kind::Optional(inner) => format!("{}, or None", inner.describe()),
            Kind::List(inner) => format!("a list, each {}", inner.describe()),
            Kind::Mapping => "a dict".into(),
            Kind::View => "a view".into(),
            Kind::Any => "a value".into(),
        }
    }

    /// Checks `arg` and brings it into the kind's own form (a whole number becomes a float where a float is meant,
    /// `-` becomes `_` in a choice, one value becomes a list of one).
    pub fn admit(&self, arg: &Arg) -> Result<Arg, String> {
        let wrong = || format!("must be {}, not {arg}", self.describe());
        match (self, arg) {
            (Kind::Bool, Arg::Bool(_)) | (Kind::Text | Kind::Field(_), Arg::Text(_)) => {
                Ok(arg.clone())
            }
            (Kind::Int { lo, hi }, Arg::Int(i)) if (lo..=hi).contains(&i) => Ok(arg.clone()),
            (Kind::Float { lo, hi }, Arg::Float(x)) if (lo..=hi).contains(&x) => Ok(arg.clone()),
            (Kind::Float { .. }, Arg::Int(i)) => {
                self.admit(&Arg::Float(*i as f64)).map_err(|_| wrong())
            }
            (Kind::Choice(words), Arg::Text(t)) => words
                .iter()
                .find(|word| **word == t || word.replace('-', "_") == t.replace('-', "_"))
                .map(|word| Arg::Text((*word).to_owned()))
                .ok_or_else(wrong),
            (Kind::Optional(_), Arg::Null) => Ok(Arg::Null),
            (Kind::Optional(inner), _) => inner.admit(arg).map_err(|_| wrong()),
            (Kind::List(inner), Arg::List(items)) => items
                .iter()
                .map(|item| inner.admit(item))
                .collect::<Result<_, _>>()
                .map(Arg::List),
            (Kind::List(inner), _) => inner.admit(arg).map(|one| Arg::List(vec![one])),
            (Kind::Expr(_) | Kind::Mapping | Kind::View | Kind::Any, _) => Ok(arg.clone()),
            _ => Err(wrong()),
        }
    }

    /// Reads a command-line word as an argument of this kind.
    pub fn read_word(&self, word: &str) -> Result<Arg, String> {
        let arg = match self {
            Kind::Bool => match word.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Arg::Bool(true),
                "false" | "no" | "0" => Arg::Bool(false),
                _ => Arg::Text(word.to_owned()),
            },
            Kind::Int { .. } => word
                .parse()
                .map_or_else(|_| Arg::Text(word.to_owned()), Arg::Int),
            Kind::Float { .. } => word
                .parse()
                .map_or_else(|_| Arg::Text(word.to_owned()), Arg::Float),
            Kind::Optional(_) if matches!(word, "none" | "None" | "null") => Arg::Null,
            Kind::Optional(inner) => return inner.read_word(word),
            Kind::List(inner) => Arg::List(
                word.split(',')
                    .map(|one| inner.read_word(one.trim()))
                    .collect::<Result<_, _>>()?,
            ),
            _ => Arg::Text(word.to_owned()),
        };
        self.admit(&arg)
    }
}

impl Signature {
    /// The parameter called `name`.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The parameter of a member that takes all further positional arguments; those after it go by name.
    pub(crate) fn variadic(&self) -> Option<usize> {
        self.params
            .iter()
            .position(|param| matches!(param.kind, Kind::List(Kind::Expr(_))))
    }

    /// `kmeans(n_clusters=8, init="k-means++", ...)`: the line a hint or a help page shows.
    pub fn usage(&self) -> String {
        let params = self.params.iter().map(|param| match param.default.arg() {
            None => param.name.to_owned(),
            Some(Arg::Null) => format!("{}=None", param.name),
            Some(arg) => format!("{}={arg}", param.name),
        });
        format!("{}({})", self.name, params.collect::<Vec<_>>().join(", "))
    }
}

/// Checks `args` against `params` and fills the defaults in; reports *all* bad arguments.
pub fn bind(params: &[Param], args: &Args) -> Result<Args, Vec<BadArgument>> {
    let mut bad = Vec::new();
    let mut bound = Args::new();
    for name in args.keys() {
        if !params.iter().any(|param| param.name == name) {
            let names: Vec<_> = params.iter().map(|param| param.name).collect();
            bad.push(BadArgument {
                name: name.clone(),
                problem: format!("is not a parameter here; there are {}", names.join(", ")),
            });
        }
    }
    for param in params {
        let value = match (args.get(param.name), param.default.arg()) {
            (Some(arg), _) => param.kind.admit(arg),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(format!("must be given: {}", param.kind.describe())),
        };
        match value {
            Ok(arg) => drop(bound.insert(param.name.to_owned(), arg)),
            Err(problem) => bad.push(BadArgument {
                name: param.name.to_owned(),
                problem,
            }),
        }
    }
    if bad.is_empty() { Ok(bound) } else { Err(bad) }
}

/// A Rust type that a parameter may have in a struct made by [`params!`](crate::params).
pub trait FromArg: Sized {
    /// Reads an argument that its kind has admitted already.
    fn from_arg(arg: &Arg) -> Option<Self>;
    /// The argument for the run's record.
    fn to_arg(&self) -> Arg;
}

macro_rules! from_arg {
    ($($ty:ty, $variant:ident($x:ident) => $from:expr, $value:ident => $to:expr;)*) => {$(
        impl FromArg for $ty {
            fn from_arg(arg: &Arg) -> Option<Self> {
                match arg { Arg::$variant($x) => $from, _ => None }
            }
            fn to_arg(&self) -> Arg { let $value = self; $to }
        }
    )*};
}

from_arg! {
    bool, Bool(x) => Some(*x), v => Arg::Bool(*v);
    i64, Int(x) => Some(*x), v => Arg::Int(*v);
    usize, Int(x) => usize::try_from(*x).ok(), v => Arg::Int(i64::try_from(*v).unwrap_or(i64::MAX));
    f64, Float(x) => Some(*x), v => Arg::Float(*v);
    String, Text(x) => Some(x.clone()), v => Arg::Text(v.clone());
}

impl<T: FromArg> FromArg for Option<T> {
    fn from_arg(arg: &Arg) -> Option<Self> {
        match arg {
            Arg::Null => Some(None),
            other => T::from_arg(other).map(Some),
        }
    }
    fn to_arg(&self) -> Arg {
        self.as_ref().map_or(Arg::Null, T::to_arg)
    }
}

impl<T: FromArg> FromArg for Vec<T> {
    fn from_arg(arg: &Arg) -> Option<Self> {
        match arg {
            Arg::List(items) => items.iter().map(T::from_arg).collect(),
            _ => None,
        }
    }
    fn to_arg(&self) -> Arg {
        Arg::List(self.iter().map(T::to_arg).collect())
    }
}

/// Declares a parameter struct and its table at once.
///
/// ```
/// use messier_query::{params, signature::{Args, Arg, Default, Kind}};
/// params! {
///     /// What k-means needs to know.
///     pub struct Params {
///         /// How many clusters to make.
///         n_clusters: usize = Default::Int(8), Kind::Int { lo: 1, hi: i64::MAX };
///     }
/// }
/// let given = Args::from([("n_clusters".into(), Arg::Int(3))]);
/// assert_eq!(Params::read(&given).unwrap().n_clusters, 3);
/// assert_eq!(Params::TABLE[0].doc.trim(), "How many clusters to make.");
/// ```
#[macro_export]
macro_rules! params {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[doc = $doc:literal])+ $field:ident : $ty:ty = $default:expr, $kind:expr $(, unit $unit:literal)?;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $ty,)* }

        impl $name {
            /// The parameters as data, in positional order.
            pub const TABLE: &'static [$crate::signature::Param] = &[$($crate::signature::Param {
                name: stringify!($field),
                kind: $kind,
                default: $default,
                doc: concat!($($doc),+),
                unit: { #[allow(unused_mut, unused_assignments)] let mut unit: Option<&'static str> = None; $(unit = Some($unit);)? unit },
            },)*];

            /// Checks the arguments and fills in the defaults; reports every bad one.
            pub fn read(args: &$crate::signature::Args) -> Result<Self, Vec<$crate::signature::BadArgument>> {
                let bound = $crate::signature::bind(Self::TABLE, args)?;
                let mut bad: Vec<$crate::signature::BadArgument> = Vec::new();
                $(let $field = bound.get(stringify!($field)).and_then(<$ty as $crate::signature::FromArg>::from_arg);
                  if $field.is_none() { bad.push($crate::signature::BadArgument { name: stringify!($field).to_owned(), problem: format!("does not fit {}", stringify!($ty)) }); })*
                match ($($field,)*) {
                    ($(Some($field),)*) if bad.is_empty() => Ok(Self { $($field,)* }),
                    #[allow(unreachable_patterns)]
                    _ => Err(bad),
                }
            }

            /// Every parameter with its value, for the run's record.
            pub fn record(&self) -> $crate::signature::Args {
                $crate::signature::Args::from([$((stringify!($field).to_owned(), $crate::signature::FromArg::to_arg(&self.$field)),)*])
            }
        }
    };
}

/// An operator: parameters of its own, and those of the method chosen by `method=`.
#[derive(Debug)]
pub struct Operator {
    /// Its own name and parameters. Where there are methods, one parameter is called `method`.
    pub signature: &'static Signature,
    /// The methods to choose from; empty for an operator that has only one way.
    pub methods: fn() -> Vec<&'static Signature>,
}

impl Operator {
    /// The parameters of a call that chose `method`: the operator's, then the method's.
    pub fn params(&self, method: Option<&str>) -> Vec<&'static Param> {
        let mut params: Vec<&'static Param> = self.signature.params.iter().collect();
        let chosen = method.map(|name| name.replace('-', "_"));
        if let Some(chosen) = (self.methods)()
            .into_iter()
            .find(|m| Some(m.name) == chosen.as_deref())
        {
            params.extend(chosen.params);
        }
        params
    }
}

/// A parameter, for tables that are written by hand.
pub const fn param(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        default,
        doc,
        unit: None,
    }
}

/// An example of a signature.
pub const fn example(query: &'static str, shows: &'static str) -> Example {
    Example { query, shows }
}

/// A constructor of signatures that all return the same: the tables differ in nothing else.
macro_rules! returning {
    ($($(#[$doc:meta])+ $constructor:ident => $returns:ident;)+) => {$(
        $(#[$doc])+
        pub const fn $constructor(
            name: &'static str,
            summary: &'static str,
            params: &'static [Param],
            examples: &'static [Example],
        ) -> Signature {
            Signature {
                name,
                summary,
                params,
                examples,
                returns: Returns::$returns,
            }
        }
    )+};
}

returning! {
    /// The signature of a member of the expression language.
    expression => Expression;
    /// The signature of a stage.
    stage => View;
    /// The signature of an aggregation.
    aggregation => Value;
    /// The signature of an edit.
    edit => Edit;
}
