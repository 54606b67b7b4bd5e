//! Progress bars: a thread looks at the open steps ten times a second and draws them on stderr; the work never waits.
//!
//! Nothing is drawn for work that is over within a quarter of a second, on a pipe, or with `--quiet`.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use messier_engine::context::{Position, Progress};

use crate::output::{Stream, Terminal};
use crate::render::number::{duration, grouped};

const PATIENCE: Duration = Duration::from_millis(250);
const EVERY: Duration = Duration::from_millis(100);

/// A running display; it goes away when dropped.
#[derive(Debug)]
pub struct Display {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Watches `progress` on the terminal; does nothing where nobody would see it.
    pub fn watch(progress: &Arc<Progress>, terminal: &Terminal) -> Display {
        let idle = Display {
            end: None,
            thread: None,
        };
        if terminal.quiet || !terminal.look.err_tty {
            return idle;
        }
        let (end, over) = mpsc::channel();
        let progress = Arc::clone(progress);
        let target = OurTerm {
            stream: terminal.err_stream(),
            width: u16::try_from(terminal.look.width.unwrap_or(80)).unwrap_or(80),
        };
        let color = terminal.look.color;
        let draw = move || {
            if over.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let mut bars = Bars::new(target, color);
            loop {
                bars.show(&progress.positions());
                if over.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    bars.clear();
                    return;
                }
            }
        };
        match std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(draw)
        {
            Ok(thread) => Display {
                end: Some(end),
                thread: Some(thread),
            },
            // No thread to spare: the work matters more than its picture.
            Err(_) => idle,
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// One bar a depth; steps at the same depth follow each other in it.
struct Bars {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    color: bool,
}

impl Bars {
    fn new(target: OurTerm, color: bool) -> Bars {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(target), 15);
        Bars {
            all: MultiProgress::with_draw_target(target),
            bars: Vec::new(),
            color,
        }
    }

    fn show(&mut self, positions: &[Position]) {
        for bar in self.bars.drain(positions.len().min(self.bars.len())..) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        for (at, position) in positions.iter().enumerate() {
            if self.bars.len() <= at {
                self.bars
                    .push(self.all.add(ProgressBar::new(position.total)));
            }
            let bar = &self.bars[at];
            bar.set_style(style(position.total > 0, self.color));
            bar.set_prefix(format!("{}{}", "  ".repeat(position.depth), position.name));
            bar.set_message(describe(position));
            bar.set_length(position.total.max(1));
            bar.set_position(position.done.min(position.total.max(1)));
            bar.tick();
        }
    }

    fn clear(&mut self) {
        self.bars.drain(..).for_each(|bar| bar.finish_and_clear());
        self.all.clear().ok();
    }
}

fn style(known: bool, color: bool) -> ProgressStyle {
    let template = match (known, color) {
        (true, true) => "{prefix:16!} {bar:24.cyan/dim} {msg}",
        (true, false) => "{prefix:16!} {bar:24} {msg}",
        (false, _) => "{prefix:16!} {spinner} {msg}",
    };
    // The templates are constants that a test draws; the fallback only satisfies the type.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

/// `1,204 / 1,899  63 %  210/s  3.2 s left`.
fn describe(position: &Position) -> String {
    let seconds = position.elapsed.as_secs_f64();
    let rate = position.done as f64 / seconds.max(1e-3);
    let speed = match rate {
        r if position.done == 0 || seconds < 0.2 || !r.is_finite() => String::new(),
        r if r >= 10.0 => format!("  {}/s", grouped(r.round() as u64)),
        r => format!("  {r:.1}/s"),
    };
    if position.total == 0 {
        let done = if position.done > 0 {
            grouped(position.done) + "  "
        } else {
            String::new()
        };
        return format!("{done}{}{speed}", duration(seconds));
    }
    let done = position.done.min(position.total);
    let left = (position.total - done) as f64 / rate;
    let left = if speed.is_empty() || !left.is_finite() || done == position.total {
        String::new()
    } else {
        format!("  {} left", duration(left))
    };
    format!(
        "{} / {}  {} %{speed}{left}",
        grouped(done),
        grouped(position.total),
        100 * done / position.total
    )
}

/// A terminal that indicatif draws on: ours, which may be another process's.
struct OurTerm {
    stream: Stream,
    width: u16,
}

impl fmt::Debug for OurTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OurTerm")
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

impl OurTerm {
    fn put(&self, text: &str) -> io::Result<()> {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(text.as_bytes())
    }

    fn moved(&self, n: usize, direction: char) -> io::Result<()> {
        if n == 0 {
            Ok(())
        } else {
            self.put(&format!("\u{1b}[{n}{direction}"))
        }
    }
}

impl TermLike for OurTerm {
    fn width(&self) -> u16 {
        self.width
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[2K")
    }
    fn flush(&self) -> io::Result<()> {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Heard, Look};

    fn position(done: u64, total: u64, seconds: f64) -> Position {
        Position {
            name: "embed",
            done,
            total,
            depth: 0,
            elapsed: Duration::from_secs_f64(seconds),
        }
    }

    #[test]
    fn a_line_says_how_much_how_fast_and_how_long() {
        assert_eq!(
            describe(&position(1204, 1899, 5.7)),
            "1,204 / 1,899  63 %  211/s  3.3 s left"
        );
        assert_eq!(describe(&position(0, 1899, 0.1)), "0 / 1,899  0 %");
        assert_eq!(describe(&position(5, 5, 2.0)), "5 / 5  100 %  2.5/s");
        assert_eq!(describe(&position(0, 0, 2.0)), "2.0 s");
    }

    #[test]
    fn nothing_is_drawn_on_a_pipe() {
        let (terminal, heard) = Heard::terminal(Look::plain(None), "");
        let display = Display::watch(&Arc::default(), &terminal);
        assert!(display.thread.is_none());
        drop(display);
        assert_eq!(heard.err(), "");
    }

    #[test]
    fn bars_draw_nested_steps_and_leave_nothing_behind() {
        let mut look = Look::plain(Some(80));
        look.err_tty = true;
        let (terminal, heard) = Heard::terminal(look, "");
        let mut bars = Bars::new(
            OurTerm {
                stream: terminal.err_stream(),
                width: 80,
            },
            true,
        );
        let mut inner = position(3, 0, 1.0);
        inner.depth = 1;
        bars.show(&[position(10, 20, 1.0), inner]);
        bars.show(&[position(20, 20, 2.0)]);
        bars.clear();
        assert!(heard.err().contains("embed"), "{:?}", heard.err());
    }
}
