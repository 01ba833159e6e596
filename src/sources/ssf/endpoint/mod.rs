//! Where tokens are pushed to (RFC 8935): `request_checks` (method, media type, size, `Authorization`) and `answer` (202, or the error codes).

pub(super) mod answer;
pub(super) mod request_checks;
