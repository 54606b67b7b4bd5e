//! `take` and `shuffle`: an order that depends on the sample ids and the seed only, so that the same seed gives the same
//! samples after another import, and on another machine.

use super::Stage;
use crate::domain::Columns;
use crate::error::Error;
use crate::eval::{Context, Frame};
use crate::functions::{id_key, mix};
use crate::plan::{Arguments, Planner, Run};
use crate::signature::{Default, Kind, Param, Signature, example, param, stage};

/// Puts the rows in a seeded order and keeps some.
#[derive(Debug)]
struct Shuffled {
    keep: usize,
    seed: u64,
}

impl Run for Shuffled {
    fn run(&self, frame: Frame, _: &Context) -> Result<Frame, Error> {
        let ids = frame.column("id")?;
        let seed = mix(self.seed);
        let mut keyed: Vec<(u64, u32)> = (0..frame.len() as u32)
            .map(|row| (mix(id_key(&ids, row as usize) ^ seed), row))
            .collect();
        let keep = self.keep.min(keyed.len());
        if keep < keyed.len() && keep > 0 {
            keyed.select_nth_unstable(keep - 1);
        }
        keyed.truncate(keep);
        keyed.sort_unstable();
        frame.at(&keyed.iter().map(|(_, row)| *row).collect::<Vec<u32>>())
    }
}

const SEED: Param = param(
    "seed",
    Kind::Optional(&Kind::Int {
        lo: i64::MIN,
        hi: i64::MAX,
    }),
    Default::Int(51),
    "Another seed gives another order; None is 51.",
);

/// `take` and `shuffle`
pub struct Shuffle {
    takes: bool,
    signature: Signature,
}

/// `take(size, seed)`
pub static TAKE: Shuffle = Shuffle {
    takes: true,
    signature: stage(
        "take",
        "Keeps a random sample, the same one for the same seed.",
        &[
            param(
                "size",
                Kind::Int {
                    lo: i64::MIN,
                    hi: i64::MAX,
                },
                Default::Required,
                "How many; beyond the size of the view it is all.",
            ),
            SEED,
        ],
        &[example("take(100, seed=7)", "Keeps a hundred.")],
    ),
};

/// `shuffle(seed)`
pub static SHUFFLE: Shuffle = Shuffle {
    takes: false,
    signature: stage(
        "shuffle",
        "Puts the samples in a random order, the same one for the same seed.",
        &[SEED],
        &[example("shuffle(seed=7).limit(12)", "Looks at a dozen.")],
    ),
};

impl Stage for Shuffle {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn plan(&self, args: &Arguments<'_>, planner: &mut Planner<'_>) -> Option<Box<dyn Run>> {
        let keep = if self.takes {
            usize::try_from(planner.int(args, "size")?.max(0)).unwrap_or(usize::MAX)
        } else {
            usize::MAX
        };
        let seed = planner.maybe_int(args, "seed")?.unwrap_or(51) as u64;
        Some(Box::new(Shuffled { keep, seed }))
    }
}
