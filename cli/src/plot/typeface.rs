//! The typeface on maps: Noto Sans, so that a PNG looks the same on every machine and needs no fonts installed.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve};

/// How heavy the strokes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// For reading.
    Regular,
    /// For headings and labels.
    Bold,
}

/// The outlines and widths of a weight; `None` only if the embedded file were broken.
fn font(weight: Weight) -> Option<&'static FontRef<'static>> {
    static REGULAR: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    static BOLD: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    let (cell, bytes) = match weight {
        Weight::Regular => (&REGULAR, notosans::REGULAR_TTF),
        Weight::Bold => (&BOLD, notosans::BOLD_TTF),
    };
    cell.get_or_init(|| FontRef::try_from_slice(bytes).ok())
        .as_ref()
}

/// How wide `text` is at `size`.
pub fn width(text: &str, size: f32, weight: Weight) -> f32 {
    let Some(font) = font(weight) else {
        return text.chars().count() as f32 * size * 0.55;
    };
    let Some(em) = font.units_per_em() else {
        return 0.0;
    };
    advances(font, text)
        .map(|(_, kern, advance)| kern + advance)
        .sum::<f32>()
        * size
        / em
}

/// Glyphs with the kerning before and the advance after each, in font units.
fn advances<'a>(
    font: &'a FontRef<'static>,
    text: &'a str,
) -> impl Iterator<Item = (GlyphId, f32, f32)> + 'a {
    let mut before: Option<GlyphId> = None;
    text.chars().map(move |c| {
        let id = font.glyph_id(c);
        let kern = before.map_or(0.0, |before| font.kern_unscaled(before, id));
        before = Some(id);
        (id, kern, font.h_advance_unscaled(id))
    })
}

/// The outline of `text` with its baseline starting at `(x, y)`; `None` where there is nothing to draw.
pub fn outline(text: &str, x: f32, y: f32, size: f32, weight: Weight) -> Option<tiny_skia::Path> {
    let font = font(weight)?;
    let scale = size / font.units_per_em()?;
    let mut path = tiny_skia::PathBuilder::new();
    let mut pen = x;
    for (id, kern, advance) in advances(font, text) {
        pen += kern * scale;
        if let Some(outline) = font.outline(id) {
            let at = |p: ab_glyph::Point| (pen + p.x * scale, y - p.y * scale);
            let mut last = None;
            for curve in outline.curves {
                let (start, end) = match &curve {
                    OutlineCurve::Line(a, b)
                    | OutlineCurve::Quad(a, _, b)
                    | OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
                };
                if last != Some(start) {
                    if last.is_some() {
                        path.close();
                    }
                    let (x, y) = at(start);
                    path.move_to(x, y);
                }
                last = Some(end);
                let (x, y) = at(end);
                match curve {
                    OutlineCurve::Line(..) => path.line_to(x, y),
                    OutlineCurve::Quad(_, c, _) => {
                        let (cx, cy) = at(c);
                        path.quad_to(cx, cy, x, y);
                    }
                    OutlineCurve::Cubic(_, c, d, _) => {
                        let ((cx, cy), (dx, dy)) = (at(c), at(d));
                        path.cubic_to(cx, cy, dx, dy, x, y);
                    }
                }
            }
            path.close();
        }
        pen += advance * scale;
    }
    path.finish()
}

/// `text` cut at the end so that it is at most `room` wide.
pub fn shorten(text: &str, size: f32, weight: Weight, room: f32) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while !kept.is_empty() {
        kept.pop();
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&short, size, weight) <= room {
            return short;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_width_and_an_outline() {
        let (a, b) = (
            width("i", 20.0, Weight::Regular),
            width("iW", 20.0, Weight::Bold),
        );
        assert!(a > 2.0 && b > a + 10.0, "{a} {b}");
        let path = outline("Ag", 10.0, 50.0, 20.0, Weight::Regular).unwrap();
        let bounds = path.bounds();
        assert!(
            bounds.left() >= 9.0 && bounds.top() > 25.0 && bounds.bottom() < 60.0,
            "{bounds:?}"
        );
        assert!(outline("   ", 0.0, 0.0, 20.0, Weight::Regular).is_none());
    }

    #[test]
    fn shortened_text_fits() {
        let short = shorten("a rather long cluster name", 14.0, Weight::Regular, 80.0);
        assert!(short.ends_with('…') && width(&short, 14.0, Weight::Regular) <= 80.0);
    }
}
