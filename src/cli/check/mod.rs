//! `revoked check`: parses, builds, and asks every target what stands in the way; says what to do about each finding.
//!
//! `host` looks at the disk and the daemon, `certificate` at that of the console, `surroundings` at the sources and the receivers, `channels` at who is told of alerts,
//! `single_sign_on` at the OpenID provider of the operators.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clap::Args;
use serde::Serialize;

use super::asked::Reach;
use super::output::{LocalTimes, Meaning, json, line, plain, sentence, terminal, wrapped};
use super::store::open_if_there;
use super::{Exit, StoreArgs, source_health};
use crate::clock::Clock;
use crate::daemon::asked::{Asks, CanaryTrial, Probed, Question, Says};
use crate::model::{Capabilities, GrantKind};
use crate::store::{CounterDifference, Store, check_privacy, daemon_runs};
use crate::targets::{Finding, Level, Probe, TargetRole};

mod certificate;
mod channels;
mod host;
mod single_sign_on;
mod surroundings;

use surroundings::Surrounding;

/// `revoked check`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct CheckArgs {
    /// Check the config alone and ask no target
    #[arg(long)]
    pub offline: bool,
    /// Sign in the canary of each target that has one, have it revoked by the daemon, and try its credentials until they are refused
    #[arg(long, conflicts_with = "offline")]
    pub prove: bool,
    /// Count everything in the store again and compare it with the counters that `status` and the metrics show
    #[arg(long)]
    pub deep: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Checked {
    config: String,
    warnings: Vec<String>,
    store: Option<String>,
    /// What is wrong with the disk, and with the daemon that runs or does not.
    host: Vec<Finding>,
    /// Present with `--deep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong_counters: Option<Vec<CounterDifference>>,
    email_domains: Vec<String>,
    /// How many targets are configured, those that were not asked among them.
    configured_targets: usize,
    targets: Vec<Asked>,
    sources: Vec<Surrounding>,
    receivers: Vec<Surrounding>,
    /// The channels on which people are told of alerts.
    channels: Vec<Surrounding>,
    /// Where operators sign in.
    providers: Vec<Surrounding>,
    ok: bool,
}

#[derive(Serialize)]
struct Asked {
    target: String,
    kind: String,
    role: TargetRole,
    able: Capabilities,
    /// Present with `--prove`, where the target has a canary: by kind, after how many milliseconds its credential was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryTrial>,
    #[serde(flatten)]
    probe: Probe,
}

/// Runs `revoked check`. A lane that was paused for want of a working credential goes on once its target's probe is clean: the daemon
/// probes by itself, and a clean check tells it to look at once.
///
/// # Errors
/// A config that is wrong, with every complaint; a store that is refused, as the daemon would.
pub(super) async fn run(args: &CheckArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let reach = Reach::new(at)?;
    let config = &reach.config;
    let path = at.store.clone().unwrap_or_else(|| config.store.clone());
    check_privacy(&path)?;
    let store = open_if_there(&path).await?;
    let mut checked = Checked {
        config: at.config.display().to_string(),
        warnings: config.warnings.iter().map(|(_, warning)| warning.to_owned()).collect(),
        store: store.as_ref().map(|store| store.path().display().to_string()),
        host: host::findings(config, &path, store.is_some(), args.offline),
        wrong_counters: None,
        configured_targets: config.target_names.len(),
        email_domains: config.policy.email_domains.iter().cloned().collect(),
        targets: Vec::new(),
        sources: Vec::new(),
        receivers: Vec::new(),
        channels: Vec::new(),
        providers: Vec::new(),
        ok: true,
    };
    let (known, unreadable) = match &store {
        Some(store) => (store.source_health().await?.rows, source_health::unreadable(store).await?),
        None => (Vec::new(), BTreeMap::new()),
    };
    let daemon = surroundings::DaemonsWord {
        known: &known,
        unreadable: &unreadable,
        running: daemon_runs(&path),
    };
    checked.sources = surroundings::sources(config, &daemon, args.offline).await;
    checked.receivers = surroundings::receivers(config, args.offline).await;
    checked.channels = channels::channels(config, store.as_ref(), args.offline).await?;
    let now = Clock::system().now();
    checked.host.extend(certificate::findings(&config.console, now));
    checked.providers = single_sign_on::providers(config, args.offline).await;
    checked.ok &= checked.host.iter().all(|finding| finding.level < Level::Error);
    checked.ok &= checked
        .sources
        .iter()
        .chain(&checked.receivers)
        .chain(&checked.channels)
        .chain(&checked.providers)
        .all(Surrounding::is_usable);
    if let Some(store) = &store {
        checked.warnings.extend(paused(store).await?);
        checked.warnings.extend(unnamed(store, &config.listen.proxies).await?);
        if args.deep {
            let wrong = store.wrong_counters().await?;
            checked.ok &= wrong.is_empty();
            checked.wrong_counters = Some(wrong);
        }
    }
    if reach.kept > 0 && args.offline {
        checked.warnings.push(format!(
            "{} secrets were not looked at: they are kept from this account, and the daemon looks at them when it starts",
            reach.kept
        ));
    }
    for (name, probed) in probe(&reach, args).await? {
        let Probed {
            kind,
            role,
            able,
            probe,
            canary,
        } = probed;
        let usable = probe.findings.iter().all(|finding| finding.level < Level::Error);
        checked.ok &= usable;
        if let Some(store) = store.as_ref().filter(|_| usable)
            && store.lane_paused(&name).await?.is_some()
        {
            store.resume_lane(&name).await?;
            checked.warnings.push(format!("target {name} was paused and goes on now"));
        }
        checked.ok &= canary
            .as_ref()
            .is_none_or(|shown| shown.as_ref().is_ok_and(|delays| delays.values().all(Option::is_some)));
        checked.targets.push(Asked {
            canary,
            target: name,
            kind,
            role,
            able,
            probe,
        });
    }
    if let Some(store) = store {
        store.close().await;
    }
    if args.json {
        json(&checked)?;
    } else {
        show(&checked, args.offline)?;
    }
    Ok(if checked.ok { Exit::Ok } else { Exit::Findings })
}

