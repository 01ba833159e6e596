//! `[console.single_sign_on]`: operators sign in at an OpenID provider, and its groups decide what they may do.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use revoked_trail::{is_issuer, is_login};
use secrecy::SecretString;
use toml::Spanned;

use super::Diagnostics;
use super::file;
use super::tables::period;
use crate::http::{self, Bounds};
use crate::jose::{Algorithm, JwksOrigin, ensure_fetchable};
use crate::model::Role;

/// Where the provider sends browsers back, under the console's origin.
pub const CALLBACK: &str = "/sign-in/callback";
/// What is asked for beside `openid`.
const SCOPES: [&str; 1] = ["profile"];
/// How long a session lasts: after that the provider is asked again, and with it the groups.
const SESSION: Duration = Duration::from_hours(1);
const SHORTEST_SESSION: Duration = Duration::from_mins(5);
const LONGEST_SESSION: Duration = Duration::from_hours(12);
/// Somebody waits at the browser.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    read: Duration::from_secs(3),
    total: Duration::from_secs(4),
};

/// How operators sign in at an OpenID provider.
#[derive(Debug, Clone)]
pub struct SingleSignOnSettings {
    /// The provider: what `iss` must be, byte for byte.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// What we show for it. `None` where it is kept from whoever reads the config; the daemon does not start so.
    pub client_secret: Option<SecretString>,
    /// Where the provider sends browsers back.
    pub redirect_uri: String,
    /// What is asked for, with spaces between.
    pub scopes: String,
    /// In which claim the groups are.
    pub groups_claim: String,
    /// In which claim is what they are called by people.
    pub name_claim: String,
    /// Which role a group has.
    pub roles: BTreeMap<String, Role>,
    /// Which login a subject is.
    pub people: BTreeMap<String, String>,
    /// For whom access tokens are, that are taken at the API; without it none is.
    pub audience: Option<String>,
    /// The signature algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// How long a session lasts.
    pub session: Duration,
    /// Where the provider publishes its keys.
    pub keys: JwksOrigin,
    /// The host that the token endpoint must be on.
    pub token_host: String,
    /// The client for calls to the provider.
    pub client: reqwest::Client,
}

pub(super) fn single_sign_on(
    written: &Spanned<file::SingleSignOn>,
    origin: Option<&str>,
    found: &mut Diagnostics,
) -> Option<SingleSignOnSettings> {
    let (table, keys) = (written.span(), written.get_ref());
    if origin.is_none() {
        found.complain(
            table.clone(),
            "single_sign_on: it needs listen and origin, where browsers reach the page",
        );
    }
    let mut needed = |value: &Option<Spanned<String>>, key: &str| {
        let value = value.as_ref().filter(|value| !value.get_ref().trim().is_empty());
        if value.is_none() {
            found.complain(table.clone(), format!("single_sign_on: {key} is missing"));
        }
        value.cloned()
    };
    let (issuer, client_id) = (needed(&keys.issuer, "issuer"), needed(&keys.client_id, "client_id"));
    let client_secret = secret(written, found);
    let roles = roles(written, found);
    let people = people(&keys.people, found);
    let issuer = issuer.and_then(|issuer| sound_issuer(&issuer, found));
    let client_id = client_id?.into_inner();
    let audience = keys.audience.as_ref().map(|audience| {
        if audience.get_ref().is_empty() || *audience.get_ref() == client_id {
            found.complain(
                audience.span(),
                "audience: name the API apart from client_id, or what proves a sign-in elsewhere would be taken as a token for it",
            );
        }
        audience.get_ref().clone()
    });
    if let Some(list) = keys.algorithms.as_ref().filter(|list| list.get_ref().is_empty()) {
        found.complain(list.span(), "algorithms: it must not be empty");
    }
    let session = period(
        keys.session.as_ref(),
        "session",
        SESSION,
        SHORTEST_SESSION..=LONGEST_SESSION,
        found,
    );
    let client = http::client(BOUNDS)
        .map_err(|error| found.complain(table, format!("single_sign_on: {error:#}")))
        .ok();
    let (issuer, host) = issuer?;
    let keys_host = keys.jwks_host.as_ref().unwrap_or(&host);
    let published = JwksOrigin::discovery(&issuer, keys_host)
        .map_err(|error| found.complain(written.span(), format!("issuer: {error:#}")))
        .ok()?;
    Some(SingleSignOnSettings {
        redirect_uri: format!("{}{CALLBACK}", origin?),
        issuer,
        client_id,
        client_secret,
        scopes: scopes(keys.scopes.as_deref()),
        groups_claim: keys.groups_claim.clone().unwrap_or_else(|| "groups".to_owned()),
        name_claim: keys.name_claim.clone().unwrap_or_else(|| "preferred_username".to_owned()),
        roles,
        people,
        audience,
        algorithms: keys
            .algorithms
            .as_ref()
            .map_or_else(|| vec![Algorithm::Rs256], |list| list.get_ref().clone()),
        session,
        keys: published,
        token_host: keys.token_host.clone().unwrap_or(host),
        client: client?,
    })
}

