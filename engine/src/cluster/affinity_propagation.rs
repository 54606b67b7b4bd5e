//! Affinity propagation: rows send each other messages until some are chosen to stand for the others.
//!
//! Nobody says how many clusters there are; the preference decides. Messages are kept in f32, three tables of all pairs,
//! and each round passes over them once.

mod messages;
mod similarities;

use messier_query::params;
use messier_query::signature::{Args, Default, Example, Kind, Returns, Signature};
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::memory::check_room;
use super::{Clusterer, Clustering};
use crate::context::Context;
use crate::error::{Error, arguments};
use crate::neighbors::{Metric, Points};
use messages::{Messages, Rounds};
use similarities::Similarities;

params! {
    /// What affinity propagation needs to know.
    pub struct Params {
        /// How much of a message stays from round to round. Larger is slower and steadier.
        damping: f64 = Default::Float(0.5), Kind::Float { lo: 0.5, hi: 0.999_999 };
        /// The most rounds.
        max_iter: usize = Default::Int(200), Kind::Int { lo: 1, hi: 1_000_000 }, unit "rounds";
        /// Rounds end when the chosen rows have stayed the same for so many.
        convergence_iter: usize = Default::Int(15), Kind::Int { lo: 1, hi: 100_000 }, unit "rounds";
        /// How similar a row is to itself: larger chooses more rows. Similarities are negative squared distances. None takes their median.
        preference: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: f64::MIN, hi: f64::MAX });
    }
}

static SIGNATURE: Signature = Signature {
    name: "affinity_propagation",
    summary: "Chooses rows that stand for others, as many as the data suggests, and groups the rest around them.",
    params: Params::TABLE,
    examples: &[Example {
        query: r#"cluster(method="affinity_propagation", features="embedding", damping=0.7, run="chosen")"#,
        shows: "Chooses a picture for each group of similar pictures.",
    }],
    returns: Returns::Run,
};

/// The method `affinity_propagation`. Source: scikit-learn's `AffinityPropagation`, affinity `euclidean`; Frey and Dueck
/// (2007). O(rounds n²) time, 12 n² bytes.
#[derive(Debug)]
pub struct AffinityPropagation;

impl Clusterer for AffinityPropagation {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        args: &Args,
        context: &Context,
    ) -> Result<Clustering, Error> {
        let params = Params::read(args).map_err(|bad| arguments(SIGNATURE.name, bad))?;
        let n = x.nrows();
        if n == 0 {
            return Err(Error::Input(
                "affinity propagation has no rows to choose from; it needs at least 1".to_owned(),
            ));
        }
        check_room(
            12 * n as u128 * n as u128,
            &format!("affinity propagation of {n} rows"),
        )?;
        let points = Points::new(x, Metric::Euclidean)?;
        let unit = points.squared_from_working(1.0);
        let mut similarities = Similarities::new(&points, context)?;
        let preference = match params.preference {
            Some(given) => (given / unit).clamp(-1e30, 1e30) as f32,
            None => similarities.median(),
        };
        let (exemplars, labels, rounds) = match similarities.all_equal() {
            Some(similarity) => {
                context
                    .notes
                    .remark("all rows are equally similar, so any choice is as good as another");
                let chosen = if preference > similarity { n } else { 1 };
                let labels = (0..n).map(|row| row.min(chosen - 1)).collect();
                ((0..chosen).collect(), labels, 0)
            }
            None => {
                similarities.prepare(preference, context.seed);
                let rounds = Messages::new(&similarities)?.exchange(
                    &Rounds {
                        damping: params.damping as f32,
                        most: params.max_iter,
                        steady: params.convergence_iter,
                    },
                    context,
                )?;
                if !rounds.converged {
                    context.notes.remark(format!(
                        "the messages did not settle within {} rounds; the clusters are those reached, a larger damping than {} or more rounds may help",
                        params.max_iter, params.damping
                    ));
                }
                let (exemplars, labels) = group(&similarities, &rounds.chosen);
                (exemplars, labels, rounds.done)
            }
        };
        if exemplars.is_empty() {
            context.notes.remark(
                "no row was chosen, so all rows are noise; a larger preference chooses more",
            );
        }
        let noise = exemplars.is_empty();
        Ok(Clustering {
            labels: labels
                .iter()
                .map(|&label| if noise { -1 } else { label as i32 })
                .collect(),
            centers: Some(x.select(Axis(0), &exemplars)),
            scores: vec![
                ("preference", f64::from(preference) * unit),
                ("iterations", rounds as f64),
            ],
            params: params.record(),
            ..Clustering::default()
        }
        .by_size())
    }
}

