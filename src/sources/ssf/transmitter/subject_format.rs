//! Our subjects in the words of RFC 9493, for a transmitter that is to be told whom a stream is about.

use serde_json::{Value, json};

use crate::model::Subject;

/// A subject as a transmitter reads it. `None` for one that no standard format can say, and for several names at once: a transmitter
/// takes each of them.
#[must_use]
pub fn subject_identifier(subject: &Subject) -> Option<Value> {
    Some(match subject {
        Subject::Email(address) => json!({"format": "email", "email": address}),
        Subject::Account(account) => json!({"format": "account", "uri": format!("acct:{account}")}),
        Subject::IssSub { iss, sub } => json!({"format": "iss_sub", "iss": iss, "sub": sub}),
        Subject::Opaque(id) => json!({"format": "opaque", "id": id}),
        Subject::PhoneNumber(number) => json!({"format": "phone_number", "phone_number": number}),
        Subject::Did(url) => json!({"format": "did", "url": url}),
        Subject::Uri(uri) => json!({"format": "uri", "uri": uri}),
        Subject::Username(_) | Subject::EmployeeId(_) | Subject::Credential(_) | Subject::Aliases(_) | Subject::Unknown { .. } => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::shared::subject_identifiers::{Breadth, SubjectRules};

    #[test]
    fn what_is_written_reads_back_as_the_same_subject() {
        for name in [
            "email:alice@example.org",
            "account:alice@example.org",
            "iss_sub:https://idp.example.org#a#b",
            "phone_number:+12065550123",
        ] {
            let subject: Subject = name.parse().unwrap();
            let read = SubjectRules::default()
                .read(&subject_identifier(&subject).unwrap(), false, false)
                .unwrap();
            assert_eq!((read.subject, read.breadth), (subject, Breadth::Person), "{name}");
        }
        assert_eq!(subject_identifier(&"username:alice".parse().unwrap()), None);
    }
}
