//! Which instructions the kernels may use: found once, held as a value that only detection can make.
//!
//! An [`Isa`] is a proof that the machine has the instructions, so that calling a kernel with it is sound. A plain
//! enum that anybody can build would not be.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set that this machine has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isa(Level);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    Portable,
    Avx2,
    Avx512,
    Avx512Bf16,
}

/// The variable that forces an instruction set.
const VARIABLE: &str = "MESSIER_ISA";

impl Isa {
    /// Plain Rust, vectorised by the compiler for the target's baseline.
    pub const PORTABLE: Isa = Isa(Level::Portable);

    /// Every instruction set that this machine has, the narrowest first. Never empty.
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
            if avx2 {
                found.push(Isa(Level::Avx2));
            }
            if avx512 {
                found.push(Isa(Level::Avx512));
            }
            if avx512 && is_x86_feature_detected!("avx512bf16") {
                found.push(Isa(Level::Avx512Bf16));
            }
        }
        found
    }

    /// The name that `MESSIER_ISA` uses.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Avx512Bf16 => "avx512bf16",
        }
    }

    /// Whether products are proposed in bfloat16.
    pub fn is_bf16(self) -> bool {
        self.0 == Level::Avx512Bf16
    }

    /// The instruction set for rows of `d` coordinates: with few, neighbours are so near that bfloat16's bound tells
    /// nothing apart and the product is cheap anyway, so f32 proposes.
    pub fn for_dims(self, d: usize) -> Isa {
        if self.is_bf16() && d < 48 {
            Isa(Level::Avx512)
        } else {
            self
        }
    }

    pub(super) fn level(self) -> Level {
        self.0
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
    let found = Isa::available();
    match found.iter().find(|isa| value.to_str() == Some(isa.name())) {
        Some(isa) => Ok(Some(*isa)),
        None => {
            let names: Vec<&str> = found.iter().map(|isa| isa.name()).collect();
            Err(format!(
                "{VARIABLE} is {:?}, but this machine has only {}",
                value.to_string_lossy(),
                names.join(", ")
            ))
        }
    }
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
                // SAFETY: an `Isa` of this level exists only if the machine has the instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::linalg::isa::Level::Avx512 | $crate::linalg::isa::Level::Avx512Bf16 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::linalg::isa::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    )*};
}
pub(super) use for_every_isa;
