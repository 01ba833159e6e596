//! What a decided group writes: rows by statement, each statement for all of them.

use std::collections::BTreeMap;

use revoked_trail::Entry;
use serde::Serialize;

use super::delivery_rows::DeliveryRows;
use crate::model::{Action, Job, Lease, Started, Timestamp};
use crate::store::queue::entries;
use crate::store::queue::new_job::NewJob;
use crate::store::transaction::set_words::{rows_of, values_of};
use crate::store::transaction::statements::Statements;
use crate::store::transaction::trail_append::Tail;

/// What the mutations of a group share while they are decided.
pub(in crate::store) struct GroupContext<'g> {
    pub(in crate::store) now: Timestamp,
    pub(in crate::store) tail: &'g mut Tail,
    pub(in crate::store) numbers: &'g mut Numbers,
}

/// The largest number in use of each table.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::store) struct Numbers {
    pub(in crate::store) signal: i64,
    pub(in crate::store) case: i64,
    pub(in crate::store) job: i64,
    pub(in crate::store) action: i64,
}

impl GroupContext<'_> {
    pub(super) fn record(&mut self, entry: &Entry) {
        self.tail.append(entry, self.now);
    }

    pub(super) fn next_signal(&mut self) -> i64 {
        self.numbers.signal += 1;
        self.numbers.signal
    }

    pub(super) fn next_case(&mut self) -> i64 {
        self.numbers.case += 1;
        self.numbers.case
    }

    pub(super) fn next_job(&mut self) -> i64 {
        self.numbers.job += 1;
        self.numbers.job
    }

    pub(super) fn next_action(&mut self) -> i64 {
        self.numbers.action += 1;
        self.numbers.action
    }
}

/// The rows that a group writes, each as the JSON list of its columns.
#[derive(Default)]
pub(in crate::store) struct Writing {
    pub(super) claimed: Vec<ClaimedRow>,
    pub(super) started: Vec<StartedRow>,
    pub(super) actions: Vec<ActionRow>,
    pub(super) answers: Vec<AnswerRow>,
    pub(super) password_resets: Vec<i64>,
    pub(super) first_revokes: Vec<(i64, i64)>,
    pub(super) settled: Vec<SettledRow>,
    pub(super) jobs: Vec<JobRow>,
    pub(super) closed: Vec<CaseRow>,
    pub(super) deliveries: DeliveryRows,
    /// By case: the job that a mutation of the group was about.
    pub(super) touched: BTreeMap<i64, i64>,
}

/// A job with its lease: `id, lease_id, lease_until, attempt`.
#[derive(Serialize)]
pub(super) struct ClaimedRow(i64, String, i64, u32);
/// A job that is about to act, or only looks: `id, acts, evidence`.
#[derive(Serialize)]
pub(super) struct StartedRow(pub(super) i64, pub(super) i64, pub(super) String);
/// An intent: `id, job_id, attempt, action, started_at`.
#[derive(Serialize)]
pub(super) struct ActionRow(
    pub(super) i64,
    pub(super) i64,
    pub(super) u32,
    pub(super) String,
    pub(super) i64,
);
/// An answer: `id, outcome, finished_at, requests, why`.
#[derive(Serialize)]
pub(super) struct AnswerRow(
    pub(super) i64,
    pub(super) &'static str,
    pub(super) i64,
    pub(super) String,
    pub(super) Option<String>,
);
/// A job with its verdict: `id, attempt, verdict, outcome, evidence, finished_at`.
#[derive(Serialize)]
pub(super) struct SettledRow(
    pub(super) i64,
    pub(super) u32,
    pub(super) &'static str,
    pub(super) String,
    pub(super) String,
    pub(super) i64,
);
/// A case with its verdict: `id, verdict, closed_at, contained_at`.
#[derive(Serialize)]
pub(super) struct CaseRow(
    pub(super) i64,
    pub(super) &'static str,
    pub(super) i64,
    pub(super) Option<i64>,
);

/// A new job: the columns of [`NEW_JOBS`].
#[derive(Serialize)]
pub(super) struct JobRow {
    id: i64,
    case_id: i64,
    target: String,
    kind: &'static str,
    containment: String,
    priority: u8,
    state: &'static str,
    due: Option<i64>,
    lease_id: Option<String>,
    lease_until: Option<i64>,
    sweep: i64,
    approved: bool,
    held_due: Option<i64>,
    created_at: i64,
    evidence: Option<String>,
    chain_at: Option<i64>,
    acted: bool,
}

