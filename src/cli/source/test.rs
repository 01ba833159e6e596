//! `revoked source test`: what a payload would lead to. Nothing is stored, and no target is asked.

use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use serde::Serialize;

use crate::cli::input::read_input;
use crate::cli::output::{json, line, plain};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::{Config, SourceConfig};
use crate::model::{Delivery, Receipt, Scope, Signal, Timestamp, When};
use crate::policy::{Class, Decision, Facts, Work};
use crate::sources::{NoState, Push, Received, Rejection};

/// The largest payload that is tried.
const LARGEST: u64 = 16 << 20;

/// `revoked source test`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked source test soar --payload request.json
  revoked source test soar --payload request.json --header 'webhook-id: msg_1' --json
  revoked source test idp --payload token.jwt --header 'Content-Type: application/secevent+jwt'

Without --signed the payload of a webhook is read whoever sent it. What proves the sender of any other source is part of what it sends, \
and is checked.")]
pub struct TestArgs {
    /// The source's name
    name: String,
    /// The file with the body, as the sender sends it; - for standard input
    #[arg(long, value_name = "FILE")]
    payload: PathBuf,
    /// A header that the sender sends; may stand several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Check the signature or secret in the headers too
    #[arg(long)]
    signed: bool,
    /// The HTTP method
    #[arg(long, default_value = "POST")]
    method: Method,
    /// The path below the source's own, where the sender uses one
    #[arg(long, value_name = "PATH")]
    below: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write a header as NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| "this is not the name of a header")?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| "a header's value is plain text on one line")?;
    Ok((name, value))
}

