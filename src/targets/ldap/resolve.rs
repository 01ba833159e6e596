//! From a subject to the account that it names in a directory.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;

use super::Directory;
use super::connection::failure::{CallFailure, Refusal, Why, code};
use super::entry::Entry;
use super::naming::Name;
use crate::model::{Principal, PrincipalTrait, Resolution, Subject};
use crate::targets::{CallContext, Remedy, TargetError};

/// Looks a subject up, by all of its names.
pub(super) async fn resolve(directory: &Directory, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
    let naming = &directory.described.people.naming;
    let names: Vec<(&Subject, Name)> = subject
        .names()
        .iter()
        .filter_map(|subject| Some((subject, naming.name(subject)?)))
        .collect();
    if names.is_empty() {
        return Err(TargetError {
            doing: format!("looking up {}", subject.masked()),
            remedy: Remedy::GiveUp,
            source: anyhow!(
                "an account of this directory is named by username:, email:, account:, employee_id: (as far as `names` has an attribute for it) \
                 or opaque:<its id or distinguished name>, and this is none of them"
            ),
            request: None,
        });
    }
    let lookups = names.iter().map(|(subject, name)| look_up(directory, context, subject, name));
    let found = futures_util::future::try_join_all(lookups).await?;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut unclear = false;
    for found in found {
        unclear |= found.unclear;
        entries.extend(found.entries);
    }
    if unclear || entries.len() > 1 {
        return Ok(Resolution::Ambiguous(entries.into_keys().collect()));
    }
    match entries.pop_first() {
        None => Ok(Resolution::None),
        Some((id, entry)) => Ok(Resolution::One(principal(directory, context, id, &entry).await?)),
    }
}

/// The accounts that one name leads to.
struct Found {
    entries: Vec<(String, Entry)>,
    /// Whether there are more, or the directory takes the name for that of somebody who is called something else.
    unclear: bool,
}

async fn look_up(directory: &Directory, context: &CallContext, subject: &Subject, name: &Name) -> Result<Found, TargetError> {
    let (people, connection) = (&directory.described.people, &directory.described.connection);
    let doing = format!("looking up {}", subject.masked());
    let listing = people.find(connection, context, &doing, &people.naming.filter(name)).await;
    let listing = listing.map_err(|failure| {
        if failure.is(code::NO_SUCH_OBJECT) {
            // Where nobody can be is not where nobody is.
            return failure.with(
                Remedy::Pause,
                "what `people` names is not there, or our account may not see it",
            );
        }
        failure.into()
    })?;
    let mut found = Found {
        entries: Vec::with_capacity(listing.entries.len()),
        unclear: listing.more,
    };
    for entry in listing.entries {
        let Some(id) = people.naming.id_of(&entry) else {
            let why = Why::Refused(Refusal::new(
                code::NO_RIGHTS,
                &format!("{} of an entry may not be read", people.naming.id),
            ));
            return Err(CallFailure { doing, why }.into());
        };
        found.unclear |= !people.naming.bears(&entry, name);
        found.entries.push((id, entry));
    }
    Ok(found)
}

/// The principal that an entry is, with what forbids or complicates acting on it.
async fn principal(directory: &Directory, context: &CallContext, id: String, entry: &Entry) -> Result<Principal, TargetError> {
    let described = &directory.described;
    let call = directory.call(context);
    let (own_account, account, protected) = tokio::try_join!(
        directory.own_account(context),
        described.dialect.account(call, entry),
        why_protected(directory, context, entry),
    )?;
    let mut traits = BTreeSet::new();
    if own_account.is_us(entry, &id) {
        traits.insert(PrincipalTrait::Ourselves);
    }
    if protected.is_some() {
        traits.insert(PrincipalTrait::Admin);
    }
    Ok(Principal {
        names: described.people.naming.names(entry),
        traits,
        account,
        id,
    })
}

/// Why this account is not touched unless the config names it; `None` where nothing protects it.
pub(super) async fn why_protected(
    directory: &Directory,
    context: &CallContext,
    entry: &Entry,
) -> Result<Option<String>, CallFailure> {
    let described = &directory.described;
    if let Some(why) = described.dialect.protects(entry) {
        return Ok(Some(why.to_owned()));
    }
    let naming = &described.people.naming;
    let group = described
        .groups
        .protecting(&described.connection, context, (naming, entry))
        .await?;
    Ok(group.map(|group| format!("it is in the protected group {group}")))
}
