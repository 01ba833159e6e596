//! How a receiver understands people: which of a subject's names it is told, and in which RFC 9493 form.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Proof, Receiver};
use crate::model::Subject;

/// The form of name that a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectForm {
    /// The names under which the receiver's sources reported the person, where they have a form of RFC 9493.
    #[default]
    AsReceived,
    /// An `email` subject: as received, or known to be the same person's.
    Email,
    /// An `iss_sub` subject: as received, or known to be the same person's.
    IssSub,
}

impl SubjectForm {
    /// The subject identifier for `receiver`; `None` where the person has no name that it understands.
    pub(super) fn of(self, proof: &Proof, receiver: &Receiver) -> Option<Value> {
        // What a receiver's own sources have said comes first: it knows the person by that.
        let (own, others): (Vec<_>, Vec<_>) = proof
            .said
            .iter()
            .partition(|(source, _)| receiver.sources.is_empty() || receiver.sources.contains(source));
        let own = own.into_iter().flat_map(|(_, subject)| subject.names());
        let others = others.into_iter().flat_map(|(_, subject)| subject.names());
        match self {
            Self::Email => {
                let mut all = own.chain(others).chain(&proof.known);
                all.find(|name| matches!(name, Subject::Email(_))).and_then(plain)
            }
            Self::IssSub => {
                let mut all = own.chain(others).chain(&proof.known);
                all.find(|name| matches!(name, Subject::IssSub { .. })).and_then(plain)
            }
            Self::AsReceived => {
                let mut told: Vec<Value> = Vec::new();
                // A name that only its issuer can read goes back to that issuer, or to nobody.
                for name in own.filter(|name| !receiver.sources.is_empty() || !matches!(name, Subject::Opaque(_))) {
                    told.extend(plain(name).filter(|value| !told.contains(value)));
                }
                match told.len() {
                    0 => None,
                    1 => told.into_iter().next(),
                    _ => Some(json!({ "format": "aliases", "identifiers": told })),
                }
            }
        }
    }
}

/// A simple subject as RFC 9493 writes it. Our own forms, and those that we did not understand, have none.
fn plain(name: &Subject) -> Option<Value> {
    Some(match name {
        Subject::Email(email) => json!({ "format": "email", "email": email }),
        Subject::Account(account) => json!({ "format": "account", "uri": format!("acct:{account}") }),
        Subject::IssSub { iss, sub } => json!({ "format": "iss_sub", "iss": iss, "sub": sub }),
        Subject::Opaque(id) => json!({ "format": "opaque", "id": id }),
        Subject::PhoneNumber(number) => json!({ "format": "phone_number", "phone_number": number }),
        Subject::Did(url) => json!({ "format": "did", "url": url }),
        Subject::Uri(uri) => json!({ "format": "uri", "uri": uri }),
        Subject::Username(_) | Subject::EmployeeId(_) | Subject::Credential(_) | Subject::Aliases(_) | Subject::Unknown { .. } => {
            return None;
        }
    })
}
