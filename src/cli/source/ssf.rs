//! `revoked source ssf`: makes a stream at a transmitter, shows it, tries it and ends it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::cli::output::{json, line, plain};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::StoredState;
use crate::model::{Subject, Timestamp};
use crate::sources::ssf::{self, Connected, Stream, StreamState, VerificationRequest};
use crate::store::Store;

/// How often the store is looked at for an answer.
const LOOK: Duration = Duration::from_millis(200);

/// `revoked source ssf …`
#[derive(Debug, Clone, Subcommand)]
pub enum SsfCommand {
    /// Make the stream at the transmitter, or take over the one that there is, and show what will come
    #[command(after_help = "Example: revoked source ssf connect idp\n\n\
        Exit codes: 0 connected; 1 the transmitter refused or could not be reached; 6 connected, but as things are no event will be taken.")]
    Connect {
        /// The source
        name: String,
        /// Add a subject to the stream: email:alice@example.org, or an RFC 9493 object as JSON
        #[arg(long, value_name = "SUBJECT", value_parser = identifier)]
        add_subject: Vec<Value>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the stream: as we know it and as the transmitter has it
    #[command(after_help = "Example: revoked source ssf status idp --json\n\n\
        Exit codes: 0 enabled; 1 the transmitter could not be asked; 6 no stream, not enabled, or its last verification is not answered.")]
    Status {
        /// The source
        name: String,
        /// Set the status at the transmitter first
        #[arg(long, value_parser = ["enabled", "paused", "disabled"])]
        set: Option<String>,
        /// Why it is set, for the transmitter's log
        #[arg(long, requires = "set")]
        reason: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask the transmitter to prove that the stream is alive, and wait for the proof
    #[command(after_help = "Example: revoked source ssf verify idp\n\n\
        Exit codes: 0 the proof came; 1 the transmitter refused; 15 it did not come in the time given (is the daemon running?).")]
    Verify {
        /// The source
        name: String,
        /// How long to wait for it, in seconds
        #[arg(long, default_value_t = 60)]
        timeout: u64,
    },
    /// Add subjects to the stream, for a transmitter that sends about nobody else
    #[command(after_help = "Example: revoked source ssf add-subject idp email:alice@example.org")]
    AddSubject {
        /// The source
        name: String,
        /// The subjects: email:alice@example.org, or an RFC 9493 object as JSON
        #[arg(required = true, value_parser = identifier)]
        subjects: Vec<Value>,
    },
    /// Take subjects out of the stream
    #[command(after_help = "Example: revoked source ssf remove-subject idp email:alice@example.org")]
    RemoveSubject {
        /// The source
        name: String,
        /// The subjects: email:alice@example.org, or an RFC 9493 object as JSON
        #[arg(required = true, value_parser = identifier)]
        subjects: Vec<Value>,
    },
    /// Delete the stream at the transmitter: nothing comes from there any more
    #[command(after_help = "Example: revoked source ssf disconnect idp")]
    Disconnect {
        /// The source
        name: String,
    },
}

/// Runs `revoked source ssf …`.
///
/// # Errors
/// What the transmitter said, or a store or config that cannot be read.
pub(super) async fn run(command: &SsfCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        SsfCommand::Connect { name, add_subject, json } => connect(&StreamContext::of(name, at).await?, add_subject, *json).await,
        SsfCommand::Status { name, set, reason, json } => {
            let context = StreamContext::of(name, at).await?;
            if let Some(status) = set {
                context
                    .stream
                    .set_status(&context.made().await?, status, reason.as_deref())
                    .await?;
            }
            status(&context, *json).await
        }
        SsfCommand::Verify { name, timeout } => verify(&StreamContext::of(name, at).await?, Duration::from_secs(*timeout)).await,
        SsfCommand::AddSubject { name, subjects } => {
            let context = StreamContext::of(name, at).await?;
            let made = context.made().await?;
            for subject in subjects {
                context.stream.add_subject(&made, subject).await?;
            }
            line(format!("{} added", subjects.len()))?;
            Ok(Exit::Ok)
        }
        SsfCommand::RemoveSubject { name, subjects } => {
            let context = StreamContext::of(name, at).await?;
            let made = context.made().await?;
            for subject in subjects {
                context.stream.remove_subject(&made, subject).await?;
            }
            line(format!("{} removed", subjects.len()))?;
            Ok(Exit::Ok)
        }
        SsfCommand::Disconnect { name } => {
            let context = StreamContext::of(name, at).await?;
            let made = context.made().await?;
            context.stream.disconnect(&made).await?;
            let steps = StreamState::forget(&context.state).await?;
            context.store.change_state(&context.name, steps, operator()).await?;
            line(format!(
                "stream {} is deleted; nothing comes from there any more",
                plain(&made.id)
            ))?;
            Ok(Exit::Ok)
        }
    }
}

/// A command's place beside the daemon: the store, and the stream of one source.
struct StreamContext {
    name: String,
    store: Store,
    state: StoredState,
    stream: Arc<Stream>,
}

impl StreamContext {
    async fn of(name: &str, at: &StoreArgs) -> anyhow::Result<Self> {
        let config = Config::load(&at.config, &Clock::system())?;
        let source = config.sources.iter().find(|source| source.name == name);
        let source = source.with_context(|| format!("no source is called {name:?}; see revoked source list"))?;
        let stream = ssf::stream_of(&source.source).with_context(|| {
            format!(
                "source {name} is of the kind {}; only a source of the kind ssf has a stream of its own",
                source.kind
            )
        })?;
        let store = at.open().await?;
        Ok(Self {
            name: name.to_owned(),
            state: StoredState::new(&store, name),
            store,
            stream,
        })
    }

