//! The other users of the source that bear a name of this one. A departure is of a person, not of a record: somebody who has another active
//! user here stays, and a name that another active user has by now is not the former owner's any more.

use std::collections::BTreeSet;

use super::record::Record;
use super::storage::{EMAIL, EMPLOYEE, EXTERNAL, NAMES, second_name};
use super::user_mapping::{ExternalId, UserMapping, together};
use crate::model::{Disposition, Identity, Signal, Subject};
use crate::sources::SourceState;
use crate::sources::scim::protocol::schema::USER;

/// Why a record's end is no departure of its own.
const STAYS: &str = "another active user of this source is the same person, who stays unless that one ends too";
/// Why a record's end is none at all.
const MADE_ANEW: &str = "made_anew: an active user of this source has the same externalId";

/// Another user, as far as it matters here.
struct OtherUser {
    names: Vec<Subject>,
    active: bool,
    tie: Tie,
    /// It has an HR number, and another one: it is somebody else, whatever the names.
    contradicts: bool,
}

/// What another user has in common with one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// The `externalId`: the client has made the user anew.
    Anew,
    /// A name that both bear.
    Name,
    /// A link that was made between their names.
    Link,
}

/// The other users that bear a name of one user, or its `externalId`.
pub(in crate::sources::scim) struct Namesakes(Vec<OtherUser>);

impl Namesakes {
    /// Looks them up for a user as it was and as it is.
    ///
    /// # Errors
    /// Where the stored state cannot be read.
    pub(in crate::sources::scim) async fn find(
        state: &dyn SourceState,
        mapping: &UserMapping,
        user: &[&Record],
    ) -> anyhow::Result<Self> {
        let borne = |record: &&Record| mapping.names(record).into_iter().chain(mapping.known(record));
        let own: BTreeSet<Subject> = user.iter().flat_map(borne).collect();
        Self::look(state, mapping, user, &own, &own).await
    }

    /// Looks up those that may be the same person as `subject`, which is what is reported of a user: under every name too that is linked to
    /// its own.
    ///
    /// # Errors
    /// Where the stored state cannot be read.
    pub(in crate::sources::scim) async fn of_person(
        state: &dyn SourceState,
        mapping: &UserMapping,
        user: &[&Record],
        subject: &Subject,
    ) -> anyhow::Result<Self> {
        let own: BTreeSet<Subject> = subject.names().iter().cloned().collect();
        let linked = state.known_by(subject).await?;
        let names = own.iter().cloned().chain(linked).collect();
        Self::look(state, mapping, user, &own, &names).await
    }

    async fn look(
        state: &dyn SourceState,
        mapping: &UserMapping,
        user: &[&Record],
        own: &BTreeSet<Subject>,
        names: &BTreeSet<Subject>,
    ) -> anyhow::Result<Self> {
        let mut look_ups: BTreeSet<(&str, String)> = names.iter().flat_map(|name| mapping.look_ups(name)).collect();
        let externals = user.iter().filter_map(|record| record.text("externalId"));
        look_ups.extend(externals.map(|external| (NAMES, format!("{EXTERNAL}:{external}"))));
        let mut ids = BTreeSet::new();
        for (drawer, name) in look_ups {
            let memos = state.memos_by(drawer, &name).await?;
            ids.extend(
                memos
                    .into_iter()
                    .map(|memo| if drawer == NAMES { memo.body } else { memo.key }),
            );
        }
        let mut others = Vec::new();
        for id in ids.iter().filter(|id| user.iter().all(|record| record.id != **id)) {
            // A pointer may be older than what it leads to.
            let Some(memo) = state.memo(USER.drawer, id).await? else {
                continue;
            };
            let other = Record::read(&memo)?;
            let found = OtherUser {
                names: mapping.names(&other),
                active: other.is_active(),
                tie: if user.iter().any(|record| is_anew(record, &other)) {
                    Tie::Anew
                } else if mapping.names(&other).iter().any(|name| own.contains(name)) {
                    Tie::Name
                } else {
                    Tie::Link
                },
                contradicts: user.iter().any(|record| mapping.contradict(record, &other)),
            };
            if found.tie == Tie::Anew || found.names.iter().any(|name| names.contains(name)) {
                others.push(found);
            }
        }
        Ok(Self(others))
    }

    /// What the end of a user is: no departure while the person has another active user. What a human may
    /// decide about it then is about this user alone.
    pub(in crate::sources::scim) fn restrict(&self, signal: &mut Signal) {
        let active = || self.0.iter().filter(|other| other.active);
        if active().any(|other| other.tie == Tie::Anew) {
            signal.disposition = Disposition::Ignore(MADE_ANEW.to_owned());
        } else if active().any(|other| !(other.tie == Tie::Name && other.contradicts)) {
            signal.disposition = Disposition::Stays(STAYS.to_owned());
            if let Some(alone) = without(&signal.subject, &active().collect::<Vec<_>>()) {
                signal.subject = alone;
            }
        }
    }

