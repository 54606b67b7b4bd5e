//! The methods, one row at a time.

use messier_query::columns::Datum;
use messier_query::syntax::{Call, Expr, ExprKind};

use super::values::{compare, equal, list_order, sort_order};
use super::{Place, eval, lost, slice, truth};

pub(super) fn method(receiver: &Expr, call: &Call, place: Place<'_>) -> Datum {
    let name = call.name.node.as_str();
    let given = |at: usize| call.args.get(at).map(|arg| &arg.value);
    if name == "if_else" {
        let taken = if truth(receiver, place) { 0 } else { 1 };
        return eval(given(taken).unwrap(), place);
    }
    let x = eval(receiver, place);
    // Arguments are asked whether or not the value is null, except those that are about something else.
    let about = [
        "filter",
        "map",
        "reduce",
        "cases",
        "map_values",
        "switch",
        "apply",
        "let_in",
    ];
    let args: Vec<Datum> = match about.contains(&name) {
        true => Vec::new(),
        false => call
            .args
            .iter()
            .map(|arg| eval(&arg.value, place))
            .collect(),
    };
    let arg = |at: usize| args.get(at).cloned().unwrap_or(Datum::Null);
    let within = |expr: &Expr, element: &Datum| {
        eval(
            expr,
            Place {
                element: Some(element),
                accumulator: None,
                ..place
            },
        )
    };
    match name {
        "exists" => return Datum::Bool(x != Datum::Null),
        "is_null" | "is_missing" => return Datum::Bool(x == Datum::Null),
        "if_null" => {
            let other = arg(0);
            return if x == Datum::Null { other } else { x };
        }
        "length" => {
            return Datum::Int(match x {
                Datum::List(items) => items.len() as i64,
                _ => 0,
            });
        }
        "strlen" => {
            return Datum::Int(match x {
                Datum::Text(text) => text.chars().count() as i64,
                _ => 0,
            });
        }
        "is_in" => {
            return Datum::Bool(match arg(0) {
                Datum::List(items) => items.iter().any(|item| equal(&x, item)),
                _ => false,
            });
        }
        "contains" | "is_subset" | "set_equals" => {
            let theirs = match arg(0) {
                Datum::List(items) => items,
                Datum::Null => return Datum::Bool(false),
                one => vec![one],
            };
            let Datum::List(mine) = x else {
                return Datum::Bool(false);
            };
            let has = |list: &[Datum], one: &Datum| list.iter().any(|item| equal(item, one));
            let all = given(1).is_some();
            let (mine_in, theirs_in) = (
                mine.iter().all(|one| has(&theirs, one)),
                theirs.iter().all(|one| has(&mine, one)),
            );
            return Datum::Bool(match name {
                "is_subset" => mine_in,
                "set_equals" => mine_in && theirs_in,
                _ if all => theirs_in,
                _ => theirs.iter().any(|one| has(&mine, one)),
            });
        }
        "starts_with" | "ends_with" | "contains_str" | "matches_str" | "re_match" => {
            let Datum::Text(text) = x else {
                return Datum::Bool(false);
            };
            let any = |test: &dyn Fn(&str) -> bool| match arg(0) {
                Datum::Text(one) => test(&one),
                Datum::List(items) => items
                    .iter()
                    .any(|item| matches!(item, Datum::Text(one) if test(one))),
                _ => false,
            };
            return Datum::Bool(match name {
                "starts_with" => any(&|one| text.starts_with(one)),
                "ends_with" => any(&|one| text.ends_with(one)),
                "contains_str" => any(&|one| text.contains(one)),
                "matches_str" => any(&|one| text == one),
                _ => any(&|one| regex::Regex::new(one).unwrap().is_match(&text)),
            });
        }
        "cases" | "map_values" => {
            let Some(ExprKind::Dict(pairs)) = given(0).map(|expr| &expr.kind) else {
                panic!()
            };
            for (key, to) in pairs {
                if equal(&x, &eval(key, place)) {
                    return eval(to, place);
                }
            }
            return match (name, given(1)) {
                ("map_values", _) => x,
                (_, Some(default)) => eval(default, place),
                _ => lost(place),
            };
        }
        "switch" => {
            let Some(ExprKind::Dict(pairs)) = given(0).map(|expr| &expr.kind) else {
                panic!()
            };
            for (when, to) in pairs {
                if within(when, &x) == Datum::Bool(true) {
                    return within(to, &x);
                }
            }
            return match given(1) {
                Some(default) => within(default, &x),
                None => lost(place),
            };
        }
        "apply" | "let_in" => return within(given(0).unwrap(), &x),
        "min" | "max" if given(0).is_some() => {
            let other = arg(0);
            let (a, b) = (&x, &other);
            return match (a, b) {
                (Datum::Null, _) => other,
                (_, Datum::Null) => x,
                _ => {
                    let order = compare(b, a).unwrap_or_else(|| list_order(b, a));
                    let taken = if name == "max" {
                        order.is_gt()
                    } else {
                        order.is_lt()
                    };
                    if taken { other } else { x }
                }
            };
        }
        _ => {}
    }
    if x == Datum::Null {
        return Datum::Null;
    }
    match x {
        Datum::List(items) => list(name, items, call, &arg, place),
        Datum::Text(text) => on_text(name, &text, &arg, place),
        x => number(name, x, &arg, place),
    }
}

