//! How far two labelings of the same samples agree: indices that do not care what the groups are called.
//!
//! Definitions and edge cases are scikit-learn's, logarithms natural, means arithmetic.

use std::collections::BTreeMap;

use crate::error::Error;

/// The agreement of two labelings; every index is 1 for the same grouping.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// How many samples were compared.
    pub samples: usize,
    /// Adjusted Rand index: about 0 for chance. Hubert and Arabie, 1985.
    pub adjusted_rand: f64,
    /// Mutual information over the mean of both entropies.
    pub normalized_mutual_information: f64,
    /// The same with what chance would give taken away. Vinh, Epps and Bailey, 2010.
    pub adjusted_mutual_information: f64,
    /// How far each group of `b` holds members of one group of `a` only.
    pub homogeneity: f64,
    /// How far the members of each group of `a` are in one group of `b`.
    pub completeness: f64,
    /// The harmonic mean of the last two.
    pub v_measure: f64,
}

impl Agreement {
    /// Compares `a` (the truth, for homogeneity and completeness) with `b`. Any numbers are labels; noise, -1, is a
    /// group like the others. O(n log n + groups² n) at worst, much less in practice.
    ///
    /// # Errors
    /// Labelings of different lengths.
    pub fn of(a: &[i32], b: &[i32]) -> Result<Agreement, Error> {
        if a.len() != b.len() {
            return Err(Error::Input(format!(
                "two labelings can only be compared on the same samples, but one has {} and the other {}",
                a.len(),
                b.len()
            )));
        }
        let table = Table::of(a, b);
        let information = table.information();
        let (of_a, of_b) = (table.entropy(&table.rows), table.entropy(&table.columns));
        let share = |entropy: f64| {
            if entropy == 0.0 {
                1.0
            } else {
                information / entropy
            }
        };
        let (homogeneity, completeness) = (share(of_a), share(of_b));
        let both = homogeneity + completeness;
        let trivial = table.rows.len() == table.columns.len() && table.rows.len() <= 1;
        let mean = f64::midpoint(of_a, of_b);
        Ok(Agreement {
            samples: a.len(),
            adjusted_rand: table.adjusted_rand(),
            normalized_mutual_information: if trivial {
                1.0
            } else if information <= f64::EPSILON {
                0.0
            } else {
                information / mean
            },
            adjusted_mutual_information: if trivial {
                1.0
            } else {
                let chance = table.expected_information();
                let room = mean - chance;
                let room = if room < 0.0 {
                    room.min(-f64::EPSILON)
                } else {
                    room.max(f64::EPSILON)
                };
                (information - chance) / room
            },
            homogeneity,
            completeness,
            v_measure: if both == 0.0 {
                0.0
            } else {
                2.0 * homogeneity * completeness / both
            },
        })
    }

    /// [`Agreement::of`] on the samples that neither labeling calls noise (-1).
    ///
    /// # Errors
    /// Labelings of different lengths.
    pub fn without_noise(a: &[i32], b: &[i32]) -> Result<Agreement, Error> {
        if a.len() != b.len() {
            return Agreement::of(a, b);
        }
        let (a, b): (Vec<i32>, Vec<i32>) =
            a.iter().zip(b).filter(|&(&a, &b)| a >= 0 && b >= 0).unzip();
        Agreement::of(&a, &b)
    }
}

