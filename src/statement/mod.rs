//! CAEP 1.0 statements about what a verdict proved: the pure rule from a [`Proof`] to what may be said to a receiver. No clock, no store, no
//! key: everything it knows stands in its arguments.
//!
//! A statement says no more than was seen. It is made for the verdict `contained` alone: `unverified` and `failed` prove nothing, of
//! `no_principal` there is nothing to tell, and while something is `residual` it is not over. Reading order: [`statements`] here, the
//! receiver's wishes in `receiver`, how it understands people in `subject_form`.

use serde_json::{Map, Value, json};

use crate::model::{CaseId, Containment, GrantKind, PasswordReset, Reason, Scope, Subject, Timestamp, Verdict};

mod receiver;
mod subject_form;
#[cfg(test)]
mod tests;

pub use receiver::{EventType, Receiver};
pub use subject_form::SubjectForm;

/// The prefix of `txn` in everything that `revoked` says: whoever also listens to us knows our own words by it.
pub const TXN: &str = "revoked:";

/// What is known when a case closes.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The case.
    pub case: CaseId,
    /// Why it was opened.
    pub reason: Reason,
    /// What it is about.
    pub scope: Scope,
    /// How each source whose signals belong to it named the person, the first first. A person who was erased meanwhile has no name.
    pub said: Vec<(String, Subject)>,
    /// Every source whose signals belong to it.
    pub sources: Vec<String>,
    /// Further names that are known to be the same person's.
    pub known: Vec<Subject>,
    /// Whether an operator asked for it.
    pub by_operator: bool,
    /// The newest job of each target.
    pub targets: Vec<TargetProof>,
}

/// What was proved at one target.
#[derive(Debug, Clone)]
pub struct TargetProof {
    /// The target's name.
    pub target: String,
    /// What was demanded there.
    pub containment: Containment,
    /// What the second observation proved.
    pub verdict: Verdict,
    /// When that observation was complete.
    pub seen_at: Option<Timestamp>,
    /// When the target accepted a password that nobody knows, where it did and this was not said before.
    pub password_reset_at: Option<Timestamp>,
}

/// Something that may be said: one event of a security event token.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What kind of event.
    pub event: EventType,
    sub_id: Value,
    claims: Value,
    txn: Option<String>,
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// The receiver is not meant: another source, another reason, or an event that it does not want.
    NotSubscribed,
    /// Nothing that a standard event expresses was proved.
    NotProved,
    /// The person, or the session, has no name that the receiver understands.
    NoSubjectIdentifier,
}

/// What `proof` lets us say to `receiver`, in the order in which it is to be sent.
///
/// # Errors
/// Why nothing may be said.
pub fn statements(proof: &Proof, receiver: &Receiver) -> Result<Vec<Statement>, NotSent> {
    if !receiver.subscribes_to(proof) {
        return Err(NotSent::NotSubscribed);
    }
    let proved = proved(proof).ok_or(NotSent::NotProved)?;
    let mut said: Vec<(EventType, Scope, Value)> = Vec::new();
    if receiver.events.contains(&EventType::SessionRevoked) {
        said.extend(sessions(proof, &proved));
    }
    if receiver.events.contains(&EventType::CredentialChange) {
        said.extend(password(proof, &proved));
    }
    if said.is_empty() {
        return Err(NotSent::NotProved);
    }
    let person = receiver.subject.of(proof, receiver).ok_or(NotSent::NoSubjectIdentifier)?;
    let named = said.into_iter().map(|(event, scope, claims)| {
        Some(Statement {
            event,
            sub_id: narrowed(&person, &scope, receiver)?,
            claims,
            txn: Some(format!("{TXN}{}", proof.case)),
        })
    });
    named.collect::<Option<Vec<_>>>().ok_or(NotSent::NoSubjectIdentifier)
}

/// The handshake of a stream: that it is alive, with the `state` that was asked for. Without one it is unsolicited.
#[must_use]
pub fn verification(receiver: &Receiver, state: Option<&str>) -> Statement {
    Statement {
        event: EventType::Verification,
        sub_id: json!({ "format": "opaque", "id": receiver.name }),
        claims: state.map_or_else(|| json!({}), |state| json!({ "state": state })),
        txn: None,
    }
}

