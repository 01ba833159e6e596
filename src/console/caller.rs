//! Who asks, and by what it is known.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::refusal::Refusal;
use crate::api::ClientKey;
use crate::model::{Actor, Role};

/// By which listener a connection came, and what that alone says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entrance {
    /// By the socket of a role: the kernel says who opened it.
    Socket {
        /// The socket's.
        role: Role,
        /// The kernel's word.
        uid: u32,
    },
    /// Over the network.
    Network {
        /// Who that is, where nothing proves it.
        client: ClientKey,
    },
}

/// By what a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// By the kernel.
    Socket,
    /// By a token of that number.
    Token(i64),
    /// By a token that an OpenID provider has signed, of whoever this stands for.
    Vouched(u64),
    /// By a session of the page.
    Session(i64),
}

/// A known operator with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) operator: Actor,
    pub(super) role: Role,
    pub(super) by: Credential,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::unknown_caller)
    }
}
