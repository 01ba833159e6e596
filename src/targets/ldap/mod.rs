//! The target kinds `ldap` and `active-directory`: an account in a directory, by LDAP.
//!
//! Reading order: `settings` (what an operator writes), `connection` (calls, failures, TLS), `filter`, `entry` and `naming` (from a name to a
//! search and back), `people` and `groups` (what is searched), `dialect` (what each sort of directory does in its own way) with
//! `lock_attribute` (OpenLDAP and its like) and `active_directory`; then what a target does: `resolve`, `observe`, `apply`, `probe`.
//!
//! Sources: OpenLDAP 2.5.13 and Samba 4.17 as they run in `tests/servers`; for Active Directory of Microsoft the documents that comments name.

mod active_directory;
mod apply;
mod connection;
mod dialect;
mod entry;
mod filter;
mod groups;
mod lock_attribute;
mod naming;
mod observe;
mod people;
mod probe;
mod resolve;
mod settings;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::connection::Connection;
use self::connection::failure::CallFailure;
use self::dialect::{Call, Dialect, OwnAccount};
use self::groups::Groups;
use self::people::People;
use super::{Applied, Built, CallContext, Kind, ObservationRequest, Probe, Target, TargetError, TargetRole, one};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, GrantKind, Principal, Resolution, Subject};

/// The row of directories that lock by an attribute in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "ldap",
    about: "accounts in a directory: OpenLDAP and its like, by LDAP",
    role: TargetRole::IdentityProvider,
    tested: &["OpenLDAP 2.5.13"],
    build: |settings, clock| build(settings::of_lock_attribute(settings)?, clock),
};

/// The row of Active Directory in [`super::KINDS`].
pub const ACTIVE_DIRECTORY: Kind = Kind {
    name: "active-directory",
    about: "accounts in Active Directory, by LDAP",
    role: TargetRole::IdentityProvider,
    tested: &["Samba 4.17.12 as a domain controller"],
    build: |settings, clock| build(settings::of_active_directory(settings)?, clock),
};

/// What a table says.
struct Described {
    connection: Connection,
    people: People,
    groups: Groups,
    /// The login names and ids of accounts that are contained although something protects them.
    unprotected: BTreeSet<String>,
    dialect: Box<dyn Dialect>,
}

#[expect(clippy::unnecessary_wraps, reason = "the form of every kind")]
fn build(described: Described, clock: &Clock) -> Built {
    Ok(Arc::new(Directory {
        described,
        clock: clock.clone(),
        own_account: Mutex::default(),
    }))
}

/// A directory.
struct Directory {
    described: Described,
    clock: Clock,
    /// Who we are, once the server has said so.
    own_account: Mutex<Option<Arc<OwnAccount>>>,
}

impl Directory {
    const fn call<'c>(&'c self, context: &'c CallContext) -> Call<'c> {
        Call {
            connection: &self.described.connection,
            context,
        }
    }

    async fn own_account(&self, context: &CallContext) -> Result<Arc<OwnAccount>, CallFailure> {
        if let Some(known) = self.own_account.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let own_account = Arc::new(self.described.dialect.own_account(self.call(context)).await?);
        *self.own_account.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&own_account));
        Ok(own_account)
    }

    fn forget_own_account(&self) {
        self.own_account.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[async_trait]
impl Target for Directory {
    fn capabilities(&self) -> Capabilities {
        let mut able = self.described.dialect.capabilities();
        if self.described.groups.remove_from.is_empty() {
            able.not_covered
                .push("groups that the person is in: name those that they are taken out of in `remove_from`".into());
        } else {
            able.lists.insert(GrantKind::Membership);
            able.ends.insert(GrantKind::Membership);
            able.not_covered
                .push("groups that `remove_from` does not name, and membership by way of another group".into());
        }
        able
    }

    fn asks_by(&self, name: &Subject) -> bool {
        self.described.people.naming.name(name).is_some()
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        resolve::resolve(self, context, subject).await
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        observe::observe(self, context, principal, ask).await
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        apply::apply(self, context, action, one(action, principals)?).await
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        probe::probe(self, context).await
    }
}
