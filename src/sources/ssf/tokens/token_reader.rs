//! Reads one security event token (RFC 8417 under the profile of SSF 1.0) into a signal.

use std::time::Duration;

use serde_json::{Map, Value};

use super::event_mapping::{Event, Reach};
use super::identifier_changes;
use super::stream_events::StreamEvent;
use crate::digest::sha256;
use crate::jose::{Compact, date_in_either_unit, is_ahead, time_claim};
use crate::model::{Disposition, Priority, Reason, Renamed, Scope, Signal, Subject, Timestamp};
use crate::sources::shared::audience::Audience;
use crate::sources::shared::subject_identifiers::{EventSubject, SubjectRules};
use crate::sources::shared::trusted_issuer::{TokenHeader, TrustedIssuer, Untrusted};
use crate::sources::ssf::endpoint::answer::{INVALID_AUDIENCE, INVALID_ISSUER, malformed, refusal};
use crate::sources::{Rejection, RejectionKind};

/// The age from which a token no longer goes before planned work: what is older than a week waited in somebody's queue, and so can this.
pub const LATE: Duration = Duration::from_hours(7 * 24);
/// The longest `jti`, in characters.
const LONGEST_JTI: usize = 256;
/// The longest note, in characters.
const LONGEST_NOTE: usize = 1000;
/// How the `txn` of what we send ourselves begins.
pub const OUR_TXN: &str = crate::statement::TXN;

/// A token that is believed.
pub(in crate::sources::ssf) struct VerifiedToken {
    /// What it claims.
    pub(in crate::sources::ssf) signal: Signal,
    /// Its name.
    pub(in crate::sources::ssf) jti: String,
    /// What it says about the stream itself.
    pub(in crate::sources::ssf) stream_event: Option<StreamEvent>,
    /// What it says about a name that has changed hands.
    pub(in crate::sources::ssf) renamed: Option<Renamed>,
}

/// What a stream's tokens must be like.
pub(in crate::sources::ssf) struct TokenReader {
    /// The stream's issuer.
    pub(in crate::sources::ssf) issuer: TrustedIssuer,
    /// Our names, one of which must be in `aud`.
    pub(in crate::sources::ssf) audience: Audience,
    /// Whether the older form is taken: the subject inside the event, `exp`, `sub`, no `kid`, `http:` event types.
    pub(in crate::sources::ssf) legacy: bool,
    /// Whether `typ` may be missing or `JWT`.
    pub(in crate::sources::ssf) allow_untyped: bool,
    /// Whether a token that says what we have said is only kept.
    pub(in crate::sources::ssf) heeds_echoes: bool,
    /// The age at which a token is refused.
    pub(in crate::sources::ssf) max_age: Option<Duration>,
    /// How subjects are read.
    pub(in crate::sources::ssf) subjects: SubjectRules,
}

impl TokenReader {
    /// Checks `body` in the order of SSF's and SET's rules and says what it means. `critical` are the members of a complex subject that the
    /// transmitter wants understood, besides the config's.
    ///
    /// # Errors
    /// A refusal with the RFC's code.
    pub(in crate::sources::ssf) async fn read(
        &self,
        body: &[u8],
        critical: &[String],
        now: Timestamp,
    ) -> Result<VerifiedToken, Rejection> {
        let token = self.verified(body).await?;
        let claims = self.check_claims(&token.claims, now)?;
        let signal = self.signal(&token, &claims, critical, now)?;
        let event = Event::named(claims.uri, self.legacy);
        Ok(VerifiedToken {
            renamed: identifier_changes::of(&event, claims.event, &signal.subject),
            signal,
            jti: claims.jti.to_owned(),
            stream_event: StreamEvent::of(&event, claims.event, token.claims.get("sub_id"))?,
        })
    }

    /// Whether `body` is the issuer's and meant for us, whatever else it says.
    pub(in crate::sources::ssf) async fn proves(&self, body: &[u8]) -> bool {
        let token = self.verified(body).await;
        token.is_ok_and(|token| self.audience.is_named_by(token.claims.get("aud")))
    }

