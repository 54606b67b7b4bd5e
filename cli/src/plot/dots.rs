//! A map in the terminal: braille dots, eight a character, each character in the colour of most of its points.

use std::collections::HashMap;

use super::color::{self, ACCENT, GREY, Rgb};
use super::{Coloring, Map, value_range};
use crate::render::bars::bar;
use crate::render::fit::{printable, shorten_end, width};
use crate::render::number::{grouped, short};
use crate::render::paint::Paint;

/// How large and in what colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Columns of the terminal.
    pub columns: usize,
    /// Lines for the dots, without the legend.
    pub lines: usize,
    /// Whether to colour.
    pub paint: Paint,
    /// Whether 24-bit colours are known.
    pub truecolor: bool,
    /// Most lines of legend.
    pub legend: usize,
}

/// The map as lines of text.
pub fn draw(map: &Map, canvas: Canvas) -> String {
    let colors = map.group_colors();
    let place = placement(map, canvas.columns, canvas.lines);
    let mut cells: HashMap<(usize, usize), (u8, HashMap<Rgb, usize>)> = HashMap::new();
    let shade = shades(map, &colors);
    for (at, point) in map.points.iter().enumerate() {
        let (x, y) = place(*point);
        let cell = cells.entry((x / 2, y / 4)).or_default();
        cell.0 |= dot(x % 2, y % 4);
        *cell.1.entry(shade(at)).or_default() += 1;
    }
    let mut grid: Vec<Vec<(char, Option<Rgb>)>> =
        vec![vec![(' ', None); canvas.columns]; canvas.lines];
    for ((column, line), (bits, counts)) in cells {
        // Grey loses against any colour: noise must not hide a small group.
        let most = counts
            .into_iter()
            .max_by_key(|&(color, n)| (color != GREY, n, color));
        let glyph = char::from_u32(0x2800 + u32::from(bits)).unwrap_or('.');
        grid[line][column] = (glyph, most.map(|(color, _)| color));
    }
    overlay_names(map, &colors, &place, &mut grid);
    let mut out = String::new();
    for row in grid {
        out.push_str(paint_row(&row, canvas).trim_end());
        out.push('\n');
    }
    out.push_str(&legend(map, &colors, canvas));
    out
}

/// The bit of the dot at `(x, y)` inside a braille cell of 2 x 4.
pub(super) fn dot(x: usize, y: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[x][y]
}

/// From map coordinates to dots; a dot is about as wide as it is high.
fn placement(
    map: &Map,
    columns: usize,
    lines: usize,
) -> impl Fn([f64; 2]) -> (usize, usize) + use<> {
    let (lo, hi) = map.bounds();
    let (width, height) = (columns.max(1) * 2 - 1, lines.max(1) * 4 - 1);
    let span = [
        (hi[0] - lo[0]).max(f64::MIN_POSITIVE),
        (hi[1] - lo[1]).max(f64::MIN_POSITIVE),
    ];
    // Terminals are wide: the map may stretch sideways to twice its height's scale, no more.
    let down = height as f64 / span[1];
    let across = (width as f64 / span[0]).min(2.0 * down);
    let down = down.min(2.0 * across);
    let left = (width as f64 - across * span[0]) / 2.0;
    let top = (height as f64 - down * span[1]) / 2.0;
    move |[x, y]| {
        let column = left + (x - lo[0]) * across;
        let line = top + (hi[1] - y) * down;
        (
            (column.round() as usize).min(width),
            (line.round() as usize).min(height),
        )
    }
}

fn shades<'a>(map: &'a Map, colors: &'a [Rgb]) -> impl Fn(usize) -> Rgb + 'a {
    let range = match &map.coloring {
        Coloring::Values { of, .. } => value_range(of),
        _ => None,
    };
    move |at| match &map.coloring {
        Coloring::One => ACCENT,
        Coloring::Groups { of, .. } => of
            .get(at)
            .copied()
            .flatten()
            .and_then(|g| colors.get(g).copied())
            .unwrap_or(GREY),
        Coloring::Values { of, .. } => match (range, of.get(at).copied().flatten()) {
            (Some((lo, hi)), Some(value)) if value.is_finite() => color::scale(if hi > lo {
                (value - lo) / (hi - lo)
            } else {
                0.5
            }),
            _ => GREY,
        },
    }
}

/// Writes short names at the middles of their groups, largest group first, where there is room.
fn overlay_names(
    map: &Map,
    colors: &[Rgb],
    place: &impl Fn([f64; 2]) -> (usize, usize),
    grid: &mut [Vec<(char, Option<Rgb>)>],
) {
    let Coloring::Groups { groups, .. } = &map.coloring else {
        return;
    };
    let mut taken: Vec<(usize, usize, usize)> = Vec::new();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&group| (std::cmp::Reverse(groups[group].count), group));
    let middles = map.medians();
    for group in order.into_iter().filter(|&group| groups[group].count > 0) {
        // The id or the first word: the legend has the rest.
        let name = printable(
            groups[group]
                .name
                .split([' ', '·'])
                .next()
                .unwrap_or_default(),
        );
        let name = shorten_end(&name, 10);
        let length = width(&name);
        let (x, y) = place(middles[group]);
        let line = y / 4;
        let Some(row) = grid.get_mut(line) else {
            continue;
        };
        if length == 0 || length != name.chars().count() || length > row.len() {
            continue;
        }
        let start = (x / 2).saturating_sub(length / 2).min(row.len() - length);
        let near = |&(l, s, n): &(usize, usize, usize)| {
            l == line && s < start + length + 1 && start < s + n + 1
        };
        if taken.iter().any(near) {
            continue;
        }
        taken.push((line, start, length));
        for (at, c) in name.chars().enumerate() {
            row[start + at] = (c, colors.get(group).copied());
        }
    }
}

