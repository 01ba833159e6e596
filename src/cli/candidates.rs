//! What the shell offers where a value is typed: kinds, reasons and verdicts as the program knows them, names from the config without its
//! secrets, open numbers from the store. It never fails and never keeps anybody waiting: what cannot be had in time is not offered.
//!
//! By the name of an argument, over all commands: a new command that takes a `--target` or a case gets this by itself.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use revoked_trail::EntryKind;

use super::StoreArgs;
use super::output::plain;
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_PATH};
use crate::model::{JobState, Reason, Verdict};
use crate::store::{DepartureFilter, ListFilter, Role, Store};
use crate::{policy, sources, targets};

/// How long looking may take: a shell waits for it at every key.
const WITHIN: Duration = Duration::from_millis(150);
/// How many numbers are offered, the newest first.
const MOST: u32 = 50;
/// How many batches are, each of which is counted.
const NEWEST_BATCHES: usize = 5;

/// A word, and what it means; shells that show no help leave that out.
type Offers = Vec<(String, String)>;

/// The command line with what is offered for its arguments.
#[must_use]
pub(super) fn offering(command: Command) -> Command {
    below(command, "")
}

fn below(command: Command, family: &str) -> Command {
    let name = command.get_name().to_owned();
    let args: Vec<(String, fn() -> Offers)> = command
        .get_arguments()
        .filter_map(|arg| {
            let id = arg.get_id().to_string();
            let offers = offers_for(&id, if family.is_empty() { &name } else { family })?;
            // A flag of that name takes no value.
            let takes = arg.get_action().takes_values() && arg.get_possible_values().is_empty();
            takes.then_some((id, offers))
        })
        .collect();
    let command = args.into_iter().fold(command, |command, (id, offers)| {
        command.mut_arg(id, |arg| arg.add(ArgValueCandidates::new(move || candidates(offers()))))
    });
    let family = match family {
        "" if name == "revoked" => String::new(),
        "" => name,
        family => family.to_owned(),
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| below(command, &family))
    })
}

/// What is offered for the argument `id` of a command of the family `revoked FAMILY …`.
fn offers_for(id: &str, family: &str) -> Option<fn() -> Offers> {
    let offers: fn() -> Offers = match (id, family) {
        ("reason", "source") | ("name", "target") => return None,
        ("reason", _) => reasons,
        ("playbook", _) => playbooks,
        ("target" | "targets", _) => targets_here,
        ("source" | "sources" | "all_of", _) | ("name", "source") => sources_here,
        ("receiver", _) => receivers,
        ("channel", _) => channels,
        ("case" | "cases", _) => cases,
        ("hold" | "holds", _) => holds,
        ("batch", _) => batches,
        ("alert" | "alerts", _) => alerts,
        ("departure" | "departures", _) => departures,
        ("verdict", _) => verdicts,
        ("state", "job") => job_states,
        ("kind", "trail") => entry_kinds,
        ("kind", "alert") => alert_kinds,
        ("kind", _) => kinds,
        _ => return None,
    };
    Some(offers)
}

fn candidates(offers: Offers) -> Vec<CompletionCandidate> {
    let ordered = offers.into_iter().enumerate();
    let made = ordered.map(|(place, (word, help))| {
        CompletionCandidate::new(word)
            .help(Some(plain(&help).into()).filter(|_| !help.is_empty()))
            .display_order(Some(place))
    });
    made.collect()
}

fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Offers {
    words.into_iter().map(|word| (word.to_owned(), String::new())).collect()
}

fn reasons() -> Offers {
    words(Reason::ALL.iter().map(|reason| reason.word()))
}

fn verdicts() -> Offers {
    words(Verdict::WORDS)
}

fn job_states() -> Offers {
    words(JobState::WORDS)
}

fn entry_kinds() -> Offers {
    let kinds = EntryKind::ALL.iter();
    kinds
        .map(|kind| (kind.name().to_owned(), kind.description().to_owned()))
        .collect()
}

fn kinds() -> Offers {
    let targets = targets::KINDS
        .iter()
        .map(|kind| (kind.name.to_owned(), kind.about.to_owned()));
    let sources = sources::KINDS
        .iter()
        .map(|kind| (kind.name.to_owned(), kind.about.to_owned()));
    targets.chain(sources).collect()
}

fn playbooks() -> Offers {
    match config() {
        Some(config) => words(config.policy.playbooks.keys().map(String::as_str)),
        None => words(policy::BUILT_IN.map(Reason::word)),
    }
}