    /// The token in `body`, signed by the issuer.
    async fn verified<'b>(&self, body: &'b [u8]) -> Result<Compact<'b>, Rejection> {
        let header = TokenHeader {
            typ: "secevent+jwt",
            // No other kind of token has exactly one event in it, so that a missing type lets none in.
            untyped: self.allow_untyped,
            kid_optional: self.legacy,
        };
        self.issuer.verified(body, header).await.map_err(|untrusted| match untrusted {
            Untrusted::Token(error) => error.into(),
            Untrusted::OtherIssuer => {
                let why = "this stream is another issuer's";
                refusal(RejectionKind::Unauthenticated, INVALID_ISSUER, why)
            }
            Untrusted::NoIssuer => malformed("iss is missing or not a text"),
        })
    }

    /// What is weaker than it could be, each as a sentence for `revoked check`.
    pub(in crate::sources::ssf) fn cautions(&self) -> Vec<String> {
        let untyped = "allow_untyped takes tokens whose typ is missing or only says JWT: that they hold an event is all that tells them from the \
             issuer's other tokens; have the transmitter send typ secevent+jwt where it can";
        self.allow_untyped.then(|| untyped.to_owned()).into_iter().collect()
    }

    fn check_claims<'a>(&self, claims: &'a Map<String, Value>, now: Timestamp) -> Result<Checked<'a>, Rejection> {
        let issued_at = time_claim(claims, "iat").map_err(malformed)?;
        let issued_at = issued_at.ok_or_else(|| malformed("iat is missing"))?;
        if is_ahead(issued_at, now) {
            return Err(malformed("iat is in the future"));
        }
        if self.max_age.is_some_and(|age| now.since(issued_at) > age) {
            return Err(malformed("the token is older than this stream takes"));
        }
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        if jti.is_empty() || jti.chars().count() > LONGEST_JTI || jti.chars().any(char::is_control) {
            return Err(malformed("jti is missing, empty, too long or not a plain text"));
        }
        let not_before = time_claim(claims, "nbf").map_err(malformed)?;
        if not_before.is_some_and(|at| is_ahead(at, now)) {
            return Err(malformed("nbf is in the future"));
        }
        if !self.legacy {
            for (name, why) in [("exp", "exp must not be present"), ("sub", "sub must not be present")] {
                if claims.contains_key(name) {
                    return Err(malformed(why));
                }
            }
        }
        if !self.audience.is_named_by(claims.get("aud")) {
            let why = "aud does not name this receiver";
            return Err(refusal(RejectionKind::Unauthenticated, INVALID_AUDIENCE, why));
        }
        let events = claims.get("events").and_then(Value::as_object);
        let events = events.ok_or_else(|| malformed("events is missing or not an object"))?;
        let mut each = events.iter();
        let (Some((uri, event)), None) = (each.next(), each.next()) else {
            return Err(malformed("events must hold exactly one event"));
        };
        let event = event.as_object().ok_or_else(|| malformed("the event is not an object"))?;
        Ok(Checked {
            jti,
            issued_at,
            uri,
            event,
        })
    }

    fn signal(&self, token: &Compact<'_>, claims: &Checked<'_>, critical: &[String], now: Timestamp) -> Result<Signal, Rejection> {
        let subjects = self.subjects.heeding(critical);
        let event = Event::named(claims.uri, self.legacy);
        let mapping = event.mapping(claims.event, self.legacy).map_err(malformed)?;
        // Okta's own events hold their subject by their own definition, whichever form the token has.
        let older = self.legacy || event.is_okta();
        let sub_id = token.claims.get("sub_id");
        let sub_id = sub_id.or_else(|| older.then(|| claims.event.get("subject")).flatten());
        let whom = match (sub_id, &mapping.disposition) {
            (Some(sub_id), Disposition::Act | Disposition::Hold(_) | Disposition::Stays(_)) => {
                subjects.read(sub_id, older, mapping.device)?
            }
            // What is only kept needs no subject that can be read: an unknown event may be about anything.
            (Some(sub_id), Disposition::Ignore(_)) => {
                let read = subjects.read(sub_id, older, mapping.device);
                read.unwrap_or_else(|_| EventSubject::nobody("malformed", sub_id))
            }
            (None, Disposition::Ignore(_)) => EventSubject::nobody("none", &Value::Null),
            (None, _) => return Err(malformed("sub_id is missing")),
        };
        let mut signal = Signal::new(
            format!("{}|{}", self.issuer.name, claims.jti),
            sha256(&token.payload),
            whom.subject.clone(),
            mapping.reason,
        );
        signal.priority = mapping.priority;
        signal.scope = match mapping.reach {
            Reach::Sessions => Scope::AllSessions,
            Reach::NamedSession if whom.narrowed => Scope::AllSessions,
            Reach::Everything | Reach::NamedSession => Scope::Everything,
        };
        signal.disposition = whom.restrict(&mapping.disposition);
        signal.occurred_at = Some(occurred_at(&token.claims, claims, now));
        signal.requested_by = text(claims.event, "initiating_entity").map(|who| cut(who, 64));
        signal.txn = text(&token.claims, "txn").map(str::to_owned);
        let late = now.since(claims.issued_at) > LATE;
        if late {
            signal.priority = signal.priority.max(Priority::ROUTINE);
        }
        signal.note = Some(note(&token.claims, claims, sub_id, &whom, late));
        if self.heeds_echoes && text(&token.claims, "txn").is_some_and(|txn| txn.starts_with(OUR_TXN)) {
            // A transmitter that passes on what we have told it: acting on it again would go round for ever.
            signal.reason = Reason::Noted;
            signal.disposition = Disposition::Ignore("echo: it was this daemon that said so first".to_owned());
        }
        Ok(signal)
    }
}

