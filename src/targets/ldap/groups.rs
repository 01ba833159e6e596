//! The groups that a config names: those that somebody is taken out of, and those whose members are not touched.

use super::connection::failure::{CallFailure, code};
use super::connection::{Connection, Search, delete};
use super::entry::Entry;
use super::filter::Filter;
use super::naming::Naming;
use crate::model::{Grant, GrantKind, GrantRef};
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// Names its members by their distinguished names (groupOfNames, Active Directory).
const MEMBER: &str = "member";
/// The same (groupOfUniqueNames).
const UNIQUE_MEMBER: &str = "uniqueMember";
/// Names its members by their login names (posixGroup).
const MEMBER_UID: &str = "memberUid";

/// Groups by their distinguished names.
pub(super) struct Groups {
    /// Those that somebody is taken out of.
    pub(super) remove_from: Vec<String>,
    /// Those whose members are not touched.
    pub(super) protected: Vec<String>,
    /// Whether the server finds out by itself who is a member of a member (Active Directory's rule `LDAP_MATCHING_RULE_IN_CHAIN`).
    pub(super) nested: bool,
}

/// What the groups show of one person.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    pub(super) grants: Vec<Grant>,
    /// Why not all of them could be told.
    pub(super) unseen: Option<String>,
}

impl Groups {
    /// In which of the groups that somebody is taken out of this person is.
    pub(super) async fn memberships(
        &self,
        connection: &Connection,
        context: &CallContext,
        (naming, person): (&Naming, &Entry),
    ) -> Result<Memberships, CallFailure> {
        let mut found = Memberships::default();
        for group in &self.remove_from {
            match self.membership(connection, context, (naming, person), group).await? {
                Ok(grants) => found.grants.extend(grants),
                Err(why) => found.unseen = Some(why),
            }
        }
        Ok(found)
    }

    /// By which attributes of one group this person is in it, or why that cannot be told.
    async fn membership(
        &self,
        connection: &Connection,
        context: &CallContext,
        (naming, person): (&Naming, &Entry),
        group: &str,
    ) -> Result<Result<Vec<Grant>, String>, CallFailure> {
        let doing = format!("looking who is in {group}");
        let by = by_attributes(naming, person);
        let any = Filter::any(by.iter().map(|(attribute, value)| Filter::equal(attribute, value)));
        if connection
            .read(context, &doing, &Search::entry(group, any, &["1.1"]))
            .await?
            .is_none()
        {
            return self
                .seen_empty(connection, context, group)
                .await
                .map(|seen| seen.map(|()| Vec::new()));
        }
        let mut grants = Vec::new();
        // Several login names in one group are one membership, which ends with the last of them.
        for by in by.chunk_by(|one, other| one.0 == other.0) {
            let any = Filter::any(by.iter().map(|(attribute, value)| Filter::equal(attribute, value)));
            let one = Search::entry(group, any, &["1.1"]);
            if connection.read(context, &doing, &one).await?.is_some() {
                let mut grant = Grant::new(GrantKind::Membership, group);
                grant.name.part = by.first().map(|(attribute, _)| (*attribute).to_owned());
                grants.push(grant);
            }
        }
        Ok(Ok(grants))
    }

    /// Whether we would have seen a member: to whom may not read its members, a group looks as if it had none.
    async fn seen_empty(
        &self,
        connection: &Connection,
        context: &CallContext,
        group: &str,
    ) -> Result<Result<(), String>, CallFailure> {
        let doing = format!("looking whether {group} shows its members");
        let search = Search {
            names_only: true,
            ..Search::entry(group, Filter::anything(), &[MEMBER, UNIQUE_MEMBER, MEMBER_UID, "objectClass"])
        };
        let Some(shown) = connection.read(context, &doing, &search).await? else {
            return Ok(Err(format!("the group {group} is not there, or our account may not see it")));
        };
        if [MEMBER, UNIQUE_MEMBER, MEMBER_UID]
            .iter()
            .any(|attribute| shown.has(attribute))
        {
            return Ok(Ok(()));
        }
        // A group of these classes has a member, so that one without shows that we may not read it; others may be empty.
        let must = ["groupOfNames", "groupOfUniqueNames"].map(|class| Filter::equal("objectClass", class));
        let must = connection
            .read(context, &doing, &Search::entry(group, Filter::any(must), &["1.1"]))
            .await?;
        Ok(match must {
            Some(_) => Err(format!("our account may not read the members of {group}")),
            None => Ok(()),
        })
    }