/// How many samples are in group `i` of one labeling and `j` of the other.
struct Table {
    n: usize,
    cells: Vec<(usize, usize, usize)>,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Table {
    fn of(a: &[i32], b: &[i32]) -> Table {
        let number = |labels: &[i32]| {
            let mut names: Vec<i32> = labels.to_vec();
            names.sort_unstable();
            names.dedup();
            names
        };
        let (of_a, of_b) = (number(a), number(b));
        let mut counts = BTreeMap::new();
        let (mut rows, mut columns) = (vec![0; of_a.len()], vec![0; of_b.len()]);
        for (a, b) in a.iter().zip(b) {
            let i = of_a.partition_point(|name| name < a);
            let j = of_b.partition_point(|name| name < b);
            rows[i] += 1;
            columns[j] += 1;
            *counts.entry((i, j)).or_insert(0) += 1;
        }
        let cells = counts
            .into_iter()
            .map(|((i, j), count)| (i, j, count))
            .collect();
        Table {
            n: a.len(),
            cells,
            rows,
            columns,
        }
    }

    fn adjusted_rand(&self) -> f64 {
        let squares = |counts: &[usize]| counts.iter().map(|&c| (c as f64).powi(2)).sum::<f64>();
        let n = self.n as f64;
        let both: f64 = self.cells.iter().map(|&(_, _, c)| (c as f64).powi(2)).sum();
        let (a, b) = (squares(&self.rows), squares(&self.columns));
        // Ordered pairs: together in both, in `a` only, in `b` only, in neither.
        let (together, only_a, only_b) = (both - n, a - both, b - both);
        let apart = n * n - both - only_a - only_b;
        if only_a == 0.0 && only_b == 0.0 {
            return 1.0;
        }
        2.0 * (together * apart - only_a * only_b)
            / ((together + only_a) * (only_a + apart) + (together + only_b) * (only_b + apart))
    }

    fn entropy(&self, counts: &[usize]) -> f64 {
        let n = self.n as f64;
        if counts.len() <= 1 {
            return 0.0;
        }
        -counts
            .iter()
            .map(|&c| c as f64 / n * (c as f64 / n).ln())
            .sum::<f64>()
    }

    fn information(&self) -> f64 {
        let n = self.n as f64;
        let terms = self.cells.iter().map(|&(i, j, count)| {
            let count = count as f64;
            count / n * (n * count / (self.rows[i] as f64 * self.columns[j] as f64)).ln()
        });
        terms.sum::<f64>().max(0.0)
    }

    /// The mean information over all labelings with these group sizes, by the hypergeometric distribution.
    fn expected_information(&self) -> f64 {
        let mut log_factorial = vec![0.0_f64; self.n + 1];
        for i in 1..=self.n {
            log_factorial[i] = log_factorial[i - 1] + (i as f64).ln();
        }
        let fact = |i: usize| log_factorial[i];
        let n = self.n;
        let mut sum = 0.0;
        for &a in &self.rows {
            for &b in &self.columns {
                let constant = fact(a) + fact(b) + fact(n - a) + fact(n - b) - fact(n);
                for both in (a + b).saturating_sub(n).max(1)..=a.min(b) {
                    let chance = constant
                        - fact(both)
                        - fact(a - both)
                        - fact(b - both)
                        - fact(n + both - a - b);
                    let gain = (n as f64 * both as f64 / (a as f64 * b as f64)).ln();
                    sum += both as f64 / n as f64 * gain * chance.exp();
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(serde::Deserialize)]
    struct Case {
        a: Vec<i32>,
        b: Vec<i32>,
        ari: f64,
        nmi: f64,
        ami: f64,
        homogeneity: f64,
        completeness: f64,
        v_measure: f64,
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/score/agreements.json"))
                .unwrap();
        for (at, case) in cases.iter().enumerate() {
            let got = Agreement::of(&case.a, &case.b).unwrap();
            for (name, got, wanted) in [
                ("ari", got.adjusted_rand, case.ari),
                ("nmi", got.normalized_mutual_information, case.nmi),
                ("ami", got.adjusted_mutual_information, case.ami),
                ("homogeneity", got.homogeneity, case.homogeneity),
                ("completeness", got.completeness, case.completeness),
                ("v", got.v_measure, case.v_measure),
            ] {
                assert!(
                    (got - wanted).abs() < 1e-9,
                    "case {at}, {name}: {got} {wanted}"
                );
            }
        }
    }

    #[test]
    fn noise_counts_or_is_left_out() {
        let (a, b) = ([0, 0, 1, 1, -1], [5, 5, 2, 2, 2]);
        assert_eq!(Agreement::without_noise(&a, &b).unwrap().adjusted_rand, 1.0);
        assert!(Agreement::of(&a, &b).unwrap().adjusted_rand < 1.0);
        assert!(Agreement::of(&a, &b[1..]).is_err());
    }

    proptest! {
        #[test]
        fn names_do_not_matter_and_a_labeling_agrees_with_itself(labels in prop::collection::vec(-1..6_i32, 2..60)) {
            let renamed: Vec<i32> = labels.iter().map(|label| 40 - 3 * label).collect();
            let same = Agreement::of(&labels, &renamed).unwrap();
            prop_assert!((same.adjusted_rand - 1.0).abs() < 1e-12);
            prop_assert!((same.v_measure - 1.0).abs() < 1e-9);
            prop_assert!((same.normalized_mutual_information - 1.0).abs() < 1e-9);
        }
    }
}
