//! Names of HTTP headers, as a config writes them.

use ::http::header::HeaderName;

use super::Fault;

/// The header of that name.
pub(super) fn header(key: &'static str, name: &str, faults: &mut Vec<Fault>) -> Option<HeaderName> {
    let read = name.parse().ok();
    if read.is_none() {
        faults.push((key, format!("{name:?} is not the name of a header")));
    }
    read
}
