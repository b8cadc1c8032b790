//! Standard output: coloured on a terminal, plain elsewhere, and no reason to panic when its reader leaves.

use std::io::{ErrorKind, IsTerminal, Stdout, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::mistake::Mistake;

pub const GOOD: Style = AnsiColor::Green.on_default();
pub const FAIL: Style = AnsiColor::Red.on_default().bold();
pub const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
pub const HINT: Style = AnsiColor::Cyan.on_default();
pub const HEAD: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();

/// Width assumed where there is no terminal to ask.
const WIDTH_ELSEWHERE: usize = 120;

/// Where results go. `NO_COLOR` and its relatives are respected.
pub struct Output {
    stream: AutoStream<Stdout>,
    /// The reader has gone, as `head` does: what is printed from now on goes nowhere.
    closed: bool,
}

impl Output {
    pub fn new() -> Output {
        Output { stream: anstream::stdout(), closed: false }
    }

    /// Prints, and sees to it that it is seen now.
    pub fn print(&mut self, text: &str) -> Result<(), Mistake> {
        if self.closed {
            return Ok(());
        }
        match self.stream.write_all(text.as_bytes()).and_then(|()| self.stream.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Mistake::new(format_args!("cannot write to standard output: {error}"))),
        }
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Columns of the terminal, or what is comfortable in a file.
    pub fn width(&self) -> usize {
        let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        terminal.map_or(WIDTH_ELSEWHERE, |(width, _)| usize::from(width.0))
    }
}
