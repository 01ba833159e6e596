//! Maps each event type to a reason, an urgency, and whether it is acted on: all of CAEP 1.0, RISC 1.0 and SSF 1.0, Google's OAuth events,
//! Okta's own and RFC 9967's SCIM events.
//!
//! Urgent is kept for compromise, and for a credential that was taken away: a wave of departures may never stand before it. Everything
//! else that is acted on at once is prompt.

use serde_json::{Map, Value};

use crate::model::{Disposition, Priority, Reason};

/// What an event means, before its subject is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::ssf) struct EventMapping {
    /// Why access must end, or what is noted.
    pub(in crate::sources::ssf) reason: Reason,
    /// How urgent.
    pub(in crate::sources::ssf) priority: Priority,
    /// What must end.
    pub(in crate::sources::ssf) reach: Reach,
    /// Acted on, held, or kept only.
    pub(in crate::sources::ssf) disposition: Disposition,
    /// Whether a simple subject names a device and not a person.
    pub(in crate::sources::ssf) device: bool,
}

/// What must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::ssf) enum Reach {
    /// All that the playbook names.
    Everything,
    /// Sessions and nothing else.
    Sessions,
    /// All that the playbook names, or sessions only where the subject is one session or device of a person.
    NamedSession,
}

/// An event type, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::ssf) struct Event {
    family: Family,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Caep,
    Risc,
    Ssf,
    Oauth,
    Okta,
    Scim,
    Other,
}

/// What it says where the type is not known: kept, so that a transmitter may send more than we asked for.
pub(in crate::sources::ssf) const UNKNOWN_TYPE: &str = "ignored_unknown_type";

/// The event types that lead to anything here, as families and names: what a stream is asked for where the config names none.
pub(in crate::sources::ssf) const ACTED_ON: [&str; 13] = [
    "caep:session-revoked",
    "caep:credential-change",
    "caep:device-compliance-change",
    "caep:risk-level-change",
    "risc:account-credential-change-required",
    "risc:account-purged",
    "risc:account-disabled",
    "risc:account-enabled",
    "risc:credential-compromise",
    "risc:identifier-recycled",
    "risc:recovery-activated",
    "risc:opt-out-effective",
    "risc:sessions-revoked",
];

/// The URI of an event type: a name of [`ACTED_ON`] with or without its family, or a URI as it is.
pub(in crate::sources::ssf) fn full_name(name: &str) -> String {
    let known = ACTED_ON
        .iter()
        .find(|known| **known == name || known.split(':').nth(1) == Some(name));
    match known.and_then(|known| known.split_once(':')) {
        Some((family, name)) => format!("https://schemas.openid.net/secevent/{family}/event-type/{name}"),
        None => name.to_owned(),
    }
}

impl Event {
    /// The event type that `uri` names. The `legacy` form takes `http:` too, as RFC 8417's figures have it.
    pub(in crate::sources::ssf) fn named(uri: &str, legacy: bool) -> Self {
        let secure = uri.strip_prefix("https://");
        let rest = secure
            .or_else(|| uri.strip_prefix("http://").filter(|_| legacy))
            .unwrap_or_default();
        let bases = [
            ("schemas.openid.net/secevent/caep/event-type/", Family::Caep),
            ("schemas.openid.net/secevent/risc/event-type/", Family::Risc),
            ("schemas.openid.net/secevent/ssf/event-type/", Family::Ssf),
            ("schemas.openid.net/secevent/oauth/event-type/", Family::Oauth),
            ("schemas.okta.com/secevent/okta/event-type/", Family::Okta),
        ];
        for (base, family) in bases {
            if let Some(name) = rest.strip_prefix(base) {
                let name = name.to_owned();
                return Self { family, name };
            }
        }
        // Drafts wrote SCIM's URNs in upper case.
        let urn = uri.to_ascii_lowercase();
        match urn.strip_prefix("urn:ietf:params:scim:event:") {
            Some(name) => Self {
                family: Family::Scim,
                name: name.to_owned(),
            },
            None => Self {
                family: Family::Other,
                name: String::new(),
            },
        }
    }

    /// Whether it is the handshake of a stream. Google sends it under RISC's base.
    pub(in crate::sources::ssf) fn is_verification(&self) -> bool {
        matches!(self.family, Family::Ssf | Family::Risc) && self.name == "verification"
    }

    /// Whether it is the event of RISC of this name.
    pub(in crate::sources::ssf) fn is_risc(&self, name: &str) -> bool {
        self.family == Family::Risc && self.name == name
    }

    /// Whether it is one of Okta's own.
    pub(in crate::sources::ssf) fn is_okta(&self) -> bool {
        self.family == Family::Okta
    }

    /// Whether it says that a stream was changed.
    pub(in crate::sources::ssf) fn is_stream_updated(&self) -> bool {
        self.family == Family::Ssf && self.name == "stream-updated"
    }