    /// Takes somebody out of a group.
    pub(super) async fn remove(
        &self,
        connection: &Connection,
        context: &CallContext,
        (naming, person): (&Naming, &Entry),
        grant: &GrantRef,
    ) -> Result<Applied, TargetError> {
        let group = &grant.id;
        let doing = format!("taking a member out of {group}");
        let named = self.remove_from.iter().any(|named| named.eq_ignore_ascii_case(group));
        let mut by = by_attributes(naming, person);
        by.retain(|(attribute, _)| named && Some(*attribute) == grant.part.as_deref());
        if by.is_empty() {
            let failure = CallFailure::unclear(doing, "it is none of the groups in `remove_from`");
            return Err(failure.with(Remedy::GiveUp, "name it there"));
        }
        let mut already = true;
        // One by one: a change that takes a value away that is not there is refused as a whole.
        for (attribute, value) in by {
            let sent = connection
                .modify(context, &doing, group, || vec![delete(attribute, value)])
                .await;
            match sent {
                Ok(()) => already = false,
                Err(failure) if failure.is(code::NO_SUCH_ATTRIBUTE) || failure.is(code::NO_SUCH_OBJECT) => {}
                Err(failure) => return Err(not_removed(failure)),
            }
        }
        Ok(Applied {
            already,
            ..Applied::default()
        })
    }

    /// The first of the protected groups that this person is in.
    pub(super) async fn protecting(
        &self,
        connection: &Connection,
        context: &CallContext,
        (naming, person): (&Naming, &Entry),
    ) -> Result<Option<&str>, CallFailure> {
        for group in &self.protected {
            let doing = format!("looking whether the protected group {group} has a member");
            let found = if self.nested {
                let rule = Filter::equal("memberOf:1.2.840.113556.1.4.1941:", group);
                let search = Search::entry(&*person.dn, rule, &["1.1"]);
                let found = connection.read(context, &doing, &search).await?.is_some();
                // Of a group that is not there nobody is a member.
                let there = Search::entry(group, Filter::anything(), &["1.1"]);
                if !found && connection.read(context, &doing, &there).await?.is_none() {
                    return Err(unreadable(doing));
                }
                found
            } else {
                match self.membership(connection, context, (naming, person), group).await? {
                    Ok(grants) => !grants.is_empty(),
                    // Whether somebody is protected must be known before anything is done.
                    Err(_) => return Err(unreadable(doing)),
                }
            };
            if found {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }
}

fn not_removed(failure: CallFailure) -> TargetError {
    if failure.is(code::OBJECT_CLASS) {
        return failure.with(
            Remedy::GiveUp,
            "the group would be left without a member; put another one into it first",
        );
    }
    if failure.is(code::NO_RIGHTS) {
        // The lock and the password come first for everybody: no reason to stop them.
        return failure.with(
            Remedy::GiveUp,
            "let our account write the members of the groups in `remove_from`",
        );
    }
    failure.into()
}

fn unreadable(doing: String) -> CallFailure {
    use super::connection::failure::{Refusal, Why};
    CallFailure {
        doing,
        why: Why::Refused(Refusal::new(
            code::NO_RIGHTS,
            "the group is not there, or its members may not be read",
        )),
    }
}

/// Under which attributes a group may name this person, and by what.
fn by_attributes<'p>(naming: &'p Naming, person: &'p Entry) -> Vec<(&'static str, &'p str)> {
    let mut by = vec![(MEMBER, &*person.dn), (UNIQUE_MEMBER, &*person.dn)];
    by.extend(naming.logins(person).into_iter().map(|login| (MEMBER_UID, login)));
    by
}
