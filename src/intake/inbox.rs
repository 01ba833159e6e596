//! The table `inbox`: other programs write rows, `revoked revoke` too; each becomes a signal, or is rejected with the reason.
//!
//! The most urgent reasons go first, and rows are taken in portions between which the write lock is free: a million routine rows keep neither
//! an urgent one waiting nor a command of another process that wants to write one.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Intake;
use crate::digest::sha256;
use crate::model::{Delivery, Priority, Reason, Scope, Signal, Subject, Timestamp, When};
use crate::store::{InboxRefusal, InboxRow, PortionPace, StoreError, id_of_batch, key_of_batch};

/// The name of the source whose signals the inbox's rows are.
pub(super) const SOURCE: &str = "inbox";
/// The subject of a row about a leaked credential alone.
pub const CREDENTIAL: &str = "credential";
/// The subject of a row about everything of a leaked credential's owner.
pub const OWNER: &str = "owner";
/// How much of a text of a row its answer quotes, in characters.
const SHOWN: usize = 80;
/// How long to wait after the store could not be read.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Takes rows until `stop`: those that waited while the daemon was down at once, later ones within 25 ms of their commit.
pub async fn run(intake: Intake, stop: CancellationToken) {
    loop {
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = watch(&intake) => outcome,
        };
        if let Err(error) = outcome {
            tracing::error!(error = %crate::model::error_chain(&error), "could not read the inbox");
            tokio::time::sleep(AFTER_TROUBLE).await;
        }
    }
}

async fn watch(intake: &Intake) -> Result<(), StoreError> {
    let mut commits = intake.store.watch_commits().await?;
    loop {
        let mut pace = PortionPace::default();
        loop {
            let began = Instant::now();
            let taken = take(intake, pace.size()).await?;
            if taken == 0 {
                break;
            }
            tokio::time::sleep(pace.took(taken, began.elapsed())).await;
        }
        commits.changed().await?;
        // Another process may have approved a hold or resumed a lane.
        intake.store.wake_everything();
    }
}

/// Takes one portion, and answers how many rows that were. A list is taken whole with the first of its rows, after those that stand alone.
async fn take(intake: &Intake, most: usize) -> Result<usize, StoreError> {
    let rows = intake.store.inbox_new(u32::try_from(most).unwrap_or(u32::MAX)).await?;
    let taken = rows.len();
    let lists: BTreeSet<String> = rows.iter().filter_map(|row| row.set_key.clone()).collect();
    let alone = rows.into_iter().filter(|row| row.set_key.is_none()).collect();
    store(intake, alone, None).await?;
    for list in lists {
        let rows = intake.store.inbox_set(&list).await?;
        store(intake, rows, Some(&list)).await?;
    }
    Ok(taken)
}

/// Stores rows as one delivery, under its name where they came as the list of that key.
async fn store(intake: &Intake, rows: Vec<InboxRow>, list: Option<&str>) -> Result<(), StoreError> {
    let mut delivery = Delivery::of(SOURCE, Vec::new(), intake.store.clock().now());
    delivery.name = list.map(|key| format!("list {} of {}", key.split(':').next().unwrap_or_default(), rows.len()));
    delivery.list = list.and_then(listed_as);
    for row in rows {
        match signal(&row, intake) {
            Ok(signal) => {
                delivery.inbox.push(row.id);
                delivery.signals.push(signal);
            }
            Err(refusal) => intake.store.reject_inbox(row.id, refusal).await?,
        }
    }
    if !delivery.signals.is_empty() {
        match intake.store(delivery.clone()).await {
            Err(error) if error.of_a_row().is_some() => store_apart(intake, delivery).await?,
            other => other.map(drop)?,
        }
    }
    Ok(())
}

/// The id of a list that was written as our commands write one. Another program may have written anything as its key, and the trail keeps what it has.
fn listed_as(key: &str) -> Option<String> {
    let id = id_of_batch(key);
    (key_of_batch(&id).as_deref() == Some(key)).then_some(id)
}

/// Stores each row by itself: something that the store has about one of them cannot be read, and those beside it and after it must not wait for
/// that. It is rejected, so that whoever wrote it learns of it.
async fn store_apart(intake: &Intake, delivery: Delivery) -> Result<(), StoreError> {
    for (row, signal) in delivery.inbox.into_iter().zip(delivery.signals) {
        let one = Delivery {
            inbox: vec![row],
            list: delivery.list.clone(),
            ..Delivery::of(SOURCE, vec![signal], delivery.received_at)
        };
        let Err(error) = intake.store(one).await else { continue };
        let Some(why) = error.of_a_row() else { return Err(error) };
        tracing::error!(row, error = %crate::model::error_chain(&error), "an inbox row could not be stored");
        let refusal = InboxRefusal {
            code: "not_stored",
            why: format!("what the store has about the subject is damaged ({why}): nothing was done, act by hand"),
            digest: None,
        };
        intake.store.reject_inbox(row, refusal).await?;
    }
    Ok(())
}

