//! SCIM over HTTP: `router` (where a path leads), `bearer` (who calls), `answer` (what a client is told), `discovery` (what the server says
//! about itself).

pub(super) mod answer;
pub(super) mod bearer;
pub(super) mod discovery;
pub(super) mod router;
