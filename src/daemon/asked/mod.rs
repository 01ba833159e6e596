//! What commands ask of the daemon, most of it about targets: an installation's credentials are often the daemon's alone, so a command that may not read them writes its
//! question into the store, and the running daemon answers there. Reads only; nothing at a target is changed but by the canary, which goes through
//! the queue.
//!
//! Here the questions and the answers; then `answer`, the one place where targets are asked, by the daemon and by a command that has the
//! credentials itself; `probe`, what a probe says of a target as it is configured; `watch`, the daemon's look at the questions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Capabilities, Containment, Resolution, Subject, Timestamp};
use crate::targets::{Probe, TargetRole};
use crate::worker::{Reactivation, Rehearsal};

mod answer;
mod probe;
mod watch;

pub use answer::Answerer;
pub(super) use watch::run;

/// One question about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The target's name.
    pub target: String,
    /// What is asked of it.
    pub asks: Asks,
}

/// What is asked of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// What stands in the way, and with `prove` how long after its end a credential of the canary works.
    Probe {
        /// Whether the canary is tried.
        prove: bool,
    },
    /// What would be done.
    Rehearsal {
        /// About whom.
        subject: Subject,
        /// What is demanded.
        containment: Containment,
    },
    /// What undoing a suspension would bring back.
    Reactivation {
        /// The target's id of the account.
        account: String,
        /// When it was suspended, by the target's own clock.
        suspended_at: Timestamp,
    },
    /// Who is meant by a name.
    Resolution {
        /// The name.
        name: Subject,
    },
}

/// What the daemon is asked to do itself, in the place of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// To read its config anew. The answer is a [`Reloaded`](crate::config::Reloaded).
    Reload,
}

/// The answer to one question; an error is a sentence for whoever asked.
pub type Answer = Result<Says, String>;

/// What a target says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// What a probe found.
    Probe(Box<Probed>),
    /// What would be done.
    Rehearsal(Rehearsal),
    /// What would come back, with the names of the account; nothing where it is not suspended as it was then.
    Reactivation(Option<(Reactivation, Vec<Subject>)>),
    /// Who is meant; nothing where the target cannot be asked by such a name.
    Resolution(Option<Resolution>),
}

/// A target, and what a probe found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The kind's name.
    pub kind: String,
    /// What it is to the others.
    pub role: TargetRole,
    /// What it can do.
    pub able: Capabilities,
    /// What was found.
    pub probe: Probe,
    /// Where the canary was tried: by kind of credential, after how many milliseconds it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryTrial>,
}

/// What came of a canary, or why it could not be tried.
pub type CanaryTrial = Result<BTreeMap<String, Option<u64>>, String>;
