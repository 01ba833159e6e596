//! The scenarios of the tour: one file and one row for each kind of source. A kind without a scenario fails a test.

use anyhow::Context as _;
use serde_json::Value;

use super::scenario::{Scenario, ScenarioContext};
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

/// Every scenario, in the order of the tour.
pub(super) const SCENARIOS: &[Scenario] = &[
    inbox::SCENARIO,
    ssf_push::SCENARIO,
    ssf::PUSHED,
    ssf::POLLED,
    global_token_revocation::SCENARIO,
    back_channel_logout::SCENARIO,
    webhook::SCENARIO,
    scim::SCENARIO,
    hr_csv::SCENARIO,
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
        let covered: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.kind).collect();
        assert_eq!(covered, kinds);
    }

    #[test]
    fn no_two_stops_share_a_person_or_a_source() {
        let people: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.who).collect();
        let sources: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.source).collect();
        assert_eq!((people.len(), sources.len()), (SCENARIOS.len(), SCENARIOS.len()));
    }
}
