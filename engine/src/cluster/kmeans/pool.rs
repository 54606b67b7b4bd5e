//! Candidates of a greedy start: offered in the order drawn, the best of a few kept by what the judges gain.

use super::compare::Candidates;
use super::draws::Draws;
use crate::linalg::squared_distance;

/// The most candidates drawn at once.
pub(super) const POOL: usize = 256;

/// Rows drawn as candidates for the centres to come, and what they do to the judges.
pub(super) struct Pool {
    pub candidates: Candidates,
    /// The squared distance by which each was drawn, and what it is now.
    pub drawn_by: Vec<f32>,
    pub now: Vec<f32>,
    /// The squared distance of each judge to its nearest centre.
    pub judges: Vec<f32>,
    /// The judges that each candidate would have improved when it was drawn, with their squared distances.
    pub improved: Vec<Vec<(u32, f32)>>,
    /// The first that has not been offered.
    pub next: usize,
}

impl Pool {
    /// The next candidates, each kept with the chance by which its distance has shrunk; fewer where the pool ends.
    pub fn accept(&mut self, count: usize, draws: Draws, refill: u64) -> Vec<usize> {
        let mut accepted = Vec::with_capacity(count);
        while accepted.len() < count && self.next < self.now.len() {
            let at = self.next;
            self.next += 1;
            let chance = draws.unit(refill, (POOL + at) as u64) * f64::from(self.drawn_by[at]);
            if chance < f64::from(self.now[at]) {
                accepted.push(at);
            }
        }
        accepted
    }

    /// Keeps the candidate by which the judges' squared distances fall most, the first of equals.
    pub fn keep_best(&mut self, candidates: &[usize], dims: usize) -> usize {
        let gains: Vec<f64> = candidates.iter().map(|&at| self.gain(at)).collect();
        let mut best = 0;
        for (trial, gain) in gains.iter().enumerate() {
            if *gain > gains[best] {
                best = trial;
            }
        }
        let best = candidates[best];
        for &(judge, squared) in &self.improved[best] {
            let own = &mut self.judges[judge as usize];
            *own = own.min(squared);
        }
        let row = |at: usize| &self.candidates.rows[at * dims..][..dims];
        for at in self.next..self.now.len() {
            self.now[at] = self.now[at].min(squared_distance(row(at), row(best)));
        }
        best
    }

    fn gain(&self, at: usize) -> f64 {
        let gains = self.improved[at]
            .iter()
            .map(|&(judge, squared)| f64::from((self.judges[judge as usize] - squared).max(0.0)));
        gains.sum()
    }
}
