//! Apply: one change in a directory. Every change may be made again; only the next observation says whether it worked.

use anyhow::anyhow;

use super::Directory;
use super::connection::failure::lacks_rights;
use super::entry::Entry;
use super::observe::entry_of;
use super::resolve::why_protected;
use crate::model::{Action, GrantKind, GrantRef, Principal};
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// Makes one change.
pub(super) async fn apply(
    directory: &Directory,
    context: &CallContext,
    action: &Action,
    principal: &Principal,
) -> Result<Applied, TargetError> {
    let doing = format!("asked to {action} of {}", principal.id);
    let entry = entry_of(directory, context, &doing, principal).await?;
    let protected = spare(directory, context, (action, principal), &entry).await?;
    let described = &directory.described;
    let call = directory.call(context);
    let made = match action {
        Action::Suspend => described.dialect.suspend(call, &entry).await,
        Action::ResetPassword => described.dialect.reset_password(call, &entry).await,
        Action::Release => described.dialect.release(call, &entry).await,
        Action::End { grant } if grant.kind == GrantKind::Membership => remove(directory, context, &entry, grant).await,
        _ => Err(give_up(
            doing,
            "a directory locks accounts, sets passwords and takes people out of groups, and nothing else",
        )),
    };
    made.map_err(|error| {
        // A directory guards some accounts even from those who may change all others: no reason to stop the work for everybody else.
        if protected && lacks_rights(&error) {
            return TargetError {
                remedy: Remedy::GiveUp,
                ..error
            };
        }
        error
    })
}

async fn remove(directory: &Directory, context: &CallContext, entry: &Entry, grant: &GrantRef) -> Result<Applied, TargetError> {
    let described = &directory.described;
    let person = (&described.people.naming, entry);
    described.groups.remove(&described.connection, context, person, grant).await
}

/// The last line of defence: whatever was planned, our own account and protected ones are not touched. Says whether something protects an
/// account that the config names all the same.
async fn spare(
    directory: &Directory,
    context: &CallContext,
    (action, principal): (&Action, &Principal),
    entry: &Entry,
) -> Result<bool, TargetError> {
    let doing = || format!("asked to {action} of {}", principal.id);
    if directory.own_account(context).await?.is_us(entry, &principal.id) {
        return Err(give_up(
            doing(),
            "this is the account that we use ourselves; changing it would lock us out",
        ));
    }
    let Some(why) = why_protected(directory, context, entry).await? else {
        return Ok(false);
    };
    let naming = &directory.described.people.naming;
    let named = |name: &str| {
        let listed = |one: &String| one.eq_ignore_ascii_case(name);
        directory.described.unprotected.iter().any(listed)
    };
    if named(&principal.id) || naming.logins(entry).into_iter().any(named) {
        return Ok(true);
    }
    Err(give_up(
        doing(),
        &format!("{why}, and such accounts are touched only where `unprotected` names them; name it there, or contain it by hand"),
    ))
}

fn give_up(doing: String, why: &str) -> TargetError {
    TargetError {
        doing,
        remedy: Remedy::GiveUp,
        source: anyhow!("{why}"),
        request: None,
    }
}
