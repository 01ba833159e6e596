//! The store: queue, cases and trail in one SQLite file. No other module knows which database it is.
//!
//! Every mutating method writes its trail entries in its own transaction. The folders, in the order to read them, each above those it needs:
//!
//! - `file`: opening the database, its modes, health probes, commits of other processes.
//! - `transaction`: what a mutation is and sees, and the append to the trail.
//! - `identity`: from names to people: resolution, links, reassigned identifiers, pseudonyms, erasure.
//! - `sources`: the inbox, state of sources, their health, sealed credentials.
//! - `queue`: the job queue and its hot path: accept (idempotency, coalescing, holds), claim and lease, start, finish, settle, requeue.
//! - `writer`: the single writer: group commit, over the sets of `queue/sets`.
//! - `cases`: what a human decides: approve or reject a hold, cancel, release, unresolved subjects.
//! - `batches`: lists in the inbox as one: how far, paused, and what came of each person.
//! - `departures`: leavers: planned, blocked by another employment, rescinded, executed.
//! - `outbox`: statements to receivers: queued with the proof, dispatched, retried, dead letters.
//! - `trail`: reading it, snapshots for verification, checkpoints. `views`: lists and counts.
//!
//! - `operators`: tokens of the API, sessions of the page, who has read about whom. `notifications`: who is told of alerts, and what came of it.
//!
//! Beside them `alerts`, `asked` (what commands ask of the daemon), `clock_steps`, `retention`, `error`, `portion_pace` (bulk work among urgent one), and `columns`, the reading of rows,
//! with `listed` for many of them and `gaps` for one that is shown although parts of it are damaged;
//! `mistyped` converts what keeps a row from being changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use sqlx::SqlitePool;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::statement::Receiver;

mod alerts;
mod asked;
mod batches;
mod canary;
mod cases;
mod clock_steps;
mod columns;
mod departures;
mod error;
mod file;
mod gaps;
mod identity;
mod listed;
mod mistyped;
mod notifications;
mod operators;
mod outbox;
mod portion_pace;
mod queue;
mod retention;
mod sources;
mod trail;
mod transaction;
mod views;
mod writer;

