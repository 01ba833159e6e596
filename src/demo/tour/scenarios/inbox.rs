//! An operator asks, from another process: a row in the table `inbox`.

use super::{Scenario, ScenarioContext};
use crate::clock::Clock;
use crate::model::Actor;
use crate::store::{InboxRow, Role, Store};

/// What the operator says.
const REASON: &str = "compromised";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "inbox",
    source: "inbox",
    who: "user13",
    sends: "an operator types: revoked revoke username:user13 --reason compromised",
    answer: "taken as row 1",
    reason: REASON,
    told_back: false,
    configure: |_| Ok(String::new()),
    send: |context| Box::pin(submit(context)),
};

/// What the command does: it opens the file in its own role and knows no other way to the daemon.
async fn submit(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let store = Store::open(&context.path("revoked.db"), Role::Command, Clock::system()).await?;
    let row = store
        .submit_request(InboxRow {
            subject: format!("username:{}", context.who.username),
            reason: REASON.to_owned(),
            requested_by: Actor::operator("demo", None).to_string(),
            note: Some("the laptop was left on a train".to_owned()),
            ..InboxRow::default()
        })
        .await?;
    store.close().await;
    Ok(format!("taken as row {row}"))
}
