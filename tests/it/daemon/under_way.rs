//! Installations with something under way, from which several tests begin.

use revoked_sandbox::{Effect, Fault};
use tokio::time::timeout;

use super::{BOUND, DaemonProcess, Installation, InstallationPlan};
use crate::harness::identity_provider::{self, Idp};

/// A daemon that is told by an identity provider whose sessions are to end.
pub(super) async fn with_identity_provider() -> (Installation, Idp, DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        more: identity_provider::SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    let running = site.start().await;
    (site, idp, running)
}

/// A daemon in the middle of eighty departures, more than are at work at once, that has been stopped in good order.
pub(super) async fn stopped_in_the_middle() -> Installation {
    let site = Installation::new(InstallationPlan {
        people: 80,
        rate: "60/s",
        policy: "departures_per_hour = \"unlimited\"",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.ask_for(1..=80, "departed").await;
    timeout(BOUND, site.chat().until(|_, requests| requests.len() > 25))
        .await
        .unwrap();
    running.stop().await;
    site
}

/// A daemon whose call to end somebody's sessions hangs, with its intent on record.
pub(super) async fn with_a_call_that_hangs() -> (Installation, DaemonProcess) {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let hang = Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Latency(600_000));
    site.chat().faults().add(hang);
    site.ask_for(1..=1, "compromised").await;
    site.until_under_way("end_all_sessions").await;
    (site, running)
}
