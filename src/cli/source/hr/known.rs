//! Whom a file is about that nobody knows: asked of the store, and with `--ask` of the targets.

use futures_util::future::join_all;

use crate::config::{Config, TargetConfig};
use crate::model::{Resolution, Subject};
use crate::sources::hr_csv::{Effect, Preview};
use crate::store::Store;
use crate::targets::CallContext;

/// What the effect of a row would be where nobody is known by its names.
const UNKNOWN: &str = "unknown person";

/// Why the store does not know somebody.
const UNNAMED: &str = "no source has named this person before";

/// Marks the people that no other source has named and that are in no case, where other sources name people at all.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn ask_store(store: &Store, source: &str, preview: &mut Preview) -> anyhow::Result<()> {
    if !store.has_directory(source).await? {
        return Ok(());
    }
    for row in preview.rows.iter_mut().filter(|row| ends_access(row.effect)) {
        let is_known = !store.names_of(&row.subject).await?.is_empty() || !store.references(&row.subject).await?.is_empty();
        if !is_known {
            mark(&mut row.unknown, &mut row.why, UNNAMED);
        }
    }
    Ok(())
}

/// Marks the people whom no target knows, and takes the mark from those whom one does. Answers what could not be asked.
pub(super) async fn ask_targets(store: Option<&Store>, config: &Config, preview: &mut Preview) -> anyhow::Result<Vec<String>> {
    let mut trouble: Vec<String> = Vec::new();
    for row in preview.rows.iter_mut().filter(|row| ends_access(row.effect)) {
        let subject = match store {
            Some(store) => store.with_known_names(&row.subject).await?,
            None => row.subject.clone(),
        };
        let answers = join_all(config.targets.iter().map(|target| ask(target, &subject))).await;
        let found: Vec<&String> = answers
            .iter()
            .filter_map(|(target, answer)| answer.as_ref().ok()?.then_some(target))
            .collect();
        let failed = answers
            .iter()
            .filter_map(|(target, answer)| Some(format!("{target}: {}", answer.as_ref().err()?)));
        let failed: Vec<String> = failed.collect();
        if !found.is_empty() {
            row.unknown = false;
            row.why = row.why.take().filter(|why| why != UNNAMED);
        } else if failed.is_empty() {
            mark(&mut row.unknown, &mut row.why, "no target knows anybody by these names");
        }
        trouble.extend(
            failed
                .into_iter()
                .filter(|failed| !trouble.contains(failed))
                .collect::<Vec<_>>(),
        );
    }
    Ok(trouble)
}

/// Whether a target knows somebody by one of the names.
async fn ask(target: &TargetConfig, subject: &Subject) -> (String, Result<bool, String>) {
    let mut known = false;
    for name in subject.names().iter().filter(|name| target.target.asks_by(name)) {
        match target.target.resolve(&CallContext::unpaced(), name).await {
            Ok(Resolution::None) => {}
            Ok(Resolution::One(_) | Resolution::Ambiguous(_)) => known = true,
            Err(error) => return (target.name.clone(), Err(error.to_string())),
        }
    }
    (target.name.clone(), Ok(known))
}

fn mark(unknown: &mut bool, why: &mut Option<String>, because: &str) {
    *unknown = true;
    *why = Some(match why.take() {
        Some(why) => format!("{why}; {because}"),
        None => because.to_owned(),
    });
}

fn ends_access(effect: Effect) -> bool {
    matches!(effect, Effect::Planned | Effect::AtOnce | Effect::Held | Effect::Blocked)
}

/// The word for what would become of a row.
pub(super) fn effect(effect: Effect, unknown: bool) -> &'static str {
    if unknown && matches!(effect, Effect::Planned | Effect::AtOnce) {
        UNKNOWN
    } else {
        effect.word()
    }
}
