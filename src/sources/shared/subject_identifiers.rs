//! Whom an event is about: the subject identifiers of RFC 9493 and the complex subjects of SSF 1.0, read into our subjects.
//!
//! What an issuer calls a session, a device or a tenant means nothing at a target. A session or device of a named person widens to that
//! person; one without a person, and a whole tenant or group, never widens to anybody: it is held or kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::http_answers::{ACCESS_DENIED, INVALID_REQUEST, refusal};
use crate::digest::{hex, sha256};
use crate::model::{Disposition, LONGEST_SUBJECT, Subject};
use crate::sources::{Rejection, RejectionKind};

/// How a stream's subjects are read.
#[derive(Debug, Clone, Default)]
pub(in crate::sources) struct SubjectRules {
    /// The issuers whose names may be used in `iss_sub`; `None` for any.
    pub(in crate::sources) issuers: Option<Vec<String>>,
    /// Members of a complex subject that must be understood, else the event is discarded.
    pub(in crate::sources) critical: Vec<String>,
    /// What the `sub` of an `iss_sub` is.
    pub(in crate::sources) iss_sub: IdentifierKind,
    /// What the `id` of an `opaque` is.
    pub(in crate::sources) opaque: IdentifierKind,
}

/// What an issuer's identifier is at our targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sources) enum IdentifierKind {
    /// The issuer's own name: `iss_sub` is kept as it is, `opaque` cannot be resolved.
    #[default]
    Issuers,
    /// An e-mail address.
    Email,
    /// A login name.
    Username,
    /// The account's own id at the target.
    AccountId,
    /// The HR system's number.
    EmployeeId,
}

/// The key `subjects` of a source: what its issuer's identifiers are at our targets.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sources) struct IdentifierKinds {
    /// What the `sub` of an `iss_sub` is.
    #[serde(default)]
    pub(in crate::sources) iss_sub: IdentifierKind,
    /// What the `id` of an `opaque` is.
    #[serde(default)]
    pub(in crate::sources) opaque: IdentifierKind,
}

/// Why a subject is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources) enum SubjectFault {
    /// It is not of its format's form.
    Malformed(String),
    /// Its issuer is not among those allowed.
    Denied,
}

impl From<SubjectFault> for Rejection {
    fn from(fault: SubjectFault) -> Self {
        match fault {
            SubjectFault::Malformed(why) => refusal(RejectionKind::Malformed, INVALID_REQUEST, why),
            SubjectFault::Denied => {
                let why = "this stream may not speak about subjects of that issuer";
                refusal(RejectionKind::Unauthenticated, ACCESS_DENIED, why)
            }
        }
    }
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources) struct EventSubject {
    /// The person, or something that is never resolved.
    pub(in crate::sources) subject: Subject,
    /// How much it covers.
    pub(in crate::sources) breadth: Breadth,
    /// Whether the event is about one session or device of that person only.
    pub(in crate::sources) narrowed: bool,
}

/// How much a subject covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources) enum Breadth {
    /// One person.
    Person,
    /// Something that cannot be resolved, and what.
    Unresolved(&'static str),
    /// A session of the issuer's, without its person.
    Session,
    /// A device, without a person.
    Device,
    /// A tenant, group or unit: many people.
    Many,
    /// It holds a member that must be understood and is not.
    Critical,
}

/// The members of a complex subject that are understood.
const MEMBERS: [&str; 7] = ["user", "device", "session", "application", "tenant", "org_unit", "group"];

/// How many names one person may come with.
const MOST_ALIASES: usize = 16;

