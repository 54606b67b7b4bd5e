//! Labels that do not cover each other: the largest groups choose first, each label moves away from its place only as
//! far as it must, and one that finds no room is left to the legend.

/// A label that wants a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Where its middle should be.
    pub at: [f32; 2],
    /// Its width and height.
    pub size: [f32; 2],
    /// How much it matters.
    pub weight: usize,
}

/// The middle of each label inside `frame` (left, top, right, bottom); none where there is no room.
pub fn place(wanted: &[Wanted], frame: [f32; 4]) -> Vec<Option<[f32; 2]>> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(wanted[at].weight), at));
    let mut placed: Vec<Option<[f32; 2]>> = vec![None; wanted.len()];
    for label in order {
        let Wanted { at, size, .. } = wanted[label];
        placed[label] = candidates(at, size)
            .map(|middle| inside(middle, size, frame))
            .find(|&middle| {
                placed
                    .iter()
                    .zip(wanted)
                    .filter_map(|(other, wanted)| other.map(|other| (other, wanted.size)))
                    .all(|(other, other_size)| !overlap(middle, size, other, other_size))
            });
    }
    placed
}

/// Places to try: the wish itself, then rings around it.
fn candidates([x, y]: [f32; 2], size: [f32; 2]) -> impl Iterator<Item = [f32; 2]> {
    let rings = (1..=9).flat_map(move |ring| {
        let radius = ring as f32 * 0.42;
        let spokes = 8 + 4 * ring;
        (0..spokes).map(move |spoke| {
            let angle = spoke as f32 / spokes as f32 * std::f32::consts::TAU;
            let reach = size[1] + 10.0;
            [
                x + angle.cos() * radius * (size[0] * 0.5 + reach * 0.6),
                y + angle.sin() * radius * reach,
            ]
        })
    });
    std::iter::once([x, y]).chain(rings)
}

fn inside([x, y]: [f32; 2], [w, h]: [f32; 2], [left, top, right, bottom]: [f32; 4]) -> [f32; 2] {
    [
        x.min(right - w / 2.0).max(left + w / 2.0),
        y.min(bottom - h / 2.0).max(top + h / 2.0),
    ]
}

fn overlap(a: [f32; 2], a_size: [f32; 2], b: [f32; 2], b_size: [f32; 2]) -> bool {
    (a[0] - b[0]).abs() < (a_size[0] + b_size[0]) / 2.0
        && (a[1] - b[1]).abs() < (a_size[1] + b_size[1]) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: [f32; 4] = [0.0, 0.0, 400.0, 300.0];

    #[test]
    fn a_label_alone_stays_where_it_is() {
        let wanted = [Wanted {
            at: [100.0, 100.0],
            size: [40.0, 12.0],
            weight: 1,
        }];
        assert_eq!(place(&wanted, FRAME), [Some([100.0, 100.0])]);
    }

    #[test]
    fn of_two_in_one_place_the_heavier_stays() {
        let label = |weight| Wanted {
            at: [100.0, 100.0],
            size: [40.0, 12.0],
            weight,
        };
        let placed = place(&[label(1), label(5)], FRAME);
        assert_eq!(placed[1], Some([100.0, 100.0]));
        assert!(placed[0].is_some_and(|at| at != [100.0, 100.0]));
    }

    proptest! {
        #[test]
        fn placed_labels_never_overlap_and_stay_inside(
            list in prop::collection::vec((0f32..400.0, 0f32..300.0, 10f32..80.0, 8f32..50.0, 0usize..9), 0..40)
        ) {
            let wanted: Vec<Wanted> =
                list.into_iter().map(|(x, y, w, h, weight)| Wanted { at: [x, y], size: [w, h], weight }).collect();
            let placed = place(&wanted, FRAME);
            for (i, a) in placed.iter().enumerate() {
                let Some(a) = *a else { continue };
                prop_assert!(a[0] - wanted[i].size[0] / 2.0 >= -0.01 && a[0] + wanted[i].size[0] / 2.0 <= 400.01);
                for (j, b) in placed.iter().enumerate().skip(i + 1) {
                    let Some(b) = *b else { continue };
                    prop_assert!(!overlap(a, wanted[i].size, b, wanted[j].size));
                }
            }
        }
    }
}
