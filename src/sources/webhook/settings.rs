//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::time::Duration;

use ::http::header::{AUTHORIZATION, HeaderName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Webhook;
use super::handshake::Handshake;
use super::mapping::{Mapping, Pointer, Rule, TimeForm, Unmatched};
use super::presets::{PRESETS, REQUEST};
use super::proof::{Algorithm, Bearer, Encoding, Members, Proof, Scheme, Standard, Template};
use crate::clock::Clock;
use crate::model::Reason;
use crate::secret::SecretSource;
use crate::settings::{Complaint, Period, Settings, nearest};
use crate::sources::whom::{Means, SubjectRules};

/// How old a delivery may be, and how far in the future, where the config says nothing.
const TOLERANCE: Duration = Duration::from_mins(5);
/// The widest tolerance taken: within it a recorded delivery can be sent again.
const WIDEST: Duration = Duration::from_hours(1);
/// For how long the same body is the same signal where an old one is refused anyway, or could be made anew by whoever has it.
const WINDOW: Duration = Duration::from_hours(1);
/// A secret of fewer bytes is worth a word.
const SHORT: usize = 24;

/// Every key of its own; each may be missing, since a preset may bring it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The vendor whose form this is.
    preset: Option<String>,
    /// What proves the sender.
    verify: Option<Verify>,
    /// The secrets, any of which is taken.
    secrets: Option<Vec<SecretSource>>,
    /// The public keys of Standard Webhooks' `v1a`, any of which is taken.
    public_keys: Option<Vec<String>>,
    /// How old a delivery may be, and how far in the future.
    tolerance: Option<Period>,
    /// The form of the signature.
    signature: Option<Signature>,
    /// The form of the bearer.
    bearer: Option<BearerForm>,
    /// The question that the sender asks first.
    handshake: Option<Handshake>,
    /// Where the items are.
    items: Option<Pointer>,
    /// The header that names a delivery.
    key_header: Option<String>,
    /// For how long the same body without a name is the same signal.
    repeat_window: Option<Period>,
    /// What becomes of an item that no rule is about.
    unmatched: Option<Unmatched>,
    /// The reasons that the sender may give.
    reasons: Option<Vec<Reason>>,
    /// How RFC 9493 subjects are read.
    subjects: Option<Subjects>,
    /// What becomes of an item.
    rule: Option<Vec<Rule>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verify {
    Standard,
    Signature,
    Bearer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    header: String,
    algorithm: Algorithm,
    encoding: Encoding,
    #[serde(default)]
    prefix: String,
    members: Option<Members>,
    signed: Template,
    timestamp_header: Option<String>,
    #[serde(default = "unix")]
    timestamp_form: TimeForm,
    id_header: Option<String>,
    /// How the secret's bytes are written in its file; without it the text itself is the secret.
    secret_encoding: Option<Encoding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BearerForm {
    header: Option<String>,
    scheme: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subjects {
    issuers: Option<Vec<String>>,
    #[serde(default)]
    iss_sub: Means,
    #[serde(default)]
    opaque: Means,
}

fn unix() -> TimeForm {
    TimeForm::Unix
}

impl Written {
    /// These keys, with those of `preset` where one is missing.
    fn over(self, preset: Self) -> Self {
        Self {
            preset: self.preset,
            verify: self.verify.or(preset.verify),
            secrets: self.secrets.or(preset.secrets),
            public_keys: self.public_keys.or(preset.public_keys),
            tolerance: self.tolerance.or(preset.tolerance),
            signature: self.signature.or(preset.signature),
            bearer: self.bearer.or(preset.bearer),
            handshake: self.handshake.or(preset.handshake),
            items: self.items.or(preset.items),
            key_header: self.key_header.or(preset.key_header),
            repeat_window: self.repeat_window.or(preset.repeat_window),
            unmatched: self.unmatched.or(preset.unmatched),
            reasons: self.reasons.or(preset.reasons),
            subjects: self.subjects.or(preset.subjects),
            rule: self.rule.or(preset.rule),
        }
    }
}

/// What is wrong with a key.
type Fault = (&'static str, String);

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<Webhook, Vec<Complaint>> {
    let written: Written = settings.read()?;
    let mut faults: Vec<Fault> = Vec::new();
    let written = match whole(written) {
        Ok(written) => written,
        Err((key, why)) => return Err(vec![settings.complain(key, why)]),
    };
    let secrets = read_secrets(&written, &mut faults);
    let proof = proof(&written, &secrets, &mut faults);
    let key_header = written
        .key_header
        .as_deref()
        .and_then(|name| header("key_header", name, &mut faults));
    check_mapping(&written, &mut faults);
    let proof = match proof {
        Some(proof) if faults.is_empty() => proof,
        _ => {
            let mut complaints: Vec<Complaint> = faults.into_iter().map(|(key, why)| settings.complain(key, why)).collect();
            if complaints.is_empty() {
                complaints.push(settings.complain("verify", "nothing says how the sender is proved"));
            }
            return Err(complaints);
        }
    };
    let cautions = cautions(&written, &proof, &secrets);
    // Without a checked time, or a secret that whoever has a recording lacks, the same body must stay the same signal for ever.
    let lasting = !proof.is_dated() && !matches!(proof, Proof::Bearer(_));
    let subjects = written.subjects.unwrap_or_default();
    Ok(Webhook {
        name: settings.name.to_owned(),
        handshake: written.handshake,
        key_header,
        mapping: Mapping {
            items: written.items.unwrap_or_default(),
            rules: written.rule.unwrap_or_default(),
            unmatched: written.unmatched.unwrap_or_default(),
            reasons: written.reasons.unwrap_or_else(|| Reason::ALL.to_vec()),
            subjects: SubjectRules {
                issuers: subjects.issuers,
                critical: Vec::new(),
                iss_sub: subjects.iss_sub,
                opaque: subjects.opaque,
            },
            repeat_window: written.repeat_window.map(|window| window.0).or((!lasting).then_some(WINDOW)),
        },
        proof,
        cautions,
        clock: clock.clone(),
    })
}

/// The keys as written over those of the preset, and those of our own schema where there is no rule.
fn whole(written: Written) -> Result<Written, Fault> {
    let ours = |text: &str| {
        // The presets are tested to be read; a fault in one is ours.
        toml::from_str::<Written>(text).map_err(|error| ("preset", format!("the preset is broken: {}", error.message())))
    };
    let whole = match &written.preset {
        None => written,
        Some(name) => {
            let found = PRESETS.iter().find(|(preset, _)| preset == name);
            let (_, text) = found.ok_or_else(|| ("preset", unknown_preset(name)))?;
            let preset = ours(text)?;
            written.over(preset)
        }
    };
    if whole.rule.is_some() {
        return Ok(whole);
    }
    let request = ours(REQUEST)?;
    Ok(whole.over(request))
}

fn unknown_preset(name: &str) -> String {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    match nearest(name, names.iter().copied()) {
        Some(meant) => format!("no such preset; did you mean {meant:?}?"),
        None => format!("no such preset; the presets are {}", names.join(", ")),
    }
}

fn read_secrets(written: &Written, faults: &mut Vec<Fault>) -> Vec<SecretString> {
    let mut secrets = Vec::new();
    for source in written.secrets.as_deref().unwrap_or_default() {
        match source.read() {
            Ok(secret) => secrets.push(secret),
            Err(error) => faults.push(("secrets", crate::model::chain(&error).to_string())),
        }
    }
    secrets
}

fn proof(written: &Written, secrets: &[SecretString], faults: &mut Vec<Fault>) -> Option<Proof> {
    let verify = written.verify.unwrap_or(Verify::Standard);
    let mut stray = |present: bool, key: &'static str, owner: &str| {
        if present {
            faults.push((key, format!("{key} is read only with verify = {owner:?}")));
        }
    };
    stray(
        written.signature.is_some() && verify != Verify::Signature,
        "signature",
        "signature",
    );
    stray(written.bearer.is_some() && verify != Verify::Bearer, "bearer", "bearer");
    stray(
        written.public_keys.is_some() && verify != Verify::Standard,
        "public_keys",
        "standard",
    );
    let public = written.public_keys.as_deref().unwrap_or_default();
    if written.secrets.as_deref().unwrap_or_default().is_empty() && public.is_empty() {
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
        Verify::Standard => {
            let mut standard = Standard::new(tolerance);
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
            Some(Proof::Standard(standard))
        }
        Verify::Signature => match &written.signature {
            Some(signature) => scheme(signature, secrets, tolerance, faults).map(Proof::Scheme),
            None => {
                let why = "verify = \"signature\" needs a table [source.signature], or a preset";
                faults.push(("verify", why.to_owned()));
                None
            }
        },
        Verify::Bearer => {
            let form = written.bearer.as_ref();
            let name = form.and_then(|form| form.header.as_deref());
            let name = name.map_or(Some(AUTHORIZATION), |name| header("bearer", name, faults));
            let scheme = form.and_then(|form| form.scheme.clone());
            // Only in its own header does the word belong before the token.
            let usual = if name == Some(AUTHORIZATION) { "Bearer" } else { "" };
            let scheme = scheme.unwrap_or_else(|| usual.to_owned());
            if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                faults.push(("bearer", "scheme must be one word, or empty".to_owned()));
            }
            Some(Proof::Bearer(Bearer::new(name?, scheme, secrets)))
        }
    }
}

fn scheme(signature: &Signature, secrets: &[SecretString], tolerance: Duration, faults: &mut Vec<Fault>) -> Option<Scheme> {
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
            wrong("the time is not signed, so it proves nothing; leave it out, or sign {timestamp}")
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
        match bytes.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => keys.extend(signature.algorithm.key(&bytes)),
            None => wrong("a secret is not written as secret_encoding says"),
        }
    }
    let mut named = |name: &Option<String>| name.as_deref().map(|name| header("signature", name, faults));
    let timestamp_header = named(&signature.timestamp_header);
    let id_header = named(&signature.id_header);
    let header = header("signature", &signature.header, faults)?;
    (faults.len() == before).then(|| Scheme {
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

fn header(key: &'static str, name: &str, faults: &mut Vec<Fault>) -> Option<HeaderName> {
    let read = name.parse().ok();
    if read.is_none() {
        faults.push((key, format!("{name:?} is not the name of a header")));
    }
    read
}

fn check_mapping(written: &Written, faults: &mut Vec<Fault>) {
    let mut wrong = |key, why: &str| faults.push((key, why.to_owned()));
    let rules = written.rule.as_deref().unwrap_or_default();
    if rules.is_empty() {
        wrong(
            "rule",
            "write at least one [[source.rule]], or leave `rule` out for our own schema",
        );
    }
    for why in rules.iter().filter_map(Rule::fault) {
        wrong("rule", why);
    }
    if written.repeat_window.is_some_and(|window| window.0.is_zero()) {
        wrong("repeat_window", "repeat_window must be more than nothing");
    }
    let Some(reasons) = &written.reasons else { return };
    if reasons.is_empty() {
        wrong("reasons", "reasons must not be empty; leave it out to take every one");
    }
    if rules.iter().any(|rule| !rule.can_give(reasons)) {
        wrong("reasons", "a rule gives only reasons that are not among these");
    }
}

/// What is weaker than it could be.
fn cautions(written: &Written, proof: &Proof, secrets: &[SecretString]) -> Vec<String> {
    let mut cautions = Vec::new();
    match proof {
        Proof::Bearer(_) => cautions.push(
            "whoever learns the static bearer can end anybody's access: it protects neither against replay nor against a changed body; \
             use signatures where the sender can make them, and let only the sender's addresses through"
                .to_owned(),
        ),
        Proof::Scheme(_) if !proof.is_dated() => cautions.push(
            "the sender signs no time, so that a recorded delivery is known only by its key or body".to_owned(),
        ),
        _ => {}
    }
    let short = secrets.iter().any(|secret| secret.expose_secret().len() < SHORT);
    if short && !matches!(proof, Proof::Standard(_)) {
        cautions.push(format!(
            "a secret has fewer than {SHORT} characters; make a longer one, such as with: openssl rand -hex 32"
        ));
    }
    let rules = written.rule.as_deref().unwrap_or_default();
    let nameless = written.key_header.is_none() && rules.iter().any(Rule::is_nameless);
    let lasting = written.repeat_window.is_none() && !proof.is_dated() && !matches!(proof, Proof::Bearer(_));
    if nameless && lasting {
        cautions.push(
            "a rule names no key, so that the same body again, even much later, is taken for a repetition; \
             write the rule's key, key_header or repeat_window where the sender's bodies can be alike"
                .to_owned(),
        );
    }
    cautions
}
