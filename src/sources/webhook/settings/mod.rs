//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

mod cautions;
mod proving;

use std::time::Duration;

use serde::Deserialize;

use super::Webhook;
use super::handshake::Handshake;
use super::mapping::{Mapping, Pointer, Rule, TimeForm, Unmatched};
use super::presets::{PRESETS, REQUEST};
use super::proof::{Algorithm, Encoding, Members, Proof, Template};
use crate::clock::Clock;
use crate::model::Reason;
use crate::secret::SecretSource;
use crate::settings::{Complaint, Period, Settings, nearest};
use crate::sources::whom::{Means, SubjectRules};

/// For how long the same body is the same signal where an old one is refused anyway, or could be made anew by whoever has it.
const WINDOW: Duration = Duration::from_hours(1);
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
    /// Whether the secret stands in the URL, and no header.
    #[serde(default)]
    path: bool,
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
    let secrets = proving::secrets(&written, &mut faults);
    let proof = proving::proof(&written, &secrets, &mut faults);
    let key_header = written
        .key_header
        .as_deref()
        .and_then(|name| proving::header("key_header", name, &mut faults));
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
    let cautions = cautions::of(&written, &proof, &secrets);
    let lasting = lasting(&proof);
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

/// Whether the same body must stay the same signal for ever: whoever has recorded one could send it again, and could not make one anew.
fn lasting(proof: &Proof) -> bool {
    !proof.is_dated() && !matches!(proof, Proof::Bearer(_))
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
