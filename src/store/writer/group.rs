//! One transaction: a group is read in one step, decided in memory and written in one more; what that cannot do is done one by one between
//! the two.

use std::collections::BTreeSet;

use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::clock::Clock;
use crate::model::{Timestamp, error_chain};
use crate::store::columns::Columns as _;
use crate::store::error::SqliteFailure;
use crate::store::queue::sets::decide::decide as decide_one;
use crate::store::queue::sets::hot_mutation::HotMutation;
use crate::store::queue::sets::reading::{self, Reading};
use crate::store::queue::sets::writing::{GroupContext, Numbers, Writing};
use crate::store::queue::wordings::{KnownWordings, NEW_WORDINGS};
use crate::store::transaction::mutation::{CommitFailure, Mutation, Tx};
use crate::store::transaction::statements::Statements;
use crate::store::transaction::trail_append::{HEAD, Tail};
use crate::store::{Result, StoreError};

/// A mutation on its way to the writer.
pub(in crate::store) enum Queued {
    /// One of the hot path, as a plain value.
    Hot(Box<HotMutation>),
    /// Any other.
    Function(Box<dyn Mutation>),
}

/// What a transaction knows once it has begun.
pub(super) struct Opening {
    tail: Tail,
    numbers: Numbers,
    /// `None` where a row of it cannot be read: then each mutation finds out alone which it is.
    reading: Option<Reading>,
}

impl Queued {
    async fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        match self {
            Self::Hot(mutation) => mutation.run(tx).await,
            Self::Function(mutation) => mutation.run(tx).await,
        }
    }

    /// Answers the caller: after the commit, or with why there was none.
    pub(super) fn answer(self, commit: std::result::Result<(), CommitFailure>) {
        match self {
            Self::Hot(mutation) => mutation.answer(commit),
            Self::Function(mutation) => mutation.answer(commit),
        }
    }

    fn tell_births(&mut self) {
        if let Self::Hot(mutation) = self {
            mutation.tell_births();
        }
    }

    const fn hot(&self) -> Option<&HotMutation> {
        match self {
            Self::Hot(mutation) => Some(mutation),
            Self::Function(_) => None,
        }
    }
}