    /// The stream that the source has.
    async fn made(&self) -> anyhow::Result<StreamState> {
        let made = StreamState::recall(&self.state).await?;
        made.with_context(|| format!("source {0} has no stream yet; run revoked source ssf connect {0}", self.name))
    }
}

#[derive(Serialize)]
struct Outcome<'a> {
    source: &'a str,
    way: &'a str,
    stream: &'a StreamState,
    missing: &'a [String],
    warnings: Vec<&'a str>,
    usable: bool,
}

async fn connect(context: &StreamContext, subjects: &[Value], as_json: bool) -> anyhow::Result<Exit> {
    let connected = context.stream.connect(&context.state).await?;
    context
        .store
        .change_state(&context.name, vec![connected.made.keep()?], operator())
        .await
        .context("the stream is made, but could not be remembered; run connect again")?;
    for subject in subjects {
        context.stream.add_subject(&connected.made, subject).await?;
    }
    let usable = connected.found.iter().all(|found| !found.fatal);
    if as_json {
        json(&Outcome {
            source: &context.name,
            way: connected.way.word(),
            stream: &connected.made,
            missing: &connected.missing,
            warnings: connected.found.iter().map(|found| found.what.as_str()).collect(),
            usable,
        })?;
    } else {
        tell(&connected, subjects.len())?;
    }
    Ok(if usable { Exit::Ok } else { Exit::Findings })
}