/// The claims every token has, checked.
struct Checked<'a> {
    jti: &'a str,
    issued_at: Timestamp,
    uri: &'a str,
    event: &'a Map<String, Value>,
}

/// When it happened: the event's own word, then the token's, then when it was signed. A time that lies ahead is no word.
fn occurred_at(all: &Map<String, Value>, claims: &Checked<'_>, now: Timestamp) -> Timestamp {
    let said = [
        claims.event.get("event_timestamp"),
        all.get("toe"),
        claims.event.get("cause-time"),
    ];
    let times = said.into_iter().flatten().filter_map(|value| date_in_either_unit(value).ok());
    let past = times.into_iter().find(|at| !is_ahead(*at, now));
    past.unwrap_or(claims.issued_at)
}

/// One line for the people who read the case.
fn note(all: &Map<String, Value>, claims: &Checked<'_>, sub_id: Option<&Value>, whom: &EventSubject, late: bool) -> String {
    let mut parts = vec![claims.uri.rsplit('/').next().unwrap_or(claims.uri).to_owned()];
    parts.extend(reason_text(claims.event).map(str::to_owned));
    let ack_delivery = [
        "credential_type",
        "change_type",
        "current_level",
        "risk_reason",
        "reason",
        "new-value",
    ];
    let told = ack_delivery
        .iter()
        .filter_map(|name| Some(format!("{name} {}", text(claims.event, name)?)));
    parts.extend(told);
    parts.extend(text(all, "txn").map(|txn| format!("txn {txn}")));
    if late {
        parts.push(format!("sent more than a week late (issued {})", claims.issued_at));
    }
    if let (Some(sub_id), Subject::Unknown { .. }) = (sub_id, &whom.subject) {
        parts.push(format!("subject {sub_id}"));
    }
    cut(&parts.join("; "), LONGEST_NOTE)
}

/// The reason for administrators, else for users: English where there is one, else whatever comes first.
fn reason_text(event: &Map<String, Value>) -> Option<&str> {
    ["reason_admin", "reason_user"]
        .into_iter()
        .find_map(|name| match event.get(name)? {
            Value::String(text) => Some(text.as_str()),
            Value::Object(texts) => texts.get("en").or_else(|| texts.values().next())?.as_str(),
            _ => None,
        })
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// The first `longest` characters, control characters and those that turn text around replaced.
fn cut(text: &str, longest: usize) -> String {
    let plain = |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .take(longest)
        .map(|c| if plain(c) { c } else { '\u{fffd}' })
        .collect()
}
