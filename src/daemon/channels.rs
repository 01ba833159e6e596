//! The channels on which people are told of alerts: begun at the start, and anew where a new config names others.

use std::collections::BTreeMap;

use super::listeners::{Listeners, Work};
use super::notifications;
use crate::config::{Alerts, ConsoleSettings};
use crate::notify::Channel;
use crate::store::{Result, Store};

/// What tells on them, each by its name.
#[derive(Default)]
pub(super) struct Channels(BTreeMap<String, Work>);

impl Channels {
    /// Starts what tells people, each once what told on the same channel `before` has ended, and ends what has no channel any more. Says so where the
    /// program of `[alerts] exec` cannot be run: that keeps nobody's access from being ended.
    pub(super) async fn begin(
        store: &Store,
        (alerts, channels, console): (&Alerts, &[Channel], &ConsoleSettings),
        listeners: &Listeners,
        before: Self,
    ) -> Result<Self> {
        let rules = channels.iter().map(|channel| channel.rules.clone()).collect();
        store.set_channels(rules).await?;
        if let Some(fault) = &alerts.fault {
            notifications::tell_fault(store, fault).await?;
        }
        let (mut before, mut begun) = (before.0, BTreeMap::new());
        for channel in channels {
            let name = format!("the channel {}", channel.rules.name);
            let telling = |stop| notifications::run(store.clone(), channel.clone(), console.origin.clone(), stop);
            let work = listeners.spawn_after(before.remove(&name), &name, telling);
            begun.insert(name, work);
        }
        if !channels.is_empty() {
            let name = "the escalation of alerts".to_owned();
            let escalating = |stop| notifications::escalate(store.clone(), stop);
            let work = listeners.spawn_after(before.remove(&name), &name, escalating);
            begun.insert(name, work);
        }
        for gone in before.into_values() {
            gone.stop();
        }
        Ok(Self(begun))
    }
}
