//! The stops of the tour: one file and one row for each way in. A kind of source without a stop fails a test.

use anyhow::Context as _;
use serde_json::Value;

use super::ground::{Ground, Stop};
use crate::http::read_body;

mod back_channel_logout;
mod global_token_revocation;
mod hr_csv;
mod inbox;
mod scim;
mod ssf;
mod ssf_push;
mod webhook;

/// What an answer may weigh.
const ANSWER_CAP: usize = 64 * 1024;

/// Every stop, in the order of the tour.
pub(super) const STOPS: &[Stop] = &[
    inbox::STOP,
    ssf_push::STOP,
    ssf::PUSHED,
    ssf::POLLED,
    global_token_revocation::STOP,
    back_channel_logout::STOP,
    webhook::STOP,
    scim::STOP,
    hr_csv::STOP,
];

/// The status of an answer in words, with what a refusal says.
async fn answered(response: reqwest::Response) -> anyhow::Result<String> {
    let status = response.status().to_string();
    let body = read_body(response, ANSWER_CAP).await.context("reading the daemon's answer")?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let why = ["description", "error_description", "detail"]
        .into_iter()
        .find_map(|member| body.get(member).and_then(Value::as_str));
    Ok(why.map_or_else(|| status.clone(), |why| format!("{status}: {why}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sources::KINDS;

    #[test]
    fn every_kind_of_source_has_a_stop() {
        let kinds: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let stops: BTreeSet<&str> = STOPS.iter().map(|stop| stop.kind).collect();
        assert_eq!(stops, kinds);
    }

    #[test]
    fn no_two_stops_share_a_person_or_a_source() {
        let people: BTreeSet<&str> = STOPS.iter().map(|stop| stop.who).collect();
        let sources: BTreeSet<&str> = STOPS.iter().map(|stop| stop.source).collect();
        assert_eq!((people.len(), sources.len()), (STOPS.len(), STOPS.len()));
    }
}
