//! `revoked revoke`: an operator's request, through the same inbox that other programs use.
//!
//! `args` first; here the request is checked and stored; `answer` is what the daemon makes of it, `follow` what becomes of it, and `known_cases`
//! what was asked for before; `rehearse` is `--rehearse`, which changes nothing, `list` is `--from`.

use std::path::Path;

use super::config_faults::faults_in_a_line;
use super::output::{LocalTimes, remark};
use super::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_PATH};
use crate::settings::nearest;

mod answer;
mod args;
mod follow;
mod known_cases;
mod list;
mod rehearse;

use known_cases::{in_words, known_case};

pub(super) use args::RevokeArgs;
pub(super) use follow::{Wanted, follow};
pub(super) use list::SetProgress;

/// Runs `revoked revoke`.
///
/// # Errors
/// Where the store cannot be reached; with `--rehearse`, where a target cannot.
pub(super) async fn run(args: RevokeArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    args.reason()?;
    if let Some(from) = &args.from {
        check(at, args.playbook.as_deref(), args.target.as_deref())?;
        return list::run(&args, from, at).await;
    }
    let Some(whom) = &args.subject else {
        return Err(UsageError("name somebody, or a list with --from".to_owned()).into());
    };
    let subject = whom.subject_at(at).await?;
    if args.rehearse {
        return rehearse::run(&args, &subject, at).await;
    }
    check(at, args.playbook.as_deref(), args.target.as_deref())?;
    let store = at.open().await?;
    let asked_at = store.clock().now();
    let row = args.request(&subject, asked_at)?;
    let row = store.submit_request(row).await?;
    // What is asked for does not wait for what is known.
    if !args.json
        && let Some(case) = known_case(&store, &subject, asked_at).await?
    {
        remark(in_words(&case, &args, &LocalTimes::at(asked_at)));
    }
    let wanted = Wanted {
        patience: args.wait.then_some(args.timeout),
        explain: args.explain,
        json: args.json,
    };
    let exit = follow(&store, row, wanted).await;
    store.close().await;
    exit
}

/// Says what is asked for cannot be done, before it is stored: a playbook or a target of no such name. What else is wrong with the config keeps
/// nobody from ending somebody's access: it is said, and the daemon decides.
///
/// # Errors
/// What is wrong, with exit code 2.
pub(super) fn check(at: &StoreArgs, playbook: Option<&str>, target: Option<&str>) -> anyhow::Result<()> {
    if at.store.is_some() && at.config == Path::new(DEFAULT_PATH) && !at.config.exists() {
        // Somebody who names the database alone may have no config here.
        remark(format!(
            "nothing was checked against a config, since {DEFAULT_PATH} is not there; name one with --config"
        ));
        return Ok(());
    }
    let (config, faults) = Config::load_what_stands(&at.config, &Clock::system());
    if std::fs::File::open(&at.config).is_err() {
        // Most likely another one was meant.
        return Err(faults.into());
    }
    if let Some(faults) = faults_in_a_line(&faults) {
        // The daemon that runs has a config of its own, and says itself what it does not know.
        remark(format!("{faults}; what is asked for goes to the daemon unchecked"));
        return Ok(());
    }
    let Some(config) = config else { return Ok(()) };
    known("playbook", playbook, config.policy.playbooks.keys().map(String::as_str))?;
    known("target", target, config.target_names.iter().map(String::as_str))
}

/// Whether a name that was typed is one of those that there are.
fn known<'n>(what: &str, typed: Option<&str>, names: impl Iterator<Item = &'n str> + Clone) -> anyhow::Result<()> {
    let Some(typed) = typed else { return Ok(()) };
    if names.clone().any(|name| name == typed) {
        return Ok(());
    }
    let there = match nearest(typed, names.clone()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
    };
    Err(UsageError(format!("no {what} is called {typed:?}; {there}")).into())
}
