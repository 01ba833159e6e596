//! Which role each route needs at least. A route that does not stand here is open to nobody.

use http::Method;

use crate::model::Role;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Whoever has this role, or a higher one.
    Role(Role),
    /// Everybody: there is nothing of anybody's there.
    Anybody,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Its method.
    pub method: &'static str,
    /// Its path, with the names of what is filled in.
    pub path: &'static str,
    /// Who may use it.
    pub least: Least,
}

const fn row(method: &'static str, path: &'static str, role: Role) -> Access {
    Access {
        method,
        path,
        least: Least::Role(role),
    }
}

const fn open(method: &'static str, path: &'static str) -> Access {
    Access {
        method,
        path,
        least: Least::Anybody,
    }
}

/// Every route.
pub const ROUTES: &[Access] = &[
    row("GET", "/api/v1/status", Role::Viewer),
    row("GET", "/api/v1/cases", Role::Viewer),
    row("GET", "/api/v1/cases/{id}", Role::Viewer),
    row("GET", "/api/v1/cases/{id}/report", Role::Viewer),
    row("POST", "/api/v1/cases/{id}/notes", Role::Requester),
    row("POST", "/api/v1/cases/{id}/cancellation", Role::Approver),
    row("GET", "/api/v1/cases/{id}/release", Role::Requester),
    row("POST", "/api/v1/cases/{id}/release", Role::Approver),
    row("POST", "/api/v1/cases/{id}/assignment", Role::Requester),
    row("POST", "/api/v1/requests", Role::Requester),
    row("GET", "/api/v1/requests/{id}", Role::Viewer),
    row("POST", "/api/v1/leaked", Role::Requester),
    row("POST", "/api/v1/batches/rehearsal", Role::Requester),
    row("POST", "/api/v1/batches", Role::Requester),
    row("GET", "/api/v1/batches", Role::Viewer),
    row("GET", "/api/v1/batches/{id}", Role::Viewer),
    row("GET", "/api/v1/batches/{id}/report", Role::Viewer),
    row("POST", "/api/v1/batches/{id}/pause", Role::Approver),
    row("POST", "/api/v1/batches/{id}/resumption", Role::Approver),
    row("POST", "/api/v1/batches/{id}/cancellation", Role::Approver),
    row("GET", "/api/v1/find", Role::Viewer),
    row("GET", "/api/v1/people", Role::Viewer),
    row("POST", "/api/v1/subjects/links", Role::Approver),
    row("POST", "/api/v1/subjects/unlinking", Role::Approver),
    row("GET", "/api/v1/subjects/unresolved", Role::Viewer),
    row("POST", "/api/v1/subjects/dismissal", Role::Approver),
    row("GET", "/api/v1/people/report", Role::Viewer),
    row("GET", "/api/v1/departures", Role::Viewer),
    row("GET", "/api/v1/departures/{id}", Role::Viewer),
    row("POST", "/api/v1/departures/{id}/cancellation", Role::Approver),
    row("GET", "/api/v1/targets", Role::Viewer),
    row("POST", "/api/v1/targets/{name}/pause", Role::Approver),
    row("POST", "/api/v1/targets/{name}/resumption", Role::Approver),
    row("GET", "/api/v1/jobs", Role::Viewer),
    row("GET", "/api/v1/ledger", Role::Viewer),
    row("GET", "/api/v1/sources", Role::Viewer),
    row("GET", "/api/v1/sources/{name}/rehearsed", Role::Viewer),
    row("GET", "/api/v1/policy/groups", Role::Viewer),
    row("POST", "/api/v1/policy/groups/{name}/acceptance", Role::Approver),
    row("POST", "/api/v1/policy/explanation", Role::Viewer),
    row("GET", "/api/v1/holds", Role::Viewer),
    row("GET", "/api/v1/holds/together", Role::Viewer),
    row("POST", "/api/v1/holds/decision", Role::Approver),
    row("GET", "/api/v1/holds/{id}", Role::Viewer),
    row("POST", "/api/v1/holds/{id}/approval", Role::Approver),
    row("POST", "/api/v1/holds/{id}/rejection", Role::Approver),
    row("GET", "/api/v1/alerts", Role::Viewer),
    row("POST", "/api/v1/alerts/{id}/acknowledgement", Role::Requester),
    row("GET", "/api/v1/reports/containment", Role::Viewer),
    row("GET", "/api/v1/handover", Role::Viewer),
    row("POST", "/api/v1/alerts/{id}/clearance", Role::Requester),
    row("GET", "/api/v1/trail", Role::Viewer),
    row("GET", "/api/v1/notifications", Role::Viewer),
    row("POST", "/api/v1/notifications/test", Role::Admin),
    row("GET", "/api/v1/transmitter", Role::Viewer),
    row("POST", "/api/v1/transmitter/{name}/retry", Role::Admin),
    row("POST", "/api/v1/transmitter/{name}/handshake", Role::Admin),
    row("POST", "/api/v1/reload", Role::Admin),
    row("POST", "/api/v1/erasures", Role::Admin),
    row("GET", "/api/v1/tokens", Role::Admin),
    row("POST", "/api/v1/tokens", Role::Admin),
    row("DELETE", "/api/v1/tokens/{id}", Role::Admin),
    row("POST", "/api/v1/sign-in-links", Role::Viewer),
    // Each command has a role of its own besides.
    row("POST", "/api/v1/commands", Role::Viewer),
    open("GET", "/api/v1/openapi.json"),
    row("GET", "/", Role::Viewer),
    row("GET", "/cases/{id}", Role::Viewer),
    row("GET", "/cases/{id}/report", Role::Viewer),
    row("POST", "/cases/{id}/notes", Role::Requester),
    row("POST", "/cases/{id}/cancellation", Role::Approver),
    row("GET", "/batches", Role::Viewer),
    row("POST", "/batches/rehearsal", Role::Requester),
    row("POST", "/batches", Role::Requester),
    row("GET", "/batches/{id}", Role::Viewer),
    row("POST", "/batches/{id}/pause", Role::Approver),
    row("POST", "/batches/{id}/resumption", Role::Approver),
    row("POST", "/batches/{id}/cancellation", Role::Approver),
    row("GET", "/holds", Role::Viewer),
    row("GET", "/holds/{id}", Role::Viewer),
    row("POST", "/holds/{id}", Role::Approver),
    row("GET", "/alerts", Role::Viewer),
    row("POST", "/alerts/{id}/acknowledgement", Role::Requester),
    row("GET", "/people", Role::Viewer),
    row("GET", "/people/report", Role::Viewer),
    row("GET", "/departures", Role::Viewer),
    row("GET", "/targets", Role::Viewer),
    row("GET", "/times", Role::Viewer),
    row("GET", "/trail", Role::Viewer),
    row("GET", "/changes", Role::Viewer),
    row("POST", "/sign-out", Role::Viewer),
    open("GET", "/sign-in"),
    open("POST", "/sign-in"),
    open("GET", "/sign-in/organisation"),
    open("GET", "/sign-in/callback"),
    open("GET", "/static/{file}"),
];

/// Who may use the route of that method and path.
///
/// # Errors
/// The methods that the path does take; none where nothing is there.
pub fn least(method: &Method, path: &str) -> Result<Least, Vec<Method>> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let here = || ROUTES.iter().filter(|route| route.path == path);
    match here().find(|route| route.method == method) {
        Some(route) => Ok(route.least),
        None => Err(here().filter_map(|route| route.method.parse().ok()).collect()),
    }
}