impl SubjectRules {
    /// The same rules, with more members that must be understood.
    pub(in crate::sources) fn heeding(&self, critical: &[String]) -> Cow<'_, Self> {
        if critical.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut rules = self.clone();
        rules.critical.extend_from_slice(critical);
        Cow::Owned(rules)
    }

    /// Reads `sub_id`. In the `legacy` form `subject_type` stands for `format`. Where the event is about a `device`, a simple subject
    /// names that and not a person.
    ///
    /// # Errors
    /// [`SubjectFault`], where it is not of its format's form or names a forbidden issuer. A format that is not known is no fault.
    pub(in crate::sources) fn read(&self, sub_id: &Value, legacy: bool, device: bool) -> Result<EventSubject, SubjectFault> {
        let members = object(sub_id)?;
        let format = format_of(members, legacy);
        if format == Some("complex") || (format.is_none() && legacy && MEMBERS.iter().any(|name| members.contains_key(*name))) {
            return self.complex(sub_id, members, legacy);
        }
        if device {
            return Ok(EventSubject {
                breadth: Breadth::Device,
                ..EventSubject::nobody("device", sub_id)
            });
        }
        self.simple(sub_id, legacy)
    }

    fn complex(&self, whole: &Value, members: &Map<String, Value>, legacy: bool) -> Result<EventSubject, SubjectFault> {
        let has = |name: &str| members.contains_key(name);
        let understood = |name: &str, member: &Value| {
            let format = member.as_object().and_then(|member| format_of(member, legacy));
            MEMBERS.contains(&name) && format.is_some_and(known)
        };
        let critical = |name: &String| self.critical.contains(name);
        if members
            .iter()
            .any(|(name, member)| critical(name) && !understood(name, member))
        {
            return Ok(EventSubject {
                breadth: Breadth::Critical,
                ..EventSubject::nobody("complex", whole)
            });
        }
        if let Some(person) = members.get("user") {
            let whom = self.simple(person, legacy)?;
            return Ok(EventSubject {
                narrowed: has("session") || has("device") || has("application"),
                ..whom
            });
        }
        let breadth = if has("session") {
            Breadth::Session
        } else if has("device") {
            Breadth::Device
        } else if has("tenant") || has("org_unit") || has("group") {
            Breadth::Many
        } else {
            Breadth::Unresolved("a complex subject without a user")
        };
        Ok(EventSubject {
            breadth,
            ..EventSubject::nobody("complex", whole)
        })
    }

    fn simple(&self, value: &Value, legacy: bool) -> Result<EventSubject, SubjectFault> {
        let members = object(value)?;
        let format = format_of(members, legacy).ok_or_else(|| fault("the subject names no format"))?;
        if format == "aliases" {
            return self.aliases(value, members, legacy);
        }
        let text = |name: &str| {
            let member = members.get(name).and_then(Value::as_str);
            member.ok_or_else(|| fault(&format!("the subject's {name} is missing or not a text")))
        };
        let unresolved = |what| EventSubject {
            breadth: Breadth::Unresolved(what),
            ..EventSubject::nobody(format, value)
        };
        let subject = match format {
            "email" => named("email", text("email")?)?,
            "account" => {
                let uri = text("uri")?;
                named(
                    "account",
                    uri.strip_prefix("acct:")
                        .ok_or_else(|| fault("an account's uri must begin with acct:"))?,
                )?
            }
            // The older form of RISC names the member after the type.
            "phone_number" => named(
                "phone_number",
                text("phone_number").or_else(|error| text("phone").map_err(|_| error))?,
            )?,
            "iss_sub" => self.iss_sub(text("iss")?, text("sub")?)?,
            "opaque" => match self.opaque {
                IdentifierKind::Issuers => {
                    text("id")?;
                    return Ok(unresolved("an opaque identifier of the issuer's own"));
                }
                means => named(means.word(), text("id")?)?,
            },
            "id_token_claims" => {
                let mut names = vec![self.iss_sub(text("iss")?, text("sub")?)?];
                if members.contains_key("email") {
                    names.push(named("email", text("email")?)?);
                }
                together(names)
            }
            "did" => return Ok(unresolved("a decentralised identifier")),
            "uri" | "scim" => return Ok(unresolved("a URI")),
            "ip-addresses" => return Ok(unresolved("an IP address, which is nobody's name")),
            "jwt_id" | "saml_assertion_id" => {
                return Ok(EventSubject {
                    breadth: Breadth::Session,
                    ..EventSubject::nobody(format, value)
                });
            }
            "complex" => return Err(fault("a complex subject stands inside another")),
            _ => return Ok(unresolved("a subject format that is not known here")),
        };
        Ok(EventSubject {
            subject,
            breadth: Breadth::Person,
            narrowed: false,
        })
    }

    fn aliases(&self, whole: &Value, members: &Map<String, Value>, legacy: bool) -> Result<EventSubject, SubjectFault> {
        let list = members.get("identifiers").and_then(Value::as_array);
        let list = list
            .filter(|list| !list.is_empty())
            .ok_or_else(|| fault("aliases without identifiers"))?;
        if list.len() > MOST_ALIASES {
            return Err(fault("aliases hold more than 16 identifiers"));
        }
        let mut names = Vec::new();
        for one in list {
            if format_of(object(one)?, legacy) == Some("aliases") {
                return Err(fault("aliases stand inside aliases"));
            }
            let whom = self.simple(one, legacy)?;
            if whom.breadth == Breadth::Person && !names.contains(&whom.subject) {
                names.push(whom.subject);
            }
        }
        if names.is_empty() {
            return Ok(EventSubject {
                breadth: Breadth::Unresolved("aliases of which none can be resolved"),
                ..EventSubject::nobody("aliases", whole)
            });
        }
        Ok(EventSubject {
            subject: together(names),
            breadth: Breadth::Person,
            narrowed: false,
        })
    }

    fn iss_sub(&self, iss: &str, sub: &str) -> Result<Subject, SubjectFault> {
        if self
            .issuers
            .as_ref()
            .is_some_and(|allowed| !allowed.iter().any(|one| one == iss))
        {
            return Err(SubjectFault::Denied);
        }
        match self.iss_sub {
            IdentifierKind::Issuers => Subject::iss_sub(iss, sub).map_err(|_| fault("the subject is not a valid iss_sub")),
            means => named(means.word(), sub),
        }
    }
}

