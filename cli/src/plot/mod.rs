//! Maps of points and curves of scores: one [`Map`], or [`curves::Curves`], from plain data, drawn as SVG, as PNG or in
//! the terminal.
//!
//! SVG and PNG are drawn from one [`scene::Scene`], so a label that is readable in one is readable in the other.

pub mod color;
pub mod curves;
pub mod dots;
mod labels;
mod palette;
mod png;
mod scene;
mod sheet;
mod svg;
mod typeface;

pub use svg::base64;

/// Points with a title and a colouring.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// What the map is of.
    pub title: String,
    /// One line more.
    pub subtitle: String,
    /// Where the samples are; finite.
    pub points: Vec<[f64; 2]>,
    /// What the colours mean.
    pub coloring: Coloring,
    /// Small pictures that stand for groups.
    pub pictures: Vec<Picture>,
}

/// Empty bands across the map wider than this share of it are narrowed to it.
const GAP: f64 = 0.06;

/// What the colours of a map mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Coloring {
    /// One colour.
    One,
    /// A colour a group.
    Groups {
        /// The field they come from.
        field: String,
        /// The group of each point; none is grey.
        of: Vec<Option<usize>>,
        /// The groups, in the order the legend shows them.
        groups: Vec<Group>,
        /// What points without a group are called: `noise`, `none`.
        rest: String,
    },
    /// A continuous scale.
    Values {
        /// The field they come from.
        field: String,
        /// The value of each point; none is grey.
        of: Vec<Option<f64>>,
    },
}

/// One group of points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, or its id.
    pub name: String,
    /// How many points it has.
    pub count: usize,
}

/// A picture that stands for a group, 8-bit RGBA, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The group.
    pub group: usize,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `4 * width * height` bytes.
    pub rgba: Vec<u8>,
}

impl Map {
    /// The map as an SVG document.
    pub fn svg(&self) -> String {
        svg::draw(&scene::Scene::of(self))
    }

    /// The map as PNG bytes, at `scale` pixels a unit of the scene.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, String> {
        png::draw(&scene::Scene::of(self), scale)
    }

    /// Narrows empty bands across the map, so that one far island does not make all others small. For maps on which only
    /// nearness has a meaning, as UMAP's and t-SNE's.
    pub fn close_gaps(&mut self) {
        for axis in 0..2 {
            let mut order: Vec<usize> = (0..self.points.len()).collect();
            order.sort_by(|&a, &b| self.points[a][axis].total_cmp(&self.points[b][axis]));
            let (Some(&first), Some(&last)) = (order.first(), order.last()) else {
                return;
            };
            let most = (self.points[last][axis] - self.points[first][axis]) * GAP;
            let mut removed = 0.0;
            let mut before = self.points[first][axis];
            for at in order {
                let here = self.points[at][axis];
                removed += (here - before - most).max(0.0);
                before = here;
                self.points[at][axis] = here - removed;
            }
        }
    }

    /// A colour for each group.
    fn group_colors(&self) -> Vec<color::Rgb> {
        palette::assign(&self.medians(), self.center())
    }

    /// The component-wise median of each group's points; the map's centre for an empty group.
    fn medians(&self) -> Vec<[f64; 2]> {
        let Coloring::Groups { of, groups, .. } = &self.coloring else {
            return Vec::new();
        };
        let mut members: Vec<Vec<[f64; 2]>> = vec![Vec::new(); groups.len()];
        for (point, group) in self.points.iter().zip(of) {
            if let Some(list) = group.and_then(|group| members.get_mut(group)) {
                list.push(*point);
            }
        }
        let center = self.center();
        members
            .into_iter()
            .map(|list| median(list).unwrap_or(center))
            .collect()
    }

    fn center(&self) -> [f64; 2] {
        median(self.points.clone()).unwrap_or([0.0, 0.0])
    }

    /// The least and the greatest coordinates; a unit square around a single place.
    fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        let mut lo = [f64::INFINITY; 2];
        let mut hi = [f64::NEG_INFINITY; 2];
        for point in &self.points {
            for axis in 0..2 {
                lo[axis] = lo[axis].min(point[axis]);
                hi[axis] = hi[axis].max(point[axis]);
            }
        }
        if self.points.is_empty() {
            return ([0.0; 2], [1.0; 2]);
        }
        let span = (hi[0] - lo[0]).max(hi[1] - lo[1]);
        let pad = if span > 0.0 { 0.0 } else { 0.5 };
        (lo.map(|x| x - pad), hi.map(|x| x + pad))
    }
}

