//! Curves: scores over a parameter, a panel a score and a line a row of tries, as SVG, PNG or dots in the terminal.

use super::color::{GREY, Rgb};
use super::dots::{Canvas, dot, paint_row};
use super::palette::colors;
use super::scene::{Anchor, FAINT, INK, Text};
use super::sheet::{Mark, Sheet};
use super::typeface::{self, Weight};
use crate::render::fit::{printable, shorten_end, width};
use crate::render::number::short;

/// Lines beyond this many are not drawn; the rest are counted.
const MOST_LINES: usize = 12;

/// Scores over a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// What was swept.
    pub title: String,
    /// One line more.
    pub subtitle: String,
    /// A panel a score.
    pub panels: Vec<Panel>,
}

/// One score.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The score.
    pub name: String,
    /// What runs along the axis.
    pub along: String,
    /// The lines; the same ones, in the same order, in every panel.
    pub lines: Vec<Line>,
}

/// One row of tries.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What they have in common; empty where there is one row only.
    pub name: String,
    /// Parameter and score, by rising parameter; finite.
    pub points: Vec<[f64; 2]>,
}

const PAGE_WIDTH: f32 = 960.0;
const PANEL_HEIGHT: f32 = 300.0;
const HEADER: f32 = 84.0;
const LEFT: f32 = 84.0;
const RIGHT: f32 = 28.0;

impl Curves {
    /// The curves as an SVG document.
    pub fn svg(&self) -> String {
        self.sheet().svg()
    }

    /// The curves as PNG bytes.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, String> {
        self.sheet().png(scale)
    }

    fn names(&self) -> Vec<&str> {
        let lines = self.panels.first().map_or(&[][..], |panel| &panel.lines);
        lines
            .iter()
            .take(MOST_LINES)
            .map(|line| line.name.as_str())
            .filter(|name| !name.is_empty())
            .collect()
    }

    fn palette(&self) -> Vec<Rgb> {
        let lines = self.panels.iter().map(|panel| panel.lines.len()).max();
        colors(lines.unwrap_or(0).clamp(1, MOST_LINES))
    }

    fn sheet(&self) -> Sheet {
        let names = self.names();
        let legend = names.len().div_ceil(3) as f32 * 22.0;
        let height = HEADER + legend + self.panels.len() as f32 * PANEL_HEIGHT + 8.0;
        let mut sheet = Sheet {
            title: self.title.clone(),
            size: (PAGE_WIDTH, height),
            marks: Vec::new(),
        };
        let room = PAGE_WIDTH - 2.0 * RIGHT;
        sheet.write([RIGHT, 40.0], &self.title, 22.0, INK, Anchor::Start, room);
        sheet.write(
            [RIGHT, 62.0],
            &self.subtitle,
            13.0,
            FAINT,
            Anchor::Start,
            room,
        );
        let palette = self.palette();
        for (at, name) in names.iter().enumerate() {
            let x = RIGHT + (at % 3) as f32 * (room / 3.0);
            let y = HEADER + 6.0 + (at / 3) as f32 * 22.0;
            sheet.marks.push(Mark::Line {
                points: vec![[x, y - 4.0], [x + 18.0, y - 4.0]],
                color: palette[at],
                width: 2.5,
            });
            sheet.write(
                [x + 26.0, y],
                name,
                13.0,
                INK,
                Anchor::Start,
                room / 3.0 - 34.0,
            );
        }
        for (at, panel) in self.panels.iter().enumerate() {
            let top = HEADER + legend + at as f32 * PANEL_HEIGHT;
            panel.draw(&mut sheet, top, &palette);
        }
        sheet
    }

    /// The curves in the terminal, panel under panel.
    pub fn text(&self, canvas: Canvas) -> String {
        let palette = self.palette();
        let mut out = String::new();
        for panel in &self.panels {
            out.push_str(&panel.text(canvas, &palette));
        }
        let names = self.names();
        for (name, &color) in names.iter().zip(&palette) {
            let name = shorten_end(&printable(name), canvas.columns.saturating_sub(2));
            out.push_str(&format!(
                "{} {name}\n",
                canvas.paint.rgb(color, canvas.truecolor, "●")
            ));
        }
        let lines = self.panels.first().map_or(0, |panel| panel.lines.len());
        if lines > MOST_LINES {
            let more = format!("  and {} more rows of tries\n", lines - MOST_LINES);
            out.push_str(&canvas.paint.dim(&more));
        }
        out
    }
}

impl Sheet {
    fn write(
        &mut self,
        at: [f32; 2],
        text: &str,
        size: f32,
        color: Rgb,
        anchor: Anchor,
        room: f32,
    ) {
        let weight = if size > 20.0 {
            Weight::Bold
        } else {
            Weight::Regular
        };
        self.marks.push(Mark::Text(Text {
            at,
            text: typeface::shorten(text, size, weight, room),
            size,
            weight,
            color,
            anchor,
            halo: false,
        }));
    }

