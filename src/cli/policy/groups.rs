//! `revoked policy groups` and `accept`: the people whom policy treats apart, and a list that has lost many of them.

use anyhow::Context as _;

use super::known;
use crate::cli::output::{Cell, Meaning, hanging, json, json_line, table};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs};
use crate::config::accept_group_list;
use crate::policy::Level;

/// Runs `revoked policy groups`.
///
/// # Errors
/// A config that is wrong, a store that cannot be read.
pub(super) async fn list(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = known::config(&at.config)?;
    let store = at.open_if_there().await?;
    known::complete(&config, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await;
    }
    let rows = config.policy.group_states(|group| {
        let file = config.group_files.iter().find(|file| file.group == group.name);
        file.and_then(|file| file.fault.as_ref()).map(ToString::to_string)
    });
    if as_json {
        rows.iter().try_for_each(json_line)?;
        return Ok(Exit::Ok);
    }
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}: an earlier list stands", row.group, row.fault.as_ref()?)))
        .collect();
    let cells = rows.into_iter().map(|row| {
        let asks = if row.hold { "always" } else { "-" };
        vec![
            Cell::from(row.group),
            if row.fault.is_some() {
                Cell::meaning(row.names.to_string(), Meaning::Bad)
            } else {
                row.names.to_string().into()
            },
            asks.into(),
            row.highest.unwrap_or(Level::Contain.word()).into(),
            row.approvals.to_string().into(),
            row.file.unwrap_or_else(|| "-".to_owned()).into(),
        ]
    });
    let headings = [
        "group",
        "names",
        "a human is asked",
        "feeds go as far as",
        "approvals?",
        "list?",
    ];
    table(&headings, cells.collect(), "no groups")?;
    faults.iter().try_for_each(|fault| hanging(fault))?;
    Ok(Exit::Ok)
}

/// Runs `revoked policy accept`.
///
/// # Errors
/// A group without a list, a list that cannot be read or names nobody.
pub(super) async fn accept(group: &str, at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = known::config(&at.config)?;
    let file = config.group_files.iter().find(|file| file.group == group);
    let file = file.with_context(|| format!("no group with a file is called {group:?}; see revoked policy groups"))?;
    let store = at.open().await?;
    let accepted = accept_group_list(&store, (group, &file.path), None, operator()).await;
    store.close().await;
    let accepted = accepted?;
    if as_json {
        json(&accepted)?;
    } else {
        hanging(&format!(
            "the list of {group} is accepted with {} names where it had {}: the daemon takes it within seconds",
            accepted.now, accepted.before
        ))?;
    }
    Ok(Exit::Ok)
}
