//! The table: one row for each kind that is pushed to, and the kinds that are not.

mod back_channel_logout;
mod global_token_revocation;
mod scim;
mod ssf;
mod token;
mod webhook;

use super::row::Row;

/// Every kind that is pushed to.
pub(super) const PUSHED: &[Row] = &[
    ssf::PUSHED,
    ssf::MADE,
    global_token_revocation::ROW,
    back_channel_logout::ROW,
    webhook::ROW,
    scim::ROW,
];

/// Kinds that are not, with the test that holds them to the same rules. Of `ssf`, whose row is above, the way by poll is held to them in
/// `conformance::ssf`.
pub(super) const OTHERS: &[(&str, &str)] = &[("inbox", "daemon::inbox"), ("hr-csv", "conformance::hr_csv")];
