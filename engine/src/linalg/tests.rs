//! Every path against plain f64 code and against each other, on random and adversarial rows.

use super::distance::{dot_on, squared_distance_on, squared_distances_on};
use super::*;

/// A small counter-based generator, enough for test data.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn rows(&mut self, n: usize, d: usize) -> Vec<f32> {
        (0..n * d).map(|_| self.unit()).collect()
    }
}

/// Rows that break careless kernels: zeros, equal rows, denormals, mixed sizes, alternating signs.
fn adversarial(n: usize, d: usize) -> Vec<f32> {
    (0..n * d)
        .map(|at| {
            let (row, column) = (at / d.max(1), at % d.max(1));
            match row % 6 {
                0 => 0.0,
                1 => 1.0,
                2 => f32::MIN_POSITIVE / 8.0,
                3 => 2.0_f32.powi(-(column as i32 % 60)),
                4 => {
                    if column % 2 == 0 {
                        0.999_999_94
                    } else {
                        -0.999_999_94
                    }
                }
                _ => 1.0 / (1.0 + column as f32),
            }
        })
        .collect()
}

fn exact_dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum()
}

/// Every path of every precision.
fn paths() -> Vec<Isa> {
    let mut paths = Isa::available();
    paths.extend(Isa::available().into_iter().map(|isa| isa.for_dims(512)));
    paths.extend(Isa::available().into_iter().map(Isa::in_int8));
    paths
}

const SHAPES: &[(usize, usize, usize)] = &[
    (0, 5, 7),
    (1, 1, 1),
    (1, 0, 3),
    (2, 17, 1),
    (3, 16, 2),
    (5, 33, 15),
    (8, 48, 16),
    (9, 49, 31),
    (7, 64, 33),
    (13, 65, 100),
    (19, 100, 257),
    (33, 7, 512),
    (6, 130, 63),
];

#[test]
fn there_is_always_a_path_and_the_chosen_one_is_available() {
    let found = Isa::available();
    assert_eq!(found[0], Isa::PORTABLE);
    assert!(found.contains(&isa()));
}

#[test]
fn deciding_distances_are_the_same_bits_on_every_path_and_close_to_f64() {
    let mut dice = Dice(1);
    for d in [0, 1, 2, 15, 16, 31, 32, 33, 64, 100, 511, 512, 1280] {
        for scale in [1.0, 1e-19, 1e18, 3.0e37, f32::MIN_POSITIVE] {
            let a: Vec<f32> = (0..d).map(|_| dice.unit() * scale).collect();
            let b: Vec<f32> = (0..d).map(|_| dice.unit() * scale).collect();
            let portable = (
                dot_on(Isa::PORTABLE, &a, &b),
                squared_distance_on(Isa::PORTABLE, &a, &b),
            );
            for isa in Isa::available() {
                assert_eq!(
                    dot_on(isa, &a, &b).to_bits(),
                    portable.0.to_bits(),
                    "dot, d={d}, {isa}"
                );
                let distance = squared_distance_on(isa, &a, &b);
                assert_eq!(
                    distance.to_bits(),
                    portable.1.to_bits(),
                    "distance, d={d}, {isa}"
                );
                assert_eq!(
                    distance.to_bits(),
                    squared_distance_on(isa, &b, &a).to_bits()
                );
                assert_eq!(squared_distance_on(isa, &a, &a), 0.0);
                let four = squared_distances_on(isa, &a, [&b, &a, &b, &a]);
                let expected = [portable.1, 0.0, portable.1, 0.0];
                assert_eq!(four.map(f32::to_bits), expected.map(f32::to_bits));
            }
            if scale == 1.0 {
                let exact: f64 = a
                    .iter()
                    .zip(&b)
                    .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
                    .sum();
                assert!((f64::from(portable.1) - exact).abs() <= 1e-6 * exact);
            }
        }
    }
}

