//! Claims, and the jobs that lanes of this process keep for themselves although their leases may not be committed yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::model::{Job, Lease, Started};

/// A worker's time-limited ownership of a job. Made only by the store, consumed by [`crate::store::Store::settle`].
#[must_use = "a claim that is not settled blocks its job until the lease ends"]
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Arc<Job>,
    pub(in crate::store) lease: Lease,
    /// Where the lease is not committed yet: the job is kept for this claim in memory, until it is settled or dropped.
    pub(in crate::store) reservation: Option<Reservation>,
    /// An action whose intent was stored with the job: it may be sent once that [is committed](Self::is_committed).
    pub intended: Option<Started>,
    /// Where the job was told of before it was committed: turns true once it is, and ends where it never will be.
    pub(in crate::store) commit: Option<watch::Receiver<bool>>,
}

impl Claim {
    /// A claim whose lease is committed with the job, or before it is handed out.
    pub(in crate::store) const fn new(job: Arc<Job>, lease: Lease) -> Self {
        Self {
            job,
            lease,
            reservation: None,
            intended: None,
            commit: None,
        }
    }

    /// Waits until the job is committed, where it was told of before. False where it never was: nothing may be sent.
    pub async fn is_committed(&self) -> bool {
        match self.commit.clone() {
            None => true,
            Some(mut commit) => commit.wait_for(|committed| *committed).await.is_ok(),
        }
    }
}

/// The jobs that are reserved, each with the number of its reservation.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Reserved(Arc<Mutex<Reservations>>);

#[derive(Debug, Default)]
struct Reservations {
    jobs: BTreeMap<i64, u64>,
    made: u64,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(in crate::store) struct Reservation {
    job: i64,
    number: u64,
    reserved: Reserved,
}

impl Reserved {
    pub(in crate::store) fn reserve(&self, job: i64) -> Reservation {
        let mut reservations = self.reservations();
        reservations.made += 1;
        let number = reservations.made;
        reservations.jobs.insert(job, number);
        drop(reservations);
        Reservation {
            job,
            number,
            reserved: self.clone(),
        }
    }

    /// Their numbers, as a JSON list.
    pub(in crate::store) fn as_json(&self) -> String {
        let jobs: Vec<String> = self.reservations().jobs.keys().map(i64::to_string).collect();
        format!("[{}]", jobs.join(","))
    }

    /// The lease of this job has ended: another attempt may have it.
    pub(in crate::store) fn end(&self, job: i64) {
        self.reservations().jobs.remove(&job);
    }

    fn reservations(&self) -> MutexGuard<'_, Reservations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Whether the job is still kept for it: not once its lease has ended.
    pub(in crate::store) fn is_current(&self) -> bool {
        self.reserved.reservations().jobs.get(&self.job) == Some(&self.number)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reservations = self.reserved.reservations();
        // After its lease has ended the job may be reserved again.
        if reservations.jobs.get(&self.job) == Some(&self.number) {
            reservations.jobs.remove(&self.job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_ends_when_it_is_dropped_or_its_lease_ends() {
        let reserved = Reserved::default();
        let (first, other) = (reserved.reserve(7), reserved.reserve(9));
        assert_eq!(reserved.as_json(), "[7,9]");
        reserved.end(7);
        assert_eq!(reserved.as_json(), "[9]");
        assert!(!first.is_current() && other.is_current());
        let again = reserved.reserve(7);
        drop(first);
        assert_eq!(reserved.as_json(), "[7,9]", "the second attempt keeps it");
        drop((again, other));
        assert_eq!(reserved.as_json(), "[]");
    }
}
