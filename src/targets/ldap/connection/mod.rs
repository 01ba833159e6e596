//! One connection to a directory: opened and bound when it is needed, shared by all calls, and thrown away as soon as anything is wrong with it.
//!
//! `address` says where the server is, `trust` whom we believe that it is the one, `failure` what a failed call means.
//!
//! Whatever the server does, a call ends: each has a time limit as a whole, since a server can answer in drops, or not at all (Samba does
//! neither answer nor hang up where a control is encoded wrongly). Referrals are not followed: they could lead a password elsewhere.

pub(in crate::targets::ldap) mod address;
pub(in crate::targets::ldap) mod failure;
pub(in crate::targets::ldap) mod trust;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use ldap3::exop::{WhoAmI, WhoAmIResp};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry, SearchOptions};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use self::address::Address;
use self::failure::{BUSY, CallFailure, Refusal, Why, code};
use super::entry::Entry;
use super::filter::Filter;
use crate::secret::SecretSource;
use crate::targets::{CallContext, RateLimitHints};

/// A directory as we are connected to it.
pub(super) struct Connection {
    pub(super) address: Address,
    trust: Arc<ClientConfig>,
    /// The name that we sign in by: a distinguished name, or at Active Directory one with an `@`.
    pub(super) bind: String,
    source: SecretSource,
    password: Mutex<SecretString>,
    times: Times,
    live: Mutex<Option<Arc<Live>>>,
    /// One opens at a time.
    opening: tokio::sync::Mutex<()>,
}

/// The bounds of calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// To open a connection, TLS included.
    pub(super) connect: Duration,
    /// For a call as a whole.
    pub(super) total: Duration,
}

/// A bound connection; what is under way on it ends with it.
struct Live {
    ldap: Ldap,
    _driver: AbortOnDropHandle<()>,
}

/// What is searched for, and where.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) filter: Filter,
    pub(super) attributes: Vec<String>,
    /// How many entries are taken at most.
    pub(super) most: usize,
    /// Whether only the names of attributes are asked for, without values.
    pub(super) names_only: bool,
}

impl Search {
    /// Reads one entry by its name.
    pub(super) fn entry(dn: impl Into<String>, filter: Filter, attributes: &[&str]) -> Self {
        Self {
            base: dn.into(),
            scope: Scope::Base,
            filter,
            attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
            most: 1,
            names_only: false,
        }
    }
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    /// Whether there are more of them.
    pub(super) more: bool,
}

/// A change of one attribute.
pub(super) type Change = Mod<Vec<u8>>;

/// Sets an attribute to this one value.
pub(super) fn replace(attribute: &str, value: impl Into<Vec<u8>>) -> Change {
    Mod::Replace(attribute.into(), HashSet::from([value.into()]))
}

/// Adds a value.
pub(super) fn add(attribute: &str, value: impl Into<Vec<u8>>) -> Change {
    Mod::Add(attribute.into(), HashSet::from([value.into()]))
}

/// Takes a value away, and fails where it is not there.
pub(super) fn delete(attribute: &str, value: impl Into<Vec<u8>>) -> Change {
    Mod::Delete(attribute.into(), HashSet::from([value.into()]))
}

