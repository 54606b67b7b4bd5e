//! The rows that may still be among a row's nearest: a buffer per row that is thinned when it is full.
//!
//! A heap would keep exactly `k` at a cost per candidate; a buffer that is cut by selection costs a constant number of
//! steps per candidate and leaves the threshold a little stale, which only lets a few more in.

/// The candidates of a block of rows.
#[derive(Debug)]
pub(super) struct Candidates {
    k: usize,
    rows: Vec<Row>,
    /// For each row the value above which a proposal cannot be among the nearest. Never infinite: padding is.
    pub thresholds: Vec<f32>,
}

#[derive(Debug)]
struct Row {
    /// Twice the bound: how far the exact value may lie above a proposal's lower end.
    margin: f32,
    full: usize,
    found: Vec<(f32, u32)>,
}

impl Candidates {
    /// Empty buffers for rows with these margins. `k >= 1`.
    pub fn new(k: usize, margins: impl Iterator<Item = f32>) -> Candidates {
        let rows: Vec<Row> = margins
            .map(|margin| Row {
                margin,
                full: 2 * k + 32,
                found: Vec::new(),
            })
            .collect();
        Candidates {
            k,
            thresholds: vec![f32::MAX; rows.len()],
            rows,
        }
    }

    /// Adds proposals for a row; thins its buffer when it is full.
    pub fn add(&mut self, row: usize, proposals: &[(f32, u32)]) {
        self.rows[row].found.extend_from_slice(proposals);
        if self.rows[row].found.len() >= self.rows[row].full {
            self.thin(row);
        }
    }

    /// Keeps what may be among the `k` nearest, and gives it.
    pub fn thin(&mut self, row: usize) -> &[(f32, u32)] {
        let (k, threshold) = (self.k, &mut self.thresholds[row]);
        let row = &mut self.rows[row];
        if row.found.len() > k {
            let (_, kth, _) = row
                .found
                .select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
            *threshold = threshold.min(kth.0 + row.margin);
            row.found.retain(|(value, _)| *value <= *threshold);
            // Many equals: wait longer before looking again.
            row.full = row.full.max(2 * row.found.len());
        }
        &row.found
    }
}
