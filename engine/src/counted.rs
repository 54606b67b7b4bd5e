//! Numbers with their nouns, for the sentences people read.

/// `n` things: `1 row`, `12 rows`. The plural is `thing` with an `s`.
pub(crate) fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
