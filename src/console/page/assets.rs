//! The style sheet and the script, from the program itself.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::console::refusal::Refusal;

const FILES: &[(&str, &str, &str)] = &[
    ("console.css", "text/css; charset=utf-8", include_str!("assets/console.css")),
    ("report.css", "text/css; charset=utf-8", crate::report::STYLE),
    (
        "console.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/console.js"),
    ),
];

pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(name, ..)| *name == file) else {
        return Refusal(crate::api::Problem::not_found()).into_response();
    };
    ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
}
