//! `/livez`, `/readyz` and `/metrics`: liveness, readiness and metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use super::app_state::AppState;

#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<String>,
}

/// 200 as long as the process answers at all.
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// 200 where all is well with the daemon, else 503 with the reasons.
pub(super) async fn readyz(State(app): State<Arc<AppState>>) -> Response {
    let reasons = app.ports.readiness.unready().await;
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, reasons })).into_response()
}

/// The metrics in Prometheus's text format.
pub(super) async fn metrics(State(app): State<Arc<AppState>>) -> Response {
    app.ports.gauges.refresh().await;
    let text = app.ports.metrics.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
