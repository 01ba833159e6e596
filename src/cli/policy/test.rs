//! `revoked policy test`: what would become of a signal about somebody, as the rule itself tells it while it decides.

use anyhow::Context as _;
use clap::Args;

use super::decided::demands;
use super::known;
use crate::cli::output::{Cell, LocalTimes, Meaning, hanging, json, line, plain, table};
use crate::cli::whom::Whom;
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::{Explanation, Supposed};
use crate::model::Reason;
use crate::policy::INBOX;
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
async fn tested(args: &TestArgs, config: &Config, store: Option<&Store>) -> anyhow::Result<(Explanation, Vec<String>)> {
    let subject = match (&args.whom, store) {
        (Whom::Named(subject), _) => subject.clone(),
        (whom, Some(store)) => whom.subject(store).await?,
        (_, None) => anyhow::bail!("there is no store yet that could say who is meant: write the name with its format"),
    };
    let supposed = Supposed {
        subject,
        source: args.source.clone(),
        reason: args.reason,
        playbook: args.playbook.clone(),
        target: args.target.clone(),
        all_sessions: args.all_sessions,
        together: args.together,
    };
    let tested = supposed.explained(&config.policy, store, Clock::system().now()).await?;
    let words = tested.targets.iter().map(|at| demands(&at.demands)).collect();
    Ok((tested, words))
}

fn show(tested: &Explanation, words: Vec<String>) -> anyhow::Result<()> {
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
