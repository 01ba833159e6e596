//! The errors of RFC 7644 section 3.12: the words of `scimType`, and why a request cannot be done as it is written.

/// The filter is not one, or too much of one.
pub(in crate::sources::scim) const INVALID_FILTER: &str = "invalidFilter";
/// A path is not one, or names what cannot be changed that way.
pub(in crate::sources::scim) const INVALID_PATH: &str = "invalidPath";
/// The body is not of the form of its message.
pub(in crate::sources::scim) const INVALID_SYNTAX: &str = "invalidSyntax";
/// A value is missing or not of its attribute's form.
pub(in crate::sources::scim) const INVALID_VALUE: &str = "invalidValue";
/// The attribute cannot be changed or removed.
pub(in crate::sources::scim) const MUTABILITY: &str = "mutability";
/// The path selects nothing.
pub(in crate::sources::scim) const NO_TARGET: &str = "noTarget";
/// Why a request cannot be done as it is written: 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::scim) struct ScimError {
    /// The word of RFC 7644's table 9.
    pub(in crate::sources::scim) word: &'static str,
    /// For the client and the trail. Quotes nothing of the request.
    pub(in crate::sources::scim) why: String,
}

/// A [`ScimError`].
pub(in crate::sources::scim) fn scim_error(word: &'static str, why: impl Into<String>) -> ScimError {
    ScimError { word, why: why.into() }
}