/// The exemplars in row order and each row's exemplar, from the rows that the messages chose: each group's exemplar
/// becomes the member that is most similar to all members, then the rows choose again.
fn group(similarities: &Similarities, chosen: &[usize]) -> (Vec<usize>, Vec<usize>) {
    if chosen.is_empty() {
        return (Vec::new(), vec![0; similarities.len()]);
    }
    let labels = nearest(similarities, chosen);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); chosen.len()];
    for (row, &label) in labels.iter().enumerate() {
        members[label].push(row);
    }
    let refined: Vec<usize> = members
        .par_iter()
        .map(|members| {
            let mut sums = vec![0.0_f64; members.len()];
            for &row in members {
                let row = similarities.row(row);
                for (sum, &other) in sums.iter_mut().zip(members) {
                    *sum += f64::from(row[other]);
                }
            }
            let mut best = 0;
            for at in 1..sums.len() {
                if sums[at] > sums[best] {
                    best = at;
                }
            }
            members[best]
        })
        .collect();
    let labels = nearest(similarities, &refined);
    let mut exemplars: Vec<usize> = labels.iter().map(|&label| refined[label]).collect();
    exemplars.sort_unstable();
    exemplars.dedup();
    let labels = labels
        .iter()
        .map(|&label| exemplars.partition_point(|&row| row < refined[label]))
        .collect();
    (exemplars, labels)
}

/// The position in `chosen` of the most similar for each row, the first of equals; a chosen row's own.
fn nearest(similarities: &Similarities, chosen: &[usize]) -> Vec<usize> {
    let mut labels: Vec<usize> = (0..similarities.len())
        .into_par_iter()
        .map(|row| {
            let row = similarities.row(row);
            let mut best = 0;
            for at in 1..chosen.len() {
                if row[chosen[at]] > row[chosen[best]] {
                    best = at;
                }
            }
            best
        })
        .collect();
    for (at, &row) in chosen.iter().enumerate() {
        labels[row] = at;
    }
    labels
}

#[cfg(test)]
mod tests {
    use messier_query::signature::Arg;
    use ndarray::Array2;

    use super::*;
    use crate::neighbors::tests::cloud;

    fn fit(x: &Array2<f32>, args: &[(&str, Arg)], context: &Context) -> Result<Clustering, Error> {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        AffinityPropagation.fit(x.view(), &args.collect(), context)
    }

    #[test]
    fn far_places_choose_one_each_and_centres_are_rows() {
        let noise = cloud(120, 3, 4);
        let x = Array2::from_shape_fn((120, 3), |(i, j)| {
            noise[(i, j)] + if j == 0 { 60.0 * (i % 4) as f32 } else { 0.0 }
        });
        let found = fit(&x, &[("preference", Arg::Float(-900.0))], &Context::new(1)).unwrap();
        assert_eq!(found.len(), 4);
        for (i, label) in found.labels.iter().enumerate() {
            assert_eq!(*label, found.labels[i % 4]);
        }
        for center in found.centers.unwrap().rows() {
            assert!(x.rows().into_iter().any(|row| row == center));
        }
    }

    #[test]
    fn rounds_that_do_not_settle_are_said() {
        let context = Context::new(0);
        let found = fit(&cloud(60, 3, 1), &[("max_iter", Arg::Int(3))], &context).unwrap();
        assert_eq!(found.labels.len(), 60);
        let notes = context.notes.sorted();
        assert!(notes[0].message.contains("within 3 rounds"), "{notes:?}");
    }

    #[test]
    fn equal_similarities_choose_all_or_one() {
        let x = Array2::from_elem((6, 2), 3.0);
        let all = fit(&x, &[("preference", Arg::Float(1.0))], &Context::new(0)).unwrap();
        assert_eq!(all.len(), 6);
        let context = Context::new(0);
        assert_eq!(fit(&x, &[], &context).unwrap().len(), 1);
        assert!(
            context.notes.sorted()[0]
                .message
                .contains("equally similar")
        );
    }
}
