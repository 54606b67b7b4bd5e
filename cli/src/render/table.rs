//! Tables that fit: columns give way in a stated order instead of wrapping, and cells know how they may be shortened.
//!
//! comfy-table draws; what is cut where is decided here, because a wrapped file path is unreadable and its own
//! arrangement knows only wrapping.

use comfy_table::{
    Cell as Drawn, CellAlignment, Color, ContentArrangement, Table as Drawing, presets,
};

use super::fit::{printable, shorten_end, shorten_middle, width};

/// Spaces between columns.
const GAP: usize = 2;

/// How a cell's text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// Less important: null, `vector(1280)`.
    Dim,
    /// A name.
    Bold,
    /// A bar.
    Accent,
    /// Good.
    Good,
    /// Bad.
    Bad,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The whole text.
    pub text: String,
    /// How it stands out.
    pub tone: Tone,
}

impl Cell {
    /// A cell without emphasis.
    pub fn new(text: impl Into<String>) -> Cell {
        Cell {
            text: printable(&text.into()),
            tone: Tone::Plain,
        }
    }

    /// With emphasis.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Cell {
        self.tone = tone;
        self
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text)
    }
}

/// How a column gives way when the table is too wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Give {
    /// It keeps its width: numbers, ids.
    Never,
    /// Cut at the end, down to this width.
    End(usize),
    /// Cut in the middle, down to this width.
    Middle(usize),
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    title: String,
    give: Give,
    right: bool,
    /// Columns of the highest rank are left out first; rank 0 never is.
    rank: usize,
}

impl Column {
    /// A text column that is cut at the end, down to 8 columns.
    pub fn text(title: impl Into<String>) -> Column {
        Column {
            title: title.into(),
            give: Give::End(8),
            right: false,
            rank: 0,
        }
    }

    /// A column of numbers: to the right, never cut.
    pub fn number(title: impl Into<String>) -> Column {
        Column {
            title: title.into(),
            give: Give::Never,
            right: true,
            rank: 0,
        }
    }

    /// How it gives way.
    #[must_use]
    pub fn give(mut self, give: Give) -> Column {
        self.give = give;
        self
    }

    /// When it is left out: the highest rank first, rank 0 never.
    #[must_use]
    pub fn rank(mut self, rank: usize) -> Column {
        self.rank = rank;
        self
    }
}

/// A table to be drawn.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A drawn table, and the titles of the columns that did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// The lines.
    pub text: String,
    /// Columns left out, in their order.
    pub left_out: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Table {
        Table {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Draws it in `columns` (`None`: as wide as it needs), in colour or not.
    pub fn draw(&self, columns: Option<usize>, color: bool) -> Laid {
        let natural: Vec<usize> = (0..self.columns.len()).map(|c| self.natural(c)).collect();
        let (kept, widths) = self.fit(&natural, columns.unwrap_or(usize::MAX));
        let mut drawing = Drawing::new();
        drawing.load_style(presets::NOTHING);
        drawing.set_content_arrangement(ContentArrangement::Disabled);
        if color {
            drawing.enforce_styling();
        } else {
            drawing.force_no_tty();
        }
        let head = kept.iter().zip(&widths).map(|(&c, &w)| {
            let title = Cell {
                text: self.columns[c].title.clone(),
                tone: Tone::Dim,
            };
            self.drawn(&title, c, w)
        });
        drawing.add_row(head.collect::<Vec<_>>());
        for row in &self.rows {
            let blank = Cell::default();
            let cells = kept
                .iter()
                .zip(&widths)
                .map(|(&c, &w)| self.drawn(row.get(c).unwrap_or(&blank), c, w));
            drawing.add_row(cells.collect::<Vec<_>>());
        }
        let last = kept.len().saturating_sub(1);
        for (at, column) in drawing.column_iter_mut().enumerate() {
            column.set_padding((0, if at == last { 0 } else { GAP as u16 }));
        }
        let text = drawing
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect();
        let left_out = (0..self.columns.len())
            .filter(|c| !kept.contains(c))
            .map(|c| self.columns[c].title.clone())
            .collect();
        Laid { text, left_out }
    }

    fn drawn(&self, cell: &Cell, column: usize, columns: usize) -> Drawn {
        let text = match self.columns[column].give {
            Give::Middle(_) => shorten_middle(&cell.text, columns),
            _ => shorten_end(&cell.text, columns),
        };
        let drawn = Drawn::new(text).set_alignment(if self.columns[column].right {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
        match cell.tone {
            Tone::Plain => drawn,
            Tone::Dim => drawn.add_attribute(comfy_table::Attribute::Dim),
            Tone::Bold => drawn.add_attribute(comfy_table::Attribute::Bold),
            Tone::Accent => drawn.fg(Color::Cyan),
            Tone::Good => drawn.fg(Color::Green),
            Tone::Bad => drawn.fg(Color::Red),
        }
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| width(&cell.text));
        cells
            .max()
            .unwrap_or(0)
            .max(width(&self.columns[column].title))
    }

    /// The columns that stay and their widths.
    fn fit(&self, natural: &[usize], room: usize) -> (Vec<usize>, Vec<usize>) {
        let least = |c: usize| match self.columns[c].give {
            Give::Never => natural[c],
            Give::End(n) | Give::Middle(n) => natural[c].min(n.max(width(&self.columns[c].title))),
        };
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let gaps = |kept: &[usize]| GAP * kept.len().saturating_sub(1);
        while kept.iter().map(|&c| least(c)).sum::<usize>() + gaps(&kept) > room {
            let Some(worst) = kept
                .iter()
                .copied()
                .filter(|&c| self.columns[c].rank > 0)
                .max_by_key(|&c| (self.columns[c].rank, c))
            else {
                break;
            };
            kept.retain(|&c| c != worst);
        }
        let mut widths: Vec<usize> = kept.iter().map(|&c| natural[c]).collect();
        let room = room.saturating_sub(gaps(&kept));
        // The widest column that can give gives one, until all fit: long paths shrink before short names do.
        while widths.iter().sum::<usize>() > room {
            let widest = (0..kept.len())
                .filter(|&at| widths[at] > least(kept[at]))
                .max_by_key(|&at| (widths[at], at));
            match widest {
                Some(at) => widths[at] -= 1,
                None => break,
            }
        }
        (kept, widths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::number("#"),
            Column::text("filepath").give(Give::Middle(12)),
            Column::text("k20").give(Give::Never),
            Column::text("tags").rank(1),
            Column::text("id").give(Give::Never).rank(2),
        ]);
        for (n, path) in ["/home/me/photos/2024/beach-01.jpg", "b.jpg"]
            .iter()
            .enumerate()
        {
            table.row(vec![
                (n + 1).to_string().into(),
                Cell::new(*path),
                "7".into(),
                Cell::new("null").tone(Tone::Dim),
                "65f0aaaaaaaaaaaaaaaaaaa1".into(),
            ]);
        }
        table
    }

    #[test]
    fn a_wide_terminal_shows_everything() {
        insta::assert_snapshot!(table().draw(None, false).text);
    }

    #[test]
    fn a_narrow_terminal_leaves_out_by_rank_and_shortens_paths() {
        let laid = table().draw(Some(40), false);
        assert_eq!(laid.left_out, ["id"]);
        insta::assert_snapshot!(laid.text);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 30..100 {
            let laid = table().draw(Some(columns), false);
            assert!(
                laid.text.lines().all(|line| width(line) <= columns),
                "{columns}: {}",
                laid.text
            );
        }
    }
}
