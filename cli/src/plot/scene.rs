//! A map laid out: shapes, text and pictures with places and colours, before anybody decides on SVG or PNG.

use super::color::{self, ACCENT, GREY, Rgb};
use super::labels::{self, Wanted};
use super::typeface::{self, Weight};
use super::{Coloring, Map, Picture, value_range};

/// The page, in units that are pixels at scale 1.
pub const PAGE: (f32, f32) = (1280.0, 900.0);
const MARGIN: f32 = 32.0;
const HEADER: f32 = 74.0;
const LEGEND: f32 = 232.0;
const ROW: f32 = 20.0;

/// Dark grey for text.
pub const INK: Rgb = [0x22, 0x26, 0x2b];
/// Lighter grey for what matters less.
pub const FAINT: Rgb = [0x6e, 0x75, 0x7e];

/// A point of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disc {
    /// Where.
    pub at: [f32; 2],
    /// In what colour.
    pub color: Rgb,
}

/// Where a text's `x` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Anchor and baseline.
    pub at: [f32; 2],
    /// What is written.
    pub text: String,
    /// Height of the em.
    pub size: f32,
    /// How heavy.
    pub weight: Weight,
    /// In what colour.
    pub color: Rgb,
    /// Which part of it is at `at`.
    pub anchor: Anchor,
    /// Whether it stands on points and needs a light rim.
    pub halo: bool,
}

/// A picture in a frame of its group's colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Framed<'a> {
    /// The upper left corner.
    pub at: [f32; 2],
    /// The length of a side.
    pub side: f32,
    /// The frame's colour.
    pub color: Rgb,
    /// The pixels.
    pub picture: &'a Picture,
}

/// Everything on the page, in drawing order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene<'a> {
    /// The document's title.
    pub title: String,
    /// The points, grey ones first, the others mixed so that no group covers another.
    pub discs: Vec<Disc>,
    /// Their radius.
    pub radius: f32,
    /// Their opacity, lower where there are many.
    pub alpha: f32,
    /// Lines from displaced labels to their group.
    pub leaders: Vec<([f32; 2], [f32; 2])>,
    /// Pictures of groups.
    pub pictures: Vec<Framed<'a>>,
    /// Small discs of the legend.
    pub swatches: Vec<Disc>,
    /// A colour bar, from low to high: place, size, and colours bottom up.
    pub bar: Option<([f32; 2], [f32; 2], Vec<Rgb>)>,
    /// All text.
    pub texts: Vec<Text>,
}

