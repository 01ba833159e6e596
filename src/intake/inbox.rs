//! The table `inbox`: other programs write rows, `revoked revoke` too; each becomes a signal, or is rejected with the reason.

use std::time::Duration;

use aws_lc_rs::digest;
use tokio_util::sync::CancellationToken;

use super::Intake;
use crate::model::{Delivery, Priority, Reason, Scope, Signal, Subject, Timestamp, When};
use crate::store::InboxRow;

/// The name of the source whose signals the inbox's rows are.
pub(super) const SOURCE: &str = "inbox";
/// The subject of a row about a leaked credential alone.
pub const CREDENTIAL: &str = "credential";
/// The subject of a row about everything of a leaked credential's owner.
pub const OWNER: &str = "owner";
/// How many rows one transaction takes: a million rows at once must not keep an urgent one waiting.
const PORTION: u32 = 256;
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
            tracing::error!(error = %crate::model::chain(&error), "could not read the inbox");
            tokio::time::sleep(AFTER_TROUBLE).await;
        }
    }
}

async fn watch(intake: &Intake) -> Result<(), crate::store::StoreError> {
    let mut commits = intake.store.watch_commits().await?;
    loop {
        while take(intake).await? {}
        commits.changed().await?;
        // Another process may have approved a hold or resumed a lane.
        intake.store.wake_everything();
    }
}

/// Takes one portion. True where there may be more.
async fn take(intake: &Intake) -> Result<bool, crate::store::StoreError> {
    let rows = intake.store.inbox_new(PORTION).await?;
    let more = rows.len() == PORTION as usize;
    let now = intake.store.clock().now();
    let mut delivery = Delivery::of(SOURCE, Vec::new(), now);
    for row in rows {
        match signal(&row, intake) {
            Ok(signal) => {
                delivery.inbox.push(row.id);
                delivery.signals.push(signal);
            }
            Err(why) => intake.store.reject_inbox(row.id, why).await?,
        }
    }
    if !delivery.signals.is_empty() {
        intake.store(delivery).await?;
    }
    Ok(more)
}

/// Reads a row as a signal.
///
/// # Errors
/// What is wrong with it and what to write instead: the row's `why`.
fn signal(row: &InboxRow, intake: &Intake) -> Result<Signal, String> {
    let subject = match &row.leaked {
        Some(digest) => Subject::Credential(digest.clone()),
        None => row.subject.parse().map_err(|error| format!("{error}"))?,
    };
    let reason = Reason::from_word(&row.reason).ok_or_else(|| {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        format!("{:?} is no reason; write one of {}", row.reason, words.join(", "))
    })?;
    if let Some(column) = row.malformed {
        return Err(format!(
            "the {column} id is not one: letters, digits and -_:. only, at most 128"
        ));
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
            return Err(format!(
                "where `leaked` is written, the subject is `{CREDENTIAL}`, to end what it opens, or `{OWNER}`, to contain whoever owns it"
            ));
        }
        _ => return Err("name only one of session, access_token, all_sessions and leaked".to_owned()),
    };
    if matches!(scope, Scope::Leaked) || row.leaked.is_some() {
        if reason != Reason::Compromised {
            return Err("a credential that has leaked is a compromise; write the reason compromised".to_owned());
        }
        if row.target.is_none() && intake.targets.len() != 1 {
            return Err(format!(
                "say with `target` where the credential is good; there are: {}",
                intake.targets.join(", ")
            ));
        }
    }
    if let Some(target) = &row.target
        && !intake.targets.contains(target)
    {
        return Err(format!(
            "no target is called {target:?}; there are: {}",
            intake.targets.join(", ")
        ));
    }
    let due = row.act_at.map(instant).transpose()?;
    // Told apart, so that nobody's key can be that of another's row.
    let key = match &row.request_key {
        Some(key) => format!("key:{key}"),
        None => format!("row:{}", row.id),
    };
    let mut signal = Signal::new(key, content(row), subject, reason);
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

fn instant(ms: i64) -> Result<Timestamp, String> {
    if SENSIBLE.contains(&ms) {
        Ok(Timestamp::from_ms(ms))
    } else {
        Err(format!(
            "act_at {ms} is no instant of these times; write milliseconds since 1970, UTC"
        ))
    }
}

/// The hash of what a row asks for, without its number: the same request key with other content is no repetition.
fn content(row: &InboxRow) -> [u8; 32] {
    let asked = InboxRow { id: 0, ..row.clone() };
    let text = serde_json::to_vec(&asked).unwrap_or_default();
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, &text).as_ref());
    bytes
}
