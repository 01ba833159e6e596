//! Colour by what a text means, never for itself: where there is no colour the words say the same.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// What a text means to who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Meaning {
    /// It is over and well: green.
    Good,
    /// It needs somebody, or failed: red.
    Bad,
    /// It waits, for a human or for its time: yellow.
    Waiting,
    /// It is there for completeness: faint.
    Quiet,
    /// What a line is about: bold.
    Strong,
}

impl Meaning {
    /// The style that shows it.
    pub(in crate::cli) fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Waiting => AnsiColor::Yellow.on_default(),
            Self::Quiet => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }

    /// The text in its colour. The streams drop the colour where there is none to be had: `NO_COLOR`, a pipe, a file.
    pub(in crate::cli) fn paint(self, text: impl Display) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }

    /// What a verdict means, by its word.
    pub(in crate::cli) fn of_verdict(word: &str) -> Self {
        match word {
            "contained" | "no_principal" | "released" => Self::Good,
            "residual" | "unverified" => Self::Waiting,
            _ => Self::Bad,
        }
    }

    /// What the state of a case, a job or a hold means, by its word.
    pub(in crate::cli) fn of_state(word: &str) -> Self {
        match word {
            "failed" => Self::Bad,
            "held" | "blocked" => Self::Waiting,
            "done" => Self::Good,
            "open" | "queued" | "running" => Self::Strong,
            _ => Self::Quiet,
        }
    }
}
