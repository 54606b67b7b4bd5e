//! Random data and random typed questions about it, all from one seed.

use messier_query::columns::{Datum, build};
use messier_query::{Table, Type};
use messier_store::{Field, FieldType, StructKind};

use crate::naive::Row;

/// A counter that is mixed into random numbers.
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

const TEXTS: [&str; 8] = ["", "a", "cat", "Dog", "ü", "12", "-3", " a b"];

/// The fields of the data: name and type.
pub fn fields() -> Vec<(&'static str, FieldType)> {
    let list = |ty| FieldType::List(Box::new(ty));
    let label = FieldType::Struct(
        StructKind::Classification,
        vec![
            Field::new("label", FieldType::Text),
            Field::new("confidence", FieldType::Float),
        ],
    );
    vec![
        ("i", FieldType::Int),
        ("j", FieldType::Int),
        ("x", FieldType::Float),
        ("y", FieldType::Float),
        ("s", FieldType::Text),
        ("t", FieldType::Text),
        ("b", FieldType::Bool),
        ("d", FieldType::DateTime),
        ("li", list(FieldType::Int)),
        ("lt", list(FieldType::Text)),
        ("st", label.clone()),
        ("ls", list(label)),
    ]
}

fn value(ty: &FieldType, dice: &mut Dice) -> Datum {
    if dice.one_in(6) {
        return Datum::Null;
    }
    match ty {
        FieldType::Bool => Datum::Bool(dice.one_in(2)),
        FieldType::Int => Datum::Int(dice.below(9) as i64 - 4),
        FieldType::Float => Datum::Float(match dice.below(12) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -0.0,
            n => n as f64 / 4.0 - 1.5,
        }),
        FieldType::Text => Datum::Text(dice.pick(&TEXTS).to_owned()),
        FieldType::DateTime => {
            Datum::DateTime(dice.below(60_000) as i64 * 86_400_000 - 7_777_777_777)
        }
        FieldType::List(item) => {
            Datum::List((0..dice.below(4)).map(|_| value(item, dice)).collect())
        }
        FieldType::Struct(_, fields) => Datum::Struct(
            fields
                .iter()
                .map(|field| (field.name.clone(), value(&field.ty, dice)))
                .collect(),
        ),
        other => panic!("{other}"),
    }
}

/// Up to a dozen rows, as rows and as columns; some text columns are dictionaries.
pub fn data(dice: &mut Dice) -> (Vec<Row>, Table) {
    let rows: Vec<Row> = (0..dice.below(13))
        .map(|_| {
            fields()
                .iter()
                .map(|(name, ty)| ((*name).to_owned(), value(ty, dice)))
                .collect()
        })
        .collect();
    let columns = fields().into_iter().enumerate().map(|(at, (name, ty))| {
        let values: Vec<&Datum> = rows.iter().map(|row| &row[at].1).collect();
        let mut array = build(&Type::from(&ty), &values);
        if name == "s" {
            let coded = arrow::datatypes::DataType::Dictionary(
                Box::new(arrow::datatypes::DataType::Int32),
                Box::new(arrow::datatypes::DataType::Utf8),
            );
            array = arrow::compute::cast(&array, &coded).unwrap();
        }
        (Field::new(name, ty), array)
    });
    let table = Table::new(columns.collect()).unwrap();
    (rows, table)
}

/// What `F()` is while an expression is made.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Sample,
    Int,
    Text,
    Label,
}

/// Writes random expressions.
pub struct Writer<'d> {
    dice: &'d mut Dice,
    scope: Scope,
    /// Inside `reduce`, whose accumulator is an int.
    folding: bool,
}