/// Reads a row as a signal.
///
/// # Errors
/// What is wrong with it and what to write instead.
fn signal(row: &InboxRow, intake: &Intake) -> Result<Signal, InboxRefusal> {
    read(row, intake).map_err(|(code, why)| InboxRefusal {
        code,
        why,
        digest: content(row).ok(),
    })
}

/// The cause, for the trail, and what the row is told.
type Fault = (&'static str, String);

fn read(row: &InboxRow, intake: &Intake) -> Result<Signal, Fault> {
    let subject = match &row.leaked {
        Some(digest) => Subject::Credential(digest.clone()),
        None => row
            .subject
            .parse()
            .map_err(|error| ("subject_not_understood", format!("{error}")))?,
    };
    let reason = Reason::from_word(&row.reason).ok_or_else(|| {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        let why = format!("{} is no reason; write one of {}", quoted(&row.reason), words.join(", "));
        ("reason_unknown", why)
    })?;
    if let Some(column) = row.malformed {
        let why = format!("the {column} id is not one: letters, digits and -_:. only, at most 128");
        return Err(("id_not_plain", why));
    }
    let scope = match (&row.session, &row.access_token, row.all_sessions, &row.leaked) {
        (None, None, false, None) => Scope::Everything,
        (Some(id), None, false, None) => Scope::Session(id.clone()),
        (None, Some(id), false, None) => Scope::AccessToken(id.clone()),
        (None, None, true, None) => Scope::AllSessions,
        // Of a credential the subject says how much is meant: the credential, or everything of its owner.
        (None, None, false, Some(_)) if row.subject == OWNER => Scope::Everything,
        (None, None, false, Some(_)) if row.subject == CREDENTIAL => Scope::Leaked,
        (None, None, false, Some(_)) => {
            let why = format!(
                "where `leaked` is written, the subject is `{CREDENTIAL}`, to end what it opens, or `{OWNER}`, to contain whoever owns it"
            );
            return Err(("subject_not_understood", why));
        }
        _ => {
            let why = "name only one of session, access_token, all_sessions and leaked";
            return Err(("several_scopes", why.to_owned()));
        }
    };
    if matches!(scope, Scope::Leaked) || row.leaked.is_some() {
        if reason != Reason::Compromised {
            let why = "a credential that has leaked is a compromise; write the reason compromised";
            return Err(("reason_unfit", why.to_owned()));
        }
        if row.target.is_none() && intake.targets.len() != 1 {
            let there = intake.targets.join(", ");
            let why = format!("say with `target` where the credential is good; there are: {there}");
            return Err(("target_missing", why));
        }
    }
    if let Some(target) = &row.target
        && !intake.targets.contains(target)
    {
        let there = intake.targets.join(", ");
        let why = format!("no target is called {}; there are: {there}", quoted(target));
        return Err(("target_unknown", why));
    }
    if let Some(playbook) = &row.playbook
        && !intake.policy.now().playbooks.contains_key(playbook)
    {
        let name: String = playbook.chars().take(SHOWN).collect();
        return Err(("playbook_unknown", format!("no playbook is called {name}")));
    }
    let due = row.act_at.map(instant).transpose()?;
    // Told apart, so that nobody's key can be that of another's row.
    let key = match &row.request_key {
        Some(key) => format!("key:{key}"),
        None => format!("row:{}", row.id),
    };
    let mut signal = Signal::new(key, content(row)?, subject, reason);
    // A human or program that asks for one grant to end is waiting for it.
    if scope != Scope::Everything {
        signal.priority = Priority(signal.priority.0.min(Priority::PROMPT.0));
    }
    signal.scope = scope;
    signal.requested_by = Some(row.requested_by.clone());
    signal.note.clone_from(&row.note);
    signal.playbook.clone_from(&row.playbook);
    signal.target.clone_from(&row.target);
    signal.leaked.clone_from(&row.value);
    signal.keep_out = row
        .keep_out
        .map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    signal.when = due.map_or(When::Now, When::At);
    Ok(signal)
}

/// The years 2001 to 9999 in milliseconds. What lies before is most likely in seconds, and would be due at once.
const SENSIBLE: std::ops::Range<i64> = 1_000_000_000_000..253_402_300_800_000;

fn instant(ms: i64) -> Result<Timestamp, Fault> {
    if SENSIBLE.contains(&ms) {
        Ok(Timestamp::from_ms(ms))
    } else {
        let why = format!("act_at {ms} is no instant of these times; write milliseconds since 1970, UTC");
        Err(("act_at_not_understood", why))
    }
}

/// A text of a row, shortened and on one line.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    format!("{short:?}")
}

/// The hash of what a row asks for, without its number: the same request key with other content is no repetition.
fn content(row: &InboxRow) -> Result<[u8; 32], Fault> {
    let asked = InboxRow { id: 0, ..row.clone() };
    let text = serde_json::to_vec(&asked).map_err(|error| ("unreadable", format!("the row cannot be written down: {error}")))?;
    Ok(sha256(&text))
}
