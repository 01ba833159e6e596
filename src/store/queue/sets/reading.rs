//! What a group needs to know before it is decided, read in one step.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;

use super::hot_mutation::HotMutation;
use super::people::{AskedDeliveries, FIRST_OF_PEOPLE, People};
use crate::model::{Finished, Job, Timestamp};
use crate::store::Result;
use crate::store::columns::Columns as _;
use crate::store::queue::close_case::NewestJob;
use crate::store::transaction::set_words::{rows_of, values_of};
use crate::store::transaction::statements::Statements;

/// The leases of the jobs in `$1`, and whether their cases were called off.
pub(super) const LEASES: &str = concat!(
    "SELECT 1, j.id, j.state, j.lease_id, c.called_off_at IS NOT NULL FROM (SELECT value AS id FROM ",
    values_of!("$1"),
    ") n CROSS JOIN job j CROSS JOIN cases c WHERE j.id = n.id AND c.id = j.case_id"
);
/// The open ones of the actions in `$1`.
pub(super) const OPEN_ACTIONS: &str = concat!(
    "SELECT 2, a.id, a.job_id, a.action FROM (SELECT value AS id FROM ",
    values_of!("$1"),
    ") n CROSS JOIN action a WHERE a.id = n.id AND a.outcome IS NULL"
);
/// What the ends of the jobs in `$1` depend on.
pub(super) const ENDS: &str = concat!(
    "SELECT 3, j.id, j.state, j.lease_id, c.called_off_at IS NOT NULL, j.sweep, c.state, c.verdict, c.priority, \
     c.received_at, c.first_revoke_at, c.contained_at, (SELECT max(s.id) FROM signal s WHERE s.case_id = c.id), \
     EXISTS (SELECT 1 FROM alert a WHERE a.kind = 'could_not_revoke' AND a.key = 'job:' || j.id \
     AND a.cleared_at IS NULL), EXISTS (SELECT 1 FROM unresolved u WHERE u.case_id = c.id AND u.state = 'open') \
     FROM (SELECT value AS id FROM ",
    values_of!("$1"),
    ") n CROSS JOIN job j CROSS JOIN cases c WHERE j.id = n.id AND c.id = j.case_id"
);
/// The other jobs of those cases that count for the verdict: `[job, case]` in `$1`.
pub(super) const OTHER_JOBS: &str = concat!(
    "SELECT 4, n.id, o.target, o.state, o.verdict FROM ",
    rows_of!("$1", 0 => "id", 1 => "case_id"),
    " n CROSS JOIN job o WHERE o.case_id = n.case_id AND o.id <> n.id AND o.state <> 'cancelled' AND o.kind <> 'release' \
     AND NOT (o.kind = 'watch' AND o.state = 'scheduled')"
);

/// What was read for a group.
#[derive(Default)]
pub(in crate::store) struct Reading {
    pub(super) leases: BTreeMap<i64, LeaseRow>,
    /// The job and the text of each open action.
    pub(super) open_actions: BTreeMap<i64, (i64, String)>,
    pub(super) ends: BTreeMap<i64, EndRow>,
    /// By job: the target and the state of the other jobs of its case.
    pub(super) other_jobs: BTreeMap<i64, Vec<(String, NewestJob)>>,
    pub(super) people: People,
}

/// A job whose next intent is asked for.
pub(super) struct LeaseRow {
    state: String,
    lease: Option<String>,
    pub(super) called_off: bool,
}

/// A job whose attempt has ended, with its case.
pub(super) struct EndRow {
    pub(super) lease: LeaseRow,
    pub(super) sweep: i64,
    pub(super) case_state: String,
    pub(super) case_verdict: Option<String>,
    pub(super) case_priority: u8,
    pub(super) received_at: i64,
    pub(super) first_revoke_at: Option<i64>,
    pub(super) contained_at: Option<i64>,
    pub(super) newest_signal: Option<i64>,
    pub(super) in_ledger: bool,
    pub(super) unresolved: bool,
}

/// What a lease is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the job's.
    Held,
    /// The job waits in the queue, reserved: the lease is to be committed with whatever comes first.
    Reserved,
    /// The job is somebody else's, or over.
    Lost,
}

impl LeaseRow {
    /// What the lease of this id is worth, to somebody who has `reserved` the job or not.
    pub(super) fn standing(&self, lease: &str, reserved: bool) -> Standing {
        match self.state.as_str() {
            "running" if self.lease.as_deref() == Some(lease) => Standing::Held,
            "queued" if reserved => Standing::Reserved,
            _ => Standing::Lost,
        }
    }
}

/// Asks what these mutations need to know.
pub(in crate::store) fn ask<'m>(mutations: impl Iterator<Item = &'m HotMutation>, now: Timestamp, list: &mut Statements) {
    let mut deliveries = AskedDeliveries::default();
    let (mut leases, mut actions, mut ends, mut cases) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut answered = |finished: &[Finished]| actions.extend(finished.iter().map(|action| action.id));
    for mutation in mutations {
        match mutation {
            HotMutation::Accept(call) => deliveries.ask(&call.request),
            HotMutation::Claim(call) => drop(leases.insert(call.request.job.id.0)),
            HotMutation::Start(call) => drop(leases.insert(call.request.job.id.0)),
            HotMutation::Finish(call) => answered(&call.request.finished),
            HotMutation::Settle(call) => {
                let job: &Job = &call.request.job;
                ends.insert(job.id.0);
                cases.insert((job.id.0, job.case.0));
                answered(&call.request.finished);
            }
        }
    }
    deliveries.push_to(now, list);
    list.push_set(LEASES, &Vec::from_iter(leases));
    list.push_set(OPEN_ACTIONS, &Vec::from_iter(actions));
    list.push_set(ENDS, &Vec::from_iter(ends));
    list.push_set(OTHER_JOBS, &Vec::from_iter(cases));
}

impl Reading {
    /// Takes in the rows that [`ask`] asked for.
    ///
    /// # Errors
    /// Where one cannot be read: then each mutation finds out alone which it is.
    pub(in crate::store) fn of(rows: &[SqliteRow]) -> Result<Self> {
        let mut reading = Self::default();
        for row in rows {
            let what: i64 = row.read(0)?;
            if what >= FIRST_OF_PEOPLE {
                reading.people.take_in(what, row)?;
                continue;
            }
            let id: i64 = row.read(1)?;
            match what {
                1 => drop(reading.leases.insert(id, lease_row(row)?)),
                2 => drop(reading.open_actions.insert(id, (row.read(2)?, row.read(3)?))),
                3 => drop(reading.ends.insert(id, end_row(row)?)),
                _ => {
                    let job = NewestJob {
                        state: row.read(3)?,
                        verdict: row.read(4)?,
                        nobody: false,
                    };
                    reading.other_jobs.entry(id).or_default().push((row.read(2)?, job));
                }
            }
        }
        Ok(reading)
    }
}

fn lease_row(row: &SqliteRow) -> Result<LeaseRow> {
    Ok(LeaseRow {
        state: row.read(2)?,
        lease: row.read(3)?,
        called_off: row.read(4)?,
    })
}

fn end_row(row: &SqliteRow) -> Result<EndRow> {
    Ok(EndRow {
        lease: lease_row(row)?,
        sweep: row.read(5)?,
        case_state: row.read(6)?,
        case_verdict: row.read(7)?,
        case_priority: row.read(8)?,
        received_at: row.read(9)?,
        first_revoke_at: row.read(10)?,
        contained_at: row.read(11)?,
        newest_signal: row.read(12)?,
        in_ledger: row.read(13)?,
        unresolved: row.read(14)?,
    })
}