fn targets_here() -> Offers {
    config().map_or_else(Vec::new, |config| words(config.target_names.iter().map(String::as_str)))
}

fn sources_here() -> Offers {
    let Some(config) = config() else { return Vec::new() };
    let built = config
        .sources
        .iter()
        .map(|source| (source.name.clone(), source.kind.to_owned()));
    let unbuilt = config
        .unbuilt_sources
        .iter()
        .map(|source| (source.name.clone(), source.kind.to_owned()));
    built.chain(unbuilt).collect()
}

fn receivers() -> Offers {
    let settings = config().and_then(|config| config.transmitter);
    settings.map_or_else(Vec::new, |settings| {
        words(settings.receivers.iter().map(|one| one.receiver.name.as_str()))
    })
}

fn channels() -> Offers {
    let config = config();
    let channels = config.iter().flat_map(|config| &config.channels);
    channels
        .map(|channel| (channel.rules.name.clone(), channel.rules.carrier.to_owned()))
        .collect()
}

fn cases() -> Offers {
    from_store(async |store| {
        let filter = ListFilter {
            limit: MOST,
            ..ListFilter::default()
        };
        let cases = store.cases(&filter).await.ok()?.rows;
        let offered = cases.into_iter().map(|case| {
            let state = case.verdict.unwrap_or(case.state);
            (case.id.to_string(), format!("{}, {state}", case.reason))
        });
        Some(offered.collect())
    })
}

fn holds() -> Offers {
    from_store(async |store| {
        let holds = store.holds(false).await.ok()?.rows;
        Some(holds.into_iter().map(|hold| (hold.id.to_string(), hold.detail)).collect())
    })
}

fn batches() -> Offers {
    from_store(async |store| {
        let batches = store.batches(None, NEWEST_BATCHES).await.ok()?.into_iter();
        let offered = batches.map(|batch| {
            let told = format!("{} people, {}", batch.progress.people, batch.request.reason);
            (batch.request.batch, told)
        });
        Some(offered.collect())
    })
}

fn alerts() -> Offers {
    from_store(async |store| {
        let alerts = store.alerts(false).await.ok()?.rows;
        Some(alerts.into_iter().map(|alert| (alert.id.to_string(), alert.kind)).collect())
    })
}

fn alert_kinds() -> Offers {
    from_store(async |store| {
        let kinds = store.open_alerts_by_kind().await.ok()?;
        Some(
            kinds
                .into_iter()
                .map(|(kind, count)| (kind, format!("{count} open")))
                .collect(),
        )
    })
}

fn departures() -> Offers {
    from_store(async |store| {
        let plans = store
            .departures(&DepartureFilter {
                limit: MOST,
                ..DepartureFilter::default()
            })
            .await
            .ok()?
            .rows;
        let plans = plans.into_iter();
        Some(plans.map(|plan| (plan.id.to_string(), plan.state)).collect())
    })
}

/// The config that is meant by what was typed so far, without secrets.
fn config() -> Option<Config> {
    Config::load_without_secrets(&place().config, &Clock::system()).ok()
}

/// Reads the store that is meant by what was typed so far.
fn from_store(read: impl AsyncFnOnce(&Store) -> Option<Offers>) -> Offers {
    let Ok(path) = place().path() else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    else {
        return Vec::new();
    };
    let offers = runtime.block_on(async {
        let reading = async {
            let store = Store::open(&path, Role::Command, Clock::system()).await.ok()?;
            let offers = read(&store).await;
            store.close().await;
            offers
        };
        tokio::time::timeout(WITHIN, reading).await.ok().flatten()
    });
    // What is still at it has no more to say.
    runtime.shutdown_background();
    offers.unwrap_or_default()
}

/// The config and the store that were typed so far. The shell hands the whole line over behind `--`.
fn place() -> StoreArgs {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let value = |long: &str, short: Option<&str>| {
        words.iter().enumerate().find_map(|(at, word)| {
            let text = word.to_string_lossy();
            match text.strip_prefix(long) {
                Some("") => words.get(at + 1).cloned(),
                Some(rest) => rest.strip_prefix('=').map(OsString::from),
                None => short.filter(|short| text == *short).and_then(|_| words.get(at + 1).cloned()),
            }
        })
    };
    let named = |value: Option<OsString>| value.filter(|value| value != OsStr::new("")).map(PathBuf::from);
    StoreArgs {
        config: named(value("--config", Some("-c")))
            .or_else(|| named(std::env::var_os("REVOKED_CONFIG")))
            .unwrap_or_else(|| PathBuf::from(DEFAULT_PATH)),
        store: named(value("--store", None)),
    }
}
