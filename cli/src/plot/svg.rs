//! A scene as SVG, written directly: no dependency, no script, nothing fetched.

use std::fmt::Write;

use super::color::{Rgb, hex};
use super::png::encode;
use super::scene::{Anchor, FAINT, PAGE, Scene, Text};
use super::typeface::Weight;

/// Above this, points are strokes of one path a colour: a third of the size, and viewers stay quick.
const MOST_CIRCLES: usize = 30_000;

/// The SVG document.
pub fn draw(scene: &Scene<'_>) -> String {
    let (width, height) = PAGE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"'Noto Sans', 'Segoe UI', system-ui, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escape(&scene.title)
    );
    points(scene, &mut out);
    for ([x1, y1], [x2, y2]) in &scene.leaders {
        line(
            &mut out,
            format_args!(
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{}\" stroke-width=\"0.8\"/>",
                hex(FAINT)
            ),
        );
    }
    for framed in &scene.pictures {
        let [x, y] = framed.at;
        let (side, color) = (framed.side, hex(framed.color));
        line(
            &mut out,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side}\" height=\"{side}\" rx=\"6\" fill=\"#ffffff\" stroke=\"{color}\" stroke-width=\"2\"/>"
            ),
        );
        let picture = framed.picture;
        if let Ok(png) = encode(picture.width, picture.height, &picture.rgba) {
            line(
                &mut out,
                format_args!(
                    "<image x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" href=\"data:image/png;base64,{}\"/>",
                    x + 3.0,
                    y + 3.0,
                    side - 6.0,
                    side - 6.0,
                    base64(&png)
                ),
            );
        }
    }
    if let Some(([x, y], [w, h], colors)) = &scene.bar {
        out.push_str("<defs><linearGradient id=\"scale\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">");
        for (at, color) in colors.iter().enumerate().step_by(7) {
            let share = at as f32 / (colors.len() - 1) as f32;
            line(
                &mut out,
                format_args!(
                    "<stop offset=\"{share:.3}\" stop-color=\"{}\"/>",
                    hex(*color)
                ),
            );
        }
        out.push_str("</linearGradient></defs>\n");
        line(
            &mut out,
            format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"3\" fill=\"url(#scale)\"/>"
            ),
        );
    }
    for swatch in &scene.swatches {
        line(
            &mut out,
            format_args!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5.5\" fill=\"{}\"/>",
                swatch.at[0],
                swatch.at[1],
                hex(swatch.color)
            ),
        );
    }
    scene
        .texts
        .iter()
        .for_each(|text| write_text(text, &mut out));
    out.push_str("</svg>\n");
    out
}

pub(super) fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(arguments);
    out.push('\n');
}

fn points(scene: &Scene<'_>, out: &mut String) {
    let mut colors: Vec<Rgb> = Vec::new();
    let mut by_color: std::collections::HashMap<Rgb, Vec<[f32; 2]>> =
        std::collections::HashMap::new();
    for disc in &scene.discs {
        by_color
            .entry(disc.color)
            .or_insert_with(|| {
                colors.push(disc.color);
                Vec::new()
            })
            .push(disc.at);
    }
    let (radius, alpha) = (scene.radius, scene.alpha);
    for color in colors {
        let places = by_color.get(&color).map(Vec::as_slice).unwrap_or_default();
        if scene.discs.len() <= MOST_CIRCLES {
            line(
                out,
                format_args!("<g fill=\"{}\" fill-opacity=\"{alpha:.2}\">", hex(color)),
            );
            for [x, y] in places {
                line(
                    out,
                    format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"),
                );
            }
            line(out, format_args!("</g>"));
        } else {
            let path: String = places
                .iter()
                .map(|[x, y]| format!("M{x:.1} {y:.1}h0"))
                .collect();
            line(
                out,
                format_args!(
                    "<path d=\"{path}\" stroke=\"{}\" stroke-opacity=\"{alpha:.2}\" stroke-width=\"{:.1}\" stroke-linecap=\"round\" fill=\"none\"/>",
                    hex(color),
                    radius * 2.0
                ),
            );
        }
    }
}

pub(super) fn write_text(text: &Text, out: &mut String) {
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if text.weight == Weight::Bold {
        " font-weight=\"700\""
    } else {
        ""
    };
    let halo = if text.halo {
        " stroke=\"#ffffff\" stroke-width=\"3.5\" stroke-linejoin=\"round\" paint-order=\"stroke\""
    } else {
        ""
    };
    line(
        out,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{weight}{halo}>{}</text>",
            text.at[0],
            text.at[1],
            text.size,
            hex(text.color),
            escape(&text.text)
        ),
    );
}

/// Text that is safe between tags and in attributes; characters XML does not allow become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
                c => out.push(c),
            }
            out
        })
}

/// Standard base64 with padding (RFC 4648).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0u32, |word, (at, &b)| word | u32::from(b) << (16 - 8 * at));
        for digit in 0..4 {
            if digit <= chunk.len() {
                out.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Coloring, sample};

    #[test]
    fn base64_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        assert!(
            pairs
                .iter()
                .all(|(plain, coded)| base64(plain.as_bytes()) == *coded)
        );
    }

    #[test]
    fn every_point_is_drawn_and_names_cannot_break_out() {
        let mut map = sample::islands(3, 20);
        if let Coloring::Groups { groups, .. } = &mut map.coloring {
            groups[0].name = "</text><script>".to_owned();
        }
        let svg = map.svg();
        assert_eq!(
            svg.matches("<circle").count(),
            60 + 4,
            "60 points, 3 groups and noise in the legend"
        );
        assert!(!svg.contains("<script") && svg.contains("&lt;/text&gt;"));
    }

    #[test]
    fn many_points_become_one_path_a_colour() {
        let svg = sample::islands(2, 20_000).svg();
        assert_eq!(svg.matches("<path").count(), 3);
        assert!(svg.len() < 700_000, "{}", svg.len());
    }
}
