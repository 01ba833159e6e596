//! The queue's unit: one containment for one subject at one target, and the states it may be in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Containment, HeldFor, Priority, Timestamp, Verdict};

/// A job's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

/// A case's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Reach the demanded state.
    Contain,
    /// Look again at what was contained; ends again what came back, and reopens the case. Written `watch`, as the config key is.
    #[serde(rename = "watch")]
    Sweep,
    /// Undo a suspension that we made, on an operator's word.
    Release,
}

impl JobKind {
    /// The word in the tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contain => "contain",
            Self::Sweep => "watch",
            Self::Release => "release",
        }
    }

    /// The kind that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Contain, Self::Sweep, Self::Release]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A worker's time-limited ownership of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Names this one claim: a settlement must quote it.
    pub id: String,
    /// When it ends if nobody settles. Longer than the attempt's hard time-out, so no heartbeat exists.
    pub until: Timestamp,
}

/// Where a job stands. The store's `CHECK`s say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum JobState {
    /// Waits for its time: a departure's date, or the back-off of a retry. The scheduler moves it on when due.
    Scheduled {
        /// When it may start.
        due: Timestamp,
    },
    /// Waits for a lane.
    Queued,
    /// A lane works at it.
    Running {
        /// Whose it is.
        lease: Lease,
    },
    /// Waits for a human's decision, or for somebody to let its batch go on.
    Held,
    /// Over, with what was proved.
    Done {
        /// The proof's word.
        verdict: Verdict,
    },
    /// Over without proof: stands in the could-not-revoke ledger.
    Failed {
        /// Why, for the ledger.
        error: String,
    },
    /// Called off by a human or a rescission. What it had done by then stands in its evidence.
    Cancelled,
}

/// What may happen to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its time has come.
    Promote,
    /// A lane takes it.
    Claim(Lease),
    /// The lane that holds it settles it.
    Settle(Settlement),
    /// Its lease ran out, or the daemon that held it is gone.
    Expire,
    /// The intake or an operator holds it.
    Hold,
    /// An operator lets a held one go.
    Approve {
        /// When it may start, where that is later than now.
        due: Option<Timestamp>,
    },
    /// An operator or a rescission calls it off.
    Cancel,
    /// An operator, or the hourly round over the ledger, tries a failed one again.
    Retry,
}

/// How an attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The second observation proved something.
    Done(Verdict),
    /// Did not work; counts as an attempt.
    Retry {
        /// When to try again.
        due: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// Later, and it costs no attempt: the target limits us, or its lane is paused.
    Snooze {
        /// When to try again.
        due: Timestamp,
    },
    /// Shutdown took the attempt away; it is given back.
    Interrupted,
    /// Needs a human before it may go on: a protected principal, or two accounts of one name.
    Hold {
        /// Why.
        why: String,
        /// The group of people that asks for it, where one does.
        held_for: Option<HeldFor>,
    },
    /// Never again by itself: the ledger.
    GiveUp {
        /// Why.
        error: String,
    },
    /// Its case was called off while it ran: it stopped before its next change.
    CalledOff,
}

/// A step that the state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot {step}")]
pub struct IllegalTransition {
    /// The state's word.
    pub from: &'static str,
    /// The step's word.
    pub step: &'static str,
}

impl JobState {
    /// The words of all states, as the table's `CHECK` lists them.
    pub const WORDS: [&'static str; 7] = ["scheduled", "queued", "running", "held", "done", "failed", "cancelled"];

    /// The word in the tables.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Held => "held",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::Cancelled)
    }

    /// The state after `step`, the only way from one state to another.
    ///
    /// # Errors
    /// [`IllegalTransition`] for every pair that is not written here.
    pub fn next(self, step: Step) -> Result<Self, IllegalTransition> {
        let refused = |from: &Self, step: &Step| IllegalTransition {
            from: from.word(),
            step: step.word(),
        };
        match (self, step) {
            (Self::Scheduled { .. }, Step::Promote)
            | (Self::Running { .. }, Step::Expire)
            | (Self::Held, Step::Approve { due: None })
            | (Self::Failed { .. }, Step::Retry) => Ok(Self::Queued),
            (Self::Queued, Step::Claim(lease)) => Ok(Self::Running { lease }),
            (Self::Running { .. }, Step::Settle(settlement)) => Ok(match settlement {
                Settlement::Done(verdict) => Self::Done { verdict },
                Settlement::Retry { due, .. } | Settlement::Snooze { due } => Self::Scheduled { due },
                Settlement::Interrupted => Self::Queued,
                Settlement::Hold { .. } => Self::Held,
                Settlement::GiveUp { error } => Self::Failed { error },
                Settlement::CalledOff => Self::Cancelled,
            }),
            (Self::Scheduled { .. } | Self::Queued, Step::Hold) => Ok(Self::Held),
            (Self::Held, Step::Approve { due: Some(due) }) => Ok(Self::Scheduled { due }),
            (Self::Scheduled { .. } | Self::Queued | Self::Held, Step::Cancel) => Ok(Self::Cancelled),
            (from, step) => Err(refused(&from, &step)),
        }
    }
}