fn number(name: &str, x: Datum, arg: &dyn Fn(usize) -> Datum, place: Place<'_>) -> Datum {
    let place_of = || match arg(0) {
        Datum::Int(place) => place,
        _ => 0,
    };
    match (name, &x) {
        ("abs", Datum::Int(x)) => Datum::Int(x.abs()),
        ("abs", Datum::Float(x)) => Datum::Float(x.abs()),
        ("floor" | "ceil", Datum::Int(_)) => x,
        ("floor", Datum::Float(x)) => Datum::Float(x.floor()),
        ("ceil", Datum::Float(x)) => Datum::Float(x.ceil()),
        ("round" | "trunc", Datum::Int(x)) => {
            let unit = 10i64.pow(u32::try_from(-place_of().min(0)).unwrap());
            let down = x - x.rem_euclid(unit);
            let over = x - down;
            Datum::Int(if name == "trunc" {
                x / unit * unit
            } else if over * 2 > unit || (over * 2 == unit && (down / unit) % 2 != 0) {
                down + unit
            } else {
                down
            })
        }
        ("round" | "trunc", Datum::Float(x)) => {
            Datum::Float(by_digits(*x, place_of(), name == "round"))
        }
        ("sqrt", _) => match x.number().unwrap() {
            x if x < 0.0 => lost(place),
            x => Datum::Float(x.sqrt()),
        },
        ("ln", _) => match x.number().unwrap() {
            x if x <= 0.0 => lost(place),
            x => Datum::Float(x.ln()),
        },
        ("to_double", Datum::Bool(x)) => Datum::Float(f64::from(*x)),
        ("to_double", _) => Datum::Float(x.number().unwrap()),
        ("to_int", Datum::Bool(x)) => Datum::Int(i64::from(*x)),
        ("to_int", Datum::Int(_)) => x,
        ("to_int", Datum::Float(x)) => {
            if x.is_finite() && x.abs() < 9e18 {
                Datum::Int(x.trunc() as i64)
            } else {
                lost(place)
            }
        }
        ("to_bool", Datum::Bool(_)) => x,
        ("to_bool", _) => Datum::Bool(x.number().unwrap() != 0.0),
        ("to_string", Datum::Int(x)) => Datum::Text(x.to_string()),
        ("to_string", Datum::Bool(x)) => Datum::Text(x.to_string()),
        ("year" | "month" | "day_of_month" | "hour" | "day_of_week", Datum::DateTime(x)) => {
            // Civil dates from days, as in Hinnant's algorithm.
            let days = x.div_euclid(86_400_000) + 719_468;
            let era = days.div_euclid(146_097);
            let doe = days.rem_euclid(146_097);
            let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
            let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
            let mp = (5 * doy + 2) / 153;
            let month = if mp < 10 { mp + 3 } else { mp - 9 };
            Datum::Int(match name {
                "year" => yoe + era * 400 + i64::from(month <= 2),
                "month" => month,
                "day_of_month" => doy - (153 * mp + 2) / 5 + 1,
                "hour" => x.rem_euclid(86_400_000) / 3_600_000,
                _ => (x.div_euclid(86_400_000) + 4).rem_euclid(7) + 1,
            })
        }
        (name, x) => panic!("{name} of {x:?} is not generated"),
    }
}

fn on_text(name: &str, text: &str, arg: &dyn Fn(usize) -> Datum, place: Place<'_>) -> Datum {
    let given = |at: usize| match arg(at) {
        Datum::Text(text) => Some(text),
        _ => None,
    };
    match name {
        "upper" => Datum::Text(text.to_uppercase()),
        "lower" => Datum::Text(text.to_lowercase()),
        "strip" => Datum::Text(text.trim().to_owned()),
        "to_string" => Datum::Text(text.to_owned()),
        "concat" => given(0).map_or(Datum::Null, |other| Datum::Text(format!("{text}{other}"))),
        "replace" => Datum::Text(text.replace(&given(0).unwrap(), &given(1).unwrap())),
        "substr" => {
            let bound = |at: usize| match arg(at) {
                Datum::Int(at) => Some(at),
                _ => None,
            };
            let letters: Vec<char> = text.chars().collect();
            Datum::Text(slice(&letters, bound(0), bound(1)).into_iter().collect())
        }
        "split" => {
            let delim = given(0).unwrap();
            let parts = text.split(&delim);
            Datum::List(parts.map(|part| Datum::Text(part.to_owned())).collect())
        }
        "to_int" => {
            let digits = text.trim_start_matches(['-', '+']);
            let signs = text.len() - digits.len();
            let fine =
                signs <= 1 && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            match text.parse() {
                Ok(x) if fine => Datum::Int(x),
                _ => lost(place),
            }
        }
        "to_double" => match text.parse::<f64>() {
            Ok(x)
                if !text
                    .chars()
                    .any(|c| c.is_alphabetic() && c != 'e' && c != 'E') =>
            {
                Datum::Float(x)
            }
            _ => lost(place),
        },
        other => panic!("{other} of a text is not generated"),
    }
}