impl Writer<'_> {
    fn field(&self, name: &str) -> String {
        if self.scope == Scope::Sample {
            format!("F(\"{name}\")")
        } else {
            format!("F(\"${name}\")")
        }
    }

    fn inside(&mut self, scope: Scope, make: impl FnOnce(&mut Self) -> String) -> String {
        let outer = (self.scope, self.folding);
        (self.scope, self.folding) = (scope, false);
        let text = make(self);
        (self.scope, self.folding) = outer;
        text
    }

    fn int_leaf(&mut self) -> String {
        match self.dice.below(6) {
            0 | 1 => (self.dice.below(9) as i64 - 4).to_string(),
            2 if self.folding => "VALUE".to_owned(),
            2 | 3 if self.scope == Scope::Int => "F()".to_owned(),
            4 => self.field("j"),
            _ => self.field("i"),
        }
    }

    /// In parentheses where a method or an operator follows.
    fn int(&mut self, depth: usize) -> String {
        if depth == 0 {
            let leaf = self.int_leaf();
            return if leaf.starts_with('-') || leaf.parse::<i64>().is_ok() {
                format!("E({leaf})")
            } else {
                leaf
            };
        }
        let d = depth - 1;
        match self.dice.below(22) {
            0 => format!("({} + {})", self.int(d), self.int(d)),
            1 => format!("({} - {})", self.int(d), self.int(d)),
            2 => format!("({} * {})", self.int(d), self.int_leaf()),
            3 => format!("({} % {})", self.int(d), self.int_leaf()),
            4 => format!("({} ** {})", self.int(0), self.dice.below(4)),
            5 => format!("(-{})", self.int(d)),
            6 => format!("{}.abs()", self.int(d)),
            7 => format!("{}.round(-1)", self.int(d)),
            8 => format!("{}.trunc(-1)", self.int(d)),
            9 => format!("{}.to_int()", self.float(d)),
            10 => format!("{}.to_int()", self.text(d)),
            11 => format!("{}.to_int()", self.bool(d)),
            12 => format!("{}.length()", self.ints(d)),
            13 => format!("{}.length()", self.texts(d)),
            14 => format!(
                "{}.{}()",
                self.ints(d),
                self.dice.pick(&["sum", "min", "max"])
            ),
            15 => format!("{}[{}]", self.ints(d), self.dice.below(5) as i64 - 2),
            16 => format!("{}.strlen()", self.text(d)),
            17 => format!(
                "({}).if_else({}, {})",
                self.bool(d),
                self.int(d),
                self.int(d)
            ),
            18 => format!("{}.if_null({})", self.int(d), self.int(d)),
            19 => format!("{}.switch({{F() > 0: F() + 1, F() < -2: 7}})", self.int(d)),
            20 => {
                let list = self.ints(d);
                let outer = (self.scope, self.folding);
                (self.scope, self.folding) = (Scope::Int, true);
                let body = format!(
                    "({} + {})",
                    self.dice.pick(&["VALUE", "F()", "-VALUE"]),
                    self.int(0)
                );
                (self.scope, self.folding) = outer;
                format!("{list}.reduce({body})")
            }
            _ => {
                let part =
                    self.dice
                        .pick(&["year", "month", "day_of_month", "hour", "day_of_week"]);
                format!("{}.{part}()", self.field("d"))
            }
        }
    }

    fn float(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.below(6) {
                0 => format!("E({:?})", self.dice.below(16) as f64 / 4.0 - 2.0),
                1 if self.scope == Scope::Label => "F(\"confidence\")".to_owned(),
                1 => self.field("st.confidence"),
                2 | 3 => self.field("y"),
                _ => self.field("x"),
            };
        }
        let d = depth - 1;
        match self.dice.below(14) {
            0 => format!("({} + {})", self.float(d), self.int(d)),
            1 => format!("({} - {})", self.float(d), self.float(d)),
            2 => format!("({} * {})", self.int(d), self.float(d)),
            3 => format!("({} / {})", self.int(d), self.int(d)),
            4 => format!("({} / {})", self.float(d), self.float(d)),
            5 => format!("({} % {})", self.float(d), self.float(0)),
            6 => format!("{}.to_double()", self.int(d)),
            7 => format!("{}.to_double()", self.text(d)),
            8 => format!(
                "{}.{}()",
                self.float(d),
                self.dice.pick(&["sqrt", "ln", "abs", "floor", "ceil"])
            ),
            9 => format!(
                "{}.{}({})",
                self.float(d),
                self.dice.pick(&["round", "trunc"]),
                self.dice.below(3)
            ),
            10 => format!("{}.mean()", self.ints(d)),
            11 => format!(
                "{}.{}({})",
                self.float(d),
                self.dice.pick(&["min", "max"]),
                self.float(d)
            ),
            12 => format!(
                "({}).if_else({}, {})",
                self.bool(d),
                self.float(d),
                self.float(d)
            ),
            _ => format!("{}.if_null({})", self.float(d), self.float(d)),
        }
    }

    fn literal_text(&mut self) -> String {
        format!("{:?}", self.dice.pick(&TEXTS))
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.below(6) {
                0 => format!("E({})", self.literal_text()),
                1 if self.scope == Scope::Text => "F()".to_owned(),
                1 if self.scope == Scope::Label => "F(\"label\")".to_owned(),
                1 => self.field("st.label"),
                2 | 3 => self.field("t"),
                _ => self.field("s"),
            };
        }
        let d = depth - 1;
        match self.dice.below(10) {
            0 => format!(
                "{}.{}()",
                self.text(d),
                self.dice.pick(&["upper", "lower", "strip"])
            ),
            1 => format!("{}.concat({})", self.text(d), self.text(d)),
            2 => format!(
                "{}.substr({}, {})",
                self.text(d),
                self.dice.below(5) as i64 - 2,
                self.dice.below(5) as i64 - 2
            ),
            3 => format!("{}.replace(\"a\", \"bb\")", self.text(d)),
            4 => format!("{}.to_string()", self.int(d)),
            5 => format!("{}[{}]", self.texts(d), self.dice.below(5) as i64 - 2),
            6 => format!("{}.join(\"-\")", self.texts(d)),
            7 => format!(
                "({}).if_else({}, {})",
                self.bool(d),
                self.text(d),
                self.text(d)
            ),
            8 => format!(
                "{}.map_values({{\"cat\": \"x\", None: \"none\"}})",
                self.text(d)
            ),
            _ => format!("{}.cases({{\"cat\": \"x\", \"\": \"y\"}})", self.text(d)),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.field("b");
        }
        let d = depth - 1;
        let op = self.dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
        match self.dice.below(20) {
            0 => format!("({} {op} {})", self.int(d), self.int(d)),
            1 => format!("({} {op} {})", self.float(d), self.float(d)),
            2 => format!("({} {op} {})", self.int(d), self.float(d)),
            3 => format!("({} {op} {})", self.text(d), self.text(d)),
            4 => format!(
                "({} {op} {} {op} {})",
                self.int(0),
                self.int(0),
                self.float(0)
            ),
            5 => format!("({} & {})", self.bool(d), self.bool(d)),
            6 => format!("({} | {})", self.bool(d), self.bool(d)),
            7 => format!("(~{})", self.bool(d)),
            8 => format!("any([{}, {}])", self.bool(d), self.bool(d)),
            9 => format!(
                "all([{}, {}, {}])",
                self.bool(d),
                self.bool(d),
                self.bool(d)
            ),
            10 => format!("({} {} None)", self.int(d), self.dice.pick(&["==", "!="])),
            11 => format!(
                "{}.{}()",
                self.float(d),
                self.dice.pick(&["exists", "is_null"])
            ),
            12 => format!("{}.is_in([1, 2, None])", self.int(d)),
            13 => format!(
                "{}.is_in([{}, {}])",
                self.text(d),
                self.literal_text(),
                self.literal_text()
            ),
            14 => format!(
                "{}.contains([1, {}]{})",
                self.ints(d),
                self.dice.below(4),
                self.dice.pick(&["", ", all=True"])
            ),
            15 => format!(
                "{}.{}({})",
                self.texts(d),
                self.dice.pick(&["is_subset", "set_equals"]),
                self.texts(d)
            ),
            16 => format!(
                "{}.{}([{}, \"a\"])",
                self.text(d),
                self.dice
                    .pick(&["starts_with", "ends_with", "contains_str", "matches_str"]),
                self.literal_text()
            ),
            17 => format!(
                "{}.re_match({})",
                self.text(d),
                self.dice
                    .pick(&["\"^[a-c]\"", "\"t$\"", "\"[0-9]+\"", "\"(a|o).?\""])
            ),
            18 => format!("({} == {})", self.ints(d), self.ints(d)),
            _ => format!("({} {op} {})", self.field("d"), self.field("d")),
        }
    }

    fn ints(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.field("li");
        }
        let d = depth - 1;
        match self.dice.below(14) {
            0 => {
                let list = self.ints(d);
                let body = self.inside(Scope::Int, |w| w.bool(d));
                format!("{list}.filter({body})")
            }
            1 => {
                let list = self.ints(d);
                let body = self.inside(Scope::Int, |w| w.int(d));
                format!("{list}.map({body})")
            }
            2 => {
                let list = self.field("ls");
                let keep = self.inside(Scope::Label, |w| w.bool(d));
                let body = self.inside(Scope::Label, |w| w.int(d));
                format!("{list}.filter({keep}).map({body})")
            }
            3 => format!(
                "{}.sort({})",
                self.ints(d),
                self.dice.pick(&["", "reverse=True"])
            ),
            4 => format!(
                "{}.{}()",
                self.ints(d),
                self.dice.pick(&["reverse", "unique"])
            ),
            5 => format!(
                "{}.{}({})",
                self.ints(d),
                self.dice.pick(&["union", "intersection", "difference"]),
                self.ints(d)
            ),
            6 => format!("{}[{}:]", self.ints(d), self.dice.below(5) as i64 - 2),
            7 => format!("{}[:{}]", self.ints(d), self.dice.below(5) as i64 - 2),
            8 => format!("{}.append({})", self.ints(d), self.int(d)),
            9 => format!("{}.prepend({})", self.ints(d), self.int(d)),
            10 => format!(
                "{}.insert({}, {})",
                self.ints(d),
                self.dice.below(5) as i64 - 2,
                self.int(d)
            ),
            11 => format!("{}.extend({})", self.ints(d), self.ints(d)),
            12 => format!("[{}, {}]", self.int(d), self.int(d)),
            _ => format!("{}.if_null([1, 2])", self.ints(d)),
        }
    }

    fn texts(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.below(3) {
                0 => self.field("ls.label"),
                _ => self.field("lt"),
            };
        }
        let d = depth - 1;
        match self.dice.below(6) {
            0 => {
                let list = self.texts(d);
                let body = self.inside(Scope::Text, |w| w.bool(d));
                format!("{list}.filter({body})")
            }
            1 => {
                let list = self.texts(d);
                let body = self.inside(Scope::Text, |w| w.text(d));
                format!("{list}.map({body})")
            }
            2 => format!("{}.split(\"a\")", self.text(d)),
            3 => format!(
                "{}.{}()",
                self.texts(d),
                self.dice.pick(&["reverse", "unique", "sort"])
            ),
            4 => format!("{}.append({})", self.texts(d), self.text(d)),
            _ => format!("{}.union({})", self.texts(d), self.texts(d)),
        }
    }
}

