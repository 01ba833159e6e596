//! `revoked subject unresolved`: cases about people whom no target knows, names in dispute, and who was not looked up yet.

use std::collections::BTreeSet;

use super::looked_up::{answers, questions};
use super::{counted, on_one_line};
use crate::cli::account::quoted;
use crate::cli::asked::Reach;
use crate::cli::output::{Cell, LocalTimes, Meaning, answer, json, line, name_unreadable, plain, remark, table};
use crate::cli::whom::shown_text;
use crate::cli::{Exit, StoreArgs};
use crate::daemon::asked::Says;
use crate::model::{Resolution, Subject};
use crate::store::{LinkedName, PlannedPerson, Store, Unresolved};

/// How many of those who wait for a day are asked about, the next first.
const ASKED: u32 = 500;

/// What the targets said of those who wait for a day.
#[derive(Debug, Default)]
struct LookedUp {
    /// Of how many they were asked.
    asked: usize,
    /// Whom none of them knows.
    nowhere: Vec<PlannedPerson>,
    /// Why a target could not be asked.
    trouble: BTreeSet<String>,
}

/// Runs `revoked subject unresolved`.
///
/// # Errors
/// Where the store cannot be read or, with `ask`, the targets not be asked.
pub(super) async fn run(store: Store, at: &StoreArgs, all: bool, ask: bool, as_json: bool) -> anyhow::Result<Exit> {
    let (cases, disputed) = (store.unresolved(all).await?, store.disputed_names().await?);
    let not_looked_up = store.count_not_looked_up().await?;
    let looked_up = if ask { Some(look_up(&store, at).await?) } else { None };
    let times = LocalTimes::at(store.clock().now());
    store.close().await;
    name_unreadable(&cases.unreadable);
    let cases = cases.rows;
    for trouble in looked_up.iter().flat_map(|looked_up| &looked_up.trouble) {
        remark(format!("could not be asked: {}", plain(trouble)));
    }
    let failed = looked_up.as_ref().is_some_and(|looked_up| !looked_up.trouble.is_empty());
    let exit = if failed { Exit::Failed } else { Exit::Ok };
    if as_json {
        let mut found = serde_json::json!({ "cases": cases, "disputed": disputed, "not_looked_up": not_looked_up });
        if let Some(looked_up) = &looked_up {
            found["asked"] = looked_up.asked.into();
            found["known_nowhere"] = serde_json::to_value(&looked_up.nowhere)?;
        }
        json(&found)?;
        return Ok(exit);
    }
    show(&cases, &disputed, &times)?;
    let nowhere = looked_up.as_ref().map_or(&[][..], |looked_up| &looked_up.nowhere);
    if !nowhere.is_empty() {
        let rows = nowhere
            .iter()
            .map(|person| vec![on_one_line(&person.subject), times.on_day(person.due)]);
        table(&["known nowhere yet", "due"], rows.collect(), "")?;
    }
    let open: Vec<&Unresolved> = cases.iter().filter(|one| one.state == "open").collect();
    next(&open, nowhere)?;
    sum(&open, disputed.len(), not_looked_up, looked_up.as_ref())?;
    Ok(exit)
}

/// Asks the targets about those who wait for a day.
async fn look_up(store: &Store, at: &StoreArgs) -> anyhow::Result<LookedUp> {
    let reach = Reach::new(at)?;
    let people = store.not_looked_up(ASKED).await?;
    name_unreadable(&people.unreadable);
    let (mut asked, mut all) = (Vec::new(), Vec::new());
    for person in people.rows {
        let Ok(subject) = person.subject.parse::<Subject>() else {
            continue;
        };
        let known = store.names_of(&subject).await?;
        let about = questions(&reach.config.target_names, &subject, &known);
        asked.push((person, about.len()));
        all.extend(about);
    }
    let mut said = answers(&reach, &all).await?.into_iter().zip(all);
    let mut looked_up = LookedUp {
        asked: asked.len(),
        ..LookedUp::default()
    };
    for (person, count) in asked {
        let (mut is_known, mut is_sure) = (false, true);
        for (answer, question) in said.by_ref().take(count) {
            match answer {
                Ok(Says::Resolution(Some(Resolution::One(_) | Resolution::Ambiguous(_)))) => is_known = true,
                Ok(_) => {}
                Err(why) => {
                    is_sure = false;
                    looked_up.trouble.insert(format!("{}: {why}", question.target));
                }
            }
        }
        if is_sure && !is_known {
            looked_up.nowhere.push(person);
        }
    }
    Ok(looked_up)
}

