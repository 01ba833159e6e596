//! `revoked policy test`: what would become of a signal about somebody, as the rule itself tells it while it decides.

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::decided::{demands, outcome};
use super::known;
use crate::cli::output::{Cell, LocalTimes, Meaning, hanging, json, line, plain, table};
use crate::cli::whom::Whom;
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{Containment, Reason, Scope, Signal, Subject, Timestamp};
use crate::policy::{Class, Decision, Explained, Facts, INBOX, Level};
use crate::store::Store;

/// `revoked policy test`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked policy test ann@example.org
  revoked policy test --source hr --reason departed ann@example.org
  revoked policy test --source hr --reason departed --together 500 ann@example.org --json

What sources have sent within the last hour or minute is counted as it is; nothing is stored, and no target is asked.")]
pub struct TestArgs {
    /// Whom the signal would be about: email:, username:, id: or another format, or a name that is known
    whom: Whom,
    /// The source that would send it
    #[arg(long, default_value = INBOX)]
    source: String,
    /// The reason that it would give
    #[arg(long, default_value = "compromised", value_parser = reason)]
    reason: Reason,
    /// The playbook that it would ask for
    #[arg(long, value_name = "NAME")]
    playbook: Option<String>,
    /// The target that it would ask for
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// It would ask only for the end of every session
    #[arg(long)]
    all_sessions: bool,
    /// How many such signals would come together
    #[arg(long, value_name = "N", default_value_t = 1)]
    together: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn reason(word: &str) -> Result<Reason, String> {
    let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    Reason::from_word(word).ok_or_else(|| format!("there are {}", words.join(", ")))
}

/// What would become of a signal, and why.
#[derive(Serialize)]
struct Tested {
    source: String,
    mode: &'static str,
    reason: &'static str,
    /// Every name that is known of the person.
    names: Vec<String>,
    /// Whether it is not clear who is meant.
    unclear: bool,
    /// `act`, `hold`, `ignore` or `withdraw`; of a source that rehearses, what would be.
    decision: &'static str,
    /// The same in a few words, with the class of a hold and how far the work was lowered.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The group of people that asks for the decision, and how many people must approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    playbook: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    steps: Vec<Looked>,
    targets: Vec<AtTarget>,
    counted: Counted,
}

/// One rule that was looked at.
#[derive(Serialize)]
struct Looked {
    rule: &'static str,
    said: String,
    decides: bool,
}

/// What a target would get.
#[derive(Serialize)]
struct AtTarget {
    target: String,
    level: &'static str,
    demands: Containment,
}

/// What limits were compared with.
#[derive(Serialize)]
struct Counted {
    departures_within_an_hour: usize,
    compromises_within_a_minute: usize,
    people_known: usize,
}

/// Runs `revoked policy test`.
///
/// # Errors
/// A config that is wrong, a source that is not there, a store that cannot be read.
pub(super) async fn run(args: &TestArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let config = known::config(&at.config)?;
    let built = config.sources.iter().map(|source| source.name.as_str());
    let mut sources = built.chain(config.unbuilt_sources.iter().map(|source| source.name.as_str()));
    sources
        .find(|name| *name == args.source)
        .with_context(|| format!("no source is called {:?}; see revoked source list", args.source))?;
    let store = match &args.whom {
        Whom::Named(_) => at.open_if_there().await?,
        _ => Some(at.open().await?),
    };
    known::complete(&config, store.as_ref()).await?;
    let tested = tested(args, &config, store.as_ref()).await;
    if let Some(store) = store {
        store.close().await;
    }
    let (tested, words) = tested?;
    if args.json {
        json(&tested)?;
    } else {
        show(&tested, words)?;
    }
    Ok(Exit::Ok)
}

/// What would become of it; with what each target would get, in words.
async fn tested(args: &TestArgs, config: &Config, store: Option<&Store>) -> anyhow::Result<(Tested, Vec<String>)> {
    let policy = &config.policy;
    let now = Clock::system().now();
    let subject = match (&args.whom, store) {
        (Whom::Named(subject), _) => subject.clone(),
        (whom, Some(store)) => whom.subject(store).await?,
        (_, None) => anyhow::bail!("there is no store yet that could say who is meant: write the name with its format"),
    };
    let mut facts = Facts::new(&args.source, now);
    let mut names = subject;
    if let Some(store) = store {
        (names, facts.unclear) = store.whom(&names).await?;
        facts.population = store.population().await?;
        let limits = policy.limits_of(&args.source);
        let mut recent = [0, 0];
        for (class, count) in Class::ALL.into_iter().zip(&mut recent) {
            if let Some(most) = limits.counted_to(class, facts.population) {
                *count = store.recently_acted_on(&args.source, class, most).await?;
            }
        }
        facts = facts.after_departures(recent[0]);
        facts.recent_compromises = recent[1];
    }
    let mut signal = Signal::new("test", [0; 32], names.clone(), args.reason);
    signal.playbook.clone_from(&args.playbook);
    signal.target.clone_from(&args.target);
    if args.all_sessions {
        signal.scope = Scope::AllSessions;
    }
    if Class::of(args.reason) == Some(Class::Departures) && !args.all_sessions {
        facts.delivery_departures = args.together;
    } else if Class::of(args.reason) == Some(Class::Compromises) {
        facts.recent_compromises += args.together.saturating_sub(1);
    }
    let explained = policy.explain(&signal, &facts);
    let counted = Counted {
        departures_within_an_hour: facts.recent_departures,
        compromises_within_a_minute: facts.recent_compromises,
        people_known: facts.population,
    };
    let tested = told(
        args,
        &names,
        &explained,
        (policy.mode_of(&args.source).word(), facts.unclear, counted),
    );
    let words = tested.targets.iter().map(|at| demands(&at.demands)).collect();
    Ok((tested, words))
}

fn told(
    args: &TestArgs,
    names: &Subject,
    explained: &Explained,
    (mode, unclear, counted): (&'static str, bool, Counted),
) -> Tested {
    let decision = explained.decision.in_earnest();
    let (class, why, held_for) = match decision {
        Decision::Hold {
            class, why, held_for, ..
        } => (Some(*class), Some(why.clone()), held_for.clone()),
        Decision::Ignore { why } => (None, Some(why.clone()), None),
        _ => (None, None, None),
    };
    let work = decision.work();
    let steps = explained.steps.iter().map(|step| Looked {
        rule: step.rule,
        said: step.said.clone(),
        decides: step.decides,
    });
    let jobs = work.into_iter().flat_map(|work| &work.jobs);
    Tested {
        source: args.source.clone(),
        mode,
        reason: args.reason.word(),
        names: names.names().iter().map(ToString::to_string).collect(),
        unclear,
        decision: decision.word(),
        outcome: outcome(&explained.decision),
        class,
        why,
        group: held_for.as_ref().map(|held| held.group.clone()),
        approvals: held_for.as_ref().map(|held| held.approvals),
        playbook: work.map(|work| work.playbook.clone()),
        priority: work.map(|work| work.priority.0),
        due: work.and_then(|work| work.due),
        steps: steps.collect(),
        targets: jobs
            .map(|(target, demanded)| AtTarget {
                target: target.clone(),
                level: Level::of(demanded).word(),
                demands: demanded.clone(),
            })
            .collect(),
        counted,
    }
}

fn show(tested: &Tested, words: Vec<String>) -> anyhow::Result<()> {
    hanging(&format!(
        "{} says {} of {}",
        tested.source,
        tested.reason,
        plain(&tested.names.join(", "))
    ))?;
    let rows = tested.steps.iter().map(|step| {
        let mark: Cell = if step.decides {
            Cell::meaning(">", Meaning::Strong)
        } else {
            "".into()
        };
        vec![mark, step.rule.into(), plain(&step.said).into()]
    });
    table(&["", "rule", "says…"], rows.collect(), "no rule was looked at")?;
    let mut decision = format!("decision: {}", tested.outcome);
    if let Some(playbook) = &tested.playbook {
        decision = format!("{decision}, by {playbook}, priority {}", tested.priority.unwrap_or_default());
    }
    if let Some(due) = tested.due {
        decision = format!("{decision}, due {}", LocalTimes::at(Clock::system().now()).time(due));
    }
    if let (Some(group), Some(approvals)) = (&tested.group, tested.approvals) {
        decision = format!("{decision}; for the group {group} (approvals {approvals})");
    }
    hanging(&plain(&decision))?;
    let rows = tested.targets.iter().zip(words);
    let rows = rows.map(|(at, words)| vec![Cell::from(at.target.as_str()), at.level.into(), words.into()]);
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        table(&["target", "level", "would get…"], rows, "")?;
    }
    line("nothing was stored or done")
}
