//! Logging and metrics: the only place where the daemon says something about itself.
//!
//! [`start`] sends what `tracing`'s macros say to standard error, or to the journal where standard error is the journal's, through a
//! bounded queue: a log that nobody reads costs lines, which are counted, and never time. Text from outside is cut and made harmless on the
//! way in, so no caller has to think of it; secrets must not be handed over at all.
//!
//! Metrics are the rows of [`table`]; there is no other way to name one.

mod fields;
mod journal;
mod layer;
mod line;
mod log_queue;
mod metric;
mod recorder;
mod sanitize;
pub mod table;

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::fields::Fields;
use self::layer::Lines;
use self::line::{Form, Line};
use self::log_queue::{LogQueue, LogSink};
use crate::clock::Clock;

pub use journal::Journal;
pub use line::Format;
pub use metric::{Counter, CounterSeries, Gauge, Histogram, HistogramSeries, Row, Shape};
pub use recorder::{Gauges, Metrics, metrics};
pub use sanitize::sanitized;

/// The variable that chooses what is logged, in `tracing`'s filter syntax: `info,revoked::api=debug`.
pub const FILTER: &str = "REVOKED_LOG";

/// How long the end of the program waits for its last lines to be read.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// How to log.
pub struct Setup {
    /// The form of a line.
    pub format: Format,
    /// What is logged where [`FILTER`] does not say.
    pub filter: String,
    /// Where to write instead of standard error: a progress bar that has to step aside for each line.
    pub output: Option<Box<dyn Write + Send>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            format: Format::default(),
            filter: "info".to_owned(),
            output: None,
        }
    }
}

/// Waits for the last lines when it is dropped; to be held by `main`.
#[must_use = "the last lines are lost without it"]
pub struct Guard(LogQueue);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.close(FLUSH_TIMEOUT);
    }
}

/// Starts logging, for the whole process and once.
///
/// # Errors
/// Where logging was started before, or the system refuses a thread.
pub fn start(setup: Setup, clock: &Clock) -> anyhow::Result<Guard> {
    let (form, sink) = destination(setup.format, setup.output);
    let (filter, complaint) = filter(variable(FILTER).as_deref(), &setup.filter);
    let (filter, replace) = reload::Layer::new(filter);
    let lines = lines(form, sink, clock)?;
    let guard = Guard(lines.queue.clone());
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("starting the log")?;
    // Logging is started once.
    let _ = REPLACE.set(replace);
    log_panics();
    if let Some(complaint) = complaint {
        tracing::warn!(
            error = complaint,
            "{FILTER} cannot be read and is ignored; write it like info,revoked::api=debug"
        );
    }
    Ok(guard)
}

/// By which the filter is replaced.
static REPLACE: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Logs by another filter from now on, where [`FILTER`] does not say what is logged.
///
/// # Errors
/// Where logging was not started.
pub fn set_filter(default: &str) -> anyhow::Result<()> {
    let (filter, _) = filter(variable(FILTER).as_deref(), default);
    let replace = REPLACE.get().context("logging was not started")?;
    replace.reload(filter).context("replacing the filter of the log")
}

/// Where lines go and in which form: the journal's protocol where standard error is the journal's and nothing else was asked for.
fn destination(format: Format, output: Option<Box<dyn Write + Send>>) -> (Form, LogSink) {
    let form = match format {
        Format::Json => Form::Json,
        Format::Human => Form::Human,
    };
    if let Some(output) = output {
        return (form, LogSink::Writer(output));
    }
    let is_journal = variable("JOURNAL_STREAM").is_some_and(|stream| journal::is_ours(&stream, std::io::stderr()));
    if is_journal
        && form == Form::Human
        && let Ok(journal) = Journal::connect()
    {
        return (Form::Journal, LogSink::Journal(journal));
    }
    (form, LogSink::Writer(Box::new(std::io::stderr())))
}

fn lines(form: Form, sink: LogSink, clock: &Clock) -> anyhow::Result<Lines> {
    let note_clock = clock.clone();
    let note = move |dropped: u64| {
        form.write(&Line {
            at: note_clock.now(),
            level: tracing::Level::WARN,
            message: &format!("{dropped} log lines were dropped because whoever reads them was too slow"),
            module: module_path!(),
            fields: &Fields::default(),
            spans: &[],
        })
    };
    let queue = LogQueue::start(sink, note).context("starting the thread that writes the log")?;
    Ok(Lines {
        form,
        clock: clock.clone(),
        queue,
    })
}

/// What a library says that no operator can use, unless it is asked for by name.
const QUIET: &str = "tokio_cron_scheduler=warn";

/// The filter that `wanted` asks for; what is wrong with it, where it is the default instead.
fn filter(wanted: Option<&str>, default: &str) -> (EnvFilter, Option<String>) {
    let quieter = |directives: &str| format!("{QUIET},{directives}");
    match wanted
        .filter(|wanted| !wanted.is_empty())
        .map(|wanted| EnvFilter::try_new(quieter(wanted)))
    {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(quieter(default)), Some(error.to_string())),
        None => (EnvFilter::new(quieter(default)), None),
    }
}

/// Panics become log lines, with the same care for what their text may hold.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place,
            error = panic.payload_as_str(),
            "a part of the daemon broke down; this is a defect"
        );
    }));
}

#[expect(clippy::disallowed_methods, reason = "this is one of the two places that the ban points to")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests;