impl Step {
    /// The verb for an error message.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Promote => "be promoted",
            Self::Claim(_) => "be claimed",
            Self::Settle(_) => "be settled",
            Self::Expire => "lose its lease",
            Self::Hold => "be held",
            Self::Approve { .. } => "be approved",
            Self::Cancel => "be cancelled",
            Self::Retry => "be tried again",
        }
    }
}

/// A job as a worker receives it with its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The case it belongs to.
    pub case: CaseId,
    /// The target's name in the config.
    pub target: String,
    /// What it is for.
    pub kind: JobKind,
    /// Whom it is about.
    pub subject: super::Subject,
    /// The reference that stands for the subject in the trail.
    pub subject_ref: String,
    /// Why the case was opened: an ambiguous compromise may be handled otherwise than an ambiguous departure.
    pub reason: super::Reason,
    /// The end state demanded.
    pub containment: Containment,
    /// How urgent it is.
    pub priority: Priority,
    /// Which attempt this is, from 1. Snoozes and interruptions do not count.
    pub attempt: u32,
    /// When the first signal behind its case was received.
    pub received_at: Timestamp,
    /// Whether an earlier attempt of this job has sent an action.
    pub acted: bool,
    /// Whether an earlier attempt of this job has reset the password.
    pub password_reset: bool,
    /// Whether a human has approved acting on a protected or ambiguous principal.
    pub approved: bool,
    /// What its earlier attempts saw and did; for a sweep or a release, what it is to look after.
    pub evidence: super::Evidence,
    /// When the verdict was reached that a sweep looks after.
    pub contained_at: Option<Timestamp>,
    /// Which sweep after that verdict it is, from 1; 0 where it is none.
    pub sweep: usize,
}

impl Job {
    /// From when on a reading of what concerns nobody in particular is good enough for a sweep: the time that the playbook names for it, which
    /// is earlier than it comes where it was spread.
    #[must_use]
    pub fn looks_from(&self) -> Option<Timestamp> {
        let after = self.containment.sweep(self.sweep.checked_sub(1)?)?;
        Some(self.contained_at?.plus(after))
    }
}

/// How long an attempt may take before it is cut off, and how much longer its lease lives.
pub const ATTEMPT_LIMIT: Duration = Duration::from_mins(5);

/// See [`ATTEMPT_LIMIT`].
pub const LEASE_LENGTH: Duration = Duration::from_mins(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_as_its_word() {
        for (kind, word) in [
            (JobKind::Contain, "contain"),
            (JobKind::Sweep, "watch"),
            (JobKind::Release, "release"),
        ] {
            assert_eq!(kind.word(), word);
            assert_eq!(JobKind::from_word(word), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
        }
    }

    #[test]
    fn a_final_state_but_failed_allows_no_step() {
        let lease = Lease {
            id: "l".into(),
            until: Timestamp::from_ms(1),
        };
        let steps = [
            Step::Promote,
            Step::Claim(lease),
            Step::Expire,
            Step::Hold,
            Step::Approve { due: None },
            Step::Cancel,
            Step::Retry,
        ];
        for step in steps {
            assert!(
                JobState::Done {
                    verdict: Verdict::Contained
                }
                .next(step.clone())
                .is_err()
            );
            assert!(JobState::Cancelled.next(step.clone()).is_err());
            let failed = JobState::Failed { error: String::new() }.next(step.clone());
            assert_eq!(failed.is_ok(), step == Step::Retry);
        }
    }

    #[test]
    fn a_running_job_cannot_be_cancelled_or_claimed_again() {
        let lease = Lease {
            id: "l".into(),
            until: Timestamp::from_ms(1),
        };
        let running = JobState::Running { lease: lease.clone() };
        assert!(running.clone().next(Step::Cancel).is_err());
        assert_eq!(
            running.next(Step::Claim(lease)).unwrap_err().to_string(),
            "a job that is running cannot be claimed"
        );
    }
}
