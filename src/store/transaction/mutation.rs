//! One transaction in the making: the mutations of a group, and what each of them sees of the database.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use revoked_trail::Entry;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use super::trail_append::Tail;
use crate::model::Timestamp;
use crate::store::StoreError;

/// A transaction in the making: what a mutation sees.
pub(in crate::store) struct Tx<'c> {
    /// The writing connection, inside `BEGIN IMMEDIATE`.
    pub(in crate::store) conn: &'c mut SqliteConnection,
    /// The time of this transaction: every row and entry of one mutation has the same.
    pub(in crate::store) now: Timestamp,
    /// The end of the trail, to which entries are appended.
    pub(in crate::store) tail: &'c mut Tail,
    /// The alerts that the log has been told of: a file that holds a thousand people for one cause is one line.
    pub(in crate::store) told: BTreeSet<i64>,
}

impl Tx<'_> {
    /// Appends an entry to the trail. There is no way to change state without calling this in the same transaction.
    pub(in crate::store) fn record(&mut self, entry: &Entry) {
        self.tail.append(entry, self.now);
    }
}

/// One mutation on its way.
pub(in crate::store) trait Mutation: Send {
    /// Does the work. False where it failed and must leave no trace.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, bool>;
    /// Answers the caller: after the commit, or with why there was none.
    fn answer(self: Box<Self>, commit: Result<(), CommitFailure>);
}

/// Why a whole group was not committed.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum CommitFailure {
    /// Rolled back for want of space.
    Full,
    /// Rolled back, another process held the lock.
    Busy,
    /// Nothing was begun, since the store could not be read.
    Unread,
    /// Nobody knows. The daemon ends, and the next start looks at what is there.
    Unknown,
}

/// A mutation given as a function.
pub(in crate::store) struct ClosureMutation<F, T> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> ClosureMutation<F, T>
where
    F: for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, StoreError>>,
{
    pub(in crate::store) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                work: Some(work),
                outcome: None,
                reply,
            },
            answer,
        )
    }
}

impl<F, T> Mutation for ClosureMutation<F, T>
where
    F: for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, StoreError>> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            let outcome = work(tx).await;
            let kept = outcome.is_ok();
            self.outcome = Some(outcome);
            kept
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), CommitFailure>) {
        answer(self.reply, self.outcome, commit);
    }
}

/// Tells the caller of a mutation what came of it.
pub(in crate::store) fn answer<T>(
    reply: oneshot::Sender<Result<T, StoreError>>,
    outcome: Option<Result<T, StoreError>>,
    commit: Result<(), CommitFailure>,
) {
    // A mutation's own error stands whatever became of the group.
    let answer = match (commit, outcome) {
        (Ok(()), outcome) => outcome.unwrap_or(Err(StoreError::Stopped)),
        // Dropping the sender tells the caller `Stopped`: neither yes nor no.
        (Err(CommitFailure::Unknown), _) => return,
        (Err(_), Some(Err(error))) => Err(error),
        (Err(CommitFailure::Full), _) => Err(StoreError::Full),
        (Err(CommitFailure::Busy), _) => Err(StoreError::Busy),
        (Err(CommitFailure::Unread), _) => Err(StoreError::Unread),
    };
    // A caller that went away needs no answer.
    drop(reply.send(answer));
}
