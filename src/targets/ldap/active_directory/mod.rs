//! Active Directory: an account is disabled by a bit of `userAccountControl`, and its password set by `unicodePwd`, which the server takes over an
//! encrypted connection alone.
//!
//! `account_control` reads and writes the bit, `change_history` says since when it is set, `own_sids` who we are.

mod account_control;
mod change_history;
mod password;

use std::time::Duration;

use async_trait::async_trait;

use super::connection::Search;
use super::connection::failure::CallFailure;
use super::dialect::{Call, Connections, Dialect, OwnAccount};
use super::entry::Entry;
use super::filter::Filter;
use crate::model::{AccountState, Capabilities, Door, DoorKind, GrantKind, Residual, ResidualEnd};
use crate::targets::{Applied, Finding, Level, TargetError};

/// How long a ticket lives where nobody has changed the domain's Kerberos policy.
pub(super) const LONGEST_TICKET: Duration = Duration::from_hours(10);
/// How old a ticket-granting ticket may be without the domain controller looking at the account again (MS-KILE 3.3.5.7.1; Windows takes 20
/// minutes, Samba looks every time).
const UNCHECKED: Duration = Duration::from_mins(20);
const CONNECTIONS: &str = "a connection that was signed in before (LDAP, file shares, remote desktops) goes on after the account is disabled, \
     and no domain controller lists them all; sign the person out at those systems";
/// How a member of a protected group is marked, now or earlier, by the directory itself.
const ADMIN_COUNT: &str = "adminCount";
/// Which attributes of an entry we may change (MS-ADTS 3.1.1.4.5.22).
const MAY_CHANGE: &str = "allowedAttributesEffective";
/// What the server says of itself to whoever is signed in.
const OUR_SIDS: &str = "tokenGroups";

/// Active Directory's ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ActiveDirectory {
    pub(super) longest_ticket: Duration,
}

#[async_trait]
impl Dialect for ActiveDirectory {
    fn attributes(&self) -> Vec<String> {
        let mut attributes = vec![
            ADMIN_COUNT.to_owned(),
            "objectSid".to_owned(),
            change_history::ATTRIBUTE.to_owned(),
        ];
        attributes.extend(account_control::ATTRIBUTES.map(str::to_owned));
        attributes
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            unlisted: [(GrantKind::Connection, CONNECTIONS.to_owned())].into(),
            suspends: true,
            resets_password: true,
            set_size: 1,
            not_covered: [
                "sign-ins at other domain controllers until the change has reached them: within a site 15 seconds or so, between sites by their \
                 schedule; name one in `url` that the person's systems use",
                "tokens of Entra ID and of other systems that are signed in to by this account: contain the person there too",
                "certificates of the person: they sign in nowhere while the account is disabled, and again once it is enabled",
                "a sign-in at a computer that is off the network, by the password that the computer remembers",
            ]
            .map(Into::into)
            .into(),
            ..Capabilities::default()
        }
    }

    async fn account(&self, _call: Call<'_>, entry: &Entry) -> Result<AccountState, CallFailure> {
        let Some(control) = account_control::read(entry) else {
            return Err(account_control::unreadable(entry));
        };
        let suspended = control.is_disabled();
        let door = Door::new(
            DoorKind::OwnPassword,
            "whoever knows the password of this account signs in again; `reset_password` replaces it",
        );
        Ok(AccountState {
            suspended,
            suspended_at: change_history::of_account_control(entry).filter(|_| suspended),
            own_password: !control.needs_card(),
            doors: if suspended { Vec::new() } else { vec![door.clone()] },
            doors_once_enabled: vec![door],
            notes: account_control::notes(entry),
            ..AccountState::default()
        })
    }

    async fn suspend(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        account_control::set_disabled(call, entry, true).await
    }

    async fn reset_password(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        password::reset(call, entry).await
    }

    async fn release(&self, call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
        account_control::set_disabled(call, entry, false).await
    }

    async fn connections(&self, _call: Call<'_>, _entry: &Entry) -> Result<Connections, CallFailure> {
        Ok(Err(CONNECTIONS.to_owned()))
    }

    fn protects(&self, entry: &Entry) -> Option<&'static str> {
        let marked = entry.text(ADMIN_COUNT).is_some_and(|count| count.trim() != "0");
        marked.then_some("the directory counts it among its administrators (adminCount)")
    }

    fn rights_attribute(&self) -> Option<&'static str> {
        Some(MAY_CHANGE)
    }

    fn lacking_rights(&self, person: &Entry) -> Option<Finding> {
        let may = person
            .texts(MAY_CHANGE)
            .any(|attribute| attribute.eq_ignore_ascii_case(account_control::ATTRIBUTES[0]));
        (!may && self.protects(person).is_none()).then(|| Finding {
            level: Level::Error,
            what: format!("our account may not write {} of people", account_control::ATTRIBUTES[0]),
            advice: "delegate that to it, and the right to reset passwords, on what `people` names".to_owned(),
        })
    }

    fn residuals(&self) -> Vec<Residual> {
        vec![Residual {
            what: "Kerberos tickets for services that were issued before the account was disabled".to_owned(),
            ends: ResidualEnd::AfterOurAct((self.longest_ticket + UNCHECKED).as_secs()),
        }]
    }

    async fn own_account(&self, call: Call<'_>) -> Result<OwnAccount, CallFailure> {
        let search = Search::entry("", Filter::anything(), &[OUR_SIDS]);
        let root = call.connection.read(call.context, "asking who we are", &search).await?;
        let sids = root.map(|root| root.bytes(OUR_SIDS).to_vec()).unwrap_or_default();
        if sids.is_empty() {
            return Err(CallFailure::unclear(
                "asking who we are",
                "the server does not say by which identifiers we act",
            ));
        }
        Ok(OwnAccount {
            name: call.connection.bind.clone(),
            sids,
            ..OwnAccount::default()
        })
    }

    async fn look(&self, _call: Call<'_>, root: &Entry) -> Result<(Option<String>, Vec<Finding>), CallFailure> {
        let mut findings = Vec::new();
        let Some(level) = root.text("domainControllerFunctionality") else {
            findings.push(Finding {
                level: Level::Error,
                what: "the server is no domain controller of Active Directory".to_owned(),
                advice: "name one in `url`, or use kind = \"ldap\" for another directory".to_owned(),
            });
            return Ok((None, findings));
        };
        let host = root.text("dnsHostName").unwrap_or("a domain controller");
        let program = root
            .text("vendorVersion")
            .map(|version| format!("Samba {version}, "))
            .unwrap_or_default();
        Ok((Some(format!("{program}{host}, functional level {level}")), findings))
    }
}
