//! Random numbers from a counter: seed, start, step and draw give the number, no state is shared.

use crate::random::mix;

/// The random numbers of one start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draws {
    key: u64,
}

impl Draws {
    /// The numbers of start `start` under `seed`.
    pub fn new(seed: u64, start: u64) -> Draws {
        Draws {
            key: mix(mix(seed) ^ start),
        }
    }

    /// A number in [0, 1) for a step and a draw within it.
    pub fn unit(self, step: u64, draw: u64) -> f64 {
        (mix(mix(self.key ^ step).wrapping_add(draw)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `below` (at least 1).
    pub fn below(self, step: u64, draw: u64, below: usize) -> usize {
        ((self.unit(step, draw) * below as f64) as usize).min(below - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_and_differ_by_seed_start_and_step() {
        let draws = Draws::new(1, 0);
        let mut counts = [0; 10];
        for draw in 0..10_000 {
            counts[draws.below(3, draw, 10)] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
        let one = draws.unit(3, 5);
        assert_eq!(one, Draws::new(1, 0).unit(3, 5));
        for other in [
            Draws::new(2, 0).unit(3, 5),
            Draws::new(1, 1).unit(3, 5),
            draws.unit(4, 5),
            draws.unit(3, 6),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(draws.below(0, 0, 1), 0);
    }
}
