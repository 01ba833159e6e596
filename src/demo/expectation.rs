//! One expectation, with whether it held and what was seen.

use std::borrow::Cow;

use serde::Serialize;

/// One expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What was expected: a short name, stable.
    pub name: Cow<'static, str>,
    /// Whether it held.
    pub held: bool,
    /// What was seen.
    pub why: String,
}

pub(super) fn expect(name: impl Into<Cow<'static, str>>, held: bool, why: String) -> Expectation {
    Expectation {
        name: name.into(),
        held,
        why,
    }
}

/// What is wrong, or what there is to say where nothing is.
pub(super) fn or<T: AsRef<str>>(wrong: &[T], fine: impl FnOnce() -> String) -> String {
    if wrong.is_empty() {
        return fine();
    }
    let wrong: Vec<&str> = wrong.iter().map(AsRef::as_ref).collect();
    wrong.join(", ")
}