    /// What it means with these claims.
    ///
    /// # Errors
    /// What is missing, where the event does not conform to its specification.
    pub(in crate::sources::ssf) fn mapping(&self, claims: &Map<String, Value>, legacy: bool) -> Result<EventMapping, String> {
        if self.is_verification() {
            return Ok(kept(Reason::Noted, "verification"));
        }
        match self.family {
            Family::Caep => caep(&self.name, claims, legacy),
            Family::Risc => Ok(risc(&self.name, claims, legacy)),
            Family::Ssf => Ok(ssf(&self.name, claims)),
            Family::Oauth => Ok(oauth(&self.name)),
            Family::Okta => okta(&self.name, claims),
            Family::Scim => Ok(scim(&self.name, claims)),
            Family::Other => Ok(unknown()),
        }
    }
}

/// A member without which the event does not conform.
fn required<'a>(claims: &'a Map<String, Value>, member: &str) -> Result<&'a str, String> {
    let value = claims.get(member).and_then(Value::as_str);
    value.ok_or_else(|| format!("the event's {member} is missing or not a text"))
}

fn caep(name: &str, claims: &Map<String, Value>, legacy: bool) -> Result<EventMapping, String> {
    let required = |member: &str| required(claims, member);
    match name {
        "session-revoked" => Ok(session_revoked(claims, legacy)),
        "credential-change" => {
            let change = required("change_type")?;
            let credential = required("credential_type")?;
            Ok(credential_change(credential, change))
        }
        "assurance-level-change" => {
            required("namespace")?;
            required("current_level")?;
            Ok(kept(Reason::RiskElevated, "assurance_level_change"))
        }
        "token-claims-change" => {
            let changed = claims.get("claims").is_some_and(Value::is_object);
            let mapping = kept(Reason::Noted, "token_claims_change");
            changed
                .then_some(mapping)
                .ok_or_else(|| "the event's claims are missing or not an object".to_owned())
        }
        "device-compliance-change" => {
            let mapping = match (required("previous_status")?, required("current_status")?) {
                ("compliant", "not-compliant") => act(Reason::RiskElevated, Priority::PROMPT, Reach::Sessions),
                _ => kept(Reason::Noted, "device_compliance_change"),
            };
            Ok(EventMapping { device: true, ..mapping })
        }
        "risk-level-change" => Ok(risk(required("principal")?, required("current_level")?)),
        "session-established" | "session-presented" => Ok(kept(Reason::Noted, "session_seen")),
        _ => Ok(unknown()),
    }
}

/// A subject's own sign-out is a logout; whatever an administrator, a policy or the system ends was somebody else's.
fn session_revoked(claims: &Map<String, Value>, legacy: bool) -> EventMapping {
    let by = claims.get("initiating_entity").and_then(Value::as_str);
    // Okta names no initiator and says it in words.
    let told = || {
        claims
            .get("reason_admin")
            .and_then(|texts| texts.get("en"))
            .and_then(Value::as_str)
    };
    if by == Some("user") || (legacy && by.is_none() && told().is_some_and(|text| text.starts_with("User logout"))) {
        return act(Reason::Logout, Reason::Logout.priority(), Reach::Sessions);
    }
    act(Reason::Compromised, Priority::URGENT, Reach::NamedSession)
}

fn credential_change(credential: &str, change: &str) -> EventMapping {
    match change {
        "revoke" | "delete" => act(Reason::CredentialChanged, Priority::URGENT, Reach::Sessions),
        "update" if matches!(credential, "password" | "pin") => act(Reason::CredentialChanged, Priority::PROMPT, Reach::Sessions),
        "create" => kept(Reason::CredentialChanged, "credential_created"),
        _ => kept(Reason::CredentialChanged, "credential_change"),
    }
}

/// The levels are written in capitals by CAEP and in small letters by Okta, which also has `none`.
fn risk(principal: &str, level: &str) -> EventMapping {
    let mapping = match (principal, level.to_ascii_uppercase().as_str()) {
        (_, "LOW" | "NONE") => kept(Reason::RiskElevated, "risk_low"),
        ("USER", "HIGH") => act(Reason::Compromised, Priority::URGENT, Reach::NamedSession),
        ("SESSION", "HIGH") => act(Reason::Compromised, Priority::URGENT, Reach::Sessions),
        ("TENANT" | "ORG_UNIT" | "GROUP", _) => {
            held("many: the risk is a tenant's, group's or unit's, which is never widened to everybody")
        }
        (_, "HIGH" | "MEDIUM") => held("the issuer sees a risk below certainty"),
        _ => held("the issuer names a risk level that is not known here"),
    };
    EventMapping {
        device: principal == "DEVICE",
        ..mapping
    }
}

