//! Directories that lock an account by an attribute of its entry, and set a password by `userPassword`: OpenLDAP with its overlay `ppolicy`, 389
//! Directory Server, and whatever else a config describes.
//!
//! `password_policy` says whether a lock refuses anybody, `monitor` lists connections.

mod monitor;
mod password_policy;

use async_trait::async_trait;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::connection::failure::{CallFailure, code};
use super::connection::{Change, Search, add, delete, replace};
use super::dialect::{Call, Connections, Dialect, OwnAccount};
use super::entry::{Entry, same_ignoring_case};
use super::filter::Filter;
use crate::model::{AccountState, Capabilities, Door, DoorKind, GrantKind, Timestamp};
use crate::targets::unknown_password::unknown_password;
use crate::targets::{Applied, Finding, Level, Remedy, TargetError};

/// The word of a config for OpenLDAP's overlay.
pub(super) const PPOLICY: &str = "ppolicy";
/// The words of a config for how an account is locked, each with the attribute and the value that means locked for good. That of 389 Directory
/// Server is from its documents ("Managing the account status"); it was not run against one.
pub(super) const KNOWN: [(&str, &str, &str); 2] = [
    (PPOLICY, "pwdAccountLockedTime", "000001010000Z"),
    ("389-ds", "nsAccountLock", "true"),
];
/// The attribute by which an entry is known for good (RFC 4530).
pub(super) const ID: &str = "entryUUID";
/// The control by which a server with the overlay `ppolicy` shows that it has it.
const POLICY_CONTROL: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const PASSWORD: &str = "userPassword";
/// When an entry was last changed: to the microsecond at OpenLDAP, to the second everywhere.
const CHANGED: [&str; 2] = ["entryCSN", "modifyTimestamp"];

/// How an account is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LockAttribute {
    /// `pwdAccountLockedTime`.
    pub(super) attribute: String,
    /// The value that means locked for good.
    pub(super) value: String,
    /// With OpenLDAP's overlay `ppolicy`: the policy of whoever has none of their own.
    pub(super) policy: Option<String>,
    /// The attribute by which entries are known for good.
    pub(super) id: String,
}

impl LockAttribute {
    fn is_locked(&self, entry: &Entry) -> bool {
        entry
            .texts(&self.attribute)
            .any(|value| same_ignoring_case(value, &self.value))
    }

    /// Why a lock of this account would refuse nobody.
    async fn why_open(&self, call: Call<'_>, entry: &Entry) -> Result<Option<String>, CallFailure> {
        match &self.policy {
            Some(policy) => password_policy::why_open(call, policy, entry).await,
            None => Ok(None),
        }
    }

    /// A new password, and the lock as it is: an administrator's new password lifts it (seen at OpenLDAP 2.5.13), unless the same change takes
    /// it away and puts it back. A change that only replaces it is lost.
    fn with_lock(&self, entry: &Entry, password: &str) -> Vec<Change> {
        let mut changes = vec![replace(PASSWORD, password)];
        if let Some(lock) = entry.bytes(&self.attribute).first() {
            changes.push(delete(&self.attribute, lock.clone()));
            changes.push(add(&self.attribute, lock.clone()));
        }
        changes
    }
}

