//! What an entry can say: the closed list of kinds, which `docs/audit.md` shows row by row.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Declares the enum, its text names and the table from one list, so that a kind can't be without its name or its description.
macro_rules! kinds {
    ($($(#[doc = $about:literal])+ $kind:ident = $name:literal,)+) => {
        /// What an entry records. The text name (`case.opened`) is stored and never changes; a new kind gets a new name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EntryKind {
            $($(#[doc = $about])+ $kind,)+
        }

        impl EntryKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The text that the entry's member `kind` holds.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// One sentence: when an entry of this kind is written.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$kind => concat!($($about),+)),+ }.trim()
            }
        }
    };
}

kinds! {
    /// The daemon started: its version, its targets, and how many jobs were taken back from a run that died.
    DaemonStarted = "daemon.started",
    /// The daemon stopped in good order.
    DaemonStopped = "daemon.stopped",
    /// The config was read anew and is in force: its SHA-256, that of the one before, and which tables are different.
    ConfigReloaded = "config.reloaded",
    /// The config was read anew and refused, the one before stays in force: SHA-256 of what was read, how many mistakes, or what needs a restart.
    ConfigRefused = "config.refused",
    /// An operator has made a token of the API: its number, name, role and end, never its text.
    TokenMade = "token.made",
    /// A token was ended.
    TokenEnded = "token.ended",
    /// An operator has signed in at the page.
    OperatorSignedIn = "operator.signed_in",
    /// An operator has signed out, or ended all their sessions.
    OperatorSignedOut = "operator.signed_out",
    /// An operator has read what is kept about people: by which command or page, and about how many.
    PeopleRead = "people.read",
    /// A signal was authenticated and stored, and leads to work.
    SignalAccepted = "signal.accepted",
    /// A signal was authenticated and stored, and policy says that nothing follows.
    SignalIgnored = "signal.ignored",
    /// A signal of a source that only rehearses was stored and decided about, and nothing follows: what would have been done.
    SignalRehearsed = "signal.rehearsed",
    /// A source that was only rehearsed is acted on from now on, or the reverse, as its config says.
    SourceModeChanged = "source.mode_changed",
    /// The list of a group of people was read from its file, and names others than before: how many, never who.
    GroupListRead = "group.list_read",
    /// An operator accepted the list of a group of people that is less than half of the one before: its SHA-256.
    GroupListAccepted = "group.list_accepted",
    /// A signal was refused: the reason and the SHA-256 of what was sent, never the body.
    SignalRejected = "signal.rejected",
    /// A whole delivery was refused before any signal of it was read.
    DeliveryRejected = "delivery.rejected",
    /// A whole delivery exceeds a limit of its source and waits for approval.
    DeliveryHeld = "delivery.held",
    /// A case was opened for a subject under a playbook.
    CaseOpened = "case.opened",
    /// A case became more urgent or got more to do.
    CaseRaised = "case.raised",
    /// A further signal joined a case of the same person: one that was open, or one just contained whose proof covers it.
    CaseCoalesced = "case.coalesced",
    /// A case closed with its verdict, which need not be `contained`.
    CaseContained = "case.contained",
    /// A sweep found access again after the case had closed.
    CaseReopened = "case.reopened",
    /// A case was cancelled before it was done.
    CaseCancelled = "case.cancelled",
    /// Nothing more is done for a case: an operator, or a rescission, has called it off.
    CaseCalledOff = "case.called_off",
    /// A case that a paused batch kept back goes on: somebody else asks for it too.
    CaseGoesOn = "case.goes_on",
    /// An operator has written a note beside a case: its number, never what stands in it.
    CaseNoted = "case.noted",
    /// An operator has said who looks after a case.
    CaseAssigned = "case.assigned",
    /// An operator has asked for a suspension to be undone.
    ReleaseAsked = "release.asked",
    /// A job was put into the queue.
    JobEnqueued = "job.enqueued",
    /// A scheduled job's time has come: it waits for its lane.
    JobDue = "job.due",
    /// A job was called off before it did anything.
    JobCancelled = "job.cancelled",
    /// A worker took a job under a lease.
    JobClaimed = "job.claimed",
    /// An attempt failed and will be repeated; it counts.
    JobRetried = "job.retried",
    /// A job waits because of a rate limit or a paused target; it costs no attempt.
    JobSnoozed = "job.snoozed",
    /// A shutdown gave the attempt back; it costs no attempt.
    JobInterrupted = "job.interrupted",
    /// A lease ended without settlement: what its attempt did is unknown until it is observed.
    JobLeaseExpired = "job.lease_expired",
    /// A job ended with a verdict.
    JobSettled = "job.settled",
    /// A job ended without a verdict and stands in the could-not-revoke ledger.
    JobFailed = "job.failed",
    /// A change at a target is about to be sent; committed before the request leaves, and with the signal itself where it names no `principal`.
    ActionStarted = "action.started",
    /// A change at a target was answered: status and the target's request id.
    ActionFinished = "action.finished",
    /// A change was started and nobody knows whether the target made it.
    ActionUnknown = "action.unknown",
    /// What a target says that a principal can reach: counts by kind of grant.
    ObservationRecorded = "observation.recorded",
    /// Work was held for a decision by an operator.
    HoldPlaced = "hold.placed",
    /// The rule by which a decision needs two persons was set, from the config.
    ApprovalRuleSet = "approvals.rule_set",
    /// An operator approved a held set that needs two persons: the first of them.
    HoldApprovalGiven = "hold.approval_given",
    /// The first approval of a held set counts no more: the set has changed, it was decided without it, or nobody followed in time.
    HoldApprovalVoid = "hold.approval_void",
    /// An operator approved exactly this held set.
    HoldApproved = "hold.approved",
    /// An operator rejected held work.
    HoldRejected = "hold.rejected",
    /// An alert was raised.
    AlertRaised = "alert.raised",
    /// An alert was cleared, or is over.
    AlertCleared = "alert.cleared",
    /// An operator acknowledged an alert: it stays open and is looked after.
    AlertAcknowledged = "alert.acknowledged",
    /// A channel of notifications, or the program of `[alerts] exec`, has taken what was told of alerts.
    AlertTold = "alert.told",
    /// What was to be told of alerts could not be brought to a channel, and is not tried any more.
    AlertUntold = "alert.untold",
    /// A channel was not told of alerts, since it reaches somebody of an unfinished case.
    AlertWithheld = "alert.withheld",
    /// An operator's acknowledgement of an alert has ended: it needs somebody again.
    AlertAcknowledgementEnded = "alert.acknowledgement_ended",
    /// A departure was planned for its effective instant.
    DeparturePlanned = "departure.planned",
    /// A planned departure got another date, zone or playbook.
    DepartureChanged = "departure.changed",
    /// A planned departure was withdrawn by its source.
    DepartureRescinded = "departure.rescinded",
    /// An operator called a planned departure off.
    DepartureCancelled = "departure.cancelled",
    /// A departure became due: the jobs of its case were put into the queue.
    DepartureExecuted = "departure.executed",
    /// A source said which employments stand: how many, never whose.
    EmploymentsNoted = "employment.noted",
    /// A lane was paused: its jobs wait, and its target is only probed.
    LanePaused = "lane.paused",
    /// A paused lane works again.
    LaneResumed = "lane.resumed",
    /// The lane's breaker opened: its target failed several times in a row, or a probe after a job's last attempt found it down.
    LaneBreakerOpened = "lane.breaker_opened",
    /// The target answers again: the lane's breaker closed.
    LaneBreakerClosed = "lane.breaker_closed",
    /// An operator paused a target: nothing is sent to it, and urgent work waits too.
    TargetPaused = "target.paused",
    /// An operator ended the pause of a target.
    TargetResumed = "target.resumed",
    /// An operator paused a batch: no job of it begins.
    BatchPaused = "batch.paused",
    /// An operator let a paused batch go on.
    BatchResumed = "batch.resumed",
    /// A target's canary was signed in, revoked and tried: how long its credentials still worked.
    CanaryTried = "canary.tried",
    /// A source kept or forgot something of its own: how many memos, and which.
    SourceNoted = "source.noted",
    /// A dropped file, or rows of it, was put aside with the reason.
    FileQuarantined = "file.quarantined",
    /// A dropped file, or a list of people in the inbox, was taken in: its SHA-256 and counts of rows.
    FileAccepted = "file.accepted",
    /// A row of the inbox became a case.
    InboxAccepted = "inbox.accepted",
    /// A row of the inbox was refused with the reason.
    InboxRejected = "inbox.rejected",
    /// A receiver is to be told something that a verdict proved: a token's `jti`, its event and the receiver.
    StatementQueued = "statement.queued",
    /// Nothing is told to a receiver, since the person has no name in a form that it understands, or since what was proved cannot be read back.
    StatementWithheld = "statement.withheld",
    /// A receiver could not be told and will be tried again.
    StatementRetried = "statement.retried",
    /// A receiver acknowledged a token.
    StatementDelivered = "statement.delivered",
    /// A receiver refused a token, with the protocol's code.
    StatementRefused = "statement.refused",
    /// A receiver was not told in all the time that is given, or is configured no more.
    StatementGivenUp = "statement.given_up",
    /// Names were linked as one person's: who says so, how many, of which formats; never the names.
    SubjectLinked = "subject.linked",
    /// A name was taken from its person, or a link forgotten.
    SubjectUnlinked = "subject.unlinked",
    /// No target knows the person whom a case is about.
    SubjectUnresolved = "subject.unresolved",
    /// A sender that waits for it was told that the targets know nobody, cannot tell who is meant, or do not answer.
    SubjectAsked = "subject.asked",
    /// An operator said that nothing is to be done about somebody whom no target knows.
    SubjectDismissed = "subject.dismissed",
    /// The personal data and the reference key of a subject were erased; the entries about it stay, without a name.
    PersonErased = "person.erased",
    /// Data past its retention was deleted: counts by kind.
    RetentionPruned = "retention.pruned",
    /// A new trail begins; after a restore it quotes the last known checkpoint of the one before.
    TrailOriginStarted = "trail.origin_started",
    /// The trail's signing key was replaced: the old key's signed statement that names the new one.
    TrailKeyRotated = "trail.key_rotated",
    /// An operator let the trail go on under a new key without a word of the old one, which is lost.
    TrailKeyLost = "trail.key_lost",
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kind of entry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no kind of entry; docs/audit.md lists them")]
pub struct UnknownKind(String);

impl FromStr for EntryKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_dotted_lower_case_and_read_back() {
        for (i, kind) in EntryKind::ALL.iter().enumerate() {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert_eq!(kind.name().split('.').count(), 2, "{kind}");
            assert!(
                kind.name().chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_'),
                "{kind}"
            );
            assert!(
                EntryKind::ALL[..i].iter().all(|other| other.name() != kind.name()),
                "{kind} appears twice"
            );
        }
    }

    #[test]
    fn descriptions_are_single_sentences() {
        for kind in EntryKind::ALL {
            let about = kind.description();
            assert!(
                about.ends_with('.') && !about.contains('\n') && about.len() < 140,
                "{kind}: {about}"
            );
        }
    }

    #[test]
    fn an_unknown_kind_says_where_they_are_listed() {
        let error = "case.closed".parse::<EntryKind>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`case.closed` is no kind of entry; docs/audit.md lists them"
        );
    }
}