/// A chain of up to three stages and `values` of a random expression.
pub fn question(dice: &mut Dice) -> String {
    let mut writer = Writer {
        dice,
        scope: Scope::Sample,
        folding: false,
    };
    let mut chain = Vec::new();
    for _ in 0..writer.dice.below(4) {
        let depth = 1 + writer.dice.below(3);
        chain.push(match writer.dice.below(6) {
            0..=2 => format!("match({})", writer.bool(depth)),
            3 => {
                let key = match writer.dice.below(4) {
                    0 => writer.int(depth),
                    1 => writer.float(depth),
                    2 => writer.bool(depth),
                    _ => writer.text(depth),
                };
                format!(
                    "sort_by({key}{})",
                    writer.dice.pick(&["", ", reverse=True"])
                )
            }
            4 => format!("limit({})", writer.dice.below(12)),
            _ => format!("skip({})", writer.dice.below(4)),
        });
    }
    let depth = 1 + writer.dice.below(4);
    chain.push(format!(
        "values({})",
        match writer.dice.below(6) {
            0 => writer.int(depth),
            1 => writer.float(depth),
            2 => writer.text(depth),
            3 => writer.ints(depth),
            4 => writer.texts(depth),
            _ => writer.bool(depth),
        }
    ));
    chain.join(".")
}
