//! Clusters from the plot of reachability: valleys between a steep way down and a steep way up.
//!
//! Positions here are places in the order of visits, and the plot has one more value at its end, infinite, so that a
//! last valley is closed.

/// What the search for valleys needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steepness {
    /// The share by which neighbouring values must differ to be steep.
    pub xi: f64,
    /// A steep way may hold at most so many values in a row that are not steep.
    pub min_samples: usize,
    /// The fewest rows of a cluster.
    pub min_cluster_size: usize,
    /// Whether clusters end before rows that were reached from outside.
    pub predecessor_correction: bool,
}

/// The plot, and how each value compares with the next.
struct Plot<'a> {
    values: Vec<f64>,
    steep_up: Vec<bool>,
    steep_down: Vec<bool>,
    up: Vec<bool>,
    down: Vec<bool>,
    /// The place of the row that each was reached from.
    from: &'a [Option<usize>],
    steepness: Steepness,
}

/// A steep way down.
struct Descent {
    start: usize,
    end: usize,
    /// The greatest value between its end and here.
    between: f64,
}

/// The clusters as first and last place, smaller ones before those that hold them. `reachability` and `from` are in the
/// order of visits. Source: Ankerst, Breunig, Kriegel, Sander (1999), figure 19; Schubert and Gertz (2018), algorithm 2.
pub(super) fn valleys(
    reachability: &[f32],
    from: &[Option<usize>],
    steepness: Steepness,
) -> Vec<(usize, usize)> {
    let plot = Plot::new(reachability, from, steepness);
    let rest = 1.0 - steepness.xi;
    let mut descents: Vec<Descent> = Vec::new();
    let mut clusters = Vec::new();
    let mut index = 0;
    let mut between = 0.0_f64;
    for steep in 0..reachability.len() {
        if steep < index || !(plot.steep_up[steep] || plot.steep_down[steep]) {
            continue;
        }
        between = plot.values[index..=steep]
            .iter()
            .copied()
            .fold(between, f64::max);
        if between.is_infinite() {
            descents.clear();
        }
        descents.retain(|descent| between <= plot.values[descent.start] * rest);
        for descent in &mut descents {
            descent.between = descent.between.max(between);
        }
        if plot.steep_down[steep] {
            let end = plot.extend(&plot.steep_down, &plot.up, steep);
            descents.push(Descent {
                start: steep,
                end,
                between: 0.0,
            });
            index = end + 1;
        } else {
            let end = plot.extend(&plot.steep_up, &plot.down, steep);
            index = end + 1;
            let found = descents
                .iter()
                .filter_map(|descent| plot.valley(descent, steep, end));
            let first = clusters.len();
            clusters.extend(found);
            clusters[first..].reverse();
        }
        between = plot.values[index];
    }
    clusters
}

/// Labels by place: each cluster that holds no smaller one gets a number, the rest is noise.
pub(super) fn labels_by_place(n: usize, clusters: &[(usize, usize)]) -> Vec<i32> {
    let mut labels = vec![-1; n];
    let mut next = 0;
    for &(first, last) in clusters {
        if labels[first..=last].iter().all(|&label| label == -1) {
            labels[first..=last].fill(next);
            next += 1;
        }
    }
    labels
}

impl<'a> Plot<'a> {
    fn new(reachability: &[f32], from: &'a [Option<usize>], steepness: Steepness) -> Plot<'a> {
        let mut values: Vec<f64> = reachability.iter().map(|&value| f64::from(value)).collect();
        values.push(f64::INFINITY);
        // Two infinite or two zero values have no ratio and are neither up nor down.
        let ratios: Vec<f64> = values.windows(2).map(|pair| pair[0] / pair[1]).collect();
        let rest = 1.0 - steepness.xi;
        let is =
            |compare: &dyn Fn(f64) -> bool| ratios.iter().map(|&ratio| compare(ratio)).collect();
        Plot {
            steep_up: is(&|ratio| ratio <= rest),
            steep_down: is(&|ratio| ratio >= 1.0 / rest),
            up: is(&|ratio| ratio < 1.0),
            down: is(&|ratio| ratio > 1.0),
            values,
            from,
            steepness,
        }
    }

    /// The end of the steep way that begins at `start`: it may rest for a while, but not turn.
    fn extend(&self, steep: &[bool], turned: &[bool], start: usize) -> usize {
        let mut resting = 0;
        let mut end = start;
        for at in start..steep.len() {
            if steep[at] {
                resting = 0;
                end = at;
            } else if turned[at] {
                break;
            } else {
                resting += 1;
                if resting > self.steepness.min_samples {
                    break;
                }
            }
        }
        end
    }

    /// The cluster between a way down and the way up from `up` to `end`, if there is one.
    fn valley(&self, descent: &Descent, up: usize, end: usize) -> Option<(usize, usize)> {
        let rest = 1.0 - self.steepness.xi;
        let values = &self.values;
        let (mut first, mut last) = (descent.start, end);
        let after = values[end + 1];
        if after * rest < descent.between {
            return None;
        }
        let before = values[descent.start];
        if before * rest >= after {
            while first < descent.end && values[first + 1] > after {
                first += 1;
            }
        } else if after * rest >= before {
            while last > up && values[last - 1] > before {
                last -= 1;
            }
        }
        if self.steepness.predecessor_correction {
            last = self.correct(first, last)?;
        }
        let long_enough = last + 1 - first >= self.steepness.min_cluster_size;
        (long_enough && first <= descent.end && last >= up).then_some((first, last))
    }

    /// The last place that is lower than the first or was reached from inside.
    fn correct(&self, first: usize, last: usize) -> Option<usize> {
        (first + 1..=last).rev().find(|&last| {
            self.values[first] > self.values[last]
                || self.from[last].is_some_and(|from| (first..last).contains(&from))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_between_two_slopes_is_a_cluster() {
        let inf = f32::INFINITY;
        let plot = [inf, 1.0, 1.1, 1.0, 9.0, 1.0, 1.05, 1.0, 1.0];
        let from = [
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(3),
            Some(4),
            Some(5),
            Some(6),
            Some(7),
        ];
        let steepness = Steepness {
            xi: 0.2,
            min_samples: 2,
            min_cluster_size: 2,
            predecessor_correction: true,
        };
        let found = valleys(&plot, &from, steepness);
        assert_eq!(found, [(0, 3), (4, 8), (0, 8)]);
        assert_eq!(labels_by_place(9, &found), [0, 0, 0, 0, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn flat_and_infinite_plots_hold_no_small_cluster() {
        let steepness = Steepness {
            xi: 0.05,
            min_samples: 2,
            min_cluster_size: 2,
            predecessor_correction: true,
        };
        let from = vec![None; 6];
        assert_eq!(valleys(&[f32::INFINITY; 6], &from, steepness), []);
        assert_eq!(valleys(&[], &[], steepness), []);
    }
}