    fn rule(&mut self, from: [f32; 2], to: [f32; 2]) {
        self.marks.push(Mark::Line {
            points: vec![from, to],
            color: GREY,
            width: 0.8,
        });
    }
}

impl Panel {
    fn shown(&self) -> &[Line] {
        &self.lines[..self.lines.len().min(MOST_LINES)]
    }

    /// The least and greatest of both axes, with some room where all values are one.
    fn bounds(&self) -> Option<[[f64; 2]; 2]> {
        let mut bounds = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for point in self.shown().iter().flat_map(|line| &line.points) {
            for (bound, value) in bounds.iter_mut().zip(point) {
                bound[0] = bound[0].min(*value);
                bound[1] = bound[1].max(*value);
            }
        }
        if bounds[0][0] > bounds[0][1] {
            return None;
        }
        for [low, high] in &mut bounds {
            if low == high {
                let room = if *low == 0.0 { 1.0 } else { low.abs() * 0.1 };
                *low -= room;
                *high += room;
            }
        }
        Some(bounds)
    }

    fn draw(&self, sheet: &mut Sheet, top: f32, palette: &[Rgb]) {
        let (left, right) = (LEFT, PAGE_WIDTH - RIGHT);
        let (upper, lower) = (top + 36.0, top + PANEL_HEIGHT - 46.0);
        sheet.write(
            [left, top + 20.0],
            &self.name,
            15.0,
            INK,
            Anchor::Start,
            right - left,
        );
        let Some([across, up]) = self.bounds() else {
            sheet.write(
                [left, upper + 30.0],
                "nothing to draw",
                13.0,
                FAINT,
                Anchor::Start,
                300.0,
            );
            return;
        };
        let x = |value: f64| {
            left + ((value - across[0]) / (across[1] - across[0])) as f32 * (right - left)
        };
        let y = |value: f64| lower - ((value - up[0]) / (up[1] - up[0])) as f32 * (lower - upper);
        for tick in ticks(up, 4) {
            sheet.rule([left, y(tick)], [right, y(tick)]);
            sheet.write(
                [left - 10.0, y(tick) + 4.0],
                &short(tick),
                12.0,
                FAINT,
                Anchor::End,
                70.0,
            );
        }
        for tick in ticks(across, 8) {
            sheet.rule([x(tick), lower], [x(tick), lower + 5.0]);
            sheet.write(
                [x(tick), lower + 20.0],
                &short(tick),
                12.0,
                FAINT,
                Anchor::Middle,
                70.0,
            );
        }
        sheet.write(
            [right, lower + 38.0],
            &self.along,
            13.0,
            INK,
            Anchor::End,
            right - left,
        );
        for (line, &color) in self.shown().iter().zip(palette) {
            let points: Vec<[f32; 2]> = line.points.iter().map(|&[a, b]| [x(a), y(b)]).collect();
            sheet.marks.extend(points.iter().map(|&at| Mark::Disc {
                at,
                radius: 3.5,
                color,
            }));
            sheet.marks.push(Mark::Line {
                points,
                color,
                width: 2.0,
            });
        }
    }