impl JobRow {
    pub(super) fn new(id: i64, job: &NewJob<'_>, now: Timestamp) -> Self {
        let (due, lease) = job.due_and_lease();
        Self {
            id,
            case_id: job.case,
            target: job.target.to_owned(),
            kind: job.kind.word(),
            containment: job.containment.to_owned(),
            priority: job.priority.0,
            state: job.state.word(),
            due,
            lease_id: lease.map(|lease| lease.id.clone()),
            lease_until: lease.map(|lease| lease.until.ms()),
            sweep: job.sweep,
            approved: job.approved,
            held_due: job.held_due.map(Timestamp::ms),
            created_at: now.ms(),
            evidence: job.evidence.map(ToOwned::to_owned),
            chain_at: job.chain_at.map(Timestamp::ms),
            acted: false,
        }
    }

    /// The intent of an action is stored with it.
    pub(super) const fn acts(&mut self) {
        self.acted = true;
    }
}

pub(super) const CLAIMED: &str = concat!(
    "UPDATE job SET state = 'running', due = NULL, held_due = NULL, lease_id = n.lease, lease_until = n.until, attempt = \
     n.attempt, verdict = NULL, finished_at = NULL FROM ",
    rows_of!("$1", 0 => "id", 1 => "lease", 2 => "until", 3 => "attempt"),
    " n WHERE job.id = n.id"
);
pub(super) const STARTED: &str = concat!(
    "UPDATE job SET acted = CASE WHEN n.acts = 1 THEN 1 ELSE job.acted END, evidence = n.evidence FROM ",
    rows_of!("$1", 0 => "id", 1 => "acts", 2 => "evidence"),
    " n WHERE job.id = n.id"
);
pub(super) const ACTIONS: &str = concat!(
    "INSERT INTO action (id, job_id, attempt, action, started_at) SELECT id, job_id, attempt, action, started_at FROM ",
    rows_of!("$1", 0 => "id", 1 => "job_id", 2 => "attempt", 3 => "action", 4 => "started_at"),
    " n"
);
pub(super) const ANSWERS: &str = concat!(
    "UPDATE action SET outcome = n.outcome, finished_at = n.at, requests = n.requests, why = n.why FROM ",
    rows_of!("$1", 0 => "id", 1 => "outcome", 2 => "at", 3 => "requests", 4 => "why"),
    " n WHERE action.id = n.id"
);
pub(super) const PASSWORD_RESETS: &str = concat!(
    "UPDATE job SET password_reset = 1 WHERE id IN (SELECT value FROM ",
    values_of!("$1"),
    ")"
);
pub(super) const FIRST_REVOKES: &str = concat!(
    "UPDATE cases SET first_revoke_at = n.at FROM ",
    rows_of!("$1", 0 => "id", 1 => "at"),
    " n WHERE cases.id = n.id AND cases.first_revoke_at IS NULL"
);
pub(super) const SETTLED: &str = concat!(
    "UPDATE job SET state = 'done', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, attempt = n.attempt, \
     verdict = n.verdict, outcome = n.outcome, evidence = n.evidence, finished_at = n.at FROM ",
    rows_of!("$1", 0 => "id", 1 => "attempt", 2 => "verdict", 3 => "outcome", 4 => "evidence", 5 => "at"),
    " n WHERE job.id = n.id"
);
pub(super) const NEW_JOBS: &str = concat!(
    "INSERT INTO job (id, case_id, target, kind, containment, priority, state, due, lease_id, lease_until, attempt, sweep, \
     approved, held_due, created_at, evidence, chain_at, acted) \
     SELECT id, case_id, target, kind, containment, priority, state, due, lease_id, lease_until, lease_id IS NOT NULL, \
     sweep, approved, held_due, created_at, evidence, chain_at, acted FROM ",
    rows_of!(
        "$1",
        "id",
        "case_id",
        "target",
        "kind",
        "containment",
        "priority",
        "state",
        "due",
        "lease_id",
        "lease_until",
        "sweep",
        "approved",
        "held_due",
        "created_at",
        "evidence",
        "chain_at",
        "acted"
    ),
    " n"
);
pub(super) const CLOSED: &str = concat!(
    "UPDATE cases SET state = 'closed', verdict = n.verdict, closed_at = n.at, contained_at = n.contained_at FROM ",
    rows_of!("$1", 0 => "id", 1 => "verdict", 2 => "at", 3 => "contained_at"),
    " n WHERE cases.id = n.id"
);

impl Writing {
    /// Writes the lease of a job that was reserved.
    pub(super) fn claim(&mut self, job: &Job, lease: &Lease, group: &mut GroupContext<'_>) {
        self.claimed
            .push(ClaimedRow(job.id.0, lease.id.clone(), lease.until.ms(), job.attempt));
        group.record(&entries::claimed(job, &lease.id));
    }

    /// Writes an intent, with its JSON.
    pub(super) fn intend(
        &mut self,
        job: &Job,
        principal: Option<&str>,
        (action, text): (&Action, String),
        group: &mut GroupContext<'_>,
    ) -> Started {
        let id = group.next_action();
        self.actions.push(ActionRow(id, job.id.0, job.attempt, text, group.now.ms()));
        group.record(&entries::action_started(job, principal, id, action));
        Started {
            id,
            action: action.clone(),
        }
    }

