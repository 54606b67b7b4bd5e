//! Every way finds the brute-force answer, in one part and in several, and memory is as it is said to be.

use super::super::head::Directions;
use super::super::tests::cloud;
use super::super::{Metric, Points};
use super::parts::{WORK, kept};
use super::*;
use crate::random;

fn by_head(
    points: &Points<'_>,
    isa: Isa,
    count: usize,
    usual: f32,
    k: usize,
    most: Option<usize>,
) -> Neighbors {
    let n = points.len();
    let mut found = nothing_yet(n, k);
    let repeats = Repeats::new(points, k);
    let directions = Directions::new(points, &repeats.kept, count);
    let all: Vec<u32> = (0..n as u32).collect();
    let mut head = Head::new(isa, points, &all, &directions);
    let order = head.order(&repeats.kept);
    let context = Context::new(0);
    let mut search = Search {
        most,
        ..Search::new(points, &mut found, &context)
    };
    search.by_head(isa.in_int8(), &head, usual, order).unwrap();
    repeats.complete(&mut found);
    found
}

fn whole(points: &Points<'_>, isa: Isa, k: usize) -> Neighbors {
    knn_squared(isa, points, k, &Context::new(0)).unwrap()
}

/// By shortlists, which few rows would not get.
fn by_shortlists(points: &Points<'_>, isa: Isa, k: usize, most: Option<usize>) -> Neighbors {
    let mut found = nothing_yet(points.len(), k);
    let repeats = Repeats::new(points, k);
    let context = Context::new(0);
    let mut search = Search {
        most,
        ..Search::new(points, &mut found, &context)
    };
    search.whole(isa, &repeats.kept).unwrap();
    repeats.complete(&mut found);
    found
}

#[test]
fn a_head_finds_the_same_neighbours_on_every_path() {
    let heavy = Array2::from_shape_fn((400, 70), |(i, j)| {
        (random::normal(1, 1, (i * 70 + j) as u64) as f32).powi(5)
    });
    let one_huge = Array2::from_shape_fn((300, 40), |(i, j)| {
        let x = random::normal(1, 2, (i * 40 + j) as u64) as f32;
        if i == 17 && j == 3 { 1e30 } else { x }
    });
    let flat = Array2::from_shape_fn((200, 50), |(i, j)| if j == 2 { i as f32 } else { 1.0 });
    let equal = Array2::from_elem((300, 20), 2.5_f32);
    let tiny = cloud(200, 33, 2).mapv(|x| x * 1e-38);
    let sets = [
        cloud(700, 33, 3),
        cloud(65, 130, 1),
        heavy,
        one_huge,
        flat,
        equal,
        tiny,
    ];
    for x in sets {
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let points = Points::new(x.view(), metric).unwrap();
            let expected = whole(&points, Isa::PORTABLE, 9);
            // All rows ahead, about half, none.
            let mut near: Vec<f32> = expected.distances.column(8).to_vec();
            near.sort_by(f32::total_cmp);
            let scale = points.squared_scale() as f32;
            let usuals = [f32::MAX, near[near.len() / 2] * scale, -1.0];
            for isa in Isa::available() {
                assert!(whole(&points, isa, 9) == expected, "{isa} {metric:?}");
                for most in [None, Some(256)] {
                    let found = by_shortlists(&points, isa, 9, most);
                    assert!(found == expected, "{isa} {most:?} {metric:?}");
                    for (count, usual) in [1, 16, 20].into_iter().zip(usuals) {
                        let found = by_head(&points, isa, count, usual, 9, most);
                        assert!(
                            found == expected,
                            "{isa} {count} {most:?} {:?} {metric:?}",
                            x.dim()
                        );
                    }
                    let found = by_head(&points, isa, 16, usuals[1] * 1.5, 9, most);
                    assert!(found == expected, "{isa} {:?} {metric:?}", x.dim());
                }
            }
        }
    }
}

#[test]
fn many_equal_rows_are_no_more_work_than_few() {
    // All pairs of these would be two hundred million candidates.
    let x = Array2::from_shape_fn((20_000, 3), |(i, j)| ((i % 3) * (j + 1)) as f32);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let found = whole(&points, Isa::PORTABLE, 4);
    assert!(found.distances.iter().all(|distance| *distance == 0.0));
    assert_eq!(found.indices.row(0).to_vec(), [3, 6, 9, 12]);
    assert_eq!(found.indices.row(6).to_vec(), [0, 3, 9, 12]);
    assert_eq!(found.indices.row(19_999).to_vec(), [1, 4, 7, 10]);
}

