//! Errors as callers see them: `application/problem+json` (RFC 9457), for the page the same in words.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::single_sign_on::Refused;
use crate::api::Problem;
use crate::model::{Role, error_chain};
use crate::store::StoreError;

/// Why a request is not answered as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) Problem);

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Problem::new(status, detail))
    }

    /// Nobody whom we know asks.
    pub(super) fn unknown_caller() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "this needs a token (Authorization: Bearer …), a session of the page, or the socket of a role",
        )
    }

    /// Somebody asks who may not.
    pub(super) fn role(has: Role, needs: Role) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!("this needs the role {needs}, and you have {has}"),
        )
    }

    /// Whoever an OpenID provider vouches for, or does not.
    pub(super) fn vouched(why: Refused) -> Self {
        match why {
            Refused::NotBelieved(why) => Self::new(StatusCode::UNAUTHORIZED, format!("the token is not believed: {why}")),
            Refused::NoRole => Self::new(
                StatusCode::FORBIDDEN,
                "none of the groups that the OpenID provider names has a role here",
            ),
            Refused::NotNow(why, wait) => Self(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after(wait)),
        }
    }

    /// Too much is asked.
    pub(super) fn too_many(wait: Duration) -> Self {
        Self(
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "you ask too much at once; wait as Retry-After says",
            )
            .retry_after(wait),
        )
    }

    /// What was sent can be read, and means nothing here.
    pub(super) fn meaningless(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, why.to_string())
    }

    /// What was sent cannot be read.
    pub(super) fn unreadable(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            StoreError::Refused(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            StoreError::Full | StoreError::Busy | StoreError::Stopped | StoreError::Unread => {
                tracing::error!(error = %error_chain(&error), "the store did not answer a request");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            _ => {
                tracing::error!(error = %error_chain(&error), "the store did not answer a request");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the store could not do this; the log says why, under this request's id",
                )
            }
        }
    }
}