fn risc(name: &str, claims: &Map<String, Value>, legacy: bool) -> EventMapping {
    match name {
        "account-credential-change-required" | "credential-compromise" => {
            act(Reason::Compromised, Priority::URGENT, Reach::Everything)
        }
        "account-purged" => act(Reason::Departed, Priority::PROMPT, Reach::Everything),
        "account-disabled" => match claims.get("reason").and_then(Value::as_str) {
            Some("hijacking") => act(Reason::Compromised, Priority::URGENT, Reach::Everything),
            Some("bulk-account") => act(Reason::Compromised, Priority::PROMPT, Reach::Everything),
            _ => act(Reason::Suspended, Priority::PROMPT, Reach::Everything),
        },
        "account-enabled" => kept(Reason::Reactivated, "account_enabled"),
        "identifier-changed" => kept(Reason::Noted, "identifier_changed"),
        // The identifier is somebody else's now: to act on it would hit the new owner.
        "identifier-recycled" => kept(Reason::Noted, "identifier_recycled"),
        "opt-in" | "opt-out-initiated" | "opt-out-cancelled" => kept(Reason::Noted, "opt_out"),
        "opt-out-effective" => kept(
            Reason::Noted,
            "opt_out_effective: the issuer says nothing about this subject from now on",
        ),
        "recovery-activated" => held("the subject recovers the account at the issuer, which an intruder may do too"),
        "recovery-information-changed" => kept(Reason::Noted, "recovery_information_changed"),
        // Deprecated for CAEP's, and still sent by Google.
        "sessions-revoked" => EventMapping {
            reach: Reach::Everything,
            ..session_revoked(claims, legacy)
        },
        _ => unknown(),
    }
}

fn ssf(name: &str, claims: &Map<String, Value>) -> EventMapping {
    match (name, claims.get("status").and_then(Value::as_str)) {
        ("stream-updated", Some("paused" | "disabled")) => {
            kept(Reason::Noted, "stream_stopped: the issuer sends nothing from now on")
        }
        ("stream-updated", _) => kept(Reason::Noted, "stream_updated"),
        _ => unknown(),
    }
}

fn oauth(name: &str) -> EventMapping {
    match name {
        "tokens-revoked" => act(Reason::Logout, Priority::PROMPT, Reach::Everything),
        "token-revoked" => kept(Reason::Noted, "token_revoked: one token of the issuer's own"),
        _ => unknown(),
    }
}

/// The events that Okta has defined for those who report risks to it, and that others have taken over with its members: `current_level` and
/// `previous_level`, each `low`, `medium` or `high`.
fn okta(name: &str, claims: &Map<String, Value>) -> Result<EventMapping, String> {
    match name {
        "user-risk-change" => Ok(risk("USER", required(claims, "current_level")?)),
        "device-risk-change" => Ok(risk("DEVICE", required(claims, "current_level")?)),
        "ip-change" => Ok(kept(Reason::RiskElevated, "ip_change")),
        _ => Ok(unknown()),
    }
}

fn scim(name: &str, claims: &Map<String, Value>) -> EventMapping {
    let departed = || act(Reason::Departed, Priority::PROMPT, Reach::Everything);
    match name {
        "prov:deactivate" | "prov:delete" => departed(),
        "prov:activate" => kept(Reason::Reactivated, "scim_activate"),
        "prov:patch:full" | "prov:put:full" | "prov:create:full" => {
            if claims.get("data").is_some_and(deactivates) {
                departed()
            } else {
                kept(Reason::Noted, "scim_change")
            }
        }
        "prov:patch:notice" | "prov:put:notice" | "prov:create:notice" => kept(Reason::Noted, "scim_notice"),
        "feed:add" | "feed:remove" => kept(Reason::Noted, "scim_feed"),
        _ => unknown(),
    }
}

/// Whether the data of a SCIM change says `active: false`: as a resource, or as a `PatchOp` in either of its forms. Some clients write
/// the value as a text.
fn deactivates(data: &Value) -> bool {
    let off = |value: &Value| *value == Value::Bool(false) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false"));
    let operations = data.get("Operations").and_then(Value::as_array);
    let patched = operations.into_iter().flatten().any(|operation| {
        let named = operation
            .get("path")
            .and_then(Value::as_str)
            .is_some_and(|path| path.eq_ignore_ascii_case("active"));
        let value = operation.get("value");
        value.is_some_and(|value| (named && off(value)) || value.get("active").is_some_and(off))
    });
    patched || data.get("active").is_some_and(off)
}

fn act(reason: Reason, priority: Priority, reach: Reach) -> EventMapping {
    EventMapping {
        reason,
        priority,
        reach,
        disposition: Disposition::Act,
        device: false,
    }
}

fn held(why: &str) -> EventMapping {
    EventMapping {
        disposition: Disposition::Hold(why.to_owned()),
        ..act(Reason::RiskElevated, Reason::RiskElevated.priority(), Reach::Everything)
    }
}

fn kept(reason: Reason, why: &str) -> EventMapping {
    EventMapping {
        disposition: Disposition::Ignore(why.to_owned()),
        ..act(reason, Priority::ROUTINE, Reach::Everything)
    }
}

fn unknown() -> EventMapping {
    kept(Reason::Noted, UNKNOWN_TYPE)
}
