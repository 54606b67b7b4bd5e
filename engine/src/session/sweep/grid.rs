//! From the lists and ranges of a sweep to its tries: every combination, each with the key it is kept under.

use std::collections::BTreeSet;

use messier_query::signature::{Arg, Args, BadArgument, Kind, Signature};

use crate::cluster::{self, Clusterer};
use crate::error::{Error, arguments};

/// More tries than this are a mistake.
const MOST: usize = 10_000;
/// Parameters that a curve is drawn over, the likeliest first.
const AXES: [&str; 5] = [
    "n_clusters",
    "n_components",
    "min_cluster_size",
    "eps",
    "min_samples",
];

/// One combination.
pub(super) struct Combination {
    /// The method.
    pub method: &'static dyn Clusterer,
    /// The vector field.
    pub features: String,
    /// The parameters that were given, with one value each.
    pub params: Args,
    /// The key of its run.
    pub key: String,
    /// Combinations of one chain differ in the parameter along which the score may be watched.
    pub chain: usize,
}

/// The methods of these names, each once; k-means without names.
pub(super) fn methods(names: Option<&[String]>) -> Result<Vec<&'static dyn Clusterer>, Error> {
    let default = ["kmeans".to_owned()];
    let mut found: Vec<&'static dyn Clusterer> = Vec::new();
    for name in names.unwrap_or(&default) {
        let method = cluster::method(name)?;
        if found
            .iter()
            .all(|known| known.signature().name != method.signature().name)
        {
            found.push(method);
        }
    }
    Ok(found)
}

/// Every combination, method by method, field by field, the parameter that is watched changing fastest.
pub(super) fn combinations(
    prefix: &str,
    methods: &[&'static dyn Clusterer],
    features: &[String],
    given: &Args,
) -> Result<Vec<Combination>, Error> {
    let mut bad = Vec::new();
    for name in given.keys() {
        if methods.iter().all(|m| m.signature().param(name).is_none()) {
            let names: Vec<&str> = methods.iter().map(|m| m.signature().name).collect();
            bad.push(BadArgument {
                name: name.clone(),
                problem: format!("is no parameter of {}", names.join(" or ")),
            });
        }
    }
    let mut out = Vec::new();
    let mut keys = BTreeSet::new();
    let mut chain = 0;
    for &method in methods {
        let axes = axes(method.signature(), given, &mut bad);
        let count = axes
            .iter()
            .map(|(_, values)| values.len())
            .product::<usize>();
        let many = out.len() + count.saturating_mul(features.len());
        if !bad.is_empty() {
            continue;
        }
        if many > MOST {
            return Err(Error::Input(format!(
                "this sweep would make {many} runs or more; at most {MOST} are made at once"
            )));
        }
        let last = axes.last().map_or(1, |(_, values)| values.len().max(1));
        for field in features {
            for at in 0..count {
                let mut rest = at;
                let mut params = Args::new();
                let mut varied = Vec::new();
                for (name, values) in axes.iter().rev() {
                    let value = &values[rest % values.len()];
                    rest /= values.len();
                    params.insert((*name).to_owned(), value.clone());
                    if values.len() > 1 {
                        varied.push(word(value));
                    }
                }
                varied.reverse();
                let mut parts = vec![prefix.to_owned()];
                if methods.len() > 1 {
                    parts.push(method.signature().name.to_owned());
                }
                if features.len() > 1 {
                    parts.push(word(&Arg::Text(field.clone())));
                }
                parts.extend(varied);
                if parts.len() == 1 {
                    parts.push(method.signature().name.to_owned());
                }
                let plain = parts.join("_");
                let key = (1..)
                    .map(|i| {
                        if i == 1 {
                            plain.clone()
                        } else {
                            format!("{plain}_{i}")
                        }
                    })
                    .find(|key| !keys.contains(key))
                    .unwrap_or(plain);
                keys.insert(key.clone());
                out.push(Combination {
                    method,
                    features: field.clone(),
                    params,
                    key,
                    chain: chain + at / last,
                });
            }
            chain += count.div_ceil(last);
        }
    }
    if bad.is_empty() {
        Ok(out)
    } else {
        Err(arguments("sweep", bad))
    }
}

/// The values of each given parameter of a method; the parameter that is watched last.
fn axes<'a>(
    signature: &'static Signature,
    given: &'a Args,
    bad: &mut Vec<BadArgument>,
) -> Vec<(&'a str, Vec<Arg>)> {
    let mut axes = Vec::new();
    for (name, arg) in given {
        let Some(param) = signature.param(name) else {
            continue;
        };
        match values(&param.kind, arg) {
            Ok(values) => axes.push((name.as_str(), values)),
            Err(problem) => bad.push(BadArgument {
                name: name.clone(),
                problem: format!("of {} {problem}", signature.name),
            }),
        }
    }
    let rank = |name: &str, values: &[Arg]| {
        let known = AXES.iter().position(|axis| *axis == name);
        let numbers = matches!(values.first(), Some(Arg::Int(_) | Arg::Float(_)));
        (
            values.len() > 1 && numbers,
            known.map_or(0, |at| AXES.len() - at),
        )
    };
    let watched = (0..axes.len()).max_by_key(|&at| {
        let (name, values) = &axes[at];
        (rank(name, values), std::cmp::Reverse(at))
    });
    if let Some(at) = watched {
        let axis = axes.remove(at);
        axes.push(axis);
    }
    axes
}

