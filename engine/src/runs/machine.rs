//! What a run's record says about the machine: enough to explain a difference in time, nothing that names a person.

use serde::{Deserialize, Serialize};

/// The machine a run was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `"linux"`, `"macos"`, `"windows"`.
    pub os: String,
    /// `"x86_64"`, `"aarch64"`.
    pub arch: String,
    /// The processor's name, where the system tells.
    pub cpu: Option<String>,
    /// Threads that took part.
    pub threads: usize,
}

impl Machine {
    /// This machine, as it is now; `threads` of the current pool.
    pub fn here() -> Machine {
        Machine {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpu: processor(),
            threads: rayon::current_num_threads(),
        }
    }
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
