//! Proofs by keys that somebody publishes: a token's issuer, a list of keys, Amazon SNS.

use std::time::Duration;

use reqwest::Url;

use super::Fault;
use super::header_name::header;
use super::written::{KeyListForm, SnsForm, TokenForm};
use crate::jose::{Algorithm, IssuerKeys, JwksCache, JwksOrigin, MetadataDocument};
use crate::sources::shared::trusted_issuer::TrustedIssuer;
use crate::sources::webhook::proof::{Certificates, Claim, IssuerToken, KeyList, Sns};

/// What a sender's token must be like.
pub(super) fn token(form: Option<&TokenForm>, tolerance: Duration, faults: &mut Vec<Fault>) -> Option<IssuerToken> {
    let mut wrong = |why: &str| faults.push(("token", why.to_owned()));
    let issuer = form.and_then(|form| form.issuer.clone()).filter(|issuer| !issuer.is_empty());
    let (Some(form), Some(issuer)) = (form, issuer) else {
        wrong("verify = \"token\" needs a table [source.token] with the issuer, the audience, and who the token was made for");
        return None;
    };
    let audience = form.audience.clone().filter(|audience| !audience.is_blank());
    if audience.is_none() {
        wrong("write the audience: what the token's aud is, most often the URL of this source");
    }
    let mut claims = form.claims.clone().unwrap_or_default();
    if let Some(email) = &form.email {
        claims.insert("email".to_owned(), Claim::Text(email.clone()));
        claims.insert("email_verified".to_owned(), Claim::Flag(true));
    }
    if !claims
        .values()
        .any(|claim| matches!(claim, Claim::Text(text) if !text.is_empty()))
    {
        wrong(
            "write who the token was made for, as email = \"…\" or claims = { appid = \"…\" }: any customer of the issuer can have one made \
             for any audience",
        );
    }
    let algorithms = form.algorithms.clone().unwrap_or_else(|| vec![Algorithm::Rs256]);
    if algorithms.is_empty() {
        wrong("algorithms must not be empty; leave it out for RS256");
    }
    let published = IssuerKeys {
        issuer: &issuer,
        file: form.jwks_file.as_deref(),
        url: form.jwks_url.as_deref(),
        host: form.jwks_host.as_deref(),
    };
    let origin = published.origin(MetadataDocument::OpenId).map_err(|(key, error)| {
        faults.push(("token", format!("{key}: {error:#}")));
    });
    Some(IssuerToken {
        audience: audience?,
        claims,
        tolerance,
        issuer: TrustedIssuer {
            algorithms,
            keys: JwksCache::new(origin.ok()?),
            name: issuer,
        },
    })
}

/// Where the sender's keys are listed.
pub(super) fn listed(form: Option<&KeyListForm>, faults: &mut Vec<Fault>) -> Option<KeyList> {
    let named = form.and_then(|form| Some((form, form.header.as_deref()?, form.id_header.as_deref()?)));
    let Some((form, signature, id)) = named else {
        let why = "verify = \"key-list\" needs a table [source.key_list] with header, id_header, and url or file";
        faults.push(("key_list", why.to_owned()));
        return None;
    };
    let origin = match (&form.file, &form.url) {
        (Some(path), None) => JwksOrigin::file(path),
        (None, Some(url)) => {
            let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
            JwksOrigin::url(url, host.as_deref().unwrap_or_default())
        }
        _ => Err(anyhow::anyhow!("write either url or file")),
    };
    let origin = origin.map_err(|error| faults.push(("key_list", format!("{error:#}")))).ok();
    let signature = header("key_list", signature, faults);
    let id = header("key_list", id, faults);
    Some(KeyList {
        header: signature?,
        id_header: id?,
        keys: JwksCache::new(origin?),
    })
}

/// The topics whose messages are taken.
pub(super) fn sns(form: Option<&SnsForm>, tolerance: Duration, faults: &mut Vec<Fault>) -> Option<Sns> {
    let topics = form.map(|form| form.topics.clone()).unwrap_or_default();
    if topics.is_empty() || topics.iter().any(|topic| !topic.starts_with("arn:")) {
        let why = "write the topics, as sns = { topics = [\"arn:aws:sns:…\"] }: any customer of AWS can have messages signed";
        faults.push(("sns", why.to_owned()));
        return None;
    }
    let form = form?;
    let certificates = match &form.certificates_file {
        Some(path) => Certificates::of_file(path),
        None => Certificates::of_sns(),
    };
    let certificates = certificates.and_then(|certificates| match &form.authorities_file {
        Some(path) => certificates.issued_by(path),
        None => Ok(certificates),
    });
    let certificates = certificates
        .map_err(|error| faults.push(("sns", format!("{error:#}"))))
        .ok()?;
    Some(Sns {
        topics,
        certificates,
        tolerance,
    })
}
