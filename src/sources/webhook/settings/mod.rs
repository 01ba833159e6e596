//! The keys of a `[[source]]` of this kind, and the receiver they build.

mod cautions;
mod header_name;
mod proof_settings;
mod published_keys;
mod written;

use std::time::Duration;

use super::Webhook;
use super::handshake::{Handshake, Handshakes};
use super::mapping::{Mapping, Rule};
use super::presets::{PRESETS, REQUEST};
use super::proof::Proof;
use crate::clock::Clock;
use crate::json::Pointer;
use crate::model::Reason;
use crate::settings::{ConfigError, Settings, nearest};
use crate::sources::shared::subject_identifiers::SubjectRules;
use written::{OneOrMore, Written};

/// For how long the same body is the same signal where an old one is refused anyway, or could be made anew by whoever has it.
const WINDOW: Duration = Duration::from_hours(1);

/// What is wrong with a key.
type Fault = (&'static str, String);

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<Webhook, Vec<ConfigError>> {
    let written: Written = settings.read()?;
    let mut faults: Vec<Fault> = Vec::new();
    let written = match whole(written) {
        Ok(written) => written,
        Err((key, why)) => return Err(vec![settings.complain(key, why)]),
    };
    let secrets = proof_settings::secrets(&written, &mut faults);
    let proof = proof_settings::proof(&written, &secrets, &mut faults);
    let key_header = written
        .key_header
        .as_deref()
        .and_then(|name| header_name::header("key_header", name, &mut faults));
    check_mapping(&written, &mut faults);
    let proof = match proof {
        Some(proof) if faults.is_empty() => proof,
        _ => {
            let mut complaints: Vec<ConfigError> = faults.into_iter().map(|(key, why)| settings.complain(key, why)).collect();
            if complaints.is_empty() {
                complaints.push(settings.complain("verify", "nothing says how the sender is proved"));
            }
            return Err(complaints);
        }
    };
    let cautions = cautions::of(&written, &proof, &secrets);
    let lasting = lasting(&proof);
    let subjects = written.subjects.unwrap_or_default();
    let handshakes = written.handshake.map(OneOrMore::into_vec);
    let handshakes = handshakes.unwrap_or_else(|| match proof {
        // Whoever holds the secret could say anything, so that an answer gives nothing away.
        Proof::StaticBearer(_) => Handshake::OF_SECRET_HOLDERS.to_vec(),
        _ => Vec::new(),
    });
    Ok(Webhook {
        name: settings.name.to_owned(),
        handshakes: Handshakes::new(handshakes, proof.member().is_some()),
        key_header,
        form_field: written.form_field,
        mapping: Mapping {
            decode: written.decode.unwrap_or_default(),
            items: written.items.map_or_else(|| vec![Pointer::default()], OneOrMore::into_vec),
            name: written.key_pointer,
            known_by: written.known_by.map(OneOrMore::into_vec).unwrap_or_default(),
            volatile: written.volatile.unwrap_or_default(),
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
    !proof.is_dated() && proof.covers_body()
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
    if matches!(&written.items, Some(OneOrMore::More(items)) if items.is_empty()) {
        wrong("items", "items must not be empty; leave it out for the whole body");
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