/// The values that a list of values and ranges stands for, each once.
fn values(kind: &Kind, given: &Arg) -> Result<Vec<Arg>, String> {
    let one = std::slice::from_ref(given);
    let items = match given {
        Arg::List(items) => items.as_slice(),
        _ => one,
    };
    let mut values = Vec::new();
    for item in items {
        let more = match item {
            Arg::Text(text) => match range(kind, text) {
                Some(range) => range?,
                None => vec![kind.read_word(text)?],
            },
            other => vec![kind.admit(other)?],
        };
        for value in more {
            let value = kind.admit(&value)?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    if values.is_empty() {
        return Err("needs at least one value".to_owned());
    }
    Ok(values)
}

/// `5..50:5` and `0.1..0.5:0.1` as values, both ends taken along; none for what is no range.
fn range(kind: &Kind, text: &str) -> Option<Result<Vec<Arg>, String>> {
    let whole = match kind {
        Kind::Optional(inner) => return range(inner, text),
        Kind::Int { .. } => true,
        Kind::Float { .. } => false,
        _ => return None,
    };
    let (from, rest) = text.split_once("..")?;
    let (to, step) = match rest.split_once(':') {
        Some((to, step)) => (to, Some(step)),
        None => (rest, None),
    };
    let wrong = || {
        format!(
            "has the range {text:?}, which is not FROM..TO or FROM..TO:STEP with a step above 0"
        )
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    Some((|| {
        let (from, to) = (
            number(from).ok_or_else(wrong)?,
            number(to).ok_or_else(wrong)?,
        );
        let step = match step {
            Some(step) => number(step).ok_or_else(wrong)?,
            None => 1.0,
        };
        let whole_numbers = [from, to, step].iter().all(|x| x.fract() == 0.0);
        if step <= 0.0 || from > to || (whole && !whole_numbers) {
            return Err(wrong());
        }
        // A little more than the last step, so that 0.1..0.3:0.1 has its end.
        let count = ((to - from) / step + 1e-9).floor();
        if count >= MOST as f64 {
            return Err(format!("has the range {text:?} of more than {MOST} values"));
        }
        let value = |i: u32| from + f64::from(i) * step;
        Ok((0..=count as u32)
            .map(|i| {
                if whole {
                    Arg::Int(value(i) as i64)
                } else {
                    // Steps of 0.1 are meant as decimals: 0.3, not 0.30000000000000004.
                    Arg::Float((value(i) * 1e9).round() / 1e9)
                }
            })
            .collect())
    })())
}

/// A value as part of a key.
fn word(arg: &Arg) -> String {
    let text = match arg {
        Arg::Text(text) => text.clone(),
        Arg::Null => "none".to_owned(),
        Arg::Bool(b) => b.to_string(),
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect::<String>()
        .trim_matches('_')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Kind = Kind::Int {
        lo: 1,
        hi: i64::MAX,
    };
    const REAL: Kind = Kind::Float { lo: 0.0, hi: 10.0 };

    fn texts(items: &[&str]) -> Arg {
        Arg::List(
            items
                .iter()
                .map(|item| Arg::Text((*item).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn lists_and_ranges() {
        let ints = |items: &[i64]| items.iter().map(|&i| Arg::Int(i)).collect::<Vec<_>>();
        assert_eq!(
            values(&WHOLE, &texts(&["5", "10", "5"])),
            Ok(ints(&[5, 10]))
        );
        assert_eq!(
            values(&WHOLE, &texts(&["5..20:5", "7"])),
            Ok(ints(&[5, 10, 15, 20, 7]))
        );
        assert_eq!(values(&WHOLE, &texts(&["2..4"])), Ok(ints(&[2, 3, 4])));
        assert_eq!(values(&WHOLE, &Arg::Int(3)), Ok(ints(&[3])));
        let floats: Vec<Arg> = [0.1, 0.2, 0.3].map(Arg::Float).to_vec();
        assert_eq!(values(&REAL, &texts(&["0.1..0.3:0.1"])), Ok(floats));
        let maybe = Kind::Optional(&WHOLE);
        assert_eq!(values(&maybe, &texts(&["none", "2..3"])).unwrap().len(), 3);
        for wrong in [
            "5..",
            "9..5",
            "1..5:0",
            "1..5:-1",
            "1..2.5",
            "a..b",
            "0..3",
            "1..99999999",
        ] {
            assert!(values(&WHOLE, &texts(&[wrong])).is_err(), "{wrong}");
        }
        assert!(values(&WHOLE, &Arg::List(Vec::new())).is_err());
    }

    fn made(
        methods_wanted: &[&str],
        features: &[&str],
        given: &[(&str, &[&str])],
    ) -> Vec<Combination> {
        let names: Vec<String> = methods_wanted.iter().map(|&name| name.to_owned()).collect();
        let features: Vec<String> = features.iter().map(|&name| name.to_owned()).collect();
        let given = given
            .iter()
            .map(|(name, items)| ((*name).to_owned(), texts(items)))
            .collect();
        combinations("s", &methods(Some(&names)).unwrap(), &features, &given).unwrap()
    }

    #[test]
    fn every_combination_has_a_key_that_says_what_it_is() {
        let keys = |made: &[Combination]| made.iter().map(|c| c.key.clone()).collect::<Vec<_>>();
        let one = made(&["kmeans"], &["v"], &[("n_clusters", &["3", "4"])]);
        assert_eq!(keys(&one), ["s_3", "s_4"]);
        assert_eq!(one[0].chain, one[1].chain);
        let two = made(
            &["kmeans", "hdbscan"],
            &["v", "map"],
            &[("n_clusters", &["3", "4"]), ("min_cluster_size", &["5"])],
        );
        assert_eq!(
            keys(&two),
            [
                "s_kmeans_v_3",
                "s_kmeans_v_4",
                "s_kmeans_map_3",
                "s_kmeans_map_4",
                "s_hdbscan_v",
                "s_hdbscan_map"
            ]
        );
        let chains: Vec<usize> = two.iter().map(|c| c.chain).collect();
        assert_eq!(chains, [0, 0, 1, 1, 2, 3]);
        assert!(
            two[4].params.contains_key("min_cluster_size")
                && !two[4].params.contains_key("n_clusters")
        );
        assert_eq!(keys(&made(&["kmeans"], &["v"], &[])), ["s_kmeans"]);
        let same = made(&["hdbscan"], &["v"], &[("alpha", &["0.5", "1.0", "1"])]);
        assert_eq!(keys(&same), ["s_0_5", "s_1_0"]);
    }

    #[test]
    fn a_parameter_of_no_method_is_a_mistake() {
        let given = Args::from([("min_cluster_size".to_owned(), texts(&["3"]))]);
        let found = combinations("s", &methods(None).unwrap(), &["v".to_owned()], &given);
        let message = found.err().unwrap().to_string();
        assert!(
            message.contains("min_cluster_size") && message.contains("kmeans"),
            "{message}"
        );
        assert!(methods(Some(&["kmeens".to_owned()])).is_err());
    }
}