    /// Whether the group claims, starts or settles this job.
    pub(super) fn changes(&self, job: i64) -> bool {
        self.claimed.iter().any(|row| row.0 == job)
            || self.started.iter().any(|row| row.0 == job)
            || self.settled.iter().any(|row| row.0 == job)
    }

    /// When the first change was accepted in a case that ends access, as far as this group knows.
    pub(super) fn first_revoke(&self, case: i64) -> Option<i64> {
        self.first_revokes.iter().find(|(of, _)| *of == case).map(|(_, at)| *at)
    }

    /// The statements that write it.
    pub(in crate::store) fn push_to(&self, list: &mut Statements) {
        self.deliveries.push_to(list);
        list.push_set(NEW_JOBS, &self.jobs);
        list.push_set(CLAIMED, &self.claimed);
        list.push_set(STARTED, &self.started);
        list.push_set(ACTIONS, &self.actions);
        list.push_set(ANSWERS, &self.answers);
        list.push_set(PASSWORD_RESETS, &self.password_resets);
        list.push_set(FIRST_REVOKES, &self.first_revokes);
        list.push_set(SETTLED, &self.settled);
        list.push_set(CLOSED, &self.closed);
    }
}

#[cfg(test)]
mod tests {
    use crate::store::transaction::trail_append;
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::clock::Clock;
    use crate::store::columns::Columns as _;
    use crate::store::queue::sets::{delivery_rows, people, reading};
    use crate::store::queue::{claim, decide, wordings};
    use crate::store::{Role, Store};

    async fn database() -> (tempfile::TempDir, sqlx::SqliteConnection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
        store.close().await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let conn = options.connect().await.unwrap();
        (folder, conn)
    }

    async fn plan(conn: &mut sqlx::SqliteConnection, statement: &str) -> Vec<String> {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(conn)
            .await
            .unwrap();
        plan.iter().map(|step| step.read(3).unwrap()).collect()
    }

    /// In the order of the index, so that a million waiting jobs cost what one does.
    #[tokio::test]
    async fn the_claim_and_the_limits_read_their_own_indexes() {
        let (_folder, mut conn) = database().await;
        let steps = plan(&mut conn, claim::WAITING).await;
        let own = "INDEX job_claim (target=? AND priority<?)";
        assert!(steps.iter().any(|step| step.contains(own)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "no sort: {steps:?}");
        let steps = plan(&mut conn, decide::RECENT_SIGNALS).await;
        let own = "INDEX signal_window (source=? AND reason=? AND received_at>?)";
        assert!(steps.iter().any(|step| step.contains(own)), "{steps:?}");
    }

    /// A table that grows with the years is never read from one end to the other: only what was handed over, and what was found so far.
    #[tokio::test]
    async fn every_set_statement_finds_its_rows_by_an_index() {
        let (_folder, mut conn) = database().await;
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for statement in [
            reading::LEASES,
            reading::OPEN_ACTIONS,
            reading::ENDS,
            reading::OTHER_JOBS,
            people::REPEATED,
            people::LINKS,
            people::REFERENCES,
            people::BUSY,
            decide::RECENT_SIGNALS,
            claim::WAITING,
            people::ALERTED,
            people::INBOX,
            CLAIMED,
            STARTED,
            ACTIONS,
            ANSWERS,
            PASSWORD_RESETS,
            FIRST_REVOKES,
            SETTLED,
            NEW_JOBS,
            CLOSED,
            wordings::NEW_WORDINGS,
            wordings::MEANINGS,
            delivery_rows::PEOPLE,
            delivery_rows::ALIASES,
            delivery_rows::CASES,
            delivery_rows::SIGNALS,
            delivery_rows::TAKEN,
            delivery_rows::HEALTH,
            trail_append::APPEND,
            trail_append::BLOCKS,
            trail_append::CASES,
        ] {
            // Who a short name in a plan stands for.
            let stands_for = |name: &str| -> Option<String> {
                let words: Vec<&str> = statement
                    .split([' ', '(', ')', ','])
                    .filter(|word| !word.is_empty())
                    .collect();
                let named = words
                    .windows(2)
                    .find(|pair| pair[1] == name && tables.iter().any(|table| table == pair[0]));
                let own = tables.iter().find(|table| *table == name).cloned();
                own.or_else(|| named.map(|pair| pair[0].to_owned()))
            };
            let steps = plan(&mut conn, statement).await;
            assert!(!steps.is_empty(), "{statement}");
            for step in steps {
                let scanned = step
                    .strip_prefix("SCAN ")
                    .map(|rest| rest.split(' ').next().unwrap_or_default());
                let table = scanned.and_then(stands_for);
                assert!(table.is_none(), "{statement}\nreads all of {table:?}: {step}");
            }
        }
    }
}