/// What would become of a payload.
#[derive(Serialize)]
struct Tried {
    source: String,
    kind: &'static str,
    /// Whether what proves the sender was checked.
    proved: bool,
    /// The HTTP status of the answer.
    status: u16,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    /// The body of an answer that is no acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    signals: Vec<Shown>,
    /// Parts that could not be read, beside others that could.
    unreadable: Vec<Unreadable>,
    /// What a person would be told.
    alerts: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    kind: &'static str,
    summary: String,
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Unreadable {
    place: String,
    why: String,
}

/// One signal, and what policy would make of it.
#[derive(Serialize)]
struct Shown {
    key: String,
    subject: Vec<String>,
    reason: &'static str,
    priority: u8,
    #[serde(flatten)]
    scope: Scope,
    occurred_at: Option<Timestamp>,
    asks_for: Option<Timestamp>,
    requested_by: Option<String>,
    note: Option<String>,
    decision: &'static str,
    /// Its source only rehearses: that is what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rehearsed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    playbook: Option<String>,
    targets: Vec<String>,
    due: Option<Timestamp>,
}

/// Runs `revoked source test`.
///
/// # Errors
/// A config that is wrong, a source that nobody posts to, a payload that cannot be read.
pub(super) async fn run(args: &TestArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let config = Config::load(&at.config, &clock)?;
    let source = config.sources.iter().find(|source| source.name == args.name);
    let source = source.with_context(|| format!("no source is called {:?}; see revoked source list", args.name))?;
    let push = source.source.push();
    let push = push.with_context(|| format!("nothing is posted to the source {}, so there is nothing to try", args.name))?;
    let body = read_input(&args.payload, LARGEST).context("reading the payload")?;
    anyhow::ensure!(
        body.len() as u64 <= LARGEST,
        "the payload is larger than {} MiB",
        LARGEST >> 20
    );
    let request = request(args, body)?;
    let (proved, mut read) = read(push.as_ref(), args, &request).await;
    if let Ok(Received::Delivery(delivery) | Received::Answered(delivery, _)) = &mut read {
        name_all(delivery, at).await?;
    }
    let tried = tried(&config, source, push.as_ref(), proved, read, clock.now());
    let exit = if tried.refused.is_some() { Exit::Rejected } else { Exit::Ok };
    if args.json {
        json(&tried)?;
    } else {
        show(&tried)?;
    }
    Ok(exit)
}

fn request(args: &TestArgs, body: Vec<u8>) -> anyhow::Result<Request<Bytes>> {
    let below = args
        .below
        .as_deref()
        .map(|below| format!("/{}", below.trim_start_matches('/')));
    let uri = format!("/signals/{}{}", args.name, below.unwrap_or_default());
    let mut request = Request::builder().method(args.method.clone()).uri(uri);
    for (name, value) in &args.headers {
        request = request.header(name, value);
    }
    if args.headers.iter().all(|(name, _)| name != CONTENT_TYPE) {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Bytes::from(body)).context("making a request of the payload")
}

/// What the source reads, and whether what proves the sender was checked.
async fn read(push: &dyn Push, args: &TestArgs, request: &Request<Bytes>) -> (bool, Result<Received, Rejection>) {
    if !args.signed
        && let Some(read) = push.read_unproven(request)
    {
        return (false, read);
    }
    (true, push.receive(request, &NoState).await)
}

/// Names each person by every name that the store links, as policy is asked about people.
async fn name_all(delivery: &mut Delivery, at: &StoreArgs) -> anyhow::Result<()> {
    let Some(store) = at.open_if_there().await? else {
        return Ok(());
    };
    for signal in &mut delivery.signals {
        signal.subject = store.with_known_names(&signal.subject).await?;
    }
    store.close().await;
    Ok(())
}

fn tried(
    config: &Config,
    source: &SourceConfig,
    push: &dyn Push,
    proved: bool,
    read: Result<Received, Rejection>,
    now: Timestamp,
) -> Tried {
    let mut tried = Tried {
        source: source.name.clone(),
        kind: source.kind,
        proved,
        status: 0,
        refused: None,
        reply: None,
        signals: Vec::new(),
        unreadable: Vec::new(),
        alerts: Vec::new(),
    };
    let (delivery, answer) = match read {
        Ok(Received::Delivery(delivery)) => {
            let answer = push.accepted(&Receipt::default());
            (Some(delivery), answer)
        }
        Ok(Received::Answered(delivery, answer)) => (Some(delivery), answer),
        Ok(Received::Reply(answer)) => (None, answer),
        Err(rejection) => {
            tried.status = push.rejected(&rejection).status().as_u16();
            tried.refused = Some(Refused {
                code: rejection.code,
                why: rejection.description,
            });
            return tried;
        }
    };
    tried.status = answer.status().as_u16();
    let text = String::from_utf8_lossy(answer.body());
    tried.reply = (!text.is_empty()).then(|| text.into_owned());
    if let Some(delivery) = delivery {
        tried.signals = decided(config, &delivery, now);
        let unreadable = delivery.refused.into_iter().map(|part| Unreadable {
            place: part.place,
            why: part.why,
        });
        tried.unreadable = unreadable.collect();
        let raised = delivery.alarms.into_iter().filter_map(|alarm| {
            Some(Told {
                kind: alarm.kind.word(),
                summary: alarm.summary?,
            })
        });
        tried.alerts = raised.collect();
    }
    tried
}

/// What policy would make of each signal, were it the first that the source ever sent.
fn decided(config: &Config, delivery: &Delivery, now: Timestamp) -> Vec<Shown> {
    let leaves = |signal: &&Signal| signal.scope == Scope::Everything && Class::of(signal.reason) == Some(Class::Departures);
    let facts = Facts {
        delivery_departures: delivery.signals.iter().filter(leaves).count(),
        ..Facts::new(&delivery.source, now)
    };
    let signals = delivery.signals.iter();
    signals
        .map(|signal| Shown::of(signal, config.policy.decide(signal, &facts)))
        .collect()
}

impl Shown {
    fn of(signal: &Signal, decision: Decision) -> Self {
        let (decided, why, work) = match decision {
            Decision::Act(work) => ("act", None, Some(work)),
            Decision::Hold { why, work, .. } => ("hold", Some(why), Some(work)),
            Decision::Ignore { why } => ("ignore", Some(why), None),
            Decision::Withdraw => ("withdraw", None, None),
            Decision::Rehearse(would) => {
                return Self {
                    rehearsed: true,
                    ..Self::of(signal, *would)
                };
            }
        };
        let targets = |work: &Work| work.jobs.iter().map(|(target, _)| target.clone()).collect();
        Self {
            key: signal.key.clone(),
            subject: signal.subject.names().iter().map(ToString::to_string).collect(),
            reason: signal.reason.word(),
            priority: signal.priority.0,
            scope: signal.scope.clone(),
            occurred_at: signal.occurred_at,
            asks_for: match signal.when {
                When::At(at) => Some(at),
                When::Now | When::Departure(_) => None,
            },
            requested_by: signal.requested_by.clone(),
            note: signal.note.clone(),
            decision: decided,
            rehearsed: false,
            why,
            playbook: work.as_ref().map(|work| work.playbook.clone()),
            targets: work.as_ref().map(targets).unwrap_or_default(),
            due: work.and_then(|work| work.due),
        }
    }
}

fn show(tried: &Tried) -> anyhow::Result<()> {
    let proof = if tried.proved {
        "what proves the sender was checked"
    } else {
        "what proves the sender was NOT checked (--signed checks it)"
    };
    line(format!("source {} ({}): {proof}", tried.source, tried.kind))?;
    if let Some(Refused { code, why }) = &tried.refused {
        return line(format!("would be refused with {}: {code}: {}", tried.status, plain(why)));
    }
    line(format!("would be answered with {}", tried.status))?;
    if let Some(reply) = &tried.reply {
        line(format!("  {}", plain(reply)))?;
    }
    if tried.signals.is_empty() {
        line("no signal comes of it")?;
    }
    for signal in &tried.signals {
        show_signal(signal)?;
    }
    for part in &tried.unreadable {
        line(format!("unreadable: {}: {}", plain(&part.place), plain(&part.why)))?;
    }
    for alert in &tried.alerts {
        line(format!("alert {}: {}", alert.kind, plain(&alert.summary)))?;
    }
    line("nothing was stored or done; how much the source has sent before, and what it remembers, is not counted here")
}

fn show_signal(signal: &Shown) -> anyhow::Result<()> {
    line(format!("signal {}", plain(&signal.key)))?;
    let row = |name: &str, value: &str| line(format!("  {name:<13} {}", plain(value)));
    row("subject", &signal.subject.join(", "))?;
    row("reason", &format!("{} (priority {})", signal.reason, signal.priority))?;
    match &signal.scope {
        Scope::Everything => row("scope", "everything")?,
        Scope::AllSessions => row("scope", "all sessions")?,
        Scope::Session(id) => row("scope", &format!("session {id}"))?,
        Scope::AccessToken(id) => row("scope", &format!("access token {id}"))?,
        Scope::Leaked => row("scope", "what the leaked credential opens")?,
    }
    let times = [("happened", signal.occurred_at), ("asks for", signal.asks_for)];
    for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
        row(name, &at.to_string())?;
    }
    let texts = [("requested by", &signal.requested_by), ("note", &signal.note)];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        row(name, text)?;
    }
    let mut decision = signal.decision.to_owned();
    if let Some(playbook) = &signal.playbook {
        decision = format!("{decision}: playbook {playbook} at {}", signal.targets.join(", "));
    }
    if let Some(due) = signal.due {
        decision = format!("{decision}, due {due}");
    }
    if signal.rehearsed {
        decision = format!("none, the source rehearses; it would be {decision}");
    }
    row("decision", &decision)?;
    match &signal.why {
        Some(why) => row("why", why),
        None => Ok(()),
    }
}
