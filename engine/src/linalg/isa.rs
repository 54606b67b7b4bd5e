//! Which instructions the kernels may use: found once, held as a value that only detection can make.
//!
//! An [`Isa`] is a proof that the machine has the instructions, so that calling a kernel with it is sound. A plain
//! enum that anybody can build would not be. It also says in which numbers rows are multiplied ([`Precision`]): what a
//! machine can do and what a pass needs are two questions, and [`Isa::for_dims`] and [`Isa::coarse`] answer both.

use std::ffi::OsStr;
use std::fmt;
use std::sync::OnceLock;

use super::tiles::tiles;

/// An instruction set that this machine has, and the numbers that products are proposed in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Isa {
    level: Level,
    precision: Precision,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Portable,
    Avx2,
    Avx512,
    /// With products of bfloat16.
    Avx512Bf16,
    /// With products of eight-bit integers, and of bfloat16 where that is so.
    Avx512Vnni {
        bf16: bool,
    },
    /// With products of both in matrix tiles, and all vector instructions above.
    Amx,
}

/// The numbers that rows are packed as.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Precision {
    F32,
    Bf16,
    Int8,
}

/// With fewer coordinates neighbours are so near that rounded rows tell nothing apart, and products are cheap anyway.
const ROUNDED_DIMS: usize = 48;
/// With more coordinates a sum of products of eight-bit integers might not fit in 32 bits.
const INT8_DIMS: usize = 1 << 16;

/// The variable that forces an instruction set.
const VARIABLE: &str = "MESSIER_ISA";

impl Isa {
    /// Plain Rust, vectorised by the compiler for the target's baseline.
    pub const PORTABLE: Isa = Isa::of(Level::Portable);

    /// A level with the numbers that it is fastest in.
    const fn of(level: Level) -> Isa {
        let precision = match level {
            Level::Portable | Level::Avx2 | Level::Avx512 => Precision::F32,
            Level::Avx512Bf16 => Precision::Bf16,
            Level::Avx512Vnni { .. } | Level::Amx => Precision::Int8,
        };
        Isa { level, precision }
    }

    /// Every instruction set that this machine has, the narrowest first, each with the numbers that it is fastest in. Never empty.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            let bf16 = avx512 && is_x86_feature_detected!("avx512bf16");
            if avx2 {
                found.push(Isa::of(Level::Avx2));
            }
            if avx512 {
                found.push(Isa::of(Level::Avx512));
            }
            if bf16 {
                found.push(Isa::of(Level::Avx512Bf16));
            }
            if avx512 && is_x86_feature_detected!("avx512vnni") {
                found.push(Isa::of(Level::Avx512Vnni { bf16 }));
            }
            // Last, because it asks for leave: see there.
            if avx512 && tiles().is_ok() {
                found.push(Isa::of(Level::Amx));
            }
        }
        found
    }

    /// The name that `MESSIER_ISA` uses.
    pub fn name(self) -> &'static str {
        match self.level {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Avx512Bf16 => "avx512bf16",
            Level::Avx512Vnni { .. } => "avx512vnni",
            Level::Amx => "amx",
        }
    }

    /// Whether products are proposed in bfloat16.
    pub fn is_bf16(self) -> bool {
        self.precision == Precision::Bf16
    }

    /// Whether products are proposed in eight-bit integers.
    pub fn is_int8(self) -> bool {
        self.precision == Precision::Int8
    }

    /// The same instructions with the numbers that propose distances of rows of `d` coordinates: bfloat16 where the
    /// machine multiplies it and there are enough coordinates for its bound to tell rows apart, else f32. Never eight-bit
    /// integers, which have to be asked for ([`Isa::coarse`]).
    pub fn for_dims(self, d: usize) -> Isa {
        let has_bf16 = match self.level {
            Level::Portable | Level::Avx2 | Level::Avx512 => false,
            Level::Avx512Bf16 | Level::Amx => true,
            Level::Avx512Vnni { bf16 } => bf16,
        };
        let precision = if has_bf16 && d >= ROUNDED_DIMS {
            Precision::Bf16
        } else {
            Precision::F32
        };
        Isa { precision, ..self }
    }

    /// The same instructions with eight-bit integers, for a pass over rows of `d` coordinates that only discards; nothing
    /// where they are not faster than what [`Isa::for_dims`] gives, or the rows too short or too long for them. Twice the
    /// speed of bfloat16, and about four times its error: see [`bound`](super::bound).
    pub fn coarse(self, d: usize) -> Option<Isa> {
        let fits = matches!(self.level, Level::Avx512Vnni { .. } | Level::Amx)
            && (ROUNDED_DIMS..=INT8_DIMS).contains(&d);
        fits.then(|| self.in_int8())
    }

    /// The same instructions with eight-bit integers, whether or not that is fast: the same integers on every machine.
    pub fn in_int8(self) -> Isa {
        Isa {
            precision: Precision::Int8,
            ..self
        }
    }

    pub(super) fn precision(self) -> Precision {
        self.precision
    }

    pub(super) fn level(self) -> Level {
        self.level
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What `MESSIER_ISA` asks for.
///
/// # Errors
/// A sentence, if the name is unknown or this machine lacks the instructions.
pub fn forced_isa() -> Result<Option<Isa>, String> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    named(&value, &Isa::available()).map(Some)
}

