//! Two labelings beside each other: the indices, which group is which, and what the groups share.

use std::collections::HashMap;

use messier_engine::{Comparison, Group};

use super::bars::bar;
use super::number::{count, grouped};
use super::paint::Paint;
use super::table::{Cell, Column, Give, Table, Tone};

/// A table of more groups than this on either side tells nobody anything.
const MOST_CELLS: usize = 20;

/// Everything about a comparison; `truth` says that the first is what the second should be.
pub fn text(found: &Comparison, truth: bool, columns: Option<usize>, paint: Paint) -> String {
    let (a, b) = (found.a.as_str(), found.b.as_str());
    let mut out = format!(
        "{} ({}) and {} ({}) on {}\n",
        paint.bold(b),
        count(groups(&found.groups_b) as u64, "group"),
        paint.bold(a),
        count(groups(&found.groups_a) as u64, "group"),
        count(found.samples as u64, "sample")
    );
    for (only, name, other) in [(found.only_a, a, b), (found.only_b, b, a)] {
        if only > 0 {
            out.push_str(&format!(
                "  {} {} in {name} have no label in {other} and are left out\n",
                paint.warn("note:"),
                count(only as u64, "sample")
            ));
        }
    }
    out.push('\n');
    out.push_str(&indices(found, truth, columns, paint));
    out.push('\n');
    out.push_str(&pairs(found, columns, paint));
    let (n, m) = (found.groups_a.len(), found.groups_b.len());
    if n <= MOST_CELLS && m <= MOST_CELLS {
        out.push('\n');
        out.push_str(&overlap(found, columns, paint));
    }
    out
}

fn groups(groups: &[Group]) -> usize {
    groups.iter().filter(|group| group.id != "-1").count()
}

fn indices(found: &Comparison, truth: bool, columns: Option<usize>, paint: Paint) -> String {
    let noise = found.noise_a + found.noise_b > 0;
    let mut heads = vec![
        Column::text("").give(Give::Never),
        Column::number(if noise {
            "noise as a group"
        } else {
            "agreement"
        }),
    ];
    if noise {
        heads.push(Column::number("without noise"));
    }
    heads.push(Column::text("").give(Give::End(20)).rank(1));
    let mut table = Table::new(heads);
    let b = &found.b;
    let homogeneity = if truth {
        format!("1: no group of {b} is mixed")
    } else {
        format!("1: {b} only splits {}", found.a)
    };
    let completeness = if truth {
        format!("1: nothing of {} is split", found.a)
    } else {
        format!("1: {b} only joins {}", found.a)
    };
    type Of = fn(&messier_engine::score::Agreement) -> f64;
    let rows: [(&str, Of, String); 6] = [
        (
            "adjusted Rand index",
            |x| x.adjusted_rand,
            "1 the same, 0 as by chance".into(),
        ),
        (
            "adjusted mutual information",
            |x| x.adjusted_mutual_information,
            "1 the same, 0 as by chance".into(),
        ),
        (
            "normalized mutual information",
            |x| x.normalized_mutual_information,
            String::new(),
        ),
        (
            "V-measure",
            |x| x.v_measure,
            "the mean of the next two".into(),
        ),
        ("homogeneity", |x| x.homogeneity, homogeneity),
        ("completeness", |x| x.completeness, completeness),
    ];
    for (name, of, about) in rows {
        let mut row = vec![
            Cell::new(name),
            Cell::new(format!("{:.4}", of(&found.agreement))).tone(Tone::Bold),
        ];
        if noise {
            row.push(match &found.without_noise {
                Some(agreement) => Cell::new(format!("{:.4}", of(agreement))),
                None => Cell::new("none left").tone(Tone::Dim),
            });
        }
        row.push(Cell::new(about).tone(Tone::Dim));
        table.row(row);
    }
    table.draw(columns, paint.on()).text
}

fn named(group: &Group) -> String {
    match &group.name {
        Some(name) => format!("{} · {name}", group.id),
        None => group.id.clone(),
    }
}

/// The pairs, largest first, then the groups that have no partner.
fn pairs(found: &Comparison, columns: Option<usize>, paint: Paint) -> String {
    let of_a: HashMap<&str, &Group> = found.groups_a.iter().map(|g| (g.id.as_str(), g)).collect();
    let of_b: HashMap<&str, &Group> = found.groups_b.iter().map(|g| (g.id.as_str(), g)).collect();
    let mut table = Table::new(vec![
        Column::text(found.b.as_str()).give(Give::End(10)),
        Column::number("size").rank(2),
        Column::text(found.a.as_str()).give(Give::End(10)),
        Column::number("size").rank(2),
        Column::number("in both"),
        Column::number("Jaccard"),
        Column::text("").give(Give::Never).rank(1),
    ]);
    let size = |group: Option<&&Group>| {
        group.map_or_else(Cell::default, |group| Cell::new(grouped(group.size as u64)))
    };
    let name =
        |group: Option<&&Group>| group.map_or_else(Cell::default, |group| Cell::new(named(group)));
    for pair in &found.pairs {
        let (a, b) = (of_a.get(pair.a.as_str()), of_b.get(pair.b.as_str()));
        table.row(vec![
            name(b).tone(Tone::Bold),
            size(b),
            name(a).tone(Tone::Bold),
            size(a),
            Cell::new(grouped(pair.samples as u64)),
            Cell::new(format!("{:.3}", pair.jaccard)),
            Cell::new(bar(pair.jaccard, 1.0, 12)).tone(Tone::Accent),
        ]);
    }
    let lone = |group: &&Group, taken: &dyn Fn(&str) -> bool| group.id != "-1" && !taken(&group.id);
    let paired_b = |id: &str| found.pairs.iter().any(|pair| pair.b == id);
    let paired_a = |id: &str| found.pairs.iter().any(|pair| pair.a == id);
    for group in found.groups_b.iter().filter(|group| lone(group, &paired_b)) {
        table.row(vec![
            Cell::new(named(group)),
            Cell::new(grouped(group.size as u64)),
            Cell::new("no partner").tone(Tone::Dim),
        ]);
    }
    for group in found.groups_a.iter().filter(|group| lone(group, &paired_a)) {
        table.row(vec![
            Cell::new("no partner").tone(Tone::Dim),
            Cell::default(),
            Cell::new(named(group)),
            Cell::new(grouped(group.size as u64)),
        ]);
    }
    let share = found.paired as f64 / found.samples.max(1) as f64 * 100.0;
    format!(
        "{}{}",
        table.draw(columns, paint.on()).text,
        paint.dim(&format!(
            "{share:.1} % of the samples are in a group and in its partner\n"
        ))
    )
}

