//! Telling people of alerts: begun at the start, and anew where a new config names other channels.

use super::listeners::{Listeners, Work};
use super::notifications;
use crate::config::Config;
use crate::store::{Result, Store};

/// Starts what tells people of alerts, and says so where the program of `[alerts] exec` cannot be run: that keeps nobody's access from being ended.
pub(super) async fn begin(store: &Store, config: &Config, listeners: &Listeners) -> Result<Vec<Work>> {
    if let Some(fault) = &config.alerts.fault {
        notifications::tell_fault(store, fault).await?;
    }
    let mut works = Vec::with_capacity(config.channels.len() + 1);
    for channel in &config.channels {
        let name = format!("the channel {}", channel.rules.name);
        let telling = |stop| notifications::run(store.clone(), channel.clone(), config.console.origin.clone(), stop);
        works.push(listeners.spawn_after(None, &name, telling));
    }
    if !config.channels.is_empty() {
        let looking = |stop| notifications::escalate(store.clone(), stop);
        works.push(listeners.spawn_after(None, "the escalation of alerts", looking));
    }
    Ok(works)
}
