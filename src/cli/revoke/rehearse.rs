//! `revoke --rehearse`: what would be done, with the targets asked now. Changes nothing; needs a daemon only where
//! the targets' credentials are the daemon's alone.

use super::RevokeArgs;
use crate::cli::asked::Reach;
use crate::cli::output::{json, line, plain};
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::daemon::asked::{Answer, Asks, Question, Says};
use crate::model::{Containment, Scope, Subject};
use crate::policy::Policy;
use crate::worker::Rehearsal;

/// Asks every target of the playbook and prints the plan.
///
/// # Errors
/// Where the config is wrong, or the playbook demands nothing anywhere.
pub(super) async fn run(args: &RevokeArgs, subject: &Subject, at: &StoreArgs) -> anyhow::Result<Exit> {
    let reach = Reach::new(at)?;
    let config = &reach.config;
    let name = args.playbook.clone().unwrap_or_else(|| args.reason.word().to_owned());
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
    let subject = by_every_name(subject, at).await?;
    let asked = playbook
        .iter()
        .filter(|(name, _)| args.target.as_ref().is_none_or(|target| target == *name) && config.target_names.contains(name));
    let questions = asked.map(|(target, containment)| Question {
        target: target.clone(),
        asks: Asks::Rehearsal {
            subject: subject.clone(),
            containment: Containment {
                scope: scope.clone().without_values(),
                ..containment.clone()
            },
        },
    });
    let questions: Vec<Question> = questions.collect();
    let answers = reach.ask(questions.clone()).await?;
    let mut rows = Vec::new();
    let mut failed = false;
    for (question, answer) in questions.into_iter().zip(answers) {
        let target = &question.target;
        match plan_of(answer) {
            Ok(plan) => {
                let refusals = refusals(&config.policy, &plan);
                if !args.json {
                    show(target, &plan, &refusals)?;
                }
                rows.push(serde_json::json!({ "target": target, "plan": plan, "would_be_held": refusals }));
            }
            Err(error) => {
                failed = true;
                if !args.json {
                    line(format!("target {}: could not be asked: {}", plain(target), plain(&error)))?;
                }
                rows.push(serde_json::json!({ "target": target, "error": error }));
            }
        }
    }
    anyhow::ensure!(
        !rows.is_empty(),
        "the playbook {name:?} demands nothing at the targets asked for"
    );
    if args.json {
        json(&rows)?;
    } else {
        line("nothing was changed")?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

/// The plan that an answer holds.
fn plan_of(answer: Answer) -> Result<Rehearsal, String> {
    match answer? {
        Says::Rehearsal(plan) => Ok(plan),
        _ => Err("the daemon is of another version than this command: restart it".to_owned()),
    }
}

/// Why a human would be asked before anything is done.
fn refusals(policy: &Policy, plan: &Rehearsal) -> Vec<String> {
    let refused = plan
        .accounts
        .iter()
        .filter_map(|account| policy.principal_allowed(&account.principal).err());
    refused.map(|reason| reason.to_string()).collect()
}

/// The subject with every name that the store links to it, as an attempt would ask for it. Without a store yet, as it was written.
async fn by_every_name(subject: &Subject, at: &StoreArgs) -> anyhow::Result<Subject> {
    let Some(store) = at.open_if_there().await? else {
        return Ok(subject.clone());
    };
    let subject = store.with_known_names(subject).await;
    store.close().await;
    Ok(subject?)
}

fn show(target: &str, plan: &Rehearsal, refusals: &[String]) -> anyhow::Result<()> {
    line(format!("target {}:", plain(target)))?;
    if let Some(nobody) = &plan.nobody {
        line(format!("  {}", plain(nobody)))?;
    }
    for account in &plan.accounts {
        let names: Vec<String> = account.principal.names.iter().map(ToString::to_string).collect();
        line(format!("  account {}", plain(&names.join(", "))))?;
        let counts: Vec<String> = account
            .access
            .counts()
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        line(format!(
            "    can reach now: {}; suspended: {}",
            counts.join(", "),
            account.access.suspended()
        ))?;
        for action in &account.actions {
            line(format!("    would {}", plain(&action.to_string())))?;
        }
        if account.actions.is_empty() {
            line("    nothing would have to be done")?;
        }
        for (action, why) in &account.spared {
            line(format!("    would not {}: {}", plain(&action.to_string()), plain(why)))?;
        }
        for door in &account.doors {
            line(format!("    still open: {}", plain(&door.to_string())))?;
        }
    }
    for refusal in refusals {
        line(format!("  would be held: {}", plain(refusal)))?;
    }
    for gap in &plan.not_covered {
        line(format!("  not covered: {}", plain(gap)))?;
    }
    Ok(())
}
