//! The list of a group that names less than half of those that it named, taken on an operator's word.

use std::path::Path;

use serde::Serialize;

use super::groups::read_group_file;
use crate::model::Actor;
use crate::policy::ListFault;
use crate::store::{Store, StoreError};

/// A list that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AcceptedList {
    /// The group.
    pub group: String,
    /// How many names it had.
    pub before: usize,
    /// How many it has now.
    pub now: usize,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// It cannot be read.
    #[error("the list {path}: {fault}")]
    Fault {
        /// Where it lies.
        path: String,
        /// What is wrong with it.
        fault: ListFault,
    },
    /// It names nobody.
    #[error("the list {0} names nobody: that is never taken")]
    Empty(String),
    /// It does not name as many as whoever accepts it was shown.
    #[error("the list {path} names {now} now: look at it again")]
    Another {
        /// Where it lies.
        path: String,
        /// How many it names.
        now: usize,
    },
    /// There is none that it could follow on.
    #[error("the daemon has read no list of the group {0} yet: there is nothing to accept it over")]
    Unknown(String),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes exactly the list that lies at `path` now, of as many names as were `shown` where that is said: the daemon reads it at its next look, and
/// judges another one after it again.
///
/// # Errors
/// Why it is not taken.
pub async fn accept_group_list(
    store: &Store,
    (group, path): (&str, &Path),
    shown: Option<usize>,
    by: Actor,
) -> Result<AcceptedList, NotAccepted> {
    let named = || path.display().to_string();
    let (members, digest) = read_group_file(path).map_err(|fault| NotAccepted::Fault { path: named(), fault })?;
    if members.is_empty() {
        return Err(NotAccepted::Empty(named()));
    }
    if shown.is_some_and(|shown| shown != members.len()) {
        return Err(NotAccepted::Another {
            path: named(),
            now: members.len(),
        });
    }
    let known = store.group_list(group).await?;
    let known = known.ok_or_else(|| NotAccepted::Unknown(group.to_owned()))?;
    let accepted = AcceptedList {
        group: group.to_owned(),
        before: known.members.len(),
        now: members.len(),
    };
    store
        .accept_group_list(group.to_owned(), digest, (accepted.before, accepted.now), by)
        .await?;
    Ok(accepted)
}
