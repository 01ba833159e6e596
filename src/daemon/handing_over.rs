//! Handing alerts over: begun at the start, and anew where a new config names another program.

use super::alert_program;
use super::listeners::{Listeners, Work};
use crate::config::Alerts;
use crate::store::{Result, Store};

/// Starts what hands alerts over once `before` has ended, and says so where its program cannot be run: that keeps nobody's access from being ended.
pub(super) async fn begin(store: &Store, alerts: &Alerts, listeners: &Listeners, before: Option<Work>) -> Result<Option<Work>> {
    store.begin_handing_over(alerts.program.is_some()).await?;
    if let Some(fault) = &alerts.fault {
        alert_program::tell_fault(store, fault).await?;
    }
    let Some(program) = alerts.program.clone() else {
        if let Some(before) = before {
            before.stop();
        }
        return Ok(None);
    };
    let handing = |stop| alert_program::run(store.clone(), program, stop);
    Ok(Some(listeners.spawn_after(before, "the handing over of alerts", handing)))
}
