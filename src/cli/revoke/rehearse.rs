//! `revoke --rehearse`: what would be done, with the targets asked now. Changes nothing; needs a daemon only where
//! the targets' credentials are the daemon's alone.

use super::RevokeArgs;
use super::known_cases::{in_words, known_case};
use crate::cli::asked::Reach;
use crate::cli::output::{LocalTimes, Meaning, hanging, json_line, line, plain};
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::daemon::asked::{self, Asks, Question, Says};
use crate::model::{Containment, Scope, Subject};
use crate::policy::{INBOX, Level, Policy};
use crate::store::CaseView;
use crate::worker::Rehearsal;

/// What a target would be asked for.
pub(super) struct Demands {
    reach: Reach,
    /// The name of each target with what is demanded there.
    at: Vec<(String, Containment)>,
}

/// What a target answered: the plan and why a human would be asked first, or why it could not be asked.
pub(super) type Answer = Result<(Rehearsal, Vec<String>), String>;

impl Demands {
    /// What the arguments demand, at which targets.
    ///
    /// # Errors
    /// Where the config is wrong, or the playbook demands nothing anywhere.
    pub(super) fn of(args: &RevokeArgs, at: &StoreArgs) -> anyhow::Result<Self> {
        let reach = Reach::with_what_stands(at)?;
        let config = &reach.config;
        let reason = args.reason()?;
        let name = args.playbook.clone().unwrap_or_else(|| reason.word().to_owned());
        let playbook = config
            .policy
            .playbooks
            .get(&name)
            .ok_or_else(|| UsageError(format!("no playbook is called {name:?}")))?;
        let scope = match (&args.session, &args.token, args.all_sessions) {
            (Some(id), _, _) => Scope::Session(id.clone()),
            (_, Some(id), _) => Scope::AccessToken(id.clone()),
            (_, _, true) => Scope::AllSessions,
            _ => Scope::Everything,
        };
        let asked = playbook
            .iter()
            .filter(|(name, _)| args.target.as_ref().is_none_or(|target| target == *name))
            .filter(|(name, _)| config.target_names.contains(name));
        let highest = config.policy.rules_of(INBOX).and_then(|rules| rules.highest);
        let at: Vec<(String, Containment)> = asked
            .filter_map(|(name, containment)| {
                let containment = Containment {
                    scope: scope.clone().without_values(),
                    ..containment.clone()
                };
                let lowered = highest.unwrap_or(Level::Contain).lowered(&containment)?;
                Some((name.clone(), lowered))
            })
            .collect();
        anyhow::ensure!(
            !at.is_empty(),
            "the playbook {name:?} demands nothing at the targets asked for"
        );
        Ok(Self { reach, at })
    }

