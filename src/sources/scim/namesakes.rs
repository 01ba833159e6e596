//! The other users of the source that bear a name of this one. A departure is of a person, not of a record: somebody who has another active
//! user here stays, and a name that another active user has by now is not the former owner's any more.

use std::collections::BTreeSet;

use super::keeping::{EMAIL, EMPLOYEE, EXTERNAL, NAMES, second_name};
use super::people::{Rules, addresses, together};
use super::record::Record;
use super::schema::{ENTERPRISE_URN, USER};
use crate::model::{Identity, Signal, Subject, Wish};
use crate::sources::House;

/// Why a record's end is no departure of its own.
const STAYS: &str = "another active user of this source bears the same name: the person stays, unless that one ends too";
/// Why a record's end is none at all.
const MADE_ANEW: &str = "made_anew: an active user of this source has the same externalId";

/// Another user, as far as it matters here.
struct Other {
    names: Vec<Subject>,
    active: bool,
    /// It has the same `externalId`: the client has made the user anew.
    anew: bool,
    /// It has an HR number, and another one: it is somebody else, whatever the names.
    contradicts: bool,
}

/// The other users that bear a name of one user, or its `externalId`.
pub(super) struct Namesakes(Vec<Other>);

impl Namesakes {
    /// Looks them up for a user as it was and as it is.
    ///
    /// # Errors
    /// Where the memory cannot be read.
    pub(super) async fn find(house: &dyn House, rules: &Rules, user: &[&Record]) -> anyhow::Result<Self> {
        let mut ids = BTreeSet::new();
        for record in user {
            for (drawer, name) in look_ups(record) {
                let memos = house.memos_by(drawer, &name).await?;
                ids.extend(memos.into_iter().map(|memo| if drawer == NAMES { memo.body } else { memo.key }));
            }
        }
        let names: BTreeSet<Subject> = user.iter().flat_map(|record| rules.names(record)).collect();
        let mut others = Vec::new();
        for id in ids.iter().filter(|id| user.iter().all(|record| record.id != **id)) {
            // A pointer may be older than what it leads to.
            let Some(memo) = house.memo(USER.drawer, id).await? else { continue };
            let other = Record::read(&memo)?;
            let found = Other {
                names: rules.names(&other),
                active: other.is_active(),
                anew: user.iter().any(|record| is_anew(record, &other)),
                contradicts: user.iter().any(|record| contradicts(rules, record, &other)),
            };
            if found.anew || found.names.iter().any(|name| names.contains(name)) {
                others.push(found);
            }
        }
        Ok(Self(others))
    }

    /// What the end of a user is, where it was active until now: no departure while the person has another active user.
    pub(super) fn temper(&self, signal: &mut Signal) {
        let mut active = self.0.iter().filter(|other| other.active);
        if active.clone().any(|other| other.anew) {
            signal.wish = Wish::Ignore(MADE_ANEW.to_owned());
        } else if active.any(|other| !other.contradicts) {
            signal.wish = Wish::Stays(STAYS.to_owned());
        }
    }

    /// The subject without the names that are somebody else's: of an active user with another HR number, and where this user had ended
    /// before, of every active one. `None` where no name is left.
    pub(super) fn own(&self, subject: &Subject, had_ended: bool) -> Option<Subject> {
        let is_taken = |name: &Subject| {
            let mut takers = self.0.iter().filter(|other| other.active && (had_ended || other.contradicts));
            takers.any(|other| other.names.contains(name))
        };
        let names = subject.names().iter().filter(|name| !is_taken(name)).cloned();
        together(names.collect())
    }

    /// What an active user's names say of one another: with those of the person's other active users, so that none of them seems to replace
    /// the other's. `before` are the names that it had while it was active before.
    pub(super) fn identity(&self, names: Vec<Subject>, mut before: Vec<Subject>) -> Identity {
        let active = || self.0.iter().filter(|other| other.active);
        let is_new = |name: &&Subject| !before.contains(name) && !active().any(|other| other.names.contains(name));
        let given = names.iter().filter(is_new).cloned().collect();
        let mut all = names;
        for name in active().filter(|other| !other.contradicts).flat_map(|other| &other.names) {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        before.extend(self.0.iter().filter(|other| other.anew).flat_map(|other| other.names.clone()));
        Identity {
            names: all,
            before,
            given,
        }
    }
}

/// Where users lie that have a name of this one: the drawers, and the second names there.
fn look_ups(record: &Record) -> Vec<(&'static str, String)> {
    let mut look_ups = Vec::new();
    if let Some(external) = record.text("externalId") {
        look_ups.push((NAMES, format!("{EXTERNAL}:{external}")));
    }
    if let Some(number) = number(record) {
        look_ups.push((NAMES, format!("{EMPLOYEE}:{number}")));
    }
    let called = record.text(USER.called).into_iter().filter(|called| called.contains('@'));
    for address in addresses(record).into_iter().chain(called) {
        let address = second_name(address);
        look_ups.push((NAMES, format!("{EMAIL}:{address}")));
        look_ups.push((USER.drawer, address));
    }
    look_ups
}

/// The HR number that the enterprise extension holds.
pub(super) fn number(record: &Record) -> Option<&str> {
    record.members.get(ENTERPRISE_URN)?.get("employeeNumber")?.as_str()
}

fn is_anew(one: &Record, other: &Record) -> bool {
    let external = one.text("externalId").filter(|external| !external.is_empty());
    external.is_some() && external == other.text("externalId")
}

fn contradicts(rules: &Rules, one: &Record, other: &Record) -> bool {
    let numbers = |record: &Record| -> BTreeSet<Subject> {
        let names = rules.names(record).into_iter();
        names.filter(|name| matches!(name, Subject::EmployeeId(_))).collect()
    };
    let (one, other) = (numbers(one), numbers(other));
    !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}
