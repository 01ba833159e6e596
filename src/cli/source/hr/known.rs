//! Whom a file is about that nobody knows: asked of the store, and with `--ask` of the targets.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::asked::Reach;
use crate::daemon::asked::{Asks, Question, Says};
use crate::model::{Resolution, Subject};
use crate::sources::hr_csv::Preview;
use crate::store::Store;

/// So many questions are handed to the daemon at once.
const AT_ONCE: usize = 500;

/// Marks the people that no other source has named and that are in no case, where other sources name people at all. Of somebody who is new
/// that is no wonder: only a target can tell whether there is anything to end.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn ask_store(store: &Store, source: &str, preview: &mut Preview) -> anyhow::Result<()> {
    if !store.has_directory(source).await? {
        return Ok(());
    }
    for row in preview.rows.iter_mut().filter(|row| row.effect.ends_access()) {
        let is_known = !store.names_of(&row.subject).await?.is_empty() || !store.references(&row.subject).await?.is_empty();
        (row.unknown, row.unnamed) = (!is_known, !is_known);
    }
    Ok(())
}

/// Marks the people whom no target knows, and takes the mark from those whom one does. Notes what could not be asked: of somebody whom not every
/// target was asked about nothing is said.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn ask_targets(reach: &Reach, store: Option<&Store>, preview: &mut Preview) -> anyhow::Result<()> {
    let targets = &reach.config.target_names;
    // Where their secrets are the daemon's, the daemon is asked by way of the store.
    if store.is_none() && reach.config.targets.len() < targets.len() {
        let why = "may be asked by the daemon alone, which is reached by way of the store";
        preview.not_asked = targets.iter().map(|target| format!("{target}: {why}")).collect();
        return Ok(());
    }
    let mut asked: Vec<(usize, Question)> = Vec::new();
    for (place, row) in preview.rows.iter().enumerate().filter(|(_, row)| row.effect.ends_access()) {
        let subject = match store {
            Some(store) => store.with_known_names(&row.subject).await?,
            None => row.subject.clone(),
        };
        asked.extend(questions(place, &subject, targets));
    }
    let mut found: BTreeMap<usize, Found> = BTreeMap::new();
    let mut trouble: BTreeSet<String> = BTreeSet::new();
    for portion in asked.chunks(AT_ONCE) {
        let answers = match reach
            .ask(portion.iter().map(|(_, question)| question.clone()).collect())
            .await
        {
            Ok(answers) => answers,
            Err(error) => {
                trouble.extend(targets.iter().map(|target| format!("{target}: {error:#}")));
                break;
            }
        };
        for ((place, question), answer) in portion.iter().zip(answers) {
            let found = found.entry(*place).or_default();
            match answer {
                Ok(Says::Resolution(Some(Resolution::None))) => found.asked = true,
                Ok(Says::Resolution(Some(_))) => (found.asked, found.known) = (true, true),
                // This target knows people by other names.
                Ok(_) => {}
                Err(why) => {
                    found.failed = true;
                    trouble.insert(format!("{}: {why}", question.target));
                }
            }
        }
    }
    preview.not_asked = trouble.into_iter().collect();
    for (place, found) in found {
        let row = &mut preview.rows[place];
        if found.known {
            (row.unknown, row.unnamed) = (false, false);
        } else if found.asked && !found.failed {
            (row.unknown, row.unnamed) = (true, false);
            row.adds("no target knows anybody by these names");
        }
    }
    Ok(())
}

/// What the targets say of one row.
#[derive(Default)]
struct Found {
    asked: bool,
    known: bool,
    failed: bool,
}

/// Whom each target is asked for.
fn questions(place: usize, subject: &Subject, targets: &[String]) -> Vec<(usize, Question)> {
    let ask = |target: &String, name: &Subject| {
        let question = Question {
            target: target.clone(),
            asks: Asks::Resolution { name: name.clone() },
        };
        (place, question)
    };
    let of_target = |target| subject.names().iter().map(move |name| ask(target, name));
    targets.iter().flat_map(of_target).collect()
}
