//! `revoked release`: undoes a suspension that a case has made. Without `--set` it only rehearses.

use clap::Args;
use serde::Serialize;

use super::asked::Reach;
use super::output::{LocalTimes, Meaning, hanging, json, line, plain};
use super::store::operator;
use super::{Exit, StoreArgs, UsageError, number};
use crate::clock::Clock;
use crate::daemon::asked::{Asks, Question, Says};
use crate::model::digest_of;
use crate::store::{OtherDemand, Releasable, ReleaseRequest, Store};
use crate::worker::Reactivation;

/// `revoked release`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked release 17                                                    # says what would come back to life
  revoked release 17 --set 5f0c1e9a77d2b340 --note \"departed by mistake, HR ticket 812\"

Only a suspension that the case itself has made is undone, and only while it stands as the case made it. Nothing that was revoked comes
back. The case's sweeps end with it; another case that asks for the same suspension goes on, and is named.")]
pub struct ReleaseArgs {
    /// The case
    #[arg(value_parser = number::case)]
    pub case: i64,
    /// Only at this target
    #[arg(long)]
    pub target: Option<String>,
    /// The set that the rehearsal printed: a release is about what you have seen
    #[arg(long, requires = "note")]
    pub set: Option<String>,
    /// Why, for the trail
    #[arg(long)]
    pub note: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What would come back at one target.
#[derive(Serialize)]
struct AtTarget {
    target: String,
    accounts: Vec<Reactivation>,
    others: Vec<OtherDemand>,
    #[serde(skip)]
    asked: ReleaseRequest,
}

/// Runs `revoked release`.
///
/// # Errors
/// Where the case has suspended nobody, or a target cannot be asked.
pub(super) async fn run(args: ReleaseArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let reach = Reach::with_what_stands(at)?;
    reach.tell_faults();
    let store = at.open().await?;
    let outcome = release(&args, &reach, &store).await;
    store.close().await;
    outcome
}

async fn release(args: &ReleaseArgs, reach: &Reach, store: &Store) -> anyhow::Result<Exit> {
    let mut releasable = store.releasable(args.case).await?;
    releasable.retain(|one| args.target.as_ref().is_none_or(|target| *target == one.target));
    if releasable.is_empty() {
        return Err(UsageError(format!(
            "case {} has suspended nobody{} that it could release; what others have suspended is not released here",
            args.case,
            args.target
                .as_ref()
                .map_or_else(String::new, |target| format!(" at {target}"))
        ))
        .into());
    }
    let mut rehearsed = Vec::with_capacity(releasable.len());
    for suspension in releasable {
        rehearsed.push(rehearse(args.case, reach, store, suspension).await?);
    }
    let sets: Vec<&str> = rehearsed.iter().map(|at| at.asked.set.as_str()).collect();
    // One hash for all that is in it: each target is bound to its own in the end.
    let set = match sets.as_slice() {
        [only] if !only.contains(' ') => (*only).to_owned(),
        several => digest_of(&several.join(" "))
            .trim_start_matches("sha256:")
            .chars()
            .take(16)
            .collect(),
    };
    let Some(asked) = &args.set else {
        return show(args, &rehearsed, &set).map(|()| Exit::Ok);
    };
    if *asked != set {
        return Err(UsageError(format!(
            "what would come back to life, or who else asks for the suspension, has changed ({set}) since it was rehearsed ({asked}); \
             look again with revoked release {}",
            args.case
        ))
        .into());
    }
    let releases = rehearsed.into_iter().map(|at| at.asked).collect();
    let jobs = store.release(args.case, releases, operator(), args.note.clone()).await?;
    if args.json {
        json(&serde_json::json!({ "case": args.case, "jobs": jobs }))?;
    } else {
        line(format!(
            "the release is queued as job {}; revoked case show {} says what came of it",
            jobs.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
            args.case
        ))?;
    }
    Ok(Exit::Ok)
}

async fn rehearse(case: i64, reach: &Reach, store: &Store, suspension: Releasable) -> anyhow::Result<AtTarget> {
    let target = &suspension.target;
    if !reach.config.target_names.contains(target) {
        return Err(UsageError(format!("no target is called {target:?} any more")).into());
    }
    let questions = suspension.suspensions.iter().map(|(id, since)| Question {
        target: target.clone(),
        asks: Asks::Reactivation {
            account: id.clone(),
            suspended_at: *since,
        },
    });
    let answers = reach.ask(questions.collect()).await?;
    let (mut accounts, mut names) = (Vec::with_capacity(answers.len()), Vec::new());
    for ((id, _), answer) in suspension.suspensions.iter().zip(answers) {
        let Says::Reactivation(found) = answer.map_err(|why| anyhow::anyhow!(why))? else {
            anyhow::bail!("the daemon is of another version than this command: restart it");
        };
        let (account, called) = found.ok_or_else(|| {
            UsageError(format!(
                "the account {id} at {target} is not suspended as the case suspended it: somebody has enabled it, or suspended it again, since"
            ))
        })?;
        accounts.push(account);
        names.extend(called);
    }
    let others = store.other_demands(case, &suspension, &names).await?;
    let sets = accounts.iter().map(|account| account.set.clone());
    let set = sets
        .chain(others.iter().map(OtherDemand::token))
        .collect::<Vec<_>>()
        .join(" ");
    Ok(AtTarget {
        target: suspension.target.clone(),
        accounts,
        others,
        asked: ReleaseRequest { suspension, set },
    })
}

fn show(args: &ReleaseArgs, rehearsed: &[AtTarget], set: &str) -> anyhow::Result<()> {
    if args.json {
        return json(&serde_json::json!({ "case": args.case, "targets": rehearsed, "set": set }));
    }
    let times = LocalTimes::at(Clock::system().now());
    for at in rehearsed {
        for account in &at.accounts {
            line(format!(
                "target {}: the account {} would be enabled again",
                plain(&at.target),
                plain(&account.principal)
            ))?;
            hanging(&format!("  {}", plain(&account.in_words("would come"))))?;
            hanging("  sessions, tokens, webhooks and apps that were ended stay ended; bots that were disabled stay disabled")?;
            for door in &account.doors {
                hanging(&format!("  open again: {}", plain(&times.door(door))))?;
            }
        }
        for other in &at.others {
            hanging(&format!("  mind: {}", plain(&times.told(&other.to_string()))))?;
        }
    }
    let accounts: usize = rehearsed.iter().map(|at| at.accounts.len()).sum();
    let accounts = match accounts {
        1 => "1 account".to_owned(),
        count => format!("{count} accounts"),
    };
    line(format!(
        "{} {accounts}, and end the sweeps of case {}; nothing was changed",
        Meaning::Waiting.paint("WOULD RELEASE"),
        args.case
    ))?;
    line(format!("to do it: revoked release {} --set {set} --note …", args.case))
}