    /// What is reported of a user, without the names that are somebody else's: of an active one with another HR number; where the user had
    /// ended before, of every active one; and where it never was active here, of anybody, since nothing but its names speaks for it.
    /// `None` where no name is left.
    pub(in crate::sources::scim) fn own(&self, subject: &Subject, before: &Record, after: &Record) -> Option<Subject> {
        let had_ended = !before.is_active() && !after.is_active();
        let never_began = had_ended && before.known.as_ref().is_some_and(Vec::is_empty);
        let takes = |other: &&OtherUser| never_began || (other.active && (had_ended || other.contradicts));
        without(subject, &self.0.iter().filter(takes).collect::<Vec<_>>())
    }

    /// What an active user's names say of one another: with those of the person's other active users, so that none of them seems to replace
    /// the other's. `before` are the names that it had until now.
    pub(in crate::sources::scim) fn identity(&self, names: &[Subject], before: &[Subject]) -> Identity {
        let bears = |other: &OtherUser| other.names.iter().any(|name| names.contains(name));
        let (active, ended): (Vec<&OtherUser>, Vec<&OtherUser>) = self.0.iter().partition(|other| other.active);
        // A mailbox that two people share is neither's name.
        let strangers: Vec<&OtherUser> = active.iter().filter(|other| other.contradicts).copied().collect();
        let own = |names: &[Subject]| -> Vec<Subject> { names.iter().filter(|name| !has(&strangers, name)).cloned().collect() };
        let mut all = own(names);
        // What a user had before it was away may have been somebody else's since.
        let given = all
            .iter()
            .filter(|name| (!before.contains(name) || has(&ended, name)) && !has(&active, name))
            .cloned();
        let given = given.collect();
        let mut apart = Vec::new();
        for other in &active {
            let into = if !other.contradicts && bears(other) {
                &mut all
            } else {
                &mut apart
            };
            into.extend(own(&other.names));
        }
        apart.retain(|name| !all.contains(name));
        let common = names.iter().filter(|name| has(&strangers, name)).cloned().collect();
        let anew = self
            .0
            .iter()
            .filter(|other| other.tie == Tie::Anew)
            .flat_map(|other| other.names.clone());
        // What others bear too says last who the user was.
        let (shared, alone): (Vec<Subject>, Vec<Subject>) = own(before)
            .into_iter()
            .partition(|name| has(&active, name) || has(&ended, name));
        Identity {
            before: alone.into_iter().chain(anew).chain(shared).collect(),
            names: all,
            given,
            apart,
            shared: common,
        }
    }
}

fn has(others: &[&OtherUser], name: &Subject) -> bool {
    others.iter().any(|other| other.names.contains(name))
}

/// A subject without the names that others bear.
fn without(subject: &Subject, others: &[&OtherUser]) -> Option<Subject> {
    let names = subject.names().iter().filter(|name| !has(others, name)).cloned();
    together(names.collect())
}

fn is_anew(one: &Record, other: &Record) -> bool {
    let external = one.text("externalId").filter(|external| !external.is_empty());
    external.is_some() && external == other.text("externalId")
}

impl UserMapping {
    /// Where users lie that have this name: the drawers, and the second names there.
    fn look_ups(&self, name: &Subject) -> Vec<(&'static str, String)> {
        let external = |id: &str| (NAMES, format!("{EXTERNAL}:{id}"));
        match name {
            Subject::Email(address) => vec![(NAMES, format!("{EMAIL}:{address}")), (USER.drawer, second_name(address))],
            Subject::Username(called) => vec![(USER.drawer, second_name(called))],
            Subject::EmployeeId(number) if self.external_id == ExternalId::EmployeeId => {
                vec![(NAMES, format!("{EMPLOYEE}:{number}")), external(number)]
            }
            Subject::EmployeeId(number) => vec![(NAMES, format!("{EMPLOYEE}:{number}"))],
            Subject::IssSub { iss, sub } if *iss == self.issuer => vec![external(sub)],
            Subject::Opaque(id) if self.external_id == ExternalId::AccountId => vec![external(id)],
            _ => Vec::new(),
        }
    }

    /// Whether two users have HR numbers, and not the same.
    fn contradict(&self, one: &Record, other: &Record) -> bool {
        let numbers = |record: &Record| -> BTreeSet<Subject> {
            let names = self.names(record).into_iter();
            names.filter(|name| matches!(name, Subject::EmployeeId(_))).collect()
        };
        let (one, other) = (numbers(one), numbers(other));
        !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
    }
}