fn median(mut points: Vec<[f64; 2]>) -> Option<[f64; 2]> {
    let half = points.len() / 2;
    let mut middle = |axis: usize| -> Option<f64> {
        if points.is_empty() {
            return None;
        }
        let (_, at, _) = points.select_nth_unstable_by(half, |a, b| a[axis].total_cmp(&b[axis]));
        Some(at[axis])
    };
    Some([middle(0)?, middle(1)?])
}

/// The finite range of values, `None` where there is none.
fn value_range(values: &[Option<f64>]) -> Option<(f64, f64)> {
    values
        .iter()
        .flatten()
        .copied()
        .filter(|x| x.is_finite())
        .fold(None, |range, x| match range {
            None => Some((x, x)),
            Some((lo, hi)) => Some((lo.min(x), hi.max(x))),
        })
}

#[cfg(test)]
pub mod sample {
    //! A small map for tests: three islands and some noise.
    use super::*;

    /// `n` points a group in `groups` islands on a circle, deterministic.
    pub fn islands(groups: usize, n: usize) -> Map {
        let mut points = Vec::new();
        let mut of = Vec::new();
        for group in 0..groups {
            let angle = group as f64 / groups as f64 * std::f64::consts::TAU;
            for i in 0..n {
                let t = i as f64 * 2.399_963;
                let r = (i as f64 / n as f64).sqrt();
                points.push([
                    angle.cos() * 6.0 + t.cos() * r,
                    angle.sin() * 6.0 + t.sin() * r,
                ]);
                of.push((i % 10 != 9).then_some(group));
            }
        }
        let groups = (0..groups)
            .map(|g| Group {
                name: format!("{g}"),
                count: of.iter().filter(|o| **o == Some(g)).count(),
            })
            .collect();
        Map {
            title: "islands".to_owned(),
            subtitle: "map coloured by k3".to_owned(),
            points,
            coloring: Coloring::Groups {
                field: "k3".to_owned(),
                of,
                groups,
                rest: "noise".to_owned(),
            },
            pictures: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_bounds_of_odd_inputs() {
        assert_eq!(median(vec![]), None);
        assert_eq!(
            median(vec![[1.0, 5.0], [3.0, 4.0], [2.0, 9.0]]),
            Some([2.0, 5.0])
        );
        let mut map = sample::islands(1, 1);
        map.points = vec![[2.0, 3.0]];
        assert_eq!(map.bounds(), ([1.5, 2.5], [2.5, 3.5]));
        map.points.clear();
        assert_eq!(map.bounds(), ([0.0; 2], [1.0; 2]));
    }

    #[test]
    fn a_far_island_comes_nearer_and_order_stays() {
        let mut map = sample::islands(1, 1);
        map.points = (0..10)
            .map(|i| [f64::from(i), 0.0])
            .chain([[1000.0, 0.0]])
            .collect();
        map.close_gaps();
        assert!(map.points[10][0] < 100.0, "{:?}", map.points[10]);
        assert!(map.points.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert_eq!(map.points[9][0], 9.0, "what lies together is not moved");
    }

    #[test]
    fn a_map_without_points_still_draws() {
        let mut map = sample::islands(2, 3);
        map.points.clear();
        map.coloring = Coloring::One;
        assert!(map.svg().starts_with("<svg"));
        assert!(map.png(1.0).unwrap().starts_with(b"\x89PNG"));
    }
}
