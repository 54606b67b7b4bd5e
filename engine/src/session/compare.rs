//! Two labelings of a dataset beside each other: how far they agree, and which group is which.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::Session;
use super::labelling::Labelling;
use crate::context::Context;
use crate::error::Error;
use crate::score::{Agreement, best_pairs};

/// How two labelings agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first: a run or a field. Where it is the truth, homogeneity and completeness are the second's.
    pub a: String,
    /// The second.
    pub b: String,
    /// How many samples have a label in both; all numbers are about these.
    pub samples: usize,
    /// How many have one in the first only.
    pub only_a: usize,
    /// How many have one in the second only.
    pub only_b: usize,
    /// How many samples the first calls noise.
    pub noise_a: usize,
    /// How many samples the second calls noise.
    pub noise_b: usize,
    /// The agreement with noise counted as one group.
    pub agreement: Agreement,
    /// The agreement on the samples that neither calls noise; none where nothing is left.
    pub without_noise: Option<Agreement>,
    /// The groups of the first, largest first.
    pub groups_a: Vec<Group>,
    /// The groups of the second, largest first.
    pub groups_b: Vec<Group>,
    /// Which group of the first is which of the second: the pairing that keeps most samples together.
    pub pairs: Vec<Pair>,
    /// How many samples are in a group and in the one it is paired with.
    pub paired: usize,
    /// How many samples each two groups share, where they share any.
    pub overlap: Vec<Overlap>,
}

/// A group of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its label.
    pub id: String,
    /// What it is called, where it is a cluster with a name.
    pub name: Option<String>,
    /// How many of the samples compared it has.
    pub size: usize,
}

/// Two groups that are the same as far as can be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The group of the first.
    pub a: String,
    /// The group of the second.
    pub b: String,
    /// The samples in both.
    pub samples: usize,
    /// These over the samples in either (Jaccard), 0 to 1.
    pub jaccard: f64,
}

/// How many samples two groups share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// The group of the first.
    pub a: String,
    /// The group of the second.
    pub b: String,
    /// The samples in both.
    pub samples: usize,
}

impl Session {
    /// Compares two labelings, each a clustering run or a field of labels, on the samples of a view (all without one)
    /// that have both.
    ///
    /// # Errors
    /// An unknown dataset, run or field; a run that is no clustering; a field without labels; no sample with both.
    pub fn compare(
        &self,
        dataset: &str,
        a: &str,
        b: &str,
        view: Option<&str>,
        context: &Context,
    ) -> Result<Comparison, Error> {
        let snapshot = self.store.dataset(dataset)?.snapshot()?;
        let (view, _) = self.view(&snapshot, view.unwrap_or_default())?;
        let (a, b) = (Labelling::of(&snapshot, a)?, Labelling::of(&snapshot, b)?);
        let has = |side: &Labelling, row: u32| side.texts[row as usize].is_some();
        let mut both = Vec::new();
        let (mut only_a, mut only_b) = (0, 0);
        for &row in view.rows() {
            match (has(&a, row), has(&b, row)) {
                (true, true) => both.push(row),
                (true, false) => only_a += 1,
                (false, true) => only_b += 1,
                (false, false) => {}
            }
        }
        if both.is_empty() {
            return Err(Error::Input(format!(
                "no sample has a label in both {:?} and {:?}: {only_a} have one in the first only, {only_b} in the second only",
                a.name, b.name
            )));
        }
        compared(&a, &b, &both, (only_a, only_b), context)
    }
}

fn compared(
    a: &Labelling,
    b: &Labelling,
    rows: &[u32],
    (only_a, only_b): (usize, usize),
    context: &Context,
) -> Result<Comparison, Error> {
    let (of_a, of_b) = (a.numbered(rows), b.numbered(rows));
    let step = context.step("compare", 2);
    let agreement = Agreement::of(&of_a.0, &of_b.0)?;
    step.tick(1)?;
    let noise = |labels: &[i32]| labels.iter().filter(|&&label| label < 0).count();
    let (noise_a, noise_b) = (noise(&of_a.0), noise(&of_b.0));
    let left = of_a.0.iter().zip(&of_b.0).any(|(&a, &b)| a >= 0 && b >= 0);
    let without_noise = left.then(|| Agreement::without_noise(&of_a.0, &of_b.0));
    let without_noise = without_noise.transpose()?;
    step.tick(1)?;
    drop(step);

    let groups_a = groups(a, &of_a);
    let groups_b = groups(b, &of_b);
    let mut cells: BTreeMap<(i32, i32), u64> = BTreeMap::new();
    for (&i, &j) in of_a.0.iter().zip(&of_b.0) {
        *cells.entry((i, j)).or_default() += 1;
    }
    // Noise is no group to be paired.
    let mut counts = vec![vec![0_u64; of_b.1.len()]; of_a.1.len()];
    for (&(i, j), &n) in &cells {
        if let (Ok(i), Ok(j)) = (usize::try_from(i), usize::try_from(j)) {
            counts[i][j] = n;
        }
    }
    let (size_a, size_b) = (sizes(&of_a), sizes(&of_b));
    let mut pairs: Vec<Pair> = best_pairs(&counts, of_b.1.len(), context)?
        .into_iter()
        .map(|(i, j)| {
            let samples = counts[i][j] as usize;
            Pair {
                a: of_a.1[i].clone(),
                b: of_b.1[j].clone(),
                samples,
                jaccard: samples as f64 / (size_a[i] + size_b[j] - samples) as f64,
            }
        })
        .collect();
    pairs.sort_by_key(|pair| Reverse(pair.samples));
    let text = |names: &[String], label: i32| {
        let at = usize::try_from(label).ok();
        at.and_then(|at| names.get(at).cloned())
            .unwrap_or_else(|| super::judged::NOISE.to_owned())
    };
    Ok(Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        samples: rows.len(),
        only_a,
        only_b,
        noise_a,
        noise_b,
        agreement,
        without_noise,
        groups_a,
        groups_b,
        paired: pairs.iter().map(|pair| pair.samples).sum(),
        pairs,
        overlap: cells
            .into_iter()
            .map(|((i, j), n)| Overlap {
                a: text(&of_a.1, i),
                b: text(&of_b.1, j),
                samples: n as usize,
            })
            .collect(),
    })
}

/// How many samples each group has, in the order of the numbers.
fn sizes((labels, names): &(Vec<i32>, Vec<String>)) -> Vec<usize> {
    let mut sizes = vec![0; names.len()];
    for &label in labels {
        if let Some(size) = usize::try_from(label).ok().and_then(|at| sizes.get_mut(at)) {
            *size += 1;
        }
    }
    sizes
}

fn groups(side: &Labelling, numbered: &(Vec<i32>, Vec<String>)) -> Vec<Group> {
    let clusters = side.run.iter().flat_map(|run| &run.clusters);
    let names: BTreeMap<&str, Option<&String>> = clusters
        .map(|cluster| (cluster.id.as_str(), cluster.name.as_ref()))
        .collect();
    let mut groups: Vec<Group> = sizes(numbered)
        .into_iter()
        .zip(&numbered.1)
        .map(|(size, id)| Group {
            id: id.clone(),
            name: names.get(id.as_str()).copied().flatten().cloned(),
            size,
        })
        .collect();
    groups.sort_by_key(|group| Reverse(group.size));
    let noise = numbered.0.iter().filter(|&&label| label < 0).count();
    if noise > 0 {
        groups.push(Group {
            id: super::judged::NOISE.to_owned(),
            name: None,
            size: noise,
        });
    }
    groups
}