#[test]
fn rows_that_no_bound_tells_apart_are_settled() {
    // A heap so small that every pair of it is within every bound, and a far row that keeps the mean away.
    let x = Array2::from_shape_fn((1200, 48), |(i, j)| {
        let side = if i == 0 { 1.0 } else { -1.0 };
        side + 1e-6 * random::normal(1, 3, (i * 48 + j) as u64) as f32
    });
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let expected = whole(&points, Isa::PORTABLE, 7);
    for isa in Isa::available() {
        assert!(whole(&points, isa, 7) == expected, "{isa}");
        assert!(by_shortlists(&points, isa, 7, None) == expected, "{isa}");
    }
    for row in [0, 1, 777] {
        let mut all: Vec<(f32, u32)> = (0..1200)
            .filter(|&other| other != row)
            .map(|other| (points.squared(row, other), other as u32))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let near: Vec<u32> = all[..7].iter().map(|other| other.1).collect();
        assert_eq!(expected.indices.row(row).to_vec(), near);
    }
}

#[test]
fn parts_find_the_same_neighbours_as_all_rows_at_once() {
    let x = cloud(900, 40, 5);
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    // Fewer rows in a part than neighbours are asked for, too.
    for k in [1, 9, 300] {
        let expected = whole(&points, Isa::PORTABLE, k);
        for isa in Isa::available() {
            for numbers in [isa.for_dims(1), isa.in_int8()] {
                let found = by_shortlists(&points, numbers, k, Some(256));
                assert!(found == expected, "{numbers} {k}");
            }
        }
    }
}

#[test]
fn rows_are_cut_into_whole_strips() {
    for (n, most) in [
        (1, 1),
        (255, 256),
        (257, 256),
        (100_000, 30_000),
        (1_000_000, 70_000),
    ] {
        let parts = cut(n, most);
        assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, n));
        assert!(parts.windows(2).all(|two| two[0].end == two[1].start));
        assert!(parts.iter().all(|part| part.start % sweep::COLUMNS == 0));
        assert!(parts.iter().all(|part| part.len() < most + sweep::COLUMNS));
    }
}

#[test]
fn a_million_rows_take_less_than_three_gigabytes_in_all() {
    let (n, d, k) = (1_000_000, 512, 15);
    let given = 4 * n * d;
    for numbers in [
        Numbers::Head(128),
        Numbers::Whole(Isa::PORTABLE),
        Numbers::Whole(Isa::PORTABLE.in_int8()),
    ] {
        let part = numbers.rows_of_part(d, k, n);
        let in_work = 2 * part * numbers.in_work(d, k);
        assert!(part < n && in_work <= WORK, "{numbers:?}");
        let h = if let Numbers::Head(h) = numbers { h } else { 0 };
        assert!(
            given + n * kept(k, h) + in_work < 2_800_000_000,
            "{numbers:?}"
        );
    }
}

#[test]
fn a_part_takes_as_much_as_it_is_said_to() {
    let (n, d, k) = (1500, 100, 15);
    let x = Array2::from_shape_fn((n, d), |(i, j)| {
        random::normal(1, 4, (i * d + j) as u64) as f32
    });
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let rows: Vec<u32> = (0..n as u32).collect();
    for isa in Isa::available()
        .into_iter()
        .flat_map(|isa| [isa.for_dims(d), isa.in_int8()])
    {
        let panels = points.panels_of(isa, &rows);
        let usual = panels.usual_move();
        let ends = Ends::new(
            &points,
            rows.as_slice(),
            panels.norms(),
            panels.moves(),
            usual,
        );
        let context = Context::new(0);
        let sweep = Sweep {
            points: &points,
            isa,
            ends,
            ahead: None,
            k,
        };
        let part = Part::alone(panels, k);
        let step = context.step("meet", 100);
        sweep
            .visit(&part, &part, |own, strips| own..strips, &step)
            .unwrap();
        let said = n * Numbers::Whole(isa).in_work(d, k);
        let taken = part.bytes();
        assert!(taken <= said + said / 10, "{isa}: {taken} {said}");
    }
}