/// A row of glyphs in their colours.
pub(super) fn paint_row(row: &[(char, Option<Rgb>)], canvas: Canvas) -> String {
    let mut out = String::new();
    for run in row.chunk_by(|a, b| a.1 == b.1) {
        let text: String = run.iter().map(|(glyph, _)| *glyph).collect();
        match run[0].1 {
            Some(color) => out.push_str(&canvas.paint.rgb(color, canvas.truecolor, &text)),
            None => out.push_str(&text),
        }
    }
    out
}

fn legend(map: &Map, colors: &[Rgb], canvas: Canvas) -> String {
    let paint = canvas.paint;
    match &map.coloring {
        Coloring::One => String::new(),
        Coloring::Values { field, of } => {
            let Some((lo, hi)) = value_range(of) else {
                return format!("{field}: no values\n");
            };
            let steps = 24;
            let scale: String = (0..steps)
                .map(|i| {
                    paint.rgb(
                        color::scale(f64::from(i) / f64::from(steps - 1)),
                        canvas.truecolor,
                        "█",
                    )
                })
                .collect();
            format!(
                "{}  {} {scale} {}\n",
                paint.bold(field),
                short(lo),
                short(hi)
            )
        }
        Coloring::Groups {
            groups, of, rest, ..
        } => {
            let mut entries: Vec<(Rgb, String, usize)> = groups
                .iter()
                .zip(colors)
                .map(|(g, &c)| (c, printable(&g.name), g.count))
                .collect();
            let none = of.iter().filter(|group| group.is_none()).count();
            if none > 0 {
                entries.push((GREY, rest.clone(), none));
            }
            columns_of(&entries, canvas)
        }
    }
}

/// Entries in as many columns as fit, reading down.
fn columns_of(entries: &[(Rgb, String, usize)], canvas: Canvas) -> String {
    let most = entries.iter().map(|entry| entry.2).max().unwrap_or(1) as f64;
    let digits = entries
        .iter()
        .map(|entry| grouped(entry.2 as u64).len())
        .max()
        .unwrap_or(1);
    let name_room = entries
        .iter()
        .map(|entry| width(&entry.1))
        .max()
        .unwrap_or(0)
        .min(26);
    let each = name_room + digits + 13;
    let across = ((canvas.columns + 2) / each).max(1);
    let lines = entries.len().div_ceil(across).min(canvas.legend.max(1));
    let shown = entries.len().min(lines * across);
    let mut out = String::new();
    for line in 0..lines {
        let mut row = String::new();
        for column in 0..across {
            let Some((color, name, count)) = entries.get(column * lines + line) else {
                continue;
            };
            let name = shorten_end(name, name_room);
            let bars = bar(*count as f64, most, 6);
            let pad = " ".repeat(name_room - width(&name));
            let tail = " ".repeat(6 - width(&bars));
            row.push_str(&format!(
                "{} {name}{pad} {:>digits$} {}{tail}  ",
                canvas.paint.rgb(*color, canvas.truecolor, "●"),
                grouped(*count as u64),
                canvas.paint.rgb(*color, canvas.truecolor, &bars),
            ));
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    if shown < entries.len() {
        out.push_str(
            &canvas
                .paint
                .dim(&format!("  and {} more\n", entries.len() - shown)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::sample;

    fn canvas(columns: usize, color: bool) -> Canvas {
        Canvas {
            columns,
            lines: 12,
            paint: Paint::new(color),
            truecolor: false,
            legend: 8,
        }
    }

    #[test]
    fn three_islands() {
        insta::assert_snapshot!(draw(&sample::islands(3, 60), canvas(60, false)));
    }

    #[test]
    fn nothing_is_wider_than_the_terminal_and_no_colour_means_none() {
        for columns in [20, 40, 80, 133] {
            let text = draw(&sample::islands(7, 40), canvas(columns, false));
            assert!(
                text.lines().all(|line| width(line) <= columns),
                "{columns}\n{text}"
            );
            assert!(!text.contains('\u{1b}'));
        }
        assert!(draw(&sample::islands(7, 40), canvas(80, true)).contains("\u{1b}[38;5;"));
    }

    #[test]
    fn values_show_their_scale() {
        let mut map = sample::islands(1, 10);
        map.coloring = Coloring::Values {
            field: "score".into(),
            of: (0..10).map(|i| Some(f64::from(i))).collect(),
        };
        assert!(draw(&map, canvas(60, false)).contains("score  0 "));
    }
}
