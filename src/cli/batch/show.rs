//! `revoked batch show`: how far one batch is, as its page shows it.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::counts::{counts, pace};
use crate::cli::Exit;
use crate::cli::case::interrupted;
use crate::cli::output::{Cell, LiveLine, LocalTimes, Meaning, bare, hanging, json, line, plain, table};
use crate::store::{BatchPerson, BatchProgress, BatchRequest, Store, id_of_batch};

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a line is written where nobody looks on.
const A_LINE_EVERY: Duration = Duration::from_secs(10);
/// How many people are named.
const NAMED: u32 = 20;

/// A batch as programs have it.
#[derive(Serialize)]
struct Shown<'b> {
    #[serde(flatten)]
    request: &'b BatchRequest,
    #[serde(flatten)]
    progress: &'b BatchProgress,
}

pub(super) async fn show(store: &Store, key: &str, follow: bool, as_json: bool) -> anyhow::Result<Exit> {
    let request = store.batch_request(key).await?;
    let stopped = follow && self::follow(store, key, as_json).await?;
    let progress = store.batch_progress(key).await?;
    let exit = if stopped { Exit::Waiting } else { Exit::Ok };
    if as_json {
        json(&Shown {
            request: &request,
            progress: &progress,
        })?;
        return Ok(exit);
    }
    let times = LocalTimes::at(store.clock().now());
    head(&request, &times)?;
    let people = store.batch_people(key, NAMED).await?;
    let needing: Vec<&BatchPerson> = people.iter().filter(|person| needs_somebody(person)).collect();
    if !needing.is_empty() {
        let rows = needing.iter().map(|person| row(person));
        table(&["person", "case", "stands", "why…"], rows.collect(), "nobody")?;
    }
    let troubled = progress.held + progress.rejected + progress.verdict("failed");
    let named = i64::try_from(needing.len()).unwrap_or(i64::MAX);
    if troubled > named {
        line(format!(
            "{} more: revoked batch report {}",
            troubled - named,
            id_of_batch(key)
        ))?;
    }
    sum(&progress, key)?;
    Ok(exit)
}

fn head(request: &BatchRequest, times: &LocalTimes) -> anyhow::Result<()> {
    let playbook = request
        .playbook
        .as_deref()
        .map_or(String::new(), |playbook| format!(", by the playbook {}", plain(playbook)));
    let target = request
        .target
        .as_deref()
        .map_or(String::new(), |target| format!(", at {} alone", plain(target)));
    hanging(&format!(
        "batch {}: {}{playbook}{target}; asked for {} by {}",
        request.batch,
        plain(&request.reason),
        times.time(request.asked_at),
        plain(&request.requested_by)
    ))?;
    if let Some(note) = &request.note {
        hanging(&format!("  because: {}", plain(note)))?;
    }
    Ok(())
}

/// Whether it did not go well about somebody, or a human is to decide.
fn needs_somebody(person: &BatchPerson) -> bool {
    matches!(person.state.as_str(), "rejected" | "held") || person.verdict.as_deref() == Some("failed")
}

fn row(person: &BatchPerson) -> Vec<Cell> {
    let (word, meaning) = match (person.state.as_str(), person.verdict.as_deref()) {
        ("held", _) => ("held", Meaning::Waiting),
        (_, Some(verdict)) => (verdict, Meaning::Bad),
        (state, None) => (state, Meaning::Bad),
    };
    let why = person.hold.map_or_else(
        || person.why.clone().unwrap_or_default(),
        |hold| format!("revoked hold show {hold}"),
    );
    vec![
        bare(&person.subject).into(),
        person.case.map_or_else(|| "-".to_owned(), |case| case.to_string()).into(),
        Cell::meaning(word.to_owned(), meaning),
        why.into(),
    ]
}

/// The last lines: how many stand how, and what to type where it is paused.
fn sum(progress: &BatchProgress, key: &str) -> anyhow::Result<()> {
    let id = id_of_batch(key);
    let meaning = if progress.paused.is_some() || progress.unfinished + progress.new > 0 {
        Meaning::Waiting
    } else if progress.verdict("failed") + progress.rejected > 0 {
        Meaning::Bad
    } else {
        Meaning::Good
    };
    if let Some(pause) = &progress.paused {
        hanging(&format!("paused {}", plain(&pause.sentence())))?;
        hanging(&format!("to let it go on: revoked batch resume {id}"))?;
    }
    line(meaning.paint(text(progress)))?;
    Ok(())
}

/// `412 of 1000 have ended: 400 contained, 12 failed, 588 at work · 240 a minute, about 3 min left`.
fn text(progress: &BatchProgress) -> String {
    let pace = progress.pace.map_or(String::new(), |told| format!(" · {}", pace(&told)));
    format!(
        "{} of {} have ended: {}{pace}",
        progress.ended(),
        progress.people,
        counts(progress)
    )
}

/// Follows it until nothing more comes of it by itself. Answers whether whoever follows has had enough.
async fn follow(store: &Store, key: &str, as_json: bool) -> anyhow::Result<bool> {
    let mut interrupt = interrupted()?;
    let mut live = LiveLine::new(as_json).spaced(A_LINE_EVERY);
    let began = Instant::now();
    loop {
        let progress = store.batch_counts(key).await?;
        if progress.new + progress.at_work() == 0 || progress.paused.is_some() {
            return Ok(false);
        }
        let text = text(&progress);
        live.show(&text, &text, began.elapsed());
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = interrupt.recv() => return Ok(true),
        }
    }
}
