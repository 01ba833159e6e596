//! Why somebody is not let in. The texts go to whoever asks, and quote no token.

use std::time::Duration;

use crate::jose::TokenError;

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Refused {
    /// The provider cannot be asked at this time.
    NotNow(String, Duration),
    /// What was shown is not believed.
    NotBelieved(String),
    /// It is believed, and none of the groups has a role.
    NoRole,
}

/// When to try again where the provider does not answer.
const AGAIN: Duration = Duration::from_secs(30);

impl Refused {
    pub(super) fn unbelieved(why: impl Into<String>) -> Self {
        Self::NotBelieved(why.into())
    }

    pub(super) fn unasked(error: &anyhow::Error) -> Self {
        Self::NotNow(format!("the OpenID provider cannot be asked: {error:#}"), AGAIN)
    }
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::KeysUnavailable(wait) | TokenError::UnknownKey(wait) => Self::NotNow(error.to_string(), wait),
            _ => Self::NotBelieved(error.to_string()),
        }
    }
}
