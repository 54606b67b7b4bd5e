//! Whether a table of all pairs fits: said before the work begins, not by the system when it is half done.

use crate::error::Error;

/// Fails with a sentence if `bytes` are more than the memory that is free, where the system tells.
///
/// # Errors
/// [`Error::Input`], with `what` needs them.
pub(super) fn check_room(bytes: u128, what: &str) -> Result<(), Error> {
    match available() {
        Some(free) if bytes > u128::from(free) => Err(Error::Input(format!(
            "{what} needs {} of memory, but {} are free; cluster a sample, for example a view that ends in .take(20000), or use a method that does not compare all pairs",
            size(bytes),
            size(u128::from(free))
        ))),
        _ => Ok(()),
    }
}

/// A table of `cells` zeros.
///
/// # Errors
/// [`Error::Input`], where the system refuses the memory.
pub(super) fn zeros(cells: usize, what: &str) -> Result<Vec<f32>, Error> {
    let mut table: Vec<f32> = Vec::new();
    table.try_reserve_exact(cells).map_err(|_| {
        Error::Input(format!(
            "{what} needs a table of {}, which the system refuses; cluster a sample",
            size(4 * cells as u128)
        ))
    })?;
    table.resize(cells, 0.0);
    Ok(table)
}

/// The bytes that can be taken without swapping; none where the system does not tell.
pub(super) fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// A number of bytes as people read it.
pub(super) fn size(bytes: u128) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 0.1 {
        format!("{:.1} MB", bytes as f64 / 1e6)
    } else {
        format!("{gigabytes:.1} GB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_a_sentence() {
        assert!(check_room(1000, "this").is_ok());
        if available().is_some() {
            let problem = check_room(1 << 70, "affinity propagation of 9 rows").unwrap_err();
            let text = problem.to_string();
            assert!(
                text.starts_with("affinity propagation of 9 rows needs 1180591620717.4 GB"),
                "{text}"
            );
        }
        assert!(zeros(usize::MAX / 8, "this").is_err());
        assert_eq!(zeros(3, "this").unwrap(), [0.0; 3]);
    }
}
