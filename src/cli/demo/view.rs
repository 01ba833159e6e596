//! The demo as it happens: bars and lines on a terminal, plain lines with their time where the output goes elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::output::{line, plain};
use crate::demo::{Progress, StolenCredential};

/// Draws the progress.
pub(super) struct View {
    /// Whether lines go to standard output: not where one JSON object is to be all of it.
    lines: bool,
    bars: Option<MultiProgress>,
}

impl View {
    /// Bars are drawn on standard error, and only where a person sees both streams: a bar among piped lines helps nobody.
    pub(super) fn new(json: bool) -> Self {
        let seen = std::io::stderr().is_terminal() && (json || std::io::stdout().is_terminal());
        Self {
            lines: !json,
            bars: seen.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(15))),
        }
    }

    /// Where the log goes: around the bars, if there are any.
    pub(super) fn log(&self) -> Option<Box<dyn Write + Send>> {
        let bars = self.bars.clone()?;
        Some(Box::new(Aside(bars)))
    }

    /// Shows updates until there are no more.
    pub(super) async fn show(self, mut updates: UnboundedReceiver<Progress>) -> anyhow::Result<()> {
        let mut gauges = self.bars.as_ref().map(Gauges::new);
        while let Some(update) = updates.recv().await {
            match update {
                Progress::Line { after, text } if self.lines => {
                    let text = stamped(after, &text);
                    match &self.bars {
                        Some(bars) => bars.suspend(|| line(text))?,
                        None => line(text)?,
                    }
                }
                Progress::Line { after, text } => {
                    if let Some(bars) = &self.bars {
                        bars.println(stamped(after, &text))?;
                    }
                }
                Progress::StolenCredential {
                    credential,
                    ok,
                    refused,
                    status,
                } => {
                    if let Some(gauges) = &mut gauges {
                        gauges.credential(credential, ok, refused, status);
                    }
                }
                Progress::Cases { over, all } => {
                    if let Some(gauges) = &mut gauges {
                        gauges.cases(over, all);
                    }
                }
            }
        }
        if let Some(bars) = &self.bars {
            bars.clear()?;
        }
        Ok(())
    }
}

fn stamped(after: Duration, text: &str) -> String {
    format!("{:>7.3} s  {}", after.as_secs_f64(), plain(text))
}

/// One bar for each stolen thing, and one for the cases.
struct Gauges {
    credential: BTreeMap<StolenCredential, ProgressBar>,
    cases: ProgressBar,
    coloured: bool,
}

impl Gauges {
    fn new(bars: &MultiProgress) -> Self {
        let credential = StolenCredential::ALL.map(|credential| {
            let bar = bars.add(ProgressBar::new_spinner().with_style(style("  {prefix:22} {msg}")));
            bar.set_prefix(credential.to_string());
            (credential, bar)
        });
        let cases = bars.add(ProgressBar::new(1).with_style(style("  {prefix:22} [{bar:30}] {pos}/{len}")));
        cases.set_prefix("cases over");
        Self {
            credential: credential.into(),
            cases,
            coloured: anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never,
        }
    }

    fn credential(&mut self, credential: StolenCredential, ok: u64, refused: u64, status: u16) {
        let Some(bar) = self.credential.get(&credential) else { return };
        let colour = if status == 200 { AnsiColor::Red } else { AnsiColor::Green };
        let style = if self.coloured {
            Style::new().fg_color(Some(colour.into())).bold()
        } else {
            Style::new()
        };
        let word = if status == 200 { "gets in" } else { "is refused" };
        bar.set_message(format!(
            "{style}{status} {word:<10}{style:#}  worked {ok:>4}, refused {refused:>4}"
        ));
        bar.tick();
    }

    fn cases(&mut self, over: usize, all: usize) {
        self.cases.set_length(u64::try_from(all).unwrap_or_default());
        self.cases.set_position(u64::try_from(over).unwrap_or_default());
    }
}

/// A template of our own making; one that cannot be read would be a defect, and the plain bar is as good.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Standard error with the bars out of the way.
struct Aside(MultiProgress);

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_before_it() {
        assert_eq!(stamped(Duration::from_millis(12_345), "x\u{1b}[2J"), " 12.345 s  x\\u{1b}[2J");
    }
}