fn show(cases: &[Unresolved], disputed: &[LinkedName], times: &LocalTimes) -> anyhow::Result<()> {
    for name in disputed {
        line(format!(
            "in dispute: {0} belongs to one person by {1}, and another source says to somebody else (revoked subject show {0})",
            shown_text(&name.name.to_string()),
            plain(name.source.as_deref().unwrap_or("an operator's word"))
        ))?;
    }
    if cases.is_empty() {
        return Ok(());
    }
    let rows = cases.iter().map(|one| {
        let names = one.subject.as_deref().map_or_else(|| "erased".to_owned(), on_one_line);
        let state = match one.state.as_str() {
            "open" => Cell::meaning("open", Meaning::Waiting),
            over => Cell::meaning(over, Meaning::Quiet),
        };
        vec![
            one.case.to_string().into(),
            names.into(),
            state,
            times.away(one.since).into(),
            one.source.clone().into(),
            one.reason.clone().into(),
            one.why.clone().into(),
        ]
    });
    table(
        &["case", "subject", "state", "since?", "source?", "reason?", "why…"],
        rows.collect(),
        "",
    )
}

/// What may be typed about the first of them.
fn next(open: &[&Unresolved], nowhere: &[PlannedPerson]) -> anyhow::Result<()> {
    let unresolved = open.iter().find_map(|one| one.subject.as_deref());
    let planned = nowhere.first().map(|person| person.subject.as_str());
    if let Some(subject) = unresolved.or(planned) {
        let name = subject
            .strip_prefix("aliases:")
            .unwrap_or(subject)
            .lines()
            .next()
            .unwrap_or_default();
        line(format!(
            "say who it is:                 revoked subject link {} NAME",
            quoted(&shown_text(name))
        ))?;
    }
    if let Some(one) = open.first() {
        line(format!("or that nothing is to be done: revoked subject dismiss {}", one.case))?;
    }
    Ok(())
}

/// The answer.
fn sum(open: &[&Unresolved], disputed: usize, not_looked_up: usize, looked_up: Option<&LookedUp>) -> anyhow::Result<()> {
    let mut parts = Vec::new();
    if !open.is_empty() {
        parts.push(format!(
            "{} somebody whom no target knows",
            counted(open.len(), "case is about", "cases are about")
        ));
    }
    if disputed > 0 {
        parts.push(format!(
            "{} in dispute: unlink each from whom it is not (revoked subject unlink NAME)",
            counted(disputed, "name is", "names are")
        ));
    }
    let asked = looked_up.map_or(0, |looked_up| looked_up.asked);
    let nowhere = looked_up.map_or(0, |looked_up| looked_up.nowhere.len());
    if nowhere > 0 {
        parts.push(format!(
            "{nowhere} of {} known nowhere",
            counted(asked, "planned or held person is", "planned or held people are")
        ));
    }
    let rest = not_looked_up.saturating_sub(asked);
    let not_yet = match (rest, looked_up) {
        (0, _) => String::new(),
        (rest, None) => format!(
            "{} not looked up yet: revoked subject unresolved --ask",
            counted(rest, "planned or held person was", "planned or held people were")
        ),
        (rest, Some(_)) => format!("{} of later days not asked about", counted(rest, "person was", "people were")),
    };
    if parts.is_empty() && not_yet.is_empty() {
        let trouble = looked_up.is_some_and(|looked_up| !looked_up.trouble.is_empty());
        return if trouble {
            answer(Meaning::Bad, "not every target could be asked", "")
        } else {
            answer(Meaning::Good, "everybody is known at a target at least", "")
        };
    }
    if parts.is_empty() {
        parts.push("nobody is unresolved".to_owned());
    }
    parts.extend(Some(not_yet).filter(|not_yet| !not_yet.is_empty()));
    answer(Meaning::Waiting, &parts.join("; "), "")
}
