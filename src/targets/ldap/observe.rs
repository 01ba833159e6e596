//! Observe: how an account is, which connections it is signed in on, and in which of the groups of the config it is.

use super::Directory;
use super::connection::failure::CallFailure;
use super::entry::Entry;
use crate::model::{Access, GrantKind, Principal};
use crate::targets::{CallContext, ObservationRequest, TargetError};

/// Looks at `principal`.
pub(super) async fn observe(
    directory: &Directory,
    context: &CallContext,
    principal: &Principal,
    ask: &ObservationRequest,
) -> Result<Access, TargetError> {
    let described = &directory.described;
    let call = directory.call(context);
    let mut access = Access::empty(directory.clock.now());
    access.account = principal.account.clone();
    access.residuals = described.dialect.residuals();
    let wants = |kind: GrantKind| ask.kinds.contains(&kind);
    if ask.account || wants(GrantKind::Connection) || wants(GrantKind::Membership) {
        let entry = entry_of(directory, context, &format!("looking at {}", principal.id), principal).await?;
        if ask.account {
            access.account = described.dialect.account(call, &entry).await?;
        }
        if wants(GrantKind::Connection) {
            match described.dialect.connections(call, &entry).await? {
                Ok(open) => {
                    access.listed.insert(GrantKind::Connection);
                    access.grants.extend(open);
                }
                Err(why) => _ = access.unseen.insert(GrantKind::Connection, why),
            }
        }
        if wants(GrantKind::Membership) && !described.groups.remove_from.is_empty() {
            let person = (&described.people.naming, &entry);
            let found = described.groups.memberships(&described.connection, context, person).await?;
            access.grants.extend(found.grants);
            match found.unseen {
                None => _ = access.listed.insert(GrantKind::Membership),
                Some(why) => _ = access.unseen.insert(GrantKind::Membership, why),
            }
        }
    }
    access.notes.clone_from(&access.account.notes);
    access.at = directory.clock.now();
    Ok(access)
}

/// The entry of a principal as it is now: it may have moved since it was looked up.
pub(super) async fn entry_of(
    directory: &Directory,
    context: &CallContext,
    doing: &str,
    principal: &Principal,
) -> Result<Entry, CallFailure> {
    let (people, connection) = (&directory.described.people, &directory.described.connection);
    people.of_id(connection, context, doing, &principal.id).await?.ok_or_else(|| {
        CallFailure::unclear(
            doing,
            "the account is gone since it was looked up; the next attempt looks again",
        )
    })
}