/// The one of this name.
fn named(value: &OsStr, found: &[Isa]) -> Result<Isa, String> {
    if let Some(isa) = found.iter().find(|isa| value.to_str() == Some(isa.name())) {
        return Ok(*isa);
    }
    let names: Vec<&str> = found.iter().map(|isa| isa.name()).collect();
    let why = match tiles() {
        Err(why) if value == "amx" => format!(" ({why})"),
        _ => String::new(),
    };
    Err(format!(
        "{VARIABLE} is {:?}, but this machine has only {}{why}",
        value.to_string_lossy(),
        names.join(", ")
    ))
}

/// The instruction set that the kernels use: what `MESSIER_ISA` forces, else the best there is. Found once a process.
/// A value of `MESSIER_ISA` that cannot be had is reported by [`forced_isa`] and leaves the best here.
pub fn isa() -> Isa {
    static CHOSEN: OnceLock<Isa> = OnceLock::new();
    *CHOSEN.get_or_init(|| match forced_isa() {
        Ok(Some(isa)) => isa,
        Ok(None) | Err(_) => Isa::available().last().copied().unwrap_or(Isa::PORTABLE),
    })
}

/// Compiles a function once for every instruction set and picks at run time. The body is plain Rust without fused
/// multiply-add, so every version gives the same bits; only the vectors' width differs.
macro_rules! for_every_isa {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name(isa: $crate::linalg::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
            fn avx512($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }

            match isa.level() {
                #[cfg(target_arch = "x86_64")]
                $crate::linalg::isa::Level::Avx512
                | $crate::linalg::isa::Level::Avx512Bf16
                | $crate::linalg::isa::Level::Avx512Vnni { .. }
                | $crate::linalg::isa::Level::Amx => {
                    // SAFETY: an `Isa` of this level exists only if the machine has the instructions.
                    unsafe { avx512($($arg),*) }
                }
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::linalg::isa::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    )*};
}
pub(super) use for_every_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_this_machine_has_is_taken() {
        let found = Isa::available();
        for isa in &found {
            assert_eq!(named(OsStr::new(isa.name()), &found), Ok(*isa));
        }
    }

    #[test]
    fn a_name_that_it_lacks_is_refused_with_what_there_is() {
        let few = [Isa::PORTABLE];
        assert_eq!(
            named(OsStr::new("avx9"), &few).unwrap_err(),
            "MESSIER_ISA is \"avx9\", but this machine has only portable"
        );
        let refusal = named(OsStr::new("amx"), &few).unwrap_err();
        match tiles() {
            Err(why) => assert_eq!(
                refusal,
                format!("MESSIER_ISA is \"amx\", but this machine has only portable ({why})")
            ),
            Ok(()) => assert!(refusal.ends_with("only portable")),
        }
        assert_eq!(
            tiles().is_ok(),
            Isa::available().iter().any(|isa| isa.name() == "amx")
        );
    }
}