#[test]
fn products_stay_within_the_proven_bound_on_every_path() {
    let mut dice = Dice(2);
    for &(n, m, d) in SHAPES {
        for data in 0..2 {
            let (x, y) = if data == 0 {
                (dice.rows(n, d), dice.rows(m, d))
            } else {
                (adversarial(n, d), adversarial(m, d))
            };
            for isa in paths() {
                let mut block = Block::new(isa);
                block.fill(&x, d);
                let panels = Panels::pack(isa, &y, d);
                assert_eq!((block.rows(), panels.rows()), (n, m));
                let stride = panels.len() * LANES + 3;
                let mut out = vec![f32::NAN; n * stride];
                products(&block, &panels, 0..panels.len(), &mut out, stride);
                let measured: Vec<(f32, f32)> = if d == 0 {
                    vec![]
                } else {
                    x.chunks_exact(d).map(|row| measure(isa, row)).collect()
                };
                let moved = measured.iter().map(|m| m.1).fold(0.0, f32::max);
                let e = bound::relative(d, moved, panels.moved());
                for (r, row) in x.chunks_exact(d.max(1)).enumerate() {
                    for (c, other) in y.chunks_exact(d.max(1)).enumerate() {
                        let exact = exact_dot(row, other);
                        let size = f64::from(measured[r].0) + f64::from(panels.norms()[c]);
                        let off = 2.0 * (f64::from(out[r * stride + c]) - exact).abs();
                        let allowed = f64::from(e) * size + f64::from(bound::floor(d));
                        assert!(off <= allowed, "{isa} {n}x{m}x{d}: {off} > {allowed}");
                        let usual = panels.usual_move();
                        let shares = bound::share(d, measured[r].0, measured[r].1, usual)
                            + bound::share(d, panels.norms()[c], panels.moves()[c], usual);
                        let shared = f64::from(shares) + f64::from(bound::floor(d));
                        // Where nothing at all moved on the right, the usual is 0 and says nothing about the left.
                        assert!(
                            off <= shared || (usual == 0.0 && measured[r].1 > 0.0),
                            "{isa} {n}x{m}x{d}: {off} > {shared}"
                        );
                        let proposal = f64::from(
                            measured[r].0 + panels.norms()[c] - 2.0 * out[r * stride + c],
                        );
                        let decision = f64::from(squared_distance(row, other));
                        assert!(
                            (proposal - decision).abs() <= allowed,
                            "{isa}: {proposal} {decision}"
                        );
                    }
                    for pad in m..panels.len() * LANES {
                        assert_eq!(out[r * stride + pad], 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn a_range_of_panels_gives_the_same_bits_as_all_of_them() {
    let mut dice = Dice(3);
    let (n, m, d) = (11, 170, 77);
    let (x, y) = (dice.rows(n, d), dice.rows(m, d));
    for isa in paths() {
        let mut block = Block::new(isa);
        block.fill(&x, d);
        let panels = Panels::pack(isa, &y, d);
        let stride = panels.len() * LANES;
        let mut all = vec![0.0; n * stride];
        products(&block, &panels, 0..panels.len(), &mut all, stride);
        let mut some = vec![0.0; n * 5 * LANES];
        products(&block, &panels, 4..9, &mut some, 5 * LANES);
        for r in 0..n {
            assert_eq!(
                some[r * 5 * LANES..][..5 * LANES],
                all[r * stride + 4 * LANES..][..5 * LANES]
            );
        }
    }
}

#[test]
fn panels_that_do_not_stay_in_cache_together_are_all_multiplied() {
    let mut dice = Dice(6);
    let (n, m, d) = (5, 420, 1000);
    let (x, y) = (dice.rows(n, d), dice.rows(m, d));
    for isa in paths() {
        let mut block = Block::new(isa);
        block.fill(&x, d);
        let panels = Panels::pack(isa, &y, d);
        let stride = panels.len() * LANES;
        let mut all = vec![f32::NAN; n * stride];
        products(&block, &panels, 0..panels.len(), &mut all, stride);
        let picked: Vec<u32> = (0..n as u32).rev().collect();
        for panel in 0..panels.len() {
            let mut alone = vec![0.0; n * LANES];
            products_of(
                &block,
                &picked,
                &panels,
                panel..panel + 1,
                &mut alone,
                LANES,
            );
            for (row, alone) in alone.chunks_exact(LANES).rev().enumerate() {
                assert_eq!(all[row * stride + panel * LANES..][..LANES], *alone);
            }
        }
    }
}

#[test]
fn integers_give_the_same_bits_on_every_path() {
    let mut dice = Dice(5);
    for &(n, m, d) in SHAPES {
        for data in 0..2 {
            let (x, y) = if data == 0 {
                (dice.rows(n, d), dice.rows(m, d))
            } else {
                (adversarial(n, d), adversarial(m, d))
            };
            let rows = Rows::pack_with(Isa::PORTABLE, m, d, |row, out| {
                out.copy_from_slice(&y[row * d..][..d]);
            });
            let others: Vec<u32> = (0..m as u32).rev().collect();
            let pairs: Vec<Vec<u32>> = (0..m)
                .map(|row| {
                    let mut out = Vec::new();
                    rows.products(row, &others, &mut out);
                    out.iter().map(|x: &f32| x.to_bits()).collect()
                })
                .collect();
            for isa in Isa::available() {
                let rows = Rows::pack_with(isa, m, d, |row, out| {
                    out.copy_from_slice(&y[row * d..][..d]);
                });
                let mut block = Block::new(isa.in_int8());
                block.fill(&y, d);
                let panels = Panels::pack(isa.in_int8(), &y, d);
                assert_eq!(
                    (rows.norms(), rows.moves()),
                    (panels.norms(), panels.moves())
                );
                let mut tile = vec![0.0; block.rows() * panels.len() * LANES];
                products(
                    &block,
                    &panels,
                    0..panels.len(),
                    &mut tile,
                    panels.len() * LANES,
                );
                // Rows that are packed already give the same block and the same panels.
                let (mut filled, mut again) = (Block::new(isa.in_int8()), tile.clone());
                let all: Vec<u32> = (0..m as u32).collect();
                rows.fill(&all, &mut filled);
                again.fill(0.0);
                let stride = panels.len() * LANES;
                products(&filled, &rows.panels(), 0..panels.len(), &mut again, stride);
                assert_eq!(again, tile);
                // Some of them in another order, and the rows as they were rounded.
                products(
                    &filled,
                    &rows.panels_of(isa, &others),
                    0..panels.len(),
                    &mut again,
                    stride,
                );
                let mut turned = Vec::new();
                all.iter()
                    .for_each(|&row| rows.append_turned(row as usize, &mut turned));
                let turned: Vec<&[f32]> = turned.chunks((turned.len() / m.max(1)).max(1)).collect();
                for row in 0..block.rows() {
                    for (at, &other) in others.iter().enumerate() {
                        let product = tile[row * stride + other as usize];
                        assert_eq!(again[row * stride + at], product);
                        let other = turned[other as usize];
                        let wide: f64 = turned[row]
                            .iter()
                            .zip(other)
                            .map(|(x, y)| f64::from(*x) * f64::from(*y))
                            .sum();
                        let length =
                            |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
                        let off = 1e-6 * (length(turned[row]) + length(other)) + 1e-30;
                        assert!((wide - f64::from(product)).abs() <= off);
                    }
                }
                for row in 0..block.rows() {
                    let mut out = Vec::new();
                    rows.products(row, &others, &mut out);
                    let found: Vec<u32> = out.iter().map(|x| x.to_bits()).collect();
                    assert_eq!(found, pairs[row], "{isa} {n}x{m}x{d}");
                    for (&other, x) in others.iter().zip(&out) {
                        assert_eq!(*x, tile[row * panels.len() * LANES + other as usize]);
                    }
                }
            }
            let run = |isa: Isa| {
                let mut block = Block::new(isa.in_int8());
                block.fill(&x, d);
                let panels = Panels::pack(isa.in_int8(), &y, d);
                let stride = panels.len() * LANES;
                let mut out = vec![0.0; n * stride];
                products(&block, &panels, 0..panels.len(), &mut out, stride);
                let bits: Vec<u32> = out.iter().map(|x: &f32| x.to_bits()).collect();
                (bits, panels.moves().to_vec())
            };
            let plain = run(Isa::PORTABLE);
            for isa in Isa::available() {
                assert!(run(isa) == plain, "{isa} {n}x{m}x{d}");
            }
        }
    }
}

#[test]
fn integers_are_asked_for() {
    for isa in Isa::available() {
        for d in [1, 47, 48, 512, 1 << 16, (1 << 16) + 1] {
            assert!(!isa.for_dims(d).is_int8());
            let coarse = isa.coarse(d);
            assert_eq!(
                coarse.is_some(),
                ["avx512vnni", "amx"].contains(&isa.name()) && (48..=1 << 16).contains(&d)
            );
            assert!(coarse.is_none_or(|coarse| coarse.is_int8() && coarse.name() == isa.name()));
        }
    }
}

#[test]
fn selection_agrees_with_a_plain_loop_on_every_path() {
    let mut dice = Dice(4);
    for groups in [1, 2, 7] {
        for repeat in 0..50 {
            let n = groups * LANES;
            // Few different values, so that there are ties.
            let mut offsets: Vec<f32> = (0..n)
                .map(|_| (dice.next() % (3 + repeat)) as f32)
                .collect();
            let products: Vec<f32> = (0..n).map(|_| (dice.next() % 3) as f32).collect();
            offsets[n - 5..].fill(f32::INFINITY);
            let values: Vec<f32> = offsets
                .iter()
                .zip(&products)
                .map(|(o, p)| o - 2.0 * p)
                .collect();
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
            let expected = Nearest {
                index: order[0] as u32,
                value: values[order[0]],
                second: values[order[1]],
            };
            let below: Vec<(f32, u32)> = values
                .iter()
                .enumerate()
                .filter(|(_, v)| **v <= 1.0)
                .map(|(c, v)| (*v, 7 + c as u32))
                .collect();
            for isa in Isa::available() {
                assert_eq!(nearest(isa, &offsets, &products), expected, "{isa}");
                let mut found = Vec::new();
                select_below(isa, &offsets, &products, 1.0, 7, &mut found);
                assert_eq!(found, below, "{isa}");
                let thresholds: Vec<f32> = (0..n).map(|c| (c % 4) as f32 - 2.0).collect();
                let close =
                    |c: &usize| values[*c] <= 1.0 || 1.0 - 2.0 * products[*c] <= thresholds[*c];
                let close: Vec<u32> = (0..n).filter(close).map(|c| c as u32).collect();
                let mut found = Vec::new();
                select_close(
                    isa,
                    &offsets,
                    &products,
                    &thresholds,
                    (1.0, 1.0),
                    &mut found,
                );
                assert_eq!(found, close, "{isa}");
            }
        }
    }
}

#[test]
fn scaling_brings_the_largest_coordinate_below_one_and_back() {
    for largest in [1e-44_f32, 1e-38, 0.3, 0.5, 1.0, 1.5, 2.0, 7e9, f32::MAX] {
        let scale = bound::Scale::of(largest);
        let scaled = scale.apply(largest);
        assert!((0.5..1.0).contains(&scaled), "{largest} became {scaled}");
        assert_eq!(scale.undo(scaled), largest);
    }
    assert!(bound::Scale::of(0.0).is_one());
    assert_eq!(bound::Scale::of(f32::MAX).undo(2.0), f32::MAX);
}

/// A row of one of several manners: even, heavy-tailed, one coordinate that stands out, hardly anything, constant, nothing.
fn row_of(manner: u64, d: usize, dice: &mut Dice) -> Vec<f32> {
    let mut row: Vec<f32> = (0..d).map(|_| dice.unit()).collect();
    let place = (dice.next() % d as u64) as usize;
    match manner {
        0 => {}
        1 => row.iter_mut().for_each(|x| *x = x.powi(9)),
        2 => {
            row.iter_mut().for_each(|x| *x *= 1e-4);
            row[place] = 1.0;
        }
        3 => row.iter_mut().for_each(|x| *x *= 1e-39),
        4 => row.fill(dice.unit()),
        5 => row.iter_mut().for_each(|x| *x *= 1e-12),
        _ => row.fill(0.0),
    }
    row
}

proptest::proptest! {
    #[test]
    fn a_proposal_is_within_the_shares_of_its_rows(
        d in 1_usize..150, seed: u64, manners in proptest::collection::vec(0_u64..7, 2..40),
    ) {
        let mut dice = Dice(seed);
        let rows: Vec<f32> = manners.iter().flat_map(|&manner| row_of(manner, d, &mut dice)).collect();
        for isa in paths() {
            let panels = Panels::pack(isa, &rows, d);
            let mut block = Block::new(isa);
            block.fill(&rows, d);
            let stride = panels.len() * LANES;
            let mut out = vec![0.0; manners.len() * stride];
            products(&block, &panels, 0..panels.len(), &mut out, stride);
            let usual = panels.usual_move();
            let share = |row: usize| {
                f64::from(bound::share(d, panels.norms()[row], panels.moves()[row], usual))
            };
            for (a, row) in rows.chunks_exact(d).enumerate() {
                for (b, other) in rows.chunks_exact(d).enumerate() {
                    let sizes = panels.norms()[a] + panels.norms()[b];
                    let proposal = f64::from(sizes - 2.0 * out[a * stride + b]);
                    let gap = (proposal - f64::from(squared_distance(row, other))).abs();
                    let allowed = share(a) + share(b) + f64::from(bound::floor(d));
                    proptest::prop_assert!(gap <= allowed, "{}: {} > {}", isa, gap, allowed);
                }
            }
        }
    }
}
