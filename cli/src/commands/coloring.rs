//! What the colours of a map mean: a cluster, another text, or a number.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use messier_engine::runs::RunRecord;
use messier_query::View;
use messier_store::FieldType;

use super::operate::{frequencies, mostly};
use crate::failure::Failure;
use crate::plot::{Coloring, Group};

/// The colouring of the rows `kept` of a view by a field; `run` if a clustering wrote it, `labels` to name groups by.
pub fn coloring(
    view: &View,
    field: &str,
    kept: &[usize],
    run: Option<&RunRecord>,
    labels: Option<&[Option<String>]>,
) -> Result<Coloring, Failure> {
    let mut path = field.to_owned();
    if matches!(
        view.schema().resolve(field),
        Some(FieldType::Struct(
            messier_store::StructKind::Classification,
            _
        ))
    ) {
        path.push_str(".label");
    }
    let column = view.column(&path)?;
    if column.data_type().is_numeric() {
        let numbers =
            arrow::compute::cast(&column, &DataType::Float64).map_err(|_| unreadable(field))?;
        let numbers = numbers.as_primitive::<Float64Type>();
        let of = kept
            .iter()
            .map(|&row| numbers.is_valid(row).then(|| numbers.value(row)))
            .collect();
        return Ok(Coloring::Values {
            field: field.to_owned(),
            of,
        });
    }
    let texts = arrow::compute::cast(&column, &DataType::Utf8).map_err(|_| unreadable(field))?;
    let texts: Vec<Option<String>> = {
        let all = texts.as_string::<i32>();
        kept.iter()
            .map(|&row| all.is_valid(row).then(|| all.value(row).to_owned()))
            .collect()
    };
    let labels: Option<Vec<Option<String>>> = labels.map(|labels| {
        kept.iter()
            .map(|&row| labels.get(row).cloned().flatten())
            .collect()
    });
    Ok(groups(field, &texts, run, labels.as_deref()))
}

fn unreadable(field: &str) -> Failure {
    Failure::request(
        "wrong-type",
        format!("{field} cannot give colours: it is neither text nor a number."),
    )
}

/// Groups by value: clusters by id, other values by falling count. Noise and null are grey.
fn groups(
    field: &str,
    texts: &[Option<String>],
    run: Option<&RunRecord>,
    labels: Option<&[Option<String>]>,
) -> Coloring {
    let is_noise = |value: &str| run.is_some() && value == "-1";
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut at = std::collections::HashMap::new();
    for value in texts.iter().flatten().filter(|value| !is_noise(value)) {
        let next = counts.len();
        let place = *at.entry(value.clone()).or_insert(next);
        match counts.get_mut(place) {
            Some((_, n)) => *n += 1,
            None => counts.push((value.clone(), 1)),
        }
    }
    match run {
        Some(_) => {
            counts.sort_by_key(|(id, _)| (id.parse::<u64>().unwrap_or(u64::MAX), id.clone()))
        }
        None => counts.sort_by_key(|(value, n)| (std::cmp::Reverse(*n), value.clone())),
    }
    let place: std::collections::HashMap<&str, usize> = counts
        .iter()
        .enumerate()
        .map(|(place, (value, _))| (value.as_str(), place))
        .collect();
    let of = texts
        .iter()
        .map(|value| place.get(value.as_deref()?).copied())
        .collect();
    let frequent = labels.map(|labels| frequencies(texts, labels));
    let groups = counts
        .iter()
        .map(|(value, count)| {
            let cluster =
                run.and_then(|run| run.clusters.iter().find(|cluster| cluster.id == *value));
            let label = frequent
                .as_ref()
                .and_then(|f| mostly(f.get(value)?, *count))
                .map(|(label, _)| label);
            let name = match (cluster.and_then(|cluster| cluster.name.clone()), label) {
                (Some(name), _) => format!("{value} · {name}"),
                (None, Some(label)) => format!("{value} · {label}"),
                (None, None) => value.clone(),
            };
            Group {
                name,
                count: *count,
            }
        })
        .collect();
    let rest = if run.is_some() { "noise" } else { "none" };
    Coloring::Groups {
        field: field.to_owned(),
        of,
        groups,
        rest: rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::run::sample;

    fn texts(list: &[&str]) -> Vec<Option<String>> {
        list.iter()
            .map(|s| (!s.is_empty()).then(|| (*s).to_owned()))
            .collect()
    }

    #[test]
    fn clusters_are_in_order_of_id_and_noise_is_grey() {
        let record = sample::record();
        let labels = texts(&["cat", "cat", "dog", "owl"]);
        let coloring = groups(
            "k20",
            &texts(&["1", "0", "10", "-1"]),
            Some(&record),
            Some(&labels),
        );
        let Coloring::Groups {
            of, groups, rest, ..
        } = coloring
        else {
            panic!()
        };
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(
            (of, names, rest.as_str()),
            (
                vec![Some(1), Some(0), Some(2), None],
                vec!["0 · cat", "1 · cat", "10 · dog"],
                "noise"
            )
        );
    }

    #[test]
    fn other_values_are_in_order_of_count() {
        let Coloring::Groups { groups, rest, .. } =
            groups("label", &texts(&["b", "a", "b", ""]), None, None)
        else {
            panic!()
        };
        assert_eq!(
            (groups[0].name.as_str(), groups[0].count, rest.as_str()),
            ("b", 2, "none")
        );
    }
}
