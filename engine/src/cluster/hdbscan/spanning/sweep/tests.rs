//! Every way of a pass over all pairs, and the table of their codes, find the same edges.

use ndarray::Array2;

use super::super::lookup::look_up;
use super::*;
use crate::neighbors::{Metric, Table};

#[test]
fn heads_tables_and_every_precision_find_the_same_edges() {
    let normal = |stream: u64, at: usize| crate::random::normal(4, stream, at as u64) as f32;
    let x = Array2::from_shape_fn((390, 40), |(i, j)| {
        normal(1, (i % 6) * 40 + j) + 0.5 * normal(2, i * 40 + j)
    });
    let points = Points::new(x.view(), Metric::Euclidean).unwrap();
    let of: Vec<u32> = (0..390).map(|row| row % 6).collect();
    let all: Vec<u32> = (0..390).collect();
    let mut order = all.clone();
    order.sort_by_key(|&row| of[row as usize]);
    let lists = Lists {
        k: 0,
        neighbors: Vec::new(),
        stretched: Vec::new(),
        core: (0..390).map(|row| (row % 7) as f32).collect(),
        end: vec![0.0; 390],
        known: Vec::new(),
    };
    let head = Head::of(Isa::PORTABLE, &points, &all, 16);
    let rows = Rows {
        points: &points,
        head: Some(&head),
        lists: &lists,
        stretch: 1.0,
        of: &of,
    };
    let between = |table: bool| {
        if table {
            Between::every_two(6, &lists, &of)
        } else {
            Between::out_of_each(vec![Edge::NONE; 6])
        }
    };
    let context = Context::new(0);
    let sorted = |mut edges: Vec<Edge>| {
        edges.sort_unstable_by(Edge::compare);
        edges
    };
    let run = |way: Way, table: bool| {
        sorted(sweep_by(way, &rows, &order, between(table), &context).unwrap())
    };
    let looked_up = |isa: Isa, table: bool| {
        let codes = Table::new(isa, &points, all.as_slice(), &context).unwrap();
        sorted(look_up(&codes, &rows, between(table), &context).unwrap())
    };
    for table in [false, true] {
        let expected = run(Way::Whole(Isa::PORTABLE), table);
        assert!(expected.len() >= 6);
        for isa in Isa::available() {
            assert_eq!(run(Way::Whole(isa), table), expected, "{isa}");
            assert_eq!(run(Way::Head(isa.in_int8(), 0.0), table), expected, "{isa}");
            assert_eq!(looked_up(isa, table), expected, "{isa}");
            assert_eq!(looked_up(isa.in_int8(), table), expected, "{isa}");
        }
    }
}