fn list(
    name: &str,
    mut items: Vec<Datum>,
    call: &Call,
    arg: &dyn Fn(usize) -> Datum,
    place: Place<'_>,
) -> Datum {
    let given = |at: usize| call.args.get(at).map(|arg| &arg.value);
    let within = |expr: &Expr, element: &Datum| {
        eval(
            expr,
            Place {
                element: Some(element),
                accumulator: None,
                ..place
            },
        )
    };
    let numbers = || items.iter().filter_map(Datum::number).collect::<Vec<f64>>();
    let set = |mut items: Vec<Datum>| {
        items.sort_by(list_order);
        items.dedup_by(|a, b| equal(a, b));
        items
    };
    match name {
        "filter" => {
            items.retain(|item| within(given(0).unwrap(), item) == Datum::Bool(true));
            Datum::List(items)
        }
        "map" => Datum::List(
            items
                .iter()
                .map(|item| within(given(0).unwrap(), item))
                .collect(),
        ),
        "reduce" => {
            let mut gathered = given(1).map_or(Datum::Int(0), |expr| eval(expr, place));
            for item in &items {
                let inner = Place {
                    element: Some(item),
                    accumulator: Some(&gathered),
                    ..place
                };
                gathered = eval(given(0).unwrap(), inner);
            }
            gathered
        }
        "sort" => {
            items.sort_by(list_order);
            if given(0).is_some() {
                items.sort_by(|a, b| sort_order(a, b, true));
            }
            Datum::List(items)
        }
        "reverse" => {
            items.reverse();
            Datum::List(items)
        }
        "unique" => Datum::List(set(items)),
        "union" | "intersection" | "difference" => {
            let Datum::List(other) = arg(0) else {
                return Datum::Null;
            };
            let has = |item: &Datum| other.iter().any(|one| equal(one, item));
            match name {
                "union" => items.extend(other.clone()),
                "intersection" => items.retain(has),
                _ => items.retain(|item| !has(item)),
            }
            Datum::List(set(items))
        }
        "append" => {
            items.push(arg(0));
            Datum::List(items)
        }
        "prepend" => {
            items.insert(0, arg(0));
            Datum::List(items)
        }
        "insert" => {
            let Datum::Int(at) = arg(0) else {
                return Datum::Null;
            };
            let len = items.len() as i64;
            let at = if at < 0 {
                (at + len).max(0)
            } else {
                at.min(len)
            };
            items.insert(at as usize, arg(1));
            Datum::List(items)
        }
        "extend" => {
            let Datum::List(other) = arg(0) else {
                return Datum::Null;
            };
            items.extend(other);
            Datum::List(items)
        }
        "join" => {
            let Datum::Text(delim) = arg(0) else { panic!() };
            let texts: Vec<String> = items
                .into_iter()
                .filter_map(|item| match item {
                    Datum::Text(text) => Some(text),
                    _ => None,
                })
                .collect();
            Datum::Text(texts.join(&delim))
        }
        "min" | "max" => {
            let present = items.iter().filter(|item| **item != Datum::Null);
            let found = match name {
                "min" => present.min_by(|a, b| list_order(a, b)),
                _ => present.max_by(|a, b| list_order(a, b)),
            };
            found.cloned().unwrap_or(Datum::Null)
        }
        "sum" => Datum::Int(numbers().iter().sum::<f64>() as i64),
        "mean" => match numbers().as_slice() {
            [] => Datum::Null,
            x => Datum::Float(x.iter().sum::<f64>() / x.len() as f64),
        },
        other => panic!("{other} of a list is not generated"),
    }
}

/// A float rounded or cut at a place, by the digits that it has when written out in full.
fn by_digits(x: f64, place: i64, round: bool) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let text = format!("{:.1074}", x.abs());
    let (whole, rest) = text.split_once('.').unwrap();
    let digits: Vec<u8> = whole.bytes().chain(rest.bytes()).collect();
    let kept = i64::try_from(whole.len()).unwrap() + place;
    let kept = usize::try_from(kept.clamp(0, digits.len() as i64)).unwrap();
    let (head, tail) = digits.split_at(kept);
    let odd = head.last().is_some_and(|digit| digit % 2 == 1);
    let half = tail.first() == Some(&b'5') && tail[1..].iter().all(|digit| *digit == b'0');
    let up = round && tail.first().is_some_and(|digit| *digit >= b'5') && (!half || odd);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let mut units: f64 = format!("{head}e{}", -place).parse().unwrap_or(0.0);
    if up {
        let whole: u128 = head.parse().unwrap_or(0);
        units = format!("{}e{}", whole + 1, -place).parse().unwrap();
    }
    units.copysign(x)
}
