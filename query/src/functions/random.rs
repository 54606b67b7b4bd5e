//! Random numbers that depend on the sample's id and the seed only: the same tomorrow, after an import again, and in
//! whatever order the samples come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};

use super::{Function, Invocation, Member, MemberKind, Mismatch, Shape};
use crate::columns::Datum;
use crate::error::Error;
use crate::plan::Expr;
use crate::signature::{Default, Kind, Signature, example, expression, param};
use crate::types::Type;

/// Uniform or normal numbers.
struct Random {
    normal: bool,
    signature: Signature,
}

const SEED: Kind = Kind::Int {
    lo: i64::MIN,
    hi: i64::MAX,
};

static RAND: Random = Random {
    normal: false,
    signature: expression(
        "rand",
        "Gives a number from 0 up to 1, of the sample's id and the seed.",
        &[param(
            "seed",
            SEED,
            Default::Int(51),
            "Another seed gives other numbers.",
        )],
        &[example(
            "match(rand(seed=7) < 0.1)",
            "Keeps about a tenth of the samples.",
        )],
    ),
};

static RANDN: Random = Random {
    normal: true,
    signature: expression(
        "randn",
        "Gives a normally distributed number, of the sample's id and the seed.",
        &[param(
            "seed",
            SEED,
            Default::Int(51),
            "Another seed gives other numbers.",
        )],
        &[example("sort_by(randn())", "Shuffles.")],
    ),
};

impl Function for Random {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }
    fn check(&self, _: &[Expr]) -> Result<Type, Mismatch> {
        Ok(Type::Float)
    }
    fn per_row(&self) -> bool {
        true
    }
    fn eval(&self, call: &Invocation<'_>) -> Result<ArrayRef, Error> {
        let seed = match call.constant(0) {
            Datum::Int(seed) => seed as u64,
            _ => 51,
        };
        let ids = call.over.column("id")?;
        let mut last = 0;
        let mut nth = 0u64;
        let out: Float64Array = (0..call.len)
            .map(|row| {
                let key = id_key(&ids, row);
                // The values of one sample's list differ by their place in it.
                nth = if row > 0 && key == last { nth + 1 } else { 0 };
                last = key;
                let u = unit(mix(
                    seed ^ mix(key ^ nth.wrapping_mul(0xd6e8_feb8_6659_fd93))
                ));
                if !self.normal {
                    return Some(u);
                }
                let v = unit(mix(!seed ^ mix(key.rotate_left(17) ^ nth)));
                Some((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos())
            })
            .collect();
        Ok(Arc::new(out))
    }
}

/// A well mixed word (the finaliser of SplitMix64; Steele, Lea and Flood 2014).
pub(crate) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// A word of all 12 bytes of an id; of the row number where a source has no ids.
pub(crate) fn id_key(ids: &ArrayRef, row: usize) -> u64 {
    match ids.as_fixed_size_binary_opt() {
        Some(ids) if ids.is_valid(row) => {
            let bytes = ids.value(row);
            let (head, tail) = bytes.split_at(bytes.len().min(8));
            let head = head
                .iter()
                .fold(0u64, |key, byte| key << 8 | u64::from(*byte));
            let tail = tail
                .iter()
                .fold(0u64, |key, byte| key << 8 | u64::from(*byte));
            mix(head) ^ tail
        }
        _ => row as u64,
    }
}

/// The members of this family.
pub static MEMBERS: &[Member] = &[
    Member {
        shape: Shape::Free,
        kind: MemberKind::Function(&RAND),
    },
    Member {
        shape: Shape::Free,
        kind: MemberKind::Function(&RANDN),
    },
];