/// What each target says, and what is wrong with it as it is configured.
async fn probe(reach: &Reach, args: &CheckArgs) -> anyhow::Result<Vec<(String, Probed)>> {
    if args.offline {
        return Ok(Vec::new());
    }
    let names = reach.config.target_names.iter();
    let questions = names.map(|name| Question {
        target: name.clone(),
        asks: Asks::Probe { prove: args.prove },
    });
    let questions: Vec<Question> = questions.collect();
    let answers = reach.ask(questions.clone()).await?;
    let probed = questions.into_iter().zip(answers).map(|(question, answer)| match answer {
        Ok(Says::Probe(probed)) => Ok((question.target, *probed)),
        Ok(_) => anyhow::bail!("the daemon is of another version than this command: restart it"),
        Err(why) => Ok((question.target, unasked(why))),
    });
    probed.collect()
}

/// What is said of a target that the running daemon does not know.
fn unasked(why: String) -> Probed {
    Probed {
        kind: "of which the running daemon knows nothing".to_owned(),
        role: TargetRole::default(),
        able: Capabilities::default(),
        probe: Probe {
            findings: vec![Finding {
                level: Level::Error,
                what: why,
                advice: "restart the daemon, then run this again".to_owned(),
            }],
            ..Probe::default()
        },
        canary: None,
    }
}

/// What came of a canary, in lines.
fn canary_lines(canary: &CanaryTrial) -> Vec<String> {
    match canary {
        Ok(delays) => delays
            .iter()
            .map(|(kind, delay)| match delay {
                Some(ms) => format!("canary: the {kind} was refused {ms} ms after its end was accepted"),
                None => format!("error: the canary's {kind} outlived its end: no verdict here can be trusted"),
            })
            .collect(),
        Err(why) => vec![format!("error: the canary could not be tried: {why}")],
    }
}

/// What a target can do, in lines.
fn abilities(able: &Capabilities) -> Vec<String> {
    let words = |kinds: &mut dyn Iterator<Item = &GrantKind>| kinds.map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let ends: BTreeSet<&GrantKind> = able.ends.iter().chain(&able.ends_all).collect();
    let account = match (able.suspends, able.resets_password) {
        (true, true) => "suspends accounts, sets passwords",
        (true, false) => "suspends accounts",
        (false, true) => "sets passwords",
        (false, false) => "changes no account",
    };
    let mut lines = vec![format!("{account}; ends {}", words(&mut ends.into_iter()))];
    if able.lists.is_empty() {
        lines.push("lists nothing: what is ended is not proved by a list".to_owned());
    } else if !able
        .lists
        .iter()
        .eq(able.ends.iter().chain(&able.ends_all).collect::<BTreeSet<_>>())
    {
        lines.push(format!("lists {}", words(&mut able.lists.iter())));
    }
    let unlisted = able.unlisted.iter().map(|(kind, why)| format!("cannot list {kind}: {why}"));
    lines.extend(unlisted);
    lines
}

/// What to say of each target that an operator has paused: it may answer, and is sent nothing all the same.
async fn paused(store: &Store) -> anyhow::Result<Vec<String>> {
    let paused = store.paused_targets().await?;
    let told = paused.iter().map(|(target, pause)| {
        let note = if pause.note.is_empty() { "no note" } else { &pause.note };
        format!(
            "target {target} is paused by {} ({note}) and is sent nothing, whatever it answers: revoked target resume {target}",
            pause.by
        )
    });
    Ok(told.collect())
}

/// What to say of each proxy by way of which requests came and which the config does not name.
async fn unnamed(store: &Store, named: &[IpAddr]) -> anyhow::Result<Vec<String>> {
    let seen = store.unnamed_proxies().await?;
    let unnamed = seen.iter().filter(|proxy| !named.contains(&proxy.address));
    let told = unnamed.map(|proxy| {
        format!(
            "requests come by way of {address}, which [listen] proxies does not name ({requests} so far, the last at {last_at}): all who send \
             by way of it look like one client. If it is your proxy, write proxies = [\"{address}\"]",
            address = proxy.address,
            requests = proxy.requests,
            last_at = proxy.last_at,
        )
    });
    Ok(told.collect())
}

