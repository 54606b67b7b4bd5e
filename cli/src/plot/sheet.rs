//! A page of lines, discs and text, drawn as SVG or PNG: what a chart is made of.

use tiny_skia::{Color, PathBuilder, Pixmap};

use super::color::{Rgb, hex};
use super::scene::Text;
use super::{png, svg};

/// Something on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Straight pieces from point to point.
    Line {
        /// The points.
        points: Vec<[f32; 2]>,
        /// The colour.
        color: Rgb,
        /// How wide.
        width: f32,
    },
    /// A filled disc.
    Disc {
        /// Its centre.
        at: [f32; 2],
        /// Its radius.
        radius: f32,
        /// The colour.
        color: Rgb,
    },
    /// A line of text.
    Text(Text),
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The document's title.
    pub title: String,
    /// Width and height, in units that are pixels at scale 1.
    pub size: (f32, f32),
    /// What is on it, in drawing order.
    pub marks: Vec<Mark>,
}

impl Sheet {
    /// The page as an SVG document.
    pub fn svg(&self) -> String {
        let (width, height) = self.size;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"'Noto Sans', 'Segoe UI', system-ui, sans-serif\">\n<title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            svg::escape(&self.title)
        );
        for mark in &self.marks {
            match mark {
                Mark::Line {
                    points,
                    color,
                    width,
                } => {
                    let places: Vec<String> = points
                        .iter()
                        .map(|[x, y]| format!("{x:.1},{y:.1}"))
                        .collect();
                    svg::line(
                        &mut out,
                        format_args!(
                            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
                            places.join(" "),
                            hex(*color)
                        ),
                    );
                }
                Mark::Disc { at, radius, color } => svg::line(
                    &mut out,
                    format_args!(
                        "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{}\"/>",
                        at[0],
                        at[1],
                        hex(*color)
                    ),
                ),
                Mark::Text(text) => svg::write_text(text, &mut out),
            }
        }
        out.push_str("</svg>\n");
        out
    }

    /// The page as PNG bytes at `scale` pixels a unit.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, String> {
        let scale = scale.clamp(0.25, 8.0);
        let size = ((self.size.0 * scale) as u32, (self.size.1 * scale) as u32);
        let mut page = Pixmap::new(size.0, size.1).ok_or("the picture would be too large")?;
        page.fill(Color::WHITE);
        for mark in &self.marks {
            match mark {
                Mark::Line {
                    points,
                    color,
                    width,
                } => {
                    let mut path = PathBuilder::new();
                    for (at, [x, y]) in points.iter().enumerate() {
                        if at == 0 {
                            path.move_to(*x, *y);
                        } else {
                            path.line_to(*x, *y);
                        }
                    }
                    png::stroke(&mut page, path.finish(), *color, *width, scale);
                }
                Mark::Disc { at, radius, color } => {
                    let circle = PathBuilder::from_circle(at[0], at[1], *radius);
                    png::fill(&mut page, circle, *color, scale);
                }
                Mark::Text(text) => {
                    png::fill(&mut page, png::outline(text), text.color, scale);
                }
            }
        }
        png::encode(size.0, size.1, page.data())
    }
}
