//! The body: `{"sub_id": {…}}`, a subject identifier of RFC 9493. Some senders' guides call the member `subject`.

use serde_json::Value;

use super::answer::{ACCESS_DENIED, UNSUPPORTED_FORMAT, malformed, refusal};
use crate::jose::read_object;
use crate::model::Subject;
use crate::sources::shared::subject_identifiers::{Breadth, SubjectFault, SubjectRules};
use crate::sources::{Rejection, RejectionKind};

/// The formats that the draft names.
const FORMATS: [&str; 3] = ["email", "iss_sub", "opaque"];

/// Whom a body is about. Members beside `sub_id` and `subject` are left to later versions of the draft.
///
/// # Errors
/// 400 where it is not of that form, holds a member twice, names its subject in another way or names two people; 403 where the issuer may
/// not speak about the subject.
pub(super) fn read(body: &[u8], rules: &SubjectRules) -> Result<Subject, Rejection> {
    let members = read_object(body).map_err(|why| malformed(format!("the body cannot be read: {why}")))?;
    let member = |name| members.get(name).filter(|value| !value.is_null()).map(|value| (name, value));
    let mut named = ["sub_id", "subject"].into_iter().filter_map(member);
    let Some((name, value)) = named.next() else {
        return Err(malformed("sub_id is missing"));
    };
    let subject = subject(name, value, rules)?;
    if let Some((name, value)) = named.next()
        && self::subject(name, value, rules)? != subject
    {
        // Whichever was meant, the other one would be logged out by half a mistake.
        return Err(malformed("sub_id and subject name two people"));
    }
    Ok(subject)
}

fn subject(name: &str, value: &Value, rules: &SubjectRules) -> Result<Subject, Rejection> {
    let unsupported = |why: &str| refusal(RejectionKind::Malformed, UNSUPPORTED_FORMAT, why);
    let format = value.get("format").and_then(Value::as_str);
    let format = format.ok_or_else(|| malformed(format!("{name} is not an object with a format")))?;
    if !FORMATS.contains(&format) {
        return Err(unsupported("the subject's format must be email, iss_sub or opaque"));
    }
    let whom = rules.read(value, false, false).map_err(|fault| match fault {
        SubjectFault::Malformed(why) => malformed(why),
        SubjectFault::Denied => {
            let why = "this issuer may not speak about subjects of that one";
            refusal(RejectionKind::Unauthenticated, ACCESS_DENIED, why)
        }
    })?;
    // Unlike `iss_sub` it does not even say whose name it is, so nobody could ever be found by it: a yes would be a false one.
    match whom.breadth {
        Breadth::Person => Ok(whom.subject),
        _ => Err(unsupported(
            "opaque subjects mean nothing here unless the operator sets subjects.opaque",
        )),
    }
}
