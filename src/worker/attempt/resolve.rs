//! Resolves a subject: which accounts at the target a subject means.
//!
//! A person's names are asked for one after the other, the surest first, until one leads to an account. The names that this account bears
//! need no further call. Only those that it does not bear are asked too: where one of them is somebody else's account, the names contradict
//! each other, and a human must say who is meant.

use std::collections::BTreeMap;

use crate::model::{Principal, Resolution, Subject};
use crate::targets::{CallContext, Target, TargetError};

/// Whom a subject means at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::worker) enum Resolved {
    /// Nobody, and the target said so for every name that it can be asked for.
    Nobody(String),
    /// The target cannot be asked by any name of this subject.
    Nameless(String),
    /// These.
    Those(Vec<Principal>),
    /// More than one account, and it is for a human to say which.
    Unclear(String),
}

/// Looks the subject up. Where it fits several accounts it is for a human to say which, or, with `all`, every one of them is meant.
pub(in crate::worker) async fn resolve(
    target: &dyn Target,
    context: &CallContext,
    subject: &Subject,
    all: bool,
) -> Result<Resolved, TargetError> {
    let mut names: Vec<&Subject> = subject.names().iter().filter(|name| target.asks_by(name)).collect();
    names.sort_by_key(|name| name.rank());
    if names.is_empty() {
        return Ok(Resolved::Nameless(nameless(subject)));
    }
    let mut found: BTreeMap<String, Option<Principal>> = BTreeMap::new();
    for name in &names {
        if found.values().flatten().any(|principal| principal.names.contains(name)) {
            continue;
        }
        match target.resolve(context, name).await? {
            Resolution::None => {}
            Resolution::One(principal) => {
                found.insert(principal.id.clone(), Some(principal));
            }
            Resolution::Ambiguous(ids) => {
                for id in ids {
                    found.entry(id).or_default();
                }
            }
        }
    }
    match (found.len(), all) {
        // The names themselves are personal data and stay out of the trail.
        (0, _) => Ok(Resolved::Nobody(match names.as_slice() {
            [only] => format!("the target knows no account by this {}", only.format()),
            names => format!("the target knows no account by any of {} names", names.len()),
        })),
        (1, _) | (_, true) => those(target, context, found).await,
        (count, false) => Ok(Resolved::Unclear(format!(
            "the subject fits {count} accounts ({}); approve to contain all of them, or reject and name one by its id",
            found.into_keys().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The accounts of ids that the target itself has named before, whether or not anybody is asked for by an id there.
pub(super) async fn resolve_ids(
    target: &dyn Target,
    context: &CallContext,
    ids: impl Iterator<Item = &str>,
) -> Result<Resolved, TargetError> {
    those(target, context, ids.map(|id| (id.to_owned(), None)).collect()).await
}

/// Every account that was found, those too of which only the id is known so far.
async fn those(
    target: &dyn Target,
    context: &CallContext,
    found: BTreeMap<String, Option<Principal>>,
) -> Result<Resolved, TargetError> {
    let mut principals = Vec::with_capacity(found.len());
    for (id, principal) in found {
        match principal {
            Some(principal) => principals.push(principal),
            // An account that is gone by now needs nothing.
            None => {
                if let Resolution::One(principal) = target.resolve(context, &Subject::Opaque(id)).await? {
                    principals.push(principal);
                }
            }
        }
    }
    if principals.is_empty() {
        return Ok(Resolved::Nobody("the accounts that the subject fitted are gone".to_owned()));
    }
    Ok(Resolved::Those(principals))
}

fn nameless(subject: &Subject) -> String {
    let formats: std::collections::BTreeSet<&str> = subject.names().iter().map(Subject::format).collect();
    format!(
        "the target cannot be asked by {}; say who it is with revoked subject link, or let the source send a name that the target knows",
        formats.into_iter().collect::<Vec<_>>().join(" or ")
    )
}