    fn text(&self, canvas: Canvas, palette: &[Rgb]) -> String {
        let paint = canvas.paint;
        let Some([across, up]) = self.bounds() else {
            return String::new();
        };
        let (high, low) = (short(up[1]), short(up[0]));
        let margin = width(&high).max(width(&low)) + 1;
        let columns = canvas.columns.saturating_sub(margin + 1).max(8);
        let lines = canvas.lines.max(3);
        let mut cells: Vec<Vec<(u8, Option<Rgb>)>> = vec![vec![(0, None); columns]; lines];
        let (wide, tall) = ((columns * 2 - 1) as f64, (lines * 4 - 1) as f64);
        for (line, &color) in self.shown().iter().zip(palette) {
            let places: Vec<[f64; 2]> = line
                .points
                .iter()
                .map(|&[a, b]| {
                    [
                        (a - across[0]) / (across[1] - across[0]) * wide,
                        (up[1] - b) / (up[1] - up[0]) * tall,
                    ]
                })
                .collect();
            let last = places.last().copied();
            let next = places.iter().skip(1).copied().chain(last);
            for (&from, to) in places.iter().zip(next) {
                let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil();
                for step in 0..=steps as usize {
                    let share = step as f64 / steps.max(1.0);
                    let place =
                        [0, 1].map(|axis| (from[axis] + (to[axis] - from[axis]) * share).round());
                    let (x, y) = (place[0] as usize, place[1] as usize);
                    let cell = &mut cells[(y / 4).min(lines - 1)][(x / 2).min(columns - 1)];
                    cell.0 |= dot(x % 2, y % 4);
                    cell.1.get_or_insert(color);
                }
            }
        }
        let mut out = format!("{}\n", paint.bold(&printable(&self.name)));
        for (at, row) in cells.iter().enumerate() {
            let label = match at {
                0 => high.as_str(),
                at if at + 1 == lines => low.as_str(),
                _ => "",
            };
            let glyphs: Vec<(char, Option<Rgb>)> = row
                .iter()
                .map(|&(bits, color)| match bits {
                    0 => (' ', None),
                    bits => (
                        char::from_u32(0x2800 + u32::from(bits)).unwrap_or('.'),
                        color,
                    ),
                })
                .collect();
            let label = paint.dim(&format!("{label:>margin$}"));
            out.push_str(format!("{label} {}", paint_row(&glyphs, canvas)).trim_end());
            out.push('\n');
        }
        let (from, to) = (short(across[0]), short(across[1]));
        let along = printable(&self.along);
        let gap = columns.saturating_sub(width(&from) + width(&to) + width(&along));
        let axis = format!(
            "{}{from}{}{along}{}{to}",
            " ".repeat(margin + 1),
            " ".repeat(gap / 2),
            " ".repeat(gap - gap / 2)
        );
        out.push_str(&paint.dim(axis.trim_end()));
        out.push_str("\n\n");
        out
    }
}

/// Round numbers inside a range, about `wanted` of them.
fn ticks([low, high]: [f64; 2], wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    // The round step that is nearest in proportion.
    let times = match rough / power {
        x if x >= 50_f64.sqrt() => 10.0,
        x if x >= 10_f64.sqrt() => 5.0,
        x if x >= 2_f64.sqrt() => 2.0,
        _ => 1.0,
    };
    let step = times * power;
    if !step.is_finite() || step <= 0.0 {
        return vec![low, high];
    }
    let first = (low / step).ceil();
    (0..=2 * wanted)
        .map(|at| (first + at as f64) * step)
        // What is 0 but for rounding is written as 0.
        .map(|tick| if tick.abs() < step * 1e-9 { 0.0 } else { tick })
        .take_while(|tick| *tick <= high + step * 1e-9)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::paint::Paint;

    fn curves() -> Curves {
        let line = |name: &str, shift: f64| Line {
            name: name.into(),
            points: (1..=8)
                .map(|k| {
                    let k = f64::from(k) * 5.0;
                    [k, shift - (k - 20.0).powi(2) / 1000.0]
                })
                .collect(),
        };
        Curves {
            title: "trip".into(),
            subtitle: "16 tries".into(),
            panels: vec![Panel {
                name: "silhouette".into(),
                along: "n_clusters".into(),
                lines: vec![line("kmeans", 0.4), line("<b>", 0.2)],
            }],
        }
    }

    fn canvas(columns: usize) -> Canvas {
        Canvas {
            columns,
            lines: 8,
            paint: Paint::new(false),
            truecolor: false,
            legend: 0,
        }
    }

    #[test]
    fn curves_in_the_terminal() {
        insta::assert_snapshot!(curves().text(canvas(60)));
        for columns in [20, 40, 100] {
            let text = curves().text(canvas(columns));
            assert!(
                text.lines().all(|line| width(line) <= columns.max(24)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_page_has_every_try_and_names_cannot_break_out() {
        let svg = curves().svg();
        assert_eq!(svg.matches("<circle").count(), 16);
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"));
        let png = curves().png(1.0).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(picture.width(), 960);
        assert!(
            picture
                .pixels()
                .any(|p| p.0.iter().max().unwrap() - p.0.iter().min().unwrap() > 60)
        );
    }

    #[test]
    fn one_point_equal_values_and_none_at_all_are_drawn() {
        let mut one = curves();
        one.panels[0].lines.truncate(1);
        one.panels[0].lines[0].points.truncate(1);
        assert!(one.text(canvas(40)).contains('⠁') || one.text(canvas(40)).lines().count() > 3);
        assert!(one.svg().contains("<circle"));
        one.panels[0].lines[0].points.clear();
        assert_eq!(one.panels[0].text(canvas(40), &[GREY]), "");
        assert!(one.svg().contains("nothing to draw"));
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks([5.0, 50.0], 4), [10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(ticks([5.0, 50.0], 8).len(), 10);
        let fine = ticks([-0.1, 0.32], 4);
        assert!(fine.contains(&0.0) && fine.len() >= 3, "{fine:?}");
        assert!(fine.iter().all(|tick| (-0.1..=0.33).contains(tick)));
    }
}
