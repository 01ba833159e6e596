//! A screen that is drawn over and over: the terminal's second one, given back as it was.

use std::io::{IsTerminal as _, Write as _};

use super::terminal::shown;

/// The second screen of the terminal. Dropped, the first one is back.
#[derive(Debug)]
pub(in crate::cli) struct Screen {
    colour: bool,
}

impl Screen {
    /// Borrows the terminal; nothing where standard output is none that can be drawn on.
    pub(in crate::cli) fn borrowed() -> Option<Self> {
        let out = std::io::stdout();
        let can_draw = out.is_terminal() && can_be_drawn_on();
        can_draw.then(|| {
            let colour = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
            let _ = write(&format!("{ENTER}{HIDE_CURSOR}"));
            Self { colour }
        })
    }

    /// Its columns and lines now: a window changes its size.
    pub(in crate::cli) fn size() -> Option<(u16, u16)> {
        terminal_size::terminal_size().map(|(width, height)| (width.0, height.0))
    }

    /// Draws lines that fit, in the place of those before.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(in crate::cli) fn draw(&self, lines: &[String]) -> std::io::Result<()> {
        let mut frame = String::from(HOME);
        for (place, line) in lines.iter().enumerate() {
            let line = shown(line);
            if place > 0 {
                frame.push_str("\r\n");
            }
            // Before the text: behind one that fills the line many terminals would erase its last character.
            frame.push_str(if place + 1 == lines.len() {
                REST_OF_SCREEN
            } else {
                REST_OF_LINE
            });
            if self.colour {
                frame.push_str(&line);
            } else {
                frame.push_str(&anstream::adapter::strip_str(&line).to_string());
            }
        }
        if lines.is_empty() {
            frame.push_str(REST_OF_SCREEN);
        }
        write(&frame)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write(&format!("{SHOW_CURSOR}{LEAVE}"));
    }
}

// ECMA-48, and the private modes of xterm that every terminal of today knows.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const HOME: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// Past the streams that drop what is no colour: these bytes are for a terminal only.
fn write(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether the terminal can be drawn on, by what it calls itself.
fn can_be_drawn_on() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}
