//! A number as a bar of eighth blocks, so that 20 columns show 160 lengths.

/// A bar for `value` on a scale of 0 to `full`, at most `columns` wide; anything above zero shows at least a sliver.
pub fn bar(value: f64, full: f64, columns: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if !(value > 0.0 && full > 0.0) || columns == 0 {
        return String::new();
    }
    let eighths = ((value / full).min(1.0) * columns as f64 * 8.0)
        .round()
        .max(1.0) as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_never_longer_than_asked() {
        assert_eq!(bar(1.0, 1.0, 4), "████");
        assert_eq!(bar(5.0, 1.0, 4), "████");
        assert_eq!(bar(0.5, 1.0, 4), "██");
        assert_eq!(bar(1e-9, 1.0, 4), "▏");
        assert_eq!(bar(0.0, 1.0, 4), "");
        assert_eq!(bar(f64::NAN, 1.0, 4), "");
    }
}