#[async_trait]
impl Dialect for LockAttribute {
    fn attributes(&self) -> Vec<String> {
        let mut attributes = vec![self.attribute.clone()];
        attributes.extend(CHANGED.map(str::to_owned));
        if self.policy.is_some() {
            attributes.push(password_policy::OWN_POLICY.to_owned());
        }
        attributes
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            unlisted: [(GrantKind::Connection, monitor::UNLISTED.to_owned())].into(),
            suspends: true,
            resets_password: true,
            // The lock is put back with the password, but by then somebody else may have set it.
            password_first: true,
            set_size: 1,
            not_covered: [
                "connections at other servers of the same directory, and sign-ins there until the change has arrived",
                "sign-ins that compare no password: certificates (SASL EXTERNAL), Kerberos (GSSAPI), a password that is checked elsewhere ({SASL})",
                "public keys in the entry (sshPublicKey): a host that reads them lets the person in without asking whether the account is locked",
                "what a system that has signed the person in by the directory keeps: end it there, with a target of its own",
            ]
            .map(Into::into)
            .into(),
            ..Capabilities::default()
        }
    }

    async fn account(&self, call: Call<'_>, entry: &Entry) -> Result<AccountState, CallFailure> {
        let locked = self.is_locked(entry);
        let open = if locked { self.why_open(call, entry).await? } else { None };
        let suspended = locked && open.is_none();
        let door = Door::new(
            DoorKind::OwnPassword,
            "whoever knows the password of this account signs in again; `reset_password` replaces it",
        );
        Ok(AccountState {
            suspended,
            // Nothing says when it was locked. An entry that nobody changed since is locked as it was then.
            suspended_at: CHANGED
                .iter()
                .filter(|_| suspended)
                .find_map(|attribute| changed(entry.text(attribute)?)),
            own_password: true,
            doors: if suspended { Vec::new() } else { vec![door.clone()] },
            doors_once_enabled: vec![door],
            notes: open
                .map(|why| format!("the account is marked as locked, but {why}"))
                .into_iter()
                .collect(),
            ..AccountState::default()
        })
    }

    async fn suspend(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        let doing = format!("locking {}", entry.dn);
        if let Some(why) = self.why_open(call, entry).await? {
            return Err(TargetError {
                doing,
                remedy: Remedy::GiveUp,
                source: anyhow::anyhow!("{why}; set pwdLockout to TRUE there, or correct `policy`"),
                request: None,
            });
        }
        if self.is_locked(entry) {
            return Ok(Applied {
                already: true,
                ..Applied::default()
            });
        }
        let lock = || vec![replace(&self.attribute, self.value.as_str())];
        call.connection.modify(call.context, &doing, &entry.dn, lock).await?;
        Ok(Applied::default())
    }

    async fn reset_password(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        let doing = format!("giving {} a password that nobody knows", entry.dn);
        let drawn = unknown_password().and_then(|password| Ok((hashed(&password)?, password)));
        let (hashed, password) = drawn.map_err(|source| TargetError {
            doing: doing.clone(),
            remedy: Remedy::Retry,
            source,
            request: None,
        })?;
        let send = async |password: &SecretString| {
            let changes = || self.with_lock(entry, password.expose_secret());
            call.connection.modify(call.context, &doing, &entry.dn, changes).await
        };
        match send(&hashed).await {
            // One that checks every password takes none that is hashed already, and hashes it by itself or keeps everybody's as it comes.
            Err(failure) if failure.is(code::CONSTRAINT) || failure.is(code::UNWILLING) => send(&password).await?,
            answer => answer?,
        }
        Ok(Applied::default())
    }

    async fn release(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        let doing = format!("unlocking {}", entry.dn);
        let unlock = || vec![delete(&self.attribute, self.value.as_str())];
        match call.connection.modify(call.context, &doing, &entry.dn, unlock).await {
            Ok(()) => Ok(Applied::default()),
            Err(failure) if failure.is(code::NO_SUCH_ATTRIBUTE) => Ok(Applied {
                already: true,
                ..Applied::default()
            }),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn connections(&self, call: Call<'_>, entry: &Entry) -> Result<Connections, CallFailure> {
        let ourselves = call.connection.who_am_i(call.context).await?;
        let ourselves = ourselves.as_deref().and_then(|name| name.strip_prefix("dn:"));
        monitor::connections(call, entry, ourselves).await
    }

    async fn own_account(&self, call: Call<'_>) -> Result<OwnAccount, CallFailure> {
        let said = call.connection.who_am_i(call.context).await?;
        let dn = said
            .as_deref()
            .and_then(|name| name.strip_prefix("dn:"))
            .unwrap_or(&call.connection.bind);
        let search = Search::entry(dn, Filter::anything(), &[&self.id]);
        let entry = call.connection.read(call.context, "reading our own entry", &search).await?;
        Ok(OwnAccount {
            name: dn.to_owned(),
            dn: Some(entry.as_ref().map_or_else(|| dn.to_owned(), |entry| entry.dn.clone())),
            id: entry.and_then(|entry| entry.text(&self.id).map(str::to_owned)),
            sids: Vec::new(),
        })
    }

    async fn look(&self, call: Call<'_>, root: &Entry) -> Result<(Option<String>, Vec<Finding>), CallFailure> {
        let mut findings = Vec::new();
        if let Some(policy) = &self.policy {
            let nobody = Entry::nobody();
            if !root.texts("supportedControl").any(|control| control == POLICY_CONTROL) {
                findings.push(Finding {
                    level: Level::Error,
                    what: "the server has no password policies, so a lock refuses nobody".to_owned(),
                    advice: "load the overlay ppolicy, or say in `lock` how accounts are locked here".to_owned(),
                });
            } else if let Some(why) = password_policy::why_open(call, policy, &nobody).await? {
                findings.push(Finding {
                    level: Level::Error,
                    what: why,
                    advice: "set pwdLockout to TRUE there, let our account read it, or correct `policy`".to_owned(),
                });
            }
        }
        let vendor = root
            .text("vendorName")
            .or_else(|| root.texts("objectClass").find(|class| class.starts_with("OpenLDAP")));
        let version = match (vendor, root.text("vendorVersion")) {
            (_, Some(version)) => Some(version.to_owned()),
            (Some(class), None) if class.starts_with("OpenLDAP") => Some("OpenLDAP".to_owned()),
            (vendor, None) => vendor.map(str::to_owned),
        };
        if let Err(why) = self.connections(call, &Entry::nobody()).await? {
            findings.push(Finding {
                level: Level::Note,
                what: "open connections cannot be listed, so that sessions are never proved gone".to_owned(),
                advice: why,
            });
        }
        Ok((version, findings))
    }
}

/// When an entry was changed, from the one attribute or the other.
fn changed(text: &str) -> Option<Timestamp> {
    monitor::generalized_time(text.split('#').next().unwrap_or_default())
}

/// A password as a directory keeps it, salted and hashed (RFC 2307 with a salt, `{SSHA}`): it is long and drawn at random, so that no hash is too
/// weak for it, and every directory knows this one.
fn hashed(password: &SecretString) -> anyhow::Result<SecretString> {
    let mut salt = [0; 16];
    let drawn = SystemRandom::new().fill(&mut salt);
    drawn.map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(password.expose_secret().as_bytes());
    digest.update(&salt);
    let mut kept = digest.finish().as_ref().to_vec();
    kept.extend(salt);
    Ok(SecretString::from(format!("{{SSHA}}{}", STANDARD.encode(kept))))
}