/// How many samples every two groups share, rows and columns in the order of the pairs.
fn overlap(found: &Comparison, columns: Option<usize>, paint: Paint) -> String {
    let order = |groups: &[Group], of: &dyn Fn(usize) -> Option<String>| -> Vec<String> {
        let mut ids: Vec<String> = (0..found.pairs.len()).filter_map(of).collect();
        for group in groups {
            if !ids.contains(&group.id) {
                ids.push(group.id.clone());
            }
        }
        ids
    };
    let rows = order(&found.groups_b, &|at| Some(found.pairs.get(at)?.b.clone()));
    let heads = order(&found.groups_a, &|at| Some(found.pairs.get(at)?.a.clone()));
    let cells: HashMap<(&str, &str), usize> = found
        .overlap
        .iter()
        .map(|cell| ((cell.b.as_str(), cell.a.as_str()), cell.samples))
        .collect();
    let mut columns_of =
        vec![Column::text(format!("{} \\ {}", found.b, found.a)).give(Give::End(10))];
    columns_of.extend(
        heads
            .iter()
            .enumerate()
            .map(|(at, id)| Column::number(id.as_str()).rank(1 + at)),
    );
    let mut table = Table::new(columns_of);
    for (at, row) in rows.iter().enumerate() {
        let mut line = vec![Cell::new(row.as_str())];
        for (column, head) in heads.iter().enumerate() {
            let paired = at == column && at < found.pairs.len();
            line.push(match cells.get(&(row.as_str(), head.as_str())) {
                Some(&n) => {
                    Cell::new(grouped(n as u64)).tone(if paired { Tone::Good } else { Tone::Plain })
                }
                None => Cell::new("·").tone(Tone::Dim),
            });
        }
        table.row(line);
    }
    let laid = table.draw(columns, paint.on());
    let mut out = laid.text;
    if !laid.left_out.is_empty() {
        out.push_str(&paint.dim(&format!(
            "{} more columns do not fit; --json has them all\n",
            laid.left_out.len()
        )));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use messier_engine::score::Agreement;
    use messier_engine::{Overlap, Pair};

    fn group(id: &str, name: Option<&str>, size: usize) -> Group {
        Group {
            id: id.into(),
            name: name.map(str::to_owned),
            size,
        }
    }

    fn found() -> Comparison {
        let agreement = |ari| Agreement {
            samples: 100,
            adjusted_rand: ari,
            normalized_mutual_information: 0.61,
            adjusted_mutual_information: 0.6,
            homogeneity: 0.75,
            completeness: 0.5,
            v_measure: 0.6,
        };
        let cell = |a: &str, b: &str, samples| Overlap {
            a: a.into(),
            b: b.into(),
            samples,
        };
        Comparison {
            a: "group".into(),
            b: "h3".into(),
            samples: 100,
            only_a: 4,
            only_b: 0,
            noise_a: 0,
            noise_b: 10,
            agreement: agreement(0.5),
            without_noise: Some(agreement(0.625)),
            groups_a: vec![group("cat", None, 60), group("dog", None, 40)],
            groups_b: vec![
                group("0", Some("whiskers"), 50),
                group("1", None, 30),
                group("2", None, 10),
                group("-1", None, 10),
            ],
            pairs: vec![
                Pair {
                    a: "cat".into(),
                    b: "0".into(),
                    samples: 48,
                    jaccard: 48.0 / 62.0,
                },
                Pair {
                    a: "dog".into(),
                    b: "1".into(),
                    samples: 25,
                    jaccard: 25.0 / 45.0,
                },
            ],
            paired: 73,
            overlap: vec![
                cell("cat", "0", 48),
                cell("dog", "0", 2),
                cell("cat", "1", 5),
                cell("dog", "1", 25),
                cell("dog", "2", 10),
                cell("cat", "-1", 7),
                cell("dog", "-1", 3),
            ],
        }
    }

    #[test]
    fn indices_pairs_and_overlap() {
        insta::assert_snapshot!(text(&found(), true, Some(90), Paint::new(false)));
    }
}