    /// The names of the targets.
    pub(super) fn targets(&self) -> Vec<&str> {
        self.at.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Asks each target about somebody, by every name that is known of them.
    ///
    /// # Errors
    /// Where only the daemon can ask, and it does not run or does not answer.
    pub(super) async fn ask(&self, subject: &Subject) -> anyhow::Result<Vec<(&str, Answer)>> {
        let questions = self.at.iter().map(|(name, containment)| Question {
            target: name.clone(),
            asks: Asks::Rehearsal {
                subject: subject.clone(),
                containment: containment.clone(),
            },
        });
        let said = self.reach.ask(questions.collect()).await?;
        let answers = self.at.iter().zip(said).map(|((name, demanded), said)| {
            let answer = plan_of(said).map(|plan| {
                let refusals = refusals(&self.reach.config.policy, &plan, subject, demanded);
                (plan, refusals)
            });
            (name.as_str(), answer)
        });
        Ok(answers.collect())
    }
}

/// Asks every target of the playbook and prints the plan.
///
/// # Errors
/// Where the config is wrong, or the playbook demands nothing anywhere.
pub(super) async fn run(args: &RevokeArgs, subject: &Subject, at: &StoreArgs) -> anyhow::Result<Exit> {
    let demands = Demands::of(args, at)?;
    demands.reach.tell_faults();
    let (subject_known, known) = what_is_known(subject, at).await?;
    let answers = demands.ask(&subject_known).await?;
    for (target, answer) in &answers {
        if args.json {
            json_line(&match answer {
                Ok((plan, refusals)) => serde_json::json!({ "target": target, "plan": plan, "would_be_held": refusals }),
                Err(error) => serde_json::json!({ "target": target, "error": error }),
            })?;
            continue;
        }
        match answer {
            Ok((plan, refusals)) => show(target, plan, refusals, args.explain)?,
            Err(error) => line(format!("target {}: could not be asked: {}", plain(target), plain(error)))?,
        }
    }
    let (said, exit) = sum(subject, &demands.targets(), &answers);
    if !args.json {
        if let Some(case) = known {
            let known = in_words(&case, args, &LocalTimes::at(Clock::system().now()));
            hanging(&format!("  {known}"))?;
        }
        line(said)?;
    }
    Ok(exit)
}

/// What a rehearsal comes to, in one line.
fn sum(subject: &Subject, targets: &[&str], answers: &[(&str, Answer)]) -> (String, Exit) {
    let (whom, at) = (plain(&subject.to_string()), plain(&targets.join(", ")));
    let failed: Vec<&str> = answers
        .iter()
        .filter(|(_, answer)| answer.is_err())
        .map(|(target, _)| *target)
        .collect();
    let plans = || answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    if !failed.is_empty() {
        let head = Meaning::Bad.paint("NOT REHEARSED");
        let failed = plain(&failed.join(", "));
        return (
            format!("{head} {whom}: {failed} could not be asked; nothing was changed"),
            Exit::Failed,
        );
    }
    if plans().all(|(plan, _)| plan.accounts.is_empty()) {
        let head = Meaning::Waiting.paint("NOBODY");
        return (
            format!("{head} to act on: {whom} is no account at {at}; nothing was changed"),
            Exit::VerdictNoPrincipal,
        );
    }
    let actions: usize = plans()
        .flat_map(|(plan, _)| &plan.accounts)
        .map(|account| account.actions.len())
        .sum();
    let asks_first = plans().any(|(_, refusals)| !refusals.is_empty());
    let (head, first) = if asks_first {
        (Meaning::Waiting.paint("REHEARSED"), ", once a human has approved")
    } else {
        (Meaning::Good.paint("REHEARSED"), "")
    };
    (
        format!("{head} {whom} at {at}: {actions} changes{first}; nothing was changed"),
        Exit::Ok,
    )
}

/// The plan that an answer holds.
fn plan_of(answer: asked::Answer) -> Result<Rehearsal, String> {
    match answer? {
        Says::Rehearsal(plan) => Ok(plan),
        _ => Err("the daemon is of another version than this command: restart it".to_owned()),
    }
}

/// Why a human would be asked before anything is done.
fn refusals(policy: &Policy, plan: &Rehearsal, whom: &Subject, demanded: &Containment) -> Vec<String> {
    let refused = plan
        .accounts
        .iter()
        .filter_map(|account| policy.principal_allowed(&account.principal, whom, demanded).err());
    refused.map(|reason| reason.to_string()).collect()
}

/// The subject with every name that the store links to it, as an attempt would ask for it, and the case that is about it already. Without a
/// store yet, as it was written.
async fn what_is_known(subject: &Subject, at: &StoreArgs) -> anyhow::Result<(Subject, Option<CaseView>)> {
    let Some(store) = at.open_if_there().await? else {
        return Ok((subject.clone(), None));
    };
    let names = store.with_known_names(subject).await;
    let case = known_case(&store, subject, store.clock().now()).await;
    store.close().await;
    Ok((names?, case?))
}

fn show(target: &str, plan: &Rehearsal, refusals: &[String], explain: bool) -> anyhow::Result<()> {
    hanging(&format!("target {}:", plain(target)))?;
    if let Some(nobody) = &plan.nobody {
        hanging(&format!("  {}", plain(nobody)))?;
    }
    for account in &plan.accounts {
        let names: Vec<String> = account.principal.names.iter().map(ToString::to_string).collect();
        hanging(&format!("  account {}", plain(&names.join(", "))))?;
        let counts: Vec<String> = account
            .access
            .counts()
            .iter()
            .filter(|(_, count)| explain || **count > 0)
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        hanging(&format!(
            "    can reach now: {}; suspended: {}",
            if counts.is_empty() {
                "nothing".to_owned()
            } else {
                counts.join(", ")
            },
            account.access.suspended()
        ))?;
        for action in &account.actions {
            hanging(&format!("    would {}", plain(&action.to_string())))?;
        }
        if account.actions.is_empty() {
            line("    nothing would have to be done")?;
        }
        for (action, why) in &account.spared {
            hanging(&format!("    would not {}: {}", plain(&action.to_string()), plain(why)))?;
        }
        let times = LocalTimes::at(account.access.at);
        for door in &account.doors {
            hanging(&format!("    still open: {}", plain(&times.door(door))))?;
        }
    }
    for refusal in refusals {
        hanging(&format!("  would be held: {}", plain(refusal)))?;
    }
    // Where nobody is there, nothing could be left over.
    if plan.accounts.is_empty() {
        return Ok(());
    }
    if explain {
        for gap in &plan.not_covered {
            hanging(&format!("  not covered: {}", plain(gap)))?;
        }
    } else if !plan.not_covered.is_empty() {
        line(Meaning::Quiet.paint(format!("  not covered: {} (--explain)", plan.not_covered.len())))?;
    }
    Ok(())
}
