//! What a command has printed elsewhere, printed here as it is.

use std::io::{self, ErrorKind, Write};

/// Standard output or standard error. Colours are left out where it is no terminal.
pub(in crate::cli) struct RawOutput {
    to: Box<dyn Write + Send>,
    read: bool,
}

impl RawOutput {
    pub(in crate::cli) fn standard() -> Self {
        Self::of(anstream::stdout())
    }

    pub(in crate::cli) fn error() -> Self {
        Self::of(anstream::stderr())
    }

    fn of(to: impl Write + Send + 'static) -> Self {
        Self {
            to: Box::new(to),
            read: true,
        }
    }

    /// Whether somebody may still read it.
    pub(in crate::cli) fn is_read(&self) -> bool {
        self.read
    }

    /// Prints a piece. A reader that went away (`| head`) is no error.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(in crate::cli) fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.read {
            return Ok(());
        }
        match self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.read = false;
                Ok(())
            }
            other => other,
        }
    }
}
