//! For each row the rows that may still be among its nearest, and those that are known to be.
//!
//! Proposals gather in a buffer that is thinned when it is full: the k-th smallest upper end is a limit that no
//! neighbour is beyond. What a bound cannot tell apart stays, and with rows that are nearly equal that would be
//! everything; so a buffer that stays long is settled by exact distances, of which the k best are kept. Memory is
//! O(k) a row whatever the rows are. (A heap of exact distances alone would compute every one that ever was in
//! reach; most are pushed out again by proposals that cost nothing.)

use super::proposals::Ends;

/// A buffer that is longer than this many times `k`, and [`PATIENCE`] more, is settled.
const LONG: usize = 8;
/// See [`LONG`].
const PATIENCE: usize = 256;
/// A buffer is thinned when it is longer than twice `k` and this.
const PAUSE: usize = 32;

/// The shortlists of a block of rows.
#[derive(Debug)]
pub(super) struct Shortlists {
    k: usize,
    /// The place of the first row.
    first: usize,
    rows: Vec<Row>,
    /// For each row the squared distance, in working units, beyond which nothing is among its nearest. Never infinite:
    /// padding is.
    pub limits: Vec<f32>,
    uppers: Vec<f32>,
    decided: usize,
}

#[derive(Debug, Default)]
struct Row {
    /// Lower ends without the row's own part, and places.
    open: Vec<(f32, u32)>,
    /// The nearest so far by exact distance, as [`Ends::exact`] gives it.
    settled: Vec<(f32, u32)>,
    full: usize,
}

/// By distance, then by row.
fn by_distance(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

impl Shortlists {
    /// Empty lists for the rows at the places from `first`, which have these limits. `k >= 1`.
    pub fn new(k: usize, first: usize, limits: Vec<f32>) -> Shortlists {
        let empty = || Row {
            full: 2 * k + PAUSE,
            ..Row::default()
        };
        Shortlists {
            k,
            first,
            rows: limits.iter().map(|_| empty()).collect(),
            limits,
            uppers: Vec::new(),
            decided: 0,
        }
    }

    /// The bytes of one row's lists, as long as it has no more proposals than are usual.
    pub fn usual_bytes(k: usize) -> usize {
        let pairs = (2 * k + PAUSE).next_power_of_two() + k.next_power_of_two();
        pairs * size_of::<(f32, u32)>() + size_of::<Row>() + size_of::<f32>()
    }

    /// The bytes that the lists take now.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let pairs = |row: &Row| row.open.capacity() + row.settled.capacity();
        let pairs: usize = self.rows.iter().map(pairs).sum();
        let rows = self.rows.len() * (size_of::<Row>() + size_of::<f32>());
        size_of::<Self>() + rows + (pairs + self.uppers.capacity()) * size_of::<(f32, u32)>()
    }

    /// Goes on where other lists of a row have ended: `known` are its nearest so far, and its limit is given already.
    pub fn resume(&mut self, row: usize, known: impl Iterator<Item = (f32, u32)>) {
        self.rows[row].settled.extend(known);
    }

    /// Exact distances so far.
    pub fn decided(&self) -> usize {
        self.decided
    }

    /// Adds a proposal for a row, unless it is beyond the row's limit: `value` is the lower end without the row's own part.
    pub fn push(&mut self, row: usize, value: f32, place: u32, ends: &Ends<'_>) {
        if value + ends.low[self.first + row] <= self.limits[row] {
            self.rows[row].open.push((value, place));
            if self.rows[row].open.len() >= self.rows[row].full {
                self.thin(row, ends);
            }
        }
    }

    /// Brings every limit to what the proposals say.
    pub fn narrow(&mut self, ends: &Ends<'_>) {
        for row in 0..self.rows.len() {
            self.thin(row, ends);
        }
    }

    /// Lets go of what cannot be among the nearest.
    fn thin(&mut self, row: usize, ends: &Ends<'_>) {
        let place = self.first + row;
        let (low, share) = (ends.low[place], ends.share[place]);
        let open = &mut self.rows[row].open;
        if open.len() >= self.k {
            self.uppers.clear();
            let upper = |&(value, other): &(f32, u32)| value + 2.0 * ends.share[other as usize];
            self.uppers.extend(open.iter().map(upper));
            let (_, kth, _) = self
                .uppers
                .select_nth_unstable_by(self.k - 1, f32::total_cmp);
            let limit = *kth + (low + 2.0 * share);
            self.limits[row] = self.limits[row].min(limit);
        }
        let limit = self.limits[row];
        open.retain(|(value, _)| value + low <= limit);
        if open.len() > LONG * self.k + PATIENCE {
            self.settle(row, ends);
        }
        let row = &mut self.rows[row];
        row.full = row.full.max(2 * row.open.len());
    }

    /// Decides the proposals of a row, the nearest first, as far as they may be among the nearest.
    fn settle(&mut self, row: usize, ends: &Ends<'_>) {
        let place = self.first + row;
        let low = ends.low[place];
        let Row { open, settled, .. } = &mut self.rows[row];
        open.sort_unstable_by(by_distance);
        let mut found = [(0.0, 0); 4];
        for some in open.chunks(found.len()) {
            // Those beyond the limit are at the end of the four, and change nothing.
            if some[0].0 + low > self.limits[row] {
                break;
            }
            ends.exact_of_some(place, some, &mut found);
            self.decided += some.len();
            for found in &found[..some.len()] {
                if settled.len() == self.k {
                    if settled
                        .last()
                        .is_some_and(|last| by_distance(last, found).is_lt())
                    {
                        continue;
                    }
                    settled.pop();
                }
                let at = settled.partition_point(|other| by_distance(other, found).is_lt());
                settled.insert(at, *found);
                if let Some(last) = settled.get(self.k - 1) {
                    self.limits[row] = self.limits[row].min(ends.limit(last.0));
                }
            }
        }
        open.clear();
    }

    /// The nearest of a row, decided: squared distances of the rows kept, and rows of the data.
    pub fn nearest(&mut self, row: usize, ends: &Ends<'_>) -> &[(f32, u32)] {
        self.settle(row, ends);
        &self.rows[row].settled
    }
}
