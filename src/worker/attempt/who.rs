//! Resolve: which accounts at the target a subject means.

use crate::model::{Principal, Resolution, Subject};
use crate::targets::{Pass, Remedy, Target, TargetError};

/// Whom a subject means at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::worker) enum Who {
    /// Nobody, and the target said so for every name.
    Nobody(String),
    /// These.
    Those(Vec<Principal>),
    /// More than one account, and it is for a human to say which.
    Unclear(String),
}

/// Looks up every name of the subject. Names that lead to different accounts are as unclear as one name that fits several; with `all`,
/// every one of them is meant.
pub(in crate::worker) async fn resolve(target: &dyn Target, pass: &Pass, subject: &Subject, all: bool) -> Result<Who, TargetError> {
    let names = subject.names();
    let mut found: Vec<Principal> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut unreadable = None;
    for name in names {
        match target.resolve(pass, name).await {
            Ok(Resolution::None) => {}
            Ok(Resolution::One(principal)) => {
                if !found.iter().any(|known| known.id == principal.id) {
                    found.push(principal);
                }
            }
            Ok(Resolution::Ambiguous(several)) => ids.extend(several),
            // A name that the target cannot look up at all does not spoil another that it can.
            Err(error) if error.remedy == Remedy::GiveUp => unreadable = Some(error),
            Err(error) => return Err(error),
        }
    }
    ids.retain(|id| !found.iter().any(|known| known.id == *id));
    ids.sort_unstable();
    ids.dedup();
    let count = found.len() + ids.len();
    if count > 1 && !all {
        let mut listed: Vec<&str> = found.iter().map(|known| known.id.as_str()).collect();
        listed.extend(ids.iter().map(String::as_str));
        return Ok(Who::Unclear(format!(
            "the subject fits {count} accounts ({}); approve to contain all of them, or reject and name one by its id",
            listed.join(", ")
        )));
    }
    for id in ids {
        // An account that is gone by now needs nothing.
        if let Resolution::One(principal) = target.resolve(pass, &Subject::Opaque(id)).await? {
            found.push(principal);
        }
    }
    match (found.is_empty(), unreadable) {
        (false, _) => Ok(Who::Those(found)),
        (true, Some(error)) => Err(error),
        // The names themselves are personal data and stay out of the trail.
        (true, None) => Ok(Who::Nobody(match names.len() {
            1 => format!("the target knows no account by this {}", subject.format()),
            n => format!("the target knows no account by any of {n} names"),
        })),
    }
}
