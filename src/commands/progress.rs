//! A bar for what takes longer than a second: one line on standard error, on a terminal only, gone when it is done.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::script::Meter;
use crate::terminal::columns;

/// How long something may take before the bar is shown, and how often it is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_millis(100);

thread_local! {
    /// When the bar was last drawn, if it can be seen now.
    static DRAWN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Shows how far a script is, on a terminal.
pub(super) fn meter() -> Meter {
    let is_seen = io::stderr().is_terminal();
    let mut since = Instant::now();
    Box::new(move |done, total| {
        if !is_seen {
            return;
        }
        if done <= 1 {
            since = Instant::now();
        }
        if done >= total {
            return clear();
        }
        let is_due = DRAWN
            .get()
            .map_or(since.elapsed() > PATIENCE, |last| last.elapsed() > PACE);
        if is_due {
            let _ = write!(io::stderr(), "\r{}\x1b[K", bar(done, total, columns()));
            DRAWN.set(Some(Instant::now()));
        }
    })
}

/// Takes the bar away, for what is to be written.
pub(super) fn clear() {
    if DRAWN.take().is_some() {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}

/// `[=====     ] 421/1000`, within a width.
fn bar(done: u64, total: u64, columns: usize) -> String {
    let count = format!(" {done}/{total}");
    let room = columns.saturating_sub(count.len() + 3).min(40);
    let full = usize::try_from(done.min(total) * room as u64 / total.max(1)).unwrap_or(room);
    format!("[{}{}]{count}", "=".repeat(full), " ".repeat(room - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        assert_eq!(bar(5, 10, 80), format!("[{}{}] 5/10", "=".repeat(20), " ".repeat(20)));
        assert_eq!(bar(1, 2, 13), "[===   ] 1/2".to_string());
        assert_eq!(bar(0, 0, 5), "[] 0/0");
        assert_eq!(bar(9, 3, 80).len(), 42 + " 9/3".len());
    }
}