fn show(checked: &Checked, offline: bool) -> anyhow::Result<()> {
    let times = LocalTimes::at(Clock::system().now());
    line(format!("{}: the config is sound", plain(&checked.config)))?;
    for warning in &checked.warnings {
        sentence(&format!("warning: {warning}"), 2)?;
    }
    match &checked.store {
        Some(path) => line(format!("store {}: opens", plain(path)))?,
        None => line("store: not there yet; the daemon makes it at its first start")?,
    }
    findings(&checked.host)?;
    if let Some(wrong) = &checked.wrong_counters {
        line(if wrong.is_empty() {
            "counters: every one is what counting anew gives"
        } else {
            "error: counters of status and the metrics are wrong; work does not depend on them. Another program has written into the database \
             past its triggers, or the file is damaged: run PRAGMA integrity_check on a copy"
        })?;
        for counter in wrong {
            line(format!("  {}", plain(&counter.to_string())))?;
        }
    }
    let domains = if checked.email_domains.is_empty() {
        "addresses of any domain lead to accounts; [policy] email_domains names the domains that are yours".to_owned()
    } else {
        format!(
            "addresses lead to accounts where their domain is {}; signals by other addresses only are held",
            checked.email_domains.join(" or ")
        )
    };
    sentence(&domains, 2)?;
    if offline {
        line(format!(
            "{} not asked (--offline)",
            count(checked.configured_targets, "target")
        ))?;
    }
    for asked in &checked.targets {
        let version = asked.probe.version.as_deref().unwrap_or("of unknown version");
        let who = asked.probe.acting_as.as_deref().unwrap_or("nobody");
        line(format!(
            "target {} ({}{}): server {}, acting as {}",
            plain(&asked.target),
            asked.kind,
            match asked.role {
                TargetRole::IdentityProvider => ", identity provider",
                TargetRole::Application => "",
            },
            plain(version),
            plain(who)
        ))?;
        for able in abilities(&asked.able) {
            sentence(&format!("  {able}"), 4)?;
        }
        for shown in asked.canary.iter().flat_map(canary_lines) {
            sentence(&format!("  {shown}"), 4)?;
        }
        for door in &asked.probe.doors {
            sentence(&format!("  open door: {}", times.door(door)), 4)?;
        }
        findings(&asked.probe.findings)?;
    }
    for (what, all) in [
        ("source", &checked.sources),
        ("receiver", &checked.receivers),
        ("channel", &checked.channels),
        ("provider", &checked.providers),
    ] {
        for one in all {
            sentence(&format!("{what} {} ({}): {}", one.name, one.kind, one.way), 2)?;
            findings(&one.findings)?;
        }
    }
    line(checked.sum(offline))
}

fn findings(findings: &[Finding]) -> anyhow::Result<()> {
    for finding in findings {
        let (level, meaning) = match finding.level {
            Level::Error => ("error", Meaning::Bad),
            Level::Warning => ("warning", Meaning::Waiting),
            Level::Note => ("note", Meaning::Quiet),
        };
        let text = wrapped(&format!("  {level}: {}", finding.what), 4, terminal().width.map(usize::from));
        line(text.replacen(level, &meaning.paint(level), 1))?;
        if !finding.advice.is_empty() {
            sentence(&format!("    {}", finding.advice), 4)?;
        }
    }
    Ok(())
}

/// `1 target`, `3 targets`.
fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

impl Checked {
    /// The answer, in a line.
    fn sum(&self, offline: bool) -> String {
        let all = || {
            let targets = self.targets.iter().map(|asked| &asked.probe.findings);
            let others = self
                .sources
                .iter()
                .chain(&self.receivers)
                .chain(&self.channels)
                .chain(&self.providers)
                .map(|other| &other.findings);
            targets.chain(others).flatten().chain(&self.host)
        };
        let errors = all().filter(|finding| finding.level == Level::Error).count();
        let warnings = all().filter(|finding| finding.level == Level::Warning).count() + self.warnings.len();
        let mut looked = vec![
            count(self.configured_targets, "target"),
            count(self.sources.len(), "source"),
            count(self.receivers.len(), "receiver"),
        ];
        looked.extend((!self.channels.is_empty()).then(|| count(self.channels.len(), "channel")));
        looked.extend((!self.providers.is_empty()).then(|| count(self.providers.len(), "provider")));
        let asked = if offline { ", none of them asked" } else { "" };
        let looked = format!("{}{asked}; {}", looked.join(", "), count(warnings, "warning"));
        if self.ok {
            Meaning::Good.paint(format!("ready: {looked}"))
        } else {
            // What a canary showed and wrong counters are no findings of a probe.
            Meaning::Bad.paint(format!("not ready: {} above ({looked})", count(errors.max(1), "error")))
        }
    }
}
