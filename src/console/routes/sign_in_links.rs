//! Links that sign an operator in at the page, once.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::console::Console;
use crate::console::caller::{Caller, Credential};
use crate::console::refusal::Refusal;

/// A link that opens once, within five minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignInLink {
    /// Where to go. The code stands behind the `#`, so that no server and no log sees it.
    url: String,
    /// The code, for a browser without scripts.
    code: String,
}

/// Makes a link for whoever asks, with the same role.
#[utoipa::path(post, path = "/api/v1/sign-in-links", tag = "sign-in", operation_id = "make_sign_in_link",
    responses((status = 201, body = SignInLink)))]
pub(super) async fn make(State(console): State<Console>, caller: Caller) -> Result<(StatusCode, Answer<SignInLink>), Refusal> {
    if caller.by != Credential::Socket {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "a link is made at the host alone, by whoever may open the socket of a role",
        ));
    }
    let Some(origin) = &console.settings.origin else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "the page is not served: set origin and listen under [console]",
        ));
    };
    let code = console.store.make_sign_in_link(caller.operator, caller.role).await?;
    let url = format!("{origin}/sign-in#{code}");
    Ok((StatusCode::CREATED, Answer(SignInLink { url, code })))
}
