//! `revoked target try`: a description rehearsed against a server. Every request is shown, and how its answer was understood; none changes
//! anything.

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::described::{Meant, meant};
use crate::cli::output::{LocalTimes, json, line, plain};
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::model::{Containment, GrantKind, PasswordReset, PrincipalTrait, Subject};
use crate::settings::{ConfigReport, Settings};
use crate::targets::described::{Description, Exchanged, Witness, build_for_trial};
use crate::targets::{CallContext, SHARED_KEYS, Target, TargetError};
use crate::worker::{Rehearsal, rehearse};

/// `revoked target try`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked target try wiki.toml --subject alice@example.org --url https://wiki.example.org --set token=/run/secrets/wiki
  revoked target try synapse --subject username:alice --target matrix --config revoked.toml

A credential is never typed: --set takes the path of its file. The exit code is 0 where the rehearsal came to its end, also where nobody of \
that name is there, and 1 where the server could not be understood.")]
pub struct TryArgs {
    /// A file with a description, or a kind
    #[arg(value_name = "FILE|KIND")]
    what: String,
    /// Whom to look up: alice@example.org, username:alice, opaque:ACCOUNT-ID
    #[arg(long)]
    subject: Subject,
    /// Where the server is
    #[arg(long, required_unless_present = "target")]
    url: Option<String>,
    /// A key of the target's table; for a credential the path of its file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Take the other keys from the target of this name in the config
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What a trial showed.
#[derive(Serialize)]
struct Tried {
    requests: Vec<Exchanged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Rehearsal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs `revoked target try`.
///
/// # Errors
/// Where the description or the settings are wrong, with every mistake.
pub(super) async fn run(args: &TryArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let Meant::Described(description) = meant(&args.what)? else {
        return Err(UsageError(format!(
            "{} is no description; rehearse it with revoked revoke --rehearse",
            args.what
        ))
        .into());
    };
    let written = match &args.target {
        Some(_) => std::fs::read_to_string(&at.config).with_context(|| format!("reading {}", at.config.display()))?,
        None => String::new(),
    };
    let file = at.config.display().to_string();
    let document = DeTable::parse(&written).map_err(|error| anyhow::anyhow!("{file}: {}", error.message()))?;
    let mut table = match &args.target {
        Some(name) => keys_of(&document, name).with_context(|| format!("{file} has no target that is called {name:?}"))?,
        None => Spanned::new(0..0, DeTable::new()),
    };
    for (key, value) in args
        .url
        .iter()
        .map(|url| ("url", url))
        .chain(args.set.iter().map(|(key, value)| (key.as_str(), value)))
    {
        let value = if description.needs.iter().any(|need| need == key) {
            let file = [(word("file"), Spanned::new(0..0, DeValue::String(value.as_str().into())))];
            DeValue::Table(file.into_iter().collect())
        } else {
            DeValue::String(value.as_str().into())
        };
        table.get_mut().insert(word(key), Spanned::new(0..0, value));
    }
    let settings = Settings { name: "trial", table };
    let witness = Witness::default();
    let target = build_for_trial(&settings, &description, &Clock::system(), &witness)
        .map_err(|mistakes| ConfigReport::new("the settings", &written, mistakes))?;
    let plan = rehearsed(target.as_ref(), &description, &args.subject).await;
    let exit = if plan.is_ok() { Exit::Ok } else { Exit::Failed };
    let (plan, error) = match plan {
        Ok(plan) => (Some(plan), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let tried = Tried {
        requests: witness.take(),
        plan,
        error,
    };
    if args.json {
        json(&tried)?;
    } else {
        show(&tried)?;
    }
    Ok(exit)
}

fn word(text: &str) -> Spanned<toml::de::DeString<'static>> {
    Spanned::new(0..0, text.to_owned().into())
}

/// The keys of a target in the config that are its kind's own.
fn keys_of<'t>(document: &Spanned<DeTable<'t>>, name: &str) -> Option<Spanned<DeTable<'t>>> {
    let targets = document.get_ref().get("target")?.get_ref().as_array()?;
    let entry = targets.iter().find(|entry| {
        let written = entry.get_ref().as_table().and_then(|table| table.get("name"));
        written.is_some_and(|written| written.get_ref().as_str() == Some(name))
    })?;
    let keys = entry.get_ref().as_table()?.iter();
    let keys = keys.filter(|(key, _)| !SHARED_KEYS.contains(&key.get_ref().as_ref()) && key.get_ref() != "description");
    Some(Spanned::new(
        entry.span(),
        keys.map(|(key, value)| (key.clone(), value.clone())).collect(),
    ))
}

/// The plan for everything that the description can do.
async fn rehearsed(target: &dyn Target, description: &Description, subject: &Subject) -> Result<Rehearsal, TargetError> {
    let able = target.capabilities();
    let everything = Containment {
        end: GrantKind::ALL.into(),
        block: able.suspends,
        reset_password: if able.resets_password {
            PasswordReset::Own
        } else {
            PasswordReset::Never
        },
        ..Containment::nothing()
    };
    rehearse((&description.name, target), &CallContext::unpaced(), &everything, subject).await
}

fn show(tried: &Tried) -> anyhow::Result<()> {
    for exchanged in &tried.requests {
        line(plain(&exchanged.doing))?;
        line(format!("  > {}", plain(&exchanged.request)))?;
        if let Some(body) = &exchanged.body {
            line(format!("  > {}", plain(body)))?;
        }
        let status = exchanged.status.map_or_else(String::new, |status| format!("{status}: "));
        line(format!("  < {status}{}", plain(&exchanged.understood)))?;
    }
    if let Some(plan) = &tried.plan {
        show_plan(plan)?;
    }
    if let Some(error) = &tried.error {
        line(format!("failed: {}", plain(error)))?;
    }
    line("nothing was changed")
}

fn show_plan(plan: &Rehearsal) -> anyhow::Result<()> {
    if let Some(nobody) = &plan.nobody {
        line(format!("nobody: {}", plain(nobody)))?;
    }
    for account in &plan.accounts {
        let names: Vec<String> = account.principal.names.iter().map(ToString::to_string).collect();
        line(format!("account {}", plain(&names.join(", "))))?;
        for one in &account.principal.traits {
            line(format!("  it is: {}", plain(&format!("{one:?}"))))?;
        }
        line(format!("  suspended: {}", account.access.suspended()))?;
        for (kind, count) in account.access.counts() {
            line(format!("  {count} {kind}"))?;
        }
        for (kind, why) in &account.access.unseen {
            line(format!("  {kind} not seen: {}", plain(why)))?;
        }
        for (kind, moment) in &account.access.valid_from {
            line(format!("  {kind}: nothing older than {moment} works"))?;
        }
        if account.principal.traits.contains(&PrincipalTrait::Ourselves) {
            line("  would be refused: it is the account that revoked itself uses here")?;
            continue;
        }
        for action in &account.actions {
            line(format!("  would {}", plain(&action.to_string())))?;
        }
        for (action, why) in &account.spared {
            line(format!("  would not {}: {}", plain(&action.to_string()), plain(why)))?;
        }
        let times = LocalTimes::at(account.access.at);
        for door in &account.doors {
            line(format!("  still open: {}", plain(&times.door(door))))?;
        }
    }
    for gap in &plan.not_covered {
        line(format!("not covered: {}", plain(gap)))?;
    }
    Ok(())
}
