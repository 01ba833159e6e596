//! What `check` finds about the channels on which people are told of alerts: whether each can be reached, how it fared, and what nobody is told of.

use super::surroundings::{Surrounding, reaches};
use crate::config::Config;
use crate::model::{ALERT_KINDS, Urgency};
use crate::notify::Channel;
use crate::store::{ChannelState, EXEC_CHANNEL, Store, StoreError};
use crate::targets::{Finding, Level};

/// How many kinds of alerts are named.
const NAMED: usize = 5;

/// The configured channels.
pub(super) async fn channels(config: &Config, store: Option<&Store>, offline: bool) -> Result<Vec<Surrounding>, StoreError> {
    let states = match store {
        Some(store) => store.channels().await?.rows,
        None => Vec::new(),
    };
    let mut found = Vec::new();
    for channel in &config.channels {
        let state = states.iter().find(|state| state.channel == channel.rules.name);
        found.push(Surrounding {
            name: channel.rules.name.clone(),
            kind: channel.rules.carrier.to_owned(),
            way: way(channel),
            findings: findings(channel, state, offline).await,
        });
    }
    let written: Vec<&Channel> = config
        .channels
        .iter()
        .filter(|channel| channel.rules.name != EXEC_CHANNEL)
        .collect();
    if let (Some(last), false) = (found.first_mut(), written.is_empty()) {
        last.findings.extend(of_all(&config.channels));
    }
    Ok(found)
}

fn way(channel: &Channel) -> String {
    let place = channel.carrier.as_ref().map(|carrier| carrier.place());
    let place = place.unwrap_or_else(|| "its secrets are the daemon's alone".to_owned());
    let whom = match channel.recipients.as_slice() {
        [only] if only.is_empty() => String::new(),
        recipients => format!(", to {}", recipients.join(", ")),
    };
    let names = if channel.details { ", with names" } else { "" };
    format!("is told {place}{whom}{names}")
}

async fn findings(channel: &Channel, state: Option<&ChannelState>, offline: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |level, what: String, advice: &str| {
        findings.push(Finding {
            level,
            what,
            advice: advice.to_owned(),
        });
    };
    if let Some((host, port)) = channel
        .carrier
        .as_ref()
        .and_then(|carrier| carrier.address())
        .filter(|_| !offline)
        && let Err(why) = reaches(&host, port).await
    {
        find(
            Level::Warning,
            format!("it cannot be reached: {why}"),
            "what is to be told there waits; revoked notify list shows how much",
        );
    }
    if let Some(why) = channel.carrier.as_ref().and_then(|carrier| carrier.obstacle()) {
        find(Level::Error, why, "mend that: what is to be told there waits");
    }
    let why = state.and_then(|state| state.last_error.clone()).unwrap_or_default();
    match state {
        Some(state) if state.off_since.is_some() => {
            find(
                Level::Error,
                format!("it is switched off: {why}"),
                "mend its keys, and restart the daemon",
            );
        }
        Some(state) if state.failing_since.is_some() => {
            find(
                Level::Warning,
                format!("it takes nothing: {why}"),
                "mend that: what is to be told there waits",
            );
        }
        _ => {}
    }
    let reaches_nobody_known = channel.reaches.is_empty() && channel.recipients.iter().all(String::is_empty);
    if reaches_nobody_known && !matches!(channel.rules.carrier, "[alerts] exec" | "alertmanager") {
        find(
            Level::Note,
            "reaches is not written: it is told also while somebody who reads it is being contained".to_owned(),
            "write whom it reaches, as reaches = [\"email:ann@example.org\"]",
        );
    }
    findings
}

/// What is wrong with all of them together.
fn of_all(channels: &[Channel]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let untold: Vec<&str> = ALERT_KINDS
        .iter()
        .filter(|(kind, urgency, _)| {
            !channels.iter().any(|channel| {
                let rules = &channel.rules;
                (rules.kinds.is_empty() || rules.kinds.iter().any(|wanted| wanted == kind))
                    && (!rules.urgent_only || *urgency == Urgency::Urgent)
            })
        })
        .map(|(kind, ..)| *kind)
        .collect();
    if !untold.is_empty() {
        let more = if untold.len() > NAMED { ", …" } else { "" };
        let named = untold.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        findings.push(Finding {
            level: Level::Note,
            what: format!("nobody is told of {} kinds of alerts: {named}{more}", untold.len()),
            advice: "leave kinds and urgency out of one channel, if somebody should be".to_owned(),
        });
    }
    if channels.len() == 1 {
        findings.push(Finding {
            level: Level::Warning,
            what: "it is the only channel: where it fails, nobody is told that it does".to_owned(),
            advice: "write another [[notify]], of another kind".to_owned(),
        });
    }
    findings
}
