//! `revoked release`: undoes a suspension that a case has made. Without `--set` it only rehearses.

use clap::Args;
use serde::Serialize;

use super::account::as_typed;
use super::asked::Reach;
use super::case::who;
use super::output::{LocalTimes, Meaning, answer, can_be_asked, hanging, json, line, line_typed, plain};
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
    #[arg(long)]
    pub set: Option<String>,
    /// Why, for the trail; asked for at a terminal
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
    let case = store.case(args.case).await?;
    let whom = who(&case);
    if releasable.is_empty() {
        let at = args
            .target
            .as_ref()
            .map_or_else(String::new, |target| format!(" at {target}"));
        let why = match case.released_at {
            Some(released) => format!(
                "case {} about {whom} has nothing more to release{at}: its suspension was undone {} already",
                args.case,
                LocalTimes::at(store.clock().now()).time(released)
            ),
            None => format!(
                "case {} about {whom} has suspended nobody{at} that it could release; what others have suspended is not released here",
                args.case
            ),
        };
        return Err(UsageError(why).into());
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
        return show(args, &whom, &rehearsed, &set).map(|()| Exit::Ok);
    };
    if *asked != set {
        return Err(UsageError(format!(
            "what would come back to life, or who else asks for the suspension, has changed ({set}) since it was rehearsed ({asked}); \
             look again with revoked release {}",
            args.case
        ))
        .into());
    }
    let note = why(args)?;
    let releases = rehearsed.into_iter().map(|at| at.asked).collect();
    let jobs = store.release(args.case, releases, operator(), Some(note)).await?;
    if args.json {
        json(&serde_json::json!({ "case": args.case, "jobs": jobs }))?;
    } else {
        hanging(&format!(
            "the release of {whom} is queued as job {}; revoked case show {} says what came of it",
            jobs.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
            args.case
        ))?;
    }
    Ok(Exit::Ok)
}

/// Why, for the trail. Somebody at a terminal who has not said it is asked.
fn why(args: &ReleaseArgs) -> anyhow::Result<String> {
    let missing = || UsageError("say why with --note, for the trail: nothing was done".to_owned());
    let note = match &args.note {
        Some(note) => note.clone(),
        None if can_be_asked() && !args.json => line_typed("why, for the trail: ")?,
        None => return Err(missing().into()),
    };
    if note.trim().is_empty() {
        return Err(missing().into());
    }
    Ok(note.trim().to_owned())
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

fn show(args: &ReleaseArgs, whom: &str, rehearsed: &[AtTarget], set: &str) -> anyhow::Result<()> {
    if args.json {
        return json(&serde_json::json!({ "case": args.case, "targets": rehearsed, "set": set }));
    }
    let times = LocalTimes::at(Clock::system().now());
    for at in rehearsed {
        for account in &at.accounts {
            hanging(&format!(
                "target {}: the account of {whom} ({}) would be enabled again",
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
    let rest = format!(
        " {whom}: {accounts}, and end the sweeps of case {}; nothing was changed",
        args.case
    );
    answer(Meaning::Waiting, "WOULD RELEASE", &rest)?;
    // Who types it in a script is not asked why.
    let why = if args.note.is_some() { "" } else { " --note WHY" };
    line(format!("to do it: {} --set {set}{why}", as_typed()))
}
