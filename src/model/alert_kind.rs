//! The kinds of alerts: how urgent each is, and what it says where nobody may be named.

use serde::Serialize;

/// Whether an alert may wait for the morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It may.
    Routine,
    /// It may not: somebody may be inside, or nothing is revoked or recorded any more.
    Urgent,
}

use Urgency::{Routine, Urgent};

/// Every kind of alert, with its urgency and one sentence that names nobody.
pub const ALERT_KINDS: &[(&str, Urgency, &str)] = &[
    ("hold", Urgent, "something waits for a decision"),
    (
        "could_not_revoke",
        Urgent,
        "a job ended without a proof that access has ended",
    ),
    ("unresolved", Urgent, "a source named somebody whom no target knows"),
    ("identity_conflict", Routine, "a source claims names that are somebody else's"),
    ("came_back", Urgent, "a sweep found access again"),
    ("target_paused", Routine, "an operator has paused a target"),
    ("batch_paused", Routine, "an operator has paused a batch of cases"),
    (
        "config_refused",
        Routine,
        "the config was read anew and refused, the one before stays in force",
    ),
    (
        "certificate_refused",
        Routine,
        "the files of the console's certificate cannot be used, the one before goes on being shown",
    ),
    (
        "certificate_expires",
        Routine,
        "the console's certificate expires soon, or has expired",
    ),
    (
        "group_list",
        Routine,
        "the list of a group of people cannot be believed, the one before stands",
    ),
    ("lane_paused", Urgent, "a target refuses our credential or a permission"),
    (
        "canary_survived",
        Urgent,
        "a canary's credential worked after its end was accepted",
    ),
    ("canary_untried", Routine, "a canary could not be tried"),
    ("target_down", Urgent, "a target does not answer"),
    ("quarantine", Routine, "a file, or rows of it, could not be read"),
    ("source_unreadable", Urgent, "a source cannot be looked at"),
    ("source_silent", Routine, "a source that should speak says nothing"),
    (
        "door_closed",
        Routine,
        "too many requests that prove nothing come to an endpoint",
    ),
    ("store_locked", Urgent, "another program held the store's write lock"),
    ("disk_full", Urgent, "the disk under the store is full"),
    ("store_linked", Urgent, "the database has a second name"),
    ("store_damaged", Urgent, "the database is damaged"),
    ("log_grows", Routine, "the store's write-ahead log grows"),
    (
        "replay_with_other_content",
        Urgent,
        "a source used a key again for another signal",
    ),
    ("acks_refused", Routine, "a transmitter takes no acknowledgement"),
    (
        "stream_silent",
        Urgent,
        "a stream did not prove that it is alive: signals may be lost",
    ),
    ("stream_stopped", Urgent, "an issuer's stream has stopped"),
    (
        "unknown_user",
        Routine,
        "a SCIM client deactivated a user who is not known here",
    ),
    ("not_understood", Routine, "a sender sent something that no rule understands"),
    ("sender_notice", Routine, "a sender speaks of its own subscription"),
    ("leaked_value", Urgent, "a sender found credential values in the open"),
    (
        "opt_out_effective",
        Routine,
        "an issuer says nothing about one of the subjects from now on",
    ),
    (
        "identifier_recycled",
        Routine,
        "an address or number belongs to somebody else now",
    ),
    (
        "discarded_critical_subject",
        Routine,
        "an event names a critical member that is not understood",
    ),
    ("departed_late", Routine, "a departure was carried out late"),
    (
        "rescinded_too_late",
        Routine,
        "a departure was called off after it was carried out",
    ),
    (
        "departure_called_off",
        Routine,
        "a source says again that somebody leaves whose departure was called off",
    ),
    ("departure_unclear", Routine, "a planned departure cannot be computed again"),
    ("proof_unreadable", Routine, "what a case has proved cannot be read back"),
    ("receiver_refuses", Routine, "a receiver refuses what it is told"),
    ("receiver_down", Routine, "a receiver cannot be told what was contained"),
    ("clock_stepped", Urgent, "the machine's clock was set"),
    ("clock_differs", Routine, "a target's clock differs from ours"),
    ("trail_broken", Urgent, "entries of the trail are not those that were signed"),
    (
        "anchor_lost",
        Urgent,
        "the file of checkpoints is gone, or holds less than was written",
    ),
    (
        "trail_key_lost",
        Urgent,
        "the trail goes on under a new key without the old one's word",
    ),
    ("alert_untold", Routine, "the program of [alerts] exec did not take an alert"),
    ("notify_failing", Urgent, "a channel of notifications takes nothing"),
    (
        "notify_refused",
        Urgent,
        "a channel of notifications refused a message for good",
    ),
    (
        "checkpoint_failed",
        Urgent,
        "no checkpoint of the trail can be signed or written",
    ),
];

/// How urgent alerts of a kind are. One that is not known is not urgent.
#[must_use]
pub fn urgency_of(kind: &str) -> Urgency {
    let found = ALERT_KINDS.iter().find(|(name, ..)| *name == kind);
    found.map_or(Routine, |(_, urgency, _)| *urgency)
}

/// What is said of an alert of a kind where nobody may be named.
#[must_use]
pub fn without_names(kind: &str) -> &'static str {
    let found = ALERT_KINDS.iter().find(|(name, ..)| *name == kind);
    found.map_or("something needs somebody", |(_, _, sentence)| sentence)
}
