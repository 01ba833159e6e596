//! The words of the project: plain types, no I/O. Every other module's `use` points here in the end.
//!
//! Reading order: `subject` (whom a signal means), `signal`, `reason` and `delivery` (what a source says), `departure` (when somebody leaves);
//! `grant` (the kinds of grant, and their groups) and `access` (what a principal has), `acted_at` (when we changed it); `containment` (what is demanded, and from it the plan
//! and the verdict, pure) with `action`, `verdict`, `evidence`, `door` and `sentence` (what a target says); `job` (its states and the ways between them) with `held_for`; `capabilities` of a
//! target; `individual`, the human behind an operator; `alert_kind`, the kinds of alerts with their urgency; `goal`, how soon access is to end. `error_chain` shows an error with its causes.

mod access;
mod acted_at;
mod action;
mod alert_kind;
mod capabilities;
mod containment;
mod delivery;
mod departure;
mod door;
mod error_chain;
mod evidence;
mod goal;
mod grant;
mod held_for;
mod individual;
mod job;
mod reason;
mod role;
mod sentence;
mod signal;
mod subject;
mod verdict;

pub use access::{Access, AccountState, Principal, PrincipalTrait, Residual, ResidualEnd, Resolution};
pub use acted_at::ActedAt;
pub use action::Action;
pub use alert_kind::{ALERT_KINDS, Urgency, urgency_of, without_names};
pub use capabilities::Capabilities;
pub use containment::{Containment, PasswordReset, Progress, Scope, digest_of, digest_of_named, has_form_of_id, is_named};
pub use delivery::{
    Alarm, AlarmKind, Delivery, Employment, Identity, NoFault, PutAside, Receipt, Refused, Renamed, SignalReceipt, StateChange,
    StateEntry, Suspect, Trace,
};
pub use departure::{LeavesError, iana_zone, iso_date, time_of_day};
pub use door::{Door, DoorKind};
pub use error_chain::error_chain;
pub use evidence::{ActionOutcome, Evidence, Finished, Started};
pub use goal::{Goal, Goals};
pub use grant::{Grant, GrantKind, GrantRef};
pub use held_for::HeldFor;
pub use individual::Individual;
pub use job::{ATTEMPT_LIMIT, CaseId, IllegalTransition, Job, JobId, JobKind, JobState, LEASE_LENGTH, Lease, Settlement, Step};
pub use reason::{Priority, Reason};
pub use revoked_trail::{Actor, NoActor, Timestamp};
pub use role::{NoRole, Role};
pub use sentence::Sentence;
pub use signal::{DateRule, Departure, DepartureStep, Disposition, LeakedValue, Leaves, Signal, When};
pub use subject::{LONGEST_SUBJECT, Subject, SubjectError};
pub use verdict::{Remaining, Verdict};
