//! The keys of the targets `ldap` and `active-directory`, and what they must look like.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::Described;
use super::active_directory::{self, ActiveDirectory};
use super::connection::address::Address;
use super::connection::{Connection, Times, trust};
use super::dialect::Dialect;
use super::filter::{Filter, attribute};
use super::groups::Groups;
use super::lock_attribute::{self, LockAttribute};
use super::naming::Naming;
use super::people::People;
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::{CALL_TIME, pem_authorities};

/// As written, for both kinds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// `ldaps://` a host; `ldap://` with `start_tls`.
    url: Spanned<String>,
    #[serde(default)]
    start_tls: bool,
    /// Authorities to trust besides the system's, PEM.
    ca_file: Option<Spanned<PathBuf>>,
    connect_timeout: Option<Spanned<Period>>,
    timeout: Option<Spanned<Period>>,
    /// The name of our own account.
    bind: Spanned<String>,
    password: Spanned<SecretSource>,
    /// Below which entries people are.
    people: Spanned<OneOrMore>,
    /// What tells people from everything else there.
    filter: Option<Spanned<String>>,
    #[serde(default)]
    names: Names,
    /// Groups that whoever is contained is taken out of.
    #[serde(default)]
    remove_from: Vec<Spanned<String>>,
    /// Groups whose members are not touched.
    #[serde(default)]
    protected_groups: Vec<Spanned<String>>,
    /// Accounts that are contained although they are protected.
    #[serde(default)]
    unprotected: BTreeSet<String>,
    /// Of `ldap` alone: how an account is locked.
    lock: Option<Spanned<Lock>>,
    /// Of `ldap` alone: the password policy of whoever has none of their own.
    policy: Option<Spanned<String>>,
    /// Of `ldap` alone: the attribute by which an entry is known for good.
    id: Option<Spanned<String>>,
    /// Of `active-directory` alone: how long a Kerberos ticket lives at most.
    longest_ticket: Option<Spanned<Period>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// By which attributes people are named, where it is not by the usual ones.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    username: Option<Vec<Spanned<String>>>,
    email: Option<Vec<Spanned<String>>>,
    account: Option<Vec<Spanned<String>>>,
    employee_id: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Lock {
    Known(String),
    #[serde(rename_all = "snake_case")]
    Attribute {
        attribute: String,
        value: String,
    },
}

/// The key is of the other kind.
fn foreign<T>(complaints: &mut Complaints, value: Option<&Spanned<T>>, why: &str) {
    if let Some(value) = value {
        complaints.at(value, why);
    }
}

fn attributes(complaints: &mut Complaints, written: Option<&Vec<Spanned<String>>>, usual: &[&str]) -> Vec<String> {
    match written {
        None => usual.iter().map(|name| (*name).to_owned()).collect(),
        Some(written) => written
            .iter()
            .filter_map(|name| complaints.take(name, |name| attribute(name)))
            .collect(),
    }
}

fn names(complaints: &mut Complaints, written: &[Spanned<String>]) -> Vec<String> {
    written
        .iter()
        .filter_map(|name| complaints.take(name, |name| distinguished(name)))
        .collect()
}

/// A distinguished name, as far as its form shows.
fn distinguished(text: &str) -> anyhow::Result<String> {
    let (kind, value) = text.split_once('=').unwrap_or_default();
    anyhow::ensure!(
        !value.is_empty() && attribute(kind.trim()).is_ok(),
        "{text:?} is no distinguished name; write one such as ou=people,dc=example,dc=org"
    );
    Ok(text.to_owned())
}

/// The table of a target `ldap`.
pub(super) fn of_lock_attribute(settings: &Settings<'_>) -> Result<Described, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    foreign(
        &mut complaints,
        keys.longest_ticket.as_ref(),
        "`longest_ticket` is of the kind active-directory; leave it out",
    );
    if let Some(error) = distinguished(keys.bind.get_ref()).err() {
        complaints.at(&keys.bind, format!("{error:#}"));
    }
    let id = keys.id.as_ref().and_then(|id| complaints.take(id, |id| attribute(id)));
    let id = id.unwrap_or_else(|| lock_attribute::ID.to_owned());
    let lock = lock(settings, &keys, &mut complaints, id.clone());
    let naming = Naming {
        username: attributes(&mut complaints, keys.names.username.as_ref(), &["uid"]),
        email: attributes(&mut complaints, keys.names.email.as_ref(), &["mail"]),
        account: attributes(&mut complaints, keys.names.account.as_ref(), &[]),
        employee_id: attributes(&mut complaints, keys.names.employee_id.as_ref(), &["employeeNumber"]),
        id,
        dn: "entryDN",
        binary_id: false,
    };
    let lock = lock.map(|lock| Box::new(lock) as Box<dyn Dialect>);
    described(&keys, complaints, naming, lock, (true, "(objectClass=person)"))
}