/// The issuer, and its host.
fn sound_issuer(written: &Spanned<String>, found: &mut Diagnostics) -> Option<(String, String)> {
    let text = written.get_ref();
    let sound = Url::parse(text)
        .map_err(|_| anyhow::anyhow!("it is no URL"))
        .and_then(|url| ensure_fetchable(&url).map(|()| url))
        .and_then(|url| {
            anyhow::ensure!(
                is_issuer(text) && url.query().is_none(),
                "an issuer has neither a query nor a fragment, nor brackets"
            );
            Ok(url.host_str().unwrap_or_default().to_owned())
        });
    match sound {
        Ok(host) => Some((text.clone(), host)),
        Err(error) => {
            let message = format!("issuer: {error:#}; write it as the provider does, byte for byte");
            found.complain(written.span(), message);
            None
        }
    }
}

fn secret(written: &Spanned<file::SingleSignOn>, found: &mut Diagnostics) -> Option<SecretString> {
    match &written.get_ref().client_secret {
        None => {
            found.complain(
                written.span(),
                "single_sign_on: client_secret is missing; write { credential = \"NAME\" } or { file = \"PATH\" }",
            );
            None
        }
        Some(place) => place
            .get_ref()
            .read()
            .map_err(|error| found.complain(place.span(), format!("client_secret: {:#}", anyhow::Error::from(error))))
            .ok(),
    }
}

fn roles(written: &Spanned<file::SingleSignOn>, found: &mut Diagnostics) -> BTreeMap<String, Role> {
    let roles = &written.get_ref().roles;
    if roles.is_empty() {
        found.complain(
            written.span(),
            "single_sign_on: roles is missing; say which role each group has, or nobody has any: roles = { revoked-leads = \"approver\" }",
        );
    }
    let read = roles.iter().filter_map(|(group, role)| {
        let read = role.get_ref().parse::<Role>();
        read.map(|role| (group.clone(), role))
            .map_err(|error| found.complain(role.span(), format!("roles: {error}")))
            .ok()
    });
    read.collect()
}

fn people(written: &BTreeMap<String, Spanned<String>>, found: &mut Diagnostics) -> BTreeMap<String, String> {
    for (subject, login) in written {
        if !is_login(login.get_ref()) {
            found.complain(
                login.span(),
                format!("people: it is no login of this host, which {subject:?} could be"),
            );
        }
    }
    written
        .iter()
        .map(|(subject, login)| (subject.clone(), login.get_ref().clone()))
        .collect()
}

fn scopes(written: Option<&[String]>) -> String {
    let mut scopes = vec!["openid".to_owned()];
    match written {
        None => scopes.extend(SCOPES.map(str::to_owned)),
        Some(written) => scopes.extend(written.iter().filter(|scope| *scope != "openid").cloned()),
    }
    scopes.join(" ")
}

/// What is weaker than it could be where two persons decide.
pub(super) fn warn_of_two_names(config: &super::Config, found: &mut Diagnostics) {
    let rule = config.approvals.rule;
    let two_persons = rule.two_above.is_some() || rule.two_for_protected;
    if let Some(settings) = &config.console.single_sign_on
        && two_persons
        && settings.people.is_empty()
    {
        found.warn(
            "[console.single_sign_on] people names no login: where two persons decide, whoever signs in with the organisation and whoever \
             comes by a login of this host count as one, since they may be",
        );
    }
}