impl Connection {
    pub(super) fn new(
        (address, trust): (Address, Arc<ClientConfig>),
        bind: String,
        (source, password): (SecretSource, SecretString),
        times: Times,
    ) -> Self {
        Self {
            address,
            trust,
            bind,
            source,
            password: Mutex::new(password),
            times,
            live: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Reads our password again, and signs in anew with the next call: an operator may have put another one in place.
    pub(super) fn renew(&self) -> Result<(), CallFailure> {
        let password = self.source.read().map_err(|error| CallFailure {
            doing: "reading our password again".to_owned(),
            why: Why::Unread(error.into()),
        })?;
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = password;
        self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// Searches. Where there are more entries than asked for, it says so.
    pub(super) async fn search(&self, context: &CallContext, doing: &str, search: &Search) -> Result<Listing, CallFailure> {
        let asked = Arc::new(search.clone());
        let time_limit = i32::try_from(self.times.total.as_secs()).unwrap_or(i32::MAX).max(1);
        let (listing, result) = self
            .call(context, doing, |ldap| found(ldap, Arc::clone(&asked), time_limit))
            .await?;
        match result.rc {
            code::SUCCESS => Ok(listing),
            // Below what we asked for, it is the server's own limit that cuts the list short.
            code::SIZE_LIMIT if !listing.entries.is_empty() => Ok(Listing { more: true, ..listing }),
            _ => Err(self.refused(context, doing, &result)),
        }
    }

    /// Reads one entry by its name; `None` where it is not there, the filter does not match, or we may not see it.
    pub(super) async fn read(&self, context: &CallContext, doing: &str, search: &Search) -> Result<Option<Entry>, CallFailure> {
        match self.search(context, doing, search).await {
            Ok(listing) => Ok(listing.entries.into_iter().next()),
            Err(failure) if failure.is(code::NO_SUCH_OBJECT) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Changes an entry, all of it or nothing.
    pub(super) async fn modify(
        &self,
        context: &CallContext,
        doing: &str,
        dn: &str,
        changes: impl Fn() -> Vec<Change>,
    ) -> Result<(), CallFailure> {
        let modify = |mut ldap: Ldap| {
            let (dn, changes) = (dn.to_owned(), changes());
            async move { ldap.modify(&dn, changes).await }
        };
        let result = self.call(context, doing, modify).await?;
        if result.rc == code::SUCCESS {
            return Ok(());
        }
        Err(self.refused(context, doing, &result))
    }

    /// Asks who we are (RFC 4532); `None` where the server does not know the question.
    pub(super) async fn who_am_i(&self, context: &CallContext) -> Result<Option<String>, CallFailure> {
        let ask = |mut ldap: Ldap| async move { ldap.extended(WhoAmI).await };
        let answer = self.call(context, "asking who we are", ask).await?;
        if answer.1.rc != code::SUCCESS || answer.0.val.is_none() {
            return Ok(None);
        }
        Ok(Some(answer.0.parse::<WhoAmIResp>().authzid))
    }

    fn refused(&self, context: &CallContext, doing: &str, result: &LdapResult) -> CallFailure {
        let refusal = Refusal::new(result.rc, &result.text);
        if matches!(result.rc, 51 | 52) {
            context.note_limits(RateLimitHints {
                refused: Some(BUSY),
                ..RateLimitHints::default()
            });
        }
        if result.rc == 1 {
            // Active Directory says so where it has forgotten that we are bound.
            self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        CallFailure {
            doing: doing.to_owned(),
            why: Why::Refused(refusal),
        }
    }

    /// Makes one call within its time, on a connection that is bound. One that broke since it was last used is opened again once: every call
    /// can be made twice.
    async fn call<T, F, R>(&self, context: &CallContext, doing: &str, operation: F) -> Result<T, CallFailure>
    where
        F: Fn(Ldap) -> R,
        R: Future<Output = Result<T, LdapError>> + Send + 'static,
        T: Send + 'static,
    {
        let failed = |why| CallFailure {
            doing: doing.to_owned(),
            why,
        };
        let mut opened = false;
        loop {
            let permit = context.permit().await;
            let Some(live) = self.live() else {
                if opened {
                    return Err(failed(Why::Unreachable(anyhow!(
                        "the server closes every connection at once"
                    ))));
                }
                // Signing in is a call of its own, and has this permit to itself.
                opened = true;
                self.open().await.map_err(failed)?;
                continue;
            };
            let answer = self.within(operation(live.ldap.clone())).await;
            drop(permit);
            match answer {
                Ok(answer) => return Ok(answer),
                Err(Why::Unreachable(_)) if !opened => self.forget(&live),
                Err(why) => {
                    self.forget(&live);
                    return Err(failed(why));
                }
            }
        }
    }

    /// Runs a call apart, so that an answer that the library cannot take (it panics) is a failed call and no more.
    async fn within<T: Send + 'static>(&self, call: impl Future<Output = Result<T, LdapError>> + Send + 'static) -> Result<T, Why> {
        let total = self.times.total;
        match timeout(total, AbortOnDropHandle::new(tokio::spawn(call))).await {
            Err(_) => Err(Why::Silent(total)),
            Ok(Err(_)) => Err(Why::Unclear(anyhow!("it is no LDAP message of the kind that belongs here"))),
            Ok(Ok(Err(error))) => Err(broken(error, total)),
            Ok(Ok(Ok(answer))) => Ok(answer),
        }
    }

    /// The connection that is open, if one is.
    fn live(&self) -> Option<Arc<Live>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| live.ldap.clone().is_closed()) {
            *live = None;
        }
        live.clone()
    }

    /// Throws a connection away; one that was opened since stays.
    fn forget(&self, broken: &Arc<Live>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.take_if(|live| Arc::ptr_eq(live, broken));
    }

    /// Opens a connection and signs in, unless somebody else just did.
    async fn open(&self) -> Result<(), Why> {
        let _turn = self.opening.lock().await;
        if self.live().is_some() {
            return Ok(());
        }
        let settings = LdapConnSettings::new()
            .set_conn_timeout(self.times.connect)
            .set_starttls(self.address.start_tls)
            .set_config(Arc::clone(&self.trust));
        let url = self.address.url.clone();
        let opening = async move { LdapConnAsync::with_settings(settings, &url).await };
        let (connection, mut ldap) = self.within(opening).await.map_err(|why| match why {
            Why::Unreachable(error) => Why::Unreachable(error.context("opening a connection")),
            other => other,
        })?;
        let driver = AbortOnDropHandle::new(tokio::spawn(async move {
            // How it ended shows in the calls that were under way.
            _ = connection.drive().await;
        }));
        let password = self.password.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (name, mut signing_in) = (self.bind.clone(), ldap.clone());
        let answer = self
            .within(async move { signing_in.simple_bind(&name, password.expose_secret()).await })
            .await?;
        if answer.rc != code::SUCCESS {
            _ = ldap.unbind().await;
            return Err(Why::BindRefused(Refusal::new(answer.rc, &answer.text)));
        }
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Live { ldap, _driver: driver }));
        Ok(())
    }
}

async fn found(mut ldap: Ldap, search: Arc<Search>, time_limit: i32) -> Result<(Listing, LdapResult), LdapError> {
    let size_limit = i32::try_from(search.most).unwrap_or(i32::MAX);
    let options = SearchOptions::new()
        .sizelimit(size_limit)
        .timelimit(time_limit)
        .typesonly(search.names_only);
    let filter = search.filter.to_string();
    let mut stream = ldap
        .with_search_options(options)
        .streaming_search(&search.base, search.scope, &filter, search.attributes.clone())
        .await?;
    let mut listing = Listing::default();
    while let Some(found) = stream.next().await? {
        if found.is_ref() || found.is_intermediate() {
            continue;
        }
        if listing.entries.len() == search.most {
            // The server does not keep to the limit that it was given.
            listing.more = true;
            break;
        }
        listing.entries.push(SearchEntry::construct(found).into());
    }
    let cut = listing.more;
    let result = stream.finish().await;
    if cut {
        let id = stream.ldap_handle().last_id();
        ldap.abandon(id).await?;
        return Ok((
            listing,
            LdapResult {
                rc: code::SUCCESS,
                ..result
            },
        ));
    }
    Ok((listing, result))
}

/// What it means that there is no answer.
fn broken(error: LdapError, total: Duration) -> Why {
    match error {
        LdapError::Timeout { .. } => Why::Silent(total),
        LdapError::Io { source } if is_of_tls(&source) => Why::Untrusted(source.into()),
        LdapError::Rustls { source } => Why::Untrusted(source.into()),
        LdapError::LdapResult { result } => Why::Refused(Refusal::new(result.rc, &result.text)),
        LdapError::FilterParsing | LdapError::DecodingUTF8 => Why::Unclear(error.into()),
        LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream => {
            Why::Unreachable(anyhow!("the connection broke"))
        }
        other => Why::Unreachable(other.into()),
    }
}

/// Whether a connection failed because of the certificate.
fn is_of_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        inner,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}
