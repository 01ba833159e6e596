//! `revoked release`: undoes a suspension that a case has made. Without `--set` it only rehearses.

use std::collections::BTreeMap;

use anyhow::Context as _;
use async_trait::async_trait;
use clap::Args;

use super::account::as_typed;
use super::asked::Reach;
use super::case::who;
use super::output::{LocalTimes, Meaning, answer, can_be_asked, hanging, json, line, line_typed, plain};
use super::store::operator;
use super::{Exit, StoreArgs, UsageError, number};
use crate::clock::Clock;
use crate::daemon::asked::{Asks, Question, Says};
use crate::model::{Subject, Timestamp};
use crate::store::{Releasable, Store};
use crate::worker::{AsksReactivation, Reactivation, ReleasePlan, Unreleasable};

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
    let asked = Asked::of(&releasable, reach).await?;
    let plan = ReleasePlan::of(store, args.case, args.target.as_deref(), &asked).await;
    let plan = plan.map_err(|error| match error {
        Unreleasable::Refused(why) => UsageError(why).into(),
        Unreleasable::Store(error) => error.into(),
        Unreleasable::Unasked(error) => error,
    });
    let plan = plan?;
    let set = plan.set.clone();
    let Some(asked) = &args.set else {
        return show(args, &whom, &plan).map(|()| Exit::Ok);
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
    let jobs = store.release(args.case, plan.into_requests(), operator(), Some(note)).await?;
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

/// What the targets have said about the accounts that a case has suspended there.
struct Asked(BTreeMap<String, Vec<Answer>>);

/// What was said about one account; nothing where it is suspended no more.
type Answer = Option<(Reactivation, Vec<Subject>)>;

impl Asked {
    async fn of(releasable: &[Releasable], reach: &Reach) -> anyhow::Result<Self> {
        let mut answers = BTreeMap::new();
        for Releasable { target, suspensions } in releasable {
            if !reach.config.target_names.contains(target) {
                return Err(UsageError(format!("no target is called {target:?} any more")).into());
            }
            let questions = suspensions.iter().map(|(id, since)| Question {
                target: target.clone(),
                asks: Asks::Reactivation {
                    account: id.clone(),
                    suspended_at: *since,
                },
            });
            let found = reach.ask(questions.collect()).await?.into_iter().map(|answer| match answer {
                Ok(Says::Reactivation(found)) => Ok(found),
                Ok(_) => Err(anyhow::anyhow!(
                    "the daemon is of another version than this command: restart it"
                )),
                Err(why) => Err(anyhow::anyhow!(why)),
            });
            answers.insert(target.clone(), found.collect::<anyhow::Result<_>>()?);
        }
        Ok(Self(answers))
    }
}

#[async_trait]
impl AsksReactivation for Asked {
    async fn reactivations(
        &self,
        target: &str,
        _suspensions: &BTreeMap<String, Timestamp>,
    ) -> anyhow::Result<Vec<Option<(Reactivation, Vec<Subject>)>>> {
        self.0
            .get(target)
            .cloned()
            .context("what the case has suspended has changed meanwhile: try again")
    }
}

fn show(args: &ReleaseArgs, whom: &str, plan: &ReleasePlan) -> anyhow::Result<()> {
    if args.json {
        return json(plan);
    }
    let times = LocalTimes::at(Clock::system().now());
    for at in &plan.targets {
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
    let accounts: usize = plan.targets.iter().map(|at| at.accounts.len()).sum();
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
    line(format!("to do it: {} --set {}{why}", as_typed(), plan.set))
}
