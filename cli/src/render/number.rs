//! Numbers as people read them: thousands grouped, times and sizes in the unit that fits, floats short.

/// `1899` as `1,899`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `n` things: `1 sample`, `1,899 samples`. The plural is `thing` with an `s`.
pub fn count(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A time: `80 µs`, `3 ms`, `1.2 s`, `4 min 05 s`, `2 h 07 min`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => "?".to_owned(),
        s if s < 0.000_95 => format!("{:.0} µs", s * 1e6),
        s if s < 0.0095 && (s * 1e3).fract() > 0.05 && (s * 1e3).fract() < 0.95 => {
            format!("{:.1} ms", s * 1e3)
        }
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s if s < 99.95 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {:02} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {:02} min", s as u64 / 3600, s as u64 % 3600 / 60),
    }
}

/// A size in bytes: `812 B`, `9.1 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut size = n as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if size < 9.95 {
        format!("{size:.1} {}", UNITS[unit])
    } else {
        format!("{size:.0} {}", UNITS[unit])
    }
}

/// A measured number in few digits: four significant ones, no exponent where none is needed.
pub fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{x:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A moment given in milliseconds since 1970, UTC, for people: `2026-11-23 10:00`.
pub fn moment(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(
        || "?".to_owned(),
        |at| at.format("%Y-%m-%d %H:%M").to_string(),
    )
}

/// A moment as ISO 8601 in UTC with milliseconds, for JSON.
pub fn iso(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(
        || ms.to_string(),
        |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(count(1, "sample"), "1 sample");
        assert_eq!(count(1899, "sample"), "1,899 samples");
    }

    #[test]
    fn times_and_sizes_pick_their_unit() {
        assert_eq!(
            [0.003, 0.25, 1.23, 245.0, 7620.0].map(duration),
            ["3 ms", "250 ms", "1.2 s", "4 min 05 s", "2 h 07 min"]
        );
        assert_eq!(
            [812, 9_100_000, 120_000, 999_999].map(bytes),
            ["812 B", "9.1 MB", "120 kB", "1.0 MB"]
        );
    }

    #[test]
    fn measured_numbers_are_short() {
        assert_eq!(
            [0.213_456, 812.4, 0.0, 1e-9, -3.5, 123_456.7].map(short),
            ["0.2135", "812.4", "0", "1.000e-9", "-3.5", "123457"]
        );
    }

    #[test]
    fn moments_are_utc() {
        assert_eq!(iso(1_795_428_000_000), "2026-11-23T10:00:00.000Z");
        assert_eq!(moment(1_795_428_000_000), "2026-11-23 10:00");
    }
}