impl EventSubject {
    /// Somebody who is never resolved: the identifier's digest stands for it.
    pub(in crate::sources) fn nobody(format: &str, identifier: &Value) -> Self {
        let digest = sha256(identifier.to_string().as_bytes());
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        Self {
            subject: Subject::Unknown {
                format: format.chars().filter(plain).take(40).collect(),
                digest: hex(&digest),
            },
            breadth: Breadth::Unresolved("nobody"),
            narrowed: false,
        }
    }

    /// What becomes of the event's wish under the breadth of its subject: nothing that is not one known person is acted on by itself.
    pub(in crate::sources) fn restrict(&self, disposition: &Disposition) -> Disposition {
        let why = match (&self.breadth, disposition) {
            (Breadth::Critical, _) => {
                return Disposition::Ignore(
                    "discarded_critical_subject: the subject holds a critical member that is not understood".to_owned(),
                );
            }
            (Breadth::Person, _) | (_, Disposition::Ignore(_)) => return disposition.clone(),
            (Breadth::Device, _) => return Disposition::Ignore("device_only: the event names a device and no person".to_owned()),
            (Breadth::Unresolved(what), _) => format!("unresolved: the event names {what}"),
            (Breadth::Session, _) => {
                "session_only: the event names a session of the issuer's and no person, and no target knows that session".to_owned()
            }
            (Breadth::Many, _) => {
                "many: the event names a tenant, group or unit, which is never widened to everybody in it".to_owned()
            }
        };
        match disposition {
            Disposition::Hold(first) => Disposition::Hold(format!("{first}; {why}")),
            _ => Disposition::Hold(why),
        }
    }
}

impl IdentifierKind {
    /// The word before the colon of a subject's canonical form.
    const fn word(self) -> &'static str {
        match self {
            Self::Issuers => "iss_sub",
            Self::Email => "email",
            Self::Username => "username",
            Self::AccountId => "opaque",
            Self::EmployeeId => "employee_id",
        }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, SubjectFault> {
    value.as_object().ok_or_else(|| fault("the subject is not an object"))
}

fn fault(why: &str) -> SubjectFault {
    SubjectFault::Malformed(why.to_owned())
}

/// The `format`, in the words of RFC 9493.
fn format_of(members: &Map<String, Value>, legacy: bool) -> Option<&str> {
    let format = members.get("format").and_then(Value::as_str);
    let older = || members.get("subject_type").and_then(Value::as_str).filter(|_| legacy);
    format.or_else(older).map(|format| match format {
        "iss-sub" if legacy => "iss_sub",
        "phone" if legacy => "phone_number",
        "id-token-claims" if legacy => "id_token_claims",
        other => other,
    })
}

fn known(format: &str) -> bool {
    matches!(
        format,
        "email" | "account" | "phone_number" | "iss_sub" | "opaque" | "aliases" | "id_token_claims" | "did" | "uri" | "scim"
    ) || matches!(format, "ip-addresses" | "jwt_id" | "saml_assertion_id")
}

/// A subject by its word, with the model's checks. The complaint says which format, not which value.
fn named(word: &str, value: &str) -> Result<Subject, SubjectFault> {
    let read = Some(value).filter(|value| value.len() <= LONGEST_SUBJECT);
    let read = read.and_then(|value| format!("{word}:{value}").parse().ok());
    read.ok_or_else(|| fault(&format!("the subject is not a valid {word}")))
}

fn together(mut names: Vec<Subject>) -> Subject {
    match (names.pop(), names.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            names.extend(last);
            Subject::Aliases(names)
        }
    }
}
