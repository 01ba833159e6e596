//! Resolve: which accounts at the target a subject means.

use crate::model::{Principal, Resolution, Subject};
use crate::targets::{Pass, Target, TargetError};

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

/// Looks the subject up. Where it fits several accounts it is for a human to say which, or, with `all`, every one of them is meant.
pub(in crate::worker) async fn resolve(target: &dyn Target, pass: &Pass, subject: &Subject, all: bool) -> Result<Who, TargetError> {
    let ids = match target.resolve(pass, subject).await? {
        // The names themselves are personal data and stay out of the trail.
        Resolution::None => {
            return Ok(Who::Nobody(match subject.names() {
                [_] => format!("the target knows no account by this {}", subject.format()),
                names => format!("the target knows no account by any of {} names", names.len()),
            }));
        }
        Resolution::One(principal) => return Ok(Who::Those(vec![principal])),
        Resolution::Ambiguous(ids) => ids,
    };
    if !all {
        return Ok(Who::Unclear(format!(
            "the subject fits {} accounts ({}); approve to contain all of them, or reject and name one by its id",
            ids.len(),
            ids.join(", ")
        )));
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        // An account that is gone by now needs nothing.
        if let Resolution::One(principal) = target.resolve(pass, &Subject::Opaque(id)).await? {
            found.push(principal);
        }
    }
    if found.is_empty() {
        return Ok(Who::Nobody("the accounts that the subject fitted are gone".to_owned()));
    }
    Ok(Who::Those(found))
}