pub use alerts::{Alert, LISTED_OF_A_KIND};
pub use asked::OpenQuestion;
pub use batches::cancel::BatchCalledOff;
pub use batches::list::{BatchRequest, BatchView};
pub use batches::pause::{BatchPause, BatchPaused};
pub use batches::progress::{BatchPace, BatchProgress, BatchStanding, BatchTrouble};
pub use batches::report::BatchPerson;
pub use batches::{id_of_batch, key_of_batch};
pub use canary::{CanaryDelay, ObservedDelay};
pub use cases::approval_rule::ApprovalRule;
pub use cases::call_off::CalledOff;
pub use cases::held_set::{CombinedSet, HeldCase, HeldSet, PlanBefore, PlanBeside, Reactivation};
pub use cases::hold_decision::{Approved, HoldChoice};
pub use cases::holds::{DecidedHolds, GivenApproval, Hold};
pub use cases::notes::{CaseNote, login_of};
pub use cases::other_demands::{OtherDemand, Outstanding};
pub use cases::release::{Releasable, ReleaseRequest};
pub use cases::two_persons::{FirstApproval, TwoPersons};
pub use cases::unresolved::{AccountLookup, Unresolved};
pub use departures::queries::{
    DepartureDetail, DepartureFilter, DepartureView, EmploymentView, HeldChange, PlanPlace, PlannedDeparture, StepView,
};
pub use error::{OpenError, StoreError};
pub use file::backup::{BackupError, StoreCopy};
pub use file::commit_watch::CommitWatch;
pub use file::integrity::Integrity;
pub use file::lock::{daemon_runs, running_config};
pub use file::open::{Role, newest_schema};
pub use file::privacy::{check_owner, check_privacy};
pub use file::room::Room;
pub use identity::link_rows::{NoLink, ScopedName};
pub use identity::operator_links::{LinkOutcome, Unlinked};
pub use identity::resolution::LinkedName;
pub use listed::{Listed, UnreadableRow};
pub use notifications::{
    ChannelRules, ChannelState, EXEC_CHANNEL, Gathering, Message, Sending, SendingOutcome, Suspended, TrialOutcome, What,
};
pub use operators::reads::PeopleRead;
pub use operators::tokens::{ApiToken, Bearer, LONGEST_DAYS as LONGEST_TOKEN_DAYS, PREFIX as TOKEN_PREFIX};
pub use outbox::backlog::{Backlog, Pending};
pub use outbox::dispatch::{DeliveryOutcome, OutboxEvent};
pub use portion_pace::PortionPace;
pub use queue::accept::SOURCE_TROUBLE;
pub use queue::accepted::Accepted;
pub use queue::foresight::{Foresight, Novelty};
pub use queue::observation_summary::ObservationSummary;
pub use queue::reservation::Claim;
pub use queue::slot_offer::{SlotOffer, SlotOffers};
pub use queue::target_pause::{TargetPause, TargetState};
pub use sources::group_lists::GroupList;
pub use sources::health::{LastSeen, Refusals, SourceHealth};
pub use sources::inbox::{InboxAnswer, WaitingRequests};
pub use sources::inbox_row::{InboxRefusal, InboxRow};
pub use sources::inbox_set::{AskedOfSet, SubmittedSet};
pub use sources::lag::{LAGS, Lag};
pub use sources::unnamed_proxies::UnnamedProxy;
pub use trail::read::{TrailFilter, TrailRow};
pub use trail::snapshot::{Portion, RawRow, TrailSnapshot};
pub use views::called::KnownName;
pub use views::case_begins::CaseBegins;
pub use views::case_filter::CaseFilter;
pub use views::case_progress::JobProgress;
pub use views::cases::{ActionView, CaseDetail, CaseView, SignalView};
pub use views::containment::{ContainmentGroup, ContainmentTimes, Distribution, Miss, NotWhole};
pub use views::counts::{CounterDifference, Counts};
pub use views::jobs::{JobView, ListFilter};
pub use views::lanes::LaneView;
pub use views::last_looks::TargetLook;
pub use views::plans::{PlannedCase, PlannedPerson};
pub use views::recorded::RecordedSignal;
pub use views::rehearsed::{RehearsedCount, RehearsedPerson, RehearsedReport};
pub use views::search::{HitKind, NEWEST_JOBS, SHOWN, SearchHit, SearchHits};
pub use views::search_word::{SearchWord, value_of};
pub use views::shown_names::ShownNames;
pub use views::stopped::Stopped;
pub use views::work::{CaseAtWork, WorkAt};
pub use writer::group_commit::Committed;
pub use writer::in_process::close_all;

use clock_steps::ClockSteps;
use file::identity_watch::OpenedFiles;
use file::room::OutOfRoom;
use queue::reservation::Reserved;
use queue::sets::hot_mutation::{Call, HotMutation};
use transaction::mutation::{ClosureMutation, Tx};
use writer::group::Queued;
use writer::group_commit::LockWait;

/// What a store call answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The store. Cheap to clone; the file is closed when [`Store::close`] is called.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    clock: Clock,
    mutations: Mutex<Option<mpsc::Sender<Queued>>>,
    sender: mpsc::WeakSender<Queued>,
    committed: watch::Receiver<Committed>,
    lock_wait: watch::Receiver<Option<LockWait>>,
    readers: SqlitePool,
    /// Cancelled once the writer has ended.
    writer: CancellationToken,
    wakes: std::sync::Mutex<BTreeMap<String, Arc<Notify>>>,
    scheduler: Arc<Notify>,
    /// Whom the closing of a case tells; set once.
    receivers: OnceLock<Arc<[Receiver]>>,
    /// The targets by which people sign in to others; set once.
    identity_providers: OnceLock<Arc<BTreeSet<String>>>,
    outbox: Arc<Notify>,
    /// The number of the newest signal whose commit has returned.
    newest_signal: AtomicI64,
    clock_steps: ClockSteps,
    reserved: Reserved,
    lock: Mutex<Option<std::fs::File>>,
    files: OpenedFiles,
    out_of_room: OutOfRoom,
    /// The daemon stops: nothing waits for room on the disk any more.
    stopping: CancellationToken,
}