impl<'a> Scene<'a> {
    /// Lays a map out.
    pub fn of(map: &'a Map) -> Scene<'a> {
        let legend = !matches!(map.coloring, Coloring::One);
        let right = PAGE.0 - MARGIN - if legend { LEGEND } else { 0.0 };
        let frame = [MARGIN, HEADER, right, PAGE.1 - MARGIN];
        let place = placement(map, frame);
        let colors = map.group_colors();
        let n = map.points.len().max(1) as f32;
        let radius = (150.0 / n.sqrt()).clamp(0.9, 5.0);
        let mut scene = Scene {
            title: map.title.clone(),
            discs: discs(map, &colors, &place),
            radius,
            alpha: (0.9 - n.log10() * 0.06 - if n > 20_000.0 { 0.15 } else { 0.0 })
                .clamp(0.25, 0.85),
            leaders: Vec::new(),
            pictures: Vec::new(),
            swatches: Vec::new(),
            bar: None,
            texts: Vec::new(),
        };
        let width = PAGE.0 - 2.0 * MARGIN;
        scene.text([MARGIN, 44.0], &map.title, 24.0, Weight::Bold, INK, width);
        scene.text(
            [MARGIN, 66.0],
            &map.subtitle,
            14.0,
            Weight::Regular,
            FAINT,
            width,
        );
        match &map.coloring {
            Coloring::One => {}
            Coloring::Groups {
                field,
                of,
                groups,
                rest,
            } => {
                scene.labels(map, frame, &colors, &place);
                let none = of.iter().filter(|group| group.is_none()).count();
                let mut rows: Vec<(Rgb, &str, usize)> = groups
                    .iter()
                    .zip(&colors)
                    .map(|(group, &color)| (color, group.name.as_str(), group.count))
                    .collect();
                if none > 0 {
                    rows.push((GREY, rest, none));
                }
                scene.legend(field, &rows, right + 28.0);
            }
            Coloring::Values { field, of } => scene.scale(field, of, right + 28.0),
        }
        scene
    }

    fn text(&mut self, at: [f32; 2], text: &str, size: f32, weight: Weight, color: Rgb, room: f32) {
        let text = typeface::shorten(text, size, weight, room);
        self.texts.push(Text {
            at,
            text,
            size,
            weight,
            color,
            anchor: Anchor::Start,
            halo: false,
        });
    }

    fn number(&mut self, x: f32, y: f32, text: String) {
        let (size, weight) = (13.0, Weight::Regular);
        self.texts.push(Text {
            at: [x, y],
            text,
            size,
            weight,
            color: FAINT,
            anchor: Anchor::End,
            halo: false,
        });
    }

    fn legend(&mut self, field: &str, rows: &[(Rgb, &str, usize)], x: f32) {
        let end = PAGE.0 - MARGIN;
        self.text([x, HEADER + 14.0], field, 14.0, Weight::Bold, INK, end - x);
        let fit = ((PAGE.1 - MARGIN - HEADER - 34.0) / ROW) as usize;
        let shown = if rows.len() > fit {
            fit - 1
        } else {
            rows.len()
        };
        for (at, &(color, name, count)) in rows.iter().take(shown).enumerate() {
            let y = HEADER + 40.0 + at as f32 * ROW;
            self.swatches.push(Disc {
                at: [x + 6.0, y - 4.5],
                color,
            });
            let number = crate::render::number::grouped(count as u64);
            let room = end - x - 20.0 - typeface::width(&number, 13.0, Weight::Regular) - 10.0;
            self.text([x + 20.0, y], name, 13.0, Weight::Regular, INK, room);
            self.number(end, y, number);
        }
        if shown < rows.len() {
            let more: usize = rows[shown..].iter().map(|row| row.2).sum();
            let y = HEADER + 40.0 + shown as f32 * ROW;
            let text = format!("and {} more", rows.len() - shown);
            self.text([x + 20.0, y], &text, 13.0, Weight::Regular, FAINT, end - x);
            self.number(end, y, crate::render::number::grouped(more as u64));
        }
    }

    fn scale(&mut self, field: &str, values: &[Option<f64>], x: f32) {
        let end = PAGE.0 - MARGIN;
        self.text([x, HEADER + 14.0], field, 14.0, Weight::Bold, INK, end - x);
        let Some((lo, hi)) = value_range(values) else {
            return;
        };
        let (top, height) = (HEADER + 36.0, 260.0);
        let colors = (0..64).map(|i| color::scale(f64::from(i) / 63.0)).collect();
        self.bar = Some(([x, top], [18.0, height], colors));
        for (share, value) in [(0.0, lo), (0.5, (lo + hi) / 2.0), (1.0, hi)] {
            let text = crate::render::number::short(value);
            let y = top + height * (1.0 - share) + 4.5;
            self.text([x + 28.0, y], &text, 13.0, Weight::Regular, INK, end - x);
        }
        let none = values
            .iter()
            .filter(|value| value.is_none_or(|x| !x.is_finite()))
            .count();
        if none > 0 {
            let y = top + height + 36.0;
            self.swatches.push(Disc {
                at: [x + 9.0, y - 4.5],
                color: GREY,
            });
            self.text([x + 28.0, y], "none", 13.0, Weight::Regular, INK, end - x);
            self.number(end, y, crate::render::number::grouped(none as u64));
        }
    }

    fn labels(
        &mut self,
        map: &'a Map,
        frame: [f32; 4],
        colors: &[Rgb],
        place: &impl Fn([f64; 2]) -> [f32; 2],
    ) {
        let Coloring::Groups { groups, .. } = &map.coloring else {
            return;
        };
        let side = if map.pictures.is_empty() { 0.0 } else { 44.0 };
        let size = if groups.len() > 40 { 11.0 } else { 13.0 };
        let mut wanted = Vec::new();
        for (group, (middle, entry)) in map.medians().into_iter().zip(groups).enumerate() {
            if entry.count == 0 {
                continue;
            }
            let text = typeface::shorten(&entry.name, size, Weight::Bold, 150.0);
            let picture = map.pictures.iter().find(|picture| picture.group == group);
            let height = size * 1.25 + if picture.is_some() { side + 3.0 } else { 0.0 };
            let width = typeface::width(&text, size, Weight::Bold).max(if picture.is_some() {
                side
            } else {
                0.0
            });
            wanted.push((
                Wanted {
                    at: place(middle),
                    size: [width + 6.0, height + 2.0],
                    weight: entry.count,
                },
                text,
                picture,
                colors[group],
            ));
        }
        let boxes: Vec<Wanted> = wanted.iter().map(|(wanted, ..)| *wanted).collect();
        for ((wanted, text, picture, color), placed) in
            wanted.into_iter().zip(labels::place(&boxes, frame))
        {
            let Some([x, y]) = placed else { continue };
            let gap = (wanted.at[0] - x).hypot(wanted.at[1] - y);
            if gap > wanted.size[1].max(30.0) {
                self.leaders.push((wanted.at, [x, y]));
            }
            let top = y - wanted.size[1] / 2.0;
            let mut baseline = top + 1.0 + size;
            if let Some(picture) = picture {
                self.pictures.push(Framed {
                    at: [x - side / 2.0, top],
                    side,
                    color,
                    picture,
                });
                baseline += side + 3.0;
            }
            self.texts.push(Text {
                at: [x, baseline],
                text,
                size,
                weight: Weight::Bold,
                color: color::ink(color),
                anchor: Anchor::Middle,
                halo: true,
            });
        }
    }
}

/// From map coordinates to the page: one scale for both axes, y upwards, centred in the frame.
fn placement(
    map: &Map,
    [left, top, right, bottom]: [f32; 4],
) -> impl Fn([f64; 2]) -> [f32; 2] + use<> {
    let (lo, hi) = map.bounds();
    let pad = 16.0;
    let (width, height) = (
        f64::from(right - left - 2.0 * pad),
        f64::from(bottom - top - 2.0 * pad),
    );
    let span = [
        (hi[0] - lo[0]).max(f64::MIN_POSITIVE),
        (hi[1] - lo[1]).max(f64::MIN_POSITIVE),
    ];
    let scale = (width / span[0]).min(height / span[1]);
    let middle = [(lo[0] + hi[0]) / 2.0, (lo[1] + hi[1]) / 2.0];
    let origin = [f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0];
    move |[x, y]| {
        [
            (origin[0] + (x - middle[0]) * scale) as f32,
            (origin[1] - (y - middle[1]) * scale) as f32,
        ]
    }
}

fn discs(map: &Map, colors: &[Rgb], place: &impl Fn([f64; 2]) -> [f32; 2]) -> Vec<Disc> {
    let range = match &map.coloring {
        Coloring::Values { of, .. } => value_range(of),
        _ => None,
    };
    let color = |at: usize| match &map.coloring {
        Coloring::One => Some(ACCENT),
        Coloring::Groups { of, .. } => of
            .get(at)
            .copied()
            .flatten()
            .and_then(|g| colors.get(g).copied()),
        Coloring::Values { of, .. } => {
            let (lo, hi) = range?;
            let value = of.get(at).copied().flatten().filter(|x| x.is_finite())?;
            Some(color::scale(if hi > lo {
                (value - lo) / (hi - lo)
            } else {
                0.5
            }))
        }
    };
    let mut order: Vec<(bool, u64, usize)> = (0..map.points.len())
        .map(|at| {
            (
                color(at).is_some(),
                (at as u64)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(29),
                at,
            )
        })
        .collect();
    order.sort_unstable();
    order
        .into_iter()
        .map(|(.., at)| Disc {
            at: place(map.points[at]),
            color: color(at).unwrap_or(GREY),
        })
        .collect()
}
