//! What proves the sender, from what is written about it.

use std::time::Duration;

use ::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};

use super::cautions::SHORT;
use super::header_name::header;
use super::written::{BearerForm, Signature, Verify, Written};
use super::{Fault, published_keys};
use crate::sources::webhook::proof::{Algorithm, HmacSignature, ItemSecret, Place, Proof, StandardWebhooks, StaticBearer};

/// How old a delivery may be, and how far in the future, where the config says nothing.
const TOLERANCE: Duration = Duration::from_mins(5);
/// The widest tolerance taken: within it a recorded delivery can be sent again.
const WIDEST: Duration = Duration::from_hours(1);
/// The fewest bytes of a secret that is written in hex or base64.
const LEAST: usize = 16;

/// The secrets, as far as they can be read.
pub(super) fn secrets(written: &Written, faults: &mut Vec<Fault>) -> Vec<SecretString> {
    let mut secrets = Vec::new();
    for source in written.secrets.as_deref().unwrap_or_default() {
        match source.read() {
            Ok(secret) => secrets.push(secret),
            Err(error) => faults.push(("secrets", crate::model::error_chain(&error).to_string())),
        }
    }
    secrets
}

/// What proves the sender; `None` where that cannot be said, with the reasons in `faults`.
pub(super) fn proof(written: &Written, secrets: &[SecretString], faults: &mut Vec<Fault>) -> Option<Proof> {
    let verify = written.verify.unwrap_or(Verify::Standard);
    for (present, key, owner) in [
        (written.signature.is_some(), "signature", Verify::Signature),
        (written.bearer.is_some(), "bearer", Verify::Bearer),
        (written.public_keys.is_some(), "public_keys", Verify::Standard),
        (written.member.is_some(), "member", Verify::Member),
        (written.token.is_some(), "token", Verify::Token),
        (written.key_list.is_some(), "key_list", Verify::KeyList),
        (written.sns.is_some(), "sns", Verify::Sns),
    ] {
        if present && verify != owner {
            faults.push((key, format!("{key} is read only with verify = {:?}", owner.word())));
        }
    }
    let public = written.public_keys.as_deref().unwrap_or_default();
    let secretless = matches!(verify, Verify::Token | Verify::KeyList | Verify::Sns);
    let has_secrets = !written.secrets.as_deref().unwrap_or_default().is_empty();
    if secretless && has_secrets {
        faults.push(("secrets", format!("with verify = {:?} there is no secret", verify.word())));
    }
    if !secretless && !has_secrets && public.is_empty() {
        faults.push((
            "secrets",
            "write the sender's secret, as secrets = [{ credential = \"NAME\" }]; two of them while one takes the other's place"
                .to_owned(),
        ));
    }
    let tolerance = written.tolerance.map_or(TOLERANCE, |period| period.0);
    if tolerance.is_zero() || tolerance > WIDEST {
        faults.push((
            "tolerance",
            "tolerance must be more than nothing and an hour at most".to_owned(),
        ));
    }
    match verify {
        Verify::Standard => Some(Proof::StandardWebhooks(standard(secrets, public, tolerance, faults))),
        Verify::Signature => {
            let Some(signature) = &written.signature else {
                let why = "verify = \"signature\" needs a table [source.signature], or a preset";
                faults.push(("verify", why.to_owned()));
                return None;
            };
            scheme(signature, secrets, tolerance, faults).map(Proof::HmacSignature)
        }
        Verify::Bearer => {
            place(written.bearer.as_ref(), secrets, faults).map(|place| Proof::StaticBearer(StaticBearer::new(place, secrets)))
        }
        Verify::Member => {
            let Some(member) = &written.member else {
                let why = "verify = \"member\" needs a table [source.member] with the pointer to the secret in each item";
                faults.push(("verify", why.to_owned()));
                return None;
            };
            Some(Proof::ItemSecret(ItemSecret::new(member.pointer.clone(), secrets)))
        }
        Verify::Token => published_keys::token(written.token.as_ref(), tolerance, faults).map(Proof::IssuerToken),
        Verify::KeyList => published_keys::listed(written.key_list.as_ref(), faults).map(Proof::KeyList),
        Verify::Sns => published_keys::sns(written.sns.as_ref(), tolerance, faults).map(Proof::Sns),
    }
}

