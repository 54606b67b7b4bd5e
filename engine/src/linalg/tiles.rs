//! Whether the matrix tiles of AMX may be used: the processor has them, the system keeps them, this process has leave, and
//! they multiply right.
//!
//! Other instructions are either there or not. Tiles are 8 KB a thread, so the system hands them out only to processes
//! that ask, which is asked once, before the first use. Linux alone is asked: no machine of another system was at hand.

use std::fmt;
use std::sync::OnceLock;

/// Why there are no tiles to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTiles {
    /// The processor has none, or not the vector instructions that go with them.
    Processor,
    /// The system does not keep them when it switches threads, or is not one that we know how to ask.
    System,
    /// The system refused them to this process.
    Refused,
    /// A small product came out wrong.
    Wrong,
}

impl fmt::Display for NoTiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoTiles::Processor => "the processor has no AMX",
            NoTiles::System => "the operating system does not offer AMX",
            NoTiles::Refused => "the operating system refused AMX to this process",
            NoTiles::Wrong => "a product in AMX came out wrong here",
        })
    }
}

/// What a processor and its system announce.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
struct Announced {
    /// Register `edx` of leaf 7 of `cpuid`.
    features: u32,
    /// Registers `eax`, `ebx` and `ecx` of leaf 0x1D, part 1: the first palette.
    palette: [u32; 3],
    /// Which registers the system keeps (XCR0).
    kept: u64,
}

#[cfg(target_arch = "x86_64")]
impl Announced {
    /// Whether these are tiles that the kernel is written for, with products of both numbers, and kept.
    fn check(self) -> Result<(), NoTiles> {
        // Products of bfloat16, tiles, products of eight-bit integers.
        const FEATURES: u32 = (1 << 22) | (1 << 24) | (1 << 25);
        // 8 tiles of 1 KB; rows of 64 bytes, and 8 names; 16 rows.
        const PALETTE: [u32; 3] = [(1024 << 16) | (8 * 1024), (8 << 16) | 64, 16];
        // The tiles' shape and their data.
        const KEPT: u64 = (1 << 17) | (1 << 18);
        if self.features & FEATURES != FEATURES || self.palette != PALETTE {
            Err(NoTiles::Processor)
        } else if self.kept & KEPT != KEPT {
            Err(NoTiles::System)
        } else {
            Ok(())
        }
    }
}

/// Whether the tiles may be used, with the vector instructions that go with them. Asked once a process.
pub(super) fn tiles() -> Result<(), NoTiles> {
    static FOUND: OnceLock<Result<(), NoTiles>> = OnceLock::new();
    *FOUND.get_or_init(find)
}

/// Why a processor's AMX is not used, where it has some: a sentence's end. Nothing where there is none, or it is used.
pub fn withheld_amx() -> Option<String> {
    match tiles() {
        Ok(()) | Err(NoTiles::Processor) => None,
        Err(why) => Some(why.to_string()),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn find() -> Result<(), NoTiles> {
    Err(NoTiles::Processor)
}

#[cfg(target_arch = "x86_64")]
fn find() -> Result<(), NoTiles> {
    let vectors = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512bf16");
    if !vectors {
        return Err(NoTiles::Processor);
    }
    announced().check()?;
    ask()?;
    // SAFETY: announced, and leave was given.
    if unsafe { super::products::multiply_right() } {
        Ok(())
    } else {
        Err(NoTiles::Wrong)
    }
}

/// Asks processor and system. On a machine with AVX-512: others may lack `xgetbv`, or leaves so high.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn announced() -> Announced {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    let features = __cpuid_count(7, 0).edx;
    let palette = if __cpuid(0).eax >= 0x1D {
        let found = __cpuid_count(0x1D, 1);
        [found.eax, found.ebx, found.ecx]
    } else {
        [0; 3]
    };
    // SAFETY: AVX-512 was detected, and that takes `xgetbv` to find out.
    let kept = unsafe { _xgetbv(0) };
    Announced {
        features,
        palette,
        kept,
    }
}

/// Asks Linux to let this process use tiles, all its threads, for good.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(never)]
fn ask() -> Result<(), NoTiles> {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let answer: i64;
    // SAFETY: this system call takes two numbers and touches no memory of ours; the kernel keeps all registers but these.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => answer,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    if answer == 0 {
        Ok(())
    } else {
        Err(NoTiles::Refused)
    }
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn ask() -> Result<(), NoTiles> {
    Err(NoTiles::System)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_stays_the_same_and_says_why() {
        assert_eq!(tiles(), tiles());
        let why = withheld_amx();
        assert_eq!(why, withheld_amx());
        assert!(why.is_none_or(|why| tiles().is_err() && why.contains("AMX")));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn nothing_less_than_all_of_it_counts() {
        let all = Announced {
            features: 0x0340_0000,
            palette: [0x0400_2000, 0x0008_0040, 0x10],
            kept: 0x6_02E7,
        };
        assert_eq!(all.check(), Ok(()));
        for bit in [22, 24, 25] {
            let features = all.features & !(1 << bit);
            let less = Announced { features, ..all };
            assert_eq!(less.check(), Err(NoTiles::Processor));
        }
        for kept in [0xE7, 0x2_02E7, 0x4_02E7] {
            assert_eq!(Announced { kept, ..all }.check(), Err(NoTiles::System));
        }
        for palette in [
            [0; 3],
            [0x0400_2000, 0x0008_0040, 8],
            [0x0200_1000, 0x0008_0020, 16],
        ] {
            let other = Announced { palette, ..all };
            assert_eq!(other.check(), Err(NoTiles::Processor));
        }
    }
}