impl Statement {
    /// The claims of the token, as text: `jti` names it for ever, `at` is when it is issued. No `sub` and no `exp` (SSF 1.0), exactly one
    /// event (the CAEP interoperability profile).
    #[must_use]
    pub fn text(&self, receiver: &Receiver, jti: &str, at: Timestamp) -> String {
        let mut claims = json!({
            "iss": receiver.issuer,
            "aud": receiver.audience,
            "jti": jti,
            "iat": seconds(at),
            "sub_id": self.sub_id,
            "events": { self.event.uri(): self.claims },
        });
        if let Some(txn) = &self.txn {
            claims["txn"] = txn.as_str().into();
        }
        claims.to_string()
    }
}

/// The targets at which containment was proved; `None` where anything else was proved anywhere.
fn proved(proof: &Proof) -> Option<Vec<&TargetProof>> {
    let mut contained = Vec::new();
    for at in &proof.targets {
        match at.verdict {
            Verdict::Contained => contained.push(at),
            // A person without an account there is no blemish on the proof elsewhere.
            Verdict::NoPrincipal { .. } => {}
            Verdict::Unverified { .. } | Verdict::Residual { .. } | Verdict::Failed { .. } | Verdict::Released { .. } => {
                return None;
            }
        }
    }
    (!contained.is_empty()).then_some(contained)
}

/// That sessions are gone: where they were part of what was demanded, and an observation of known time showed none.
fn sessions(proof: &Proof, proved: &[&TargetProof]) -> Option<(EventType, Scope, Value)> {
    let covered: Vec<&&TargetProof> = proved
        .iter()
        .filter(|at| at.containment.demands(GrantKind::Session))
        .collect();
    let seen = covered.iter().map(|at| at.seen_at).collect::<Option<Vec<_>>>()?;
    let last = seen.into_iter().max()?;
    let places = places(covered.iter().map(|at| at.target.as_str()));
    let what = match proof.scope {
        Scope::Session(_) => "this session is not there any more",
        Scope::Everything | Scope::AllSessions => "no session is left",
        Scope::AccessToken(_) | Scope::Leaked => return None,
    };
    let claims = event(
        proof,
        last,
        &format!("case {} of revoked: a second look at {places} found that {what}", proof.case),
    );
    Some((EventType::SessionRevoked, proof.scope.clone(), claims))
}

/// That the password is another one: where the target accepted the change. No observation shows a password, and the statement says so.
fn password(proof: &Proof, proved: &[&TargetProof]) -> Option<(EventType, Scope, Value)> {
    let reset: Vec<(&str, Timestamp)> = proved
        .iter()
        .filter(|at| at.containment.reset_password != PasswordReset::Never)
        .filter_map(|at| Some((at.target.as_str(), at.password_reset_at?)))
        .collect();
    let last = reset.iter().map(|(_, at)| *at).max()?;
    let places = places(reset.iter().map(|(target, _)| *target));
    let why = format!(
        "case {} of revoked: {places} accepted a password that nobody knows (a password cannot be looked at)",
        proof.case
    );
    let mut claims = event(proof, last, &why);
    claims["credential_type"] = "password".into();
    claims["change_type"] = "update".into();
    Some((EventType::CredentialChange, Scope::Everything, claims))
}

/// The claims that every CAEP event may have.
fn event(proof: &Proof, at: Timestamp, why: &str) -> Value {
    let initiating = if proof.by_operator {
        "admin"
    } else if proof.reason == Reason::Logout {
        "user"
    } else {
        "policy"
    };
    json!({
        "event_timestamp": seconds(at),
        "initiating_entity": initiating,
        "reason_admin": { "en": why },
    })
}

/// The subject of a statement about one session: complex, and only for a receiver that is known to read it. Read as a person's, it would end
/// all that the person has.
fn narrowed(person: &Value, scope: &Scope, receiver: &Receiver) -> Option<Value> {
    match scope {
        Scope::Session(id) if receiver.single_sessions => {
            let mut complex = Map::new();
            complex.insert("format".to_owned(), "complex".into());
            complex.insert("user".to_owned(), person.clone());
            complex.insert("session".to_owned(), json!({ "format": "opaque", "id": id }));
            Some(Value::Object(complex))
        }
        Scope::Session(_) | Scope::AccessToken(_) | Scope::Leaked => None,
        Scope::Everything | Scope::AllSessions => Some(person.clone()),
    }
}

fn places<'a>(targets: impl Iterator<Item = &'a str>) -> String {
    targets.collect::<Vec<_>>().join(" and ")
}

const fn seconds(at: Timestamp) -> i64 {
    at.ms().div_euclid(1000)
}