impl Store {
    fn assemble(
        path: PathBuf,
        clock: Clock,
        mutations: mpsc::Sender<Queued>,
        (committed, lock_wait): (watch::Receiver<Committed>, watch::Receiver<Option<LockWait>>),
        (readers, writer): (SqlitePool, CancellationToken),
        (lock, files): (Option<std::fs::File>, OpenedFiles),
        newest_signal: i64,
    ) -> Self {
        let sender = mutations.downgrade();
        let clock_steps = ClockSteps::new(&clock);
        let store = Self(Arc::new(Inner {
            path,
            clock,
            mutations: Mutex::new(Some(mutations)),
            sender,
            committed,
            lock_wait,
            readers,
            writer,
            wakes: std::sync::Mutex::default(),
            scheduler: Arc::default(),
            receivers: OnceLock::new(),
            identity_providers: OnceLock::new(),
            outbox: Arc::default(),
            newest_signal: AtomicI64::new(newest_signal),
            clock_steps,
            reserved: Reserved::default(),
            lock: Mutex::new(lock),
            files,
            out_of_room: OutOfRoom::default(),
            stopping: CancellationToken::new(),
        }));
        writer::in_process::note(&store.0);
        store
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The clock that stamps every row.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Changes with each commit of this process; tells when a commit's outcome is unknown.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Committed> {
        self.0.committed.clone()
    }

    /// The number of the newest signal that is stored for certain: whoever looks at a target after this has looked after it.
    #[must_use]
    pub fn newest_signal(&self) -> i64 {
        self.0.newest_signal.load(Ordering::Acquire)
    }

    /// Commits what is under way, folds the log back, and closes the file. Later calls answer [`StoreError::Stopped`].
    ///
    /// A store whose database was taken away is left as it is: closing would touch what lies there now.
    pub async fn close(&self) {
        if !self.0.files.may_be_closed() {
            // Kept open to the end of the process, which closes nothing in SQLite's sense.
            std::mem::forget(self.clone());
            return;
        }
        // The readers first: the last connection to close does SQLite's own checkpoint, and that must be the writer.
        self.0.readers.close().await;
        drop(self.0.mutations.lock().await.take());
        self.0.writer.cancelled().await;
        // Last, so that nobody opens the file while it is being closed.
        drop(self.0.lock.lock().await.take());
    }

    /// The jobs that lanes of this process keep for themselves.
    fn reserved(&self) -> &Reserved {
        &self.0.reserved
    }

    /// A connection for reading.
    fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// Runs one mutation in the next group and answers after its commit.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let outcome = self.write_once(work).await;
        if let Some(refusal) = outcome.as_ref().err().and_then(StoreError::mistyped_row) {
            self.mend_after(refusal).await;
        }
        outcome
    }

    /// The same, where nothing is done about a row that refuses it.
    async fn write_once<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let (call, answer) = ClosureMutation::new(work);
        self.queue(Queued::Function(Box::new(call))).await?;
        let answer = answer.await.map_err(|_| StoreError::Stopped)?;
        self.0.out_of_room.note(&answer);
        answer
    }

    /// Runs a mutation of the hot path in the next group and answers after its commit.
    async fn write_hot<R, T>(&self, request: R, mutation: impl FnOnce(Call<R, T>) -> HotMutation) -> Result<T> {
        let (call, answer) = Call::new(request);
        self.queue(Queued::Hot(Box::new(mutation(call)))).await?;
        let outcome = answer.await.map_err(|_| StoreError::Stopped)?;
        self.0.out_of_room.note(&outcome);
        if let Some(refusal) = outcome.as_ref().err().and_then(StoreError::mistyped_row) {
            self.mend_after(refusal).await;
        }
        outcome
    }

    /// Ends the writer by a panic, as a defect could.
    #[cfg(test)]
    pub(crate) async fn panic_writer(&self) {
        let panics = self.write(|_| Box::pin(async { panic!("of a test") })).await;
        let panics: Result<()> = panics;
        assert!(panics.is_err());
    }

    async fn queue(&self, mutation: Queued) -> Result<()> {
        self.refuse_if_displaced()?;
        let sender = self.0.sender.upgrade().ok_or(StoreError::Stopped)?;
        sender.send(mutation).await.map_err(|_| StoreError::Stopped)
    }
}