fn standard(secrets: &[SecretString], public: &[String], tolerance: Duration, faults: &mut Vec<Fault>) -> StandardWebhooks {
    let mut standard = StandardWebhooks::new(tolerance);
    for secret in secrets {
        if let Err(why) = standard.secret(secret) {
            faults.push(("secrets", why.to_owned()));
        }
    }
    for key in public {
        if let Err(why) = standard.public_key(key) {
            faults.push(("public_keys", why.to_owned()));
        }
    }
    standard
}

/// Where the static secret is.
fn place(form: Option<&BearerForm>, secrets: &[SecretString], faults: &mut Vec<Fault>) -> Option<Place> {
    let name = form.and_then(|form| form.header.as_deref());
    let scheme = form.and_then(|form| form.scheme.as_deref());
    let mut wrong = |why: &str| faults.push(("bearer", why.to_owned()));
    if form.is_some_and(|form| form.path) {
        if name.is_some() || scheme.is_some() {
            wrong("with path = true the secret stands in the URL, so that header and scheme say nothing");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let unfit = |secret: &SecretString| secret.expose_secret().len() < SHORT || !secret.expose_secret().bytes().all(plain);
        if secrets.iter().any(unfit) {
            wrong(
                "a secret in the URL has 24 characters or more, all of them letters, digits, - and _; make one with: openssl rand -hex 32",
            );
        }
        return Some(Place::Path);
    }
    if !scheme
        .unwrap_or_default()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        wrong("scheme must be one word, or empty");
    }
    let header = name.map_or(Some(AUTHORIZATION), |name| header("bearer", name, faults))?;
    // Only in its own header does the word belong before the token.
    let usual = if header == AUTHORIZATION { "Bearer" } else { "" };
    Some(Place::Header(header, scheme.unwrap_or(usual).to_owned()))
}

fn scheme(signature: &Signature, secrets: &[SecretString], tolerance: Duration, faults: &mut Vec<Fault>) -> Option<HmacSignature> {
    let before = faults.len();
    let mut wrong = |why: &str| faults.push(("signature", why.to_owned()));
    if signature.algorithm == Algorithm::Sha1 {
        wrong("sha1 is not taken, since others may find collisions; have the sender sign with sha256");
    }
    let signed = &signature.signed;
    let listed = signature.members.as_ref().is_some_and(|members| members.timestamp.is_some());
    match (signed.has_timestamp(), signature.timestamp_header.is_some(), listed) {
        (true, false, false) => wrong("{timestamp} is signed, so say where it is: timestamp_header, or members.timestamp"),
        (false, true, _) | (false, _, true) => {
            wrong("the time is not signed, so it proves nothing; leave it out, or sign {timestamp}");
        }
        (true, true, true) => wrong("the time is in timestamp_header or in members.timestamp, not in both"),
        _ => {}
    }
    if signed.has_id() != signature.id_header.is_some() {
        wrong("{id} is signed where id_header says where it is, and only there; an id that is not signed is a key_header");
    }
    let mut keys = Vec::new();
    for secret in secrets {
        let text = secret.expose_secret();
        let bytes = match signature.secret_encoding {
            None => Some(text.as_bytes().to_vec()),
            Some(encoding) => encoding.decode(text),
        };
        match bytes {
            None => wrong("a secret is not written as secret_encoding says"),
            // A secret in another encoding than the one that is written often decodes to a few bytes, which could be guessed.
            Some(bytes) if signature.secret_encoding.is_some() && bytes.len() < LEAST => {
                wrong("a secret has fewer than 16 bytes once it is decoded; look whether secret_encoding is the right one");
            }
            Some(bytes) => keys.extend(signature.algorithm.key(&bytes)),
        }
    }
    let mut named = |name: &Option<String>| name.as_deref().map(|name| header("signature", name, faults));
    let timestamp_header = named(&signature.timestamp_header);
    let id_header = named(&signature.id_header);
    let header = header("signature", &signature.header, faults)?;
    (faults.len() == before).then(|| HmacSignature {
        header,
        prefix: signature.prefix.clone(),
        members: signature.members.clone(),
        encoding: signature.encoding,
        signed: signed.clone(),
        timestamp_header: timestamp_header.flatten(),
        timestamp_form: signature.timestamp_form,
        id_header: id_header.flatten(),
        keys,
        tolerance,
    })
}
