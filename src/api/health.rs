//! Whether the daemon lives, whether it can take signals, and its metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Part;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use super::doorway::Doorway;

#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<String>,
}

/// 200 as long as the process answers at all.
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// 200 where signals can be taken, else 503 with the reasons.
pub(super) async fn readyz(Part(doorway): Part<Arc<Doorway>>) -> Response {
    let reasons = doorway.state.readiness.unready().await;
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, reasons })).into_response()
}

/// The metrics in Prometheus's text format.
pub(super) async fn metrics(Part(doorway): Part<Arc<Doorway>>) -> Response {
    doorway.state.gauges.refresh().await;
    let text = doorway.state.metrics.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
