//! What directories do each in their own way: how an account is locked and seen locked, how a password is set, what can be listed.

use async_trait::async_trait;

use super::connection::Connection;
use super::connection::failure::CallFailure;
use super::entry::{Entry, same_ignoring_case};
use crate::model::{AccountState, Capabilities, Grant, Residual};
use crate::targets::{Applied, CallContext, Finding, TargetError};

/// Where a call goes, and for whom it is made.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) connection: &'c Connection,
    pub(super) context: &'c CallContext,
}

/// Who we are at a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OwnAccount {
    /// As the server calls us, or as the config does.
    pub(super) name: String,
    /// Our entry's own name, where it is known.
    pub(super) dn: Option<String>,
    /// Our entry's id, where we have one and may read it.
    pub(super) id: Option<String>,
    /// The security identifiers that we act with (Active Directory).
    pub(super) sids: Vec<Vec<u8>>,
}

impl OwnAccount {
    /// Whether `entry`, of the id `id`, is our own.
    pub(super) fn is_us(&self, entry: &Entry, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id))
            || self.dn.as_deref().is_some_and(|own| same_ignoring_case(own, &entry.dn))
            || entry.bytes("objectSid").first().is_some_and(|sid| self.sids.contains(sid))
    }
}

/// The list of somebody's open connections, or why there is none.
pub(super) type Connections = Result<Vec<Grant>, String>;

/// The ways of one sort of directory.
#[async_trait]
pub(super) trait Dialect: Send + Sync {
    /// The attributes of a person that are read besides the names.
    fn attributes(&self) -> Vec<String>;

    /// What can be done, but for what the groups of the config add.
    fn capabilities(&self) -> Capabilities;

    /// How the account is, from its entry and from what decides about it elsewhere.
    async fn account(&self, call: Call<'_>, entry: &Entry) -> Result<AccountState, CallFailure>;

    /// Locks the account.
    async fn suspend(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError>;

    /// Gives it a password that nobody knows, and leaves it as locked as it was.
    async fn reset_password(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError>;

    /// Takes back the lock that [`Dialect::suspend`] sets, and no other.
    async fn release(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError>;

    /// Lists somebody's open connections.
    async fn connections(&self, call: Call<'_>, entry: &Entry) -> Result<Connections, CallFailure>;

    /// Why the directory itself counts this account among those that are not to be touched lightly.
    fn protects(&self, _entry: &Entry) -> Option<&'static str> {
        None
    }

    /// What lives on after the account is locked, for a known time.
    fn residuals(&self) -> Vec<Residual> {
        Vec::new()
    }

    /// Where an entry tells what we may change of it.
    fn rights_attribute(&self) -> Option<&'static str> {
        None
    }

    /// What we may not change of this person and would have to, as far as the directory tells.
    fn lacking_rights(&self, _person: &Entry) -> Option<Finding> {
        None
    }

    /// Who we are.
    async fn own_account(&self, call: Call<'_>) -> Result<OwnAccount, CallFailure>;

    /// What a look at the server's description of itself and its settings shows, and its version.
    async fn look(&self, call: Call<'_>, root: &Entry) -> Result<(Option<String>, Vec<Finding>), CallFailure>;
}
