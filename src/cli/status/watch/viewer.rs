//! Whoever watches: the window, its keys, and the signals that end it or give it another size.

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::output::Screen;

/// How often it is drawn.
const EVERY: Duration = Duration::from_secs(1);

/// What whoever watches wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// To see how it is now.
    More,
    /// To see nothing any more.
    End,
    /// A digit was typed.
    Digit(char),
    /// What was typed last is taken back.
    Less,
    /// What was typed is meant.
    This,
    /// To be where they came from: `q`.
    Back,
}

/// Whoever watches. Dropped, the terminal is as it was.
pub(super) struct Viewer {
    window: Option<Screen>,
    keys: Option<Keys>,
    ends: [Signal; 3],
    resized: Signal,
}

impl Viewer {
    /// Borrows the terminal, unless what is printed is for programs.
    ///
    /// # Errors
    /// Where the system does not tell of signals.
    pub(super) fn begin(for_programs: bool) -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("listening for signals");
        // Before the terminal is another one: a signal then must find somebody who gives it back.
        let ends = [
            of(SignalKind::interrupt())?,
            of(SignalKind::terminate())?,
            of(SignalKind::hangup())?,
        ];
        let resized = of(SignalKind::window_change())?;
        let window = if for_programs { None } else { Screen::borrowed() };
        let keys = window.as_ref().and_then(|_| Keys::listen());
        Ok(Self {
            window,
            keys,
            ends,
            resized,
        })
    }

    /// Whether there is a window to draw in.
    pub(super) const fn has_window(&self) -> bool {
        self.window.is_some()
    }

    /// Draws the lines that fit so many columns and lines.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn draw(&self, lines: impl FnOnce(usize, usize) -> Vec<String>) -> anyhow::Result<()> {
        let Some(window) = &self.window else { return Ok(()) };
        let (width, height) = Screen::size().unwrap_or((80, 24));
        Ok(window.draw(&lines(width.into(), height.into()))?)
    }

    /// Waits until it is to be drawn again, or whoever watches wants something else.
    pub(super) async fn wants(&mut self) -> Wants {
        let [interrupt, terminate, hangup] = &mut self.ends;
        let key = async {
            match &mut self.keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Wants::End,
            _ = terminate.recv() => Wants::End,
            _ = hangup.recv() => Wants::End,
            _ = self.resized.recv() => Wants::More,
            key = key => match key {
                b'q' | b'Q' => Wants::Back,
                b'0'..=b'9' => Wants::Digit(char::from(key)),
                b'\n' | b'\r' => Wants::This,
                8 | 127 => Wants::Less,
                _ => Wants::More,
            },
            () = tokio::time::sleep(EVERY) => Wants::More,
        }
    }

    /// Waits until it is to be told again; whether it is to stop instead.
    pub(super) async fn stops(&mut self) -> bool {
        matches!(self.wants().await, Wants::End | Wants::Back)
    }
}

/// The keys, each when it is typed. Dropped, the terminal takes whole lines again.
struct Keys {
    before: Termios,
    typed: UnboundedReceiver<u8>,
}

impl Keys {
    /// Listens, where standard input is a terminal.
    fn listen() -> Option<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // Whoever stops it would be left with our screen: Ctrl-C ends it and gives theirs back.
        for stops in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            modes.special_codes[stops] = 0;
        }
        (
            modes.special_codes[SpecialCodeIndex::VMIN],
            modes.special_codes[SpecialCodeIndex::VTIME],
        ) = (1, 0);
        tcsetattr(&input, OptionalActions::Now, &modes).ok()?;
        let (sender, typed) = unbounded_channel();
        // A read of the terminal cannot be called off: the thread ends with the program.
        std::thread::spawn(move || {
            let mut key = [0];
            while let Ok(1) = input.lock().read(&mut key) {
                if sender.send(key[0]).is_err() {
                    return;
                }
            }
        });
        Some(Self { before, typed })
    }

    /// The next key; never, where no more can come.
    async fn next(&mut self) -> u8 {
        match self.typed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
