//! A line that somebody is asked for; and one that is typed and not shown: a secret that stands on no screen, in no scrollback and in no recording.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::terminal::shown;

// Keys as a terminal sends them where it neither edits a line nor makes signals of them.
const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const KILL: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Whether somebody sits at standard input who can be asked.
pub(in crate::cli) fn can_be_asked() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks on standard error and reads one line, which is shown as it is typed.
///
/// # Errors
/// Where standard input cannot be read.
pub(in crate::cli) fn line_typed(question: &str) -> std::io::Result<String> {
    let mut err = anstream::stderr().lock();
    write!(err, "{}", shown(question))?;
    err.flush()?;
    drop(err);
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    Ok(typed)
}

/// Asks on standard error and reads one line, of which the terminal shows nothing. Nothing where it is called off by Ctrl-C or Ctrl-D. What
/// is behind the end of the line, or beyond `longest` bytes and one, is dropped: it must not come out at the next prompt.
///
/// # Errors
/// Where the terminal cannot be told to hide it: then nothing is read.
pub(in crate::cli) fn hidden_line(question: &str, longest: usize) -> std::io::Result<Option<Vec<u8>>> {
    let hidden = Hidden::terminal()?;
    let mut err = anstream::stderr().lock();
    write!(err, "{}", shown(question))?;
    err.flush()?;
    let line = read(longest);
    drop(hidden);
    writeln!(err)?;
    line
}

fn read(longest: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::with_capacity(longest + 1);
    let mut portion = [0; 256];
    loop {
        let count = match rustix::io::read(std::io::stdin(), &mut portion) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for byte in portion.iter().take(count) {
            match *byte {
                b'\n' | b'\r' => return Ok(Some(line)),
                INTERRUPT => return Ok(None),
                END if line.is_empty() => return Ok(None),
                END => return Ok(Some(line)),
                // A character of several bytes is none that a credential has; what is left of it is refused.
                BACKSPACE | DELETE => drop(line.pop()),
                KILL => line.clear(),
                byte if line.len() <= longest => line.push(byte),
                _ => {}
            }
        }
    }
}

/// A terminal that shows nothing of what is typed. Dropped, it is as it was, also after Ctrl-C, which is a key like any other meanwhile.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn terminal() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.before);
    }
}