fn lock(settings: &Settings<'_>, keys: &Keys, complaints: &mut Complaints, id: String) -> Option<LockAttribute> {
    let known = |word: &str| lock_attribute::KNOWN.iter().find(|(name, ..)| *name == word);
    let (name, value) = match keys.lock.as_ref().map(|lock| (lock, lock.get_ref())) {
        None => known(lock_attribute::PPOLICY).map(|(_, name, value)| ((*name).to_owned(), (*value).to_owned()))?,
        Some((at, Lock::Known(word))) => {
            let Some((_, name, value)) = known(word) else {
                let words: Vec<&str> = lock_attribute::KNOWN.iter().map(|(word, ..)| *word).collect();
                complaints.at(
                    at,
                    format!(
                        "it must be \"{}\", or {{ attribute = \"…\", value = \"…\" }} of another directory",
                        words.join("\" or \"")
                    ),
                );
                return None;
            };
            ((*name).to_owned(), (*value).to_owned())
        }
        Some((at, Lock::Attribute { attribute: name, value })) => {
            if value.is_empty() {
                complaints.at(at, "an account is locked by a value, and this one is empty");
            }
            (complaints.take(at, |_| attribute(name))?, value.clone())
        }
    };
    let policies = keys
        .lock
        .as_ref()
        .is_none_or(|lock| matches!(lock.get_ref(), Lock::Known(word) if word == lock_attribute::PPOLICY));
    let policy = keys
        .policy
        .as_ref()
        .and_then(|policy| complaints.take(policy, |policy| distinguished(policy)));
    match (policies, &keys.policy) {
        (true, None) => complaints.0.push(settings.complain(
            "policy",
            "the key `policy` is missing: the password policy of whoever has none of their own, as ppolicy_default names it; a lock refuses \
             nobody unless it says pwdLockout: TRUE",
        )),
        (false, Some(at)) => complaints.at(at, "`policy` is of lock = \"ppolicy\"; leave it out"),
        _ => {}
    }
    Some(LockAttribute {
        attribute: name,
        value,
        policy,
        id,
    })
}

/// The table of a target `active-directory`.
pub(super) fn of_active_directory(settings: &Settings<'_>) -> Result<Described, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let why = |key: &str| format!("`{key}` is of the kind ldap; leave it out");
    foreign(&mut complaints, keys.lock.as_ref(), &why("lock"));
    foreign(&mut complaints, keys.policy.as_ref(), &why("policy"));
    foreign(&mut complaints, keys.id.as_ref(), &why("id"));
    let bind = keys.bind.get_ref();
    if !bind.contains('@') && distinguished(bind).is_err() {
        complaints.at(
            &keys.bind,
            format!("{bind:?} is no name to sign in by; write one such as revoked@corp.example.org"),
        );
    }
    let longest = complaints.time(
        keys.longest_ticket.as_ref(),
        active_directory::LONGEST_TICKET,
        &(*CALL_TIME.start()..=Duration::from_hours(24 * 7)),
    );
    let naming = Naming {
        username: attributes(&mut complaints, keys.names.username.as_ref(), &["sAMAccountName"]),
        email: attributes(&mut complaints, keys.names.email.as_ref(), &["mail", "proxyAddresses"]),
        account: attributes(&mut complaints, keys.names.account.as_ref(), &["userPrincipalName"]),
        employee_id: attributes(&mut complaints, keys.names.employee_id.as_ref(), &["employeeID"]),
        id: "objectGUID".to_owned(),
        dn: "distinguishedName",
        binary_id: true,
    };
    let dialect: Box<dyn Dialect> = Box::new(ActiveDirectory { longest_ticket: longest });
    // Neither computers nor trusts, and what a managed service account is, no person is.
    let people = (false, "(&(objectCategory=person)(objectClass=user))");
    described(&keys, complaints, naming, Some(dialect), people)
}

/// What both kinds have.
fn described(
    keys: &Keys,
    mut complaints: Complaints,
    naming: Naming,
    dialect: Option<Box<dyn Dialect>>,
    (plain_on_loopback, usual_people): (bool, &str),
) -> Result<Described, Vec<ConfigError>> {
    let address = complaints.take(&keys.url, |url| Address::read(url, keys.start_tls, plain_on_loopback));
    let authorities = match &keys.ca_file {
        None => Some(Vec::new()),
        Some(path) => complaints.take(path, |path| Ok(pem_authorities(path)?.1)),
    };
    let password = complaints.take(&keys.password, |source| source.read().map_err(anyhow::Error::new));
    let total = complaints.time(keys.timeout.as_ref(), Duration::from_secs(30), &CALL_TIME);
    let times = Times {
        connect: complaints.time(keys.connect_timeout.as_ref(), Duration::from_secs(5), &CALL_TIME),
        total,
    };
    let bases = match keys.people.get_ref() {
        OneOrMore::One(base) => vec![base.clone()],
        OneOrMore::More(bases) => bases.clone(),
    };
    if bases.is_empty() {
        complaints.at(&keys.people, "it names no place where people are");
    }
    for base in &bases {
        complaints.take(&keys.people, |_| distinguished(base));
    }
    let filter = match &keys.filter {
        Some(written) => complaints.take(written, |text| Filter::written(text)),
        None => Filter::written(usual_people).ok(),
    };
    let groups = Groups {
        remove_from: names(&mut complaints, &keys.remove_from),
        protected: names(&mut complaints, &keys.protected_groups),
        nested: naming.binary_id,
    };
    let trust = authorities
        .map(trust::tls)
        .transpose()
        .map_err(|error| vec![ConfigError::new(format!("{error:#}"))])?;
    let (Some(address), Some(trust), Some(password), Some(filter), Some(dialect), true) =
        (address, trust, password, filter, dialect, complaints.0.is_empty())
    else {
        return Err(complaints.0);
    };
    let secret = (keys.password.get_ref().clone(), password);
    Ok(Described {
        connection: Connection::new((address, trust), keys.bind.get_ref().clone(), secret, times),
        people: People {
            bases,
            filter,
            attributes: dialect.attributes(),
            naming,
        },
        groups,
        unprotected: keys.unprotected.clone(),
        dialect,
    })
}