/// Begins a transaction and reads what the group needs, in one step; with `begun`, the transaction is there already.
pub(super) async fn open(
    conn: &mut SqliteConnection,
    group: &[Queued],
    now: Timestamp,
    begun: bool,
) -> std::result::Result<Opening, sqlx::Error> {
    let mut list = Statements::default();
    if !begun {
        list.push("BEGIN IMMEDIATE");
    }
    list.push(HEAD);
    reading::ask(group.iter().filter_map(Queued::hot), now, &mut list);
    let rows = list.fetch(conn).await?;
    Opening::of(&rows).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Opening {
    /// The same, with nothing read: every mutation is done one by one.
    pub(super) fn one_by_one(self) -> Self {
        Self { reading: None, ..self }
    }

    fn of(rows: &[SqliteRow]) -> Result<Self> {
        let (head, rows) = rows.split_first().ok_or(StoreError::Unread)?;
        let numbers = Numbers {
            signal: head.read(2)?,
            case: head.read(3)?,
            job: head.read(4)?,
            action: head.read(5)?,
        };
        let reading = Reading::of(rows).inspect_err(|error| {
            tracing::warn!(error = %error_chain(error), "a row cannot be read; the group is done one by one");
        });
        Ok(Self {
            tail: Tail::of(head)?,
            numbers,
            reading: reading.ok(),
        })
    }
}

/// Why a group was not written as sets.
pub(super) enum Unwritten {
    /// A statement failed before the commit: one by one, only the mutation that it belongs to fails.
    OneByOne,
    /// The whole group fails.
    Failed(CommitFailure),
}

/// Writes a group into a transaction that was begun, and commits it. `Ok` is the trail's size after a commit that returned; what it wrote
/// of sentences is `known` from then on.
pub(super) async fn commit(
    conn: &mut SqliteConnection,
    group: &mut [Queued],
    clock: &Clock,
    opening: Opening,
    known: &mut KnownWordings,
) -> std::result::Result<u64, Unwritten> {
    let Opening {
        mut tail,
        mut numbers,
        reading,
    } = opening;
    let wordings = known.unknown(group.iter().filter_map(Queued::hot).filter_map(HotMutation::evidence));
    let (writing, alone) = decide(group, clock, &mut tail, &mut numbers, reading);
    for queued in group.iter_mut() {
        queued.tell_births();
    }
    let mut list = Statements::default();
    if alone.is_empty() {
        tail.push_rows_to(&mut list);
        list.push_set(NEW_WORDINGS, &wordings);
        writing.push_to(&mut list);
    } else {
        list.push_set(NEW_WORDINGS, &wordings);
        writing.push_to(&mut list);
        let single = group.len() == 1 && list.is_empty();
        if !list.is_empty() {
            // Nothing is committed with it, so nothing can be unknown.
            std::mem::take(&mut list)
                .execute(conn)
                .await
                .map_err(|error| match set_failure(&error) {
                    Unwritten::Failed(CommitFailure::Unknown) => Unwritten::OneByOne,
                    other => other,
                })?;
        }
        for n in alone.iter().copied() {
            one_by_one(conn, &mut group[n], clock, &mut tail, single)
                .await
                .map_err(Unwritten::Failed)?;
        }
        tail.push_rows_to(&mut list);
    }
    tail.push_head_to(&mut list);
    list.push("COMMIT");
    list.execute(conn).await.map_err(|error| match set_failure(&error) {
        // A function can be run once only: what was done one by one is not done again, and fails as a whole.
        Unwritten::OneByOne if !alone.is_empty() => Unwritten::Failed(CommitFailure::Unread),
        other => other,
    })?;
    known.learn(wordings);
    Ok(tail.size())
}

/// Decides what can be decided by what was read. Answers what that writes, and which of the mutations are left.
fn decide(
    group: &mut [Queued],
    clock: &Clock,
    tail: &mut Tail,
    numbers: &mut Numbers,
    mut reading: Option<Reading>,
) -> (Writing, Vec<usize>) {
    let mut writing = Writing::default();
    let mut alone = Vec::new();
    for (n, queued) in group.iter_mut().enumerate() {
        let decided = match (&mut *queued, &mut reading) {
            (Queued::Hot(mutation), Some(reading)) => {
                let mut context = GroupContext {
                    now: clock.now(),
                    tail: &mut *tail,
                    numbers: &mut *numbers,
                };
                decide_one(mutation, reading, &mut writing, &mut context)
            }
            _ => false,
        };
        if !decided {
            alone.push(n);
        }
    }
    (writing, alone)
}

/// Does one mutation with statements of its own. One that fails must not take the others of its group down; one that is `single` needs no
/// savepoint for that.
async fn one_by_one(
    conn: &mut SqliteConnection,
    mutation: &mut Queued,
    clock: &Clock,
    tail: &mut Tail,
    single: bool,
) -> std::result::Result<(), CommitFailure> {
    if !single {
        savepoint(conn, "SAVEPOINT mutation").await?;
    }
    let mark = tail.mark();
    let kept = mutation
        .run(&mut Tx {
            conn: &mut *conn,
            now: clock.now(),
            tail: &mut *tail,
            told: BTreeSet::new(),
        })
        .await;
    if !kept {
        tail.back_to(mark);
    }
    match (kept, single) {
        (true, true) => Ok(()),
        (true, false) => savepoint(conn, "RELEASE mutation").await,
        (false, false) => savepoint(conn, "ROLLBACK TO mutation; RELEASE mutation").await,
        (false, true) => savepoint(conn, "ROLLBACK; BEGIN IMMEDIATE").await,
    }
}

async fn savepoint(conn: &mut SqliteConnection, sql: &'static str) -> std::result::Result<(), CommitFailure> {
    // Inside a transaction a failing savepoint means that SQLite has rolled back by itself, which it does when space runs out.
    sqlx::query(sql).execute(conn).await.map(|_| ()).map_err(|error| {
        tracing::warn!(%error, "{sql} failed");
        CommitFailure::Full
    })
}

/// What an error in a list that ends with the commit means.
fn set_failure(error: &sqlx::Error) -> Unwritten {
    match SqliteFailure::of(error) {
        SqliteFailure::Full => Unwritten::Failed(CommitFailure::Full),
        SqliteFailure::Busy => Unwritten::Failed(CommitFailure::Busy),
        SqliteFailure::Statement => {
            tracing::warn!(%error, "a group could not be written as it is");
            Unwritten::OneByOne
        }
        SqliteFailure::Other => {
            tracing::error!(%error, "a commit on the store failed");
            Unwritten::Failed(CommitFailure::Unknown)
        }
    }
}

#[cfg(test)]
mod birth_tests;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod tests;