fn tell(connected: &Connected, subjects: usize) -> anyhow::Result<()> {
    let made = &connected.made;
    line(format!(
        "stream {} {}, by {}",
        plain(&made.id),
        connected.way.word(),
        made.method.word()
    ))?;
    if let Some(endpoint) = &made.endpoint {
        line(format!("endpoint: {}", plain(endpoint)))?;
    }
    line(format!("audience: {}", plain(&made.aud.join(", "))))?;
    if subjects > 0 {
        line(format!("subjects: {subjects} added"))?;
    }
    line("will come:")?;
    for event in &made.delivered {
        line(format!("  {}", plain(event)))?;
    }
    if !connected.missing.is_empty() {
        line("asked for, and will not come:")?;
        for event in &connected.missing {
            line(format!("  {}", plain(event)))?;
        }
    }
    for found in &connected.found {
        let word = if found.fatal { "wrong" } else { "note" };
        line(format!("{word}: {}", plain(&found.what)))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct StreamStatus<'a> {
    source: &'a str,
    stream: &'a StreamState,
    status: Option<String>,
    reason: Option<String>,
    delivered: Vec<String>,
    verified_at: Option<Timestamp>,
    unanswered_since: Option<Timestamp>,
}

async fn status(context: &StreamContext, as_json: bool) -> anyhow::Result<Exit> {
    let Some(made) = StreamState::recall(&context.state).await? else {
        if as_json {
            json(&serde_json::json!({"source": context.name, "stream": null}))?;
            return Ok(Exit::Findings);
        }
        line(format!(
            "source {0} has no stream yet; run revoked source ssf connect {0}",
            context.name
        ))?;
        return Ok(Exit::Findings);
    };
    let (stream, status) = context.stream.as_it_is(&made).await?;
    let (status, reason) = status.unzip();
    let standing = StreamStatus {
        source: &context.name,
        stream: &made,
        status,
        reason: reason.flatten(),
        delivered: stream.delivered,
        verified_at: ssf::verified_at(&context.state).await?,
        unanswered_since: VerificationRequest::unanswered_since(&context.state).await?,
    };
    let late = standing
        .unanswered_since
        .is_some_and(|at| Clock::system().now().since(at) > ssf::PATIENCE);
    let stopped = standing.status.as_ref().is_some_and(|status| status != "enabled");
    if as_json {
        json(&standing)?;
    } else {
        let said = standing.status.as_deref().unwrap_or("not told by the transmitter");
        let reason = standing
            .reason
            .as_ref()
            .map_or(String::new(), |reason| format!(" ({reason})"));
        line(format!(
            "stream {}, by {}: {}",
            plain(&made.id),
            made.method.word(),
            plain(&format!("{said}{reason}"))
        ))?;
        let time = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        line(format!("last proved alive: {}", time(standing.verified_at)))?;
        if let Some(since) = standing.unanswered_since {
            line(format!("asked to prove it and not answered: {since}"))?;
        }
        line("will come:")?;
        for event in &standing.delivered {
            line(format!("  {}", plain(event)))?;
        }
    }
    Ok(if stopped || late { Exit::Findings } else { Exit::Ok })
}

async fn verify(context: &StreamContext, patience: Duration) -> anyhow::Result<Exit> {
    let made = context.made().await?;
    let (state, steps) = context.stream.new_question(&context.state).await?;
    // Stored first: the answer may be here before the transmitter has told us that it will come.
    context.store.change_state(&context.name, steps, operator()).await?;
    context.stream.ask(&made, &state).await?;
    let until = Instant::now() + patience;
    loop {
        let asked = VerificationRequest::recall(&context.state, &state).await?;
        if let Some(at) = asked.and_then(|asked| asked.answered_at) {
            line(format!("the stream is alive: proved at {at}"))?;
            return Ok(Exit::Ok);
        }
        if Instant::now() >= until {
            line(format!(
                "no proof came within {} s; is the daemon running, and can the transmitter reach it?",
                patience.as_secs()
            ))?;
            return Ok(Exit::Waiting);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Reads a subject: one of ours, or an RFC 9493 object.
fn identifier(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        let read: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        return match read.get("format") {
            Some(Value::String(_)) => Ok(read),
            _ => Err("an RFC 9493 object needs the member format".to_owned()),
        };
    }
    let subject: Subject = text.parse().map_err(|error| format!("{error}"))?;
    ssf::subject_identifier(&subject)
        .ok_or_else(|| "no standard format can say this name to a transmitter; write the RFC 9493 object".to_owned())
}
