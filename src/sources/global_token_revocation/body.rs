//! The body: `{"sub_id": {…}}`, a subject identifier of RFC 9493.

use super::answer::{ACCESS_DENIED, UNSUPPORTED_FORMAT, malformed, refusal};
use crate::jose::read_object;
use crate::model::Subject;
use crate::sources::whom::{Breadth, SubjectFault, SubjectRules};
use crate::sources::{Rejection, RejectionKind};

/// The formats that the draft names.
const FORMATS: [&str; 3] = ["email", "iss_sub", "opaque"];

/// Whom a body is about. Members beside `sub_id` are left to later versions of the draft.
///
/// # Errors
/// 400 where it is not of that form, holds a member twice or names its subject in another way; 403 where the issuer may not speak about
/// the subject.
pub(super) fn read(body: &[u8], rules: &SubjectRules) -> Result<Subject, Rejection> {
    let members = read_object(body).map_err(|why| malformed(format!("the body cannot be read: {why}")))?;
    let sub_id = members.get("sub_id").ok_or_else(|| malformed("sub_id is missing"))?;
    let unsupported = |why: &str| refusal(RejectionKind::Malformed, UNSUPPORTED_FORMAT, why);
    let format = sub_id.get("format").and_then(serde_json::Value::as_str);
    let format = format.ok_or_else(|| malformed("sub_id is not an object with a format"))?;
    if !FORMATS.contains(&format) {
        return Err(unsupported("the subject's format must be email, iss_sub or opaque"));
    }
    let whom = rules.read(sub_id, false, false).map_err(|fault| match fault {
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
